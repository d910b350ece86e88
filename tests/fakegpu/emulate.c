// SPDX-License-Identifier: Apache-2.0
#include "fakegpu/emulate.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "fakegpu/emulated.h"
#include "kernels/device.h"

#define WORKERS_MAX 64u

_Thread_local struct fv_emulated_thread fv_emulated;

static const struct fv_emulated_kernel *const kernels[] = {
    &fv_emulated_letterbox, &fv_emulated_boxes, &fv_emulated_recode};

static const struct fv_emulated_kernel *find(const char *name)
{
    for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++)
        if (strcmp(kernels[i]->name, name) == 0)
            return kernels[i];
    return NULL;
}

static void no_sync(void) {}

/* --- Threads that never meet run one behind the other. --- */

static void run_block(const struct fv_emulated_kernel *kernel,
                      const struct fv_emulated_launch *launch)
{
    for (fv_emulated.thread_y = 0; fv_emulated.thread_y < launch->block[1]; fv_emulated.thread_y++)
        for (fv_emulated.thread_x = 0; fv_emulated.thread_x < launch->block[0];
             fv_emulated.thread_x++)
            kernel->run(launch->parameters);
}

/* --- Threads that meet are threads. --- */

static pthread_barrier_t barrier;

static void meet(void)
{
    pthread_barrier_wait(&barrier);
}

struct worker {
    pthread_t thread;
    struct fv_emulated_thread place;
    const struct fv_emulated_kernel *kernel;
    void *const *parameters;
};

static void *work(void *data)
{
    const struct worker *worker = data;
    fv_emulated = worker->place;
    worker->kernel->run(worker->parameters);
    return NULL;
}

static void run_workers(const struct fv_emulated_kernel *kernel,
                        const struct fv_emulated_launch *launch, unsigned count)
{
    struct worker workers[WORKERS_MAX];
    pthread_barrier_init(&barrier, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){
            .place = fv_emulated, .kernel = kernel, .parameters = launch->parameters};
        workers[i].place.thread_x = i;
        workers[i].place.sync = meet;
        /* The others would wait for ever. */
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            __builtin_trap();
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_barrier_destroy(&barrier);
}

static void run_meeting_block(const struct fv_emulated_kernel *kernel,
                              const struct fv_emulated_launch *launch)
{
    unsigned count = launch->workers > WORKERS_MAX ? WORKERS_MAX : launch->workers;
    fv_emulated.threads_x = count > 1 ? count : 1;
    if (count > 1)
        run_workers(kernel, launch, count);
    else
        kernel->run(launch->parameters);
}

int fv_emulate(const struct fv_emulated_launch *launch)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the kernels' shared memory is one */
    const struct fv_emulated_kernel *kernel = find(launch->name);
    if (!kernel)
        return -ENOENT;
    pthread_mutex_lock(&lock);
    fv_emulated = (struct fv_emulated_thread){
        .threads_x = launch->block[0], .threads_y = launch->block[1], .sync = no_sync};
    struct fv_emulated_thread *at = &fv_emulated;
    for (at->block_z = 0; at->block_z < launch->grid[2]; at->block_z++)
        for (at->block_y = 0; at->block_y < launch->grid[1]; at->block_y++)
            for (at->block_x = 0; at->block_x < launch->grid[0]; at->block_x++) {
                at->thread_x = at->thread_y = 0;
                if (kernel->threads_meet)
                    run_meeting_block(kernel, launch);
                else
                    run_block(kernel, launch);
            }
    pthread_mutex_unlock(&lock);
    return 0;
}
