// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ingest/pace.h"

#define CLIENTS 64

static struct fv_pace pace;
static struct fv_pace_client clients[CLIENTS];

static void join(size_t i, const char *host)
{
    struct fv_pace_host *entry = fv_pace_host_create(host);
    assert_non_null(entry);
    fv_pace_join(&pace, &clients[i], entry);
}

static void leave_all(void)
{
    for (size_t i = 0; i < CLIENTS; i++)
        fv_pace_leave(&pace, &clients[i]);
    assert_true(fv_list_empty(&pace.hosts));
    assert_true(fv_list_empty(&pace.turns));
}

static void begin(unsigned rate, unsigned per_host)
{
    memset(clients, 0, sizeof(clients));
    fv_pace_init(&pace, rate, per_host);
}

/* Runs the virtual clock to the next moment; returns the index of the client that may start, or -1. */
static int next(int64_t *now)
{
    int64_t due = fv_pace_due(&pace);
    if (due == FV_TIME_NEVER)
        return -1;
    assert_null(due > *now ? fv_pace_take(&pace, due - 1) : NULL);
    *now = fv_max64(*now, due);
    struct fv_pace_client *client = fv_pace_take(&pace, *now);
    assert_non_null(client);
    assert_int_equal(client->state, FV_PACE_ACTIVE);
    return (int)(client - clients);
}

static void test_rate(void **state)
{
    begin(20, 100);
    for (size_t i = 0; i < CLIENTS; i++) {
        join(i, "nvr");
        fv_pace_ask(&pace, &clients[i]);
    }
    int64_t now = 1000 * FV_S;
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(next(&now), i); /* who asked first is first */
        assert_int_equal(now, 1000 * FV_S + i * 50 * FV_MS);
    }
    assert_int_equal(next(&now), -1);
    /* After a pause there is no burst to catch up. */
    now += 100 * FV_S;
    fv_pace_ask(&pace, &clients[0]);
    fv_pace_ask(&pace, &clients[1]);
    assert_int_equal(next(&now), 0);
    int64_t first = now;
    assert_int_equal(next(&now), 1);
    assert_int_equal(now - first, 50 * FV_MS);
    leave_all();
}

static void test_per_host(void **state)
{
    begin(1000, 4);
    int64_t now = 0;
    for (size_t i = 0; i < 10; i++) {
        join(i, "nvr");
        fv_pace_ask(&pace, &clients[i]);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(next(&now), i);
    assert_int_equal(next(&now), -1);
    fv_pace_done(&pace, &clients[2]);
    assert_int_equal(next(&now), 4);
    assert_int_equal(next(&now), -1);
    fv_pace_done(&pace, &clients[0]);
    fv_pace_done(&pace, &clients[0]); /* twice is harmless */
    assert_int_equal(next(&now), 5);
    assert_int_equal(next(&now), -1);
    fv_pace_done(&pace, &clients[6]); /* withdraws its wish */
    fv_pace_leave(&pace, &clients[1]);
    assert_int_equal(next(&now), 7);
    leave_all();
}

static void test_hosts_take_turns(void **state)
{
    static const int want[] = {0, 8, 9, 1, 2, 3};
    begin(10, 4);
    int64_t now = 0;
    for (size_t i = 0; i < 8; i++) {
        join(i, i % 2 ? "NVR" : "nvr"); /* one host: names compare without case */
        fv_pace_ask(&pace, &clients[i]);
    }
    join(8, "door");
    join(9, "yard");
    fv_pace_ask(&pace, &clients[8]);
    fv_pace_ask(&pace, &clients[9]);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(next(&now), want[i]);
    assert_int_equal(now, 500 * FV_MS);
    assert_int_equal(next(&now), -1);
    leave_all();
}

/* A host that never answers keeps its four places and nobody else's. */
static void test_black_hole_holds_up_nobody(void **state)
{
    begin(20, 4);
    int64_t now = 0;
    for (size_t i = 0; i < CLIENTS - 1; i++) {
        join(i, "black-hole");
        fv_pace_ask(&pace, &clients[i]);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(next(&now), i);
    join(CLIENTS - 1, "good");
    for (int round = 0; round < 10; round++) {
        fv_pace_ask(&pace, &clients[CLIENTS - 1]);
        assert_int_equal(next(&now), CLIENTS - 1);
        fv_pace_done(&pace, &clients[CLIENTS - 1]);
    }
    leave_all();
}

static void test_ask_again(void **state)
{
    begin(10, 1);
    int64_t now = 0;
    join(0, "a");
    join(1, "a");
    fv_pace_ask(&pace, &clients[0]);
    fv_pace_ask(&pace, &clients[0]); /* still one wish */
    assert_int_equal(next(&now), 0);
    fv_pace_ask(&pace, &clients[1]);
    fv_pace_ask(&pace, &clients[0]); /* ends the running attempt, queues behind 1 */
    assert_int_equal(next(&now), 1);
    assert_int_equal(next(&now), -1);
    leave_all();
    fv_pace_leave(&pace, &clients[5]); /* never joined */
}

static void test_out_of_memory(void **state)
{
    fv_alloc_fail_at(1);
    assert_null(fv_pace_host_create("a"));
    fv_pace_host_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_per_host),
        cmocka_unit_test(test_hosts_take_turns),
        cmocka_unit_test(test_black_hole_holds_up_nobody),
        cmocka_unit_test(test_ask_again),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
