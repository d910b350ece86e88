// SPDX-License-Identifier: Apache-2.0
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "prep/batch.h"

#define MS FV_MS

static int alive; /* pictures made and not yet released */

static void release(struct fv_picture *picture)
{
    alive--;
    free(picture);
}

static struct fv_picture *make(uint32_t camera, uint64_t number)
{
    struct fv_picture *picture = calloc(1, sizeof(*picture));
    assert_non_null(picture);
    picture->info.camera = camera;
    picture->info.number = number;
    picture->refs = 1;
    picture->release = release;
    alive++;
    return picture;
}

static struct fv_batcher *create(uint32_t cameras, unsigned per_camera, unsigned batch)
{
    struct fv_batcher_params params = {cameras, per_camera, batch, 5 * MS};
    struct fv_batcher *batcher;
    alive = 0;
    assert_int_equal(fv_batcher_create(&params, &batcher), 0);
    return batcher;
}

static void put(struct fv_batcher *batcher, uint32_t camera, uint64_t number, int64_t now)
{
    struct fv_picture *dropped;
    fv_batcher_put(batcher, make(camera, number), now, &dropped);
    assert_null(dropped);
}

/* Puts a picture that must push out number `gone` of the same camera. */
static void put_drops(struct fv_batcher *batcher, uint32_t camera, uint64_t number, uint64_t gone)
{
    struct fv_picture *dropped;
    fv_batcher_put(batcher, make(camera, number), 0, &dropped);
    assert_non_null(dropped);
    assert_int_equal(dropped->info.camera, camera);
    assert_int_equal(dropped->info.number, gone);
    fv_picture_unref(dropped);
}

struct want {
    uint32_t camera;
    uint64_t number;
};

static void take(struct fv_batcher *batcher, unsigned count, const struct want *want)
{
    struct fv_picture *out[8];
    assert_int_equal(fv_batcher_take(batcher, out), count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(out[i]->info.camera, want[i].camera);
        assert_int_equal(out[i]->info.number, want[i].number);
        fv_picture_unref(out[i]);
    }
}

static void test_empty(void **state)
{
    (void)state;
    struct fv_batcher *batcher = create(2, 1, 2);
    struct fv_picture *out[2];
    assert_int_equal(fv_batcher_due(batcher), FV_TIME_NEVER);
    assert_int_equal(fv_batcher_take(batcher, out), 0);
    assert_int_equal(fv_batcher_count(batcher), 0);
    fv_batcher_destroy(batcher);
    fv_batcher_destroy(NULL);
}

static void test_full_batch_is_due_at_once(void **state)
{
    (void)state;
    struct fv_batcher *batcher = create(3, 1, 2);
    put(batcher, 2, 1, 100 * MS);
    assert_int_equal(fv_batcher_due(batcher), 105 * MS);
    put(batcher, 0, 1, 101 * MS);
    assert_true(fv_batcher_due(batcher) <= 101 * MS);
    assert_int_equal(fv_batcher_count(batcher), 2);
    take(batcher, 2, (struct want[]){{2, 1}, {0, 1}});
    assert_int_equal(fv_batcher_due(batcher), FV_TIME_NEVER);
    fv_batcher_destroy(batcher);
    assert_int_equal(alive, 0);
}

static void test_timeout_counts_from_the_oldest(void **state)
{
    (void)state;
    struct fv_batcher *batcher = create(4, 2, 4);
    put(batcher, 1, 1, 10 * MS);
    put(batcher, 3, 1, 12 * MS);
    put(batcher, 0, 1, 14 * MS);
    assert_int_equal(fv_batcher_due(batcher), 15 * MS);
    /* Three of four: camera 2 is absent and takes no slot. */
    take(batcher, 3, (struct want[]){{1, 1}, {3, 1}, {0, 1}});
    put(batcher, 2, 1, 20 * MS);
    assert_int_equal(fv_batcher_due(batcher), 25 * MS);
    take(batcher, 1, (struct want[]){{2, 1}});
    fv_batcher_destroy(batcher);
    assert_int_equal(alive, 0);
}

/* What stays behind when a batch leaves keeps its own time. */
static void test_rest_keeps_its_age(void **state)
{
    (void)state;
    struct fv_batcher *batcher = create(3, 1, 2);
    put(batcher, 0, 1, 10 * MS);
    put(batcher, 1, 1, 11 * MS);
    put(batcher, 2, 1, 13 * MS);
    take(batcher, 2, (struct want[]){{0, 1}, {1, 1}});
    assert_int_equal(fv_batcher_due(batcher), 18 * MS);
    take(batcher, 1, (struct want[]){{2, 1}});
    fv_batcher_destroy(batcher);
}

static void test_newest_wins(void **state)
{
    (void)state;
    struct fv_batcher *batcher = create(2, 2, 4);
    put(batcher, 0, 1, 10 * MS);
    put(batcher, 0, 2, 11 * MS);
    struct fv_picture *dropped;
    fv_batcher_put(batcher, make(0, 3), 12 * MS, &dropped);
    assert_int_equal(dropped->info.number, 1);
    fv_picture_unref(dropped);
    assert_int_equal(fv_batcher_count(batcher), 2);
    /* The dropped one no longer makes the batch due. */
    assert_int_equal(fv_batcher_due(batcher), 16 * MS);
    take(batcher, 2, (struct want[]){{0, 2}, {0, 3}});
    fv_batcher_destroy(batcher);
    assert_int_equal(alive, 0);
}

