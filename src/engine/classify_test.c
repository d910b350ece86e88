// SPDX-License-Identifier: Apache-2.0
/* The second stage with a detector that says what the test wants: what is cut out, asked, skipped, remembered and forgotten. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "engine/classify.h"

#define CAMERAS 2
#define BATCH 4
#define SIDE 32
#define PATIENCE (20 * FV_S)
#define NOBODY 7 /* a class that is not wanted */

static struct fv_model model = {.width = 16, .height = 16, .pad = FV_PAD_TOP_LEFT};
static const uint8_t wanted[] = {1, 1, 0, 0, 0, 0, 0, 0};

/* A crop as the detector saw it. */
struct seen {
    uint32_t width, height;
    uint64_t track;
    const uint8_t *plane[3];
    size_t pitch[3];
};

/* Answers with the class that `answer` has for the track's number; below 0: nothing certain. */
struct fake {
    struct fv_detector head;
    struct fv_picture *pictures[BATCH];
    unsigned count, biggest;
    atomic_bool hold; /* nothing is done meanwhile */
    atomic_int fails; /* so many submits fail */
    atomic_int answer[64];
    struct seen seen[64];
    atomic_uint seen_count;
};

static struct {
    struct fake detector;
    struct fv_classify *classify;
    atomic_int alive; /* references to pictures, beside the test's own */
    atomic_uint faults;
    uint16_t samples[3][SIDE * SIDE];
    struct fv_picture picture;
    struct fv_result result;
    int64_t now;
    bool in_vain; /* results are cancelled */
} bed;

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
}

/* --- the detector --- */

static int fake_enter(struct fv_detector *head, struct fv_error *err)
{
    return 0;
}

static bool fake_usable(const struct fv_detector *head, const struct fv_picture *picture)
{
    return true;
}

static int fake_submit(struct fv_detector *head, unsigned lane, const struct fv_batch *batch,
                       struct fv_error *err)
{
    struct fake *fake = (struct fake *)head;
    if (atomic_fetch_sub(&fake->fails, 1) > 0)
        return fv_error_set(err, -EIO, "it fails on purpose");
    fake->count = batch->count;
    fake->biggest = batch->count > fake->biggest ? batch->count : fake->biggest;
    for (unsigned i = 0; i < batch->count; i++) {
        struct fv_picture *crop = fake->pictures[i] = batch->pictures[i];
        struct seen *seen = &fake->seen[fake->seen_count % 64];
        *seen = (struct seen){crop->info.width, crop->info.height, crop->info.number, {0}, {0}};
        memcpy(seen->plane, crop->plane, sizeof(seen->plane));
        memcpy(seen->pitch, crop->pitch, sizeof(seen->pitch));
        fake->seen_count++;
    }
    return 0;
}

static bool fake_done(struct fv_detector *head, unsigned lane)
{
    return !((struct fake *)head)->hold;
}

static int fake_collect(struct fv_detector *head, unsigned lane, struct fv_error *err)
{
    return 0;
}

static uint32_t fake_read(struct fv_detector *head, unsigned lane, unsigned index,
                          struct fv_detection *out)
{
    struct fake *fake = (struct fake *)head;
    const int answer = fake->answer[fake->pictures[index]->info.number % 64];
    out[0] = (struct fv_detection){
        .x1 = 16, .y1 = 16, .score = 0.75f, .class_id = (uint16_t)(answer < 0 ? 0 : answer)};
    return answer >= 0;
}

static void fake_destroy(struct fv_detector *head) {}

static const struct fv_detector_ops fake_ops = {
    .enter = fake_enter,
    .usable = fake_usable,
    .submit = fake_submit,
    .done = fake_done,
    .collect = fake_collect,
    .read = fake_read,
    .destroy = fake_destroy,
};

/* --- the bed --- */

static void on_fault(void *data, int code, const char *reason)
{
    if (code == -EIO && strcmp(reason, "it fails on purpose") == 0)
        bed.faults++;
}

/* The test has the first reference for good. */
static void on_release(struct fv_picture *picture)
{
    abort();
}

static struct fv_classify_params params_of(bool waits)
{
    return (struct fv_classify_params){
        .cameras = CAMERAS,
        .model = &model,
        .detector = &bed.detector.head,
        .batch = BATCH,
        .timeout = FV_MS,
        .wanted = wanted,
        .class_count = sizeof(wanted),
        .interval = 5 * FV_S,
        .min_size = 4,
        .waits = waits,
        .fault = on_fault,
    };
}

