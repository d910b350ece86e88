// SPDX-License-Identifier: Apache-2.0
/*
 * Ingest: all cameras' sockets, deadlines and reconnects on one thread. Addresses in, access units and state changes out.
 * The only stage that reconnects; joins loop/, rtsp/ and rtp/.
 */
#ifndef FV_INGEST_INGEST_H
#define FV_INGEST_INGEST_H

#include "base/error.h"
#include "base/url.h"
#include "flow.h"
#include "loop/backoff.h"
#include "rtp/receiver.h"
#include "rtsp/session.h"

struct fv_ingest;

enum fv_transport { FV_TRANSPORT_AUTO, FV_TRANSPORT_TCP, FV_TRANSPORT_UDP, FV_TRANSPORT_TLS };

/* One camera. Times in ns. fv_camera_defaults() fills everything but name and url. */
#define FV_CAMERA_ITS_ID UINT32_MAX
struct fv_camera_params {
    char name[128];
    uint32_t number; /* fv_au.camera and fv_camera_event.camera; FV_CAMERA_ITS_ID, the default: its id */
    bool held;       /* not begun before fv_ingest_release() */
    struct fv_url url; /* with credentials */
    /* auto: TCP, or UDP when the camera refuses TCP or stays silent. udp: TCP likewise. What worked is remembered.
     * tls: also for an rtsp:// url; its port 554 then means 322. An rtsps:// url is TLS whatever stands here, and -ENOTSUP with udp. */
    enum fv_transport transport;
    bool tls_verify;       /* the certificate must be good, and for this host */
    char tls_ca_file[512]; /* PEM, read when the camera is added; "": the system's */
    int64_t resolve_timeout, connect_timeout, request_timeout, first_packet_timeout,
        first_key_timeout, stall_timeout;
    int64_t reorder; /* UDP: how long a packet waits for those before it */
    bool flag_loss;  /* ON_LOSS "flag" instead of "skip" */
    struct fv_backoff_params backoff;
};
void fv_camera_defaults(struct fv_camera_params *params);

/* Called on the ingest thread. Borrowed arguments. Must not block. */
struct fv_ingest_handler {
    /* fv_au_share() to keep. Return false when the consumer had no room: the camera then waits for its next key picture. */
    bool (*au)(void *data, const struct fv_au *au);
    void (*state)(void *data, const struct fv_camera_event *event); /* may be NULL */
    void (*began)(void *data); /* once, before everything else; may be NULL */
    void *data;
};

struct fv_ingest_params {
    int64_t gather;             /* ns; GATHER_MS */
    unsigned connect_rate;      /* attempts per second over all cameras; CONNECT_RATE_PER_S */
    unsigned connects_per_host; /* unfinished attempts per host; CONNECTS_PER_HOST */
    size_t buffer_limit;        /* bytes of access units in flight; 0: 64 MiB + 4 MiB per camera */
    struct fv_ingest_handler handler;
};

/* A snapshot of one camera. */
struct fv_camera_stats {
    enum fv_camera_state state;
    int64_t since;    /* monotonic, of the state */
    char reason[300]; /* of the last state change */
    enum fv_codec codec;
    uint16_t width, height;
    uint64_t access_units, keyframes, bytes, packets, lost, reordered, duplicates, invalid, skipped,
        damaged, no_buffer;
    uint64_t refused; /* access units that the consumer had no room for */
    uint64_t foreign; /* UDP: packets from elsewhere, thrown away; later ones are sorted out by the kernel, uncounted */
    uint64_t transport_changes; /* from TCP to UDP or back, because the camera refused or was silent */
    /* connects: reached PLAYING; reconnects: of these, all but the first; failures: attempts that failed and connections that ended */
    uint64_t attempts, connects, reconnects, failures;
    int64_t retry_at; /* end of a backoff: monotonic; FV_TIME_UNKNOWN when none runs */
    int64_t first_au; /* ns, last attempt's start to its first access unit; FV_TIME_UNKNOWN */
    double drift_ppm; /* NAN when unknown */
    uint32_t jitter_us;
};

