// SPDX-License-Identifier: Apache-2.0
#include "gpu/jpeg.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "gpu/impl.h"
#include "gpu/kernel.h"
#include "gpu/nvjpeg.h"

#define ROW_ALIGN 256u
#define PER_PIXEL_MAX 4u /* bytes of a JPEG, beyond any that there is */
#define HEADER_MAX 4096u

/* Memory that nvJPEG holds. */
struct block {
    struct block *next;
    fv_gpu_address device; /* 0: pinned */
    void *host;
};

struct fv_gpu_jpeg {
    struct fv_gpu *gpu;
    struct fv_gpu_stream *stream;
    struct fv_gpu_kernel recode;
    struct fv_nvjpeg nvjpeg;
    void *library, *state, *params; /* handles of nvJPEG */
    struct block *blocks;
};

/* r = CALL(jpeg, err, nvjpegDestroy, library); */
#define CALL(jpeg, err, name, ...) fv_nvjpeg_check((jpeg)->nvjpeg.name(__VA_ARGS__), #name, (err))

/* --- nvJPEG's memory: from the pool, and found again when nvJPEG does not give it back after a loss --- */

static void *address_of(const struct block *block)
{
    return block->device ? (void *)(uintptr_t)block->device : block->host;
}

static void free_block(struct fv_gpu_jpeg *jpeg, struct block *block)
{
    fv_gpu_free(jpeg->gpu, block->device);
    fv_gpu_host_free(jpeg->gpu, block->host);
    fv_free(block);
}

static int give(struct fv_gpu_jpeg *jpeg, bool pinned, void **ret_address, size_t bytes)
{
    struct block *block = FV_NEW(struct block);
    fv_gpu_address same;
    int r = -ENOMEM;
    if (block && pinned)
        r = fv_gpu_host_alloc(jpeg->gpu, bytes ? bytes : 1, &block->host, &same, NULL);
    else if (block)
        r = fv_gpu_alloc(jpeg->gpu, bytes ? bytes : 1, "JPEG", &block->device, NULL);
    if (r < 0) {
        fv_free(block);
        return FV_CUDA_OUT_OF_MEMORY;
    }
    block->next = jpeg->blocks;
    jpeg->blocks = block;
    *ret_address = address_of(block);
    return 0;
}

static int give_device(void *context, void **ret_address, size_t bytes, void *stream)
{
    return give(context, false, ret_address, bytes);
}

static int give_pinned(void *context, void **ret_address, size_t bytes, void *stream)
{
    return give(context, true, ret_address, bytes);
}

/* Its stream may still use it, and the next owner works in another one. */
static int take_back(void *context, void *address, size_t bytes, void *stream)
{
    struct fv_gpu_jpeg *jpeg = context;
    struct block **at = &jpeg->blocks;
    while (*at && address_of(*at) != address)
        at = &(*at)->next;
    struct block *block = *at;
    if (!block)
        return address ? FV_CUDA_INVALID_VALUE : 0;
    *at = block->next;
    fv_gpu_stream_finish(jpeg->stream, NULL);
    free_block(jpeg, block);
    return 0;
}

/* --- Life --- */

static int open_encoder(struct fv_gpu_jpeg *jpeg, struct fv_error *err)
{
    struct fv_nvjpeg_allocator device = {give_device, take_back, jpeg};
    struct fv_nvjpeg_allocator pinned = {give_pinned, take_back, jpeg};
    void *stream = fv_gpu_stream_handle(jpeg->stream);
    int r = CALL(jpeg, err, nvjpegCreateExV2, 0, &device, &pinned, 0, &jpeg->library);
    if (r == 0)
        r = CALL(jpeg, err, nvjpegEncoderStateCreate, jpeg->library, &jpeg->state, stream);
    if (r == 0)
        r = CALL(jpeg, err, nvjpegEncoderParamsCreate, jpeg->library, &jpeg->params, stream);
    if (r == 0)
        r = CALL(jpeg, err, nvjpegEncoderParamsSetSamplingFactors, jpeg->params, FV_NVJPEG_CSS_420,
                 stream);
    return r;
}

