// SPDX-License-Identifier: Apache-2.0
#include "fovea/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "decode/nvdec.h"
#include "decode/worker.h"
#include "engine/frames.h"
#include "engine/reader_file.h"
#include "engine/reader_source.h"
#include "gpu/gpu.h"
#include "ingest/ingest.h"

#define GATHER (10 * FV_MS)
#define QUEUE 20 /* access units between network and decoder */

struct fv_reader {
    struct fv_reader_params params; /* callbacks */
    struct fv_decode_worker *decode;
    struct fv_ingest *ingest;    /* NULL: a file */
    struct fv_reader_file *file; /* NULL: a camera */
    struct fv_frames *frames;
    char name[128]; /* in events */
    unsigned device;
    bool on_gpu, started;
};

static bool on_au(void *data, const struct fv_au *au)
{
    struct fv_reader *reader = data;
    return fv_decode_worker_push(reader->decode, au);
}

static void on_state(void *data, const struct fv_camera_event *event)
{
    struct fv_reader *reader = data;
    if (reader->params.state)
        reader->params.state(reader->params.data, event);
}

static void on_picture(void *data, struct fv_picture *picture)
{
    struct fv_reader *reader = data;
    if (reader->params.picture) {
        struct fv_reader_picture out;
        fv_frames_describe(picture, reader->device, &out);
        reader->params.picture(reader->params.data, &out);
    }
    fv_frames_offer(reader->frames, picture);
    fv_picture_unref(picture);
}

static void on_fault(void *data, uint32_t camera, int code, const char *reason)
{
    struct fv_reader *reader = data;
    struct fv_camera_event event = {
        .camera = camera,
        .camera_name = reader->name,
        .from = FV_CAMERA_PLAYING,
        .to = FV_CAMERA_PLAYING,
        .code = code,
        .reason = reason,
        .at = fv_now(),
    };
    on_state(reader, &event);
}

/* fv-source: what the decoder holds back comes out before it is told. */
static void on_ended(void *data, int code, const char *reason)
{
    struct fv_reader *reader = data;
    fv_decode_worker_finish(reader->decode);
    const struct fv_camera_event event = {
        .camera_name = reader->name,
        .from = FV_CAMERA_PLAYING,
        .to = FV_CAMERA_DISABLED,
        .code = code,
        .reason = reason,
        .at = fv_now(),
    };
    on_state(reader, &event);
}

static void on_late(void *data, const char *sentence)
{
    on_fault(data, 0, -EBUSY, sentence);
}

/* The device, and the frames of the consumers, who may keep it. */
static int open_frames(struct fv_reader *reader, void **ret_shared, struct fv_error *err)
{
    const struct fv_reader_params *params = &reader->params;
    struct fv_frames_params frames = {.consumers = params->consumers,
                                      .consumer_count = params->consumer_count,
                                      .device = reader->device,
                                      .late = on_late,
                                      .data = reader};
    int r = 0;
    if (reader->on_gpu) {
        const struct fv_gpu_params gpu = {.device = reader->device};
        r = fv_gpu_open(&gpu, &frames.gpu, err);
        const struct fv_nvdec_params nvdec = {
            .gpu = frames.gpu,
            .held = 2 + fv_frames_held(params->consumers, params->consumer_count),
        };
        if (r == 0)
            r = fv_nvdec_create(&nvdec, &frames.nvdec, err);
        if (r < 0)
            fv_gpu_close(frames.gpu);
    }
    *ret_shared = frames.nvdec;
    return r == 0 ? fv_frames_create(&frames, &reader->frames, err) : r;
}

static int open_ingest(struct fv_reader *reader, const struct fv_camera_params *camera,
                       struct fv_error *err)
{
    struct fv_ingest_params ingest = {
        .gather = GATHER,
        .connect_rate = 20,
        .connects_per_host = 1,
        .handler = {.au = on_au, .state = on_state, .data = reader},
    };
    int r = fv_ingest_create(&ingest, &reader->ingest, err);
    if (r < 0)
        return r;
    uint32_t id;
    r = fv_ingest_add(reader->ingest, camera, &id);
    return r < 0 ? fv_error_set(err, r, "the camera could not be added: %s", fv_strerror(r)) : 0;
}

