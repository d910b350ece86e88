// SPDX-License-Identifier: Apache-2.0
/* fovea analyze: a file through the engine's stages, as fast as they go. */
#include "fovea/analyze.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"
#include "problems.h"
#include "tool.h"

#define NAME "analyze"
#define BAR 30
#define REDRAW_MS 250

struct options {
    struct fv_analyze_params params;
    double duration; /* seconds; 0: without end */
    bool json, quiet;
};

static const char help[] =
    "Usage: fovea analyze [OPTIONS] FILE|URL\n\n"
    "Analyses a file as fast as it goes and drops nothing: the same file gives the same results.\n"
    "FILE is a raw stream (H.264, H.265, JPEG; IVF with VP9, AV1) or a container of these (mp4,\n"
    "mkv, webm, avi, ts). A camera's address (rtsp://...) is analysed as it comes, until Ctrl-C\n"
    "or --duration.\n\n"
    "  -c, --config FILE      settings, zones and lines; without it the defaults\n"
    "      --camera NAME      whose; default: the first camera of the configuration that is "
    "enabled,\n"
    "                         or without one the engine-wide settings\n"
    "      --backend NAME     gpu or cpu; overrides processing.BACKEND\n"
    "  -o, --out FILE         events as JSON Lines, like events.jsonl (docs/events.md)\n"
    "      --mot FILE         tracks as MOTChallenge text, for 'fovea validate accuracy'\n"
    "      --draw DIR         annotated pictures, JPEG\n"
    "      --draw-every N     every Nth analysed picture only\n"
    "      --fps F            rate of a raw stream (default: what it says, else 25)\n"
    "      --start TIME       when the first picture was taken: 2026-01-31T12:34:56Z\n"
    "  -d, --duration S       an address: end after S seconds\n"
    "      --json             the summary as one JSON object on standard output\n"
    "  -q, --quiet            neither progress nor summary\n"
    "  -h, --help\n\n"
    "Example: fovea analyze --backend cpu -c cameras.json --out events.jsonl --draw pictures "
    "clip.mp4\n\n"
    "Exit codes: 0 done, also when ended by Ctrl-C, 1 configuration errors or a failure, 2 wrong\n"
    "            usage or an unreadable file, 3 no usable GPU in GPU-only mode\n";

enum { OPT_CAMERA = 256, OPT_BACKEND, OPT_MOT, OPT_DRAW, OPT_EVERY, OPT_FPS, OPT_START, OPT_JSON };

static const struct option names[] = {
    {"config", required_argument, NULL, 'c'},
    {"camera", required_argument, NULL, OPT_CAMERA},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"out", required_argument, NULL, 'o'},
    {"mot", required_argument, NULL, OPT_MOT},
    {"draw", required_argument, NULL, OPT_DRAW},
    {"draw-every", required_argument, NULL, OPT_EVERY},
    {"fps", required_argument, NULL, OPT_FPS},
    {"start", required_argument, NULL, OPT_START},
    {"duration", required_argument, NULL, 'd'},
    {"json", no_argument, NULL, OPT_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* --- options ----------------------------------------------------------------------------------------------------------- */

static int set_start(struct options *o, const char *text)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    const time_t seconds = end && !*end ? timegm(&tm) : -1;
    if (seconds <= 0 || seconds > INT64_C(4102444800)) /* the year 2100 */
        return fv_tool_usage(NAME, "--start takes a time like 2026-01-31T12:34:56Z, not '%s'",
                             text);
    o->params.start = (int64_t)seconds * 1000000000;
    return -1;
}

static int set_number(const char *option, double low, double high, double *ret_value)
{
    return fv_tool_number(NAME, option, optarg, low, high, ret_value) ? -1 : FV_EXIT_USAGE;
}

static int set_every(struct options *o)
{
    double every = 1;
    const bool good = fv_tool_whole(NAME, "--draw-every", optarg, 1, 1e6, &every);
    o->params.interval = (unsigned)every;
    return good ? -1 : FV_EXIT_USAGE;
}

/* Returns -1 to go on, or an exit code. */
static int set_option(int c, struct options *o)
{
    const char **texts[] = {['c'] = &o->params.config_path,   ['o'] = &o->params.events,
                            [OPT_CAMERA] = &o->params.camera, [OPT_BACKEND] = &o->params.backend,
                            [OPT_MOT] = &o->params.tracks,    [OPT_DRAW] = &o->params.pictures};
    if (c >= 0 && (size_t)c < sizeof(texts) / sizeof(texts[0]) && texts[c]) {
        *texts[c] = optarg;
        return -1;
    }
    switch (c) {
    case OPT_EVERY:
        return set_every(o);
    case OPT_FPS:
        return set_number("--fps", 0.01, 1000, &o->params.fps);
    case OPT_START:
        return set_start(o, optarg);
    case 'd':
        return set_number("--duration", 0.1, 1e9, &o->duration);
    case OPT_JSON:
        o->json = true;
        return -1;
    case 'q':
        o->quiet = true;
        return -1;
    case 'h':
        fputs(help, stdout);
        return FV_EXIT_OK;
    default:
        return -1;
    }
}

