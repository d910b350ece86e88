// SPDX-License-Identifier: Apache-2.0
/* What the settings ask for is what the kernel says of the threads; what is forbidden is told once, with the cure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/threads.h"
#include "fovea/log.h"

struct found {
    struct fv_threads *threads;
    enum fv_thread_role role;
    int nice, policy, cores;
};

static void *look(void *data)
{
    struct found *found = data;
    cpu_set_t set;
    fv_threads_enter(found->threads, found->role);
    errno = 0;
    found->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
    found->policy = sched_getscheduler(0);
    found->cores = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : -1;
    return NULL;
}

static struct found run(struct fv_threads *threads, enum fv_thread_role role)
{
    struct found found = {threads, role};
    pthread_t thread;
    assert_int_equal(fv_thread_start(&thread, "test", look, &found), 0);
    pthread_join(thread, NULL);
    return found;
}

static struct fv_threads asked(bool pin, enum fv_priority pipeline, enum fv_priority decoder)
{
    struct fv_config config = {.processing = {.use_thread_affinity = pin,
                                              .thread_priority = pipeline,
                                              .decoder_thread_priority = decoder}};
    struct fv_threads threads;
    fv_threads_init(&threads, &config);
    return threads;
}

static unsigned lines;
static char last[400];

static void on_line(void *data, enum fv_log_level level, const char *line)
{
    (void)data;
    lines += level == FV_LOG_WARNING;
    snprintf(last, sizeof(last), "%s", line);
}

static int own_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : -1;
}

static void test_normal(void **state)
{
    (void)state;
    struct fv_threads threads = asked(false, FV_PRIORITY_NORMAL, FV_PRIORITY_NORMAL);
    struct found found = run(&threads, FV_THREAD_DECODER);
    assert_int_equal(found.nice, getpriority(PRIO_PROCESS, 0));
    assert_int_equal(found.policy, SCHED_OTHER);
    assert_int_equal(found.cores, own_cores());
}

static void test_pinned(void **state)
{
    (void)state;
    struct fv_threads threads = asked(true, FV_PRIORITY_NORMAL, FV_PRIORITY_NORMAL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(run(&threads, FV_THREAD_PIPELINE).cores, 1);
}

/* Each setting is for its own threads. Where the kernel refuses, the threads stay as they were and the log says so. */
static void test_raised(void **state)
{
    (void)state;
    lines = 0;
    fv_log_set_sink(on_line, NULL);
    struct fv_threads threads = asked(false, FV_PRIORITY_HIGH, FV_PRIORITY_REALTIME);
    struct found pipeline = run(&threads, FV_THREAD_PIPELINE);
    bool nice_refused = lines == 1 && strstr(last, "THREAD_PRIORITY \"HIGH\"");
    assert_int_equal(pipeline.nice, nice_refused ? getpriority(PRIO_PROCESS, 0) : -10);
    assert_int_equal(pipeline.policy, SCHED_OTHER);
    lines = 0;
    struct found decoder = run(&threads, FV_THREAD_DECODER);
    bool refused = lines == 1 && strstr(last, "DECODER_THREAD_PRIORITY \"REALTIME\"");
    assert_int_equal(decoder.policy, refused ? SCHED_OTHER : SCHED_RR);
    fv_log_set_sink(NULL, NULL);
}

/* Without any permission: in a process that gave its capabilities away. */
static int without_permission(void)
{
    struct rlimit none = {0, 0};
    setpriority(PRIO_PROCESS, 0, 0); /* whoever runs the test may be raised */
    setrlimit(RLIMIT_NICE, &none);
    setrlimit(RLIMIT_RTPRIO, &none);
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
        return 77;
    fv_log_set_sink(on_line, NULL);
    lines = 0;
    struct fv_threads threads = asked(false, FV_PRIORITY_HIGH, FV_PRIORITY_REALTIME);
    struct found found = run(&threads, FV_THREAD_PIPELINE);
    if (found.policy != SCHED_OTHER || lines != 1 ||
        !strstr(last, "THREAD_PRIORITY \"HIGH\" is not permitted") || !strstr(last, "CAP_SYS_NICE"))
        return 1;
    run(&threads, FV_THREAD_PIPELINE);
    if (lines != 1)
        return 2;
    found = run(&threads, FV_THREAD_DECODER);
    if (found.policy != SCHED_OTHER || lines != 2 ||
        !strstr(last, "DECODER_THREAD_PRIORITY \"REALTIME\" is not permitted"))
        return 3;
    return 0;
}

static void test_refused(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(without_permission());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_raised),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
