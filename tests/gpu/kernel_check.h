// SPDX-License-Identifier: Apache-2.0
/* What the checks and the benches of the kernels on a GPU share. A failure of the GPU ends the process with a sentence. */
#ifndef FV_TESTS_GPU_KERNEL_CHECK_H
#define FV_TESTS_GPU_KERNEL_CHECK_H

#include <stdbool.h>

#include "fakegpu/kernel_cases.h"
#include "gpu/kernels.h"

struct kernel_bed {
    struct fv_gpu *gpu;
    struct fv_gpu_stream *stream;
    bool quick; /* few and small cases */
};

/* Ends the process when `code` is negative. */
void kernel_must(int code, const struct fv_error *err);
fv_gpu_address kernel_alloc(const struct kernel_bed *bed, size_t bytes);
void kernel_upload(const struct kernel_bed *bed, fv_gpu_address to, const void *from, size_t bytes);
struct fv_gpu_kernels *kernel_create(const struct fv_gpu_kernels_params *params);
/* Of a tensor and boxes that only a part of the test uses. */
struct fv_gpu_kernels_params kernel_params(const struct kernel_bed *bed, unsigned max_batch);

/* Each prints JSON lines; true: all is right. */
bool kernel_check_letterbox(const struct kernel_bed *bed);
bool kernel_check_boxes(const struct kernel_bed *bed);
bool kernel_check_recode(const struct kernel_bed *bed);
void kernel_bench(const struct kernel_bed *bed);

#endif
