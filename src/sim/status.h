// SPDX-License-Identifier: Apache-2.0
/* The words behind status codes (RFC 2326 7.1.1). */
#ifndef FV_SIM_STATUS_H
#define FV_SIM_STATUS_H

/* "Refused" for codes that the server does not know. Static. */
const char *fv_sim_reason(unsigned status);

#endif
