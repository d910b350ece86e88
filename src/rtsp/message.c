// SPDX-License-Identifier: Apache-2.0
#include "rtsp/message.h"

#include <errno.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* token of RFC 2326 15.1: no control characters, no separators. */
static bool is_token(struct fv_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if ((unsigned char)c <= ' ' || (unsigned char)c >= 127 || strchr("()<>@,;:\\\"/[]?={}", c))
            return false;
    }
    return text.size > 0;
}

/* A line, or the part of it that has come, may hold no control characters but tabs; a CR only at
 * its end. */
static bool is_text(struct fv_slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        unsigned char c = (unsigned char)line.data[i];
        if ((c < ' ' && c != '\t' && !(c == '\r' && i + 1 == line.size)) || c == 127)
            return false;
    }
    return true;
}

struct reader {
    const char *data;
    size_t limit, pos; /* the head must end before `limit` */
    bool full;         /* `limit` is FV_RTSP_HEAD_MAX, not the end of what has come */
};

/* The next line without its end. 0, -EAGAIN, -ENOBUFS or -EBADMSG. */
static int next_line(struct reader *reader, struct fv_slice *ret_line)
{
    struct fv_slice line = {reader->data + reader->pos, reader->limit - reader->pos};
    const char *end = line.size ? memchr(line.data, '\n', line.size) : NULL;
    if (end)
        line.size = (size_t)(end - line.data);
    if (!is_text(line))
        return -EBADMSG;
    if (!end)
        return reader->full ? -ENOBUFS : -EAGAIN;
    reader->pos += line.size + 1;
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    *ret_line = line;
    return 0;
}

static bool is_version(struct fv_slice text)
{
    return fv_slice_eq(text, FV_SLICE("RTSP/1.0")) || fv_slice_eq(text, FV_SLICE("RTSP/2.0"));
}

/* Status-Line, RFC 2326 7.1; the reason and the space in front of it may be missing. */
static int parse_status_line(struct fv_slice line, struct fv_rtsp_message *message)
{
    struct fv_slice version = fv_slice_cut(&line, ' ');
    if (!is_version(version))
        return -EBADMSG;
    if (line.size < 3 || (line.size > 3 && line.data[3] != ' '))
        return -EBADMSG;
    for (size_t i = 0; i < 3; i++) {
        if (!is_digit(line.data[i]))
            return -EBADMSG;
        message->status = message->status * 10 + (unsigned)(line.data[i] - '0');
    }
    message->reason = fv_slice_trim((struct fv_slice){line.data + 3, line.size - 3});
    return message->status < 100 ? -EBADMSG : 0;
}

/* Request-Line, RFC 2326 6.1. */
static int parse_request_line(struct fv_slice line, struct fv_rtsp_message *message)
{
    message->request = true;
    message->method = fv_slice_cut(&line, ' ');
    message->uri = fv_slice_cut(&line, ' ');
    if (!is_token(message->method) || !message->uri.size || !is_version(line))
        return -EBADMSG;
    return 0;
}

static int parse_start_line(struct fv_slice line, struct fv_rtsp_message *message)
{
    if (fv_slice_starts_nocase(line, FV_SLICE("RTSP/")))
        return parse_status_line(line, message);
    return parse_request_line(line, message);
}

/* Trimmed, and never NULL: an empty value is not an absent one. */
static struct fv_slice trim(const char *begin, const char *end)
{
    struct fv_slice text = fv_slice_trim((struct fv_slice){begin, (size_t)(end - begin)});
    return text.size ? text : (struct fv_slice){begin, 0};
}

/* One line of the head, RFC 2326 4.2 and RFC 2068 4.2: a field, or the continuation of the one
 * before. */
static int parse_header_line(struct fv_slice line, struct fv_rtsp_message *message)
{
    if (is_blank(line.data[0])) {
        if (!message->header_count)
            return -EBADMSG;
        struct fv_slice *value = &message->headers[message->header_count - 1].value;
        *value = trim(value->data, line.data + line.size);
        return 0;
    }
    if (message->header_count == FV_RTSP_HEADERS_MAX)
        return -ENOBUFS;
    const char *colon = memchr(line.data, ':', line.size);
    if (!colon)
        return -EBADMSG;
    struct fv_rtsp_header *header = &message->headers[message->header_count++];
    header->name = trim(line.data, colon);
    header->value = trim(colon + 1, line.data + line.size);
    return is_token(header->name) ? 0 : -EBADMSG;
}

static int parse_head(struct reader *reader, struct fv_rtsp_message *message)
{
    struct fv_slice line;
    int rc;
    do
        rc = next_line(reader, &line);
    while (rc == 0 && !line.size);
    /* Known garbage is refused at its first byte, not after 16 KiB of it. */
    size_t start = reader->pos;
    bool partial = (rc == -EAGAIN || rc == -ENOBUFS) && start < reader->limit;
    if (partial && reader->data[start] != '\r' && !is_letter(reader->data[start]))
        return -EBADMSG;
    if (rc == 0)
        rc = is_letter(line.data[0]) ? parse_start_line(line, message) : -EBADMSG;
    while (rc == 0) {
        rc = next_line(reader, &line);
        if (rc == 0 && !line.size)
            return 0;
        if (rc == 0)
            rc = parse_header_line(line, message);
    }
    return rc;
}

