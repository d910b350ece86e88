// SPDX-License-Identifier: Apache-2.0
/* Memory out of huge pages: runs do not overlap, are zeroed when used again, and blocks go back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/pages.h"
#include "base/rand.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static struct fv_pages_stats stats(void)
{
    struct fv_pages_stats now;
    fv_pages_stats(&now);
    return now;
}

static bool all(const uint8_t *memory, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++)
        if (memory[i] != value)
            return false;
    return true;
}

static void test_blocks(void **state)
{
    if (FV_PAGES_WATCHED)
        skip(); /* each run is an allocation of its own: there are no blocks */
    void *odd = fv_pages_alloc(1), *two = fv_pages_alloc(4 * KIB + 1);
    assert_int_equal(stats().blocks, 1);
    assert_int_equal(stats().bytes, 12 * KIB);
    void *whole = fv_pages_alloc(2 * MIB); /* does not fit beside them */
    assert_int_equal(stats().blocks, 2);
    assert_int_equal((uintptr_t)whole % (2 * MIB), 0);
    void *rest = fv_pages_alloc(2 * MIB - 12 * KIB);
    assert_int_equal(stats().blocks, 2);
    fv_pages_free(whole, 2 * MIB);
    assert_int_equal(stats().blocks, 1);
    fv_pages_free(odd, 1);
    void *again = fv_pages_alloc(4 * KIB);
    assert_ptr_equal(again, odd);
    fv_pages_free(again, 4 * KIB);
    fv_pages_free(rest, 2 * MIB - 12 * KIB);
    fv_pages_free(two, 4 * KIB + 1);
    fv_pages_free(NULL, 1);
    assert_int_equal(stats().blocks, 0);
    assert_int_equal(stats().bytes, 0);
}

static void test_large(void **state)
{
    uint8_t *large = fv_pages_alloc(5 * MIB);
    assert_non_null(large);
    assert_true(all(large, 5 * MIB, 0));
    assert_int_equal(stats().blocks, 0);
    fv_pages_free(large, 5 * MIB);
}

/* Each run is filled with its own value: an overlap would show. */
static void test_runs_are_apart(void **state)
{
    enum { RUNS = 200 };
    uint8_t *runs[RUNS] = {0};
    size_t sizes[RUNS];
    struct fv_rand rand;
    fv_rand_seed(&rand, 1);
    for (unsigned i = 0; i < 4000; i++) {
        unsigned at = (unsigned)fv_rand_below(&rand, RUNS);
        if (runs[at]) {
            assert_true(all(runs[at], sizes[at], (uint8_t)(at + 1)));
            fv_pages_free(runs[at], sizes[at]);
            runs[at] = NULL;
            continue;
        }
        sizes[at] = 1 + (size_t)fv_rand_below(&rand, 64 * KIB);
        runs[at] = fv_pages_alloc(sizes[at]);
        assert_non_null(runs[at]);
        assert_int_equal((uintptr_t)runs[at] % 64, 0);
        assert_true(all(runs[at], sizes[at], 0));
        memset(runs[at], (int)at + 1, sizes[at]);
    }
    for (unsigned i = 0; i < RUNS; i++)
        fv_pages_free(runs[i], sizes[i]);
    assert_int_equal(stats().blocks, 0);
}

static void test_without_memory(void **state)
{
    for (unsigned n = 1; n <= 3; n++) { /* the run, its block's book, its block */
        fv_alloc_fail_at(n);
        void *memory = fv_pages_alloc(100);
        assert_true(FV_PAGES_WATCHED || !memory);
        fv_pages_free(memory, 100);
        fv_alloc_fail_at(0);
        assert_int_equal(stats().blocks, 0);
    }
    fv_alloc_fail_at(1);
    assert_null(fv_pages_alloc(3 * MIB));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_runs_are_apart),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
