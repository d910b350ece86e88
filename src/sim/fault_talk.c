// SPDX-License-Identifier: Apache-2.0
/* Faults of the conversation: silence, ends, refusals, redirects. */
#include "base/clock.h"
#include "sim/sick.h"

/* Where in the conversation; the words of the keys `at`, in this order. */
enum place { ANY, OPTIONS, DESCRIBE, SETUP, PLAY, KEEPALIVE, TEARDOWN, CONNECT, MEDIA, RTP };
#define METHODS "any options describe setup play keepalive teardown"
#define PLACES METHODS " connect media"

static enum place place_of(const struct fv_sim_case *c)
{
    return (enum place)c->spec->own[0];
}

/* Whether a request stands at this place. */
static bool is_at(const struct fv_sim_session *session, struct fv_slice method, enum place place)
{
    static const char *const names[] = {[OPTIONS] = "OPTIONS",
                                        [DESCRIBE] = "DESCRIBE",
                                        [SETUP] = "SETUP",
                                        [PLAY] = "PLAY",
                                        [TEARDOWN] = "TEARDOWN"};
    const bool playing = session->state == FV_SIM_PLAYING;
    switch (place) {
    case ANY:
        return true;
    case KEEPALIVE:
        return playing && (fv_slice_eq(method, FV_SLICE("GET_PARAMETER")) ||
                           fv_slice_eq(method, FV_SLICE("SET_PARAMETER")) ||
                           fv_slice_eq(method, FV_SLICE("OPTIONS")));
    case OPTIONS:
    case DESCRIBE:
    case SETUP:
    case PLAY:
    case TEARDOWN:
        return fv_slice_eq(method, fv_slice_of(names[place]));
    default:
        return false;
    }
}

/* mute */

