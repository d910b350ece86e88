// SPDX-License-Identifier: Apache-2.0
/*
 * A camera's deadlines. One timer stands for the earliest; deadlines that move with each packet are looked at only when it fires,
 * so that packets cost no work here.
 */
#include <errno.h>
#include <stdio.h>

#include "ingest/impl.h"

/* Receiver reports at least every 5 s (some cameras end the stream without them); at random, so that cameras do not align. */
#define REPORT_MIN (3500 * FV_MS)
#define REPORT_SPREAD (1300 * FV_MS)
#define BYE_GRACE FV_S /* after a BYE another source may go on; silence means what it says */

static double seconds(int64_t ns)
{
    return (double)ns / (double)FV_S;
}

/* --- Media that stays away --- */

static bool media_flows(const struct fv_camera *camera)
{
    return camera->phase == FV_PHASE_KEY || camera->phase == FV_PHASE_PLAYING;
}

static int64_t packet_limit(const struct fv_camera *camera)
{
    int64_t limit = camera->stall_timeout;
    return fv_rtp_stats(camera->rtp)->ended ? fv_min64(limit, BYE_GRACE) : limit;
}

static int64_t packet_deadline(const struct fv_camera *camera)
{
    if (!media_flows(camera))
        return FV_TIME_NEVER;
    return fv_later(fv_rtp_stats(camera->rtp)->last_packet, packet_limit(camera));
}

/* Waiting for a key picture may take as long as at the start: up to 30 s between two are common. */
static int64_t picture_limit(const struct fv_camera *camera)
{
    int64_t limit = camera->stall_timeout;
    bool waits = camera->refusing || fv_rtp_stats(camera->rtp)->waiting_key;
    return waits ? fv_max64(limit, camera->first_key_timeout) : limit;
}

static int64_t picture_deadline(const struct fv_camera *camera)
{
    if (camera->phase != FV_PHASE_PLAYING)
        return FV_TIME_NEVER;
    return fv_later(fv_rtp_stats(camera->rtp)->last_au, picture_limit(camera));
}

/* --- The timer --- */

static int64_t earliest(const struct fv_camera *camera)
{
    int64_t due = fv_min64(camera->phase_deadline, fv_conn_deadline(&camera->conn));
    due = fv_min64(due, camera->report_at);
    if (camera->rtsp)
        due = fv_min64(due, fv_rtsp_deadline(camera->rtsp));
    if (camera->rtp)
        due = fv_min64(due, fv_rtp_deadline(camera->rtp));
    due = fv_min64(due, packet_deadline(camera));
    return fv_min64(due, picture_deadline(camera));
}

void fv_camera_arm(struct fv_camera *camera)
{
    fv_timer_set(camera->ingest->loop, &camera->timer, earliest(camera));
}

void fv_camera_arm_sooner(struct fv_camera *camera, bool packets)
{
    /* Packets alone bring nothing nearer but the end of the reorder window. */
    int64_t due = packets && camera->rtp ? fv_rtp_deadline(camera->rtp) : earliest(camera);
    if (due < camera->timer.due)
        fv_timer_set(camera->ingest->loop, &camera->timer, due);
}

/* --- What is due; each true when the camera is in another phase now --- */

static void no_first_packet(struct fv_camera *camera, double waited)
{
    bool udp = fv_camera_transport(camera) == FV_TRANSPORT_UDP;
    char reason[100];
    snprintf(reason, sizeof(reason), "no first packet for %.1f s%s", waited,
             udp ? " over UDP" : "");
    if (!fv_camera_reroute(camera, reason))
        fv_camera_failf(camera, -ETIMEDOUT, "%s", reason);
}

static void no_first_key(struct fv_camera *camera, double waited)
{
    const char *refusal = fv_rtp_stats(camera->rtp)->refusal;
    fv_camera_failf(camera, refusal ? -ENOTSUP : -ETIMEDOUT,
                    "packets, but no first key picture or recovery point for %.1f s%s%s", waited,
                    refusal ? ": " : "", refusal ? refusal : "");
}

static void no_address(struct fv_camera *camera, double waited)
{
    char why[350];
    snprintf(why, sizeof(why), "the name %s was not looked up within %.1f s", camera->target.host,
             waited);
    fv_camera_unresolved(camera, -ETIMEDOUT, why);
}

