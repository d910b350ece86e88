// SPDX-License-Identifier: Apache-2.0
/*
 * Who may connect when: at most `rate` attempts a second over all cameras, evenly spread, and at most `per_host` unfinished attempts
 * for each host. Hosts take turns, and within a host who asked first is first: a recorder with 64 channels does not hold up the others.
 * Pure: the owner asks fv_pace_take() at fv_pace_due(). One thread, except fv_pace_host_create().
 */
#ifndef FV_INGEST_PACE_H
#define FV_INGEST_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct fv_pace_host;

struct fv_pace {
    int64_t gap; /* ns between two starts */
    unsigned per_host;
    int64_t next;         /* earliest moment of the next start */
    struct fv_list hosts; /* all */
    struct fv_list
        turns; /* of these, those with a waiting client and a free place, in order of turn */
};

/* One camera, embedded. */
struct fv_pace_client {
    struct fv_list link; /* in its host's queue while waiting */
    struct fv_pace_host *host;
    enum { FV_PACE_IDLE, FV_PACE_WAITING, FV_PACE_ACTIVE } state;
};

void fv_pace_init(struct fv_pace *pace, unsigned rate, unsigned per_host);
/* Memory for a host's entry, so that fv_pace_join() cannot fail. Any thread. NULL: out of memory. */
struct fv_pace_host *fv_pace_host_create(const char *name);
void fv_pace_host_destroy(struct fv_pace_host *host); /* one that was never joined; NULL is fine */
/* Takes `host`; clients with the same name (ASCII case ignored) share one entry. */
void fv_pace_join(struct fv_pace *pace, struct fv_pace_client *client, struct fv_pace_host *host);
/* From any state. The last one of a host frees its entry. Harmless for a client that did not join (zeroed). */
void fv_pace_leave(struct fv_pace *pace, struct fv_pace_client *client);
/* IDLE -> WAITING. */
void fv_pace_ask(struct fv_pace *pace, struct fv_pace_client *client);
/* The next client that may start now (WAITING -> ACTIVE), or NULL. */
struct fv_pace_client *fv_pace_take(struct fv_pace *pace, int64_t now);
/* The attempt is over, or the wish withdrawn: -> IDLE. Harmless when IDLE. */
void fv_pace_done(struct fv_pace *pace, struct fv_pace_client *client);
/* When fv_pace_take() may have somebody; FV_TIME_NEVER: not before an ask or a done. */
int64_t fv_pace_due(const struct fv_pace *pace);

#endif
