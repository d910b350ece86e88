// SPDX-License-Identifier: Apache-2.0
/* What the files of the look-alike share. */
#ifndef FAKEGPU_IMPL_H
#define FAKEGPU_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "fakegpu.h"

/* The entry points under the names that the real library exports. */
#define FAKEGPU_DECLARE(name, symbol, arguments)                                                   \
    FAKEGPU_API CUresult name arguments __asm__(symbol);
FV_CUDA_ENTRIES(FAKEGPU_DECLARE)
#undef FAKEGPU_DECLARE

#define FAKEGPU_DEVICES 8

struct script {
    char text[512];
    bool no_device, fixed_flags, leaks_ok, reset_helps;
    int driver, devices, memory_mb, free_mb, compute, alloc_fail, lost_after, lost_code, slow_ms;
};

/* script.c. Written by cuInit only, before other threads call. */
extern struct script fakegpu_plan;
void fakegpu_script_read(void);           /* the environment, when it changed */
CUresult fakegpu_count(const char *call); /* as fakegpu_enter, without a context */
bool fakegpu_allocation_fails(void);
CUresult fakegpu_lost_code(void); /* CUDA_SUCCESS while the device is there */

/* device.c: the calling thread's device; aborts when there is none. */
struct device *fakegpu_current(const char *call);
unsigned fakegpu_retains(void);
/* memory.c, stream.c, module.c: how many are left, and the end of all of them when a context is reset. */
unsigned fakegpu_device_blocks(size_t *ret_bytes);
unsigned fakegpu_host_blocks(void);
void fakegpu_memory_reset(void);
unsigned fakegpu_streams(void);
unsigned fakegpu_events(void);
void fakegpu_streams_reset(void);
unsigned fakegpu_modules(void);
unsigned fakegpu_graphs(void);
void fakegpu_modules_reset(void);
void fakegpu_streams_drain(void); /* waits for all */

/* Recording: what fakegpu_enqueue_kept() gets meanwhile is kept instead of done. */
#define FAKEGPU_ITEMS 64
struct fakegpu_item {
    void (*run)(void *data, bool lost);
    void *data;
};
void fakegpu_record(const char *call, CUstream stream);
/* Ends it; returns their number. */
unsigned fakegpu_recorded(const char *call, CUstream stream,
                          struct fakegpu_item items[FAKEGPU_ITEMS]);

#define ENTER()                                                                                    \
    do {                                                                                           \
        CUresult entered = fakegpu_enter(__func__);                                                \
        if (entered != CUDA_SUCCESS)                                                               \
            return entered;                                                                        \
    } while (0)
#define COUNT()                                                                                    \
    do {                                                                                           \
        CUresult counted = fakegpu_count(__func__);                                                \
        if (counted != CUDA_SUCCESS)                                                               \
            return counted;                                                                        \
    } while (0)

/* Nothing of what streams had begun goes on. A real device that was lost does nothing any more; here it ends what it has begun. */
void fakegpu_rest(void);

#endif
