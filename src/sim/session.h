// SPDX-License-Identifier: Apache-2.0
/*
 * One client's connection to the simulator, without its socket: request bytes and `now` go in;
 * responses, sender reports and media packets come out as batches for one vectored write. All
 * calls of all sessions of a site from one thread.
 *
 *            SETUP          PLAY
 *   INIT ----------> READY --------> PLAYING        any state --bad bytes, fault, silence--> ENDED
 *     ^                ^----PAUSE-------|
 *     +-----------TEARDOWN--------------+
 *
 * The owner: read into room(), feed(); while gather() yields something, write it and tell sent()
 * how much went out. Over UDP the packets stand beside the bytes of the connection: post them and
 * tell posted().
 */
#ifndef FV_SIM_SESSION_H
#define FV_SIM_SESSION_H

#include <stdatomic.h>
#include <sys/uio.h>

#include "base/rand.h"
#include "loop/socket.h"
#include "sim/auth.h"
#include "sim/bytes.h"
#include "sim/fault.h"
#include "sim/report.h"
#include "sim/timeline.h"
#include "sim/transport.h"

#define FV_SIM_TIMEOUT (60 * FV_S) /* a session without a sign of life */
#define FV_SIM_BACKLOG (1 * FV_S)  /* what is later than this is given up, by whole access units */
#define FV_SIM_LATE (20 * FV_MS)   /* counted as late */
#define FV_SIM_INPUT_MAX (72u << 10)  /* one request, or one interleaved frame (64 KiB) */
#define FV_SIM_OUTPUT_MAX (64u << 10) /* responses that the client does not read */
#define FV_SIM_BATCH 64               /* packets of one write */
#define FV_SIM_HEADER_MAX (FV_SIM_FRAMING_MAX + 12)

struct fv_sim_camera {
    const struct fv_clip *clip;
    uint32_t first_au; /* a key picture: sessions start here */
    int64_t delay;     /* ns from PLAY to the first packet: the camera's own phase */
};

struct fv_sim_counters {
    _Atomic uint64_t sessions, packets, bytes, late, stalled; /* see fv_sim_stats */
};

/* What all sessions share. Strings and arrays are borrowed. */
struct fv_sim_site {
    const struct fv_sim_camera *cameras;
    unsigned camera_count;
    const struct fv_clip *const *clips; /* for faults that change the clip */
    unsigned clip_count;
    unsigned via;          /* FV_SIM_VIA_*: transports that SETUP accepts */
    uint16_t udp_ports[2]; /* RTP, RTCP */
    struct fv_sim_auth auth;
    const struct fv_sim_fault_spec *faults;
    unsigned fault_count; /* 0: good cameras */
    uint32_t *visits;     /* with faults: connections that asked for each camera so far */
    int64_t start;        /* when the site opened */
    struct fv_rand rand;
    struct fv_sim_counters counters;
};

enum fv_sim_state { FV_SIM_INIT, FV_SIM_READY, FV_SIM_PLAYING, FV_SIM_ENDED };

/* Both ends of the connection, as far as UDP needs them; zeroed: no UDP. */
struct fv_sim_ends {
    struct fv_addr peer;
    char local[64]; /* the address in text, without port */
};

/* How a fault ends the connection. */
enum fv_sim_end { FV_SIM_END_NOT, FV_SIM_END_CLOSE, FV_SIM_END_RESET };

struct fv_sim_sick;

struct fv_sim_session {
    struct fv_sim_site *site;
    struct fv_sim_ends ends;  /* the owner fills them in after init */
    struct fv_sim_sick *sick; /* NULL: a good camera */
    enum fv_sim_state state;  /* ENDED: write what gather() yields once, then close */
    struct fv_sim_bytes in, out;
    int64_t last_heard;
    char nonce[33];
    /* from SETUP on */
    char id[17];
    const struct fv_sim_camera *camera;
    struct fv_sim_route route;
    struct fv_addr to[2]; /* UDP: where RTP, RTCP go to and come from */
    uint32_t ssrc;
    /* from PLAY on */
    bool started;   /* the timeline runs, or was paused */
    int64_t played; /* when */
    struct fv_sim_timeline timeline;
    int64_t next_report;
    uint32_t packets, octets; /* sent, for reports */
};

/* What is to be sent at one moment. Reusable; large, not for small stacks.
 *
 *   TCP  iov: what waited in `out`, then header and payload of each packet; one vectored write
 *   UDP  iov: what waited in `out`, of `size` bytes; `datagrams` are header and payload of each
 *        packet behind it; `report` is an RTCP datagram
 */
struct fv_sim_batch {
    struct iovec iov[1 + 2 * FV_SIM_BATCH];
    unsigned iov_count;
    unsigned packets;
    size_t size;             /* bytes for the connection; 0: nothing to write */
    struct iovec *datagrams; /* NULL: TCP */
    size_t report_size;      /* 0: none */
    struct iovec *cut;       /* of `iov`: the last, shortened by a fault; NULL: none */
    size_t cut_size;         /* its whole length */
    uint8_t report[FV_SIM_REPORT_SIZE];
    uint8_t headers[FV_SIM_BATCH][FV_SIM_HEADER_MAX];
};

/* Borrows site. 0 or -ENOMEM. finish() accepts a zeroed object. */
int fv_sim_session_init(struct fv_sim_session *session, struct fv_sim_site *site, int64_t now);
void fv_sim_session_finish(struct fv_sim_session *session);

/* Where to read to: returns the room (>= 1), or -ENOMEM. */
int64_t fv_sim_session_room(struct fv_sim_session *session, uint8_t **ret_data);
/* `size` bytes were put into the room. 0, or negative errno: close at once. */
int fv_sim_session_feed(struct fv_sim_session *session, size_t size, int64_t now);

/* Collects what is to be sent at `now` (`wall`: the same moment, ns since 1970). Valid until the
 * next call for this session. */
void fv_sim_session_gather(struct fv_sim_session *session, int64_t now, int64_t wall,
                           struct fv_sim_batch *batch);
/* The first `size` bytes of the batch went out. 0, or negative errno: close at once. */
int fv_sim_session_sent(struct fv_sim_session *session, struct fv_sim_batch *batch, size_t size,
                        int64_t now);
/* All datagrams of the batch went out (or were lost). */
void fv_sim_session_posted(struct fv_sim_session *session, const struct fv_sim_batch *batch,
                           int64_t now);
/* The client does not read at the moment: gives up what is too late. */
void fv_sim_session_stalled(struct fv_sim_session *session, int64_t now);
/* A sign of life that did not come over the connection: RTCP. */
void fv_sim_session_heard(struct fv_sim_session *session, int64_t now);
/* It sends on its own and is to be served every FV_SIM_SLOTS ms. */
bool fv_sim_session_busy(const struct fv_sim_session *session);
/* To be looked at after feed() and gather(): whether a fault ends the connection now. */
enum fv_sim_end fv_sim_session_end(const struct fv_sim_session *session);
/* A fault: what the client sends is to be read and thrown away. */
bool fv_sim_session_deaf(const struct fv_sim_session *session);
bool fv_sim_session_expired(const struct fv_sim_session *session, int64_t now);

#endif
