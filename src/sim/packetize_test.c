// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/packet.h"
#include "sim/packetize.h"

/* Payloads go in, NAL units come out behind each other, each after a 32-bit length. */
struct receiver {
    const struct fv_codec_ops *codec;
    unsigned payloads;
    uint8_t first[4]; /* the first payload's beginning */
    uint8_t data[64 << 10];
    size_t size, open; /* where the unit in work begins */
    bool started;
    int fail_at; /* payload to refuse, 0: none */
};

static void take_unit(struct receiver *r, const uint8_t *data, size_t size)
{
    fv_put32(r->data + r->size, (uint32_t)size);
    memcpy(r->data + r->size + 4, data, size);
    r->size += 4 + size;
}

static void take_aggregate(struct receiver *r, const uint8_t *data, size_t size)
{
    size_t at = r->codec->header_size;
    while (at < size) {
        size_t unit = fv_get16(data + at);
        assert_true(at + 2 + unit <= size);
        take_unit(r, data + at + 2, unit);
        at += 2 + unit;
    }
}

static void take_fragment(struct receiver *r, const uint8_t *data, size_t size)
{
    const bool h264 = r->codec->codec == FV_CODEC_H264;
    const uint8_t fu = data[h264 ? 1 : 2];
    const size_t skip = h264 ? 2 : 3;
    assert_true(size > skip);
    assert_int_equal(!!(fu & 0x80), !r->started);
    if (fu & 0x80) {
        r->open = r->size;
        r->size += 4;
        if (h264) {
            r->data[r->size++] = (data[0] & 0xe0) | (fu & 0x1f);
        } else {
            r->data[r->size++] = (uint8_t)((data[0] & 0x81) | (fu & 0x3f) << 1);
            r->data[r->size++] = data[1];
        }
    }
    memcpy(r->data + r->size, data + skip, size - skip);
    r->size += size - skip;
    r->started = !(fu & 0x40);
    if (!r->started)
        fv_put32(r->data + r->open, (uint32_t)(r->size - r->open - 4));
}

static int receive(void *data, struct fv_nal head, struct fv_nal body)
{
    struct receiver *r = data;
    uint8_t payload[FV_SIM_MTU];
    size_t size = head.size + body.size;
    assert_in_range(size, 1, FV_SIM_MTU);
    if (head.size)
        memcpy(payload, head.data, head.size);
    memcpy(payload + head.size, body.data, body.size);
    if (r->payloads++ == 0)
        memcpy(r->first, payload, size < 4 ? size : 4);
    if (r->fail_at && r->payloads == (unsigned)r->fail_at)
        return -ENOMEM;
    unsigned type = r->codec->codec == FV_CODEC_H264 ? payload[0] & 0x1fu : payload[0] >> 1 & 0x3fu;
    if (type == (r->codec->codec == FV_CODEC_H264 ? 24u : 48u))
        take_aggregate(r, payload, size);
    else if (type == (r->codec->codec == FV_CODEC_H264 ? 28u : 49u))
        take_fragment(r, payload, size);
    else
        take_unit(r, payload, size);
    return 0;
}

static int run(struct receiver *r, enum fv_codec codec, const struct fv_nal *nals, size_t count)
{
    memset(r, 0, offsetof(struct receiver, data));
    r->codec = fv_codec_ops(codec);
    r->size = r->open = 0;
    r->started = false;
    const struct fv_packetizer packetizer = {r->codec, receive, r};
    return fv_packetize(&packetizer, nals, count);
}

static void check_units(const struct receiver *r, const struct fv_nal *nals, size_t count)
{
    size_t at = 0;
    assert_false(r->started);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fv_get32(r->data + at), nals[i].size);
        assert_memory_equal(r->data + at + 4, nals[i].data, nals[i].size);
        at += 4 + nals[i].size;
    }
    assert_int_equal(at, r->size);
}

static struct receiver receiver;
static uint8_t bytes[8192];

