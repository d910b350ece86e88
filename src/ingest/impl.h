// SPDX-License-Identifier: Apache-2.0
/*
 * Inside ingest/. Everything here belongs to the ingest thread unless a comment says otherwise.
 *
 *   ingest.c   the thread and its public functions       camera.c     one camera's states and what becomes of a failure
 *   pace.c     whose turn it is to connect               flow.c       bytes of one camera: socket -> rtsp -> rtp -> consumer
 *   tail.c     bytes kept between two reads              datagrams.c  the same over UDP      route.c    TCP, UDP, TLS, redirections
 *   trust.c    certificates                              watch.c      its deadlines          figures.c  its statistics and history
 *                                                        revise.c     other settings for it
 */
#ifndef FV_INGEST_IMPL_H
#define FV_INGEST_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "ingest/ingest.h"
#include "ingest/pace.h"
#include "ingest/tail.h"
#include "ingest/trust.h"
#include "loop/conn.h"
#include "loop/resolve.h"
#include "loop/udp.h"
#include "rtp/receiver.h"
#include "rtsp/message.h"
#include "rtsp/session.h"

#define FV_INGEST_TAIL_MAX                                                                         \
    ((size_t)FV_RTSP_HEAD_MAX + FV_RTSP_BODY_MAX) /* > an interleaved frame */
#define FV_INGEST_READ ((size_t)256 << 10)        /* bytes asked of one read() */
#define FV_INGEST_PASS_MAX                                                                         \
    ((size_t)512 << 10) /* bytes of one camera before the next has its turn */

struct fv_ingest {
    struct fv_ingest_params params;
    struct fv_loop *loop;
    struct fv_buf_pool *pool;
    uint8_t *
        buffer; /* FV_INGEST_TAIL_MAX + FV_INGEST_READ bytes: every camera's read goes through it */

    struct fv_datagrams *datagrams; /* likewise, over UDP */
    struct fv_trusts trusts;        /* any thread */

    /* ingest thread */
    struct fv_resolver *resolver;
    struct fv_pace pace;
    struct fv_timer pace_timer;
    struct fv_list attached; /* cameras at work */

    pthread_mutex_t life; /* start, stop and remove, one at a time */
    /* under `life` */
    pthread_t thread;
    bool running, ended;

    pthread_mutex_t lock;  /* never held while a callback runs */
    pthread_cond_t served; /* `order` or `serving` changed */
    /* under `lock` */
    struct fv_camera **table; /* by rising id */
    size_t count, capacity;
    uint32_t next_id;
    struct fv_list arrivals;   /* cameras that the ingest thread must begin */
    struct fv_order *order;    /* what else it must do; one at a time, see `life` */
    bool work_posted;
    bool serving; /* the thread takes work */
};

/* Other settings for a camera, with what they need. */
struct fv_revision {
    const struct fv_camera_params *params; /* borrowed */
    struct fv_trust *trust;
    struct fv_pace_host *host;
};

/* For one camera, from another thread, which waits. */
struct fv_order {
    struct fv_camera *camera;
    struct fv_revision *revision; /* NULL: end the camera */
};

/* What a camera waits for. */
enum fv_phase {
    FV_PHASE_OFF,
    FV_PHASE_TURN,    /* to connect, by pace.h */
    FV_PHASE_RETRY,   /* the end of a backoff */
    FV_PHASE_ADDRESS, /* of its host name */
    FV_PHASE_CONNECTION,
    FV_PHASE_SESSION, /* answers to RTSP requests */
    FV_PHASE_PACKET,  /* the first */
    FV_PHASE_KEY,     /* the first key picture */
    FV_PHASE_PLAYING, /* nothing: all is well */
};

