// SPDX-License-Identifier: Apache-2.0
/* The look-alike's decoders. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuvid.h"

#define SURFACES_MAX 32
#define PITCH 512

FAKEGPU_API CUresult cuMemAlloc(CUdeviceptr *address, size_t bytes) __asm__("cuMemAlloc_v2");
FAKEGPU_API CUresult cuMemFree(CUdeviceptr address) __asm__("cuMemFree_v2");
FAKEGPU_API CUresult cuStreamSynchronize(CUstream stream);

struct surface {
    bool decoded, mapped; /* mapped: this picture is, or was */
    uint8_t seed;
    int64_t done; /* monotonic ns */
    cuvidDecodeStatus status;
};

struct output {
    CUdeviceptr address;
    int surface; /* -1: not mapped */
};

struct decoder {
    unsigned magic;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    unsigned
        filling; /* output surfaces that streams have yet to write; destroying waits for them */
    CUVIDDECODECREATEINFO info;
    unsigned width, height; /* of the output, now */
    size_t pitch;
    CUdeviceptr memory; /* stands for the decode surfaces */
    struct surface surfaces[SURFACES_MAX];
    struct output outputs[SURFACES_MAX];
    int pictures;         /* decoded */
    unsigned next_output; /* they are used in turn, so that a late reader sees other pixels */
};

