// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an access unit of JPEG, VP9 and AV1: refused, or within the promised limits. */
#include <stdlib.h>

#include "codec/av1_frame.h"
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
    if (count > 0 && fv_vp9_fills(data, size, frames, count) && frames[0].size < size)
        check(frames[count - 1].data + frames[count - 1].size < data + size);
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

static void check_frame(struct fv_av1_stream *stream, const struct fv_av1_obu *obu)
{
    struct fv_av1_frame frame;
    if (fv_av1_read_frame(stream, obu, &frame) < 0)
        return;
    check(frame.header_bits <= 8 * obu->payload_size);
    unsigned count = frame.tiles.columns * frame.tiles.rows, next = 0;
    check(frame.existing || (count >= 1 && count <= FV_AV1_TILES_SIDE * FV_AV1_TILES_SIDE));
    if (!frame.existing && fv_av1_check_tiles(&frame, obu, &next) == 0)
        check(next >= 1 && next <= count);
    fv_av1_apply(stream, &frame);
}

/* As a decoder goes through them; begins with a stream of all tools when the input brings no sequence header. */
static void check_obus(const uint8_t *data, size_t size)
{
    static const uint8_t sequence[] = {0, 0, 0, 4, 0x3c, 0xfe, 0xfc, 0xda, 0xf9, 0, 0xc0};
    struct fv_av1_stream stream = {0};
    struct fv_av1_sequence read;
    struct fv_av1_obu obu;
    check(fv_av1_read_sequence(sequence, sizeof(sequence), &read) == 0);
    fv_av1_set_sequence(&stream, &read);
    for (; size && fv_av1_obu(data, size, &obu) == 0; data += obu.size, size -= obu.size) {
        if (obu.type == FV_AV1_SEQUENCE_HEADER &&
            fv_av1_read_sequence(obu.payload, obu.payload_size, &read) == 0)
            fv_av1_set_sequence(&stream, &read);
        if (obu.type == FV_AV1_FRAME || obu.type == FV_AV1_FRAME_HEADER)
            check_frame(&stream, &obu);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length;
    for (enum fv_codec codec = FV_CODEC_JPEG; codec <= FV_CODEC_AV1; codec++)
        check_format(codec, data, size);
    check_frames(data, size);
    check_pack(data, size);
    check_obus(data, size);
    (void)fv_jpeg_lacks_tables(data, size);
    check(fv_jpeg_length(data, size, &length) < 0 || (length >= 4 && length <= size));
    return 0;
}
