// SPDX-License-Identifier: Apache-2.0
/*
 * A short probe of each enabled camera: name, connection, and what answers to one OPTIONS request
 * (RFC 2326 10.1) without credentials. All at once, and at an end after PHASE seconds for the names and PHASE seconds for the
 * rest, whatever name servers and cameras do.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "doctor/doctor.h"

#define PHASE_S 3
#define PROBES_MAX 512
#define LOOKUP_THREADS 8
#define ANSWER_MAX 1500

/* ---- names ---- */

struct name {
    char host[256];
    bool done;
    int code; /* of getaddrinfo() */
    struct sockaddr_storage address;
    socklen_t size;
};

/* Shared with the helper threads, of which some may never come back: the last one frees it. */
struct lookup {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned users, next, open, count;
    struct name names[];
};

static void lookup_unref(struct lookup *lookup)
{
    pthread_mutex_lock(&lookup->lock);
    bool last = --lookup->users == 0;
    pthread_mutex_unlock(&lookup->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&lookup->lock);
    pthread_cond_destroy(&lookup->changed);
    fv_free(lookup);
}

static void resolve(const char *host, struct name *ret_name)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    ret_name->code = getaddrinfo(host, NULL, &hints, &list);
    if (ret_name->code == 0) {
        memcpy(&ret_name->address, list->ai_addr, list->ai_addrlen);
        ret_name->size = list->ai_addrlen;
        freeaddrinfo(list);
    }
    ret_name->done = true;
}

static void *look_up(void *data)
{
    struct lookup *lookup = data;
    pthread_mutex_lock(&lookup->lock);
    while (lookup->next < lookup->count) {
        struct name *name = &lookup->names[lookup->next++], found = *name;
        pthread_mutex_unlock(&lookup->lock);
        resolve(found.host, &found);
        pthread_mutex_lock(&lookup->lock);
        *name = found;
        lookup->open--;
        pthread_cond_signal(&lookup->changed);
    }
    pthread_mutex_unlock(&lookup->lock);
    lookup_unref(lookup);
    return NULL;
}

static void start_threads(struct lookup *lookup)
{
    for (unsigned i = 0; i < LOOKUP_THREADS && i < lookup->count; i++) {
        pthread_t thread;
        pthread_mutex_lock(&lookup->lock);
        lookup->users++;
        pthread_mutex_unlock(&lookup->lock);
        if (fv_thread_start(&thread, "fv-names", look_up, lookup) == 0)
            pthread_detach(thread);
        else
            lookup_unref(lookup);
    }
}

static void wait_for_names(struct lookup *lookup)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PHASE_S;
    pthread_mutex_lock(&lookup->lock);
    while (lookup->open > 0 &&
           pthread_cond_timedwait(&lookup->changed, &lookup->lock, &end) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&lookup->lock);
}

/* ---- connections ---- */

enum state { WAITS, CONNECTING, ASKED, ENDED };

struct probe {
    const struct fv_conf_camera *camera;
    struct name name;
    enum state state;
    int fd, code; /* code: negative errno of the connection */
    int64_t start, connected;
    char answer[ANSWER_MAX + 1];
    size_t used;
};

static void end_probe(struct probe *probe, int code)
{
    if (probe->fd >= 0)
        close(probe->fd);
    probe->fd = -1;
    probe->code = code;
    probe->state = ENDED;
}

static void start_probe(struct probe *probe)
{
    uint16_t port = htons(probe->camera->address.port);
    struct sockaddr_storage address = probe->name.address;
    probe->fd = -1;
    if (!probe->name.done || probe->name.code != 0) {
        end_probe(probe, 0);
        return;
    }
    if (address.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address)->sin6_port = port;
    else
        ((struct sockaddr_in *)&address)->sin_port = port;
    probe->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe->fd < 0) {
        end_probe(probe, -errno);
        return;
    }
    probe->start = fv_now();
    probe->state = CONNECTING;
    if (connect(probe->fd, (struct sockaddr *)&address, probe->name.size) < 0 &&
        errno != EINPROGRESS)
        end_probe(probe, -errno);
}

