// SPDX-License-Identifier: Apache-2.0
/*
 * Sick cameras beside well ones. Two simulators, so that the sick ones cannot disturb the well ones on the server's side.
 *
 * The delay of a picture is the moment of its delivery less the moment at which it was due by the camera's own clock; the smallest of each
 * camera counts as 0, since the offset of the two clocks is not known. It holds all that lies between packet and delivery, and the
 * simulator's own lateness, which is the same in both halves.
 */
#include "sick.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/ingest.h"
#include "place.h"

#define ALL 64
#define GATHER (10 * FV_MS)
#define START_S 2 /* until all well ones play, at most; not measured */
#define FPS 20

/* Every one there is (fovea sim --fault help), one a camera; media faults again and again. */
static const char *const faults[] = {
    "mute:cam=0,at=options",
    "mute:cam=1,at=describe",
    "mute:cam=2,at=setup",
    "mute:cam=3,at=play",
    "mute:cam=4,at=connect",
    "mute:cam=5,at=media,packets=50",
    "mute:cam=6,at=keepalive",
    "close:cam=7,at=describe",
    "close:cam=8,packets=30",
    "reset:cam=9,packets=30",
    "reset:cam=10,at=setup",
    "refuse:cam=11,at=describe,status=401",
    "refuse:cam=12,at=describe,status=404",
    "refuse:cam=13,at=setup,status=453",
    "refuse:cam=14,at=setup,status=461",
    "refuse:cam=15,at=play,status=503",
    "redirect-loop:cam=16",
    "wrong-session:cam=17",
    "wrong-cseq:cam=18",
    "bad-length:cam=19,value=huge",
    "junk-answer:cam=20",
    "sdp:cam=21,variant=empty",
    "slow:cam=22,rate=300",
    "split:cam=23,size=3",
    "merge:cam=24,ms=900",
    "loss:cam=25,probability=0.1",
    "duplicate:cam=26,probability=0.3",
    "reorder:cam=27,probability=0.2",
    "jitter:cam=28,ms=400",
    "freeze:cam=29,ms=900,every=100",
    "garbage:cam=30,probability=0.2",
    "bad-version:cam=31,probability=0.2",
    "wrong-channel:cam=32",
    "seq-jump:cam=33,every=40",
    "ts-jump:cam=34,every=40",
    "ssrc-change:cam=35,every=40",
    "no-key:cam=36",
    "bye:cam=37,every=60",
    "stale-data:cam=38",
    "wrong-rtp-info:cam=39",
    "other-channel:cam=40",
    "no-cseq:cam=41",
    "bad-padding:cam=42",
    "no-marker:cam=43",
    "seq-repeat:cam=44,every=40",
    "ts-reset:cam=45,every=40",
    "long-gop:cam=46,gop=3",
    "size-change:cam=47,every=40",
    "wrong-clock:cam=48",
    "redirect:cam=49,to=cam0",
};
#define SICK (sizeof(faults) / sizeof(faults[0]))
#define HALF (SICK / 2)
#define WELL (ALL - SICK)
_Static_assert(SICK % 2 == 0, "two simulators share them");

struct sample {
    uint32_t camera;
    int64_t delay; /* ns; up to a constant of the camera */
};

struct half {
    struct sample *samples;
    size_t count, room;
    atomic_bool measuring;
    int64_t least[WELL];
    uint64_t lost, failures; /* of the well ones */
    uint64_t sick_failures, sick_pictures;
    double p50, p99, most; /* ms */
};

/* The ingest thread's while it runs. */
static struct half half;

static bool on_au(void *data, const struct fv_au *au)
{
    if (au->camera >= WELL || !atomic_load(&half.measuring) || half.count == half.room)
        return true;
    half.samples[half.count++] = (struct sample){au->camera, fv_now() - au->pts};
    return true;
}

static void add(struct fv_ingest *ingest, uint16_t port, unsigned number, bool sick)
{
    struct fv_camera_params params;
    uint32_t id;
    char url[80];
    fv_camera_defaults(&params);
    snprintf(params.name, sizeof(params.name), "cam%u", number);
    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%u/cam%u", port, number);
    params.transport = number % 2 ? FV_TRANSPORT_UDP : FV_TRANSPORT_TCP;
    if (sick) { /* as many troubles as the time allows */
        params.backoff.initial = 50 * FV_MS;
        params.backoff.maximum = 200 * FV_MS;
        params.request_timeout = params.first_packet_timeout = params.first_key_timeout =
            params.stall_timeout = 500 * FV_MS;
    }
    if (fv_url_parse(url, &params.url, NULL) < 0 || fv_ingest_add(ingest, &params, &id) < 0) {
        fprintf(stderr, "soak: a camera could not be added\n");
        exit(1);
    }
}

