// SPDX-License-Identifier: Apache-2.0
/* Sequence numbers of one source: order, duplicates, jumps (RFC 3550 A.1), loss (A.3), jitter (A.8). */
#ifndef FV_RTP_SEQUENCE_H
#define FV_RTP_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

struct fv_sequence {
    uint32_t clock_rate;                           /* Hz */
    int64_t first, highest;                        /* extended by the number of wraps */
    uint64_t received;                             /* since `first`, duplicates included */
    uint64_t seen;                                 /* bit n: highest - n arrived */
    uint64_t lost_before;                          /* in earlier runs */
    uint32_t transit;                              /* of the last packet, clock units */
    uint32_t jitter16;                             /* 16 times the jitter */
    bool timed;                                    /* transit is valid */
    uint64_t expected_reported, received_reported; /* at the last receiver report */
};

enum fv_arrival {
    FV_ARRIVAL_AHEAD, /* higher than all before, perhaps with a gap */
    FV_ARRIVAL_LATE,  /* lower, first time as far as is known */
    FV_ARRIVAL_DUPLICATE,
    FV_ARRIVAL_JUMP, /* too far away to be of this run: nothing was changed */
};

/* The source starts (anew) with `seq`, which is *not* counted yet: fv_sequence_update() follows. */
void fv_sequence_start(struct fv_sequence *sequence, uint16_t seq);
/* Counts one packet and extends its number. */
enum fv_arrival fv_sequence_update(struct fv_sequence *sequence, uint16_t seq,
                                   int64_t *ret_extended);
/* How far `seq` is ahead of the highest so far; negative: behind. */
int64_t fv_sequence_ahead(const struct fv_sequence *sequence, uint16_t seq);
/* After FV_ARRIVAL_JUMP, when the run goes on: all before `seq` are lost. fv_sequence_update() follows. */
void fv_sequence_skip(struct fv_sequence *sequence, uint16_t seq);
/* A.8: `arrival` in ns, `timestamp` as sent. */
void fv_sequence_jitter(struct fv_sequence *sequence, int64_t arrival, uint32_t timestamp);
/* A.3: of this run, may be negative when there are duplicates. */
int64_t fv_sequence_lost(const struct fv_sequence *sequence);
/* A.3: lost since the last call, in 1/256 of what was expected. */
uint8_t fv_sequence_fraction(struct fv_sequence *sequence);

#endif
