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
    uint8_t huffman[2];     /* of DC and AC: bits of ids */
    unsigned most_codes[2]; /* in one of them */
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

/* Annex C: codes of each length that its bits can tell apart. Their number, or -EBADMSG. */
static int count_codes(const uint8_t lengths[16])
{
    unsigned code = 0, count = 0;
    for (unsigned i = 0; i < 16; i++) {
        code = code * 2 + lengths[i];
        count += lengths[i];
        if (code > 2u << i)
            return -EBADMSG;
    }
    return (int)count;
}

/* B.2.4.2. Size of the table at `at`, or -EBADMSG. */
static int note_huffman_table(const uint8_t *at, size_t left, struct tables *tables)
{
    if (left < 1 + 16)
        return -EBADMSG;
    const unsigned kind = *at >> 4, id = *at & 15;
    const int count = count_codes(at + 1);
    if (kind > 1 || id > 3 || count < 0 || (size_t)count > left - (1 + 16))
        return -EBADMSG;
    tables->huffman[kind] |= (uint8_t)(1 << id);
    if ((unsigned)count > tables->most_codes[kind])
        tables->most_codes[kind] = (unsigned)count;
    return 1 + 16 + count;
}

/* 1: all tables are the usual ones, 0: not, or -EBADMSG. */
static int note_huffman(const struct fv_jpeg_segment *segment, struct tables *tables)
{
    const uint8_t *at = segment->data, *end = at + segment->size;
    bool usual = true;
    while (at < end) {
        size_t usual_size;
        const int size = note_huffman_table(at, (size_t)(end - at), tables);
        if (size < 0)
            return size;
        const uint8_t *expected = usual_table(*at, &usual_size);
        usual = usual && expected && (size_t)size == usual_size &&
                memcmp(at, expected, usual_size) == 0;
        at += size;
    }
    return usual;
}

struct parser {
    struct fv_jpeg_image jpeg;
    struct tables tables;
    uint8_t table_ids[2]; /* of the first component and the others */
    bool same_chroma;     /* the others share one */
    const uint8_t *frame; /* B.2.2, behind the length; NULL: none yet */
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
    p->frame = segment->data;
    return 0;
}

