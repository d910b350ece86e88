// SPDX-License-Identifier: Apache-2.0
/* Cameras that are well: playing, coming, going, recovering; and scarce memory and descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ingest/tail.h"
#include "ingest/test_bed.h"

static const struct fake_params well = {0};

static void assert_way(uint32_t id, const enum fv_camera_state *way, unsigned count)
{
    const struct bed_camera *camera = &bed.cameras[id];
    enum fv_camera_state from = FV_CAMERA_DISABLED;
    assert_true(camera->event_count >= count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(camera->events[i].from, from);
        assert_int_equal(camera->events[i].to, way[i]);
        assert_string_equal(camera->events[i].camera_name, "cam");
        assert_int_equal(camera->events[i].code, 0);
        assert_true(camera->reasons[i][0]);
        from = way[i];
    }
}

static void test_plays(void **state)
{
    static const enum fv_camera_state way[] = {FV_CAMERA_WAITING, FV_CAMERA_CONNECTING,
                                               FV_CAMERA_NEGOTIATING, FV_CAMERA_BUFFERING,
                                               FV_CAMERA_PLAYING};
    struct fake_camera fake;
    fake_camera_start(&fake, &well);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(fake.url);
    uint32_t id = bed_add(&params);
    assert_int_equal(id, 0);
    struct fv_camera_stats stats = bed_stats_from(id, 30);
    assert_int_equal(stats.state, FV_CAMERA_PLAYING);
    assert_int_equal(stats.codec, FV_CODEC_H264);
    assert_int_equal(stats.width, 320);
    assert_int_equal(stats.height, 240);
    assert_true(stats.keyframes >= 6);
    assert_true(stats.packets > stats.access_units);
    assert_true(stats.bytes > stats.access_units * 500);
    assert_int_equal(stats.lost + stats.invalid + stats.refused + stats.damaged, 0);
    assert_int_equal(stats.attempts, 1);
    assert_int_equal(stats.connects, 1);
    assert_int_equal(stats.reconnects, 0);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(stats.retry_at, FV_TIME_UNKNOWN);
    assert_true(stats.first_au > 0 && stats.first_au < 60 * FV_S);
    assert_true(isnan(stats.drift_ppm));
    fv_ingest_stop(bed.ingest);
    fv_ingest_stop(bed.ingest); /* twice is harmless */
    assert_way(id, way, 5);
    assert_int_equal(bed.cameras[id].event_count, 6);
    assert_int_equal(bed.cameras[id].events[5].to, FV_CAMERA_DISABLED);
    assert_int_equal(bed.cameras[id].first_is_key, 1);
    assert_true(bed.cameras[id].keys * 5 <= bed.cameras[id].pictures + 4);
    assert_int_equal(fv_ingest_start(bed.ingest, NULL), -EPROTO);
    bed_await_count(&fake.teardowns, 1);
    bed_close();
    fake_camera_stop(&fake);
}

/* The next count of these within `limit`; on a machine that is late itself, one of the next ones. */
static void assert_within(atomic_uint *counter, int64_t limit)
{
    int64_t start = fv_now(), end = start;
    for (int i = 0; i < 3; i++) {
        bed_await_count(counter, *counter + 1);
        end = fv_now();
        if (end - start < limit)
            return;
        start = end;
    }
    fail_msg("%lld ms", (long long)((end - start) / FV_MS));
}

/* RTCP reports within 5 s, keepalives within the session's time, and the camera plays on. */
static void test_keeps_alive(void **state)
{
    struct fake_params hurry = {.session_s = 6, .interval_ms = 40};
    struct fake_camera fake;
    fake_camera_start(&fake, &hurry);
    bed_open(10 * FV_MS);
    struct fv_camera_params params = bed_params(fake.url);
    uint32_t id = bed_add(&params);
    bed_await(id, bed_has_pictures, 1);
    assert_within(&fake.keepalives, 6 * FV_S);
    if (fake.reports == 0)
        assert_within(&fake.reports, 5500 * FV_MS);
    assert_int_equal(bed_stats(id).failures, 0);
    bed_close();
    fake_camera_stop(&fake);
}

