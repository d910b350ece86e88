// SPDX-License-Identifier: Apache-2.0
/* The `fovea` command: one file and one struct per subcommand, listed once in main.c. Tools use only the public API. */
#ifndef FV_TOOLS_TOOL_H
#define FV_TOOLS_TOOL_H

#include <stdbool.h>

#include "fovea/error.h"

/* Exit codes of every subcommand. */
enum fv_exit {
    FV_EXIT_OK = 0,
    FV_EXIT_FAILED = 1, /* it ran and failed, or the configuration has errors */
    FV_EXIT_USAGE = 2,  /* wrong arguments, or a file that cannot be read */
    FV_EXIT_NODEV = 3,  /* no usable GPU in GPU-only mode */
    FV_EXIT_LOST = 4,   /* the GPU was lost in mid-run: a new process may have it again */
    FV_EXIT_PIXELS = 5, /* a picture was copied from the GPU to the host, and ON_PIXEL_COPY is "exit" */
};

struct fv_tool {
    const char *name;
    const char *summary; /* one line for `fovea --help` */
    /* argv[0] is the subcommand's name; `optind` was reset. Returns an enum fv_exit. */
    int (*run)(int argc, char **argv);
};

/* What a person typed, before it is printed (a path, a name): an address among it keeps its password to itself. Lives as long as the
 * block around it. */
#define FV_SHOWN(text) fv_redact(text, (char[1024]){0}, 1024)

/* For each subcommand: prints "fovea NAME: text" and "Try 'fovea NAME --help'." to standard error, redacted;
 * returns FV_EXIT_USAGE. */
int fv_tool_usage(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* After getopt_long() gave '?': the same about the option at fault. Never shows another argument: it may hold a password. */
int fv_tool_bad_option(const char *name, char **argv);

/* Whether a file at `path` may be replaced by a rename: there is none, or a regular one. Never a device or a link: as
 * root, that would be the end of /dev/null. */
bool fv_tool_replaceable(const char *path);

/* The path of a configuration that is read more than once: what can be read only once (a pipe) is copied to memory, and the copy's
 * path returned; else `path`. */
const char *fv_tool_read_once(const char *path);

/* Reads a number from `low` to `high` out of an option's value. False (and a usage message) when it is none. */
bool fv_tool_number(const char *name, const char *option, const char *text, double low, double high,
                    double *ret_value);
/* The same of something that is counted: nothing behind the point is cut off. */
bool fv_tool_whole(const char *name, const char *option, const char *text, double low, double high,
                   double *ret_value);
/* Whether the text of --backend is gpu, cpu or NULL; when not, says so. */
bool fv_tool_backend(const char *name, const char *text);

/* The exit code that goes with a negative errno of fv_analyze_open() and its like; 0: FV_EXIT_OK. */
int fv_tool_exit_code(int error);

/* Blocks SIGINT and SIGTERM, and with `reload` SIGHUP, in every thread and returns a signalfd for them, -1 on failure. To be called
 * first, before any thread starts. SIGPIPE is ignored from then on. */
int fv_tool_signals(bool reload);
/* Waits at most `timeout_ms` (-1: without end). 0: no signal came; SIGHUP; or the signal that asked for the end: a second one then
 * ends the process at once. */
int fv_tool_signal_wait(int signals, int timeout_ms);
/* From now on SIGINT and SIGTERM end the process at once. */
void fv_tool_signals_release(void);

#endif
