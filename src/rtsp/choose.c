// SPDX-License-Identifier: Apache-2.0
/* Which stream of a description to play, and its parameter sets. */
#include <errno.h>

#include "base/str.h"
#include "rtsp/message.h"
#include "rtsp/sdp.h"

#define CLOCK_RATE 90000 /* of all video, RFC 6184 8.2.1, RFC 7798 7.2.1 */

/* "RTP/AVP", "RTP/AVPF", "RTP/AVP/TCP", "TCP/RTP/AVP": whatever is RTP and not encrypted (SAVP). */
static bool is_plain_rtp(struct fv_slice protocol)
{
    bool avp = false;
    while (protocol.size) {
        struct fv_slice part = fv_slice_cut(&protocol, '/');
        if (fv_slice_eq_nocase(part, FV_SLICE("AVP")) || fv_slice_eq_nocase(part, FV_SLICE("AVPF")))
            avp = true;
    }
    return avp;
}

static bool has_param(struct fv_slice fmtp, const char *name)
{
    struct fv_slice key, value;
    while (fv_rtsp_next_param(&fmtp, ';', &key, &value)) {
        if (fv_slice_eq_nocase(key, fv_slice_of(name)))
            return true;
    }
    return false;
}

static enum fv_codec codec_of(const struct fv_sdp_format *format, uint32_t *quirks)
{
    for (enum fv_codec codec = FV_CODEC_H264; codec <= FV_CODEC_AV1; codec++)
        if (fv_slice_eq_nocase(format->encoding, fv_slice_of(fv_codec_name(codec))))
            return codec; /* RTP's names are ours in capitals */
    if (format->encoding.size)
        return FV_CODEC_NONE;
    enum fv_codec codec = FV_CODEC_NONE;
    if (has_param(format->fmtp, "sprop-parameter-sets"))
        codec = FV_CODEC_H264;
    else if (has_param(format->fmtp, "sprop-sps"))
        codec = FV_CODEC_H265;
    if (codec != FV_CODEC_NONE)
        *quirks |= FV_SDP_GUESSED_CODEC;
    return codec;
}

/* What is looked for, in this order. */
enum pass {
    PASS_SENT, /* what the camera sends, but JPEG */
    PASS_SENT_JPEG,
    PASS_BACK, /* the same of what claims to be a back channel */
    PASS_BACK_JPEG,
    PASSES
};

static bool choose_format(const struct fv_sdp_media *media, bool jpeg, struct fv_sdp_choice *choice)
{
    for (unsigned i = 0; i < media->format_count; i++) {
        const struct fv_sdp_format *format = &media->formats[i];
        uint32_t quirks = 0;
        enum fv_codec codec = codec_of(format, &quirks);
        if (codec == FV_CODEC_NONE || (codec == FV_CODEC_JPEG) != jpeg)
            continue;
        if (!format->clock_rate && format->encoding.size)
            quirks |= FV_SDP_NO_CLOCK_RATE;
        if (!media->control.size)
            quirks |= FV_SDP_NO_CONTROL;
        uint32_t rate = format->clock_rate ? format->clock_rate : CLOCK_RATE;
        *choice = (struct fv_sdp_choice){media, format, codec, rate, quirks};
        return true;
    }
    return false;
}

static bool is_video(const struct fv_sdp_media *media)
{
    return fv_slice_eq_nocase(media->type, FV_SLICE("video"));
}

static bool choose_media(const struct fv_sdp *sdp, enum pass pass, struct fv_sdp_choice *choice)
{
    const bool sendonly = pass >= PASS_BACK;
    const bool jpeg = pass == PASS_SENT_JPEG || pass == PASS_BACK_JPEG;
    for (unsigned i = 0; i < sdp->media_count; i++) {
        const struct fv_sdp_media *media = &sdp->media[i];
        bool back = media->direction == FV_SDP_SENDONLY;
        if (is_video(media) && is_plain_rtp(media->protocol) && back == sendonly &&
            media->direction != FV_SDP_INACTIVE && choose_format(media, jpeg, choice))
            return true;
    }
    return false;
}

/* Text from outside for a person: printable and short. */
static void add_printable(struct fv_str *str, struct fv_slice text)
{
    for (size_t i = 0; i < text.size && i < 24; i++) {
        char c = text.data[i] < ' ' || text.data[i] > '~' ? '?' : text.data[i];
        fv_str_add_slice(str, (struct fv_slice){&c, 1});
    }
}

/* "video JPEG, audio PCMU": what there is instead. */
static void add_offer(struct fv_str *str, const struct fv_sdp *sdp)
{
    for (unsigned i = 0; i < sdp->media_count; i++) {
        const struct fv_sdp_media *media = &sdp->media[i];
        fv_str_add(str, i ? ", " : "");
        add_printable(str, media->type);
        for (unsigned f = 0; f < media->format_count && f < 4; f++) {
            const struct fv_sdp_format *format = &media->formats[f];
            fv_str_add(str, f ? "/" : " ");
            if (format->encoding.size)
                add_printable(str, format->encoding);
            else
                fv_str_addf(str, "payload type %u without rtpmap", format->payload_type);
        }
        if (!is_plain_rtp(media->protocol)) {
            fv_str_add(str, " over ");
            add_printable(str, media->protocol);
        }
        if (media->direction == FV_SDP_INACTIVE)
            fv_str_add(str, " (inactive)");
    }
    if (!sdp->media_count)
        fv_str_add(str, "nothing");
}

