// SPDX-License-Identifier: Apache-2.0
/* The public receiver against the simulator in the same process, over loopback sockets. */
#include "fovea/receiver.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fovea/sim.h"
#include "sim/testkit.h"

#define CAMERAS 4
#define PATIENCE (60 * FV_S)

static char clip_path[] = "/tmp/fovea-receiver-XXXXXX";
static const char *const inputs[] = {clip_path};

static struct {
    struct fv_sim *sim;
    pthread_t thread;
    struct fv_receiver *receiver;
    atomic_uint units[CAMERAS + 1], keys[CAMERAS + 1], wrong, failures;
    atomic_int
        refuse; /* units that are refused from now on; -1 afterwards: the next must be a key */
    char reason[300]; /* of the first failure; read after the receiver stopped */
    _Atomic int code;
} bed;

/* --- The bed --- */

static bool on_unit(void *data, const struct fv_access_unit *unit)
{
    bool key = unit->flags & FV_FRAME_KEY, first = atomic_load(&bed.units[unit->camera]) == 0;
    bool sound = unit->size > 4 && memcmp(unit->data, "\0\0\0\1", 4) == 0 &&
                 strcmp(unit->codec, "h264") == 0 && unit->first_packet <= unit->last_packet &&
                 unit->data[unit->size + FV_RECEIVER_PADDING - 1] == 0 && (!first || key);
    int refuse = atomic_load(&bed.refuse);
    atomic_fetch_add(&bed.wrong, !sound || (refuse < 0 && !key));
    atomic_fetch_add(&bed.units[unit->camera], 1);
    atomic_fetch_add(&bed.keys[unit->camera], key);
    if (refuse < 0)
        atomic_store(&bed.refuse, 0);
    if (refuse <= 0)
        return true;
    atomic_store(&bed.refuse, -1);
    return false;
}

static void on_state(void *data, const struct fv_camera_event *event)
{
    if (event->code >= 0 || event->code == -ECANCELED)
        return;
    if (atomic_fetch_add(&bed.failures, 1) == 0) {
        snprintf(bed.reason, sizeof(bed.reason), "%s", event->reason);
        atomic_store(&bed.code, event->code);
    }
}

static void *serve(void *data)
{
    fv_sim_run(bed.sim);
    return NULL;
}

static void open_bed(bool login, bool count_only)
{
    memset(&bed, 0, sizeof(bed));
    struct fv_sim_params sim = {.listen = "127.0.0.1:0",
                                .inputs = inputs,
                                .input_count = 1,
                                .cameras = CAMERAS,
                                .fps = 30,
                                .seed = 3,
                                .user = login ? "admin" : NULL,
                                .password = login ? "right-secret" : NULL};
    struct fv_receiver_params params = {.access_unit = count_only ? NULL : on_unit,
                                        .state = on_state,
                                        .connect_rate = 1000,
                                        .connects_per_host = 100};
    struct fv_error err;
    assert_int_equal(fv_sim_open(&sim, &bed.sim, &err), 0);
    assert_int_equal(pthread_create(&bed.thread, NULL, serve, NULL), 0);
    assert_int_equal(fv_receiver_open(&params, &bed.receiver, &err), 0);
    assert_int_equal(fv_receiver_start(bed.receiver, &err), 0);
}

static void close_bed(void)
{
    fv_receiver_close(bed.receiver);
    fv_sim_stop(bed.sim);
    pthread_join(bed.thread, NULL);
    fv_sim_close(bed.sim);
    assert_int_equal(bed.wrong, 0);
}

static uint32_t add(unsigned camera, const char *login)
{
    char url[200];
    struct fv_error err;
    uint32_t id;
    snprintf(url, sizeof(url), "rtsp://%s127.0.0.1:%u/cam%u", login, fv_sim_port(bed.sim), camera);
    struct fv_receiver_camera params = {.url = url, .transport = FV_RECEIVER_TCP};
    assert_int_equal(fv_receiver_add(bed.receiver, &params, &id, &err), 0);
    return id;
}

/* Between two looks: under valgrind one thread runs at a time, and a loop without this starves the others. */
static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static void await(const atomic_uint *counter, unsigned n)
{
    int64_t end = fv_now() + PATIENCE;
    while (atomic_load(counter) < n) {
        assert_true(fv_now() < end);
        pause_a_little();
    }
}

/* --- Tests --- */

