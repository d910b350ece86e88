// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "validate/coco.h"

#define NEAR 1e-12

/* Image 1 and 2, category 1 and 5, and these annotations. */
#define TRUTH(annotations)                                                                         \
    "{\"images\": [{\"id\": 2}, {\"id\": 1}], \"categories\": [{\"id\": 1}, {\"id\": 5}], "        \
    "\"annotations\": [" annotations "]}"
#define OBJECT(image, category, box, crowd)                                                        \
    "{\"image_id\": " #image ", \"category_id\": " #category ", \"bbox\": [" box                   \
    "], \"iscrowd\": " #crowd "}"
#define FOUND(image, category, box, score)                                                         \
    "{\"image_id\": " #image ", \"category_id\": " #category ", \"bbox\": [" box                   \
    "], \"score\": " #score "}"

static FILE *open_text(const char *text)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(file);
    return file;
}

static int score(const char *truth_text, const char *found_text, double min_score,
                 struct fv_coco_scores *ret_scores, struct fv_error *err)
{
    struct fv_coco_truth truth = {0};
    struct fv_coco_boxes found = {0};
    FILE *file = open_text(truth_text);
    int r = fv_coco_read_truth(file, "truth", &truth, err);
    fclose(file);
    if (r == 0) {
        file = open_text(found_text);
        r = fv_coco_read_detections(file, "found", &truth, &found, err);
        fclose(file);
    }
    if (r == 0)
        r = fv_coco_score(&truth, &found, min_score, ret_scores, err);
    fv_coco_boxes_finish(&found);
    fv_coco_truth_finish(&truth);
    return r;
}