/* Content-Length (RFC 2326 12.14); several must agree. */
static int body_size(const struct fv_rtsp_message *message, uint64_t *ret_size)
{
    *ret_size = 0;
    for (unsigned n = 0;; n++) {
        struct fv_slice text = fv_rtsp_find_nth(message, "Content-Length", n);
        uint64_t size;
        if (!text.data)
            return 0;
        int rc = fv_slice_u64(text, FV_RTSP_BODY_MAX, &size);
        if (rc == -ERANGE)
            return -ENOBUFS;
        if (rc < 0 || (n > 0 && size != *ret_size))
            return -EBADMSG;
        *ret_size = size;
    }
}

int64_t fv_rtsp_parse(const char *data, size_t size, struct fv_rtsp_message *ret_message)
{
    struct fv_rtsp_message message;
    memset(&message, 0, offsetof(struct fv_rtsp_message, headers));
    struct reader reader = {data, size, 0, false};
    if (size >= FV_RTSP_HEAD_MAX) {
        reader.limit = FV_RTSP_HEAD_MAX;
        reader.full = true;
    }
    uint64_t body = 0;
    int rc = parse_head(&reader, &message);
    if (rc == 0)
        rc = body_size(&message, &body);
    if (rc < 0)
        return rc;
    if (body > size - reader.pos)
        return -EAGAIN;
    message.body = (struct fv_slice){data + reader.pos, (size_t)body};
    *ret_message = message;
    return (int64_t)(reader.pos + body);
}

struct fv_slice fv_rtsp_find(const struct fv_rtsp_message *message, const char *name)
{
    return fv_rtsp_find_nth(message, name, 0);
}

struct fv_slice fv_rtsp_find_nth(const struct fv_rtsp_message *message, const char *name,
                                 unsigned n)
{
    struct fv_slice wanted = fv_slice_of(name);
    for (unsigned i = 0; i < message->header_count; i++) {
        if (fv_slice_eq_nocase(message->headers[i].name, wanted) && n-- == 0)
            return message->headers[i].value;
    }
    return (struct fv_slice){NULL, 0};
}

/* RFC 2326 10.12. */
int64_t fv_rtsp_parse_frame(const uint8_t *data, size_t size, struct fv_rtsp_frame *ret_frame)
{
    if (size && data[0] != '$')
        return -EBADMSG;
    if (size < 4)
        return -EAGAIN;
    size_t length = (size_t)data[2] << 8 | data[3];
    if (size - 4 < length)
        return -EAGAIN;
    *ret_frame = (struct fv_rtsp_frame){data[1], data + 4, length};
    return (int64_t)(4 + length);
}

static void advance(struct fv_slice *rest, size_t n)
{
    rest->data += n;
    rest->size -= n;
}

/* quoted-string, RFC 2068 2.2, from behind its opening quote; takes the closing quote off. Without
 * one it runs to the end. */
static struct fv_slice take_quoted(struct fv_slice *rest)
{
    size_t n = 0;
    while (n < rest->size && rest->data[n] != '"')
        n += rest->data[n] == '\\' && n + 1 < rest->size ? 2 : 1;
    struct fv_slice value = {rest->data, n};
    advance(rest, n < rest->size ? n + 1 : n);
    return value;
}

static size_t find_either(struct fv_slice text, char a, char b)
{
    size_t n = 0;
    while (n < text.size && text.data[n] != a && text.data[n] != b)
        n++;
    return n;
}

bool fv_rtsp_next_param(struct fv_slice *rest, char separator, struct fv_slice *ret_key,
                        struct fv_slice *ret_value)
{
    while (rest->size && (strchr(" \t\r\n", rest->data[0]) || rest->data[0] == separator) &&
           rest->data[0])
        advance(rest, 1);
    if (!rest->size)
        return false;
    size_t n = find_either(*rest, '=', separator);
    *ret_key = fv_slice_trim((struct fv_slice){rest->data, n});
    *ret_value = (struct fv_slice){NULL, 0};
    advance(rest, n);
    if (rest->size && rest->data[0] == '=') {
        advance(rest, 1);
        while (rest->size && strchr(" \t\r\n", rest->data[0]) && rest->data[0])
            advance(rest, 1);
        if (rest->size && rest->data[0] == '"') {
            advance(rest, 1);
            *ret_value = take_quoted(rest);
            fv_slice_cut(rest, separator);
        } else {
            *ret_value = fv_slice_trim(fv_slice_cut(rest, separator));
        }
    } else {
        fv_slice_cut(rest, separator);
    }
    return true;
}
