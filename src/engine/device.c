// SPDX-License-Identifier: Apache-2.0
#include "engine/device.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "decode/nvdec.h"
#include "gpu/gpu.h"
#include "gpu/picture.h"

#define MIB (1024u * 1024u)

struct fv_device {
    struct fv_gpu *gpu;
    struct fv_gpu_stream *infer, *fetch;
    struct fv_nvdec *nvdec;
    struct fv_gpu_info info; /* at open */
};

struct fv_gpu_params fv_device_params(const struct fv_config *config)
{
    return (struct fv_gpu_params){
        .device = (unsigned)config->models.device_index,
        .pool_bytes = config->processing.memory_pooling
                          ? (size_t)config->processing.gpu_memory_pool_mb * MIB
                          : 0,
    };
}

/* Another library in this process was quicker, and the driver is too old to change its mind. */
static void tell_spins(const struct fv_gpu_info *info)
{
    if (info->spins)
        fv_log(FV_LOG_WARNING, "gpu",
               "something else in this process uses GPU %u already, in such a way that each wait "
               "for it "
               "takes a whole core: open Fovea first, or update the driver",
               info->device);
}

/* Pictures of a camera that may be out; the classifier may hold one more. */
static unsigned held_of(const struct fv_config *config)
{
    const int64_t one = config->classifier.model_path ? 1 : 0;
    return (unsigned)fv_min64(config->processing.nvdec_buffer_size + one, FV_NVDEC_HELD_MAX);
}

static int open_parts(struct fv_device *device, const struct fv_config *config,
                      const struct fv_gpu_alarm *alarm, struct fv_error *err)
{
    struct fv_gpu_params gpu = fv_device_params(config);
    if (alarm)
        gpu.alarm = *alarm;
    int r = fv_gpu_open(&gpu, &device->gpu, err);
    if (r == 0)
        r = fv_gpu_enter(device->gpu, err);
    if (r == 0)
        r = fv_gpu_info(device->gpu, &device->info, err);
    if (r == 0)
        r = fv_gpu_stream_create(device->gpu, &device->infer, err);
    if (r == 0)
        r = fv_gpu_stream_create(device->gpu, &device->fetch, err);
    if (r < 0)
        return r;
    tell_spins(&device->info);
    const struct fv_nvdec_params nvdec = {
        .gpu = device->gpu,
        .held = held_of(config),
    };
    return fv_nvdec_create(&nvdec, &device->nvdec, err);
}

int fv_device_open(const struct fv_config *config, const struct fv_gpu_alarm *alarm,
                   struct fv_device **ret_device, struct fv_error *err)
{
    struct fv_device *device = FV_NEW(struct fv_device);
    if (!device)
        return fv_error_set(err, -ENOMEM, "out of memory");
    int r = open_parts(device, config, alarm, err);
    if (r < 0) {
        fv_device_close(device);
        return r;
    }
    *ret_device = device;
    return 0;
}

void fv_device_close(struct fv_device *device)
{
    if (!device)
        return;
    fv_nvdec_destroy(device->nvdec);
    fv_gpu_stream_destroy(device->fetch);
    fv_gpu_stream_destroy(device->infer);
    fv_gpu_close(device->gpu);
    fv_free(device);
}

struct fv_gpu *fv_device_gpu(struct fv_device *device)
{
    return device->gpu;
}

struct fv_gpu_stream *fv_device_stream(struct fv_device *device)
{
    return device->infer;
}

const struct fv_decoder_ops *fv_device_decoder(struct fv_device *device, void **ret_shared)
{
    *ret_shared = device->nvdec;
    return &fv_decoder_nvdec;
}

int fv_device_fetch(struct fv_device *device, const struct fv_picture *picture,
                    struct fv_picture **ret_copy, struct fv_error *err)
{
    return fv_gpu_picture_fetch(device->gpu, device->fetch, picture, ret_copy, err);
}

void fv_device_figures(struct fv_device *device, struct fv_engine_gpu *ret_figures)
{
    struct fv_engine_gpu figures = {
        .name = device->info.name,
        .device = device->info.device,
        .memory_total = device->info.memory_total,
        .memory_free_at_start = device->info.memory_free,
        .lost = fv_gpu_lost(device->gpu),
    };
    struct fv_gpu_memory_stats memory;
    struct fv_gpu_traffic traffic;
    struct fv_gpu_info now;
    void *before = NULL;
    if (fv_gpu_visit(device->gpu, &before, NULL) == 0) {
        if (fv_gpu_info(device->gpu, &now, NULL) == 0)
            figures.memory_free = now.memory_free;
        fv_gpu_leave(device->gpu, before);
    }
    fv_gpu_memory_stats(device->gpu, &memory);
    fv_gpu_traffic(device->gpu, &traffic);
    figures.pool_bytes = memory.pool_bytes;
    figures.pool_used = memory.pool_used;
    figures.pool_peak = memory.pool_peak;
    figures.tripped = traffic.tripped;
    for (unsigned i = 0; i < FV_GPU_PURPOSES; i++)
        figures.traffic[i] = (struct fv_engine_traffic){fv_gpu_purpose_name(i),
                                                        traffic.to_device[i], traffic.to_host[i]};
    figures.traffic_count = FV_GPU_PURPOSES;
    *ret_figures = figures;
}
