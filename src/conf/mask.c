// SPDX-License-Identifier: Apache-2.0
#include "conf/mask.h"

#include <ctype.h>
#include <strings.h>

#define SHOWN 60

/* What comes next in a text whose syntax may be broken. */
struct token {
    size_t start, end; /* without the quotes */
    bool string, closed;
};

/* The last `what` in [from, to), or `to`. Case of letters ignored. */
static size_t last_of(const char *text, size_t from, size_t to, const char *what)
{
    size_t length = strlen(what);
    for (size_t i = to; i > from; i--)
        if (i - 1 + length <= to && !strncasecmp(text + i - 1, what, length))
            return i - 1;
    return to;
}

static size_t first_of(const char *text, size_t from, size_t to, const char *what)
{
    size_t length = strlen(what);
    for (size_t i = from; i + length <= to; i++)
        if (!strncasecmp(text + i, what, length))
            return i;
    return to;
}

static void cover(char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        text[i] = FV_MASK;
}

/* Where the authority of an address begins, or `to`: behind "://", also with escaped slashes. */
static size_t authority(const char *text, size_t from, size_t to)
{
    static const char *const marks[] = {"://", ":\\/\\/", ":\\u002f\\u002f"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        size_t at = first_of(text, from, to, marks[i]);
        if (at < to)
            return at + strlen(marks[i]);
    }
    return to;
}

static void mask_query(char *text, size_t from, size_t to)
{
    static const char *const names[] = {
        "password=", "passwd=", "pwd=", "pass=", "token=", "secret="};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (size_t at = from; (at = first_of(text, at, to, names[i])) < to;) {
            size_t start = at + strlen(names[i]);
            for (at = start; at < to && text[at] != '&' && text[at] != ' ';)
                at++;
            cover(text, start, at);
        }
    }
}

/* User and password whose '@' and host were forgotten, as what stands for the port is no number: where they end that begin at `from`.
 * `from`: it is a host, with a port or without. (base/redact.c knows the same of sentences.) */
static size_t forgotten_host(const char *text, size_t from, size_t to)
{
    size_t end = from, colon;
    while (end < to && !memchr("/?#\\", text[end], 4))
        end++;
    colon = first_of(text, from, end, ":");
    if (colon == end || text[from] == '[')
        return from;
    while (++colon < end && isdigit((unsigned char)text[colon])) {
    }
    return colon < end ? end : from;
}

static void mask_address(char *text, const struct token *token)
{
    size_t from = token->start, to = token->end, host = authority(text, from, to);
    size_t at = last_of(text, from, to, "@"), coded = last_of(text, from, to, "\\u0040");
    if (coded < to && (at == to || coded > at))
        at = coded;
    if (at < to)
        cover(text, host < at ? host : from, at);
    else if (!token->closed && host < to)
        cover(text, host, to);
    else if (host < to)
        cover(text, host, forgotten_host(text, host, to));
    mask_query(text, from, to);
}

static bool one_of(const char *text, const struct token *token, const char *const *words)
{
    for (; *words; words++)
        if (first_of(text, token->start, token->end, *words) < token->end)
            return true;
    return false;
}