static const struct {
    const char *name, *truth, *found;
    double min_score;
    struct fv_coco_scores scores; /* precision, recall and F1 follow from the counts */
} cases[] = {
    /* Falling scores: hit, wrong, hit. Up to recall 0.50 (51 of 101 points) precision is 1, beyond it is 2/3. */
    {"two of three",
     TRUTH(OBJECT(1, 1, "0,0,10,10", 0) "," OBJECT(1, 1, "20,0,10,10", 0)),
     "[" FOUND(1, 1, "20,0,10,10", 0.7) "," FOUND(1, 1, "50,0,10,10",
                                                  0.8) "," FOUND(1, 1, "0,0,10,10", 0.9) "]",
     0,
     {.num_objects = 2,
      .num_true_positives = 2,
      .num_false_positives = 1,
      .ap50 = (51 + 50 * 2.0 / 3) / 101,
      .ap50_95 = (51 + 50 * 2.0 / 3) / 101,
      .mean_iou = 1}},
    {"from 0.75 up",
     TRUTH(OBJECT(1, 1, "0,0,10,10", 0) "," OBJECT(1, 1, "20,0,10,10", 0)),
     "[" FOUND(1, 1, "20,0,10,10", 0.7) "," FOUND(1, 1, "50,0,10,10",
                                                  0.8) "," FOUND(1, 1, "0,0,10,10", 0.9) "]",
     0.75,
     {.num_objects = 2,
      .num_true_positives = 1,
      .num_false_positives = 1,
      .num_misses = 1,
      .ap50 = (51 + 50 * 2.0 / 3) / 101,
      .ap50_95 = (51 + 50 * 2.0 / 3) / 101,
      .mean_iou = 1}},
    /* IoU 0.72 is enough for 0.50, 0.55, 0.60, 0.65 and 0.70. */
    {"half of the thresholds",
     TRUTH(OBJECT(1, 1, "0,0,10,10", 0)),
     "[" FOUND(1, 1, "0,0,10,7.2", 1) "]",
     0,
     {.num_objects = 1, .num_true_positives = 1, .ap50 = 1, .ap50_95 = 0.5, .mean_iou = 0.72}},
    /* The better score takes the object, though the other box lies better. */
    {"twice found",
     TRUTH(OBJECT(1, 1, "0,0,10,10", 0)),
     "[" FOUND(1, 1, "0,0,10,10", 0.5) "," FOUND(1, 1, "0,0,10,9.9", 0.6) "]",
     0,
     {.num_objects = 1,
      .num_true_positives = 1,
      .num_false_positives = 1,
      .ap50 = 1,
      .ap50_95 = 1,
      .mean_iou = 0.99}},
    /* In a crowd region nothing is right or wrong; however much of the region a box covers. */
    {"crowd",
     TRUTH(OBJECT(1, 1, "100,100,200,200", 1) "," OBJECT(1, 1, "0,0,10,10", 0)),
     "[" FOUND(1, 1, "110,110,10,10", 0.9) "," FOUND(1, 1, "130,130,10,10",
                                                     0.8) "," FOUND(1, 1, "0,0,10,10", 0.7) "]",
     0,
     {.num_objects = 1, .num_true_positives = 1, .ap50 = 1, .ap50_95 = 1, .mean_iou = 1}},
    {"only a crowd",
     TRUTH(OBJECT(1, 1, "100,100,200,200", 1)),
     "[" FOUND(1, 1, "110,110,10,10", 0.9) "]",
     0,
     {.ap50 = NAN, .ap50_95 = NAN, .mean_iou = NAN}},
    /* An object is preferred to the crowd region around it, even where the region overlaps more. */
    {"object in a crowd",
     TRUTH(OBJECT(1, 1, "0,0,100,100", 1) "," OBJECT(1, 1, "0,0,10,10", 0)),
     "[" FOUND(1, 1, "0,0,10,9", 0.9) "]",
     0,
     {.num_objects = 1, .num_true_positives = 1, .ap50 = 1, .ap50_95 = 0.9, .mean_iou = 0.9}},
    /* Another picture, another category: not found. Category 5 has an object and no detection: 0. */
    {"elsewhere",
     TRUTH(OBJECT(1, 1, "0,0,10,10", 0) "," OBJECT(1, 5, "0,0,10,10", 0)),
     "[" FOUND(2, 1, "0,0,10,10", 0.9) "," FOUND(1, 1, "0,0,10,10", 0.8) "]",
     0,
     {.num_objects = 2,
      .num_true_positives = 1,
      .num_false_positives = 1,
      .num_misses = 1,
      .ap50 = 0.25, /* half of category 1: at every recall precision is 1/2 */
      .ap50_95 = 0.25,
      .mean_iou = 1}},
    /* Category 9 is not known and does not count; 5 has no object: wrong, but in no average. */
    {"other categories",
     TRUTH(OBJECT(1, 1, "0,0,10,10", 0)),
     "[" FOUND(1, 9, "0,0,10,10", 0.9) "," FOUND(1, 5, "0,0,10,10",
                                                 0.9) "," FOUND(1, 1, "0,0,10,10", 0.1) "]",
     0,
     {.num_objects = 1,
      .num_true_positives = 1,
      .num_false_positives = 1,
      .ap50 = 1,
      .ap50_95 = 1,
      .mean_iou = 1}},
    {"nothing found",
     TRUTH(OBJECT(1, 1, "0,0,10,10", 0)),
     "[]",
     0,
     {.num_objects = 1, .num_misses = 1, .ap50 = 0, .ap50_95 = 0, .mean_iou = NAN}},
};

static void assert_same(double got, double expected)
{
    assert_int_equal(isnan(got), isnan(expected));
    if (!isnan(expected))
        assert_float_equal(got, expected, NEAR);
}

static void test_cases(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct fv_coco_scores *e = &cases[i].scores;
        const double hits = (double)e->num_true_positives, wrong = (double)e->num_false_positives;
        const double objects = (double)e->num_objects;
        struct fv_coco_scores s;
        struct fv_error err = {0};
        print_message("case %s\n", cases[i].name);
        assert_int_equal(score(cases[i].truth, cases[i].found, cases[i].min_score, &s, &err), 0);
        assert_int_equal(s.num_images, 2);
        assert_int_equal(s.num_objects, e->num_objects);
        assert_int_equal(s.num_true_positives, e->num_true_positives);
        assert_int_equal(s.num_false_positives, e->num_false_positives);
        assert_int_equal(s.num_misses, e->num_misses);
        assert_int_equal(s.num_detections, e->num_true_positives + e->num_false_positives);
        assert_same(s.ap50, e->ap50);
        assert_same(s.ap50_95, e->ap50_95);
        assert_same(s.mean_iou, e->mean_iou);
        assert_same(s.precision, hits + wrong > 0 ? hits / (hits + wrong) : NAN);
        assert_same(s.recall, objects > 0 ? hits / objects : NAN);
        assert_same(s.f1, hits + wrong + objects > 0 ? 2 * hits / (hits + wrong + objects) : NAN);
    }
}

