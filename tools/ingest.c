// SPDX-License-Identifier: Apache-2.0
/* `fovea ingest`: receives and counts the access units of many cameras; decodes nothing. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest_report.h"
#include "receive.h"
#include "tool.h"
#include "urls.h"

#define STATS_EVERY 0.4 /* seconds; the stats file is promised every 0.5 s */
#define LIVE_EVERY 1.0

struct options {
    struct fv_receiver_params receiver;
    struct fv_receiver_camera camera; /* what all have in common */
    struct fv_tool_urls urls;
    const char *stats_file;
    double duration; /* seconds; 0: until a signal */
    bool json, help;
};

struct job {
    const struct options *options;
    struct fv_receiver *receiver;
    struct fv_ingest_rows rows;
    int64_t start; /* ns */
    double cpu;    /* used before the start */
    bool live;
    double live_at; /* seconds since the start: of the last live line */
    uint64_t live_total;
    bool complained; /* about the stats file */
};

static void print_help(void)
{
    printf(
        "fovea ingest - receive and count the pictures of many cameras, without decoding\n\n"
        "Usage: fovea ingest [OPTIONS] URL...\n"
        "       fovea ingest [OPTIONS] --urls FILE\n\n"
        "  --urls FILE           addresses, one a line; lines that begin with # are left out\n"
        "  --transport NAME      tcp, udp or auto (default auto)\n"
        "  --duration S          end after S seconds (default: on SIGINT or SIGTERM)\n"
        "  --json                figures of all cameras as one line of JSON at the end\n"
        "  --stats-file FILE     keep one line in FILE, replaced in one step every 0.4 s: its\n"
        "                        first word is the number of access units so far\n"
        "  --connect-rate N      new connections a second (default 20)\n"
        "  --connects-per-host N connections to one host that are being set up at a time\n"
        "                        (default 4)\n"
        "  --gather-ms MS        packets may wait this long so that one wake-up serves all\n"
        "                        cameras; 0: none (default 10)\n"
        "  --reorder-ms MS       UDP: how long a packet waits for those before it (default 60)\n"
        "  --flag-loss           deliver pictures after a loss, too, instead of waiting for a key\n"
        "                        picture\n"
        "  --buffer-mb MB        memory for pictures under way (default 64 + 4 per camera)\n"
        "  --tls-ca-file FILE    rtsps: trust these certificates instead of the system's\n"
        "  --tls-no-verify       rtsps: accept any certificate\n"
        "  -h, --help            this text\n\n"
        "Examples:\n"
        "  fovea ingest rtsp://admin:secret@10.0.0.20/stream1 --duration 10\n"
        "  fovea ingest --urls cameras.txt --transport tcp --json --stats-file /run/fovea.stats\n\n"
        "Exit codes: 0 ended as asked, 1 failed, 2 wrong usage, a wrong address or unreadable "
        "file\n");
}

/* --- Options --- */

enum {
    OPT_URLS = 256,
    OPT_TRANSPORT,
    OPT_DURATION,
    OPT_JSON,
    OPT_STATS,
    OPT_RATE,
    OPT_PER_HOST,
    OPT_GATHER,
    OPT_REORDER,
    OPT_FLAG_LOSS,
    OPT_BUFFER,
    OPT_CA,
    OPT_NO_VERIFY,
};

static const struct option names[] = {
    {"urls", required_argument, NULL, OPT_URLS},
    {"transport", required_argument, NULL, OPT_TRANSPORT},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"json", no_argument, NULL, OPT_JSON},
    {"stats-file", required_argument, NULL, OPT_STATS},
    {"connect-rate", required_argument, NULL, OPT_RATE},
    {"connects-per-host", required_argument, NULL, OPT_PER_HOST},
    {"gather-ms", required_argument, NULL, OPT_GATHER},
    {"reorder-ms", required_argument, NULL, OPT_REORDER},
    {"flag-loss", no_argument, NULL, OPT_FLAG_LOSS},
    {"buffer-mb", required_argument, NULL, OPT_BUFFER},
    {"tls-ca-file", required_argument, NULL, OPT_CA},
    {"tls-no-verify", no_argument, NULL, OPT_NO_VERIFY},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int set_number(struct options *o, int option, const char *text)
{
    static const struct {
        int option;
        const char *name;
        double low, high;
    } ranges[] = {
        {OPT_DURATION, "--duration", 0.001, 1e9},       {OPT_RATE, "--connect-rate", 1, 10000},
        {OPT_PER_HOST, "--connects-per-host", 1, 1000}, {OPT_GATHER, "--gather-ms", 0, 1000},
        {OPT_REORDER, "--reorder-ms", 1, 5000},         {OPT_BUFFER, "--buffer-mb", 1, 1e6},
    };
    size_t i = 0;
    double value;
    while (ranges[i].option != option)
        i++;
    const bool whole = option == OPT_RATE || option == OPT_PER_HOST;
    bool (*read)(const char *, const char *, const char *, double, double, double *) =
        whole ? fv_tool_whole : fv_tool_number;
    if (!read("ingest", ranges[i].name, text, ranges[i].low, ranges[i].high, &value))
        return FV_EXIT_USAGE;
    if (option == OPT_DURATION)
        o->duration = value;
    else if (option == OPT_RATE)
        o->receiver.connect_rate = (unsigned)value;
    else if (option == OPT_PER_HOST)
        o->receiver.connects_per_host = (unsigned)value;
    else if (option == OPT_GATHER)
        o->receiver.gather = value > 0 ? (int64_t)(value * 1e6) : -1;
    else if (option == OPT_REORDER)
        o->camera.reorder = (int64_t)(value * 1e6);
    else
        o->receiver.buffer_limit = (size_t)(value * 1e6);
    return FV_EXIT_OK;
}

