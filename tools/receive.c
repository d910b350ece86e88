// SPDX-License-Identifier: Apache-2.0
#include "receive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tool.h"

int fv_tool_transport(const char *tool, const char *text, struct fv_receiver_camera *camera)
{
    static const struct {
        const char *name;
        enum fv_receiver_transport transport;
    } known[] = {
        {"auto", FV_RECEIVER_AUTO},
        {"tcp", FV_RECEIVER_TCP},
        {"udp", FV_RECEIVER_UDP},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(text, known[i].name) == 0) {
            camera->transport = known[i].transport;
            return FV_EXIT_OK;
        }
    }
    return fv_tool_usage(tool, "--transport is tcp, udp or auto, not '%s'", text);
}

int64_t fv_tool_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

double fv_tool_cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}

void fv_tool_descriptors(const char *tool, unsigned wanted, unsigned needed)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < needed)
        fprintf(stderr, "fovea %s: only %llu descriptors are allowed; raise 'ulimit -n'\n", tool,
                (unsigned long long)limit.rlim_cur);
}

json_t *fv_tool_json_text(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char *plain = strdup(text);
    if (!plain)
        return NULL;
    for (char *c = plain; *c; c++) {
        if ((unsigned char)*c > 126)
            *c = '?';
    }
    string = json_string(plain);
    free(plain);
    return string;
}
