// SPDX-License-Identifier: Apache-2.0
/* A session's life, its input and its deadlines. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/pages.h"
#include "fovea/version.h"
#include "rtsp/impl.h"

const char *fv_rtsp_state_name(enum fv_rtsp_state state)
{
    static const char *const names[] = {
        [FV_RTSP_IDLE] = "idle",
        [FV_RTSP_AWAIT_OPTIONS] = "awaiting OPTIONS",
        [FV_RTSP_AWAIT_DESCRIBE] = "awaiting DESCRIBE",
        [FV_RTSP_AWAIT_SETUP] = "awaiting SETUP",
        [FV_RTSP_AWAIT_PLAY] = "awaiting PLAY",
        [FV_RTSP_PLAYING] = "playing",
        [FV_RTSP_CLOSED] = "closed",
        [FV_RTSP_FAILED] = "failed",
    };
    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

void fv_rtsp_set_state(struct fv_rtsp *session, enum fv_rtsp_state state)
{
    enum fv_rtsp_state from = session->state;
    session->state = state;
    if (from != state && session->handler.state)
        session->handler.state(session->handler.data, from, state);
}

/* A camera may repeat what it was sent. Passwords too short to be told from ordinary text are left
 * alone: our own text has none. */
void fv_rtsp_hide_password(const struct fv_rtsp *session, char *text)
{
    size_t size = strlen(session->auth.password);
    if (size < 4)
        return;
    for (char *at = strstr(text, session->auth.password); at;
         at = strstr(at, session->auth.password))
        memset(at, '*', size);
}

int fv_rtsp_fail(struct fv_rtsp *session, int code, enum fv_rtsp_advice advice, const char *format,
                 ...)
{
    if (session->state == FV_RTSP_FAILED)
        return session->failure.code;
    if (session->state == FV_RTSP_CLOSED) /* the owner closed inside a callback */
        return code;
    va_list args;
    va_start(args, format);
    vsnprintf(session->failure.reason, sizeof(session->failure.reason), format, args);
    va_end(args);
    fv_rtsp_hide_password(session, session->failure.reason);
    session->failure.code = code;
    session->failure.advice = advice;
    session->waiting = false;
    fv_rtsp_set_state(session, FV_RTSP_FAILED);
    return code;
}

static int init_session(struct fv_rtsp *session, const struct fv_rtsp_params *params)
{
    const char *agent = params->user_agent ? params->user_agent : "fovea/" FV_VERSION;
    char uri[FV_RTSP_URI_MAX];
    session->url = params->url;
    session->lower = params->lower;
    session->client_rtp_port = params->client_rtp_port;
    session->request_timeout = params->request_timeout ? params->request_timeout : 5 * FV_S;
    session->skip_options = params->skip_options;
    session->handler = params->handler;
    session->timeout = FV_RTSP_DEFAULT_TIMEOUT;
    fv_url_format(&params->url, uri, sizeof(uri));
    if (fv_slice_copy(fv_slice_of(agent), session->user_agent, sizeof(session->user_agent)) < 0 ||
        strpbrk(agent, "\r\n") ||
        fv_rtsp_join(uri, FV_SLICE("*"), session->request_uri, sizeof(session->request_uri)) < 0)
        return -EINVAL;
    return fv_auth_init(&session->auth, params->url.has_user ? params->url.user : NULL,
                        params->url.password, params->seed);
}

int fv_rtsp_create(const struct fv_rtsp_params *params, struct fv_rtsp **ret_session)
{
    bool udp = params->lower == FV_RTSP_UDP;
    if (!params->url.host[0] || params->request_timeout < 0 ||
        (udp && (params->client_rtp_port == 0 || params->client_rtp_port == UINT16_MAX)))
        return -EINVAL;
    struct fv_rtsp *session = FV_PAGES_NEW(struct fv_rtsp);
    if (!session)
        return -ENOMEM;
    int rc = init_session(session, params);
    if (rc < 0) {
        fv_rtsp_destroy(session);
        return rc;
    }
    *ret_session = session;
    return 0;
}

void fv_rtsp_destroy(struct fv_rtsp *session)
{
    if (!session)
        return;
    fv_auth_finish(&session->auth);
    /* The requests hold credentials as well; all of it goes. */
    explicit_bzero(session, sizeof(*session));
    fv_pages_free(session, sizeof(*session));
}

int fv_rtsp_start(struct fv_rtsp *session, int64_t now)
{
    if (session->state != FV_RTSP_IDLE)
        return -EPROTO;
    enum fv_rtsp_method first = session->skip_options ? FV_RTSP_DESCRIBE : FV_RTSP_OPTIONS;
    int rc = fv_rtsp_send(session, first, now);
    if (rc < 0)
        return rc;
    fv_rtsp_set_state(session,
                      first == FV_RTSP_OPTIONS ? FV_RTSP_AWAIT_OPTIONS : FV_RTSP_AWAIT_DESCRIBE);
    return 0;
}

