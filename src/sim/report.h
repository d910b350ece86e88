// SPDX-License-Identifier: Apache-2.0
/* RTCP compound packets of a sender: SR + SDES with CNAME (RFC 3550 6.4.1, 6.5), BYE
 * on request. */
#ifndef FV_SIM_REPORT_H
#define FV_SIM_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FV_SIM_REPORT_SIZE 128 /* no report is larger */

struct fv_sim_report {
    uint32_t ssrc;
    uint32_t rtp_time;        /* belongs to `wall` */
    int64_t wall;             /* ns since 1970 */
    uint32_t packets, octets; /* sent so far; octets of payload */
    const char *cname;        /* at most 60 bytes are used */
    bool bye;                 /* says goodbye (6.6) */
};

/* Returns the size. `out` holds FV_SIM_REPORT_SIZE bytes. */
size_t fv_sim_report_write(const struct fv_sim_report *report, uint8_t *out);

#endif
