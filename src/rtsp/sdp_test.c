// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "rtsp/sdp.h"
#include "rtsp/transport.h"

static struct fv_sdp sdp;

static void parse(const char *text)
{
    assert_int_equal(fv_sdp_parse(fv_slice_of(text), &sdp), 0);
}

static void assert_slice(struct fv_slice slice, const char *text)
{
    if (!fv_slice_eq(slice, fv_slice_of(text)))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)slice.size, slice.data, text);
}

static void test_whole(void **state)
{
    parse("v=0\r\n"
          "o=- 1 1 IN IP4 10.0.0.9\r\n"
          "s=Front door\r\n"
          "c=IN IP4 0.0.0.0\r\n"
          "t=0 0\r\n"
          "a=control:*\r\n"
          "a=recvonly\r\n"
          "m=video 5008/2 RTP/AVP 96 26\r\n"
          "c=IN IP4 232.16.200.207/16\r\n"
          "a=rtpmap:96 H265/90000\r\n"
          "a=fmtp:96 profile-id=1;sprop-vps=A\r\n"
          "a=framerate:29.97\r\n"
          "a=control:trackID=1\r\n"
          "m=audio 0 RTP/AVP 8\r\n"
          "a=sendonly\r\n");
    assert_slice(sdp.name, "Front door");
    assert_slice(sdp.control, "*");
    assert_int_equal(sdp.quirks, 0);
    assert_int_equal(sdp.media_count, 2);
    const struct fv_sdp_media *video = &sdp.media[0], *audio = &sdp.media[1];
    assert_slice(video->type, "video");
    assert_int_equal(video->port, 5008);
    assert_slice(video->protocol, "RTP/AVP");
    assert_slice(video->connection, "IN IP4 232.16.200.207/16");
    assert_slice(video->control, "trackID=1");
    assert_int_equal(video->direction, FV_SDP_RECVONLY);
    assert_true(video->fps == 29.97);
    assert_int_equal(video->format_count, 2);
    assert_int_equal(video->formats[0].payload_type, 96);
    assert_slice(video->formats[0].encoding, "H265");
    assert_int_equal(video->formats[0].clock_rate, 90000);
    assert_slice(video->formats[0].fmtp, "profile-id=1;sprop-vps=A");
    assert_slice(video->formats[1].encoding, "JPEG");
    assert_slice(audio->connection, "IN IP4 0.0.0.0");
    assert_slice(audio->formats[0].encoding, "PCMA");
    assert_int_equal(audio->formats[0].clock_rate, 8000);
    assert_int_equal(audio->direction, FV_SDP_SENDONLY);
    assert_true(audio->fps == 0);
}

