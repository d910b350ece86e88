// SPDX-License-Identifier: Apache-2.0
/* What the server's answers mean, state by state. */
#include <errno.h>
#include <stdio.h>

#include "rtsp/impl.h"

/* What an error status means for the owner. RFC 2326 7.1.1. */
static const struct {
    unsigned status;
    int code;
    enum fv_rtsp_advice advice;
    const char *meaning;
} meanings[] = {
    {400, -EPROTO, FV_RTSP_RETRY_LATE, "Bad Request"},
    {403, -EACCES, FV_RTSP_BAD_CREDENTIALS, "Forbidden"},
    {404, -ENOENT, FV_RTSP_NO_STREAM, "Not Found"},
    {405, -ENOTSUP, FV_RTSP_RETRY_LATE, "Method Not Allowed"},
    {406, -ENOENT, FV_RTSP_NO_STREAM, "Not Acceptable"},
    {407, -EACCES, FV_RTSP_BAD_CREDENTIALS, "Proxy Authentication Required"},
    {410, -ENOENT, FV_RTSP_NO_STREAM, "Gone"},
    {415, -ENOENT, FV_RTSP_NO_STREAM, "Unsupported Media Type"},
    {453, -EACCES, FV_RTSP_RETRY_LATE, "Not Enough Bandwidth"},
    {454, -ECONNRESET, FV_RTSP_RETRY_NOW, "Session Not Found"},
    {461, -ENOTSUP, FV_RTSP_OTHER_TRANSPORT, "Unsupported Transport"},
    {500, -EACCES, FV_RTSP_RETRY_LATE, "Internal Server Error"},
    {501, -ENOTSUP, FV_RTSP_RETRY_LATE, "Not Implemented"},
    {503, -EACCES, FV_RTSP_RETRY_LATE, "Service Unavailable"},
    {505, -ENOTSUP, FV_RTSP_RETRY_LATE, "RTSP Version Not Supported"},
    {551, -ENOTSUP, FV_RTSP_RETRY_LATE, "Option Not Supported"},
};

static int fail_status(struct fv_rtsp *session, unsigned status)
{
    int code = -EPROTO;
    enum fv_rtsp_advice advice = FV_RTSP_RETRY;
    const char *meaning = "";
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].status == status) {
            code = meanings[i].code;
            advice = meanings[i].advice;
            meaning = meanings[i].meaning;
        }
    }
    session->torn_down = session->torn_down || status == 454;
    session->failure.status = status;
    return fv_rtsp_fail(session, code, advice, "%s (CSeq %u) was answered with %u%s%s",
                        fv_rtsp_method_name(session->method), session->cseq, status,
                        meaning[0] ? " " : "", meaning);
}

static int fail_answer(struct fv_rtsp *session, const char *what)
{
    return fv_rtsp_fail(session, -EBADMSG, FV_RTSP_RETRY_LATE, "the answer to %s (CSeq %u) %s",
                        fv_rtsp_method_name(session->method), session->cseq, what);
}

/* 401. One try with credentials; another one only when the nonce grew old, because cameras lock
 * accounts. */
static int on_unauthorized(struct fv_rtsp *session, const struct fv_rtsp_message *response,
                           int64_t now)
{
    bool stale = false, new_nonce = false, tried = session->authorized;
    struct fv_error err;
    session->failure.status = 401;
    int rc = fv_auth_take(&session->auth, response, &stale, &new_nonce, &err);
    if (!session->auth.has_user)
        return fv_rtsp_fail(session, -EACCES, FV_RTSP_BAD_CREDENTIALS,
                            "the camera wants a login (401 to %s) and none is configured",
                            fv_rtsp_method_name(session->method));
    if (rc < 0)
        return fv_rtsp_fail(session, rc, FV_RTSP_BAD_CREDENTIALS, "%s", err.text);
    bool old_nonce = stale || (new_nonce && session->accepted);
    if (!tried || (old_nonce && session->attempts < 2)) {
        session->failure.status = 0;
        return fv_rtsp_send_again(session, now);
    }
    return fv_rtsp_fail(session, -EACCES, FV_RTSP_BAD_CREDENTIALS,
                        "the camera refuses the login (401 to %s, CSeq %u)",
                        fv_rtsp_method_name(session->method), session->cseq);
}

