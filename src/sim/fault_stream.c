// SPDX-License-Identifier: Apache-2.0
/* Faults of single packets: what a network does, and junk. */
#include "base/clock.h"
#include "sim/sick.h"

static int64_t ms_of(const struct fv_sim_case *c)
{
    return (int64_t)(c->spec->own[0] * (double)FV_MS);
}

/* loss: `count` packets of a burst are still to go. */
static void loss_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (c->count) {
        c->count--;
        packet->drop = true;
    } else if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY)) {
        c->count = (uint64_t)c->spec->own[0] - 1;
        packet->drop = true;
    }
}

static void duplicate_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        packet->copies = 2;
}

static void reorder_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        packet->delay += ms_of(c);
}

static void jitter_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        packet->hold +=
            (int64_t)(fv_rand_unit(&c->session->sick->rand) * c->spec->own[0] * (double)FV_MS);
}

/* freeze: `mark` is when it ends. */
static void freeze_tick(struct fv_sim_case *c)
{
    if (c->now >= c->mark && c->session->state == FV_SIM_PLAYING &&
        fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        c->mark = c->now + ms_of(c);
    c->session->sick->frozen |= c->now < c->mark;
}

static void garbage_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        packet->junk = (size_t)c->spec->own[0];
}

static void corrupt_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        packet->first = 0x40; /* version 1 (RFC 3550 5.1: it is 2) */
}

static void padding_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        packet->first |= 0x20;
}

static void marker_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        packet->marker = false;
}

static void channel_packet(struct fv_sim_case *c, struct fv_sim_packet *packet)
{
    if (fv_sim_strikes(c, FV_SIM_SINCE_PLAY))
        packet->channel = (uint8_t)c->spec->own[0];
}

/* What waits is bounded (FV_SIM_QUEUE_MAX): longer delays would not fit at usual rates. */
#define MS(value, most, text)                                                                      \
    {                                                                                              \
        {                                                                                          \
            .name = "ms", .preset = value, .low = 1, .high = most, .help = text                    \
        }                                                                                          \
    }

static const struct fv_sim_fault list[] = {
    {.name = "loss",
     .help = "packets are left out",
     .keys = {{.name = "burst", .preset = 1, .low = 1, .high = 10000, .help = "packets in a row"}},
     .probability = 0.01,
     .packet = loss_packet},
    {.name = "duplicate",
     .help = "packets are sent twice",
     .probability = 0.01,
     .packet = duplicate_packet},
    {.name = "reorder",
     .help = "packets come late, others overtake them",
     .keys = MS(20, 500, "by how much"),
     .probability = 0.01,
     .packet = reorder_packet},
    {.name = "jitter",
     .help = "packets come late by a random time, in order",
     .keys = MS(50, 500, "at most"),
     .packet = jitter_packet},
    {.name = "freeze",
     .help = "packets stay away, then come at once; what is more than 1 s late is lost",
     .once = true,
     .keys = MS(800, 10000, "how long"),
     .tick = freeze_tick},
    {.name = "garbage",
     .help = "bytes that are neither frame nor answer before a packet (UDP: a datagram)",
     .keys = {{.name = "size", .preset = 37, .low = 1, .high = 1400, .help = "bytes"}},
     .probability = 0.01,
     .packet = garbage_packet},
    {.name = "bad-version",
     .help = "packets say that they are RTP version 1",
     .probability = 0.01,
     .packet = corrupt_packet},
    {.name = "bad-padding",
     .help = "packets have the padding bit, but no padding",
     .packet = padding_packet},
    {.name = "no-marker", .help = "no packet has the marker bit", .packet = marker_packet},
    {.name = "wrong-channel",
     .help = "TCP: packets come on another channel than agreed",
     .keys = {{.name = "by",
               .preset = 10,
               .low = 1,
               .high = 255,
               .help = "added to the channel's number"}},
     .packet = channel_packet},
};

const struct fv_sim_faults fv_sim_faults_stream = {list, sizeof(list) / sizeof(*list)};
