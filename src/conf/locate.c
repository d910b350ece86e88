// SPDX-License-Identifier: Apache-2.0
#include "conf/locate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"

struct scan {
    const char *text;
    size_t size, at;
    struct fv_map *map;
    size_t names_used;
    uint32_t open; /* the container that is being filled, or FV_NODE_NONE */
    uint32_t last; /* its last child so far, or FV_NODE_NONE */
    unsigned depth;
};

static int peek(const struct scan *scan)
{
    return scan->at < scan->size ? (unsigned char)scan->text[scan->at] : -1;
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->size && memchr(" \t\r\n", scan->text[scan->at], 4))
        scan->at++;
}

static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static int hex4(const struct scan *scan, size_t at, uint32_t *ret_code)
{
    uint64_t code;
    if (at + 4 > scan->size ||
        fv_slice_hex64((struct fv_slice){scan->text + at, 4}, 0xFFFF, &code) < 0)
        return -EBADMSG;
    *ret_code = (uint32_t)code;
    return 0;
}

/* RFC 8259 7: \uXXXX, two of them for a character beyond the basic plane. `at` is behind the 'u'.
 */
static int unicode_escape(struct scan *scan, char *out, size_t *used)
{
    uint32_t code, low;
    if (hex4(scan, scan->at, &code) < 0 || code == 0)
        return -EBADMSG;
    scan->at += 4;
    if (code >= 0xD800 && code < 0xDC00) {
        if (scan->at + 6 > scan->size || memcmp(scan->text + scan->at, "\\u", 2) ||
            hex4(scan, scan->at + 2, &low) < 0 || low < 0xDC00 || low > 0xDFFF)
            return -EBADMSG;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        scan->at += 6;
    } else if (code >= 0xDC00 && code < 0xE000) {
        return -EBADMSG;
    }
    *used += put_utf8(out + *used, code);
    return 0;
}

static int escape(struct scan *scan, char *out, size_t *used)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = peek(scan);
    if (c < 0)
        return -EBADMSG;
    scan->at++;
    if (c == 'u')
        return unicode_escape(scan, out, used);
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        return -EBADMSG;
    out[(*used)++] = to[found - from];
    return 0;
}

/* A string; decoded into the names when `ret_name` is given. No escape is shorter than what it
 * stands for, so the names never need more room than the text. */
static int string(struct scan *scan, const char **ret_name)
{
    char scratch[4];
    char *out = ret_name ? scan->map->names + scan->names_used : scratch;
    size_t length = 0;

    for (scan->at++;;) {
        int c = peek(scan);
        if (c < 0x20)
            return -EBADMSG;
        scan->at++;
        if (c == '"')
            break;
        if (c != '\\')
            out[length++] = (char)c;
        else if (escape(scan, out, &length) < 0)
            return -EBADMSG;
        if (!ret_name)
            length = 0;
    }
    if (!ret_name)
        return 0;
    out[length] = '\0';
    scan->names_used += length + 1;
    *ret_name = out;
    return 0;
}

static int add_node(struct scan *scan, const struct fv_node *node)
{
    struct fv_map *map = scan->map;
    if (map->count == map->capacity) {
        uint32_t capacity = map->capacity ? map->capacity * 2 : 64;
        if (map->count >= FV_LOCATE_NODES)
            return -ENOBUFS;
        struct fv_node *nodes = fv_realloc(map->nodes, capacity * sizeof(*nodes));
        if (!nodes)
            return -ENOMEM;
        map->nodes = nodes;
        map->capacity = capacity;
    }
    uint32_t id = map->count++;
    map->nodes[id] = *node;
    if (scan->last != FV_NODE_NONE) {
        map->nodes[id].index = map->nodes[scan->last].index + 1;
        map->nodes[scan->last].next = id;
    } else if (scan->open != FV_NODE_NONE) {
        map->nodes[scan->open].first = id;
    }
    scan->last = id;
    return 0;
}

