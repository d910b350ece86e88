// SPDX-License-Identifier: Apache-2.0
/*
 * An RTSP 1.0 client session (RFC 2326) as a pure state machine: bytes and `now` go in; bytes to send, media packets and the next
 * deadline come out. No socket, no clock, no thread: all calls of one session from one thread.
 *
 *   start -> OPTIONS -> DESCRIBE -> SETUP (each wanted stream) -> PLAY -> playing (keepalives) -> close (TEARDOWN, not awaited)
 *
 * The owner connects a socket, then: start(); write what output() shows; feed() what was read; tick() at deadline().
 */
#ifndef FV_RTSP_SESSION_H
#define FV_RTSP_SESSION_H

#include "base/slice.h"
#include "base/url.h"
#include "flow.h"

struct fv_rtsp;

enum fv_rtsp_state {
    FV_RTSP_IDLE,
    FV_RTSP_AWAIT_OPTIONS,
    FV_RTSP_AWAIT_DESCRIBE,
    FV_RTSP_AWAIT_SETUP,
    FV_RTSP_AWAIT_PLAY,
    FV_RTSP_PLAYING,
    FV_RTSP_CLOSED, /* by us */
    FV_RTSP_FAILED, /* see fv_rtsp_failure() */
};

enum fv_rtsp_lower { FV_RTSP_TCP, FV_RTSP_UDP }; /* lower transport: interleaved, or a pair of ports */

/* What the owner should do after a failure. */
enum fv_rtsp_advice {
    FV_RTSP_RETRY,           /* ordinary backoff */
    FV_RTSP_RETRY_NOW,       /* the session is gone (454) or the server asks for it: reconnect at once, counted */
    FV_RTSP_RETRY_LATE,      /* the server is busy (453, 503): wait long */
    FV_RTSP_BAD_CREDENTIALS, /* 401 although credentials were sent, or none are there: cameras lock accounts */
    FV_RTSP_NO_STREAM,       /* 404 and the like, no usable media: wait long */
    FV_RTSP_REDIRECTED,      /* connect to failure.redirect */
    FV_RTSP_OTHER_TRANSPORT, /* 461, or the answer names the other transport */
};

struct fv_rtsp_failure {
    int code;        /* negative errno */
    unsigned status; /* of the response, 0 when there was none */
    enum fv_rtsp_advice advice;
    char reason[300]; /* a sentence: what was awaited, what came, CSeq; no secrets */
    struct fv_url redirect; /* valid when REDIRECTED; with the credentials only when host and scheme stay */
};

/* One video stream after SETUP. */
struct fv_rtsp_stream {
    enum fv_codec codec;
    uint8_t payload_type;
    uint32_t clock_rate;       /* Hz */
    struct fv_slice sets;      /* parameter sets of the SDP as Annex B, may be empty; owned by the session */
    uint8_t rtp_channel, rtcp_channel;         /* TCP: as the server numbered them */
    uint16_t server_rtp_port, server_rtcp_port; /* UDP; 0 when the server did not say */
    char source[64];           /* UDP: address that packets come from when the server names one, else "" */
    bool has_ssrc, has_seq, has_rtptime; /* SETUP's ssrc=, PLAY's RTP-Info; hints that may lie */
    uint32_t ssrc, rtptime;
    uint16_t seq;
    double fps; /* a=framerate, 0 when absent */
    uint16_t width, height; /* a=x-dimensions or a=framesize, 0 when absent */
    uint32_t quirks; /* of the session description: bits of enum fv_sdp_quirk (rtsp/sdp.h) */
};

/* A format that the session description offers. */
#define FV_RTSP_OFFERS_MAX 8 /* further ones are left out */
struct fv_rtsp_offer {
    char type[16];     /* "video"; printable ASCII, cut when longer */
    char encoding[24]; /* "H264", or the payload type's number when it has no name */
    uint32_t clock_rate; /* Hz, 0 when unknown */
    bool chosen;
};

/* What was tolerated. */
struct fv_rtsp_counters {
    uint64_t frames;              /* interleaved packets handed to the owner; UDP: times that packets came */
    uint64_t foreign_frames;      /* on other channels, or before SETUP was answered: skipped */
    uint64_t garbage;             /* bytes skipped between messages */
    uint64_t stray_responses;     /* answers to nothing that is awaited: skipped */
    uint64_t server_requests;     /* answered */
    uint64_t keepalives;          /* sent */
    uint64_t keepalives_unanswered; /* while packets came: not a failure */
};

