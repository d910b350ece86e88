// SPDX-License-Identifier: Apache-2.0
#include "loop/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
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
    struct fv_list queue, running, answers;
    bool posted; /* a delivery is under way */
    int (*look_up)(const char *host, struct fv_addrs *addrs);
};

static int ask_system(const char *host, struct fv_addrs *addrs);

int fv_resolver_create(struct fv_loop *loop, struct fv_resolver **ret_resolver)
{
    struct fv_resolver *resolver = FV_NEW(struct fv_resolver);
    if (!resolver)
        return -ENOMEM;
    pthread_mutex_init(&resolver->lock, NULL);
    resolver->users = 1;
    resolver->loop = loop;
    resolver->look_up = ask_system;
    fv_list_init(&resolver->queue);
    fv_list_init(&resolver->running);
    fv_list_init(&resolver->answers);
    *ret_resolver = resolver;
    return 0;
}

void fv_resolver_use(struct fv_resolver *resolver,
                     int (*look_up)(const char *host, struct fv_addrs *addrs))
{
    pthread_mutex_lock(&resolver->lock);
    resolver->look_up = look_up;
    pthread_mutex_unlock(&resolver->lock);
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

static void collect(struct fv_addrs *addrs, const struct addrinfo *found)
{
    for (; found && addrs->count < FV_ADDRS_MAX; found = found->ai_next) {
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
            continue;
        struct fv_addr *addr = &addrs->list[addrs->count++];
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

static int ask_system(const char *host, struct fv_addrs *addrs)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int error = getaddrinfo(host, NULL, &hints, &found);
    if (error)
        return code_of(error);
    collect(addrs, found);
    freeaddrinfo(found);
    return addrs->count ? 0 : -ENOENT;
}

static void set_port(struct fv_addrs *addrs, uint16_t port)
{
    for (unsigned i = 0; i < addrs->count; i++) {
        struct fv_addr *addr = &addrs->list[i];
        if (addr->sa.sa_family == AF_INET6)
            addr->in6.sin6_port = htons(port);
        else
            addr->in.sin_port = htons(port);
    }
}

/* With the lock held. Should the post fail for want of memory, the asker's deadline helps and the next answer takes this one along. */
static void hand_over(struct fv_resolver *resolver, struct fv_resolve_job *job)
{
    if (!resolver->loop) {
        fv_free(job);
        return;
    }
    set_port(&job->addrs, job->port);
    fv_list_append(&resolver->answers, &job->link);
    if (resolver->posted || fv_loop_post(resolver->loop, deliver, resolver) < 0)
        return;
    resolver->posted = true;
    resolver->users++;
}

/* With the lock held. */
static bool is_running(const struct fv_resolver *resolver, const char *host)
{
    FV_LIST_FOR (it, &resolver->running) {
        if (strcmp(FV_CONTAINER(it, struct fv_resolve_job, link)->host, host) == 0)
            return true;
    }
    return false;
}

/* With the lock held: the first whose name nobody looks up yet. The others get that one's answer. */
static struct fv_resolve_job *begin_job(struct fv_resolver *resolver)
{
    FV_LIST_FOR (it, &resolver->queue) {
        struct fv_resolve_job *job = FV_CONTAINER(it, struct fv_resolve_job, link);
        if (is_running(resolver, job->host))
            continue;
        fv_list_remove(it);
        fv_list_append(&resolver->running, it);
        job->queued = false;
        return job;
    }
    return NULL;
}

/* With the lock held. */
static void finish_job(struct fv_resolver *resolver, struct fv_resolve_job *done)
{
    FV_LIST_FOR (it, &resolver->queue) {
        struct fv_resolve_job *job = FV_CONTAINER(it, struct fv_resolve_job, link);
        if (strcmp(job->host, done->host) != 0)
            continue;
        fv_list_remove(it);
        job->queued = false;
        job->code = done->code;
        job->addrs = done->addrs;
        hand_over(resolver, job);
    }
    fv_list_remove(&done->link);
    hand_over(resolver, done);
}

static void *helper(void *data)
{
    struct fv_resolver *resolver = data;
    struct fv_resolve_job *job;
    pthread_mutex_lock(&resolver->lock);
    while ((job = begin_job(resolver))) {
        int (*look_up)(const char *, struct fv_addrs *) = resolver->look_up;
        pthread_mutex_unlock(&resolver->lock);
        job->code = look_up(job->host, &job->addrs);
        pthread_mutex_lock(&resolver->lock);
        finish_job(resolver, job);
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
    int ret = is_running(resolver, host) ? 0 : start_helper(resolver);
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
