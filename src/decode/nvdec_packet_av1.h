// SPDX-License-Identifier: Apache-2.0
/*
 * fv_nvdec_packets() of AV1. The driver's parser (580) does not look whether it could read a frame's header: it goes on behind wherever it stopped,
 * follows the sizes of tiles without looking where its packet ends, and counts five pictures of a packet that are shown into a table of four. In
 * slots that no frame stands in it finds pictures that are none. Of a key frame that is shown a second time it loses all references. So it only
 * gets what was read to its end here, from a shown key frame on.
 */
#ifndef FV_DECODE_NVDEC_PACKET_AV1_H
#define FV_DECODE_NVDEC_PACKET_AV1_H

#include "decode/nvdec_packet.h"

/* Terms as there; `known` stays as it is when the access unit is refused. */
int fv_nvdec_av1_packets(const struct fv_au *au, struct fv_av1_stream *known,
                         struct fv_nvdec_packet ret_packets[FV_NVDEC_PACKETS_MAX],
                         struct fv_error *err);

#endif