/* Letters, digits and signs up to the next delimiter: jansson has judged them. */
static int scalar(struct scan *scan)
{
    size_t start = scan->at;
    while (scan->at < scan->size && !memchr(" \t\r\n,]}:\"[{", scan->text[scan->at], 11))
        scan->at++;
    return scan->at > start ? 0 : -EBADMSG;
}

static int value(struct scan *scan, const char *name, size_t key)
{
    int c = peek(scan);
    struct fv_node node = {
        .kind = c == '{'   ? FV_NODE_OBJECT
                : c == '[' ? FV_NODE_ARRAY
                           : FV_NODE_SCALAR,
        .parent = scan->open,
        .next = FV_NODE_NONE,
        .first = FV_NODE_NONE,
        .duplicate_of = FV_NODE_NONE,
        .name = name,
        .key = name ? key : scan->at,
        .value = scan->at,
    };
    int r = c < 0 ? -EBADMSG : add_node(scan, &node);
    if (r < 0)
        return r;
    if (node.kind == FV_NODE_SCALAR)
        return c == '"' ? string(scan, NULL) : scalar(scan);
    if (++scan->depth > FV_LOCATE_DEPTH)
        return -ENOBUFS;
    scan->at++;
    scan->open = scan->last;
    scan->last = FV_NODE_NONE;
    return 0;
}

/* A key, its colon and its value (or the value's opening bracket). */
static int member(struct scan *scan)
{
    const char *name = NULL;
    size_t key = scan->at;
    if (peek(scan) != '"' || string(scan, &name) < 0)
        return -EBADMSG;
    skip_space(scan);
    if (peek(scan) != ':')
        return -EBADMSG;
    scan->at++;
    skip_space(scan);
    return value(scan, name, key);
}

static void close_container(struct scan *scan)
{
    scan->at++;
    scan->depth--;
    scan->last = scan->open;
    scan->open = scan->map->nodes[scan->open].parent;
}

/* One step inside an open container: its end, or its next element. */
static int step(struct scan *scan)
{
    bool object = scan->map->nodes[scan->open].kind == FV_NODE_OBJECT;
    skip_space(scan);
    if (peek(scan) == (object ? '}' : ']')) {
        close_container(scan);
        return 0;
    }
    if (scan->last != FV_NODE_NONE) {
        if (peek(scan) != ',')
            return -EBADMSG;
        scan->at++;
        skip_space(scan);
    }
    return object ? member(scan) : value(scan, NULL, 0);
}

static int scan_text(struct scan *scan)
{
    skip_space(scan);
    int r = value(scan, NULL, 0);
    while (r == 0 && scan->open != FV_NODE_NONE)
        r = step(scan);
    skip_space(scan);
    return r == 0 && scan->at < scan->size ? -EBADMSG : r;
}

static int by_name(const void *a, const void *b, void *data)
{
    const struct fv_node *nodes = data;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (nodes[i].parent != nodes[j].parent)
        return nodes[i].parent < nodes[j].parent ? -1 : 1;
    int order = strcmp(nodes[i].name, nodes[j].name);
    return order ? order : (i > j) - (i < j);
}

static int find_duplicates(struct fv_map *map)
{
    uint32_t *order = fv_calloc(map->count, sizeof(*order));
    if (!order)
        return -ENOMEM;
    uint32_t count = 0;
    for (uint32_t i = 0; i < map->count; i++)
        if (map->nodes[i].name)
            order[count++] = i;
    qsort_r(order, count, sizeof(*order), by_name, map->nodes);
    for (uint32_t i = 1; i < count; i++) {
        struct fv_node *before = &map->nodes[order[i - 1]], *node = &map->nodes[order[i]];
        if (before->parent != node->parent || strcmp(before->name, node->name))
            continue;
        node->duplicate_of =
            before->duplicate_of != FV_NODE_NONE ? before->duplicate_of : order[i - 1];
        before->repeated = true;
        map->duplicates++;
    }
    fv_free(order);
    return 0;
}

