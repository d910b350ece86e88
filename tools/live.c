// SPDX-License-Identifier: Apache-2.0
#include "live.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct fv_live {
    FILE *out;
    bool terminal;
    unsigned drawn; /* lines of the last table, on a terminal */
    int64_t at;     /* uptime of the last table, ns */
    uint32_t cameras;
    uint64_t *analysed; /* by camera, at the last table */
};

struct fv_live *fv_live_create(FILE *out, uint32_t cameras)
{
    struct fv_live *live = calloc(1, sizeof(*live));
    if (!live || !fv_live_resize(live, cameras)) {
        free(live);
        return NULL;
    }
    live->out = out;
    live->terminal = isatty(fileno(out));
    return live;
}

bool fv_live_resize(struct fv_live *live, uint32_t cameras)
{
    uint64_t *analysed = realloc(live->analysed, (cameras + 1u) * sizeof(analysed[0]));
    if (!analysed)
        return false;
    for (uint32_t i = live->cameras; i < cameras; i++)
        analysed[i] = 0;
    live->analysed = analysed;
    live->cameras = cameras;
    return true;
}

void fv_live_leave(struct fv_live *live)
{
    live->drawn = 0;
}

void fv_live_destroy(struct fv_live *live)
{
    if (live)
        free(live->analysed);
    free(live);
}

bool fv_live_terminal(const struct fv_live *live)
{
    return live->terminal;
}

/* Lines that fit on the terminal, so that the table never scrolls away from under the cursor. */
static unsigned room(const struct fv_live *live)
{
    struct winsize size;
    if (!live->terminal || ioctl(fileno(live->out), TIOCGWINSZ, &size) < 0 || size.ws_row < 8)
        return live->terminal ? 24 : UINT32_MAX;
    return size.ws_row;
}

static void line(struct fv_live *live, const char *text)
{
    fprintf(live->out, "%s%s\n", text, live->terminal ? "\x1b[K" : "");
    live->drawn++;
}

static double ms(int64_t ns)
{
    return (double)ns / 1e6;
}

static void camera_line(struct fv_live *live, const struct fv_engine_camera *camera, double fps)
{
    char text[400], age[32] = "-";
    if (camera->analysed)
        snprintf(age, sizeof(age), "%.0f / %.0f", ms(camera->age_p50), ms(camera->age_p99));
    int used = snprintf(text, sizeof(text), "%-16.16s %-5s %-11s %6.1f %14s %8u %8llu %8llu %8llu",
                        camera->name, camera->codec, fv_camera_state_name(camera->state), fps, age,
                        camera->persons_now, (unsigned long long)camera->lost_packets,
                        (unsigned long long)(camera->dropped_queue + camera->dropped_decode),
                        (unsigned long long)camera->reconnects);
    if (camera->state != FV_CAMERA_PLAYING && camera->reason[0] && used > 0 &&
        (size_t)used < sizeof(text))
        snprintf(text + used, sizeof(text) - (size_t)used, "  %.60s", camera->reason);
    line(live, text);
}

void fv_live_draw(struct fv_live *live, struct fv_engine *engine, bool last)
{
    struct fv_engine_stats stats;
    fv_engine_stats(engine, &stats);
    double elapsed = (double)(stats.uptime - live->at) / 1e9, total = 0;
    char text[300];
    if (live->terminal && live->drawn)
        fprintf(live->out, "\x1b[%uA", live->drawn);
    live->drawn = 0;
    snprintf(text, sizeof(text), "%-16s %-5s %-11s %6s %14s %8s %8s %8s %8s", "CAMERA", "CODEC",
             "STATE", "FPS", "AGE P50/P99 MS", "PERSONS", "LOST", "DROPPED", "RECONN");
    line(live, text);
    unsigned shown = 0, limit = room(live) - 4;
    for (uint32_t i = 0; i < live->cameras; i++) {
        struct fv_engine_camera camera;
        if (fv_engine_camera(engine, i, &camera) < 0 || camera.state == FV_CAMERA_DISABLED)
            continue;
        uint64_t before =
            camera.analysed < live->analysed[i] ? 0 : live->analysed[i]; /* a new camera */
        double fps = elapsed > 0 ? (double)(camera.analysed - before) / elapsed : 0;
        live->analysed[i] = camera.analysed;
        total += fps;
        if (shown++ < limit || last)
            camera_line(live, &camera, fps);
    }
    if (shown > limit && !last) {
        snprintf(text, sizeof(text), "... and %u more", shown - limit);
        line(live, text);
    }
    snprintf(text, sizeof(text), "%.0f s, %.1f pictures/s, %.1f per batch, %s",
             (double)stats.uptime / 1e9, total,
             stats.batches ? (double)stats.batched / (double)stats.batches : 0, stats.runtime);
    line(live, text);
    fflush(live->out);
    live->at = stats.uptime;
    if (last)
        live->drawn = 0;
}