int fv_sdp_choose(const struct fv_sdp *sdp, struct fv_sdp_choice *ret_choice, struct fv_error *err)
{
    for (enum pass pass = 0; pass < PASSES; pass++) {
        if (!choose_media(sdp, pass, ret_choice))
            continue;
        if (pass >= PASS_BACK)
            ret_choice->quirks |= FV_SDP_SENDONLY_VIDEO;
        return 0;
    }
    char text[200];
    struct fv_str offer;
    fv_str_init(&offer, text, sizeof(text));
    add_offer(&offer, sdp);
    bool video = false;
    for (unsigned i = 0; i < sdp->media_count; i++)
        video = video || is_video(&sdp->media[i]);
    return fv_error_set(
        err, video ? -ENOTSUP : -ENOENT,
        "no unencrypted H.264, H.265, VP9, AV1 or JPEG video; the camera offers: %s", text);
}

enum set_kind { SET_VPS, SET_SPS, SET_PPS, SET_OTHER };

static enum set_kind kind_of_set(enum fv_codec codec, const uint8_t *nal, size_t size)
{
    if (size < 3 || nal[0] & 0x80)
        return SET_OTHER;
    unsigned type = codec == FV_CODEC_H264 ? nal[0] & 0x1f : nal[0] >> 1 & 0x3f;
    if (codec == FV_CODEC_H264)
        return type == 7 ? SET_SPS : type == 8 ? SET_PPS : SET_OTHER;
    return type == 32 ? SET_VPS : type == 33 ? SET_SPS : type == 34 ? SET_PPS : SET_OTHER;
}

/* Takes start codes and zeros off both ends: `nal` and `size` then say where the NAL unit is. */
static void strip_start_codes(uint8_t **nal, size_t *size, uint32_t *quirks)
{
    size_t zeros = 0;
    while (zeros < *size && (*nal)[zeros] == 0)
        zeros++;
    if (zeros >= 2 && zeros < *size && (*nal)[zeros] == 1) {
        *nal += zeros + 1;
        *size -= zeros + 1;
        *quirks |= FV_SDP_SETS_START_CODE;
    }
    size_t n = *size;
    for (;;) {
        if (n >= 3 && (*nal)[n - 1] == 1 && (*nal)[n - 2] == 0 && (*nal)[n - 3] == 0) {
            n -= 3;
            *quirks |= FV_SDP_SETS_START_CODE;
        } else if (n && (*nal)[n - 1] == 0) {
            n--;
        } else {
            break;
        }
    }
    *size = n;
}

struct sets {
    enum fv_codec codec;
    enum set_kind kind; /* wanted in this pass */
    uint8_t *out;
    size_t size;
    uint32_t *quirks;
};

static void add_set(struct sets *sets, struct fv_slice text)
{
    uint8_t buffer[FV_SDP_SETS_MAX], *nal = buffer;
    struct fv_slice bare = fv_slice_trim(text);
    while (bare.size && bare.data[0] == '"')
        bare = (struct fv_slice){bare.data + 1, bare.size - 1};
    while (bare.size && bare.data[bare.size - 1] == '"')
        bare.size--;
    if (bare.size != fv_slice_trim(text).size)
        *sets->quirks |= FV_SDP_QUOTED_SETS;
    if (!bare.size)
        return;
    int64_t decoded = fv_base64_decode(bare, buffer, sizeof(buffer));
    if (decoded < 0) {
        *sets->quirks |= decoded == -ENOBUFS ? FV_SDP_SETS_TOO_LONG : FV_SDP_BAD_BASE64;
        return;
    }
    size_t size = (size_t)decoded;
    strip_start_codes(&nal, &size, sets->quirks);
    enum set_kind kind = kind_of_set(sets->codec, nal, size);
    if (kind == SET_OTHER)
        *sets->quirks |= FV_SDP_NOT_A_SET;
    if (kind != sets->kind)
        return;
    if (size + 4 > FV_SDP_SETS_MAX - sets->size) {
        *sets->quirks |= FV_SDP_SETS_TOO_LONG;
        return;
    }
    memcpy(sets->out + sets->size, (const uint8_t[]){0, 0, 0, 1}, 4);
    memcpy(sets->out + sets->size + 4, nal, size);
    sets->size += 4 + size;
}

static bool is_sets_param(enum fv_codec codec, struct fv_slice key)
{
    if (codec == FV_CODEC_H264)
        return fv_slice_eq_nocase(key, FV_SLICE("sprop-parameter-sets"));
    return fv_slice_eq_nocase(key, FV_SLICE("sprop-vps")) ||
           fv_slice_eq_nocase(key, FV_SLICE("sprop-sps")) ||
           fv_slice_eq_nocase(key, FV_SLICE("sprop-pps"));
}

size_t fv_sdp_sets(enum fv_codec codec, struct fv_slice fmtp, uint8_t *out, uint32_t *quirks)
{
    struct sets sets = {codec, SET_VPS, out, 0, quirks};
    /* One pass for each kind: the order that a decoder needs, whatever the order in the text. */
    for (; sets.kind < SET_OTHER; sets.kind++) {
        struct fv_slice rest = fmtp, key, value;
        while (fv_rtsp_next_param(&rest, ';', &key, &value)) {
            while (is_sets_param(codec, key) && value.size)
                add_set(&sets, fv_slice_cut(&value, ','));
        }
    }
    return sets.size;
}
