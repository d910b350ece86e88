// SPDX-License-Identifier: Apache-2.0
/* What the subcommands that receive have in common: ingest and probe. */
#ifndef FV_TOOLS_RECEIVE_H
#define FV_TOOLS_RECEIVE_H

#include <jansson.h>

#include "fovea/receiver.h"

/* "tcp", "udp" or "auto". Returns an enum fv_exit; a failure was printed. */
int fv_tool_transport(const char *tool, const char *text, struct fv_receiver_camera *camera);
/* Monotonic, ns: the clock of fovea/event.h. */
int64_t fv_tool_now(void);
/* CPU time of the process, user and system. */
double fv_tool_cpu_s(void);
/* Raises the limit of descriptors to `wanted` as far as allowed; complains when it stays below `needed`. */
void fv_tool_descriptors(const char *tool, unsigned wanted, unsigned needed);
/* A JSON string of any bytes: what is no UTF-8 becomes '?'. NULL when out of memory. */
json_t *fv_tool_json_text(const char *text);

#endif
