// SPDX-License-Identifier: Apache-2.0
/* What real cameras say (FV_VECTORS): expected values were written by hand from the files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rtsp/auth.h"
#include "rtsp/sdp.h"
#include "rtsp/transport.h"

/* The file as an allocation of its exact size; NULL when the vectors are not there. */
static char *read_vector(const char *name, size_t *ret_size)
{
    const char *folder = getenv("FV_VECTORS");
    char path[1000];
    snprintf(path, sizeof(path), "%s/%s", folder ? folder : "", name);
    FILE *file = folder ? fopen(path, "rb") : NULL;
    if (!file) {
        print_message("skipped, no file: %s\n", name);
        return NULL;
    }
    static char buffer[300000];
    *ret_size = fread(buffer, 1, sizeof(buffer), file);
    fclose(file);
    char *copy = malloc(*ret_size);
    assert_non_null(copy);
    memcpy(copy, buffer, *ret_size);
    return copy;
}

static bool is_sdp(const char *name)
{
    return strstr(name, ".sdp") || strstr(name, "_sdp") || strstr(name, "/sdp");
}

#define REQUEST "rtsp://cam/r"
#define DAHUA                                                                                      \
    "rtsp://192.168.5.111:554/cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif"
#define GW "rtsp://192.168.1.110:"
#define GW_QUERY "&unicast=true&proto=Onvif"
#define HIK "rtsp://192.168.5.106:554/Streaming/Channels/101/"
#define HIK_QUERY "?transportmode=unicast&profile=Profile_1"
#define WOWZA "rtsp://wowzaec2demo.streamlock.net/vod/mp4:BigBuckBunny_115k.mov/"
#define REOLINK "rtsp://192.168.5.206/h264Preview_01_main/"

