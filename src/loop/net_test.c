// SPDX-License-Identifier: Apache-2.0
/* Names, sockets and connections; nothing leaves the loopback interface. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/resolve.h"

static struct fv_loop *loop;
static struct fv_timer guard; /* ends a test that hangs */
static bool hung;

static void guard_fire(struct fv_timer *timer, int64_t now)
{
    (void)timer;
    (void)now;
    hung = true;
    fv_loop_stop(loop);
}

static int set_up(void **state)
{
    hung = false;
    assert_int_equal(fv_loop_create(0, &loop), 0);
    fv_timer_init(&guard, guard_fire);
    fv_timer_set(loop, &guard, fv_now() + 20 * FV_S);
    return 0;
}

static int tear_down(void **state)
{
    fv_loop_destroy(loop);
    return 0;
}

static void run(void)
{
    assert_int_equal(fv_loop_run(loop), 0);
    assert_false(hung);
}

/* --- Addresses. --- */

static void test_numeric(void **state)
{
    static const struct {
        const char *host, *text; /* NULL: not numeric */
    } table[] = {
        {"127.0.0.1", "127.0.0.1:554"},
        {"::1", "[::1]:554"},
        {"2001:db8::0:1", "[2001:db8::1]:554"},
        {"localhost", NULL},
        {"", NULL},
        {"127.0.0.1:80", NULL},
        {"[::1]", NULL},
        {"256.0.0.1", NULL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct fv_addr addr;
        char text[FV_ADDR_TEXT];
        int ret = fv_addr_parse(table[i].host, 554, &addr);
        assert_int_equal(ret, table[i].text ? 0 : -EINVAL);
        if (table[i].text)
            assert_string_equal(fv_addr_format(&addr, text), table[i].text);
    }
}

/* A link-local address says by which interface. */
static void test_zone(void **state)
{
    struct fv_addr addr;
    assert_int_equal(fv_addr_parse("fe80::1%lo", 554, &addr), 0);
    assert_int_equal(addr.in6.sin6_scope_id, if_nametoindex("lo"));
    assert_int_equal(fv_addr_parse("fe80::1%no-such", 554, &addr), -EINVAL);
}

/* --- Names. --- */

struct question {
    struct fv_resolve resolve;
    unsigned answers;
    int code;
    struct fv_addrs addrs;
};

static unsigned awaited;

static void on_answer(struct fv_resolve *resolve, int code, const struct fv_addrs *addrs)
{
    struct question *q = FV_CONTAINER(resolve, struct question, resolve);
    q->answers++;
    q->code = code;
    q->addrs = *addrs;
    if (--awaited == 0)
        fv_loop_stop(loop);
}

static void test_localhost(void **state)
{
    struct fv_resolver *resolver;
    struct question list[9] = {0}; /* more than there are helpers */
    assert_int_equal(fv_resolver_create(loop, &resolver), 0);
    awaited = 9;
    for (size_t i = 0; i < 9; i++) {
        list[i].resolve.done = on_answer;
        assert_int_equal(fv_resolve_start(resolver, &list[i].resolve, "localhost", 8554), 0);
        assert_int_equal(list[i].answers, 0);
    }
    run();
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(list[i].answers, 1);
        assert_int_equal(list[i].code, 0);
        assert_true(list[i].addrs.count >= 1);
        assert_null(list[i].resolve.job);
        for (unsigned k = 0; k < list[i].addrs.count; k++)
            assert_int_equal(ntohs(list[i].addrs.list[k].in.sin_port), 8554);
    }
    fv_resolver_destroy(resolver);
}

