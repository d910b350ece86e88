// SPDX-License-Identifier: Apache-2.0
/*
 * What must leave no trace: reconnects, cameras that come and go, cameras that are away. Exit code 1 when something grew or was lost.
 *
 *   soak reconnect N    cameras that break off all the time, until they connected N times; others play beside them
 *   soak churn N        N cameras are added and removed; others play beside them
 *   soak away S         64 cameras that refuse or never answer, for S seconds, with the backoff as it is by default
 *   soak back S         64 cameras that play are away for S seconds, all at once, and come back: nobody storms, all play again
 *   soak sick S         64 cameras for S seconds, 38 of them sick in the second half, each in another way (sick.c)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/ingest.h"
#include "place.h"
#include "sick.h"

#define STEADY 8    /* cameras that play all the time */
#define RESTLESS 24 /* that break off, or come and go */
#define AWAY 64
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GROWTH (64 << 20) /* they keep what was freed, and look for leaks themselves */
#else
#define GROWTH (2 << 20) /* bytes of resident memory: noise of the allocator */
#endif
#define AWAY_CPU                                                                                   \
    0.001       /* of a core, once the backoff has reached its length: in runs from a minute on */
#define RATE 20 /* CONNECT_RATE_PER_S as it is by default */
#define ATTEMPT_CPU 9e-4 /* seconds: with one attempt a minute, 64 cameras come to less than that */

static struct fv_ingest *ingest;
static uint32_t steady[STEADY];
static _Atomic uint64_t connects; /* of all cameras */

static bool on_au(void *data, const struct fv_au *au)
{
    return true;
}

static void on_state(void *data, const struct fv_camera_event *event)
{
    connects += event->to == FV_CAMERA_PLAYING;
}

static void open_ingest(unsigned connect_rate)
{
    struct fv_ingest_params params = {
        .gather = 10 * FV_MS,
        .connect_rate = connect_rate,
        .connects_per_host = 100,
        .handler = {.au = on_au, .state = on_state},
    };
    struct fv_error err;
    if (fv_ingest_create(&params, &ingest, &err) < 0 || fv_ingest_start(ingest, &err) < 0) {
        fprintf(stderr, "soak: %s\n", err.text);
        exit(1);
    }
}

/* hurry: hardly a pause between attempts. */
static uint32_t add(uint16_t port, unsigned camera, bool udp, bool hurry)
{
    struct fv_camera_params params;
    uint32_t id = 0;
    char url[80];
    fv_camera_defaults(&params);
    snprintf(params.name, sizeof(params.name), "cam%u", camera);
    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%u/cam%u", port, camera);
    params.transport = udp ? FV_TRANSPORT_UDP : FV_TRANSPORT_TCP;
    if (hurry)
        params.backoff.initial = params.backoff.maximum = FV_MS;
    if (fv_url_parse(url, &params.url, NULL) < 0 || fv_ingest_add(ingest, &params, &id) < 0) {
        fprintf(stderr, "soak: a camera could not be added\n");
        exit(1);
    }
    return id;
}

/* Half of them over UDP. */
static void add_steady(const struct place *place)
{
    for (unsigned i = 0; i < STEADY; i++)
        steady[i] = add(place->port, i, i % 2, false);
    while (connects < STEADY)
        usleep(10000);
}

static int steady_lost(void)
{
    int lost = 0;
    for (unsigned i = 0; i < STEADY; i++) {
        struct fv_camera_stats stats;
        fv_ingest_stats(ingest, steady[i], &stats);
        uint64_t faults = stats.failures + stats.lost + stats.damaged + stats.skipped;
        if (faults || stats.state != FV_CAMERA_PLAYING)
            printf("camera %u lost something: %s\n", i, stats.reason);
        lost += faults > 0 || stats.state != FV_CAMERA_PLAYING;
    }
    return lost;
}

