// SPDX-License-Identifier: Apache-2.0
#include "codec/sei.h"

#include "codec/annexb.h"

/* payloadType or payloadSize: bytes of 255 and one more, all added up. */
static bool read_number(const uint8_t *rbsp, size_t size, size_t *at, size_t *ret_number)
{
    size_t number = 0;
    while (*at < size) {
        uint8_t byte = rbsp[(*at)++];
        number += byte;
        if (byte != 255) {
            *ret_number = number;
            return true;
        }
    }
    return false;
}

bool fv_sei_find(const uint8_t *body, size_t size, unsigned type, uint8_t *rbsp,
                 struct fv_bits *ret_payload)
{
    size_t end = fv_rbsp_unescape(body, size, rbsp, FV_SEI_MAX), at = 0, found, length;
    while (read_number(rbsp, end, &at, &found) && read_number(rbsp, end, &at, &length)) {
        if (length > end - at)
            return false;
        if (found == type) {
            fv_bits_init(ret_payload, rbsp + at, length);
            return true;
        }
        at += length;
    }
    return false;
}
