// SPDX-License-Identifier: Apache-2.0
/* `fovea sim`: a file as many cameras. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "fovea/sim.h"
#include "tool.h"

#define INPUTS_MAX 64
#define FAULTS_MAX 32

struct options {
    struct fv_sim_params sim;
    const char *inputs[INPUTS_MAX];
    const char *faults[FAULTS_MAX];
    char *auth; /* a copy, cut at the colon */
    double duration;
    bool json, help, fault_help;
};

static void print_help(void)
{
    printf("fovea sim - a file as many RTSP cameras, from one thread\n\n"
           "Usage: fovea sim --input FILE [OPTIONS]\n\n"
           "  --listen ADDR:PORT    where to serve (default 127.0.0.1:8554; port 0: any free one)\n"
           "  --input FILE          raw H.264, H.265 or JPEG, IVF, or a container;\n"
           "                        may be repeated: camera i plays input i modulo their number\n"
           "  --cameras N           1 to 4096: rtsp://ADDR:PORT/cam0 to /cam<N-1> (default 1)\n"
           "  --fps F               pictures a second (default: the file's own, else 25)\n"
           "  --codec h264|h265     for raw streams whose content does not tell\n"
           "  --auth USER:PASSWORD  ask for Digest credentials\n"
           "  --transport T         tcp, udp or both: what SETUP accepts (default both)\n"
           "  --tls-cert FILE       serve rtsps:// with this certificate chain (PEM) and\n"
           "  --tls-key FILE        its key (PEM)\n"
           "  --tls-self-signed     serve rtsps:// with a new certificate for localhost\n"
           "  --tls-cert-out FILE   write the certificate, for a client to trust\n"
           "  --fault SPEC          misbehave: NAME[:key=value,...], may be repeated;\n"
           "                        --fault help lists all\n"
           "  --duration S          end after S seconds (default: on SIGINT or SIGTERM)\n"
           "  --seed N              repeatable phases and SSRCs\n"
           "  --json                both lines of output as JSON\n"
           "  -h, --help            this text\n\n"
           "Examples:\n"
           "  fovea sim --input street.h264 --cameras 4\n"
           "  fovea sim --input a.h264 --input b.h265 --cameras 300 --fps 10 --duration 60 --json\n"
           "  fovea sim --listen 0.0.0.0:8554 --input street.mp4 --auth admin:secret\n"
           "  fovea sim --input street.h264 --cameras 8 --fault loss:cam=odd,probability=0.02 \\\n"
           "            --fault close:cam=0,after=10\n\n"
           "Exit codes: 0 done, 1 failed, 2 wrong usage\n");
}

static int set_auth(struct options *options, const char *text)
{
    const char *colon = strchr(text, ':');
    if (!colon || colon == text)
        return fv_tool_usage("sim", "--auth takes USER:PASSWORD");
    free(options->auth);
    options->auth = strdup(text);
    if (!options->auth)
        return fv_tool_usage("sim", "out of memory");
    options->auth[colon - text] = '\0';
    options->sim.user = options->auth;
    options->sim.password = options->auth + (colon - text) + 1;
    return FV_EXIT_OK;
}

static int set_codec(struct options *options, const char *text)
{
    if (strcmp(text, "h264") != 0 && strcmp(text, "h265") != 0)
        return fv_tool_usage("sim", "--codec is h264 or h265, not '%s'", text);
    options->sim.codec = text;
    return FV_EXIT_OK;
}

static int add_input(struct options *options, const char *path)
{
    if (options->sim.input_count == INPUTS_MAX)
        return fv_tool_usage("sim", "more than %d inputs", INPUTS_MAX);
    options->inputs[options->sim.input_count++] = path;
    return FV_EXIT_OK;
}

static int set_transport(struct options *options, const char *text)
{
    static const char *const names[] = {
        [FV_SIM_TCP_AND_UDP] = "both", [FV_SIM_TCP_ONLY] = "tcp", [FV_SIM_UDP_ONLY] = "udp"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(text, names[i]) == 0) {
            options->sim.transports = (enum fv_sim_transports)i;
            return FV_EXIT_OK;
        }
    return fv_tool_usage("sim", "--transport is tcp, udp or both, not '%s'", text);
}

static int add_fault(struct options *options, const char *text)
{
    if (strcmp(text, "help") == 0) {
        options->fault_help = true;
        return FV_EXIT_OK;
    }
    if (options->sim.fault_count == FAULTS_MAX)
        return fv_tool_usage("sim", "more than %d faults", FAULTS_MAX);
    options->faults[options->sim.fault_count++] = text;
    return FV_EXIT_OK;
}

