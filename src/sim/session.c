// SPDX-License-Identifier: Apache-2.0
#include "sim/session.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "rtp/packet.h"
#include "sim/answer.h"
#include "sim/report.h"
#include "sim/sdp.h"

#define INPUT_START 2048
#define OUTPUT_START 4096
#define REPORT_FIRST (500 * FV_MS)
#define REPORT_EVERY (5 * FV_S)

/* Room for `more` bytes behind the used ones. 0, -ENOBUFS (beyond limit), -ENOMEM. */
static int reserve(struct fv_sim_bytes *bytes, size_t more, size_t limit)
{
    if (bytes->size + more > limit)
        return -ENOBUFS;
    size_t wanted = bytes->capacity;
    while (wanted < bytes->size + more)
        wanted = wanted * 2 < limit ? wanted * 2 : limit;
    if (wanted == bytes->capacity)
        return 0;
    uint8_t *larger = fv_realloc(bytes->data, wanted);
    if (!larger)
        return -ENOMEM;
    bytes->data = larger;
    bytes->capacity = wanted;
    return 0;
}

static void take_off(struct fv_sim_bytes *bytes, size_t count)
{
    bytes->size -= count;
    memmove(bytes->data, bytes->data + count, bytes->size);
}

static int start_bytes(struct fv_sim_bytes *bytes, size_t capacity)
{
    bytes->data = fv_calloc(1, capacity);
    bytes->capacity = capacity;
    return bytes->data ? 0 : -ENOMEM;
}

int fv_sim_session_init(struct fv_sim_session *session, struct fv_sim_site *site, int64_t now)
{
    uint8_t random[16];
    *session = (struct fv_sim_session){.site = site, .last_heard = now};
    if (RAND_bytes(random, sizeof(random)) != 1 || start_bytes(&session->in, INPUT_START) < 0 ||
        start_bytes(&session->out, OUTPUT_START) < 0) {
        fv_sim_session_finish(session);
        return -ENOMEM;
    }
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(session->nonce + 2 * i, 3, "%02x", random[i]);
    return 0;
}

void fv_sim_session_finish(struct fv_sim_session *session)
{
    fv_free(session->in.data);
    fv_free(session->out.data);
    *session = (struct fv_sim_session){.state = FV_SIM_ENDED};
}

int fv_sim_session_put(struct fv_sim_session *session, const void *data, size_t size)
{
    int rc = reserve(&session->out, size, FV_SIM_OUTPUT_MAX);
    if (rc < 0)
        return rc;
    memcpy(session->out.data + session->out.size, data, size);
    session->out.size += size;
    return 0;
}

void fv_sim_session_play(struct fv_sim_session *session, int64_t now)
{
    const struct fv_sim_camera *camera = session->camera;
    if (session->started)
        fv_sim_timeline_resume(&session->timeline, now);
    else
        fv_sim_timeline_start(&session->timeline, camera->clip, camera->first_au,
                              now + camera->delay, &session->site->rand);
    session->started = true;
    session->state = FV_SIM_PLAYING;
    session->next_report = now + REPORT_FIRST;
    atomic_fetch_add(&session->site->counters.sessions, 1);
}

int64_t fv_sim_session_room(struct fv_sim_session *session, uint8_t **ret_data)
{
    struct fv_sim_bytes *in = &session->in;
    if (in->size == in->capacity && reserve(in, 1, FV_SIM_INPUT_MAX) < 0)
        return -ENOMEM;
    *ret_data = in->data + in->size;
    return (int64_t)(in->capacity - in->size);
}

/* One request or interleaved frame at the start of `data`. Bytes used, or negative errno. */
static int64_t take_one(struct fv_sim_session *session, const uint8_t *data, size_t size,
                        int64_t now)
{
    struct fv_rtsp_frame frame;
    struct fv_rtsp_message message;
    if (*data == '\r' || *data == '\n')
        return 1;
    if (*data == '$') /* receiver reports: a sign of life, no more */
        return fv_rtsp_parse_frame(data, size, &frame);
    int64_t used = fv_rtsp_parse((const char *)data, size, &message);
    if (used <= 0) /* more, or larger, than a request may be: as good as garbage */
        return used == -ENOBUFS ? -EBADMSG : used;
    int rc = message.request ? fv_sim_answer(session, &message, now) : 0;
    return rc < 0 ? rc : used;
}

