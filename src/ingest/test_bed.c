// SPDX-License-Identifier: Apache-2.0
#include "ingest/test_bed.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct bed bed;

static bool on_au(void *data, const struct fv_au *au)
{
    struct bed *self = data;
    bool key = au->flags & FV_FRAME_KEY, room = true;
    usleep(atomic_exchange(&self->block_us, 0));
    pthread_mutex_lock(&self->lock);
    struct bed_camera *camera = &self->cameras[au->camera % BED_CAMERAS];
    camera->first_is_key += camera->pictures == 0 && key;
    camera->wrong += camera->after_refusal && !key;
    camera->after_refusal = false;
    if (camera->refuse) {
        camera->refuse--;
        camera->after_refusal = true;
        room = false;
    }
    camera->pictures++;
    camera->keys += key;
    camera->epoch = au->epoch;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    return room;
}

static void on_state(void *data, const struct fv_camera_event *event)
{
    struct bed *self = data;
    pthread_mutex_lock(&self->lock);
    struct bed_camera *camera = &self->cameras[event->camera % BED_CAMERAS];
    if (camera->event_count < BED_EVENTS) {
        unsigned n = camera->event_count++;
        camera->events[n] = *event;
        snprintf(camera->reasons[n], sizeof(camera->reasons[n]), "%s", event->reason);
    }
    camera->state = event->to;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

void bed_open(int64_t gather)
{
    struct fv_ingest_params params = {
        .gather = gather,
        .connect_rate = 1000,
        .connects_per_host = 100,
        .handler = {.au = on_au, .state = on_state, .data = &bed},
    };
    struct fv_error err;
    if (bed.ingest) { /* its threads and its cameras' are still there */
        print_error("the test before this one failed: the others need a process of their own\n");
        _exit(1);
    }
    memset(&bed, 0, sizeof(bed));
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&bed.lock, NULL);
    pthread_cond_init(&bed.changed, &clock);
    pthread_condattr_destroy(&clock);
    assert_int_equal(fv_ingest_create(&params, &bed.ingest, &err), 0);
    assert_int_equal(fv_ingest_start(bed.ingest, &err), 0);
}

void bed_close(void)
{
    fv_ingest_destroy(bed.ingest);
    bed.ingest = NULL;
    pthread_cond_destroy(&bed.changed);
    pthread_mutex_destroy(&bed.lock);
}

struct fv_camera_params bed_params(const char *url)
{
    struct fv_camera_params params;
    fv_camera_defaults(&params);
    snprintf(params.name, sizeof(params.name), "cam");
    assert_int_equal(fv_url_parse(url, &params.url, NULL), 0);
    params.connect_timeout = params.request_timeout = params.first_packet_timeout = 50 * FV_S;
    params.first_key_timeout = params.stall_timeout = 50 * FV_S;
    params.backoff.initial = 20 * FV_MS;
    params.backoff.jitter = 0;
    return params;
}

uint32_t bed_add(const struct fv_camera_params *params)
{
    uint32_t id = 0;
    assert_int_equal(fv_ingest_add(bed.ingest, params, &id), 0);
    return id;
}

bool bed_in_state(const struct bed_camera *camera, unsigned state)
{
    return (unsigned)camera->state == state;
}

bool bed_has_pictures(const struct bed_camera *camera, unsigned n)
{
    return camera->pictures >= n;
}

bool bed_has_events(const struct bed_camera *camera, unsigned n)
{
    return camera->event_count >= n;
}

bool bed_failed(const struct bed_camera *camera, unsigned n)
{
    unsigned failures = 0;
    for (unsigned i = 0; i < camera->event_count; i++)
        failures += camera->events[i].code < 0;
    return failures >= n;
}

static struct timespec in_60_s(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 60;
    return until;
}

void bed_await(uint32_t id, bool (*holds)(const struct bed_camera *, unsigned), unsigned n)
{
    struct timespec until = in_60_s();
    int late = 0;
    pthread_mutex_lock(&bed.lock);
    struct bed_camera *camera = &bed.cameras[id % BED_CAMERAS];
    while (!late && !holds(camera, n))
        late = pthread_cond_timedwait(&bed.changed, &bed.lock, &until);
    bool held = holds(camera, n);
    unsigned last = camera->event_count ? camera->event_count - 1 : 0;
    char text[400];
    snprintf(text, sizeof(text), "camera %u: %s, %u events, %u pictures, last: %s", id,
             fv_camera_state_name(camera->state), camera->event_count, camera->pictures,
             camera->reasons[last]);
    pthread_mutex_unlock(&bed.lock);
    if (!held)
        fail_msg("waited in vain: %s", text);
}

struct fv_camera_stats bed_stats(uint32_t id)
{
    struct fv_camera_stats stats;
    assert_int_equal(fv_ingest_stats(bed.ingest, id, &stats), 0);
    return stats;
}

struct fv_camera_stats bed_stats_from(uint32_t id, uint64_t access_units)
{
    struct fv_camera_stats stats = bed_stats(id);
    for (int i = 0; i < 12000 && stats.access_units < access_units; i++) {
        usleep(5000);
        stats = bed_stats(id);
    }
    assert_true(stats.access_units >= access_units);
    return stats;
}

struct bed_camera bed_look(uint32_t id)
{
    pthread_mutex_lock(&bed.lock);
    struct bed_camera copy = bed.cameras[id % BED_CAMERAS];
    pthread_mutex_unlock(&bed.lock);
    return copy;
}

struct fv_camera_event bed_failure(uint32_t id, unsigned n)
{
    struct fv_camera_event found = {.reason = ""};
    pthread_mutex_lock(&bed.lock);
    struct bed_camera *camera = &bed.cameras[id % BED_CAMERAS];
    for (unsigned i = 0; i < camera->event_count; i++) {
        if (camera->events[i].code >= 0 || n-- > 0)
            continue;
        found = camera->events[i];
        found.reason = camera->reasons[i];
        break;
    }
    pthread_mutex_unlock(&bed.lock);
    return found;
}

void bed_assert_well(uint32_t id)
{
    struct fv_camera_event event = bed_failure(id, 0);
    if (event.code < 0)
        fail_msg("%s", event.reason);
}

void bed_await_count(atomic_uint *counter, unsigned n)
{
    for (int i = 0; i < 12000 && *counter < n; i++)
        usleep(5000);
    assert_true(*counter >= n);
}

unsigned bed_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

bool bed_ignore_picture(void *data, const struct fv_au *au)
{
    (void)data, (void)au;
    return true;
}