/* A camera by name, and one whose bytes come in pieces, and one with packets of nearly 64 KiB. */
static void test_shapes_of_bytes(void **state)
{
    static const struct {
        size_t slice, chunk;
    } table[] = {{500, 0}, {500, 1}, {3000, 7}, {65500, 0}, {65500, 10000}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct fake_params sizes = {.slice = table[i].slice, .chunk = table[i].chunk};
        struct fake_camera fake;
        fake_camera_start(&fake, &sizes);
        bed_open(i % 2 ? 5 * FV_MS : 0);
        struct fv_camera_params params = bed_params(fake.url);
        snprintf(params.url.host, sizeof(params.url.host), "localhost");
        uint32_t id = bed_add(&params);
        struct fv_camera_stats stats = bed_stats_from(id, 20);
        assert_int_equal(bed_look(id).events[1].to, FV_CAMERA_RESOLVING);
        assert_int_equal(stats.lost + stats.invalid + stats.damaged, 0);
        assert_int_equal(stats.connects, 1);
        bed_close();
        fake_camera_stop(&fake);
    }
}

static void test_recovers(void **state)
{
    static const struct fake_params sick[] = {
        {.at = FAKE_OPTIONS, .fault = FAKE_CLOSE, .sick = 2},
        {.at = FAKE_DESCRIBE, .fault = FAKE_MUTE, .sick = 2},
        {.at = FAKE_MEDIA, .fault = FAKE_CLOSE, .pictures = 4, .sick = 2},
        {.at = FAKE_MEDIA, .fault = FAKE_MUTE, .pictures = 4, .sick = 2},
    };
    for (size_t i = 0; i < sizeof(sick) / sizeof(sick[0]); i++) {
        struct fake_camera fake;
        fake_camera_start(&fake, &sick[i]);
        bed_open(FV_MS);
        struct fv_camera_params params = bed_params(fake.url);
        params.request_timeout = params.stall_timeout = 400 * FV_MS;
        uint32_t id = bed_add(&params);
        bool played = sick[i].at == FAKE_MEDIA;
        bed_await(id, bed_failed, 2);
        bed_await(id, bed_has_pictures, 30);
        assert_true(fake.connections >= 3);
        fv_ingest_stop(bed.ingest);
        struct fv_camera_stats stats = bed_stats(id);
        assert_in_range(stats.attempts - stats.failures, 0, 1); /* 0: between two, by accident */
        assert_int_equal(stats.reconnects, stats.connects - 1);
        assert_true(stats.connects >= (played ? 3 : 1));
        /* Each connection's timeline is an epoch of its own. */
        assert_true(bed.cameras[id].epoch >= (played ? 2 : 0));
        bed_close();
        fake_camera_stop(&fake);
    }
}

static void test_sick_neighbour(void **state)
{
    static const struct fake_params sick[] = {
        {.at = FAKE_OPTIONS, .fault = FAKE_CLOSE},
        {.at = FAKE_PLAY, .fault = FAKE_GARBAGE},
        {.at = FAKE_MEDIA, .fault = FAKE_GARBAGE, .pictures = 2},
        {.at = FAKE_MEDIA, .fault = FAKE_CLOSE},
    };
    struct fake_camera good, bad[4];
    fake_camera_start(&good, &well);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(good.url);
    uint32_t id = bed_add(&params), ids[4];
    for (size_t i = 0; i < 4; i++) {
        fake_camera_start(&bad[i], &sick[i]);
        params = bed_params(bad[i].url);
        params.backoff.maximum = 50 * FV_MS;
        ids[i] = bed_add(&params);
    }
    bed_await(ids[0], bed_failed, 5);
    bed_await(ids[3], bed_failed, 5);
    bed_await(id, bed_has_pictures, 100);
    fv_ingest_stop(bed.ingest);
    struct fv_camera_stats stats = bed_stats(id);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(stats.lost + stats.invalid + stats.damaged + stats.skipped, 0);
    assert_int_equal(stats.access_units, bed.cameras[id].pictures);
    bed_close();
    for (size_t i = 0; i < 4; i++)
        fake_camera_stop(&bad[i]);
    fake_camera_stop(&good);
}