/* Samples that say where they are: 8 bit in bytes, 16 bit in words. */
static void fill(enum fv_pixel_format format, uint32_t width, uint32_t height)
{
    const bool wide = format == FV_PIXEL_P016 || format == FV_PIXEL_I010;
    struct fv_picture *picture = &bed.picture;
    picture->format = format;
    picture->info.width = width;
    picture->info.height = height;
    for (int i = 0; i < 3; i++) {
        picture->plane[i] = (const uint8_t *)bed.samples[i];
        picture->pitch[i] = SIDE * (wide ? 2 : 1);
    }
}

static void begin_with(bool waits, int64_t interval)
{
    memset(&bed, 0, sizeof(bed));
    bed.detector.head = (struct fv_detector){.ops = &fake_ops, .lanes = 1};
    bed.picture.refs = 1;
    bed.picture.release = on_release;
    fill(FV_PIXEL_NV12, SIDE, SIDE);
    bed.now = 100 * FV_S;
    struct fv_classify_params params = params_of(waits);
    params.interval = interval;
    struct fv_error err = {0};
    assert_int_equal(fv_classify_create(&params, &bed.classify, &err), 0);
    assert_int_equal(fv_classify_start(bed.classify, &err), 0);
}

static void begin(bool waits)
{
    begin_with(waits, 5 * FV_S);
}

static void end(void)
{
    fv_classify_stop(bed.classify);
    fv_classify_destroy(bed.classify);
    assert_int_equal(bed.picture.refs, 1);
}

static void add_box(const float corners[4], uint64_t track, uint16_t class_id)
{
    bed.result.detections[bed.result.count++] = (struct fv_detection){.x0 = corners[0],
                                                                      .y0 = corners[1],
                                                                      .x1 = corners[2],
                                                                      .y1 = corners[3],
                                                                      .score = 0.9f,
                                                                      .class_id = class_id,
                                                                      .track = track};
}

static void next(uint32_t camera)
{
    bed.result.count = 0;
    bed.result.marked = false;
    bed.result.picture = &bed.picture;
    bed.now += FV_S / 10;
    bed.picture.info.camera = camera;
    bed.result.info = bed.picture.info;
    bed.result.info.at.event = bed.result.info.pts = bed.now;
}

static void show(void)
{
    assert_int_equal(fv_classify_result(bed.classify, &bed.result), !bed.in_vain);
    assert_true(bed.result.marked);
}

/* One box of class 0 with this track. */
static void show_one(uint32_t camera, uint64_t track)
{
    next(camera);
    add_box((const float[]){4, 4, 12, 12}, track, 0);
    show();
}

static struct fv_classify_stats stats_now(void)
{
    struct fv_classify_stats stats;
    fv_classify_stats(bed.classify, &stats);
    return stats;
}

/* Until so many crops came back, with an answer or without. */
static void wait_for(uint64_t classified, uint64_t lost)
{
    const int64_t until = fv_now() + PATIENCE;
    while (fv_now() < until) {
        const struct fv_classify_stats stats = stats_now();
        if (stats.classified == classified && stats.lost == lost && bed.picture.refs == 1)
            return;
        rest();
    }
    fail_msg("%llu classified, %llu lost, %d references",
             (unsigned long long)stats_now().classified, (unsigned long long)stats_now().lost,
             bed.picture.refs);
}

static void assert_mark(unsigned index, int label)
{
    assert_int_equal(bed.result.marks[index].label, label + 1);
    assert_float_equal(bed.result.marks[index].score, label < 0 ? 0 : 0.75f, 1e-6);
}

/* --- tests --- */

static size_t offset_of(const struct seen *seen, int plane)
{
    return (size_t)(seen->plane[plane] - (const uint8_t *)bed.samples[plane]);
}

