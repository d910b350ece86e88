// SPDX-License-Identifier: Apache-2.0
/* fovea run: the engine with a live table. Uses only the public API, as any other program would. */
#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "fovea/engine.h"
#include "live.h"
#include "receive.h"
#include "reload.h"
#include "summary.h"

struct options {
    const char *config, *backend, *output, *summary;
    double duration; /* seconds; 0: until a signal */
    bool quiet, json;
};

static void print_help(void)
{
    printf(
        "Usage: fovea run -c FILE [OPTIONS]\n\n"
        "Runs the cameras of a configuration: receive, decode, detect, report. Shows a live table\n"
        "and ends on Ctrl-C. On SIGHUP it reads the configuration again and goes on with it\n"
        "where that is possible without a restart; a wrong one changes nothing.\n\n"
        "  -c, --config FILE      the configuration (JSON; see 'fovea config explain')\n"
        "      --backend NAME     gpu or cpu; overrides processing.BACKEND\n"
        "  -d, --duration S       end after S seconds\n"
        "  -o, --output DIR       overrides output.OUTPUT_DIR\n"
        "      --summary FILE     write figures of the run as JSON at the end\n"
        "  -q, --quiet            no table\n"
        "      --json             no table; the summary on standard output at the end\n"
        "  -h, --help\n\n"
        "Example: fovea run -c cameras.json --backend cpu --duration 60\n\n"
        "Exit codes: 0 ended as asked, 1 configuration errors or a failure, 2 wrong usage or "
        "unreadable\n"
        "            file, 3 no usable GPU in GPU-only mode, 4 the GPU was lost: start again,\n"
        "            5 a picture left the GPU (processing.ON_PIXEL_COPY)\n");
}

enum { OPT_BACKEND = 256, OPT_SUMMARY, OPT_JSON };

/* Returns -1 to go on, or an exit code. */
static int set_option(int c, struct options *o)
{
    switch (c) {
    case 'c':
        o->config = optarg;
        return -1;
    case 'd':
        return fv_tool_number("run", "--duration", optarg, 0.1, 1e9, &o->duration) ? -1
                                                                                   : FV_EXIT_USAGE;
    case 'o':
        o->output = optarg;
        return -1;
    case 'q':
        o->quiet = true;
        return -1;
    case OPT_BACKEND:
        o->backend = optarg;
        return -1;
    case OPT_SUMMARY:
        o->summary = optarg;
        if (!fv_tool_replaceable(optarg))
            return fv_tool_usage("run", "--summary: '%s' is no regular file", optarg);
        return -1;
    case OPT_JSON:
        o->json = o->quiet = true;
        return -1;
    case 'h':
        print_help();
        return FV_EXIT_OK;
    default:
        return -1;
    }
}

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"config", required_argument, NULL, 'c'},
        {"backend", required_argument, NULL, OPT_BACKEND},
        {"duration", required_argument, NULL, 'd'},
        {"output", required_argument, NULL, 'o'},
        {"summary", required_argument, NULL, OPT_SUMMARY},
        {"quiet", no_argument, NULL, 'q'},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c, code;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "c:d:o:qh", names, NULL)) != -1) {
        code = c == '?' ? fv_tool_bad_option("run", argv) : set_option(c, o);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return fv_tool_usage("run", "unexpected argument '%s'", argv[optind]);
    if (!o->config)
        return fv_tool_usage("run", "a configuration is needed: -c FILE");
    o->config = fv_tool_read_once(o->config);
    return fv_tool_backend("run", o->backend) ? -1 : FV_EXIT_USAGE;
}

static int exit_code(int error)
{
    switch (error) {
    case -ENODEV:
        return FV_EXIT_NODEV;
    case -ENOENT:
    case -EACCES:
        return FV_EXIT_USAGE;
    default:
        return FV_EXIT_FAILED;
    }
}

static double clock_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}

/* --- the engine cannot go on ---------------------------------------------------------------------- */

#define END_S 10 /* for the goodbye: what was lost may keep somebody waiting */

static atomic_int failed;    /* exit code; 0: it goes on */
static atomic_bool watching; /* somebody waits for a signal */

static void end_now(int number)
{
    static const char text[] = "fovea run: ended: the GPU's driver does not come back\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(failed);
}

static void bound_end(void)
{
    struct sigaction action = {.sa_handler = end_now};
    sigaction(SIGALRM, &action, NULL);
    alarm(END_S);
}

/* On the main thread or one of the engine's. */
static void on_failed(void *data, int code, const char *reason)
{
    (void)data;
    failed = code == -ENODEV ? FV_EXIT_LOST : FV_EXIT_PIXELS;
    fprintf(stderr, "fovea run: %s: %s\n",
            code == -ENODEV ? "the GPU is lost" : "a picture left the GPU", reason);
    bound_end();
    if (watching)
        kill(getpid(), SIGTERM); /* for the signalfd */
}

/* --- life ----------------------------------------------------------------------------------------- */

