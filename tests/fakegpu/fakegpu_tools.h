// SPDX-License-Identifier: Apache-2.0
/* For tests on the look-alike: its own functions, and what is left in it. Needs LD_LIBRARY_PATH as tests/fakegpu/meson.build sets it. */
#ifndef FAKEGPU_TOOLS_H
#define FAKEGPU_TOOLS_H

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fakegpu.h"
#include "gpu/gpu.h"

/* A function of libcuda.so.1 by its symbol; fails the test when it is not the look-alike. */
static inline void *fakegpu_find(const char *symbol)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NODELETE);
    void *function = library ? dlsym(library, symbol) : NULL;
    if (!function)
        fail_msg("libcuda.so.1 is not the look-alike: it has no %s", symbol);
    dlclose(library);
    return function;
}

static inline struct fakegpu_live fakegpu_left(void)
{
    struct fakegpu_live live;
    void (*read)(struct fakegpu_live *) =
        (void (*)(struct fakegpu_live *))fakegpu_find("fakegpu_live");
    read(&live);
    return live;
}

static inline void assert_nothing_left(void)
{
    struct fakegpu_live live = fakegpu_left();
    assert_int_equal(live.streams, 0);
    assert_int_equal(live.events, 0);
    assert_int_equal(live.modules, 0);
    assert_int_equal(live.device_blocks, 0);
    assert_int_equal(live.host_blocks, 0);
    assert_int_equal(live.retains, 0);
}

static inline void fakegpu_hold_work(bool hold)
{
    ((void (*)(bool))fakegpu_find("fakegpu_hold"))(hold);
}

/* The script counts from here. */
static inline void fakegpu_play(const char *script)
{
    void (*play)(const char *) = (void (*)(const char *))fakegpu_find("fakegpu_script");
    unsetenv("FOVEA_FAKE_GPU");
    play(script);
}

/* Fails the test when the GPU cannot be opened. */
static inline struct fv_gpu *fakegpu_open(const char *script, size_t pool_bytes)
{
    struct fv_gpu *gpu = NULL;
    struct fv_error err = {0};
    fakegpu_play(script);
    if (fv_gpu_open(&(struct fv_gpu_params){.pool_bytes = pool_bytes}, &gpu, &err) < 0)
        fail_msg("%s", err.text);
    return gpu;
}

#endif
