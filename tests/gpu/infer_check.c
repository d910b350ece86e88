// SPDX-License-Identifier: Apache-2.0
/*
 * An inference runtime on this machine against ONNX Runtime's float32 results on a CPU, and its speed.
 *
 *   infer_check --model M.onnx --frames FOLDER [--runtime cuda|cpu] [--max-batch 64] [--seconds 2] [--search NAME] [--json OUT]
 *
 * FOLDER holds pictures NAME.i420 (768x576, BT.601, limited range) and what scripts/model/precision.py --raw wrote of each, NAME.f32.
 * Exit: 0 within the bounds, 1 not, 2 wrong usage.
 */
#include "infer_check.h"

#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "infer/boxes.h"
#include "kernels/half.h"
#include "kernels/letterbox.h"

#define WIDTH 768u
#define HEIGHT 576u
#define PICTURE (WIDTH * HEIGHT * 3 / 2)
#define SCORE_GOOD 0.3f /* weaker detections may come and go */
/* Float16 on an H100 and an H200: 0.041 of the 1.4 million scores, 0.018 of two partners', 0.011 of overlap lost; float32: 0.004, 0.001, 0.002. */
#define SCORE_ERROR 0.06 /* of any score */
#define MATCH_ERROR 0.03 /* of the scores of two partners */
#define IOU_MIN 0.97

struct figures {
    unsigned frames, detections, unmatched;
    double score, partner_score, overlap_loss;
};

void fail(const char *what, const char *why)
{
    fprintf(stderr, "infer_check: %s: %s\n", what, why);
    exit(1);
}

/* ---- files ---- */

static void *read_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(path, strerror(errno));
    void *data = fv_calloc(1, size);
    if (!data || fread(data, 1, size, file) != size || fgetc(file) != EOF)
        fail(path, "has another size than expected");
    fclose(file);
    return data;
}

static float *reference_of(const char *picture, size_t count)
{
    char path[1024];
    size_t stem = strlen(picture) - strlen(".i420");
    snprintf(path, sizeof(path), "%.*s.f32", (int)stem, picture);
    return read_file(path, count * sizeof(float));
}

/* Picture -> the network's input, by the plain-C kernel. */
static void letterbox(const struct fv_model *model, const char *path, float *out)
{
    uint8_t *data = read_file(path, PICTURE);
    const struct fv_picture picture = {
        .info = {.width = WIDTH, .height = HEIGHT},
        .format = FV_PIXEL_I420,
        .plane = {data, data + WIDTH * HEIGHT, data + WIDTH * HEIGHT * 5 / 4},
        .pitch = {WIDTH, WIDTH / 2, WIDTH / 2},
    };
    struct fv_tensor_spec spec = {.width = model->width,
                                  .height = model->height,
                                  .bgr = model->order == FV_ORDER_BGR,
                                  .range = model->range,
                                  .pad_value = model->pad_value};
    struct fv_resizer *resizer;
    struct fv_letterbox place;
    memcpy(spec.mean, model->mean, sizeof(spec.mean));
    memcpy(spec.std, model->std, sizeof(spec.std));
    if (fv_resizer_create(&resizer) < 0 ||
        fv_plan_letterbox(WIDTH, HEIGHT, model->width, model->height, model->pad, &place) < 0 ||
        fv_letterbox_run(resizer, &picture, &place, &spec, out) < 0)
        fail(path, "cannot be letterboxed");
    fv_resizer_destroy(resizer);
    fv_free(data);
}

/* ---- comparison ---- */

static double iou(const struct fv_detection *a, const struct fv_detection *b)
{
    double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
    if (w <= 0 || h <= 0)
        return 0;
    double areas =
        (double)(a->x1 - a->x0) * (a->y1 - a->y0) + (double)(b->x1 - b->x0) * (b->y1 - b->y0);
    return w * h / (areas - w * h);
}

struct found {
    uint32_t count;
    struct fv_detection list[FV_DETECTIONS_MAX];
};

/* Each good detection of `wanted` with its best partner in `in`. */
static void match(const struct found *wanted, const struct found *in, struct figures *figures)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        const struct fv_detection *d = &wanted->list[i], *best = NULL;
        for (uint32_t j = 0; d->score >= SCORE_GOOD && j < in->count; j++)
            if (in->list[j].class_id == d->class_id &&
                (!best || iou(d, &in->list[j]) > iou(d, best)))
                best = &in->list[j];
        if (d->score < SCORE_GOOD)
            continue;
        figures->detections++;
        if (!best || iou(d, best) < 0.5) {
            figures->unmatched++;
            continue;
        }
        figures->overlap_loss = fmax(figures->overlap_loss, 1 - iou(d, best));
        figures->partner_score = fmax(figures->partner_score, fabs((double)d->score - best->score));
    }
}

static void compare_scores(const struct fv_model *model, const float *ours, const float *theirs,
                           struct figures *figures)
{
    for (size_t row = 0; row < model->rows; row++) {
        const float *a = ours + row * model->columns, *b = theirs + row * model->columns;
        for (size_t c = 5; c < model->columns; c++) {
            double error = fabs((double)a[4] * a[c] - (double)b[4] * b[c]);
            if (!(error <= figures->score)) /* NaN too */
                figures->score = error;
        }
    }
}

