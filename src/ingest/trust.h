// SPDX-License-Identifier: Apache-2.0
/* Certificates to trust, read once for all cameras that trust the same. Any thread. */
#ifndef FV_INGEST_TRUST_H
#define FV_INGEST_TRUST_H

#include <pthread.h>

#include "base/list.h"
#include "loop/tls.h"

struct fv_trusts {
    pthread_mutex_t lock;
    struct fv_list all; /* under `lock` */
};
struct fv_trust;

void fv_trusts_init(struct fv_trusts *trusts);
void fv_trusts_finish(struct fv_trusts *trusts); /* all were put back */
/* Returns a reference. Errors as fv_tls_context_create(). */
int fv_trust_get(struct fv_trusts *trusts, bool verify, const char *ca_file,
                 struct fv_trust **ret_trust);
void fv_trust_put(struct fv_trusts *trusts, struct fv_trust *trust); /* NULL is fine */
const struct fv_tls_context *fv_trust_context(const struct fv_trust *trust);

#endif
