// SPDX-License-Identifier: Apache-2.0
/* Cameras get other settings while they and others play. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ingest/test_bed.h"

static const struct fake_params well = {0};

static bool plays_again(const struct bed_camera *camera, unsigned events)
{
    return camera->event_count > events && camera->state == FV_CAMERA_PLAYING;
}

static void assert_undisturbed(uint32_t id)
{
    struct fv_camera_stats stats = bed_stats(id);
    assert_int_equal(stats.attempts, 1);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(stats.lost + stats.invalid + stats.damaged, 0);
}

/* Another address: goodbye to the old camera, at once to the new one, under the same id; the neighbour notices nothing. */
static void test_another_address(void **state)
{
    struct fake_camera old, next;
    fake_camera_start(&old, &well);
    fake_camera_start(&next, &well);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(old.url), other = bed_params(next.url);
    params.backoff.initial = other.backoff.initial = 60 * FV_S; /* a backoff would be noticed */
    uint32_t id = bed_add(&params), neighbour = bed_add(&params);
    bed_await(id, bed_has_pictures, 5);
    bed_await(neighbour, bed_has_pictures, 5);
    unsigned plays = next.plays, events = bed_look(id).event_count;
    uint32_t epoch = bed_look(id).epoch;
    assert_int_equal(fv_ingest_change(bed.ingest, id, &other), 0);
    bed_await(id, plays_again, events + 1);
    bed_await(id, bed_has_pictures, bed_look(id).pictures + 2);
    bed_await_count(&old.teardowns, 1);
    assert_int_equal(next.plays, plays + 1);
    struct bed_camera camera = bed_look(id);
    assert_int_equal(camera.events[events].from, FV_CAMERA_PLAYING);
    assert_int_equal(camera.events[events].to, FV_CAMERA_WAITING);
    assert_int_equal(camera.events[events].code, 0);
    assert_non_null(strstr(camera.reasons[events], "its settings changed"));
    assert_true(camera.epoch > epoch);
    assert_int_equal(camera.wrong, 0);
    struct fv_camera_stats stats = bed_stats(id);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(stats.attempts, 2);
    assert_int_equal(stats.connects, 2);
    assert_undisturbed(neighbour);
    bed_close();
    fake_camera_stop(&old);
    fake_camera_stop(&next);
}

/* Names and limits are taken over without ending the connection; the new limit holds. */
static void test_limits(void **state)
{
    struct fake_params mute = {.at = FAKE_MEDIA, .fault = FAKE_MUTE, .pictures = 100, .sick = 1};
    struct fake_camera fake;
    fake_camera_start(&fake, &mute);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(fake.url);
    params.stall_timeout = 60 * FV_S;
    uint32_t id = bed_add(&params);
    bed_await(id, bed_has_pictures, 1);
    unsigned events = bed_look(id).event_count;
    params.stall_timeout = 300 * FV_MS;
    snprintf(params.name, sizeof(params.name), "door");
    assert_int_equal(fv_ingest_change(bed.ingest, id, &params), 0);
    assert_int_equal(bed_look(id).event_count, events);
    bed_await(id, bed_failed, 1); /* mute behind its hundredth picture */
    assert_string_equal(bed_failure(id, 0).reason, "no packet for 0.3 s");
    assert_true(bed_look(id).events[events].code < 0); /* nothing happened before */
    bed_await(id, plays_again, events + 1);
    bed_close();
    fake_camera_stop(&fake);
}

/* A camera that waits for the end of a long backoff does not, when its address is corrected. */
static void test_out_of_backoff(void **state)
{
    struct fake_camera fake;
    fake_camera_start(&fake, &well);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params("rtsp://127.0.0.1:9/nobody");
    params.backoff.initial = params.backoff.maximum = 60 * FV_S;
    uint32_t id = bed_add(&params);
    bed_await(id, bed_failed, 1);
    params.url = bed_params(fake.url).url;
    assert_int_equal(fv_ingest_change(bed.ingest, id, &params), 0);
    bed_await(id, bed_has_pictures, 1);
    assert_int_equal(bed_stats(id).failures, 1);
    assert_int_equal(bed_stats(id).retry_at, FV_TIME_UNKNOWN);
    bed_close();
    fake_camera_stop(&fake);
}

