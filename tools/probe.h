// SPDX-License-Identifier: Apache-2.0
/*
 * Inside of `fovea probe`: what was found out about one camera, and how it is told.
 *
 *   probe.c  asks the camera         probe_measure.c  figures from its pictures     probe_names.c   numbers to words
 *   probe_advice.c  what it means    probe_letter.c   told to a person              probe_json.c    told to a program
 */
#ifndef FV_TOOLS_PROBE_H
#define FV_TOOLS_PROBE_H

#include "fovea/receiver.h"

/* --- Figures from pictures --- */

/* Zeroed at first. */
struct fv_probe_measure {
    uint64_t pictures, bytes;
    uint32_t epoch, format;
    unsigned epochs, formats; /* changes of these */
    int64_t lowest, highest;  /* pts of the epoch at hand */
    uint64_t intervals;       /* between pictures of one epoch */
    int64_t span;             /* ns that these took, in the epochs before */
    uint64_t in_epoch;        /* pictures of the epoch at hand */
    size_t largest;           /* picture, bytes */
    bool b_pictures;          /* a picture came that is shown before an earlier one */
    bool key_seen;            /* in this epoch */
    int64_t key_pts;          /* of the last key picture */
    uint64_t since_key;       /* pictures since then, itself included */
    uint64_t keys, points;    /* where decoding can start; of these, recovery points */
    uint64_t partial;         /* pictures that were not whole yet */
    unsigned gops;            /* complete ones */
    uint64_t gop_pictures, gop_longest;
    int64_t gop_span, gop_longest_span;
    bool wall_known;
    int64_t wall_offset; /* ns: capture time of the last picture minus our clock at its arrival */
};

struct fv_probe_figures {
    uint64_t pictures;
    double fps;          /* NAN when unknown, as all that follow */
    double bit_rate;     /* bits per second */
    double gop_pictures; /* mean of the complete ones */
    double gop_s;
    double gop_open_s;    /* the one under way, so far */
    double gop_longest_s; /* of the complete ones */
    size_t largest;
    bool b_pictures;
    bool refreshed; /* gradually, by recovery points: there are no key pictures */
    uint64_t partial;
    unsigned timeline_jumps, format_changes;
    double clock_offset_s; /* camera's wall clock minus ours, its delay included */
};

/* `wall_now`: ns since 1970 by our clock. */
void fv_probe_measure(struct fv_probe_measure *measure, const struct fv_access_unit *unit,
                      int64_t wall_now);
void fv_probe_figures(const struct fv_probe_measure *measure, struct fv_probe_figures *ret_figures);

/* --- Everything that was found --- */

struct fv_probe_findings {
    struct fv_receiver_url url;
    bool played;
    uint64_t spoilt; /* pictures since the first one: damaged, and those behind up to the next key picture */
    bool interrupted; /* by a signal before the camera played or failed */
    /* the last failure, when there was one: code < 0 */
    int code;
    enum fv_camera_state failed_in;
    char reason[300];
    char detour[300]; /* why the attempt connected once more (another transport, a redirection), or "" */
    /* ns, FV_TIME_UNKNOWN when it did not come to that */
    int64_t resolve, connect, session, first_packet, first_picture;
    double seconds; /* from the first picture to the end; 0 without one */
    struct fv_receiver_details details;
    struct fv_receiver_stats stats;
    struct fv_probe_figures figures;
};

/* --- What it means --- */

#define FV_PROBE_ADVICE_MAX 24
struct fv_probe_advice {
    unsigned count;
    char texts[FV_PROBE_ADVICE_MAX][320];
};

/* Likely causes and cures of the failure; or, for a camera that plays, what could be better. */
void fv_probe_advise(const struct fv_probe_findings *findings, struct fv_probe_advice *ret_advice);

/* --- Words --- */

/* "High", "Main 10", "profile 77"; returns `text`. */
char *fv_probe_profile(const char *codec, unsigned profile, char *text, size_t size);
/* "4.1", "" of codecs without levels; returns `text`. */
char *fv_probe_level(const char *codec, unsigned level, char *text, size_t size);
/* "H.264", "H.265", "none" */
const char *fv_probe_codec(const char *codec);
/* What the camera was doing: "looking up its name", "waiting for the first pictures", ... */
const char *fv_probe_phase(enum fv_camera_state state);

/* --- Telling --- */

void fv_probe_print_letter(const struct fv_probe_findings *findings);
/* 0 or -ENOMEM. */
int fv_probe_print_json(const struct fv_probe_findings *findings);

#endif
