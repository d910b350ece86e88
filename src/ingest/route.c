// SPDX-License-Identifier: Apache-2.0
/*
 * How a camera is reached: TCP, UDP or TLS, and where a redirection leads. What was found out is remembered for the next attempt.
 *
 *   auto: TCP; UDP when the camera refuses TCP or nothing comes       udp: UDP; TCP likewise
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ingest/impl.h"

#define HOPS_MAX 3
#define SILENCE (5 * FV_S) /* over UDP; then TCP is tried */

static bool is_secure(const struct fv_url *url)
{
    return strcmp(url->scheme, "rtsps") == 0;
}

/* Media in TLS come interleaved. */
enum fv_transport fv_camera_transport(const struct fv_camera *camera)
{
    if (is_secure(&camera->target))
        return FV_TRANSPORT_TLS;
    return camera->over_udp ? FV_TRANSPORT_UDP : FV_TRANSPORT_TCP;
}

int fv_camera_check_route(const struct fv_camera_params *params)
{
    bool secure = is_secure(&params->url);
    if (!secure && strcmp(params->url.scheme, "rtsp") != 0)
        return -ENOTSUP;
    return secure && params->transport == FV_TRANSPORT_UDP ? -ENOTSUP : 0;
}

bool fv_camera_wants_tls(const struct fv_camera_params *params)
{
    return params->transport == FV_TRANSPORT_TLS || is_secure(&params->url);
}

void fv_camera_first_route(struct fv_camera *camera)
{
    struct fv_url *target = &camera->target;
    *target = camera->params.url;
    camera->hops = 0;
    camera->rerouted = false;
    camera->detour[0] = 0;
    if (camera->params.transport != FV_TRANSPORT_TLS || is_secure(target))
        return;
    strcpy(target->scheme, "rtsps");
    if (target->port == 554)
        target->port = 322;
}

int fv_camera_prepare_tls(struct fv_camera *camera)
{
    camera->conn.secure = NULL;
    camera->conn.host = camera->target.host;
    if (!is_secure(&camera->target))
        return 0;
    int ret = 0;
    if (!camera->trust)
        ret = fv_trust_get(&camera->ingest->trusts, camera->params.tls_verify,
                           camera->params.tls_ca_file, &camera->trust);
    if (ret == 0)
        camera->conn.secure = fv_trust_context(camera->trust);
    return ret;
}

/* --- TCP or UDP --- */

static bool may_change(const struct fv_camera *camera)
{
    return (camera->params.transport == FV_TRANSPORT_AUTO ||
            camera->params.transport == FV_TRANSPORT_UDP) &&
           !is_secure(&camera->target);
}

bool fv_camera_reroute(struct fv_camera *camera, const char *why)
{
    if (!may_change(camera))
        return false;
    camera->over_udp = !camera->over_udp;
    camera->sums.transport_changes++;
    if (camera->rerouted)
        return false; /* both were tried: the other one is for the next attempt */
    camera->rerouted = true;
    snprintf(camera->detour, sizeof(camera->detour), "over %s, because %s",
             camera->over_udp ? "UDP" : "TCP", why);
    fv_camera_go_on(camera);
    return true;
}

int64_t fv_camera_packet_patience(const struct fv_camera *camera)
{
    int64_t limit = camera->params.first_packet_timeout;
    return fv_camera_transport(camera) == FV_TRANSPORT_UDP ? fv_min64(limit, SILENCE) : limit;
}

/* --- Redirections --- */

bool fv_camera_follow(struct fv_camera *camera, const struct fv_url *to, struct fv_trouble *trouble)
{
    camera->hops = fv_camera_is_settled(camera) ? 1 : camera->hops + 1;
    if (camera->hops > HOPS_MAX) {
        snprintf(trouble->reason, sizeof(trouble->reason),
                 "the camera redirects more than %d times", HOPS_MAX);
        return false;
    }
    if (is_secure(&camera->target) && !is_secure(to)) {
        trouble->code = -EACCES;
        snprintf(trouble->reason, sizeof(trouble->reason),
                 "the camera redirects from TLS to %s://, which is not secure", to->scheme);
        return false;
    }
    camera->target = *to; /* a copy: it lies in the session, which ends here */
    fv_camera_go_on(camera);
    return true;
}
