// SPDX-License-Identifier: Apache-2.0
#include "mock_runtime.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "infer/runtime.h"

#define SIDE 64
#define ROWS ((SIDE / 8) * (SIDE / 8) + (SIDE / 16) * (SIDE / 16) + (SIDE / 32) * (SIDE / 32))
#define COLUMNS 7 /* cx, cy, w, h, objectness, "person", "other" */

struct fv_runtime {
    unsigned runs, max_batch;
    float *input, *output;
};

static unsigned fail_every;

static void mock_close(struct fv_runtime *runtime)
{
    if (!runtime)
        return;
    fv_free(runtime->input);
    fv_free(runtime->output);
    fv_free(runtime);
}

static int mock_open(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                     struct fv_error *err)
{
    struct fv_runtime *runtime = FV_NEW(struct fv_runtime);
    if (!runtime)
        return fv_error_set(err, -ENOMEM, "out of memory");
    runtime->max_batch = params->max_batch;
    runtime->input = fv_calloc((size_t)params->max_batch * 3 * SIDE * SIDE, sizeof(float));
    runtime->output = fv_calloc((size_t)params->max_batch * ROWS * COLUMNS, sizeof(float));
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
void mock_write_person(float *output)
{
    const float person[COLUMNS] = {3, 3, logf(2), logf(2), 0.9f, 0.9f, 0.1f};
    memcpy(output, person, sizeof(person));
}

static int mock_run(struct fv_runtime *runtime, unsigned lane, unsigned batch,
                    const void **ret_output, struct fv_error *err)
{
    if (batch == 0 || batch > runtime->max_batch)
        return fv_error_set(err, -EINVAL, "batch of %u", batch);
    if (fail_every && ++runtime->runs % fail_every == 0)
        return fv_error_set(err, -EIO, "the mock fails on purpose");
    for (unsigned i = 0; i < batch; i++)
        mock_write_person(runtime->output + (size_t)i * ROWS * COLUMNS);
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

static void sha256_hex(const char *text, char *hex)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(text, strlen(text), digest, &size, EVP_sha256(), NULL);
    for (unsigned i = 0; i < size; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
}

/* docs/model-manifest.md */
static json_t *manifest_of(const char *sha256)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:i, s:i, s:b, s:s, s:i, s:[i,i,i], "
                     "s:[i,i,i], s:s, s:i},"
                     " s:{s:s, s:s, s:s, s:[i,i,i], s:i, s:i}, s:[s,s]}",
                     "manifest", 1, "name", "mock", "source", "test", "license", "Apache-2.0",
                     "sha256", sha256, "input", "name", "images", "type", "float32", "width", SIDE,
                     "height", SIDE, "dynamic_batch", 1, "order", "bgr", "range", 255, "mean", 0, 0,
                     0, "std", 1, 1, 1, "pad", "top-left", "pad_value", 114, "output", "name",
                     "output", "type", "float32", "layout", "yolox", "strides", 8, 16, 32, "rows",
                     ROWS, "columns", COLUMNS, "labels", "person", "other");
}

const char *mock_model_write(const char *folder)
{
    static char path[1100];
    static const char content[] = "not a real model: the mock does not read it";
    char hex[2 * EVP_MAX_MD_SIZE + 1], manifest[1200];
    snprintf(path, sizeof(path), "%s/mock.onnx", folder);
    snprintf(manifest, sizeof(manifest), "%s/mock.json", folder);
    FILE *file = fopen(path, "w");
    if (!file)
        return NULL;
    fputs(content, file);
    fclose(file);
    sha256_hex(content, hex);
    json_t *value = manifest_of(hex);
    int r = value ? json_dump_file(value, manifest, 0) : -1;
    json_decref(value);
    return r == 0 ? path : NULL;
}
