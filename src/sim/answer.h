// SPDX-License-Identifier: Apache-2.0
/* Between session.c and answer.c: the RTSP methods (RFC 2326 10). */
#ifndef FV_SIM_ANSWER_H
#define FV_SIM_ANSWER_H

#include "sim/session.h"

/* Answers a request: changes the session's state and queues the response. 0, or negative errno:
 * close at once. */
int fv_sim_answer(struct fv_sim_session *session, const struct fv_rtsp_message *request,
                  int64_t now);
/* Queues a 400 for bytes that are no request. */
int fv_sim_answer_garbage(struct fv_sim_session *session);

/* In session.c: queues bytes to send. 0, -ENOBUFS, -ENOMEM. */
int fv_sim_session_put(struct fv_sim_session *session, const void *data, size_t size);
/* In session.c: READY -> PLAYING. */
void fv_sim_session_play(struct fv_sim_session *session, int64_t now);

#endif