/* What is known about a camera beyond figures: of the connection at hand or, between two, of the last one. For probe and people. */
struct fv_camera_description {
    char peer[80];                  /* "192.0.2.1:554": the address that was tried last, or "" */
    bool reached;                   /* it accepted the connection (TCP) */
    bool login_withheld;            /* redirected to another host, which gets no credentials */
    enum fv_transport transport;    /* the one in use; never AUTO once it connected */
    int receive_buffer;             /* UDP: bytes that the system granted, else 0 */
    char server[128], methods[200]; /* headers Server and Public, "" when absent */
    const char *login;              /* as fv_rtsp_login(); static */
    unsigned status;                /* RTSP status that ended the attempt, or 0 */
    unsigned offer_count;
    struct fv_rtsp_offer offers[FV_RTSP_OFFERS_MAX];
    uint8_t payload_type;
    uint32_t clock_rate;     /* Hz; 0 before SETUP was answered */
    double fps;              /* a=framerate, 0 when absent */
    uint32_t sdp_quirks;     /* bits of enum fv_sdp_quirk */
    struct fv_quirks quirks; /* of the packets */
    struct fv_rtsp_counters counters;
    struct fv_video_format video; /* codec NONE until known */
    uint64_t sender_reports;
    int64_t first_packet; /* ns, attempt's start to the first RTP packet; FV_TIME_UNKNOWN */
};

/* A change of state. */
#define FV_CAMERA_HISTORY 32
struct fv_camera_change {
    enum fv_camera_state from, to;
    int code; /* negative errno when something went wrong, else 0 */
    int64_t at, wall; /* ns: monotonic, and since 1970 */
    char reason[300];
};

/* Borrows params. 0, -EINVAL, -ENOMEM, or what the system says (epoll, eventfd). */
int fv_ingest_create(const struct fv_ingest_params *params, struct fv_ingest **ret_ingest,
                     struct fv_error *err);
/* Starts the thread "fv-ingest". */
int fv_ingest_start(struct fv_ingest *ingest, struct fv_error *err);
/* Any thread, before or after start. Borrows params. Ids count up from 0 and are never used twice.
 * 0, -EINVAL, -ENOMEM, -ENOTSUP (rtsps by UDP), -ENOENT, -EACCES or -EBADMSG (tls_ca_file cannot be read, or has no certificates). */
int fv_ingest_add(struct fv_ingest *ingest, const struct fv_camera_params *params,
                  uint32_t *ret_id);
/* A camera that was added with `held` begins. Cannot fail but for -ENOENT. Any thread. */
int fv_ingest_release(struct fv_ingest *ingest, uint32_t id);
/* Any thread but the ingest thread; waits for the running pass. No callback for this camera comes after the return. 0, -ENOENT, -ENOMEM. */
int fv_ingest_remove(struct fv_ingest *ingest, uint32_t id);
/* Other settings for a camera, which keeps its id, figures and history; the others notice nothing. Another url, login, transport or TLS
 * setting, reorder window or flag_loss ends its connection and makes a new one in its turn, without a backoff; all others are in force
 * from the next phase on and do not interrupt it. Borrows params. Threads as of fv_ingest_remove(). 0; -ENOENT; or as fv_ingest_add(),
 * and nothing has changed. */
int fv_ingest_change(struct fv_ingest *ingest, uint32_t id, const struct fv_camera_params *params);
/* Any thread; a recent state (never waits for the network). -ENOENT. */
int fv_ingest_stats(struct fv_ingest *ingest, uint32_t id, struct fv_camera_stats *ret_stats);
/* Likewise. */
int fv_ingest_describe(struct fv_ingest *ingest, uint32_t id,
                       struct fv_camera_description *ret_description);
/* The last changes of state, oldest first, at most `max` and FV_CAMERA_HISTORY. Any thread. Their number, or -ENOENT. */
int fv_ingest_history(struct fv_ingest *ingest, uint32_t id, unsigned max,
                      struct fv_camera_change *ret_changes);
/* The consumer lost pictures of this camera (a queue overflowed): wait for a key picture. Any thread. */
void fv_ingest_await_key(struct fv_ingest *ingest, uint32_t id);
/* Sends TEARDOWN to all without waiting, closes, ends the thread. At most one gathering interval plus the running pass. */
void fv_ingest_stop(struct fv_ingest *ingest);
void fv_ingest_destroy(struct fv_ingest *ingest); /* stops first; NULL is fine */

#endif
