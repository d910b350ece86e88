// SPDX-License-Identifier: Apache-2.0
#include "sim/transport.h"

#include <errno.h>

#include "rtp/packet.h"
#include "rtsp/message.h"

/* "4-5", or "4" for a single channel: RTCP takes the next. */
static int parse_channels(struct fv_slice text, struct fv_sim_route *route)
{
    uint64_t rtp, rtcp;
    struct fv_slice rest = text;
    struct fv_slice first = fv_slice_trim(fv_slice_cut(&rest, '-'));
    if (fv_slice_u64(first, 255, &rtp) < 0)
        return -EINVAL;
    rtcp = rtp + 1;
    if (rest.size && fv_slice_u64(fv_slice_trim(rest), 255, &rtcp) < 0)
        return -EINVAL;
    if (rtcp > 255 || rtcp == rtp)
        return -EINVAL;
    route->rtp_channel = (uint8_t)rtp;
    route->rtcp_channel = (uint8_t)rtcp;
    return 0;
}

static int accept_interleaved(struct fv_slice parameters, struct fv_sim_route *route)
{
    struct fv_slice key, value;
    route->rtp_channel = 0;
    route->rtcp_channel = 1;
    while (fv_rtsp_next_param(&parameters, ';', &key, &value)) {
        if (fv_slice_eq_nocase(key, FV_SLICE("multicast")))
            return -EINVAL;
        if (fv_slice_eq_nocase(key, FV_SLICE("mode")) &&
            !fv_slice_eq_nocase(value, FV_SLICE("PLAY")))
            return -EINVAL;
        if (fv_slice_eq_nocase(key, FV_SLICE("interleaved")) && parse_channels(value, route) < 0)
            return -EINVAL;
    }
    return 0;
}

static void answer_interleaved(const struct fv_sim_route *route, struct fv_str *out)
{
    fv_str_addf(out, ";unicast;interleaved=%u-%u", route->rtp_channel, route->rtcp_channel);
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

static const struct fv_sim_transport transports[] = {
    {"RTP/AVP/TCP", accept_interleaved, answer_interleaved, frame_interleaved},
};

static int try_offer(struct fv_slice offer, struct fv_sim_route *ret_route)
{
    struct fv_slice profile = fv_slice_trim(fv_slice_cut(&offer, ';'));
    for (size_t i = 0; i < sizeof(transports) / sizeof(*transports); i++) {
        struct fv_sim_route route = {.transport = &transports[i]};
        if (fv_slice_eq_nocase(profile, fv_slice_of(transports[i].profile)) &&
            transports[i].accept(offer, &route) == 0) {
            *ret_route = route;
            return 0;
        }
    }
    return -ENOTSUP;
}

int fv_sim_transport_choose(struct fv_slice header, struct fv_sim_route *ret_route)
{
    while (header.size)
        if (try_offer(fv_slice_cut(&header, ','), ret_route) == 0)
            return 0;
    return -ENOTSUP;
}