/* Answers to DESCRIBE and bare descriptions. */
static const struct describe {
    const char *file;
    int code; /* of choosing a stream; 0: the values below */
    enum fv_codec codec;
    uint8_t payload_type;
    const char *track, *aggregate; /* addresses; of a refusal: part of the reason in `track` */
    size_t sets;                   /* bytes: decoded sets plus 4 for each start code */
    double fps;
    uint32_t quirks;
} describes[] = {
    {"retina/anjvision_describe.txt", 0, FV_CODEC_H265, 96, REQUEST "/trackID=1", REQUEST, 82, 0,
     0},
    {"retina/anpviz_sdp.txt", 0, FV_CODEC_H264, 96, REQUEST "/trackID=1", REQUEST, 23, 0, 0},
    {"retina/bunny_describe.txt", 0, FV_CODEC_H264, 97, WOWZA "trackID=2", WOWZA, 33, 24, 0},
    {"retina/response.txt", 0, FV_CODEC_H264, 97, WOWZA "trackID=2", WOWZA, 33, 24, 0},
    {"retina/dahua_describe_h264_aac_onvif.txt", 0, FV_CODEC_H264, 96, DAHUA "/trackID=0",
     DAHUA "/", 39, 15, 0},
    {"retina/dahua_describe_h265_pcma.txt", 0, FV_CODEC_H265, 98,
     "rtsp://cam-driveway/cam/realmonitor?channel=1&subtype=2/trackID=0",
     "rtsp://cam-driveway/cam/realmonitor?channel=1&subtype=2/", 99, 12, 0},
    {"retina/foscam_describe.txt", 0, FV_CODEC_H264, 96,
     "rtsp://192.168.5.107:65534/videoMain/track1", "rtsp://192.168.5.107:65534/videoMain/", 22, 0,
     0},
    {"retina/geovision_sdp.txt", 0, FV_CODEC_H264, 105, "rtsp://192.168.5.237/media/video1/video",
     REQUEST, 36, 0, 0},
    {"retina/gw_main_describe.txt", 0, FV_CODEC_H264, 96,
     GW "5050/H264?channel=1&subtype=0" GW_QUERY "/video",
     GW "5050/H264?channel=1&subtype=0" GW_QUERY, 28, 0, FV_SDP_SETS_START_CODE},
    {"retina/gw_sub_describe.txt", 0, FV_CODEC_H264, 96,
     GW "5049/H264?channel=1&subtype=1" GW_QUERY "/video",
     GW "5049/H264?channel=1&subtype=1" GW_QUERY, 26, 0, FV_SDP_SETS_START_CODE},
    {"retina/h264dvr_describe.txt", 0, FV_CODEC_H264, 96, "rtsp://127.0.0.1:554/camera/trackID=3",
     "rtsp://127.0.0.1:554/camera", 37, 25, FV_SDP_BAD_FRAMERATE},
    {"retina/hikvision_describe.txt", 0, FV_CODEC_H264, 96, HIK "trackID=1" HIK_QUERY,
     HIK HIK_QUERY, 37, 0, 0},
    {"retina/ipcam_describe.txt", 0, FV_CODEC_H264, 96, REQUEST "/trackID=1", REQUEST, 33, 25,
     FV_SDP_BAD_FRAMERATE},
    {"retina/macrovideo_describe.txt", 0, FV_CODEC_H264, 96, REQUEST "/track1", REQUEST, 37, 0, 0},
    {"retina/missing_content_type_describe.txt", 0, FV_CODEC_H264, 96, REQUEST "/streamid=0",
     REQUEST, 40, 0, 0},
    {"retina/reolink_describe.txt", 0, FV_CODEC_H264, 96, REOLINK "trackID=1", REOLINK, 22, 0, 0},
    {"retina/reolink_describe_control_first.txt", 0, FV_CODEC_H264, 96, REOLINK "trackID=1",
     REOLINK, 22, 0, 0},
    {"retina/tplink_sdp.txt", 0, FV_CODEC_H265, 96, REQUEST "/track1", REQUEST, 85, 0,
     FV_SDP_BAD_FORMAT | FV_SDP_FOREIGN_FORMAT},
    {"retina/ubiquiti_sdp.txt", 0, FV_CODEC_H264, 97, REQUEST "/trackID=2", REQUEST, 41, 0, 0},
    {"retina/vstarcam_describe.txt", 0, FV_CODEC_H264, 96, REQUEST "/track0", REQUEST, 38, 0, 0},
    {"gortsplib_session/01_one_format_for_each_media_absolute.sdp", 0, FV_CODEC_H264, 97,
     "rtsp://10.0.100.50/profile5/media.smp/trackID=v", "rtsp://10.0.100.50/profile5/media.smp", 24,
     30, 0},
    {"gortsplib_session/02_one_format_for_each_media_relative.sdp", 0, FV_CODEC_H264, 97,
     REQUEST "/trackID=1", REQUEST, 24, 30, 0},
    {"gortsplib_session/03_multiple_formats_for_each_media.sdp", -ENOTSUP, FV_CODEC_NONE, 0,
     "video VP8/rtx/VP9/rtx over UDP/TLS/RTP/SAVPF", NULL, 0, 0, 0},
    {"gortsplib_session/04_multiple_formats_for_each_media_2.sdp", 0, FV_CODEC_H264, 96, REQUEST,
     REQUEST, 28, 0, FV_SDP_NO_CONTROL},
    {"gortsplib_session/05_onvif_back_channel.sdp", 0, FV_CODEC_JPEG, 26, "rtsp://192.168.0.1/video",
     REQUEST, 0, 0, 0},
    {"gortsplib_session/06_ulpfec_rfc5109.sdp", -ENOTSUP, FV_CODEC_NONE, 0,
     "audio PCMU, application ulpfec, video H261, application ulpfec", NULL, 0, 0, 0},
    {"gortsplib_session/07_key_mgmt_in_session.sdp", -ENOTSUP, FV_CODEC_NONE, 0,
     "video H264 over RTP/SAVP", NULL, 0, 0, 0},
    {"gortsplib_session/08_key_mgmt_in_media.sdp", -ENOTSUP, FV_CODEC_NONE, 0,
     "video H264 over RTP/SAVP", NULL, 0, 0, 0},
    {"gortsplib_session/09_issue_mediamtx_5074_fake_back_channel.sdp", 0, FV_CODEC_H264, 96,
     "rtsp://*****/video=video1", REQUEST, 59, 0, FV_SDP_SENDONLY_VIDEO},
    {"gortsplib_session/10_issue_mediamtx_5074_real_back_channel.sdp", 0, FV_CODEC_H264, 96,
     REQUEST "/video", REQUEST, 27, 30, 0},
    {"sharprtsp/test1.sdp", -ENOTSUP, FV_CODEC_NONE, 0, "offers: audio PCMU/PCMA, video H261", NULL,
     0, 0, 0},
    {"sharprtsp/test2.sdp", 0, FV_CODEC_H264, 98, REQUEST "/trackID=0", REQUEST, 21, 0, 0},
    {"sharprtsp/test3.sdp", 0, FV_CODEC_JPEG, 26, REQUEST "/trackID=0", REQUEST, 0, 0, 0},
    {"sharprtsp/test4.sdp", 0, FV_CODEC_H264, 96, REQUEST "/track1", REQUEST, 30, 0,
     FV_SDP_QUOTED_SETS},
    {"ireader/sdp1.txt", 0, FV_CODEC_H264, 97, REQUEST "/track1", REQUEST, 33, 0,
     FV_SDP_SETS_START_CODE},
    {"ireader/sdp2.txt", 0, FV_CODEC_H264, 96, REQUEST "/trackID=0", REQUEST, 0, 0,
     FV_SDP_NOT_A_SET},
};