static void test_unknown_name(void **state)
{
    /* A label of more than 63 characters is no name (RFC 1035 2.3.4): refused without asking a server. */
    char name[71];
    memset(name, 'a', 70);
    name[70] = 0;
    struct fv_resolver *resolver;
    struct question q = {.resolve.done = on_answer};
    assert_int_equal(fv_resolver_create(loop, &resolver), 0);
    awaited = 1;
    assert_int_equal(fv_resolve_start(resolver, &q.resolve, name, 554), 0);
    run();
    assert_int_equal(q.code, -ENOENT);
    assert_int_equal(q.addrs.count, 0);
    char too_long[400];
    memset(too_long, 'a', 399);
    too_long[399] = 0;
    assert_int_equal(fv_resolve_start(resolver, &q.resolve, too_long, 554), -EINVAL);
    assert_int_equal(fv_resolve_start(resolver, &q.resolve, "", 554), -EINVAL);
    fv_resolver_destroy(resolver);
    fv_resolver_destroy(NULL);
}

static void test_cancel(void **state)
{
    struct fv_resolver *resolver;
    struct question cancelled[8] = {0}, kept = {.resolve.done = on_answer};
    assert_int_equal(fv_resolver_create(loop, &resolver), 0);
    awaited = 1;
    for (size_t i = 0; i < 8; i++) {
        cancelled[i].resolve.done = on_answer;
        assert_int_equal(fv_resolve_start(resolver, &cancelled[i].resolve, "localhost", 1), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        fv_resolve_cancel(resolver, &cancelled[i].resolve);
        fv_resolve_cancel(resolver, &cancelled[i].resolve);
    }
    assert_int_equal(fv_resolve_start(resolver, &kept.resolve, "localhost", 1), 0);
    run();
    fv_timer_set(loop, &guard, fv_now() + 20 * FV_MS); /* time for answers that must not come */
    assert_int_equal(fv_loop_run(loop), 0);
    assert_int_equal(kept.answers, 1);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(cancelled[i].answers, 0);
    fv_resolver_destroy(resolver);
}

/* A name service of our own: names that begin with "slow" hang while `silent`. */
static atomic_bool silent;
static atomic_uint hanging, hanging_most, slow_calls;

static int own_look_up(const char *host, struct fv_addrs *addrs)
{
    if (strncmp(host, "slow", 4) == 0) {
        unsigned now = ++hanging;
        slow_calls++;
        if (now > hanging_most)
            hanging_most = now;
        for (int i = 0; i < 4000 && silent; i++)
            usleep(5000);
        hanging--;
    }
    if (strcmp(host, "unknown") == 0)
        return -ENOENT;
    addrs->count = 2;
    int ret = fv_addr_parse("192.0.2.7", 0, &addrs->list[0]);
    return ret < 0 ? ret : fv_addr_parse("2001:db8::7", 0, &addrs->list[1]);
}

static struct fv_resolver *own_resolver(void)
{
    struct fv_resolver *resolver;
    silent = true;
    hanging = hanging_most = slow_calls = 0;
    assert_int_equal(fv_resolver_create(loop, &resolver), 0);
    fv_resolver_use(resolver, own_look_up);
    return resolver;
}

static void assert_answer(const struct question *q, const char *first, const char *second)
{
    char text[FV_ADDR_TEXT];
    assert_int_equal(q->answers, 1);
    assert_int_equal(q->code, 0);
    assert_int_equal(q->addrs.count, 2);
    assert_string_equal(fv_addr_format(&q->addrs.list[0], text), first);
    assert_string_equal(fv_addr_format(&q->addrs.list[1], text), second);
}

/* Asked for and given up again and again, as a camera does it: one thread hangs, not all. */
static void test_slow_name_holds_one_thread(void **state)
{
    struct fv_resolver *resolver = own_resolver();
    struct question slow[20] = {0}, good = {.resolve.done = on_answer};
    for (size_t i = 0; i < 20; i++) {
        slow[i].resolve.done = on_answer;
        assert_int_equal(fv_resolve_start(resolver, &slow[i].resolve, "slow", (uint16_t)(100 + i)),
                         0);
        usleep(1000);
        if (i < 18)
            fv_resolve_cancel(resolver, &slow[i].resolve);
    }
    awaited = 1;
    assert_int_equal(fv_resolve_start(resolver, &good.resolve, "good", 554), 0);
    run();
    assert_answer(&good, "192.0.2.7:554", "[2001:db8::7]:554");
    assert_int_equal(slow[18].answers + slow[19].answers, 0);
    silent = false;
    awaited = 2;
    run();
    assert_answer(&slow[18], "192.0.2.7:118", "[2001:db8::7]:118");
    assert_answer(&slow[19], "192.0.2.7:119", "[2001:db8::7]:119");
    assert_int_equal(hanging_most, 1);
    assert_int_equal(slow_calls, 1);
    for (size_t i = 0; i < 18; i++)
        assert_int_equal(slow[i].answers, 0);
    fv_resolver_destroy(resolver);
}

static void test_seven_slow_names(void **state)
{
    struct fv_resolver *resolver = own_resolver();
    struct question slow[7] = {0}, good = {.resolve.done = on_answer},
                    unknown = {.resolve.done = on_answer};
    for (size_t i = 0; i < 7; i++) {
        char name[] = {'s', 'l', 'o', 'w', (char)('0' + i), 0};
        slow[i].resolve.done = on_answer;
        assert_int_equal(fv_resolve_start(resolver, &slow[i].resolve, name, 554), 0);
    }
    awaited = 2;
    assert_int_equal(fv_resolve_start(resolver, &good.resolve, "good", 554), 0);
    assert_int_equal(fv_resolve_start(resolver, &unknown.resolve, "unknown", 554), 0);
    run();
    assert_answer(&good, "192.0.2.7:554", "[2001:db8::7]:554");
    assert_int_equal(unknown.code, -ENOENT);
    silent = false;
    awaited = 7;
    run();
    fv_resolver_destroy(resolver);
}

static void test_destroy_while_one_hangs(void **state)
{
    struct fv_resolver *resolver = own_resolver();
    struct question slow[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        slow[i].resolve.done = on_answer;
        assert_int_equal(fv_resolve_start(resolver, &slow[i].resolve, "slow", 554), 0);
    }
    for (int i = 0; i < 4000 && hanging == 0; i++)
        usleep(1000);
    fv_resolver_destroy(resolver);
    silent = false;
    fv_timer_set(loop, &guard, fv_now() + 50 * FV_MS);
    assert_int_equal(fv_loop_run(loop), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(slow[i].answers, 0);
}

static void test_destroy_while_asked(void **state)
{
    struct fv_resolver *resolver;
    struct question list[8] = {0};
    assert_int_equal(fv_resolver_create(loop, &resolver), 0);
    for (size_t i = 0; i < 8; i++) {
        list[i].resolve.done = on_answer;
        assert_int_equal(fv_resolve_start(resolver, &list[i].resolve, "localhost", 1), 0);
    }
    fv_resolver_destroy(resolver);
    fv_timer_set(loop, &guard, fv_now() + 50 * FV_MS);
    assert_int_equal(fv_loop_run(loop), 0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(list[i].answers, 0);
}

static void test_resolve_out_of_memory(void **state)
{
    struct fv_resolver *resolver = NULL;
    struct question q = {.resolve.done = on_answer};
    fv_alloc_fail_at(1);
    assert_int_equal(fv_resolver_create(loop, &resolver), -ENOMEM);
    assert_null(resolver);
    assert_int_equal(fv_resolver_create(loop, &resolver), 0);
    fv_alloc_fail_at(1);
    assert_int_equal(fv_resolve_start(resolver, &q.resolve, "localhost", 1), -ENOMEM);
    assert_null(q.resolve.job);
    fv_resolver_destroy(resolver);
}

/* --- Connections. --- */

struct link {
    struct fv_conn conn;
    struct fv_timer timer;
    unsigned opened;
    int code;
    unsigned events;
};

static void on_opened(struct fv_conn *conn, int code)
{
    struct link *link = FV_CONTAINER(conn, struct link, conn);
    link->opened++;
    link->code = code;
    fv_loop_stop(loop);
}

static void on_ready(struct fv_conn *conn, unsigned events)
{
    struct link *link = FV_CONTAINER(conn, struct link, conn);
    link->events |= events;
    fv_loop_stop(loop);
}

static void on_deadline(struct fv_timer *timer, int64_t now)
{
    struct link *link = FV_CONTAINER(timer, struct link, timer);
    int code = fv_conn_tick(&link->conn, now);
    if (code < 0)
        on_opened(&link->conn, code);
    else
        fv_timer_set(loop, timer, fv_conn_deadline(&link->conn));
}

static void make_link(struct link *link)
{
    *link = (struct link){.conn = {.opened = on_opened, .ready = on_ready}};
    fv_conn_init(&link->conn, loop);
    fv_timer_init(&link->timer, on_deadline);
}

static int open_link(struct link *link, const struct fv_addrs *addrs, int64_t timeout)
{
    int ret = fv_conn_open(&link->conn, addrs, timeout, fv_now());
    fv_timer_set(loop, &link->timer, fv_conn_deadline(&link->conn));
    return ret;
}

static void close_link(struct link *link)
{
    fv_timer_clear(loop, &link->timer);
    fv_conn_close(&link->conn);
    fv_conn_close(&link->conn);
    assert_int_equal(fv_conn_deadline(&link->conn), FV_TIME_NEVER);
}

/* A socket on a free port of 127.0.0.1; listening only with backlog >= 0. */
static int bind_local(int backlog, struct fv_addr *ret_addr)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(fv_addr_parse("127.0.0.1", 0, ret_addr), 0);
    assert_int_equal(bind(fd, &ret_addr->sa, ret_addr->size), 0);
    socklen_t size = ret_addr->size;
    assert_int_equal(getsockname(fd, &ret_addr->sa, &size), 0);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

/* A listener whose queue is full: the kernel drops further SYNs, as a host that is away. */
struct hole {
    int listener, fillers[4];
    struct fv_addr addr;
};

static void open_hole(struct hole *hole)
{
    hole->listener = bind_local(0, &hole->addr);
    static const struct fv_socket_options options = {0};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(fv_socket_connect(&hole->addr, &options, &hole->fillers[i]), 0);
    struct pollfd first = {.fd = hole->fillers[0], .events = POLLOUT};
    assert_int_equal(poll(&first, 1, 20000), 1); /* the queue is full */
    usleep(20000);
}

static void close_hole(struct hole *hole)
{
    for (size_t i = 0; i < 4; i++)
        close(hole->fillers[i]);
    close(hole->listener);
}

static void test_refused(void **state)
{
    struct fv_addrs addrs = {.count = 1};
    int fd = bind_local(-1, &addrs.list[0]); /* bound, not listening: nobody else takes the port */
    struct link link;
    make_link(&link);
    assert_int_equal(open_link(&link, &addrs, 5 * FV_S), 0);
    assert_int_equal(link.opened, 0);
    run();
    assert_int_equal(link.opened, 1);
    assert_int_equal(link.code, -ECONNREFUSED);
    close_link(&link);
    close(fd);
}

static void test_second_address(void **state)
{
    struct fv_addrs addrs = {.count = 2};
    int refused = bind_local(-1, &addrs.list[0]), good = bind_local(4, &addrs.list[1]);
    struct link link;
    make_link(&link);
    assert_int_equal(open_link(&link, &addrs, 5 * FV_S), 0);
    run();
    assert_int_equal(link.opened, 1);
    assert_int_equal(link.code, 0);
    char want[FV_ADDR_TEXT], text[FV_ADDR_TEXT];
    assert_string_equal(fv_conn_peer(&link.conn, text), fv_addr_format(&addrs.list[1], want));
    close_link(&link);
    close(refused);
    close(good);
}

static void test_black_hole(void **state)
{
    struct hole hole;
    open_hole(&hole);
    struct fv_addrs addrs = {.count = 1, .list = {hole.addr}};
    struct link link;
    make_link(&link);
    assert_int_equal(open_link(&link, &addrs, 50 * FV_MS), 0);
    run();
    assert_int_equal(link.opened, 1);
    assert_int_equal(link.code, -ETIMEDOUT);
    close_link(&link);
    close_hole(&hole);
}

static struct link *watched;

static void stop_when_reached(struct fv_timer *timer, int64_t now)
{
    if (fv_conn_securing(&watched->conn))
        fv_loop_stop(loop);
    else
        fv_timer_set(loop, timer, now + FV_MS);
}

static void run_until_reached(struct link *link)
{
    struct fv_timer look;
    watched = link;
    fv_timer_init(&look, stop_when_reached);
    fv_timer_set(loop, &look, fv_now());
    run();
    fv_timer_clear(loop, &look);
}

/* The address that leads nowhere takes half of the time, the next one is reached but does not speak TLS: that has a time of its own. */
static void test_tls_deadline(void **state)
{
    struct hole hole;
    open_hole(&hole);
    struct fv_addrs addrs = {.count = 2, .list = {hole.addr}};
    int mute = bind_local(4, &addrs.list[1]);
    struct fv_tls_context *context;
    assert_int_equal(fv_tls_context_create(false, "", &context, NULL), 0);
    struct link link;
    make_link(&link);
    link.conn.secure = context;
    link.conn.host = "127.0.0.1";
    int64_t begin = fv_now();
    assert_int_equal(fv_conn_open(&link.conn, &addrs, 100 * FV_S, begin), 0);
    assert_int_equal(fv_conn_deadline(&link.conn), begin + 50 * FV_S);
    assert_int_equal(fv_conn_tick(&link.conn, begin + 50 * FV_S), 0);
    assert_int_equal(fv_conn_deadline(&link.conn), begin + 100 * FV_S);
    run_until_reached(&link);
    int64_t deadline = fv_conn_deadline(&link.conn);
    assert_in_range(deadline, begin + 100 * FV_S + 1, fv_now() + 100 * FV_S);
    assert_int_equal(fv_conn_tick(&link.conn, deadline - 1), 0);
    assert_int_equal(fv_conn_tick(&link.conn, deadline), -ETIMEDOUT);
    assert_int_equal(link.opened, 0);
    close_link(&link);
    fv_tls_context_destroy(context);
    close(mute);
    close_hole(&hole);
}

static void test_tls_out_of_memory(void **state)
{
    struct fv_tls_context *context = NULL;
    struct fv_tls *tls = NULL;
    struct fv_error err;
    fv_alloc_fail_at(1);
    assert_int_equal(fv_tls_context_create(false, "", &context, &err), -ENOMEM);
    assert_null(context);
    assert_int_equal(fv_tls_context_create(false, "", &context, &err), 0);
    fv_alloc_fail_at(1);
    assert_int_equal(fv_tls_create(context, -1, "cam", &tls), -ENOMEM);
    assert_null(tls);
    fv_tls_context_destroy(context);
}

/* The address that leads nowhere gets half of the time, the good one is reached. */
static void test_black_hole_first(void **state)
{
    struct hole hole;
    open_hole(&hole);
    struct fv_addrs addrs = {.count = 2, .list = {hole.addr}};
    int good = bind_local(4, &addrs.list[1]);
    struct link link;
    make_link(&link);
    int64_t now = fv_now();
    assert_int_equal(fv_conn_open(&link.conn, &addrs, 100 * FV_MS, now), 0);
    assert_int_equal(fv_conn_deadline(&link.conn), now + 50 * FV_MS);
    assert_int_equal(fv_conn_tick(&link.conn, now + 50 * FV_MS - 1), 0);
    assert_int_equal(fv_conn_deadline(&link.conn), now + 50 * FV_MS);
    assert_int_equal(fv_conn_tick(&link.conn, now + 50 * FV_MS), 0);
    assert_int_equal(fv_conn_deadline(&link.conn), now + 100 * FV_MS);
    run();
    assert_int_equal(link.code, 0);
    close_link(&link);
    close(good);
    close_hole(&hole);
}

static void test_read_and_write(void **state)
{
    struct fv_addrs addrs = {.count = 1};
    int listener = bind_local(4, &addrs.list[0]);
    struct link link;
    char buffer[16];
    make_link(&link);
    assert_int_equal(open_link(&link, &addrs, 5 * FV_S), 0);
    run();
    assert_int_equal(link.code, 0);
    assert_int_equal(fv_conn_read(&link.conn, buffer, sizeof(buffer)), -EAGAIN);
    int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);

    assert_int_equal(fv_conn_write(&link.conn, "hello", 5), 5);
    assert_int_equal(read(peer, buffer, sizeof(buffer)), 5);
    assert_int_equal(write(peer, "you", 3), 3);
    run();
    assert_int_equal(link.events, FV_IO_READ);
    assert_int_equal(fv_conn_read(&link.conn, buffer, sizeof(buffer)), 3);

    assert_int_equal(fv_conn_want_write(&link.conn, true), 0);
    run();
    assert_int_equal(link.events, FV_IO_READ | FV_IO_WRITE);
    assert_int_equal(fv_conn_want_write(&link.conn, false), 0);

    static char zeros[65536];
    int64_t n;
    while ((n = fv_conn_write(&link.conn, zeros, sizeof(zeros))) > 0)
        ;
    assert_int_equal(n, -EAGAIN);
    close(peer);
    link.events = 0;
    run();
    assert_true(link.events & FV_IO_READ);
    assert_true(fv_conn_read(&link.conn, buffer, sizeof(buffer)) == -ECONNRESET);
    assert_true(fv_conn_write(&link.conn, "x", 1) < 0); /* and no SIGPIPE */
    close_link(&link);
    close(listener);
}

static void test_options(void **state)
{
    static const struct fv_socket_options options = {
        .nodelay = true, .keepalive = true, .receive_buffer = 65536};
    struct fv_addr addr;
    int listener = bind_local(4, &addr), fd, value;
    socklen_t size = sizeof(value);
    assert_int_equal(fv_socket_connect(&addr, &options, &fd), 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &size), 0);
    assert_true(value >= 65536);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &size), 0);
    assert_int_equal(value, 1);
    close(fd);
    close(listener);
}

static void test_no_address(void **state)
{
    struct fv_addrs addrs = {0};
    struct link link;
    make_link(&link);
    assert_int_equal(open_link(&link, &addrs, FV_S), -EINVAL);
    char text[FV_ADDR_TEXT];
    assert_string_equal(fv_conn_peer(&link.conn, text), "");
    close_link(&link);
}

#define NET_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zone),
        cmocka_unit_test(test_numeric),
        NET_TEST(test_localhost),
        NET_TEST(test_unknown_name),
        NET_TEST(test_cancel),
        NET_TEST(test_destroy_while_asked),
        NET_TEST(test_slow_name_holds_one_thread),
        NET_TEST(test_seven_slow_names),
        NET_TEST(test_destroy_while_one_hangs),
        NET_TEST(test_resolve_out_of_memory),
        NET_TEST(test_refused),
        NET_TEST(test_second_address),
        NET_TEST(test_black_hole),
        NET_TEST(test_black_hole_first),
        NET_TEST(test_tls_deadline),
        NET_TEST(test_tls_out_of_memory),
        NET_TEST(test_read_and_write),
        NET_TEST(test_options),
        NET_TEST(test_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
