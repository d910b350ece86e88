// SPDX-License-Identifier: Apache-2.0
/*
 * What of an access unit the driver's parser gets. It trusts some of what it reads: on damaged or hostile bytes of these kinds it ends
 * the process (driver 580; tests/gpu/parser_check.c finds such bytes). None of them is needed to decode.
 *
 *   H.265  video parameter sets, and NAL units of other layers than the base layer's: left out; sequence parameter sets with counts beyond
 *          the standard's bounds: refused
 *   JPEG   application segments and comments: left out; headers that are not as T.81 has them (fv_jpeg_check()), of which a Huffman table of
 *          a number beyond 3 was written over the heap, and a segment shorter than its content read for seconds: refused
 *   VP9    a superframe that its frames do not fill: refused
 *   AV1    OBUs whose sizes lead out of the access unit: refused
 */
#ifndef FV_DECODE_NVDEC_PACKET_H
#define FV_DECODE_NVDEC_PACKET_H

#include "base/error.h"
#include "flow.h"

#define FV_NVDEC_PACKETS_MAX 8

struct fv_nvdec_packet {
    const uint8_t *data; /* within the access unit */
    size_t size;         /* >= 1 */
};

/* The packets to hand over, in order: of most access units one, all of it. Returns their number, 1 to FV_NVDEC_PACKETS_MAX; -EBADMSG,
 * -ENOTSUP: one that must not be handed over, or nothing of it is left. Pure; borrows `au`, whose buffer is there and not empty. */
int fv_nvdec_packets(const struct fv_au *au,
                     struct fv_nvdec_packet ret_packets[FV_NVDEC_PACKETS_MAX],
                     struct fv_error *err);

#endif