static bool check_phase(struct fv_camera *camera, int64_t now)
{
    if (now < camera->phase_deadline)
        return false;
    double waited = seconds(camera->phase_deadline - camera->phase_since);
    switch (camera->phase) {
    case FV_PHASE_RETRY:
        fv_camera_await_turn(camera);
        return true;
    case FV_PHASE_ADDRESS:
        no_address(camera, waited);
        return true;
    case FV_PHASE_PACKET:
        no_first_packet(camera, waited);
        return true;
    case FV_PHASE_KEY:
        no_first_key(camera, waited);
        return true;
    case FV_PHASE_OFF:
    case FV_PHASE_TURN:
    case FV_PHASE_CONNECTION:
    case FV_PHASE_SESSION:
    case FV_PHASE_PLAYING:
        break;
    }
    return false;
}

static bool check_connection(struct fv_camera *camera, int64_t now)
{
    if (now < fv_conn_deadline(&camera->conn))
        return false;
    bool securing = fv_conn_securing(&camera->conn);
    int ret = fv_conn_tick(&camera->conn, now);
    if (ret == 0)
        return false;
    char peer[FV_ADDR_TEXT];
    fv_conn_peer(&camera->conn, peer);
    if (ret == -ETIMEDOUT)
        fv_camera_failf(camera, ret, "no %s %s for %.1f s",
                        securing ? "answer to the TLS handshake from" : "connection to", peer,
                        seconds(camera->params.connect_timeout));
    else
        fv_camera_failf(camera, ret, "connecting to %s: %s", peer, fv_strerror(ret));
    return true;
}

static bool check_session(struct fv_camera *camera, int64_t now)
{
    if (!camera->rtsp || now < fv_rtsp_deadline(camera->rtsp))
        return false;
    if (camera->udp.rtp.fd >= 0 && camera->rtp &&
        fv_rtp_stats(camera->rtp)->packets != camera->packets_told) {
        camera->packets_told = fv_rtp_stats(camera->rtp)->packets;
        fv_rtsp_media_came(camera->rtsp);
    }
    int ret = fv_rtsp_tick(camera->rtsp, now);
    if (ret < 0)
        fv_camera_fail_session(camera, ret);
    return ret < 0 || !fv_camera_flush(camera);
}

static bool check_media(struct fv_camera *camera, int64_t now)
{
    if (now >= packet_deadline(camera)) {
        fv_camera_failf(camera, -ETIMEDOUT, "no packet for %.1f s%s", seconds(packet_limit(camera)),
                        fv_rtp_stats(camera->rtp)->ended
                            ? " after the camera said that it ends (RTCP BYE)"
                            : "");
        return true;
    }
    if (now >= picture_deadline(camera)) {
        fv_camera_failf(camera, -ETIMEDOUT, "packets, but no picture for %.1f s",
                        seconds(picture_limit(camera)));
        return true;
    }
    if (camera->rtp && now >= fv_rtp_deadline(camera->rtp))
        fv_rtp_tick(camera->rtp, now);
    return false;
}

void fv_camera_plan_report(struct fv_camera *camera)
{
    camera->report_at =
        fv_camera_now(camera) + REPORT_MIN + (int64_t)fv_rand_below(&camera->rand, REPORT_SPREAD);
}

static bool check_report(struct fv_camera *camera, int64_t now)
{
    uint8_t report[256];
    if (now < camera->report_at)
        return false;
    fv_camera_plan_report(camera);
    size_t size = fv_rtp_report(camera->rtp, now, report);
    if (size > 0 && camera->udp.rtp.fd >= 0) {
        fv_udp_send(&camera->udp, true, report,
                    size); /* one that gets lost is followed by others */
        return false;
    }
    /* A peer that does not read gets no report; its keepalive will tell. */
    if (size == 0 || fv_rtsp_send_rtcp(camera->rtsp, report, size) < 0)
        return false;
    return !fv_camera_flush(camera);
}

void fv_camera_on_timer(struct fv_timer *timer, int64_t now)
{
    struct fv_camera *camera = FV_CONTAINER(timer, struct fv_camera, timer);
    bool moved = check_phase(camera, now) || check_connection(camera, now) ||
                 check_session(camera, now) || check_media(camera, now) ||
                 check_report(camera, now);
    if (moved)
        return; /* the new phase armed the timer */
    if (camera->unfinished) {
        fv_camera_receive(camera);
        return;
    }
    fv_camera_show_sometimes(camera);
    fv_camera_arm(camera);
}
