// SPDX-License-Identifier: Apache-2.0
#include "base/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "base/slice.h"

static const struct {
    const char *scheme;
    uint16_t port;
} schemes[] = {{"rtsp", 554}, {"rtsps", 322}};

static int hex_digit(char c)
{
    uint64_t v;
    return fv_slice_hex64((struct fv_slice){&c, 1}, 15, &v) == 0 ? (int)v : -1;
}

/* RFC 3986 2.1; a '%' that is not followed by two hex digits stays as it is: people write passwords by hand. */
static int percent_decode(struct fv_slice text, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%' && i + 2 < text.size && hex_digit(text.data[i + 1]) >= 0 &&
            hex_digit(text.data[i + 2]) >= 0) {
            c = (char)(hex_digit(text.data[i + 1]) << 4 | hex_digit(text.data[i + 2]));
            i += 2;
        }
        if (c == 0 || used + 1 >= size)
            return -EINVAL;
        out[used++] = c;
    }
    out[used] = 0;
    return 0;
}

static int parse_scheme(struct fv_slice *rest, struct fv_url *url, struct fv_error *err)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        char prefix[16];
        snprintf(prefix, sizeof(prefix), "%s://", schemes[i].scheme);
        if (!fv_slice_starts_nocase(*rest, fv_slice_of(prefix)))
            continue;
        snprintf(url->scheme, sizeof(url->scheme), "%s", schemes[i].scheme);
        url->port = schemes[i].port;
        rest->data += strlen(prefix);
        rest->size -= strlen(prefix);
        return 0;
    }
    return fv_error_set(err, -EINVAL, "the address does not begin with rtsp:// or rtsps://");
}

static int parse_credentials(struct fv_slice text, struct fv_url *url, struct fv_error *err)
{
    struct fv_slice user = fv_slice_cut(&text, ':');
    if (percent_decode(user, url->user, sizeof(url->user)) < 0 ||
        percent_decode(text, url->password, sizeof(url->password)) < 0)
        return fv_error_set(err, -EINVAL,
                            "user or password in the address is longer than %zu characters",
                            sizeof(url->user) - 1);
    url->has_user = true;
    return 0;
}

/* RFC 6874: [fe80::1%25eth0]; people also write a bare '%'. What stands behind is the name or number of an interface of this machine. */
static int add_zone(struct fv_slice zone, struct fv_url *url, struct fv_error *err)
{
    char name[16];
    if (fv_slice_starts_nocase(zone, FV_SLICE("25")) && zone.size > 2)
        zone = (struct fv_slice){zone.data + 2, zone.size - 2};
    size_t size = strlen(url->host), good = 0;
    bool decoded = percent_decode(zone, name, sizeof(name)) == 0 && name[0];
    while (decoded &&
           (isalnum((unsigned char)name[good]) || (name[good] && strchr("-._~:", name[good]))))
        good++;
    if (!decoded || name[good])
        return fv_error_set(err, -EINVAL,
                            "what stands behind '%%' in the brackets is no interface's name: write "
                            "[fe80::1%%25eth0]");
    snprintf(url->host + size, sizeof(url->host) - size, "%%%s", name);
    return 0;
}

static int parse_ipv6(struct fv_slice text, struct fv_url *url, struct fv_error *err)
{
    struct in6_addr address;
    struct fv_slice zone = text, plain = fv_slice_cut(&zone, '%');
    if (plain.size > INET6_ADDRSTRLEN || fv_slice_copy(plain, url->host, sizeof(url->host)) < 0 ||
        inet_pton(AF_INET6, url->host, &address) != 1)
        return fv_error_set(err, -EINVAL, "what stands in brackets is not an IPv6 address");
    url->ipv6 = true;
    return plain.size < text.size ? add_zone(zone, url, err) : 0;
}

