// SPDX-License-Identifier: Apache-2.0
/* Packets in: validation, source, order. */
#include "rtp/receiver.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/pages.h"
#include "base/rand.h"
#include "rtp/state.h"

#define LANDING_MAX 8192 /* bytes: asking for more takes as long as waiting for it */
#define PACKET_TIME_MIN (FV_S / 20000) /* no camera sends more than 230 Mbit/s for long */

static bool valid_params(const struct fv_rtp_params *params)
{
    return fv_depay_ops(params->codec) && params->clock_rate > 0 &&
           params->pool && params->handler.au && params->reorder >= 0 && params->payload_type < 128;
}

static void close_picture(void *data)
{
    struct fv_rtp *rtp = data;
    rtp->ops->closing(&rtp->depay);
}

static void init_parts(struct fv_rtp *rtp, const struct fv_rtp_params *params)
{
    rtp->params = *params;
    rtp->params.sets = NULL;
    rtp->stats = (struct fv_rtp_stats){
        .epoch = params->epoch,
        .format = params->format,
        .drift_ppm = NAN,
        .last_packet = FV_TIME_UNKNOWN,
        .last_au = FV_TIME_UNKNOWN,
    };
    rtp->sequence.clock_rate = params->clock_rate;
    rtp->depay = (struct fv_depay){
        .assembly = &rtp->assembly,
        .state = rtp->depay.state,
        .width = params->width,
        .height = params->height,
        .lost = true,
    };
    rtp->assembly = (struct fv_assembly){
        .codec = fv_codec_ops(params->codec),
        .pool = params->pool,
        .sets = &rtp->sets,
        .quirks = &rtp->quirks,
        .ended = fv_delivery_picture_ended,
        .data = rtp,
        .closing = rtp->ops->closing ? close_picture : NULL,
        .closing_data = rtp,
        .keep_damaged = params->on_loss == FV_ON_LOSS_FLAG,
        .gap = true, /* we may come in the middle of a picture */
    };
    fv_sets_init(&rtp->sets, rtp->assembly.codec);
    if (params->sets && rtp->assembly.codec)
        fv_sets_add_stream(&rtp->sets, params->sets, params->sets_size);
    fv_timeline_init(&rtp->timeline, params->clock_rate, params->epoch);
    fv_sender_clock_init(&rtp->clock, params->clock_rate);
    rtp->report_arrival = FV_TIME_UNKNOWN;
    fv_rtp_await_key(rtp);
}

int fv_rtp_create(const struct fv_rtp_params *params, struct fv_rtp **ret_receiver)
{
    if (!valid_params(params))
        return -EINVAL;
    struct fv_rtp *rtp = FV_PAGES_NEW(struct fv_rtp);
    if (!rtp)
        return -ENOMEM;
    rtp->ops = fv_depay_ops(params->codec);
    if (rtp->ops->state_size > 0) {
        rtp->depay.state = fv_calloc(1, rtp->ops->state_size);
        if (!rtp->depay.state) {
            fv_rtp_destroy(rtp);
            return -ENOMEM;
        }
    }
    init_parts(rtp, params);
    struct fv_rand rand;
    fv_rand_seed(&rand, params->seed);
    rtp->own_ssrc = (uint32_t)fv_rand_u64(&rand);
    snprintf(rtp->cname, sizeof(rtp->cname), "fv-%016llx", (unsigned long long)fv_rand_u64(&rand));
    int rc = fv_reorder_init(&rtp->reorder, params->reorder, params->pool);
    if (rc < 0) {
        fv_rtp_destroy(rtp);
        return rc;
    }
    *ret_receiver = rtp;
    return 0;
}

void fv_rtp_destroy(struct fv_rtp *receiver)
{
    if (!receiver)
        return;
    fv_buf_unref(receiver->candidate.buf);
    fv_reorder_finish(&receiver->reorder);
    fv_assembly_finish(&receiver->assembly);
    fv_free(receiver->depay.state);
    fv_pages_free(receiver, sizeof(*receiver));
}

/* One packet in its turn. */
static int process(struct fv_rtp *rtp, const struct fv_rtp_packet *packet, int64_t arrival,
                   bool lost)
{
    struct fv_assembly *assembly = &rtp->assembly;
    int rc = 0;
    if (lost) {
        fv_delivery_lost(rtp);
        rtp->depay.lost = true;
    }
    fv_assembly_packet(assembly, packet->timestamp, arrival, lost);
    if (packet->payload_size > 0)
        rc = rtp->ops->payload(&rtp->depay, packet);
    else
        fv_quirk_meet(&rtp->quirks, FV_QUIRK_EMPTY_UNIT);
    fv_assembly_packet_end(assembly, packet->marker);
    rtp->stats.invalid += rc < 0;
    rtp->stats.refusal = rtp->depay.refusal;
    return rc;
}

/* The packet with extended sequence number `number` has its turn. */
static int take(struct fv_rtp *rtp, const struct fv_rtp_packet *packet, int64_t number,
                int64_t arrival)
{
    bool lost = number != rtp->reorder.next;
    rtp->reorder.next = number + 1;
    return process(rtp, packet, arrival, lost);
}

