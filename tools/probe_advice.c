// SPDX-License-Identifier: Apache-2.0
/* What the findings mean: a table of failures with causes and cures, and one function for each thing that could be better. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

#define GOP_LONG_S 4.0
#define JITTER_HIGH_MS 50.0
#define OFFSET_HIGH_S 2.0
#define DRIFT_HIGH_PPM 200.0
#define REPORTS_EXPECTED_S 8.0 /* sender reports come about every 5 s (RFC 3550 6.2) */

static void say(struct fv_probe_advice *advice, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct fv_probe_advice *advice, const char *format, ...)
{
    if (advice->count == FV_PROBE_ADVICE_MAX)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(advice->texts[advice->count++], sizeof(advice->texts[0]), format, args);
    va_end(args);
}

/* --- A camera that does not play --- */

#define ANY 0
#define ELSEWHERE                                                                                  \
    "The camera sends its clients elsewhere, and that leads nowhere: write the address that "      \
    "serves "                                                                                      \
    "the stream itself, or mend the redirection in the camera's settings."
/* Rows that fit are all said, from the top: what is more specific stands higher. */
static const struct {
    enum fv_camera_state state;
    int code;        /* ANY: all */
    unsigned status; /* RTSP; ANY: all, also none */
    const char *text;
} failures[] = {
    {FV_CAMERA_RESOLVING, -ENOENT, ANY,
     "The host name does not exist: check its spelling, or write the camera's IP address instead."},
    {FV_CAMERA_RESOLVING, -EAGAIN, ANY,
     "The name server does not answer: check this machine's network and DNS settings."},
    {FV_CAMERA_RESOLVING, -ETIMEDOUT, ANY,
     "The name server is slow or silent: check DNS, or write the camera's IP address instead."},
    {FV_CAMERA_CONNECTING, -ECONNREFUSED, ANY,
     "The machine is there, but nothing listens on this port: RTSP may be switched off in the "
     "camera's settings, "
     "or it uses another port than the address says (554 is usual; 8554 and 10554 occur)."},
    {FV_CAMERA_CONNECTING, -ECONNREFUSED, ANY,
     "A camera that restarts refuses connections for up to a minute: try again."},
    {FV_CAMERA_CONNECTING, -ETIMEDOUT, ANY,
     "Nothing answers at this address: the camera is off, has another address, or a firewall drops "
     "the packets. Does 'ping' reach it from this machine?"},
    {FV_CAMERA_CONNECTING, -EHOSTUNREACH, ANY,
     "No machine in the network answers to this address: the camera is off, unplugged or has "
     "another address."},
    {FV_CAMERA_CONNECTING, -ENETUNREACH, ANY,
     "This machine has no route to the camera's network: check its address, gateway and VLAN."},
    {FV_CAMERA_NEGOTIATING, ANY, 301, ELSEWHERE},
    {FV_CAMERA_NEGOTIATING, ANY, 302, ELSEWHERE},
    {FV_CAMERA_NEGOTIATING, ANY, 403,
     "The login is known but may not watch: give the user the right to view live video."},
    {FV_CAMERA_NEGOTIATING, ANY, 404,
     "The camera has no stream at this path: look up the path in its manual or its ONVIF settings; "
     "vendors differ, also between main and sub stream."},
    {FV_CAMERA_NEGOTIATING, ANY, 453,
     "The camera has no bandwidth left: it serves too many clients. Close others, or take a sub "
     "stream."},
    {FV_CAMERA_NEGOTIATING, ANY, 503,
     "The camera is overloaded or restarts: try again in a minute, with fewer clients."},
    {FV_CAMERA_NEGOTIATING, ANY, 461,
     "The camera does not offer this transport: try --transport tcp, or --transport udp."},
    {FV_CAMERA_NEGOTIATING, ANY, 500,
     "The camera failed inside: the path may be wrong, or it needs a restart or newer firmware."},
    {FV_CAMERA_NEGOTIATING, -ETIMEDOUT, ANY,
     "The connection stands, but requests are not answered: another service may own this port, or "
     "the camera's RTSP server hangs (restart the camera)."},
    {FV_CAMERA_NEGOTIATING, -EBADMSG, ANY,
     "What answers does not speak RTSP as it should: is this the camera's RTSP port (not the port "
     "of its web page)?"},
    {FV_CAMERA_NEGOTIATING, -ECONNRESET, ANY,
     "The camera ended the connection: it may have no free session, lock out this address after "
     "wrong logins, or "
     "expect rtsps:// on this port."},
    {FV_CAMERA_BUFFERING, -ETIMEDOUT, ANY,
     "The camera said that it plays: if nothing arrives, its encoder stands still or a firewall "
     "stops UDP "
     "(--transport tcp avoids that)."},
    {FV_CAMERA_BUFFERING, -ETIMEDOUT, ANY,
     "If packets arrive but no key picture, the camera's I-frame interval is too long: set it to "
     "1-2 s."},
    {FV_CAMERA_BUFFERING, -ENOTSUP, ANY,
     "The camera sends what cannot be received here: change its settings as the reason says."},
    {FV_CAMERA_BUFFERING, -ECONNRESET, ANY,
     "The camera ended the connection before the first picture: it may serve too many clients."},
};

