// SPDX-License-Identifier: Apache-2.0
/* `fovea probe`: one camera explained. */
#include "probe.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "receive.h"
#include "tool.h"

#define LOOK_EVERY_MS 20
#define RETRY_SOON                                                                                 \
    300000000 /* ns: the camera is tried again at once, e.g. over another transport */

struct options {
    struct fv_receiver_camera camera;
    double duration; /* seconds after the first picture */
    bool json, help;
};

struct probe {
    const struct options *options;
    struct fv_receiver *receiver;
    uint32_t id;
    pthread_mutex_t lock;
    /* under `lock` */
    struct fv_probe_measure measure;
    struct fv_probe_findings findings;
    enum fv_camera_state state;
    int64_t entered;       /* monotonic, of `state` */
    int64_t first_picture; /* monotonic, FV_TIME_UNKNOWN before */
    /* of the main thread */
    bool counting;   /* the first picture came */
    uint64_t before; /* pictures left out until then */
};

static void print_help(void)
{
    printf("fovea probe - explain one camera: what it is, what it sends, what to improve\n\n"
           "Usage: fovea probe [OPTIONS] URL\n\n"
           "  --duration S        watch for S seconds after the first picture (default 10)\n"
           "  --transport NAME    tcp, udp or auto (default auto)\n"
           "  --json              the findings as JSON\n"
           "  --tls-ca-file FILE  rtsps: trust these certificates instead of the system's\n"
           "  --tls-no-verify     rtsps: accept any certificate\n"
           "  -h, --help          this text\n\n"
           "Examples:\n"
           "  fovea probe rtsp://admin:secret@10.0.0.20/stream1\n"
           "  fovea probe --duration 60 --json rtsp://10.0.0.20:8554/live\n\n"
           "Exit codes: 0 pictures came, 1 none came, 2 wrong usage or a wrong address\n");
}

/* --- Options --- */

enum { OPT_DURATION = 256, OPT_TRANSPORT, OPT_JSON, OPT_CA, OPT_NO_VERIFY };

static int set_option(struct options *o, int option, const char *value)
{
    switch (option) {
    case OPT_DURATION:
        return fv_tool_number("probe", "--duration", value, 0.1, 86400, &o->duration)
                   ? FV_EXIT_OK
                   : FV_EXIT_USAGE;
    case OPT_TRANSPORT:
        return fv_tool_transport("probe", value, &o->camera);
    case OPT_JSON:
        o->json = true;
        return FV_EXIT_OK;
    case OPT_CA:
        o->camera.tls_ca_file = value;
        return FV_EXIT_OK;
    case OPT_NO_VERIFY:
        o->camera.tls_no_verify = true;
        return FV_EXIT_OK;
    default:
        o->help = true;
        return FV_EXIT_OK;
    }
}

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"duration", required_argument, NULL, OPT_DURATION},
        {"transport", required_argument, NULL, OPT_TRANSPORT},
        {"json", no_argument, NULL, OPT_JSON},
        {"tls-ca-file", required_argument, NULL, OPT_CA},
        {"tls-no-verify", no_argument, NULL, OPT_NO_VERIFY},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        int code =
            option == '?' ? fv_tool_bad_option("probe", argv) : set_option(o, option, optarg);
        if (code != FV_EXIT_OK)
            return code;
    }
    if (o->help)
        return FV_EXIT_OK;
    if (optind == argc)
        return fv_tool_usage("probe", "the address of a camera is needed");
    if (optind + 1 < argc)
        return fv_tool_usage("probe", "one address at a time; 'fovea ingest' takes many");
    o->camera.url = argv[optind];
    return FV_EXIT_OK;
}

/* --- On the receiver's thread --- */

static int64_t wall_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool on_unit(void *data, const struct fv_access_unit *unit)
{
    struct probe *probe = data;
    pthread_mutex_lock(&probe->lock);
    if (probe->first_picture == FV_TIME_UNKNOWN)
        probe->first_picture = unit->last_packet;
    fv_probe_measure(&probe->measure, unit, wall_now());
    pthread_mutex_unlock(&probe->lock);
    return true;
}

/* How long the state that ends has lasted; of the attempt that plays, or of the last one. */
static void note_duration(struct fv_probe_findings *f, enum fv_camera_state from, int64_t lasted)
{
    if (from == FV_CAMERA_WAITING)
        f->resolve = f->connect = f->session = FV_TIME_UNKNOWN;
    else if (from == FV_CAMERA_RESOLVING)
        f->resolve = lasted;
    else if (from == FV_CAMERA_CONNECTING)
        f->connect = lasted;
    else if (from == FV_CAMERA_NEGOTIATING)
        f->session = lasted;
}

/* An attempt that connects once more: over another transport, or to where it was redirected. */
static void note_detour(struct fv_probe_findings *f, const struct fv_camera_event *event)
{
    if (event->from == FV_CAMERA_WAITING)
        f->detour[0] = 0;
    if (event->to != FV_CAMERA_CONNECTING || f->connect == FV_TIME_UNKNOWN)
        return;
    snprintf(f->detour, sizeof(f->detour), "%s", event->reason);
    f->connect = f->session = FV_TIME_UNKNOWN;
}

static void on_state(void *data, const struct fv_camera_event *event)
{
    struct probe *probe = data;
    struct fv_probe_findings *f = &probe->findings;
    pthread_mutex_lock(&probe->lock);
    if (event->code < 0 && event->to == FV_CAMERA_WAITING) {
        f->code = event->code;
        f->failed_in = event->from;
        snprintf(f->reason, sizeof(f->reason), "%s", event->reason);
    } else if (event->to != FV_CAMERA_DISABLED && !f->played) {
        note_duration(f, event->from, event->at - probe->entered);
        note_detour(f, event);
    }
    f->played |= event->to == FV_CAMERA_PLAYING;
    probe->state = event->to;
    probe->entered = event->at;
    pthread_mutex_unlock(&probe->lock);
}