static int parse(int argc, char **argv, struct options *o)
{
    int c, code;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "c:o:d:qh", names, NULL)) != -1) {
        code = c == '?' ? fv_tool_bad_option(NAME, argv) : set_option(c, o);
        if (code >= 0)
            return code;
    }
    if (optind == argc)
        return fv_tool_usage(NAME, "a file or an address is needed");
    if (optind + 1 < argc)
        return fv_tool_usage(NAME, "unexpected argument '%s'", argv[optind + 1]);
    o->params.input = argv[optind];
    if (!fv_tool_backend(NAME, o->params.backend))
        return FV_EXIT_USAGE;
    if (o->params.camera && !o->params.config_path)
        return fv_tool_usage(NAME, "--camera needs a configuration: -c FILE");
    return -1;
}

/* --- progress ---------------------------------------------------------------------------------------------------------- */

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static double rate(const struct fv_analyze_figures *f)
{
    return f->elapsed > 0 ? (double)f->analysed / seconds(f->elapsed) : 0;
}

static void draw_bar(const struct fv_analyze_figures *f)
{
    char bar[BAR + 1];
    const int full = (int)lround(f->done * BAR);
    memset(bar, '#', (size_t)full);
    memset(bar + full, '.', (size_t)(BAR - full));
    bar[BAR] = 0;
    fprintf(stderr, "\r[%s] %3.0f %%  %7.1f s  %" PRIu64 " pictures, %.0f/s \033[K", bar,
            f->done * 100, seconds(f->media), f->analysed, rate(f));
}

static void draw_live(const struct fv_analyze_figures *f)
{
    fprintf(stderr, "\r%7.1f s  %" PRIu64 " pictures, %" PRIu64 " dropped, Ctrl-C ends it \033[K",
            seconds(f->elapsed), f->analysed, f->dropped);
}

struct watch {
    const struct options *options;
    struct fv_analyze *analyze;
    int signals, ended;
    bool live, bar;
};

static void draw(const struct watch *watch)
{
    struct fv_analyze_figures figures;
    fv_analyze_figures(watch->analyze, &figures);
    if (watch->live)
        draw_live(&figures);
    else
        draw_bar(&figures);
}

static int wait_ms(const struct watch *watch)
{
    struct fv_analyze_figures f;
    if (watch->options->duration <= 0 || !watch->live)
        return watch->bar ? REDRAW_MS : -1;
    fv_analyze_figures(watch->analyze, &f);
    const double left = fmax(watch->options->duration - seconds(f.elapsed), 0) * 1000;
    return (int)ceil(watch->bar ? fmin(left, REDRAW_MS) : fmin(left, 1e9));
}

/* Until the file ends, the duration is over or a signal comes. */
static void wait_for_end(const struct watch *watch)
{
    struct pollfd fds[] = {{.fd = watch->signals, .events = POLLIN},
                           {.fd = watch->ended, .events = POLLIN}};
    for (;;) {
        const int timeout = wait_ms(watch);
        if (timeout == 0)
            break;
        (void)poll(fds, 2, timeout);
        if (watch->bar)
            draw(watch);
        if (fds[1].revents || fv_tool_signal_wait(watch->signals, 0))
            break;
    }
    if (watch->bar)
        fprintf(stderr, "\r\033[K");
}

/* --- summary ----------------------------------------------------------------------------------------------------------- */

