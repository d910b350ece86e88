// SPDX-License-Identifier: Apache-2.0
/* "ADDR:PORT" -> a listening socket. */
#ifndef FV_SIM_LISTEN_H
#define FV_SIM_LISTEN_H

#include <stdint.h>

#include "base/error.h"

/* Non-blocking, close-on-exec. ret_port: the real one when 0 was asked for. 0, or negative errno
 * with a sentence. */
int fv_sim_listen(const char *address, int *ret_fd, uint16_t *ret_port, struct fv_error *err);

#endif
