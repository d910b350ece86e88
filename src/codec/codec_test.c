// SPDX-License-Identifier: Apache-2.0
/* Expected values of the cameras' parameter sets: worked out by hand (bunny, bit by bit) or checked against FFmpeg's trace_headers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/bits.h"
#include "codec/codec.h"
#include "codec/h265.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        const char digits[3] = {hex[0], hex[1], 0};
        out[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

/* Bits */

static void test_bits_fixed(void **state)
{
    const uint8_t data[] = {0xa5, 0x0f, 0xff, 0xff, 0xff, 0xff};
    struct fv_bits bits;
    fv_bits_init(&bits, data, sizeof(data));
    assert_int_equal(fv_bits_u(&bits, 0), 0);
    assert_int_equal(fv_bits_u(&bits, 1), 1);
    assert_int_equal(fv_bits_u(&bits, 7), 0x25);
    assert_int_equal(fv_bits_u(&bits, 12), 0x0ff);
    fv_bits_skip(&bits, 4);
    assert_int_equal(fv_bits_u(&bits, 24), 0xffffff);
    assert_false(bits.error);
    assert_int_equal(fv_bits_u(&bits, 1), 0);
    assert_true(bits.error);
    fv_bits_init(&bits, data, 4);
    assert_int_equal(fv_bits_u(&bits, 32), 0xa50fffff);
    fv_bits_init(&bits, data, 4);
    fv_bits_skip(&bits, 33);
    assert_true(bits.error);
    assert_int_equal(fv_bits_u(&bits, 8), 0); /* the error sticks */
}

static void test_bits_golomb(void **state)
{
    /* 9.1: 1 -> 0, 010 -> 1, 011 -> 2, 00100 -> 3, 00111 -> 6, 0001000 -> 7: 1 010 011 00100 00111 0001000 + 00000001 */
    const uint8_t data[] = {0xa6, 0x43, 0x88, 0x01};
    struct fv_bits bits;
    const uint32_t expected[] = {0, 1, 2, 3, 6, 7};
    fv_bits_init(&bits, data, sizeof(data));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_int_equal(fv_bits_ue(&bits), expected[i]);
    assert_false(bits.error);
    assert_int_equal(fv_bits_ue(&bits), 0); /* zeros up to the last bit: the suffix is missing */
    assert_true(bits.error);
    const int32_t signed_values[] = {0, 1, -1, 2, -3, 4};
    fv_bits_init(&bits, data, sizeof(data));
    for (size_t i = 0; i < COUNT(signed_values); i++)
        assert_int_equal(fv_bits_se(&bits), signed_values[i]);
}

static void test_bits_golomb_limits(void **state)
{
    /* 31 zeros, a one, 31 ones: the largest value, 2^32 - 2. */
    const uint8_t largest[] = {0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe};
    struct fv_bits bits;
    fv_bits_init(&bits, largest, sizeof(largest));
    assert_int_equal(fv_bits_ue(&bits), 0xfffffffe);
    fv_bits_init(&bits, largest, sizeof(largest));
    assert_int_equal(fv_bits_se(&bits), -0x7fffffff);
    const uint8_t too_long[] = {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff};
    fv_bits_init(&bits, too_long, sizeof(too_long));
    assert_int_equal(fv_bits_ue(&bits), 0);
    assert_true(bits.error);
    fv_bits_init(&bits, NULL, 0);
    assert_int_equal(fv_bits_ue(&bits), 0);
    assert_true(bits.error);
}

/* Annex B */

struct annexb_case {
    const char *name, *stream;
    const char *nals[4]; /* until NULL */
};

static const struct annexb_case annexb_cases[] = {
    {"empty", "", {NULL}},
    {"no start code", "0102030000", {NULL}},
    {"start code only", "000001", {NULL}},
    {"three bytes", "00000165", {"65"}},
    {"four bytes", "0000000165aa", {"65aa"}},
    {"two", "00000001670000000168", {"67", "68"}},
    {"trailing zeros", "00000165800000000000000141", {"6580", "41"}},
    {"zeros at the end", "0000016580000000", {"6580"}},
    {"bytes before", "ffff00000165", {"65"}},
    {"empty units", "0000010000010000000165", {"65"}},
    {"almost a start code", "000001650000036500006500010065", {"650000036500006500010065"}},
    {"every alignment",
     "00000165010000014101020000014201020300000143",
     {"6501", "410102", "42010203", "43"}},
};