/* A pause of our own is no silence of the cameras. Their own limit holds only around it, since they may be late themselves. */
static void test_own_pause(void **state)
{
    enum { COUNT = 3 };
    const struct fake_params slow = {.interval_ms = 20};
    struct fake_camera fake;
    uint32_t ids[COUNT];
    fake_camera_start(&fake, &slow);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(fake.url);
    params.stall_timeout = 60 * FV_S;
    for (size_t i = 0; i < COUNT; i++)
        ids[i] = bed_add(&params);
    for (size_t i = 0; i < COUNT; i++)
        bed_await(ids[i], bed_has_pictures, 10);
    params.stall_timeout = 2 * FV_S;
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(fv_ingest_change(bed.ingest, ids[i], &params), 0);
        bed_await(ids[i], bed_has_pictures, bed_look(ids[i]).pictures + 1);
    }
    bed.block_us = 2500000;
    for (int i = 0; i < 12000 && bed.block_us; i++)
        usleep(5000);
    for (size_t i = 0; i < COUNT; i++)
        bed_await(ids[i], bed_has_pictures, bed_look(ids[i]).pictures + 2);
    for (size_t i = 0; i < COUNT; i++)
        bed_assert_well(ids[i]);
    bed_close();
    fake_camera_stop(&fake);
}

static void test_come_and_go(void **state)
{
    struct fake_camera fake;
    fake_camera_start(&fake, &well);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(fake.url);
    uint32_t stay[2] = {bed_add(&params), bed_add(&params)};
    bed_await(stay[0], bed_has_pictures, 5);
    bed_await(stay[1], bed_has_pictures, 5);
    unsigned before = bed_descriptors();
    for (unsigned i = 0; i < 100; i++) {
        uint32_t id = bed_add(&params);
        assert_int_equal(id, i + 2); /* never used twice */
        if (i % 3 == 0)
            bed_await(id, bed_has_pictures, 1);
        assert_int_equal(fv_ingest_remove(bed.ingest, id), 0);
        unsigned pictures = bed.cameras[id].pictures, events = bed.cameras[id].event_count;
        assert_int_equal(bed.cameras[id].state, FV_CAMERA_DISABLED);
        assert_int_equal(fv_ingest_remove(bed.ingest, id), -ENOENT);
        struct fv_camera_stats stats;
        assert_int_equal(fv_ingest_stats(bed.ingest, id, &stats), -ENOENT);
        fv_ingest_await_key(bed.ingest, id); /* nobody: harmless */
        /* No callback after the return. */
        assert_int_equal(bed.cameras[id].pictures, pictures);
        assert_int_equal(bed.cameras[id].event_count, events);
    }
    /* The fake's own ends close with a delay. */
    for (int i = 0; i < 12000 && bed_descriptors() > before; i++)
        usleep(5000);
    assert_true(bed_descriptors() <= before);
    fv_ingest_stop(bed.ingest);
    for (size_t i = 0; i < 2; i++) {
        struct fv_camera_stats stats = bed_stats(stay[i]);
        assert_int_equal(stats.failures, 0);
        assert_int_equal(stats.lost + stats.invalid + stats.damaged + stats.skipped, 0);
        assert_int_equal(stats.access_units, bed.cameras[stay[i]].pictures);
    }
    bed_close();
    fake_camera_stop(&fake);
}

