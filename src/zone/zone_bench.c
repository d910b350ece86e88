// SPDX-License-Identifier: Apache-2.0
/* What a picture costs: 10 zones and 50 tracks (or as given) that walk about. Prints time per picture.
 *
 *     zone-bench [ZONES [TRACKS [PICTURES]]]
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"
#include "zone/zone.h"

#define ZONES_MAX 32
#define CORNERS 8
#define TRACKS_MAX 1000

static double corners[ZONES_MAX][CORNERS][2];
static char names[ZONES_MAX][8];
static uint64_t events;

static void on_event(void *data, const struct fv_zone_event *event)
{
    (void)data;
    (void)event;
    events++;
}

/* Octagons of a tenth of the picture, spread over it; kinds in turn. */
static void make_rules(struct fv_rule_params *rules, unsigned count, struct fv_rand *rand)
{
    static const enum fv_rule_kind kinds[] = {FV_RULE_ENTER, FV_RULE_DWELL, FV_RULE_CROWD,
                                              FV_RULE_COUNT, FV_RULE_DIRECTION};
    static const int8_t shape[CORNERS][2] = {{-1, -3}, {1, -3}, {3, -1}, {3, 1},
                                             {1, 3},   {-1, 3}, {-3, 1}, {-3, -1}};
    for (unsigned i = 0; i < count; i++) {
        const double x = 0.2 + 0.6 * fv_rand_unit(rand), y = 0.2 + 0.6 * fv_rand_unit(rand);
        for (int k = 0; k < CORNERS; k++) {
            corners[i][k][0] = x + shape[k][0] * 0.05;
            corners[i][k][1] = y + shape[k][1] * 0.05;
        }
        snprintf(names[i], sizeof(names[i]), "z%u", i);
        rules[i] = fv_rule_defaults(kinds[i % (sizeof(kinds) / sizeof(*kinds))]);
        rules[i].name = names[i];
        rules[i].points = (const double(*)[2])corners[i];
        rules[i].point_count = CORNERS;
    }
}

static float step(struct fv_rand *rand, float value)
{
    value += (float)(fv_rand_unit(rand) - 0.5) * 0.02f;
    return value < 0.05f ? 0.05f : value > 0.9f ? 0.9f : value;
}

static void walk(struct fv_tracked *tracks, unsigned count, struct fv_rand *rand)
{
    for (unsigned i = 0; i < count; i++) {
        const float x = step(rand, tracks[i].x0), y = step(rand, tracks[i].y0);
        tracks[i] = (struct fv_tracked){
            .id = i + 1, .score = 0.8f, .x0 = x, .y0 = y, .x1 = x + 0.04f, .y1 = y + 0.1f};
    }
}

static unsigned argument(int argc, char **argv, int index, unsigned otherwise, unsigned max)
{
    const unsigned long value = argc > index ? strtoul(argv[index], NULL, 10) : otherwise;
    return value < 1 ? 1 : value > max ? max : (unsigned)value;
}

int main(int argc, char **argv)
{
    const unsigned zones = argument(argc, argv, 1, 10, ZONES_MAX);
    const unsigned count = argument(argc, argv, 2, 50, TRACKS_MAX);
    const unsigned pictures = argument(argc, argv, 3, 20000, 10000000);
    static struct fv_tracked tracks[TRACKS_MAX];
    struct fv_rule_params rules[ZONES_MAX];
    struct fv_analytics *analytics;
    struct fv_error err;
    struct fv_rand rand;
    fv_rand_seed(&rand, 1);
    make_rules(rules, zones, &rand);
    const struct fv_analytics_params params = {
        .rules = rules, .rule_count = zones, .tracks_max = TRACKS_MAX, .event = on_event};
    if (fv_analytics_create(&params, &analytics, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (unsigned i = 0; i < count; i++)
        tracks[i].x0 = tracks[i].y0 = (float)fv_rand_unit(&rand);
    int64_t spent = 0;
    for (unsigned i = 0; i < pictures; i++) {
        walk(tracks, count, &rand);
        const struct fv_zone_frame frame = {.time = i * 40 * FV_MS,
                                            .width = 1920,
                                            .height = 1080,
                                            .tracks = tracks,
                                            .track_count = count};
        const int64_t before = fv_now();
        fv_analytics_frame(analytics, &frame);
        spent += fv_now() - before;
    }
    printf("%u rules, %u tracks: %.2f us a picture, %.1f ns a rule and track; %llu events in %u "
           "pictures\n",
           zones, count, (double)spent / pictures / 1e3, (double)spent / pictures / zones / count,
           (unsigned long long)events, pictures);
    fv_analytics_destroy(analytics);
    return 0;
}
