// SPDX-License-Identifier: Apache-2.0
/* Where two configurations differ, setting by setting of the table. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "conf/areas.h"
#include "conf/check.h"

/* Whether a row has the same value in both. -1: out of memory. */
static int same_value(const struct fv_setting *row, const void *a, const void *b)
{
    json_t *x = fv_value_stored(row, a), *y = fv_value_stored(row, b);
    int same = x && y ? json_equal(x, y) : -1;
    json_decref(x);
    json_decref(y);
    return same;
}

/* Sets a row of `to` to what it is in `from`. */
static int copy_value(const struct fv_setting *row, void *to, const void *from)
{
    json_t *value = fv_value_stored(row, from);
    int r = value ? fv_value_store(row, value, to) : -ENOMEM;
    json_decref(value);
    return r;
}

static int tell(const struct fv_setting *row, const struct fv_config *before,
                const struct fv_config *after, const struct fv_conf_differ *differ)
{
    char *key = fv_asprintf("%s.%s", row->section, row->name);
    json_t *old = fv_value_stored(row, before), *new = fv_value_stored(row, after);
    char *shown_old = old ? fv_value_shown(row->name, old) : NULL;
    char *shown_new = new ? fv_value_shown(row->name, new) : NULL;
    int r = key && shown_old && shown_new ? 0 : -ENOMEM;
    if (r == 0 && differ->tell)
        differ->tell(differ->data, &(struct fv_conf_difference){key, shown_old, shown_new,
                                                                (row->flags & FV_LIVE) != 0});
    json_decref(old);
    json_decref(new);
    fv_free(key);
    fv_free(shown_old);
    fv_free(shown_new);
    return r;
}

int fv_conf_settle(struct fv_config *fresh, const struct fv_config *in_force,
                   const struct fv_conf_differ *differ)
{
    for (size_t i = 0; i < fv_setting_count; i++) {
        const struct fv_setting *row = &fv_settings[i];
        /* A setting without an effect needs no restart either. */
        if (row->target != FV_TARGET_CONFIG || row->effect != FV_EFFECT_WIRED)
            continue;
        int same = same_value(row, fresh, in_force);
        int r = same < 0 ? -ENOMEM : same ? 0 : tell(row, in_force, fresh, differ);
        if (r == 0 && !same && !(row->flags & FV_LIVE))
            r = copy_value(row, fresh, in_force);
        if (r < 0)
            return r;
    }
    fresh->models.device_index = in_force->models.device_index;
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool same_address(const struct fv_url *a, const struct fv_url *b)
{
    return !strcmp(a->scheme, b->scheme) && !strcmp(a->host, b->host) && a->port == b->port &&
           !strcmp(a->path, b->path) && a->has_user == b->has_user && !strcmp(a->user, b->user) &&
           !strcmp(a->password, b->password);
}

bool fv_conf_same_stream(const struct fv_conf_camera *a, const struct fv_conf_camera *b)
{
    return same_address(&a->address, &b->address) && a->transport == b->transport &&
           a->tls_verify == b->tls_verify && same_text(a->tls_ca_file, b->tls_ca_file) &&
           a->reorder_ms == b->reorder_ms && a->flag_loss == b->flag_loss;
}

bool fv_conf_same_connection(const struct fv_conf_camera *a, const struct fv_conf_camera *b)
{
    return fv_conf_same_stream(a, b) && a->resolve_timeout_s == b->resolve_timeout_s &&
           a->connect_timeout_s == b->connect_timeout_s &&
           a->request_timeout_s == b->request_timeout_s &&
           a->first_packet_timeout_s == b->first_packet_timeout_s &&
           a->first_keyframe_timeout_s == b->first_keyframe_timeout_s &&
           a->stall_timeout_s == b->stall_timeout_s && a->backoff == b->backoff &&
           a->backoff_initial_s == b->backoff_initial_s && a->backoff_max_s == b->backoff_max_s &&
           a->backoff_factor == b->backoff_factor && a->backoff_jitter == b->backoff_jitter &&
           a->breaker_open_s == b->breaker_open_s &&
           a->backoff_stable_after == b->backoff_stable_after &&
           a->breaker_failures == b->breaker_failures && a->breaker_probes == b->breaker_probes;
}

static int same_area(const struct fv_conf_area *a, const struct fv_conf_area *b)
{
    bool points = a->point_count == b->point_count &&
                  !memcmp(a->points, b->points, a->point_count * sizeof(a->points[0]));
    int same = points;
    const struct fv_setting *row;
    /* A line has no value in the rows of a zone: they are 0 in both. */
    for (size_t i = 0; same > 0 && (row = fv_area_setting(false, i)); i++)
        if (row->kind != FV_KIND_ANY)
            same = same_value(row, a, b);
    return same;
}

int fv_conf_same_areas(const struct fv_conf_areas *a, const struct fv_conf_areas *b)
{
    int same = a->count == b->count;
    for (unsigned i = 0; same > 0 && i < a->count; i++)
        same = same_area(&a->items[i], &b->items[i]);
    return same < 0 ? -ENOMEM : same;
}