static void advise_login(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    if (f->details.status != 401)
        return;
    if (strcmp(f->details.login, "none") == 0 && f->url.has_login) {
        say(advice, "The login is of a kind that Fovea does not know: set the camera to Digest "
                    "(MD5, SHA-256 or SHA-512-256) or Basic.");
        return;
    }
    if (f->details.login_withheld) {
        say(advice,
            "The camera redirects to another host (%s), which wants a login. Credentials go only "
            "to the host in the address: write that host's address, with its login.",
            f->details.peer);
        return;
    }
    if (!f->url.has_login) {
        say(advice,
            "The camera wants a login and the address has none: write rtsp://USER:PASSWORD@%s/...",
            f->url.host);
        return;
    }
    say(advice,
        "User name or password are wrong; capitals count. Write @ : / ? # %% and spaces in them as "
        "%%40 %%3A %%2F %%3F %%23 %%25 %%20.");
    say(advice,
        "Many cameras lock an account for some minutes after wrong logins, and many have users for "
        "ONVIF or RTSP apart from those of their web page.");
}

/* No status, but the description does not fit: no video, or in another codec. */
static void advise_offer(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    if (f->details.status || f->failed_in != FV_CAMERA_NEGOTIATING || !f->details.offer_count)
        return;
    for (unsigned i = 0; i < f->details.offer_count; i++)
        if (f->details.offers[i].chosen)
            return; /* it was something else */
    if (f->code == -ENOTSUP || f->code == -ENOENT)
        say(advice,
            "The stream holds no video that can be read: set the camera's codec to H.264 or H.265 "
            "(VP9, AV1 and JPEG are taken, too), or take the address of another stream.");
}

/* Every key picture may have been hit. */
static void advise_loss(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    const struct fv_receiver_stats *s = &f->stats;
    if (f->failed_in == FV_CAMERA_BUFFERING && s->lost)
        say(advice,
            "%.0f %% of the packets were lost, so that perhaps no key picture came whole: take "
            "--transport tcp, mend the network, or lower the camera's bit rate.",
            100 * (double)s->lost / (double)(s->lost + s->packets));
}

/* TCP stands, TLS does not. */
static void advise_tls(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    if (f->code == -EACCES)
        say(advice, "The camera's certificate was refused: name its CA with --tls-ca-file, or "
                    "accept any with --tls-no-verify.");
    else
        say(advice, "The TLS handshake failed: is this the camera's RTSPS port (322 is usual)?");
}

static void advise_failure(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    if (f->failed_in == FV_CAMERA_CONNECTING && f->details.reached) {
        advise_tls(f, advice);
        return;
    }
    advise_login(f, advice);
    advise_offer(f, advice);
    advise_loss(f, advice);
    bool status_said = false;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        if (failures[i].state != f->failed_in ||
            (failures[i].code != ANY && failures[i].code != f->code) ||
            (failures[i].status != ANY && failures[i].status != f->details.status))
            continue;
        if (failures[i].status == ANY && status_said)
            continue;
        status_said |= failures[i].status != ANY;
        say(advice, "%s", failures[i].text);
    }
    if (!advice->count && f->code < 0)
        say(advice, "The reason above is all that is known; 'fovea ingest' goes on trying, with "
                    "growing pauses.");
}

/* --- A camera that plays --- */

static void advise_refresh(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    if (!f->figures.refreshed || !isfinite(f->figures.fps) || f->figures.fps <= 0)
        return;
    say(advice,
        "There are no key pictures, the picture is refreshed bit by bit: after a connection or a "
        "loss "
        "it took %.1f s to be whole, and results until then are marked damaged. Switch intra "
        "refresh "
        "off and set an I-frame interval (GOP) of 1-2 s.",
        (double)f->figures.partial / f->figures.fps);
}

static void advise_keys(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    double longest = fmax(f->figures.gop_longest_s, f->figures.gop_open_s);
    if (f->figures.refreshed || !(longest > GOP_LONG_S))
        return;
    bool open = !(f->figures.gop_longest_s >= longest);
    say(advice,
        "Key pictures come only every %.1f s%s: after a loss or a reconnect, detection pauses for "
        "up to "
        "that long. Set the camera's I-frame interval (GOP) to 1-2 s.",
        longest, open ? " or more" : "");
}

static void advise_security(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    bool clear = strcmp(f->url.scheme, "rtsp") == 0;
    if (clear && strcmp(f->details.login, "Basic") == 0)
        say(advice, "The password goes over the network in the clear (Basic): set the camera to "
                    "Digest, or use rtsps://.");
    if (strcmp(f->details.login, "none") == 0)
        say(advice, "The camera asks for no login: anyone in its network can watch%s.",
            f->url.has_login ? "; the one in the address was not needed" : "");
}

