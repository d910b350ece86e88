// SPDX-License-Identifier: Apache-2.0
/*
 * One camera's bytes: socket -> rtsp -> rtp -> consumer, and requests the other way.
 *
 * Inside fv_rtsp_feed() nothing is destroyed: what goes wrong in a callback is noted in `fault` and dealt with afterwards.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ingest/impl.h"

#define REFUSED_PATIENCE (2 * FV_S)

/* --- From the receiver --- */

static void start_playing(struct fv_camera *camera)
{
    int64_t now = fv_camera_now(camera);
    camera->sums.first_au = now - camera->attempt_at;
    camera->sums.reconnects += camera->sums.connects > 0;
    camera->sums.connects++;
    fv_backoff_success(&camera->backoff, now);
    fv_camera_enter(camera, FV_PHASE_PLAYING, FV_TIME_NEVER, 0, "plays");
}

static void on_au(void *data, const struct fv_au *au)
{
    struct fv_camera *camera = data;
    const struct fv_ingest_handler *handler = &camera->ingest->params.handler;
    if (camera->phase != FV_PHASE_PLAYING)
        start_playing(camera);
    if (au->flags & FV_FRAME_KEY)
        camera->refusing = false;
    if (!camera->refusing && handler->au(handler->data, au))
        return;
    camera->refusing = true;
    camera->sums.refused++;
}

static bool over_udp(const struct fv_camera *camera)
{
    return camera->udp.rtp.fd >= 0;
}

static int open_receiver(struct fv_camera *camera)
{
    const struct fv_rtsp_stream *stream = fv_rtsp_stream(camera->rtsp);
    struct fv_rtp_params params = {
        .codec = stream ? stream->codec : FV_CODEC_NONE,
        .camera = camera->number,
        .on_loss = camera->params.flag_loss ? FV_ON_LOSS_FLAG : FV_ON_LOSS_SKIP,
        .pool = camera->ingest->pool,
        .epoch = camera->epoch,
        .format = camera->format,
        .reorder = over_udp(camera) ? camera->params.reorder : 0,
        .seed = fv_rand_u64(&camera->rand),
        .handler = {.au = on_au, .data = camera},
    };
    if (!stream)
        return -ENOTSUP;
    params.payload_type = stream->payload_type;
    params.clock_rate = stream->clock_rate;
    params.sets = (const uint8_t *)stream->sets.data;
    params.sets_size = stream->sets.size;
    params.width = stream->width;
    params.height = stream->height;
    return fv_rtp_create(&params, &camera->rtp);
}

/* --- From the session --- */

/* Payloads of a kind that is not supported: others may still come, but not for long. */
static void expect_little(struct fv_camera *camera)
{
    const int64_t deadline = camera->phase_since + REFUSED_PATIENCE;
    if (deadline >= camera->phase_deadline)
        return;
    camera->phase_deadline = deadline;
    fv_camera_arm(camera);
}

void fv_camera_take_packet(struct fv_camera *camera, bool rtcp, const uint8_t *packet, size_t size)
{
    int64_t now = fv_camera_now(camera);
    if (!camera->rtp)
        return;
    if (rtcp) {
        fv_rtp_input_rtcp(camera->rtp, packet, size, now, fv_wall());
        return;
    }
    fv_rtp_input(camera->rtp, packet, size, now);
    if (camera->phase == FV_PHASE_PACKET &&
        fv_rtp_stats(camera->rtp)->last_packet != FV_TIME_UNKNOWN) {
        camera->first_packet = now - camera->attempt_at;
        fv_camera_enter(camera, FV_PHASE_KEY, fv_later(now, camera->params.first_key_timeout), 0,
                        "packets come; waits for a key picture");
    }
    if (camera->phase == FV_PHASE_KEY && fv_rtp_stats(camera->rtp)->refusal)
        expect_little(camera);
}

static void on_packet(void *data, bool rtcp, const uint8_t *packet, size_t size)
{
    fv_camera_take_packet(data, rtcp, packet, size);
}