static int parse_host(struct fv_slice text, struct fv_url *url, struct fv_error *err)
{
    struct fv_slice host, port = {NULL, 0};
    bool colon;
    if (text.size && text.data[0] == '[') {
        text.data++;
        text.size--;
        if (!memchr(text.data ? text.data : "", ']', text.size))
            return fv_error_set(err, -EINVAL, "the address has '[' without ']'");
        host = fv_slice_cut(&text, ']');
        int r = parse_ipv6(host, url, err);
        if (r < 0)
            return r;
        colon = text.size > 0 && text.data[0] == ':';
        if (text.size > 0 && !colon)
            return fv_error_set(err, -EINVAL, "unexpected text behind ']' in the address");
        if (colon)
            port = (struct fv_slice){text.data + 1, text.size - 1};
    } else {
        colon = text.size && memchr(text.data, ':', text.size);
        host = fv_slice_cut(&text, ':');
        port = text;
        if (host.size == 0)
            return fv_error_set(err, -EINVAL, "the address has no host");
        if (fv_slice_copy(host, url->host, sizeof(url->host)) < 0)
            return fv_error_set(err, -EINVAL, "the host name is longer than 255 characters");
        if (strpbrk(url->host, "[]\"<>\\^`{|}"))
            return fv_error_set(err, -EINVAL,
                                "the host name has a character that no host name has");
    }
    uint64_t number;
    if (colon && (fv_slice_u64(port, 65535, &number) < 0 || number == 0))
        return fv_error_set(err, -EINVAL, "the port is not a number from 1 to 65535");
    if (colon)
        url->port = (uint16_t)number;
    return 0;
}

static bool printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || *text == 0x7f)
            return false;
    return true;
}

/* The last '@' of the authority ends the credentials. */
static bool find_at(struct fv_slice authority, size_t *ret_at)
{
    for (size_t i = authority.size; i > 0; i--) {
        if (authority.data[i - 1] == '@') {
            *ret_at = i - 1;
            return true;
        }
    }
    return false;
}

int fv_url_parse(const char *text, struct fv_url *ret_url, struct fv_error *err)
{
    struct fv_url url = {0};
    if (strlen(text) >= FV_URL_MAX)
        return fv_error_set(err, -EINVAL, "the address is longer than %d characters",
                            FV_URL_MAX - 1);
    if (!printable(text))
        return fv_error_set(err, -EINVAL, "the address has a space or a control character in it");
    struct fv_slice rest = fv_slice_of(text);
    int r = parse_scheme(&rest, &url, err);
    if (r < 0)
        return r;
    size_t end = 0, at;
    while (end < rest.size && !strchr("/?#", rest.data[end]))
        end++;
    struct fv_slice authority = {rest.data, end};
    if (find_at(authority, &at)) {
        r = parse_credentials((struct fv_slice){authority.data, at}, &url, err);
        authority.data += at + 1;
        authority.size -= at + 1;
    }
    if (r == 0)
        r = parse_host(authority, &url, err);
    if (r < 0 && !url.has_user && memchr(rest.data + end, '@', rest.size - end))
        fv_error_set(err, r,
                     "a user name or password in the address holds one of / ? #: write them as "
                     "%%2F %%3F %%23");
    if (r < 0) {
        explicit_bzero(&url, sizeof(url));
        return r;
    }
    fv_slice_copy((struct fv_slice){rest.data + end, rest.size - end}, url.path, sizeof(url.path));
    *ret_url = url;
    explicit_bzero(&url, sizeof(url));
    return 0;
}

static uint16_t default_port(const char *scheme)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strcmp(schemes[i].scheme, scheme) == 0)
            return schemes[i].port;
    return 0;
}

static char *format(const struct fv_url *url, bool zone, char *buffer, size_t size)
{
    const char *open = url->ipv6 ? "[" : "", *close = url->ipv6 ? "]" : "";
    const int plain = (int)strcspn(url->host, url->ipv6 ? "%" : "");
    const char *name = zone && url->host[plain] ? url->host + plain + 1 : "";
    char port[8] = "";
    if (url->port != default_port(url->scheme))
        snprintf(port, sizeof(port), ":%u", url->port);
    snprintf(buffer, size, "%s://%s%.*s%s%s%s%s%s", url->scheme, open, plain, url->host,
             *name ? "%25" : "", name, close, port, url->path);
    return buffer;
}

char *fv_url_format(const struct fv_url *url, char *buffer, size_t size)
{
    return format(url, false, buffer, size);
}

char *fv_url_display(const struct fv_url *url, char *buffer, size_t size)
{
    char sent[FV_URL_MAX + 300];
    return fv_redact_values(format(url, true, sent, sizeof(sent)), buffer, size);
}
