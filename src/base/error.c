// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fv_error_set(struct fv_error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return code;
}

int fv_error_prefix(struct fv_error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    char text[sizeof(err->text)];
    va_list args;
    va_start(args, format);
    int used = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (used < 0 || (size_t)used >= sizeof(text))
        return err->code;
    snprintf(text + used, sizeof(text) - (size_t)used, ": %s", err->text);
    memcpy(err->text, text, sizeof(text));
    return err->code;
}

static const struct {
    int code;
    const char *text;
} vocabulary[] = {
    {0, "no error"},
    {EINVAL, "wrong argument or setting"},
    {EBADMSG, "malformed data"},
    {EPROTO, "unexpected at this moment"},
    {EAGAIN, "more input needed"},
    {ENOBUFS, "queue or pool full"},
    {ETIMEDOUT, "timed out"},
    {ECONNRESET, "connection closed by the peer"},
    {ECONNREFUSED, "connection refused"},
    {EHOSTUNREACH, "host unreachable"},
    {ENETUNREACH, "network unreachable"},
    {EACCES, "refused"},
    {ENOTSUP, "not supported"},
    {ENOENT, "not found"},
    {ENOMEM, "out of memory"},
    {EIO, "device or file error"},
    {ENODEV, "no usable device"},
    {ECANCELED, "stopped"},
    {EADDRINUSE, "address in use"},
    {ERANGE, "out of range"},
};

const char *fv_strerror(int code)
{
    for (size_t i = 0; i < sizeof(vocabulary) / sizeof(vocabulary[0]); i++)
        if (vocabulary[i].code == -code)
            return vocabulary[i].text;
    const char *name = strerrordesc_np(code < 0 ? -code : code);
    return name ? name : "unknown error";
}
