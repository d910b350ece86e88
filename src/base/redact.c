// SPDX-License-Identifier: Apache-2.0
#include "base/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Characters [from, to) of a text; empty: nothing. */
struct span {
    size_t from, to;
};

static bool in(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool space(char c)
{
    return isspace((unsigned char)c);
}

/* Where a name begins that ends before `end`: "access_token", "real-key". */
static size_t name_start(const char *text, size_t end)
{
    while (end > 0 && (isalnum((unsigned char)text[end - 1]) || in(text[end - 1], "_-.")))
        end--;
    return end;
}

/* Does the value of a key that names a secret begin here? The end of the key decides: also access_token, apikey. */
static bool secret_begins(const char *text, size_t at)
{
    static const char *const keys[] = {"password", "passwd", "pass",   "pwd",
                                       "token",    "auth",   "secret", "key"};
    if (at == 0 || text[at - 1] != '=')
        return false;
    size_t start = name_start(text, at - 1);
    /* Of a query, or a word of its own: not "loss:key=value". */
    if (start > 0 && !in(text[start - 1], "?&;=/\"'`") && !space(text[start - 1]))
        return false;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        size_t length = strlen(keys[i]);
        if (at > length && strncasecmp(text + at - 1 - length, keys[i], length) == 0)
            return true;
    }
    return false;
}

/* A quote that ends what it encloses. */
static bool closes(const char *text, size_t at)
{
    char next = in(text[at], "'\"") ? text[at + 1] : 'x';
    return next == 0 || space(next) || in(next, ",.:;)");
}

/* Up to the next parameter, also in the manner of "user=a_password=b_channel=1", or the next word. */
static size_t secret_end(const char *text, size_t at)
{
    for (; text[at] && !in(text[at], "&;#") && !space(text[at]) && !closes(text, at); at++) {
        if (text[at] != '_')
            continue;
        size_t next = at + 1;
        while (isalnum((unsigned char)text[next]))
            next++;
        if (next > at + 1 && text[next] == '=')
            break;
    }
    return at;
}

/* From the colon at `at` on: does a password follow, and where does its user begin? A colon before a space is punctuation. */
static bool credentials_begin(const char *text, size_t at, size_t *ret_start)
{
    const bool coded = strncasecmp(text + at, "%3a", 3) == 0;
    if ((text[at] != ':' && !coded) || space(text[at + 1]))
        return false;
    if (strncmp(text + at, "://", 3) == 0) {
        *ret_start = at + 3;
        return true;
    }
    while (at > 0 && !space(text[at - 1]) && !in(text[at - 1], "'\"`(/"))
        at--;
    *ret_start = at;
    return true;
}

/* rtsp://user:password/path: the '@' and the host were forgotten, and what stands for the port is none. */
static struct span forgotten_host(const char *text)
{
    const char *mark = strstr(text, "://");
    if (!mark || mark[3] == '[')
        return (struct span){0};
    size_t start = (size_t)(mark - text) + 3, end = start;
    while (text[end] && !in(text[end], "/?#") && !space(text[end]) && !closes(text, end))
        end++;
    while (end > start && in(text[end - 1], ":.,"))
        end--;
    const char *colon = memchr(text + start, ':', end - start);
    if (!colon || strspn(colon + 1, "0123456789") >= (size_t)(text + end - colon - 1))
        return (struct span){0};
    return (struct span){start, end};
}

/* User and password: up to the last '@', since either may hold any character. */
static struct span credentials(const char *text)
{
    const char *last = strrchr(text, '@');
    if (!last)
        return forgotten_host(text);
    struct span span = {0, (size_t)(last - text)};
    for (size_t i = 0; i < span.to; i++)
        if (credentials_begin(text, i, &span.from))
            return span;
    return (struct span){0};
}

static void put(char *buffer, size_t size, size_t *used, char c)
{
    if (*used + 1 < size)
        buffer[(*used)++] = c;
}

/* `text` with "***" for `span` and for each secret in it. True: something was hidden. */
static bool hide(const char *text, struct span span, char *buffer, size_t size)
{
    size_t used = 0, hidden = 0; /* up to there nothing is shown */
    bool any = false;
    for (size_t i = 0;; i++) {
        bool first = i == span.from && span.to > span.from, secret = secret_begins(text, i);
        size_t end = secret ? secret_end(text, i) : i;
        for (int n = 0; (first || secret) && i >= hidden && n < 3; n++)
            put(buffer, size, &used, '*');
        any |= first || secret;
        if (first && span.to > end)
            end = span.to;
        if (end > hidden)
            hidden = end;
        if (!text[i])
            break;
        if (i >= hidden)
            put(buffer, size, &used, text[i]);
    }
    if (size)
        buffer[used] = 0;
    return any;
}

char *fv_redact_values(const char *text, char *buffer, size_t size)
{
    hide(text, (struct span){0}, buffer, size);
    return buffer;
}

const char *fv_redact(const char *text, char *buffer, size_t size)
{
    return hide(text, credentials(text), buffer, size) ? buffer : text;
}