static void test_annexb(void **state)
{
    for (size_t i = 0; i < COUNT(annexb_cases); i++) {
        const struct annexb_case *c = &annexb_cases[i];
        print_message("%s\n", c->name);
        uint8_t stream[64], expected[64];
        struct fv_annexb it;
        struct fv_nal nal;
        fv_annexb_init(&it, stream, unhex(c->stream, stream));
        for (size_t n = 0; n < COUNT(c->nals) && c->nals[n]; n++) {
            assert_true(fv_annexb_next(&it, &nal));
            assert_int_equal(nal.size, unhex(c->nals[n], expected));
            assert_memory_equal(nal.data, expected, nal.size);
        }
        assert_false(fv_annexb_next(&it, &nal));
    }
}

static void test_annexb_peek(void **state)
{
    uint8_t stream[64];
    struct fv_annexb it;
    struct fv_nal nal;
    fv_annexb_init(&it, stream, unhex("0000000167aa00000165bb", stream));
    assert_true(fv_annexb_peek(&it, &nal) && nal.data[0] == 0x67 && nal.size == 7);
    assert_true(fv_annexb_next(&it, &nal) && nal.size == 2);
    assert_true(fv_annexb_peek(&it, &nal) && nal.data[0] == 0x65 && nal.size == 2);
    assert_true(fv_annexb_next(&it, &nal) && nal.size == 2);
    assert_false(fv_annexb_peek(&it, &nal));
    fv_annexb_init(&it, stream, unhex("000001", stream));
    assert_false(fv_annexb_peek(&it, &nal));
}

static void test_unescape(void **state)
{
    const uint8_t nal[] = {0, 0, 3, 1, 0, 0, 3, 0, 0, 3, 3, 0, 3};
    const uint8_t expected[] = {0, 0, 1, 0, 0, 0, 0, 3, 0, 3};
    uint8_t out[16];
    assert_int_equal(fv_rbsp_unescape(nal, sizeof(nal), out, sizeof(out)), sizeof(expected));
    assert_memory_equal(out, expected, sizeof(expected));
    assert_int_equal(fv_rbsp_unescape(nal, sizeof(nal), out, 3), 3);
    assert_int_equal(fv_rbsp_unescape(nal, 0, out, sizeof(out)), 0);
}

/* Kinds */

static void test_kinds(void **state)
{
    static const struct {
        enum fv_codec codec;
        const char *nal;
        enum fv_nal_kind kind;
    } cases[] = {
        {FV_CODEC_H264, "", FV_NAL_INVALID},
        {FV_CODEC_H264, "67", FV_NAL_SPS},
        {FV_CODEC_H264, "27", FV_NAL_SPS},
        {FV_CODEC_H264, "e7", FV_NAL_INVALID}, /* forbidden_zero_bit */
        {FV_CODEC_H264, "68", FV_NAL_PPS},
        {FV_CODEC_H264, "65", FV_NAL_SLICE_KEY},
        {FV_CODEC_H264, "41", FV_NAL_SLICE},
        {FV_CODEC_H264, "01", FV_NAL_SLICE},
        {FV_CODEC_H264, "06", FV_NAL_SEI},
        {FV_CODEC_H264, "09", FV_NAL_AUD},
        {FV_CODEC_H264, "0a", FV_NAL_END},
        {FV_CODEC_H264, "0c", FV_NAL_END},
        {FV_CODEC_H264, "00", FV_NAL_INVALID},
        {FV_CODEC_H264, "78", FV_NAL_INVALID}, /* STAP-A */
        {FV_CODEC_H264, "7c", FV_NAL_INVALID}, /* FU-A */
        {FV_CODEC_H264, "6e", FV_NAL_OTHER},   /* prefix NAL unit */
        {FV_CODEC_H265, "40", FV_NAL_INVALID}, /* half a header */
        {FV_CODEC_H265, "4001", FV_NAL_VPS},
        {FV_CODEC_H265, "4201", FV_NAL_SPS},
        {FV_CODEC_H265, "4401", FV_NAL_PPS},
        {FV_CODEC_H265, "4601", FV_NAL_AUD},
        {FV_CODEC_H265, "4e01", FV_NAL_SEI},
        {FV_CODEC_H265, "5001", FV_NAL_END},       /* suffix SEI */
        {FV_CODEC_H265, "4801", FV_NAL_END},       /* end of sequence */
        {FV_CODEC_H265, "2601", FV_NAL_SLICE_KEY}, /* IDR_W_RADL */
        {FV_CODEC_H265, "2a01", FV_NAL_SLICE_KEY}, /* CRA */
        {FV_CODEC_H265, "2001", FV_NAL_SLICE_KEY}, /* BLA_W_LP */
        {FV_CODEC_H265, "0201", FV_NAL_SLICE},
        {FV_CODEC_H265, "1201", FV_NAL_SLICE},   /* RASL_R */
        {FV_CODEC_H265, "2c01", FV_NAL_OTHER},   /* reserved IRAP 22 */
        {FV_CODEC_H265, "2600", FV_NAL_INVALID}, /* nuh_temporal_id_plus1 is 0 */
        {FV_CODEC_H265, "a601", FV_NAL_INVALID},
        {FV_CODEC_H265, "6001", FV_NAL_INVALID}, /* AP */
        {FV_CODEC_H265, "6201", FV_NAL_INVALID}, /* FU */
        {FV_CODEC_H265, "6401", FV_NAL_INVALID}, /* PACI */
        {FV_CODEC_H265, "2609", FV_NAL_OTHER},   /* layer 1 */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t nal[8];
        size_t size = unhex(cases[i].nal, nal);
        print_message("%s %s\n", fv_codec_name(cases[i].codec), cases[i].nal);
        assert_int_equal(fv_codec_ops(cases[i].codec)->kind(nal, size), cases[i].kind);
    }
}

