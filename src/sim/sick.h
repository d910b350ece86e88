// SPDX-License-Identifier: Apache-2.0
/*
 * What a session of a misbehaving camera has in addition: the cases (specifications that concern
 * it, with their state) and a queue for packets that do not leave in the order or at the time of
 * the timeline. A good camera's session has none of this.
 *
 *   timeline -> picture hooks -> packet hooks -> queue, by release time -> batch
 */
#ifndef FV_SIM_SICK_H
#define FV_SIM_SICK_H

#include "base/rand.h"
#include "sim/fault.h"
#include "sim/session.h"

#define FV_SIM_QUEUE_MAX 256 /* packets on their way; beyond it the timeline waits */
#define FV_SIM_COPIES_MAX 8

/* An RTP packet as the hooks see and change it. */
struct fv_sim_packet {
    bool drop;       /* is not sent; its sequence number is missing */
    unsigned copies; /* 1: as usual */
    int64_t delay;   /* ns; later packets overtake it */
    int64_t hold;    /* ns; later packets wait behind it */
    size_t junk;     /* bytes of garbage before it */
    uint8_t first;   /* byte of the header: version, padding, extension, CSRC count */
    uint8_t channel; /* added to the interleaved channel */
    bool marker;
};

struct fv_sim_picture {
    bool key;
    uint32_t timestamp; /* of the timeline, before time_shift */
    bool skip;          /* all of it; the sequence numbers go on without a gap */
};

enum fv_sim_act { FV_SIM_IGNORE, FV_SIM_REFUSE, FV_SIM_CLOSE, FV_SIM_RESET };

struct fv_sim_verdict {
    enum fv_sim_act act;
    unsigned status;      /* of REFUSE */
    const char *location; /* of a redirect: "camN" or an address; borrowed */
    bool same_camera;     /* of a redirect: to where the request was for */
    unsigned hop;         /* of a redirect: makes the address differ each time; 0: not */
};

/* One specification in one session. */
struct fv_sim_case {
    const struct fv_sim_fault_spec *spec; /* NULL: does not concern this session */
    struct fv_sim_session *session;
    int64_t now;      /* of the call */
    bool struck;      /* since PLAY */
    uint64_t chances; /* for `every` */
    int64_t mark;     /* the fault's own: a moment, ... */
    uint64_t count;   /* ... a counter */
};

struct fv_sim_waiting {
    int64_t release;
    const uint8_t *payload; /* borrowed */
    uint16_t size;
    uint8_t header_size;
    bool junk; /* not an RTP packet */
    uint8_t header[FV_SIM_HEADER_MAX];
};

struct fv_sim_sick {
    bool known; /* which camera */
    unsigned camera;
    bool deaf;                        /* reads, but neither understands nor answers */
    bool bye;                         /* the next report says so */
    bool frozen;                      /* until the next tick nothing is taken from the timeline */
    enum fv_sim_end end, after_queue; /* now; when all that waits is gone */
    int64_t connected;
    struct fv_rand rand;
    uint64_t visit;           /* n-th connection to this camera, from 1 */
    uint64_t written, pulled; /* bytes on the connection; packets since PLAY */
    /* Changes that last, over everything that the timeline says: */
    uint16_t seq_shift;
    uint32_t time_shift, ssrc_change; /* added; exclusive or */
    int64_t wall_shift;
    int64_t last_release;
    struct fv_sim_case cases[FV_SIM_FAULTS_MAX];
    unsigned queued;
    struct fv_sim_waiting queue[FV_SIM_QUEUE_MAX]; /* by release */
};

/* For a new session of a site with faults. 0 or -ENOMEM. */
int fv_sim_sick_create(struct fv_sim_session *session, int64_t now);
void fv_sim_sick_destroy(struct fv_sim_session *session); /* none is fine */
/* A request names this camera. A session that no specification concerns loses its sickness. */
void fv_sim_sick_meet(struct fv_sim_session *session, unsigned camera, int64_t now);
/* PLAY begins. */
void fv_sim_sick_play(struct fv_sim_session *session);

/* Do the conditions of the specification hold? A look at it counts as one chance. `usual`: from
 * when time counts unless the specification says otherwise. */
bool fv_sim_strikes(struct fv_sim_case *c, enum fv_sim_since usual);

/* All hooks of one kind, see fault.h. */
bool fv_sim_sick_request(struct fv_sim_session *session, struct fv_slice method, int64_t now,
                         struct fv_sim_verdict *ret_verdict);
void fv_sim_sick_description(struct fv_sim_session *session, struct fv_slice base, int64_t now,
                             struct fv_str *sdp);
void fv_sim_sick_answer(struct fv_sim_session *session, struct fv_slice method, int64_t now,
                        struct fv_str *text);
void fv_sim_sick_tick(struct fv_sim_session *session, int64_t now);
size_t fv_sim_sick_allow(struct fv_sim_session *session, int64_t now, size_t wanted,
                         size_t control);
bool fv_sim_sick_report(struct fv_sim_session *session, int64_t now, struct fv_sim_report *report);

/* Moves what is due from the timeline into the queue. */
void fv_sim_sick_pull(struct fv_sim_session *session, int64_t now);
/* The first of the queue left. */
void fv_sim_sick_pop(struct fv_sim_sick *sick);

#endif