static int set_tls(struct options *options, int option, const char *value)
{
    switch (option) {
    case 'C':
        options->sim.tls_cert = value;
        break;
    case 'K':
        options->sim.tls_key = value;
        break;
    case 'O':
        options->sim.tls_cert_out = value;
        break;
    default:
        options->sim.tls_self_signed = true;
        break;
    }
    return FV_EXIT_OK;
}

static int set_number(struct options *options, int option, const char *text)
{
    double value;
    bool good;
    switch (option) {
    case 'n':
        good = fv_tool_whole("sim", "--cameras", text, 1, 4096, &value);
        options->sim.cameras = good ? (unsigned)value : 0;
        break;
    case 'f':
        good = fv_tool_number("sim", "--fps", text, 0.01, 240, &options->sim.fps);
        break;
    case 'd':
        good = fv_tool_number("sim", "--duration", text, 0.001, 1e6, &options->duration);
        break;
    default:
        good = fv_tool_whole("sim", "--seed", text, 0, 9007199254740992.0, &value);
        options->sim.seed = good ? (uint64_t)value : 0;
        break;
    }
    return good ? FV_EXIT_OK : FV_EXIT_USAGE;
}

static int set_option(struct options *options, int option, const char *value)
{
    switch (option) {
    case 'l':
        options->sim.listen = value;
        return FV_EXIT_OK;
    case 'i':
        return add_input(options, value);
    case 'c':
        return set_codec(options, value);
    case 'a':
        return set_auth(options, value);
    case 'n':
    case 'f':
    case 'd':
    case 's':
        return set_number(options, option, value);
    case 't':
        return set_transport(options, value);
    case 'F':
        return add_fault(options, value);
    case 'C':
    case 'K':
    case 'O':
    case 'S':
        return set_tls(options, option, value);
    case 'j':
        options->json = true;
        return FV_EXIT_OK;
    case 'h':
        options->help = true;
        return FV_EXIT_OK;
    default:
        return fv_tool_usage("sim", "unknown or incomplete option");
    }
}

static int parse(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"listen", required_argument, NULL, 'l'},
        {"input", required_argument, NULL, 'i'},
        {"cameras", required_argument, NULL, 'n'},
        {"fps", required_argument, NULL, 'f'},
        {"codec", required_argument, NULL, 'c'},
        {"auth", required_argument, NULL, 'a'},
        {"transport", required_argument, NULL, 't'},
        {"tls-cert", required_argument, NULL, 'C'},
        {"tls-key", required_argument, NULL, 'K'},
        {"tls-self-signed", no_argument, NULL, 'S'},
        {"tls-cert-out", required_argument, NULL, 'O'},
        {"fault", required_argument, NULL, 'F'},
        {"duration", required_argument, NULL, 'd'},
        {"seed", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        int exit_code =
            option == '?' ? fv_tool_bad_option("sim", argv) : set_option(options, option, optarg);
        if (exit_code != FV_EXIT_OK)
            return exit_code;
    }
    if (options->help || options->fault_help)
        return FV_EXIT_OK;
    if (optind < argc)
        return fv_tool_usage("sim", "unexpected argument '%s'", argv[optind]);
    if (!options->sim.input_count)
        return fv_tool_usage("sim", "--input FILE is needed");
    return FV_EXIT_OK;
}

/* A descriptor for each client, and some clients for each camera. */
static void raise_descriptor_limit(unsigned cameras)
{
    struct rlimit limit;
    const rlim_t wanted = 256 + 4 * (rlim_t)cameras;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 64 + cameras)
        fprintf(stderr, "fovea sim: only %llu descriptors are allowed; raise 'ulimit -n'\n",
                (unsigned long long)limit.rlim_cur);
}

static void print_json(json_t *object)
{
    if (object)
        json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(object);
}

