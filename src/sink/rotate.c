// SPDX-License-Identifier: Apache-2.0
#include "sink/rotate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"

#define PATH_SIZE 4096
#define STAMP_SIZE 25          /* "-2026-01-31T12-34-56.789Z" */
#define TAIL_MAX (16u << 20)   /* a longer line is none of ours */
#define REMOVED_AT_ONCE 100000 /* more than any folder should hold */

bool fv_rotation_due(const struct fv_rotation *rotation, uint64_t bytes, size_t more, int64_t since,
                     int64_t now)
{
    if (bytes == 0)
        return false;
    return (rotation->max_bytes && bytes + more > rotation->max_bytes) ||
           (rotation->max_age && now - since >= rotation->max_age);
}

/* A path in its parts; "events.jsonl" is stem "events" and suffix ".jsonl". */
struct parts {
    char folder[PATH_SIZE], stem[256], suffix[256];
};

static int split(const char *path, struct parts *parts)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name)
        dot = name + strlen(name);
    const size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    if (folder >= sizeof(parts->folder) || strlen(name) >= sizeof(parts->stem))
        return -ENAMETOOLONG;
    snprintf(parts->folder, sizeof(parts->folder), "%.*s", (int)folder, path);
    snprintf(parts->stem, sizeof(parts->stem), "%.*s", (int)(dot - name), name);
    snprintf(parts->suffix, sizeof(parts->suffix), "%s", dot);
    return 0;
}

/* --- what is there ------------------------------------------------------------------------------- */

static bool is_aside(const struct parts *parts, const char *name)
{
    const size_t stem = strlen(parts->stem), size = strlen(name);
    if (size != stem + STAMP_SIZE + strlen(parts->suffix) ||
        strncmp(name, parts->stem, stem) != 0 ||
        strcmp(name + stem + STAMP_SIZE, parts->suffix) != 0)
        return false;
    static const char form[] = "-dddd-dd-ddTdd-dd-dd.dddZ";
    for (size_t i = 0; i < STAMP_SIZE; i++) {
        const char c = name[stem + i];
        if (form[i] == 'd' ? c < '0' || c > '9' : c != form[i])
            return false;
    }
    return true;
}

/* Files that were put aside. */
struct aside {
    unsigned count;
    char oldest[256], newest[256];
};

static struct aside look(const struct parts *parts)
{
    struct aside aside = {0};
    DIR *folder = opendir(parts->folder[0] ? parts->folder : ".");
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        const char *name = entry->d_name;
        if (!is_aside(parts, name))
            continue;
        if (aside.count == 0 || strcmp(name, aside.oldest) < 0)
            snprintf(aside.oldest, sizeof(aside.oldest), "%s", name);
        if (aside.count == 0 || strcmp(name, aside.newest) > 0)
            snprintf(aside.newest, sizeof(aside.newest), "%s", name);
        aside.count++;
    }
    if (folder)
        closedir(folder);
    return aside;
}

/* --- putting aside ------------------------------------------------------------------------------- */

/* The time in a name of ours, ns since 1970. */
static int64_t time_of(const struct parts *parts, const char *name)
{
    struct tm tm = {0};
    const char *rest = strptime(name + strlen(parts->stem), "-%Y-%m-%dT%H-%M-%S", &tm);
    const long ms = rest ? strtol(rest + 1, NULL, 10) : 0;
    return timegm(&tm) * FV_S + ms * FV_MS;
}

/* Behind the newest, also when the clock went back or a millisecond saw two. */
static int put_aside(const char *path, const struct parts *parts, int64_t now)
{
    const struct aside aside = look(parts);
    char stamp[FV_RFC3339_SIZE], name[2 * PATH_SIZE];
    if (aside.count)
        now = fv_max64(now, time_of(parts, aside.newest) + FV_MS);
    fv_rfc3339(now, stamp);
    for (char *at = stamp; *at; at++)
        if (*at == ':')
            *at = '-';
    snprintf(name, sizeof(name), "%s%s-%s%s", parts->folder, parts->stem, stamp, parts->suffix);
    return rename(path, name) == 0 ? 0 : -errno;
}

static void remove_oldest(const struct parts *parts, unsigned keep)
{
    struct aside aside;
    char path[PATH_SIZE + 256];
    for (int i = 0; i < REMOVED_AT_ONCE && (aside = look(parts)).count > keep; i++) {
        snprintf(path, sizeof(path), "%s%s", parts->folder, aside.oldest);
        if (unlink(path) < 0)
            return;
    }
}

int fv_rotate(const char *path, unsigned keep, int64_t now)
{
    struct parts parts;
    int r = split(path, &parts);
    if (r == 0)
        r = put_aside(path, &parts, now);
    if (r == 0 && keep)
        remove_oldest(&parts, keep);
    return r;
}

/* --- the end of a file ---------------------------------------------------------------------------- */

/* Where the last line begins that has no newline; `size` when there is none. -1: it is too long to be ours. */
static off_t find_tail(int reader, off_t size)
{
    char block[4096];
    off_t end = size;
    while (end > 0 && size - end < (off_t)TAIL_MAX) {
        const off_t from = end > (off_t)sizeof(block) ? end - (off_t)sizeof(block) : 0;
        const ssize_t got = pread(reader, block, (size_t)(end - from), from);
        if (got != end - from)
            return -1;
        for (off_t i = got; i-- > 0;)
            if (block[i] == '\n')
                return from + i + 1;
        end = from;
    }
    return end == 0 ? 0 : -1;
}

/* A whole object that lacks only its newline, as an editor may leave it. */
static bool is_whole(int reader, off_t from, size_t size)
{
    char *text = fv_alloc_aligned(16, size);
    json_t *value = NULL;
    if (text && pread(reader, text, size, from) == (ssize_t)size)
        value = json_loadb(text, size, 0, NULL);
    json_decref(value);
    fv_free(text);
    return value != NULL;
}

void fv_mend_tail(const char *path, int file)
{
    struct stat info;
    if (fstat(file, &info) < 0 || info.st_size == 0)
        return;
    const int reader = open(path, O_RDONLY | O_CLOEXEC);
    if (reader < 0)
        return;
    const off_t tail = find_tail(reader, info.st_size);
    /* When one of these fails the disk is full: the first event will say so. */
    if (tail < 0 || (tail < info.st_size && is_whole(reader, tail, (size_t)(info.st_size - tail))))
        (void)!write(file, "\n", 1);
    else if (tail < info.st_size)
        (void)!ftruncate(file, tail);
    close(reader);
}
