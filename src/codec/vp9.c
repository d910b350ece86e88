// SPDX-License-Identifier: Apache-2.0
#include "codec/vp9.h"

#include <errno.h>

#include "codec/bits.h"
#include "codec/sps.h"

#define FRAME_MARKER 2
#define SYNC_CODE 0x498342
#define REFERENCES 8
#define COLOR_RGB 7
#define BLOCK 8 /* the coded size is a multiple of it: MiCols, MiRows */

static size_t read_little_endian(const uint8_t *data, unsigned bytes)
{
    size_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (size_t)data[i] << 8 * i;
    return value;
}

static int single(const uint8_t *data, size_t size, struct fv_vp9_frame *ret_frames)
{
    ret_frames[0] = (struct fv_vp9_frame){data, size};
    return 1;
}

/* The sizes that an index with this marker has, the bytes of each, and of the whole index. */
static void read_marker(uint8_t marker, unsigned *ret_count, unsigned *ret_bytes, size_t *ret_index)
{
    *ret_count = (marker & 7) + 1u;
    *ret_bytes = (marker >> 3 & 3) + 1u;
    *ret_index = 2 + *ret_count * *ret_bytes;
}

int fv_vp9_split(const uint8_t *data, size_t size,
                 struct fv_vp9_frame ret_frames[FV_VP9_FRAMES_MAX])
{
    if (!size)
        return -EBADMSG;
    uint8_t last = data[size - 1];
    unsigned bytes, count;
    size_t index;
    read_marker(last, &count, &bytes, &index);
    if ((last & 0xe0) != 0xc0 || size < index || data[size - index] != last)
        return single(data, size, ret_frames);
    const uint8_t *sizes = data + size - index + 1;
    size_t left = size - index;
    int frames = 0;
    for (unsigned i = 0; i < count; i++, sizes += bytes) {
        size_t frame = read_little_endian(sizes, bytes);
        if (frame > left)
            return -EBADMSG;
        if (frame)
            ret_frames[frames++] = (struct fv_vp9_frame){data, frame};
        data += frame;
        left -= frame;
    }
    return frames ? frames : -EBADMSG;
}

bool fv_vp9_fills(const uint8_t *data, size_t size, const struct fv_vp9_frame *frames, int count)
{
    unsigned entries, bytes;
    size_t index;
    if (frames[0].size == size)
        return true;
    read_marker(data[size - 1], &entries, &bytes, &index);
    for (int i = 0; i < count; i++)
        if (frames[i].data[0] >> 6 != FRAME_MARKER)
            return false;
    const struct fv_vp9_frame *last = &frames[count - 1];
    return (unsigned)count == entries && last->data + last->size == data + size - index;
}

/* color_space (7.2.2) in the numbers of H.273. */
static uint8_t matrix_of(unsigned color_space)
{
    static const uint8_t matrices[] = {FV_MATRIX_UNSPECIFIED, 5, 1, 6, 7, 9,
                                       FV_MATRIX_UNSPECIFIED, 0};
    return matrices[color_space];
}

/* 6.2.2 */
static int read_color(struct fv_bits *bits, struct fv_video_format *format)
{
    bool subsampling = format->profile & 1; /* written; else 4:2:0 */
    format->bit_depth = format->profile < 2 ? 8 : fv_bits_u(bits, 1) ? 12 : 10;
    unsigned space = fv_bits_u(bits, 3), x = 1, y = 1;
    format->matrix = matrix_of(space);
    if (space == COLOR_RGB) {
        format->full_range = true;
        x = y = 0;
        if (!subsampling)
            return -EBADMSG;
    } else {
        format->full_range = fv_bits_u(bits, 1);
        if (subsampling) {
            x = fv_bits_u(bits, 1);
            y = fv_bits_u(bits, 1);
        }
    }
    if (subsampling)
        fv_bits_skip(bits, 1);
    if (!x && y)
        return -ENOTSUP; /* 4:4:0 */
    format->chroma = x ? (y ? 1 : 2) : 3;
    return 0;
}

/* Of a key frame, from behind error_resilient_mode on. */
static int read_key(struct fv_bits *bits, unsigned profile, struct fv_video_format *format)
{
    if (fv_bits_u(bits, 24) != SYNC_CODE)
        return -EBADMSG;
    *format = (struct fv_video_format){.codec = FV_CODEC_VP9,
                                       .profile = (uint8_t)profile,
                                       .max_ref_frames = REFERENCES,
                                       .reorder_known = true};
    int code = read_color(bits, format);
    unsigned width = fv_bits_u(bits, 16) + 1, height = fv_bits_u(bits, 16) + 1;
    if (bits->error)
        return -EBADMSG;
    if (code < 0)
        return code;
    unsigned coded_width = (width + BLOCK - 1) / BLOCK * BLOCK;
    unsigned coded_height = (height + BLOCK - 1) / BLOCK * BLOCK;
    const struct fv_sps_window window = {.right = coded_width - width,
                                         .bottom = coded_height - height};
    return fv_sps_set_size(format, coded_width, coded_height, &window, 1, 1);
}

int fv_vp9_parse(const uint8_t *frame, size_t size, struct fv_vp9_header *ret_header)
{
    struct fv_vp9_header header = {0};
    struct fv_bits bits;
    fv_bits_init(&bits, frame, size);
    if (fv_bits_u(&bits, 2) != FRAME_MARKER)
        return -EBADMSG;
    unsigned low = fv_bits_u(&bits, 1), profile = fv_bits_u(&bits, 1) << 1 | low;
    if (profile == 3 && fv_bits_u(&bits, 1))
        return -EBADMSG;
    header.profile = (uint8_t)profile;
    header.existing = fv_bits_u(&bits, 1);
    if (header.existing) {
        header.shown = true;
        fv_bits_skip(&bits, 3);
    } else {
        header.key = !fv_bits_u(&bits, 1);
        header.shown = fv_bits_u(&bits, 1);
        fv_bits_skip(&bits, 1);
    }
    int code = header.key ? read_key(&bits, profile, &header.format) : 0;
    if (!header.key && !header.shown)
        header.intra_only = fv_bits_u(&bits, 1);
    if (bits.error)
        return -EBADMSG;
    if (code == 0)
        *ret_header = header;
    return code;
}
