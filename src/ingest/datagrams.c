// SPDX-License-Identifier: Apache-2.0
/* One camera's media over UDP: ports, holes in firewalls, packets in, reports out. */
#include <errno.h>
#include <stdio.h>

#include "ingest/impl.h"

#define RECEIVE_BUFFER (2 << 20) /* some key pictures in a row */
#define BATCHES_MAX 16           /* of one camera before the next has its turn */

/* --- Packets in --- */

/* Returns where the last packet that counts came from, or NULL. */
static const struct fv_addr *take_batch(struct fv_camera *camera, bool rtcp, int count)
{
    const struct fv_addr *good = NULL;
    for (int i = 0; i < count; i++) {
        struct fv_datagram datagram = fv_datagrams_get(camera->ingest->datagrams, i);
        if (datagram.from && !fv_udp_expects(&camera->udp, rtcp, datagram.from)) {
            camera->sums.foreign++;
            continue;
        }
        good = datagram.from;
        if (datagram.cut)
            camera->sums.invalid++;
        else
            fv_camera_take_packet(camera, rtcp, datagram.data, datagram.size);
    }
    return good;
}

/* Returns the number of datagrams, or the error that was not "nothing there". */
static int take_all(struct fv_camera *camera, bool rtcp)
{
    struct fv_udp *udp = &camera->udp;
    int total = 0, n = FV_UDP_BATCH, fd = rtcp ? udp->rtcp.fd : udp->rtp.fd;
    const struct fv_addr *good = NULL;
    for (int i = 0; i < BATCHES_MAX && n == FV_UDP_BATCH; i++) {
        n = fv_datagrams_receive(camera->ingest->datagrams, fd, rtcp || !udp->sole);
        if (n < 0)
            return n == -EAGAIN ? total : n;
        good = take_batch(camera, rtcp, n);
        total += n;
    }
    if (good && !rtcp && n < FV_UDP_BATCH)
        fv_udp_narrow(udp, good);
    return total;
}

static void receive(struct fv_camera *camera, bool rtcp)
{
    fv_camera_look_ahead(camera);
    int n = take_all(camera, rtcp);
    if (n < 0) {
        fv_camera_failf(camera, n, "receiving by UDP: %s", fv_strerror(n));
        return;
    }
    if (n == 0 && !rtcp)
        fv_loop_found_nothing(&camera->udp.rtp);
    fv_camera_received(camera, !rtcp);
}

static void on_rtp(struct fv_io *io, unsigned events)
{
    receive(FV_CONTAINER(io, struct fv_camera, udp.rtp), false);
}

static void on_rtcp(struct fv_io *io, unsigned events)
{
    receive(FV_CONTAINER(io, struct fv_camera, udp.rtcp), true);
}

/* --- Ports and holes --- */

void fv_camera_init_udp(struct fv_camera *camera)
{
    camera->udp.on_rtp = on_rtp;
    camera->udp.on_rtcp = on_rtcp;
    fv_udp_init(&camera->udp);
}

int fv_camera_open_udp(struct fv_camera *camera)
{
    struct fv_addr local;
    int ret = fv_conn_local(&camera->conn, &local);
    if (ret == 0)
        ret = fv_udp_open(&camera->udp, camera->ingest->loop, &local, RECEIVE_BUFFER);
    if (ret < 0)
        return ret;
    camera->udp.rtp.steady = true;
    camera->udp.rtp.near = camera;
    return 0;
}

/* A firewall or a router on the way lets packets in only when some went out. RFC 3550 knows no empty packet: one with a header alone, and a
 * receiver report about nothing, are what servers expect here. */
void fv_camera_punch_holes(struct fv_camera *camera)
{
    static const uint8_t rtp[12] = {0x80, 0x60};
    static const uint8_t rtcp[8] = {0x80, 201, 0, 1};
    const struct fv_rtsp_stream *stream = fv_rtsp_stream(camera->rtsp);
    struct fv_addr peer = fv_conn_remote(&camera->conn);
    fv_udp_expect(&camera->udp, &peer, stream->source, stream->server_rtp_port,
                  stream->server_rtcp_port);
    /* Lost ones, or ports that are not known: then packets may still come. */
    fv_udp_send(&camera->udp, false, rtp, sizeof(rtp));
    fv_udp_send(&camera->udp, true, rtcp, sizeof(rtcp));
}

char *fv_camera_buffer_note(const struct fv_camera *camera, char *text, size_t size)
{
    text[0] = 0;
    if (camera->udp.rtp.fd >= 0 && camera->udp.receive_buffer < RECEIVE_BUFFER)
        snprintf(text, size,
                 "; the system grants %d KiB of receive buffer instead of %d (net.core.rmem_max)",
                 camera->udp.receive_buffer >> 10, RECEIVE_BUFFER >> 10);
    return text;
}