/* The host is not busy with us any longer: the next camera may have its place. */
static void start_buffering(struct fv_camera *camera)
{
    fv_pace_done(&camera->ingest->pace, &camera->pace);
    fv_ingest_arm_pace(camera->ingest);
    fv_camera_plan_report(camera);
    if (camera->phase != FV_PHASE_SESSION)
        return; /* pictures came before the answer to PLAY */
    char reason[300], note[120];
    snprintf(reason, sizeof(reason), "PLAY was accepted; waits for packets and a key picture%s",
             fv_camera_buffer_note(camera, note, sizeof(note)));
    int64_t deadline = fv_later(fv_camera_now(camera), fv_camera_packet_patience(camera));
    fv_camera_enter(camera, FV_PHASE_PACKET, deadline, 0, reason);
}

static void on_session_state(void *data, enum fv_rtsp_state from, enum fv_rtsp_state to)
{
    struct fv_camera *camera = data;
    fv_debug("ingest", "%s: session %s -> %s", camera->params.name, fv_rtsp_state_name(from),
             fv_rtsp_state_name(to));
    if (to == FV_RTSP_AWAIT_PLAY && !camera->rtp) {
        int ret = open_receiver(camera);
        if (ret < 0)
            camera->fault = ret;
    }
    if (over_udp(camera) && (to == FV_RTSP_AWAIT_PLAY || to == FV_RTSP_PLAYING))
        fv_camera_punch_holes(camera); /* twice: the first ones may get lost */
    if (to == FV_RTSP_PLAYING && camera->fault == 0)
        start_buffering(camera);
}

int fv_camera_open_session(struct fv_camera *camera)
{
    camera->fault = 0;
    camera->refusing = false;
    bool udp = fv_camera_transport(camera) == FV_TRANSPORT_UDP;
    int ret = udp ? fv_camera_open_udp(camera) : 0;
    if (ret < 0)
        return ret;
    struct fv_rtsp_params params = {
        .url = camera->target,
        .lower = udp ? FV_RTSP_UDP : FV_RTSP_TCP,
        .client_rtp_port = camera->udp.port,
        .request_timeout = camera->params.request_timeout,
        .handler = {.packet = on_packet, .state = on_session_state, .data = camera},
    };
    ret = fv_rtsp_create(&params, &camera->rtsp);
    explicit_bzero(&params.url, sizeof(params.url));
    return ret < 0 ? ret : fv_rtsp_start(camera->rtsp, fv_camera_now(camera));
}

void fv_camera_close_session(struct fv_camera *camera)
{
    if (camera->rtsp && camera->conn.open) {
        const uint8_t *data;
        fv_rtsp_close(camera->rtsp, fv_camera_now(camera));
        size_t size = fv_rtsp_output(camera->rtsp, &data);
        if (size)
            fv_conn_write(&camera->conn, data, size); /* once, whatever comes of it */
    }
    if (camera->rtp)
        fv_camera_harvest(camera);
    fv_udp_close(&camera->udp, camera->ingest->loop);
    fv_rtp_destroy(camera->rtp);
    fv_rtsp_destroy(camera->rtsp);
    camera->rtp = NULL;
    camera->rtsp = NULL;
    camera->report_at = FV_TIME_NEVER;
    camera->unfinished = false;
    fv_tail_finish(&camera->tail);
}

/* --- Writing --- */

static void fail_closed(struct fv_camera *camera, int code)
{
    const char *what = code == -ECONNRESET || code == -EPIPE ? "the camera closed the connection"
                                                             : fv_strerror(code);
    bool playing = camera->phase == FV_PHASE_PLAYING;
    fv_camera_failf(
        camera, code == -EPIPE ? -ECONNRESET : code, "%s while %s%s%s", what,
        playing ? "playing" : fv_phase_name(camera->phase),
        camera->phase == FV_PHASE_SESSION ? ", " : "",
        camera->phase == FV_PHASE_SESSION ? fv_rtsp_state_name(fv_rtsp_state(camera->rtsp)) : "");
}

