// SPDX-License-Identifier: Apache-2.0
/*
 * Runs Fovea's kernels, the same source, on the CPU (kernels/device.h): tests of their arithmetic where there is no GPU, and the
 * fake driver's cuLaunchKernel. One launch runs at a time; any thread.
 */
#ifndef FV_TESTS_FAKEGPU_EMULATE_H
#define FV_TESTS_FAKEGPU_EMULATE_H

#include <stdint.h>

struct fv_emulated_launch {
    const char *name; /* of the kernel */
    uint32_t grid[3], block[3];
    void *const *parameters; /* as cuLaunchKernel takes them */
    /* Threads that a block of a kernel whose threads meet really has, instead of those of `block`: such kernels work with any
     * number. 1 needs no thread; 0: as 1. */
    unsigned workers;
};

/* 0; -ENOENT: no such kernel. */
int fv_emulate(const struct fv_emulated_launch *launch);

#endif