static void take_figures(struct fv_ingest *ingest)
{
    for (uint32_t id = 0; id < ALL; id++) {
        struct fv_camera_stats s;
        fv_ingest_stats(ingest, id, &s);
        if (id >= WELL) {
            half.sick_failures += s.failures;
            half.sick_pictures += s.access_units;
            continue;
        }
        uint64_t lost = s.lost + s.damaged + s.skipped + s.no_buffer + s.refused;
        if (lost || s.failures || s.state != FV_CAMERA_PLAYING)
            printf("camera %u lost something: %s\n", id, s.reason);
        half.lost += lost;
        half.failures += s.failures + (s.state != FV_CAMERA_PLAYING);
    }
}

static int by_delay(const void *a, const void *b)
{
    const struct sample *one = a, *other = b;
    return (one->delay > other->delay) - (one->delay < other->delay);
}

static void judge_delays(void)
{
    for (size_t i = 0; i < WELL; i++)
        half.least[i] = INT64_MAX;
    for (size_t i = 0; i < half.count; i++) {
        struct sample *s = &half.samples[i];
        half.least[s->camera] = fv_min64(half.least[s->camera], s->delay);
    }
    for (size_t i = 0; i < half.count; i++)
        half.samples[i].delay -= half.least[half.samples[i].camera];
    qsort(half.samples, half.count, sizeof(half.samples[0]), by_delay);
    if (half.count) {
        half.p50 = (double)half.samples[half.count / 2].delay / 1e6;
        half.p99 = (double)half.samples[half.count * 99 / 100].delay / 1e6;
        half.most = (double)half.samples[half.count - 1].delay / 1e6;
    }
}

/* The well ones have the first numbers. */
static void add_one(struct fv_ingest *ingest, uint16_t well, const struct place *other, unsigned i,
                    bool sick)
{
    if (i < WELL)
        add(ingest, well, i, false);
    else
        add(ingest, other[(i - WELL) / HALF].port, i - (unsigned)WELL, sick);
}

static void run(bool sick, unsigned seconds)
{
    struct place well, other[2]; /* a simulator takes no more than 32 faults */
    struct fv_ingest *ingest;
    struct fv_error err;
    struct fv_ingest_params params = {
        .gather = GATHER, .connect_rate = 1000, .connects_per_host = 100, .handler.au = on_au};
    memset(&half, 0, sizeof(half));
    half.room = (size_t)WELL * FPS * (seconds + 10);
    half.samples = calloc(half.room, sizeof(half.samples[0]));
    place_start(&well, WELL, NULL);
    for (size_t i = 0; i < 2; i++)
        place_start_sick(&other[i], SICK, faults + i * HALF, sick ? HALF : 0);
    if (!half.samples || fv_ingest_create(&params, &ingest, &err) < 0 ||
        fv_ingest_start(ingest, &err) < 0) {
        fprintf(stderr, "soak: the ingest did not start\n");
        exit(1);
    }
    for (unsigned i = 0; i < ALL; i++)
        add_one(ingest, well.port, other, i, sick);
    sleep(START_S);
    atomic_store(&half.measuring, true);
    sleep(seconds);
    atomic_store(&half.measuring, false);
    take_figures(ingest);
    fv_ingest_destroy(ingest);
    place_stop(&well);
    place_stop(&other[0]);
    place_stop(&other[1]);
    judge_delays();
    free(half.samples);
}

/* Pictures that must have come: one a camera may be under way at either end. */
static bool complete(unsigned seconds)
{
    return half.count + 2 * WELL >= (size_t)WELL * FPS * seconds;
}

int soak_sick(unsigned seconds)
{
    bool sound = true, brief = seconds < 60; /* sanitizers come late, and a percentile needs many */
    double p99[2];
    unsigned measured = seconds > 2 * START_S + 2 ? seconds / 2 - START_S : 1;
    for (int sick = 0; sick < 2; sick++) {
        run(sick, measured);
        p99[sick] = half.p99;
        printf("%zu of %d cameras %s: %zu pictures of the others in %u s, lost %llu, failures "
               "%llu; delay "
               "p50 %.1f ms, p99 %.1f ms, most %.1f ms; the %zu: %llu pictures, %llu failures\n",
               SICK, ALL, sick ? "sick, each in another way" : "well, too", half.count, measured,
               (unsigned long long)half.lost, (unsigned long long)half.failures, half.p50, half.p99,
               half.most, SICK, (unsigned long long)half.sick_pictures,
               (unsigned long long)half.sick_failures);
        sound = sound && half.lost == 0 && half.failures == 0 && (brief || complete(measured)) &&
                (half.sick_failures > (brief ? 0 : SICK)) == (sick != 0);
    }
    printf("99th percentile of the delay: %+.1f ms, at most %+.1f ms\n", p99[1] - p99[0],
           (double)GATHER / 1e6);
    return !(sound && (brief || p99[1] - p99[0] <= (double)GATHER / 1e6));
}
