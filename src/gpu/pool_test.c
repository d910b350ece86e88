// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rand.h"
#include "gpu/pool.h"

#define BASE 0x7f0000000000u

static void test_bounds(void **state)
{
    struct fv_gpu_pool pool;
    uint64_t address = 1;
    assert_int_equal(fv_gpu_pool_init(&pool, BASE + 1, 4096), -EINVAL);
    assert_int_equal(fv_gpu_pool_init(&pool, BASE, 255), -EINVAL);
    assert_int_equal(fv_gpu_pool_init(&pool, UINT64_MAX - 255, 4096), -EINVAL);
    assert_int_equal(fv_gpu_pool_init(&pool, BASE, 4096 + 255), 0);
    assert_int_equal(pool.bytes, 4096);
    assert_int_equal(fv_gpu_pool_largest_free(&pool), 4096);
    assert_int_equal(fv_gpu_pool_alloc(&pool, 0, &address), -EINVAL);
    assert_int_equal(fv_gpu_pool_alloc(&pool, 4097, &address), -ENOBUFS);
    assert_int_equal(fv_gpu_pool_alloc(&pool, SIZE_MAX, &address), -ENOBUFS);
    assert_int_equal(address, 1);
    assert_int_equal(fv_gpu_pool_alloc(&pool, 4096, &address), 0);
    assert_int_equal(address, BASE);
    assert_int_equal(fv_gpu_pool_largest_free(&pool), 0);
    assert_int_equal(fv_gpu_pool_alloc(&pool, 1, &address), -ENOBUFS);
    assert_true(fv_gpu_pool_holds(&pool, BASE));
    assert_true(fv_gpu_pool_holds(&pool, BASE + 4095));
    assert_false(fv_gpu_pool_holds(&pool, BASE + 4096));
    assert_false(fv_gpu_pool_holds(&pool, BASE - 1));
    fv_gpu_pool_finish(&pool);
}

static void test_wrong_frees(void **state)
{
    struct fv_gpu_pool pool;
    uint64_t address;
    assert_int_equal(fv_gpu_pool_init(&pool, BASE, 4096), 0);
    assert_int_equal(fv_gpu_pool_alloc(&pool, 512, &address), 0);
    assert_int_equal(fv_gpu_pool_free(&pool, address + 256), -EINVAL); /* in the middle */
    assert_int_equal(fv_gpu_pool_free(&pool, address + 512), -EINVAL); /* free already */
    assert_int_equal(fv_gpu_pool_free(&pool, BASE + 4096), -EINVAL);   /* behind the end */
    assert_int_equal(fv_gpu_pool_free(&pool, 0), -EINVAL);
    assert_int_equal(pool.used, 512);
    assert_int_equal(fv_gpu_pool_free(&pool, address), 0);
    assert_int_equal(fv_gpu_pool_free(&pool, address), -EINVAL); /* twice */
    assert_int_equal(pool.used, 0);
    fv_gpu_pool_finish(&pool);
}

/* [a 256][b 512][c 256][d 1024][rest]: the smallest hole that fits is taken, and holes join on both sides. */
static void test_best_fit_and_joining(void **state)
{
    struct fv_gpu_pool pool;
    uint64_t a, b, c, d, e;
    assert_int_equal(fv_gpu_pool_init(&pool, BASE, 8192), 0);
    assert_int_equal(fv_gpu_pool_alloc(&pool, 1, &a), 0); /* rounded up */
    assert_int_equal(fv_gpu_pool_alloc(&pool, 512, &b), 0);
    assert_int_equal(fv_gpu_pool_alloc(&pool, 256, &c), 0);
    assert_int_equal(fv_gpu_pool_alloc(&pool, 1024, &d), 0);
    assert_int_equal(a, BASE);
    assert_int_equal(b, BASE + 256);
    assert_int_equal(c, BASE + 768);
    assert_int_equal(d, BASE + 1024);
    assert_int_equal(pool.used, 2048);
    assert_int_equal(pool.blocks, 4);
    fv_gpu_pool_free(&pool, b);
    fv_gpu_pool_free(&pool, d); /* joins the rest behind it */
    assert_int_equal(fv_gpu_pool_largest_free(&pool), 8192 - 1024);
    assert_int_equal(fv_gpu_pool_alloc(&pool, 300, &e), 0);
    assert_int_equal(e, b);
    fv_gpu_pool_free(&pool, e);
    fv_gpu_pool_free(&pool, c); /* joins b and d */
    assert_int_equal(fv_gpu_pool_largest_free(&pool), 8192 - 256);
    fv_gpu_pool_free(&pool, a);
    assert_int_equal(fv_gpu_pool_largest_free(&pool), 8192);
    assert_int_equal(pool.peak, 2048);
    fv_gpu_pool_finish(&pool);
}

