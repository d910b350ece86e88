// SPDX-License-Identifier: Apache-2.0
/*
 * Would compaction of the memory pool matter? pool_bench [STEPS [SEED]]: a pool of 500 MiB under two kinds of users, at several loads; a
 * JSON object for each. "refused_in_pieces" counts allocations that would have fitted if what is free had lain together: what
 * compaction would have saved.
 *
 * "detectors": what Fovea does. A detector's tensors for some lanes, batch and input size are made while those of the last one are
 * still there, as in a reload that does not stop; then the last one's go.
 * "cameras": what Fovea does not do, its decoders bring their own surfaces. Cameras of many sizes come, go and change their size.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "gpu/pool.h"

#define POOL ((size_t)500 << 20)
#define CAMERAS 400
#define SURFACES 4 /* of one camera */
#define TENSOR ((size_t)16 * 3 * 416 * 416 * 2)
#define TENSORS 16 /* of one detector, at most */

static const unsigned sizes[][2] = {{640, 360},   {704, 576},   {768, 576},   {1280, 720},
                                    {1280, 960},  {1920, 1080}, {2304, 1296}, {2560, 1440},
                                    {2688, 1520}, {2592, 1944}, {3840, 2160}};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

struct camera {
    uint64_t surface[SURFACES];
    unsigned count; /* that it got */
};

struct detector {
    uint64_t tensor[TENSORS];
    unsigned count;
};

struct bench {
    struct fv_gpu_pool pool;
    struct fv_rand rand;
    struct camera cameras[CAMERAS];
    struct detector detectors[2];
    unsigned steps;
    size_t limit; /* bytes that cameras and tensors may use */
    uint64_t operations, allocations, refused, refused_in_pieces;
    double pieces; /* sum over steps: 1 - largest free / all free */
};

static size_t surface_bytes(unsigned size)
{
    size_t pitch = (sizes[size][0] + 255) / 256 * 256;
    return pitch * sizes[size][1] * 3 / 2;
}

static bool take(struct bench *bench, size_t bytes, uint64_t *ret_address)
{
    size_t free = bench->pool.bytes - bench->pool.used;
    bench->operations++;
    bench->allocations++;
    if (fv_gpu_pool_alloc(&bench->pool, bytes, ret_address) == 0)
        return true;
    bench->refused++;
    bench->refused_in_pieces += bytes <= free;
    return false;
}

static void give_back(struct bench *bench, const uint64_t *addresses, unsigned *count)
{
    for (unsigned i = 0; i < *count; i++)
        fv_gpu_pool_free(&bench->pool, addresses[i]);
    bench->operations += *count;
    *count = 0;
}

/* The next detector beside the last, whose tensors go then. */
static void reload(struct bench *bench)
{
    static const unsigned batches[] = {1, 2, 4, 8, 16, 32, 64};
    static const unsigned widths[] = {416, 480, 640};
    struct detector *next = &bench->detectors[bench->steps % 2];
    struct detector *last = &bench->detectors[(bench->steps + 1) % 2];
    size_t width = widths[fv_rand_below(&bench->rand, 3)];
    size_t batch = batches[fv_rand_below(&bench->rand, 7)];
    size_t lanes = 1 + fv_rand_below(&bench->rand, 4);
    size_t input = batch * 3 * width * width * 2;
    size_t output = batch * (width / 8) * (width / 8) * 85 * 2 * 21 / 16;
    if (bench->pool.used + lanes * (input + output + batch * 65536 + 4096) > bench->limit)
        return;
    for (size_t lane = 0; lane < lanes; lane++) {
        const size_t bytes[] = {input, output, batch * 65536, 4096};
        for (unsigned i = 0; i < 4; i++)
            next->count += take(bench, bytes[i], &next->tensor[next->count]);
    }
    give_back(bench, last->tensor, &last->count);
    bench->steps++;
}

/* A camera with a random size, unless the load is reached. */
static void join(struct bench *bench, struct camera *camera)
{
    size_t bytes = surface_bytes((unsigned)fv_rand_below(&bench->rand, SIZES));
    if (bench->pool.used + SURFACES * bytes > bench->limit)
        return;
    for (unsigned i = 0; i < SURFACES; i++)
        camera->count += take(bench, bytes, &camera->surface[camera->count]);
}

static void come_and_go(struct bench *bench)
{
    struct camera *camera = &bench->cameras[fv_rand_below(&bench->rand, CAMERAS)];
    bool was = camera->count > 0;
    give_back(bench, camera->surface, &camera->count);
    if (!was || fv_rand_below(&bench->rand, 4) != 0) /* three quarters only change their size */
        join(bench, camera);
}

struct users {
    const char *name;
    void (*step)(struct bench *bench);
    unsigned fixed_tensors;
};

static bool run(const struct users *users, unsigned load, unsigned steps, unsigned seed)
{
    static struct bench bench;
    uint64_t tensor;
    bench = (struct bench){.limit = POOL / 100 * load};
    fv_rand_seed(&bench.rand, seed);
    if (fv_gpu_pool_init(&bench.pool, 0, POOL) < 0)
        return false;
    for (unsigned i = 0; i < users->fixed_tensors; i++)
        if (fv_gpu_pool_alloc(&bench.pool, TENSOR, &tensor) < 0)
            return false;
    int64_t start = fv_now();
    for (unsigned i = 0; i < steps; i++) {
        users->step(&bench);
        size_t free = bench.pool.bytes - bench.pool.used;
        if (free > 0)
            bench.pieces += 1 - (double)fv_gpu_pool_largest_free(&bench.pool) / (double)free;
    }
    double ns = (double)(fv_now() - start) / (double)bench.operations;
    printf("{\"users\": \"%s\", \"load_percent\": %u, \"steps\": %u, \"allocations\": %" PRIu64
           ", \"refused\": %" PRIu64 ", \"refused_in_pieces\": %" PRIu64
           ", \"free_outside_largest_percent\": %.1f, \"ns_per_operation\": %.0f}\n",
           users->name, load, steps, bench.allocations, bench.refused, bench.refused_in_pieces,
           100 * bench.pieces / steps, ns);
    fv_gpu_pool_finish(&bench.pool);
    return true;
}

int main(int argc, char **argv)
{
    static const unsigned loads[] = {50, 75, 85, 90, 95, 100};
    static const struct users users[] = {{"detectors", reload, 0}, {"cameras", come_and_go, 6}};
    unsigned steps = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
    unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    for (size_t i = 0; i < 2 * sizeof(loads) / sizeof(loads[0]); i++)
        if (!run(&users[i % 2], loads[i / 2], steps, seed)) {
            fprintf(stderr, "pool_bench: out of memory\n");
            return 1;
        }
    return 0;
}
