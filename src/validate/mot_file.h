// SPDX-License-Identifier: Apache-2.0
/* Boxes in MOTChallenge's 2D format of 2015. */
#ifndef FV_VALIDATE_MOT_FILE_H
#define FV_VALIDATE_MOT_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fovea/error.h"

#define FV_MOT_ROWS_MAX 20000000
#define FV_MOT_FRAME_ROWS_MAX 2000 /* boxes of one frame */

struct fv_mot_row {
    int64_t frame, id;
    double x, y, width, height; /* counted from 0 */
    uint32_t line;              /* from 1 */
    uint32_t object;            /* the id's place among all ids of the file, from 0 */
};

struct fv_mot_rows {
    struct fv_mot_row *list; /* by frame, then as in the file */
    size_t count;
    uint32_t objects; /* how many ids there are */
};

/* Reads `file` to its end; rows with a confidence below `least` are left out. `name` is for messages. An id occurs once in a
 * frame. -EBADMSG, -ENOTSUP (more rows than above), -EIO, -ENOMEM: nothing is left to free. */
int fv_mot_read(FILE *file, const char *name, double least, struct fv_mot_rows *ret_rows,
                struct fv_error *err);
void fv_mot_rows_finish(struct fv_mot_rows *rows);

#endif
