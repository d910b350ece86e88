// SPDX-License-Identifier: Apache-2.0
/* What the server asks of the client, RFC 2326 10. */
#include <errno.h>
#include <string.h>

#include "rtsp/impl.h"

static bool is_method(const struct fv_rtsp_message *request, const char *name)
{
    return fv_slice_eq(request->method, fv_slice_of(name));
}

/* Credentials go along only to where they were meant for: the same host, not from TLS to plain. */
static void keep_credentials(const struct fv_url *from, struct fv_url *to)
{
    bool same_host = fv_slice_eq_nocase(fv_slice_of(from->host), fv_slice_of(to->host));
    bool downgrade = strcmp(from->scheme, "rtsps") == 0 && strcmp(to->scheme, "rtsps") != 0;
    if (to->has_user || !from->has_user || !same_host || downgrade)
        return;
    to->has_user = true;
    memcpy(to->user, from->user, sizeof(to->user));
    memcpy(to->password, from->password, sizeof(to->password));
}

int fv_rtsp_redirect(struct fv_rtsp *session, struct fv_slice location, unsigned status)
{
    char text[FV_RTSP_URI_MAX];
    struct fv_error err;
    struct fv_url url;
    session->failure.status = status;
    if (fv_slice_copy(location, text, sizeof(text)) < 0 || fv_url_parse(text, &url, &err) < 0)
        return fv_rtsp_fail(session, -EBADMSG, FV_RTSP_RETRY_LATE,
                            "the camera redirects to an address that cannot be understood");
    keep_credentials(&session->url, &url);
    session->failure.redirect = url;
    return fv_rtsp_fail(session, -ECONNRESET, FV_RTSP_REDIRECTED, "the camera redirects to %s:%u",
                        url.host, url.port);
}

/* ANNOUNCE with a description: the stream is another one now, so begin anew. Without: a notice. */
static int on_announce(struct fv_rtsp *session, const struct fv_rtsp_message *request)
{
    if (!request->body.size)
        return 0;
    return fv_rtsp_fail(session, -ECONNRESET, FV_RTSP_RETRY_NOW,
                        "the camera announced a new description of its stream");
}

static int on_redirect(struct fv_rtsp *session, const struct fv_rtsp_message *request)
{
    struct fv_slice location = fv_rtsp_find(request, "Location");
    if (location.size)
        return fv_rtsp_redirect(session, location, 0);
    return fv_rtsp_fail(session, -ECONNRESET, FV_RTSP_RETRY_NOW, "the camera asks to connect anew");
}

int fv_rtsp_on_request(struct fv_rtsp *session, const struct fv_rtsp_message *request)
{
    static const char *const known[] = {"OPTIONS",  "GET_PARAMETER", "SET_PARAMETER",
                                        "TEARDOWN", "ANNOUNCE",      "REDIRECT"};
    unsigned status = 501;
    uint64_t cseq = 0;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (is_method(request, known[i]))
            status = 200;
    }
    if (fv_slice_u64(fv_rtsp_find(request, "CSeq"), UINT32_MAX, &cseq) < 0)
        cseq = 0;
    session->counters.server_requests++;
    int rc = fv_rtsp_reply(session, status, cseq);
    if (rc < 0)
        return rc;
    if (is_method(request, "ANNOUNCE"))
        return on_announce(session, request);
    if (is_method(request, "REDIRECT"))
        return on_redirect(session, request);
    if (!is_method(request, "TEARDOWN"))
        return 0;
    session->torn_down = true;
    return fv_rtsp_fail(session, -ECONNRESET, FV_RTSP_RETRY_NOW, "the camera ended the session");
}
