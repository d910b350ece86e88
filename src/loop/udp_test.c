// SPDX-License-Identifier: Apache-2.0
/* Pairs of UDP ports: whose packets count, batches, long datagrams, scarce memory. */
#include <arpa/inet.h>
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
#include "loop/tls.h"
#include "loop/udp.h"

static struct fv_addr addr_of(const char *host, uint16_t port)
{
    struct fv_addr addr;
    assert_int_equal(fv_addr_parse(host, port, &addr), 0);
    return addr;
}

static void never(struct fv_io *io, unsigned events)
{
    fail_msg("the loop does not run");
}

struct pair {
    struct fv_loop *loop;
    struct fv_udp udp;
};

static void pair_open(struct pair *pair, const char *host)
{
    struct fv_addr local = addr_of(host, 554); /* the port does not count */
    *pair = (struct pair){.udp = {.on_rtp = never, .on_rtcp = never}};
    fv_udp_init(&pair->udp);
    assert_int_equal(fv_loop_create(0, &pair->loop), 0);
    assert_int_equal(fv_udp_open(&pair->udp, pair->loop, &local, 100000), 0);
}

static void pair_close(struct pair *pair)
{
    fv_udp_close(&pair->udp, pair->loop);
    fv_udp_close(&pair->udp, pair->loop);
    assert_int_equal(pair->udp.rtp.fd, -1);
    fv_loop_destroy(pair->loop);
}

static void test_ports(void **state)
{
    struct pair pairs[20];
    for (size_t i = 0; i < 20; i++) {
        pair_open(&pairs[i], i % 2 ? "::1" : "127.0.0.1");
        assert_int_equal(pairs[i].udp.port % 2, 0);
        assert_true(pairs[i].udp.receive_buffer >= 100000);
    }
    for (size_t i = 0; i < 20; i++)
        pair_close(&pairs[i]);
    /* An address that is not ours. */
    struct pair none = {.udp = {.on_rtp = never, .on_rtcp = never}};
    struct fv_addr local = addr_of("192.0.2.1", 0);
    fv_udp_init(&none.udp);
    assert_int_equal(fv_udp_open(&none.udp, NULL, &local, 1), -EADDRNOTAVAIL);
    assert_int_equal(none.udp.rtp.fd, -1);
}

static void test_whose_packets_count(void **state)
{
    static const struct {
        const char *source;
        uint16_t rtp_port, rtcp_port;
        const char *from;
        uint16_t port;
        bool rtp, rtcp;
    } table[] = {
        {"", 5000, 5001, "192.0.2.1", 5000, true, false},
        {"", 5000, 5001, "192.0.2.1", 5001, false, true},
        {"", 5000, 5001, "192.0.2.1", 5002, false, false},
        {"", 0, 0, "192.0.2.1", 7777, true, true},
        {"", 0, 0, "192.0.2.2", 7777, false, false},
        {"192.0.2.9", 5000, 5001, "192.0.2.9", 5000, true, false},
        {"192.0.2.9", 5000, 5001, "192.0.2.1", 5000, true, false}, /* behind a router */
        {"192.0.2.9", 5000, 5001, "192.0.2.8", 5000, false, false},
        {"0.0.0.0", 5000, 5001, "192.0.2.1", 5000, true, false},
        {"0.0.0.0", 5000, 5001, "0.0.0.0", 5000, false, false},
        {"", 5000, 5001, "::1", 5000, false, false},
    };
    struct fv_addr peer = addr_of("192.0.2.1", 554);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct fv_udp udp;
        memset(&udp, 0, sizeof(udp));
        struct fv_addr from = addr_of(table[i].from, table[i].port);
        assert_false(fv_udp_expects(&udp, false, &from)); /* nothing is known yet */
        fv_udp_expect(&udp, &peer, table[i].source, table[i].rtp_port, table[i].rtcp_port);
        assert_int_equal(fv_udp_expects(&udp, false, &from), table[i].rtp);
        assert_int_equal(fv_udp_expects(&udp, true, &from), table[i].rtcp);
    }
}

