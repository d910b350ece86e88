// SPDX-License-Identifier: Apache-2.0
/* A file in place of a camera: its access units, once, in the file's own time, from a thread of its own. */
#ifndef FV_ENGINE_READER_FILE_H
#define FV_ENGINE_READER_FILE_H

#include "base/error.h"
#include "flow.h"

struct fv_reader_file;

/* All on the thread `fv-source`. */
struct fv_reader_file_handler {
    /* As of struct fv_ingest_handler: false: no room, nothing comes before the next key picture. */
    bool (*au)(void *data, const struct fv_au *au);
    /* Once, last of all, but not when it was stopped before. 0: all of it was read; else why not. */
    void (*ended)(void *data, int code, const char *reason);
    void *data;
};

/* 0, or as fv_movie_open(). */
int fv_reader_file_open(const char *path, const struct fv_reader_file_handler *handler,
                        struct fv_reader_file **ret_file, struct fv_error *err);
int fv_reader_file_start(struct fv_reader_file *file, struct fv_error *err); /* once */
void fv_reader_file_stop(struct fv_reader_file *file);  /* joins the thread; idempotent */
void fv_reader_file_close(struct fv_reader_file *file); /* stops first; NULL is fine */

#endif
