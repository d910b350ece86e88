// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an RTP packet: refused, or the payload lies inside. */
#include <stdlib.h>

#include "rtp/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_rtp_packet strict, lenient;
    bool bad_padding;
    int rc = fv_rtp_parse_lenient(data, size, &lenient, &bad_padding);
    if (rc == 0 &&
        (lenient.payload < data + 12 || lenient.payload + lenient.payload_size > data + size))
        abort();
    bool accepted = fv_rtp_parse(data, size, &strict) == 0;
    if (accepted != (rc == 0 && !bad_padding))
        abort();
    if (accepted &&
        (strict.payload != lenient.payload || strict.payload_size != lenient.payload_size))
        abort();
    return 0;
}