static int take_segment(struct parser *p, const struct fv_jpeg_segment *segment)
{
    int rc = 0;
    if (segment->marker == FV_JPEG_DQT)
        return note_tables(segment, &p->tables);
    if (segment->marker == FV_JPEG_DHT) {
        rc = note_huffman(segment, &p->tables);
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
    if (!p->frame || segment->size < 1)
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

/* B.2.2, further than fv_jpeg_parse_frame() needs it. */
static int check_frame(struct parser *p, const struct fv_jpeg_segment *segment)
{
    int rc = p->frame ? -EBADMSG : take_frame(p, segment);
    if (rc < 0)
        return rc;
    const unsigned count = p->frame[5];
    if (segment->size != 6 + 3u * count)
        return -EBADMSG;
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *component = p->frame + 6 + 3 * i;
        const unsigned x = component[1] >> 4, y = component[1] & 15;
        if (x < 1 || x > 4 || y < 1 || y > 4)
            return -EBADMSG;
        for (unsigned n = 0; n < i; n++)
            if (p->frame[6 + 3 * n] == component[0])
                return -EBADMSG;
    }
    return 0;
}

/* What T.81 allows before the first scan and, `between` them, before others; of a size that holds it and nothing more. */
static int check_segment(struct parser *p, const struct fv_jpeg_segment *segment, bool between)
{
    if (fv_jpeg_is_frame(segment->marker))
        return check_frame(p, segment);
    if (fv_jpeg_is_note(segment->marker))
        return between ? -EBADMSG : 0;
    if (segment->marker != FV_JPEG_DQT && segment->marker != FV_JPEG_DHT &&
        segment->marker != FV_JPEG_DRI)
        return -EBADMSG;
    return take_segment(p, segment);
}

/* F.1.2: sequential coding of 8 bits has 12 values in a DC and 162 in an AC table, and needs one of each. `ids`: of both, 4 bits each. */
static bool has_huffman(const struct parser *p, unsigned ids)
{
    const struct tables *tables = &p->tables;
    const unsigned dc = ids >> 4, ac = ids & 15;
    if (dc > 3 || ac > 3)
        return false;
    if (p->jpeg.format.profile > 1 || !(tables->huffman[0] | tables->huffman[1]))
        return true;
    return (tables->huffman[0] >> dc & 1) && (tables->huffman[1] >> ac & 1) &&
           tables->most_codes[0] <= 12 && tables->most_codes[1] <= 162;
}

/* B.2.3. The components of the scan, a bit for each, or -EBADMSG. */
static int check_scan(const struct parser *p, const struct fv_jpeg_segment *segment)
{
    if (!p->frame || segment->size < 1 || !segment->data[0] ||
        segment->size != 4 + 2u * segment->data[0])
        return -EBADMSG;
    unsigned next = 0, named = 0;
    for (unsigned i = 0; i < segment->data[0]; i++, next++) {
        const uint8_t *selector = segment->data + 1 + 2 * i;
        while (next < p->frame[5] && p->frame[6 + 3 * next] != selector[0])
            next++;
        if (next == p->frame[5] || !has_huffman(p, selector[1]))
            return -EBADMSG;
        const unsigned table = p->frame[8 + 3 * next];
        if (table > 3 || !p->tables.data[table])
            return -EBADMSG;
        named |= 1u << next;
    }
    return (int)named;
}

static const char *name_of(unsigned marker)
{
    switch (marker) {
    case FV_JPEG_DQT:
        return "a quantization table is";
    case FV_JPEG_DHT:
        return "a Huffman table is";
    case FV_JPEG_DRI:
        return "the restart interval is";
    case FV_JPEG_SOS:
        return "a scan's header is, or tables that it needs are,";
    default:
        return fv_jpeg_is_frame(marker) ? "the frame header is" : "the headers are";
    }
}

/* From `offset` behind the next scan's header. What check_scan() says; -EBADMSG; -ENOTSUP. */
static int check_to_scan(struct parser *p, const uint8_t *data, size_t size, size_t *offset,
                         struct fv_error *err)
{
    struct fv_jpeg_segment segment;
    for (const bool between = *offset > 2;;) {
        if (fv_jpeg_next(data, size, offset, &segment) <= 0)
            return fv_error_set(err, -EBADMSG, "jpeg: the headers are damaged");
        const bool scan = segment.marker == FV_JPEG_SOS;
        int rc = scan ? check_scan(p, &segment) : check_segment(p, &segment, between);
        if (rc == -ENOTSUP)
            return fv_error_set(err, rc, "jpeg: images of this kind are not decoded");
        if (rc < 0)
            return fv_error_set(err, rc, "jpeg: %s damaged", name_of(segment.marker));
        if (scan)
            return rc;
    }
}

int fv_jpeg_check(const uint8_t *data, size_t size, size_t *ret_end, struct fv_error *err)
{
    struct parser parser = {0};
    size_t offset = 2;
    int seen = 0, all;
    if (size < 2 || data[0] != 0xff || data[1] != FV_JPEG_SOI)
        return fv_error_set(err, -EBADMSG, "jpeg: no image begins here");
    do {
        int rc = check_to_scan(&parser, data, size, &offset, err);
        if (rc < 0)
            return rc;
        seen |= rc;
        all = (1 << parser.frame[5]) - 1;
    } while (seen != all && fv_jpeg_skip_scan(data, size, &offset) == 0);
    if (seen != all)
        return fv_error_set(err, -EBADMSG, "jpeg: a component has no scan");
    *ret_end = fv_jpeg_end_scan(data, size, offset);
    return 0;
}
