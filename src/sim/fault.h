// SPDX-License-Identifier: Apache-2.0
/* Where a misbehaving camera differs from a good one. A session asks this table at the named
 * moments; every hook may be NULL. */
#ifndef FV_SIM_FAULT_H
#define FV_SIM_FAULT_H

#include <stdbool.h>

#include "base/slice.h"

struct fv_sim_fault {
    /* Before a request is looked at. 0: go on; 300..599: answer with this status instead;
     * negative: close without an answer. */
    int (*request)(void *data, struct fv_slice method);
    /* After `packets` RTP packets in all went to a client. True: close the connection. */
    bool (*sent)(void *data, uint64_t packets);
    void *data;
};

#endif