/* Even corners around the box: x 2..8, y 4..12. NV12: 4 rows and 2 columns in, chroma 2 rows and one pair. */
static void test_cut(void **state)
{
    static const struct {
        enum fv_pixel_format format;
        size_t luma, chroma;
        bool third;
    } cases[] = {{FV_PIXEL_NV12, 4 * SIDE + 2, 2 * SIDE + 2, false},
                 {FV_PIXEL_P016, 4 * 2 * SIDE + 4, 2 * 2 * SIDE + 4, false},
                 {FV_PIXEL_I420, 4 * SIDE + 2, 2 * SIDE + 1, true},
                 {FV_PIXEL_I010, 4 * 2 * SIDE + 4, 2 * 2 * SIDE + 2, true}};
    begin(true);
    for (unsigned i = 0; i < 4; i++) {
        fill(cases[i].format, SIDE, SIDE);
        next(0);
        add_box((const float[]){3.2f, 5.1f, 7.6f, 10.9f}, 1 + i, 0);
        show();
        const struct seen *seen = &bed.detector.seen[i];
        assert_int_equal(seen->track, 1 + i);
        assert_int_equal(seen->width, 6);
        assert_int_equal(seen->height, 8);
        assert_int_equal(offset_of(seen, 0), cases[i].luma);
        assert_int_equal(offset_of(seen, 1), cases[i].chroma);
        if (cases[i].third)
            assert_int_equal(offset_of(seen, 2), cases[i].chroma);
        else
            assert_null(seen->plane[2]);
        assert_int_equal(seen->pitch[0], bed.picture.pitch[0]);
    }
    end();
}

/* A picture of odd size, and boxes that end where it does. */
static void test_cut_at_the_edge(void **state)
{
    begin(true);
    fill(FV_PIXEL_NV12, 31, 29);
    next(0);
    add_box((const float[]){0, 0, 31, 29}, 1, 0);
    add_box((const float[]){26.5f, 24.5f, 31, 29}, 2, 0);
    show();
    assert_int_equal(bed.detector.seen_count, 2);
    assert_int_equal(bed.detector.seen[0].width, 31);
    assert_int_equal(bed.detector.seen[0].height, 29);
    assert_int_equal(bed.detector.seen[1].width, 5);
    assert_int_equal(bed.detector.seen[1].height, 5);
    assert_int_equal(offset_of(&bed.detector.seen[1], 0), 24 * SIDE + 26);
    end();
}

/* Boxes beyond the picture, and what is no box: what is left of them is cut out. */
static void test_cut_beyond_the_edge(void **state)
{
    begin(true);
    next(0);
    add_box((const float[]){-5, -1e30f, 12, 12}, 1, 0);
    add_box((const float[]){4, 4, 1e30f, INFINITY}, 2, 0);
    add_box((const float[]){40, 4, 60, 12}, 3, 0); /* nothing */
    add_box((const float[]){-20, 4, -10, 12}, 4, 0);
    add_box((const float[]){NAN, NAN, NAN, NAN}, 5, 0);
    show();
    assert_int_equal(bed.detector.seen_count, 2);
    assert_int_equal(bed.detector.seen[0].width, 12);
    assert_int_equal(bed.detector.seen[0].height, 12);
    assert_int_equal(offset_of(&bed.detector.seen[0], 0), 0);
    assert_int_equal(bed.detector.seen[1].width, SIDE - 4);
    assert_int_equal(bed.detector.seen[1].height, SIDE - 4);
    end();
}

/* Which boxes: of a wanted class, with a track, large enough. */
static void test_choice(void **state)
{
    begin(true);
    bed.detector.answer[1] = 3;
    bed.detector.answer[2] = 5;
    next(1);
    add_box((const float[]){4, 4, 12, 12}, 1, 0);
    add_box((const float[]){4, 4, 12, 12}, 2, 1);
    add_box((const float[]){4, 4, 12, 12}, 3, NOBODY);
    add_box((const float[]){4, 4, 12, 12}, 4, 200); /* beyond the detector's classes */
    add_box((const float[]){4, 4, 12, 12}, 0, 0);
    add_box((const float[]){4, 4, 7.9f, 12}, 5, 0);
    add_box((const float[]){4, 4, 12, 7.9f}, 6, 0);
    show();
    assert_int_equal(bed.detector.seen_count, 2);
    assert_int_equal(bed.detector.biggest, 1); /* who waits asks for one at a time */
    assert_mark(0, 3);
    assert_mark(1, 5);
    for (unsigned i = 2; i < 7; i++)
        assert_mark(i, -1);
    assert_int_equal(stats_now().classified, 2);
    assert_int_equal(stats_now().skipped, 0);
    end();
}

/* A new track at once, then every 5 s; an answer that is not certain leaves the older one. */
static void test_interval(void **state)
{
    begin(true);
    bed.detector.answer[1] = 2;
    for (int i = 0; i < 50; i++) { /* 0.1 s apart */
        show_one(0, 1);
        assert_mark(0, 2);
    }
    assert_int_equal(bed.detector.seen_count, 1);
    bed.detector.answer[1] = -1;
    show_one(0, 1);
    assert_int_equal(bed.detector.seen_count, 2);
    assert_mark(0, 2);
    bed.detector.answer[1] = 4;
    bed.now += 5 * FV_S;
    show_one(0, 1);
    assert_mark(0, 4);
    bed.now = 0; /* a new timeline */
    show_one(0, 1);
    assert_int_equal(bed.detector.seen_count, 4);
    show_one(1, 1); /* another camera's */
    assert_int_equal(bed.detector.seen_count, 5);
    end();
}

