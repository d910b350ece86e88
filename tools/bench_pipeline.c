// SPDX-License-Identifier: Apache-2.0
/* `fovea bench pipeline`: decoder, detector, tracker and rules together, for many cameras that play one file. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "bench.h"
#include "fovea/bench.h"
#include "tool.h"

struct options {
    const char *input, *backend, *provider, *model;
    double sessions, fps, duration, warm, batch, pool;
    bool json, fp32;
};

static void print_help(void)
{
    printf("Usage: fovea bench pipeline [OPTIONS] FILE\n\n"
           "Plays FILE (video, raw or in a container) as many cameras, from memory, and "
           "takes\n"
           "every picture through decoder, detector, tracker and rules.\n\n"
           "  -n, --sessions N     cameras (default 16)\n"
           "      --fps F          pictures a second and camera; 0: as fast as it goes (default)\n"
           "  -d, --duration S     seconds that count (default 10)\n"
           "      --warm S         seconds before them, once all cameras have given a picture "
           "(default 2)\n"
           "      --backend NAME   gpu (default) or cpu\n"
           "      --provider NAME  models.INFERENCE_PROVIDER (default cuda, with cpu: cpu)\n"
           "      --batch N        processing.GPU_BATCH_SIZE; 0: auto (default)\n"
           "      --pool MB        processing.GPU_MEMORY_POOL_SIZE_MB (default 500)\n"
           "      --model FILE     models.MODEL_PATH (default: the bundled detector)\n"
           "      --fp32           models.TENSORRT_FP16 off\n"
           "      --json           one object on standard output\n"
           "  -h, --help\n\n"
           "Example: fovea bench pipeline --sessions 64 --fps 30 clip.h264\n\n"
           "Exit codes: 0 measured, 1 failed, 2 wrong usage or unreadable file, 3 no usable GPU\n");
}

/* --- the configuration ---------------------------------------------------------------------------- */

static json_t *cameras_of(unsigned sessions)
{
    json_t *streams = json_array();
    for (unsigned i = 0; i < sessions; i++) {
        char name[20], url[40];
        snprintf(name, sizeof(name), "session %u", i);
        snprintf(url, sizeof(url), "rtsp://localhost/%u", i);
        json_array_append_new(streams, json_pack("{s:s, s:s}", "name", name, "url", url));
    }
    return json_pack("{s:o}", "RTSP_STREAMS", streams);
}

static char *config_of(const struct options *o)
{
    json_t *batch = o->batch > 0 ? json_integer((json_int_t)o->batch) : json_string("auto");
    json_t *processing =
        json_pack("{s:s, s:o, s:i, s:i}", "BACKEND", o->backend, "GPU_BATCH_SIZE", batch,
                  "TARGET_FPS", 1000, "GPU_MEMORY_POOL_SIZE_MB", (int)o->pool);
    json_t *models =
        json_pack("{s:s, s:b, s:i}", "INFERENCE_PROVIDER", o->provider, "TENSORRT_FP16", !o->fp32,
                  "TENSORRT_MAX_BATCH_SIZE", o->batch > 32 ? (int)o->batch : 32);
    if (o->model)
        json_object_set_new(models, "MODEL_PATH", json_string(o->model));
    json_t *config = json_pack("{s:o, s:o, s:o}", "processing", processing, "models", models,
                               "cameras", cameras_of((unsigned)o->sessions));
    char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
    json_decref(config);
    return text;
}

/* --- the report ----------------------------------------------------------------------------------- */

static json_t *threads_of(const struct fv_bench_pipeline_figures *f)
{
    json_t *threads = json_object();
    for (size_t i = 0; i < f->thread_count; i++)
        if (f->analysed && f->threads[i].cpu_s > 0)
            json_object_set_new(threads, f->threads[i].name,
                                json_real(f->threads[i].cpu_s * 1e6 / (double)f->analysed));
    return threads;
}

