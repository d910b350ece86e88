// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an access unit of JPEG, VP9 and AV1: refused, or within the promised limits. */
#include <stdlib.h>

#include "codec/av1.h"
#include "codec/codec.h"
#include "codec/jpeg.h"
#include "codec/vp9.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
    if (!promise)
        abort();
}

static void check_format(enum fv_codec codec, const uint8_t *data, size_t size)
{
    struct fv_video_format format;
    bool key = fv_codec_is_key(codec, data, size);
    if (fv_codec_read_format(codec, data, size, &format) < 0)
        return;
    check(codec != FV_CODEC_VP9 || key);
    check(format.codec == codec && format.chroma <= 3);
    check(format.width >= 1 && format.width <= format.coded_width && format.coded_width <= 16384);
    check(format.height >= 1 && format.height <= format.coded_height &&
          format.coded_height <= 16384);
    check(format.bit_depth >= 8 && format.bit_depth <= 12);
    check((format.fps_num == 0) == (format.fps_den == 0));
}

static void check_frames(const uint8_t *data, size_t size)
{
    struct fv_vp9_frame frames[FV_VP9_FRAMES_MAX];
    struct fv_vp9_header header;
    int count = fv_vp9_split(data, size, frames);
    check(count != 0 && count <= FV_VP9_FRAMES_MAX);
    if (count > 0)
        (void)fv_vp9_fills(data, size, frames, count);
    for (int i = 0; i < count; i++) {
        check(frames[i].size && frames[i].data >= data &&
              frames[i].data + frames[i].size <= data + size);
        (void)fv_vp9_parse(frames[i].data, frames[i].size, &header);
    }
}

/* What was packed says the same and stays as it is. */
static void check_pack(const uint8_t *data, size_t size)
{
    uint8_t *once = malloc(fv_av1_pack_bound(size)), *twice = malloc(fv_av1_pack_bound(size) + 8);
    check(once && twice);
    int64_t packed = fv_av1_pack(data, size, once);
    if (packed >= 0) {
        struct fv_av1_unit a, b;
        check((size_t)packed <= fv_av1_pack_bound(size));
        check(fv_av1_pack(once, (size_t)packed, twice) == packed);
        int code = fv_av1_look(data, size, &a);
        check(fv_av1_look(once, (size_t)packed, &b) == code);
        check(code < 0 || (a.key == b.key && a.frames == b.frames && a.sequence == b.sequence));
    }
    free(once);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length;
    for (enum fv_codec codec = FV_CODEC_JPEG; codec <= FV_CODEC_AV1; codec++)
        check_format(codec, data, size);
    check_frames(data, size);
    check_pack(data, size);
    (void)fv_jpeg_lacks_tables(data, size);
    check(fv_jpeg_length(data, size, &length) < 0 || (length >= 4 && length <= size));
    return 0;
}
