// SPDX-License-Identifier: Apache-2.0
/*
 * Pictures of codecs without NAL units -> RTP payloads: JPEG (RFC 2435, tables in the first packet), VP9 (RFC 9628, a frame or
 * superframe as it is), AV1 (its RTP payload specification, OBUs without sizes, as many to a packet as fit). Pure functions; no
 * allocation.
 */
#ifndef FV_SIM_PACKETIZE_WHOLE_H
#define FV_SIM_PACKETIZE_WHOLE_H

#include "sim/packetize.h"

struct fv_whole_packetizer {
    enum fv_codec codec;
    /* As fv_packetizer.emit. */
    int (*emit)(void *data, struct fv_nal head, struct fv_nal body);
    void *data;
};

/* One access unit (flow.h). 0, what emit() said, -EBADMSG, or -ENOTSUP: RTP does not carry such a picture (JPEG that is not baseline
 * 4:2:0 or 4:2:2 with the usual Huffman tables), or nobody here sends it. */
int fv_packetize_whole(const struct fv_whole_packetizer *packetizer, const uint8_t *au, size_t size,
                       bool key);
/* Why RTP does not carry this JPEG image, in words, or NULL. */
const char *fv_packetize_jpeg_refusal(const uint8_t *au, size_t size);

#endif
