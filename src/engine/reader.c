// SPDX-License-Identifier: Apache-2.0
#include "fovea/reader.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "decode/worker.h"
#include "ingest/ingest.h"

#define GATHER (10 * FV_MS)
#define QUEUE 20 /* access units between network and decoder */

struct fv_reader {
    struct fv_reader_params params; /* callbacks */
    struct fv_decode_worker *decode;
    struct fv_ingest *ingest;
    bool started;
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

static int format_of(enum fv_pixel_format format)
{
    switch (format) {
    case FV_PIXEL_NV12:
        return FV_READER_NV12;
    case FV_PIXEL_P016:
        return FV_READER_P016;
    case FV_PIXEL_I010:
        return FV_READER_I010;
    case FV_PIXEL_I420:
        break;
    }
    return FV_READER_I420;
}

static void on_picture(void *data, struct fv_picture *picture)
{
    struct fv_reader *reader = data;
    struct fv_reader_picture out = {
        .frame = picture->info,
        .format = format_of(picture->format),
        .bt709 = picture->matrix == FV_MATRIX_BT709,
        .full_range = picture->full_range,
    };
    memcpy(out.plane, picture->plane, sizeof(out.plane));
    memcpy(out.pitch, picture->pitch, sizeof(out.pitch));
    reader->params.picture(reader->params.data, &out);
    fv_picture_unref(picture);
}

static void on_fault(void *data, uint32_t camera, int code, const char *reason)
{
    struct fv_reader *reader = data;
    struct fv_camera_event event = {
        .camera = camera,
        .camera_name = "reader",
        .from = FV_CAMERA_PLAYING,
        .to = FV_CAMERA_PLAYING,
        .code = code,
        .reason = reason,
        .at = fv_now(),
    };
    on_state(reader, &event);
}

static int open_parts(struct fv_reader *reader, const char *url, struct fv_error *err)
{
    struct fv_camera_params camera;
    fv_camera_defaults(&camera);
    strcpy(camera.name, "reader");
    int r = fv_url_parse(url, &camera.url, err);
    if (r < 0)
        return r;
    struct fv_decode_worker_params decode = {
        .ops = &fv_decoder_cpu,
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
    struct fv_ingest_params ingest = {
        .gather = GATHER,
        .connect_rate = 20,
        .connects_per_host = 1,
        .handler = {.au = on_au, .state = on_state, .data = reader},
    };
    r = fv_ingest_create(&ingest, &reader->ingest, err);
    if (r < 0)
        return r;
    uint32_t id;
    r = fv_ingest_add(reader->ingest, &camera, &id);
    explicit_bzero(&camera, sizeof(camera));
    return r < 0 ? fv_error_set(err, r, "the camera could not be added: %s", fv_strerror(r)) : 0;
}

int fv_reader_open(const struct fv_reader_params *params, struct fv_reader **ret_reader,
                   struct fv_error *err)
{
    if (!params->url || !params->picture)
        return fv_error_set(err, -EINVAL, "a reader needs a url and a picture callback");
    if (!params->backend || strcmp(params->backend, "cpu") != 0)
        return fv_error_set(err, -ENOTSUP,
                            "the only back end of the reader in this version is \"cpu\"");
    struct fv_reader *reader = FV_NEW(struct fv_reader);
    if (!reader)
        return fv_error_set(err, -ENOMEM, "out of memory");
    reader->params = *params;
    int r = open_parts(reader, params->url, err);
    reader->params.url = reader->params.backend = NULL; /* only borrowed */
    if (r < 0) {
        fv_reader_close(reader);
        return r;
    }
    *ret_reader = reader;
    return 0;
}

int fv_reader_start(struct fv_reader *reader, struct fv_error *err)
{
    if (reader->started)
        return fv_error_set(err, -EPROTO, "the reader was started before");
    int r = fv_ingest_start(reader->ingest, err);
    reader->started = r == 0;
    return r;
}

void fv_reader_stop(struct fv_reader *reader)
{
    if (!reader->started)
        return;
    fv_ingest_stop(reader->ingest);
    fv_decode_worker_stop(reader->decode);
}

void fv_reader_close(struct fv_reader *reader)
{
    if (!reader)
        return;
    fv_reader_stop(reader);
    fv_ingest_destroy(reader->ingest);
    fv_decode_worker_destroy(reader->decode);
    fv_free(reader);
}