static void compare(struct bench *bench, const char *path, struct figures *figures)
{
    const struct fv_model *model = bench->model;
    size_t outputs = (size_t)model->rows * model->columns;
    float *input = fv_calloc((size_t)3 * model->width * model->height, sizeof(float));
    float *output = fv_calloc(outputs, sizeof(float)), *theirs = reference_of(path, outputs);
    static struct found ours, wanted;
    struct fv_boxes *boxes;
    const struct fv_boxes_params params = {
        .model = model, .score_threshold = 0.2f, .iou_threshold = 0.45f};
    if (!input || !output || fv_boxes_create(&params, &boxes) < 0)
        fail("memory", "too little");
    letterbox(model, path, input);
    bench_infer(bench, input, output);
    compare_scores(model, output, theirs, figures);
    ours.count = fv_boxes_decode(boxes, output, NULL, ours.list, NULL);
    wanted.count = fv_boxes_decode(boxes, theirs, NULL, wanted.list, NULL);
    match(&wanted, &ours, figures);
    match(&ours, &wanted, figures);
    figures->frames++;
    fv_boxes_destroy(boxes);
    fv_free(input);
    fv_free(output);
    fv_free(theirs);
}

static bool compare_all(struct bench *bench, const char *folder, struct figures *figures)
{
    char pattern[1024];
    glob_t files;
    snprintf(pattern, sizeof(pattern), "%s/*.i420", folder);
    if (glob(pattern, 0, NULL, &files) != 0)
        fail(folder, "holds no pictures *.i420");
    for (size_t i = 0; i < files.gl_pathc; i++)
        compare(bench, files.gl_pathv[i], figures);
    globfree(&files);
    printf(
        "%u pictures, %u detections: %u without a partner, scores differ by %.4f (partners %.4f), "
        "overlap lost %.4f\n",
        figures->frames, figures->detections, figures->unmatched, figures->score,
        figures->partner_score, figures->overlap_loss);
    return figures->detections && figures->unmatched == 0 && figures->score <= SCORE_ERROR &&
           figures->partner_score <= MATCH_ERROR && figures->overlap_loss <= 1 - IOU_MIN;
}

/* ---- report ---- */

static void write_json(const char *path, const struct bench *bench, const struct figures *figures,
                       bool passed)
{
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    fprintf(file,
            "{\"runtime\": \"%s\", \"passed\": %s, \"open_s\": %.2f, \"search\": \"%s\",\n"
            " \"frames\": %u, \"detections\": %u, \"unmatched\": %u, \"score_difference\": %.5f,\n"
            " \"partner_score_difference\": %.5f, \"overlap_loss\": %.5f,\n"
            " \"bounds\": {\"unmatched\": 0, \"score_difference\": %g, "
            "\"partner_score_difference\": %g, \"overlap_loss\": %.2f},\n \"batches\": [",
            bench->description, passed ? "true" : "false", bench->open_s, bench->search,
            figures->frames, figures->detections, figures->unmatched, figures->score,
            figures->partner_score, figures->overlap_loss, SCORE_ERROR, MATCH_ERROR, 1 - IOU_MIN);
    for (unsigned i = 0; i < bench->rows; i++)
        fprintf(file,
                "%s\n  {\"batch\": %u, \"images_s\": %.0f, \"host_us_image\": %.2f, "
                "\"call_us\": %.1f, \"batch_ms\": %.3f}",
                i ? "," : "", bench->row[i].batch, bench->row[i].images_s,
                bench->row[i].host_us_image, bench->row[i].call_us, bench->row[i].batch_ms);
    fprintf(file, "]}\n");
    fclose(file);
}

static void usage(void)
{
    fprintf(stderr, "usage: infer_check --model M.onnx --frames FOLDER [--runtime cuda|cpu] "
                    "[--max-batch N] [--seconds S] [--search NAME] [--json OUT]\n");
    exit(2);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'},   {"frames", required_argument, NULL, 'f'},
        {"runtime", required_argument, NULL, 'r'}, {"max-batch", required_argument, NULL, 'b'},
        {"seconds", required_argument, NULL, 's'}, {"search", required_argument, NULL, 'c'},
        {"json", required_argument, NULL, 'j'},    {NULL, 0, NULL, 0}};
    struct bench bench = {.runtime = "cuda", .search = "HEURISTIC", .max_batch = 64, .seconds = 2};
    const char *folder = NULL, *json = NULL, *model = NULL;
    struct figures figures = {0};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (c) {
        case 'm':
            model = optarg;
            break;
        case 'f':
            folder = optarg;
            break;
        case 'r':
            bench.runtime = optarg;
            break;
        case 'b':
            bench.max_batch = (unsigned)atoi(optarg);
            break;
        case 's':
            bench.seconds = atof(optarg);
            break;
        case 'c':
            bench.search = optarg;
            break;
        case 'j':
            json = optarg;
            break;
        default:
            usage();
        }
    if (!folder || !model || optind < argc)
        usage();
    bench_open(&bench, model);
    bool passed = compare_all(&bench, folder, &figures);
    if (bench.seconds > 0)
        bench_speed(&bench);
    write_json(json, &bench, &figures, passed);
    bench_close(&bench);
    printf("%s\n", passed ? "within the bounds" : "OUTSIDE THE BOUNDS");
    return passed ? 0 : 1;
}