static void test_lookup(void **state)
{
    assert_null(fv_codec_ops(FV_CODEC_NONE));
    assert_string_equal(fv_codec_by_rtp_name("h264", 4)->name, "h264");
    assert_string_equal(fv_codec_by_rtp_name("H265/90000", 4)->name, "h265");
    assert_null(fv_codec_by_rtp_name("HEVC", 4));
    assert_null(fv_codec_by_rtp_name("H26", 3));
    assert_null(fv_codec_by_rtp_name("", 0));
}

static void test_first_slice(void **state)
{
    const struct fv_codec_ops *h264 = fv_codec_ops(FV_CODEC_H264),
                              *h265 = fv_codec_ops(FV_CODEC_H265);
    assert_true(h264->first_slice((const uint8_t[]){0x65, 0x88}, 2));
    assert_false(h264->first_slice((const uint8_t[]){0x65, 0x7f}, 2));
    assert_false(h264->first_slice((const uint8_t[]){0x65}, 1));
    assert_true(h265->first_slice((const uint8_t[]){0x26, 0x01, 0xaf}, 3));
    assert_false(h265->first_slice((const uint8_t[]){0x26, 0x01, 0x2f}, 3));
    assert_false(h265->first_slice((const uint8_t[]){0x26, 0x01}, 2));
}

/* Sequence parameter sets */

struct sps_case {
    const char *name, *sps;
    struct fv_video_format format;
};

#define H264(profile_idc, level_idc)                                                               \
    .codec = FV_CODEC_H264, .profile = profile_idc, .level = level_idc
#define H265(profile_idc, level_idc)                                                               \
    .codec = FV_CODEC_H265, .profile = profile_idc, .level = level_idc, .reorder_known = true
#define SIZE(w, h) .width = w, .height = h, .coded_width = w, .coded_height = h
#define CROPPED(w, h, cw, ch) .width = w, .height = h, .coded_width = cw, .coded_height = ch
#define YUV420 .bit_depth = 8, .chroma = 1
#define FPS(num, den) .fps_num = num, .fps_den = den

