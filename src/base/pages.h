// SPDX-License-Identifier: Apache-2.0
/*
 * Memory out of huge pages, for what a loop touches in every pass. Each camera has some objects and a buffer; on pages of 4 KiB the
 * translation of their addresses costs a pass more than the work on them (docs/performance.md). So they lie together in blocks of
 * 2 MiB, which the kernel is asked to map as one page each; where it does not, nothing but the speed is lost.
 *
 * Runs of whole pages of 4 KiB: for objects of some KiB and more. Any thread. A block goes back when nothing is left in it.
 * Under AddressSanitizer each run is an allocation of its own, so that it is watched.
 */
#ifndef FV_BASE_PAGES_H
#define FV_BASE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed, aligned to 64 bytes at least; or NULL. size > 0. */
void *fv_pages_alloc(size_t size);
/* `size` as it was allocated. NULL is fine. */
void fv_pages_free(void *memory, size_t size);

#define FV_PAGES_NEW(type) ((type *)fv_pages_alloc(sizeof(type)))

#if defined(__SANITIZE_ADDRESS__)
#define FV_PAGES_WATCHED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FV_PAGES_WATCHED true
#endif
#endif
#ifndef FV_PAGES_WATCHED
#define FV_PAGES_WATCHED false
#endif

struct fv_pages_stats {
    size_t blocks,
        bytes; /* of blocks; handed out, in whole pages. What is larger than a block is not counted */
};
void fv_pages_stats(struct fv_pages_stats *ret_stats);

#endif