static void check_stream(const struct describe *wanted, const struct fv_rtsp_message *message,
                         const struct fv_sdp *sdp, const struct fv_sdp_choice *choice)
{
    char base[FV_RTSP_URI_MAX], uri[FV_RTSP_URI_MAX];
    uint8_t sets[FV_SDP_SETS_MAX];
    uint32_t quirks = sdp->quirks | choice->quirks;
    assert_int_equal(choice->codec, wanted->codec);
    assert_int_equal(choice->format->payload_type, wanted->payload_type);
    assert_int_equal(choice->clock_rate, 90000);
    assert_true(choice->media->fps == wanted->fps);
    assert_int_equal(fv_rtsp_base(message, REQUEST, base, sizeof(base)), 0);
    assert_int_equal(fv_rtsp_join(base, choice->media->control, uri, sizeof(uri)), 0);
    assert_string_equal(uri, wanted->track);
    assert_int_equal(fv_rtsp_join(base, sdp->control, uri, sizeof(uri)), 0);
    assert_string_equal(uri, wanted->aggregate);
    assert_int_equal(fv_sdp_sets(choice->codec, choice->format->fmtp, sets, &quirks), wanted->sets);
    assert_int_equal(quirks, wanted->quirks);
}

static void check_describe(const struct describe *wanted, const char *data, size_t size)
{
    static struct fv_sdp sdp;
    struct fv_rtsp_message message = {0};
    struct fv_sdp_choice choice;
    struct fv_error err = {0};
    struct fv_slice body = {data, size};
    if (!is_sdp(wanted->file)) {
        assert_int_equal(fv_rtsp_parse(data, size, &message), size);
        assert_int_equal(message.status, 200);
        body = message.body;
    }
    assert_int_equal(fv_sdp_parse(body, &sdp), 0);
    assert_int_equal(fv_sdp_choose(&sdp, &choice, &err), wanted->code);
    if (wanted->code == 0)
        check_stream(wanted, &message, &sdp, &choice);
    else
        assert_non_null(strstr(err.text, wanted->track));
}

static void test_describe(void **state)
{
    for (size_t i = 0; i < sizeof(describes) / sizeof(describes[0]); i++) {
        size_t size;
        char *data = read_vector(describes[i].file, &size);
        if (!data)
            continue;
        print_message("%s\n", describes[i].file);
        check_describe(&describes[i], data, size);
        free(data);
    }
}

static struct fv_rtsp_message parse_whole(const char *name, char **ret_data)
{
    struct fv_rtsp_message message = {0};
    size_t size;
    *ret_data = read_vector(name, &size);
    if (!*ret_data)
        return message;
    print_message("%s\n", name);
    assert_int_equal(fv_rtsp_parse(*ret_data, size, &message), size);
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(fv_rtsp_parse(*ret_data, cut, &message), -EAGAIN);
    assert_int_equal(fv_rtsp_parse(*ret_data, size, &message), size);
    return message;
}

