// SPDX-License-Identifier: Apache-2.0
/* H.265 (ITU-T H.265, section numbers of its edition of 2021) beyond what all codecs of NAL units have (codec.h). */
#ifndef FV_CODEC_H265_H
#define FV_CODEC_H265_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a sequence parameter set, NAL unit with header: are the counts of what it repeats (reference picture sets, coded picture buffers of the
 * HRD parameters) within the standard's bounds, is everything there up to them, and does NVIDIA's parser read the same? It takes
 * a present flag of a sub-layer for 1 when one before was (driver 580). fv_codec_ops.parse_sps() does not mind. */
bool fv_h265_counts_fit(const uint8_t *nal, size_t size);

#endif
