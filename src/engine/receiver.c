// SPDX-License-Identifier: Apache-2.0
#include "fovea/receiver.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "engine/portrait.h"
#include "ingest/ingest.h"

#define GATHER (10 * FV_MS)
#define CONNECT_RATE 20
#define CONNECTS_PER_HOST 4

_Static_assert(FV_RECEIVER_PADDING == FV_AU_PADDING, "the public figure is the internal one");

struct fv_receiver {
    struct fv_receiver_params params; /* callbacks */
    struct fv_ingest *ingest;
    bool started;
    _Atomic uint64_t total; /* written by the ingest thread alone */
};

/* --- Callbacks, on the ingest thread --- */

static bool on_au(void *data, const struct fv_au *au)
{
    struct fv_receiver *receiver = data;
    uint64_t total = atomic_load_explicit(&receiver->total, memory_order_relaxed);
    atomic_store_explicit(&receiver->total, total + 1, memory_order_relaxed);
    if (!receiver->params.access_unit)
        return true;
    const struct fv_access_unit unit = {
        .camera = au->camera,
        .data = au->buf->data,
        .size = au->size,
        .codec = fv_codec_name(au->codec),
        .flags = au->flags,
        .epoch = au->epoch,
        .format = au->format,
        .rtp_time = au->rtp_time,
        .pts = au->pts,
        .wall = au->wall,
        .first_packet = au->first_packet,
        .last_packet = au->last_packet,
    };
    return receiver->params.access_unit(receiver->params.data, &unit);
}

static void on_state(void *data, const struct fv_camera_event *event)
{
    struct fv_receiver *receiver = data;
    if (receiver->params.state)
        receiver->params.state(receiver->params.data, event);
}

/* --- Life --- */

static int64_t gather_of(const struct fv_receiver_params *params)
{
    if (params->gather == 0)
        return GATHER;
    return params->gather < 0 ? 0 : params->gather;
}

int fv_receiver_open(const struct fv_receiver_params *params, struct fv_receiver **ret_receiver,
                     struct fv_error *err)
{
    struct fv_receiver *receiver = FV_NEW(struct fv_receiver);
    if (!receiver)
        return fv_error_set(err, -ENOMEM, "out of memory");
    receiver->params = *params;
    struct fv_ingest_params ingest = {
        .gather = gather_of(params),
        .connect_rate = params->connect_rate ? params->connect_rate : CONNECT_RATE,
        .connects_per_host =
            params->connects_per_host ? params->connects_per_host : CONNECTS_PER_HOST,
        .buffer_limit = params->buffer_limit,
        .handler = {.au = on_au, .state = on_state, .data = receiver},
    };
    int ret = fv_ingest_create(&ingest, &receiver->ingest, err);
    if (ret < 0) {
        fv_receiver_close(receiver);
        return ret;
    }
    *ret_receiver = receiver;
    return 0;
}

int fv_receiver_start(struct fv_receiver *receiver, struct fv_error *err)
{
    if (receiver->started)
        return fv_error_set(err, -EPROTO, "the receiver was started before");
    int ret = fv_ingest_start(receiver->ingest, err);
    receiver->started = ret == 0;
    return ret;
}

void fv_receiver_stop(struct fv_receiver *receiver)
{
    fv_ingest_stop(receiver->ingest);
}

void fv_receiver_close(struct fv_receiver *receiver)
{
    if (!receiver)
        return;
    fv_ingest_destroy(receiver->ingest);
    fv_free(receiver);
}

/* --- Cameras --- */

int fv_receiver_parse_url(const char *text, struct fv_receiver_url *ret_url, struct fv_error *err)
{
    struct fv_url url;
    int ret = fv_url_parse(text, &url, err);
    if (ret < 0)
        return ret;
    struct fv_receiver_url out = {.port = url.port, .has_login = url.has_user};
    fv_url_display(&url, out.plain, sizeof(out.plain));
    memcpy(out.scheme, url.scheme, sizeof(out.scheme));
    memcpy(out.host, url.host, sizeof(out.host));
    explicit_bzero(&url, sizeof(url));
    *ret_url = out;
    return 0;
}

