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
 * how much went out.
 */
#ifndef FV_SIM_SESSION_H
#define FV_SIM_SESSION_H

#include <stdatomic.h>
#include <sys/uio.h>

#include "base/rand.h"
#include "sim/auth.h"
#include "sim/fault.h"
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
    struct fv_sim_auth auth;
    const struct fv_sim_fault *fault; /* NULL: a good camera */
    struct fv_rand rand;
    struct fv_sim_counters counters;
};

enum fv_sim_state { FV_SIM_INIT, FV_SIM_READY, FV_SIM_PLAYING, FV_SIM_ENDED };

struct fv_sim_bytes {
    uint8_t *data;
    size_t size, capacity;
};

struct fv_sim_session {
    struct fv_sim_site *site;
    enum fv_sim_state state; /* ENDED: write what gather() yields once, then close */
    struct fv_sim_bytes in, out;
    int64_t last_heard;
    char nonce[33];
    /* from SETUP on */
    char id[17];
    const struct fv_sim_camera *camera;
    struct fv_sim_route route;
    /* from PLAY on */
    bool started; /* the timeline runs, or was paused */
    struct fv_sim_timeline timeline;
    int64_t next_report;
    uint32_t packets, octets; /* sent, for reports */
};

/* One write: what waited in `out` first, then packets that are due. Reusable; large, not for small
 * stacks. */
struct fv_sim_batch {
    struct iovec iov[1 + 2 * FV_SIM_BATCH];
    unsigned iov_count;
    unsigned packets;
    size_t size; /* bytes in all; 0: nothing to do */
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
int fv_sim_session_sent(struct fv_sim_session *session, const struct fv_sim_batch *batch,
                        size_t size, int64_t now);
/* The client does not read at the moment: gives up what is too late. */
void fv_sim_session_stalled(struct fv_sim_session *session, int64_t now);
bool fv_sim_session_expired(const struct fv_sim_session *session, int64_t now);

#endif