/* Packets held whose turn has come. `lost`: others before the first of them are given up. */
static void drain(struct fv_rtp *rtp, bool lost)
{
    struct fv_reorder_slot slot;
    while (fv_reorder_take(&rtp->reorder, &slot)) {
        struct fv_rtp_packet packet;
        bool bad_padding;
        if (fv_rtp_parse_lenient(slot.buf->data, slot.size, &packet, &bad_padding) == 0)
            process(rtp, &packet, slot.arrival, lost);
        fv_buf_unref(slot.buf);
        lost = false;
    }
}

static void give_up_gap(struct fv_rtp *rtp)
{
    fv_reorder_skip(&rtp->reorder);
    drain(rtp, true);
}

/* UDP: a packet whose turn has not come. Held, or, when it cannot be, all gaps before it are given up. */
static int hold(struct fv_rtp *rtp, const struct fv_rtp_packet *packet, int64_t number,
                struct fv_slice raw)
{
    struct fv_reorder *reorder = &rtp->reorder;
    while (reorder->held && !fv_reorder_fits(reorder, number))
        give_up_gap(rtp);
    if (number != reorder->next && fv_reorder_fits(reorder, number) &&
        fv_reorder_hold(reorder, number, (const uint8_t *)raw.data, raw.size, rtp->now) == 0)
        return 0;
    while (reorder->held && number > reorder->next)
        give_up_gap(rtp);
    int rc = take(rtp, packet, number, rtp->now);
    drain(rtp, false);
    return rc;
}

/* Another run of packets begins with `packet`. */
static void restart(struct fv_rtp *rtp, uint32_t ssrc, uint16_t seq)
{
    while (rtp->reorder.held)
        give_up_gap(rtp);
    if (rtp->started) {
        fv_delivery_lost(rtp);
        fv_assembly_abandon(&rtp->assembly);
        fv_delivery_restart(rtp);
        rtp->depay.lost = true;
        rtp->report_arrival = FV_TIME_UNKNOWN;
    }
    fv_sequence_start(&rtp->sequence, seq);
    rtp->ssrc = ssrc;
    rtp->started = true;
    rtp->reorder.next = seq;
    rtp->candidate.valid = false;
}

static int in_order(struct fv_rtp *rtp, const struct fv_rtp_packet *packet, struct fv_slice raw);

/* Keeps a copy of a packet that may begin another run. */
static void set_candidate(struct fv_rtp *rtp, const struct fv_rtp_packet *packet,
                          struct fv_slice raw)
{
    struct fv_candidate *candidate = &rtp->candidate;
    struct fv_buf *buf = NULL;
    fv_buf_unref(candidate->buf);
    if (fv_buf_get(rtp->params.pool, raw.size, &buf) == 0)
        memcpy(buf->data, raw.data, raw.size);
    *candidate = (struct fv_candidate){
        .valid = true,
        .refused = true,
        .ssrc = packet->ssrc,
        .seq = packet->seq,
        .buf = buf,
        .size = raw.size,
        .arrival = rtp->now,
    };
    rtp->stats.invalid++;
}

static bool proves_candidate(const struct fv_rtp *rtp, const struct fv_rtp_packet *packet)
{
    const struct fv_candidate *candidate = &rtp->candidate;
    return candidate->valid && candidate->ssrc == packet->ssrc &&
           (uint16_t)(candidate->seq + 1) == packet->seq;
}

/* The second packet in sequence came: takes the first out of its copy. */
static void replay_candidate(struct fv_rtp *rtp)
{
    struct fv_candidate first = rtp->candidate;
    struct fv_rtp_packet packet;
    bool bad_padding;
    rtp->candidate = (struct fv_candidate){0};
    rtp->stats.invalid -= first.refused;
    restart(rtp, first.ssrc, first.buf ? first.seq : (uint16_t)(first.seq + 1));
    if (first.buf && fv_rtp_parse_lenient(first.buf->data, first.size, &packet, &bad_padding) == 0)
        in_order(rtp, &packet, (struct fv_slice){(const char *)first.buf->data, first.size});
    fv_buf_unref(first.buf);
}

/* A.1: a packet of another source, or far from its turn. Two in sequence are believed. */
static int foreign(struct fv_rtp *rtp, const struct fv_rtp_packet *packet, struct fv_slice raw)
{
    if (!proves_candidate(rtp, packet)) {
        set_candidate(rtp, packet, raw);
        return -EBADMSG;
    }
    replay_candidate(rtp);
    return in_order(rtp, packet, raw);
}

/* A packet that comes too late, or twice. Over a reliable transport that is a restart with lower numbers: two in sequence prove it. */
static int behind(struct fv_rtp *rtp, const struct fv_rtp_packet *packet, struct fv_slice raw,
                  bool duplicate)
{
    if (duplicate)
        rtp->stats.duplicates++;
    else
        rtp->stats.reordered++;
    if (rtp->params.reorder != 0)
        return 0;
    if (proves_candidate(rtp, packet)) {
        replay_candidate(rtp);
        return in_order(rtp, packet, raw);
    }
    fv_buf_unref(rtp->candidate.buf);
    rtp->candidate = (struct fv_candidate){
        .valid = true,
        .ssrc = packet->ssrc,
        .seq = packet->seq,
        .arrival = rtp->now,
    };
    return 0;
}

