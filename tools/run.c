// SPDX-License-Identifier: Apache-2.0
/* fovea run: the engine with a live table. Uses only the public API, as any other program would. */
#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "fovea/engine.h"
#include "live.h"
#include "problems.h"
#include "receive.h"
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
        "and ends on Ctrl-C.\n\n"
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
        "            file, 3 no usable GPU in GPU-only mode\n");
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
        return -1;
    case OPT_JSON:
        o->json = o->quiet = true;
        return -1;
    case 'h':
        print_help();
        return FV_EXIT_OK;
    default:
        fprintf(stderr, "Try 'fovea run --help'.\n");
        return FV_EXIT_USAGE;
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
    while ((c = getopt_long(argc, argv, "c:d:o:qh", names, NULL)) != -1)
        if ((code = set_option(c, o)) >= 0)
            return code;
    if (optind < argc)
        return fv_tool_usage("run", "unexpected argument '%s'", argv[optind]);
    if (!o->config)
        return fv_tool_usage("run", "a configuration is needed: -c FILE");
    if (o->backend && strcmp(o->backend, "gpu") != 0 && strcmp(o->backend, "cpu") != 0)
        return fv_tool_usage("run", "--backend is gpu or cpu, not '%s'", o->backend);
    return -1;
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

/* True when a signal asked for the end. `seconds` may be infinite. */
static bool wait_signal(int signals, double seconds)
{
    return fv_tool_signal_wait(signals, seconds > 1e6 ? -1 : (int)ceil(fmax(seconds, 0) * 1000));
}

/* Draws until a signal or the end of the duration. */
static void watch(const struct options *o, struct fv_engine *engine, struct fv_live *live,
                  int signals)
{
    double start = clock_s(), end = o->duration > 0 ? start + o->duration : INFINITY;
    double interval = !live ? INFINITY : fv_live_terminal(live) ? 1 : 5, next = start + 1;
    for (;;) {
        double now = clock_s();
        if (now >= end)
            return;
        if (live && now >= next) {
            fv_live_draw(live, engine, false);
            next = now + interval;
        }
        double until = live && next < end ? next : end;
        if (wait_signal(signals, until - now))
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
        fprintf(stderr, "fovea run: the summary cannot be written to '%s': %s\n", o->summary,
                strerror(-r));
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

/* From start to stop. */
static int run_engine(const struct options *o, struct fv_engine *engine, int signals,
                      struct fv_error *err)
{
    struct fv_engine_stats stats;
    fv_engine_stats(engine, &stats);
    fv_tool_descriptors("run", 64 + 3 * stats.camera_count, 64 + stats.camera_count);
    enum fv_camera_state *states = calloc(stats.camera_count + 1u, sizeof(states[0]));
    struct fv_live *live = o->quiet ? NULL : fv_live_create(stdout, stats.camera_count);
    int r = states && (live || o->quiet) ? fv_engine_start(engine, err) : -ENOMEM;
    int code = FV_EXIT_FAILED;
    if (r == 0) {
        double cpu = cpu_s(), start = clock_s();
        watch(o, engine, live, signals);
        double wall = clock_s() - start;
        struct fv_summary_live figures = {
            .duration_s = wall, .cpu_percent = (cpu_s() - cpu) / wall * 100, .states = states};
        if (live)
            fv_live_draw(live, engine, true);
        note_states(engine, states, stats.camera_count);
        fv_engine_stop(engine);
        code = write_summary(o, engine, &figures);
    } else {
        fprintf(stderr, "fovea run: %s\n", r == -ENOMEM ? "out of memory" : err->text);
    }
    fv_live_destroy(live);
    free(states);
    return code;
}

static void print_progress(void *data, const char *text)
{
    (void)data;
    fprintf(stderr, "fovea run: %s\n", text);
}

static int run(int argc, char **argv)
{
    struct options o = {0};
    int code = parse(argc, argv, &o);
    if (code >= 0)
        return code;
    int signals = fv_tool_signals();
    if (signals < 0) {
        fprintf(stderr, "fovea run: %s\n", strerror(errno));
        return FV_EXIT_FAILED;
    }
    struct fv_problems problems = {.out = stderr};
    struct fv_engine_params params = {
        .config_path = o.config,
        .backend = o.backend,
        .output_dir = o.output,
        .problem = fv_problems_print,
        .progress = print_progress,
        .data = &problems,
    };
    struct fv_engine *engine = NULL;
    struct fv_error err = {0};
    int r = fv_engine_open(&params, &engine, &err);
    if (r < 0) {
        fprintf(stderr, "fovea run: %s\n", err.text);
        code = exit_code(r);
    } else {
        code = run_engine(&o, engine, signals, &err);
        fv_engine_close(engine);
    }
    close(signals);
    return code;
}

const struct fv_tool fv_tool_run = {
    .name = "run",
    .summary = "run the cameras of a configuration",
    .run = run,
};
