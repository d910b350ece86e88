// SPDX-License-Identifier: Apache-2.0
#include "sim/sick.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "rtp/packet.h"
#include "sim/packetize.h"
#include "sim/sdp.h"

/* The cases that have this hook, in the order of the command line. `now` is set for the hook. */
#define FOR_CASES(c, sick, hook)                                                                   \
    for (struct fv_sim_case *c = (sick)->cases; c < (sick)->cases + FV_SIM_FAULTS_MAX; c++)        \
        if (c->spec && c->spec->fault->hook && (c->now = now, true))

static void start_cases(struct fv_sim_session *session, bool known, int64_t now)
{
    const struct fv_sim_site *site = session->site;
    struct fv_sim_sick *sick = session->sick;
    for (unsigned i = 0; i < site->fault_count; i++) {
        struct fv_sim_case *c = &sick->cases[i];
        const struct fv_sim_fault_spec *spec = &site->faults[i];
        bool concerns = known ? fv_sim_fault_covers(spec, sick->camera) : spec->all;
        if (concerns && spec->connections)
            concerns = known && sick->visit <= spec->connections;
        const bool fresh = concerns && !c->spec;
        c->spec = concerns ? spec : NULL;
        c->session = session;
        c->now = now;
        if (fresh && spec->fault->connected)
            spec->fault->connected(c);
    }
}

int fv_sim_sick_create(struct fv_sim_session *session, int64_t now)
{
    struct fv_sim_sick *sick = FV_NEW(struct fv_sim_sick);
    if (!sick)
        return -ENOMEM;
    sick->connected = now;
    fv_rand_seed(&sick->rand, fv_rand_u64(&session->site->rand));
    session->sick = sick;
    start_cases(session, false, now);
    return 0;
}

void fv_sim_sick_destroy(struct fv_sim_session *session)
{
    fv_free(session->sick);
    session->sick = NULL;
}

void fv_sim_sick_meet(struct fv_sim_session *session, unsigned camera, int64_t now)
{
    struct fv_sim_sick *sick = session->sick;
    bool any = false;
    if (sick->known && sick->camera == camera)
        return;
    sick->known = true;
    sick->camera = camera;
    sick->visit = ++session->site->visits[camera];
    start_cases(session, true, now);
    for (unsigned i = 0; i < FV_SIM_FAULTS_MAX; i++)
        any |= sick->cases[i].spec != NULL;
    if (!any && !sick->end && !sick->deaf)
        fv_sim_sick_destroy(session);
}

void fv_sim_sick_play(struct fv_sim_session *session)
{
    struct fv_sim_sick *sick = session->sick;
    sick->pulled = 0;
    sick->queued = 0;
    sick->last_release = 0;
    for (unsigned i = 0; i < FV_SIM_FAULTS_MAX; i++) {
        sick->cases[i].struck = false;
        sick->cases[i].chances = 0;
    }
}

static int64_t zero_of(const struct fv_sim_case *c, enum fv_sim_since usual)
{
    const struct fv_sim_session *session = c->session;
    switch (c->spec->since == FV_SIM_SINCE_USUAL ? usual : c->spec->since) {
    case FV_SIM_SINCE_START:
        return session->site->start;
    case FV_SIM_SINCE_PLAY:
        return session->started ? session->played : FV_TIME_NEVER;
    default:
        return session->sick->connected;
    }
}

bool fv_sim_strikes(struct fv_sim_case *c, enum fv_sim_since usual)
{
    const struct fv_sim_fault_spec *spec = c->spec;
    struct fv_sim_sick *sick = c->session->sick;
    const int64_t zero = zero_of(c, usual);
    const bool repeats = spec->every || spec->probability > 0;
    if (zero == FV_TIME_NEVER || c->now - zero < spec->after ||
        (spec->lasting != FV_TIME_NEVER && c->now - zero - spec->after >= spec->lasting) ||
        sick->pulled < spec->packets || sick->written < spec->bytes)
        return false;
    if (spec->fault->once && !repeats && c->struck)
        return false;
    if (spec->every && ++c->chances % spec->every)
        return false;
    const double chance = repeats ? spec->probability : spec->fault->probability;
    if (chance > 0 && fv_rand_unit(&sick->rand) >= chance)
        return false;
    c->struck = true;
    return true;
}

bool fv_sim_sick_request(struct fv_sim_session *session, struct fv_slice method, int64_t now,
                         struct fv_sim_verdict *ret_verdict)
{
    FOR_CASES(c, session->sick, request)
    if (c->spec->fault->request(c, method, ret_verdict))
        return true;
    return false;
}

void fv_sim_sick_description(struct fv_sim_session *session, struct fv_slice base, int64_t now,
                             struct fv_str *sdp)
{
    FOR_CASES(c, session->sick, description)
    c->spec->fault->description(c, base, sdp);
}

void fv_sim_sick_answer(struct fv_sim_session *session, struct fv_slice method, int64_t now,
                        struct fv_str *text)
{
    FOR_CASES(c, session->sick, answer)
    c->spec->fault->answer(c, method, text);
}

void fv_sim_sick_tick(struct fv_sim_session *session, int64_t now)
{
    session->sick->frozen = false;
    FOR_CASES(c, session->sick, tick)
    c->spec->fault->tick(c);
}