static int compare(const struct holdings *before, const struct holdings *after, const char *what)
{
    long grown = (long)after->resident - (long)before->resident;
    printf("%s: resident %+ld KiB (%zu KiB), descriptors %u -> %u, threads %u -> %u\n", what,
           grown / 1024, after->resident / 1024, before->descriptors, after->descriptors,
           before->threads, after->threads);
    return grown > GROWTH || after->descriptors > before->descriptors ||
           after->threads > before->threads;
}

/* Cameras may be between two connections: those hold descriptors of their own. */
static void await_descriptors(unsigned most)
{
    for (int i = 0; i < 500 && holdings_now().descriptors > most; i++)
        usleep(2000);
}

static int reconnect(uint64_t number)
{
    struct place place;
    place_start(&place, STEADY + RESTLESS, "close:cam=8-31,packets=4");
    open_ingest(1000);
    add_steady(&place);
    unsigned rest = holdings_now().descriptors + RESTLESS / 2 + RESTLESS; /* TCP, and two for UDP */
    for (unsigned i = 0; i < RESTLESS; i++)
        add(place.port, STEADY + i, i % 4 == 0, true);
    while (connects < number / 5)
        usleep(10000);
    struct holdings before = holdings_now();
    before.descriptors = rest;
    while (connects < number)
        usleep(10000);
    await_descriptors(rest);
    struct holdings after = holdings_now();
    char what[60];
    snprintf(what, sizeof(what), "%llu connections", (unsigned long long)connects);
    int failed = compare(&before, &after, what) | steady_lost();
    fv_ingest_destroy(ingest);
    place_stop(&place);
    return failed != 0;
}

static int churn(uint64_t number)
{
    struct place place;
    struct holdings before = {0};
    uint32_t ids[RESTLESS];
    place_start(&place, STEADY + RESTLESS, NULL);
    open_ingest(1000);
    add_steady(&place);
    unsigned rest = holdings_now().descriptors;
    for (uint64_t i = 0; i < number + RESTLESS; i++) {
        unsigned slot = i % RESTLESS;
        if (i >= RESTLESS)
            fv_ingest_remove(ingest, ids[slot]);
        ids[slot] = add(place.port, STEADY + slot, slot % 4 == 0, true);
        if (i % 16 == 0)
            usleep(20000); /* so that some come to play, and some do not */
        if (i == number / 5)
            before = holdings_now();
    }
    for (unsigned i = 0; i < RESTLESS; i++)
        fv_ingest_remove(ingest, ids[i]);
    struct holdings after = holdings_now();
    before.descriptors = rest;
    int failed = compare(&before, &after, "cameras that came and went") | steady_lost();
    fv_ingest_destroy(ingest);
    place_stop(&place);
    return failed != 0;
}

static uint64_t attempts(const uint32_t *ids)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < AWAY; i++) {
        struct fv_camera_stats stats;
        fv_ingest_stats(ingest, ids[i], &stats);
        total += stats.attempts;
    }
    return total;
}

/* The first third brings the first attempts of all; what counts is what follows. */
static int away(unsigned seconds)
{
    uint32_t ids[AWAY];
    uint16_t ports[] = {place_refusing(), place_silent()};
    open_ingest(1000);
    unsigned threads = holdings_now().threads;
    for (unsigned i = 0; i < AWAY; i++)
        ids[i] = add(ports[i % 2], i, false, false);
    usleep(seconds * 333333);
    struct holdings before = holdings_now();
    uint64_t first = attempts(ids);
    usleep(seconds * 666667);
    struct holdings after = holdings_now();
    double share = (after.cpu - before.cpu) / (seconds * 0.666667);
    uint64_t later = attempts(ids) - first;
    printf("%d cameras away: %.3f %% of a core, %llu attempts in %.0f s, %.0f us each, threads %u "
           "-> %u\n",
           AWAY, share * 100, (unsigned long long)later, seconds * 0.666667,
           later ? (after.cpu - before.cpu) / (double)later * 1e6 : 0.0, threads, after.threads);
    fv_ingest_destroy(ingest);
    if (seconds < 60)
        share = 0;
    return share >= AWAY_CPU || after.cpu - before.cpu >= ATTEMPT_CPU * (double)later ||
           after.threads != threads;
}

