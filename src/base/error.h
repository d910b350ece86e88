// SPDX-License-Identifier: Apache-2.0
/*
 * Errors. Functions return 0 (or a count) on success and a negative errno on failure. One vocabulary:
 *
 *   -EINVAL      the caller or the configuration is wrong
 *   -EBADMSG     malformed bytes from outside
 *   -EPROTO      legal bytes at the wrong moment
 *   -EAGAIN      more input (or time) is needed; nothing was consumed
 *   -ENOBUFS     a pool or queue is full: a counted drop
 *   -ETIMEDOUT   a deadline passed
 *   -ECONNRESET  the peer closed
 *   -ECONNREFUSED, -EHOSTUNREACH, -ENETUNREACH   as the system says
 *   -EACCES      refused by the peer or the system: do not hurry back
 *   -ENOTSUP     understood, but not supported here
 *   -ENOENT      a file, stream or name does not exist
 *   -ENOMEM      out of memory
 *   -EIO         a device or file operation failed
 *   -ENODEV      no usable GPU, or it was lost
 *   -ECANCELED   stopped on request
 *
 * Where a person must understand a failure, the function also takes `struct fv_error *err` (may be NULL)
 * and fills in a sentence that says what is wrong and, where there is one, the fix. Text never contains a
 * secret. Library code below `engine/` does not log above debug: the owner that decides logs once.
 */
#ifndef FV_BASE_ERROR_H
#define FV_BASE_ERROR_H

#include "fovea/error.h"

/* Sets err->code and err->text (printf style, truncated when too long) and returns `code`.
 * `code` is a negative errno. `err` may be NULL: then only the code is returned. */
int fv_error_set(struct fv_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text that is there and returns err->code. No-op on NULL (returns `code`). */
int fv_error_prefix(struct fv_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
