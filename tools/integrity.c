// SPDX-License-Identifier: Apache-2.0
/* fovea validate integrity: the same file twice must give the same events. */
#include "integrity.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fovea/analyze.h"
#include "problems.h"
#include "tool.h"

#define NAME "validate"
#define LINE_SHOWN 300

static const char help[] =
    "Usage: fovea validate integrity [OPTIONS] FILE\n\n"
    "Analyses a file twice and compares what comes out: the same pictures and events, in the same\n"
    "order, with the same ids of tracks and events. Numbers behind the point may differ between "
    "two\n"
    "runs on some devices; that is told, and is no failure.\n\n"
    "  -c, --config FILE   settings, zones and lines\n"
    "      --camera NAME   whose\n"
    "      --backend NAME  gpu or cpu\n"
    "      --fps F         rate of a raw stream\n"
    "      --json          one JSON object\n"
    "  -h, --help\n\n"
    "Exit codes: 0 the same, 1 not the same or a failure, 2 wrong usage or an unreadable file, 3 "
    "no\n"
    "            usable GPU in GPU-only mode\n";

struct options {
    struct fv_analyze_params params;
    bool json;
};

/* What a comparison found. */
struct outcome {
    uint64_t lines[2], identical, numbers_differ;
    uint64_t first; /* line that differs in substance, from 1; 0: none */
    char shown[2][LINE_SHOWN];
};

/* --- comparing ---------------------------------------------------------------------------------------------------------- */

/* Whether two values say the same but for the digits of numbers with a fraction. */
static bool same(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_typeof(a) != json_typeof(b) && !(json_is_number(a) && json_is_number(b)))
        return false;
    if (json_is_object(a)) {
        json_object_foreach((json_t *)a, key, value)
        {
            const json_t *other = json_object_get(b, key);
            if (!other || !same(value, other))
                return false;
        }
        return json_object_size(a) == json_object_size(b);
    }
    if (json_is_array(a)) {
        json_array_foreach(a, i, value)
        {
            const json_t *other = json_array_get(b, i);
            if (!other || !same(value, other))
                return false;
        }
        return json_array_size(a) == json_array_size(b);
    }
    return json_is_real(a) || json_is_real(b) || json_equal(a, b);
}

static bool same_lines(const char *a, const char *b)
{
    json_t *left = json_loads(a, 0, NULL), *right = json_loads(b, 0, NULL);
    const bool is = left && right && same(left, right);
    json_decref(left);
    json_decref(right);
    return is;
}

/* The next line, or NULL. */
static const char *read_line(FILE *file, char **buffer, size_t *size)
{
    return getline(buffer, size, file) > 0 ? *buffer : NULL;
}

static void judge(struct outcome *outcome, const char *a, const char *b)
{
    if (a && b && strcmp(a, b) == 0) {
        outcome->identical++;
        return;
    }
    if (a && b && same_lines(a, b)) {
        outcome->numbers_differ++;
        return;
    }
    if (outcome->first)
        return;
    outcome->first = outcome->lines[a ? 0 : 1];
    snprintf(outcome->shown[0], LINE_SHOWN, "%s", a ? a : "(nothing)");
    snprintf(outcome->shown[1], LINE_SHOWN, "%s", b ? b : "(nothing)");
}

static void compare(FILE *files[2], struct outcome *outcome)
{
    char *buffer[2] = {NULL, NULL};
    size_t size[2] = {0, 0};
    for (;;) {
        const char *line[2];
        for (int i = 0; i < 2; i++) {
            line[i] = read_line(files[i], &buffer[i], &size[i]);
            outcome->lines[i] += line[i] != NULL;
        }
        if (!line[0] && !line[1])
            break;
        judge(outcome, line[0], line[1]);
    }
    free(buffer[0]);
    free(buffer[1]);
}

/* --- the two runs -------------------------------------------------------------------------------------------------------- */

struct callbacks {
    struct fv_problems problems;
    bool silent;
    int ended;
};

static void on_problem(void *data, const struct fv_problem *problem)
{
    struct callbacks *callbacks = data;
    if (!callbacks->silent)
        fv_problems_print(&callbacks->problems, problem);
}

static void on_end(void *data)
{
    const struct callbacks *callbacks = data;
    eventfd_write(callbacks->ended, 1);
}

