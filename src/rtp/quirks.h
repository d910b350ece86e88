// SPDX-License-Identifier: Apache-2.0
/*
 * Faults of cameras that the receiver lives with, by name, in one table: what the camera does and what we do about it.
 * A quirk is *learned* when it was met at least once; some change the receiver's behaviour from then on.
 */
#ifndef FV_RTP_QUIRKS_H
#define FV_RTP_QUIRKS_H

#include <stdbool.h>
#include <stdint.h>

enum fv_quirk {
    FV_QUIRK_PADDING_LIE,    /* padding bit without a padding count that fits */
    FV_QUIRK_ANNEXB,         /* start codes inside a payload: one packet holds several NAL units */
    FV_QUIRK_UNKNOWN_UNIT,   /* NAL units of types that are reserved */
    FV_QUIRK_EMPTY_UNIT,     /* payloads or aggregated units of no bytes */
    FV_QUIRK_AGGREGATE_TAIL, /* bytes behind the last whole unit of an aggregation packet */
    FV_QUIRK_FU_WHOLE,       /* a fragment that is start and end at once */
    FV_QUIRK_FU_MISSING_START,  /* first fragment without start bit */
    FV_QUIRK_FU_REPEATED_START, /* start bit on further fragments */
    FV_QUIRK_FU_MISSING_END,    /* last fragment without end bit */
    FV_QUIRK_FU_EARLY_END,      /* end bit on a fragment in the middle */
    FV_QUIRK_MARKER_MISSING,    /* a picture ended without marker */
    FV_QUIRK_MARKER_FALSE,      /* marker on packets that do not end a picture */
    FV_QUIRK_SETS_CHANGED,      /* parameter sets changed in mid-stream */
    FV_QUIRK_SETS_APART,        /* parameter sets under another timestamp than their picture */
    FV_QUIRK_SENDER_REPORT,     /* sender reports that make no sense: refused */
    FV_QUIRK_COUNT
};

struct fv_quirks {
    uint32_t met[FV_QUIRK_COUNT]; /* how often; sticks at its maximum */
};

struct fv_quirk_info {
    const char *name;   /* "marker-false" */
    const char *policy; /* one sentence for people */
};

/* Never NULL for a quirk below FV_QUIRK_COUNT. */
const struct fv_quirk_info *fv_quirk_info(enum fv_quirk quirk);

static inline bool fv_quirk_learned(const struct fv_quirks *quirks, enum fv_quirk quirk)
{
    return quirks->met[quirk] > 0;
}

static inline void fv_quirk_meet(struct fv_quirks *quirks, enum fv_quirk quirk)
{
    if (quirks->met[quirk] < UINT32_MAX)
        quirks->met[quirk]++;
}

#endif