/* --- Back at once --- */

#define METER 128 /* samples: more than a second of them */

struct meter {
    int64_t at[METER];
    uint64_t total[METER];
    unsigned count;
    double most; /* attempts in any second */
    bool storm;
};

/* Sampled some hundred times a second; a window is as long as it is, a second or a little more. */
static void meter_read(struct meter *meter, const uint32_t *ids)
{
    int64_t now = fv_now();
    uint64_t total = attempts(ids);
    unsigned back = meter->count < METER - 1 ? meter->count : METER - 1;
    while (back > 0 && now - meter->at[(meter->count - back) % METER] > FV_S)
        back--;
    unsigned first = (meter->count - back) % METER;
    if (back > 0) {
        double made = (double)(total - meter->total[first]);
        double seconds = (double)(now - meter->at[first]) / 1e9;
        meter->most = made > meter->most ? made : meter->most;
        meter->storm |= made > RATE * seconds + 2; /* the two at its ends */
    }
    meter->at[meter->count % METER] = now;
    meter->total[meter->count++ % METER] = total;
}

static unsigned playing(const uint32_t *ids)
{
    unsigned count = 0;
    for (unsigned i = 0; i < AWAY; i++) {
        struct fv_camera_stats stats;
        fv_ingest_stats(ingest, ids[i], &stats);
        count += stats.state == FV_CAMERA_PLAYING;
    }
    return count;
}

/* Until `wanted` cameras play, but not longer than that. Returns the seconds that it took. */
static double watch(struct meter *meter, const uint32_t *ids, unsigned wanted, double longest)
{
    int64_t start = fv_now();
    double seconds = 0;
    while (seconds < longest && playing(ids) < wanted) {
        meter_read(meter, ids);
        usleep(10000);
        seconds = (double)(fv_now() - start) / 1e9;
    }
    return seconds;
}

static int back(unsigned seconds)
{
    static struct meter meter;
    struct place place;
    uint32_t ids[AWAY];
    place_start(&place, AWAY, NULL);
    open_ingest(RATE);
    for (unsigned i = 0; i < AWAY; i++)
        ids[i] = add(place.port, i, i % 2, false);
    double first = watch(&meter, ids, AWAY, 30);
    place_stop(&place);
    watch(&meter, ids, AWAY + 1, seconds);
    unsigned early = playing(ids);
    place_start_at(&place, place.port, AWAY, NULL);
    /* The longest pause of the backoff, the longest queue, and what one attempt takes. */
    double half = watch(&meter, ids, AWAY / 2, 90), all = half + watch(&meter, ids, AWAY, 90);
    unsigned late = AWAY - playing(ids);
    printf("%d cameras play after %.1f s; away for %u s; half play again after %.1f s, all but %u "
           "after %.1f s; at most %.0f attempts in a second\n",
           AWAY, first, seconds, half, late, all, meter.most);
    fv_ingest_destroy(ingest);
    place_stop(&place);
    return meter.storm || late > 0 || early > 0;
}

int main(int argc, char **argv)
{
    unsigned long number = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (number && strcmp(argv[1], "reconnect") == 0)
        return reconnect(number);
    if (number && strcmp(argv[1], "churn") == 0)
        return churn(number);
    if (number && strcmp(argv[1], "away") == 0)
        return away((unsigned)number);
    if (number && strcmp(argv[1], "back") == 0)
        return back((unsigned)number);
    if (number && strcmp(argv[1], "sick") == 0)
        return soak_sick((unsigned)number);
    fprintf(stderr, "usage: soak reconnect|churn|away|back|sick NUMBER\n");
    return 2;
}
