// SPDX-License-Identifier: Apache-2.0
#include "sim/transport.h"

#include <errno.h>

#include "rtp/packet.h"
#include "rtsp/message.h"

/* "4-5", or "4" for a single number: the other is the next one. */
static int parse_pair(struct fv_slice text, uint64_t max, uint16_t *ret_pair)
{
    uint64_t first, second;
    struct fv_slice rest = text;
    struct fv_slice head = fv_slice_trim(fv_slice_cut(&rest, '-'));
    if (fv_slice_u64(head, max, &first) < 0)
        return -EINVAL;
    second = first + 1;
    if (rest.size && fv_slice_u64(fv_slice_trim(rest), max, &second) < 0)
        return -EINVAL;
    if (second > max || second == first)
        return -EINVAL;
    ret_pair[0] = (uint16_t)first;
    ret_pair[1] = (uint16_t)second;
    return 0;
}

/* What no transport here can do. */
static bool is_foreign(struct fv_slice key, struct fv_slice value)
{
    return fv_slice_eq_nocase(key, FV_SLICE("multicast")) ||
           (fv_slice_eq_nocase(key, FV_SLICE("mode")) &&
            !fv_slice_eq_nocase(value, FV_SLICE("PLAY")));
}

static int accept_interleaved(struct fv_slice parameters, struct fv_sim_route *route)
{
    struct fv_slice key, value;
    uint16_t channels[2] = {0, 1};
    while (fv_rtsp_next_param(&parameters, ';', &key, &value)) {
        if (is_foreign(key, value))
            return -EINVAL;
        if (fv_slice_eq_nocase(key, FV_SLICE("interleaved")) &&
            parse_pair(value, 255, channels) < 0)
            return -EINVAL;
    }
    route->rtp_channel = (uint8_t)channels[0];
    route->rtcp_channel = (uint8_t)channels[1];
    return 0;
}

static void answer_interleaved(const struct fv_sim_route *route, struct fv_str *out)
{
    fv_str_addf(out, ";unicast;interleaved=%u-%u;ssrc=%08X", route->rtp_channel,
                route->rtcp_channel, route->ssrc);
}

/* RFC 2326 10.12 */
static size_t frame_interleaved(const struct fv_sim_route *route, bool rtcp, size_t size,
                                uint8_t *out)
{
    out[0] = '$';
    out[1] = rtcp ? route->rtcp_channel : route->rtp_channel;
    fv_put16(out + 2, (uint16_t)size);
    return 4;
}

/* A client's `destination` is not looked at: packets go to where the connection came from, so that
 * nobody can be flooded in another's name. */
static int accept_datagrams(struct fv_slice parameters, struct fv_sim_route *route)
{
    struct fv_slice key, value;
    while (fv_rtsp_next_param(&parameters, ';', &key, &value)) {
        if (is_foreign(key, value))
            return -EINVAL;
        if (fv_slice_eq_nocase(key, FV_SLICE("client_port")) &&
            parse_pair(value, 65535, route->client_ports) < 0)
            return -EINVAL;
    }
    return route->client_ports[0] && route->client_ports[1] ? 0 : -EINVAL;
}

static void answer_datagrams(const struct fv_sim_route *route, struct fv_str *out)
{
    fv_str_addf(out, ";unicast;client_port=%u-%u;server_port=%u-%u", route->client_ports[0],
                route->client_ports[1], route->server_ports[0], route->server_ports[1]);
    if (route->source && route->source[0])
        fv_str_addf(out, ";source=%s", route->source);
    fv_str_addf(out, ";ssrc=%08X", route->ssrc);
}

static size_t frame_datagram(const struct fv_sim_route *route, bool rtcp, size_t size, uint8_t *out)
{
    return 0;
}

static const struct fv_sim_transport transports[] = {
    {"RTP/AVP/TCP", FV_SIM_VIA_TCP, false, accept_interleaved, answer_interleaved,
     frame_interleaved},
    {"RTP/AVP", FV_SIM_VIA_UDP, true, accept_datagrams, answer_datagrams, frame_datagram},
    {"RTP/AVP/UDP", FV_SIM_VIA_UDP, true, accept_datagrams, answer_datagrams, frame_datagram},
};

static int try_offer(struct fv_slice offer, unsigned via, struct fv_sim_route *ret_route)
{
    struct fv_slice profile = fv_slice_trim(fv_slice_cut(&offer, ';'));
    for (size_t i = 0; i < sizeof(transports) / sizeof(*transports); i++) {
        struct fv_sim_route route = {.transport = &transports[i]};
        if (transports[i].via & via &&
            fv_slice_eq_nocase(profile, fv_slice_of(transports[i].profile)) &&
            transports[i].accept(offer, &route) == 0) {
            *ret_route = route;
            return 0;
        }
    }
    return -ENOTSUP;
}

int fv_sim_transport_choose(struct fv_slice header, unsigned via, struct fv_sim_route *ret_route)
{
    while (header.size)
        if (try_offer(fv_slice_cut(&header, ','), via, ret_route) == 0)
            return 0;
    return -ENOTSUP;
}