static void every_size_round_trips(void **state)
{
    const struct {
        enum fv_codec codec;
        uint8_t header[2];
        size_t step; /* payload bytes of a fragment: 1,400 less indicator and header */
    } codecs[] = {{FV_CODEC_H264, {0x65, 0x88}, 1398}, {FV_CODEC_H265, {0x26, 0x01}, 1397}};
    for (size_t c = 0; c < 2; c++)
        for (size_t size = 2 + c; size<5000; size += size> 1380 && size < 1420 ? 1 : 17) {
            for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(i * 13 + size);
            memcpy(bytes, codecs[c].header, 2);
            const struct fv_nal nal = {bytes, size};
            assert_int_equal(run(&receiver, codecs[c].codec, &nal, 1), 0);
            size_t body = size - 1 - c;
            size_t expected = size <= 1400 ? 1 : (body + codecs[c].step - 1) / codecs[c].step;
            assert_int_equal(receiver.payloads, expected);
            check_units(&receiver, &nal, 1);
        }
}

/* RFC 6184 5.7.1: STAP-A with the highest NRI; the slice stays alone. */
static void h264_sets_travel_together(void **state)
{
    const struct fv_nal nals[] = {{(const uint8_t *)"\x09\xf0", 2},
                                  {(const uint8_t *)"\x67\x42\xc0\x1e", 4},
                                  {(const uint8_t *)"\x48\xce", 2},
                                  {(const uint8_t *)"\x65\x88\x80", 3}};
    assert_int_equal(run(&receiver, FV_CODEC_H264, nals, 4), 0);
    assert_int_equal(receiver.payloads, 2);
    assert_memory_equal(receiver.first, "\x78\x00\x02\x09", 4); /* NRI 3, type 24 */
    check_units(&receiver, nals, 4);
}

/* RFC 7798 4.4.2: type 48, lowest layer and temporal id. */
static void h265_sets_travel_together(void **state)
{
    const struct fv_nal nals[] = {{(const uint8_t *)"\x40\x01\x0c", 3},
                                  {(const uint8_t *)"\x42\x01\x01", 3},
                                  {(const uint8_t *)"\x44\x02\xc1", 3},
                                  {(const uint8_t *)"\x26\x01\xaf", 3}};
    assert_int_equal(run(&receiver, FV_CODEC_H265, nals, 4), 0);
    assert_int_equal(receiver.payloads, 2);
    assert_memory_equal(receiver.first, "\x60\x01\x00\x03", 4);
    check_units(&receiver, nals, 4);
}

static void aggregates_respect_the_mtu(void **state)
{
    memset(bytes, 0xaa, sizeof(bytes));
    bytes[0] = 0x06;
    bytes[2000] = 0x06;
    /* header 1 + (2 + 700) + (2 + 695) = 1,400 fits; one byte more does not */
    struct fv_nal nals[] = {{bytes, 700}, {bytes + 2000, 695}};
    assert_int_equal(run(&receiver, FV_CODEC_H264, nals, 2), 0);
    assert_int_equal(receiver.payloads, 1);
    nals[1].size = 696;
    assert_int_equal(run(&receiver, FV_CODEC_H264, nals, 2), 0);
    assert_int_equal(receiver.payloads, 2);
    check_units(&receiver, nals, 2);
}

static void one_byte_units_are_fine(void **state)
{
    const struct fv_nal end = {(const uint8_t *)"\x0a", 1};
    assert_int_equal(run(&receiver, FV_CODEC_H264, &end, 1), 0);
    check_units(&receiver, &end, 1);
    assert_int_equal(run(&receiver, FV_CODEC_H265, &end, 1), -EBADMSG);
    assert_int_equal(receiver.payloads, 0);
}

static void emit_can_end_the_work(void **state)
{
    memset(bytes, 0xaa, sizeof(bytes));
    bytes[0] = 0x65;
    const struct fv_nal nal = {bytes, 5000};
    memset(&receiver, 0, sizeof(receiver));
    receiver.codec = fv_codec_ops(FV_CODEC_H264);
    receiver.fail_at = 2;
    const struct fv_packetizer packetizer = {receiver.codec, receive, &receiver};
    assert_int_equal(fv_packetize(&packetizer, &nal, 1), -ENOMEM);
    assert_int_equal(receiver.payloads, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_round_trips),    cmocka_unit_test(h264_sets_travel_together),
        cmocka_unit_test(h265_sets_travel_together), cmocka_unit_test(aggregates_respect_the_mtu),
        cmocka_unit_test(one_byte_units_are_fine),   cmocka_unit_test(emit_can_end_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