static void test_batches(void **state)
{
    static uint8_t data[FV_UDP_DATAGRAM + 1];
    struct pair a, b;
    struct fv_datagrams *datagrams;
    pair_open(&a, "127.0.0.1");
    pair_open(&b, "127.0.0.1");
    assert_int_equal(fv_datagrams_create(&datagrams), 0);
    assert_int_equal(fv_datagrams_receive(datagrams, b.udp.rtp.fd, true), -EAGAIN);
    assert_int_equal(fv_udp_send(&a.udp, false, data, 1), -EDESTADDRREQ);
    struct fv_addr peer = addr_of("127.0.0.1", 554);
    fv_udp_expect(&a.udp, &peer, "", b.udp.port, (uint16_t)(b.udp.port + 1));
    for (size_t i = 1; i <= 40; i++) {
        data[0] = (uint8_t)i;
        assert_int_equal(fv_udp_send(&a.udp, false, data, i), i);
    }
    assert_int_equal(fv_udp_send(&a.udp, true, data, 7), 7);
    assert_int_equal(fv_datagrams_receive(datagrams, b.udp.rtp.fd, true), FV_UDP_BATCH);
    struct fv_datagram last = fv_datagrams_get(datagrams, FV_UDP_BATCH - 1);
    assert_int_equal(last.size, FV_UDP_BATCH);
    assert_int_equal(last.data[0], FV_UDP_BATCH);
    assert_int_equal(ntohs(last.from->in.sin_port), a.udp.port);
    assert_int_equal(fv_datagrams_receive(datagrams, b.udp.rtp.fd, true), 40 - FV_UDP_BATCH);
    assert_int_equal(fv_datagrams_receive(datagrams, b.udp.rtcp.fd, true), 1);
    assert_int_equal(fv_datagrams_get(datagrams, 0).size, 7);
    assert_int_equal(ntohs(fv_datagrams_get(datagrams, 0).from->in.sin_port), a.udp.port + 1);
    assert_int_equal(fv_udp_send(&a.udp, false, data, FV_UDP_DATAGRAM), FV_UDP_DATAGRAM);
    assert_int_equal(fv_udp_send(&a.udp, false, data, sizeof(data)), sizeof(data));
    assert_int_equal(fv_datagrams_receive(datagrams, b.udp.rtp.fd, true), 2);
    assert_false(fv_datagrams_get(datagrams, 0).cut);
    assert_true(fv_datagrams_get(datagrams, 1).cut);
    fv_datagrams_destroy(datagrams);
    pair_close(&a);
    pair_close(&b);
}

/* Takes what came to the RTP socket of `pair`, the way its owner does. Returns the number of packets that count. */
static int take(struct pair *pair, struct fv_datagrams *datagrams)
{
    const struct fv_addr *good = NULL;
    int counted = 0;
    bool ask = !pair->udp.sole;
    int n = fv_datagrams_receive(datagrams, pair->udp.rtp.fd, ask);
    for (int i = 0; i < n; i++) {
        struct fv_datagram datagram = fv_datagrams_get(datagrams, i);
        assert_int_equal(datagram.from != NULL, ask);
        if (datagram.from && !fv_udp_expects(&pair->udp, false, datagram.from))
            continue;
        good = datagram.from;
        counted++;
    }
    if (good)
        fv_udp_narrow(&pair->udp, good);
    return counted;
}

/* What is not from the camera counts at no time: before its first packet, between that and the next look, and afterwards. */
static void test_narrow(void **state)
{
    struct pair camera, stranger, us;
    struct fv_datagrams *datagrams;
    pair_open(&camera, "127.0.0.1");
    pair_open(&stranger, "127.0.0.1");
    pair_open(&us, "127.0.0.1");
    assert_int_equal(fv_datagrams_create(&datagrams), 0);
    struct fv_addr peer = addr_of("127.0.0.1", 554);
    fv_udp_expect(&camera.udp, &peer, "", us.udp.port, 0);
    fv_udp_expect(&stranger.udp, &peer, "", us.udp.port, 0);
    fv_udp_expect(&us.udp, &peer, "", camera.udp.port, 0);
    assert_int_equal(fv_udp_send(&stranger.udp, false, "x", 1), 1);
    assert_int_equal(take(&us, datagrams), 0);
    assert_false(us.udp.connected);
    assert_int_equal(fv_udp_send(&stranger.udp, false, "x", 1), 1);
    assert_int_equal(fv_udp_send(&camera.udp, false, "a", 1), 1);
    fv_datagrams_receive(datagrams, us.udp.rtcp.fd, true); /* others are served between */
    assert_int_equal(take(&us, datagrams), 1);
    assert_true(us.udp.connected && !us.udp.sole);
    assert_int_equal(fv_udp_send(&camera.udp, false, "b", 1), 1);
    assert_int_equal(take(&us, datagrams), 1);
    assert_true(us.udp.sole);
    assert_int_equal(fv_udp_send(&stranger.udp, false, "x", 1), 1);
    assert_int_equal(fv_udp_send(&camera.udp, false, "c", 1), 1);
    assert_int_equal(take(&us, datagrams), 1);
    assert_int_equal(fv_datagrams_get(datagrams, 0).data[0], 'c');
    fv_datagrams_destroy(datagrams);
    pair_close(&camera);
    pair_close(&stranger);
    pair_close(&us);
}