static bool is_ended(const struct fv_rtsp *session)
{
    return session->state == FV_RTSP_CLOSED || session->state == FV_RTSP_FAILED;
}

static bool is_our_channel(const struct fv_rtsp *session, uint8_t channel)
{
    return session->has_stream && session->lower == FV_RTSP_TCP &&
           (channel == session->stream.rtp_channel || channel == session->stream.rtcp_channel);
}

/* Does a frame or message begin here? 1 yes, 0 more bytes are needed to tell, -1 no. Asked only
 * behind garbage. */
static int looks_like_start(const struct fv_rtsp *session, const uint8_t *data, size_t size)
{
    static const char *const starts[] = {"RTSP/",          "OPTIONS ",  "GET_PARAMETER ",
                                         "SET_PARAMETER ", "TEARDOWN ", "ANNOUNCE ",
                                         "REDIRECT "};
    if (data[0] == '$')
        return size < 2 ? 0 : is_our_channel(session, data[1]) ? 1 : -1;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        size_t length = strlen(starts[i]), n = size < length ? size : length;
        if (memcmp(data, starts[i], n) == 0)
            return n == length;
    }
    return -1;
}

/* The bytes at `data` are neither: skips to the next place that could be. Returns the bytes
 * skipped. */
static int64_t skip_garbage(struct fv_rtsp *session, const uint8_t *data, size_t size)
{
    size_t n = 1;
    while (n < size && looks_like_start(session, data + n, size - n) < 0)
        n++;
    session->counters.garbage += n;
    session->garbage_run += (unsigned)n;
    if (session->garbage_run > FV_RTSP_GARBAGE_MAX)
        return fv_rtsp_fail(session, -EBADMSG, FV_RTSP_RETRY,
                            "%s: more than %u bytes came that are no RTSP",
                            fv_rtsp_state_name(session->state), FV_RTSP_GARBAGE_MAX);
    return (int64_t)n;
}

/* Garbage is forgiven between messages only: not instead of the first one, and not as a mangled
 * one. */
static int64_t on_garbage(struct fv_rtsp *session, const uint8_t *data, size_t size)
{
    struct fv_slice text = {(const char *)data, size};
    if (!session->heard)
        return fv_rtsp_fail(session, -EBADMSG, FV_RTSP_RETRY_LATE,
                            "%s: the peer does not speak RTSP%s",
                            fv_rtsp_state_name(session->state),
                            fv_slice_starts_nocase(text, FV_SLICE("HTTP/")) ? " but HTTP" : "");
    if (fv_slice_starts_nocase(text, FV_SLICE("RTSP/")))
        return fv_rtsp_fail(session, -EBADMSG, FV_RTSP_RETRY, "%s: a malformed response came",
                            fv_rtsp_state_name(session->state));
    return skip_garbage(session, data, size);
}

static void on_frame(struct fv_rtsp *session, const struct fv_rtsp_frame *frame)
{
    if (!is_our_channel(session, frame->channel)) {
        session->counters.foreign_frames++;
        return;
    }
    if (!frame->size)
        return;
    session->counters.frames++;
    bool rtcp = frame->channel == session->stream.rtcp_channel;
    if (session->handler.packet)
        session->handler.packet(session->handler.data, rtcp, frame->data, frame->size);
}

static int64_t feed_frame(struct fv_rtsp *session, const uint8_t *data, size_t size)
{
    struct fv_rtsp_frame frame;
    int64_t n = fv_rtsp_parse_frame(data, size, &frame);
    if (n > 0) {
        session->heard = true;
        session->garbage_run = 0;
        on_frame(session, &frame);
    }
    return n;
}

static int64_t feed_message(struct fv_rtsp *session, const uint8_t *data, size_t size, int64_t now)
{
    struct fv_rtsp_message message;
    int64_t n = fv_rtsp_parse((const char *)data, size, &message);
    if (n == -EBADMSG)
        return on_garbage(session, data, size);
    if (n == -ENOBUFS)
        return fv_rtsp_fail(session, -EBADMSG, FV_RTSP_RETRY_LATE,
                            "%s: a message came that is too long (limits: head %u, body %u bytes)",
                            fv_rtsp_state_name(session->state), FV_RTSP_HEAD_MAX, FV_RTSP_BODY_MAX);
    if (n < 0)
        return n;
    session->heard = true;
    session->garbage_run = 0;
    int rc = message.request ? fv_rtsp_on_request(session, &message)
                             : fv_rtsp_on_response(session, &message, now);
    return rc < 0 ? rc : n;
}

/* One frame, message, empty line or piece of garbage. Bytes consumed, -EAGAIN, or the session
 * failed. */
