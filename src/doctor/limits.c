// SPDX-License-Identifier: Apache-2.0
/* What the system permits: open files, locked memory, priorities, socket buffers, io_uring. */
#include <errno.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "doctor/doctor.h"

#define FILES_BASE 64      /* logs, libraries, the loop, outputs */
#define FILES_PER_CAMERA 4 /* over UDP: control, RTP, RTCP, and one while it reconnects */
#define RMEM_WANTED 2097152
#define CAMERAS_USUAL 64 /* where no configuration says how many */

unsigned fv_system_files_needed(unsigned cameras)
{
    return FILES_BASE + FILES_PER_CAMERA * cameras;
}

static void show_limit(rlim_t limit, char *text, size_t size)
{
    if (limit == RLIM_INFINITY)
        snprintf(text, size, "unlimited");
    else
        snprintf(text, size, "%llu", (unsigned long long)limit);
}

static void check_files(struct fv_doctor *doctor)
{
    struct rlimit limit = {0};
    char soft[32], hard[32];
    unsigned needed = fv_system_files_needed(doctor->enabled ? doctor->enabled : CAMERAS_USUAL);
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0, low = known && limit.rlim_cur < needed;
    show_limit(limit.rlim_cur, soft, sizeof(soft));
    show_limit(limit.rlim_max, hard, sizeof(hard));
    fv_doctor_say(doctor,
                  (struct fv_doctor_about){
                      low ? FV_DOCTOR_PROBLEM : FV_DOCTOR_OK, "open_files", "open files",
                      "Each camera needs up to four sockets.",
                      "Raise it: ulimit -n 65536, LimitNOFILE= of the service, or --ulimit nofile "
                      "of the container."},
                  "limit %s (at most %s), %u needed for %u camera%s", soft, hard, needed,
                  doctor->enabled ? doctor->enabled : CAMERAS_USUAL,
                  doctor->enabled == 1 ? "" : "s");
}

static void check_memlock(struct fv_doctor *doctor)
{
    struct rlimit limit = {0};
    char text[32];
    bool known = getrlimit(RLIMIT_MEMLOCK, &limit) == 0;
    bool low = known && !doctor->cpu && limit.rlim_cur < 8u * 1048576;
    show_limit(limit.rlim_cur, text, sizeof(text));
    fv_doctor_say(doctor,
                  (struct fv_doctor_about){low ? FV_DOCTOR_WARNING : FV_DOCTOR_OK, "locked_memory",
                                           "locked memory",
                                           "Fast copies to a GPU, and io_uring, lock pages.",
                                           "Raise it: ulimit -l unlimited, or LimitMEMLOCK= of the "
                                           "service."},
                  "limit %s bytes", text);
}

static void check_priority(struct fv_doctor *doctor)
{
    bool nice = fv_system_may_nice(), realtime = fv_system_may_realtime();
    fv_doctor_say(
        doctor,
        (struct fv_doctor_about){
            nice && realtime ? FV_DOCTOR_OK : FV_DOCTOR_WARNING, "priority", "thread priorities",
            "THREAD_PRIORITY and DECODER_THREAD_PRIORITY ask for them; without permission "
            "threads run at normal priority.",
            "Grant CAP_SYS_NICE (container: --cap-add SYS_NICE) or LimitRTPRIO=10 and "
            "LimitNICE=-10 of the service, or set both to \"NORMAL\"."},
        "HIGH %s, REALTIME %s", nice ? "permitted" : "not permitted",
        realtime ? "permitted" : "not permitted");
}

static void check_affinity(struct fv_doctor *doctor)
{
    cpu_set_t set;
    bool allowed = sched_getaffinity(0, sizeof(set), &set) == 0 &&
                   sched_setaffinity(0, sizeof(set), &set) == 0; /* as it is: changes nothing */
    fv_doctor_say(doctor,
                  (struct fv_doctor_about){allowed ? FV_DOCTOR_OK : FV_DOCTOR_WARNING, "affinity",
                                           "thread affinity",
                                           "USE_THREAD_AFFINITY keeps each thread on one core.",
                                           "Allow sched_setaffinity in the container's seccomp "
                                           "profile, or set USE_THREAD_AFFINITY to false."},
                  "%s", allowed ? "permitted" : "not permitted");
}

static void check_socket_buffers(struct fv_doctor *doctor)
{
    double maximum = fv_system_number("/proc/sys/net/core/rmem_max", -1);
    bool low = maximum >= 0 && maximum < RMEM_WANTED;
    struct fv_doctor_about about = {low ? FV_DOCTOR_WARNING : FV_DOCTOR_OK, "socket_buffers",
                                    "socket buffers",
                                    "Key pictures come as bursts; over UDP what does not fit is "
                                    "lost. TCP does not need it.",
                                    "As root: sysctl -w net.core.rmem_max=8388608, and the same in "
                                    "/etc/sysctl.d."};
    if (maximum < 0)
        fv_doctor_say(doctor, about, "unknown: net.core.rmem_max is not visible here");
    else
        fv_doctor_say(doctor, about, "net.core.rmem_max is %.0f bytes", maximum);
}

static void check_io_uring(struct fv_doctor *doctor)
{
    struct io_uring_params params;
    memset(&params, 0, sizeof(params));
    long fd = syscall(__NR_io_uring_setup, 4, &params);
    int code = fd < 0 ? errno : 0;
    if (fd >= 0)
        close((int)fd);
    struct fv_doctor_about about = {FV_DOCTOR_OK, "io_uring", "io_uring",
                                    "Fovea receives with epoll, which is always there; io_uring "
                                    "would only save system calls.",
                                    ""};
    fv_doctor_say(doctor, about, "%s",
                  code == 0        ? "allowed"
                  : code == ENOSYS ? "not in this kernel; epoll is used"
                  : code == EPERM  ? "forbidden by the system or the container; epoll is used"
                                   : strerror(code));
}

void fv_doctor_limits(struct fv_doctor *doctor)
{
    check_files(doctor);
    check_memlock(doctor);
    check_priority(doctor);
    check_affinity(doctor);
    check_socket_buffers(doctor);
    check_io_uring(doctor);
}