/* One accepted packet. */
static void count(struct fv_rtp *rtp, size_t size)
{
    struct fv_rtp_stats *stats = &rtp->stats;
    int64_t lost = fv_sequence_lost(&rtp->sequence);
    stats->packets++;
    stats->bytes += size;
    stats->lost = rtp->sequence.lost_before + (lost > 0 ? (uint64_t)lost : 0);
    stats->jitter = rtp->sequence.jitter16 >> 4;
    stats->last_packet = rtp->now;
    stats->ended = false;
}

/* Packets far ahead were lost, not numbered anew: the source's time went on, by as much as they took. */
static bool outage(const struct fv_rtp *rtp, const struct fv_rtp_packet *packet)
{
    int64_t step, ahead = fv_sequence_ahead(&rtp->sequence, packet->seq);
    return ahead > 0 && fv_timeline_continues(&rtp->timeline, packet->timestamp, rtp->now, &step) &&
           step / PACKET_TIME_MIN >= ahead;
}

/* A packet of the source at hand. */
static int in_order(struct fv_rtp *rtp, const struct fv_rtp_packet *packet, struct fv_slice raw)
{
    int64_t number;
    enum fv_arrival arrival = fv_sequence_update(&rtp->sequence, packet->seq, &number);
    if (arrival == FV_ARRIVAL_JUMP) {
        if (!outage(rtp, packet))
            return foreign(rtp, packet, raw);
        fv_sequence_skip(&rtp->sequence, packet->seq);
        arrival = fv_sequence_update(&rtp->sequence, packet->seq, &number);
    }
    fv_sequence_jitter(&rtp->sequence, rtp->now, packet->timestamp);
    count(rtp, raw.size);
    if (arrival == FV_ARRIVAL_DUPLICATE || number < rtp->reorder.next)
        return behind(rtp, packet, raw, arrival == FV_ARRIVAL_DUPLICATE);
    rtp->candidate.valid = false;
    rtp->stats.reordered += arrival == FV_ARRIVAL_LATE;
    if (rtp->params.reorder != 0 && number != rtp->reorder.next)
        return hold(rtp, packet, number, raw);
    int rc = take(rtp, packet, number, rtp->now);
    if (rtp->reorder.held)
        drain(rtp, false);
    return rc;
}

/* Where the payload will go: as much as came in the last pass. */
static void prefetch_landing(struct fv_rtp *rtp)
{
    const struct fv_assembly *assembly = &rtp->assembly;
    uint64_t size = rtp->stats.bytes - rtp->bytes_then;
    rtp->bytes_then = rtp->stats.bytes;
    if (!assembly->bytes)
        return;
    size = size < LANDING_MAX ? size : LANDING_MAX;
    size = size < assembly->room - assembly->size ? size : assembly->room - assembly->size;
    for (uint64_t i = 0; i < size; i += 64)
        __builtin_prefetch(assembly->bytes + assembly->size + i, 0, 2);
}

void fv_rtp_prefetch(struct fv_rtp *receiver)
{
    for (size_t i = 0; i < offsetof(struct fv_rtp, sets); i += 64)
        __builtin_prefetch((const char *)receiver + i);
    __builtin_prefetch(&receiver->timeline);
    prefetch_landing(receiver);
}

int fv_rtp_input(struct fv_rtp *receiver, const uint8_t *packet, size_t size, int64_t now)
{
    struct fv_rtp_packet parsed;
    bool bad_padding;
    struct fv_slice raw = {(const char *)packet, size};
    receiver->now = now;
    if (fv_reorder_deadline(&receiver->reorder) <= now)
        fv_rtp_tick(receiver, now);
    if (fv_rtp_parse_lenient(packet, size, &parsed, &bad_padding) < 0 ||
        parsed.payload_type != receiver->params.payload_type) {
        receiver->stats.invalid++;
        return -EBADMSG;
    }
    if (bad_padding)
        fv_quirk_meet(&receiver->quirks, FV_QUIRK_PADDING_LIE);
    if (!receiver->started)
        restart(receiver, parsed.ssrc, parsed.seq);
    return parsed.ssrc == receiver->ssrc ? in_order(receiver, &parsed, raw)
                                         : foreign(receiver, &parsed, raw);
}

int64_t fv_rtp_deadline(const struct fv_rtp *receiver)
{
    return fv_reorder_deadline(&receiver->reorder);
}

void fv_rtp_tick(struct fv_rtp *receiver, int64_t now)
{
    receiver->now = now;
    while (fv_reorder_deadline(&receiver->reorder) <= now)
        give_up_gap(receiver);
}

const struct fv_rtp_stats *fv_rtp_stats(const struct fv_rtp *receiver)
{
    return &receiver->stats;
}

const struct fv_quirks *fv_rtp_quirks(const struct fv_rtp *receiver)
{
    return &receiver->quirks;
}
