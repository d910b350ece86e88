// SPDX-License-Identifier: Apache-2.0
/* What the client sends. */
#include <errno.h>

#include "rtsp/impl.h"

const char *fv_rtsp_method_name(enum fv_rtsp_method method)
{
    static const char *const names[] = {
        [FV_RTSP_OPTIONS] = "OPTIONS",
        [FV_RTSP_DESCRIBE] = "DESCRIBE",
        [FV_RTSP_SETUP] = "SETUP",
        [FV_RTSP_PLAY] = "PLAY",
        [FV_RTSP_GET_PARAMETER] = "GET_PARAMETER",
        [FV_RTSP_SET_PARAMETER] = "SET_PARAMETER",
        [FV_RTSP_TEARDOWN] = "TEARDOWN",
    };
    return names[method];
}

/* Free room at the end of the output, as a text builder. */
static void open_output(struct fv_rtsp *session, struct fv_str *str)
{
    if (session->out_start) {
        memmove(session->out, session->out + session->out_start, session->out_size);
        session->out_start = 0;
    }
    size_t room = sizeof(session->out) - session->out_size;
    static char none[1];
    if (room)
        fv_str_init(str, (char *)session->out + session->out_size, room);
    else
        fv_str_init(str, none, sizeof(none));
}

/* Keeps what was built, or fails the session when it did not fit: the peer does not read. */
static int close_output(struct fv_rtsp *session, const struct fv_str *str)
{
    if (str->overflow)
        return fv_rtsp_fail(session, -ENOBUFS, FV_RTSP_RETRY,
                            "the camera does not take what is sent to it (%zu bytes wait)",
                            session->out_size);
    session->out_size += str->size;
    return 0;
}

/* The address that a method is about. */
static const char *uri_of(const struct fv_rtsp *session, enum fv_rtsp_method method)
{
    if (method == FV_RTSP_DESCRIBE || session->state < FV_RTSP_AWAIT_SETUP)
        return session->request_uri;
    return method == FV_RTSP_SETUP ? session->track_uri : session->aggregate_uri;
}

