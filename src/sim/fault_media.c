// SPDX-License-Identifier: Apache-2.0
/* Faults of the stream as a whole: numbers, times, sources, pictures. */
#include <math.h>

#include "base/clock.h"
#include "sim/sick.h"

static void seq_jump_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        c->session->sick->seq_shift =
            (uint16_t)(c->session->sick->seq_shift + (int)c->spec->own[0]);
}

/* The packet gets the number of the one before it, and so on. */
static void seq_repeat_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (c->session->sick->pulled && fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        c->session->sick->seq_shift--;
}

static void ts_jump_picture(struct fv_sim_case *c, struct fv_sim_picture *picture)
{
    if (c->session->sick->pulled && fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        c->session->sick->time_shift += (uint32_t)llround(c->spec->own[0] * FV_SIM_CLOCK);
}

static void ts_reset_picture(struct fv_sim_case *c, struct fv_sim_picture *picture)
{
    if (c->session->sick->pulled && fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        c->session->sick->time_shift = 0 - picture->timestamp;
}

static void ssrc_picture(struct fv_sim_case *c, struct fv_sim_picture *picture)
{
    struct fv_sim_sick *sick = c->session->sick;
    if (sick->pulled && fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        sick->ssrc_change ^= (uint32_t)fv_rand_u64(&sick->rand) | 1; /* never the same */
}

static void no_key_picture(struct fv_sim_case *c, struct fv_sim_picture *picture)
{
    if (picture->key && fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        picture->skip = true;
}

/* long-gop: `mark` is when the next key picture may pass. */
static void long_gop_picture(struct fv_sim_case *c, struct fv_sim_picture *picture)
{
    if (!picture->key || !fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        return;
    picture->skip = c->session->sick->pulled && c->now < c->mark;
    if (!picture->skip)
        c->mark = c->now + (int64_t)(c->spec->own[0] * (double)FV_S);
}

/* To and fro between the camera's own clip and the other. */
static void size_picture(struct fv_sim_case *c, struct fv_sim_picture *picture)
{
    struct fv_sim_session *session = c->session;
    const struct fv_clip *other = session->site->clips[(unsigned)c->spec->own[0]];
    const struct fv_clip *own = session->camera->clip;
    if (session->sick->pulled && fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        fv_sim_timeline_switch(&session->timeline, session->timeline.clip == own ? other : own);
}

static void bye_tick(struct fv_sim_case *c)
{
    if (c->session->state != FV_SIM_PLAYING || !fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        return;
    c->session->sick->bye = true;
    c->session->next_report = c->now;
}

static bool bye_report(struct fv_sim_case *c, struct fv_sim_report *report)
{
    report->bye = c->session->sick->bye;
    c->session->sick->bye = false;
    return true;
}

static bool clock_report(struct fv_sim_case *c, struct fv_sim_report *report)
{
    if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        report->wall += (int64_t)(c->spec->own[0] * (double)FV_S);
    return true;
}

static const struct fv_sim_fault list[] = {
    {.name = "seq-jump",
     .help = "the sequence numbers jump, no packet is missing",
     .once = true,
     .keys = {{.name = "by", .preset = 1000, .low = -32768, .high = 32767, .help = "numbers"}},
     .packet = seq_jump_packet},
    {.name = "seq-repeat",
     .help = "a packet has the sequence number of the one before it; the rest goes on from there",
     .once = true,
     .packet = seq_repeat_packet},
    {.name = "ts-jump",
     .help = "the timestamps jump, from one picture to the next",
     .once = true,
     .keys = {{.name = "by",
               .preset = 3600,
               .low = -20000,
               .high = 20000,
               .help = "seconds, negative: back"}},
     .picture = ts_jump_picture},
    {.name = "ts-reset",
     .help = "the timestamps begin again at 0",
     .once = true,
     .picture = ts_reset_picture},
    {.name = "ssrc-change",
     .help = "another SSRC in mid-stream",
     .once = true,
     .picture = ssrc_picture},
    {.name = "no-key",
     .help = "no key picture and no parameter sets in the stream; nothing seems lost",
     .picture = no_key_picture},
    {.name = "long-gop",
     .help = "the first key picture, then one every so often; the others are left out, so that the "
             "pictures behind them refer to what never came (for a clean stream take an input with "
             "long GOPs)",
     .keys = {{.name = "gop", .preset = 30, .low = 0.1, .high = 3600, .help = "seconds"}},
     .picture = long_gop_picture},
    {.name = "size-change",
     .help = "goes over to another input at a picture's boundary, and back the next time; the "
             "description stays",
     .once = true,
     .keys = {{.name = "input",
               .preset = 1,
               .low = 0,
               .high = 63,
               .help = "number of the --input, the first is 0"}},
     .picture = size_picture},
    {.name = "bye",
     .help = "says goodbye (RTCP BYE), but goes on",
     .once = true,
     .tick = bye_tick,
     .report = bye_report},
    {.name = "wrong-clock",
     .help = "sender reports with a wrong wall clock",
     .keys = {{.name = "by",
               .preset = -1e9,
               .low = -1.5e9,
               .high = 1e9,
               .help = "seconds, negative: back"}},
     .report = clock_report},
};

const struct fv_sim_faults fv_sim_faults_media = {list, sizeof(list) / sizeof(*list)};