static const struct sps_case sps_cases[] = {
    {"bunny",
     "6742c01ed903c56840000003004000000c03c58b92",
     {H264(66, 30), SIZE(240, 160), YUV420, .matrix = 2, .max_ref_frames = 3, .reorder_known = true,
      FPS(24, 1)}},
    {"anpviz, no timing",
     "674d401f95a02c049a6c04",
     {H264(77, 31), SIZE(704, 576), YUV420, .matrix = 2, .full_range = true, .max_ref_frames = 1,
      .reorder_known = true}},
    {"dahua, high profile",
     "6764001eac2c6a82c0f69b828082a0000003002000000303d08000",
     {H264(100, 30), SIZE(704, 480), YUV420, .matrix = 5, .full_range = true, .max_ref_frames = 1,
      FPS(15, 1)}},
    {"geovision, cropped",
     "674d403295a00a80307e266e020202800001f40000753042",
     {H264(77, 50), CROPPED(2688, 1520, 2688, 1536), YUV420, .matrix = 1, .full_range = true,
      .max_ref_frames = 1, .reorder_known = true, FPS(30, 1)}},
    {"gw, a start code at the end",
     "674d002a95a81e0089f966e02020204000000001",
     {H264(77, 42), CROPPED(1920, 1080, 1920, 1088), YUV420, .matrix = 1, .full_range = true,
      .max_ref_frames = 1, .reorder_known = true}},
    {"hikvision",
     "674d00299a6403c0113f2cd404040500000303e80000ea6004",
     {H264(77, 41), CROPPED(1920, 1080, 1920, 1088), YUV420, .matrix = 1, .max_ref_frames = 1,
      FPS(30, 1)}},
    {"ipcam",
     "274d00208d6a050079a10000030001000003002884",
     {H264(77, 32), SIZE(1280, 960), YUV420, .matrix = 2, .max_ref_frames = 1,
      .reorder_known = true, FPS(20, 1)}},
    {"reolink, no VUI",
     "67640033ace802800b59",
     {H264(100, 51), SIZE(2560, 1440), YUV420, .matrix = 2, .max_ref_frames = 1}},
    {"ubiquiti, bitstream restriction",
     "674d402a8d8d403c0113f2e02dc040405000003e800015f909da08846a",
     {H264(77, 42), CROPPED(1920, 1080, 1920, 1088), YUV420, .matrix = 1, .full_range = true,
      .max_ref_frames = 1, .reorder_known = true, FPS(45, 1)}},
    {"vstarcam, 7.5 pictures a second",
     "674d002a9da81e0089f966e02020280000030008000003007c20",
     {H264(77, 42), CROPPED(1920, 1080, 1920, 1088), YUV420, .matrix = 1, .full_range = true,
      .max_ref_frames = 1, .reorder_known = true, FPS(15, 2)}},
    {"reordering",
     "6764000dacd941419f9f0110000003001000000303c0f1429960",
     {H264(100, 13), CROPPED(320, 180, 320, 192), YUV420, .matrix = 2, .max_ref_frames = 4,
      .reorder_frames = 2, .reorder_known = true, FPS(30, 1)}},
    {"interlaced",
     "67640028acd94078044fde022000007d20001d4c03e2c5b2c0",
     {H264(100, 40), CROPPED(1920, 1080, 1920, 1088), YUV420, .interlaced = true, .matrix = 2,
      .max_ref_frames = 4, .reorder_frames = 2, .reorder_known = true, FPS(30000, 1001)}},
    {"10 bit 4:2:2, odd size",
     "677a000db6cd9415087888fc0440000003004000000c83c50a6580",
     {H264(122, 13), CROPPED(322, 242, 336, 256), .bit_depth = 10, .chroma = 2, .matrix = 2,
      .max_ref_frames = 4, .reorder_frames = 2, .reorder_known = true, FPS(25, 1)}},
    {"anjvision H.265",
     "42010101400000030000030000030000030099a00280802c1fe5aee46c1ae551350506050080",
     {H265(1, 153), SIZE(1280, 704), YUV420, .matrix = 5, .max_ref_frames = 2}},
    {"dahua H.265",
     "420101016000000300b0000003000003005aa0058201e1636b92452fcdc14181410000030001000003000ca1",
     {H265(1, 90), SIZE(704, 480), YUV420, .matrix = 5, .full_range = true, .max_ref_frames = 2,
      FPS(12, 1)}},
    {"tplink H.265",
     "42010101600000030000030000030000030096a001402005a1fe2ab4ee892ee680800dbba000cdfe6004",
     {H265(1, 150), SIZE(2560, 1440), YUV420, .matrix = 2, .max_ref_frames = 2, FPS(15, 1)}},
    {"x265",
     "420101016000000300900000030000030078a003c08010e596565924caf0168080000003008000000c84",
     {H265(1, 120), SIZE(1920, 1080), YUV420, .matrix = 2, .max_ref_frames = 5, .reorder_frames = 2,
      FPS(25, 1)}},
    {"10 bit 4:4:4, window",
     "4201010408000003009c0800000300005a9000a2402e39e76cb2b349272bc05a020000030002000003006410",
     {H265(4, 90), CROPPED(642, 362, 648, 368), .bit_depth = 10, .chroma = 3, .matrix = 2,
      .max_ref_frames = 5, .reorder_frames = 2, FPS(50, 1)}},
    {"predicted reference sets, of which pictures fall out",
     "42010101600000030090000003000003005da020810594bfc08bdee2010000030001000003001908",
     {H265(1, 93), SIZE(64, 64), YUV420, .matrix = 2, .max_ref_frames = 2, FPS(25, 1)}},
    {"full range, HRD",
     "42010101600000030090000003000003003fa00502016965959a4932bc05b8101008200000030020000003032c029"
     "2cbc001e848003d0910",
     {H265(1, 63), SIZE(640, 360), YUV420, .matrix = 1, .full_range = true, .max_ref_frames = 5,
      .reorder_frames = 2, FPS(25, 1)}},
};

