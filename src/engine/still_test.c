// SPDX-License-Identifier: Apache-2.0
/* Who waits for a picture gets the next whole one of its camera, or is told why there is none. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <sched.h>

#include "engine/still.h"

static void release(struct fv_picture *picture) {}

static struct fv_picture pictures[4] = {
    {.info = {.camera = 1}, .refs = 1, .release = release},
    {.info = {.camera = 0, .flags = FV_FRAME_DAMAGED}, .refs = 1, .release = release},
    {.info = {.camera = 0, .flags = FV_FRAME_PARTIAL}, .refs = 1, .release = release},
    {.info = {.camera = 0, .flags = FV_FRAME_KEY}, .refs = 1, .release = release},
};

struct taker {
    struct fv_stills *stills;
    int code;
    struct fv_picture *picture;
};

static void *take(void *data)
{
    struct taker *taker = data;
    taker->code = fv_stills_take(taker->stills, 0, 60 * FV_S, &taker->picture);
    return NULL;
}

static void start(pthread_t *threads, struct taker *takers, unsigned count,
                  struct fv_stills *stills)
{
    for (unsigned i = 0; i < count; i++) {
        takers[i] = (struct taker){.stills = stills, .code = 1};
        assert_int_equal(pthread_create(&threads[i], NULL, take, &takers[i]), 0);
    }
    while (atomic_load(&stills->waiting) < count)
        sched_yield();
}

static void test_next_whole_one(void **state)
{
    struct fv_stills stills;
    struct taker takers[3];
    pthread_t threads[3];
    fv_stills_init(&stills);
    fv_stills_offer(&stills, &pictures[3]); /* nobody waits */
    assert_int_equal(pictures[3].refs, 1);
    start(threads, takers, 3, &stills);
    for (int i = 0; i < 4; i++)
        fv_stills_offer(&stills, &pictures[i]);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(takers[i].code, 0);
        assert_ptr_equal(takers[i].picture, &pictures[3]);
        fv_picture_unref(takers[i].picture);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(pictures[i].refs, 1);
    assert_int_equal(stills.waiting, 0);
    fv_stills_finish(&stills);
}

static void test_none_comes(void **state)
{
    struct fv_stills stills;
    struct fv_picture *picture = NULL;
    fv_stills_init(&stills);
    const int64_t begin = fv_now();
    assert_int_equal(fv_stills_take(&stills, 0, 20 * FV_MS, &picture), -ETIMEDOUT);
    assert_true(fv_now() - begin >= 20 * FV_MS);
    assert_null(picture);
    fv_stills_finish(&stills);
}

static void test_end(void **state)
{
    struct fv_stills stills;
    struct taker takers[2];
    pthread_t threads[2];
    fv_stills_init(&stills);
    start(threads, takers, 2, &stills);
    fv_stills_end(&stills);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(takers[i].code, -ECANCELED);
        assert_null(takers[i].picture);
    }
    fv_stills_end(&stills);
    assert_int_equal(fv_stills_take(&stills, 0, 60 * FV_S, &takers[0].picture), -ECANCELED);
    fv_stills_finish(&stills);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_whole_one),
        cmocka_unit_test(test_none_comes),
        cmocka_unit_test(test_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
