// SPDX-License-Identifier: Apache-2.0
/* A throw-away certificate. */
#ifndef FV_SIM_CERTIFICATE_H
#define FV_SIM_CERTIFICATE_H

struct evp_pkey_st;
struct x509_st;

/* A key (P-256) and a certificate signed by it: localhost, 127.0.0.1 and ::1, valid for 30 days
 * from an hour ago, a CA for itself. The caller frees both. 0 or -ENOMEM. */
int fv_sim_certificate_make(struct evp_pkey_st **ret_key, struct x509_st **ret_certificate);

#endif