/* Callbacks come from inside feed(); pointers are borrowed. The session must not be destroyed inside a callback. */
struct fv_rtsp_handler {
    /* An interleaved packet of the stream that was set up. */
    void (*packet)(void *data, bool rtcp, const uint8_t *packet, size_t size);
    void (*state)(void *data, enum fv_rtsp_state from, enum fv_rtsp_state to);
    void *data;
};

struct fv_rtsp_params {
    struct fv_url url;         /* user and password in it are the credentials */
    enum fv_rtsp_lower lower;
    uint16_t client_rtp_port;  /* UDP: RTP here, RTCP at +1 */
    int64_t request_timeout;   /* ns for each request; 0: 5 s */
    bool skip_options;         /* leave OPTIONS out */
    const char *user_agent;    /* NULL: "fovea/VERSION" */
    uint64_t seed;             /* for cnonces; 0: from the system */
    struct fv_rtsp_handler handler;
};

/* Borrows params. 0, -EINVAL, -ENOMEM. */
int fv_rtsp_create(const struct fv_rtsp_params *params, struct fv_rtsp **ret_session);
void fv_rtsp_destroy(struct fv_rtsp *session); /* NULL is fine; sends nothing */

/* The connection stands: queues the first request. */
int fv_rtsp_start(struct fv_rtsp *session, int64_t now);
/* Consumes whole messages and frames from the start of `data`; returns the bytes consumed (0..size): the owner keeps the rest and presents it
 * again, followed by more. Negative errno: the session failed, see fv_rtsp_failure(). */
int64_t fv_rtsp_feed(struct fv_rtsp *session, const uint8_t *data, size_t size, int64_t now);
/* Asks the memory for what fv_rtsp_feed() will need; to be called a few microseconds before it. */
void fv_rtsp_prefetch(const struct fv_rtsp *session);
/* UDP: packets of the stream came, which this session does not see. While they do, an unanswered keepalive is forgiven. */
void fv_rtsp_media_came(struct fv_rtsp *session);
/* Bytes to send: returns their number and sets *ret_data (valid until the next call). fv_rtsp_sent() takes n of them off. */
size_t fv_rtsp_output(struct fv_rtsp *session, const uint8_t **ret_data);
void fv_rtsp_sent(struct fv_rtsp *session, size_t n);
/* Queues an RTCP packet on the stream's interleaved channel (TCP, playing). -EPROTO otherwise, -ENOBUFS when the peer does not read. */
int fv_rtsp_send_rtcp(struct fv_rtsp *session, const uint8_t *packet, size_t size);
/* Earliest moment at which tick() has something to do: a request's deadline or a keepalive. FV_TIME_NEVER when none. */
int64_t fv_rtsp_deadline(const struct fv_rtsp *session);
/* 0, or negative errno: failed (-ETIMEDOUT: a request was not answered. A keepalive may stay unanswered while packets come
 * interleaved: the next one is then of another kind). */
int fv_rtsp_tick(struct fv_rtsp *session, int64_t now);
/* Queues a TEARDOWN when there is a session; the answer is not awaited. Write the output once, then destroy. */
void fv_rtsp_close(struct fv_rtsp *session, int64_t now);

enum fv_rtsp_state fv_rtsp_state(const struct fv_rtsp *session);
const char *fv_rtsp_state_name(enum fv_rtsp_state state); /* "awaiting DESCRIBE", ... */
const struct fv_rtsp_failure *fv_rtsp_failure(const struct fv_rtsp *session);
/* NULL before SETUP was answered. */
const struct fv_rtsp_stream *fv_rtsp_stream(const struct fv_rtsp *session);
/* The Server header and the list of methods in Public, or "". For probe; printable ASCII. */
const char *fv_rtsp_server(const struct fv_rtsp *session);
const char *fv_rtsp_methods(const struct fv_rtsp *session);
/* The login that the server asked for ("Basic", "Digest MD5", "Digest SHA-256-sess", ...), or "none" while it asked for none. */
const char *fv_rtsp_login(const struct fv_rtsp *session);
/* What the session description offered: returns the number, sets *ret_offers (valid as long as the session). */
unsigned fv_rtsp_offers(const struct fv_rtsp *session, const struct fv_rtsp_offer **ret_offers);
const struct fv_rtsp_counters *fv_rtsp_counters(const struct fv_rtsp *session);

#endif