static int set_option(struct options *o, int option, const char *value)
{
    switch (option) {
    case OPT_URLS:
        return fv_tool_urls_read(&o->urls, "ingest", value);
    case OPT_TRANSPORT:
        return fv_tool_transport("ingest", value, &o->camera);
    case OPT_JSON:
        o->json = true;
        return FV_EXIT_OK;
    case OPT_FLAG_LOSS:
        o->camera.flag_loss = true;
        return FV_EXIT_OK;
    case OPT_STATS:
        o->stats_file = value;
        if (!fv_tool_replaceable(value))
            return fv_tool_usage("ingest", "--stats-file: '%s' is no regular file", value);
        return FV_EXIT_OK;
    case OPT_CA:
        o->camera.tls_ca_file = value;
        return FV_EXIT_OK;
    case OPT_NO_VERIFY:
        o->camera.tls_no_verify = true;
        return FV_EXIT_OK;
    case 'h':
        o->help = true;
        return FV_EXIT_OK;
    default:
        return set_number(o, option, value);
    }
}

static int parse(int argc, char **argv, struct options *o)
{
    int option, code;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        if (option == '?')
            return fv_tool_bad_option("ingest", argv);
        code = set_option(o, option, optarg);
        if (code != FV_EXIT_OK)
            return code;
    }
    if (o->help)
        return FV_EXIT_OK;
    for (unsigned n = 1; optind < argc; optind++, n++) {
        code = fv_tool_urls_add(&o->urls, "ingest", argv[optind], NULL, n);
        if (code != FV_EXIT_OK)
            return code;
    }
    if (!o->urls.count)
        return fv_tool_usage("ingest", "an address is needed, or --urls FILE with one");
    return FV_EXIT_OK;
}

/* --- Receiving --- */

/* On the receiver's thread; the only thing done there besides the library's counting. */
static void on_state(void *data, const struct fv_camera_event *event)
{
    struct job *job = data;
    struct fv_ingest_row *row = &job->rows.items[event->camera];
    if (event->to == FV_CAMERA_PLAYING && atomic_load(&row->first_unit) == FV_TIME_UNKNOWN)
        atomic_store(&row->first_unit, event->at - job->start);
}

static double uptime(const struct job *job)
{
    return (double)(fv_tool_now() - job->start) / 1e9;
}

static void write_stats(struct job *job)
{
    const char *path = job->options->stats_file;
    int ret = fv_ingest_write_stats(path, fv_receiver_total(job->receiver), uptime(job));
    if (ret < 0 && !job->complained)
        fprintf(stderr, "fovea ingest: '%s' cannot be written: %s\n", FV_SHOWN(path),
                strerror(-ret));
    job->complained = ret < 0;
}

static void draw(struct job *job)
{
    double now = uptime(job);
    uint64_t total = fv_receiver_total(job->receiver);
    fv_ingest_rows_read(&job->rows, job->receiver, true);
    fv_ingest_live_line(&job->rows, now, (double)(total - job->live_total) / (now - job->live_at));
    job->live_at = now;
    job->live_total = total;
}