size_t fv_sim_sick_allow(struct fv_sim_session *session, int64_t now, size_t wanted, size_t control)
{
    FOR_CASES(c, session->sick, allow)
    {
        size_t allowed = c->spec->fault->allow(c, wanted, control);
        wanted = allowed < wanted ? allowed : wanted;
    }
    return wanted;
}

bool fv_sim_sick_report(struct fv_sim_session *session, int64_t now, struct fv_sim_report *report)
{
    bool sent = true;
    FOR_CASES(c, session->sick, report)
    sent &= c->spec->fault->report(c, report);
    return sent;
}

/* At the place that its release time gives it, behind those of the same time. */
static void enqueue(struct fv_sim_sick *sick, const struct fv_sim_waiting *waiting)
{
    unsigned at = sick->queued;
    if (at == FV_SIM_QUEUE_MAX)
        return;
    while (at && sick->queue[at - 1].release > waiting->release)
        at--;
    memmove(&sick->queue[at + 1], &sick->queue[at], (sick->queued - at) * sizeof(*waiting));
    sick->queue[at] = *waiting;
    sick->queued++;
}

void fv_sim_sick_pop(struct fv_sim_sick *sick)
{
    memmove(sick->queue, sick->queue + 1, --sick->queued * sizeof(*sick->queue));
}

/* Never a '$' or a letter: nothing that could pass for a frame or an answer. */
static void enqueue_junk(struct fv_sim_sick *sick, int64_t release, size_t size)
{
    static uint8_t junk[FV_SIM_MTU];
    memset(junk, 0xa5, sizeof(junk));
    const struct fv_sim_waiting waiting = {
        .release = release,
        .payload = junk,
        .size = (uint16_t)(size < sizeof(junk) ? size : sizeof(junk)),
        .junk = true};
    enqueue(sick, &waiting);
}

static void write_header(const struct fv_sim_session *session, const struct fv_sim_packet *packet,
                         const struct fv_sim_timeline_packet *source,
                         struct fv_sim_waiting *waiting)
{
    const struct fv_sim_route *route = &session->route;
    const struct fv_sim_sick *sick = session->sick;
    uint8_t *header = waiting->header;
    size_t framing = route->transport->frame(route, false, 12u + waiting->size, header);
    if (framing)
        header[1] = (uint8_t)(header[1] + packet->channel);
    fv_rtp_write_header(header + framing, packet->marker, FV_SIM_PAYLOAD_TYPE,
                        (uint16_t)(source->seq + sick->seq_shift),
                        source->timestamp + sick->time_shift,
                        session->timeline.ssrc ^ sick->ssrc_change);
    header[framing] = packet->first;
    waiting->header_size = (uint8_t)(framing + 12);
}

static void queue_packet(struct fv_sim_session *session, const struct fv_sim_packet *packet,
                         const struct fv_sim_timeline_packet *source)
{
    struct fv_sim_sick *sick = session->sick;
    struct fv_sim_waiting waiting = {.payload = source->payload, .size = source->size};
    /* A held packet delays those behind it; a delayed one is overtaken. */
    sick->last_release = fv_max64(sick->last_release, source->due + packet->hold);
    waiting.release = sick->last_release + packet->delay;
    if (packet->junk)
        enqueue_junk(sick, waiting.release, packet->junk);
    if (packet->drop)
        return;
    write_header(session, packet, source, &waiting);
    for (unsigned i = 0; i < packet->copies && i < FV_SIM_COPIES_MAX; i++)
        enqueue(sick, &waiting);
}

static void pull_packet(struct fv_sim_session *session, const struct fv_sim_timeline_packet *source,
                        int64_t now)
{
    struct fv_sim_packet packet = {.copies = 1, .first = 0x80, .marker = source->marker};
    FOR_CASES(c, session->sick, packet)
    c->spec->fault->packet(c, &packet);
    session->sick->pulled++;
    queue_packet(session, &packet, source);
}

/* True: the picture is skipped. */
static bool begin_picture(struct fv_sim_session *session, uint32_t timestamp, int64_t now)
{
    struct fv_sim_picture picture = {.key = fv_sim_timeline_at_key(&session->timeline),
                                     .timestamp = timestamp};
    FOR_CASES(c, session->sick, picture)
    c->spec->fault->picture(c, &picture);
    if (picture.skip)
        fv_sim_timeline_skip(&session->timeline);
    return picture.skip;
}

void fv_sim_sick_pull(struct fv_sim_session *session, int64_t now)
{
    struct fv_sim_sick *sick = session->sick;
    /* Room for the copies of one packet and its garbage. */
    while (sick->queued + FV_SIM_COPIES_MAX + 1 <= FV_SIM_QUEUE_MAX && !sick->frozen &&
           !sick->after_queue) {
        struct fv_sim_timeline_packet source;
        fv_sim_timeline_peek(&session->timeline, &source);
        if (source.due > now)
            return;
        if (session->timeline.packet == 0 && begin_picture(session, source.timestamp, now))
            continue;
        fv_sim_timeline_peek(&session->timeline, &source); /* the clip may have changed */
        pull_packet(session, &source, now);
        fv_sim_timeline_advance(&session->timeline);
    }
}