static void test_refused_changes(void **state)
{
    struct fake_camera fake;
    fake_camera_start(&fake, &well);
    bed_open(FV_MS);
    struct fv_camera_params good = bed_params(fake.url), p = good;
    uint32_t id = bed_add(&good);
    bed_await(id, bed_has_pictures, 1);
    unsigned events = bed_look(id).event_count;
    p.stall_timeout = 0;
    assert_int_equal(fv_ingest_change(bed.ingest, id, &p), -EINVAL);
    p = bed_params("rtsps://127.0.0.1:1/"), strcpy(p.tls_ca_file, "/does/not/exist.pem");
    assert_int_equal(fv_ingest_change(bed.ingest, id, &p), -ENOENT);
    p = bed_params("rtsp://127.0.0.1:1/");
    assert_int_equal(fv_ingest_change(bed.ingest, id + 1, &p), -ENOENT);
    for (unsigned n = 1;; n++) {
        fv_alloc_fail_at(n);
        int ret = fv_ingest_change(bed.ingest, id, &good);
        if (fv_alloc_fail_pending()) {
            assert_int_equal(ret, 0);
            break;
        }
        assert_true(ret == -ENOMEM || ret == 0); /* the other thread may have met it */
    }
    fv_alloc_fail_at(0);
    assert_int_equal(bed_look(id).event_count, events);
    assert_undisturbed(id);
    bed_close();
    fake_camera_stop(&fake);
}

/* Before the start and behind the end it is only written down. */
static void test_not_at_work(void **state)
{
    struct fake_camera fake;
    fake_camera_start(&fake, &well);
    bed_open(FV_MS);
    bed_close();
    struct fv_ingest_params params = {
        .connect_rate = 10,
        .connects_per_host = 1,
        .handler.au = bed_ignore_picture,
    };
    struct fv_ingest *ingest;
    struct fv_camera_params camera = bed_params("rtsp://127.0.0.1:9/nobody");
    struct fv_camera_stats stats;
    uint32_t id;
    assert_int_equal(fv_ingest_create(&params, &ingest, NULL), 0);
    assert_int_equal(fv_ingest_add(ingest, &camera, &id), 0);
    camera.url = bed_params(fake.url).url;
    assert_int_equal(fv_ingest_change(ingest, id, &camera), 0);
    assert_int_equal(fv_ingest_start(ingest, NULL), 0);
    bed_await_count(&fake.connections, 1); /* the new one, at once */
    fv_ingest_stop(ingest);
    assert_int_equal(fv_ingest_change(ingest, id, &camera), 0);
    assert_int_equal(fv_ingest_stats(ingest, id, &stats), 0);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(stats.state, FV_CAMERA_DISABLED);
    fv_ingest_destroy(ingest);
    fake_camera_stop(&fake);
}

/* Over and over, from and to each of two cameras, over TCP and UDP settings, while a neighbour plays. */
static void test_many_changes(void **state)
{
    struct fake_camera cameras[2];
    fake_camera_start(&cameras[0], &well);
    fake_camera_start(&cameras[1], &well);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(cameras[0].url);
    uint32_t id = bed_add(&params), neighbour = bed_add(&params);
    bed_await(neighbour, bed_has_pictures, 1);
    unsigned before = bed_descriptors();
    for (unsigned i = 0; i < 100; i++) {
        params.url = bed_params(cameras[i % 2].url).url;
        params.flag_loss = i / 2 % 2;
        assert_int_equal(fv_ingest_change(bed.ingest, id, &params), 0);
        if (i % 5 == 0)
            bed_await(id, bed_in_state, FV_CAMERA_PLAYING);
    }
    bed_await(id, bed_in_state, FV_CAMERA_PLAYING);
    for (int i = 0; i < 12000 && bed_descriptors() > before; i++)
        usleep(5000); /* the fake's own ends close with a delay */
    assert_true(bed_descriptors() <= before + 2);
    assert_undisturbed(neighbour);
    assert_int_equal(fv_ingest_remove(bed.ingest, id), 0);
    bed_close();
    fake_camera_stop(&cameras[0]);
    fake_camera_stop(&cameras[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_address), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_out_of_backoff),  cmocka_unit_test(test_refused_changes),
        cmocka_unit_test(test_not_at_work),     cmocka_unit_test(test_many_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
