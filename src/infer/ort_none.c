// SPDX-License-Identifier: Apache-2.0
/* Stands in for ort.c where Fovea was built without ONNX Runtime's header. */
#include <errno.h>

#include "infer/about.h"
#include "infer/runtime.h"

static int open_none(const struct fv_runtime_params *params, struct fv_runtime **ret_runtime,
                     struct fv_error *err)
{
    return fv_error_set(err, -ENOTSUP,
                        "this fovea was built without ONNX Runtime: install libonnxruntime-dev (or "
                        "run scripts/setup) and build again");
}

static int check_none(struct fv_error *err)
{
    return open_none(NULL, NULL, err);
}

static void close_none(struct fv_runtime *runtime) {}

/* Never reached: without open there is no runtime. */
static void *input_none(struct fv_runtime *runtime, unsigned lane)
{
    return NULL;
}

static int run_none(struct fv_runtime *runtime, unsigned lane, unsigned batch,
                    const void **ret_output, struct fv_error *err)
{
    return open_none(NULL, NULL, err);
}

static const char *describe_none(struct fv_runtime *runtime)
{
    return "none";
}

#define OPS(runtime_name, runtime_memory, runtime_check)                                           \
    {                                                                                              \
        .name = (runtime_name), .memory = (runtime_memory), .open = open_none,                     \
        .check = (runtime_check), .close = close_none, .input = input_none, .run = run_none,       \
        .describe = describe_none                                                                  \
    }

const struct fv_runtime_ops fv_runtime_ort_cpu = OPS("cpu", FV_MEMORY_HOST, NULL);
const struct fv_runtime_ops fv_runtime_ort_cuda = OPS("cuda", FV_MEMORY_DEVICE, check_none);
const struct fv_runtime_ops fv_runtime_ort_tensorrt = OPS("tensorrt", FV_MEMORY_DEVICE, check_none);
const struct fv_runtime_ops fv_runtime_ort_rtx = OPS("tensorrt-rtx", FV_MEMORY_DEVICE, check_none);

int fv_infer_about(struct fv_infer_about *ret_about, struct fv_error *err)
{
    return open_none(NULL, NULL, err);
}
