// SPDX-License-Identifier: Apache-2.0
/*
 * RTSP messages (RFC 2326) and interleaved frames (10.12) in a byte stream. Parsing allocates nothing: a message is a set of
 * slices of the input. Used by the client session and by the simulator's server.
 */
#ifndef FV_RTSP_MESSAGE_H
#define FV_RTSP_MESSAGE_H

#include "base/slice.h"
#include "base/str.h"

#define FV_RTSP_HEADERS_MAX 64
#define FV_RTSP_HEAD_MAX (16u << 10)  /* start line and headers together */
#define FV_RTSP_BODY_MAX (256u << 10)

struct fv_rtsp_header {
    struct fv_slice name, value; /* trimmed; folded lines keep their inner line breaks */
};

struct fv_rtsp_message {
    bool request;
    struct fv_slice method, uri; /* of a request */
    unsigned status;             /* of a response, 100..999 */
    struct fv_slice reason;      /* of a response, may be empty */
    unsigned header_count;
    struct fv_rtsp_header headers[FV_RTSP_HEADERS_MAX];
    struct fv_slice body; /* Content-Length bytes */
};

/* One message at the start of `data`. Returns bytes consumed (> 0), -EAGAIN (more bytes needed), -EBADMSG, or -ENOBUFS (a limit
 * above is exceeded). Tolerated: bare LF line ends, empty lines in front, white space around the colon, RTSP/1.0 and RTSP/2.0. */
int64_t fv_rtsp_parse(const char *data, size_t size, struct fv_rtsp_message *ret_message);
/* First header of this name (ASCII case ignored); empty slice with data == NULL when absent. */
struct fv_slice fv_rtsp_find(const struct fv_rtsp_message *message, const char *name);
/* The n-th (from 0) header of this name: several WWW-Authenticate lines. */
struct fv_slice fv_rtsp_find_nth(const struct fv_rtsp_message *message, const char *name, unsigned n);

/* An interleaved frame "$", channel, 16-bit length, data. Returns bytes consumed, -EAGAIN, or -EBADMSG (first byte is not '$'). */
struct fv_rtsp_frame {
    uint8_t channel;
    const uint8_t *data;
    size_t size;
};
int64_t fv_rtsp_parse_frame(const uint8_t *data, size_t size, struct fv_rtsp_frame *ret_frame);

/* `key=value` parameters separated by `separator` (Transport ';', challenges ','), values optionally quoted (quotes removed,
 * backslash escapes kept as they are). Advances *rest. False at the end. A parameter without '=' has an empty value. */
bool fv_rtsp_next_param(struct fv_slice *rest, char separator, struct fv_slice *ret_key, struct fv_slice *ret_value);

#endif
