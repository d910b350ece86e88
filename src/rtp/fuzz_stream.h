// SPDX-License-Identifier: Apache-2.0
/* Shared by the fuzz targets of the depacketizers: a sequence of packets through a receiver, with its promises checked. */
#ifndef FV_RTP_FUZZ_STREAM_H
#define FV_RTP_FUZZ_STREAM_H

#include "flow.h"

/* Bytes: a control byte (bit 0: UDP, bit 1: flag loss), then packets: length (1 byte; 0: time passes by 20 ms), sequence step
 * (signed byte, 0 means 1), timestamp step (byte, 100 ticks each), flags (bit 7: marker, bit 6: a raw packet with its own header,
 * bit 5: RTCP, bit 4: another source), payload. */
void fv_fuzz_stream(enum fv_codec codec, const uint8_t *data, size_t size);

#endif
