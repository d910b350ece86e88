// SPDX-License-Identifier: Apache-2.0
#include "mock_runtime.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "infer/runtime.h"

#define SIDE 64
#define ROWS ((SIDE / 8) * (SIDE / 8) + (SIDE / 16) * (SIDE / 16) + (SIDE / 32) * (SIDE / 32))
#define COLUMNS 7 /* cx, cy, w, h, objectness, "person", "other" */

struct fv_runtime {
    unsigned runs, max_batch;
    const struct fv_model *model;
    float *input, *output;
};

static unsigned fail_every;
static atomic_long classifier_takes; /* ms */

static void mock_close(struct fv_runtime *runtime)
{
    if (!runtime)
        return;
    fv_free(runtime->input);
    fv_free(runtime->output);
    fv_free(runtime);
}

size_t mock_output_count(const struct fv_model *model)
{
    return (size_t)model->rows * model->columns;
}

static int mock_open(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                     struct fv_error *err)
{
    struct fv_runtime *runtime = FV_NEW(struct fv_runtime);
    if (!runtime)
        return fv_error_set(err, -ENOMEM, "out of memory");
    runtime->max_batch = params->max_batch;
    runtime->input = fv_calloc((size_t)params->max_batch * 3 * SIDE * SIDE, sizeof(float));
    runtime->model = params->model;
    runtime->output =
        fv_calloc(params->max_batch * mock_output_count(params->model), sizeof(float));
    if (!runtime->input || !runtime->output) {
        mock_close(runtime);
        return fv_error_set(err, -ENOMEM, "out of memory");
    }
    *ret_runtime = runtime;
    return 0;
}

static void *mock_input(struct fv_runtime *runtime, unsigned lane)
{
    return runtime->input;
}

/* The first row is the cell at the top left of the finest grid (stride 8): centre (24, 24), size 16 x 16. */
void mock_write_answer(const struct fv_model *model, float *output)
{
    const float person[COLUMNS] = {3, 3, logf(2), logf(2), 0.9f, 0.9f, 0.1f};
    const float grown[2] = {0.1f, 0.9f};
    if (fv_model_classifies(model))
        memcpy(output, grown, sizeof(grown));
    else
        memcpy(output, person, sizeof(person));
}

static int mock_run(struct fv_runtime *runtime, unsigned lane, unsigned batch,
                    const void **ret_output, struct fv_error *err)
{
    if (batch == 0 || batch > runtime->max_batch)
        return fv_error_set(err, -EINVAL, "batch of %u", batch);
    if (fail_every && ++runtime->runs % fail_every == 0)
        return fv_error_set(err, -EIO, "the mock fails on purpose");
    const long ms = fv_model_classifies(runtime->model) ? classifier_takes : 0;
    if (ms > 0)
        nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
    for (unsigned i = 0; i < batch; i++)
        mock_write_answer(runtime->model, runtime->output + i * mock_output_count(runtime->model));
    *ret_output = runtime->output;
    return 0;
}

static const char *mock_describe(struct fv_runtime *runtime)
{
    return "mock";
}

static const struct fv_runtime_ops mock_ops = {
    .name = "cpu",
    .memory = FV_MEMORY_HOST,
    .open = mock_open,
    .close = mock_close,
    .input = mock_input,
    .run = mock_run,
    .describe = mock_describe,
};

void mock_runtime_install(unsigned every)
{
    fail_every = every;
    fv_runtime_register(&mock_ops);
}

void mock_runtime_classifier_takes(long ms)
{
    classifier_takes = ms;
}

static void sha256_hex(const char *text, char *hex)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(text, strlen(text), digest, &size, EVP_sha256(), NULL);
    for (unsigned i = 0; i < size; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
}

/* docs/model-manifest.md */
static json_t *make_manifest(void)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:{s:s, s:s, s:i, s:i, s:b, s:s, s:i, s:[i,i,i], "
                     "s:[i,i,i], s:s, s:i},"
                     " s:{s:s, s:s, s:s, s:[i,i,i], s:i, s:i}, s:[s,s]}",
                     "manifest", 1, "name", "mock", "source", "test", "license", "Apache-2.0",
                     "input", "name", "images", "type", "float32", "width", SIDE, "height", SIDE,
                     "dynamic_batch", 1, "order", "bgr", "range", 255, "mean", 0, 0, 0, "std", 1, 1,
                     1, "pad", "top-left", "pad_value", 114, "output", "name", "output", "type",
                     "float32", "layout", "yolox", "strides", 8, 16, 32, "rows", ROWS, "columns",
                     COLUMNS, "labels", "person", "other");
}

/* Takes the manifest. */
static const char *write_model(const char *path, json_t *manifest)
{
    static const char content[] = "not a real model: the mock does not read it";
    char hex[2 * EVP_MAX_MD_SIZE + 1], beside[1200];
    FILE *file = fopen(path, "w");
    if (!file || !manifest)
        return NULL;
    fputs(content, file);
    fclose(file);
    sha256_hex(content, hex);
    json_object_set_new(manifest, "sha256", json_string(hex));
    snprintf(beside, sizeof(beside), "%.*s.json", (int)(strlen(path) - strlen(".onnx")), path);
    int r = json_dump_file(manifest, beside, 0);
    json_decref(manifest);
    return r == 0 ? path : NULL;
}

const char *mock_model_write(const char *folder)
{
    static char path[1100];
    snprintf(path, sizeof(path), "%s/mock.onnx", folder);
    return write_model(path, make_manifest());
}

const char *mock_classifier_write(const char *folder)
{
    static char path[1100];
    json_t *manifest = make_manifest();
    json_object_set_new(manifest, "name", json_string("mocked"));
    json_object_set_new(manifest, "kind", json_string("classifier"));
    json_object_set_new(manifest, "labels", json_pack("[s,s]", "small", "grown"));
    json_object_set_new(manifest, "output",
                        json_pack("{s:s, s:s, s:s, s:f}", "name", "output", "type", "float32",
                                  "activation", "none", "threshold", 0.5));
    snprintf(path, sizeof(path), "%s/mocked.onnx", folder);
    return write_model(path, manifest);
}