/* The 101st detection of a category in a picture is not looked at. */
static void test_most_detections(void **state)
{
    char *text = calloc(102, 120), *end = text;
    struct fv_coco_scores s;
    struct fv_error err = {0};
    assert_non_null(text);
    end += sprintf(end, "[%s", FOUND(1, 1, "0,0,10,10", 0.01));
    for (int i = 0; i < FV_COCO_DETECTIONS_MAX; i++)
        end += sprintf(end, ",%s", FOUND(1, 1, "500,0,10,10", 0.5));
    sprintf(end, "]");
    assert_int_equal(score(TRUTH(OBJECT(1, 1, "0,0,10,10", 0)), text, 0, &s, &err), 0);
    assert_int_equal(s.num_true_positives, 0);
    assert_int_equal(s.num_false_positives, 100);
    text[strlen(text) - strlen("," FOUND(1, 1, "500,0,10,10", 0.5) "]")] = ']'; /* one fewer */
    text[strlen(text) - strlen(FOUND(1, 1, "500,0,10,10", 0.5) "]")] = '\0';
    assert_int_equal(score(TRUTH(OBJECT(1, 1, "0,0,10,10", 0)), text, 0, &s, &err), 0);
    assert_int_equal(s.num_true_positives, 1);
    assert_int_equal(s.num_false_positives, 99);
    free(text);
}

static void test_malformed(void **state)
{
    static const char good[] = TRUTH(OBJECT(1, 1, "0,0,10,10", 0));
    static const struct {
        const char *name, *truth, *found, *says;
    } bad[] = {
        {"no JSON", "{", "[]", "truth, line 1"},
        {"a list", "[]", "[]", "images"},
        {"no categories", "{\"images\": [], \"annotations\": []}", "[]", "categories"},
        {"no annotations", "{\"images\": [], \"categories\": []}", "[]", "annotations"},
        {"id a word", "{\"images\": [{\"id\": 1}, {\"id\": \"a\"}]}", "[]", "images[1]"},
        {"unknown image", TRUTH(OBJECT(3, 1, "0,0,10,10", 0)), "[]", "annotations[0]"},
        {"three corners", TRUTH(OBJECT(1, 1, "0,0,10", 0)), "[]", "bbox"},
        {"corner a word", TRUTH(OBJECT(1, 1, "0,0,10,\"a\"", 0)), "[]", "bbox"},
        {"far away", TRUTH(OBJECT(1, 1, "0,0,10,1e30", 0)), "[]", "bbox"},
        {"detections no list", good, "{}", "found"},
        {"detection of nothing", good, "[7]", "[0]"},
        {"no score", good, "[{\"image_id\": 1, \"category_id\": 1, \"bbox\": [0,0,1,1]}]", "score"},
        {"other picture", good, "[" FOUND(3, 1, "0,0,10,10", 1) "]", "image"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fv_coco_scores s;
        struct fv_error err = {0};
        print_message("case %s\n", bad[i].name);
        assert_int_equal(score(bad[i].truth, bad[i].found, 0, &s, &err), -EBADMSG);
        assert_int_equal(err.code, -EBADMSG);
        assert_non_null(strstr(err.text, bad[i].says));
    }
}

static void test_out_of_memory(void **state)
{
    unsigned n = 1;
    for (;; n++) {
        struct fv_coco_scores s = {0};
        struct fv_error err = {0};
        fv_alloc_fail_at(n);
        int r = score(TRUTH(OBJECT(1, 1, "0,0,10,10", 0)), "[" FOUND(1, 1, "0,0,10,10", 1) "]", 0,
                      &s, &err);
        const bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        if (pending) {
            assert_int_equal(r, 0);
            break;
        }
        assert_int_equal(r, -ENOMEM);
        assert_int_equal(err.code, -ENOMEM);
    }
    assert_true(n > 8);
}

static void test_files(void **state)
{
    char path[] = "/tmp/fovea-coco-test-XXXXXX";
    const char text[] = TRUTH("");
    struct fv_coco_scores s;
    struct fv_error err = {0};
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    assert_int_equal(fv_validate_coco(path, "/nonexistent/found", 0, &s, &err), -ENOENT);
    assert_int_equal(fv_validate_coco("/nonexistent/truth", path, 0, &s, NULL), -ENOENT);
    assert_int_equal(fv_validate_coco(path, path, 0, &s, &err), -EBADMSG);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),     cmocka_unit_test(test_most_detections),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