static void test_consumer_without_room(void **state)
{
    struct fake_camera fake;
    fake_camera_start(&fake, &well);
    bed_open(FV_MS);
    struct fv_camera_params params = bed_params(fake.url);
    uint32_t id = bed_add(&params);
    bed_await(id, bed_has_pictures, 8);
    for (unsigned round = 1; round <= 5; round++) {
        pthread_mutex_lock(&bed.lock);
        bed.cameras[id].refuse = 1;
        unsigned now = bed.cameras[id].pictures;
        pthread_mutex_unlock(&bed.lock);
        bed_await(id, bed_has_pictures, now + 7);
    }
    fv_ingest_stop(bed.ingest);
    struct fv_camera_stats stats = bed_stats(id);
    assert_int_equal(bed.cameras[id].wrong, 0);
    assert_true(stats.refused >= 5);
    assert_true(stats.skipped + stats.refused > 5);
    assert_int_equal(stats.failures, 0);
    bed_close();
    fake_camera_stop(&fake);
}

static void test_await_key(void **state)
{
    struct fake_params slow = {.interval_ms = 20};
    struct fake_camera fake;
    fake_camera_start(&fake, &slow);
    bed_open(0);
    struct fv_camera_params params = bed_params(fake.url);
    uint32_t id = bed_add(&params);
    struct fv_camera_stats stats = bed_stats_from(id, 3);
    /* When the key picture is the next one anyway, nothing is skipped: then once more. */
    for (int i = 0; i < 100 && stats.skipped == 0; i++) {
        fv_ingest_await_key(bed.ingest, id);
        stats = bed_stats_from(id, bed_look(id).pictures + 3);
    }
    assert_true(stats.skipped >= 1 && stats.skipped <= 4);
    bed_close();
    fake_camera_stop(&fake);
}

static void test_before_start(void **state)
{
    struct fv_ingest_params params = {.connect_rate = 10, .connects_per_host = 1};
    struct fv_ingest *ingest = NULL;
    struct fv_error err;
    assert_int_equal(fv_ingest_create(&params, &ingest, &err), -EINVAL);
    assert_true(err.text[0]);
    bed_open(0);
    params.handler.au = (bool (*)(void *, const struct fv_au *))(void *)bed_open; /* never called */
    assert_int_equal(fv_ingest_create(&params, &ingest, &err), 0);
    struct fv_camera_params camera = bed_params("rtsp://127.0.0.1:1/");
    uint32_t a = 9, b = 9;
    assert_int_equal(fv_ingest_add(ingest, &camera, &a), 0);
    assert_int_equal(fv_ingest_add(ingest, &camera, &b), 0);
    assert_int_equal(a, 0);
    assert_int_equal(b, 1);
    struct fv_camera_stats stats;
    assert_int_equal(fv_ingest_stats(ingest, b, &stats), 0);
    assert_int_equal(stats.state, FV_CAMERA_DISABLED);
    assert_int_equal(fv_ingest_remove(ingest, a), 0);
    assert_int_equal(fv_ingest_stats(ingest, a, &stats), -ENOENT);
    assert_int_equal(fv_ingest_stats(ingest, b, &stats), 0);
    fv_ingest_destroy(ingest); /* never started; one camera is still in it */
    fv_ingest_destroy(NULL);
    bed_close();
}

/* Held: known, but no attempt is made before it is released. It is called by its number. */
static void test_held(void **state)
{
    struct fake_camera fake;
    fake_camera_start(&fake, &well);
    bed_open(0);
    struct fv_camera_params params = bed_params(fake.url);
    params.held = true;
    params.number = 5;
    uint32_t id = bed_add(&params), gone = bed_add(&params);
    assert_int_equal(id, 0);
    assert_int_equal(fv_ingest_remove(bed.ingest, gone), 0);
    assert_int_equal(fv_ingest_release(bed.ingest, gone), -ENOENT);
    assert_int_equal(bed_stats(id).state, FV_CAMERA_DISABLED);
    assert_int_equal(bed_stats(id).attempts, 0);
    assert_int_equal(fv_ingest_release(bed.ingest, id), 0);
    assert_int_equal(fv_ingest_release(bed.ingest, id), 0);
    bed_await(5, bed_has_pictures, 3);
    assert_int_equal(bed_stats(id).attempts, 1);
    assert_int_equal(bed.cameras[id].pictures, 0);
    assert_int_equal(fv_ingest_remove(bed.ingest, id), 0);
    bed_close();
    fake_camera_stop(&fake);
}

