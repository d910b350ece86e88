// SPDX-License-Identifier: Apache-2.0
/*
 * Where things stand in a JSON text. jansson judges the syntax and gives the values; this scanner
 * maps each key and value to its byte offset and finds duplicate keys. It accepts every text that
 * jansson accepts and is safe on any other bytes.
 */
#ifndef FV_CONF_LOCATE_H
#define FV_CONF_LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FV_LOCATE_DEPTH 32            /* arrays and objects inside each other */
#define FV_LOCATE_NODES (256u * 1024) /* values in one text */
#define FV_NODE_NONE UINT32_MAX
#define FV_NOWHERE ((size_t)-1) /* an offset that is no place in the text */

enum fv_node_kind { FV_NODE_OBJECT, FV_NODE_ARRAY, FV_NODE_SCALAR };

/* A value, in the order of the text; node 0 is the root. */
struct fv_node {
    enum fv_node_kind kind;
    uint32_t parent;       /* FV_NODE_NONE for the root */
    uint32_t next, first;  /* sibling behind, first child; FV_NODE_NONE: none */
    uint32_t index;        /* position among its siblings, from 0 */
    const char *name;      /* decoded key when the parent is an object, else NULL */
    bool repeated;         /* a later member of the same object has the same name */
    uint32_t duplicate_of; /* the first member of the object with this name, or FV_NODE_NONE */
    size_t key;            /* byte offset of the key's quote; where there is no key: of the value */
    size_t value;          /* byte offset of the value */
    const char *source;    /* what gave it instead of the text (env.c); NULL: the text */
};

struct fv_map {
    struct fv_node *nodes;
    uint32_t count, capacity;
    uint32_t duplicates; /* nodes with a duplicate_of */
    char *names;         /* owner of all decoded keys */
};

/* Scans `text`. 0; -EBADMSG: not JSON; -ENOBUFS: deeper than FV_LOCATE_DEPTH or more than
 * FV_LOCATE_NODES values; -ENOMEM. *ret_offset (may be NULL) says where it stopped. Free the map in
 * every case. */
int fv_map_scan(const char *text, size_t size, struct fv_map *ret_map, size_t *ret_offset);
void fv_map_free(struct fv_map *map); /* an empty map is fine */

/* The child of `parent` with this name (the first when there are several), or FV_NODE_NONE; also
 * for parent FV_NODE_NONE. */
uint32_t fv_map_child(const struct fv_map *map, uint32_t parent, const char *name);
/* Puts the value that `from` maps (its root) under `parent` as `name`, in place of a child of that
 * name or behind the others. Its nodes have no place in the text, but `source`. Borrows names and
 * `source`: also the names of `from` must outlive the map. 0, -ENOMEM, -ENOBUFS. */
int fv_map_graft(struct fv_map *map, uint32_t parent, const char *name, const struct fv_map *from,
                 const char *source);

/* Line and column, from 1, of a byte offset; columns count UTF-8 characters. To go on from an
 * earlier place (offset <= the new one) pass it in *place; start with {0, 1, 1}. */
struct fv_place {
    size_t offset;
    unsigned line, column;
};
void fv_place_advance(struct fv_place *place, const char *text, size_t size, size_t offset);

#endif
