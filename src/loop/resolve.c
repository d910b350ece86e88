// SPDX-License-Identifier: Apache-2.0
#include "loop/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/thread.h"

struct fv_resolve_job {
    struct fv_list link;
    struct fv_resolve *asker; /* loop's thread; NULL: cancelled */
    bool queued;              /* under the lock */
    char host[256];
    uint16_t port;
    int code;
    struct fv_addrs addrs;
};

/* Shared by the loop's thread and the helpers: the last of its users frees it, so destroy never waits for a name server. */
struct fv_resolver {
    pthread_mutex_t lock;
    unsigned users; /* the owner, each helper, each posted delivery */
    unsigned threads;
    struct fv_loop *loop; /* NULL: destroyed */
    struct fv_list queue, answers;
    bool posted; /* a delivery is under way */
};

int fv_resolver_create(struct fv_loop *loop, struct fv_resolver **ret_resolver)
{
    struct fv_resolver *resolver = FV_NEW(struct fv_resolver);
    if (!resolver)
        return -ENOMEM;
    pthread_mutex_init(&resolver->lock, NULL);
    resolver->users = 1;
    resolver->loop = loop;
    fv_list_init(&resolver->queue);
    fv_list_init(&resolver->answers);
    *ret_resolver = resolver;
    return 0;
}

static void free_jobs(struct fv_list *jobs)
{
    FV_LIST_FOR (it, jobs) {
        struct fv_resolve_job *job = FV_CONTAINER(it, struct fv_resolve_job, link);
        fv_list_remove(it);
        if (job->asker)
            job->asker->job = NULL;
        fv_free(job);
    }
}

/* With the lock held; gives it back. */
static void leave(struct fv_resolver *resolver)
{
    bool last = --resolver->users == 0;
    pthread_mutex_unlock(&resolver->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&resolver->lock);
    fv_free(resolver);
}

void fv_resolver_destroy(struct fv_resolver *resolver)
{
    if (!resolver)
        return;
    pthread_mutex_lock(&resolver->lock);
    resolver->loop = NULL;
    free_jobs(&resolver->queue);
    free_jobs(&resolver->answers);
    leave(resolver);
}

static struct fv_resolve_job *take_job(struct fv_list *list)
{
    if (fv_list_empty(list))
        return NULL;
    struct fv_resolve_job *job = FV_CONTAINER(list->next, struct fv_resolve_job, link);
    fv_list_remove(&job->link);
    return job;
}

static void answer(struct fv_resolve_job *job)
{
    struct fv_resolve *asker = job->asker;
    if (asker) {
        asker->job = NULL;
        asker->done(asker, job->code, &job->addrs);
    }
    fv_free(job);
}

static void deliver(void *data)
{
    struct fv_resolver *resolver = data;
    struct fv_resolve_job *job;
    pthread_mutex_lock(&resolver->lock);
    resolver->posted = false;
    while ((job = take_job(&resolver->answers))) {
        pthread_mutex_unlock(&resolver->lock);
        answer(job);
        pthread_mutex_lock(&resolver->lock);
    }
    leave(resolver);
}

static void collect(struct fv_resolve_job *job, const struct addrinfo *found)
{
    for (; found && job->addrs.count < FV_ADDRS_MAX; found = found->ai_next) {
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
            continue;
        struct fv_addr *addr = &job->addrs.list[job->addrs.count++];
        memcpy(&addr->sa, found->ai_addr, found->ai_addrlen);
        addr->size = found->ai_addrlen;
    }
}

static int code_of(int error)
{
    switch (error) {
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_AGAIN:
    case EAI_SYSTEM:
        return -EAGAIN;
    default:
        return -ENOENT;
    }
}

static void look_up(struct fv_resolve_job *job)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char port[8];
    snprintf(port, sizeof(port), "%u", job->port);
    int error = getaddrinfo(job->host, port, &hints, &found);
    if (error) {
        job->code = code_of(error);
        return;
    }
    collect(job, found);
    freeaddrinfo(found);
    job->code = job->addrs.count ? 0 : -ENOENT;
}

/* With the lock held. Should the post fail for want of memory, the asker's deadline helps and the next answer takes this one along. */
static void hand_over(struct fv_resolver *resolver, struct fv_resolve_job *job)
{
    if (!resolver->loop) {
        fv_free(job);
        return;
    }
    fv_list_append(&resolver->answers, &job->link);
    if (resolver->posted || fv_loop_post(resolver->loop, deliver, resolver) < 0)
        return;
    resolver->posted = true;
    resolver->users++;
}

static void *helper(void *data)
{
    struct fv_resolver *resolver = data;
    struct fv_resolve_job *job;
    pthread_mutex_lock(&resolver->lock);
    while ((job = take_job(&resolver->queue))) {
        job->queued = false;
        pthread_mutex_unlock(&resolver->lock);
        look_up(job);
        pthread_mutex_lock(&resolver->lock);
        hand_over(resolver, job);
    }
    resolver->threads--;
    leave(resolver);
    return NULL;
}

/* With the lock held. */
static int start_helper(struct fv_resolver *resolver)
{
    if (resolver->threads >= FV_RESOLVE_THREADS)
        return 0;
    pthread_t thread;
    if (fv_thread_start(&thread, "fv-resolve", helper, resolver) < 0)
        return resolver->threads > 0 ? 0 : -EAGAIN;
    pthread_detach(thread);
    resolver->threads++;
    resolver->users++;
    return 0;
}

int fv_resolve_start(struct fv_resolver *resolver, struct fv_resolve *resolve, const char *host,
                     uint16_t port)
{
    size_t size = strlen(host);
    if (size == 0 || size >= sizeof(resolve->job->host))
        return -EINVAL;
    struct fv_resolve_job *job = FV_NEW(struct fv_resolve_job);
    if (!job)
        return -ENOMEM;
    memcpy(job->host, host, size);
    job->port = port;
    job->asker = resolve;
    job->queued = true;
    pthread_mutex_lock(&resolver->lock);
    int ret = start_helper(resolver);
    if (ret >= 0)
        fv_list_append(&resolver->queue, &job->link);
    pthread_mutex_unlock(&resolver->lock);
    if (ret < 0) {
        fv_free(job);
        return ret;
    }
    resolve->job = job;
    return 0;
}

void fv_resolve_cancel(struct fv_resolver *resolver, struct fv_resolve *resolve)
{
    struct fv_resolve_job *job = resolve->job;
    if (!job)
        return;
    resolve->job = NULL;
    job->asker = NULL;
    pthread_mutex_lock(&resolver->lock);
    bool queued = job->queued;
    if (queued)
        fv_list_remove(&job->link);
    pthread_mutex_unlock(&resolver->lock);
    if (queued)
        fv_free(job);
}
