// SPDX-License-Identifier: Apache-2.0
/*
 * Real pictures through the real stages, letterbox -> ONNX Runtime -> boxes -> plan, against the second opinion of
 * scripts/model/reference.py. Set up by scripts/test through the environment:
 *
 *   FV_GOLDEN_MODEL   the prepared model (its manifest beside it)
 *   FV_GOLDEN_FRAMES  folder of the raw pictures
 *   FV_GOLDEN_JSON    what reference.py wrote; it names the pictures
 *
 * Exit: 0 passed, 1 failed, 77 not set up.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "infer/boxes.h"
#include "infer/runtime.h"
#include "kernels/letterbox.h"

#define FRAMES_MAX 16
#define SCORE_MIN 0.3f /* weaker detections may come and go with rounding */
#define IOU_MIN 0.98
#define SCORE_ERROR 0.01
#define BATCH_ERROR 1e-4 /* of a raw output value, one batch against single pictures */

struct found {
    uint32_t count;
    struct fv_detection list[FV_DETECTIONS_MAX];
};

struct golden {
    uint32_t width, height, frames;
    enum fv_matrix matrix;
    float score_threshold, iou_threshold;
    const char *files[FRAMES_MAX]; /* owned by `json` */
    struct found expected[FRAMES_MAX];
    json_t *json;
};

struct setup {
    struct golden golden;
    struct fv_model *model;
    const struct fv_runtime_ops *ops;
    struct fv_runtime *runtime;
    struct fv_boxes *boxes;
    struct fv_resizer *resizer;
    struct fv_letterbox box;
    float *inputs;                    /* all pictures, ready for the network */
    size_t input_count, output_count; /* floats of one picture */
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "golden: %s: %s\n", what, why);
    exit(1);
}

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    if (value && *value)
        return value;
    printf("%s is not set: the model, the pictures and the reference come from scripts/test\n",
           name);
    exit(77);
}

/* ---- the reference ---- */

static void read_detections(const json_t *list, struct found *found)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        const json_t *box = json_object_get(item, "box");
        if (found->count == FV_DETECTIONS_MAX || json_array_size(box) != 4)
            fail("reference", "a detection has no box, or there are too many");
        struct fv_detection *d = &found->list[found->count++];
        d->x0 = (float)json_number_value(json_array_get(box, 0));
        d->y0 = (float)json_number_value(json_array_get(box, 1));
        d->x1 = (float)json_number_value(json_array_get(box, 2));
        d->y1 = (float)json_number_value(json_array_get(box, 3));
        d->score = (float)json_number_value(json_object_get(item, "score"));
        d->class_id = (uint16_t)json_integer_value(json_object_get(item, "class"));
    }
}

static double number_of(const struct golden *golden, const char *key)
{
    const json_t *value = json_object_get(golden->json, key);
    if (!json_is_number(value))
        fail("reference has no number", key);
    return json_number_value(value);
}

static void load_golden(const char *path, struct golden *golden)
{
    json_error_t where;
    golden->json = json_load_file(path, 0, &where);
    if (!golden->json)
        fail(path, where.text);
    const json_t *frames = json_object_get(golden->json, "frames");
    const char *matrix = json_string_value(json_object_get(golden->json, "matrix"));
    golden->width = (uint32_t)number_of(golden, "width");
    golden->height = (uint32_t)number_of(golden, "height");
    golden->score_threshold = (float)number_of(golden, "score_threshold");
    golden->iou_threshold = (float)number_of(golden, "iou_threshold");
    golden->matrix = matrix && strcmp(matrix, "bt709") == 0 ? FV_MATRIX_BT709 : FV_MATRIX_BT601;
    golden->frames = (uint32_t)json_array_size(frames);
    if (golden->frames < 1 || golden->frames > FRAMES_MAX)
        fail(path, "needs 1 to 16 frames");
    for (uint32_t i = 0; i < golden->frames; i++) {
        const json_t *frame = json_array_get(frames, i);
        golden->files[i] = json_string_value(json_object_get(frame, "file"));
        if (!golden->files[i])
            fail(path, "a frame has no file name");
        read_detections(json_object_get(frame, "detections"), &golden->expected[i]);
    }
}

