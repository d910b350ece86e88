// SPDX-License-Identifier: Apache-2.0
/*
 * One playing session's way through a clip: which packet is due when, with which sequence number
 * and timestamp. The clip is played in a loop; timestamps and sequence numbers go on over its end.
 * Pure: no clock, no socket.
 */
#ifndef FV_SIM_TIMELINE_H
#define FV_SIM_TIMELINE_H

#include "base/rand.h"
#include "sim/clip.h"

struct fv_sim_timeline {
    const struct fv_clip *clip;
    int64_t start;     /* monotonic ns of tick 0 of the clip's first round */
    uint64_t au;       /* the access unit in work, counted over all rounds */
    uint64_t next_au;  /* the one after it; more than au + 1 when some were shed */
    uint32_t packet;   /* next packet of the one in work; 0: not begun */
    uint32_t skipped;  /* packets between au and next_au */
    uint32_t rtp_base; /* RTP timestamp of tick 0 */
    uint32_t ssrc;
    uint16_t seq; /* of the next packet */
};

struct fv_sim_timeline_packet {
    int64_t due; /* monotonic */
    const uint8_t *payload;
    uint16_t size, seq;
    uint32_t timestamp;
    bool marker;
};

/* Starts at key picture `au`, whose first packet is due at `now`; SSRC, sequence number and
 * timestamp are random. Borrows clip. */
void fv_sim_timeline_start(struct fv_sim_timeline *timeline, const struct fv_clip *clip,
                           uint32_t au, int64_t now, struct fv_rand *rand);
/* After a pause: goes on with the key picture that a live source would send next, due at `now`.
 * The timestamps advance by the time that went by, sequence numbers go on. */
void fv_sim_timeline_resume(struct fv_sim_timeline *timeline, int64_t now);

/* The next packet, due or not. */
void fv_sim_timeline_peek(const struct fv_sim_timeline *timeline,
                          struct fv_sim_timeline_packet *ret_packet);
/* That packet is done. */
void fv_sim_timeline_advance(struct fv_sim_timeline *timeline);
/* Whether the access unit in work is a key picture. */
bool fv_sim_timeline_at_key(const struct fv_sim_timeline *timeline);
/* Between two access units: leaves the next one out as if it did not exist. Its time goes by, but no
 * sequence number is missing. */
void fv_sim_timeline_skip(struct fv_sim_timeline *timeline);
/* Between two access units: goes on with another clip, from its beginning; its first packet is due
 * when the next one would have been. Sequence numbers and timestamps go on. Borrows clip. */
void fv_sim_timeline_switch(struct fv_sim_timeline *timeline, const struct fv_clip *clip);
/* Gives up access units that are not begun and more than `limit` ns late. Returns the number of
 * packets given up; their sequence numbers are left out, so that the receiver sees the loss. */
uint64_t fv_sim_timeline_shed(struct fv_sim_timeline *timeline, int64_t now, int64_t limit);

/* The RTP timestamp that belongs to a moment (for sender reports). */
uint32_t fv_sim_timeline_rtp_at(const struct fv_sim_timeline *timeline, int64_t now);

#endif
