// SPDX-License-Identifier: Apache-2.0
/* Any bytes as the headers of a 401 response; what is then sent must be one clean line. */
#include <stdlib.h>

#include "rtsp/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASSWORD "hunter42"

static void check_header(struct fv_auth *auth)
{
    char text[4000];
    struct fv_str str;
    fv_str_init(&str, text, sizeof(text));
    if (fv_auth_add_header(auth, FV_SLICE("PLAY"), FV_SLICE("rtsp://cam/"), &str) < 0 ||
        str.overflow || str.size < 2)
        abort();
    for (size_t i = 0; i + 2 < str.size; i++) {
        if (text[i] == '\r' || text[i] == '\n')
            abort();
    }
    if (text[str.size - 2] != '\r' || text[str.size - 1] != '\n')
        abort();
    /* Unless the camera said the word first. */
    bool said = strstr(auth->realm, PASSWORD) || strstr(auth->nonce, PASSWORD) ||
                strstr(auth->opaque, PASSWORD);
    if (auth->scheme == FV_AUTH_DIGEST && !said && strstr(text, PASSWORD))
        abort();
}

static void walk(struct fv_slice rest)
{
    struct fv_auth_challenge challenge;
    size_t left = rest.size + 1;
    while (fv_auth_next_challenge(&rest, &challenge)) {
        if (rest.size >= left)
            abort();
        left = rest.size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_rtsp_message message = {.header_count = 1};
    struct fv_auth auth;
    bool stale, new_nonce;
    walk((struct fv_slice){(const char *)data, size});
    if (fv_auth_init(&auth, "admin", PASSWORD, 1) < 0)
        abort();
    /* As one header value, and as a message of its own. */
    message.headers[0].name = FV_SLICE("WWW-Authenticate");
    message.headers[0].value = (struct fv_slice){size ? (const char *)data : "", size};
    if (fv_auth_take(&auth, &message, &stale, &new_nonce, NULL) == 0)
        check_header(&auth);
    if (fv_rtsp_parse((const char *)data, size, &message) > 0 &&
        fv_auth_take(&auth, &message, &stale, &new_nonce, NULL) == 0)
        check_header(&auth);
    fv_auth_finish(&auth);
    return 0;
}
