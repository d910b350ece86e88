// SPDX-License-Identifier: Apache-2.0
/* Starting without a key picture: recovery points (H.264, H.265), and H.265's random access pictures whose leading pictures are lost. */
#include "rtp/bench.h"

#define POINT0 "060601c480"   /* whole at once */
#define POINT3 "060602244080" /* whole three pictures later: 00100 (3), exact 1, broken 0, 00, 1 */
#define I_SLICE "618811"      /* no IDR, but intra */
#define P_SLICE "419a22"
#define B_SLICE "019e33" /* nobody refers to it */

static void send_point(struct bench *b, unsigned picture, const char *sei, const char *slice)
{
    fv_bench_send(b, picture * 3600, false, SPS);
    fv_bench_send(b, picture * 3600, false, PPS);
    fv_bench_send(b, picture * 3600, false, sei);
    fv_bench_send(b, picture * 3600, true, slice);
}

static void send_picture(struct bench *b, unsigned picture, const char *slice)
{
    fv_bench_send(b, picture * 3600, true, slice);
}

/* Gradual refresh: the camera never sends a key picture. Pictures that nobody refers to do not count. */
static void test_refresh(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    send_picture(&b, 0, P_SLICE);
    send_point(&b, 1, POINT3, P_SLICE); /* one */
    send_picture(&b, 2, P_SLICE);       /* two */
    send_picture(&b, 3, B_SLICE);
    send_picture(&b, 4, P_SLICE); /* three */
    send_picture(&b, 5, P_SLICE); /* whole */
    send_point(&b, 6, POINT3, P_SLICE);
    send_picture(&b, 7, P_SLICE);
    assert_string_equal(b.log, "FRqqqpRp");
    assert_int_equal(b.aus[0].flags, FV_FRAME_KEY | FV_FRAME_RECOVERY | FV_FRAME_PARTIAL);
    assert_int_equal(b.aus[1].flags, FV_FRAME_PARTIAL);
    assert_int_equal(b.aus[4].flags, 0);
    assert_int_equal(b.aus[5].flags, FV_FRAME_KEY | FV_FRAME_RECOVERY);
    fv_bench_assert_au(&b, 0, SETS SC POINT3 SC P_SLICE);
    const struct fv_rtp_stats *stats = fv_rtp_stats(b.rtp);
    assert_int_equal(stats->skipped, 1);
    assert_int_equal(stats->keyframes, 2);
    assert_int_equal(stats->recovery_points, 2);
    assert_int_equal(stats->damaged, 0);
    fv_bench_finish(&b);
}

/* Parameter sets that came before stand in front of a recovery point, too, as of a key picture. */
static void test_sets_in_front(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send(&b, 0, false, SPS);
    fv_bench_send(&b, 0, false, PPS);
    fv_bench_send(&b, 0, true, P_SLICE);
    fv_bench_send(&b, 3600, false, "0910");
    fv_bench_send(&b, 3600, false, POINT3);
    fv_bench_send(&b, 3600, true, P_SLICE);
    assert_string_equal(b.log, "FR");
    fv_bench_assert_au(&b, 0, SC "0910" SETS SC POINT3 SC P_SLICE);
    fv_bench_finish(&b);
}

static void test_no_sets(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send(&b, 0, false, POINT0);
    fv_bench_send(&b, 0, true, I_SLICE);
    assert_string_equal(b.log, "");
    assert_true(fv_rtp_stats(b.rtp)->waiting_key);
    fv_bench_finish(&b);
}

/* An intra picture is whole at once; a message that promises that of another picture lies. */
static void test_whole_at_once(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    send_point(&b, 0, POINT0, P_SLICE);
    assert_string_equal(b.log, "");
    send_point(&b, 1, POINT0, I_SLICE);
    send_picture(&b, 2, P_SLICE);
    send_point(&b, 3, POINT0, "658811"); /* a key picture with the message is a key picture */
    assert_string_equal(b.log, "FRpK");
    assert_int_equal(b.aus[0].flags, FV_FRAME_KEY | FV_FRAME_RECOVERY);
    assert_int_equal(b.aus[2].flags, FV_FRAME_KEY);
    assert_int_equal(fv_rtp_stats(b.rtp)->recovery_points, 1);
    fv_bench_finish(&b);
}

/* The message in a fragmented NAL unit. */
static void test_fragmented(void **state)
{
    struct bench b;
    fv_bench_init(&b, 0);
    fv_bench_send(&b, 0, false, SPS);
    fv_bench_send(&b, 0, false, PPS);
    fv_bench_send(&b, 0, false, "1c860602");
    fv_bench_send(&b, 0, false, "1c46244080");
    fv_bench_send(&b, 0, true, P_SLICE);
    assert_string_equal(b.log, "FR");
    fv_bench_finish(&b);
}

static void lose_one(struct bench *b)
{
    b->seq++;
}

