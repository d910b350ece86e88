// SPDX-License-Identifier: Apache-2.0
#include "infer/runtime.h"

#include <errno.h>
#include <string.h>

#define REGISTERED_MAX 4

static int open_tensorrt(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                         struct fv_error *err)
{
    return fv_runtime_no_tensorrt("tensorrt", err);
}

static int check_tensorrt(struct fv_error *err)
{
    return fv_runtime_no_tensorrt("tensorrt", err);
}

static int check_rtx(struct fv_error *err)
{
    return fv_runtime_no_tensorrt("tensorrt-rtx", err);
}

static int open_rtx(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                    struct fv_error *err)
{
    return fv_runtime_no_tensorrt("tensorrt-rtx", err);
}

/* Names that the settings know and this version cannot serve: open says so, nothing else is ever called. */
static const struct fv_runtime_ops tensorrt = {
    .name = "tensorrt", .memory = FV_MEMORY_DEVICE, .open = open_tensorrt, .check = check_tensorrt};
static const struct fv_runtime_ops tensorrt_rtx = {
    .name = "tensorrt-rtx", .memory = FV_MEMORY_DEVICE, .open = open_rtx, .check = check_rtx};

static const struct fv_runtime_ops *const built_in[] = {&fv_runtime_ort_cpu, &fv_runtime_ort_cuda,
                                                        &tensorrt, &tensorrt_rtx};
static const struct fv_runtime_ops *registered[REGISTERED_MAX];
static unsigned registered_count;

static const struct fv_runtime_ops *find_registered(const char *name)
{
    for (unsigned i = 0; i < registered_count; i++)
        if (strcmp(registered[i]->name, name) == 0)
            return registered[i];
    return NULL;
}

const struct fv_runtime_ops *fv_runtime_find(const char *name)
{
    const struct fv_runtime_ops *ops = find_registered(name);
    for (size_t i = 0; !ops && i < sizeof(built_in) / sizeof(built_in[0]); i++)
        if (strcmp(built_in[i]->name, name) == 0)
            ops = built_in[i];
    return ops;
}

int fv_runtime_register(const struct fv_runtime_ops *ops)
{
    if (!ops->name || find_registered(ops->name))
        return -EINVAL;
    if (registered_count == REGISTERED_MAX)
        return -ENOBUFS;
    registered[registered_count++] = ops;
    return 0;
}

int fv_runtime_no_tensorrt(const char *name, struct fv_error *err)
{
    return fv_error_set(
        err, -ENOTSUP,
        "models.INFERENCE_PROVIDER \"%s\" wants a TensorRT engine, and this version "
        "cannot build one yet: set \"INFERENCE_PROVIDER\": \"cuda\", which runs the "
        "model on the GPU by ONNX Runtime's CUDA provider",
        name);
}
