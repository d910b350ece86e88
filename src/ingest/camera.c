// SPDX-License-Identifier: Apache-2.0
/*
 * One camera's states. What happens is a function here; each ends in fv_camera_enter() or fv_camera_fail().
 *
 *   OFF -begin-> TURN -granted-> ADDRESS -resolved-> CONNECTION -opened-> SESSION -PLAY-> PACKET -> KEY -> PLAYING
 *                 ^                                                                                    |
 *                 +------- RETRY <- any failure, in any of these ----------------------------------------+
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/pages.h"
#include "ingest/impl.h"

#define SETTLED (60 * FV_S) /* what comes after playing this long is not one of a chain */

static const struct {
    const char *name;
    enum fv_camera_state state;
} phases[] = {
    [FV_PHASE_OFF] = {"off", FV_CAMERA_DISABLED},
    [FV_PHASE_TURN] = {"awaiting its turn", FV_CAMERA_WAITING},
    [FV_PHASE_RETRY] = {"awaiting the next attempt", FV_CAMERA_WAITING},
    [FV_PHASE_ADDRESS] = {"awaiting its address", FV_CAMERA_RESOLVING},
    [FV_PHASE_CONNECTION] = {"awaiting the connection", FV_CAMERA_CONNECTING},
    [FV_PHASE_SESSION] = {"awaiting the session", FV_CAMERA_NEGOTIATING},
    [FV_PHASE_PACKET] = {"awaiting the first packet", FV_CAMERA_BUFFERING},
    [FV_PHASE_KEY] = {"awaiting the first key picture", FV_CAMERA_BUFFERING},
    [FV_PHASE_PLAYING] = {"playing", FV_CAMERA_PLAYING},
};

const char *fv_phase_name(enum fv_phase phase)
{
    return phases[phase].name;
}

enum fv_camera_state fv_phase_state(enum fv_phase phase)
{
    return phases[phase].state;
}

void fv_camera_defaults(struct fv_camera_params *params)
{
    *params = (struct fv_camera_params){
        .transport = FV_TRANSPORT_AUTO,
        .tls_verify = true,
        .resolve_timeout = 5 * FV_S,
        .connect_timeout = 5 * FV_S,
        .request_timeout = 5 * FV_S,
        .first_packet_timeout = 10 * FV_S,
        .first_key_timeout = 35 * FV_S,
        .stall_timeout = 10 * FV_S,
        .number = FV_CAMERA_ITS_ID,
        .reorder = 60 * FV_MS,
    };
    fv_backoff_defaults(&params->backoff);
}

/* --- Changing the phase --- */

static void tell(struct fv_camera *camera, enum fv_camera_state from, int code)
{
    const struct fv_ingest_handler *handler = &camera->ingest->params.handler;
    struct fv_camera_event event = {
        .camera = camera->number,
        .camera_name = camera->params.name,
        .from = from,
        .to = camera->sums.state,
        .code = code,
        .reason = camera->sums.reason,
        .at = camera->sums.since,
    };
    if (handler->state)
        handler->state(handler->data, &event);
}

void fv_camera_enter(struct fv_camera *camera, enum fv_phase phase, int64_t deadline, int code,
                     const char *reason)
{
    int64_t now = fv_camera_now(camera);
    enum fv_camera_state from = camera->sums.state, to = fv_phase_state(phase);
    if (reason)
        snprintf(camera->sums.reason, sizeof(camera->sums.reason), "%s", reason);
    fv_debug("ingest", "%s: %s -> %s: %s", camera->params.name, fv_phase_name(camera->phase),
             fv_phase_name(phase), reason ? reason : "");
    camera->phase = phase;
    camera->phase_since = now;
    camera->phase_deadline = deadline;
    camera->sums.retry_at = phase == FV_PHASE_RETRY ? deadline : FV_TIME_UNKNOWN;
    if (from != to) {
        camera->sums.state = to;
        camera->sums.since = now;
    }
    fv_camera_arm(camera);
    fv_camera_show(camera);
    if (from == to)
        return;
    fv_camera_note_change(camera, from, code);
    tell(camera, from, code);
}

static void end_turn(struct fv_camera *camera)
{
    fv_pace_done(&camera->ingest->pace, &camera->pace);
    fv_ingest_arm_pace(camera->ingest);
}

