// SPDX-License-Identifier: Apache-2.0
/*
 * A look-alike of NVIDIA's driver for tests: libcuda.so.1 in a folder of the build, found through LD_LIBRARY_PATH, never
 * installed. Device memory is host memory; each stream is a thread that works off its queue in order; a kernel is its plain-C twin,
 * found by name (kernels.c). So the code that talks to the driver, its lifetimes and its error paths run without a GPU, under the
 * sanitizers as well: what lies in device memory is malloc'ed, and a copy between streams without an event is a race that TSan sees.
 *
 * Stricter than the real one: a copy to the device always reads its source when the stream gets there, and freeing memory does not
 * wait for the streams. Misuse aborts with a sentence: an unknown or freed handle or address, no current context, objects that are
 * left when the primary context ends.
 *
 * FOVEA_FAKE_GPU is a script of faults, read by cuInit whenever it changed (counters start again then), comma-separated:
 *   no-device             cuInit says so                        driver=11040      version of the driver
 *   devices=N             1                                     memory-mb=N       size of the device, 1024
 *   free-mb=N             at most so much can be allocated      compute=MAJOR     9; compute capability MAJOR.0
 *   alloc-fail=N          the N-th allocation fails, once       slow-ms=N         each thing that a stream does takes so long, or until the loss
 *   call-fail=NAME:N[:CODE]  the N-th call of NAME fails, once, with CODE (default 1: invalid value); may stand several times
 *   lost-after=N[:CODE]   the N-th call loses the device, once: every call fails with CODE (default 700: illegal address), and as
 *                         with the real driver (measured: 580) this process makes no context any more, also after a reset
 *   reset-helps           after a reset of the primary context the device is there again
 *   fixed-flags           flags of an active primary context cannot be changed (drivers before 12)
 *   leaks=ok              objects that are left do not end the process; without, it prints them and ends with status 99
 *   run=ANY               nothing: makes a script differ from the last
 */
#ifndef FAKEGPU_H
#define FAKEGPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpu/driver.h"

#define FAKEGPU_API __attribute__((visibility("default")))

/* --- For tests, by dlsym from libcuda.so.1 --- */

struct fakegpu_live {
    unsigned streams, events, modules, graphs, device_blocks, host_blocks, retains;
    size_t device_bytes;
};
FAKEGPU_API void fakegpu_live(struct fakegpu_live *ret_live);
FAKEGPU_API void fakegpu_lose(int code); /* the device is lost now; 0: it is there again */
/* From `true` to `false`, on the same thread, streams do nothing: what waits for them meanwhile waits in vain. */
FAKEGPU_API void fakegpu_hold(bool hold);
FAKEGPU_API void
fakegpu_script(const char *script); /* as FOVEA_FAKE_GPU, at once, as in a new process */

/* --- For the look-alikes of libnvcuvid and libnvjpeg, which link to this library --- */

/* To be called first by each entry point: counts the call, and returns what the script or a lost device make of it. Aborts without
 * a current context. */
FAKEGPU_API CUresult fakegpu_enter(const char *call);
FAKEGPU_API __attribute__((noreturn, format(printf, 2, 3))) void
fakegpu_abort(const char *call, const char *format, ...);
FAKEGPU_API bool fakegpu_is_lost(void);
/* Value of NAME=value in the script, or `fallback`: for words of one's own. */
FAKEGPU_API int fakegpu_number(const char *name, int fallback);
/* Enqueues `run(data)` in the stream; `data` stays the caller's until then. It is called on the stream's thread, also when the
 * device was lost meanwhile (`lost`). */
FAKEGPU_API CUresult fakegpu_enqueue(CUstream stream, void (*run)(void *data, bool lost),
                                     void *data);
/* The same with data that stays valid and can be used many times: the only work that a graph can record. */
FAKEGPU_API CUresult fakegpu_enqueue_kept(CUstream stream, void (*run)(void *data, bool lost),
                                          void *data);

/* The bytes are inside one allocation, device or pinned; aborts otherwise. */
FAKEGPU_API void fakegpu_memory_check(const char *call, CUdeviceptr address, size_t bytes);

/* --- Kernels: kernels.c --- */

struct fakegpu_launch {
    unsigned grid[3], block[3];
    unsigned shared_bytes;
};
struct fakegpu_kernel {
    const char *name; /* as in the PTX: .entry NAME */
    /* The whole grid at once. `parameters[i]` points to the i-th parameter, as for cuLaunchKernel, but to a copy. */
    void (*run)(const struct fakegpu_launch *launch, void **parameters);
    unsigned parameters;
    size_t sizes[16]; /* of each parameter */
};
extern const struct fakegpu_kernel fakegpu_kernels[]; /* ends with an entry without a name */

#endif