static int64_t feed_one(struct fv_rtsp *session, const uint8_t *data, size_t size, int64_t now)
{
    if (!session->garbage_run && (data[0] == '\r' || data[0] == '\n'))
        return 1;
    if (session->garbage_run) {
        int start = looks_like_start(session, data, size);
        if (start <= 0)
            return start == 0 ? -EAGAIN : skip_garbage(session, data, size);
    }
    if (data[0] == '$')
        return feed_frame(session, data, size);
    return feed_message(session, data, size, now);
}

void fv_rtsp_prefetch(const struct fv_rtsp *session)
{
    for (size_t i = 0; i < offsetof(struct fv_rtsp, stream) + 64; i += 64)
        __builtin_prefetch((const char *)session + i);
}

void fv_rtsp_media_came(struct fv_rtsp *session)
{
    session->counters.frames++;
}

int64_t fv_rtsp_feed(struct fv_rtsp *session, const uint8_t *data, size_t size, int64_t now)
{
    size_t used = 0;
    if (session->state == FV_RTSP_FAILED)
        return session->failure.code;
    while (used < size && !is_ended(session)) {
        int64_t n = feed_one(session, data + used, size - used, now);
        if (n == -EAGAIN)
            return (int64_t)used;
        if (n < 0)
            return session->state == FV_RTSP_FAILED ? n : (int64_t)size;
        used += (size_t)n;
    }
    /* What comes after the end is nobody's. */
    return is_ended(session) ? (int64_t)size : (int64_t)used;
}

int64_t fv_rtsp_deadline(const struct fv_rtsp *session)
{
    if (session->waiting)
        return session->deadline;
    return session->state == FV_RTSP_PLAYING ? session->keepalive_at : FV_TIME_NEVER;
}

/* Some cameras never answer keepalives. While packets come that is no reason to end; the next one
 * is of another kind. */
static int on_timeout(struct fv_rtsp *session)
{
    if (session->state == FV_RTSP_PLAYING && session->counters.frames != session->frames_at) {
        session->waiting = false;
        session->counters.keepalives_unanswered++;
        fv_rtsp_next_keepalive(session);
        session->keepalive_at = fv_later(session->sent_at, fv_rtsp_keepalive_interval(session));
        return 0;
    }
    return fv_rtsp_fail(session, -ETIMEDOUT, FV_RTSP_RETRY,
                        "%s (CSeq %u) was not answered in %lld ms",
                        fv_rtsp_method_name(session->method), session->cseq,
                        (long long)(session->request_timeout / FV_MS));
}

int fv_rtsp_tick(struct fv_rtsp *session, int64_t now)
{
    if (session->state == FV_RTSP_FAILED)
        return session->failure.code;
    if (session->waiting && now >= session->deadline) {
        int rc = on_timeout(session);
        if (rc < 0)
            return rc;
    }
    if (session->waiting || session->state != FV_RTSP_PLAYING || now < session->keepalive_at)
        return 0;
    session->counters.keepalives++;
    return fv_rtsp_send(session, session->keepalive, now);
}

void fv_rtsp_close(struct fv_rtsp *session, int64_t now)
{
    bool failed = session->state == FV_RTSP_FAILED;
    if (session->state == FV_RTSP_CLOSED)
        return;
    if (session->id[0] && !session->torn_down) {
        session->torn_down = true;
        fv_rtsp_send(session, FV_RTSP_TEARDOWN, now);
    }
    session->waiting = false;
    if (!failed)
        fv_rtsp_set_state(session, FV_RTSP_CLOSED);
}

enum fv_rtsp_state fv_rtsp_state(const struct fv_rtsp *session)
{
    return session->state;
}

const struct fv_rtsp_failure *fv_rtsp_failure(const struct fv_rtsp *session)
{
    return &session->failure;
}

const struct fv_rtsp_stream *fv_rtsp_stream(const struct fv_rtsp *session)
{
    return session->has_stream ? &session->stream : NULL;
}

const char *fv_rtsp_server(const struct fv_rtsp *session)
{
    return session->server;
}

const char *fv_rtsp_methods(const struct fv_rtsp *session)
{
    return session->methods;
}

const char *fv_rtsp_login(const struct fv_rtsp *session)
{
    static const char *const digests[][2] = {
        [FV_AUTH_MD5] = {"Digest MD5", "Digest MD5-sess"},
        [FV_AUTH_SHA256] = {"Digest SHA-256", "Digest SHA-256-sess"},
        [FV_AUTH_SHA512_256] = {"Digest SHA-512-256", "Digest SHA-512-256-sess"},
    };
    const struct fv_auth *auth = &session->auth;
    if (auth->scheme == FV_AUTH_NONE)
        return "none";
    return auth->scheme == FV_AUTH_BASIC ? "Basic" : digests[auth->hash][auth->session];
}

unsigned fv_rtsp_offers(const struct fv_rtsp *session, const struct fv_rtsp_offer **ret_offers)
{
    *ret_offers = session->offers;
    return session->offer_count;
}

const struct fv_rtsp_counters *fv_rtsp_counters(const struct fv_rtsp *session)
{
    return &session->counters;
}