int fv_gpu_jpeg_check(struct fv_error *err)
{
    struct fv_nvjpeg nvjpeg;
    return fv_nvjpeg_open(fv_nvjpeg_names, &nvjpeg, err);
}

int fv_gpu_jpeg_create(struct fv_gpu *gpu, struct fv_gpu_jpeg **ret_jpeg, struct fv_error *err)
{
    struct fv_gpu_jpeg *jpeg = FV_NEW(struct fv_gpu_jpeg);
    if (!jpeg)
        return fv_error_set(err, -ENOMEM, "out of memory");
    jpeg->gpu = gpu;
    int r = fv_nvjpeg_open(fv_nvjpeg_names, &jpeg->nvjpeg, err);
    if (r == 0)
        r = fv_gpu_stream_create(gpu, &jpeg->stream, err);
    if (r == 0)
        r = fv_gpu_kernel_load(gpu, fv_ptx_recode, "fv_recode", &jpeg->recode, err);
    if (r == 0)
        r = open_encoder(jpeg, err);
    if (r < 0) {
        fv_gpu_jpeg_destroy(jpeg);
        return r;
    }
    *ret_jpeg = jpeg;
    return 0;
}

void fv_gpu_jpeg_destroy(struct fv_gpu_jpeg *jpeg)
{
    if (!jpeg)
        return;
    if (jpeg->stream)
        fv_gpu_stream_finish(jpeg->stream, NULL);
    if (jpeg->params)
        CALL(jpeg, NULL, nvjpegEncoderParamsDestroy, jpeg->params);
    if (jpeg->state)
        CALL(jpeg, NULL, nvjpegEncoderStateDestroy, jpeg->state);
    if (jpeg->library)
        CALL(jpeg, NULL, nvjpegDestroy, jpeg->library);
    while (jpeg->blocks) {
        struct block *block = jpeg->blocks;
        jpeg->blocks = block->next;
        free_block(jpeg, block);
    }
    fv_gpu_kernel_unload(jpeg->gpu, &jpeg->recode);
    fv_gpu_stream_destroy(jpeg->stream);
    fv_free(jpeg);
}

/* --- A picture --- */

/* The planes that nvJPEG reads: one piece of scratch memory. */
struct planes {
    fv_gpu_address memory;
    struct fv_nvjpeg_image image;
};

