// SPDX-License-Identifier: Apache-2.0
#include "sim/sdp.h"

/* Adds ";name=" and the sets of one kind, base64, separated by commas. */
static void add_sets(const struct fv_clip *clip, enum fv_nal_kind kind, struct fv_str *out)
{
    char text[FV_CLIP_SET_SIZE / 3 * 4 + 8];
    const char *comma = "";
    for (uint32_t i = 0; i < clip->set_count; i++) {
        const struct fv_clip_set *set = &clip->sets[i];
        if (set->kind != kind)
            continue;
        if (fv_base64_encode(set->data, set->size, text, sizeof(text)) < 0)
            continue;
        fv_str_addf(out, "%s%s", comma, text);
        comma = ",";
    }
}

static void add_fmtp_h264(const struct fv_clip *clip, struct fv_str *out)
{
    fv_str_addf(out, "a=fmtp:%d packetization-mode=1", FV_SIM_PAYLOAD_TYPE);
    for (uint32_t i = 0; i < clip->set_count; i++)
        if (clip->sets[i].kind == FV_NAL_SPS && clip->sets[i].size >= 4) {
            const uint8_t *sps = clip->sets[i].data;
            fv_str_addf(out, "; profile-level-id=%02X%02X%02X", sps[1], sps[2], sps[3]);
            break;
        }
    fv_str_add(out, "; sprop-parameter-sets=");
    add_sets(clip, FV_NAL_SPS, out);
    fv_str_add(out, ",");
    add_sets(clip, FV_NAL_PPS, out);
    fv_str_add(out, "\r\n");
}

static void add_fmtp_h265(const struct fv_clip *clip, struct fv_str *out)
{
    fv_str_addf(out, "a=fmtp:%d sprop-vps=", FV_SIM_PAYLOAD_TYPE);
    add_sets(clip, FV_NAL_VPS, out);
    fv_str_add(out, "; sprop-sps=");
    add_sets(clip, FV_NAL_SPS, out);
    fv_str_add(out, "; sprop-pps=");
    add_sets(clip, FV_NAL_PPS, out);
    fv_str_add(out, "\r\n");
}

static const char *rtp_name(enum fv_codec codec)
{
    static const char *const names[] = {
        [FV_CODEC_H264] = "H264", [FV_CODEC_H265] = "H265", [FV_CODEC_JPEG] = "JPEG",
        [FV_CODEC_VP9] = "VP9",   [FV_CODEC_AV1] = "AV1",
    };
    return names[codec];
}

void fv_sim_sdp(const struct fv_clip *clip, unsigned camera, struct fv_str *out)
{
    fv_str_addf(out,
                "v=0\r\n"
                "o=- %u 1 IN IP4 0.0.0.0\r\n"
                "s=Fovea simulator, camera %u\r\n"
                "c=IN IP4 0.0.0.0\r\n"
                "t=0 0\r\n"
                "a=control:*\r\n"
                "a=range:npt=now-\r\n",
                camera + 1, camera);
    fv_str_addf(out, "m=video 0 RTP/AVP %d\r\na=rtpmap:%d %s/%d\r\n", FV_SIM_PAYLOAD_TYPE,
                FV_SIM_PAYLOAD_TYPE, rtp_name(clip->codec), FV_SIM_CLOCK);
    if (clip->codec == FV_CODEC_H264)
        add_fmtp_h264(clip, out);
    if (clip->codec == FV_CODEC_H265)
        add_fmtp_h265(clip, out);
    if (clip->codec ==
        FV_CODEC_JPEG) /* RFC 2435 cannot say it exactly, and beyond 2040 not at all */
        fv_str_addf(out, "a=x-dimensions:%u,%u\r\n", clip->format.width, clip->format.height);
    fv_str_addf(out, "a=framerate:%.6g\r\na=control:" FV_SIM_TRACK "\r\n", clip->fps);
}
