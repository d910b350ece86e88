// SPDX-License-Identifier: Apache-2.0
/* What takes long, told to whoever opens a runtime. */
#ifndef FV_INFER_TELL_H
#define FV_INFER_TELL_H

/* A sentence, printf style, of at most 1,500 bytes; `progress` NULL: nobody wants it. */
void fv_tell(void (*progress)(void *data, const char *text), void *data, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