static const struct fv_codec_ops *ops_of(const struct sps_case *c)
{
    return fv_codec_ops(c->format.codec);
}

static void assert_format(const struct fv_video_format *a, const struct fv_video_format *b)
{
#define SAME(field) assert_int_equal(a->field, b->field)
    SAME(codec), SAME(width), SAME(height), SAME(coded_width), SAME(coded_height), SAME(profile),
        SAME(level);
    SAME(bit_depth), SAME(chroma), SAME(interlaced), SAME(full_range), SAME(matrix),
        SAME(max_ref_frames);
    SAME(reorder_frames), SAME(reorder_known), SAME(fps_num), SAME(fps_den);
#undef SAME
}

static void test_sps(void **state)
{
    for (size_t i = 0; i < COUNT(sps_cases); i++) {
        uint8_t sps[128];
        struct fv_video_format format;
        print_message("%s\n", sps_cases[i].name);
        size_t size = unhex(sps_cases[i].sps, sps);
        assert_int_equal(ops_of(&sps_cases[i])->parse_sps(sps, size, &format), 0);
        assert_format(&format, &sps_cases[i].format);
        assert_int_equal(ops_of(&sps_cases[i])->set_id(sps, size), 0);
        if (sps_cases[i].format.codec == FV_CODEC_H265)
            assert_true(fv_h265_counts_fit(sps, size));
    }
}

/* Every prefix is refused or gives the size; the size never differs, and nothing is read behind the end (sanitizers, valgrind). */
static void test_sps_prefixes(void **state)
{
    for (size_t i = 0; i < COUNT(sps_cases); i++) {
        uint8_t sps[128];
        size_t size = unhex(sps_cases[i].sps, sps), refused = 0;
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *copy = malloc(cut + 1);
            assert_non_null(copy);
            memcpy(copy, sps, cut);
            struct fv_video_format format = {.width = 1};
            int rc = ops_of(&sps_cases[i])->parse_sps(copy, cut, &format);
            if (rc < 0) {
                assert_int_equal(rc, -EBADMSG);
                assert_int_equal(format.width, 1); /* untouched */
                refused++;
            } else {
                assert_int_equal(format.width, sps_cases[i].format.width);
                assert_int_equal(format.height, sps_cases[i].format.height);
            }
            free(copy);
        }
        assert_true(refused >= 8);
    }
}

/* A writer of bit strings, for sets that no encoder at hand makes. */
struct writer {
    uint8_t data[512];
    size_t bits;
};

static void put(struct writer *w, unsigned count, uint32_t value)
{
    while (count-- > 0) {
        w->data[w->bits / 8] |= (uint8_t)((value >> count & 1) << (7 - w->bits % 8));
        w->bits++;
    }
}

static void put_ue(struct writer *w, uint32_t value)
{
    unsigned length = 0;
    while ((value + 1) >> length > 1)
        length++;
    put(w, length, 0);
    put(w, length + 1, value + 1);
}

static int parse_written(const struct writer *w, enum fv_codec codec,
                         struct fv_video_format *ret_format)
{
    const struct fv_codec_ops *ops = fv_codec_ops(codec);
    uint8_t nal[600] = {0};
    size_t size = 0, zeros = 0;
    for (size_t i = 0; i < (w->bits + 7) / 8;
         i++) { /* with emulation prevention, behind the NAL header */
        if (i >= ops->header_size && zeros >= 2 && w->data[i] <= 3) {
            nal[size++] = 3;
            zeros = 0;
        }
        zeros = w->data[i] ? 0 : zeros + 1;
        nal[size++] = w->data[i];
    }
    return ops->parse_sps(nal, size, ret_format);
}

