// SPDX-License-Identifier: Apache-2.0
/*
 * What of an access unit the driver's parser gets. It trusts some of what it reads: on damaged or hostile bytes of these kinds it ends
 * the process, or stays in a loop for seconds to minutes (driver 580; tests/gpu/parser_check.c finds such bytes). What is left out is not
 * needed to decode.
 *
 *   H.264  picture parameter sets with slice groups, or that cannot be read so far: refused
 *   H.265  video parameter sets, and NAL units of other layers than the base layer's: left out; sequence parameter sets with counts beyond
 *          the standard's bounds, or that the parser reads otherwise than the standard has it (fv_h265_counts_fit()): refused
 *   JPEG   application segments, comments, and what comes behind the scans, of which the decoder would take tables and headers again: left
 *          out; headers that are not as T.81 has them (fv_jpeg_check()), of which a Huffman table of a number beyond 3 was written over the
 *          heap, and a segment shorter than its content read for seconds: refused
 *   VP9    a superframe that its frames do not fill: refused
 *   AV1    all but sequence headers, frames and tile groups of operating point 0: left out; headers that cannot be read to their end, or
 *          refer to what is not there, and tile groups that do not add up to their frame: refused
 */
#ifndef FV_DECODE_NVDEC_PACKET_H
#define FV_DECODE_NVDEC_PACKET_H

#include "base/error.h"
#include "codec/av1_frame.h"
#include "flow.h"

#define FV_NVDEC_PACKETS_MAX 8

struct fv_nvdec_packet {
    const uint8_t *data; /* within the access unit */
    size_t size;         /* >= 1 */
    int pictures;        /* to be decoded of it; -1: not looked at */
};

/* What the parser knows from access units before. AV1's headers hang on it. All 0: nothing. */
struct fv_nvdec_known {
    struct fv_av1_stream av1;
};

/* The packets to hand over, in order: of most access units one; of AV1 no more than one frame in each. Returns their number, 0 to
 * FV_NVDEC_PACKETS_MAX; -EBADMSG, -ENOTSUP: one that must not be handed over. Pure; borrows `au`, whose buffer is there and not
 * empty. `known` goes on as if all of them were parsed: when the parser refuses one, or makes another number of pictures of it, set it to 0,
 * and the stream goes on with a sequence header and a key frame. */
int fv_nvdec_packets(const struct fv_au *au, struct fv_nvdec_known *known,
                     struct fv_nvdec_packet ret_packets[FV_NVDEC_PACKETS_MAX],
                     struct fv_error *err);

#endif