/* False: the machine was so slow that a time limit was met, which says nothing. */
static bool play_many_cameras(void)
{
    struct fv_receiver_stats stats;
    uint64_t sum = 0;
    open_bed(false, false);
    for (unsigned i = 0; i < CAMERAS; i++)
        assert_int_equal(add(i, ""), i);
    for (unsigned i = 0; i < CAMERAS; i++)
        await(&bed.units[i], 25);
    assert_int_equal(fv_receiver_stats(bed.receiver, 0, &stats), 0);
    assert_int_equal(stats.state, FV_CAMERA_PLAYING);
    fv_receiver_stop(bed.receiver);
    if (bed.code == -ETIMEDOUT) {
        close_bed();
        return false;
    }
    if (bed.failures)
        fail_msg("%s", bed.reason);
    for (unsigned i = 0; i < CAMERAS; i++) {
        assert_int_equal(fv_receiver_stats(bed.receiver, i, &stats), 0);
        assert_int_equal(stats.access_units, bed.units[i]);
        assert_int_equal(stats.keyframes, bed.keys[i]);
        assert_int_equal(stats.lost + stats.reordered + stats.damaged + stats.reconnects, 0);
        assert_int_equal(stats.attempts, 1);
        assert_true(stats.bytes > stats.access_units * 2000);
        assert_true(stats.first_unit > 0 && stats.first_unit < PATIENCE);
        assert_string_equal(stats.codec, "h264");
        assert_true(stats.width == 320 && stats.height == 240);
        sum += stats.access_units;
    }
    assert_int_equal(fv_receiver_total(bed.receiver), sum);
    assert_int_equal(fv_receiver_stats(bed.receiver, CAMERAS, &stats), -ENOENT);
    close_bed();
    return true;
}

static void test_many_cameras(void **state)
{
    bool played = false;
    for (int i = 0; i < 5 && !played; i++)
        played = play_many_cameras();
    assert_true(played);
}

static void test_count_without_callback(void **state)
{
    open_bed(false, true);
    add(0, "");
    int64_t end = fv_now() + PATIENCE;
    while (fv_receiver_total(bed.receiver) < 10) {
        assert_true(fv_now() < end);
        pause_a_little();
    }
    close_bed();
}

static void test_details(void **state)
{
    struct fv_receiver_details details;
    open_bed(true, false);
    add(0, "admin:right-secret@");
    await(&bed.units[0], 5);
    fv_receiver_stop(bed.receiver);
    assert_int_equal(fv_receiver_details(bed.receiver, 0, &details), 0);
    assert_int_equal(fv_receiver_details(bed.receiver, 1, &details), -ENOENT);
    assert_string_equal(details.transport, "tcp");
    assert_non_null(strstr(details.server, "fovea"));
    assert_non_null(strstr(details.methods, "DESCRIBE"));
    assert_int_equal(strncmp(details.login, "Digest ", 7), 0);
    assert_int_equal(strncmp(details.peer, "127.0.0.1:", 10), 0);
    assert_int_equal(details.status, 0);
    assert_int_equal(details.offer_count, 1);
    assert_string_equal(details.offers[0].type, "video");
    assert_string_equal(details.offers[0].encoding, "H264");
    assert_int_equal(details.offers[0].clock_rate, 90000);
    assert_true(details.offers[0].chosen);
    assert_string_equal(details.codec, "h264");
    assert_true(details.width == 320 && details.height == 240);
    assert_int_equal(details.profile, 66); /* Baseline, H.264 A.2.1 */
    assert_int_equal(details.level, 30);
    assert_true(details.reorder_known && details.reorder_frames == 0);
    assert_int_equal(details.quirk_count, 0);
    assert_true(details.first_packet > 0 && details.first_packet < PATIENCE);
    close_bed();
}

static void test_wrong_password(void **state)
{
    struct fv_receiver_details details;
    open_bed(true, false);
    add(0, "admin:wrong-secret@");
    await(&bed.failures, 1);
    fv_receiver_stop(bed.receiver);
    assert_int_equal(bed.code, -EACCES);
    assert_null(strstr(bed.reason, "secret"));
    assert_int_equal(fv_receiver_details(bed.receiver, 0, &details), 0);
    assert_int_equal(details.status, 401);
    assert_int_equal(strncmp(details.login, "Digest ", 7), 0);
    assert_int_equal(fv_receiver_total(bed.receiver), 0);
    close_bed();
}

/* Who is removed falls silent at once; the others go on. */
static void test_add_and_remove(void **state)
{
    open_bed(false, false);
    add(0, "");
    add(1, "");
    await(&bed.units[0], 3);
    await(&bed.units[1], 3);
    assert_int_equal(fv_receiver_remove(bed.receiver, 0), 0);
    assert_int_equal(fv_receiver_remove(bed.receiver, 0), -ENOENT);
    unsigned left = bed.units[0];
    assert_int_equal(add(0, ""), 2);
    await(&bed.units[2], 10);
    await(&bed.units[1], 10);
    assert_int_equal(bed.units[0], left);
    assert_int_equal(bed.failures, 0);
    close_bed();
}

