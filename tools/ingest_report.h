// SPDX-License-Identifier: Apache-2.0
/* What `fovea ingest` says: a live line, a stats file, and JSON or a table at the end. */
#ifndef FV_TOOLS_INGEST_REPORT_H
#define FV_TOOLS_INGEST_REPORT_H

#include <stdatomic.h>

#include "fovea/receiver.h"

struct fv_ingest_row {
    const char *plain;
    uint32_t id;
    _Atomic int64_t
        first_unit; /* ns from the start to the first access unit, FV_TIME_UNKNOWN before */
    enum fv_camera_state state; /* before the end */
    struct fv_receiver_stats stats;
};

struct fv_ingest_rows {
    struct fv_ingest_row *items;
    size_t count;
};

/* Reads every camera's figures; `states`: its state and the reason for it as well. */
void fv_ingest_rows_read(struct fv_ingest_rows *rows, struct fv_receiver *receiver, bool states);
/* Replaces the file by one line in one step. 0 or negative errno. */
int fv_ingest_write_stats(const char *path, uint64_t total, double uptime_s);
/* Draws over the last one. `rate`: pictures a second since then. */
void fv_ingest_live_line(const struct fv_ingest_rows *rows, double uptime_s, double rate);
/* One line of JSON. 0 or -ENOMEM. */
int fv_ingest_print_json(const struct fv_ingest_rows *rows, double cpu_s, double wall_s);
void fv_ingest_print_table(const struct fv_ingest_rows *rows, double cpu_s, double wall_s);

#endif