/* Until a signal or the end of the duration. */
static void watch(struct job *job, int signals)
{
    const struct options *o = job->options;
    double end = o->duration > 0 ? o->duration : INFINITY;
    double stats_at = o->stats_file ? 0 : INFINITY, live_at = job->live ? LIVE_EVERY : INFINITY;
    for (;;) {
        double now = uptime(job);
        if (now >= end)
            return;
        if (now >= stats_at) {
            write_stats(job);
            stats_at = now + STATS_EVERY;
        }
        if (now >= live_at) {
            draw(job);
            live_at = now + LIVE_EVERY;
        }
        double until = fmin(fmin(stats_at, live_at), end) - uptime(job);
        if (fv_tool_signal_wait(signals, until > 1e6 ? -1 : (int)ceil(fmax(until, 0) * 1000)))
            return;
    }
}

/* Figures are read when everything has come to rest, states before. */
static int finish(struct job *job)
{
    double wall = uptime(job), cpu = fv_tool_cpu_s() - job->cpu;
    fv_ingest_rows_read(&job->rows, job->receiver, true);
    fv_receiver_stop(job->receiver);
    fv_ingest_rows_read(&job->rows, job->receiver, false);
    if (job->options->stats_file)
        write_stats(job);
    if (job->live)
        printf("\r\x1b[K");
    if (!job->options->json)
        fv_ingest_print_table(&job->rows, cpu, wall);
    else if (fv_ingest_print_json(&job->rows, cpu, wall) < 0) {
        fprintf(stderr, "fovea ingest: the figures could not be written\n");
        return FV_EXIT_FAILED;
    }
    return job->complained ? FV_EXIT_FAILED : FV_EXIT_OK;
}

static int add_cameras(struct job *job)
{
    const struct fv_tool_urls *urls = &job->options->urls;
    struct fv_receiver_camera camera = job->options->camera;
    struct fv_error err;
    for (size_t i = 0; i < urls->count; i++) {
        struct fv_ingest_row *row = &job->rows.items[i];
        camera.url = urls->items[i].text;
        row->plain = urls->items[i].plain;
        atomic_init(&row->first_unit, FV_TIME_UNKNOWN);
        int ret = fv_receiver_add(job->receiver, &camera, &row->id, &err);
        if (ret == -EINVAL || ret == -ENOTSUP)
            return fv_tool_usage("ingest", "%s: %s", urls->items[i].where, err.text);
        if (ret < 0) {
            fprintf(stderr, "fovea ingest: %s: %s\n", urls->items[i].where, err.text);
            return fv_tool_exit_code(ret);
        }
    }
    return FV_EXIT_OK;
}

static int receive(struct job *job, int signals)
{
    struct fv_receiver_params params = job->options->receiver;
    struct fv_error err;
    params.state = on_state;
    params.data = job;
    if (fv_receiver_open(&params, &job->receiver, &err) < 0) {
        fprintf(stderr, "fovea ingest: %s\n", err.text);
        return FV_EXIT_FAILED;
    }
    int code = add_cameras(job);
    job->start = fv_tool_now();
    job->cpu = fv_tool_cpu_s();
    if (code == FV_EXIT_OK && fv_receiver_start(job->receiver, &err) < 0) {
        fprintf(stderr, "fovea ingest: %s\n", err.text);
        code = FV_EXIT_FAILED;
    }
    if (code == FV_EXIT_OK) {
        watch(job, signals);
        code = finish(job);
    }
    fv_receiver_close(job->receiver);
    return code;
}

static int start(const struct options *o)
{
    struct job job = {.options = o, .live = !o->json && isatty(STDOUT_FILENO)};
    int signals = fv_tool_signals(false), code = FV_EXIT_FAILED;
    if (signals < 0) {
        fprintf(stderr, "fovea ingest: cannot wait for signals: %s\n", strerror(errno));
        return FV_EXIT_FAILED;
    }
    /* TCP takes one descriptor a camera, UDP three. */
    fv_tool_descriptors("ingest", 64 + 3 * (unsigned)o->urls.count, 64 + (unsigned)o->urls.count);
    job.rows.count = o->urls.count;
    job.rows.items = calloc(o->urls.count, sizeof(job.rows.items[0]));
    if (job.rows.items)
        code = receive(&job, signals);
    else
        fprintf(stderr, "fovea ingest: out of memory\n");
    free(job.rows.items);
    close(signals);
    return code;
}

static int run(int argc, char **argv)
{
    struct options options = {0};
    int code = parse(argc, argv, &options);
    if (code == FV_EXIT_OK && options.help)
        print_help();
    else if (code == FV_EXIT_OK)
        code = start(&options);
    fv_tool_urls_finish(&options.urls);
    return code;
}

const struct fv_tool fv_tool_ingest = {
    .name = "ingest",
    .summary = "receive and count pictures of many cameras",
    .run = run,
};
