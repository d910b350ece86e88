// SPDX-License-Identifier: Apache-2.0
/*
 * Ways in which a camera misbehaves: a table of faults and the parser of `--fault NAME[:key=value,...]`.
 *
 * A fault is one entry with hooks. A session calls the hooks of the specifications that concern it
 * at the named moments (sick.c); a hook first looks whether the moment is one of its own and then
 * asks fv_sim_strikes() whether the conditions of the specification (camera, time, chance...) hold.
 */
#ifndef FV_SIM_FAULT_H
#define FV_SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/slice.h"
#include "base/str.h"

#define FV_SIM_FAULTS_MAX 32  /* specifications of one simulator */
#define FV_SIM_FAULT_OWN 2    /* keys that one fault has of its own */
#define FV_SIM_FAULT_TEXT 256 /* bytes of a text value, with its terminator */

struct fv_sim_case;
struct fv_sim_verdict;
struct fv_sim_packet;
struct fv_sim_picture;
struct fv_sim_report;

enum fv_sim_key_kind { FV_SIM_KEY_NUMBER, FV_SIM_KEY_CHOICE, FV_SIM_KEY_TEXT };

struct fv_sim_fault_key {
    const char *name;
    enum fv_sim_key_kind kind;
    double preset, low, high; /* of a number; of a choice the preset only, an index */
    const char *choices;      /* of a choice: words separated by blanks */
    const char *help;
};

struct fv_sim_fault {
    const char *name, *help;
    struct fv_sim_fault_key keys[FV_SIM_FAULT_OWN]; /* its own; unused ones have no name */
    bool once;          /* strikes once per PLAY unless `every` or `probability` is given */
    double probability; /* when neither is given; 0: always */

    /* All hooks are optional; called on the session's thread. */
    /* The connection was made; for specifications of single cameras: its camera became known. */
    void (*connected)(struct fv_sim_case *c);
    /* A request came, before it is looked at. True: *ret_verdict says what becomes of it. */
    bool (*request)(struct fv_sim_case *c, struct fv_slice method,
                    struct fv_sim_verdict *ret_verdict);
    /* The description, before it goes into an answer; `base` is "rtsp://host:port" as the client
     * knows it. */
    void (*description)(struct fv_sim_case *c, struct fv_slice base, struct fv_str *sdp);
    /* A complete answer, before it is queued. */
    void (*answer)(struct fv_sim_case *c, struct fv_slice method, struct fv_str *text);
    /* Some milliseconds went by (FV_SIM_SLOTS). */
    void (*tick)(struct fv_sim_case *c);
    /* Of `wanted` bytes, of which the first `control` are answers and reports, how many may be
     * written to the connection now. */
    size_t (*allow)(struct fv_sim_case *c, size_t wanted, size_t control);
    /* A picture is about to begin. */
    void (*picture)(struct fv_sim_case *c, struct fv_sim_picture *picture);
    /* An RTP packet is about to be queued. */
    void (*packet)(struct fv_sim_case *c, struct fv_sim_packet *packet);
    /* A sender report is about to be sent. False: it is not. */
    bool (*report)(struct fv_sim_case *c, struct fv_sim_report *report);
};

/* From when `after` and `for` count. */
enum fv_sim_since {
    FV_SIM_SINCE_USUAL,
    FV_SIM_SINCE_START,
    FV_SIM_SINCE_CONNECT,
    FV_SIM_SINCE_PLAY
};

struct fv_sim_fault_spec {
    const struct fv_sim_fault *fault;
    bool all;                     /* cameras, also before it is known which */
    unsigned first, last, parity; /* else these; parity 0: even, 1: odd, 2: both */
    uint64_t connections;         /* of each camera, from the first on; 0: all */
    enum fv_sim_since since;
    int64_t after, lasting; /* ns; FV_TIME_NEVER: without end */
    uint64_t packets, bytes, every;
    double probability; /* 0: not given */
    double own[FV_SIM_FAULT_OWN];
    char text[FV_SIM_FAULT_TEXT];
};

/* 0, or -EINVAL: `err` names the fault or key and, where there is one, the nearest right one. */
int fv_sim_fault_parse(const char *text, struct fv_sim_fault_spec *ret_spec, struct fv_error *err);
bool fv_sim_fault_covers(const struct fv_sim_fault_spec *spec, unsigned camera);

/* The table, in the order of the help text; NULL behind its end. */
const struct fv_sim_fault *fv_sim_fault_at(unsigned index);
/* Every fault and key, one line each. */
void fv_sim_fault_write_help(struct fv_str *out);

/* The parts of the table. */
struct fv_sim_faults {
    const struct fv_sim_fault *list;
    unsigned count;
};
extern const struct fv_sim_faults fv_sim_faults_talk, fv_sim_faults_answer, fv_sim_faults_wire,
    fv_sim_faults_stream, fv_sim_faults_media;

#endif
