// SPDX-License-Identifier: Apache-2.0
/* Named threads. Priorities and cores are requests: what the system forbids is returned, not fatal. */
#ifndef FV_BASE_THREAD_H
#define FV_BASE_THREAD_H

#include <pthread.h>

enum fv_priority { FV_PRIORITY_NORMAL, FV_PRIORITY_HIGH, FV_PRIORITY_REALTIME };

/* Starts `run(data)`. `name` has at most 15 characters. All signals are blocked in the thread: they belong to the
 * main thread. 0 or negative errno. */
int fv_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *data);
/* For the calling thread: HIGH is nice -10, REALTIME is SCHED_RR 10. 0 or -EACCES (not permitted), -EINVAL. */
int fv_thread_set_priority(enum fv_priority priority);
/* Pins the calling thread to the n-th core that the process may use (modulo their number). 0 or negative errno. */
int fv_thread_pin(unsigned n);

#endif
