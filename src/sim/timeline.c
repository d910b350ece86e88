// SPDX-License-Identifier: Apache-2.0
#include "sim/timeline.h"

#include "base/clock.h"

/* 90 kHz: 9 ticks are 100,000 ns, exactly. No overflow within 30 years. */
static int64_t to_ns(int64_t ticks)
{
    return ticks * 100000 / 9;
}

static int64_t to_ticks(int64_t ns)
{
    return ns * 9 / 100000;
}

static const struct fv_clip_au *entry_of(const struct fv_sim_timeline *timeline, uint64_t au)
{
    return &timeline->clip->aus[au % timeline->clip->au_count];
}

/* Tick at which the round that holds `au` began. */
static int64_t round_of(const struct fv_sim_timeline *timeline, uint64_t au)
{
    return (int64_t)(au / timeline->clip->au_count) * timeline->clip->ticks;
}

static int64_t due_of(const struct fv_sim_timeline *timeline, uint64_t au, uint32_t packet)
{
    const struct fv_clip_au *entry = entry_of(timeline, au);
    int64_t spread = (int64_t)entry->duration * packet / entry->packet_count;
    return timeline->start + to_ns(round_of(timeline, au) + entry->send + spread);
}

/* Access unit `au` begins at `now`; what was before is forgotten. */
static void begin(struct fv_sim_timeline *timeline, uint64_t au, int64_t now)
{
    timeline->au = au;
    timeline->next_au = au + 1;
    timeline->packet = 0;
    timeline->skipped = 0;
    timeline->start += now - due_of(timeline, au, 0);
}

void fv_sim_timeline_start(struct fv_sim_timeline *timeline, const struct fv_clip *clip,
                           uint32_t au, int64_t now, struct fv_rand *rand)
{
    *timeline = (struct fv_sim_timeline){
        .clip = clip,
        .rtp_base = (uint32_t)fv_rand_u64(rand),
        .ssrc = (uint32_t)fv_rand_u64(rand),
        .seq = (uint16_t)fv_rand_u64(rand),
    };
    begin(timeline, au, now);
}

void fv_sim_timeline_resume(struct fv_sim_timeline *timeline, int64_t now)
{
    const uint32_t count = timeline->clip->au_count;
    const int64_t live = to_ticks(now - timeline->start) / timeline->clip->ticks;
    uint64_t au = timeline->au;
    if (live > (int64_t)(au / count))
        au = (uint64_t)live * count;
    while (!entry_of(timeline, au)->key || due_of(timeline, au, 0) < now)
        au++;
    const int64_t before = timeline->start;
    begin(timeline, au, now);
    timeline->rtp_base -= (uint32_t)to_ticks(before - timeline->start);
}

void fv_sim_timeline_peek(const struct fv_sim_timeline *timeline,
                          struct fv_sim_timeline_packet *ret_packet)
{
    const struct fv_clip_au *entry = entry_of(timeline, timeline->au);
    const struct fv_clip_packet *packet =
        &timeline->clip->packets[entry->packet + timeline->packet];
    *ret_packet = (struct fv_sim_timeline_packet){
        .due = due_of(timeline, timeline->au, timeline->packet),
        .payload = timeline->clip->bytes + packet->offset,
        .size = packet->size,
        .seq = timeline->seq,
        .timestamp =
            timeline->rtp_base + (uint32_t)(round_of(timeline, timeline->au) + entry->time),
        .marker = timeline->packet + 1 == entry->packet_count,
    };
}

void fv_sim_timeline_advance(struct fv_sim_timeline *timeline)
{
    timeline->seq++;
    if (++timeline->packet < entry_of(timeline, timeline->au)->packet_count)
        return;
    timeline->seq = (uint16_t)(timeline->seq + timeline->skipped);
    timeline->au = timeline->next_au++;
    timeline->packet = 0;
    timeline->skipped = 0;
}

bool fv_sim_timeline_at_key(const struct fv_sim_timeline *timeline)
{
    return entry_of(timeline, timeline->au)->key;
}

void fv_sim_timeline_skip(struct fv_sim_timeline *timeline)
{
    timeline->au = timeline->next_au++;
}

void fv_sim_timeline_switch(struct fv_sim_timeline *timeline, const struct fv_clip *clip)
{
    struct fv_sim_timeline_packet next;
    fv_sim_timeline_peek(timeline, &next);
    timeline->clip = clip;
    begin(timeline, 0, next.due);
    timeline->rtp_base = next.timestamp - (uint32_t)clip->aus[0].time;
}

uint64_t fv_sim_timeline_shed(struct fv_sim_timeline *timeline, int64_t now, int64_t limit)
{
    uint64_t shed = 0;
    uint64_t au = timeline->packet ? timeline->next_au : timeline->au;
    while (now - due_of(timeline, au, 0) > limit)
        shed += entry_of(timeline, au++)->packet_count;
    if (timeline->packet) {
        timeline->next_au = au;
        timeline->skipped += (uint32_t)shed;
    } else {
        timeline->au = au;
        timeline->next_au = au + 1;
        timeline->seq = (uint16_t)(timeline->seq + shed);
    }
    return shed;
}

uint32_t fv_sim_timeline_rtp_at(const struct fv_sim_timeline *timeline, int64_t now)
{
    return timeline->rtp_base + (uint32_t)to_ticks(now - timeline->start);
}