/* More boxes than crops: all of them in turn where the stage waits. */
static void test_waits_for_all(void **state)
{
    begin(true);
    for (int i = 0; i < 64; i++)
        bed.detector.answer[i] = i % 8;
    next(0);
    for (unsigned i = 0; i < 40; i++)
        add_box((const float[]){4, 4, 12, 12}, 1 + i, 0);
    show();
    for (unsigned i = 0; i < 40; i++)
        assert_mark(i, (int)(1 + i) % 8);
    assert_int_equal(stats_now().classified, 40);
    assert_int_equal(stats_now().skipped, 0);
    end();
}

/* Nobody waits: the result comes without labels, and a later one has them. One picture of a camera is held, however many come. */
static void test_never_waits(void **state)
{
    begin(false);
    bed.detector.answer[1] = 2;
    bed.detector.answer[9] = 6;
    bed.detector.hold = true;
    show_one(0, 1);
    assert_mark(0, -1);
    show_one(1, 9); /* another camera has crops of its own */
    for (int i = 0; i < 30; i++)
        show_one(0, 2); /* due, and there is no room */
    assert_int_equal(stats_now().skipped, 30);
    assert_in_range(bed.picture.refs, 2,
                    5); /* each camera's, and those of crops that the pipeline has */
    bed.detector.hold = false;
    wait_for(2, 0);
    show_one(0, 1);
    assert_mark(0, 2);
    show_one(1, 9);
    assert_mark(0, 6);
    assert_int_equal(stats_now().skipped, 30);
    end();
}

/* At most 16 crops of a picture; those left over are asked with the next one. Batches are filled. */
static void test_crops_are_limited(void **state)
{
    begin(false);
    for (int i = 0; i < 64; i++)
        bed.detector.answer[i] = 1;
    for (int round = 0; round < 2; round++) {
        next(0);
        for (unsigned i = 0; i < 20; i++)
            add_box((const float[]){4, 4, 12, 12}, 1 + i, 0);
        show();
        wait_for(round ? 20 : 16, 0);
    }
    assert_int_equal(stats_now().skipped, 4);
    assert_true(bed.detector.biggest > 1 && bed.detector.biggest <= BATCH);
    end();
}

/* All the time more is due than there is room for: each has its turn, and nobody waits for ever. */
static void test_turns(void **state)
{
    begin_with(false, 0);
    for (int i = 0; i < 64; i++)
        bed.detector.answer[i] = 1;
    for (unsigned round = 1; round <= 3; round++) {
        next(0);
        for (unsigned i = 0; i < 20; i++)
            add_box((const float[]){4, 4, 12, 12}, 1 + i, 0);
        show();
        wait_for(16 * round, 0);
    }
    for (unsigned i = 0; i < 20; i++)
        assert_mark(i, 1);
    end();
}

/* An object that goes away, or is covered: its box is too small to be asked about, and it is still what it was. */
static void test_small_keeps_its_label(void **state)
{
    begin(true);
    bed.detector.answer[1] = 2;
    show_one(0, 1);
    for (int i = 0; i < 5; i++) {
        bed.now += 20 * FV_S;
        next(0);
        add_box((const float[]){4, 4, 6, 6}, 1, 0);
        show();
        assert_mark(0, 2);
    }
    assert_int_equal(bed.detector.seen_count, 1);
    end();
}

/* The camera is gone, and what is asked about its tracks comes too late for those of its successor. */
static void test_forget(void **state)
{
    begin(false);
    bed.detector.answer[1] = 2;
    bed.detector.hold = true;
    show_one(0, 1);
    fv_classify_forget(bed.classify, 0);
    bed.detector.hold = false;
    wait_for(1, 0);
    bed.detector.hold = true;
    show_one(0, 1);
    assert_mark(0, -1);
    bed.detector.hold = false;
    wait_for(2, 0);
    show_one(0, 1);
    assert_mark(0, 2);
    end();
}

