// SPDX-License-Identifier: Apache-2.0
#include "engine/cameras.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static int64_t seconds(double s)
{
    return (int64_t)(s * (double)FV_S);
}

static enum fv_transport transport_of(int conf)
{
    switch (conf) {
    case FV_CONF_TRANSPORT_TCP:
        return FV_TRANSPORT_TCP;
    case FV_CONF_TRANSPORT_UDP:
        return FV_TRANSPORT_UDP;
    case FV_CONF_TRANSPORT_TLS:
        return FV_TRANSPORT_TLS;
    default:
        return FV_TRANSPORT_AUTO;
    }
}

static enum fv_backoff_strategy strategy_of(int conf)
{
    switch (conf) {
    case FV_CONF_BACKOFF_ADAPTIVE:
        return FV_BACKOFF_ADAPTIVE;
    case FV_CONF_BACKOFF_BREAKER:
        return FV_BACKOFF_BREAKER;
    default:
        return FV_BACKOFF_EXPONENTIAL;
    }
}

static void fill(struct fv_camera_params *params, const struct fv_conf_camera *conf)
{
    fv_camera_defaults(params);
    snprintf(params->name, sizeof(params->name), "%s", conf->name);
    params->url = conf->address;
    params->transport = transport_of(conf->transport);
    params->tls_verify = conf->tls_verify;
    snprintf(params->tls_ca_file, sizeof(params->tls_ca_file), "%s", conf->tls_ca_file ? conf->tls_ca_file : "");
    params->resolve_timeout = seconds(conf->resolve_timeout_s);
    params->connect_timeout = seconds(conf->connect_timeout_s);
    params->request_timeout = seconds(conf->request_timeout_s);
    params->first_packet_timeout = seconds(conf->first_packet_timeout_s);
    params->first_key_timeout = seconds(conf->first_keyframe_timeout_s);
    params->stall_timeout = seconds(conf->stall_timeout_s);
    params->reorder = seconds(conf->reorder_ms / 1000);
    params->flag_loss = conf->flag_loss;
    params->backoff = (struct fv_backoff_params){
        .strategy = strategy_of(conf->backoff),
        .initial = seconds(conf->backoff_initial_s),
        .maximum = seconds(conf->backoff_max_s),
        .factor = conf->backoff_factor,
        .jitter = conf->backoff_jitter,
        .stable_after = (unsigned)conf->backoff_stable_after,
        .breaker_failures = (unsigned)conf->breaker_failures,
        .breaker_probes = (unsigned)conf->breaker_probes,
        .breaker_open = seconds(conf->breaker_open_s),
    };
}

int fv_cameras_init(struct fv_cameras *cameras, const struct fv_config *config)
{
    unsigned all = config->cameras.count;
    *cameras = (struct fv_cameras){
        .params = fv_calloc(all + 1, sizeof(cameras->params[0])),
        .names = fv_calloc(all + 1, sizeof(cameras->names[0])),
        .figures = fv_calloc(all + 1, sizeof(cameras->figures[0])),
    };
    if (!cameras->params || !cameras->names || !cameras->figures) {
        fv_cameras_finish(cameras);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < all; i++) {
        if (!config->cameras.items[i].enabled)
            continue;
        struct fv_camera_params *params = &cameras->params[cameras->count];
        fill(params, &config->cameras.items[i]);
        cameras->names[cameras->count++] = params->name;
    }
    return 0;
}

void fv_cameras_finish(struct fv_cameras *cameras)
{
    if (cameras->params)
        explicit_bzero(cameras->params, cameras->count * sizeof(cameras->params[0]));
    fv_free(cameras->params);
    fv_free(cameras->names);
    fv_free(cameras->figures);
    *cameras = (struct fv_cameras){0};
}

void fv_cameras_count(struct fv_cameras *cameras, const struct fv_result *result, int person)
{
    struct fv_camera_figures *figures = &cameras->figures[result->info.camera];
    uint32_t persons = 0;
    for (uint32_t i = 0; i < result->count; i++)
        persons += result->detections[i].class_id == person;
    figures->analysed++;
    figures->detections += result->count;
    figures->persons += persons;
    figures->persons_now = persons;
    if (result->info.at.last_packet != FV_TIME_UNKNOWN)
        fv_hist_add(&figures->age, result->info.at.event - result->info.at.last_packet);
}