static void put_h265_head(struct writer *w, unsigned sub_layers)
{
    put(w, 16, 0x4201);
    put(w, 4, 0);
    put(w, 3, sub_layers - 1);
    put(w, 1, 1);
    put(w, 8, 0x01); /* profile 1 */
    put(w, 32, 0x60000000);
    put(w, 16, 0x4000); /* interlaced source */
    put(w, 32, 0);
    put(w, 8, 93);
    if (sub_layers > 1) {
        put(w, 16, 0xd000); /* sub-layer 0: profile and level; sub-layer 1: level */
        for (int i = 0; i < 12; i++)
            put(w, 8, 0xff);
        put(w, 8, 0xff);
    }
    put_ue(w, 3); /* id */
    put_ue(w, 1);
}

/* Three sub-layers, scaling lists, PCM, predicted reference sets, long-term pictures: all in front of the VUI's timing. */
static void test_h265_long_way(void **state)
{
    struct writer w = {0};
    put_h265_head(&w, 3);
    put_ue(&w, 1936), put_ue(&w, 1096);
    put(&w, 1, 1), put_ue(&w, 4), put_ue(&w, 4), put_ue(&w, 2), put_ue(&w, 6); /* in steps of 2 */
    put_ue(&w, 0), put_ue(&w, 0), put_ue(&w, 4);
    put(&w, 1, 1);
    for (uint32_t i = 0; i < 3; i++) /* 1, 2, 3 pictures; reorder 0, 1, 2 */
        put_ue(&w, i), put_ue(&w, i), put_ue(&w, 0);
    for (int i = 0; i < 6; i++)
        put_ue(&w, 1);
    put(&w, 2, 3); /* scaling lists, with data: 6 + 6 + 6 + 2 matrices */
    for (int i = 0; i < 20; i++) {
        bool coded = i == 1 || i == 13;
        put(&w, 1, coded);
        if (!coded)
            put_ue(&w, 0);
        for (int j = 0; coded && j < (i == 1 ? 16 : 65); j++)
            put_ue(&w, 2);
    }
    put(&w, 2, 0);
    put(&w, 1, 1), put(&w, 8, 0x77), put_ue(&w, 0), put_ue(&w, 2), put(&w, 1, 0); /* PCM */
    put_ue(&w, 2);
    put_ue(&w, 1), put_ue(&w, 1), put_ue(&w, 0), put(&w, 1, 1), put_ue(&w, 0), put(&w, 1, 1);
    put(&w, 1, 1), put(&w, 1, 0), put_ue(&w, 0), put(&w, 4, 0x5),
        put(&w, 1, 1);                            /* flags 01, 01, 1 */
    put(&w, 1, 1), put_ue(&w, 2), put(&w, 18, 0); /* long-term: 2 of 8 + 1 bits */
    put(&w, 2, 0);
    put(&w, 1, 1); /* VUI */
    put(&w, 1, 1), put(&w, 8, 255), put(&w, 32, 0x00010001);
    put(&w, 1, 1), put(&w, 1, 0);
    put(&w, 1, 1), put(&w, 3, 5), put(&w, 1, 1), put(&w, 1, 1), put(&w, 24, 0x010109);
    put(&w, 1, 1), put_ue(&w, 0), put_ue(&w, 0);
    put(&w, 3, 0);
    put(&w, 1, 1), put_ue(&w, 0), put_ue(&w, 0), put_ue(&w, 0), put_ue(&w, 0);
    put(&w, 1, 1), put(&w, 32, 1001), put(&w, 32, 60000), put(&w, 8, 0x1f);
    struct fv_video_format format;
    assert_int_equal(parse_written(&w, FV_CODEC_H265, &format), 0);
    const struct fv_video_format expected = {H265(1, 93),
                                             CROPPED(1920, 1080, 1936, 1096),
                                             YUV420,
                                             .interlaced = true,
                                             .full_range = true,
                                             .matrix = 9,
                                             .max_ref_frames = 3,
                                             .reorder_frames = 2,
                                             FPS(60000, 1001)};
    assert_format(&format, &expected);
    assert_int_equal(fv_codec_ops(FV_CODEC_H265)->set_id(w.data, (w.bits + 7) / 8), 3);
}

struct small_sps {
    uint32_t profile, chroma, depth, width, height, crop_right;
    int rc;
};