static void test_setup(void **state)
{
    static const struct {
        const char *file, *id;
        int64_t timeout_s;
        bool tcp, has_ssrc;
        uint32_t ssrc;
        uint8_t channel; /* RTP; RTCP is the next */
        uint16_t port;   /* RTP of the server; RTCP is the next */
        const char *source;
    } cases[] = {
        {"bunny_setup.txt", "1642021126", 60, true, false, 0, 0, 0, ""},
        {"dahua_setup.txt", "634214675641", 60, true, true, 0x30a98ee7, 0, 0, ""},
        {"gw_main_setup_audio.txt", "9a90de54", 60, true, false, 0, 2, 0, "192.168.1.110"},
        {"gw_main_setup_video.txt", "9a90de54", 60, true, false, 0, 0, 0, "192.168.1.110"},
        {"gw_sub_setup.txt", "9b0d0e54", 60, true, false, 0, 0, 0, "192.168.1.110"},
        {"h264dvr_setup_audio.txt", "231980", 60, false, false, 0, 0, 40006, "127.0.0.1"},
        {"h264dvr_setup_video.txt", "231970", 60, false, false, 0, 0, 40004, "127.0.0.1"},
        {"hikvision_setup.txt", "708345999", 60, true, true, 0x4cacc3d1, 0, 0, ""},
        {"hikvision_setup_ssrc_space.txt", "708886412", 60, true, true, 0xd6d6627, 0, 0, ""},
        {"luckfox_rkipc_setup_tcp.txt", "12345678", 0, true, true, 0x22345684, 0, 0, ""},
        {"luckfox_rkipc_setup_udp.txt", "12345678", 0, false, true, 0x22345685, 0, 49152, ""},
        {"reolink_setup.txt", "F8F8E425", 0, true, false, 0, 0, 0, "192.168.5.206"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[100], id[FV_RTSP_SESSION_ID_MAX], *data;
        struct fv_rtsp_transport transport;
        int64_t timeout;
        snprintf(name, sizeof(name), "retina/%s", cases[i].file);
        struct fv_rtsp_message message = parse_whole(name, &data);
        if (!data)
            continue;
        assert_int_equal(fv_rtsp_parse_session(fv_rtsp_find(&message, "Session"), id, &timeout), 0);
        assert_string_equal(id, cases[i].id);
        assert_true(timeout == (cases[i].timeout_s ? cases[i].timeout_s * FV_S : FV_TIME_UNKNOWN));
        assert_int_equal(fv_rtsp_parse_transport(fv_rtsp_find(&message, "Transport"), &transport),
                         0);
        assert_int_equal(transport.tcp, cases[i].tcp);
        assert_int_equal(transport.interleaved, cases[i].tcp);
        assert_false(transport.multicast);
        assert_int_equal(transport.has_ssrc, cases[i].has_ssrc);
        assert_int_equal(transport.ssrc, cases[i].ssrc);
        assert_int_equal(transport.rtp_channel, cases[i].channel);
        assert_int_equal(transport.rtcp_channel, cases[i].tcp ? cases[i].channel + 1 : 0);
        assert_int_equal(transport.server_rtp_port, cases[i].port);
        assert_int_equal(transport.server_rtcp_port, cases[i].port ? cases[i].port + 1 : 0);
        assert_string_equal(transport.source, cases[i].source);
        free(data);
    }
}

static void test_play(void **state)
{
    static const struct {
        const char *file, *control, *uri;
        bool has_seq, has_rtptime;
        uint16_t seq;
        uint32_t rtptime;
    } cases[] = {
        {"bunny_play.txt", "trackID=1", WOWZA "trackID=1", true, true, 1, 0},
        {"bunny_play.txt", "trackID=2", WOWZA "trackID=2", true, true, 1, 0},
        {"bunny_play.txt", "trackID=3", WOWZA "trackID=3", false, false, 0, 0},
        {"bad_rtptime.txt", "trackID=2", WOWZA "trackID=2", true, false, 1, 0},
        {"dahua_play.txt", "trackID=0", DAHUA "/trackID=0", true, true, 47121, 3475222385},
        {"dahua_play.txt", "trackID=4", DAHUA "/trackID=4", true, true, 36583, 816418535},
        {"gw_main_play.txt", "video", GW "5050/H264?x/video", true, true, 271, 1621990950},
        {"gw_sub_play.txt", "video", GW "5049/H264?x/video", true, true, 273, 1621810809},
        {"h264dvr_play.txt", "trackID=3", "rtsp://127.0.0.1:554/camera/trackID=3", false, false, 0,
         0},
        {"hikvision_play.txt", HIK "trackID=1" HIK_QUERY, HIK "trackID=1" HIK_QUERY, true, true,
         24104, 1270711678},
        {"laureii_play.txt", "trackID=0", "rtsp://192.168.1.19:554/0/main/trackID=0", true, true, 0,
         0},
        {"reolink_play.txt", "trackID=1", REOLINK "trackID=1", true, true, 16852, 1070938629},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[100], *data;
        snprintf(name, sizeof(name), "retina/%s", cases[i].file);
        struct fv_rtsp_message message = parse_whole(name, &data);
        if (!data)
            continue;
        struct fv_rtsp_info info = fv_rtsp_parse_info(fv_rtsp_find(&message, "RTP-Info"),
                                                      fv_slice_of(cases[i].control), cases[i].uri);
        assert_int_equal(info.has_seq, cases[i].has_seq);
        assert_int_equal(info.seq, cases[i].seq);
        assert_int_equal(info.has_rtptime, cases[i].has_rtptime);
        assert_int_equal(info.rtptime, cases[i].rtptime);
        free(data);
    }
}

static void test_others(void **state)
{
    char *data;
    struct fv_rtsp_message message = parse_whole("retina/request.txt", &data);
    if (data) {
        assert_true(message.request);
        assert_true(fv_slice_eq(message.method, FV_SLICE("DESCRIBE")));
        assert_true(fv_slice_eq(message.uri, FV_SLICE("rtsp://192.168.5.225/h264Preview_01_main")));
        assert_int_equal(message.header_count, 3);
    }
    free(data);
    message = parse_whole("retina/dahua_options.txt", &data);
    if (data)
        assert_true(fv_slice_eq(fv_rtsp_find(&message, "Server"), FV_SLICE("Rtsp Server/3.0")));
    free(data);
    message = parse_whole("retina/reolink_teardown.txt", &data);
    if (data)
        assert_int_equal(message.status, 200);
    free(data);
    message = parse_whole("retina/longse_unauthorized.txt", &data);
    if (data) {
        struct fv_slice rest = fv_rtsp_find(&message, "WWW-Authenticate");
        struct fv_auth_challenge challenge;
        assert_int_equal(message.status, 401);
        assert_true(fv_slice_eq(fv_rtsp_find(&message, "CSeq"), FV_SLICE("1")));
        assert_true(fv_auth_next_challenge(&rest, &challenge));
        assert_int_equal(challenge.scheme, FV_AUTH_DIGEST);
        assert_true(challenge.supported && !challenge.qop);
        assert_true(fv_slice_eq(challenge.realm, FV_SLICE("Surveillance Server")));
        assert_true(fv_slice_eq(challenge.nonce, FV_SLICE("98481030")));
    }
    free(data);
}

/* A recorded TCP connection: answers and frames back to back, nothing left over, nothing odd. */
static void test_capture(void **state)
{
    size_t size, used = 0, frames = 0, messages = 0;
    char *data = read_vector("retina/bunny.rtsp", &size);
    if (!data)
        return;
    while (used < size) {
        struct fv_rtsp_frame frame;
        struct fv_rtsp_message message;
        const uint8_t *at = (const uint8_t *)data + used;
        bool is_frame = *at == '$';
        int64_t n = is_frame ? fv_rtsp_parse_frame(at, size - used, &frame)
                             : fv_rtsp_parse(data + used, size - used, &message);
        if (n < 0)
            fail_msg("%lld at %zu of %zu", (long long)n, used, size);
        *(is_frame ? &frames : &messages) += 1;
        used += (size_t)n;
    }
    print_message("%zu messages, %zu frames\n", messages, frames);
    assert_true(frames > 100);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describe), cmocka_unit_test(test_setup),
        cmocka_unit_test(test_play),     cmocka_unit_test(test_others),
        cmocka_unit_test(test_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
