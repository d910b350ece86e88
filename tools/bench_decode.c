// SPDX-License-Identifier: Apache-2.0
/* `fovea bench decode`: one line of JSON. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "fovea/bench_decode.h"
#include "tool.h"

#define NAME "bench decode"

static const char *const map_names[] = {[FV_BENCH_MAP_AUTO] = "auto",
                                        [FV_BENCH_MAP_SAME_PASS] = "same",
                                        [FV_BENCH_MAP_NEXT_PASS] = "next"};

static void print_help(void)
{
    printf(
        "fovea bench decode - how fast, at what cost and with what delay pictures are decoded\n\n"
        "Usage: fovea bench decode FILE [OPTIONS]\n\n"
        "  FILE              video, raw or in a container; from its first key picture on\n"
        "  --backend B       gpu or cpu (default gpu)\n"
        "  --device N        of cuda:N (default 0)\n"
        "  --sessions N      cameras that play the file (default 1)\n"
        "  --fps F           pictures a second and session; 0: flat out (default 0)\n"
        "  --gather MS       paced: push together every so often (default 4)\n"
        "  --map M           when pictures are mapped: auto, same or next pass (default auto)\n"
        "  --held N          NVDEC_BUFFER_SIZE (default 5)\n"
        "  --cold            with --fps: the figures hold the start, when all cameras come at once\n"
        "  --warm S          seconds before the figures begin (default 1)\n"
        "  --duration S      seconds of the figures (default 5)\n"
        "  --sweep           a table instead: sessions and ways of mapping, flat out and\n"
        "                    at 30 a second\n"
        "  --json            accepted: the output is JSON anyway\n"
        "  -h, --help        this text\n\n"
        "Prints one line of JSON. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no usable GPU\n");
}

static int set_backend(struct fv_bench_decode_params *params, const char *text)
{
    params->cpu = strcmp(text, "cpu") == 0;
    return fv_tool_backend(NAME, text) ? FV_EXIT_OK : FV_EXIT_USAGE;
}

static int set_map(struct fv_bench_decode_params *params, const char *text)
{
    for (unsigned i = 0; i < sizeof(map_names) / sizeof(*map_names); i++)
        if (strcmp(text, map_names[i]) == 0) {
            params->map = (enum fv_bench_map)i;
            return FV_EXIT_OK;
        }
    return fv_tool_usage(NAME, "--map is auto, same or next, not '%s'", text);
}

struct modes {
    bool help, sweep;
};

static const struct option options[] = {
    {"backend", required_argument, NULL, 'b'},
    {"device", required_argument, NULL, 'D'},
    {"sessions", required_argument, NULL, 's'},
    {"fps", required_argument, NULL, 'f'},
    {"gather", required_argument, NULL, 'g'},
    {"map", required_argument, NULL, 'm'},
    {"held", required_argument, NULL, 'H'},
    {"warm", required_argument, NULL, 'w'},
    {"duration", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {"sweep", no_argument, NULL, 'S'},
    {"cold", no_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {NULL, 0, NULL, 0},
};

static int set_number(struct fv_bench_decode_params *params, int option)
{
    static const struct {
        int option;
        const char *name;
        double low, high;
    } numbers[] = {{'D', "--device", 0, 63},       {'s', "--sessions", 1, 1024},
                   {'f', "--fps", 0, 1000},        {'g', "--gather", 0, 1000},
                   {'H', "--held", 1, 32},         {'w', "--warm", 0, 3600},
                   {'d', "--duration", 0.1, 86400}};
    unsigned i = 0;
    while (numbers[i].option != option)
        i++;
    double value;
    if (!fv_tool_number(NAME, numbers[i].name, optarg, numbers[i].low, numbers[i].high, &value))
        return FV_EXIT_USAGE;
    switch (option) {
    case 'D':
        params->device = (unsigned)value;
        break;
    case 's':
        params->sessions = (unsigned)value;
        break;
    case 'f':
        params->fps = value;
        break;
    case 'g':
        params->gather_ms = value;
        break;
    case 'H':
        params->held = (unsigned)value;
        break;
    case 'w':
        params->warm_s = value;
        break;
    default:
        params->duration_s = value;
    }
    return FV_EXIT_OK;
}

static int read_options(int argc, char **argv, struct fv_bench_decode_params *params,
                        struct modes *ret_modes)
{
    int option, code = FV_EXIT_OK;
    optind = 1;
    opterr = 0;
    while (code == FV_EXIT_OK && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h')
            ret_modes->help = true;
        else if (option == 'S')
            ret_modes->sweep = true;
        else if (option == 'c')
            params->cold = true;
        else if (option == 'j')
            continue;
        else if (option == '?')
            return fv_tool_bad_option(NAME, argv);
        else if (option == 'b')
            code = set_backend(params, optarg);
        else if (option == 'm')
            code = set_map(params, optarg);
        else
            code = set_number(params, option);
    }
    if (code != FV_EXIT_OK || ret_modes->help)
        return code;
    if (optind + 1 != argc)
        return fv_tool_usage(NAME, "one file is needed");
    params->input = argv[optind];
    return FV_EXIT_OK;
}

static json_t *to_json(const struct fv_bench_decode_params *params,
                       const struct fv_bench_decode_figures *f)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:s, s:i}", "bench",
                             "decode", "backend", f->backend, "device", f->device, "input",
                             FV_SHOWN(params->input), "codec", f->codec, "width", (int)f->width, "height",
                             (int)f->height, "sessions", (int)params->sessions, "paced_fps",
                             params->fps, "map", map_names[params->map], "held", (int)params->held);
    json_t *rest = json_pack(
        "{s:f, s:I, s:f, s:I, s:I, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "wall_s",
        f->wall_s, "pictures", (json_int_t)f->pictures, "fps", (double)f->pictures / f->wall_s,
        "dropped", (json_int_t)f->dropped, "faults", (json_int_t)f->faults, "fault", f->fault,
        "cpu_us", f->cpu_us, "system_us", f->system_us, "worker_us", f->worker_us, "feeder_us",
        f->feeder_us, "age_p50_ms", f->age_p50_ms, "age_p99_ms", f->age_p99_ms, "age_max_ms",
        f->age_max_ms, "open_ms", f->open_ms);
    json_t *gpu = json_pack(
        "{s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I}", "session_mb", f->session_mb, "reckoned_mb",
        f->reckoned_mb, "session_open_ms", f->session_open_ms, "waited", (json_int_t)f->waited,
        "skipped_held", (json_int_t)f->skipped_held, "damaged", (json_int_t)f->damaged, "created",
        (json_int_t)f->created, "bitstream_bytes", (json_int_t)f->bitstream_bytes);
    json_object_update(json, rest);
    if (!params->cpu)
        json_object_update(json, gpu);
    json_decref(rest);
    json_decref(gpu);
    return json;
}

static int measure(const struct fv_bench_decode_params *params, json_t **ret_json)
{
    struct fv_bench_decode_figures figures;
    struct fv_error err;
    int code = fv_bench_decode(params, &figures, &err);
    if (code == 0) {
        *ret_json = to_json(params, &figures);
        return FV_EXIT_OK;
    }
    fprintf(stderr, "fovea bench decode: %s\n", err.text);
    return code == -ENODEV ? FV_EXIT_NODEV : FV_EXIT_FAILED;
}

/* A row that fails is left out; what it says goes to standard error. */
static int sweep(struct fv_bench_decode_params *params, json_t **ret_json)
{
    static const struct {
        unsigned sessions;
        double fps;
        enum fv_bench_map map;
    } rows[] = {
        {1, 0, FV_BENCH_MAP_AUTO},        {16, 0, FV_BENCH_MAP_AUTO},
        {16, 0, FV_BENCH_MAP_NEXT_PASS},  {64, 0, FV_BENCH_MAP_AUTO},
        {64, 30, FV_BENCH_MAP_AUTO},      {64, 30, FV_BENCH_MAP_SAME_PASS},
        {64, 30, FV_BENCH_MAP_NEXT_PASS},
    };
    json_t *table = json_array();
    int worst = FV_EXIT_OK;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]) && worst != FV_EXIT_NODEV; i++) {
        json_t *row = NULL;
        params->sessions = rows[i].sessions;
        params->fps = rows[i].fps;
        params->map = rows[i].map;
        int code = measure(params, &row);
        if (code == FV_EXIT_OK)
            json_array_append_new(table, row);
        else
            worst = code;
    }
    *ret_json = json_pack("{s:s, s:o}", "bench", "decode", "rows", table);
    return worst;
}

int fv_bench_decode_command(int argc, char **argv)
{
    struct fv_bench_decode_params params = {
        .sessions = 1, .gather_ms = 4, .held = 5, .warm_s = 1, .duration_s = 5};
    struct modes modes = {0};
    json_t *json = NULL;
    int code = read_options(argc, argv, &params, &modes);
    if (modes.help)
        print_help();
    if (code != FV_EXIT_OK || modes.help)
        return code;
    code = modes.sweep ? sweep(&params, &json) : measure(&params, &json);
    if (!json)
        return code;
    json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(json);
    return code;
}
