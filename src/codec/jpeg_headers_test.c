// SPDX-License-Identifier: Apache-2.0
/* JPEG headers: what is read out of images, and what is written for scans that come without them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/jpeg_headers.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ONES "0101010101010101010101010101010101010101010101010101010101010101"
#define TWOS "0202020202020202020202020202020202020202020202020202020202020202"
#define SOI "ffd8"
#define JFIF "ffe000104a46494600010100000100010000"
#define DQT_0 "ffdb004300" ONES ONES
#define DQT_1 "ffdb004301" TWOS TWOS
#define SOF                                                                                        \
    "ffc0001108003000400301220002110103"                                                           \
    "1101" /* 64 x 48, 4:2:0 */
#define SOS "ffda000c03010002110311003f00"
/* T.81 Table K.3, for luminance */
#define DHT_DC                                                                                     \
    "ffc4001f00"                                                                                   \
    "00010501010101010100000000000000"                                                             \
    "000102030405060708090a0b"

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        const char digits[3] = {hex[0], hex[1], 0};
        out[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

/* From memory of its exact size: the sanitizers and valgrind see each byte too many. */
static int parse(const char *hex, size_t size, struct fv_jpeg_image *ret_jpeg)
{
    uint8_t data[2048];
    size_t whole = unhex(hex, data);
    if (size > whole)
        size = whole;
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    int rc = fv_jpeg_read_headers(copy, size, ret_jpeg);
    if (rc == 0) /* as offsets: the bytes are gone */
        for (unsigned i = 0; i < 2; i++)
            ret_jpeg->tables[i] = (const uint8_t *)(uintptr_t)(ret_jpeg->tables[i] - copy);
    free(copy);
    return rc;
}

static void test_image(void **state)
{
    static const char image[] = SOI JFIF DQT_0 DQT_1 DHT_DC "ffdd00040007" SOF SOS "aabbffd9";
    struct fv_jpeg_image jpeg;
    assert_int_equal(parse(image, SIZE_MAX, &jpeg), 0);
    assert_int_equal(jpeg.format.codec, FV_CODEC_JPEG);
    assert_int_equal(jpeg.format.width, 64);
    assert_int_equal(jpeg.format.height, 48);
    assert_int_equal(jpeg.format.chroma, 1);
    assert_int_equal(jpeg.format.bit_depth, 8);
    assert_int_equal(jpeg.restart_interval, 7);
    assert_int_equal(jpeg.sampling[0], 0x22);
    assert_int_equal(jpeg.sampling[2], 0x11);
    assert_true(jpeg.usual_huffman);
    const size_t front = 2 + 18;
    assert_int_equal((uintptr_t)jpeg.tables[0], front + 5);
    assert_int_equal((uintptr_t)jpeg.tables[1], front + 69 + 5);
    assert_int_equal(jpeg.scan, strlen(image) / 2 - 4);
    for (size_t size = 0; size < jpeg.scan; size++)
        assert_int_equal(parse(image, size, &jpeg), -EBADMSG);
}

static void test_kinds(void **state)
{
    static const struct {
        const char *what, *image;
        int rc, chroma;
    } cases[] = {
        {"grey",
         SOI DQT_0 "ffc0000b080030004001011100"
                   "ffda00080101003f0000"
                   "00",
         0, 0},
        {"4:2:2", SOI DQT_0 "ffc00011080030004003012100021100031100" SOS, 0, 2},
        {"4:2:2 as some write it", SOI DQT_0 "ffc00011080030004003012200021200031200" SOS, 0, 2},
        {"4:4:4", SOI DQT_0 "ffc00011080030004003011100021100031100" SOS, 0, 3},
        {"extended", SOI DQT_0 "ffc10011080030004003011100021100031100" SOS, 0, 3},
        {"fill bytes",
         SOI "ffffff"
             "db004300" ONES ONES SOF "ffffffda000c03010002110311003f00",
         -EBADMSG, 0}, /* table 1 is missing */
        {"4:1:1", SOI DQT_0 "ffc00011080030004003014100021100031100" SOS, -ENOTSUP, 0},
        {"unlike chroma", SOI DQT_0 "ffc00011080030004003012200021100031200" SOS, -ENOTSUP, 0},
        {"progressive", SOI DQT_0 "ffc20011080030004003011100021100031100" SOS, 0, 3},
        {"arithmetic", SOI DQT_0 "ffc90011080030004003011100021100031100" SOS, -ENOTSUP, 0},
        {"12 bits", SOI DQT_0 "ffc100110c0030004003011100021100031100" SOS, -ENOTSUP, 0},
        {"CMYK",
         SOI DQT_0 "ffc000140800300040040111000211000311000411"
                   "00" SOS,
         -ENOTSUP, 0},
        {"height behind the scan", SOI DQT_0 "ffc00011080000004003011100021100031100" SOS, -ENOTSUP,
         0},
        {"too wide", SOI DQT_0 "ffc00011080030400103011100021100031100" SOS, -ENOTSUP, 0},
        {"a scan for each component",
         SOI DQT_0 "ffc00011080030004003011100021100031100"
                   "ffda00080101003f0000",
         -ENOTSUP, 0},
        {"a table for each component",
         SOI DQT_0 DQT_1 "ffdb004302" TWOS TWOS "ffc00011080030004003011100021101031102" SOS,
         -ENOTSUP, 0},
        {"no frame", SOI DQT_0 SOS, -EBADMSG, 0},
        {"no image", "d8ff", -EBADMSG, 0},
        {"components cut", SOI DQT_0 "ffc0000e080030004003011100021100" SOS, -EBADMSG, 0},
        {"table 4", SOI "ffdb004304" ONES ONES SOF SOS, -EBADMSG, 0},
        {"table of 32 bits", SOI "ffdb004320" ONES ONES SOF SOS, -EBADMSG, 0},
        {"restart interval of a byte", SOI DQT_0 "ffdd000307" SOF SOS, -EBADMSG, 0},
        {"codes without values",
         SOI DQT_0 "ffc4001300"
                   "00010000000000000000000000000000" SOF SOS,
         -EBADMSG, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fv_jpeg_image jpeg;
        print_message("%s\n", cases[i].what);
        assert_int_equal(parse(cases[i].image, SIZE_MAX, &jpeg), cases[i].rc);
        if (cases[i].rc == 0)
            assert_int_equal(jpeg.format.chroma, cases[i].chroma);
    }
}

/* Optimised Huffman tables are told from the usual ones. */
static void test_huffman(void **state)
{
    static const char other[] = SOI DQT_0 DQT_1 "ffc4001f00"
                                                "00010501010101010100000000000000"
                                                "000102030405060708090a0c" SOF SOS;
    struct fv_jpeg_image jpeg;
    assert_int_equal(parse(other, SIZE_MAX, &jpeg), 0);
    assert_false(jpeg.usual_huffman);
}

/* What is written reads back. */
static void test_round(void **state)
{
    uint8_t tables[2 * FV_JPEG_TABLE], out[FV_JPEG_HEADERS_MAX] = {0xff, FV_JPEG_SOI};
    fv_jpeg_quality_tables(75, tables);
    struct fv_jpeg_headers headers = {
        .width = 1920,
        .height = 1080,
        .vertical = true,
        .tables = {tables, tables + FV_JPEG_TABLE},
        .restart_interval = 120,
    };
    size_t size = 2;
    size += fv_jpeg_write_tables(&headers, out + size);
    size += fv_jpeg_write_huffman(out + size);
    size += fv_jpeg_write_restart(&headers, out + size);
    size += fv_jpeg_write_frame(&headers, out + size);
    size += fv_jpeg_write_scan(out + size);
    struct fv_jpeg_image jpeg;
    assert_int_equal(fv_jpeg_read_headers(out, size, &jpeg), 0);
    assert_int_equal(jpeg.scan, size);
    assert_int_equal(jpeg.format.width, 1920);
    assert_int_equal(jpeg.format.height, 1080);
    assert_int_equal(jpeg.restart_interval, 120);
    assert_true(jpeg.usual_huffman);
    assert_memory_equal(jpeg.tables[0], tables, FV_JPEG_TABLE);
    assert_memory_equal(jpeg.tables[1], tables + FV_JPEG_TABLE, FV_JPEG_TABLE);
}

#define CODE "00010000000000000000000000000000" /* one, of two bits */
#define TABLE(id) "ffc40014" id CODE "00"
#define TABLES TABLE("00") TABLE("10") TABLE("01") TABLE("11")
#define DQT_WIDE "ffdb008310" ONES ONES ONES ONES
#define GREY "ffc0000b080030004001011100"
#define GREY_SOS "ffda0008010100003f00"
#define EACH(id) "ffda000801" id "00003f00" /* a scan of one component */
#define THREE "ffc00011080030004003011100021100031100"

static int check_bytes(const uint8_t *bytes, size_t size, size_t *ret_end, struct fv_error *err)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    int rc = fv_jpeg_check(copy, size, ret_end, err);
    free(copy);
    return rc;
}

/* Sound up to and with the header of the last scan, and not before. */
static void test_check_sound(void **state)
{
    static const struct {
        const char *hex;
        size_t taken;
    } rests[] = {
        {"ff", 1},           {"aabb", 2},
        {"aaffd9ff", 3},     {"ff00ffd0ffd7ff01ffbfbbff", 12},
        {"aaffffd9", 4},     {"aaffd9ffd8ff", 3},
        {"aaffffc40014", 2}, {"ffc000", 0},
        {"aaffdaffd9", 1},
    };
    static const char *const images[] = {
        SOI JFIF DQT_0 DQT_1 SOF SOS,
        SOI JFIF "fffe00046869" DQT_0 DQT_1 TABLES "ffdd00040007" SOF SOS,
        SOI "ffff" DQT_WIDE "ffffff"
            "c4001f00" /* of T.81 K.3, filled up to twelve values */
            "00010501010101010100000000000000"
            "000102030405060708090a0b" TABLE("10") GREY "ff" GREY_SOS,
        SOI DQT_0 THREE EACH("01") "11ff0022ffd033" EACH("02") "44" DQT_0 TABLE("00")
            TABLE("10") "ffffdd00040000" EACH("03"),
        SOI DQT_0 "ffc2000b080030004001011100" TABLE("00") "ffda0008010100000000",
        SOI DQT_0 "ffc4002000"
                  "0000000d000000000000000000000000"
                  "000102030405060708090a0b0c"
                  "ffc2000b080030004001011100"
                  "ffda0008010100000000",
    };
    for (size_t i = 0; i < COUNT(images); i++) {
        uint8_t data[2048];
        const size_t size = unhex(images[i], data);
        struct fv_error err = {0};
        size_t end;
        for (size_t n = 0; n < size; n++)
            assert_int_equal(check_bytes(data, n, &end, &err), -EBADMSG);
        assert_int_equal(check_bytes(data, size, &end, NULL), 0);
        assert_int_equal(end, size);
        for (size_t n = 0; n < COUNT(rests); n++) {
            const size_t more = unhex(rests[n].hex, data + size);
            assert_int_equal(check_bytes(data, size + more, &end, NULL), 0);
            assert_int_equal(end, size + rests[n].taken);
        }
    }
}

static void test_check_broken(void **state)
{
    static const struct {
        const char *image, *words;
        int rc;
    } cases[] = {
        {"d8ff", "no image", -EBADMSG},
        {SOI SOI DQT_0 GREY GREY_SOS, "headers", -EBADMSG},
        {SOI DQT_0 "ffd9" GREY GREY_SOS, "headers", -EBADMSG},
        {SOI DQT_0 "ffdb0000" GREY GREY_SOS, "headers", -EBADMSG},
        {SOI DQT_0 "ffe00001" GREY GREY_SOS, "headers", -EBADMSG},
        {SOI DQT_0 "ffcc00040010" GREY GREY_SOS, "headers", -EBADMSG},
        {SOI DQT_0 GREY "ffdc00040030" GREY_SOS, "headers", -EBADMSG},
        {SOI DQT_0 "fff70003" GREY GREY_SOS, "headers", -EBADMSG},
        {SOI DQT_0 TABLE("04") GREY GREY_SOS, "a Huffman table", -EBADMSG},
        {SOI DQT_0 TABLE("1f") GREY GREY_SOS, "a Huffman table", -EBADMSG},
        {SOI DQT_0 TABLE("20") GREY GREY_SOS, "a Huffman table", -EBADMSG},
        {SOI DQT_0 "ffc4001600"
                   "03000000000000000000000000000000"
                   "000102" GREY GREY_SOS,
         "a Huffman table", -EBADMSG}, /* three codes of one bit */
        {SOI DQT_0 "ffc4001500" CODE "0000" GREY GREY_SOS, "a Huffman table", -EBADMSG},
        {SOI DQT_0 "ffc4001300" CODE GREY GREY_SOS, "a Huffman table", -EBADMSG},
        {SOI DQT_0 TABLE("10") "ffc4002000"
                               "0000000d000000000000000000000000"
                               "000102030405060708090a0b0c" GREY GREY_SOS,
         "a scan's header", -EBADMSG}, /* thirteen values */
        {SOI DQT_0 TABLE("00") GREY GREY_SOS, "a scan's header", -EBADMSG},
        {SOI DQT_0 TABLE("00") TABLE("11") GREY GREY_SOS, "a scan's header", -EBADMSG},
        {SOI "ffdb004304" ONES ONES GREY GREY_SOS, "a quantization table", -EBADMSG},
        {SOI "ffdb004310" ONES ONES GREY GREY_SOS, "a quantization table", -EBADMSG},
        {SOI "ffdb004420" ONES ONES "00" GREY GREY_SOS, "a quantization table", -EBADMSG},
        {SOI "ffdb004400" ONES ONES "00" GREY GREY_SOS, "a quantization table", -EBADMSG},
        {SOI GREY GREY_SOS, "a scan's header", -EBADMSG},
        {SOI DQT_1 GREY GREY_SOS, "a scan's header", -EBADMSG},
        {SOI DQT_0 "ffc0000b080030004001011104" GREY_SOS, "a scan's header", -EBADMSG},
        {SOI DQT_0 "ffdd0002" GREY GREY_SOS, "the restart interval", -EBADMSG},
        {SOI DQT_0 "ffdd0005000700" GREY GREY_SOS, "the restart interval", -EBADMSG},
        {SOI DQT_0 GREY GREY GREY_SOS, "the frame header", -EBADMSG},
        {SOI DQT_0 "ffc0000c08003000400101110000" GREY_SOS, "the frame header", -EBADMSG},
        {SOI DQT_0 "ffc0000a0800300040010111" GREY_SOS, "the frame header", -EBADMSG},
        {SOI DQT_0 "ffc9000b080030004001011100" GREY_SOS, "of this kind", -ENOTSUP},
        {SOI DQT_0 "ffc0000b080030004001010100" GREY_SOS, "the frame header", -EBADMSG},
        {SOI DQT_0 "ffc0000b080030004001015100" GREY_SOS, "the frame header", -EBADMSG},
        {SOI DQT_0 "ffc00011080030004003011100021100021100" SOS, "the frame header", -EBADMSG},
        {SOI DQT_0 GREY_SOS GREY, "a scan's header", -EBADMSG},
        {SOI DQT_0 GREY "ffda0002", "a scan's header", -EBADMSG},
        {SOI DQT_0 GREY "ffda000600003f00", "a scan's header", -EBADMSG},
        {SOI DQT_0 GREY "ffda0009010100003f0000", "a scan's header", -EBADMSG},
        {SOI DQT_0 GREY "ffda0008010200003f00", "a scan's header", -EBADMSG},
        {SOI DQT_0 GREY "ffda0008010140003f00", "a scan's header", -EBADMSG},
        {SOI DQT_0 GREY "ffda0008010104003f00", "a scan's header", -EBADMSG},
        {SOI DQT_0 GREY "ffda000a0201000100003f00", "a scan's header", -EBADMSG},
        {SOI DQT_0 THREE "ffda000c03020001000300003f00", "a scan's header", -EBADMSG},
        {SOI DQT_0 THREE "ffda000a0201000200003f00"
                         "55" EACH("01"),
         "has no scan", -EBADMSG},
        {SOI DQT_0 THREE EACH("01") "55fffe000468690000" EACH("02") EACH("03"), "headers",
         -EBADMSG},
        {SOI DQT_0 THREE EACH("01") "55" EACH("02") "66" THREE EACH("03"), "the frame header",
         -EBADMSG},
        {SOI DQT_0 THREE EACH("01") "55ff0066", "no scan", -EBADMSG},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t data[2048];
        struct fv_error err = {0};
        size_t end;
        print_message("%zu\n", i);
        assert_int_equal(check_bytes(data, unhex(cases[i].image, data), &end, &err), cases[i].rc);
        assert_int_equal(err.code, cases[i].rc);
        assert_non_null(strstr(err.text, cases[i].words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image),       cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_huffman),     cmocka_unit_test(test_round),
        cmocka_unit_test(test_check_sound), cmocka_unit_test(test_check_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