void fv_camera_end_attempt(struct fv_camera *camera)
{
    fv_camera_describe(camera);
    fv_resolve_cancel(camera->ingest->resolver, &camera->resolve);
    fv_camera_close_session(camera);
    fv_conn_close(&camera->conn);
}

/* --- An attempt, step by step --- */

void fv_camera_await_turn(struct fv_camera *camera)
{
    const char *reason = camera->phase == FV_PHASE_OFF ? "waits for its turn to connect" : NULL;
    fv_pace_ask(&camera->ingest->pace, &camera->pace);
    fv_camera_enter(camera, FV_PHASE_TURN, FV_TIME_NEVER, 0, reason);
    fv_ingest_arm_pace(camera->ingest);
}

void fv_camera_begin(struct fv_camera *camera)
{
    fv_pace_join(&camera->ingest->pace, &camera->pace, camera->pace_host);
    camera->pace_host = NULL;
    fv_camera_await_turn(camera);
}

static void fail_connection(struct fv_camera *camera, int code)
{
    char peer[FV_ADDR_TEXT];
    const char *trouble = fv_conn_trouble(&camera->conn);
    struct fv_trouble why = {.code = code, .advice = FV_RTSP_RETRY};
    if (code == -EACCES && trouble[0])
        why.advice = FV_RTSP_RETRY_LATE; /* a certificate does not change by itself */
    snprintf(why.reason, sizeof(why.reason), "%s %s: %s", trouble[0] ? "TLS with" : "connecting to",
             fv_conn_peer(&camera->conn, peer), trouble[0] ? trouble : fv_strerror(code));
    fv_camera_fail(camera, &why);
}

static void open_connection(struct fv_camera *camera, const struct fv_addrs *addrs,
                            const char *note)
{
    char reason[300], peer[FV_ADDR_TEXT];
    int64_t now = fv_camera_now(camera);
    snprintf(reason, sizeof(reason), "connects to %s%s%s%s",
             fv_addr_format(&addrs->list[0], peer), note, camera->detour[0] ? " " : "",
             camera->detour);
    camera->detour[0] = 0;
    fv_camera_enter(camera, FV_PHASE_CONNECTION, FV_TIME_NEVER, 0, reason);
    int ret = fv_camera_prepare_tls(camera);
    if (ret == 0)
        ret = fv_conn_open(&camera->conn, addrs, camera->params.connect_timeout, now);
    if (ret < 0)
        fail_connection(camera, ret);
    else
        fv_camera_arm(camera);
}

static void look_up(struct fv_camera *camera)
{
    const struct fv_url *target = &camera->target;
    struct fv_addrs addrs = {.count = 1};
    if (fv_addr_parse(target->host, target->port, &addrs.list[0]) == 0) {
        open_connection(camera, &addrs, "");
        return;
    }
    char reason[300];
    int64_t deadline = fv_later(fv_camera_now(camera), camera->params.resolve_timeout);
    snprintf(reason, sizeof(reason), "looks up %s", target->host);
    fv_camera_enter(camera, FV_PHASE_ADDRESS, deadline, 0, reason);
    int ret =
        fv_resolve_start(camera->ingest->resolver, &camera->resolve, target->host, target->port);
    if (ret < 0)
        fv_camera_failf(camera, ret, "looking up %s could not begin: %s", target->host,
                        fv_strerror(ret));
}

void fv_camera_go_on(struct fv_camera *camera)
{
    fv_camera_end_attempt(camera);
    look_up(camera);
}

void fv_camera_granted(struct fv_camera *camera)
{
    int64_t now = fv_camera_now(camera);
    camera->attempt_at = now;
    camera->sums.attempts++;
    camera->sums.first_au = FV_TIME_UNKNOWN;
    camera->first_packet = FV_TIME_UNKNOWN;
    fv_camera_first_route(camera);
    fv_backoff_attempt(&camera->backoff, now);
    look_up(camera);
}

/* A redirection's addresses are not kept: the next attempt begins at the url again. */
static bool goes_to_url(const struct fv_camera *camera)
{
    const struct fv_url *url = &camera->params.url, *target = &camera->target;
    return strcmp(target->host, url->host) == 0 && target->port == url->port;
}

