// SPDX-License-Identifier: Apache-2.0
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

int fv_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *data)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int r = pthread_create(&thread, NULL, run, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r)
        return -r;
    pthread_setname_np(thread, name);
    *ret_thread = thread;
    return 0;
}

int fv_thread_set_priority(enum fv_priority priority)
{
    if (priority == FV_PRIORITY_NORMAL)
        return 0;
    if (priority == FV_PRIORITY_HIGH) /* on Linux a thread has its own nice value */
        return setpriority(PRIO_PROCESS, (id_t)gettid(), -10) == 0 ? 0 : -EACCES;
    struct sched_param param = {.sched_priority = 10};
    int r = pthread_setschedparam(pthread_self(), SCHED_RR, &param);
    return r == EPERM ? -EACCES : -r;
}

int fv_thread_pin(unsigned n)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
        return -errno;
    int count = CPU_COUNT(&allowed), skip = (int)(n % (unsigned)(count ? count : 1));
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed) || skip-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        return -pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
    }
    return -EINVAL;
}
