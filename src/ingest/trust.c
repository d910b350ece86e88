// SPDX-License-Identifier: Apache-2.0
#include "ingest/trust.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

struct fv_trust {
    struct fv_list link;
    unsigned users; /* under the lock */
    bool verify;
    char *ca_file;
    struct fv_tls_context *context;
};

void fv_trusts_init(struct fv_trusts *trusts)
{
    pthread_mutex_init(&trusts->lock, NULL);
    fv_list_init(&trusts->all);
}

void fv_trusts_finish(struct fv_trusts *trusts)
{
    pthread_mutex_destroy(&trusts->lock);
}

static void destroy(struct fv_trust *trust)
{
    fv_tls_context_destroy(trust->context);
    fv_free(trust->ca_file);
    fv_free(trust);
}

static struct fv_trust *find(struct fv_trusts *trusts, bool verify, const char *ca_file)
{
    FV_LIST_FOR (it, &trusts->all) {
        struct fv_trust *trust = FV_CONTAINER(it, struct fv_trust, link);
        if (trust->verify == verify && strcmp(trust->ca_file, ca_file) == 0)
            return trust;
    }
    return NULL;
}

static int add(struct fv_trusts *trusts, bool verify, const char *ca_file,
               struct fv_trust **ret_trust)
{
    struct fv_trust *trust = FV_NEW(struct fv_trust);
    if (!trust)
        return -ENOMEM;
    trust->verify = verify;
    trust->ca_file = fv_strdup(ca_file);
    int ret =
        trust->ca_file ? fv_tls_context_create(verify, ca_file, &trust->context, NULL) : -ENOMEM;
    if (ret < 0) {
        destroy(trust);
        return ret;
    }
    fv_list_append(&trusts->all, &trust->link);
    *ret_trust = trust;
    return 0;
}

int fv_trust_get(struct fv_trusts *trusts, bool verify, const char *ca_file,
                 struct fv_trust **ret_trust)
{
    pthread_mutex_lock(&trusts->lock);
    struct fv_trust *trust = find(trusts, verify, ca_file);
    int ret = trust ? 0 : add(trusts, verify, ca_file, &trust);
    if (ret == 0) {
        trust->users++;
        *ret_trust = trust;
    }
    pthread_mutex_unlock(&trusts->lock);
    return ret;
}

void fv_trust_put(struct fv_trusts *trusts, struct fv_trust *trust)
{
    if (!trust)
        return;
    pthread_mutex_lock(&trusts->lock);
    if (--trust->users == 0) {
        fv_list_remove(&trust->link);
        destroy(trust);
    }
    pthread_mutex_unlock(&trusts->lock);
}

const struct fv_tls_context *fv_trust_context(const struct fv_trust *trust)
{
    return trust->context;
}
