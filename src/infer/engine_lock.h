// SPDX-License-Identifier: Apache-2.0
/* The lock of an engine's folder: a file beside it, locked with flock(2), so that it ends with its owner. */
#ifndef FV_INFER_ENGINE_LOCK_H
#define FV_INFER_ENGINE_LOCK_H

#include <stdbool.h>

/* 0, -EBUSY (held, without `wait`), -EACCES, -EIO. *ret_lock is then -1 or a lock to give back. */
int fv_engine_lock(const char *path, bool wait, int *ret_lock);
void fv_engine_unlock(int lock); /* -1 is fine */

#endif
