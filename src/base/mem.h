// SPDX-License-Identifier: Apache-2.0
/* Memory. All of Fovea allocates here so that tests can make the n-th allocation fail. */
#ifndef FV_BASE_MEM_H
#define FV_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory for `count` objects of `size` bytes, or NULL (also when the product overflows). */
void *fv_calloc(size_t count, size_t size);
/* As realloc(3): grows or shrinks; on failure NULL and the old block stays valid. size > 0. */
void *fv_realloc(void *ptr, size_t size);
/* Uninitialised memory aligned to `align` (a power of two), or NULL. Freed with fv_free(). */
void *fv_alloc_aligned(size_t align, size_t size);
char *fv_strdup(const char *text);                 /* NULL in, NULL out */
char *fv_strndup(const char *text, size_t length); /* always terminated */
/* printf into fresh memory; NULL when out of memory. */
char *fv_asprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fv_free(void *ptr); /* NULL is fine */

/* Test hook: the `n`-th allocation from now (1 = next) fails, once; 0 switches it off. Per process, atomic.
 * fv_alloc_fail_pending() is true while the failure has not happened yet. */
void fv_alloc_fail_at(unsigned n);
int fv_alloc_fail_pending(void);
/* For an allocator that stands on this one and need not come here each time: counts one; true when it must fail. */
bool fv_alloc_fails(void);

#define FV_NEW(type) ((type *)fv_calloc(1, sizeof(type)))

#endif
