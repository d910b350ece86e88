// SPDX-License-Identifier: Apache-2.0
/* Supplemental enhancement information: the messages of both standards look alike (H.264 7.3.2.3.1, H.265 7.3.5). */
#ifndef FV_CODEC_SEI_H
#define FV_CODEC_SEI_H

#include "codec/bits.h"

#define FV_SEI_MAX 1024         /* bytes of a NAL unit that are looked at */
#define FV_SEI_RECOVERY_POINT 6 /* payloadType in both standards */

/* The payload of the first message of this type in an SEI NAL unit without its header, which may hold emulation prevention.
 * `rbsp` holds FV_SEI_MAX bytes and must live as long as `ret_payload`. */
bool fv_sei_find(const uint8_t *body, size_t size, unsigned type, uint8_t *rbsp,
                 struct fv_bits *ret_payload);

#endif
