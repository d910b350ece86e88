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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_huffman),
        cmocka_unit_test(test_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