static void mute_connected(struct fv_sim_case *c)
{
    if (place_of(c) == CONNECT && fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        c->session->sick->deaf = true;
}

static bool mute_request(struct fv_sim_case *c, struct fv_slice method,
                         struct fv_sim_verdict *ret_verdict)
{
    if (!is_at(c->session, method, place_of(c)) || !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return false;
    ret_verdict->act = FV_SIM_IGNORE;
    return true;
}

static void mute_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (place_of(c) >= MEDIA && fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        packet->drop = true;
}

static bool mute_report(struct fv_sim_case *c, struct fv_sim_report *report)
{
    return place_of(c) != MEDIA || !fv_sim_strikes(c, FV_SIM_SINCE_PLAY);
}

/* close, reset */

static enum fv_sim_end end_of(const struct fv_sim_case *c)
{
    return c->spec->fault->name[0] == 'c' ? FV_SIM_END_CLOSE : FV_SIM_END_RESET;
}

static void end_connected(struct fv_sim_case *c)
{
    if (place_of(c) == CONNECT && fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        c->session->sick->end = end_of(c);
}

static bool end_request(struct fv_sim_case *c, struct fv_slice method,
                        struct fv_sim_verdict *ret_verdict)
{
    if (place_of(c) == MEDIA || !is_at(c->session, method, place_of(c)) ||
        !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return false;
    ret_verdict->act = end_of(c) == FV_SIM_END_CLOSE ? FV_SIM_CLOSE : FV_SIM_RESET;
    return true;
}

static bool ends_in_media(const struct fv_sim_case *c)
{
    return place_of(c) == MEDIA && !c->session->sick->after_queue;
}

/* By bytes and by packets: exactly there, see below. */
static void end_tick(struct fv_sim_case *c)
{
    if (ends_in_media(c) && !c->spec->packets && fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        c->session->sick->end = end_of(c);
}

static void end_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (!ends_in_media(c) || !c->spec->packets || !fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        return;
    packet->drop = true;
    c->session->sick->after_queue = end_of(c);
}

static size_t end_allow(struct fv_sim_case *c, size_t wanted, size_t control)
{
    const uint64_t limit = c->spec->bytes, written = c->session->sick->written;
    if (!limit || place_of(c) != MEDIA || written + wanted <= limit)
        return wanted;
    return written < limit ? (size_t)(limit - written) : wanted;
}

/* refuse */

/* Where a status is at home when the specification does not say. */
static enum place usual_place(unsigned status)
{
    switch (status) {
    case 404:
        return DESCRIBE;
    case 453:
    case 461:
        return SETUP;
    case 454:
        return KEEPALIVE;
    default:
        return ANY;
    }
}

static bool refuse_request(struct fv_sim_case *c, struct fv_slice method,
                           struct fv_sim_verdict *ret_verdict)
{
    const unsigned status = (unsigned)c->spec->own[1];
    enum place place = place_of(c);
    if (place == ANY) {
        place = usual_place(status);
        if (place == ANY && is_at(c->session, method, OPTIONS))
            return false;
    }
    if (!is_at(c->session, method, place) || !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return false;
    ret_verdict->act = FV_SIM_REFUSE;
    ret_verdict->status = status;
    return true;
}

/* redirect, redirect-loop */

static bool redirect_request(struct fv_sim_case *c, struct fv_slice method,
                             struct fv_sim_verdict *ret_verdict)
{
    if (!is_at(c->session, method, DESCRIBE) || !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return false;
    ret_verdict->act = FV_SIM_REFUSE;
    ret_verdict->status = 302;
    ret_verdict->location = c->spec->text[0] ? c->spec->text : "cam0";
    return true;
}

static bool loop_request(struct fv_sim_case *c, struct fv_slice method,
                         struct fv_sim_verdict *ret_verdict)
{
    if (!is_at(c->session, method, DESCRIBE) || !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return false;
    ret_verdict->act = FV_SIM_REFUSE;
    ret_verdict->status = 302;
    ret_verdict->same_camera = true;
    ret_verdict->hop = (unsigned)++c->count;
    return true;
}

#define CLOSE_AT                                                                                   \
    {                                                                                              \
        {                                                                                          \
            .name = "at", .kind = FV_SIM_KEY_CHOICE, .preset = MEDIA, .choices = PLACES,           \
            .help = "on which request; media: while playing, by after, packets or bytes"           \
        }                                                                                          \
    }

static const struct fv_sim_fault list[] = {
    {.name = "mute",
     .help = "does not answer, or sends nothing",
     .keys = {{.name = "at",
               .kind = FV_SIM_KEY_CHOICE,
               .preset = MEDIA,
               .choices = PLACES " rtp",
               .help = "which request; connect: nothing at all; media: no RTP, no RTCP; rtp: RTCP "
                       "only"}},
     .connected = mute_connected,
     .request = mute_request,
     .packet = mute_packet,
     .report = mute_report},
    {.name = "close",
     .help = "ends the connection in order (FIN)",
     .keys = CLOSE_AT,
     .connected = end_connected,
     .request = end_request,
     .tick = end_tick,
     .packet = end_packet,
     .allow = end_allow},
    {.name = "reset",
     .help = "ends the connection abruptly (RST)",
     .keys = CLOSE_AT,
     .connected = end_connected,
     .request = end_request,
     .tick = end_tick,
     .packet = end_packet,
     .allow = end_allow},
    {.name = "refuse",
     .help = "answers with an error",
     .keys = {{.name = "at",
               .kind = FV_SIM_KEY_CHOICE,
               .preset = ANY,
               .choices = METHODS,
               .help = "which request; any: 404 DESCRIBE, 453 and 461 SETUP, 454 the keepalive, "
                       "others all but OPTIONS"},
              {.name = "status",
               .preset = 503,
               .low = 300,
               .high = 599,
               .help = "401 comes with a challenge"}},
     .request = refuse_request},
    {.name = "redirect",
     .help = "DESCRIBE is answered by 302",
     .keys = {{.name = "to",
               .kind = FV_SIM_KEY_TEXT,
               .help = "camN of this server, or rtsp://HOST:PORT/PATH (default cam0)"}},
     .request = redirect_request},
    {.name = "redirect-loop",
     .help = "DESCRIBE is answered by 302 to the same camera, without end",
     .request = loop_request},
};

const struct fv_sim_faults fv_sim_faults_talk = {list, sizeof(list) / sizeof(*list)};
