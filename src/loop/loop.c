// SPDX-License-Identifier: Apache-2.0
#include "loop/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/posts.h"
#include "loop/timer.h"

#define BATCH 512
#define SLOW (20 * FV_MS)
#define TIMED_TOGETHER 8 /* swept sockets: reading the clock costs as much as a small packet */
#define LATE (250 * FV_MS) /* since the last pass: timers wait until every socket was looked at */
#define SWEEP_FROM 8  /* passes with something in a row, after which a steady socket is swept */
#define SWEEP_SURE 16 /* highest score */
#define SWEEP_GATHER FV_MS /* with shorter gathering, passes would come for nothing */

struct fv_loop {
    /* the loop's thread */
    int epoll, wake; /* `wake`: an eventfd in `epoll`, written by post and stop */
    int64_t gather;
    int64_t gather_until; /* sockets are not looked at before */
    int64_t now;
    int64_t called_at; /* when the last callback ended: start of the next one's time */
    size_t io_count;
    size_t round; /* sockets served since the last gathering */
    int ready_count;
    struct epoll_event ready[BATCH];
    uint64_t gathered; /* passes over all sockets */
    struct fv_list swept;
    struct fv_list *sweep_next; /* while sweeping */
    bool sweep_due;
    bool early;  /* a socket outside the sweep was served before the gathering ended */
    bool coarse; /* waits in milliseconds */
    struct fv_timers timers;
    /* any thread */
    struct fv_posts posts;
    atomic_bool stop;
    _Atomic uint64_t passes, sweeps, slow_calls;
    _Atomic int64_t slowest;
};

static int open_descriptors(struct fv_loop *loop)
{
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return -errno;
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake < 0)
        return -errno;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = loop};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event) < 0 ? -errno : 0;
}

int fv_loop_create(int64_t gather, struct fv_loop **ret_loop)
{
    struct fv_loop *loop = FV_NEW(struct fv_loop);
    if (!loop)
        return -ENOMEM;
    loop->epoll = loop->wake = -1;
    loop->gather = gather;
    fv_list_init(&loop->swept);
    loop->sweep_next = &loop->swept;
    int ret = fv_posts_init(&loop->posts);
    if (ret >= 0)
        ret = open_descriptors(loop);
    if (ret < 0) {
        fv_loop_destroy(loop);
        return ret;
    }
    loop->now = loop->called_at = fv_now();
    *ret_loop = loop;
    return 0;
}

/* Callbacks must be short: one that blocks delays every camera. */
static void note_call(struct fv_loop *loop, const char *kind)
{
    int64_t end = fv_now(), took = end - loop->called_at;
    loop->called_at = end;
    if (took > atomic_load_explicit(&loop->slowest, memory_order_relaxed))
        atomic_store_explicit(&loop->slowest, took, memory_order_relaxed);
    if (took <= SLOW)
        return;
    atomic_fetch_add_explicit(&loop->slow_calls, 1, memory_order_relaxed);
    fv_debug("loop", "a %s callback took %lld ms", kind, (long long)(took / FV_MS));
}

static bool run_posts(struct fv_loop *loop)
{
    struct fv_post_list calls = fv_posts_take(&loop->posts);
    for (size_t i = 0; i < calls.count; i++) {
        calls.list[i].call(calls.list[i].data);
        note_call(loop, "posted");
    }
    fv_posts_done(&loop->posts, calls);
    return calls.count > 0;
}

void fv_loop_destroy(struct fv_loop *loop)
{
    if (!loop)
        return;
    while (run_posts(loop))
        ;
    if (loop->epoll >= 0)
        close(loop->epoll);
    if (loop->wake >= 0)
        close(loop->wake);
    fv_posts_finish(&loop->posts);
    fv_free(loop);
}

