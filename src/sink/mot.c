// SPDX-License-Identifier: Apache-2.0
/* Tracks as text: "frame,id,left,top,width,height,score,-1,-1,-1", coordinates counted from 1 (MOTChallenge 2D 2015). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sink/sink.h"

struct mot {
    FILE *file;
    char *path;
};

static void mot_close(void *state)
{
    struct mot *mot = state;
    if (!mot)
        return;
    if (mot->file)
        fclose(mot->file);
    fv_free(mot->path);
    fv_free(mot);
}

static int mot_open(const struct fv_sink_context *context, const void *config, void **ret_state,
                    struct fv_error *err)
{
    const struct fv_sink_mot_config *settings = config;
    (void)context;
    struct mot *mot = FV_NEW(struct mot);
    if (!mot || !(mot->path = fv_strdup(settings->path))) {
        mot_close(mot);
        return fv_error_set(err, -ENOMEM, "out of memory");
    }
    mot->file = fopen(mot->path, "we");
    if (!mot->file) {
        const int code = errno == EACCES || errno == EROFS || errno == EISDIR ? -EACCES
                         : errno == ENOENT || errno == ENOTDIR                ? -ENOENT
                                                                              : -EIO;
        fv_error_set(err, code, "%s cannot be opened for writing: %s", mot->path, strerror(errno));
        mot_close(mot);
        return code;
    }
    *ret_state = mot;
    return 0;
}

static int failed(const struct mot *mot, struct fv_error *err)
{
    const int number = errno;
    clearerr(mot->file); /* the next picture tries again */
    return fv_error_set(err, -EIO, "%s cannot be written: %s", mot->path, strerror(number));
}

static int mot_write(void *state, const struct fv_result *result, struct fv_error *err)
{
    struct mot *mot = state;
    for (uint32_t i = 0; i < result->count; i++) {
        const struct fv_detection *d = &result->detections[i];
        if (d->track == 0)
            continue;
        if (fprintf(mot->file, "%" PRIu64 ",%" PRIu64 ",%.2f,%.2f,%.2f,%.2f,%.4f,-1,-1,-1\n",
                    result->info.number, d->track, (double)d->x0 + 1, (double)d->y0 + 1,
                    (double)d->x1 - (double)d->x0, (double)d->y1 - (double)d->y0,
                    (double)d->score) < 0)
            return failed(mot, err);
    }
    /* Here, not at the end: a failure counts only when a write returns it. */
    return fflush(mot->file) != 0 ? failed(mot, err) : 0;
}

const struct fv_sink_ops fv_sink_mot = {
    .name = "mot",
    .open = mot_open,
    .write = mot_write,
    .close = mot_close,
};
