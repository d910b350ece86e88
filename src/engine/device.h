// SPDX-License-Identifier: Apache-2.0
/*
 * The GPU of one engine: what its stages share. Built without the GPU path (device_none.c) it only says so.
 *
 *   fv-decode: NVDEC sessions -> pictures in device memory    (decoder_ops, decoder_shared)
 *   fv-infer:  letterbox, network, boxes in `stream`          (detector_gpu.c)
 *   fv-result: fetch() of a picture that a sink asked for, in a stream of its own
 */
#ifndef FV_ENGINE_DEVICE_H
#define FV_ENGINE_DEVICE_H

#include "conf/conf.h"
#include "decode/decoder.h"
#include "flow.h"
#include "fovea/engine.h"
#include "gpu/gpu.h"

struct fv_device;

/* What fv_gpu_open() and the probe are given. */
struct fv_gpu_params fv_device_params(const struct fv_config *config);
/* Opens the GPU that the configuration names. `alarm` may be NULL. 0; -ENODEV, -ENOMEM, -EIO with a sentence. */
int fv_device_open(const struct fv_config *config, const struct fv_gpu_alarm *alarm,
                   struct fv_device **ret_device, struct fv_error *err);
/* The stages that used it have ended. NULL is fine. */
void fv_device_close(struct fv_device *device);

struct fv_gpu *fv_device_gpu(struct fv_device *device);
struct fv_gpu_stream *fv_device_stream(struct fv_device *device); /* of inference */

/* For the decode worker's params; `shared` lives until close. */
const struct fv_decoder_ops *fv_device_decoder(struct fv_device *device, void **ret_shared);

/* A copy in host memory of a picture of this device, accounted as snapshot. Result thread; sleeps until it is there. */
int fv_device_fetch(struct fv_device *device, const struct fv_picture *picture,
                    struct fv_picture **ret_copy, struct fv_error *err);

void fv_device_figures(struct fv_device *device,
                       struct fv_engine_gpu *ret_figures); /* any thread */

#endif
