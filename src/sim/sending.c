// SPDX-License-Identifier: Apache-2.0
/* The sending half of a session: what is due becomes a batch, what went out is counted. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "rtp/packet.h"
#include "sim/answer.h"
#include "sim/sdp.h"
#include "sim/sick.h"

#define REPORT_EVERY (5 * FV_S)

static uint32_t ssrc_of(const struct fv_sim_session *session)
{
    return session->timeline.ssrc ^ (session->sick ? session->sick->ssrc_change : 0);
}

/* Over TCP a report queues up behind the answers, over UDP it is a datagram of its own. */
static void put_report(struct fv_sim_session *session, int64_t now, int64_t wall,
                       struct fv_sim_batch *batch)
{
    const struct fv_sim_route *route = &session->route;
    uint8_t framed[FV_SIM_FRAMING_MAX + FV_SIM_REPORT_SIZE];
    struct fv_sim_report values = {
        .ssrc = ssrc_of(session),
        .rtp_time = fv_sim_timeline_rtp_at(&session->timeline, now),
        .wall = wall,
        .packets = session->packets,
        .octets = session->octets,
        .cname = session->id,
    };
    session->next_report = now + REPORT_EVERY;
    if (session->sick && !fv_sim_sick_report(session, now, &values))
        return;
    size_t size = fv_sim_report_write(&values, batch->report);
    if (route->transport->datagrams) {
        batch->report_size = size;
        return;
    }
    size_t framing = route->transport->frame(route, true, size, framed);
    memcpy(framed + framing, batch->report, size);
    /* A client that does not even read its responses gets no report either. */
    (void)fv_sim_session_put(session, framed, framing + size);
}

