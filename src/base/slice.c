// SPDX-License-Identifier: Apache-2.0
#include "base/slice.h"

#include <errno.h>
#include <strings.h>

bool fv_slice_eq(struct fv_slice a, struct fv_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool fv_slice_eq_nocase(struct fv_slice a, struct fv_slice b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

bool fv_slice_starts_nocase(struct fv_slice text, struct fv_slice prefix)
{
    return text.size >= prefix.size &&
           (prefix.size == 0 || strncasecmp(text.data, prefix.data, prefix.size) == 0);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct fv_slice fv_slice_trim(struct fv_slice text)
{
    while (text.size && blank(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size && blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

struct fv_slice fv_slice_cut(struct fv_slice *rest, char c)
{
    struct fv_slice head = *rest;
    const char *at = rest->size ? memchr(rest->data, c, rest->size) : NULL;
    if (!at) {
        *rest = (struct fv_slice){NULL, 0};
        return head;
    }
    head.size = (size_t)(at - rest->data);
    rest->data += head.size + 1;
    rest->size -= head.size + 1;
    return head;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

static int parse_number(struct fv_slice text, unsigned base, uint64_t max, uint64_t *ret_value)
{
    if (text.size == 0)
        return -EBADMSG;
    uint64_t value = 0;
    bool over = false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)digit_value(text.data[i]);
        if (digit >= base)
            return -EBADMSG;
        over = over || value > (UINT64_MAX - digit) / base;
        value = value * base + digit;
        over = over || value > max;
    }
    if (over)
        return -ERANGE;
    *ret_value = value;
    return 0;
}

int fv_slice_u64(struct fv_slice text, uint64_t max, uint64_t *ret_value)
{
    return parse_number(text, 10, max, ret_value);
}

int fv_slice_hex64(struct fv_slice text, uint64_t max, uint64_t *ret_value)
{
    return parse_number(text, 16, max, ret_value);
}

int fv_slice_copy(struct fv_slice text, char *buffer, size_t size)
{
    buffer[0] = 0;
    if (text.size >= size)
        return -ENOBUFS;
    if (text.size)
        memcpy(buffer, text.data, text.size);
    buffer[text.size] = 0;
    return 0;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

int64_t fv_base64_decode(struct fv_slice text, uint8_t *out, size_t capacity)
{
    uint32_t bits = 0;
    unsigned count = 0; /* characters in the current group of four */
    size_t used = 0, i = 0;
    for (; i < text.size && text.data[i] != '='; i++) {
        if (blank(text.data[i]))
            continue;
        int value = base64_value(text.data[i]);
        if (value < 0)
            return -EBADMSG;
        bits = bits << 6 | (uint32_t)value;
        count = (count + 1) % 4;
        if (count == 1)
            continue; /* six bits do not make a byte yet */
        if (used == capacity)
            return -ENOBUFS;
        out[used++] = (uint8_t)(bits >> (count == 2 ? 4 : count == 3 ? 2 : 0));
    }
    for (; i < text.size; i++)
        if (text.data[i] != '=' && !blank(text.data[i]))
            return -EBADMSG;
    return count == 1 ? -EBADMSG : (int64_t)used;
}

int64_t fv_base64_encode(const uint8_t *data, size_t size, char *out, size_t capacity)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (size > SIZE_MAX / 2 || (size + 2) / 3 * 4 + 1 > capacity)
        return -ENOBUFS;
    size_t used = 0;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                        (left > 2 ? data[i + 2] : 0);
        out[used++] = alphabet[bits >> 18];
        out[used++] = alphabet[bits >> 12 & 63];
        out[used++] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        out[used++] = left > 2 ? alphabet[bits & 63] : '=';
    }
    out[used] = 0;
    return (int64_t)used;
}