/* --- Watching --- */

/* The camera failed and will be left alone for a while. */
static bool given_up(struct probe *probe)
{
    struct fv_receiver_stats stats;
    if (fv_receiver_stats(probe->receiver, probe->id, &stats) < 0)
        return true;
    return stats.failures && stats.state == FV_CAMERA_WAITING &&
           stats.retry_at != FV_TIME_UNKNOWN && stats.retry_at - fv_tool_now() > RETRY_SOON;
}

static uint64_t left_out(const struct fv_receiver_stats *stats)
{
    return stats->damaged + stats->skipped;
}

/* What came before the first key picture is no loss. */
static void begin_counting(struct probe *probe)
{
    struct fv_receiver_stats stats;
    probe->counting = true;
    if (fv_receiver_stats(probe->receiver, probe->id, &stats) == 0)
        probe->before = left_out(&stats);
}

/* Until enough was seen, the camera failed, or a signal (true). */
static bool watch(struct probe *probe, int signals)
{
    const int64_t duration = (int64_t)(probe->options->duration * 1e9);
    for (;;) {
        pthread_mutex_lock(&probe->lock);
        int64_t first = probe->first_picture;
        pthread_mutex_unlock(&probe->lock);
        if (first != FV_TIME_UNKNOWN && !probe->counting)
            begin_counting(probe);
        if (first != FV_TIME_UNKNOWN && fv_tool_now() - first >= duration)
            return false;
        if (first == FV_TIME_UNKNOWN && given_up(probe))
            return false;
        if (fv_tool_signal_wait(signals, LOOK_EVERY_MS))
            return true;
    }
}

/* First figures that a stop would change, then the end. */
static void collect(struct probe *probe)
{
    struct fv_probe_findings *f = &probe->findings;
    struct fv_receiver_stats last;
    int64_t now = fv_tool_now();
    fv_receiver_stats(probe->receiver, probe->id, &f->stats);
    fv_receiver_details(probe->receiver, probe->id, &f->details);
    fv_receiver_stop(probe->receiver);
    if (fv_receiver_stats(probe->receiver, probe->id, &last) == 0) {
        f->stats.access_units = last.access_units;
        f->stats.keyframes = last.keyframes;
        f->stats.packets = last.packets;
        f->stats.bytes = last.bytes;
        f->stats.lost = last.lost;
    }
    f->spoilt = probe->counting ? left_out(&f->stats) - probe->before : 0;
    f->first_packet = f->details.first_packet;
    f->first_picture = f->stats.first_unit;
    f->seconds =
        probe->first_picture == FV_TIME_UNKNOWN ? 0 : (double)(now - probe->first_picture) / 1e9;
    fv_probe_figures(&probe->measure, &f->figures);
}

static int report(struct probe *probe)
{
    const struct fv_probe_findings *f = &probe->findings;
    int ret = 0;
    if (probe->options->json)
        ret = fv_probe_print_json(f);
    else
        fv_probe_print_letter(f);
    if (ret < 0)
        fprintf(stderr, "fovea probe: the findings could not be written: %s\n", fv_strerror(ret));
    return ret == 0 && f->played ? FV_EXIT_OK : FV_EXIT_FAILED;
}

static int ask(struct probe *probe, int signals)
{
    /* No gathering: it would blur the times. */
    struct fv_receiver_params params = {
        .gather = -1, .access_unit = on_unit, .state = on_state, .data = probe};
    struct fv_error err;
    int ret = fv_receiver_open(&params, &probe->receiver, &err);
    if (ret == 0)
        ret = fv_receiver_add(probe->receiver, &probe->options->camera, &probe->id, &err);
    if (ret == -EINVAL || ret == -ENOTSUP)
        return fv_tool_usage("probe", "%s", err.text);
    if (ret == 0)
        ret = fv_receiver_start(probe->receiver, &err);
    if (ret < 0) {
        fprintf(stderr, "fovea probe: %s\n", err.text);
        return FV_EXIT_FAILED;
    }
    bool stopped = watch(probe, signals);
    collect(probe);
    probe->findings.interrupted = stopped && !probe->findings.played && !probe->findings.code;
    return report(probe);
}

static int start(const struct options *o)
{
    struct probe probe = {
        .options = o,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .first_picture = FV_TIME_UNKNOWN,
        .findings = {.resolve = FV_TIME_UNKNOWN,
                     .connect = FV_TIME_UNKNOWN,
                     .session = FV_TIME_UNKNOWN},
    };
    struct fv_error err;
    if (fv_receiver_parse_url(o->camera.url, &probe.findings.url, &err) < 0)
        return fv_tool_usage("probe", "%s", err.text);
    int signals = fv_tool_signals(false);
    if (signals < 0) {
        fprintf(stderr, "fovea probe: cannot wait for signals: %s\n", strerror(errno));
        return FV_EXIT_FAILED;
    }
    if (!o->json && isatty(STDERR_FILENO))
        fprintf(stderr, "Watching for %g s ...\n", o->duration);
    int code = ask(&probe, signals);
    fv_receiver_close(probe.receiver);
    close(signals);
    return code;
}

static int run(int argc, char **argv)
{
    struct options options = {.duration = 10};
    int code = parse(argc, argv, &options);
    if (code != FV_EXIT_OK)
        return code;
    if (!options.help)
        return start(&options);
    print_help();
    return FV_EXIT_OK;
}

const struct fv_tool fv_tool_probe = {
    .name = "probe",
    .summary = "explain one camera",
    .run = run,
};