static void drain_wake(struct fv_loop *loop)
{
    uint64_t count;
    while (read(loop->wake, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
}

/* Waits for the end of the gathering, a timer, a post or stop; not for sockets. True when the gathering is over. */
static bool wait_gathering(struct fv_loop *loop)
{
    int64_t until = fv_min64(loop->gather_until, fv_timers_next(&loop->timers));
    int64_t left = until > loop->now ? until - loop->now : 0;
    struct timespec timeout = {.tv_sec = left / FV_S, .tv_nsec = left % FV_S};
    struct pollfd wake = {.fd = loop->wake, .events = POLLIN};
    int ret = ppoll(&wake, 1, &timeout, NULL);
    loop->now = fv_now();
    if (ret > 0)
        drain_wake(loop);
    return ret == 0 && loop->now >= loop->gather_until;
}

/* A full batch means that more may be ready: look again at once, but serve each socket once before the next gathering. */
static void plan_gathering(struct fv_loop *loop, int sockets)
{
    loop->sweep_due = !fv_list_empty(&loop->swept);
    loop->early = false;
    if (sockets == 0 && !loop->sweep_due)
        return;
    loop->round += (size_t)sockets;
    if (sockets >= BATCH - 1 && loop->round < loop->io_count)
        return;
    loop->round = 0;
    loop->gathered++;
    loop->gather_until = fv_later(loop->now, loop->gather);
}

/* Waits for sockets until `until`. Kernels before 5.11 know milliseconds only: rounded up, because a wait that ends too early would only
 * be followed by another one. */
static int wait_epoll(struct fv_loop *loop, int64_t until)
{
    int64_t left = until > loop->now ? until - loop->now : 0;
    struct timespec timeout = {.tv_sec = left / FV_S, .tv_nsec = left % FV_S};
    bool forever = until == FV_TIME_NEVER;
    if (!loop->coarse) {
        int count = epoll_pwait2(loop->epoll, loop->ready, BATCH, forever ? NULL : &timeout, NULL);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM))
            return count;
        loop->coarse = true;
    }
    int ms = (int)fv_min64((left + FV_MS - 1) / FV_MS, INT_MAX);
    return epoll_wait(loop->epoll, loop->ready, BATCH, forever ? -1 : ms);
}

/* Returns the number of sockets that are ready, or negative errno. */
static int take_ready(struct fv_loop *loop, int64_t until)
{
    int count = wait_epoll(loop, until);
    loop->now = fv_now();
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    loop->ready_count = count;
    int sockets = count;
    for (int i = 0; i < count; i++) {
        if (loop->ready[i].data.ptr != loop)
            continue;
        drain_wake(loop);
        loop->ready[i].data.ptr = NULL;
        sockets--;
    }
    return sockets;
}

static int wait_sockets(struct fv_loop *loop)
{
    bool sweeps = !fv_list_empty(&loop->swept);
    int sockets = take_ready(loop, sweeps ? loop->now : fv_timers_next(&loop->timers));
    if (sockets >= 0)
        plan_gathering(loop, sockets);
    return sockets < 0 ? sockets : 0;
}

/* The busy sockets are swept, so that what is left in epoll is rare: one wait for everything saves a call in each pass. Should the rest
 * not be rare, it wakes the loop once in each interval. */
static int wait_sweep(struct fv_loop *loop)
{
    int sockets = take_ready(loop, fv_min64(loop->gather_until, fv_timers_next(&loop->timers)));
    if (sockets < 0)
        return sockets;
    if (loop->now >= loop->gather_until)
        plan_gathering(loop, sockets);
    else
        loop->early = sockets > 0;
    return 0;
}

/* Sleeps until there is something to do. */
static int wait_for_work(struct fv_loop *loop)
{
    loop->ready_count = 0;
    loop->now = fv_now();
    if (!fv_list_empty(&loop->swept) && !loop->early)
        return wait_sweep(loop);
    if (loop->gather_until > loop->now && !wait_gathering(loop))
        return 0;
    return wait_sockets(loop);
}

static unsigned events_of(const struct fv_io *io, uint32_t ready)
{
    unsigned events = 0;
    if (ready & EPOLLIN)
        events |= FV_IO_READ;
    if (ready & EPOLLOUT)
        events |= FV_IO_WRITE;
    if (ready & (EPOLLERR | EPOLLHUP))
        events |= FV_IO_READ | (io->events & FV_IO_WRITE);
    return events;
}

static uint32_t epoll_bits(unsigned events)
{
    return (events & FV_IO_READ ? (uint32_t)EPOLLIN : 0) |
           (events & FV_IO_WRITE ? (uint32_t)EPOLLOUT : 0);
}