/* ---- our own way ---- */

static uint8_t *read_picture(const char *folder, const char *name, size_t size)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(path, strerror(errno));
    uint8_t *data = fv_calloc(1, size);
    if (!data || fread(data, 1, size, file) != size || fgetc(file) != EOF)
        fail(path, "has another size than the reference says");
    fclose(file);
    return data;
}

static void letterbox(struct setup *setup, const uint8_t *data, float *out)
{
    const struct golden *golden = &setup->golden;
    const struct fv_model *model = setup->model;
    uint32_t half = (golden->width + 1) / 2;
    size_t luma = (size_t)golden->width * golden->height;
    size_t chroma = (size_t)half * ((golden->height + 1) / 2);
    const struct fv_picture picture = {
        .info = {.width = golden->width, .height = golden->height},
        .format = FV_PIXEL_I420,
        .memory = FV_MEMORY_HOST,
        .matrix = golden->matrix,
        .plane = {data, data + luma, data + luma + chroma},
        .pitch = {golden->width, half, half},
    };
    struct fv_tensor_spec spec = {.width = model->width,
                                  .height = model->height,
                                  .bgr = model->order == FV_ORDER_BGR,
                                  .range = model->range,
                                  .pad_value = model->pad_value};
    memcpy(spec.mean, model->mean, sizeof(spec.mean));
    memcpy(spec.std, model->std, sizeof(spec.std));
    if (fv_letterbox_run(setup->resizer, &picture, &setup->box, &spec, out) < 0)
        fail("letterbox", "refused the picture");
}

static void load_inputs(struct setup *setup, const char *folder)
{
    const struct golden *golden = &setup->golden;
    size_t chroma = (size_t)((golden->width + 1) / 2) * ((golden->height + 1) / 2);
    size_t size = (size_t)golden->width * golden->height + 2 * chroma;
    setup->inputs = fv_calloc(golden->frames, setup->input_count * sizeof(float));
    if (!setup->inputs)
        fail("memory", "too little");
    for (uint32_t i = 0; i < golden->frames; i++) {
        uint8_t *data = read_picture(folder, golden->files[i], size);
        letterbox(setup, data, setup->inputs + i * setup->input_count);
        fv_free(data);
    }
}

static void open_stages(struct setup *setup, const char *model_path)
{
    const struct golden *golden = &setup->golden;
    struct fv_error err;
    if (fv_model_load(model_path, &setup->model, &err) < 0)
        fail("model", err.text);
    const struct fv_model *model = setup->model;
    setup->input_count = (size_t)3 * model->width * model->height;
    setup->output_count = (size_t)model->rows * model->columns;
    setup->ops = fv_runtime_find("cpu");
    const struct fv_runtime_params params = {
        .model = model, .max_batch = golden->frames, .threads = 1};
    if (setup->ops->open(&params, &setup->runtime, &err) < 0)
        fail("runtime", err.text);
    const struct fv_boxes_params boxes = {.model = model,
                                          .score_threshold = golden->score_threshold,
                                          .iou_threshold = golden->iou_threshold};
    if (fv_boxes_create(&boxes, &setup->boxes) < 0 || fv_resizer_create(&setup->resizer) < 0 ||
        fv_plan_letterbox(golden->width, golden->height, model->width, model->height, model->pad,
                          &setup->box) < 0)
        fail("stages", "cannot be created");
}

static void close_stages(struct setup *setup)
{
    setup->ops->close(setup->runtime);
    fv_boxes_destroy(setup->boxes);
    fv_resizer_destroy(setup->resizer);
    fv_model_free(setup->model);
    fv_free(setup->inputs);
    json_decref(setup->golden.json);
}

/* Runs `batch` pictures from number `first` on. */
static const float *infer(struct setup *setup, uint32_t first, uint32_t batch)
{
    const void *output;
    struct fv_error err;
    memcpy(setup->ops->input(setup->runtime, 0), setup->inputs + first * setup->input_count,
           batch * setup->input_count * sizeof(float));
    if (setup->ops->run(setup->runtime, 0, batch, &output, &err) < 0)
        fail("inference", err.text);
    return output;
}