static void test_loss(enum fv_on_loss on_loss, const char *log)
{
    struct bench b;
    fv_bench_start(&b);
    struct fv_rtp_params params = fv_bench_params(&b, FV_CODEC_H264, 0);
    params.on_loss = on_loss;
    fv_bench_open(&b, &params);
    send_point(&b, 0, POINT3, P_SLICE);
    for (unsigned i = 1; i < 4; i++)
        send_picture(&b, i, P_SLICE);
    lose_one(&b);
    send_picture(&b, 5, P_SLICE);
    send_point(&b, 6, POINT3, P_SLICE);
    send_picture(&b, 7, P_SLICE);
    lose_one(&b); /* before the refresh is through: it begins again with the next point */
    send_picture(&b, 9, P_SLICE);
    send_picture(&b, 10, P_SLICE);
    send_point(&b, 11, POINT3, P_SLICE);
    send_picture(&b, 12, P_SLICE);
    send_picture(&b, 13, P_SLICE);
    send_picture(&b, 14, P_SLICE);
    assert_string_equal(b.log, log);
    fv_bench_finish(&b);
}

static void test_loss_skips(void **state)
{
    test_loss(FV_ON_LOSS_SKIP, "FRqqpRqRqqp");
}

static void test_loss_flags(void **state)
{
    test_loss(FV_ON_LOSS_FLAG, "FRqqpdRqddRqqp");
}

/* --- H.265 --- */

#define VPS265 "40010c01ffff"
#define SPS265                                                                                     \
    "420101016000000300b0000003000003005aa0058201e1636b92452fcdc14181410000030001000003000ca1"
#define PPS265 "4401c0f2f03c90"
#define CRA "2a01af11"  /* type 21 */
#define BLA "2001af11"  /* type 16 */
#define IDR "2601af11"  /* type 19 */
#define RASL "1001d022" /* type 8 */
#define RASL_R "1201d022"
#define RADL "0c01d022"  /* type 6 */
#define TRAIL "0201d033" /* type 1 */

static void init_h265(struct bench *b, enum fv_on_loss on_loss)
{
    static const char sets_hex[] = SC VPS265 SC SPS265 SC PPS265;
    uint8_t sets[200];
    fv_bench_start(b);
    struct fv_rtp_params params = fv_bench_params(b, FV_CODEC_H265, 0);
    params.on_loss = on_loss;
    params.sets_size = fv_bench_unhex(sets_hex, sets);
    params.sets = sets;
    fv_bench_open(b, &params);
}

/* Joined in mid-stream at a CRA: its RASL pictures are left out, RADL and trailing pictures are not; with the next CRA all come. */
static void test_rasl_behind_start(void **state)
{
    struct bench b;
    init_h265(&b, FV_ON_LOSS_SKIP);
    const char *const pictures[] = {TRAIL, RASL, CRA, RASL, RASL_R, RADL, TRAIL, CRA, RASL, TRAIL};
    for (unsigned i = 0; i < COUNT(pictures); i++)
        send_picture(&b, i, pictures[i]);
    assert_string_equal(b.log, "FKppKpp");
    assert_int_equal(fv_rtp_stats(b.rtp)->skipped, 4);
    fv_bench_finish(&b);
}

/* Behind a BLA they are never decodable. */
static void test_rasl_behind_bla(void **state)
{
    struct bench b;
    init_h265(&b, FV_ON_LOSS_SKIP);
    const char *const pictures[] = {IDR, TRAIL, BLA, RASL, TRAIL, CRA, RASL};
    for (unsigned i = 0; i < COUNT(pictures); i++)
        send_picture(&b, i, pictures[i]);
    assert_string_equal(b.log, "FKpKpKp");
    fv_bench_finish(&b);
}

static void test_rasl_behind_loss(void **state)
{
    static const struct {
        enum fv_on_loss on_loss;
        const char *log;
    } ways[] = {{FV_ON_LOSS_SKIP, "FKKp"}, {FV_ON_LOSS_FLAG, "FKdKdp"}};
    for (unsigned i = 0; i < COUNT(ways); i++) {
        struct bench b;
        init_h265(&b, ways[i].on_loss);
        send_picture(&b, 0, IDR);
        lose_one(&b);
        send_picture(&b, 2, TRAIL);
        send_picture(&b, 3, CRA);
        send_picture(&b, 4, RASL);
        send_picture(&b, 5, TRAIL);
        assert_string_equal(b.log, ways[i].log);
        fv_bench_finish(&b);
    }
}

/* In H.265 a message that promises whole pictures at once is no place to start unless its picture is a key picture anyhow. */
static void test_h265_refresh(void **state)
{
    struct bench b;
    init_h265(&b, FV_ON_LOSS_SKIP);
    fv_bench_send(&b, 0, false, "4e010602174080"); /* -5 */
    fv_bench_send(&b, 0, true, TRAIL);
    assert_string_equal(b.log, "");
    fv_bench_send(&b, 3600, false, "4e010602154080"); /* 5 */
    fv_bench_send(&b, 3600, true, TRAIL);
    for (unsigned i = 2; i < 7; i++)
        send_picture(&b, i, TRAIL);
    assert_string_equal(b.log, "FRqqqqp");
    fv_bench_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refresh),         cmocka_unit_test(test_sets_in_front),
        cmocka_unit_test(test_no_sets),         cmocka_unit_test(test_whole_at_once),
        cmocka_unit_test(test_fragmented),      cmocka_unit_test(test_loss_skips),
        cmocka_unit_test(test_loss_flags),      cmocka_unit_test(test_rasl_behind_start),
        cmocka_unit_test(test_rasl_behind_bla), cmocka_unit_test(test_rasl_behind_loss),
        cmocka_unit_test(test_h265_refresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
