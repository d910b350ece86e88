// SPDX-License-Identifier: Apache-2.0
/*
 * A look-alike of libnvjpeg on the look-alike of the driver: its encoder alone, by libturbojpeg. Stricter than the real one: work is
 * done when the stream gets there, the length of a JPEG as well as its bytes. Faults by the script: call-fail=NAME:N:STATUS for its
 * calls. After a loss it gives nothing back.
 */
#include <stdlib.h>
#include <string.h>

#include <turbojpeg.h>

#include "fakegpu.h"
#include "gpu/nvjpeg.h"

#define DECLARE(name, arguments) FAKEGPU_API int name arguments;
FV_NVJPEG_ENTRIES(DECLARE)
#undef DECLARE

struct library {
    struct fv_nvjpeg_allocator device, pinned;
    unsigned objects; /* states and params */
};

struct state {
    struct library *library;
    void *scratch, *pinned;
    size_t scratch_bytes;
    /* owner: the stream */
    tjhandle jpeg;
    unsigned char *bytes;
    unsigned long size;
};

struct params {
    struct library *library;
    int quality, subsampling;
};

/* The status that the script or a lost device makes of a call. */
static int enter(const char *call)
{
    const int result = (int)fakegpu_enter(call);
    return result && fakegpu_is_lost() ? FV_NVJPEG_EXECUTION_FAILED : result;
}
#define ENTER()                                                                                    \
    do {                                                                                           \
        int entered = enter(__func__);                                                             \
        if (entered)                                                                               \
            return entered;                                                                        \
    } while (0)

static void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (!memory)
        fakegpu_abort("nvjpeg", "out of memory");
    return memory;
}

int nvjpegCreateExV2(int backend, struct fv_nvjpeg_allocator *device,
                     struct fv_nvjpeg_allocator *pinned, unsigned flags, void **library)
{
    ENTER();
    if (backend != 0 || flags != 0)
        fakegpu_abort(__func__, "back end %d, flags %u", backend, flags);
    struct library *new = allocate(sizeof(*new));
    *new = (struct library){*device, *pinned, 0};
    *library = new;
    return 0;
}

int nvjpegDestroy(void *handle)
{
    const int status = enter(__func__);
    struct library *library = handle;
    if (library->objects)
        fakegpu_abort(__func__, "%u states and parameters are left", library->objects);
    free(library);
    return status;
}

int nvjpegEncoderStateCreate(void *handle, void **ret_state, void *stream)
{
    ENTER();
    struct library *library = handle;
    void *pinned = NULL;
    if (library->pinned.alloc(library->pinned.context, &pinned, 1000, stream) != 0)
        return FV_NVJPEG_ALLOCATOR_FAILURE;
    struct state *state = allocate(sizeof(*state));
    state->library = library;
    state->pinned = pinned;
    state->jpeg = tjInitCompress();
    library->objects++;
    *ret_state = state;
    return 0;
}

int nvjpegEncoderStateDestroy(void *handle)
{
    const int status = enter(__func__);
    struct state *state = handle;
    struct library *library = state->library;
    if (!fakegpu_is_lost()) {
        if (state->scratch)
            library->device.free(library->device.context, state->scratch, state->scratch_bytes,
                                 NULL);
        library->pinned.free(library->pinned.context, state->pinned, 1000, NULL);
    }
    tjDestroy(state->jpeg);
    tjFree(state->bytes);
    library->objects--;
    free(state);
    return status;
}

int nvjpegEncoderParamsCreate(void *handle, void **ret_params, void *stream)
{
    ENTER();
    struct params *params = allocate(sizeof(*params));
    *params = (struct params){handle, 70, 0};
    params->library->objects++;
    *ret_params = params;
    return 0;
}

int nvjpegEncoderParamsDestroy(void *handle)
{
    const int status = enter(__func__);
    struct params *params = handle;
    params->library->objects--;
    free(params);
    return status;
}

int nvjpegEncoderParamsSetQuality(void *handle, int quality, void *stream)
{
    ENTER();
    ((struct params *)handle)->quality = quality;
    return quality < 1 || quality > 100 ? FV_NVJPEG_INVALID_PARAMETER : 0;
}