/* More tracks than are remembered: the one that was not seen for longest makes room. */
static void test_many_tracks(void **state)
{
    begin(true);
    for (uint64_t track = 1; track <= FV_CLASSIFY_TRACKS + 10; track++) {
        bed.now -= FV_S / 10 - FV_MS;
        show_one(0, track);
    }
    assert_int_equal(stats_now().classified, FV_CLASSIFY_TRACKS + 10);
    show_one(0, FV_CLASSIFY_TRACKS + 10); /* known */
    assert_int_equal(stats_now().classified, FV_CLASSIFY_TRACKS + 10);
    show_one(0, 1); /* forgotten */
    assert_int_equal(stats_now().classified, FV_CLASSIFY_TRACKS + 11);
    /* All in one picture: some cannot be known at all, and it ends nevertheless. */
    next(1);
    for (unsigned i = 0; i < FV_DETECTIONS_MAX; i++)
        add_box((const float[]){4, 4, 12, 12}, 1 + i, 0);
    show();
    assert_int_equal(stats_now().classified, FV_CLASSIFY_TRACKS + 11 + FV_CLASSIFY_TRACKS);
    assert_int_equal(stats_now().skipped, FV_DETECTIONS_MAX - FV_CLASSIFY_TRACKS);
    /* Who is new, be it first, takes the place of nobody who is there. */
    next(1);
    add_box((const float[]){4, 4, 12, 12}, 1000, 0);
    for (unsigned i = 0; i < FV_CLASSIFY_TRACKS; i++)
        add_box((const float[]){4, 4, 12, 12}, 1 + i, 0);
    show();
    assert_int_equal(stats_now().classified, FV_CLASSIFY_TRACKS + 11 + FV_CLASSIFY_TRACKS);
    end();
}

/* A fault takes the crops, is counted and told once, and nothing stays behind; a second later they are asked again. */
static void test_fault(void **state)
{
    begin(true);
    bed.detector.fails = 2;
    next(0);
    for (unsigned i = 0; i < 3; i++)
        add_box((const float[]){4, 4, 12, 12}, 1 + i, 0);
    show();
    wait_for(1, 2);
    assert_int_equal(bed.faults, 1);
    for (unsigned i = 0; i < 30; i++) { /* 0.1 s apart */
        next(0);
        for (unsigned k = 0; k < 3; k++)
            add_box((const float[]){4, 4, 12, 12}, 1 + k, 0);
        show();
        wait_for(i < 9 ? 1 : 3, 2);
    }
    end();
}

static void *show_in_vain(void *data)
{
    show_one(0, 1);
    return NULL;
}

/* Who waits for an answer that does not come is let go, and nobody waits any more. */
static void test_cancel(void **state)
{
    pthread_t thread;
    begin(true);
    show_one(0, 9);
    bed.detector.hold = true;
    bed.in_vain = true;
    assert_int_equal(pthread_create(&thread, NULL, show_in_vain, NULL), 0);
    while (bed.detector.seen_count < 2)
        rest();
    fv_classify_cancel(bed.classify);
    pthread_join(thread, NULL);
    show_one(0, 2);
    bed.detector.hold = false;
    end();
}

/* The end comes while crops wait and fly. */
static void test_end_in_between(void **state)
{
    begin(false);
    for (unsigned i = 0; i < 10; i++)
        show_one(i % 2, 1 + i);
    end();
}

static void test_without_memory(void **state)
{
    memset(&bed, 0, sizeof(bed));
    bed.detector.head = (struct fv_detector){.ops = &fake_ops, .lanes = 1};
    const struct fv_classify_params params = params_of(false);
    unsigned n = 1;
    for (;; n++) {
        struct fv_classify *classify = NULL;
        struct fv_error err = {0};
        fv_alloc_fail_at(n);
        int r = fv_classify_create(&params, &classify, &err);
        if (fv_alloc_fail_pending()) {
            fv_alloc_fail_at(0);
            assert_int_equal(r, 0);
            fv_classify_destroy(classify);
            break;
        }
        assert_int_equal(r, -ENOMEM);
        assert_null(classify);
        assert_true(err.text[0] != 0);
    }
    assert_true(n > 8); /* the stage, its cameras, and the pipeline with its parts */
    fv_classify_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_at_the_edge),
        cmocka_unit_test(test_cut_beyond_the_edge),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_interval),
        cmocka_unit_test(test_waits_for_all),
        cmocka_unit_test(test_never_waits),
        cmocka_unit_test(test_crops_are_limited),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_small_keeps_its_label),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_many_tracks),
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_end_in_between),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
