// SPDX-License-Identifier: Apache-2.0
#include "engine/reader_file.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/thread.h"
#include "movie/movie.h"

#define BUFFERS (64u << 20) /* bytes of access units under way; a single one may take FV_BUF_MAX */

struct fv_reader_file {
    struct fv_reader_file_handler handler;
    struct fv_movie *movie;
    struct fv_buf_pool *buffers;
    pthread_t thread;
    bool runs;
    /* owner: the thread */
    int64_t begin, first_send, first_time; /* FV_TIME_UNKNOWN before the first access unit */
    bool await_key;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool stop; /* under the lock */
};

static int64_t to_ns(int64_t ticks)
{
    return ticks * (FV_S / FV_MOVIE_CLOCK) + ticks * (FV_S % FV_MOVIE_CLOCK) / FV_MOVIE_CLOCK;
}

/* Until it is this access unit's turn. False: told to stop. */
static bool wait_for(struct fv_reader_file *file, int64_t when)
{
    const struct timespec limit = {when / FV_S, when % FV_S};
    pthread_mutex_lock(&file->lock);
    while (!file->stop && fv_now() < when)
        (void)pthread_cond_clockwait(&file->told, &file->lock, CLOCK_MONOTONIC, &limit);
    const bool go = !file->stop;
    pthread_mutex_unlock(&file->lock);
    return go;
}

static int push(struct fv_reader_file *file, const struct fv_movie_unit *unit)
{
    if (file->await_key && !unit->key)
        return 0;
    const int64_t now = fv_now();
    struct fv_au au = {
        .size = unit->size,
        .codec = fv_movie_codec(file->movie),
        .flags = unit->key ? FV_FRAME_KEY : 0,
        .pts = to_ns(unit->time - file->first_time),
        .wall = FV_TIME_UNKNOWN,
        .first_packet = now,
        .last_packet = now,
        .delivered = now,
    };
    int r = fv_buf_get(file->buffers, unit->size + FV_AU_PADDING, &au.buf);
    if (r == 0) {
        memcpy(au.buf->data, unit->data, unit->size);
        memset(au.buf->data + unit->size, 0, FV_AU_PADDING);
        r = file->handler.au(file->handler.data, &au) ? 0 : -ENOBUFS;
        fv_au_drop(&au);
    }
    file->await_key = r == -ENOBUFS;
    return r == -ENOBUFS ? 0 : r;
}

/* 0: the end of the file; 1: told to stop; negative errno (err). */
static int play(struct fv_reader_file *file, struct fv_error *err)
{
    struct fv_movie_unit unit;
    int r;
    while ((r = fv_movie_next(file->movie, &unit, err)) > 0) {
        if (file->begin == FV_TIME_UNKNOWN) {
            file->begin = fv_now();
            file->first_send = unit.send;
            file->first_time = unit.time;
        }
        if (!wait_for(file, file->begin + to_ns(unit.send - file->first_send)))
            return 1;
        r = push(file, &unit);
        if (r < 0)
            return fv_error_set(err, r, "out of memory");
    }
    return r;
}

static void *run(void *data)
{
    struct fv_reader_file *file = data;
    struct fv_error err = {0};
    const int r = play(file, &err);
    if (r <= 0)
        file->handler.ended(file->handler.data, r, r < 0 ? err.text : "the file has ended");
    return NULL;
}

int fv_reader_file_open(const char *path, const struct fv_reader_file_handler *handler,
                        struct fv_reader_file **ret_file, struct fv_error *err)
{
    const struct fv_movie_params movie = {.path = path};
    struct fv_reader_file *file = FV_NEW(struct fv_reader_file);
    if (!file)
        return fv_error_set(err, -ENOMEM, "out of memory");
    file->handler = *handler;
    file->begin = FV_TIME_UNKNOWN;
    pthread_mutex_init(&file->lock, NULL);
    pthread_cond_init(&file->told, NULL);
    int r = fv_movie_open(&movie, &file->movie, err);
    if (r == 0) {
        r = fv_buf_pool_create(BUFFERS + FV_BUF_MAX, BUFFERS, &file->buffers);
        if (r < 0)
            fv_error_set(err, r, "out of memory");
    }
    if (r < 0)
        fv_reader_file_close(file);
    else
        *ret_file = file;
    return r;
}

int fv_reader_file_start(struct fv_reader_file *file, struct fv_error *err)
{
    const int r = fv_thread_start(&file->thread, "fv-source", run, file);
    file->runs = r == 0;
    return r < 0 ? fv_error_set(err, r, "no thread for the file: %s", fv_strerror(r)) : 0;
}

void fv_reader_file_stop(struct fv_reader_file *file)
{
    pthread_mutex_lock(&file->lock);
    file->stop = true;
    pthread_mutex_unlock(&file->lock);
    pthread_cond_signal(&file->told);
    if (file->runs)
        pthread_join(file->thread, NULL);
    file->runs = false;
}

void fv_reader_file_close(struct fv_reader_file *file)
{
    if (!file)
        return;
    fv_reader_file_stop(file);
    fv_movie_close(file->movie);
    fv_buf_pool_destroy(file->buffers);
    pthread_cond_destroy(&file->told);
    pthread_mutex_destroy(&file->lock);
    fv_free(file);
}