static json_t *traffic_of(const struct fv_bench_pipeline_figures *f)
{
    json_t *traffic = json_object();
    for (uint32_t i = 0; i < f->gpu_after.traffic_count; i++) {
        const struct fv_engine_traffic *from = &f->gpu_before.traffic[i],
                                       *to = &f->gpu_after.traffic[i];
        json_object_set_new(traffic, to->purpose,
                            json_pack("{s:f, s:f}", "to_device_per_s",
                                      (double)(to->to_device - from->to_device) / f->wall_s,
                                      "to_host_per_s",
                                      (double)(to->to_host - from->to_host) / f->wall_s));
    }
    return traffic;
}

static json_t *report_of(const struct options *o, const struct fv_bench_pipeline_figures *f)
{
    double cpu = f->user_s + f->system_s;
    json_t *report = json_pack(
        "{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:f, s:{s:f, s:f, "
        "s:f}, s:o}",
        "bench", "pipeline", "input", FV_SHOWN(o->input), "runtime", f->runtime, "sessions",
        (int)o->sessions, "fps_asked", o->fps, "wall_s", f->wall_s, "fps",
        (double)f->analysed / f->wall_s, "cpu_percent_of_one_core", cpu / f->wall_s * 100,
        "cpu_us_per_frame", f->analysed ? cpu * 1e6 / (double)f->analysed : 0.0, "per_batch",
        f->per_batch, "analysed", (json_int_t)f->analysed, "dropped", (json_int_t)f->dropped,
        "undecoded", (json_int_t)f->undecoded, "detections", (json_int_t)f->detections,
        "detections_per_frame", f->analysed ? (double)f->detections / (double)f->analysed : 0.0,
        "age_ms", "p50", f->age_p50_ms, "p99", f->age_p99_ms, "max", f->age_max_ms,
        "cpu_us_per_frame_by_thread", threads_of(f));
    if (report && f->gpu)
        json_object_set_new(report, "gpu",
                            json_pack("{s:s, s:f, s:I, s:o}", "name", f->gpu_after.name,
                                      "memory_mb_per_session",
                                      (double)f->memory_used / 1e6 / o->sessions, "tripped",
                                      (json_int_t)f->gpu_after.tripped, "bytes", traffic_of(f)));
    return report;
}

static void print_text(const struct options *o, const struct fv_bench_pipeline_figures *f)
{
    double cpu = f->user_s + f->system_s;
    printf("%s\n%u sessions, %.1f s: %.0f pictures/s analysed, %.1f per batch, %.1f boxes each\n"
           "CPU %.1f %% of one core, %.0f us a picture\n"
           "age p50 %.1f ms, p99 %.1f ms, max %.1f ms\n"
           "given up for lack of room %llu, not decodable %llu\n",
           f->runtime, (unsigned)o->sessions, f->wall_s, (double)f->analysed / f->wall_s,
           f->per_batch, f->analysed ? (double)f->detections / (double)f->analysed : 0.0,
           cpu / f->wall_s * 100, f->analysed ? cpu * 1e6 / (double)f->analysed : 0.0,
           f->age_p50_ms, f->age_p99_ms, f->age_max_ms, (unsigned long long)f->dropped,
           (unsigned long long)f->undecoded);
}

/* --- options -------------------------------------------------------------------------------------- */

enum {
    OPT_FPS = 256,
    OPT_WARM,
    OPT_BACKEND,
    OPT_PROVIDER,
    OPT_BATCH,
    OPT_POOL,
    OPT_MODEL,
    OPT_FP32,
    OPT_JSON
};

static bool number(const char *option, double low, double high, double *value)
{
    return fv_tool_number("bench", option, optarg, low, high, value);
}

