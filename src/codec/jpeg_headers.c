// SPDX-License-Identifier: Apache-2.0
/* JPEG headers taken apart. */
#include "codec/jpeg_headers.h"

#include <errno.h>
#include <string.h>

#include "codec/jpeg_tables.h"

static unsigned get16(const uint8_t *p)
{
    return (unsigned)(p[0] << 8 | p[1]);
}

/* Tables by id, as they come; what a frame refers to is known later. */
struct tables {
    const uint8_t *data[4];
    bool wide[4];
};

/* B.2.4.1 */
static int note_tables(const struct fv_jpeg_segment *segment, struct tables *tables)
{
    const uint8_t *at = segment->data, *end = at + segment->size;
    while (at < end) {
        const bool wide = *at >> 4;
        const unsigned id = *at & 15;
        const size_t size = wide ? 2 * FV_JPEG_TABLE : FV_JPEG_TABLE;
        if (*at >> 4 > 1 || id > 3 || size > (size_t)(end - at) - 1)
            return -EBADMSG;
        tables->data[id] = at + 1;
        tables->wide[id] = wide;
        at += 1 + size;
    }
    return 0;
}

/* The table of K.3.3 with this class and id, or NULL. */
static const uint8_t *usual_table(uint8_t id, size_t *ret_size)
{
    static const size_t offsets[] = {0, FV_JPEG_DC, FV_JPEG_DC + FV_JPEG_AC,
                                     2 * FV_JPEG_DC + FV_JPEG_AC};
    for (unsigned i = 0; i < 4; i++) {
        if (fv_jpeg_huffman[offsets[i]] != id)
            continue;
        *ret_size = i % 2 ? FV_JPEG_AC : FV_JPEG_DC;
        return fv_jpeg_huffman + offsets[i];
    }
    return NULL;
}

/* B.2.4.2. 1: all tables are the usual ones, 0: not, or -EBADMSG. */
static int check_huffman(const struct fv_jpeg_segment *segment)
{
    const uint8_t *at = segment->data, *end = at + segment->size;
    bool usual = true;
    while (at < end) {
        size_t size = 1 + 16, usual_size;
        if (size > (size_t)(end - at))
            return -EBADMSG;
        for (unsigned i = 1; i <= 16; i++)
            size += at[i];
        if (size > (size_t)(end - at))
            return -EBADMSG;
        const uint8_t *expected = usual_table(*at, &usual_size);
        usual = usual && expected && size == usual_size && memcmp(at, expected, size) == 0;
        at += size;
    }
    return usual;
}

struct parser {
    struct fv_jpeg_image jpeg;
    struct tables tables;
    uint8_t table_ids[2]; /* of the first component and the others */
    bool same_chroma;     /* the others share one */
    bool framed;
};

static int take_frame(struct parser *p, const struct fv_jpeg_segment *segment)
{
    int rc = fv_jpeg_parse_frame(segment->marker, segment->data, segment->size, &p->jpeg.format);
    if (rc < 0)
        return rc;
    p->jpeg.baseline = segment->marker == FV_JPEG_SOF0;
    for (unsigned i = 0; i < segment->data[5]; i++)
        p->jpeg.sampling[i] = segment->data[7 + 3 * i];
    const bool grey = segment->data[5] == 1;
    p->table_ids[0] = segment->data[8];
    p->table_ids[1] = segment->data[grey ? 8 : 11];
    p->same_chroma = grey || segment->data[14] == p->table_ids[1];
    p->framed = true;
    return 0;
}

static int take_segment(struct parser *p, const struct fv_jpeg_segment *segment)
{
    int rc = 0;
    if (segment->marker == FV_JPEG_DQT)
        return note_tables(segment, &p->tables);
    if (segment->marker == FV_JPEG_DHT) {
        rc = check_huffman(segment);
        p->jpeg.usual_huffman &= rc == 1;
        return rc < 0 ? rc : 0;
    }
    if (segment->marker == FV_JPEG_DRI) {
        if (segment->size != 2)
            return -EBADMSG;
        p->jpeg.restart_interval = (uint16_t)get16(segment->data);
        return 0;
    }
    return fv_jpeg_is_frame(segment->marker) ? take_frame(p, segment) : 0;
}

/* B.2.3: all components in one scan. */
static int take_scan(struct parser *p, const struct fv_jpeg_segment *segment)
{
    if (!p->framed || segment->size < 1)
        return -EBADMSG;
    const unsigned components = p->jpeg.format.chroma ? 3 : 1;
    if (segment->data[0] != components || !p->same_chroma)
        return -ENOTSUP;
    for (unsigned i = 0; i < 2; i++) {
        if (p->table_ids[i] > 3 || !p->tables.data[p->table_ids[i]])
            return -EBADMSG;
        p->jpeg.tables[i] = p->tables.data[p->table_ids[i]];
        p->jpeg.wide[i] = p->tables.wide[p->table_ids[i]];
    }
    return 0;
}

int fv_jpeg_read_headers(const uint8_t *data, size_t size, struct fv_jpeg_image *ret_image)
{
    struct parser parser = {.jpeg.usual_huffman = true};
    struct fv_jpeg_segment segment;
    size_t offset = 2;
    if (size < 2 || data[0] != 0xff || data[1] != FV_JPEG_SOI)
        return -EBADMSG;
    for (;;) {
        if (fv_jpeg_next(data, size, &offset, &segment) <= 0)
            return -EBADMSG;
        if (segment.marker == FV_JPEG_SOS)
            break;
        int rc = take_segment(&parser, &segment);
        if (rc < 0)
            return rc;
    }
    int rc = take_scan(&parser, &segment);
    if (rc < 0)
        return rc;
    parser.jpeg.scan = offset;
    *ret_image = parser.jpeg;
    return 0;
}
