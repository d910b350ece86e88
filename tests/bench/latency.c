// SPDX-License-Identifier: Apache-2.0
/*
 * How long a picture waits for being gathered: from the moment at which its last packet is given to the network to the call that delivers
 * the access unit. The simulator and the receiver run in this process, each on a core of its own; the system calls by which the simulator
 * sends pass through here (linker option --wrap), so that each marker packet is stamped right before its call. Cameras are told apart by
 * their RTP timestamps, which start at random.
 *
 *   latency --input FILE [--cameras N] [--transport tcp|udp] [--gather-ms MS] [--seconds S] [--cores SIM,RECEIVER]
 *
 * One line: "PICTURES MISSED MEAN P50 P90 P99 MAX", times in microseconds. MISSED: sent, but not delivered.
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fovea/receiver.h"
#include "fovea/sim.h"
#include "rtp/packet.h"

#define SLOTS (1u << 20) /* a power of two; far more than pictures under way */
#define SAMPLES_MAX (1u << 22)
#define SETTLE_S 3

struct options {
    const char *input;
    unsigned cameras;
    enum fv_receiver_transport transport;
    double gather_ms, seconds;
    int sim_core, receiver_core;
};

/* --- What was sent, and what came --- */

struct slot {
    _Atomic uint64_t timestamp; /* the picture's, plus 1; 0: none */
    _Atomic int64_t at;
};

static struct slot slots[SLOTS];
static int64_t *samples;
static unsigned sample_count;
static atomic_bool measuring;
static _Atomic uint64_t sent, delivered;

static struct slot *slot_of(uint32_t timestamp)
{
    return &slots[timestamp * UINT32_C(2654435761) >> 12];
}

static void note_sent(uint32_t timestamp, int64_t now)
{
    struct slot *slot = slot_of(timestamp);
    if (!atomic_load_explicit(&measuring, memory_order_relaxed))
        return;
    atomic_store_explicit(&slot->at, now, memory_order_relaxed);
    atomic_store_explicit(&slot->timestamp, (uint64_t)timestamp + 1, memory_order_release);
    sent++;
}

static bool on_access_unit(void *data, const struct fv_access_unit *unit)
{
    struct slot *slot = slot_of(unit->rtp_time);
    if (atomic_load_explicit(&slot->timestamp, memory_order_acquire) !=
        (uint64_t)unit->rtp_time + 1)
        return true; /* sent before the measurement began */
    atomic_store_explicit(&slot->timestamp, 0, memory_order_relaxed);
    delivered++;
    if (sample_count < SAMPLES_MAX)
        samples[sample_count++] = fv_now() - atomic_load_explicit(&slot->at, memory_order_relaxed);
    return true;
}

/* --- The simulator's calls --- */

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

static void note_packet(const uint8_t *rtp, size_t size, int64_t now)
{
    if (size >= 12 && rtp[1] & 0x80)
        note_sent(fv_get32(rtp + 4), now);
}

/* TCP: each packet's head is a part of its own: '$', channel, length, then RTP's. Channel 0 is RTP. */
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    int64_t now = fv_now();
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const uint8_t *part = message->msg_iov[i].iov_base;
        size_t size = message->msg_iov[i].iov_len;
        if (size == 16 && part[0] == '$' && part[1] == 0)
            note_packet(part + 4, size - 4, now);
    }
    return __real_sendmsg(fd, message, flags);
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    int64_t now = fv_now();
    for (unsigned i = 0; i < count; i++)
        note_packet(messages[i].msg_hdr.msg_iov[0].iov_base, messages[i].msg_hdr.msg_iov[0].iov_len,
                    now);
    return __real_sendmmsg(fd, messages, count, flags);
}

/* --- The run --- */

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "latency: %s\n", what);
    exit(1);
}

/* Threads that are started later inherit it. */
static void move_to(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (core >= 0 && sched_setaffinity(0, sizeof(set), &set) < 0)
        give_up("that core cannot be had");
}

static void *run_sim(void *data)
{
    fv_sim_run(data);
    return NULL;
}

static struct fv_sim *start_sim(const struct options *options, pthread_t *ret_thread)
{
    struct fv_sim *sim;
    struct fv_error err;
    struct fv_sim_params params = {
        .listen = "127.0.0.1:0",
        .inputs = &options->input,
        .input_count = 1,
        .cameras = options->cameras,
        .fps = 25,
        .seed = 1,
    };
    move_to(options->sim_core);
    if (fv_sim_open(&params, &sim, &err) < 0)
        give_up(err.text);
    if (pthread_create(ret_thread, NULL, run_sim, sim) != 0)
        give_up("no thread");
    return sim;
}

