// SPDX-License-Identifier: Apache-2.0
/* What it costs to write the event of a picture: event_bench [BOXES [EVENTS]] makes EVENTS lines (20,000) with BOXES detections
 * (11) and prints CPU time and bytes of one, as a JSON object. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "sink/event_json.h"

static const char *const cameras[] = {"cam12"};
static const char *const labels[] = {"person"};

static double cpu_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* Every event has other numbers. */
static void move(struct fv_result *result, unsigned number)
{
    result->info.number = number;
    result->info.pts = (int64_t)number * 33366700;
    result->info.at.event = fv_now();
    result->info.at.last_packet = result->info.at.event - 7123456;
    for (uint32_t i = 0; i < result->count; i++) {
        float x = (float)((number * 7 + i * 131) % 17000) / 10.03F;
        float y = (float)((number * 3 + i * 57) % 7000) / 10.07F;
        result->detections[i] = (struct fv_detection){
            x, y, x + 101.77F, y + 203.31F, (float)(number % 1000) / 1000.1F, 0, i + 1};
    }
}

int main(int argc, char **argv)
{
    const struct fv_sink_context context = {cameras, 1, labels, 1};
    unsigned boxes = argc > 1 ? (unsigned)atoi(argv[1]) : 11;
    unsigned events = argc > 2 ? (unsigned)atoi(argv[2]) : 20000;
    struct fv_result *result = FV_NEW(struct fv_result);
    if (!result || boxes > FV_DETECTIONS_MAX || !events) {
        fprintf(stderr, "usage: event_bench [BOXES [EVENTS]], BOXES at most %d\n",
                FV_DETECTIONS_MAX);
        return 2;
    }
    result->info = (struct fv_frame_info){.width = 1920, .height = 1080, .epoch = 1};
    result->info.wall = INT64_C(1769862896789000000);
    result->count = boxes;
    size_t bytes = 0;
    double start = cpu_us();
    for (unsigned i = 0; i < events; i++) {
        size_t size = 0;
        move(result, i);
        fv_free(fv_event_json(&context, result, &size));
        bytes += size;
    }
    double took = cpu_us() - start;
    printf("{\"boxes\": %u, \"events\": %u, \"us_per_event\": %.2f, \"bytes_per_event\": %.0f}\n",
           boxes, events, took / events, (double)bytes / events);
    fv_free(result);
    return 0;
}