void fv_camera_unresolved(struct fv_camera *camera, int code, const char *why)
{
    fv_resolve_cancel(camera->ingest->resolver, &camera->resolve);
    if (!camera->known.count || !goes_to_url(camera)) {
        fv_camera_failf(camera, code, "%s", why);
        return;
    }
    char note[200];
    snprintf(note, sizeof(note), ", its last known address (%s)", why);
    open_connection(camera, &camera->known, note);
}

static void on_resolved(struct fv_resolve *resolve, int code, const struct fv_addrs *addrs)
{
    struct fv_camera *camera = FV_CONTAINER(resolve, struct fv_camera, resolve);
    char why[300];
    if (code == 0) {
        if (goes_to_url(camera))
            camera->known = *addrs;
        open_connection(camera, addrs, "");
    } else if (code == -ENOENT) {
        fv_camera_failf(camera, code, "there is no host named %s", camera->target.host);
    } else if (code == -EAGAIN) {
        snprintf(why, sizeof(why), "the name service has no answer for %s", camera->target.host);
        fv_camera_unresolved(camera, code, why);
    } else {
        fv_camera_failf(camera, code, "looking up %s: %s", camera->target.host, fv_strerror(code));
    }
}

static void on_opened(struct fv_conn *conn, int code)
{
    struct fv_camera *camera = FV_CONTAINER(conn, struct fv_camera, conn);
    static const char *const ways[] = {
        [FV_TRANSPORT_TCP] = "", [FV_TRANSPORT_UDP] = ", for UDP", [FV_TRANSPORT_TLS] = " by TLS"};
    char reason[300], peer[FV_ADDR_TEXT];
    if (code < 0) {
        fail_connection(camera, code);
        return;
    }
    code = fv_camera_open_session(camera);
    if (code < 0) {
        fv_camera_failf(camera, code, "the session could not be opened: %s", fv_strerror(code));
        return;
    }
    snprintf(reason, sizeof(reason), "connected to %s%s", fv_conn_peer(conn, peer),
             ways[fv_camera_transport(camera)]);
    fv_camera_enter(camera, FV_PHASE_SESSION, FV_TIME_NEVER, 0, reason);
    fv_camera_flush(camera);
}

static void on_ready(struct fv_conn *conn, unsigned events)
{
    struct fv_camera *camera = FV_CONTAINER(conn, struct fv_camera, conn);
    if (events & FV_IO_WRITE && !fv_camera_flush(camera))
        return;
    if (events & FV_IO_READ)
        fv_camera_receive(camera);
}

/* --- Failure --- */

bool fv_camera_is_settled(const struct fv_camera *camera)
{
    return camera->phase == FV_PHASE_PLAYING &&
           fv_camera_now(camera) - camera->phase_since >= SETTLED;
}

/* How long at least to leave the camera alone. */
static int64_t least_delay(enum fv_rtsp_advice advice)
{
    switch (advice) {
    case FV_RTSP_RETRY_LATE:
        return 30 * FV_S;
    case FV_RTSP_BAD_CREDENTIALS:
        return 60 * FV_S;
    case FV_RTSP_NO_STREAM:
    case FV_RTSP_OTHER_TRANSPORT:
    case FV_RTSP_REDIRECTED: /* too many */
        return 10 * FV_S;
    case FV_RTSP_RETRY:
    case FV_RTSP_RETRY_NOW:
        break;
    }
    return 0;
}

void fv_camera_fail(struct fv_camera *camera, const struct fv_trouble *trouble)
{
    int64_t now = fv_camera_now(camera);
    int64_t delay = fv_backoff_failure(&camera->backoff, least_delay(trouble->advice), now);
    camera->hurried = camera->hurried && !fv_camera_is_settled(camera);
    if (trouble->advice == FV_RTSP_RETRY_NOW && !camera->hurried) {
        camera->hurried = true;
        delay = 0;
    }
    camera->sums.failures++;
    fv_camera_end_attempt(camera);
    end_turn(camera);
    fv_camera_enter(camera, FV_PHASE_RETRY, now + delay, trouble->code, trouble->reason);
}

void fv_camera_failf(struct fv_camera *camera, int code, const char *format, ...)
{
    struct fv_trouble trouble = {.code = code, .advice = FV_RTSP_RETRY};
    va_list args;
    va_start(args, format);
    vsnprintf(trouble.reason, sizeof(trouble.reason), format, args);
    va_end(args);
    fv_camera_fail(camera, &trouble);
}

