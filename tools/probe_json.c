// SPDX-License-Identifier: Apache-2.0
/* The findings for programs: one object; what is unknown is null. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "probe.h"
#include "receive.h"

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *ms(int64_t ns)
{
    return ns == FV_TIME_UNKNOWN ? json_null() : json_real((double)(ns / 1000) / 1000);
}

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Of a video whose parameter sets came. */
static json_t *of_video(const struct fv_receiver_details *d, uint64_t value)
{
    return d->width ? integer(value) : json_null();
}

/* What was found out on a connection that never stood is nothing. */
static json_t *of_session(const struct fv_probe_findings *f, const char *value)
{
    return f->connect == FV_TIME_UNKNOWN ? json_null() : fv_tool_json_text(value);
}

/* "" is null. */
static json_t *text(const char *value)
{
    return value[0] ? fv_tool_json_text(value) : json_null();
}

static json_t *failure_json(const struct fv_probe_findings *f)
{
    if (f->played || f->code >= 0)
        return json_null();
    return json_pack("{s:s, s:s, s:o, s:o}", "phase", fv_camera_state_name(f->failed_in), "error",
                     fv_strerror(f->code), "status",
                     f->details.status ? integer(f->details.status) : json_null(), "reason",
                     fv_tool_json_text(f->reason));
}

static json_t *offers_json(const struct fv_receiver_details *d)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < d->offer_count; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:b}", "type", text(d->offers[i].type), "encoding",
                            text(d->offers[i].encoding), "clock_rate",
                            integer(d->offers[i].clock_rate), "chosen", d->offers[i].chosen));
    return list;
}

static json_t *quirks_json(const struct fv_receiver_details *d)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < d->quirk_count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o}", "name", d->quirks[i].name, "policy",
                                        d->quirks[i].policy, "count", integer(d->quirks[i].count)));
    return list;
}

static json_t *advice_json(const struct fv_probe_findings *f)
{
    struct fv_probe_advice advice;
    json_t *list = json_array();
    fv_probe_advise(f, &advice);
    for (unsigned i = 0; i < advice.count; i++)
        json_array_append_new(list, fv_tool_json_text(advice.texts[i]));
    return list;
}

static json_t *session_json(const struct fv_probe_findings *f)
{
    const struct fv_receiver_details *d = &f->details;
    return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "reachable", f->details.reached || f->played, "peer", text(d->peer), "detour",
                     text(f->detour), "resolve_ms", ms(f->resolve), "connect_ms", ms(f->connect),
                     "session_ms", ms(f->session), "first_packet_ms", ms(f->first_packet),
                     "first_picture_ms", ms(f->first_picture), "server", text(d->server), "methods",
                     text(d->methods), "login", of_session(f, d->login), "transport",
                     of_session(f, d->transport), "streams", offers_json(d));
}

static json_t *video_json(const struct fv_probe_findings *f)
{
    const struct fv_receiver_details *d = &f->details;
    const struct fv_probe_figures *g = &f->figures;
    char profile[40] = "", level[20] = "";
    if (d->width) {
        fv_probe_profile(d->codec, d->profile, profile, sizeof(profile));
        fv_probe_level(d->codec, d->level, level, sizeof(level));
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b}", "codec",
        strcmp(d->codec, "none") == 0 ? json_null() : fv_tool_json_text(d->codec), "profile",
        text(profile), "level", text(level), "width", of_video(d, d->width), "height",
        of_video(d, d->height), "bit_depth", of_video(d, d->bit_depth), "chroma",
        of_video(d, d->chroma), "interlaced", d->width ? json_boolean(d->interlaced) : json_null(),
        "fps", number(g->fps), "declared_fps",
        d->declared_fps > 0 ? number(d->declared_fps) : json_null(), "bit_rate",
        number(g->bit_rate), "largest_picture", g->largest ? integer(g->largest) : json_null(),
        "gop_pictures", number(g->gop_pictures), "gop_s", number(g->gop_s), "b_pictures",
        g->b_pictures, "refreshed", g->refreshed);
}

static json_t *stream_json(const struct fv_probe_findings *f)
{
    const struct fv_receiver_stats *s = &f->stats;
    const struct fv_probe_figures *g = &f->figures;
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "access_units", integer(s->access_units), "keyframes", integer(s->keyframes), "damaged",
        integer(s->damaged), "skipped", integer(s->skipped), "packets", integer(s->packets),
        "bytes", integer(s->bytes), "lost", integer(s->lost), "reordered", integer(s->reordered),
        "invalid", integer(s->invalid), "reconnects", integer(s->reconnects), "jitter_ms",
        number(s->jitter_us / 1000.0), "sender_reports", integer(f->details.sender_reports),
        "clock_offset_s", number(g->clock_offset_s), "drift_ppm", number(s->drift_ppm),
        "timeline_jumps", integer(g->timeline_jumps), "format_changes", integer(g->format_changes));
}

int fv_probe_print_json(const struct fv_probe_findings *f)
{
    json_t *root = json_pack("{s:o, s:b, s:f, s:o, s:o, s:o, s:o, s:o, s:o}", "url",
                             fv_tool_json_text(f->url.plain), "plays", f->played, "observed_s",
                             f->seconds, "failure", failure_json(f), "session", session_json(f),
                             "video", video_json(f), "stream", stream_json(f), "quirks",
                             quirks_json(&f->details), "advice", advice_json(f));
    if (!root)
        return -ENOMEM;
    int ret = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    fflush(stdout);
    json_decref(root);
    return ret < 0 ? -EIO : 0;
}