#define MAGIC 0x6465636fu

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(int64_t time)
{
    struct timespec t = {time / 1000000000, time % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
        ;
}

static pthread_mutex_t hold_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static bool held;

void fakegpu_cuvid_hold(bool hold)
{
    pthread_mutex_lock(&hold_lock);
    held = hold;
    pthread_cond_broadcast(&released);
    pthread_mutex_unlock(&hold_lock);
}

static void await_release(void)
{
    pthread_mutex_lock(&hold_lock);
    while (held)
        pthread_cond_wait(&released, &hold_lock);
    pthread_mutex_unlock(&hold_lock);
}

static struct decoder *of(const char *call, CUvideodecoder handle)
{
    struct decoder *decoder = handle;
    if (!decoder || decoder->magic != MAGIC)
        fakegpu_abort(call, "%p is no decoder", handle);
    return decoder;
}

static bool shows_again(const struct decoder *decoder)
{
    return decoder->info.CodecType == cudaVideoCodec_VP9 ||
           decoder->info.CodecType == cudaVideoCodec_AV1;
}

static bool is_deep(const struct decoder *decoder)
{
    return decoder->info.OutputFormat == cudaVideoSurfaceFormat_P016;
}

static void release(struct decoder *decoder)
{
    for (unsigned i = 0; i < decoder->info.ulNumOutputSurfaces; i++)
        if (decoder->outputs[i].address)
            cuMemFree(decoder->outputs[i].address);
    if (decoder->memory)
        cuMemFree(decoder->memory);
    pthread_cond_destroy(&decoder->filled);
    pthread_mutex_destroy(&decoder->lock);
    decoder->magic = 0;
    free(decoder);
}

static CUresult allocate(struct decoder *decoder)
{
    const CUVIDDECODECREATEINFO *info = &decoder->info;
    size_t sample = is_deep(decoder) ? 2 : 1;
    decoder->pitch = (info->ulMaxWidth * sample + PITCH - 1) / PITCH * PITCH;
    CUresult result = cuMemAlloc(&decoder->memory, info->ulMaxWidth * info->ulMaxHeight * 3 / 2 *
                                                       sample * info->ulNumDecodeSurfaces);
    for (unsigned i = 0; result == CUDA_SUCCESS && i < info->ulNumOutputSurfaces; i++) {
        decoder->outputs[i].surface = -1;
        result = cuMemAlloc(&decoder->outputs[i].address,
                            decoder->pitch * (info->ulMaxHeight + 1) * 3 / 2);
    }
    return result;
}

static void check_info(const char *call, const CUVIDDECODECREATEINFO *info)
{
    if (!info->ulNumDecodeSurfaces || info->ulNumDecodeSurfaces > SURFACES_MAX ||
        !info->ulNumOutputSurfaces || info->ulNumOutputSurfaces > SURFACES_MAX)
        fakegpu_abort(call, "%lu decode and %lu output surfaces", info->ulNumDecodeSurfaces,
                      info->ulNumOutputSurfaces);
    if (info->ulMaxWidth < info->ulWidth || info->ulMaxHeight < info->ulHeight)
        fakegpu_abort(call, "larger than its maximum");
    if (info->ulTargetWidth % 2 || info->ulTargetHeight % 2)
        fakegpu_abort(call, "an odd target");
    if (info->display_area.right > (long)info->ulWidth ||
        info->display_area.bottom > (long)info->ulHeight)
        fakegpu_abort(call, "the visible area is larger than the picture");
}

CUresult cuvidCreateDecoder(CUvideodecoder *ret_decoder, CUVIDDECODECREATEINFO *info)
{
    CUresult result = fakegpu_enter(__func__);
    if (result != CUDA_SUCCESS)
        return result;
    check_info(__func__, info);
    sleep_until(now() + fakegpu_number("create-ms", 0) * INT64_C(1000000));
    await_release();
    pthread_mutex_lock(&fakegpu_cuvid_lock);
    bool room = fakegpu_cuvid_count.decoders < (unsigned)fakegpu_number("max-decoders", 1000);
    if (room) {
        fakegpu_cuvid_count.decoders++;
        fakegpu_cuvid_count.created++;
    }
    pthread_mutex_unlock(&fakegpu_cuvid_lock);
    if (!room)
        return (CUresult)FV_CUDA_OUT_OF_MEMORY;
    struct decoder *decoder = calloc(1, sizeof(*decoder));
    if (!decoder)
        abort();
    decoder->magic = MAGIC;
    decoder->info = *info;
    decoder->width = (unsigned)info->ulTargetWidth;
    decoder->height = (unsigned)info->ulTargetHeight;
    pthread_mutex_init(&decoder->lock, NULL);
    pthread_cond_init(&decoder->filled, NULL);
    result = allocate(decoder);
    if (result == CUDA_SUCCESS) {
        *ret_decoder = decoder;
        return result;
    }
    release(decoder);
    pthread_mutex_lock(&fakegpu_cuvid_lock);
    fakegpu_cuvid_count.decoders--;
    pthread_mutex_unlock(&fakegpu_cuvid_lock);
    return result;
}

static unsigned mapped(const struct decoder *decoder)
{
    unsigned count = 0;
    for (unsigned i = 0; i < decoder->info.ulNumOutputSurfaces; i++)
        count += decoder->outputs[i].surface >= 0;
    return count;
}

CUresult cuvidDestroyDecoder(CUvideodecoder handle)
{
    struct decoder *decoder = of(__func__, handle);
    CUresult result =
        fakegpu_enter(__func__); /* a lost device's decoders are given up all the same */
    if (mapped(decoder))
        fakegpu_abort(__func__, "%u pictures are mapped", mapped(decoder));
    pthread_mutex_lock(&decoder->lock);
    while (decoder->filling)
        pthread_cond_wait(&decoder->filled, &decoder->lock);
    pthread_mutex_unlock(&decoder->lock);
    release(decoder);
    pthread_mutex_lock(&fakegpu_cuvid_lock);
    fakegpu_cuvid_count.decoders--;
    pthread_mutex_unlock(&fakegpu_cuvid_lock);
    return result;
}

CUresult cuvidReconfigureDecoder(CUvideodecoder handle, CUVIDRECONFIGUREDECODERINFO *info)
{
    struct decoder *decoder = of(__func__, handle);
    CUresult result = fakegpu_enter(__func__);
    if (result != CUDA_SUCCESS)
        return result;
    if (mapped(decoder))
        fakegpu_abort(__func__, "%u pictures are mapped", mapped(decoder));
    if (info->ulWidth > decoder->info.ulMaxWidth || info->ulHeight > decoder->info.ulMaxHeight ||
        info->ulNumDecodeSurfaces > decoder->info.ulNumDecodeSurfaces)
        return (CUresult)FV_CUDA_INVALID_VALUE;
    decoder->width = info->ulTargetWidth;
    decoder->height = info->ulTargetHeight;
    memset(decoder->surfaces, 0, sizeof(decoder->surfaces));
    pthread_mutex_lock(&fakegpu_cuvid_lock);
    fakegpu_cuvid_count.reconfigured++;
    pthread_mutex_unlock(&fakegpu_cuvid_lock);
    return CUDA_SUCCESS;
}

/* With the lock held. */
static cuvidDecodeStatus fate(struct decoder *decoder)
{
    int number = ++decoder->pictures;
    if (number == fakegpu_number("error-at", 0))
        return cuvidDecodeStatus_Error;
    return number == fakegpu_number("concealed-at", 0) ? cuvidDecodeStatus_Error_Concealed
                                                       : cuvidDecodeStatus_Success;
}

CUresult cuvidDecodePicture(CUvideodecoder handle, CUVIDPICPARAMS *params)
{
    struct decoder *decoder = of(__func__, handle);
    CUresult result = fakegpu_enter(__func__);
    if (result != CUDA_SUCCESS)
        return result;
    unsigned index = (unsigned)params->CurrPicIdx;
    if (index >= decoder->info.ulNumDecodeSurfaces)
        fakegpu_abort(__func__, "surface %u of %lu", index, decoder->info.ulNumDecodeSurfaces);
    pthread_mutex_lock(&decoder->lock);
    cuvidDecodeStatus status = fate(decoder);
    decoder->surfaces[index] = (struct surface){
        .decoded = true,
        .seed = fakegpu_seed(params->pBitstreamData, params->nBitstreamDataLen),
        .done = now() + fakegpu_number("decode-ms", 0) * INT64_C(1000000),
        .status = status,
    };
    pthread_mutex_unlock(&decoder->lock);
    return CUDA_SUCCESS;
}

CUresult cuvidGetDecodeStatus(CUvideodecoder handle, int picture, CUVIDGETDECODESTATUS *status)
{
    struct decoder *decoder = of(__func__, handle);
    CUresult result = fakegpu_enter(__func__);
    if (result != CUDA_SUCCESS)
        return result;
    if (shows_again(decoder) && fakegpu_number("no-status", 0))
        return (CUresult)FV_CUDA_NOT_SUPPORTED;
    pthread_mutex_lock(&decoder->lock);
    const struct surface *surface = &decoder->surfaces[picture];
    status->decodeStatus = !surface->decoded       ? cuvidDecodeStatus_Invalid
                           : surface->done > now() ? cuvidDecodeStatus_InProgress
                                                   : surface->status;
    pthread_mutex_unlock(&decoder->lock);
    return CUDA_SUCCESS;
}

struct fill {
    struct decoder *decoder;
    uint8_t *to;
    size_t pitch;
    unsigned width, height;
    uint8_t seed;
    bool deep;
};

static void fill(void *data, bool lost)
{
    struct fill *fill = data;
    for (unsigned y = 0; y < fill->height && !lost; y++)
        for (unsigned x = 0; x < fill->width; x++) {
            uint8_t value = fakegpu_luma(fill->seed, x, y);
            if (!fill->deep) {
                fill->to[y * fill->pitch + x] = value;
                continue;
            }
            fill->to[y * fill->pitch + 2 * x] = 0;
            fill->to[y * fill->pitch + 2 * x + 1] = value;
        }
    if (!lost)
        memset(fill->to + fill->height * fill->pitch, 128, fill->height / 2 * fill->pitch);
    pthread_mutex_lock(&fill->decoder->lock);
    if (--fill->decoder->filling == 0)
        pthread_cond_broadcast(&fill->decoder->filled);
    pthread_mutex_unlock(&fill->decoder->lock);
    free(fill);
}

static struct output *take_output(struct decoder *decoder, int picture)
{
    unsigned count = (unsigned)decoder->info.ulNumOutputSurfaces;
    if (decoder->surfaces[picture].mapped && !shows_again(decoder))
        fakegpu_abort("cuvidMapVideoFrame", "the picture in surface %d was mapped before", picture);
    decoder->surfaces[picture].mapped = true;
    for (unsigned i = 0; i < count; i++) {
        struct output *output = &decoder->outputs[decoder->next_output++ % count];
        if (output->surface < 0)
            return output;
    }
    fakegpu_abort("cuvidMapVideoFrame", "all %u output surfaces are mapped", count);
}

CUresult cuvidMapVideoFrame(CUvideodecoder handle, int picture, CUdeviceptr *ret_address,
                            unsigned *ret_pitch, CUVIDPROCPARAMS *params)
{
    struct decoder *decoder = of(__func__, handle);
    CUresult result = fakegpu_enter(__func__);
    if (result != CUDA_SUCCESS)
        return result;
    if (!params->output_stream)
        fakegpu_abort(__func__, "no stream of its own");
    pthread_mutex_lock(&decoder->lock);
    struct surface surface = decoder->surfaces[picture];
    if (!surface.decoded)
        fakegpu_abort(__func__, "nothing was decoded into surface %d", picture);
    struct output *output = take_output(decoder, picture);
    output->surface = picture;
    decoder->filling++;
    pthread_mutex_unlock(&decoder->lock);
    sleep_until(surface.done);
    struct fill *job = malloc(sizeof(*job));
    if (!job)
        abort();
    *job = (struct fill){.decoder = decoder,
                         .to = (uint8_t *)(uintptr_t)output->address,
                         .pitch = decoder->pitch,
                         .width = decoder->width,
                         .height = decoder->height,
                         .seed = surface.seed,
                         .deep = is_deep(decoder)};
    *ret_address = output->address;
    *ret_pitch = (unsigned)decoder->pitch;
    pthread_mutex_lock(&fakegpu_cuvid_lock);
    fakegpu_cuvid_count.mapped++;
    pthread_mutex_unlock(&fakegpu_cuvid_lock);
    return fakegpu_enqueue(params->output_stream, fill, job);
}

CUresult cuvidUnmapVideoFrame(CUvideodecoder handle, CUdeviceptr address)
{
    struct decoder *decoder = of(__func__, handle);
    CUresult result = fakegpu_enter(__func__); /* of a lost device, too */
    struct output *found = NULL;
    pthread_mutex_lock(&decoder->lock);
    for (unsigned i = 0; i < decoder->info.ulNumOutputSurfaces; i++)
        if (decoder->outputs[i].address == address && decoder->outputs[i].surface >= 0)
            found = &decoder->outputs[i];
    if (!found)
        fakegpu_abort(__func__, "%llx is not mapped", (unsigned long long)address);
    found->surface = -1;
    pthread_mutex_unlock(&decoder->lock);
    pthread_mutex_lock(&fakegpu_cuvid_lock);
    fakegpu_cuvid_count.mapped--;
    pthread_mutex_unlock(&fakegpu_cuvid_lock);
    return result;
}
