// SPDX-License-Identifier: Apache-2.0
/* AV1: how a frame is cut into tiles, and the tile groups that carry them. */
#include <errno.h>

#include "codec/av1_header.h"

#define TILE_WIDTH_MAX 4096         /* MAX_TILE_WIDTH */
#define TILE_AREA_MAX (4096 * 2304) /* MAX_TILE_AREA */

/* 4.10.7 */
uint32_t fv_av1_read_ns(struct fv_bits *bits, uint32_t n)
{
    unsigned width = 0;
    while (n >> width)
        width++;
    uint32_t m = (1u << width) - n, value = fv_bits_u(bits, width - 1);
    return value < m ? value : (value << 1) - m + fv_bits_u(bits, 1);
}

/* 5.9.16: the smallest k with block << k >= target. */
static unsigned tile_log2(unsigned block, unsigned target)
{
    unsigned k = 0;
    while (block << k < target)
        k++;
    return k;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned most(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* increment_tile_cols_log2 and increment_tile_rows_log2 */
static unsigned read_log2(struct fv_bits *bits, unsigned from, unsigned to)
{
    while (from < to && fv_bits_u(bits, 1))
        from++;
    return from;
}

static unsigned count_uniform(unsigned blocks, unsigned log2)
{
    unsigned side = (blocks + (1u << log2) - 1) >> log2;
    return (blocks + side - 1) / side;
}

/* Sizes of their own; the number of tiles. */
static unsigned read_sides(struct fv_bits *bits, unsigned blocks, unsigned side_max,
                           unsigned *ret_widest)
{
    unsigned count = 0, widest = 0;
    for (unsigned start = 0; start < blocks; count++) {
        unsigned side = fv_av1_read_ns(bits, least(blocks - start, side_max)) + 1;
        widest = most(widest, side);
        start += side;
    }
    *ret_widest = widest;
    return count;
}

struct blocks {
    unsigned columns, rows; /* superblocks */
    unsigned width_max, area_max;
    unsigned tiles_log2; /* minLog2Tiles */
};

static struct blocks blocks_of(const struct fv_av1_header *header)
{
    const struct fv_av1_size *size = &header->frame.slot.size;
    unsigned log2 = header->sequence->large_blocks ? 7 : 6, add = (1u << log2) - 1;
    struct blocks blocks = {
        .columns = ((size->width + 7) / 8 * 8 + add) >> log2,
        .rows = ((size->height + 7) / 8 * 8 + add) >> log2,
        .width_max = TILE_WIDTH_MAX >> log2,
        .area_max = TILE_AREA_MAX >> 2 * log2,
    };
    blocks.tiles_log2 = most(tile_log2(blocks.width_max, blocks.columns),
                             tile_log2(blocks.area_max, blocks.rows * blocks.columns));
    return blocks;
}

static void read_uniform(struct fv_bits *bits, const struct blocks *blocks,
                         struct fv_av1_tiles *tiles)
{
    unsigned columns_max = tile_log2(1, least(blocks->columns, FV_AV1_TILES_SIDE));
    unsigned rows_max = tile_log2(1, least(blocks->rows, FV_AV1_TILES_SIDE));
    tiles->columns_log2 =
        read_log2(bits, tile_log2(blocks->width_max, blocks->columns), columns_max);
    tiles->columns = count_uniform(blocks->columns, tiles->columns_log2);
    unsigned rows_min =
        blocks->tiles_log2 > tiles->columns_log2 ? blocks->tiles_log2 - tiles->columns_log2 : 0;
    tiles->rows_log2 = read_log2(bits, rows_min, rows_max);
    tiles->rows = count_uniform(blocks->rows, tiles->rows_log2);
}

static void read_free(struct fv_bits *bits, const struct blocks *blocks, struct fv_av1_tiles *tiles)
{
    unsigned widest, highest, area = blocks->rows * blocks->columns;
    tiles->columns = read_sides(bits, blocks->columns, blocks->width_max, &widest);
    tiles->columns_log2 = tile_log2(1, tiles->columns);
    if (blocks->tiles_log2)
        area >>= blocks->tiles_log2 + 1;
    tiles->rows = read_sides(bits, blocks->rows, most(area / widest, 1), &highest);
    tiles->rows_log2 = tile_log2(1, tiles->rows);
}

void fv_av1_read_tiles(struct fv_av1_header *header)
{
    struct fv_bits *bits = &header->bits;
    struct fv_av1_tiles *tiles = &header->frame.tiles;
    struct blocks blocks = blocks_of(header);
    if (fv_bits_u(bits, 1)) /* uniform_tile_spacing_flag */
        read_uniform(bits, &blocks, tiles);
    else
        read_free(bits, &blocks, tiles);
    header->bad =
        header->bad || tiles->columns > FV_AV1_TILES_SIDE || tiles->rows > FV_AV1_TILES_SIDE;
    if (tiles->columns_log2 || tiles->rows_log2) {
        uint32_t update = fv_bits_u(bits, tiles->columns_log2 + tiles->rows_log2);
        header->bad = header->bad || update >= tiles->columns * tiles->rows;
        tiles->size_bytes = fv_bits_u(bits, 2) + 1;
    }
}

/* tile_size_minus_1 */
static size_t read_size(const uint8_t *data, unsigned bytes)
{
    size_t size = 0;
    for (unsigned i = 0; i < bytes; i++)
        size |= (size_t)data[i] << 8 * i;
    return size + 1;
}

int fv_av1_check_tiles(const struct fv_av1_frame *frame, const struct fv_av1_obu *obu,
                       unsigned *next)
{
    const struct fv_av1_tiles *tiles = &frame->tiles;
    const unsigned count = tiles->columns * tiles->rows;
    const size_t begin = obu->type == FV_AV1_FRAME ? (frame->header_bits + 7) / 8 : 0;
    const uint8_t *data = obu->payload + begin;
    const size_t size = obu->payload_size - begin;
    unsigned first = 0, last = count - 1;
    struct fv_bits bits;
    fv_bits_init(&bits, data, size);
    if (count > 1 && fv_bits_u(&bits, 1)) { /* tile_start_and_end_present_flag */
        if (obu->type == FV_AV1_FRAME)
            return -EBADMSG;
        first = fv_bits_u(&bits, tiles->columns_log2 + tiles->rows_log2);
        last = fv_bits_u(&bits, tiles->columns_log2 + tiles->rows_log2);
    }
    size_t at = (bits.pos + 7) / 8;
    if (bits.error || first != *next || last < first || last >= count)
        return -EBADMSG;
    for (unsigned i = first; i < last; i++) {
        if (size - at < tiles->size_bytes)
            return -EBADMSG;
        size_t tile = read_size(data + at, tiles->size_bytes);
        at += tiles->size_bytes;
        if (tile > size - at)
            return -EBADMSG;
        at += tile;
    }
    if (at == size)
        return -EBADMSG;
    *next = last + 1;
    return 0;
}
