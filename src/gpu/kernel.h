// SPDX-License-Identifier: Apache-2.0
/* One kernel: from the PTX in the program to a launch. For the files of gpu/ and their checks. */
#ifndef FV_GPU_KERNEL_H
#define FV_GPU_KERNEL_H

#include "gpu/driver.h"
#include "kernels/launch.h"

/* PTX of kernels/<name>.cu, terminated. */
extern const char fv_ptx_letterbox[], fv_ptx_boxes[], fv_ptx_recode[];

struct fv_gpu_kernel {
    CUmodule module;
    CUfunction function;
};

/* `kernel` is zeroed and to be unloaded in either case. -EIO: the driver cannot compile the PTX: err has its words. */
int fv_gpu_kernel_load(struct fv_gpu *gpu, const char *ptx, const char *name,
                       struct fv_gpu_kernel *kernel, struct fv_error *err);
void fv_gpu_kernel_unload(struct fv_gpu *gpu,
                          struct fv_gpu_kernel *kernel); /* a zeroed one is fine */
/* Enqueued. `parameter`: the kernel's only one, read before the return. */
int fv_gpu_kernel_launch(const struct fv_gpu_kernel *kernel, const struct fv_launch_shape *shape,
                         struct fv_gpu_stream *stream, void *parameter, struct fv_error *err);

#endif
