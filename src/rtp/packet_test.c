// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/packet.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        const char digits[3] = {hex[0], hex[1], 0};
        out[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

struct parse_case {
    const char *name, *packet;
    int rc;
    size_t offset, size; /* of the payload */
    bool bad_padding;
};

#define REST                                                                                       \
    "e01234"                                                                                       \
    "a1b2c3d4"                                                                                     \
    "01020304" /* marker, type 96, seq 0x1234, timestamp, ssrc */

static const struct parse_case parse_cases[] = {
    {"empty", "", -EBADMSG},
    {"eleven bytes", "80e01234a1b2c3d4010203", -EBADMSG},
    {"header only", "80" REST, 0, 12, 0},
    {"payload", "80" REST "aabb", 0, 12, 2},
    {"version 1", "40" REST "aabb", -EBADMSG},
    {"version 3", "c0" REST "aabb", -EBADMSG},
    {"two CSRCs",
     "82" REST "1111111122222222"
     "aa",
     0, 20, 1},
    {"CSRCs that do not fit", "8f" REST "11111111", -EBADMSG},
    {"extension",
     "90" REST "bede0001"
     "10000000"
     "aabbcc",
     0, 20, 3},
    {"empty extension",
     "90" REST "bede0000"
     "aa",
     0, 16, 1},
    {"half an extension header", "90" REST "bede", -EBADMSG},
    {"extension that does not fit",
     "90" REST "bede0002"
     "10000000",
     -EBADMSG},
    {"CSRC and extension",
     "91" REST "11111111"
     "bede0001"
     "10000000"
     "aa",
     0, 24, 1},
    {"padding",
     "a0" REST "aabb"
     "000003",
     0, 12, 2},
    {"padding only", "a0" REST "000003", 0, 12, 0},
    {"padding 0", "a0" REST "aabb00", -EBADMSG, 12, 3, true},
    {"padding larger than the payload", "a0" REST "aabb04", -EBADMSG, 12, 3, true},
    {"padding without payload", "a0" REST, -EBADMSG, 12, 0, true},
};

static void test_parse(void **state)
{
    for (size_t i = 0; i < COUNT(parse_cases); i++) {
        const struct parse_case *c = &parse_cases[i];
        uint8_t data[64];
        size_t size = unhex(c->packet, data);
        struct fv_rtp_packet packet = {.seq = 7};
        bool bad_padding = false;
        print_message("%s\n", c->name);
        assert_int_equal(fv_rtp_parse(data, size, &packet), c->rc);
        assert_int_equal(packet.seq, c->rc == 0 ? 0x1234 : 7); /* untouched on failure */
        int rc = c->bad_padding ? 0 : c->rc;
        assert_int_equal(fv_rtp_parse_lenient(data, size, &packet, &bad_padding), rc);
        assert_int_equal(bad_padding, c->bad_padding);
        if (rc < 0)
            continue;
        assert_true(packet.marker);
        assert_int_equal(packet.payload_type, 96);
        assert_int_equal(packet.timestamp, 0xa1b2c3d4);
        assert_int_equal(packet.ssrc, 0x01020304);
        assert_ptr_equal(packet.payload, data + c->offset);
        assert_int_equal(packet.payload_size, c->size);
    }
}

static void test_write(void **state)
{
    uint8_t data[12], expected[12];
    fv_rtp_write_header(data, true, 96, 0x1234, 0xa1b2c3d4, 0x01020304);
    unhex("80" REST, expected);
    assert_memory_equal(data, expected, sizeof(data));
    fv_rtp_write_header(data, false, 127, 0xffff, 0, 0xffffffff);
    unhex("807fffff00000000ffffffff", expected);
    assert_memory_equal(data, expected, sizeof(data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_write)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