struct fv_camera {
    /* What each packet needs, close together: between two passes a camera's memory goes cold. */
    uint32_t id;
    uint32_t number; /* what the consumer calls it */
    enum fv_phase phase;
    struct fv_ingest *ingest;
    struct fv_rtsp *rtsp;
    struct fv_rtp *rtp;
    struct fv_tail tail;
    atomic_bool key_wanted; /* any thread: set by fv_ingest_await_key() */
    bool refusing;          /* the consumer had no room: nothing goes out before a key picture */
    bool unfinished;        /* TLS holds bytes that the loop will not report */
    int fault;              /* what went wrong inside a callback; negative errno */
    int64_t phase_deadline; /* FV_TIME_NEVER: none, or kept by conn, rtsp or rtp */
    int64_t report_at;      /* next RTCP report */
    int64_t stall_timeout, first_key_timeout; /* copies of params */
    int64_t shown_at;
    struct fv_timer timer; /* for the earliest of all deadlines; may be early, never late */
    struct fv_conn conn;
    struct fv_udp udp;

    struct fv_camera_params params;
    struct fv_list link; /* in arrivals or attached, or nowhere while it is held */
    bool held;           /* under the ingest's lock */
    int64_t phase_since;
    struct fv_backoff backoff;
    bool hurried; /* reconnected at once, as asked for; not again before it played for a while */

    /* an attempt */
    struct fv_pace_host *pace_host; /* until it joins */
    struct fv_pace_client pace;
    struct fv_resolve resolve;
    struct fv_addrs known; /* of the url's host, for when the name service fails; count 0: none */
    struct fv_url target; /* the url, or where it redirects */
    unsigned hops;
    bool over_udp;         /* what is asked for next; remembered from attempt to attempt */
    bool rerouted;         /* in this attempt, from TCP to UDP or back */
    char detour[340];      /* why the next connection is made, "" for no special reason */
    uint64_t packets_told; /* UDP: of which the session knows */
    struct fv_trust *trust;
    struct fv_rand rand;

    /* figures.c */
    struct fv_camera_stats sums; /* of all connections but the current */
    uint32_t epoch, format;      /* to go on from */
    int64_t attempt_at;
    int64_t first_packet; /* since attempt_at, or FV_TIME_UNKNOWN */
    pthread_mutex_t lock;
    struct fv_camera_stats shown; /* under `lock`, as the next */
    struct fv_camera_description description;
    struct fv_camera_change history[FV_CAMERA_HISTORY]; /* a ring */
    uint64_t changes; /* so far; the last is at (changes - 1) % size */
};

/* Why a phase ends. */
struct fv_trouble {
    int code; /* negative errno */
    enum fv_rtsp_advice advice;
    char reason[300];
};

/* ingest.c */
void fv_ingest_arm_pace(struct fv_ingest *ingest);

/* camera.c */
/* Borrows params. Any thread. 0 or -ENOMEM. */
int fv_camera_create(struct fv_ingest *ingest, const struct fv_camera_params *params,
                     struct fv_camera **ret_camera);
/* Lets go of whatever the attempt at hand holds. */
void fv_camera_end_attempt(struct fv_camera *camera);
void fv_camera_destroy(struct fv_camera *camera); /* off or never begun; NULL is fine */
void fv_camera_begin(struct fv_camera *camera);
void fv_camera_await_turn(struct fv_camera *camera);
void fv_camera_granted(struct fv_camera *camera); /* it is its turn */
/* Sends TEARDOWN without waiting, lets go of everything, says that it is off. */
void fv_camera_end(struct fv_camera *camera, const char *reason);
/* The one place where a phase changes: logs it, arms the deadline, tells the consumer. reason NULL: the one before stands. */
void fv_camera_enter(struct fv_camera *camera, enum fv_phase phase, int64_t deadline, int code,
                     const char *reason);
