// SPDX-License-Identifier: Apache-2.0
/* What the simulator's fuzz targets share. */
#ifndef FV_SIM_FUZZ_SESSION_H
#define FV_SIM_FUZZ_SESSION_H

#include "sim/session.h"

/* A clip of three pictures, 25 a second, made once from a few bytes: no file is read. */
const struct fv_clip *fuzz_clip(void);
/* Lets the socket take at most `limit` bytes. As fv_sim_session_sent(). */
int fuzz_drain(struct fv_sim_session *session, int64_t now, size_t limit);

#endif