static int open_file(struct fv_reader *reader, const char *path, struct fv_error *err)
{
    const struct fv_reader_file_handler handler = {.au = on_au, .ended = on_ended, .data = reader};
    return fv_reader_file_open(path, &handler, &reader->file, err);
}

static int open_parts(struct fv_reader *reader, const struct fv_reader_source *source,
                      struct fv_error *err)
{
    void *shared = NULL;
    int r = open_frames(reader, &shared, err);
    if (r < 0)
        return r;
    struct fv_decode_worker_params decode = {
        .ops = reader->on_gpu ? &fv_decoder_nvdec : &fv_decoder_cpu,
        .shared = shared,
        .cameras = 1,
        .queue_per_camera = QUEUE,
        .interval = 1,
        .picture = on_picture,
        .fault = on_fault,
        .data = reader,
    };
    r = fv_decode_worker_create(&decode, &reader->decode, err);
    if (r < 0)
        return r;
    return source->file ? open_file(reader, source->file, err)
                        : open_ingest(reader, &source->camera, err);
}

static int check(const struct fv_reader_params *params, bool on_gpu, struct fv_error *err)
{
    if (!params->picture && params->consumer_count == 0)
        return fv_error_set(err, -EINVAL, "a reader needs a picture callback or consumers");
    if (on_gpu && params->picture)
        return fv_error_set(err, -EINVAL,
                            "the picture callback is for host memory: on the back end \"gpu\" use "
                            "consumers");
    return fv_frames_check(params->consumers, params->consumer_count, err);
}

static int create(const struct fv_reader_params *params, const struct fv_reader_source *source,
                  struct fv_reader **ret_reader, struct fv_error *err)
{
    int r = check(params, source->on_gpu, err);
    if (r < 0)
        return r;
    struct fv_reader *reader = FV_NEW(struct fv_reader);
    if (!reader)
        return fv_error_set(err, -ENOMEM, "out of memory");
    reader->params = *params;
    reader->on_gpu = source->on_gpu;
    reader->device = source->device;
    snprintf(reader->name, sizeof(reader->name), "%s", source->camera.name);
    r = open_parts(reader, source, err);
    reader->params.url = reader->params.backend = NULL; /* only borrowed */
    reader->params.config_path = reader->params.camera = NULL;
    reader->params.consumers = NULL;
    if (r < 0) {
        fv_reader_close(reader);
        return r;
    }
    *ret_reader = reader;
    return 0;
}

int fv_reader_open(const struct fv_reader_params *params, struct fv_reader **ret_reader,
                   struct fv_error *err)
{
    struct fv_reader_source source;
    int r = fv_reader_source_init(params, &source, err);
    if (r == 0)
        r = create(params, &source, ret_reader, err);
    fv_reader_source_wipe(&source);
    return r;
}

int fv_reader_start(struct fv_reader *reader, struct fv_error *err)
{
    if (reader->started)
        return fv_error_set(err, -EPROTO, "the reader was started before");
    int r = reader->file ? fv_reader_file_start(reader->file, err)
                         : fv_ingest_start(reader->ingest, err);
    reader->started = r == 0;
    return r;
}

void fv_reader_stop(struct fv_reader *reader)
{
    if (!reader->started)
        return;
    if (reader->file)
        fv_reader_file_stop(reader->file);
    else
        fv_ingest_stop(reader->ingest);
    fv_decode_worker_stop(reader->decode);
}

void fv_reader_close(struct fv_reader *reader)
{
    if (!reader)
        return;
    fv_reader_stop(reader);
    fv_ingest_destroy(reader->ingest);
    fv_reader_file_close(reader->file);
    fv_decode_worker_destroy(reader->decode);
    fv_frames_close(reader->frames);
    fv_free(reader);
}

int fv_reader_consumer_stats(struct fv_reader *reader, unsigned consumer,
                             struct fv_reader_consumer_stats *ret_stats)
{
    return fv_frames_stats(reader->frames, consumer, ret_stats);
}
