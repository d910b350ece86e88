// SPDX-License-Identifier: Apache-2.0
#include "place.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fovea/sim.h"

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "soak: %s\n", what);
    exit(1);
}

/* --- The simulator --- */

static void write_clip(char *path, bool large)
{
    static const uint8_t sps[2][13] = {
        /* 320 x 240, 640 x 480 */
        {0, 0, 0, 1, 0x67, 0x42, 0xC0, 0x1E, 0xDA, 0x05, 0x07, 0xE4},
        {0, 0, 0, 1, 0x67, 0x42, 0xC0, 0x1E, 0xDA, 0x02, 0x80, 0xF6, 0x40}};
    static const uint8_t pps[] = {0, 0, 0, 1, 0x68, 0xCE, 0x3C, 0x80};
    static const uint8_t key[] = {0, 0, 0, 1, 0x65, 0x88}, other[] = {0, 0, 0, 1, 0x41, 0x9A};
    uint8_t rest[2000];
    memset(rest, 0xA5, sizeof(rest));
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file)
        give_up("no temporary file");
    fwrite(sps[large], large ? 13 : 12, 1, file);
    fwrite(pps, sizeof(pps), 1, file);
    for (int i = 0; i < 5; i++) {
        fwrite(i == 0 ? key : other, sizeof(key), 1, file);
        fwrite(rest, sizeof(rest), 1, file);
    }
    fclose(file);
}

static struct fv_sim *served;

static void on_signal(int number)
{
    fv_sim_stop(served);
}

static _Noreturn void serve(uint16_t at, unsigned cameras, const char *const *faults,
                            size_t fault_count, int out)
{
    char path[] = "/tmp/fovea-soak-XXXXXX", other[] = "/tmp/fovea-soak-XXXXXX", listen[24];
    const char *const inputs[] = {path, other};
    struct fv_error err;
    write_clip(path, false);
    write_clip(other, true);
    snprintf(listen, sizeof(listen), "127.0.0.1:%u", at);
    struct fv_sim_params params = {.listen = listen,
                                   .inputs = inputs,
                                   .input_count = 2,
                                   .cameras = cameras,
                                   .fps = 20,
                                   .seed = 1,
                                   .faults = faults,
                                   .fault_count = fault_count};
    int ret = fv_sim_open(&params, &served, &err);
    unlink(path);
    unlink(other);
    if (ret < 0)
        give_up(err.text);
    signal(SIGTERM, on_signal);
    uint16_t port = fv_sim_port(served);
    if (write(out, &port, sizeof(port)) == (ssize_t)sizeof(port))
        fv_sim_run(served);
    fv_sim_close(served);
    _exit(0);
}

static void start(struct place *place, uint16_t port, unsigned cameras, const char *const *faults,
                  size_t fault_count)
{
    int ends[2];
    if (pipe(ends) < 0 || (place->pid = fork()) < 0)
        give_up("no process for the simulator");
    if (place->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        serve(port, cameras, faults, fault_count, ends[1]);
    }
    close(ends[1]);
    if (read(ends[0], &place->port, sizeof(place->port)) != (ssize_t)sizeof(place->port))
        give_up("the simulator did not start");
    close(ends[0]);
}

void place_start(struct place *place, unsigned cameras, const char *fault)
{
    place_start_at(place, 0, cameras, fault);
}

void place_start_at(struct place *place, uint16_t port, unsigned cameras, const char *fault)
{
    start(place, port, cameras, &fault, fault != NULL);
}

void place_start_sick(struct place *place, unsigned cameras, const char *const *faults,
                      size_t fault_count)
{
    start(place, 0, cameras, faults, fault_count);
}

void place_stop(struct place *place)
{
    kill(place->pid, SIGTERM);
    waitpid(place->pid, NULL, 0);
}

/* --- Where nobody is --- */

static int bind_local(struct sockaddr_in *addr)
{
    socklen_t size = sizeof(*addr);
    *addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)addr, size) < 0 ||
        getsockname(fd, (struct sockaddr *)addr, &size) < 0)
        give_up("no port");
    return fd;
}

uint16_t place_refusing(void)
{
    struct sockaddr_in addr;
    bind_local(&addr); /* bound, so that nobody else takes it; nobody listens */
    return ntohs(addr.sin_port);
}

/* A listener that accepts nobody and whose queue is full: further connections are not answered. */
uint16_t place_silent(void)
{
    struct sockaddr_in addr;
    if (listen(bind_local(&addr), 0) < 0)
        give_up("no listener");
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fd, (struct sockaddr *)&addr, sizeof(addr));
    }
    return ntohs(addr.sin_port);
}

/* --- What we hold --- */

static unsigned count_entries(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    if (!folder)
        give_up("no /proc");
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

struct holdings holdings_now(void)
{
    struct timespec cpu;
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu %lu", &total, &resident) != 2)
        give_up("no /proc/self/statm");
    fclose(file);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return (struct holdings){
        .resident = resident * (size_t)sysconf(_SC_PAGESIZE),
        .descriptors = count_entries("/proc/self/fd"),
        .threads = count_entries("/proc/self/task"),
        .cpu = (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9,
    };
}
