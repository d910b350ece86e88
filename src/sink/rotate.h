// SPDX-License-Identifier: Apache-2.0
/*
 * Rotation of a file of lines: DIR/NAME.jsonl becomes DIR/NAME-2026-01-31T12-34-56.789Z.jsonl, and the oldest of those go. Names
 * sort by time. A rename is atomic, and nothing of a file is ever copied: whenever the process is killed, every line stands in
 * exactly one file.
 */
#ifndef FV_SINK_ROTATE_H
#define FV_SINK_ROTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fv_rotation {
    uint64_t max_bytes; /* a file that would grow beyond is put aside; 0: never */
    int64_t max_age;    /* ns since the file was begun; 0: any */
    unsigned keep;      /* files that were put aside; 0: all */
};

/* Whether a file of `bytes`, begun at `since` (wall time), is to be put aside before `more` bytes are written at `now`. An empty
 * file never is. */
bool fv_rotation_due(const struct fv_rotation *rotation, uint64_t bytes, size_t more, int64_t since,
                     int64_t now);
/* Puts the file aside, under a name made of `now`, and removes what is more than `keep`. 0, or negative errno: it could not be put
 * aside. */
int fv_rotate(const char *path, unsigned keep, int64_t now);
/* Opens the file's end: a line that was cut short by a crash or a loss of power is removed, unless only its newline is missing.
 * `file`: open for writing, a regular file. */
void fv_mend_tail(const char *path, int file);

#endif
