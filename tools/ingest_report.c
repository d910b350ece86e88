// SPDX-License-Identifier: Apache-2.0
#include "ingest_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "receive.h"

#define TABLE_ROWS 100 /* lines of the table; of the others only a sum is shown */

void fv_ingest_rows_read(struct fv_ingest_rows *rows, struct fv_receiver *receiver, bool states)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct fv_ingest_row *row = &rows->items[i];
        struct fv_receiver_stats stats;
        if (fv_receiver_stats(receiver, row->id, &stats) < 0)
            continue;
        if (states)
            row->state = stats.state;
        else /* the end is no reason */
            memcpy(stats.reason, row->stats.reason, sizeof(stats.reason));
        row->stats = stats;
    }
}

/* --- The stats file --- */

static int write_all(int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            text += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

int fv_ingest_write_stats(const char *path, uint64_t total, double uptime_s)
{
    char text[100], temporary[PATH_MAX];
    int size =
        snprintf(text, sizeof(text), "%" PRIu64 " access units in %.3f s\n", total, uptime_s);
    if (snprintf(temporary, sizeof(temporary), "%s.%d.tmp", path, (int)getpid()) >=
        (int)sizeof(temporary))
        return -ENAMETOOLONG;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    int ret = write_all(fd, text, (size_t)size);
    if (close(fd) < 0 && ret == 0)
        ret = -errno;
    if (ret == 0 && rename(temporary, path) < 0)
        ret = -errno;
    if (ret < 0)
        unlink(temporary);
    return ret;
}

/* --- Sums --- */

struct sums {
    size_t playing;
    uint64_t units, keys, packets, bytes, lost, reordered, reconnects;
};

static struct sums sum_up(const struct fv_ingest_rows *rows)
{
    struct sums sums = {0};
    for (size_t i = 0; i < rows->count; i++) {
        const struct fv_receiver_stats *stats = &rows->items[i].stats;
        sums.playing += rows->items[i].state == FV_CAMERA_PLAYING;
        sums.units += stats->access_units;
        sums.keys += stats->keyframes;
        sums.packets += stats->packets;
        sums.bytes += stats->bytes;
        sums.lost += stats->lost;
        sums.reordered += stats->reordered;
        sums.reconnects += stats->reconnects;
    }
    return sums;
}

void fv_ingest_live_line(const struct fv_ingest_rows *rows, double uptime_s, double rate)
{
    struct sums sums = sum_up(rows);
    printf("\r%.0f s: %zu of %zu cameras play, %.1f pictures/s, %" PRIu64 " in all, %" PRIu64
           " packets lost, %" PRIu64 " reconnects\x1b[K",
           uptime_s, sums.playing, rows->count, rate, sums.units, sums.lost, sums.reconnects);
    fflush(stdout);
}

/* --- JSON --- */

static json_t *camera_json(const struct fv_ingest_row *row)
{
    const struct fv_receiver_stats *stats = &row->stats;
    int64_t first = atomic_load(&row->first_unit);
    json_t *first_ms =
        first == FV_TIME_UNKNOWN ? json_null() : json_real((double)(first / 1000) / 1000);
    return json_pack("{s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "url",
                     fv_tool_json_text(row->plain), "state", fv_camera_state_name(row->state),
                     "access_units", (json_int_t)stats->access_units, "keyframes",
                     (json_int_t)stats->keyframes, "bytes", (json_int_t)stats->bytes, "packets",
                     (json_int_t)stats->packets, "lost", (json_int_t)stats->lost, "reordered",
                     (json_int_t)stats->reordered, "reconnects", (json_int_t)stats->reconnects,
                     "first_au_ms", first_ms);
}

int fv_ingest_print_json(const struct fv_ingest_rows *rows, double cpu_s, double wall_s)
{
    json_t *cameras = json_array();
    bool good = cameras;
    for (size_t i = 0; good && i < rows->count; i++)
        good = json_array_append_new(cameras, camera_json(&rows->items[i])) == 0;
    json_t *root = json_pack("{s:o, s:f, s:f}", "cameras", cameras, "cpu_s", cpu_s, "wall_s",
                             wall_s); /* takes `cameras`, also when it fails */
    good = good && root && json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0;
    if (good)
        putchar('\n');
    fflush(stdout);
    json_decref(root);
    return good ? 0 : -ENOMEM;
}

/* --- The table --- */

static void print_row(const struct fv_ingest_row *row, double wall_s)
{
    const struct fv_receiver_stats *stats = &row->stats;
    char first[32] = "-";
    int64_t first_unit = atomic_load(&row->first_unit);
    if (first_unit != FV_TIME_UNKNOWN)
        snprintf(first, sizeof(first), "%.0f", (double)first_unit / 1e6);
    printf("%-40.40s %-11s %9" PRIu64 " %8" PRIu64 " %8.2f %8" PRIu64 " %8" PRIu64 " %9s\n",
           row->plain, fv_camera_state_name(row->state), stats->access_units, stats->keyframes,
           wall_s > 0 ? (double)stats->bytes * 8 / wall_s / 1e6 : 0, stats->lost, stats->reconnects,
           first);
    if (row->state != FV_CAMERA_PLAYING && stats->failures)
        printf("    %s\n", stats->reason);
}

void fv_ingest_print_table(const struct fv_ingest_rows *rows, double cpu_s, double wall_s)
{
    struct sums sums = sum_up(rows);
    size_t shown = rows->count < TABLE_ROWS ? rows->count : TABLE_ROWS;
    printf("%-40s %-11s %9s %8s %8s %8s %8s %9s\n", "CAMERA", "STATE", "PICTURES", "KEY", "MBIT/S",
           "LOST", "RECONN", "FIRST MS");
    for (size_t i = 0; i < shown; i++)
        print_row(&rows->items[i], wall_s);
    if (shown < rows->count)
        printf("... and %zu more\n", rows->count - shown);
    printf("%zu of %zu cameras played at the end: %" PRIu64 " access units, %" PRIu64
           " packets, %.1f MB, %" PRIu64 " packets lost, %" PRIu64
           " reconnects in %.1f s; %.3f s of CPU\n",
           sums.playing, rows->count, sums.units, sums.packets, (double)sums.bytes / 1e6, sums.lost,
           sums.reconnects, wall_s, cpu_s);
    fflush(stdout);
}