/* Between the first packet and the connecting, a stranger's may come in: it is asked for its name and does not count. */
static void test_narrow_leaves_nothing_in_between(void **state)
{
    struct pair camera, stranger, us;
    struct fv_datagrams *datagrams;
    pair_open(&camera, "127.0.0.1");
    pair_open(&stranger, "127.0.0.1");
    pair_open(&us, "127.0.0.1");
    assert_int_equal(fv_datagrams_create(&datagrams), 0);
    struct fv_addr peer = addr_of("127.0.0.1", 554), from = addr_of("127.0.0.1", camera.udp.port);
    fv_udp_expect(&camera.udp, &peer, "", us.udp.port, 0);
    fv_udp_expect(&stranger.udp, &peer, "", us.udp.port, 0);
    fv_udp_expect(&us.udp, &peer, "", camera.udp.port, 0);
    assert_int_equal(fv_udp_send(&stranger.udp, false, "x", 1), 1);
    fv_udp_narrow(&us.udp, &from);
    assert_int_equal(take(&us, datagrams), 0);
    assert_true(us.udp.connected && !us.udp.sole);
    assert_int_equal(fv_udp_send(&camera.udp, false, "b", 1), 1);
    assert_int_equal(take(&us, datagrams), 1);
    assert_true(us.udp.sole);
    fv_datagrams_destroy(datagrams);
    pair_close(&camera);
    pair_close(&stranger);
    pair_close(&us);
}

/* A camera that names no port may change it. One that does not listen where we send answers by ICMP: that is not the end. */
static void test_narrow_spares(void **state)
{
    struct pair camera, us;
    struct fv_datagrams *datagrams;
    pair_open(&camera, "127.0.0.1");
    pair_open(&us, "127.0.0.1");
    assert_int_equal(fv_datagrams_create(&datagrams), 0);
    struct fv_addr peer = addr_of("127.0.0.1", 554);
    fv_udp_expect(&camera.udp, &peer, "", us.udp.port, 0);
    fv_udp_expect(&us.udp, &peer, "", 0, 0);
    assert_int_equal(fv_udp_send(&camera.udp, false, "a", 1), 1);
    assert_int_equal(take(&us, datagrams), 1);
    assert_false(us.udp.connected);
    fv_udp_expect(&us.udp, &peer, "", camera.udp.port, 0);
    assert_int_equal(fv_udp_send(&camera.udp, false, "a", 1), 1);
    assert_int_equal(take(&us, datagrams), 1);
    assert_true(us.udp.connected);
    pair_close(&camera);
    assert_int_equal(fv_udp_send(&us.udp, false, "p", 1), 1);
    assert_int_equal(fv_datagrams_receive(datagrams, us.udp.rtp.fd, true), -EAGAIN);
    fv_datagrams_destroy(datagrams);
    pair_close(&us);
}

static void test_without_memory(void **state)
{
    struct fv_datagrams *datagrams = NULL;
    struct fv_tls_context *context = NULL;
    struct fv_tls *tls = NULL;
    fv_alloc_fail_at(1);
    assert_int_equal(fv_datagrams_create(&datagrams), -ENOMEM);
    fv_alloc_fail_at(1);
    assert_int_equal(fv_tls_context_create(true, "", &context, NULL), -ENOMEM);
    assert_int_equal(fv_tls_context_create(false, "", &context, NULL), 0);
    fv_alloc_fail_at(1);
    assert_int_equal(fv_tls_create(context, 0, "camera", &tls), -ENOMEM);
    assert_null(datagrams);
    assert_null(tls);
    fv_tls_context_destroy(context);
    fv_datagrams_destroy(NULL);
    fv_tls_context_destroy(NULL);
    fv_tls_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_whose_packets_count),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_narrow_leaves_nothing_in_between),
        cmocka_unit_test(test_narrow_spares),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
