// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* More than is kept: a cut address would hide its '@'. */
#define UNCUT 2048

/* A path or a setting in the sentence may be an address, with a password. */
static void take(struct fv_error *err, const char *text)
{
    char shown[sizeof(err->text)];
    snprintf(err->text, sizeof(err->text), "%s", fv_redact(text, shown, sizeof(shown)));
}

int fv_error_set(struct fv_error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    char text[UNCUT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    err->code = code;
    take(err, text);
    return code;
}

int fv_error_prefix(struct fv_error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    char text[UNCUT];
    va_list args;
    va_start(args, format);
    int used = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (used < 0 || (size_t)used >= sizeof(err->text))
        return err->code;
    snprintf(text + used, sizeof(text) - (size_t)used, ": %s", err->text);
    take(err, text);
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
