// SPDX-License-Identifier: Apache-2.0
/* The planes for JPEG: the kernel on a GPU against its twin, to the bit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/kernel.h"
#include "kernel_check.h"

struct recode_bed {
    const struct kernel_bed *bed;
    struct fv_gpu_kernel kernel;
    struct fv_case_picture source;
    struct fv_case_planes planes;
    fv_gpu_address picture, out;
};

static void describe(const struct recode_bed *r, struct fv_launch_recode *launch)
{
    struct fv_picture picture = r->source.picture;
    for (int i = 0; i < 3; i++)
        picture.plane[i] = (const uint8_t *)(uintptr_t)(r->picture + r->source.offset[i]);
    if (fv_launch_recode_init(launch, &picture) < 0)
        abort();
    for (int i = 0; i < 3; i++) {
        launch->out[i] = r->out + r->planes.offset[i];
        launch->out_pitch[i] = (uint32_t)r->planes.pitch[i];
    }
}

static void run(struct recode_bed *r, uint8_t *got)
{
    const struct fv_frame_info *info = &r->source.picture.info;
    const struct fv_launch_shape shape = fv_launch_recode_shape(info->width, info->height);
    struct fv_gpu_stream *stream = r->bed->stream;
    struct fv_launch_recode launch;
    struct fv_error err = {0};
    describe(r, &launch);
    memset(got, FV_CASE_UNTOUCHED, r->planes.size);
    kernel_upload(r->bed, r->picture, r->source.memory, r->source.size);
    kernel_upload(r->bed, r->out, got, r->planes.size);
    kernel_must(fv_gpu_kernel_launch(&r->kernel, &shape, stream, &launch, &err), &err);
    kernel_must(fv_gpu_download(stream, got, r->out, r->planes.size, FV_GPU_SNAPSHOT, &err), &err);
    kernel_must(fv_gpu_stream_finish(stream, &err), &err);
}

/* True: the same to the bit, and nothing beside it was written. */
static bool check_one(struct recode_bed *r, struct fv_rand *rand, enum fv_pixel_format format,
                      uint32_t width, uint32_t height)
{
    fv_case_picture_init(&r->source, rand, format, width, height);
    r->planes = fv_case_planes(rand, width, height);
    r->picture = kernel_alloc(r->bed, r->source.size);
    r->out = kernel_alloc(r->bed, r->planes.size);
    uint8_t *want = fv_case_planes_expect(&r->planes, &r->source.picture);
    uint8_t *got = malloc(r->planes.size);
    if (!got)
        abort();
    run(r, got);
    const bool same = memcmp(want, got, r->planes.size) == 0;
    free(got);
    free(want);
    fv_gpu_free(r->bed->gpu, r->out);
    fv_gpu_free(r->bed->gpu, r->picture);
    fv_case_picture_finish(&r->source);
    return same;
}

bool kernel_check_recode(const struct kernel_bed *bed)
{
    const unsigned cases = bed->quick ? 40 : 400;
    struct recode_bed r = {.bed = bed};
    struct fv_error err = {0};
    struct fv_rand rand;
    unsigned different = 0;
    fv_rand_seed(&rand, 4);
    kernel_must(fv_gpu_kernel_load(bed->gpu, fv_ptx_recode, "fv_recode", &r.kernel, &err), &err);
    for (unsigned i = 0; i < cases; i++) {
        const uint32_t limit = i % 8 ? 300 : bed->quick ? 4 : 2000;
        different += !check_one(&r, &rand, (enum fv_pixel_format)(i % 4),
                                1 + (uint32_t)fv_rand_below(&rand, limit),
                                1 + (uint32_t)fv_rand_below(&rand, limit));
    }
    fv_gpu_kernel_unload(bed->gpu, &r.kernel);
    printf("{\"check\": \"planes for JPEG\", \"cases\": %u, \"different\": %u, \"ok\": %s}\n",
           cases, different, different ? "false" : "true");
    return different == 0;
}
