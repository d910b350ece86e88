// SPDX-License-Identifier: Apache-2.0
/* Camera addresses: rtsp://user:password@host:port/path?query (RFC 3986, RFC 2326 3.2). */
#ifndef FV_BASE_URL_H
#define FV_BASE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FV_URL_MAX 2000

struct fv_url {
    char scheme[8];     /* lower case: rtsp, rtsps, rtspu */
    char user[128];     /* percent-decoded, empty when absent */
    char password[128]; /* percent-decoded; a secret */
    char host[256];     /* name, IPv4 or IPv6 address without brackets, with its zone: fe80::1%eth0 */
    uint16_t port;      /* explicit, or 554 (rtsp), 322 (rtsps) */
    bool has_user;
    bool ipv6;             /* host is an IPv6 address: needs brackets in text */
    char path[FV_URL_MAX]; /* from the slash on, with the query; "" when absent; as written */
};

/* 0, or -EINVAL with a sentence in `err` that names the fault and never shows the password. Control characters, spaces,
 * an empty host, bad ports and over-long parts are refused. '@' inside the password is accepted (the last '@' of the authority counts). */
int fv_url_parse(const char *text, struct fv_url *ret_url, struct fv_error *err);
/* The address without user, password and zone, as it is sent (RFC 6874 3): its path may hold secrets. Returns `buffer`, at least FV_URL_MAX + 300 bytes. */
char *fv_url_format(const struct fv_url *url, char *buffer, size_t size);
/* The same for logs, events and people: values of password=, pwd=, token= and the like in path and query are "***".
 * Cut to `size`. Returns `buffer`. */
char *fv_url_display(const struct fv_url *url, char *buffer, size_t size);

#endif
