// SPDX-License-Identifier: Apache-2.0
/*
 * Inside of a session. session.c: life, input, time; request.c: what we send; response.c: what
 * answers mean; serve.c: what the server
 * asks. Each of them ends a session through fv_rtsp_fail() and moves it through fv_rtsp_set_state()
 * only.
 */
#ifndef FV_RTSP_IMPL_H
#define FV_RTSP_IMPL_H

#include "rtsp/auth.h"
#include "rtsp/sdp.h"
#include "rtsp/session.h"
#include "rtsp/transport.h"

#define FV_RTSP_OUT_MAX (16u << 10)         /* bytes that wait to be sent */
#define FV_RTSP_OUT_RTCP (8u << 10)         /* of these, reports may fill */
#define FV_RTSP_GARBAGE_MAX 4096            /* bytes skipped in a row */
#define FV_RTSP_DEFAULT_TIMEOUT (60 * FV_S) /* of a session, RFC 2326 12.37 */

enum fv_rtsp_method {
    FV_RTSP_OPTIONS,
    FV_RTSP_DESCRIBE,
    FV_RTSP_SETUP,
    FV_RTSP_PLAY,
    FV_RTSP_GET_PARAMETER,
    FV_RTSP_SET_PARAMETER,
    FV_RTSP_TEARDOWN,
};
#define FV_RTSP_BIT(method) (1u << (method))

struct fv_rtsp {
    /* What each packet needs, close together: fv_rtsp_prefetch(). */
    enum fv_rtsp_state state;
    enum fv_rtsp_lower lower;
    struct fv_rtsp_handler handler;
    unsigned garbage_run; /* bytes skipped since the last message or frame */
    bool heard;           /* a message or frame came */
    bool has_stream;
    bool waiting;     /* for the answer to the one request that is not answered yet */
    int64_t deadline; /* of that */
    int64_t keepalive_at;
    size_t out_start, out_size;
    struct fv_rtsp_counters counters;
    struct fv_rtsp_stream stream;

    struct fv_url url;
    uint16_t client_rtp_port;
    int64_t request_timeout;
    bool skip_options;
    char user_agent[128];

    struct fv_rtsp_failure failure;
    char server[128], methods[200];
    unsigned offer_count;
    struct fv_rtsp_offer offers[FV_RTSP_OFFERS_MAX];

    /* The request that is not answered yet. */
    enum fv_rtsp_method method;
    unsigned cseq; /* of the last request sent */
    int64_t sent_at;
    bool authorized;    /* it carried credentials */
    unsigned attempts;  /* times it was sent with credentials */
    uint64_t frames_at; /* counters.frames when it was sent */
    struct fv_auth auth;
    bool accepted; /* credentials were taken once on this connection */

    /* What the server told. */
    unsigned public_methods;             /* FV_RTSP_BIT() of what Public lists */
    char request_uri[FV_RTSP_URI_MAX];   /* of OPTIONS and DESCRIBE */
    char aggregate_uri[FV_RTSP_URI_MAX]; /* of PLAY, keepalives, TEARDOWN */
    char track_uri[FV_RTSP_URI_MAX];     /* of SETUP */
    char control[FV_URL_MAX];            /* a=control of the stream as written, to read RTP-Info */
    char id[FV_RTSP_SESSION_ID_MAX];     /* Session, "" when there is none */
    int64_t timeout;                     /* of the session */
    uint8_t sets[FV_SDP_SETS_MAX];

    enum fv_rtsp_method keepalive;
    bool torn_down; /* TEARDOWN was queued, or the server ended the session */

    uint8_t out[FV_RTSP_OUT_MAX];
};

/* session.c */
void fv_rtsp_set_state(struct fv_rtsp *session, enum fv_rtsp_state state);
/* Ends the session with a sentence and returns `code`. The first failure stays. */
/* Stars in place of the password, should a camera repeat it. */
void fv_rtsp_hide_password(const struct fv_rtsp *session, char *text);
int fv_rtsp_fail(struct fv_rtsp *session, int code, enum fv_rtsp_advice advice, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* request.c */
const char *fv_rtsp_method_name(enum fv_rtsp_method method);
/* Queues a request and awaits its answer (not that of TEARDOWN). 0, or negative errno: the session
 * failed. */
int fv_rtsp_send(struct fv_rtsp *session, enum fv_rtsp_method method, int64_t now);
/* Once more, with the credentials that are now there. */
int fv_rtsp_send_again(struct fv_rtsp *session, int64_t now);
/* A response to a request of the server. `cseq` 0: it had none. 0, or negative errno: failed. */
int fv_rtsp_reply(struct fv_rtsp *session, unsigned status, uint64_t cseq);
/* The next kind of keepalive after one that the server does not know; false when there is none. */
bool fv_rtsp_next_keepalive(struct fv_rtsp *session);
void fv_rtsp_first_keepalive(struct fv_rtsp *session);
int64_t fv_rtsp_keepalive_interval(const struct fv_rtsp *session);

/* response.c, serve.c: 0, or negative errno: the session failed. */
int fv_rtsp_on_response(struct fv_rtsp *session, const struct fv_rtsp_message *response,
                        int64_t now);
int fv_rtsp_on_request(struct fv_rtsp *session, const struct fv_rtsp_message *request);
/* To `location`, which is relative to nothing: it must be absolute. */
int fv_rtsp_redirect(struct fv_rtsp *session, struct fv_slice location, unsigned status);

#endif