static void advise_clock(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    double offset = f->figures.clock_offset_s;
    if (!f->details.sender_reports && f->seconds >= REPORTS_EXPECTED_S)
        say(advice, "The camera sends no sender reports: capture times are unknown; events carry "
                    "the time of arrival only.");
    else if (f->details.sender_reports > 1 && !isfinite(offset) && f->seconds >= REPORTS_EXPECTED_S)
        say(advice, "The camera's sender reports make no sense, so capture times are unknown: set "
                    "its clock (NTP).");
    if (isfinite(offset) && fabs(offset) > OFFSET_HIGH_S)
        say(advice, "The camera's clock is %.1f s %s this machine's: set both by NTP.",
            fabs(offset), offset < 0 ? "behind" : "ahead of");
    if (fabs(f->stats.drift_ppm) > DRIFT_HIGH_PPM) /* false when unknown */
        say(advice, "The camera's clock runs %.0f ppm too %s.", fabs(f->stats.drift_ppm),
            f->stats.drift_ppm > 0 ? "fast" : "slow");
}

static void advise_delay(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    bool declared = f->details.reorder_known && f->details.reorder_frames > 0;
    if (f->figures.b_pictures)
        say(advice, "The stream has B-pictures: each in a row delays detection by one picture. "
                    "Switch them off (or "
                    "take the Baseline profile).");
    else if (declared)
        say(advice,
            "The stream reserves %u picture%s of delay for B-pictures but none were seen: a "
            "decoder may wait "
            "for nothing. Switch B-pictures off.",
            f->details.reorder_frames, f->details.reorder_frames == 1 ? "" : "s");
}

static void advise_network(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    const struct fv_receiver_stats *s = &f->stats;
    double jitter = s->jitter_us / 1000.0;
    if (s->lost && strcmp(f->details.transport, "udp") == 0)
        say(advice,
            "%.2f %% of the packets were lost on the way: take --transport tcp, or mend the "
            "network.",
            100 * (double)s->lost / (double)(s->lost + s->packets));
    else if (s->lost)
        say(advice, "Packets are missing although TCP loses none: the camera (or a relay) drops "
                    "them. Lower its bit rate, "
                    "or the number of its clients.");
    if (f->spoilt)
        say(advice,
            "%s cost %llu of %llu pictures: behind each, all up to the next key picture are left "
            "out. A shorter I-frame interval (1-2 s) keeps that short.",
            s->lost ? "Lost packets" : "Damaged pictures", (unsigned long long)f->spoilt,
            (unsigned long long)(s->access_units + f->spoilt));
    if (jitter > JITTER_HIGH_MS)
        say(advice,
            "Packets arrive unevenly (jitter %.0f ms): a busy network or camera; WLAN does that.",
            jitter);
    if (s->failures)
        say(advice, "The connection ended or failed %llu time%s meanwhile: %s.",
            (unsigned long long)s->failures, s->failures == 1 ? "" : "s", f->reason);
    if (f->details.keepalives_unanswered)
        say(advice,
            "The camera does not answer keepalives; as long as packets come that does no harm.");
}

static void advise_picture(const struct fv_probe_findings *f, struct fv_probe_advice *advice)
{
    const struct fv_receiver_details *d = &f->details;
    double fps = f->figures.fps;
    bool whole = !f->stats.lost; /* what is missing was perhaps sent */
    if (whole && d->declared_fps > 0 && isfinite(fps) && fabs(fps / d->declared_fps - 1) > 0.1)
        say(advice,
            "The camera declares %.1f pictures a second and sends %.1f: long exposure at night, a "
            "full "
            "encoder or a wrong setting.",
            d->declared_fps, fps);
    if (d->width >= 2560)
        say(advice,
            "%ux%u is more than most detectors use: a sub stream of 1280 to 1920 pixels costs less "
            "to decode.",
            d->width, d->height);
    if (d->interlaced)
        say(advice, "The stream may be interlaced: switch the camera to progressive.");
    if (d->bit_depth > 8 || d->chroma > 1)
        say(advice,
            "%u bit and chroma 4:%s is more than many hardware decoders take: 8 bit 4:2:0 is safe.",
            d->bit_depth,
            d->chroma == 3   ? "4:4"
            : d->chroma == 2 ? "2:2"
                             : "2:0");
    if (f->figures.format_changes)
        say(advice,
            "The stream changed its format %u time%s in mid-stream: is a day/night or scene "
            "profile active?",
            f->figures.format_changes, f->figures.format_changes == 1 ? "" : "s");
    if (f->figures.timeline_jumps > f->stats.reconnects)
        say(advice, "The camera's timestamps jumped %u time%s.", f->figures.timeline_jumps,
            f->figures.timeline_jumps == 1 ? "" : "s");
}

void fv_probe_advise(const struct fv_probe_findings *findings, struct fv_probe_advice *ret_advice)
{
    ret_advice->count = 0;
    if (!findings->played) {
        advise_failure(findings, ret_advice);
        return;
    }
    advise_network(findings, ret_advice);
    advise_keys(findings, ret_advice);
    advise_refresh(findings, ret_advice);
    advise_security(findings, ret_advice);
    advise_clock(findings, ret_advice);
    advise_delay(findings, ret_advice);
    advise_picture(findings, ret_advice);
}