static void ask(struct probe *probe)
{
    char url[FV_URL_MAX + 300], request[FV_URL_MAX + 500];
    int code = 0;
    socklen_t size = sizeof(code);
    getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &code, &size);
    if (code) {
        end_probe(probe, -code);
        return;
    }
    probe->connected = fv_now();
    probe->state = ASKED;
    if (!strcmp(probe->camera->address.scheme, "rtsps")) {
        end_probe(probe, 0); /* TLS is the engine's affair: something listens, and that is told */
        return;
    }
    int length = snprintf(request, sizeof(request),
                          "OPTIONS %s RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: fovea doctor\r\n\r\n",
                          fv_url_format(&probe->camera->address, url, sizeof(url)));
    if (send(probe->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        end_probe(probe, 0);
}

static void hear(struct probe *probe)
{
    ssize_t n = recv(probe->fd, probe->answer + probe->used, ANSWER_MAX - probe->used, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        probe->used += (size_t)n;
    probe->answer[probe->used] = '\0';
    if (n <= 0 || probe->used == ANSWER_MAX || strstr(probe->answer, "\r\n\r\n"))
        end_probe(probe, 0);
}

static void poll_once(struct probe *probes, unsigned count, struct pollfd *fds, int64_t end)
{
    nfds_t open = 0;
    for (unsigned i = 0; i < count; i++)
        if (probes[i].state == CONNECTING || probes[i].state == ASKED)
            fds[open++] = (struct pollfd){.fd = probes[i].fd,
                                          .events = probes[i].state == ASKED ? POLLIN : POLLOUT};
    if (poll(fds, open, (int)((end - fv_now()) / 1000000 + 1)) <= 0)
        return;
    nfds_t at = 0;
    for (unsigned i = 0; i < count && at < open; i++) {
        if (probes[i].fd != fds[at].fd || probes[i].state == ENDED)
            continue;
        if (fds[at++].revents == 0)
            continue;
        if (probes[i].state == CONNECTING)
            ask(&probes[i]);
        else
            hear(&probes[i]);
    }
}

static bool any_open(const struct probe *probes, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (probes[i].state == CONNECTING || probes[i].state == ASKED)
            return true;
    return false;
}

static void connect_all(struct probe *probes, unsigned count, struct pollfd *fds)
{
    int64_t end = fv_now() + (int64_t)PHASE_S * 1000000000;
    for (unsigned i = 0; i < count; i++)
        start_probe(&probes[i]);
    while (any_open(probes, count) && fv_now() < end)
        poll_once(probes, count, fds, end);
    for (unsigned i = 0; i < count; i++)
        if (probes[i].state == CONNECTING || probes[i].state == ASKED)
            end_probe(&probes[i], probes[i].state == CONNECTING ? -ETIMEDOUT : 0);
}

/* ---- what is told ---- */

static void server_of(const char *answer, char *server, size_t size)
{
    const char *line = strcasestr(answer, "\r\nServer:");
    line = line ? line + 9 + strspn(line + 9, " ") : "";
    snprintf(server, size, "%.*s", (int)strcspn(line, "\r\n"), line);
}

static void tell_answer(struct fv_doctor *doctor, const struct probe *probe,
                        struct fv_doctor_about about)
{
    char server[100];
    const struct fv_url *url = &probe->camera->address;
    double ms = (double)(probe->connected - probe->start) / 1e6;
    server_of(probe->answer, server, sizeof(server));
    if (!strcmp(url->scheme, "rtsps")) {
        about.state = FV_DOCTOR_OK;
        fv_doctor_say(doctor, about, "%s:%u accepts connections (%.0f ms); TLS was not tried",
                      url->host, url->port, ms);
    } else if (!strncmp(probe->answer, "RTSP/", 5)) {
        about.state = FV_DOCTOR_OK;
        fv_doctor_say(doctor, about, "%s:%u answers %.*s%s%s (%.0f ms)", url->host, url->port,
                      (int)strcspn(probe->answer, "\r\n"), probe->answer, server[0] ? ", " : "",
                      server, ms);
    } else if (probe->used) {
        about.cure = "Correct the port in its url: something else than a camera listens there.";
        fv_doctor_say(doctor, about, "%s:%u answers, but not in RTSP", url->host, url->port);
    } else {
        about.state = FV_DOCTOR_WARNING;
        fv_doctor_say(doctor, about, "%s:%u accepts connections, but did not answer in time",
                      url->host, url->port);
    }
}

static void tell(struct fv_doctor *doctor, const struct probe *probe)
{
    const struct fv_url *url = &probe->camera->address;
    struct fv_doctor_about about = {
        FV_DOCTOR_PROBLEM, "camera", probe->camera->name,
        "A camera that cannot be reached is retried for ever.",
        "Check its power, cable and address, and the firewalls between."};
    if (!probe->name.done)
        fv_doctor_say(doctor, about, "the name %s was not resolved within %d s", url->host,
                      PHASE_S);
    else if (probe->name.code != 0)
        fv_doctor_say(doctor, about, "the name %s is not known: %s", url->host,
                      gai_strerror(probe->name.code));
    else if (probe->code < 0)
        fv_doctor_say(doctor, about, "%s:%u: %s", url->host, url->port, strerror(-probe->code));
    else
        tell_answer(doctor, probe, about);
}

/* ---- all of them ---- */

static struct lookup *lookup_create(unsigned count)
{
    struct lookup *lookup = fv_calloc(1, sizeof(*lookup) + count * sizeof(lookup->names[0]));
    if (!lookup)
        return NULL;
    pthread_mutex_init(&lookup->lock, NULL);
    pthread_cond_init(&lookup->changed, NULL);
    lookup->users = 1;
    lookup->count = lookup->open = count;
    return lookup;
}

static void run(struct fv_doctor *doctor, struct probe *probes, unsigned count,
                struct lookup *lookup, struct pollfd *fds)
{
    unsigned used = 0;
    for (unsigned i = 0; i < doctor->config->cameras.count && used < count; i++)
        if (doctor->config->cameras.items[i].enabled)
            probes[used++].camera = &doctor->config->cameras.items[i];
    for (unsigned i = 0; i < count; i++)
        snprintf(lookup->names[i].host, sizeof(lookup->names[i].host), "%s",
                 probes[i].camera->address.host);
    start_threads(lookup);
    wait_for_names(lookup);
    pthread_mutex_lock(&lookup->lock);
    for (unsigned i = 0; i < count; i++)
        probes[i].name = lookup->names[i];
    pthread_mutex_unlock(&lookup->lock);
    connect_all(probes, count, fds);
    for (unsigned i = 0; i < count; i++)
        tell(doctor, &probes[i]);
}

/* As many as there may be sockets at once. */
static unsigned probe_count(unsigned enabled)
{
    struct rlimit limit;
    unsigned most = PROBES_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < PROBES_MAX + 64)
        most = limit.rlim_cur > 80 ? (unsigned)limit.rlim_cur - 64 : 16;
    return enabled < most ? enabled : most;
}

void fv_doctor_cameras(struct fv_doctor *doctor)
{
    unsigned count = probe_count(doctor->enabled);
    if (count == 0)
        return;
    struct probe *probes = fv_calloc(count, sizeof(*probes));
    struct pollfd *fds = fv_calloc(count, sizeof(*fds));
    struct lookup *lookup = lookup_create(count);
    if (probes && fds && lookup)
        run(doctor, probes, count, lookup, fds);
    else
        doctor->failure = -ENOMEM;
    if (lookup)
        lookup_unref(lookup);
    fv_free(probes);
    fv_free(fds);
    if (count < doctor->enabled)
        fv_doctor_say(doctor,
                      (struct fv_doctor_about){FV_DOCTOR_WARNING, "camera", "more cameras",
                                               "Only so many connections are tried at once.",
                                               "Probe the others with a configuration of their "
                                               "own."},
                      "%u cameras were not probed", doctor->enabled - count);
}