/* The loop's next wait fails: something else takes the place of its epoll descriptor. */
static void break_epoll(void)
{
    int other = open("/dev/null", O_RDONLY), found = -1;
    for (int fd = 0; fd < 1024 && found < 0; fd++) {
        char path[40], target[40] = "";
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof(target) - 1) > 0 &&
            strcmp(target, "anon_inode:[eventpoll]") == 0)
            found = fd;
    }
    assert_true(found >= 0);
    assert_int_equal(dup2(other, found), found);
    close(other);
}

/* The thread dies while one camera plays and another one has just come and shall go again. */
static void test_thread_dies(void **state)
{
    struct fake_camera fake;
    fake_camera_start(&fake, &well);
    bed_open(0);
    struct fv_camera_params params = bed_params(fake.url);
    uint32_t plays = bed_add(&params);
    bed_await(plays, bed_has_pictures, 5);
    bed.block_us = 300000;
    for (int i = 0; i < 60000 && bed.block_us; i++)
        usleep(1000);
    break_epoll();
    uint32_t goes = bed_add(&params);
    assert_int_equal(fv_ingest_remove(bed.ingest, goes), 0);
    bed_await(plays, bed_in_state, FV_CAMERA_DISABLED);
    const char *reason = bed.cameras[plays].reasons[bed.cameras[plays].event_count - 1];
    assert_non_null(strstr(reason, "the network thread ended: "));
    assert_int_equal(bed.cameras[goes].event_count, 0);
    uint32_t late = bed_add(&params); /* a neighbour of the one that went */
    assert_int_equal(bed_stats(late).state, FV_CAMERA_DISABLED);
    assert_int_equal(fv_ingest_remove(bed.ingest, late), 0);
    bed_close();
    fake_camera_stop(&fake);
}

static void test_bad_params(void **state)
{
    bed_open(0);
    struct fv_camera_params good = bed_params("rtsp://127.0.0.1:1/"), p;
    uint32_t id = 77;
    p = good, p.stall_timeout = 0;
    assert_int_equal(fv_ingest_add(bed.ingest, &p, &id), -EINVAL);
    p = good, p.backoff.factor = 0;
    assert_int_equal(fv_ingest_add(bed.ingest, &p, &id), -EINVAL);
    p = good, p.url.host[0] = 0;
    assert_int_equal(fv_ingest_add(bed.ingest, &p, &id), -EINVAL);
    p = bed_params("rtsps://127.0.0.1:1/"), p.transport = FV_TRANSPORT_UDP;
    assert_int_equal(fv_ingest_add(bed.ingest, &p, &id), -ENOTSUP);
    p.transport = FV_TRANSPORT_TCP, strcpy(p.tls_ca_file, "/does/not/exist.pem");
    assert_int_equal(fv_ingest_add(bed.ingest, &p, &id), -ENOENT);
    strcpy(p.tls_ca_file, "/dev/null");
    assert_int_equal(fv_ingest_add(bed.ingest, &p, &id), -EBADMSG);
    assert_int_equal(id, 77);
    bed_close();
}

/* --- What is scarce. --- */