/* Returns -1 to go on, or an exit code. */
static int set_option(int c, struct options *o)
{
    switch (c) {
    case 'n':
        return number("--sessions", 1, 1024, &o->sessions) ? -1 : FV_EXIT_USAGE;
    case 'd':
        return number("--duration", 0.1, 1e6, &o->duration) ? -1 : FV_EXIT_USAGE;
    case OPT_FPS:
        return number("--fps", 0, 1000, &o->fps) ? -1 : FV_EXIT_USAGE;
    case OPT_WARM:
        return number("--warm", 0, 1e6, &o->warm) ? -1 : FV_EXIT_USAGE;
    case OPT_BATCH:
        return number("--batch", 0, 128, &o->batch) ? -1 : FV_EXIT_USAGE;
    case OPT_POOL:
        return number("--pool", 1, 65536, &o->pool) ? -1 : FV_EXIT_USAGE;
    case OPT_BACKEND:
        o->backend = optarg;
        return -1;
    case OPT_PROVIDER:
        o->provider = optarg;
        return -1;
    case OPT_MODEL:
        o->model = optarg;
        return -1;
    case OPT_FP32:
        o->fp32 = true;
        return -1;
    case OPT_JSON:
        o->json = true;
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
        {"sessions", required_argument, NULL, 'n'},
        {"duration", required_argument, NULL, 'd'},
        {"fps", required_argument, NULL, OPT_FPS},
        {"warm", required_argument, NULL, OPT_WARM},
        {"backend", required_argument, NULL, OPT_BACKEND},
        {"provider", required_argument, NULL, OPT_PROVIDER},
        {"batch", required_argument, NULL, OPT_BATCH},
        {"pool", required_argument, NULL, OPT_POOL},
        {"model", required_argument, NULL, OPT_MODEL},
        {"fp32", no_argument, NULL, OPT_FP32},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c, code;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "n:d:h", names, NULL)) != -1) {
        code = c == '?' ? fv_tool_bad_option("bench pipeline", argv) : set_option(c, o);
        if (code >= 0)
            return code;
    }
    if (optind + 1 != argc)
        return fv_tool_usage("bench", "pipeline needs one file");
    o->input = argv[optind];
    if (!fv_tool_backend("bench", o->backend))
        return FV_EXIT_USAGE;
    if (!o->provider)
        o->provider = strcmp(o->backend, "gpu") == 0 ? "cuda" : "cpu";
    return -1;
}

/* --- running -------------------------------------------------------------------------------------- */

static volatile bool stop;

/* `data` is the descriptor itself: the thread may begin when the command is over. */
static void *watch_signals(void *data)
{
    fv_tool_signal_wait((int)(intptr_t)data, -1);
    stop = true;
    return NULL;
}

static void on_progress(void *data, const char *text)
{
    fprintf(stderr, "fovea bench: %s\n", text);
}

/* The configuration is ours: what is merely remarked on does not matter. */
static void on_problem(void *data, const struct fv_problem *problem)
{
    if (problem->severity == FV_SEVERITY_ERROR)
        fprintf(stderr, "fovea bench: %s: %s\n", problem->key, problem->message);
}

static int report(const struct options *o, const struct fv_bench_pipeline_figures *figures)
{
    if (!o->json) {
        print_text(o, figures);
        return FV_EXIT_OK;
    }
    json_t *object = report_of(o, figures);
    if (!object)
        return FV_EXIT_FAILED;
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(object);
    return FV_EXIT_OK;
}

int fv_bench_pipeline_command(int argc, char **argv)
{
    struct options o = {.backend = "gpu", .sessions = 16, .duration = 10, .warm = 2, .pool = 500};
    int code = parse(argc, argv, &o);
    if (code >= 0)
        return code;
    int signals = fv_tool_signals(false);
    char *config = config_of(&o);
    pthread_t watcher;
    if (signals < 0 || !config ||
        pthread_create(&watcher, NULL, watch_signals, (void *)(intptr_t)signals)) {
        fprintf(stderr, "fovea bench: %s\n", strerror(errno ? errno : ENOMEM));
        free(config);
        return FV_EXIT_FAILED;
    }
    pthread_detach(watcher); /* ends with the process */
    struct fv_bench_pipeline_params params = {
        .input = o.input,
        .config_text = config,
        .sessions = (unsigned)o.sessions,
        .fps = o.fps,
        .warm_s = o.warm,
        .duration_s = o.duration,
        .stop = &stop,
        .problem = on_problem,
        .progress = on_progress,
    };
    struct fv_bench_pipeline_figures figures;
    struct fv_error err = {0};
    int r = fv_bench_pipeline(&params, &figures, &err);
    free(config);
    if (r < 0) {
        fprintf(stderr, "fovea bench: %s\n", err.text);
        return r == -ENODEV ? FV_EXIT_NODEV : r == -ENOENT ? FV_EXIT_USAGE : FV_EXIT_FAILED;
    }
    return report(&o, &figures);
}