/* Printable characters of what the camera wrote, for people. */
static void copy_printable(const struct fv_rtsp *session, struct fv_slice text, char *buffer,
                           size_t size)
{
    size_t n = 0;
    for (; n < text.size && n + 1 < size; n++)
        buffer[n] = text.data[n] < ' ' || text.data[n] > '~' ? '?' : text.data[n];
    buffer[n] = '\0';
    fv_rtsp_hide_password(session, buffer);
}

/* Public, RFC 2326 12.28. */
static void read_public(struct fv_rtsp *session, const struct fv_rtsp_message *response)
{
    struct fv_slice key, value;
    for (unsigned n = 0;; n++) {
        struct fv_slice rest = fv_rtsp_find_nth(response, "Public", n);
        if (!rest.data)
            return;
        if (n == 0)
            copy_printable(session, rest, session->methods, sizeof(session->methods));
        while (fv_rtsp_next_param(&rest, ',', &key, &value)) {
            for (enum fv_rtsp_method m = FV_RTSP_OPTIONS; m <= FV_RTSP_TEARDOWN; m++) {
                if (fv_slice_eq_nocase(key, fv_slice_of(fv_rtsp_method_name(m))))
                    session->public_methods |= FV_RTSP_BIT(m);
            }
        }
    }
}

/* OPTIONS is a courtesy: a server that refuses it may still play. */
static int on_options(struct fv_rtsp *session, const struct fv_rtsp_message *response, int64_t now)
{
    if (response->status == 453 || response->status == 503)
        return fail_status(session, response->status);
    if (response->status < 300)
        read_public(session, response);
    fv_rtsp_set_state(session, FV_RTSP_AWAIT_DESCRIBE);
    return fv_rtsp_send(session, FV_RTSP_DESCRIBE, now);
}

/* Base, aggregate and track address, RFC 2326 C.1.1 and C.3. */
static int set_addresses(struct fv_rtsp *session, const struct fv_rtsp_message *response,
                         const struct fv_sdp *sdp, const struct fv_sdp_media *media)
{
    char base[FV_RTSP_URI_MAX];
    int rc = fv_rtsp_base(response, session->request_uri, base, sizeof(base));
    if (rc == 0)
        rc = fv_rtsp_join(base, sdp->control, session->aggregate_uri,
                          sizeof(session->aggregate_uri));
    if (rc == 0)
        rc = fv_rtsp_join(base, media->control, session->track_uri, sizeof(session->track_uri));
    if (rc == 0)
        rc = fv_slice_copy(media->control, session->control, sizeof(session->control));
    return rc < 0 ? fail_answer(session, "holds a control address that is too long or malformed")
                  : 0;
}

static void set_stream(struct fv_rtsp *session, const struct fv_sdp *sdp,
                       const struct fv_sdp_choice *choice)
{
    struct fv_rtsp_stream *stream = &session->stream;
    *stream = (struct fv_rtsp_stream){
        .codec = choice->codec,
        .payload_type = choice->format->payload_type,
        .clock_rate = choice->clock_rate,
        .fps = choice->media->fps,
        .width = choice->media->width,
        .height = choice->media->height,
        .quirks = sdp->quirks | choice->quirks,
    };
    size_t size = fv_sdp_sets(choice->codec, choice->format->fmtp, session->sets, &stream->quirks);
    if (size)
        stream->sets = (struct fv_slice){(const char *)session->sets, size};
}

/* For people: what there was to choose from. */
static void note_offers(struct fv_rtsp *session, const struct fv_sdp *sdp)
{
    session->offer_count = 0;
    for (unsigned i = 0; i < sdp->media_count; i++) {
        const struct fv_sdp_media *media = &sdp->media[i];
        for (unsigned j = 0; j < media->format_count && session->offer_count < FV_RTSP_OFFERS_MAX;
             j++) {
            const struct fv_sdp_format *format = &media->formats[j];
            struct fv_rtsp_offer *offer = &session->offers[session->offer_count++];
            *offer = (struct fv_rtsp_offer){.clock_rate = format->clock_rate};
            copy_printable(session, media->type, offer->type, sizeof(offer->type));
            if (format->encoding.size)
                copy_printable(session, format->encoding, offer->encoding, sizeof(offer->encoding));
            else
                snprintf(offer->encoding, sizeof(offer->encoding), "%u", format->payload_type);
        }
    }
}