static void test_refused(void **state)
{
    static const char *const texts[] = {"", "   ", "<html>", "s=x\r\nv=0\r\n", "\xef\xbb", "v"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(fv_sdp_parse(fv_slice_of(texts[i]), &sdp), -EBADMSG);
}

#define H264 "m=video 0 RTP/AVP 96\na=control:x\na=rtpmap:96 H264/90000\n"

/* Each tolerated fault: what it looks like, and that the stream is chosen nevertheless. */
static void test_quirks(void **state)
{
    static const struct {
        const char *text;
        enum fv_sdp_quirk quirk;
        const char *name;
    } cases[] = {
        {"\xef\xbb\xbfv=0\n" H264, FV_SDP_BOM, "bom"},
        {"v=0\nhello\n" H264, FV_SDP_JUNK_LINE, "junk line"},
        {"v=0\nm=audio\na=sendonly\n" H264, FV_SDP_BAD_MEDIA, "bad media"},
        {"v=0\nm=audio 99999 RTP/AVP 0\n" H264, FV_SDP_BAD_MEDIA, "bad media"},
        {"v=0\nm=application 0 RTP/AVP smart/1\n" H264, FV_SDP_BAD_FORMAT, "bad format"},
        {"v=0\nm=application 0 RTP/AVP 128\n" H264, FV_SDP_BAD_FORMAT, "bad format"},
        {"v=0\n" H264 "a=rtpmap:96\n", FV_SDP_BAD_RTPMAP, "bad rtpmap"},
        {"v=0\n" H264 "a=fmtp:\n", FV_SDP_BAD_RTPMAP, "bad rtpmap"},
        {"v=0\n" H264 "a=rtpmap:97 x/1\n", FV_SDP_FOREIGN_FORMAT, "foreign format"},
        {"v=0\n" H264 "a=framerate:0S\n", FV_SDP_BAD_FRAMERATE, "bad framerate"},
        {"v=0\n" H264 "a=framerate:-1\n", FV_SDP_BAD_FRAMERATE, "bad framerate"},
        {"v=0\n" H264 "a=framerate:1001\n", FV_SDP_BAD_FRAMERATE, "bad framerate"},
        {"v=0\nm=video 0 RTP/AVP 96\na=control:x\na=rtpmap:96 H264\n", FV_SDP_NO_CLOCK_RATE,
         "no clock rate"},
        {"v=0\nm=video 0 RTP/AVP 96\na=control:x\na=fmtp:96 sprop-parameter-sets=\n",
         FV_SDP_GUESSED_CODEC, "guessed codec"},
        {"v=0\n" H264 "a=sendonly\n", FV_SDP_SENDONLY_VIDEO, "sendonly video"},
        {"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 h264/90000\n", FV_SDP_NO_CONTROL, "no control"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_sdp_choice choice;
        parse(cases[i].text);
        if (fv_sdp_choose(&sdp, &choice, NULL) < 0)
            fail_msg("%s: nothing chosen", cases[i].name);
        assert_int_equal(choice.codec, FV_CODEC_H264);
        assert_int_equal(choice.clock_rate, 90000);
        if ((sdp.quirks | choice.quirks) != cases[i].quirk)
            fail_msg("%s: quirks %#x", cases[i].name, sdp.quirks | choice.quirks);
        assert_string_equal(fv_sdp_quirk_name(cases[i].quirk), cases[i].name);
    }
    assert_string_equal(fv_sdp_quirk_name((enum fv_sdp_quirk)(1u << 30)), "unknown");
    assert_string_equal(fv_sdp_quirk_policy(FV_SDP_BOM), "a byte order mark in front is skipped");
    assert_string_equal(fv_sdp_quirk_policy((enum fv_sdp_quirk)(1u << 30)), "unknown");
}

static void test_limits(void **state)
{
    static char text[4000];
    struct fv_str str;
    fv_str_init(&str, text, sizeof(text));
    fv_str_add(&str, "v=0\n");
    for (int i = 0; i < FV_SDP_MEDIA_MAX - 1; i++)
        fv_str_add(&str, "m=audio 0 RTP/AVP 0\n");
    fv_str_add(&str, "m=video 0 RTP/AVP");
    for (int i = 0; i < FV_SDP_FORMATS_MAX; i++)
        fv_str_addf(&str, " %d", 90 + i);
    parse(text);
    assert_int_equal(sdp.quirks, 0);
    assert_int_equal(sdp.media_count, FV_SDP_MEDIA_MAX);
    assert_int_equal(sdp.media[15].format_count, FV_SDP_FORMATS_MAX);
    fv_str_add(&str, " 120");
    parse(text);
    assert_int_equal(sdp.quirks, FV_SDP_TRUNCATED);
    /* The attributes of a media that is left out do not go to the one before. */
    fv_str_add(&str, "\nm=video 0 RTP/AVP 96\na=control:late\n");
    parse(text);
    assert_int_equal(sdp.media_count, FV_SDP_MEDIA_MAX);
    assert_int_equal(sdp.media[15].control.size, 0);
}

/* As GStreamer writes it, as 3GPP does; what is no size says nothing. */
static void test_dimensions(void **state)
{
    static const struct {
        const char *line;
        uint16_t width, height;
    } cases[] = {
        {"a=x-dimensions:2560,1440", 2560, 1440},
        {"a=x-dimensions: 2560 , 1440 ", 2560, 1440},
        {"a=framesize:26 1920-1080", 1920, 1080},
        {"a=x-dimensions:2560", 0, 0},
        {"a=x-dimensions:2560,x", 0, 0},
        {"a=x-dimensions:65536,1", 0, 0},
        {"a=framesize:1920-1080", 0, 0},
        {"a=framesize:26", 0, 0},
        {"a=x-dimensions:", 0, 0},
        {"a=framerate:25", 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), "v=0\nm=video 0 RTP/AVP 26\n%s\nm=video 0 RTP/AVP 26\n",
                 cases[i].line);
        parse(text);
        assert_int_equal(sdp.media[0].width, cases[i].width);
        assert_int_equal(sdp.media[0].height, cases[i].height);
        assert_int_equal(sdp.media[1].width, 0);
    }
}

static void test_choice(void **state)
{
    static const struct {
        const char *name, *text;
        int code;
        enum fv_codec codec;
        const char *control; /* or part of the reason */
    } cases[] = {
        {"the first of two", "v=0\n" H264 "m=video 0 RTP/AVP 97\na=rtpmap:97 H265/90000\n", 0,
         FV_CODEC_H264, "x"},
        {"back channel first",
         "v=0\nm=video 0 RTP/AVP 97\na=sendonly\na=rtpmap:97 H265/90000\n" H264, 0, FV_CODEC_H264,
         "x"},
        {"JPEG first", "v=0\nm=video 0 RTP/AVP 26\na=control:j\n" H264, 0, FV_CODEC_H264, "x"},
        {"JPEG before H264 in one line",
         "v=0\nm=video 0 RTP/AVP 26 97\na=control:y\na=rtpmap:97 H264/90000\n", 0, FV_CODEC_H264,
         "y"},
        {"JPEG by its number", "v=0\nm=video 0 RTP/AVP 26\na=control:j\n", 0, FV_CODEC_JPEG, "j"},
        {"JPEG by name", "v=0\nm=video 0 RTP/AVP 96\na=control:k\na=rtpmap:96 jpeg/90000\n", 0,
         FV_CODEC_JPEG, "k"},
        {"JPEG rather than a back channel",
         "v=0\nm=video 0 RTP/AVP 97\na=sendonly\na=rtpmap:97 H265/90000\n"
         "m=video 0 RTP/AVP 26\na=control:j\n",
         0, FV_CODEC_JPEG, "j"},
        {"H264 as second format",
         "v=0\nm=video 0 RTP/AVP 96 97\na=control:y\na=rtpmap:96 ulpfec/90000\n"
         "a=rtpmap:97 H264/90000\n",
         0, FV_CODEC_H264, "y"},
        {"H265 without rtpmap",
         "v=0\nm=video 0 RTP/AVP 96\na=control:z\na=fmtp:96 sprop-vps=A;sprop-sps=B\n", 0,
         FV_CODEC_H265, "z"},
        {"feedback profile", "v=0\nm=video 0 RTP/AVPF 96\na=rtpmap:96 H264/90000\na=control:f", 0,
         FV_CODEC_H264, "f"},
        {"nothing", "v=0\n", -ENOENT, FV_CODEC_NONE, "offers: nothing"},
        {"audio only", "v=0\nm=audio 0 RTP/AVP 0 96\n", -ENOENT, FV_CODEC_NONE,
         "offers: audio PCMU/payload type 96 without rtpmap"},
        {"MPEG-4", "v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 MP4V-ES/90000\n", -ENOTSUP,
         FV_CODEC_NONE, "offers: video MP4V-ES"},
        {"AV1 and audio",
         "v=0\nm=video 0 RTP/AVP 45\na=rtpmap:45 AV1/90000\na=control:a\nm=audio 0 RTP/AVP 8\n", 0,
         FV_CODEC_AV1, "a"},
        {"VP9 behind VP8",
         "v=0\nm=video 0 RTP/AVP 96 97\na=rtpmap:96 VP8/90000\na=rtpmap:97 "
         "VP9/90000\na=control:b\n",
         0, FV_CODEC_VP9, "b"},
        {"VP8 and audio", "v=0\nm=video 0 RTP/AVP 45\na=rtpmap:45 VP8/90000\nm=audio 0 RTP/AVP 8\n",
         -ENOTSUP, FV_CODEC_NONE, "offers: video VP8, audio PCMA"},
        {"no rtpmap", "v=0\nm=video 0 RTP/AVP 96\na=control:x\n", -ENOTSUP, FV_CODEC_NONE,
         "video payload type 96 without rtpmap"},
        {"encrypted", "v=0\nm=video 0 RTP/SAVP 96\na=rtpmap:96 H264/90000\n", -ENOTSUP,
         FV_CODEC_NONE, "video H264 over RTP/SAVP"},
        {"inactive", "v=0\n" H264 "a=inactive\n", -ENOTSUP, FV_CODEC_NONE, "H264 (inactive)"},
        {"unprintable", "v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 \x01\xffx/1\n", -ENOTSUP,
         FV_CODEC_NONE, "video ??x"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_sdp_choice choice;
        struct fv_error err = {0};
        parse(cases[i].text);
        int rc = fv_sdp_choose(&sdp, &choice, &err);
        if (rc != cases[i].code)
            fail_msg("%s: %d", cases[i].name, rc);
        if (rc < 0) {
            if (!strstr(err.text, cases[i].control))
                fail_msg("%s: %s", cases[i].name, err.text);
            continue;
        }
        assert_int_equal(choice.codec, cases[i].codec);
        assert_slice(choice.media->control, cases[i].control);
    }
}

#define SC "\0\0\0\1"

static void test_sets(void **state)
{
    static const struct {
        const char *name;
        enum fv_codec codec;
        const char *fmtp, *bytes;
        size_t size;
        uint32_t quirks;
    } cases[] = {
        {"in band", FV_CODEC_H264, "packetization-mode=1", "", 0, 0},
        {"empty fmtp", FV_CODEC_H264, "", "", 0, 0},
        /* 67 42 00 = Z0IA; 68 ce 38 = aM44 */
        {"two", FV_CODEC_H264, "a=1; sprop-parameter-sets=Z0Ie,aM44;b",
         SC "\x67\x42\x1e" SC "\x68\xce\x38", 14, 0},
        {"PPS first", FV_CODEC_H264, "sprop-parameter-sets=aM44,Z0Ie",
         SC "\x67\x42\x1e" SC "\x68\xce\x38", 14, 0},
        {"quoted", FV_CODEC_H264, "sprop-parameter-sets=Z0Ie\",\"aM44",
         SC "\x67\x42\x1e" SC "\x68\xce\x38", 14, FV_SDP_QUOTED_SETS},
        {"wholly quoted", FV_CODEC_H264, "sprop-parameter-sets=\"Z0Ie,aM44\"",
         SC "\x67\x42\x1e" SC "\x68\xce\x38", 14, 0},
        {"broken base64", FV_CODEC_H264, "sprop-parameter-sets=Z0*e,aM44", SC "\x68\xce\x38", 7,
         FV_SDP_BAD_BASE64},
        /* 00 00 00 01 67 42 1e 00 00 01 = AAAAAWdCHgAAAQ== */
        {"start codes", FV_CODEC_H264, "sprop-parameter-sets=AAAAAWdCHgAAAQ==", SC "\x67\x42\x1e",
         7, FV_SDP_SETS_START_CODE},
        /* 65 42 1e = ZUIe: a slice; e7 42 1e = 50Ie: forbidden bit */
        {"slice", FV_CODEC_H264, "sprop-parameter-sets=ZUIe,50Ie", "", 0, FV_SDP_NOT_A_SET},
        /* neither begins as a parameter set */
        {"VStarcam", FV_CODEC_H264,
         "sprop-parameter-sets=6QDwBE/LCAAAH0gAB1TgIAAAAAA=,AAAAAA==", "", 0, FV_SDP_NOT_A_SET},
        {"only commas", FV_CODEC_H264, "sprop-parameter-sets=,,", "", 0, 0},
        /* 40 01 0c = QAEM, 42 01 01 = QgEB, 44 01 c0 = RAHA */
        {"H.265 in any order", FV_CODEC_H265, "sprop-sps=QgEB;sprop-pps=RAHA;sprop-vps=QAEM",
         SC "\x40\x01\x0c" SC "\x42\x01\x01" SC "\x44\x01\xc0", 21, 0},
        {"H.264's in H.265", FV_CODEC_H265, "sprop-parameter-sets=Z0Ie", "", 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t *out = malloc(FV_SDP_SETS_MAX);
        uint32_t quirks = 0;
        assert_non_null(out);
        size_t size = fv_sdp_sets(cases[i].codec, fv_slice_of(cases[i].fmtp), out, &quirks);
        if (size != cases[i].size || quirks != cases[i].quirks)
            fail_msg("%s: %zu bytes, quirks %#x", cases[i].name, size, quirks);
        assert_true(size == 0 || memcmp(out, cases[i].bytes, size) == 0);
        free(out);
    }
}

static void test_sets_too_long(void **state)
{
    static char fmtp[9000];
    uint8_t *out = malloc(FV_SDP_SETS_MAX);
    uint32_t quirks = 0;
    assert_non_null(out);
    memset(fmtp, 'Z', sizeof(fmtp) - 1); /* 65 96 59: not a set, but too long first */
    memcpy(fmtp, "sprop-parameter-sets=aM44,Z0Ie", 30);
    assert_int_equal(fv_sdp_sets(FV_CODEC_H264, fv_slice_of(fmtp), out, &quirks), 7);
    assert_int_equal(quirks, FV_SDP_SETS_TOO_LONG);
    /* Two of 3000 bytes: the second one has no room. */
    memset(fmtp, 'A', sizeof(fmtp) - 1);
    memcpy(fmtp, "sprop-parameter-sets=Z0I", 24);
    fmtp[4019] = '/';
    fmtp[4020] = ',';
    memcpy(fmtp + 4021, "Z0I", 3);
    fmtp[8019] = '/';
    fmtp[8020] = '\0';
    quirks = 0;
    size_t size = fv_sdp_sets(FV_CODEC_H264, fv_slice_of(fmtp), out, &quirks);
    assert_true(size > 2900 && size < 3100);
    assert_int_equal(quirks, FV_SDP_SETS_TOO_LONG);
    free(out);
}

static void test_join(void **state)
{
    static const struct {
        const char *base, *control, *wanted;
    } cases[] = {
        {"rtsp://h/a", "", "rtsp://h/a"},
        {"rtsp://h/a", "*", "rtsp://h/a"},
        {"rtsp://h/a", "trackID=1", "rtsp://h/a/trackID=1"},
        {"rtsp://h/a/", "trackID=1", "rtsp://h/a/trackID=1"},
        {"rtsp://h/a/", "/trackID=1", "rtsp://h/a/trackID=1"},
        {"rtsp://h/a", "/trackID=1", "rtsp://h/a/trackID=1"},
        {"rtsp://h/a", "?track=1", "rtsp://h/a?track=1"},
        {"rtsp://h/a?x=1&y=2", "video", "rtsp://h/a?x=1&y=2/video"},
        {"rtsp://h/a?x=1&y=2/", "video", "rtsp://h/a?x=1&y=2/video"},
        {"rtsp://h/a", "rtsp://i/b/t=1?q", "rtsp://i/b/t=1?q"},
        {"rtsp://h/a", "RTSPS://i/b", "RTSPS://i/b"},
        {"rtsp://h/a", "track \"1\"", "rtsp://h/a/track%20%221%22"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[100];
        assert_int_equal(
            fv_rtsp_join(cases[i].base, fv_slice_of(cases[i].control), out, sizeof(out)), 0);
        assert_string_equal(out, cases[i].wanted);
    }
    char small[12];
    assert_int_equal(fv_rtsp_join("rtsp://h/a", FV_SLICE("bc"), small, 12), -ENOBUFS);
    assert_int_equal(fv_rtsp_join("rtsp://h/a", FV_SLICE("b"), small, 13 - 1), -ENOBUFS);
    assert_int_equal(fv_rtsp_join("rtsp://h/", FV_SLICE("bc"), small, 12), 0);
    assert_int_equal(fv_rtsp_join("rtsp://h/", FV_SLICE("b\r\nX: y"), small, 12), -EBADMSG);
}

static void test_base(void **state)
{
    static const struct {
        const char *headers, *wanted;
    } cases[] = {
        {"", "rtsp://h/req"},
        {"Content-Base: rtsp://h/base/\r\n", "rtsp://h/base/"},
        {"Content-Location: rtsp://h/loc\r\n", "rtsp://h/loc"},
        {"Content-Location: rtsp://h/loc\r\nContent-Base: rtsp://h/base/\r\n", "rtsp://h/base/"},
        {"Content-Base: 192.168.1.10:554/stream0/\r\n", "rtsp://h/req"},
        {"Content-Base: \r\nContent-Location: rtsp://h/loc\r\n", "rtsp://h/loc"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[300], out[100];
        struct fv_str str;
        struct fv_rtsp_message message;
        fv_str_init(&str, text, sizeof(text));
        fv_str_addf(&str, "RTSP/1.0 200 OK\r\n%s\r\n", cases[i].headers);
        assert_true(fv_rtsp_parse(text, str.size, &message) > 0);
        assert_int_equal(fv_rtsp_base(&message, "rtsp://h/req", out, sizeof(out)), 0);
        assert_string_equal(out, cases[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_quirks),        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_choice),        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_sets_too_long), cmocka_unit_test(test_join),
        cmocka_unit_test(test_base),          cmocka_unit_test(test_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