bool fv_camera_flush(struct fv_camera *camera)
{
    const uint8_t *data;
    size_t size;
    int64_t n = 0;
    while (n >= 0 && (size = fv_rtsp_output(camera->rtsp, &data)) > 0) {
        n = fv_conn_write(&camera->conn, data, size);
        if (n > 0)
            fv_rtsp_sent(camera->rtsp, (size_t)n);
    }
    if (n >= 0 || n == -EAGAIN)
        n = fv_conn_want_write(&camera->conn, n < 0);
    if (n < 0)
        fail_closed(camera, (int)n);
    return n >= 0;
}

/* --- Reading --- */

/* What callbacks of this feed left behind. False: the camera failed. */
static bool settle(struct fv_camera *camera)
{
    if (camera->fault < 0) {
        fv_camera_failf(camera, camera->fault, "the stream could not be received: %s",
                        fv_strerror(camera->fault));
        return false;
    }
    if (camera->refusing && !fv_rtp_stats(camera->rtp)->waiting_key)
        fv_rtp_await_key(camera->rtp);
    return true;
}

/* `data` holds `size` bytes; returns how many are left at its start, or a negative errno: the camera failed. */
static int64_t feed(struct fv_camera *camera, uint8_t *data, size_t size)
{
    int64_t used = fv_rtsp_feed(camera->rtsp, data, size, fv_camera_now(camera));
    if (used < 0) {
        fv_camera_fail_session(camera, (int)used);
        return used;
    }
    if (!settle(camera))
        return -ECANCELED;
    size_t left = size - (size_t)used;
    if (left > FV_INGEST_TAIL_MAX) {
        fv_camera_failf(camera, -EBADMSG, "a message came that is too long");
        return -EBADMSG;
    }
    if (left && used > 0)
        memmove(data, data + used, left);
    return (int64_t)left;
}

/* Reads until the socket is empty, which a short read shows, or until it is the next camera's turn. Returns as feed(). */
static int64_t read_all(struct fv_camera *camera, size_t left)
{
    uint8_t *buffer = camera->ingest->buffer;
    size_t total = 0;
    int64_t n;
    do {
        n = fv_conn_read(&camera->conn, buffer + left, FV_INGEST_READ);
        if (n == -EAGAIN)
            break;
        if (n < 0) {
            fail_closed(camera, (int)n);
            return n;
        }
        int64_t rest = feed(camera, buffer, left + (size_t)n);
        if (rest < 0)
            return rest;
        left = (size_t)rest;
        total += (size_t)n;
    } while ((size_t)n == FV_INGEST_READ && total < FV_INGEST_PASS_MAX);
    camera->unfinished = total >= FV_INGEST_PASS_MAX && fv_conn_pending(&camera->conn);
    return (int64_t)left;
}

/* Asks the memory for what the packets will touch, while the kernel copies them. */
void fv_camera_look_ahead(struct fv_camera *camera)
{
    if (!camera->rtp)
        return;
    fv_rtp_prefetch(camera->rtp);
    if (atomic_load_explicit(&camera->key_wanted, memory_order_relaxed) &&
        atomic_exchange_explicit(&camera->key_wanted, false, memory_order_relaxed))
        fv_rtp_await_key(camera->rtp);
}

void fv_camera_received(struct fv_camera *camera, bool packets)
{
    if (!settle(camera))
        return;
    fv_camera_show_sometimes(camera);
    fv_camera_arm_sooner(camera, packets);
}

void fv_camera_receive(struct fv_camera *camera)
{
    camera->unfinished = false;
    fv_rtsp_prefetch(camera->rtsp);
    fv_camera_look_ahead(camera);
    int64_t left = read_all(camera, fv_tail_take(&camera->tail, camera->ingest->buffer));
    if (left < 0)
        return;
    int ret = fv_tail_keep(&camera->tail, camera->ingest->buffer, (size_t)left);
    if (ret < 0) {
        fv_camera_failf(camera, ret, "%s while %s", fv_strerror(ret), fv_phase_name(camera->phase));
        return;
    }
    const uint8_t *data;
    if (fv_rtsp_output(camera->rtsp, &data) > 0 && !fv_camera_flush(camera))
        return;
    fv_camera_received(camera, false);
    if (camera->unfinished)
        fv_timer_set(camera->ingest->loop, &camera->timer, fv_camera_now(camera));
}
