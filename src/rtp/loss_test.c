// SPDX-License-Identifier: Apache-2.0
/* Streams written as lists of packets, and by hand beside them what must have come out after each: loss, order, cameras' faults. */
#include "rtp/bench.h"

/* Scripts: one row a packet; `log` is what must have come out after it. */

struct packet {
    int seq;     /* from 0 */
    unsigned ts; /* pictures of 3600 ticks */
    bool marker;
    const char *payload;
    const char *log;
};

struct script {
    const char *name;
    int64_t reorder;
    enum fv_on_loss on_loss;
    struct {
        uint64_t damaged, skipped, lost, invalid;
    } stats;
    struct packet packets[20];
};

#define KEY0                                                                                       \
    {0, 0, false, SPS, ""}, {1, 0, false, PPS, ""},                                                \
    {                                                                                              \
        2, 0, true, "658811", "FK"                                                                 \
    }

static const struct script scripts[] = {
    {"single NAL units", 0, FV_ON_LOSS_SKIP, {0, 0, 0, 0}, {KEY0, {3, 1, true, "419a22", "FKp"}}},
    {"STAP-A",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, true,
       "78"
       "0015" SPS "0004" PPS "0003"
       "658811",
       "FK"},
      {1, 1, true,
       "78"
       "0003"
       "419a22",
       "FKp"}}},
    {"FU-A",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false,
       "78"
       "0015" SPS "0004" PPS,
       ""},
      {1, 0, false,
       "7c85"
       "8811",
       ""},
      {2, 0, false,
       "7c05"
       "22",
       ""},
      {3, 0, true,
       "7c45"
       "33",
       "FK"},
      {4, 1, false,
       "5c81"
       "9a",
       "FK"},
      {5, 1, true,
       "5c41"
       "22",
       "FKp"}}},
    {"several slices",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false, "658811", ""},
      {3, 0, true, "652211", "FK"},
      {4, 1, false, "419a", "FK"},
      {5, 1, false, "4120", "FK"},
      {6, 1, true, "4121", "FKp"}}},
    {"nothing before the first key picture",
     0,
     FV_ON_LOSS_FLAG,
     {0, 2, 0, 0},
     {{0, 0, true, "419a22", ""},
      {1, 1, true, "419a22", ""},
      {2, 2, false, SPS, ""},
      {3, 2, false, PPS, ""},
      {4, 2, true, "658811", "FK"}}},
    {"no parameter sets: no decoder could start",
     0,
     FV_ON_LOSS_SKIP,
     {0, 2, 0, 0},
     {{0, 0, true, "658811", ""},
      {1, 1, false, SPS, ""},
      {2, 1, true, "658811", ""},
      {3, 2, false, PPS, ""},
      {4, 2, true, "658811", "FK"}}},
    {"loss within a picture: skip",
     0,
     FV_ON_LOSS_SKIP,
     {1, 1, 1, 0},
     {KEY0,
      {3, 1, false, "419a", "FK"},
      {5, 1, true, "4121", "FK"},
      {6, 2, true, "419a", "FK"},
      {7, 3, true, "658811", "FKK"},
      {8, 4, true, "419a", "FKKp"}}},
    {"loss within a picture: flag",
     0,
     FV_ON_LOSS_FLAG,
     {2, 0, 1, 0},
     {KEY0,
      {3, 1, false, "419a", "FK"},
      {5, 1, true, "4121", "FKd"},
      {6, 2, true, "419a", "FKdd"},
      {7, 3, true, "658811", "FKddK"},
      {8, 4, true, "419a", "FKddKp"}}},
    {"a whole picture lost",
     0,
     FV_ON_LOSS_SKIP,
     {0, 1, 2, 0},
     {KEY0, {5, 2, true, "419a", "FK"}, {6, 3, true, "658811", "FKK"}}},
    {"a whole picture lost: flag",
     0,
     FV_ON_LOSS_FLAG,
     {1, 0, 2, 0},
     {KEY0, {5, 2, true, "419a", "FKd"}, {6, 3, true, "658811", "FKdK"}}},
    {"loss before a key picture that begins well",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 1, 0},
     {KEY0, {4, 1, true, "658811", "FKK"}}},
    {"the head of a key picture lost",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 1, 0},
     {KEY0, {4, 1, true, "652211", "FK"}, {5, 2, true, "658811", "FKK"}}},
    {"the tail of a picture lost",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 1, 0},
     {KEY0, {3, 1, false, "419a", "FK"}, {5, 2, true, "658811", "FKK"}}},
    {"start of a fragment lost",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 1, 0},
     {KEY0,
      {4, 1, false,
       "7c01"
       "22",
       "FK"},
      {5, 1, true,
       "7c41"
       "22",
       "FK"},
      {6, 2, true, "658811", "FKK"}}},
    {"middle of a fragment lost: flag",
     0,
     FV_ON_LOSS_FLAG,
     {1, 0, 1, 0},
     {KEY0,
      {3, 1, false,
       "7c81"
       "9a",
       "FK"},
      {5, 1, false,
       "7c01"
       "22",
       "FK"},
      {6, 1, true,
       "7c41"
       "22",
       "FKd"},
      {7, 2, true, "658811", "FKdK"}}},
    {"damage in a key picture: flag does not start there",
     0,
     FV_ON_LOSS_FLAG,
     {1, 0, 1, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false, "658811", ""},
      {4, 0, true, "652211", ""},
      {5, 1, true, "658811", "FK"}}},
    {"unsupported and malformed payloads",
     0,
     FV_ON_LOSS_SKIP,
     {2, 0, 0, 7},
     {KEY0,
      {3, 1, false, "790000000341", "FK"},
      {4, 1, false, "7a00", "FK"},
      {5, 1, false, "7b00", "FK"},
      {6, 1, false, "7d8100", "FK"},
      {7, 1, false, "7c", "FK"},
      {8, 1, false, "7c98aa", "FK"},
      {9, 1, true, "419a", "FK"},
      {10, 2, true,
       "78"
       "0004"
       "658811",
       "FK"},
      {11, 3, true, "658811", "FKK"}}},
    {"forbidden bit: damaged",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 0, 0},
     {KEY0, {3, 1, true, "c19a", "FK"}, {4, 2, true, "658811", "FKK"}}},
    {"filler and end of sequence",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {KEY0, {3, 0, false, "0cff", "FK"}, {4, 1, false, "419a", "FK"}, {5, 1, true, "0cff", "FKp"}}},
    {"UDP: two swapped",
     60 * FV_MS,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {2, 0, true, "658811", ""},
      {1, 0, false, PPS, "FK"},
      {3, 1, true, "419a", "FKp"}}},
    {"UDP: duplicates",
     60 * FV_MS,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {KEY0,
      {2, 0, true, "658811", "FK"},
      {3, 1, true, "419a", "FKp"},
      {3, 1, true, "419a", "FKp"}}},
    {"UDP: lowest of many comes last",
     60 * FV_MS,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {KEY0,
      {6, 4, true, "419a", "FK"},
      {5, 3, true, "419a", "FK"},
      {4, 2, true, "419a", "FK"},
      {5, 3, true, "419a", "FK"},
      {3, 1, true, "419a", "FKpppp"}}},
    {"the end of a fragment was never sent",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 0, 0},
     {KEY0,
      {3, 1, true, "7cc19a", "FKp"},
      {4, 2, false, "7c819a", "FKp"},
      {5, 3, true, "658811", "FKpK"}}},
    /* quirks */
    {"marker missing everywhere",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false, "658811", ""},
      {3, 1, false, "419a", "FK"},
      {4, 2, false, "419a", "FKp"},
      {5, 3, false, "419a", "FKpp"}}},
    {"marker on every packet, fragments",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, true, SPS, ""},
      {1, 0, true, PPS, ""},
      {2, 0, true,
       "7c85"
       "88",
       ""},
      {3, 0, true,
       "7c05"
       "22",
       ""},
      {4, 0, true,
       "7c45"
       "33",
       ""},
      {5, 1, true, "419a", "FK"},
      {6, 2, true, "419a", "FKp"}}},
    {"marker on every packet, slices",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, true, SPS, ""},
      {1, 0, true, PPS, ""},
      {2, 0, true, "6588", ""},
      {3, 0, true, "6522", ""},
      {4, 1, true, "419a", "FK"},
      {5, 1, true, "4121", "FK"},
      {6, 2, true, "419a", "FKp"}}},
    {"marker on every slice: learned at the first fault",
     0,
     FV_ON_LOSS_SKIP,
     {1, 1, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, true, "6588", "FK"},
      {3, 0, true, "6522", "FK"},
      {4, 1, true, "419a", "FK"},
      {5, 1, true, "4121", "FK"},
      {6, 2, true, "6588", "FK"},
      {7, 2, true, "6522", "FK"},
      {8, 3, true, "419a", "FKK"},
      {9, 3, true, "4121", "FKK"},
      {10, 4, true, "419a", "FKKp"}}},
    {"timestamp stands still, no markers",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false, "6588", ""},
      {3, 0, false, "6522", ""},
      {4, 0, false, "419a", "FK"},
      {5, 0, false, "4121", "FK"},
      {6, 0, false, "0910", "FKp"},
      {7, 0, false, "419a", "FKp"},
      {8, 0, false, "419a", "FKpp"}}},
    {"parameter sets under the timestamp before",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, true, SPS, ""},
      {1, 0, true, PPS, ""},
      {2, 1, false,
       "7c85"
       "88",
       ""},
      {3, 1, true,
       "7c45"
       "22",
       "FK"}}},
    {"FU-A without end bit",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false,
       "7c85"
       "88",
       ""},
      {3, 0, true,
       "7c05"
       "22",
       ""},
      {4, 1, false,
       "7c81"
       "9a",
       "FK"},
      {5, 1, true,
       "7c01"
       "22",
       "FKp"},
      {6, 2, true,
       "7c81"
       "9a",
       "FKpp"}}},
    {"FU-A without start bit",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false,
       "7c05"
       "88",
       ""},
      {3, 0, false,
       "7c05"
       "22",
       ""},
      {4, 0, true,
       "7c45"
       "33",
       "FK"},
      {5, 1, false,
       "7c01"
       "9a",
       "FK"},
      {6, 1, true,
       "7c41"
       "22",
       "FKp"}}},
    {"FU-A with start bit on every fragment",
     0,
     FV_ON_LOSS_SKIP,
     {1, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false,
       "7c85"
       "88",
       ""},
      {3, 0, false,
       "7c85"
       "22",
       ""},
      {4, 0, true,
       "7cc5"
       "33",
       ""},
      {5, 1, false,
       "7c85"
       "88",
       ""},
      {6, 1, false,
       "7c85"
       "22",
       ""},
      {7, 1, true,
       "7cc5"
       "33",
       "FK"}}},
    {"FU-A with an early end bit",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {{0, 0, false, SPS, ""},
      {1, 0, false, PPS, ""},
      {2, 0, false,
       "7c85"
       "88",
       ""},
      {3, 0, false,
       "7c45"
       "22",
       ""},
      {4, 0, true,
       "7c45"
       "33",
       "FK"}}},
    {"empty payloads",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {KEY0,
      {3, 1, false, "", "FK"},
      {4, 1, false, "419a", "FK"},
      {5, 1, true, "", "FKp"},
      {6, 2, true,
       "78"
       "0000"
       "0002"
       "419a",
       "FKpp"}}},
    {"reserved types are left out",
     0,
     FV_ON_LOSS_SKIP,
     {0, 0, 0, 0},
     {KEY0, {3, 1, false, "1e00", "FK"}, {4, 1, true, "419a", "FKp"}}},
};

static void run_script(const struct script *script)
{
    struct bench b;
    fv_bench_start(&b);
    struct fv_rtp_params params = fv_bench_params(&b, FV_CODEC_H264, script->reorder);
    params.on_loss = script->on_loss;
    fv_bench_open(&b, &params);
    print_message("%s\n", script->name);
    for (const struct packet *p = script->packets; p->payload; p++) {
        fv_bench_send_at(&b, (uint16_t)(65533 + p->seq), 0xffffff00 + 3600 * p->ts, p->marker,
                         p->payload); /* both wrap */
        assert_string_equal(b.log, p->log);
    }
    const struct fv_rtp_stats *stats = fv_rtp_stats(b.rtp);
    assert_int_equal(stats->damaged, script->stats.damaged);
    assert_int_equal(stats->skipped, script->stats.skipped);
    assert_int_equal(stats->lost, script->stats.lost);
    assert_int_equal(stats->invalid, script->stats.invalid);
    fv_bench_finish(&b);
}

static void test_scripts(void **state)
{
    for (size_t i = 0; i < COUNT(scripts); i++)
        run_script(&scripts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