enum { SLOTS = 200, UNITS = 4096 };

/* What the pool must be like, from a map of which unit belongs to whom. */
struct model {
    int owner[UNITS]; /* -1: free */
    uint64_t address[SLOTS];
    size_t units[SLOTS]; /* 0: not allocated */
};

static size_t largest_hole(const struct model *model)
{
    size_t largest = 0, run = 0;
    for (size_t i = 0; i < UNITS; i++) {
        run = model->owner[i] < 0 ? run + 1 : 0;
        largest = run > largest ? run : largest;
    }
    return largest;
}

static void paint(struct model *model, int slot, int owner)
{
    size_t first = (model->address[slot] - BASE) / FV_GPU_POOL_ALIGN;
    for (size_t i = first; i < first + model->units[slot]; i++) {
        assert_true(i < UNITS);
        assert_int_equal(model->owner[i], owner < 0 ? slot : -1); /* nobody else's */
        model->owner[i] = owner;
    }
}

static void one_step(struct fv_gpu_pool *pool, struct model *model, struct fv_rand *rand)
{
    int slot = (int)(fv_rand_u64(rand) % SLOTS);
    if (model->units[slot]) {
        assert_int_equal(fv_gpu_pool_free(pool, model->address[slot]), 0);
        paint(model, slot, -1);
        model->units[slot] = 0;
        return;
    }
    size_t bytes = 1 + fv_rand_u64(rand) % (fv_rand_u64(rand) % 8 ? 8192 : 262144);
    size_t units = (bytes + FV_GPU_POOL_ALIGN - 1) / FV_GPU_POOL_ALIGN;
    size_t hole = largest_hole(model);
    int r = fv_gpu_pool_alloc(pool, bytes, &model->address[slot]);
    assert_int_equal(r, units <= hole ? 0 : -ENOBUFS);
    if (r < 0)
        return;
    assert_int_equal(model->address[slot] % FV_GPU_POOL_ALIGN, 0);
    model->units[slot] = units;
    paint(model, slot, slot);
}

static void test_random_against_a_map(void **state)
{
    static struct model model;
    struct fv_gpu_pool pool;
    struct fv_rand rand;
    fv_rand_seed(&rand, 5);
    for (size_t i = 0; i < UNITS; i++)
        model.owner[i] = -1;
    assert_int_equal(fv_gpu_pool_init(&pool, BASE, (size_t)UNITS * FV_GPU_POOL_ALIGN), 0);
    for (int step = 0; step < 20000; step++) {
        one_step(&pool, &model, &rand);
        size_t used = 0, blocks = 0;
        for (int i = 0; i < SLOTS; i++) {
            used += model.units[i];
            blocks += model.units[i] > 0;
        }
        assert_int_equal(pool.used, used * FV_GPU_POOL_ALIGN);
        assert_int_equal(pool.blocks, blocks);
        assert_int_equal(fv_gpu_pool_largest_free(&pool), largest_hole(&model) * FV_GPU_POOL_ALIGN);
    }
    for (int i = 0; i < SLOTS; i++)
        if (model.units[i])
            assert_int_equal(fv_gpu_pool_free(&pool, model.address[i]), 0);
    assert_int_equal(fv_gpu_pool_largest_free(&pool), pool.bytes);
    fv_gpu_pool_finish(&pool);
}

static void test_no_host_memory(void **state)
{
    struct fv_gpu_pool pool;
    uint64_t address = 7;
    fv_alloc_fail_at(1);
    assert_int_equal(fv_gpu_pool_init(&pool, BASE, 1 << 20), -ENOMEM);
    assert_int_equal(fv_gpu_pool_init(&pool, BASE, 1 << 20), 0);
    fv_alloc_fail_at(1); /* the list of blocks cannot grow */
    int r = 0;
    unsigned served = 0;
    while ((r = fv_gpu_pool_alloc(&pool, 256, &address)) == 0)
        served++;
    assert_int_equal(r, -ENOMEM);
    assert_int_equal(pool.used, served * 256);
    assert_int_equal(fv_gpu_pool_alloc(&pool, 256, &address), 0); /* now it can */
    fv_gpu_pool_finish(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_wrong_frees),
        cmocka_unit_test(test_best_fit_and_joining),
        cmocka_unit_test(test_random_against_a_map),
        cmocka_unit_test(test_no_host_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
