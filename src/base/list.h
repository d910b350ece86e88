// SPDX-License-Identifier: Apache-2.0
/* Intrusive doubly linked list; the head is a `struct fv_list` that links to itself when empty. */
#ifndef FV_BASE_LIST_H
#define FV_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct fv_list {
    struct fv_list *prev, *next;
};

#define FV_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void fv_list_init(struct fv_list *list)
{
    list->prev = list->next = list;
}
static inline bool fv_list_empty(const struct fv_list *list)
{
    return list->next == list;
}

/* Inserts `item` behind `at` (behind the head: at the front; behind head->prev: at the end). */
static inline void fv_list_insert(struct fv_list *at, struct fv_list *item)
{
    item->prev = at;
    item->next = at->next;
    at->next->prev = item;
    at->next = item;
}

static inline void fv_list_append(struct fv_list *head, struct fv_list *item)
{
    fv_list_insert(head->prev, item);
}

/* Takes `item` out and leaves it self-linked, so that a second removal is harmless. */
static inline void fv_list_remove(struct fv_list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    fv_list_init(item);
}

/* Safe against removal of the current item. */
#define FV_LIST_FOR(it, head)                                                                      \
    for (struct fv_list *it = (head)->next, *it##_next = it->next; it != (head);                   \
         it = it##_next, it##_next = it->next)

#endif
