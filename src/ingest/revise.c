// SPDX-License-Identifier: Apache-2.0
/* Other settings for a camera at work. Whatever may fail is done beforehand, so that the ingest thread only puts it in place. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "ingest/impl.h"

static bool same_url(const struct fv_url *a, const struct fv_url *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 &&
           a->port == b->port && strcmp(a->path, b->path) == 0 && a->has_user == b->has_user &&
           strcmp(a->user, b->user) == 0 && strcmp(a->password, b->password) == 0;
}

/* Can the connection at hand stay as it is? */
static bool same_connection(const struct fv_camera_params *a, const struct fv_camera_params *b)
{
    return same_url(&a->url, &b->url) && a->transport == b->transport &&
           a->tls_verify == b->tls_verify && strcmp(a->tls_ca_file, b->tls_ca_file) == 0 &&
           a->reorder == b->reorder && a->flag_loss == b->flag_loss;
}

static bool same_backoff(const struct fv_backoff_params *a, const struct fv_backoff_params *b)
{
    return a->strategy == b->strategy && a->initial == b->initial && a->maximum == b->maximum &&
           a->factor == b->factor && a->jitter == b->jitter && a->stable_after == b->stable_after &&
           a->breaker_failures == b->breaker_failures && a->breaker_probes == b->breaker_probes &&
           a->breaker_open == b->breaker_open;
}

int fv_revision_init(struct fv_revision *revision, struct fv_ingest *ingest,
                     const struct fv_camera_params *params)
{
    struct fv_trust *trust = NULL;
    int ret = fv_camera_wants_tls(params)
                  ? fv_trust_get(&ingest->trusts, params->tls_verify, params->tls_ca_file, &trust)
                  : 0;
    struct fv_pace_host *host = ret == 0 ? fv_pace_host_create(params->url.host) : NULL;
    if (!host) {
        fv_trust_put(&ingest->trusts, trust);
        return ret < 0 ? ret : -ENOMEM;
    }
    *revision = (struct fv_revision){params, trust, host};
    return 0;
}

void fv_revision_finish(struct fv_revision *revision, struct fv_ingest *ingest)
{
    fv_trust_put(&ingest->trusts, revision->trust);
    fv_pace_host_destroy(revision->host);
}

static void take_trust(struct fv_camera *camera, struct fv_revision *revision)
{
    struct fv_trust *old = camera->trust;
    camera->trust = revision->trust;
    revision->trust = old;
}

/* The way to the camera is another one now. What was learnt about the old one is forgotten. */
static void take_connection(struct fv_camera *camera, struct fv_revision *revision)
{
    take_trust(camera, revision);
    camera->target = revision->params->url;
    camera->over_udp = revision->params->transport == FV_TRANSPORT_UDP;
    camera->known.count = 0;
    camera->hurried = false;
}

static void take_params(struct fv_camera *camera, const struct fv_camera_params *params, bool fresh)
{
    if (fresh || !same_backoff(&camera->params.backoff, &params->backoff))
        fv_backoff_init(&camera->backoff, &params->backoff, fv_rand_u64(&camera->rand), fv_now());
    camera->params = *params;
    camera->stall_timeout = params->stall_timeout;
    camera->first_key_timeout = params->first_key_timeout;
}

/* It has not begun, or has ended. */
static void revise_idle(struct fv_camera *camera, struct fv_revision *revision)
{
    if (camera->pace_host) {
        struct fv_pace_host *old = camera->pace_host;
        camera->pace_host = revision->host;
        revision->host = old;
    }
    take_connection(camera, revision);
    take_params(camera, revision->params, true);
}

static void connect_anew(struct fv_camera *camera, struct fv_revision *revision)
{
    fv_camera_end_attempt(camera);
    fv_pace_leave(&camera->ingest->pace, &camera->pace);
    take_connection(camera, revision);
    take_params(camera, revision->params, true);
    fv_pace_join(&camera->ingest->pace, &camera->pace, revision->host);
    revision->host = NULL;
    fv_pace_ask(&camera->ingest->pace, &camera->pace);
    fv_camera_enter(camera, FV_PHASE_TURN, FV_TIME_NEVER, 0,
                    "its settings changed; waits for its turn to connect");
    fv_ingest_arm_pace(camera->ingest);
}

void fv_camera_revise(struct fv_camera *camera, struct fv_revision *revision)
{
    if (camera->phase == FV_PHASE_OFF) {
        revise_idle(camera, revision);
    } else if (!same_connection(&camera->params, revision->params)) {
        connect_anew(camera, revision);
    } else {
        take_params(camera, revision->params, false);
        fv_camera_arm(camera);
    }
}