/* Out of epoll, into the sweep. On failure it stays where it is. */
static void begin_sweep(struct fv_loop *loop, struct fv_io *io)
{
    if (epoll_ctl(loop->epoll, EPOLL_CTL_DEL, io->fd, NULL) < 0)
        return;
    io->swept = true;
    fv_list_append(&loop->swept, &io->link);
}

static void leave_sweep(struct fv_loop *loop, struct fv_io *io)
{
    if (loop->sweep_next == &io->link)
        loop->sweep_next = io->link.next;
    fv_list_remove(&io->link);
    io->swept = false;
    io->score = 0;
}

/* Back to epoll. On failure it is swept on. */
static int end_sweep(struct fv_loop *loop, struct fv_io *io, unsigned events)
{
    struct epoll_event event = {.events = epoll_bits(events), .data.ptr = io};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, io->fd, &event) < 0)
        return -errno;
    leave_sweep(loop, io);
    return 0;
}

static bool is_steady(const struct fv_loop *loop, struct fv_io *io)
{
    if (!io->steady || io->events != FV_IO_READ || loop->gather < SWEEP_GATHER)
        return false;
    if (io->served != loop->gathered)
        io->score = io->served + 1 == loop->gathered ? io->score + 1 : 1;
    io->served = loop->gathered;
    return io->score >= SWEEP_FROM;
}

/* The next socket's turn. Between two passes the memory of a socket and of its owner goes cold: asked for while the kernel works for
 * the socket before, it costs no waiting. */
static struct fv_io *next_swept(struct fv_loop *loop)
{
    struct fv_io *io = FV_CONTAINER(loop->sweep_next, struct fv_io, link);
    loop->sweep_next = io->link.next;
    if (loop->sweep_next == &loop->swept)
        return io;
    const struct fv_io *after = FV_CONTAINER(loop->sweep_next, struct fv_io, link);
    const char *near = after->near;
    for (size_t i = 0; near && i < FV_IO_NEAR; i += 64)
        __builtin_prefetch(near + i);
    __builtin_prefetch(FV_CONTAINER(after->link.next, struct fv_io, link));
    __builtin_prefetch(after->link.next);
    return io;
}

/* Sockets that come to the sweep in this pass had their turn. */
static void run_sweep(struct fv_loop *loop)
{
    uint64_t calls = 0;
    loop->sweep_next = loop->swept.next;
    while (loop->sweep_due && loop->sweep_next != &loop->swept) {
        struct fv_io *io = next_swept(loop);
        io->score = io->score < SWEEP_SURE ? io->score + 1 : SWEEP_SURE;
        if (io->score <= 0 && end_sweep(loop, io, io->events) == 0)
            continue;
        io->ready(io, FV_IO_READ);
        if (++calls % TIMED_TOGETHER == 0)
            note_call(loop, "socket");
    }
    if (calls % TIMED_TOGETHER)
        note_call(loop, "socket");
    loop->sweep_due = false;
    atomic_fetch_add_explicit(&loop->sweeps, calls, memory_order_relaxed);
}

static void run_sockets(struct fv_loop *loop)
{
    for (int i = 0; i < loop->ready_count; i++) {
        struct fv_io *io = loop->ready[i].data.ptr;
        if (!io)
            continue; /* removed by a callback of this pass */
        if (is_steady(loop, io))
            begin_sweep(loop, io);
        io->ready(io, events_of(io, loop->ready[i].events));
        note_call(loop, "socket");
    }
    loop->ready_count = 0;
}

/* A timer that its callback sets to the past again fires in the next pass, after the sockets had their turn. */
static void run_timers(struct fv_loop *loop)
{
    struct fv_timer *timer;
    for (size_t left = loop->timers.count; left > 0; left--) {
        timer = fv_timers_take(&loop->timers, loop->now);
        if (!timer)
            return;
        timer->fire(timer, loop->now);
        note_call(loop, "timer");
    }
}

/* Sockets that are ready, and then those that epoll did not report yet. */
static int serve_all(struct fv_loop *loop)
{
    loop->sweep_due = true;
    run_sweep(loop);
    for (size_t left = loop->io_count / BATCH + 1; left > 0; left--) {
        run_sockets(loop);
        int ret = take_ready(loop, loop->now);
        if (ret < 0)
            return ret;
    }
    run_sockets(loop);
    return 0;
}

