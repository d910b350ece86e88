// SPDX-License-Identifier: Apache-2.0
/* Processor, memory, kernel, container, clock. Everything is read from /proc and /sys, and anything may be missing there. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor/doctor.h"

#define CAP_NICE 23 /* capabilities(7): CAP_SYS_NICE */
#define CAMERA_MB                                                                                  \
    40              /* memory of one camera with 1080p pictures on the CPU: its decoder and queue */
#define BASE_MB 300 /* the engine with a small model */

bool fv_system_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    line[0] = '\0';
    if (!file)
        return false;
    bool good = fgets(line, (int)size, file) != NULL;
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return good;
}

double fv_system_number(const char *path, double fallback)
{
    char line[100], *end;
    if (!fv_system_line(path, line, sizeof(line)))
        return fallback;
    double number = strtod(line, &end);
    return end == line ? fallback : number;
}

/* The value behind "NAME:" in a file of such lines. */
static bool field(const char *path, const char *name, char *value, size_t size)
{
    char line[500];
    bool found = false;
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof(line), file)) {
        size_t length = strlen(name);
        if (strncmp(line, name, length) || !strchr(" \t:", line[length]))
            continue;
        const char *text = strchr(line, ':');
        text = text ? text + 1 + strspn(text + 1, " \t") : "";
        snprintf(value, size, "%.*s", (int)strcspn(text, "\n"), text);
        found = true;
    }
    if (file)
        fclose(file);
    return found;
}

unsigned fv_system_cores(void)
{
    cpu_set_t set;
    char line[100];
    long long quota, period;
    unsigned cores = sched_getaffinity(0, sizeof(set), &set) == 0
                         ? (unsigned)CPU_COUNT(&set)
                         : (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    if (fv_system_line("/sys/fs/cgroup/cpu.max", line, sizeof(line)) &&
        sscanf(line, "%lld %lld", &quota, &period) == 2 && period > 0 && quota > 0) {
        unsigned allowed = (unsigned)((quota + period - 1) / period);
        cores = allowed < cores ? allowed : cores;
    }
    return cores ? cores : 1;
}

double fv_system_memory_mb(double *ret_total)
{
    char text[100];
    double available = -1, total = -1;
    if (field("/proc/meminfo", "MemAvailable", text, sizeof(text)))
        available = strtod(text, NULL) / 1024;
    if (field("/proc/meminfo", "MemTotal", text, sizeof(text)))
        total = strtod(text, NULL) / 1024;
    double limit = fv_system_number("/sys/fs/cgroup/memory.max", -1) / 1048576;
    double used = fv_system_number("/sys/fs/cgroup/memory.current", 0) / 1048576;
    if (limit > 0 && (total < 0 || limit < total)) {
        total = limit;
        available = limit - used < available || available < 0 ? limit - used : available;
    }
    if (ret_total)
        *ret_total = total;
    return available;
}

double fv_system_memory_needed_mb(unsigned cameras)
{
    return BASE_MB + CAMERA_MB * (double)cameras;
}

static bool has_capability(unsigned number)
{
    char text[40];
    return field("/proc/self/status", "CapEff", text, sizeof(text)) &&
           (strtoull(text, NULL, 16) >> number & 1);
}

static bool limit_allows(int resource, rlim_t wanted)
{
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 && limit.rlim_cur >= wanted;
}

bool fv_system_may_nice(void)
{
    return has_capability(CAP_NICE) || limit_allows(RLIMIT_NICE, 30); /* nice -10 */
}

bool fv_system_may_realtime(void)
{
    return has_capability(CAP_NICE) || limit_allows(RLIMIT_RTPRIO, 10);
}

static void check_processor(struct fv_doctor *doctor)
{
    char model[200] = "processor of unknown make", governor[60];
    unsigned cores = fv_system_cores();
    field("/proc/cpuinfo", "model name", model, sizeof(model));
    bool few = cores < 2;
    fv_doctor_say(
        doctor,
        (struct fv_doctor_about){few ? FV_DOCTOR_WARNING : FV_DOCTOR_OK, "cpu", "processor",
                                 "Receiving, decoding and results run on threads of their own.",
                                 "Give the machine or the container 2 cores or more."},
        "%u core%s usable, %s", cores, cores == 1 ? "" : "s", model);
    if (!fv_system_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor,
                        sizeof(governor)))
        snprintf(governor, sizeof(governor), "none (fixed, or set by the host)");
    bool slow = !strcmp(governor, "powersave");
    fv_doctor_say(doctor,
                  (struct fv_doctor_about){slow ? FV_DOCTOR_WARNING : FV_DOCTOR_OK, "governor",
                                           "CPU governor",
                                           "A processor that clocks down answers late.",
                                           "As root: cpupower frequency-set -g performance."},
                  "%s", governor);
}