static int allocate_planes(struct fv_gpu_jpeg *jpeg, const struct fv_picture *picture,
                           struct planes *planes, struct fv_error *err)
{
    size_t offset[3], bytes = 0;
    for (int i = 0; i < 3; i++) {
        const size_t width = (picture->info.width + 1) / 2 * (i ? 1 : 2);
        const size_t rows = (picture->info.height + 1) / 2 * (i ? 1 : 2);
        planes->image.pitch[i] = (width + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
        offset[i] = bytes;
        bytes += planes->image.pitch[i] * rows;
    }
    int r = fv_gpu_alloc(jpeg->gpu, bytes, "the planes of a snapshot", &planes->memory, err);
    for (int i = 0; r == 0 && i < 3; i++)
        planes->image.channel[i] = (unsigned char *)(uintptr_t)(planes->memory + offset[i]);
    return r;
}

static int fill_planes(struct fv_gpu_jpeg *jpeg, const struct fv_picture *picture,
                       struct fv_launch_recode *launch, const struct planes *planes,
                       struct fv_error *err)
{
    for (int i = 0; i < 3; i++) {
        launch->out[i] = (uintptr_t)planes->image.channel[i];
        launch->out_pitch[i] = (uint32_t)planes->image.pitch[i];
    }
    const struct fv_launch_shape shape =
        fv_launch_recode_shape(picture->info.width, picture->info.height);
    int r = picture->ready ? fv_gpu_event_gate(picture->ready, jpeg->stream, err) : 0;
    return r == 0 ? fv_gpu_kernel_launch(&jpeg->recode, &shape, jpeg->stream, launch, err) : r;
}

static int compress(struct fv_gpu_jpeg *jpeg, const struct fv_picture *picture, unsigned quality,
                    const struct planes *planes, struct fv_error *err)
{
    void *stream = fv_gpu_stream_handle(jpeg->stream);
    int r = CALL(jpeg, err, nvjpegEncoderParamsSetQuality, jpeg->params, (int)quality, stream);
    if (r == 0)
        r = CALL(jpeg, err, nvjpegEncodeYUV, jpeg->library, jpeg->state, jpeg->params,
                 &planes->image, FV_NVJPEG_CSS_420, (int)picture->info.width,
                 (int)picture->info.height, stream);
    return r;
}

/* The length may come as late as the bytes: the stream says when. */
static int retrieve(struct fv_gpu_jpeg *jpeg, size_t limit, struct fv_gpu_jpeg_file *ret_file,
                    struct fv_error *err)
{
    void *stream = fv_gpu_stream_handle(jpeg->stream);
    size_t size = 0;
    int r = CALL(jpeg, err, nvjpegEncodeRetrieveBitstream, jpeg->library, jpeg->state, NULL, &size,
                 stream);
    if (r == 0)
        r = fv_gpu_stream_finish(jpeg->stream, err);
    if (r == 0 && (size == 0 || size > limit))
        r = fv_error_set(err, -EIO, "nvJPEG made a file of %zu bytes", size);
    uint8_t *data = r == 0 ? fv_calloc(1, size) : NULL;
    if (!data)
        return r < 0 ? r : fv_error_set(err, -ENOMEM, "out of memory");
    r = CALL(jpeg, err, nvjpegEncodeRetrieveBitstream, jpeg->library, jpeg->state, data, &size,
             stream);
    if (r == 0)
        r = fv_gpu_stream_finish(jpeg->stream, err);
    if (r < 0) {
        fv_gpu_stream_finish(jpeg->stream, NULL); /* what was enqueued writes to it */
        fv_free(data);
        return r;
    }
    fv_gpu_account(jpeg->gpu, FV_GPU_SNAPSHOT, false, size);
    *ret_file = (struct fv_gpu_jpeg_file){data, size};
    return 0;
}

/* nvJPEG does not tell a lost device from a bad call. */
static int explain(struct fv_gpu_jpeg *jpeg, int code, struct fv_error *err)
{
    struct fv_error lost = {0};
    const int finished = fv_gpu_stream_finish(jpeg->stream, &lost);
    return finished == -ENODEV ? fv_error_set(err, finished, "%s", lost.text) : code;
}

int fv_gpu_jpeg_encode(struct fv_gpu_jpeg *jpeg, const struct fv_picture *picture, unsigned quality,
                       struct fv_gpu_jpeg_file *ret_file, struct fv_error *err)
{
    struct fv_launch_recode launch;
    struct planes planes = {0};
    int r =
        picture->memory == FV_MEMORY_DEVICE ? fv_launch_recode_init(&launch, picture) : -ENOTSUP;
    if (r == 0 && (quality < 1 || quality > 100))
        r = -EINVAL;
    if (r < 0)
        return fv_error_set(err, r,
                            "a picture of %u x %u, format %d, cannot become a JPEG of "
                            "quality %u on the GPU",
                            picture->info.width, picture->info.height, picture->format, quality);
    const size_t pixels = (size_t)picture->info.width * picture->info.height;
    r = allocate_planes(jpeg, picture, &planes, err);
    if (r == 0)
        r = fill_planes(jpeg, picture, &launch, &planes, err);
    if (r == 0)
        r = compress(jpeg, picture, quality, &planes, err);
    if (r == 0)
        r = retrieve(jpeg, HEADER_MAX + PER_PIXEL_MAX * pixels, ret_file, err);
    /* Also after a failure: what was enqueued uses planes and picture. */
    if (r < 0)
        r = explain(jpeg, r, err);
    fv_gpu_free(jpeg->gpu, planes.memory);
    return r;
}