static void test_h264_refused(void **state)
{
    static const struct small_sps cases[] = {
        {100, 1, 0, 119, 67, 0, 0},
        {100, 4, 0, 119, 67, 0, -EBADMSG},
        {100, 1, 7, 119, 67, 0, -ENOTSUP},
        {100, 1, 6, 119, 67, 0, 0},
        {100, 1, 0, 1024, 67, 0, -ENOTSUP},
        {100, 1, 0, 1023, 67, 0, 0},
        {100, 1, 0, 119, 1024, 0, -ENOTSUP},
        {100, 1, 0, 0xfffffffe, 0xfffffffe, 0, -ENOTSUP},
        {100, 1, 0, 119, 67, 960, -EBADMSG},
        {100, 1, 0, 119, 67, 959, 0},
        {100, 1, 0, 119, 67, 0xfffffffe, -EBADMSG},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct small_sps *c = &cases[i];
        struct writer w = {0};
        put(&w, 8, 0x67), put(&w, 8, c->profile), put(&w, 8, 0), put(&w, 8, 40), put_ue(&w, 0);
        put_ue(&w, c->chroma), put_ue(&w, c->depth), put_ue(&w, c->depth), put(&w, 2, 0);
        put_ue(&w, 0), put_ue(&w, 2), put_ue(&w, 1), put(&w, 1, 0);
        put_ue(&w, c->width), put_ue(&w, c->height), put(&w, 2, 3);
        put(&w, 1, 1), put_ue(&w, 0), put_ue(&w, c->crop_right), put_ue(&w, 0), put_ue(&w, 0);
        put(&w, 8, 0x40);
        struct fv_video_format format;
        print_message("case %zu\n", i);
        assert_int_equal(parse_written(&w, FV_CODEC_H264, &format), c->rc);
    }
}

/* Two pictures; the second in two slices, with an SEI and a suffix SEI around; the numbers are offsets into the stream. */
/* Recovery points: one row an SEI NAL unit, bits worked out by hand. */

struct point {
    enum fv_codec codec;
    const char *nal;
    int pictures;
};

static const struct point points[] = {
    /* 1 (0), exact 1, broken 0, slice groups 00, then 1 and zeros */
    {FV_CODEC_H264, "060601c480", 0},
    /* 00000101000 (39), exact 1, broken 0, slice groups 00, 1 */
    {FV_CODEC_H264, "060602051180", 39},
    /* behind a buffering period of two bytes */
    {FV_CODEC_H264, "0600028000060205118000", 39},
    /* type 261 is none */
    {FV_CODEC_H264, "06ff0601c480", -ENOENT},
    /* behind a message of 255 + 1 bytes that is not there */
    {FV_CODEC_H264, "0605ff01c480", -ENOENT},
    /* no payload, cut before its size, cut inside */
    {FV_CODEC_H264, "06060080", -ENOENT},
    {FV_CODEC_H264, "0606", -ENOENT},
    {FV_CODEC_H264, "06060205", -ENOENT},
    {FV_CODEC_H264, "06", -ENOENT},
    /* 16 zeros, 1, 16 zeros (65535), exact 1, broken 0, slice groups 00, 1 */
    {FV_CODEC_H264, "060605000080004480", 65535},
    /* one more is too many */
    {FV_CODEC_H264, "06060500008000c480", -ENOENT},
    /* behind a message of 00 00 01, written with emulation prevention */
    {FV_CODEC_H264, "060003000003010601c480", 0},
    /* no SEI but a slice */
    {FV_CODEC_H264, "650601c480", -ENOENT},
    /* 0001010 (9: +5), exact 1, broken 0, then 1 and zeros */
    {FV_CODEC_H265, "4e010602154080", 5},
    /* 0001011 (10: -5) */
    {FV_CODEC_H265, "4e010602174080", 0},
    {FV_CODEC_H265, "4e01", -ENOENT},
    /* suffix SEI belongs to the picture before */
    {FV_CODEC_H265, "50010602154080", -ENOENT},
};

static void test_recovery(void **state)
{
    for (size_t i = 0; i < COUNT(points); i++) {
        uint8_t nal[64];
        size_t size = unhex(points[i].nal, nal);
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, nal, size);
        print_message("%s\n", points[i].nal);
        assert_int_equal(fv_codec_ops(points[i].codec)->recovery(copy, size), points[i].pictures);
        free(copy);
    }
}