/* Ends the attempt or the connection and plans the next one. Not from inside fv_rtsp_feed(). */
void fv_camera_fail(struct fv_camera *camera, const struct fv_trouble *trouble);
void fv_camera_failf(struct fv_camera *camera, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* advice: retry */
/* The session failed: as its failure says. */
void fv_camera_fail_session(struct fv_camera *camera, int code);
/* Looks the target up and connects, within the attempt at hand: what it held is let go of first. */
void fv_camera_go_on(struct fv_camera *camera);
/* The name service did not answer in time or failed for now (code): the addresses known from before must do. */
void fv_camera_unresolved(struct fv_camera *camera, int code, const char *why);
bool fv_camera_is_settled(const struct fv_camera *camera);
const char *fv_phase_name(enum fv_phase phase);
enum fv_camera_state fv_phase_state(enum fv_phase phase);

/* revise.c */
/* Borrows params. Any thread. 0 or negative errno as of fv_ingest_add(). */
int fv_revision_init(struct fv_revision *revision, struct fv_ingest *ingest,
                     const struct fv_camera_params *params);
void fv_revision_finish(struct fv_revision *revision, struct fv_ingest *ingest);
/* Puts the settings in force. The ingest thread's, or any while the camera is not at work. */
void fv_camera_revise(struct fv_camera *camera, struct fv_revision *revision);

/* flow.c */
int fv_camera_open_session(struct fv_camera *camera); /* 0 or negative errno */
void fv_camera_receive(struct fv_camera *camera);
/* The parts of it that UDP shares: before the packets, each packet, behind them (the camera may have failed then). */
void fv_camera_look_ahead(struct fv_camera *camera);
void fv_camera_take_packet(struct fv_camera *camera, bool rtcp, const uint8_t *packet, size_t size);
void fv_camera_received(struct fv_camera *camera, bool packets);
/* Writes what can be written. False: the camera failed. */
bool fv_camera_flush(struct fv_camera *camera);
void fv_camera_close_session(struct fv_camera *camera);

/* datagrams.c */
void fv_camera_init_udp(struct fv_camera *camera);
int fv_camera_open_udp(struct fv_camera *camera); /* the connection stands. 0 or negative errno */
void fv_camera_punch_holes(struct fv_camera *camera); /* SETUP was answered */
/* "; the system grants ..." when the receive buffer is smaller than wished, else "". Returns text. */
char *fv_camera_buffer_note(const struct fv_camera *camera, char *text, size_t size);

/* route.c */
int fv_camera_check_route(const struct fv_camera_params *params); /* 0 or -ENOTSUP */
bool fv_camera_wants_tls(const struct fv_camera_params *params);
enum fv_transport fv_camera_transport(const struct fv_camera *camera); /* in use */
void fv_camera_first_route(struct fv_camera *camera);                  /* an attempt begins */
int fv_camera_prepare_tls(struct fv_camera *camera); /* before connecting. 0 or negative errno */
/* The transport is refused or silent: the other one, within the attempt. False: not allowed, or both were tried; then it is for the next. */
bool fv_camera_reroute(struct fv_camera *camera, const char *why);
int64_t fv_camera_packet_patience(const struct fv_camera *camera); /* until the first packet */
/* A hop belongs to the attempt: no backoff, no new turn. False: not allowed, `trouble` says why. */
bool fv_camera_follow(struct fv_camera *camera, const struct fv_url *to,
                      struct fv_trouble *trouble);

/* watch.c */
void fv_camera_arm(struct fv_camera *camera); /* the timer for exactly the earliest deadline */
/* Only if that comes earlier than it stands: cheap. `packets`: nothing but RTP packets came. */
void fv_camera_arm_sooner(struct fv_camera *camera, bool packets);
void fv_camera_on_timer(struct fv_timer *timer, int64_t now);
void fv_camera_plan_report(struct fv_camera *camera);

/* figures.c */
void fv_camera_note_change(struct fv_camera *camera, enum fv_camera_state from, int code);
void fv_camera_harvest(struct fv_camera *camera); /* before the receiver is destroyed */
void fv_camera_show(struct fv_camera *camera);
void fv_camera_describe(struct fv_camera *camera); /* before the session is destroyed */
void fv_camera_show_sometimes(
    struct fv_camera *camera); /* every 100 ms at most; skipped while somebody looks */

static inline int64_t fv_camera_now(const struct fv_camera *camera)
{
    return fv_loop_now(camera->ingest->loop);
}

#endif
