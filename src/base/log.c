// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_BYTES 1000

static atomic_int threshold = FV_LOG_WARNING;

static struct {
    pthread_mutex_t lock;
    fv_log_sink sink;
    void *data;
    int fd;                    /* of the log file; 0: standard error */
    char last[LINE_MAX_BYTES]; /* level, area and text of the last line */
    int64_t last_at;
    unsigned repeats; /* of `last`, not printed yet */
    unsigned lost;    /* lines that standard error did not take */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *level_name(enum fv_log_level level)
{
    return level >= FV_LOG_ERROR     ? "error"
           : level >= FV_LOG_WARNING ? "warning"
           : level >= FV_LOG_INFO    ? "info"
                                     : "debug";
}

/*
 * One line to standard error or the file, if that takes it at once. Lines come from the network's and the decoder's threads: a
 * pipe that nobody reads or a stopped terminal must not stop a camera. POLLOUT promises room for PIPE_BUF bytes, more than a
 * line has.
 */
static bool write_line(const char *line)
{
    struct pollfd fd = {.fd = state.fd ? state.fd : STDERR_FILENO, .events = POLLOUT};
    size_t size = strlen(line);
    if (poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT))
        return false;
    return write(fd.fd, line, size) == (ssize_t)size;
}

/* state.lock is held. */
static void emit(enum fv_log_level level, const char *text)
{
    char line[LINE_MAX_BYTES + 128], stamp[FV_RFC3339_SIZE];
    fv_rfc3339(fv_wall(), stamp);
    if (state.sink) {
        snprintf(line, sizeof(line), "%s %s", stamp, text);
        state.sink(state.data, level, line);
        return;
    }
    if (state.lost) {
        snprintf(line, sizeof(line), "%s (%u lines of the log were not taken and are lost)\n",
                 stamp, state.lost);
        if (write_line(line))
            state.lost = 0;
    }
    snprintf(line, sizeof(line), "%s %s\n", stamp, text);
    if (!write_line(line))
        state.lost++;
}

/* state.lock is held. */
static void flush_repeats(enum fv_log_level level)
{
    if (state.repeats == 0)
        return;
    char text[64];
    snprintf(text, sizeof(text), "(the line before was repeated %u times)", state.repeats);
    state.repeats = 0;
    emit(level, text);
}

/* Bytes from outside must not move a terminal's cursor. UTF-8 stays. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

void fv_log(enum fv_log_level level, const char *area, const char *format, ...)
{
    if (!fv_log_on(level))
        return;
    /* More than is kept: a cut address would hide its '@'. */
    char whole[2 * LINE_MAX_BYTES], text[LINE_MAX_BYTES], shown[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(whole, sizeof(whole), format, args);
    va_end(args);
    snprintf(text, sizeof(text), "%s %s: %s", level_name(level), area,
             fv_redact(whole, shown, sizeof(shown)));
    clean(text);

    pthread_mutex_lock(&state.lock);
    int64_t now = fv_now();
    if (now - state.last_at < FV_S && strcmp(text, state.last) == 0) {
        state.repeats++;
    } else {
        flush_repeats(level);
        emit(level, text);
        memcpy(state.last, text, sizeof(text));
        state.last_at = now;
    }
    pthread_mutex_unlock(&state.lock);
}

int fv_log_on(enum fv_log_level level)
{
    return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

void fv_log_set_level(enum fv_log_level level)
{
    atomic_store(&threshold, (int)level);
}

int fv_log_set_file(const char *path)
{
    int fd = 0;
    if (path) {
        /* Not blocking: a pipe without a reader is refused instead of waited for. */
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
        if (fd < 0)
            return -errno;
    }
    pthread_mutex_lock(&state.lock);
    int before = state.fd;
    state.fd = fd;
    pthread_mutex_unlock(&state.lock);
    if (before)
        close(before);
    return 0;
}

void fv_log_set_sink(fv_log_sink sink, void *data)
{
    pthread_mutex_lock(&state.lock);
    state.sink = sink;
    state.data = data;
    pthread_mutex_unlock(&state.lock);
}
