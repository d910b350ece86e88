// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg.h"

#include <errno.h>
#include <string.h>

#include "codec/jpeg_tables.h"
#include "codec/sps.h"

#define MATRIX_BT601 5 /* what JFIF means by Y, Cb and Cr, in the numbers of H.273 */

struct walk {
    const uint8_t *data;
    size_t size, pos;
    struct fv_jpeg_segment at; /* the segment at hand */
};

static int begin(struct walk *walk, const uint8_t *data, size_t size)
{
    *walk = (struct walk){.data = data, .size = size, .pos = 2};
    if (size < 2)
        return (size && data[0] != 0xff) ? -EBADMSG : -EAGAIN;
    return data[0] == 0xff && data[1] == FV_JPEG_SOI ? 0 : -EBADMSG;
}

static bool stands_alone(int marker)
{
    return marker == FV_JPEG_TEM || (marker >= FV_JPEG_RST0 && marker <= FV_JPEG_EOI);
}

/* The next marker segment (B.1.1.4): its second byte; -EAGAIN, -EBADMSG. */
static int next_segment(struct walk *walk)
{
    size_t pos = walk->pos;
    if (pos < walk->size && walk->data[pos] != 0xff)
        return -EBADMSG;
    while (pos < walk->size && walk->data[pos] == 0xff) /* fill bytes, B.1.1.2 */
        pos++;
    if (pos >= walk->size)
        return -EAGAIN;
    int marker = walk->data[pos++];
    if (!marker)
        return -EBADMSG;
    walk->pos = pos;
    walk->at = (struct fv_jpeg_segment){(uint8_t)marker, walk->data + pos, 0};
    if (stands_alone(marker))
        return marker;
    if (pos + 2 > walk->size)
        return -EAGAIN;
    size_t length = (size_t)walk->data[pos] << 8 | walk->data[pos + 1];
    if (length < 2)
        return -EBADMSG;
    if (length > walk->size - pos)
        return -EAGAIN;
    walk->at.data = walk->data + pos + 2;
    walk->at.size = length - 2;
    walk->pos = pos + length;
    return marker;
}

static bool only_fill(const struct walk *walk)
{
    size_t pos = walk->pos;
    while (pos < walk->size && walk->data[pos] == 0xff)
        pos++;
    return pos == walk->size;
}

int fv_jpeg_next(const uint8_t *data, size_t size, size_t *offset,
                 struct fv_jpeg_segment *ret_segment)
{
    struct walk walk = {.data = data, .size = size, .pos = *offset};
    if (only_fill(&walk)) {
        *offset = size;
        return 0;
    }
    int marker = next_segment(&walk);
    if (marker < 0 || stands_alone(marker))
        return -EBADMSG;
    *ret_segment = walk.at;
    *offset = walk.pos;
    return 1;
}

bool fv_jpeg_is_frame(unsigned marker)
{
    return marker >= FV_JPEG_SOF0 && marker <= FV_JPEG_SOF15 && marker != FV_JPEG_DHT &&
           marker != FV_JPEG_JPG && marker != FV_JPEG_DAC;
}

bool fv_jpeg_is_note(unsigned marker)
{
    return (marker >= FV_JPEG_APP0 && marker <= FV_JPEG_APP15) || marker == FV_JPEG_COM;
}

/* Sampling factors of the first component against those of the others -> chroma_format_idc; -1: none of them. */
static int chroma_of(const uint8_t *component, unsigned count)
{
    if (count == 1)
        return 0;
    unsigned x = component[1] >> 4, y = component[1] & 15;
    unsigned cx = component[4] >> 4, cy = component[4] & 15;
    if (component[7] != component[4] || !cx || !cy)
        return -1;
    if (x == 2 * cx)
        return y == 2 * cy ? 1 : y == cy ? 2 : -1;
    return x == cx && y == cy ? 3 : -1;
}

/* B.2.2. */
int fv_jpeg_parse_frame(unsigned marker, const uint8_t *body, size_t size,
                        struct fv_video_format *ret_format)
{
    if (size < 6 || size < 6 + 3u * body[5])
        return -EBADMSG;
    unsigned height = (unsigned)body[1] << 8 | body[2], width = (unsigned)body[3] << 8 | body[4];
    unsigned components = body[5];
    if (!width || !components)
        return -EBADMSG;
    if (marker > FV_JPEG_SOF2 || body[0] != 8 || !height || (components != 1 && components != 3))
        return -ENOTSUP;
    int chroma = chroma_of(body + 6, components);
    if (chroma < 0)
        return -ENOTSUP;
    unsigned block_x = 8 * fv_chroma_step_x((unsigned)chroma);
    unsigned block_y = 8 * fv_chroma_step_y((unsigned)chroma);
    unsigned coded_width = (width + block_x - 1) / block_x * block_x;
    unsigned coded_height = (height + block_y - 1) / block_y * block_y;
    const struct fv_sps_window window = {.right = coded_width - width,
                                         .bottom = coded_height - height};
    struct fv_video_format format = {.codec = FV_CODEC_JPEG,
                                     .profile = (uint8_t)(marker - FV_JPEG_SOF0),
                                     .bit_depth = 8,
                                     .chroma = (uint8_t)chroma,
                                     .full_range = true,
                                     .matrix = MATRIX_BT601,
                                     .reorder_known = true};
    int code = fv_sps_set_size(&format, coded_width, coded_height, &window, 1, 1);
    if (code == 0)
        *ret_format = format;
    return code;
}