/* Draws until a signal or the end of the duration. */
static void watch(struct fv_run *run, double duration)
{
    double start = clock_s(), end = duration > 0 ? start + duration : INFINITY;
    double interval = !run->live ? INFINITY : fv_live_terminal(run->live) ? 1 : 5;
    double next = start + 1;
    while (!run->guard.asked) {
        double now = clock_s();
        if (now >= end)
            return;
        if (run->live && now >= next) {
            fv_live_draw(run->live, run->engine, false);
            next = now + interval;
        }
        double until = (run->live && next < end ? next : end) - now;
        int number = run->guard.reload
                         ? SIGHUP
                         : fv_tool_signal_wait(run->signals,
                                               until > 1e6 ? -1 : (int)ceil(fmax(until, 0) * 1000));
        run->guard.reload = false;
        /* A terminal that is gone sends the same signal: then there is nobody to go on for. */
        if (number == SIGHUP && !(run->terminal && !isatty(STDOUT_FILENO)))
            fv_run_reload(run);
        else if (number)
            return;
    }
}

static int write_summary(const struct options *o, struct fv_engine *engine,
                         const struct fv_summary_live *live)
{
    json_t *summary = fv_summary_make(engine, live);
    if (!summary) {
        fprintf(stderr, "fovea run: out of memory\n");
        return FV_EXIT_FAILED;
    }
    int code = FV_EXIT_OK, r = o->summary ? fv_summary_write(o->summary, summary) : 0;
    if (r < 0) {
        fprintf(stderr, "fovea run: the summary cannot be written to '%s': %s\n",
                FV_SHOWN(o->summary), strerror(-r));
        code = FV_EXIT_FAILED;
    }
    if (o->json) {
        json_dumpf(summary, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        printf("\n");
    }
    json_decref(summary);
    return code;
}

static void note_states(struct fv_engine *engine, enum fv_camera_state *states, uint32_t count)
{
    struct fv_engine_camera camera;
    for (uint32_t i = 0; i < count; i++)
        states[i] = fv_engine_camera(engine, i, &camera) == 0 ? camera.state : FV_CAMERA_DISABLED;
}

/* From start to stop. The states are those before the goodbye. */
static int play(const struct options *o, struct fv_run *run)
{
    double cpu = cpu_s(), start = clock_s();
    watching = true;
    if (!failed)
        watch(run, o->duration);
    watching = false;
    fv_tool_signals_release();
    double wall = clock_s() - start;
    if (run->live)
        fv_live_draw(run->live, run->engine, true);
    struct fv_engine_stats stats;
    fv_engine_stats(run->engine, &stats);
    enum fv_camera_state *states = calloc(stats.camera_count + 1u, sizeof(states[0]));
    struct fv_summary_live figures = {
        .duration_s = wall, .cpu_percent = (cpu_s() - cpu) / wall * 100, .states = states};
    if (states)
        note_states(run->engine, states, stats.camera_count);
    fv_engine_stop(run->engine);
    int code = FV_EXIT_FAILED;
    if (states)
        code = write_summary(o, run->engine, &figures);
    else
        fprintf(stderr, "fovea run: out of memory\n");
    free(states);
    return code;
}

static void print_progress(void *data, const char *text)
{
    (void)data;
    fprintf(stderr, "fovea run: %s\n", text);
}

static int start(const struct options *o, struct fv_run *run)
{
    struct fv_error err = {0};
    struct fv_engine_params params = {.config_path = o->config,
                                      .backend = o->backend,
                                      .output_dir = o->output,
                                      .progress = print_progress,
                                      .failed = on_failed};
    int r = fv_engine_open(&params, &run->engine, &err);
    if (r == 0) {
        struct fv_engine_stats stats;
        fv_engine_stats(run->engine, &stats);
        fv_tool_descriptors("run", 64 + 3 * stats.camera_count, 64 + stats.camera_count);
        run->live = o->quiet ? NULL : fv_live_create(stdout, stats.camera_count);
        r = fv_engine_start(run->engine, &err);
    }
    if (r == 0)
        return FV_EXIT_OK;
    fprintf(stderr, "fovea run: %s\n", err.text);
    return exit_code(r);
}

static int run(int argc, char **argv)
{
    struct options o = {0};
    int code = parse(argc, argv, &o);
    if (code >= 0)
        return code;
    struct fv_run run = {.config = o.config, .backend = o.backend, .output = o.output};
    run.terminal = isatty(STDOUT_FILENO);
    run.signals = fv_tool_signals(true);
    if (run.signals < 0) {
        fprintf(stderr, "fovea run: %s\n", strerror(errno));
        return FV_EXIT_FAILED;
    }
    run.guard = (struct fv_guard){.tool = "run", .signals = run.signals, .code = FV_EXIT_OK};
    fv_guard_begin(&run.guard);
    code = fv_run_check(&run);
    if (code == FV_EXIT_OK)
        code = start(&o, &run);
    fv_guard_end(&run.guard);
    if (code == FV_EXIT_OK)
        code = play(&o, &run);
    fv_live_destroy(run.live);
    fv_engine_close(run.engine);
    alarm(0);
    code = failed ? failed : code;
    close(run.signals);
    return code;
}

const struct fv_tool fv_tool_run = {
    .name = "run",
    .summary = "run the cameras of a configuration",
    .run = run,
};
