// SPDX-License-Identifier: Apache-2.0
/* Any text as a camera's address: refused with a sentence, or written and read again it is the same address. */
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX (FV_URL_MAX + 300)

static void check(bool promise)
{
    if (!promise)
        abort();
}

static void check_good(const struct fv_url *url)
{
    struct fv_url again;
    char text[TEXT_MAX], shown[TEXT_MAX];
    check(url->host[0] && url->port > 0);
    fv_url_format(url, text, sizeof(text));
    check(fv_url_parse(text, &again, NULL) == 0 && !again.has_user);
    /* The zone is this machine's business. */
    check(strncmp(again.host, url->host, strlen(again.host)) == 0 && again.port == url->port);
    check(!url->host[strlen(again.host)] || (url->ipv6 && url->host[strlen(again.host)] == '%'));
    check(strcmp(again.path, url->path) == 0 && strcmp(again.scheme, url->scheme) == 0);
    check(again.ipv6 == url->ipv6);
    fv_url_display(url, shown, sizeof(shown));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_url url;
    struct fv_error err = {0};
    char redacted[64]; /* often too small */
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = 0;
    const char *shown = fv_redact(text, redacted, sizeof(redacted));
    check(shown == text || (shown == redacted && strlen(redacted) < sizeof(redacted)));
    if (fv_url_parse(text, &url, &err) == 0)
        check_good(&url);
    else
        check(err.text[0]);
    free(text);
    return 0;
}