void fv_camera_fail_session(struct fv_camera *camera, int code)
{
    const struct fv_rtsp_failure *failure = fv_rtsp_failure(camera->rtsp);
    if (fv_rtsp_state(camera->rtsp) != FV_RTSP_FAILED) {
        fv_camera_failf(camera, code, "%s: %s", fv_rtsp_state_name(fv_rtsp_state(camera->rtsp)),
                        fv_strerror(code));
        return;
    }
    struct fv_trouble trouble = {.code = failure->code, .advice = failure->advice};
    memcpy(trouble.reason, failure->reason, sizeof(trouble.reason));
    if (failure->advice == FV_RTSP_REDIRECTED &&
        fv_camera_follow(camera, &failure->redirect, &trouble))
        return;
    if (failure->advice == FV_RTSP_OTHER_TRANSPORT && fv_camera_reroute(camera, trouble.reason))
        return;
    fv_camera_fail(camera, &trouble);
}

/* --- Life --- */

int fv_camera_create(struct fv_ingest *ingest, const struct fv_camera_params *params,
                     struct fv_camera **ret_camera)
{
    struct fv_trust *trust = NULL;
    int ret = fv_camera_wants_tls(params)
                  ? fv_trust_get(&ingest->trusts, params->tls_verify, params->tls_ca_file, &trust)
                  : 0;
    struct fv_camera *camera = ret == 0 ? FV_PAGES_NEW(struct fv_camera) : NULL;
    struct fv_pace_host *host = camera ? fv_pace_host_create(params->url.host) : NULL;
    if (!host) {
        fv_trust_put(&ingest->trusts, trust);
        fv_pages_free(camera, sizeof(*camera));
        return ret < 0 ? ret : -ENOMEM;
    }
    uint64_t seed = fv_rand_system();
    *camera = (struct fv_camera){
        .ingest = ingest,
        .params = *params,
        .stall_timeout = params->stall_timeout,
        .first_key_timeout = params->first_key_timeout,
        .target = params->url,
        .over_udp = params->transport == FV_TRANSPORT_UDP,
        .trust = trust,
        .phase = FV_PHASE_OFF,
        .phase_deadline = FV_TIME_NEVER,
        .pace_host = host,
        .resolve = {.done = on_resolved},
        .conn = {.opened = on_opened, .ready = on_ready},
        .report_at = FV_TIME_NEVER,
        .sums = {.state = FV_CAMERA_DISABLED,
                 .since = fv_now(),
                 .retry_at = FV_TIME_UNKNOWN,
                 .first_au = FV_TIME_UNKNOWN},
    };
    camera->shown = camera->sums;
    camera->shown.drift_ppm = __builtin_nan("");
    camera->description = (struct fv_camera_description){
        .transport = params->transport, .login = "none", .first_packet = FV_TIME_UNKNOWN};
    fv_list_init(&camera->link);
    fv_timer_init(&camera->timer, fv_camera_on_timer);
    fv_conn_init(&camera->conn, ingest->loop);
    camera->conn.near = camera;
    fv_camera_init_udp(camera);
    fv_rand_seed(&camera->rand, seed);
    fv_backoff_init(&camera->backoff, &params->backoff, seed + 1, fv_now());
    pthread_mutex_init(&camera->lock, NULL);
    *ret_camera = camera;
    return 0;
}

void fv_camera_end(struct fv_camera *camera, const char *reason)
{
    fv_camera_end_attempt(camera);
    fv_pace_leave(&camera->ingest->pace, &camera->pace);
    fv_ingest_arm_pace(camera->ingest);
    fv_camera_enter(camera, FV_PHASE_OFF, FV_TIME_NEVER, -ECANCELED, reason);
}

void fv_camera_destroy(struct fv_camera *camera)
{
    if (!camera)
        return;
    fv_pace_host_destroy(camera->pace_host);
    fv_trust_put(&camera->ingest->trusts, camera->trust);
    fv_tail_finish(&camera->tail);
    pthread_mutex_destroy(&camera->lock);
    explicit_bzero(&camera->params.url, sizeof(camera->params.url));
    explicit_bzero(&camera->target, sizeof(camera->target));
    fv_pages_free(camera, sizeof(*camera));
}