static void check_memory(struct fv_doctor *doctor)
{
    double total, available = fv_system_memory_mb(&total);
    double needed = fv_system_memory_needed_mb(doctor->enabled);
    bool low = available >= 0 && available < needed;
    struct fv_doctor_about about = {low ? FV_DOCTOR_WARNING : FV_DOCTOR_OK, "memory", "memory",
                                    "Pictures wait in memory; a machine that swaps loses them.",
                                    "Give it more memory, or run fewer cameras here."};
    if (available < 0)
        fv_doctor_say(doctor, about, "unknown: /proc/meminfo does not tell");
    else
        fv_doctor_say(doctor, about, "%.0f MB available of %.0f MB; about %.0f MB needed",
                      available, total, needed);
}

static void check_kernel(struct fv_doctor *doctor)
{
    struct utsname name;
    int major = 0, minor = 0;
    bool known = uname(&name) == 0 && sscanf(name.release, "%d.%d", &major, &minor) == 2;
    bool old = known && (major < 5 || (major == 5 && minor < 10));
    fv_doctor_say(doctor,
                  (struct fv_doctor_about){old ? FV_DOCTOR_WARNING : FV_DOCTOR_OK, "kernel",
                                           "kernel", "Fovea is tested from Linux 5.10 on.",
                                           "Update the system."},
                  "%s", known ? name.release : "unknown");
}

static void check_container(struct fv_doctor *doctor)
{
    char line[200];
    const char *kind = access("/.dockerenv", F_OK) == 0          ? "Docker"
                       : access("/run/.containerenv", F_OK) == 0 ? "Podman"
                       : getenv("KUBERNETES_SERVICE_HOST")       ? "Kubernetes"
                       : fv_system_line("/run/systemd/container", line, sizeof(line))
                           ? "a container"
                           : NULL;
    fv_doctor_say(doctor,
                  (struct fv_doctor_about){
                      FV_DOCTOR_OK, "container", "container",
                      "A container sees only what it is given: GPU (--gpus all), real-time "
                      "priority (--cap-add SYS_NICE), open files (--ulimit nofile).",
                      ""},
                  "%s", kind ? kind : "none seen");
}

static void check_clock(struct fv_doctor *doctor)
{
    struct timex state = {0};
    int r = adjtimex(&state);
    bool wrong = r >= 0 && (r == TIME_ERROR || (state.status & STA_UNSYNC));
    struct fv_doctor_about about = {
        wrong ? FV_DOCTOR_WARNING : FV_DOCTOR_OK, "clock", "clock",
        "Events carry the time of day; cameras and receivers compare it.",
        "Run a time service: apt-get install chrony (in a container: on the host)."};
    if (r < 0)
        fv_doctor_say(doctor, about, "unknown: %s", strerror(errno));
    else if (wrong)
        fv_doctor_say(doctor, about, "not synchronised, as far as the kernel knows");
    else
        fv_doctor_say(doctor, about, "synchronised, estimated error %ld ms", state.esterror / 1000);
}

void fv_doctor_system(struct fv_doctor *doctor)
{
    check_processor(doctor);
    check_memory(doctor);
    check_kernel(doctor);
    check_container(doctor);
    check_clock(doctor);
}