/* The same order as in note_offers(). */
static void note_chosen(struct fv_rtsp *session, const struct fv_sdp *sdp,
                        const struct fv_sdp_choice *choice)
{
    unsigned n = (unsigned)(choice->format - choice->media->formats);
    for (const struct fv_sdp_media *media = sdp->media; media < choice->media; media++)
        n += media->format_count;
    if (n < session->offer_count)
        session->offers[n].chosen = true;
}

static int on_describe(struct fv_rtsp *session, const struct fv_rtsp_message *response, int64_t now)
{
    struct fv_sdp sdp;
    struct fv_sdp_choice choice;
    struct fv_error err;
    if (response->status >= 300)
        return fail_status(session, response->status);
    /* Content-Type is not asked: some cameras leave it out; what matters is whether it reads as
     * SDP. */
    if (fv_sdp_parse(response->body, &sdp) < 0)
        return fail_answer(session, response->body.size ? "is not a session description"
                                                        : "has no session description");
    note_offers(session, &sdp);
    int rc = fv_sdp_choose(&sdp, &choice, &err);
    if (rc < 0)
        return fv_rtsp_fail(session, rc, FV_RTSP_NO_STREAM, "%s", err.text);
    note_chosen(session, &sdp, &choice);
    rc = set_addresses(session, response, &sdp, choice.media);
    if (rc < 0)
        return rc;
    set_stream(session, &sdp, &choice);
    fv_rtsp_set_state(session, FV_RTSP_AWAIT_SETUP);
    return fv_rtsp_send(session, FV_RTSP_SETUP, now);
}

/* Session of SETUP; later ones only refresh the timeout: some cameras change the id and still want
 * the first. */
static int read_session(struct fv_rtsp *session, const struct fv_rtsp_message *response)
{
    char id[FV_RTSP_SESSION_ID_MAX];
    int64_t timeout;
    struct fv_slice value = fv_rtsp_find(response, "Session");
    if (!value.data)
        return 0;
    if (fv_rtsp_parse_session(value, id, &timeout) < 0)
        return session->id[0] ? 0 : fail_answer(session, "has a malformed Session");
    if (!session->id[0])
        memcpy(session->id, id, sizeof(id));
    if (timeout != FV_TIME_UNKNOWN)
        session->timeout = timeout;
    return 0;
}

static int fail_transport(struct fv_rtsp *session, const char *asked, const char *got)
{
    return fv_rtsp_fail(session, -ENOTSUP, FV_RTSP_OTHER_TRANSPORT,
                        "SETUP (CSeq %u) asked for %s and was answered with %s", session->cseq,
                        asked, got);
}

static int read_transport(struct fv_rtsp *session, const struct fv_rtsp_message *response)
{
    struct fv_rtsp_stream *stream = &session->stream;
    struct fv_rtsp_transport transport = {.tcp = session->lower == FV_RTSP_TCP};
    struct fv_slice value = fv_rtsp_find(response, "Transport");
    if (value.data && fv_rtsp_parse_transport(value, &transport) < 0)
        return fail_answer(session, "has a malformed Transport");
    if (transport.multicast)
        return fail_transport(session, "unicast", "multicast");
    if (session->lower == FV_RTSP_TCP && !transport.tcp)
        return fail_transport(session, "TCP", "UDP");
    if (session->lower == FV_RTSP_UDP && transport.tcp)
        return fail_transport(session, "UDP", "TCP");
    stream->rtp_channel = transport.interleaved ? transport.rtp_channel : 0;
    stream->rtcp_channel = transport.interleaved ? transport.rtcp_channel : 1;
    stream->server_rtp_port = transport.server_rtp_port;
    stream->server_rtcp_port = transport.server_rtcp_port;
    stream->has_ssrc = transport.has_ssrc;
    stream->ssrc = transport.ssrc;
    memcpy(stream->source, transport.source, sizeof(stream->source));
    return 0;
}

