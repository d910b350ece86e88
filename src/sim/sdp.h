// SPDX-License-Identifier: Apache-2.0
/* The description of a camera (RFC 8866; RFC 6184 8.2.1, RFC 7798 7.2.1). */
#ifndef FV_SIM_SDP_H
#define FV_SIM_SDP_H

#include "base/str.h"
#include "sim/clip.h"

#define FV_SIM_PAYLOAD_TYPE 96
#define FV_SIM_TRACK "track1" /* the control URL of the only stream, relative to the camera's */

void fv_sim_sdp(const struct fv_clip *clip, unsigned camera, struct fv_str *out);

#endif