static void find_boxes(struct setup *setup, const float *output, struct found *found)
{
    struct found raw;
    found->count = 0;
    raw.count = fv_boxes_decode(setup->boxes, output, NULL, raw.list, NULL);
    for (uint32_t i = 0; i < raw.count; i++) {
        struct fv_detection *d = &raw.list[i];
        if (fv_plan_box_to_picture(&setup->box, setup->golden.width, setup->golden.height, d))
            found->list[found->count++] = *d;
    }
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

static bool has_match(const struct fv_detection *wanted, const struct found *found)
{
    for (uint32_t i = 0; i < found->count; i++)
        if (found->list[i].class_id == wanted->class_id &&
            fabs(found->list[i].score - wanted->score) <= SCORE_ERROR &&
            iou(&found->list[i], wanted) >= IOU_MIN)
            return true;
    return false;
}

/* How many of `from` with a good score have no match in `in`; each is printed. */
static unsigned unmatched(const struct setup *setup, const char *whose, const struct found *from,
                          const struct found *in)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        const struct fv_detection *d = &from->list[i];
        if (d->score < SCORE_MIN || has_match(d, in))
            continue;
        printf("  only in %s: %s %.3f at %.1f,%.1f to %.1f,%.1f\n", whose,
               setup->model->labels[d->class_id], (double)d->score, (double)d->x0, (double)d->y0,
               (double)d->x1, (double)d->y1);
        count++;
    }
    return count;
}

static unsigned count_good(const struct found *found, int class_id)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < found->count; i++)
        count += found->list[i].score >= SCORE_MIN &&
                 (class_id < 0 || found->list[i].class_id == class_id);
    return count;
}

static unsigned compare_frame(const struct setup *setup, uint32_t frame, const struct found *ours)
{
    const struct found *theirs = &setup->golden.expected[frame];
    int person = fv_model_class(setup->model, "person");
    printf("%s: %u detections of score >= %.1f, %u persons; the reference has %u and %u\n",
           setup->golden.files[frame], count_good(ours, -1), (double)SCORE_MIN,
           count_good(ours, person), count_good(theirs, -1), count_good(theirs, person));
    return unmatched(setup, "the reference", theirs, ours) +
           unmatched(setup, "our result", ours, theirs);
}

static double largest_difference(const float *a, const float *b, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)a[i] - b[i]);
        if (!(difference <= largest)) /* NaN too */
            largest = difference;
    }
    return largest;
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Every picture alone, then all at once. Returns the number of faults. */
static unsigned compare_all(struct setup *setup)
{
    const uint32_t frames = setup->golden.frames;
    unsigned faults = 0, persons = 0;
    double ms = 0, difference = 0;
    float *single = fv_calloc(frames, setup->output_count * sizeof(float));
    if (!single)
        fail("memory", "too little");
    for (uint32_t i = 0; i < frames; i++) {
        struct found ours;
        double begin = cpu_ms();
        const float *output = infer(setup, i, 1);
        ms += cpu_ms() - begin;
        find_boxes(setup, output, &ours);
        memcpy(single + i * setup->output_count, output, setup->output_count * sizeof(float));
        faults += compare_frame(setup, i, &ours);
        persons += count_good(&ours, fv_model_class(setup->model, "person"));
    }
    difference = largest_difference(infer(setup, 0, frames), single, frames * setup->output_count);
    fv_free(single);
    printf("%s: %u persons on %u pictures, %.1f ms of CPU a picture\n",
           setup->ops->describe(setup->runtime), persons, frames, ms / frames);
    printf("a batch of %u against %u times 1: largest difference %g\n", frames, frames, difference);
    return faults + (difference <= BATCH_ERROR ? 0 : 1) + (persons > 0 ? 0 : 1);
}

int main(void)
{
    static struct setup setup;
    const char *model = from_environment("FV_GOLDEN_MODEL");
    const char *frames = from_environment("FV_GOLDEN_FRAMES");
    load_golden(from_environment("FV_GOLDEN_JSON"), &setup.golden);
    open_stages(&setup, model);
    load_inputs(&setup, frames);
    unsigned faults = compare_all(&setup);
    close_stages(&setup);
    if (faults)
        printf("%u faults\n", faults);
    return faults ? 1 : 0;
}