static bool is_variable(const char *text, const struct token *token)
{
    for (size_t i = token->start; i < token->end; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_')
            return false;
    return true;
}

/* The key whose value is being read. */
struct context {
    bool secret;    /* its value is a secret in itself; references to secrets are not */
    bool variable;  /* its value should be the name of an environment variable */
    unsigned lists; /* brackets that are open behind it */
};

static struct context context_of(const char *text, const struct token *key)
{
    static const char *const secret[] = {"pass",       "pwd",     "secret", "token",
                                         "credential", "api_key", NULL};
    static const char *const file[] = {"_file", NULL}, *const variable[] = {"_env", NULL};
    if (!one_of(text, key, secret) || one_of(text, key, file))
        return (struct context){0};
    return (struct context){.secret = true, .variable = one_of(text, key, variable)};
}

static struct token next_string(const char *text, size_t size, size_t at)
{
    struct token token = {.start = at + 1, .end = at + 1, .string = true};
    for (; token.end < size && text[token.end] != '\n'; token.end++) {
        if (text[token.end] == '"') {
            token.closed = true;
            break;
        }
        if (text[token.end] == '\\' && token.end + 1 < size && text[token.end + 1] != '\n')
            token.end++;
    }
    if (token.end > size)
        token.end = size;
    return token;
}

static struct token next_word(const char *text, size_t size, size_t at)
{
    struct token token = {.start = at, .end = at};
    while (text[at] != ':' && token.end < size && !memchr("\" \t\r\n,{}[]", text[token.end], 10))
        token.end++;
    if (token.end == at)
        token.end++;
    return token;
}

/* Follows the structure as far as it can be seen. True when `token` is only punctuation. */
static bool follow(const char *text, const struct token *token, struct token *last,
                   struct context *context)
{
    if (token->string || token->end != token->start + 1)
        return false;
    switch (text[token->start]) {
    case ':':
        *context = context_of(text, last);
        *last = (struct token){0};
        return true;
    case '[':
        context->lists++;
        return true;
    case ']':
        context->lists -= context->lists > 0;
        return true;
    case ',':
        if (context->lists == 0)
            *context = (struct context){0};
        return true;
    case '{':
    case '}':
        *context = (struct context){0};
        return true;
    default:
        return memchr(" \t\r\n", text[token->start], 4) != NULL;
    }
}

void fv_mask_text(char *text, size_t size)
{
    struct token last = {0};
    struct context context = {0};
    for (size_t at = 0; at < size;) {
        struct token token =
            text[at] == '"' ? next_string(text, size, at) : next_word(text, size, at);
        at = token.end + token.closed;
        if (follow(text, &token, &last, &context))
            continue;
        last = token;
        if (context.secret && !(context.variable && is_variable(text, &token)))
            cover(text, token.start, token.end);
        else
            mask_address(text, &token);
    }
}

/* Bytes of the UTF-8 character that starts here; 1 for what is none. */
static size_t character(struct fv_slice text)
{
    unsigned char c = (unsigned char)text.data[0];
    size_t length = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF8 ? 4 : 1;
    if (length > text.size)
        return 1;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)text.data[i] & 0xC0) != 0x80)
            return 1;
    return length;
}

size_t fv_mask_print(struct fv_slice masked, char *out, size_t size)
{
    size_t used = 0, shown = 0;
    while (masked.size) {
        size_t length = character(masked), add = length, columns = 1;
        const char *source = masked.data;
        unsigned char c = (unsigned char)*source;
        if (c == FV_MASK) {
            while (length < masked.size && masked.data[length] == FV_MASK)
                length++;
            source = "***";
            add = columns = 3;
        } else if (c < 0x20 || c == 0x7F || (c >= 0x80 && length == 1)) {
            source = c == '\t' ? " " : "?";
        }
        if (used + add >= size)
            break;
        memcpy(out + used, source, add);
        used += add;
        shown += columns;
        masked = (struct fv_slice){masked.data + length, masked.size - length};
    }
    out[used] = '\0';
    return shown;
}

char *fv_mask_show(const char *text, char *buffer)
{
    /* More than is shown is masked: a cut address would hide its '@'. */
    char copy[2048];
    size_t size = strnlen(text, sizeof(copy)), cut = 0;
    memcpy(copy, text, size);
    fv_mask_text(copy, size);
    for (unsigned i = 0; i < SHOWN && cut < size; i++)
        cut += character((struct fv_slice){copy + cut, size - cut});
    fv_mask_print((struct fv_slice){copy, cut}, buffer, FV_SHOW_MAX - 4);
    if (cut < size)
        strcat(buffer, "...");
    explicit_bzero(copy, sizeof(copy));
    return buffer;
}
