// SPDX-License-Identifier: Apache-2.0
/*
 * JSON Lines: one object an event, docs/events.md. Each line is one write(2), which a reader sees
 * as a whole; what a full disk cut off is taken back at once, what a kill in the midst of a write
 * cut off when the file is opened again.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "sink/event_json.h"
#include "sink/sink.h"

struct jsonl {
    const struct fv_sink_context *context;
    int file;
    bool regular;
    struct fv_rotation rotation;
    uint64_t size;  /* of a regular file */
    int64_t since;  /* wall time at which it was begun */
    bool stuck;     /* it could not be put aside: tried again when it has grown by as much again */
    uint64_t again; /* then */
    char *path;
};

static void jsonl_close(void *state)
{
    struct jsonl *jsonl = state;
    if (!jsonl)
        return;
    if (jsonl->file >= 0)
        close(jsonl->file);
    fv_free(jsonl->path);
    fv_free(jsonl);
}

static int map_errno(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
        return -EACCES;
    case ENOENT:
    case ENOTDIR:
        return -ENOENT;
    case ENOMEM:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

static int64_t wall_of(const struct statx_timestamp *time)
{
    return time->tv_sec * FV_S + time->tv_nsec;
}

/* How large the file is, and how old. */
static void look_at(struct jsonl *jsonl)
{
    struct statx info;
    jsonl->regular = false;
    if (statx(jsonl->file, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &info) < 0)
        return;
    jsonl->regular = S_ISREG(info.stx_mode);
    jsonl->size = info.stx_size;
    jsonl->since = info.stx_size == 0            ? fv_wall()
                   : info.stx_mask & STATX_BTIME ? wall_of(&info.stx_btime)
                                                 : wall_of(&info.stx_mtime);
}

/* A reader that stalls would keep the sink from ever ending. */
static bool is_pipe(int file)
{
    struct stat info;
    return fstat(file, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

static int open_file(struct jsonl *jsonl, bool replace, struct fv_error *err)
{
    /* NONBLOCK: a pipe must not hold up the start; files do not heed it. */
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK;
    jsonl->file = open(jsonl->path, replace ? flags | O_TRUNC : flags, 0644);
    if (jsonl->file >= 0 && is_pipe(jsonl->file)) {
        close(jsonl->file);
        jsonl->file = -1;
        errno = ENXIO;
    }
    if (jsonl->file >= 0) {
        look_at(jsonl);
        if (jsonl->regular)
            fv_mend_tail(jsonl->path, jsonl->file);
        look_at(jsonl);
        return 0;
    }
    int number = errno;
    if (number == ENXIO)
        return fv_error_set(err, -EINVAL, "%s is a pipe or a socket; events go to files",
                            jsonl->path);
    if (number == ENOENT)
        return fv_error_set(err, -ENOENT, "%s: its folder does not exist; create it first",
                            jsonl->path);
    return fv_error_set(err, map_errno(number), "%s cannot be opened for writing: %s", jsonl->path,
                        strerror(number));
}

static int jsonl_open(const struct fv_sink_context *context, const void *config, void **ret_state,
                      struct fv_error *err)
{
    const struct fv_sink_jsonl_config *settings = config;
    struct jsonl *jsonl = FV_NEW(struct jsonl);
    if (!jsonl)
        return fv_error_set(err, -ENOMEM, "out of memory");
    jsonl->context = context;
    jsonl->rotation = settings->rotation;
    jsonl->file = -1;
    jsonl->path = fv_strdup(settings->path);
    int code = jsonl->path ? open_file(jsonl, settings->replace, err)
                           : fv_error_set(err, -ENOMEM, "out of memory");
    if (code < 0) {
        jsonl_close(jsonl);
        return code;
    }
    *ret_state = jsonl;
    return 0;
}

/* Takes the beginning of a line back of which the rest did not fit. */
static void take_back(struct jsonl *jsonl, ssize_t written)
{
    off_t end = jsonl->regular ? lseek(jsonl->file, 0, SEEK_END) : -1;
    if (end < written || ftruncate(jsonl->file, end - written) < 0)
        (void)!write(jsonl->file, "\n",
                     1); /* then the reader at least sees where the next line starts */
}

/* Before a line of `size` bytes. When the file cannot be put aside it goes on growing: no event is lost for that. */
static int rotate(struct jsonl *jsonl, size_t size, struct fv_error *err)
{
    const int64_t now = fv_wall();
    if (!jsonl->regular || (jsonl->stuck && jsonl->size < jsonl->again) ||
        !fv_rotation_due(&jsonl->rotation, jsonl->size, size, jsonl->since, now))
        return 0;
    int r = fv_rotate(jsonl->path, jsonl->rotation.keep, now);
    if (r < 0 && !jsonl->stuck)
        fv_log(FV_LOG_WARNING, "sink", "%s cannot be put aside and goes on growing: %s",
               jsonl->path, fv_strerror(r));
    jsonl->stuck = r < 0;
    jsonl->again = 2 * jsonl->size;
    if (r < 0)
        return 0;
    close(jsonl->file);
    return open_file(jsonl, false, err);
}

static int write_line(struct jsonl *jsonl, const char *line, size_t size, struct fv_error *err)
{
    int code = jsonl->file < 0 ? open_file(jsonl, false, err) : rotate(jsonl, size, err);
    if (code < 0)
        return code;
    ssize_t written;
    do
        written = write(jsonl->file, line, size);
    while (written < 0 && errno == EINTR);
    if (written == (ssize_t)size) {
        jsonl->size += (uint64_t)written;
        return 0;
    }
    /* A regular file takes less than all only when there is no room for more. */
    int number = written < 0 ? errno : ENOSPC;
    if (written > 0)
        take_back(jsonl, written);
    return fv_error_set(err, map_errno(number), "%s cannot be written: %s", jsonl->path,
                        strerror(number));
}

/* Takes the line; NULL: there was no memory for it. */
static int put_line(struct jsonl *jsonl, char *line, size_t size, struct fv_error *err)
{
    if (!line)
        return fv_error_set(err, -ENOMEM, "out of memory");
    int code = write_line(jsonl, line, size, err);
    fv_free(line);
    return code;
}

static int jsonl_write(void *state, const struct fv_result *result, struct fv_error *err)
{
    struct jsonl *jsonl = state;
    size_t size;
    char *line = fv_event_json(jsonl->context, result, &size);
    return put_line(jsonl, line, size, err);
}

static int jsonl_rule(void *state, const struct fv_zone_event *event, int64_t at,
                      struct fv_error *err)
{
    struct jsonl *jsonl = state;
    size_t size;
    char *line = fv_rule_event_json(jsonl->context, event, at, &size);
    return put_line(jsonl, line, size, err);
}

const struct fv_sink_ops fv_sink_jsonl = {
    .name = "jsonl",
    .open = jsonl_open,
    .write = jsonl_write,
    .rule = jsonl_rule,
    .close = jsonl_close,
};