/* "ADDR" of "ADDR:PORT"; the port may have been chosen by the system. */
static void print_ready(const struct options *options, const struct fv_sim *sim)
{
    const char *listen = options->sim.listen;
    char first[400], last[400];
    int host = (int)(strrchr(listen, ':') - listen);
    unsigned port = fv_sim_port(sim);
    const char *scheme = options->sim.tls_cert || options->sim.tls_self_signed ? "rtsps" : "rtsp";
    snprintf(first, sizeof(first), "%s://%.*s:%u/cam0", scheme, host, listen, port);
    snprintf(last, sizeof(last), "%s://%.*s:%u/cam%u", scheme, host, listen, port,
             options->sim.cameras - 1);
    if (options->json)
        print_json(json_pack("{s:b, s:i, s:i, s:s, s:s}", "ready", 1, "port", (int)port, "cameras",
                             (int)options->sim.cameras, "first", first, "last", last));
    else if (options->sim.cameras == 1)
        printf("fovea sim: 1 camera ready: %s\n", first);
    else
        printf("fovea sim: %u cameras ready: %s ... %s\n", options->sim.cameras, first, last);
    fflush(stdout);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    return clock_gettime(clock, &now) < 0 ? 0 : (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_stats(const struct options *options, const struct fv_sim *sim, double wall)
{
    struct fv_sim_stats stats;
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    fv_sim_stats(sim, &stats);
    if (options->json)
        print_json(json_pack("{s:f, s:f, s:i, s:I, s:I, s:I, s:I, s:I, s:I}", "duration_s", wall,
                             "cpu_s", cpu, "cameras", (int)options->sim.cameras, "clients",
                             (json_int_t)stats.clients, "sessions",
                             (json_int_t)stats.sessions_total, "packets", (json_int_t)stats.packets,
                             "bytes", (json_int_t)stats.bytes, "late", (json_int_t)stats.late,
                             "stalled", (json_int_t)stats.stalled));
    else
        printf("fovea sim: %.1f s, %" PRIu64 " sessions, %" PRIu64 " packets, %" PRIu64
               " bytes, %" PRIu64 " late, %" PRIu64 " stalled, %.2f s of CPU\n",
               wall, stats.sessions_total, stats.packets, stats.bytes, stats.late, stats.stalled,
               cpu);
    fflush(stdout);
}

struct server {
    struct fv_sim *sim;
    int rc;
};

static void *serve(void *data)
{
    struct server *server = data;
    server->rc = fv_sim_run(server->sim);
    if (server->rc < 0)
        kill(getpid(), SIGTERM); /* wakes the main thread, which waits for signals */
    return NULL;
}

/* Waits for a signal or the end of the duration. */
static void wait_for_end(int signals, double duration)
{
    const double start = seconds(CLOCK_MONOTONIC);
    for (;;) {
        double left = duration > 0 ? start + duration - seconds(CLOCK_MONOTONIC) : 3600;
        if (left <= 0 ||
            fv_tool_signal_wait(signals, (int)((left < 3600 ? left : 3600) * 1000) + 1))
            return;
    }
}

static int run_server(const struct options *options, int signals, struct fv_sim *sim)
{
    struct server server = {.sim = sim};
    const double start = seconds(CLOCK_MONOTONIC);
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, serve, &server);
    if (rc) {
        fprintf(stderr, "fovea sim: cannot start a thread: %s\n", strerror(rc));
        return FV_EXIT_FAILED;
    }
    print_ready(options, sim);
    wait_for_end(signals, options->duration);
    fv_sim_stop(sim);
    pthread_join(thread, NULL);
    print_stats(options, sim, seconds(CLOCK_MONOTONIC) - start);
    if (server.rc < 0)
        fprintf(stderr, "fovea sim: stopped serving: %s\n", fv_strerror(server.rc));
    return server.rc < 0 ? FV_EXIT_FAILED : FV_EXIT_OK;
}

static int simulate(const struct options *options)
{
    struct fv_error err = {0};
    struct fv_sim *sim;
    int signals = fv_tool_signals(false);
    if (signals < 0) {
        fprintf(stderr, "fovea sim: cannot wait for signals: %s\n", strerror(errno));
        return FV_EXIT_FAILED;
    }
    raise_descriptor_limit(options->sim.cameras);
    int exit_code = FV_EXIT_FAILED;
    const int rc = fv_sim_open(&options->sim, &sim, &err);
    if (rc < 0) {
        fprintf(stderr, "fovea sim: %s\n", err.text);
        exit_code = rc == -EINVAL ? FV_EXIT_USAGE : FV_EXIT_FAILED;
    } else {
        exit_code = run_server(options, signals, sim);
        fv_sim_close(sim);
    }
    close(signals);
    return exit_code;
}

static int run(int argc, char **argv)
{
    struct options options = {.sim = {.listen = "127.0.0.1:8554", .cameras = 1}};
    options.sim.inputs = options.inputs;
    options.sim.faults = options.faults;
    int exit_code = parse(argc, argv, &options);
    if (exit_code == FV_EXIT_OK && options.help)
        print_help();
    else if (exit_code == FV_EXIT_OK && options.fault_help)
        fputs(fv_sim_fault_help(), stdout);
    else if (exit_code == FV_EXIT_OK)
        exit_code = simulate(&options);
    free(options.auth);
    return exit_code;
}

const struct fv_tool fv_tool_sim = {
    .name = "sim",
    .summary = "serve a file as many RTSP cameras",
    .run = run,
};