int nvjpegEncoderParamsSetSamplingFactors(void *handle, int subsampling, void *stream)
{
    ENTER();
    ((struct params *)handle)->subsampling = subsampling;
    return 0;
}

/* --- Work of the stream --- */

struct work {
    struct state *state;
    struct fv_nvjpeg_image image;
    int quality, width, height;
    unsigned char *to;
    size_t *length, capacity;
};

static void encode(void *data, bool lost)
{
    struct work *work = data;
    struct state *state = work->state;
    const unsigned char *planes[3];
    int strides[3];
    for (int i = 0; i < 3; i++) {
        planes[i] = work->image.channel[i];
        strides[i] = (int)work->image.pitch[i];
    }
    if (!lost &&
        tjCompressFromYUVPlanes(state->jpeg, planes, work->width, strides, work->height, TJSAMP_420,
                                &state->bytes, &state->size, work->quality, 0) < 0)
        fakegpu_abort("nvjpegEncodeYUV", "%s", tjGetErrorStr2(state->jpeg));
    free(work);
}

static void tell_length(void *data, bool lost)
{
    struct work *work = data;
    if (!lost)
        *work->length = work->state->size;
    free(work);
}

static void copy_bytes(void *data, bool lost)
{
    struct work *work = data;
    if (!lost && work->state->size > work->capacity)
        fakegpu_abort("nvjpegEncodeRetrieveBitstream", "%zu bytes are too few for %lu",
                      work->capacity, work->state->size);
    if (!lost)
        memcpy(work->to, work->state->bytes, work->state->size);
    free(work);
}

static int enqueue(void *stream, void (*run)(void *, bool), const struct work *work)
{
    struct work *copy = allocate(sizeof(*copy));
    *copy = *work;
    return fakegpu_enqueue(stream, run, copy) == CUDA_SUCCESS ? 0 : FV_NVJPEG_EXECUTION_FAILED;
}

/* Grows with the picture, as the real one's. */
static int reserve(struct state *state, size_t bytes, void *stream)
{
    const struct fv_nvjpeg_allocator *device = &state->library->device;
    if (bytes <= state->scratch_bytes)
        return 0;
    if (state->scratch)
        device->free(device->context, state->scratch, state->scratch_bytes, stream);
    state->scratch = NULL;
    state->scratch_bytes = 0;
    if (device->alloc(device->context, &state->scratch, bytes, stream) != 0)
        return FV_NVJPEG_ALLOCATOR_FAILURE;
    state->scratch_bytes = bytes;
    return 0;
}

int nvjpegEncodeYUV(void *library, void *handle, void *params_handle,
                    const struct fv_nvjpeg_image *source, int subsampling, int width, int height,
                    void *stream)
{
    ENTER();
    struct state *state = handle;
    const struct params *params = params_handle;
    if (subsampling != FV_NVJPEG_CSS_420 || params->subsampling != FV_NVJPEG_CSS_420)
        fakegpu_abort(__func__, "not 4:2:0");
    for (int i = 0; i < 3; i++) {
        const size_t columns = (size_t)(width + 1) / 2 * (i ? 1 : 2); /* libturbojpeg reads these */
        const size_t rows = (size_t)(height + 1) / 2 * (i ? 1 : 2);
        fakegpu_memory_check(__func__, (CUdeviceptr)(uintptr_t)source->channel[i],
                             (rows - 1) * source->pitch[i] + columns);
    }
    int status = reserve(state, (size_t)width * (size_t)height, stream);
    const struct work work = {.state = state,
                              .image = *source,
                              .quality = params->quality,
                              .width = width,
                              .height = height};
    return status ? status : enqueue(stream, encode, &work);
}

int nvjpegEncodeRetrieveBitstream(void *library, void *handle, unsigned char *data, size_t *length,
                                  void *stream)
{
    ENTER();
    struct work work = {.state = handle, .to = data, .length = length, .capacity = *length};
    return enqueue(stream, data ? copy_bytes : tell_length, &work);
}
