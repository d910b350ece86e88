// SPDX-License-Identifier: Apache-2.0
#include "counting.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define INTERVAL_MAX 1000

void counting_first_picture(struct counting *counting)
{
    if (atomic_fetch_sub(&counting->waiting, 1) == 1) {
        puts("playing");
        fflush(stdout);
    }
}

static void write_line(const struct counting *counting)
{
    uint64_t pictures = 0, bytes = 0, lost = 0;
    for (unsigned i = 0; i < counting->camera_count; i++) {
        pictures += atomic_load(&counting->cameras[i].pictures);
        bytes += atomic_load(&counting->cameras[i].bytes);
        lost += atomic_load(&counting->cameras[i].lost);
    }
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64, pictures, bytes, lost);
    for (unsigned i = 0; i < counting->camera_count; i++)
        printf(" %" PRIu64, atomic_load(&counting->cameras[i].pictures));
    putchar('\n');
    fflush(stdout);
}

static sigset_t talk_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

static void *talk(void *data)
{
    const struct counting *counting = data;
    const sigset_t set = talk_signals();
    int number;
    while (sigwait(&set, &number) == 0 && number == SIGUSR1)
        write_line(counting);
    _exit(
        0); /* the kernel closes the sockets; a farewell to each camera is not part of the measurement */
}

static _Noreturn void usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--transport tcp|udp] [--codec h264|h265] [--keep] [--interval MS] URL...\n",
            program);
    exit(2);
}

static void parse(struct counting *counting, int argc, char **argv)
{
    static const struct option names[] = {
        {"transport", required_argument, NULL, 't'},
        {"interval", required_argument, NULL, 'i'},
        {"codec", required_argument, NULL, 'c'},
        {"keep", no_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    int option;
    counting->interval_ms = 10;
    counting->codec = "h264";
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 't' && (!strcmp(optarg, "tcp") || !strcmp(optarg, "udp")))
            counting->udp = !strcmp(optarg, "udp");
        else if (option == 'c' && (!strcmp(optarg, "h264") || !strcmp(optarg, "h265")))
            counting->codec = optarg;
        else if (option == 'k')
            counting->keep = true;
        else if (option == 'i')
            counting->interval_ms = atoi(optarg);
        else
            usage(argv[0]);
    }
    if (optind == argc || counting->interval_ms < 1 || counting->interval_ms > INTERVAL_MAX)
        usage(argv[0]);
    counting->camera_count = (unsigned)(argc - optind);
}

void counting_start(struct counting *counting, int argc, char **argv)
{
    const sigset_t set = talk_signals();
    pthread_t thread;
    *counting = (struct counting){0};
    parse(counting, argc, argv);
    counting->cameras = calloc(counting->camera_count, sizeof(*counting->cameras));
    if (!counting->cameras)
        abort();
    for (unsigned i = 0; i < counting->camera_count; i++)
        counting->cameras[i].url = argv[optind + (int)i];
    atomic_store(&counting->waiting, counting->camera_count);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, talk, counting) != 0)
        abort();
    pthread_detach(thread);
}