static void add_transport(const struct fv_rtsp *session, struct fv_str *out)
{
    if (session->lower == FV_RTSP_TCP)
        fv_str_add(out, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    else
        fv_str_addf(out, "Transport: RTP/AVP;unicast;client_port=%u-%u\r\n",
                    session->client_rtp_port, session->client_rtp_port + 1u);
}

/* RFC 2326 6, 10. */
static int build(struct fv_rtsp *session, enum fv_rtsp_method method, struct fv_str *out)
{
    const char *name = fv_rtsp_method_name(method), *uri = uri_of(session, method);
    fv_str_addf(out, "%s %s RTSP/1.0\r\nCSeq: %u\r\nUser-Agent: %s\r\n", name, uri, session->cseq,
                session->user_agent);
    int rc = fv_auth_add_header(&session->auth, fv_slice_of(name), fv_slice_of(uri), out);
    if (session->id[0])
        fv_str_addf(out, "Session: %s\r\n", session->id);
    if (method == FV_RTSP_DESCRIBE)
        fv_str_add(out, "Accept: application/sdp\r\n");
    else if (method == FV_RTSP_SETUP)
        add_transport(session, out);
    else if (method == FV_RTSP_PLAY)
        fv_str_add(out, "Range: npt=0.000-\r\n");
    fv_str_add(out, "\r\n");
    return rc;
}

static int send_request(struct fv_rtsp *session, enum fv_rtsp_method method, int64_t now)
{
    struct fv_str out;
    if (session->state == FV_RTSP_CLOSED) /* the owner closed inside a callback */
        return 0;
    session->cseq++;
    open_output(session, &out);
    if (build(session, method, &out) < 0)
        return fv_rtsp_fail(
            session, -ENOTSUP, FV_RTSP_BAD_CREDENTIALS,
            "the login that the camera wants needs a hash that this OpenSSL refuses "
            "(MD5 in FIPS mode)");
    int rc = close_output(session, &out);
    if (rc < 0)
        return rc;
    session->waiting = method != FV_RTSP_TEARDOWN;
    session->method = method;
    session->sent_at = now;
    session->deadline = fv_later(now, session->request_timeout);
    session->authorized = session->auth.scheme != FV_AUTH_NONE && session->auth.has_user;
    session->attempts += session->authorized;
    session->frames_at = session->counters.frames;
    return 0;
}

int fv_rtsp_send(struct fv_rtsp *session, enum fv_rtsp_method method, int64_t now)
{
    session->attempts = 0;
    return send_request(session, method, now);
}

int fv_rtsp_send_again(struct fv_rtsp *session, int64_t now)
{
    return send_request(session, session->method, now);
}

int fv_rtsp_reply(struct fv_rtsp *session, unsigned status, uint64_t cseq)
{
    struct fv_str out;
    open_output(session, &out);
    fv_str_addf(&out, "RTSP/1.0 %u %s\r\n", status, status == 200 ? "OK" : "Not Implemented");
    if (cseq)
        fv_str_addf(&out, "CSeq: %llu\r\n", (unsigned long long)cseq);
    if (session->id[0])
        fv_str_addf(&out, "Session: %s\r\n", session->id);
    fv_str_add(&out, "\r\n");
    return close_output(session, &out);
}

static bool is_public(const struct fv_rtsp *session, enum fv_rtsp_method method)
{
    return session->public_methods & FV_RTSP_BIT(method);
}

/* GET_PARAMETER, else SET_PARAMETER, else OPTIONS, which every server must know. */
void fv_rtsp_first_keepalive(struct fv_rtsp *session)
{
    session->keepalive = FV_RTSP_GET_PARAMETER;
    if (!is_public(session, FV_RTSP_GET_PARAMETER))
        fv_rtsp_next_keepalive(session);
}

bool fv_rtsp_next_keepalive(struct fv_rtsp *session)
{
    if (session->keepalive == FV_RTSP_OPTIONS)
        return false;
    bool set =
        session->keepalive == FV_RTSP_GET_PARAMETER && is_public(session, FV_RTSP_SET_PARAMETER);
    session->keepalive = set ? FV_RTSP_SET_PARAMETER : FV_RTSP_OPTIONS;
    return true;
}

/* Half the session's timeout, or 5 s before its end when that is sooner; never more often than once
 * a second. */
int64_t fv_rtsp_keepalive_interval(const struct fv_rtsp *session)
{
    int64_t interval = fv_min64(session->timeout - 5 * FV_S, session->timeout / 2);
    return fv_max64(interval, FV_S);
}

int fv_rtsp_send_rtcp(struct fv_rtsp *session, const uint8_t *packet, size_t size)
{
    if (session->lower != FV_RTSP_TCP || session->state != FV_RTSP_PLAYING)
        return -EPROTO;
    if (size > UINT16_MAX || session->out_size + size + 4 > FV_RTSP_OUT_RTCP)
        return -ENOBUFS;
    struct fv_str out;
    open_output(session, &out);
    const char head[] = {'$', (char)session->stream.rtcp_channel, (char)(size >> 8), (char)size};
    fv_str_add_slice(&out, (struct fv_slice){head, sizeof(head)});
    fv_str_add_slice(&out, (struct fv_slice){(const char *)packet, size});
    return close_output(session, &out);
}

size_t fv_rtsp_output(struct fv_rtsp *session, const uint8_t **ret_data)
{
    *ret_data = session->out + session->out_start;
    return session->out_size;
}

void fv_rtsp_sent(struct fv_rtsp *session, size_t n)
{
    if (n > session->out_size)
        n = session->out_size;
    session->out_size -= n;
    session->out_start = session->out_size ? session->out_start + n : 0;
}
