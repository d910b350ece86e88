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

void fv_cameras_params(const struct fv_cameras *cameras, const struct fv_conf_camera *conf,
                       uint32_t index, struct fv_camera_params *params)
{
    fv_camera_defaults(params);
    snprintf(params->name, sizeof(params->name), "%s", conf->name);
    params->number = index;
    params->url = conf->address;
    params->transport = transport_of(conf->transport);
    params->tls_verify = conf->tls_verify;
    snprintf(params->tls_ca_file, sizeof(params->tls_ca_file), "%s",
             conf->tls_ca_file ? conf->tls_ca_file : "");
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

struct known_name {
    struct fv_list link;
    char text[];
};

const char *fv_cameras_keep_name(struct fv_cameras *cameras, const char *name)
{
    FV_LIST_FOR (it, &cameras->known) {
        const struct known_name *known = FV_CONTAINER(it, struct known_name, link);
        if (strcmp(known->text, name) == 0)
            return known->text;
    }
    struct known_name *fresh = fv_calloc(1, sizeof(*fresh) + strlen(name) + 1);
    if (!fresh)
        return NULL;
    strcpy(fresh->text, name);
    fv_list_append(&cameras->known, &fresh->link);
    return fresh->text;
}

const char *fv_cameras_name(const struct fv_cameras *cameras, uint32_t index)
{
    return __atomic_load_n(&cameras->names[index], __ATOMIC_ACQUIRE);
}

int64_t fv_cameras_find(const struct fv_cameras *cameras, const char *name)
{
    for (uint32_t i = 0; i < cameras->count; i++)
        if (cameras->places[i].used && strcmp(cameras->names[i], name) == 0)
            return i;
    return -ENOENT;
}

int64_t fv_cameras_free_index(const struct fv_cameras *cameras, const bool *taken)
{
    int64_t best = -ENOBUFS;
    for (uint32_t i = 0; i < cameras->room; i++) {
        const struct fv_camera_place *place = &cameras->places[i];
        if (!place->used && !taken[i] && (best < 0 || place->freed < cameras->places[best].freed))
            best = i;
    }
    return best;
}

void fv_cameras_occupy(struct fv_cameras *cameras, uint32_t index, const char *name)
{
    struct fv_camera_place *place = &cameras->places[index];
    place->used = true;
    cameras->carry[index] = (struct fv_camera_carry){0};
    memset(&cameras->figures[index], 0, sizeof(cameras->figures[index]));
    if (index >= cameras->count)
        cameras->count = index + 1;
    __atomic_store_n(&cameras->names[index], name, __ATOMIC_RELEASE);
}

void fv_cameras_vacate(struct fv_cameras *cameras, uint32_t index)
{
    cameras->places[index].used = false;
    cameras->places[index].freed = ++cameras->freed;
}

static int occupy_all(struct fv_cameras *cameras, const struct fv_config *config)
{
    for (unsigned i = 0; i < config->cameras.count; i++) {
        if (!config->cameras.items[i].enabled)
            continue;
        const char *name = fv_cameras_keep_name(cameras, config->cameras.items[i].name);
        if (!name)
            return -ENOMEM;
        fv_cameras_occupy(cameras, cameras->count, name);
    }
    return 0;
}

int fv_cameras_init(struct fv_cameras *cameras, const struct fv_config *config)
{
    unsigned room = config->cameras.count + FV_CAMERAS_SPARE;
    *cameras = (struct fv_cameras){
        .room = room,
        .places = fv_calloc(room, sizeof(cameras->places[0])),
        .names = fv_calloc(room, sizeof(cameras->names[0])),
        .figures = fv_calloc(room, sizeof(cameras->figures[0])),
        .carry = fv_calloc(room, sizeof(cameras->carry[0])),
    };
    fv_list_init(&cameras->known);
    int r = cameras->places && cameras->names && cameras->figures && cameras->carry ? 0 : -ENOMEM;
    for (unsigned i = 0; r == 0 && i < room; i++)
        cameras->names[i] = "";
    if (r == 0)
        r = occupy_all(cameras, config);
    if (r < 0)
        fv_cameras_finish(cameras);
    return r;
}

void fv_cameras_finish(struct fv_cameras *cameras)
{
    if (cameras->known.next)
        FV_LIST_FOR (it, &cameras->known)
            fv_free(FV_CONTAINER(it, struct known_name, link));
    fv_free(cameras->places);
    fv_free(cameras->names);
    fv_free(cameras->figures);
    fv_free(cameras->carry);
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
