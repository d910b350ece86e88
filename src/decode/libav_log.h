// SPDX-License-Identifier: Apache-2.0
/* libavcodec writes to standard error unless told otherwise. */
#ifndef FV_DECODE_LIBAV_LOG_H
#define FV_DECODE_LIBAV_LOG_H

/* Sends libav's messages (warnings and worse) to fv_debug(). For the whole process, once; any
 * thread. */
void fv_libav_log_redirect(void);

#endif
