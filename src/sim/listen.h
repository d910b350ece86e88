// SPDX-License-Identifier: Apache-2.0
/* "ADDR:PORT" -> a listening socket. */
#ifndef FV_SIM_LISTEN_H
#define FV_SIM_LISTEN_H

#include "base/error.h"
#include "loop/socket.h"

/* Non-blocking, close-on-exec. ret_bound: with the real port when 0 was asked for. 0, or negative
 * errno with a sentence. */
int fv_sim_listen(const char *address, int *ret_fd, struct fv_addr *ret_bound,
                  struct fv_error *err);

#endif