static void test_create_without_memory(void **state)
{
    struct fv_ingest_params params = {
        .connect_rate = 10,
        .connects_per_host = 1,
        .handler.au = bed_ignore_picture,
    };
    struct fv_ingest *ingest = NULL;
    unsigned n = 0;
    for (;;) {
        fv_alloc_fail_at(++n);
        int ret = fv_ingest_create(&params, &ingest, NULL);
        if (fv_alloc_fail_pending()) {
            assert_int_equal(ret, 0);
            break;
        }
        assert_int_equal(ret, -ENOMEM);
        assert_null(ingest);
    }
    assert_true(n > 4);
    fv_alloc_fail_at(0);
    struct fv_camera_params camera = bed_params("rtsp://127.0.0.1:1/");
    uint32_t id = 77;
    for (n = 1;; n++) {
        fv_alloc_fail_at(n);
        int ret = fv_ingest_add(ingest, &camera, &id);
        if (fv_alloc_fail_pending()) {
            assert_int_equal(ret, 0);
            break;
        }
        assert_int_equal(ret, -ENOMEM);
        assert_int_equal(id, 77);
    }
    assert_true(n > 2);
    fv_alloc_fail_at(0);
    assert_int_equal(id, 0);
    fv_ingest_destroy(ingest);
}

/* Whichever allocation of an attempt fails: the camera plays in the end, and nothing leaks. */
static void test_connects_without_memory(void **state)
{
    struct fake_camera fake;
    fake_camera_start(&fake, &well);
    bed_open(0);
    struct fv_camera_params params = bed_params(fake.url);
    snprintf(params.url.host, sizeof(params.url.host), "localhost");
    unsigned failures = 0;
    for (unsigned n = 1; n <= 12; n++) {
        uint32_t id = bed_add(&params);
        fv_alloc_fail_at(n);
        bed_await(id, bed_has_pictures, 1);
        fv_alloc_fail_at(0);
        failures += bed_failure(id, 0).code < 0;
        assert_int_equal(fv_ingest_remove(bed.ingest, id), 0);
    }
    assert_true(failures >= 2);
    bed_close();
    fake_camera_stop(&fake);
}

static void test_no_descriptors_left(void **state)
{
    /* The camera runs in the same process: it connects to a listener that was opened before. */
    struct fake_camera fake;
    struct rlimit limit, none;
    fake_camera_start(&fake, &well);
    bed_open(0);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    struct fv_camera_params params = bed_params(fake.url);
    uint32_t id = bed_add(&params);
    bed_await(id, bed_failed, 3);
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(bed_failure(id, 0).code, -EMFILE);
    bed_await(id, bed_has_pictures, 1);
    bed_close();
    fake_camera_stop(&fake);
}

static void test_tail(void **state)
{
    static uint8_t data[300000], out[300000];
    struct fv_tail tail = {0};
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    static const size_t sizes[] = {1, 0, 2048, 2049, 65539, 10, 300000, 5};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(fv_tail_keep(&tail, data, sizes[i]), 0);
        assert_int_equal(fv_tail_take(&tail, out), sizes[i]);
        assert_memory_equal(out, data, sizes[i]);
        assert_int_equal(fv_tail_take(&tail, out), 0);
    }
    assert_true(tail.capacity <= 2048); /* the long message's memory was given back */
    fv_alloc_fail_at(1);
    assert_int_equal(fv_tail_keep(&tail, data, 100000), -ENOMEM);
    assert_int_equal(tail.size, 0);
    fv_tail_finish(&tail);
    fv_tail_finish(&tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail),
        cmocka_unit_test(test_plays),
        cmocka_unit_test(test_keeps_alive),
        cmocka_unit_test(test_shapes_of_bytes),
        cmocka_unit_test(test_recovers),
        cmocka_unit_test(test_sick_neighbour),
        cmocka_unit_test(test_own_pause),
        cmocka_unit_test(test_come_and_go),
        cmocka_unit_test(test_consumer_without_room),
        cmocka_unit_test(test_await_key),
        cmocka_unit_test(test_before_start),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_thread_dies),
        cmocka_unit_test(test_bad_params),
        cmocka_unit_test(test_create_without_memory),
        cmocka_unit_test(test_connects_without_memory),
        cmocka_unit_test(test_no_descriptors_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
