// SPDX-License-Identifier: Apache-2.0
/* Fovea's kernels as functions for emulate.c. */
#ifndef FV_TESTS_FAKEGPU_EMULATED_H
#define FV_TESTS_FAKEGPU_EMULATED_H

#include <stdbool.h>

struct fv_emulated_kernel {
    const char *name;
    bool threads_meet;                    /* it calls fv_sync() and takes any number of threads */
    void (*run)(void *const *parameters); /* one thread, at the place in fv_emulated */
};

extern const struct fv_emulated_kernel fv_emulated_letterbox, fv_emulated_boxes,
    fv_emulated_recode;

#endif