/* Under the same number another camera's pictures. */
static void test_change(void **state)
{
    struct fv_receiver_stats stats;
    struct fv_error err;
    char url[200];
    open_bed(false, false);
    uint32_t id = add(0, "");
    await(&bed.units[id], 10);
    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%u/cam1", fv_sim_port(bed.sim));
    struct fv_receiver_camera other = {.url = url, .transport = FV_RECEIVER_TCP};
    assert_int_equal(fv_receiver_change(bed.receiver, id, &other, &err), 0);
    await(&bed.units[id], bed.units[id] + 10);
    assert_int_equal(fv_receiver_stats(bed.receiver, id, &stats), 0);
    assert_int_equal(stats.attempts, 2);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(fv_receiver_change(bed.receiver, id + 1, &other, &err), -ENOENT);
    other.url = "rtsp:/nonsense";
    assert_int_equal(fv_receiver_change(bed.receiver, id, &other, &err), -EINVAL);
    assert_true(err.text[0]);
    close_bed();
}

static void test_refused_unit(void **state)
{
    struct fv_receiver_stats stats;
    open_bed(false, false);
    add(0, "");
    await(&bed.units[0], 3);
    atomic_store(&bed.refuse, 1);
    await(&bed.units[0], 20);
    fv_receiver_stop(bed.receiver);
    assert_int_equal(fv_receiver_stats(bed.receiver, 0, &stats), 0);
    assert_true(stats.no_room >= 1);
    assert_int_equal(bed.refuse, 0);
    close_bed();
}

static void test_urls(void **state)
{
    struct fv_receiver_url url;
    struct fv_error err;
    assert_int_equal(fv_receiver_parse_url("rtsps://a:top-secret@cam.lan/x?y=1", &url, &err), 0);
    assert_string_equal(url.plain, "rtsps://cam.lan/x?y=1");
    assert_string_equal(url.scheme, "rtsps");
    assert_string_equal(url.host, "cam.lan");
    assert_int_equal(url.port, 322);
    assert_true(url.has_login);
    assert_int_equal(fv_receiver_parse_url("rtsp://cam/s?user=a&password=top-secret", &url, &err),
                     0);
    assert_string_equal(url.plain, "rtsp://cam/s?user=a&password=***");
    assert_int_equal(fv_receiver_parse_url("rtsp://[::1]:9000/", &url, &err), 0);
    assert_true(url.port == 9000 && !url.has_login);
    assert_int_equal(fv_receiver_parse_url("rtsp://a:top-secret@:1/x", &url, &err), -EINVAL);
    assert_null(strstr(err.text, "top-secret"));
    assert_true(err.text[0]);
}

static void test_wrong_use(void **state)
{
    struct fv_receiver_params params = {0};
    struct fv_receiver *receiver;
    struct fv_error err;
    uint32_t id = 77;
    assert_int_equal(fv_receiver_open(&params, &receiver, &err), 0);
    struct fv_receiver_camera none = {0}, bad = {.url = "http://x/"},
                              transport = {.url = "rtsp://x/", .transport = 9};
    assert_int_equal(fv_receiver_add(receiver, &none, &id, &err), -EINVAL);
    assert_int_equal(fv_receiver_add(receiver, &bad, &id, &err), -EINVAL);
    assert_int_equal(fv_receiver_add(receiver, &transport, &id, &err), -EINVAL);
    assert_int_equal(id, 77);
    assert_int_equal(fv_receiver_start(receiver, &err), 0);
    assert_int_equal(fv_receiver_start(receiver, &err), -EPROTO);
    fv_receiver_stop(receiver);
    fv_receiver_stop(receiver);
    fv_receiver_close(receiver);
    fv_receiver_close(NULL);
}

/* Whichever allocation fails: -ENOMEM, and nothing is left. */
static void test_out_of_memory(void **state)
{
    struct fv_receiver_params params = {0};
    struct fv_receiver_camera camera = {.url = "rtsp://127.0.0.1:1/x"};
    struct fv_error err;
    unsigned n = 1;
    for (;; n++) {
        struct fv_receiver *receiver = NULL;
        uint32_t id;
        fv_alloc_fail_at(n);
        int ret = fv_receiver_open(&params, &receiver, &err);
        if (ret == 0)
            ret = fv_receiver_add(receiver, &camera, &id, &err);
        bool failed = !fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_receiver_close(receiver);
        if (!failed)
            break;
        assert_int_equal(ret, -ENOMEM);
    }
    assert_true(n > 5);
}

static int write_clip(void **state)
{
    const struct kit_stream stream = {.pictures = 20, .gop = 5, .slice = 3000};
    size_t size;
    uint8_t *data = kit_make(&stream, &size);
    kit_write(clip_path, data, size);
    free(data);
    return 0;
}

static int remove_clip(void **state)
{
    return unlink(clip_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_cameras),   cmocka_unit_test(test_count_without_callback),
        cmocka_unit_test(test_details),        cmocka_unit_test(test_wrong_password),
        cmocka_unit_test(test_add_and_remove), cmocka_unit_test(test_refused_unit),
        cmocka_unit_test(test_urls),           cmocka_unit_test(test_wrong_use),
        cmocka_unit_test(test_out_of_memory),  cmocka_unit_test(test_change),
    };
    return cmocka_run_group_tests(tests, write_clip, remove_clip);
}