static int on_setup(struct fv_rtsp *session, const struct fv_rtsp_message *response, int64_t now)
{
    if (response->status >= 300)
        return fail_status(session, response->status);
    int rc = read_session(session, response);
    if (rc == 0)
        rc = read_transport(session, response);
    if (rc < 0)
        return rc;
    session->has_stream = true;
    fv_rtsp_set_state(session, FV_RTSP_AWAIT_PLAY);
    return fv_rtsp_send(session, FV_RTSP_PLAY, now);
}

static int on_play(struct fv_rtsp *session, const struct fv_rtsp_message *response, int64_t now)
{
    if (response->status >= 300)
        return fail_status(session, response->status);
    int rc = read_session(session, response);
    if (rc < 0)
        return rc;
    struct fv_slice value = fv_rtsp_find(response, "RTP-Info");
    struct fv_rtsp_info info =
        fv_rtsp_parse_info(value, fv_slice_of(session->control), session->track_uri);
    session->stream.has_seq = info.has_seq;
    session->stream.seq = info.seq;
    session->stream.has_rtptime = info.has_rtptime;
    session->stream.rtptime = info.rtptime;
    fv_rtsp_first_keepalive(session);
    session->keepalive_at = fv_later(now, fv_rtsp_keepalive_interval(session));
    fv_rtsp_set_state(session, FV_RTSP_PLAYING);
    return 0;
}

/* Any answer shows that the session is alive, unless it says that it is gone. */
static int on_keepalive(struct fv_rtsp *session, const struct fv_rtsp_message *response,
                        int64_t now)
{
    if (response->status == 454)
        return fail_status(session, response->status);
    if (response->status >= 400 && fv_rtsp_next_keepalive(session)) {
        session->counters.keepalives++;
        return fv_rtsp_send(session, session->keepalive, now);
    }
    session->keepalive_at = fv_later(session->sent_at, fv_rtsp_keepalive_interval(session));
    return 0;
}

/* Is it the answer to what is awaited? 1 yes, 0 no (skipped), or negative errno: failed. */
static int match(struct fv_rtsp *session, const struct fv_rtsp_message *response)
{
    struct fv_slice text = fv_rtsp_find(response, "CSeq");
    uint64_t cseq;
    if (!session->waiting) {
        session->counters.stray_responses++;
        return 0;
    }
    if (!text.data)
        return 1;
    if (fv_slice_u64(text, UINT32_MAX, &cseq) == 0 && cseq == session->cseq)
        return 1;
    /* A late answer to a keepalive that was given up. */
    if (session->state == FV_RTSP_PLAYING && fv_slice_u64(text, session->cseq, &cseq) == 0) {
        session->counters.stray_responses++;
        return 0;
    }
    return fv_rtsp_fail(session, -EPROTO, FV_RTSP_RETRY,
                        "%s (CSeq %u) was answered with another CSeq",
                        fv_rtsp_method_name(session->method), session->cseq);
}

static int dispatch(struct fv_rtsp *session, const struct fv_rtsp_message *response, int64_t now)
{
    switch (session->state) {
    case FV_RTSP_AWAIT_OPTIONS:
        return on_options(session, response, now);
    case FV_RTSP_AWAIT_DESCRIBE:
        return on_describe(session, response, now);
    case FV_RTSP_AWAIT_SETUP:
        return on_setup(session, response, now);
    case FV_RTSP_AWAIT_PLAY:
        return on_play(session, response, now);
    case FV_RTSP_PLAYING:
        return on_keepalive(session, response, now);
    case FV_RTSP_IDLE:
    case FV_RTSP_CLOSED:
    case FV_RTSP_FAILED:
        break;
    }
    return 0;
}

int fv_rtsp_on_response(struct fv_rtsp *session, const struct fv_rtsp_message *response,
                        int64_t now)
{
    if (response->status < 200) /* "100 Continue": the answer is still to come */
        return 0;
    int rc = match(session, response);
    if (rc <= 0)
        return rc;
    session->waiting = false;
    struct fv_slice server = fv_rtsp_find(response, "Server");
    if (server.size)
        copy_printable(session, server, session->server, sizeof(session->server));
    if (response->status == 401)
        return on_unauthorized(session, response, now);
    session->accepted = session->accepted || session->authorized;
    struct fv_slice location = fv_rtsp_find(response, "Location");
    if (response->status / 100 == 3 && location.size)
        return fv_rtsp_redirect(session, location, response->status);
    return dispatch(session, response, now);
}
