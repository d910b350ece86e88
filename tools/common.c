// SPDX-License-Identifier: Apache-2.0
#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/config.h"

int fv_tool_usage(const char *name, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "fovea %s: %s\nTry 'fovea %s --help'.\n", name, FV_SHOWN(text), name);
    return FV_EXIT_USAGE;
}

int fv_tool_bad_option(const char *name, char **argv)
{
    /* Behind a short option, optind may not have moved on. */
    if (optopt > 0 && optopt < 256)
        return fv_tool_usage(name, "unknown or incomplete option '-%c'", optopt);
    return fv_tool_usage(name, "unknown or incomplete option '%s'", argv[optind - 1]);
}

bool fv_tool_replaceable(const char *path)
{
    struct stat found;
    return lstat(path, &found) < 0 || S_ISREG(found.st_mode);
}

const char *fv_tool_read_once(const char *path)
{
    enum { MOST = 8 << 20 }; /* more than a configuration may have */
    static char name[40];
    struct stat info;
    char block[4096];
    ssize_t size = 0;
    if (!path || stat(path, &info) < 0 || !S_ISFIFO(info.st_mode))
        return path;
    int from = fv_config_open(path, NULL), to = from < 0 ? -1 : memfd_create("config", MFD_CLOEXEC);
    for (size_t all = 0; to >= 0 && all < MOST; all += (size_t)size)
        if ((size = read(from, block, sizeof(block))) <= 0 ||
            write(to, block, (size_t)size) != size)
            break;
    if (from >= 0)
        close(from);
    if (to < 0)
        return path;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", to);
    return name;
}

bool fv_tool_number(const char *name, const char *option, const char *text, double low, double high,
                    double *ret_value)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || value < low || value > high) {
        fv_tool_usage(name, "%s takes a number from %g to %g, not '%s'", option, low, high, text);
        return false;
    }
    *ret_value = value;
    return true;
}

bool fv_tool_whole(const char *name, const char *option, const char *text, double low, double high,
                   double *ret_value)
{
    double value;
    if (!fv_tool_number(name, option, text, low, high, &value))
        return false;
    if (value != floor(value)) {
        fv_tool_usage(name, "%s takes a whole number, not '%s'", option, text);
        return false;
    }
    *ret_value = value;
    return true;
}

bool fv_tool_backend(const char *name, const char *text)
{
    if (!text || strcmp(text, "gpu") == 0 || strcmp(text, "cpu") == 0)
        return true;
    fv_tool_usage(name, "--backend is gpu or cpu, not '%s'", text);
    return false;
}

int fv_tool_exit_code(int error)
{
    switch (error) {
    case 0:
        return FV_EXIT_OK;
    case -ENODEV:
        return FV_EXIT_NODEV;
    case -ENOENT:
    case -EACCES:
    case -EISDIR:
    case -EBADMSG:
        return FV_EXIT_USAGE;
    default:
        return FV_EXIT_FAILED;
    }
}

int fv_tool_signal_wait(int signals, int timeout_ms)
{
    struct pollfd fd = {.fd = signals, .events = POLLIN};
    struct signalfd_siginfo info;
    if (poll(&fd, 1, timeout_ms) <= 0 ||
        read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 0;
    if (info.ssi_signo == SIGHUP)
        return SIGHUP;
    fv_tool_signals_release();
    return (int)info.ssi_signo;
}

void fv_tool_signals_release(void)
{
    /* The clean end is under way; whoever asks again does not want to wait for it. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int fv_tool_signals(bool reload)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (reload)
        sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