static void test_one_per_camera_and_round(void **state)
{
    (void)state;
    struct fv_batcher *batcher = create(3, 3, 4);
    put(batcher, 0, 1, 0);
    put(batcher, 0, 2, 1);
    put(batcher, 0, 3, 2);
    put(batcher, 1, 1, 3);
    put(batcher, 2, 1, 4);
    take(batcher, 4, (struct want[]){{0, 1}, {1, 1}, {2, 1}, {0, 2}});
    take(batcher, 1, (struct want[]){{0, 3}});
    fv_batcher_destroy(batcher);
}

/* Camera 0 brings ten pictures for each place in a batch of one; camera 1 has one now and then. */
static void test_fair_under_overload(void **state)
{
    (void)state;
    struct fv_batcher *batcher = create(2, 2, 1);
    put(batcher, 0, 1, 0);
    put(batcher, 0, 2, 0);
    for (uint64_t n = 3; n <= 10; n++)
        put_drops(batcher, 0, n, n - 2);
    put(batcher, 1, 1, 0);
    take(batcher, 1, (struct want[]){{0, 9}});
    for (uint64_t n = 11; n <= 20; n++) {
        if (n == 11)
            put(batcher, 0, n, 0);
        else
            put_drops(batcher, 0, n, n == 12 ? 10 : n - 2);
    }
    /* Now it is the slow camera's turn although the fast one has brought more and has waiting
     * ones. */
    take(batcher, 1, (struct want[]){{1, 1}});
    take(batcher, 1, (struct want[]){{0, 19}});
    take(batcher, 1, (struct want[]){{0, 20}});
    fv_batcher_destroy(batcher);
    assert_int_equal(alive, 0);
}

/* Sixteen cameras always full, four places a batch: after four batches each was served once. */
static void test_turns(void **state)
{
    (void)state;
    struct fv_batcher *batcher = create(16, 1, 4);
    unsigned served[16] = {0};
    for (uint64_t round = 0; round < 8; round++) {
        for (uint32_t camera = 0; camera < 16; camera++) {
            struct fv_picture *dropped;
            fv_batcher_put(batcher, make(camera, round), 0, &dropped);
            fv_picture_unref(dropped);
        }
        struct fv_picture *out[4];
        assert_int_equal(fv_batcher_take(batcher, out), 4);
        for (int i = 0; i < 4; i++) {
            served[out[i]->info.camera]++;
            fv_picture_unref(out[i]);
        }
    }
    for (int camera = 0; camera < 16; camera++)
        assert_int_equal(served[camera], 2);
    fv_batcher_destroy(batcher);
    assert_int_equal(alive, 0);
}

static void test_unknown_camera_comes_back(void **state)
{
    (void)state;
    struct fv_batcher *batcher = create(2, 1, 2);
    put_drops(batcher, 2, 7, 7);
    assert_int_equal(fv_batcher_count(batcher), 0);
    fv_batcher_destroy(batcher);
}

static void test_destroy_unrefs(void **state)
{
    (void)state;
    struct fv_batcher *batcher = create(2, 3, 2);
    put(batcher, 0, 1, 0);
    put(batcher, 0, 2, 0);
    put(batcher, 1, 1, 0);
    assert_int_equal(alive, 3);
    fv_batcher_destroy(batcher);
    assert_int_equal(alive, 0);
}

static void test_create_failures(void **state)
{
    (void)state;
    struct fv_batcher *batcher = NULL;
    const struct fv_batcher_params good = {2, 1, 2, 5 * MS};
    struct fv_batcher_params bad[4] = {good, good, good, good};
    bad[0].cameras = 0;
    bad[1].per_camera = 0;
    bad[2].batch = 0;
    bad[3].timeout = -1;
    for (int i = 0; i < 4; i++)
        assert_int_equal(fv_batcher_create(&bad[i], &batcher), -EINVAL);
    unsigned failures = 0;
    for (unsigned n = 1;; n++) {
        fv_alloc_fail_at(n);
        int code = fv_batcher_create(&good, &batcher);
        if (code == 0)
            break;
        assert_int_equal(code, -ENOMEM);
        assert_null(batcher);
        failures++;
    }
    fv_alloc_fail_at(0);
    assert_int_equal(failures, 3);
    fv_batcher_destroy(batcher);
}

/* What waits of one camera goes; the others keep their pictures and their turns. */
static void test_forget(void **state)
{
    struct fv_batcher *batcher = create(3, 2, 4);
    put(batcher, 0, 1, 1 * MS);
    put(batcher, 1, 1, 2 * MS);
    put(batcher, 1, 2, 3 * MS);
    put(batcher, 2, 1, 4 * MS);
    assert_int_equal(fv_batcher_forget(batcher, 1), 2);
    assert_int_equal(fv_batcher_forget(batcher, 1), 0);
    assert_int_equal(fv_batcher_forget(batcher, 9), 0);
    assert_int_equal(fv_batcher_count(batcher), 2);
    put(batcher, 1, 3, 5 * MS);
    take(batcher, 3, (struct want[]){{0, 1}, {2, 1}, {1, 3}});
    fv_batcher_destroy(batcher);
    assert_int_equal(alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_full_batch_is_due_at_once),
        cmocka_unit_test(test_timeout_counts_from_the_oldest),
        cmocka_unit_test(test_rest_keeps_its_age),
        cmocka_unit_test(test_newest_wins),
        cmocka_unit_test(test_one_per_camera_and_round),
        cmocka_unit_test(test_fair_under_overload),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_unknown_camera_comes_back),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_destroy_unrefs),
        cmocka_unit_test(test_create_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
