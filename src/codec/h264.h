// SPDX-License-Identifier: Apache-2.0
/* H.264 (ITU-T H.264, section numbers of its edition of 2021) beyond what all codecs of NAL units have (codec.h). */
#ifndef FV_CODEC_H264_H
#define FV_CODEC_H264_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a picture parameter set, NAL unit with header: is it read up to num_slice_groups_minus1 (7.3.2.2), and are the pictures one slice group,
 * as they are in all profiles that cameras use? */
bool fv_h264_one_slice_group(const uint8_t *nal, size_t size);

#endif