/* The process may have stood still (stopped, starved, its machine suspended). What came meanwhile waits in the sockets, and a deadline
 * that passed meanwhile must not be judged without it. */
static int catch_up(struct fv_loop *loop, int64_t last_pass)
{
    bool late = loop->now - last_pass > LATE && fv_timers_next(&loop->timers) <= loop->now;
    return late ? serve_all(loop) : 0;
}

int fv_loop_run(struct fv_loop *loop)
{
    while (!atomic_exchange(&loop->stop, false)) {
        int64_t last_pass = loop->now;
        int ret = wait_for_work(loop);
        if (ret < 0)
            return ret;
        atomic_fetch_add_explicit(&loop->passes, 1, memory_order_relaxed);
        loop->called_at = loop->now;
        ret = catch_up(loop, last_pass);
        if (ret < 0)
            return ret;
        run_posts(loop);
        run_timers(loop);
        run_sweep(loop);
        run_sockets(loop);
    }
    return 0;
}

static void wake_up(struct fv_loop *loop)
{
    /* Fails only when the counter is full: then the loop is awake anyway. */
    uint64_t one = 1;
    int saved = errno;
    while (write(loop->wake, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
    errno = saved;
}

void fv_loop_stop(struct fv_loop *loop)
{
    atomic_store(&loop->stop, true);
    wake_up(loop);
}

int64_t fv_loop_now(const struct fv_loop *loop)
{
    return loop->now;
}

int fv_loop_add(struct fv_loop *loop, struct fv_io *io, int fd, unsigned events,
                void (*ready)(struct fv_io *, unsigned))
{
    struct epoll_event event = {.events = epoll_bits(events), .data.ptr = io};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        return -errno;
    *io = (struct fv_io){.fd = fd, .events = events, .ready = ready};
    fv_list_init(&io->link);
    loop->io_count++;
    return 0;
}

int fv_loop_change(struct fv_loop *loop, struct fv_io *io, unsigned events)
{
    if (io->events == events)
        return 0;
    if (io->swept) {
        int ret = end_sweep(loop, io, events);
        io->events = ret < 0 ? io->events : events;
        return ret;
    }
    struct epoll_event event = {.events = epoll_bits(events), .data.ptr = io};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, io->fd, &event) < 0)
        return -errno;
    io->events = events;
    return 0;
}

void fv_loop_remove(struct fv_loop *loop, struct fv_io *io)
{
    if (io->fd < 0)
        return;
    if (io->swept)
        leave_sweep(loop, io);
    else
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, io->fd, NULL);
    for (int i = 0; i < loop->ready_count; i++) {
        if (loop->ready[i].data.ptr == io)
            loop->ready[i].data.ptr = NULL;
    }
    io->fd = -1;
    loop->io_count--;
}

int fv_timer_set(struct fv_loop *loop, struct fv_timer *timer, int64_t due)
{
    if (due == FV_TIME_NEVER)
        fv_timers_clear(&loop->timers, timer);
    else
        fv_timers_set(&loop->timers, timer, due);
    return 0;
}

void fv_timer_clear(struct fv_loop *loop, struct fv_timer *timer)
{
    fv_timers_clear(&loop->timers, timer);
}

int fv_loop_post(struct fv_loop *loop, void (*call)(void *data), void *data)
{
    bool first;
    int ret = fv_posts_add(&loop->posts, (struct fv_post){call, data}, &first);
    if (first)
        wake_up(loop);
    return ret;
}

void fv_loop_stats(const struct fv_loop *loop, struct fv_loop_stats *ret_stats)
{
    *ret_stats = (struct fv_loop_stats){
        .passes = atomic_load_explicit(&loop->passes, memory_order_relaxed),
        .swept = atomic_load_explicit(&loop->sweeps, memory_order_relaxed),
        .slow_calls = atomic_load_explicit(&loop->slow_calls, memory_order_relaxed),
        .slowest = atomic_load_explicit(&loop->slowest, memory_order_relaxed),
    };
}