static int set_transport(struct fv_camera_params *params, enum fv_receiver_transport transport,
                         struct fv_error *err)
{
    switch (transport) {
    case FV_RECEIVER_AUTO:
        params->transport = FV_TRANSPORT_AUTO;
        return 0;
    case FV_RECEIVER_TCP:
        params->transport = FV_TRANSPORT_TCP;
        return 0;
    case FV_RECEIVER_UDP:
        params->transport = FV_TRANSPORT_UDP;
        return 0;
    }
    return fv_error_set(err, -EINVAL, "there is no transport of number %d", (int)transport);
}

static int fill(struct fv_camera_params *params, const struct fv_receiver_camera *camera,
                struct fv_error *err)
{
    char plain[FV_URL_MAX + 300];
    fv_camera_defaults(params);
    if (!camera->url)
        return fv_error_set(err, -EINVAL, "a camera needs a url");
    int ret = fv_url_parse(camera->url, &params->url, err);
    if (ret == 0)
        ret = set_transport(params, camera->transport, err);
    if (ret < 0)
        return ret;
    if (camera->tls_ca_file && strlen(camera->tls_ca_file) >= sizeof(params->tls_ca_file))
        return fv_error_set(err, -EINVAL, "the name of the CA file is too long");
    snprintf(params->name, sizeof(params->name), "%s",
             camera->name ? camera->name : fv_url_display(&params->url, plain, sizeof(plain)));
    snprintf(params->tls_ca_file, sizeof(params->tls_ca_file), "%s",
             camera->tls_ca_file ? camera->tls_ca_file : "");
    params->tls_verify = !camera->tls_no_verify;
    params->flag_loss = camera->flag_loss;
    if (camera->reorder)
        params->reorder = camera->reorder;
    return 0;
}

/* What ingest said about these params. */
static int explain(int ret, const struct fv_camera_params *params, const char *what,
                   struct fv_error *err)
{
    if (ret == -ENOTSUP)
        return fv_error_set(err, ret, "%s:// over this transport is not supported in this version",
                            params->url.scheme);
    if (params->tls_ca_file[0] && (ret == -ENOENT || ret == -EACCES || ret == -EBADMSG))
        return fv_error_set(err, ret, "the certificates in '%s' cannot be used: %s",
                            params->tls_ca_file,
                            ret == -EBADMSG ? "none in PEM form" : fv_strerror(ret));
    if (ret < 0)
        return fv_error_set(err, ret, "the camera could not be %s: %s", what, fv_strerror(ret));
    return 0;
}

int fv_receiver_add(struct fv_receiver *receiver, const struct fv_receiver_camera *camera,
                    uint32_t *ret_id, struct fv_error *err)
{
    struct fv_camera_params params;
    int ret = fill(&params, camera, err);
    if (ret == 0)
        ret = explain(fv_ingest_add(receiver->ingest, &params, ret_id), &params, "added", err);
    explicit_bzero(&params, sizeof(params));
    return ret;
}

int fv_receiver_change(struct fv_receiver *receiver, uint32_t id,
                       const struct fv_receiver_camera *camera, struct fv_error *err)
{
    struct fv_camera_params params;
    int ret = fill(&params, camera, err);
    if (ret == 0)
        ret = explain(fv_ingest_change(receiver->ingest, id, &params), &params, "changed", err);
    explicit_bzero(&params, sizeof(params));
    return ret;
}

int fv_receiver_remove(struct fv_receiver *receiver, uint32_t id)
{
    return fv_ingest_remove(receiver->ingest, id);
}

void fv_receiver_await_key(struct fv_receiver *receiver, uint32_t id)
{
    fv_ingest_await_key(receiver->ingest, id);
}

/* --- Asking --- */

uint64_t fv_receiver_total(const struct fv_receiver *receiver)
{
    return atomic_load_explicit(&receiver->total, memory_order_relaxed);
}

int fv_receiver_stats(struct fv_receiver *receiver, uint32_t id,
                      struct fv_receiver_stats *ret_stats)
{
    struct fv_camera_stats stats;
    int ret = fv_ingest_stats(receiver->ingest, id, &stats);
    if (ret == 0)
        fv_portrait_stats(&stats, ret_stats);
    return ret;
}

int fv_receiver_details(struct fv_receiver *receiver, uint32_t id,
                        struct fv_receiver_details *ret_details)
{
    struct fv_camera_description description;
    int ret = fv_ingest_describe(receiver->ingest, id, &description);
    if (ret == 0)
        fv_portrait_details(&description, ret_details);
    return ret;
}