int fv_sim_session_feed(struct fv_sim_session *session, size_t size, int64_t now)
{
    struct fv_sim_bytes *in = &session->in;
    size_t done = 0;
    int64_t used = 0;
    in->size += size;
    session->last_heard = now;
    while (done < in->size && session->state != FV_SIM_ENDED) {
        used = take_one(session, in->data + done, in->size - done, now);
        if (used <= 0)
            break;
        done += (size_t)used;
    }
    take_off(in, done);
    if (used == -EBADMSG || (used == -EAGAIN && in->size == FV_SIM_INPUT_MAX)) {
        session->state = FV_SIM_ENDED;
        return fv_sim_answer_garbage(session);
    }
    return used < 0 && used != -EAGAIN ? (int)used : 0;
}

static void put_report(struct fv_sim_session *session, int64_t now, int64_t wall)
{
    uint8_t framed[FV_SIM_FRAMING_MAX + FV_SIM_REPORT_SIZE], report[FV_SIM_REPORT_SIZE];
    const struct fv_sim_report values = {
        .ssrc = session->timeline.ssrc,
        .rtp_time = fv_sim_timeline_rtp_at(&session->timeline, now),
        .wall = wall,
        .packets = session->packets,
        .octets = session->octets,
        .cname = session->id,
    };
    size_t size = fv_sim_report_write(&values, report);
    size_t framing = session->route.transport->frame(&session->route, true, size, framed);
    memcpy(framed + framing, report, size);
    /* A client that does not even read its responses gets no report either. */
    (void)fv_sim_session_put(session, framed, framing + size);
    session->next_report = now + REPORT_EVERY;
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

void fv_sim_session_gather(struct fv_sim_session *session, int64_t now, int64_t wall,
                           struct fv_sim_batch *batch)
{
    const bool playing = session->state == FV_SIM_PLAYING;
    batch->iov_count = batch->packets = 0;
    batch->size = 0;
    if (playing) {
        fv_sim_session_stalled(session, now);
        if (now >= session->next_report)
            put_report(session, now, wall);
    }
    if (session->out.size)
        add_part(batch, session->out.data, session->out.size);
    if (playing)
        gather_packets(session, now, batch);
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

static int count_packet(struct fv_sim_session *session, const struct iovec *parts, int64_t now)
{
    struct fv_sim_counters *counters = &session->site->counters;
    const struct fv_sim_fault *fault = session->site->fault;
    struct fv_sim_timeline_packet packet;
    fv_sim_timeline_peek(&session->timeline, &packet);
    fv_sim_timeline_advance(&session->timeline);
    session->packets++;
    session->octets += packet.size;
    atomic_fetch_add_explicit(&counters->packets, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->bytes, parts[0].iov_len + parts[1].iov_len,
                              memory_order_relaxed);
    if (now - packet.due > FV_SIM_LATE)
        atomic_fetch_add_explicit(&counters->late, 1, memory_order_relaxed);
    return fault && fault->sent && fault->sent(fault->data, session->packets) ? -ECONNRESET : 0;
}

int fv_sim_session_sent(struct fv_sim_session *session, const struct fv_sim_batch *batch,
                        size_t size, int64_t now)
{
    size_t waiting = session->out.size;
    if (size < waiting) {
        take_off(&session->out, size);
        return 0;
    }
    session->out.size = 0;
    size -= waiting;
    const struct iovec *parts = batch->iov + (waiting ? 1 : 0);
    for (unsigned i = 0; i < batch->packets && size; i++, parts += 2) {
        size_t whole = parts[0].iov_len + parts[1].iov_len;
        size_t gone = size < whole ? size : whole;
        int rc = keep_rest(session, parts, gone);
        if (rc == 0)
            rc = count_packet(session, parts, now);
        if (rc < 0)
            return rc;
        size -= gone;
    }
    return 0;
}

void fv_sim_session_stalled(struct fv_sim_session *session, int64_t now)
{
    if (session->state != FV_SIM_PLAYING)
        return;
    uint64_t shed = fv_sim_timeline_shed(&session->timeline, now, FV_SIM_BACKLOG);
    if (shed)
        atomic_fetch_add_explicit(&session->site->counters.stalled, shed, memory_order_relaxed);
}

bool fv_sim_session_expired(const struct fv_sim_session *session, int64_t now)
{
    return now - session->last_heard > FV_SIM_TIMEOUT;
}