static void print_json(const struct options *o, const struct fv_analyze_figures *f)
{
    /* clang-format off */
    json_t *summary = json_pack("{s:s,s:b,s:f,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s}",
        "input", FV_SHOWN(o->params.input), "complete", f->complete, "elapsed_s", seconds(f->elapsed),
        "media_s", seconds(f->media), "analysed_per_s", rate(f),
        "access_units", (json_int_t)f->access_units, "frames", (json_int_t)f->frames,
        "analysed", (json_int_t)f->analysed, "detections", (json_int_t)f->detections,
        "persons", (json_int_t)f->persons, "tracks", (json_int_t)f->tracks,
        "rule_events", (json_int_t)f->rule_events, "crossings", (json_int_t)f->crossings,
        "dwells", (json_int_t)f->dwells, "undecodable", (json_int_t)f->undecodable,
        "dropped", (json_int_t)f->dropped, "unwritten", (json_int_t)f->unwritten,
        "runtime", f->runtime);
    /* clang-format on */
    json_dumpf(summary, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(summary);
}

static void print_text(const struct options *o, const struct fv_analyze_figures *f)
{
    printf("%s%s\n", FV_SHOWN(o->params.input), f->complete ? "" : " (not to its end)");
    printf("  %" PRIu64 " of %" PRIu64
           " pictures analysed in %.1f s: %.1f a second, %.1f times as fast "
           "as they were taken\n",
           f->analysed, f->frames, seconds(f->elapsed), rate(f),
           f->elapsed > 0 ? (double)f->media / (double)f->elapsed : 0);
    printf("  %" PRIu64 " detections, %" PRIu64 " of them persons; %" PRIu64 " tracks\n",
           f->detections, f->persons, f->tracks);
    printf("  %" PRIu64 " events of zones and lines, among them %" PRIu64 " crossings and %" PRIu64
           " dwells\n",
           f->rule_events, f->crossings, f->dwells);
    if (f->undecodable || f->dropped || f->unwritten)
        printf("  %" PRIu64 " access units could not be decoded, %" PRIu64 " dropped, %" PRIu64
               " not written\n",
               f->undecodable, f->dropped, f->unwritten);
    printf("  %s\n", f->runtime);
}

/* --- the run ----------------------------------------------------------------------------------------------------------- */

static int report(int error, const struct fv_error *err)
{
    if (error < 0)
        fprintf(stderr, "fovea " NAME ": %s\n", err->text);
    return fv_tool_exit_code(error);
}

static int finish(const struct options *o, struct fv_analyze *analyze)
{
    struct fv_error err = {0};
    struct fv_analyze_figures figures;
    const int r = fv_analyze_stop(analyze, &err);
    fv_analyze_figures(analyze, &figures);
    if (o->json)
        print_json(o, &figures);
    else if (!o->quiet)
        print_text(o, &figures);
    if (r == 0 && figures.unwritten) {
        fprintf(stderr,
                "fovea " NAME ": %" PRIu64 " events, pictures or lines of tracks could not be "
                "written\n",
                figures.unwritten);
        return FV_EXIT_FAILED;
    }
    return r == 0 ? FV_EXIT_OK : (report(r, &err), FV_EXIT_FAILED);
}

static int run_with(struct options *o, int signals, int ended)
{
    struct fv_analyze *analyze = NULL;
    struct fv_error err = {0};
    struct fv_guard guard = {.tool = NAME, .signals = signals, .code = FV_EXIT_OK};
    fv_guard_begin(&guard); /* a pipe is waited for, and a file system may hang */
    int r = fv_analyze_open(&o->params, &analyze, &err);
    fv_guard_end(&guard);
    if (r < 0)
        return report(r, &err);
    r = guard.asked ? 0 : fv_analyze_start(analyze, &err);
    int code = report(r, &err);
    if (r == 0 && !guard.asked) {
        struct fv_analyze_figures figures;
        fv_analyze_figures(analyze, &figures);
        const struct watch watch = {.options = o,
                                    .analyze = analyze,
                                    .signals = signals,
                                    .ended = ended,
                                    .live = figures.live,
                                    .bar = !o->quiet && isatty(STDERR_FILENO)};
        wait_for_end(&watch);
        code = finish(o, analyze);
    }
    fv_analyze_close(analyze);
    return code;
}

struct callbacks {
    struct fv_problems problems;
    int ended;
};

static void on_problem(void *data, const struct fv_problem *problem)
{
    struct callbacks *callbacks = data;
    fv_problems_print(&callbacks->problems, problem);
}

static void on_end(void *data)
{
    struct callbacks *callbacks = data;
    eventfd_write(callbacks->ended, 1);
}

static int run(int argc, char **argv)
{
    struct options o = {0};
    int code = parse(argc, argv, &o);
    if (code >= 0)
        return code;
    const int signals = fv_tool_signals(false);
    struct callbacks callbacks = {.problems = {.out = stderr}, .ended = eventfd(0, EFD_CLOEXEC)};
    o.params.problem = on_problem;
    o.params.ended = on_end;
    o.params.data = &callbacks;
    if (signals < 0 || callbacks.ended < 0) {
        fprintf(stderr, "fovea " NAME ": %s\n", strerror(errno));
        code = FV_EXIT_FAILED;
    } else {
        code = run_with(&o, signals, callbacks.ended);
    }
    if (signals >= 0)
        close(signals);
    if (callbacks.ended >= 0)
        close(callbacks.ended);
    return code;
}

const struct fv_tool fv_tool_analyze = {
    .name = NAME,
    .summary = "analyse a file, as fast as it goes",
    .run = run,
};