static struct fv_receiver *start_receiver(const struct options *options, uint16_t port)
{
    struct fv_receiver *receiver;
    struct fv_error err;
    struct fv_receiver_params params = {
        .gather = options->gather_ms > 0 ? (int64_t)(options->gather_ms * 1e6) : -1,
        .connect_rate = 500,
        .connects_per_host = 64,
        .access_unit = on_access_unit,
    };
    move_to(options->receiver_core);
    if (fv_receiver_open(&params, &receiver, &err) < 0)
        give_up(err.text);
    for (unsigned i = 0; i < options->cameras; i++) {
        char url[64];
        uint32_t id;
        snprintf(url, sizeof(url), "rtsp://127.0.0.1:%u/cam%u", port, i);
        struct fv_receiver_camera camera = {.url = url, .transport = options->transport};
        if (fv_receiver_add(receiver, &camera, &id, &err) < 0)
            give_up(err.text);
    }
    if (fv_receiver_start(receiver, &err) < 0)
        give_up(err.text);
    move_to(options->sim_core);
    return receiver;
}

static void await_all(struct fv_receiver *receiver, unsigned cameras)
{
    for (int i = 0; i < 3000; i++) {
        unsigned playing = 0;
        for (unsigned id = 0; id < cameras; id++) {
            struct fv_receiver_stats stats;
            fv_receiver_stats(receiver, id, &stats);
            playing += stats.state == FV_CAMERA_PLAYING;
        }
        if (playing == cameras)
            return;
        usleep(10000);
    }
    give_up("not all cameras play");
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double at_share(double share)
{
    return (double)samples[(size_t)(share * (sample_count - 1))] / 1000;
}

static void report(void)
{
    double sum = 0;
    if (!sample_count)
        give_up("nothing was measured");
    qsort(samples, sample_count, sizeof(samples[0]), by_size);
    for (unsigned i = 0; i < sample_count; i++)
        sum += (double)samples[i] / 1000;
    printf("%u %lld %.0f %.0f %.0f %.0f %.0f\n", sample_count, (long long)(sent - delivered),
           sum / sample_count, at_share(0.5), at_share(0.9), at_share(0.99), at_share(1));
}

static void run(const struct options *options)
{
    pthread_t thread;
    struct fv_sim *sim = start_sim(options, &thread);
    struct fv_receiver *receiver = start_receiver(options, fv_sim_port(sim));
    await_all(receiver, options->cameras);
    sleep(SETTLE_S);
    measuring = true;
    usleep((useconds_t)(options->seconds * 1e6));
    measuring = false;
    usleep(500000); /* what is under way arrives */
    fv_receiver_close(receiver);
    fv_sim_stop(sim);
    pthread_join(thread, NULL);
    fv_sim_close(sim);
    report();
}

static bool read_option(struct options *options, int option)
{
    switch (option) {
    case 'i':
        options->input = optarg;
        return true;
    case 'n':
        options->cameras = (unsigned)atoi(optarg);
        return options->cameras >= 1 && options->cameras <= 4096;
    case 't':
        options->transport = strcmp(optarg, "udp") == 0 ? FV_RECEIVER_UDP : FV_RECEIVER_TCP;
        return true;
    case 'g':
        options->gather_ms = atof(optarg);
        return true;
    case 's':
        options->seconds = atof(optarg);
        return options->seconds > 0 && options->seconds < 1000;
    case 'c':
        return sscanf(optarg, "%d,%d", &options->sim_core, &options->receiver_core) == 2;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"input", required_argument, NULL, 'i'},
        {"cameras", required_argument, NULL, 'n'},
        {"transport", required_argument, NULL, 't'},
        {"gather-ms", required_argument, NULL, 'g'},
        {"seconds", required_argument, NULL, 's'},
        {"cores", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.cameras = 8,
                              .transport = FV_RECEIVER_TCP,
                              .gather_ms = 10,
                              .seconds = 10,
                              .sim_core = -1,
                              .receiver_core = -1};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        if (!read_option(&options, option))
            give_up("usage: see the beginning of tests/bench/latency.c");
    samples = calloc(SAMPLES_MAX, sizeof(samples[0]));
    if (!options.input || !samples)
        give_up("--input is needed");
    run(&options);
    free(samples);
    return 0;
}