/* Entropy-coded data ends at a marker that is no restart; a zero byte after 0xff is stuffing (B.1.1.5). */
static int skip_scan(struct walk *walk)
{
    while (walk->pos + 1 < walk->size) {
        const uint8_t *at = memchr(walk->data + walk->pos, 0xff, walk->size - 1 - walk->pos);
        if (!at)
            break;
        walk->pos = (size_t)(at - walk->data);
        if (at[1] != 0 && at[1] != 0xff && !(at[1] >= FV_JPEG_RST0 && at[1] <= FV_JPEG_RST7))
            return 0;
        walk->pos++;
    }
    return -EAGAIN;
}

int fv_jpeg_skip_scan(const uint8_t *data, size_t size, size_t *offset)
{
    struct walk walk = {.data = data, .size = size, .pos = *offset};
    int rc = skip_scan(&walk);
    if (rc == 0)
        *offset = walk.pos;
    return rc;
}

size_t fv_jpeg_end_scan(const uint8_t *data, size_t size, size_t offset)
{
    struct walk walk = {.data = data, .size = size, .pos = offset};
    for (; skip_scan(&walk) == 0; walk.pos += 2) {
        const uint8_t marker = data[walk.pos + 1];
        if (marker >= FV_JPEG_SOF0)
            return walk.pos + (marker == FV_JPEG_EOI ? 2 : 0);
    }
    return size;
}

/* From SOI on, over segments and scans, to the first marker that is wanted: its second byte; -EAGAIN, -EBADMSG. */
static int find(struct walk *walk, const uint8_t *data, size_t size, bool (*wanted)(int marker))
{
    int rc = begin(walk, data, size);
    while (rc >= 0) {
        rc = next_segment(walk);
        if (rc >= 0 && wanted(rc))
            break;
        if (rc == FV_JPEG_SOS)
            rc = skip_scan(walk);
    }
    return rc;
}

static bool is_frame_or_later(int marker)
{
    return fv_jpeg_is_frame((unsigned)marker) || marker == FV_JPEG_SOS || marker == FV_JPEG_SOI ||
           marker == FV_JPEG_EOI;
}

int fv_jpeg_parse(const uint8_t *data, size_t size, struct fv_video_format *ret_format)
{
    struct walk walk;
    int rc = find(&walk, data, size, is_frame_or_later);
    if (rc < 0 || !fv_jpeg_is_frame((unsigned)rc))
        return -EBADMSG;
    return fv_jpeg_parse_frame((unsigned)rc, walk.at.data, walk.at.size, ret_format);
}

static bool is_end(int marker)
{
    return marker == FV_JPEG_SOI || marker == FV_JPEG_EOI;
}

int fv_jpeg_length(const uint8_t *data, size_t size, size_t *ret_length)
{
    struct walk walk;
    int rc = find(&walk, data, size, is_end);
    if (rc < 0)
        return rc;
    if (rc == FV_JPEG_SOI)
        return -EBADMSG;
    *ret_length = walk.pos;
    return 0;
}

static bool is_table_or_scan(int marker)
{
    return marker == FV_JPEG_DHT || marker == FV_JPEG_DAC || marker == FV_JPEG_SOS ||
           marker == FV_JPEG_EOI;
}

bool fv_jpeg_lacks_tables(const uint8_t *data, size_t size)
{
    struct walk walk;
    return find(&walk, data, size, is_table_or_scan) == FV_JPEG_SOS;
}

size_t fv_jpeg_add_tables(const uint8_t *data, size_t size, uint8_t *out)
{
    const uint8_t head[] = {0xff,
                            FV_JPEG_SOI,
                            0xff,
                            FV_JPEG_DHT,
                            (FV_JPEG_HUFFMAN + 2) >> 8,
                            (FV_JPEG_HUFFMAN + 2) & 0xff};
    _Static_assert(sizeof(head) + FV_JPEG_HUFFMAN <= FV_JPEG_TABLES_MAX + 2, "they fit");
    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), fv_jpeg_huffman, FV_JPEG_HUFFMAN);
    memcpy(out + sizeof(head) + FV_JPEG_HUFFMAN, data + 2, size - 2);
    return size + sizeof(head) - 2 + FV_JPEG_HUFFMAN;
}
