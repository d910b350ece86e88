// SPDX-License-Identifier: Apache-2.0
/* The receiver's parts, for its own files: receiver.c (packets in), delivery.c (pictures out), control.c (RTCP). */
#ifndef FV_RTP_STATE_H
#define FV_RTP_STATE_H

#include "base/slice.h"
#include "rtp/assembly.h"
#include "rtp/depay.h"
#include "rtp/quirks.h"
#include "rtp/receiver.h"
#include "rtp/reorder.h"
#include "rtp/sender_clock.h"
#include "rtp/sequence.h"
#include "rtp/sets.h"
#include "rtp/timeline.h"

/* A packet that does not continue the source at hand. A second one in sequence proves a restart (A.1). */
struct fv_candidate {
    bool valid;
    bool refused; /* it was counted as invalid */
    uint32_t ssrc;
    uint16_t seq;
    struct fv_buf *buf; /* its copy, NULL when there was no buffer */
    size_t size;
    int64_t arrival;
};

struct fv_rtp {
    struct fv_rtp_params params; /* `sets` is not valid after create */
    struct fv_rtp_stats stats;
    struct fv_quirks quirks;

    /* packets */
    bool started; /* the four below are valid */
    uint32_t ssrc;
    struct fv_sequence sequence;
    struct fv_candidate candidate;
    struct fv_reorder reorder;
    int64_t now;         /* of the call at hand */
    uint64_t bytes_then; /* stats.bytes at the last fv_rtp_prefetch() */

    /* pictures */
    const struct fv_depay_ops *ops;
    struct fv_depay depay;
    struct fv_assembly assembly;
    struct fv_sets sets;
    struct fv_timeline timeline;
    bool degraded;              /* FLAG: references are lost until the next key picture */
    unsigned mending;           /* pictures that count until those behind a recovery point are whole */
    enum { FV_LEADING_KEPT, FV_LEADING_MARKED, FV_LEADING_DROPPED } leading; /* H.265: RASL */
    bool announced;             /* the format callback was called */
    uint32_t announced_changes; /* sets.changes then */

    /* control */
    struct fv_sender_clock clock;
    uint32_t own_ssrc;
    char cname[24];
    uint32_t report_ntp;    /* LSR */
    int64_t report_arrival; /* FV_TIME_UNKNOWN: none came */
};

/* delivery.c */
void fv_delivery_picture_ended(void *data, struct fv_unit *unit);
/* Packets are missing: what follows lacks references. */
void fv_delivery_lost(struct fv_rtp *rtp);
/* The source restarted: another epoch. */
void fv_delivery_restart(struct fv_rtp *rtp);

#endif
