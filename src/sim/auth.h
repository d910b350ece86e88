// SPDX-License-Identifier: Apache-2.0
/* The server's side of Digest authentication (RFC 7616, RFC 2617, RFC 2069 without qop): MD5 and
 * SHA-256. */
#ifndef FV_SIM_AUTH_H
#define FV_SIM_AUTH_H

#include "rtsp/message.h"

struct fv_sim_auth {
    const char *user, *password; /* NULL: everyone is welcome */
};

/* Two WWW-Authenticate lines. SHA-256 stands first; clients that know one algorithm only tend to
 * take the last they understand. */
void fv_sim_auth_challenge(const char *nonce, struct fv_str *headers);
/* 0, or -EACCES: no credentials, wrong ones, or for another nonce or URI. */
int fv_sim_auth_check(const struct fv_sim_auth *auth, const char *nonce,
                      const struct fv_rtsp_message *request);

#endif
