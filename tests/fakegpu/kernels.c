// SPDX-License-Identifier: Apache-2.0
/* Which function stands for which kernel of the PTX: Fovea's own run from their source on the CPU (emulate.h). */
#include <stdint.h>
#include <string.h>

#include "fakegpu.h"
#include "fakegpu/emulate.h"
#include "kernels/layout.h"

static void run_source(const char *name, const struct fakegpu_launch *shape, void **parameters)
{
    struct fv_emulated_launch launch = {.name = name, .parameters = parameters};
    memcpy(launch.grid, shape->grid, sizeof(launch.grid));
    memcpy(launch.block, shape->block, sizeof(launch.block));
    if (fv_emulate(&launch) < 0)
        fakegpu_abort("cuLaunchKernel", "the kernel %s is not in emulate.c", name);
}

static void run_letterbox(const struct fakegpu_launch *launch, void **parameters)
{
    run_source("fv_letterbox", launch, parameters);
}

static void run_boxes(const struct fakegpu_launch *launch, void **parameters)
{
    run_source("fv_boxes", launch, parameters);
}

static void run_recode(const struct fakegpu_launch *launch, void **parameters)
{
    run_source("fv_recode", launch, parameters);
}

/* For the tests of the driver's layer: to[i] += value for `count` bytes. */
static void run_test_add(const struct fakegpu_launch *launch, void **parameters)
{
    uint8_t *to = (uint8_t *)(uintptr_t) * (const CUdeviceptr *)parameters[0];
    uint32_t count = *(const uint32_t *)parameters[1];
    uint8_t value = *(const uint8_t *)parameters[2];
    uint32_t threads = launch->grid[0] * launch->block[0];
    for (uint32_t i = 0; i < count && i < threads; i++)
        to[i] = (uint8_t)(to[i] + value);
}

/* A kernel that writes where it must not: the device is lost. */
static void run_test_crash(const struct fakegpu_launch *launch, void **parameters)
{
    fakegpu_lose(FV_CUDA_ILLEGAL_ADDRESS);
}

const struct fakegpu_kernel fakegpu_kernels[] = {
    {"fv_letterbox", run_letterbox, 1, {sizeof(struct fv_launch_letterbox)}},
    {"fv_boxes", run_boxes, 1, {sizeof(struct fv_launch_boxes)}},
    {"fv_recode", run_recode, 1, {sizeof(struct fv_launch_recode)}},
    {"fv_test_add", run_test_add, 3, {sizeof(CUdeviceptr), sizeof(uint32_t), sizeof(uint8_t)}},
    {"fv_test_crash", run_test_crash, 0, {0}},
    {0},
};