/* True: the file came to its end; false: a signal came. */
static bool wait_end(int ended, int signals)
{
    struct pollfd fds[] = {{.fd = ended, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    (void)poll(fds, 2, -1);
    eventfd_t count;
    return fds[0].revents && eventfd_read(ended, &count) == 0;
}

/* 0, or a negative errno with a sentence. */
static int run_once(const struct fv_analyze_params *params, int ended, int signals,
                    struct fv_analyze_figures *ret_figures, struct fv_error *err)
{
    struct fv_analyze *analyze = NULL;
    int r = fv_analyze_open(params, &analyze, err);
    if (r == 0)
        r = fv_analyze_start(analyze, err);
    if (r == 0) {
        const bool whole = wait_end(ended, signals);
        r = fv_analyze_stop(analyze, err);
        fv_analyze_figures(analyze, ret_figures);
        if (r == 0 && !whole) {
            r = -ECANCELED;
            snprintf(err->text, sizeof(err->text), "interrupted");
        }
    }
    fv_analyze_close(analyze);
    return r;
}

/* A file without a name; NULL: errno says why. `path` is how it is opened by others of this process. */
static FILE *open_scratch(char *path, size_t size)
{
    FILE *file = tmpfile();
    if (file)
        snprintf(path, size, "/proc/self/fd/%d", fileno(file));
    return file;
}

/* --- report -------------------------------------------------------------------------------------------------------------- */

static void print_json(const struct options *o, const struct outcome *outcome,
                       const struct fv_analyze_figures *figures)
{
    json_t *first = outcome->first ? json_integer((json_int_t)outcome->first) : json_null();
    json_t *object = json_pack(
        "{s:s,s:b,s:I,s:I,s:I,s:I,s:o,s:I,s:I,s:I}", "input", FV_SHOWN(o->params.input), "same",
        outcome->first == 0, "lines", (json_int_t)outcome->lines[0], "lines_again",
        (json_int_t)outcome->lines[1], "identical", (json_int_t)outcome->identical,
        "numbers_differ", (json_int_t)outcome->numbers_differ, "first_difference", first,
        "analysed", (json_int_t)figures->analysed, "tracks", (json_int_t)figures->tracks,
        "rule_events", (json_int_t)figures->rule_events);
    json_dumpf(object, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(object);
}

static void print_text(const struct outcome *outcome, const struct fv_analyze_figures *figures)
{
    printf("%s: %" PRIu64 " lines, %" PRIu64 " the second time; %" PRIu64 " pictures, %" PRIu64
           " tracks, %" PRIu64 " events of zones and lines\n",
           outcome->first ? "NOT THE SAME" : "the same", outcome->lines[0], outcome->lines[1],
           figures->analysed, figures->tracks, figures->rule_events);
    if (outcome->numbers_differ)
        printf("  in %" PRIu64 " lines digits behind the point differ\n", outcome->numbers_differ);
    if (outcome->first)
        printf("  line %" PRIu64 ":\n  first   %s  second  %s", outcome->first, outcome->shown[0],
               outcome->shown[1]);
}

static int run_twice(struct options *o, struct callbacks *callbacks, int signals)
{
    FILE *files[2] = {NULL, NULL};
    struct fv_analyze_figures figures;
    struct fv_error err = {0};
    int r = 0;
    for (int i = 0; r == 0 && i < 2; i++) {
        char path[64];
        files[i] = open_scratch(path, sizeof(path));
        o->params.events = path;
        callbacks->silent = i > 0;
        r = files[i] ? run_once(&o->params, callbacks->ended, signals, &figures, &err) : -errno;
        if (!files[i])
            snprintf(err.text, sizeof(err.text), "no temporary file: %s", strerror(-r));
    }
    int code = fv_tool_exit_code(r);
    if (r < 0) {
        fprintf(stderr, "fovea " NAME ": %s\n", err.text);
    } else {
        struct outcome outcome = {0};
        compare(files, &outcome);
        if (o->json)
            print_json(o, &outcome, &figures);
        else
            print_text(&outcome, &figures);
        code = outcome.first ? FV_EXIT_FAILED : FV_EXIT_OK;
    }
    for (int i = 0; i < 2; i++)
        if (files[i])
            fclose(files[i]);
    return code;
}

/* --- options ------------------------------------------------------------------------------------------------------------- */

/* Returns -1 to go on, or an exit code. */
static int set_option(int c, struct options *o)
{
    switch (c) {
    case 'c':
        o->params.config_path = optarg;
        return -1;
    case 'n':
        o->params.camera = optarg;
        return -1;
    case 'b':
        o->params.backend = optarg;
        return fv_tool_backend(NAME, optarg) ? -1 : FV_EXIT_USAGE;
    case 'f':
        return fv_tool_number(NAME, "--fps", optarg, 0.01, 1000, &o->params.fps) ? -1
                                                                                 : FV_EXIT_USAGE;
    case 'j':
        o->json = true;
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
    static const struct option names[] = {
        {"config", required_argument, NULL, 'c'},
        {"camera", required_argument, NULL, 'n'},
        {"backend", required_argument, NULL, 'b'},
        {"fps", required_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c, code;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "c:h", names, NULL)) != -1) {
        code = c == '?' ? fv_tool_bad_option("validate integrity", argv) : set_option(c, o);
        if (code >= 0)
            return code;
    }
    if (optind + 1 != argc)
        return fv_tool_usage(NAME, "integrity needs one file");
    o->params.input = argv[optind];
    o->params.config_path = fv_tool_read_once(o->params.config_path);
    if (strstr(o->params.input, "://"))
        return fv_tool_usage(NAME, "integrity needs a file: a camera does not show the same twice");
    return -1;
}

int fv_integrity(int argc, char **argv)
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
        code = run_twice(&o, &callbacks, signals);
    }
    if (signals >= 0)
        close(signals);
    if (callbacks.ended >= 0)
        close(callbacks.ended);
    return code;
}
