// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a session description: every slice is read, a stream is chosen, its parameter sets
 * and address are made. */
#include <stdlib.h>

#include "rtsp/sdp.h"
#include "rtsp/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum;

static void touch(struct fv_slice text)
{
    for (size_t i = 0; i < text.size; i++)
        sum += (unsigned char)text.data[i];
}

static void touch_media(const struct fv_sdp_media *media)
{
    touch(media->type);
    touch(media->protocol);
    touch(media->connection);
    touch(media->control);
    if (media->format_count > FV_SDP_FORMATS_MAX || !(media->fps >= 0 && media->fps < 1001))
        abort();
    for (unsigned i = 0; i < media->format_count; i++) {
        touch(media->formats[i].encoding);
        touch(media->formats[i].fmtp);
    }
}

static void touch_choice(const struct fv_sdp_choice *choice)
{
    char uri[FV_RTSP_URI_MAX];
    uint32_t quirks = 0;
    uint8_t *sets = malloc(FV_SDP_SETS_MAX);
    if (!sets || choice->clock_rate == 0 || choice->codec == FV_CODEC_NONE)
        abort();
    size_t n = fv_sdp_sets(choice->codec, choice->format->fmtp, sets, &quirks);
    if (n > FV_SDP_SETS_MAX || (n && n < 7))
        abort();
    touch((struct fv_slice){(const char *)sets, n});
    free(sets);
    if (fv_rtsp_join("rtsp://cam/a?b", choice->media->control, uri, sizeof(uri)) == 0 &&
        strpbrk(uri, "\r\n \""))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fv_sdp sdp;
    struct fv_sdp_choice choice;
    struct fv_error err = {0};
    if (fv_sdp_parse((struct fv_slice){(const char *)data, size}, &sdp) < 0)
        return 0;
    touch(sdp.name);
    touch(sdp.control);
    if (sdp.media_count > FV_SDP_MEDIA_MAX)
        abort();
    for (unsigned i = 0; i < sdp.media_count; i++)
        touch_media(&sdp.media[i]);
    if (fv_sdp_choose(&sdp, &choice, &err) == 0)
        touch_choice(&choice);
    else if (!err.text[0])
        abort();
    return 0;
}