int fv_map_scan(const char *text, size_t size, struct fv_map *ret_map, size_t *ret_offset)
{
    struct scan scan = {
        .text = text, .size = size, .map = ret_map, .open = FV_NODE_NONE, .last = FV_NODE_NONE};
    *ret_map = (struct fv_map){0};
    /* A key takes two quotes in the text and one terminator here. */
    ret_map->names = fv_calloc(size + 1, 1);
    int r = ret_map->names ? scan_text(&scan) : -ENOMEM;
    if (r == 0)
        r = find_duplicates(ret_map);
    if (ret_offset)
        *ret_offset = scan.at;
    return r;
}

void fv_map_free(struct fv_map *map)
{
    fv_free(map->nodes);
    fv_free(map->names);
    *map = (struct fv_map){0};
}

uint32_t fv_map_child(const struct fv_map *map, uint32_t parent, const char *name)
{
    if (parent == FV_NODE_NONE)
        return FV_NODE_NONE;
    for (uint32_t i = map->nodes[parent].first; i != FV_NODE_NONE; i = map->nodes[i].next)
        if (map->nodes[i].name && !strcmp(map->nodes[i].name, name))
            return i;
    return FV_NODE_NONE;
}

static int reserve(struct fv_map *map, uint32_t more)
{
    uint32_t capacity = map->capacity;
    if (more > FV_LOCATE_NODES || map->count > 2 * FV_LOCATE_NODES - more)
        return -ENOBUFS;
    while (capacity < map->count + more)
        capacity = capacity ? capacity * 2 : 64;
    if (capacity == map->capacity)
        return 0;
    struct fv_node *nodes = fv_realloc(map->nodes, capacity * sizeof(*nodes));
    if (!nodes)
        return -ENOMEM;
    map->nodes = nodes;
    map->capacity = capacity;
    return 0;
}

/* The place of a child of that name: the one there is, or a new one behind the others. */
static uint32_t child_slot(struct fv_map *map, uint32_t parent, const char *name)
{
    uint32_t id = fv_map_child(map, parent, name), last = FV_NODE_NONE;
    if (id != FV_NODE_NONE)
        return id;
    for (uint32_t i = map->nodes[parent].first; i != FV_NODE_NONE; i = map->nodes[i].next)
        last = i;
    id = map->count++;
    map->nodes[id] = (struct fv_node){
        .parent = parent, .next = FV_NODE_NONE, .name = name, .duplicate_of = FV_NODE_NONE};
    if (last == FV_NODE_NONE) {
        map->nodes[parent].first = id;
    } else {
        map->nodes[id].index = map->nodes[last].index + 1;
        map->nodes[last].next = id;
    }
    return id;
}

int fv_map_graft(struct fv_map *map, uint32_t parent, const char *name, const struct fv_map *from,
                 const char *source)
{
    int r = reserve(map, from->count + 1);
    if (r < 0)
        return r;
    uint32_t root = child_slot(map, parent, name), shift = map->count - 1;
    /* Node i of `from` becomes node shift + i; its root takes the slot. */
    for (uint32_t i = 1; i < from->count; i++) {
        struct fv_node node = from->nodes[i];
        node.parent = node.parent == 0 ? root : node.parent + shift;
        node.next += node.next == FV_NODE_NONE ? 0 : shift;
        node.first += node.first == FV_NODE_NONE ? 0 : shift;
        node.duplicate_of += node.duplicate_of == FV_NODE_NONE ? 0 : shift;
        node.key = node.value = FV_NOWHERE;
        node.source = source;
        map->nodes[map->count++] = node;
    }
    struct fv_node *slot = &map->nodes[root];
    slot->kind = from->nodes[0].kind;
    slot->first = from->nodes[0].first;
    slot->first += slot->first == FV_NODE_NONE ? 0 : shift;
    slot->key = slot->value = FV_NOWHERE;
    slot->source = source;
    return 0;
}

void fv_place_advance(struct fv_place *place, const char *text, size_t size, size_t offset)
{
    if (offset > size)
        offset = size;
    for (; place->offset < offset; place->offset++) {
        unsigned char c = (unsigned char)text[place->offset];
        if (c == '\n') {
            place->line++;
            place->column = 1;
        } else if ((c & 0xC0) != 0x80) {
            place->column++;
        }
    }
}