static void test_role(void **state)
{
    const struct fv_codec_ops *h264 = fv_codec_ops(FV_CODEC_H264),
                              *h265 = fv_codec_ops(FV_CODEC_H265);
    const uint8_t i[] = {0x61, 0x88}, p[] = {0x41, 0x9a}, b[] = {0x01, 0x9e},
                  second[] = {0x61, 0x40};
    assert_true(h264->role(i, 2).intra && h264->role(i, 2).counts); /* 1 0001000: 0, I */
    assert_true(!h264->role(p, 2).intra && h264->role(p, 2).counts);
    assert_true(!h264->role(b, 2).intra && !h264->role(b, 2).counts); /* nal_ref_idc 0 */
    assert_false(h264->role(second, 2).intra);                        /* not the first slice */
    assert_false(h264->role(i, 1).intra);
    for (uint8_t type = 0; type < 32; type++) {
        const uint8_t slice[] = {(uint8_t)(type << 1), 1, 0x80};
        struct fv_slice_role role = h265->role(slice, 3);
        assert_true(role.counts);
        assert_int_equal(role.leading, type == 8 || type == 9);
        assert_int_equal(role.broken, type == 16 || type == 17 || type == 18);
    }
}

static void test_next_au(void **state)
{
    static const char *const streams[] = {
        [FV_CODEC_H264] = "00000001"
                          "0910"
                          "00000001"
                          "6742"
                          "000001"
                          "68ce"
                          "000001"
                          "6588" /* 22: */
                          "00000001"
                          "0605"
                          "000001"
                          "419a"
                          "000001"
                          "4120"
                          "000001"
                          "0cff",
        [FV_CODEC_H265] = "00000001"
                          "4601"
                          "00000001"
                          "4201"
                          "000001"
                          "4401"
                          "000001"
                          "2601af" /* 23: */
                          "00000001"
                          "4e0105"
                          "000001"
                          "0201d0"
                          "000001"
                          "020120"
                          "000001"
                          "5001",
    };
    for (enum fv_codec codec = FV_CODEC_H264; codec <= FV_CODEC_H265; codec++) {
        const struct fv_codec_ops *ops = fv_codec_ops(codec);
        uint8_t stream[100];
        size_t size = unhex(streams[codec], stream), offset = 0, au_size,
               second = codec == FV_CODEC_H264 ? 22 : 23;
        const uint8_t *au;
        bool key;
        assert_true(fv_codec_next_au(ops, stream, size, &offset, &au, &au_size, &key));
        assert_ptr_equal(au, stream);
        assert_int_equal(au_size, second);
        assert_true(key);
        assert_true(fv_codec_next_au(ops, stream, size, &offset, &au, &au_size, &key));
        assert_ptr_equal(au, stream + second);
        assert_int_equal(au_size, size - second);
        assert_false(key);
        assert_int_equal(offset, size);
        assert_false(fv_codec_next_au(ops, stream, size, &offset, &au, &au_size, &key));
        offset = 0; /* parameter sets alone are no access unit */
        assert_false(fv_codec_next_au(ops, stream, 15, &offset, &au, &au_size, &key));
    }
}

static void test_guess(void **state)
{
    for (size_t i = 0; i < COUNT(sps_cases); i++) {
        uint8_t stream[200];
        size_t size = unhex("0000000109f000000001", stream);
        size += unhex(sps_cases[i].sps, stream + size);
        assert_int_equal(fv_codec_guess(stream, size), sps_cases[i].format.codec);
    }
    assert_int_equal(fv_codec_guess((const uint8_t *)"\0\0\0\1\x65\x88\x84", 7), FV_CODEC_NONE);
    assert_int_equal(fv_codec_guess((const uint8_t *)"RIFF", 4), FV_CODEC_NONE);
    assert_int_equal(fv_codec_guess(NULL, 0), FV_CODEC_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_fixed),
        cmocka_unit_test(test_bits_golomb),
        cmocka_unit_test(test_bits_golomb_limits),
        cmocka_unit_test(test_annexb),
        cmocka_unit_test(test_annexb_peek),
        cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_first_slice),
        cmocka_unit_test(test_sps),
        cmocka_unit_test(test_sps_prefixes),
        cmocka_unit_test(test_h265_long_way),
        cmocka_unit_test(test_h264_refused),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_role),
        cmocka_unit_test(test_next_au),
        cmocka_unit_test(test_guess),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