static void add_part(struct fv_sim_batch *batch, const void *data, size_t size)
{
    batch->iov[batch->iov_count++] =
        (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    batch->size += size;
}

static void gather_packets(const struct fv_sim_session *session, int64_t now,
                           struct fv_sim_batch *batch)
{
    struct fv_sim_timeline ahead = session->timeline;
    const struct fv_sim_route *route = &session->route;
    while (batch->packets < FV_SIM_BATCH) {
        struct fv_sim_timeline_packet packet;
        fv_sim_timeline_peek(&ahead, &packet);
        if (packet.due > now)
            return;
        uint8_t *header = batch->headers[batch->packets++];
        size_t framing = route->transport->frame(route, false, 12u + packet.size, header);
        fv_rtp_write_header(header + framing, packet.marker, FV_SIM_PAYLOAD_TYPE, packet.seq,
                            packet.timestamp, ahead.ssrc);
        add_part(batch, header, framing + 12);
        add_part(batch, packet.payload, packet.size);
        fv_sim_timeline_advance(&ahead);
    }
}

static void gather_queued(struct fv_sim_session *session, int64_t now, struct fv_sim_batch *batch)
{
    const struct fv_sim_sick *sick = session->sick;
    fv_sim_sick_pull(session, now);
    while (batch->packets < FV_SIM_BATCH && batch->packets < sick->queued) {
        const struct fv_sim_waiting *waiting = &sick->queue[batch->packets];
        if (waiting->release > now)
            return;
        add_part(batch, waiting->header, waiting->header_size);
        add_part(batch, waiting->payload, waiting->size);
        batch->packets++;
    }
}

/* Only the first `allowed` bytes may be written; sent() finds the whole lengths again. */
static void cut(struct fv_sim_batch *batch, size_t allowed)
{
    size_t left = allowed;
    unsigned i = 0;
    while (batch->iov[i].iov_len < left)
        left -= batch->iov[i++].iov_len;
    batch->cut = &batch->iov[i];
    batch->cut_size = batch->iov[i].iov_len;
    batch->iov[i].iov_len = left;
    batch->iov_count = i + 1;
    batch->size = allowed;
}

/* The faults of the connection, when the batch is complete. */
static void gather_sick(struct fv_sim_session *session, int64_t now, struct fv_sim_batch *batch)
{
    struct fv_sim_sick *sick = session->sick;
    if (sick->after_queue && !batch->packets && !sick->queued && !batch->size)
        sick->end = sick->after_queue;
    if (!batch->size)
        return;
    const size_t allowed = fv_sim_sick_allow(session, now, batch->size, session->out.size);
    if (allowed < batch->size)
        cut(batch, allowed);
}

static void gather_media(struct fv_sim_session *session, int64_t now, struct fv_sim_batch *batch)
{
    const size_t connection = batch->size;
    const unsigned first = batch->iov_count;
    if (session->sick)
        gather_queued(session, now, batch);
    else
        gather_packets(session, now, batch);
    if (session->route.transport->datagrams && batch->packets) {
        batch->datagrams = batch->iov + first;
        batch->iov_count = first;
        batch->size = connection;
    }
}

void fv_sim_session_gather(struct fv_sim_session *session, int64_t now, int64_t wall,
                           struct fv_sim_batch *batch)
{
    const bool playing = session->state == FV_SIM_PLAYING;
    batch->iov_count = batch->packets = 0;
    batch->size = batch->report_size = 0;
    batch->datagrams = batch->cut = NULL;
    if (session->sick)
        fv_sim_sick_tick(session, now);
    if (session->sick && session->sick->end)
        return;
    if (playing) {
        fv_sim_session_stalled(session, now);
        if (now >= session->next_report)
            put_report(session, now, wall, batch);
    }
    if (session->out.size)
        add_part(batch, session->out.data, session->out.size);
    if (playing)
        gather_media(session, now, batch);
    if (session->sick)
        gather_sick(session, now, batch);
}

/* Keeps what the socket did not take of a packet that has begun. */
static int keep_rest(struct fv_sim_session *session, const struct iovec *parts, size_t gone)
{
    int rc = 0;
    for (unsigned i = 0; i < 2 && rc == 0; i++) {
        size_t skip = gone < parts[i].iov_len ? gone : parts[i].iov_len;
        gone -= skip;
        if (skip < parts[i].iov_len)
            rc = fv_sim_session_put(session, (const uint8_t *)parts[i].iov_base + skip,
                                    parts[i].iov_len - skip);
    }
    return rc;
}

struct gone {
    int64_t due;
    bool junk;
};

/* Takes the next packet out of where gather() found it. */
static struct gone take_packet(struct fv_sim_session *session)
{
    struct gone gone = {0};
    if (session->sick) {
        gone = (struct gone){session->sick->queue[0].release, session->sick->queue[0].junk};
        fv_sim_sick_pop(session->sick);
    } else {
        struct fv_sim_timeline_packet packet;
        fv_sim_timeline_peek(&session->timeline, &packet);
        fv_sim_timeline_advance(&session->timeline);
        gone.due = packet.due;
    }
    return gone;
}

static void count_packet(struct fv_sim_session *session, const struct iovec *parts, int64_t now)
{
    struct fv_sim_counters *counters = &session->site->counters;
    const struct gone gone = take_packet(session);
    if (gone.junk)
        return;
    session->packets++;
    session->octets += (uint32_t)parts[1].iov_len;
    atomic_fetch_add_explicit(&counters->packets, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->bytes, parts[0].iov_len + parts[1].iov_len,
                              memory_order_relaxed);
    if (now - gone.due > FV_SIM_LATE)
        atomic_fetch_add_explicit(&counters->late, 1, memory_order_relaxed);
}

int fv_sim_session_sent(struct fv_sim_session *session, struct fv_sim_batch *batch, size_t size,
                        int64_t now)
{
    const size_t waiting = session->out.size;
    if (session->sick)
        session->sick->written += size;
    if (batch->cut)
        batch->cut->iov_len = batch->cut_size;
    batch->cut = NULL;
    if (size < waiting || batch->datagrams) {
        fv_sim_bytes_drop(&session->out, size);
        return 0;
    }
    session->out.size = 0;
    size -= waiting;
    const struct iovec *parts = batch->iov + (waiting ? 1 : 0);
    for (unsigned i = 0; i < batch->packets && size; i++, parts += 2) {
        size_t whole = parts[0].iov_len + parts[1].iov_len;
        size_t gone = size < whole ? size : whole;
        int rc = keep_rest(session, parts, gone);
        if (rc < 0)
            return rc;
        count_packet(session, parts, now);
        size -= gone;
    }
    return 0;
}

void fv_sim_session_posted(struct fv_sim_session *session, const struct fv_sim_batch *batch,
                           int64_t now)
{
    const struct iovec *parts = batch->datagrams;
    for (unsigned i = 0; parts && i < batch->packets; i++, parts += 2) {
        if (session->sick)
            session->sick->written += parts[0].iov_len + parts[1].iov_len;
        count_packet(session, parts, now);
    }
}

void fv_sim_session_stalled(struct fv_sim_session *session, int64_t now)
{
    if (session->state != FV_SIM_PLAYING)
        return;
    uint64_t shed = fv_sim_timeline_shed(&session->timeline, now, FV_SIM_BACKLOG);
    if (shed)
        atomic_fetch_add_explicit(&session->site->counters.stalled, shed, memory_order_relaxed);
}
