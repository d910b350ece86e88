// SPDX-License-Identifier: Apache-2.0
/*
 * A file is analysed to its last picture, however few pictures the decoder may have out at a time and however many a batch takes.
 *
 *     analyze-test [--gpu] CLIP      exit code 77 without the clip
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fovea/analyze.h"
#include "check.h"
#include "mock_runtime.h"

#define SIZE 1000000 /* bytes of the clip: some 90 pictures */
#define MORE 3700000 /* some 290: more than there may be results */
#define PATIENCE 300 /* seconds; sanitizers and valgrind are slow */

struct run {
    sem_t ended;
    struct fv_analyze
        *_Atomic slow; /* whose first result takes until nothing more is read; NULL: no */
    uint64_t last;     /* number of the last picture */
    unsigned gaps;     /* pictures that do not follow their predecessor */
};

/* Until everything that may be under way is. */
static void dawdle(struct fv_analyze *analyze)
{
    struct fv_analyze_figures figures = {0};
    uint64_t before;
    do {
        before = figures.access_units;
        nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL);
        fv_analyze_figures(analyze, &figures);
    } while (figures.access_units > before);
}

static void on_frame(void *data, const struct fv_frame_event *event)
{
    struct run *run = data;
    struct fv_analyze *slow = atomic_exchange(&run->slow, NULL);
    if (slow)
        dawdle(slow);
    run->gaps += event->frame.number != run->last + 1;
    run->last = event->frame.number;
}

static void on_ended(void *data)
{
    struct run *run = data;
    sem_post(&run->ended);
}

static void on_problem(void *data, const struct fv_problem *problem)
{
    if (problem->severity == FV_SEVERITY_ERROR)
        printf("problem: %s: %s\n", problem->key, problem->message);
}

static bool wait_for_end(struct run *run)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += PATIENCE;
    return sem_timedwait(&run->ended, &limit) == 0;
}

static void write_config(const char *folder, const char *path, bool gpu, unsigned batch,
                         unsigned surfaces)
{
    const char *model = mock_model_write(folder), *second = mock_classifier_write(folder);
    FILE *file = fopen(path, "w");
    if (!file)
        abort();
    fprintf(file,
            "{\"cameras\": {\"RTSP_STREAMS\": [{\"name\": \"c\", \"url\": \"rtsp://127.0.0.1/\"}]},"
            " \"models\": {\"MODEL_PATH\": \"%s\", \"INFERENCE_PROVIDER\": \"%s\","
            "  \"WARM_UP_ITERATIONS\": 0, \"TENSORRT_MAX_BATCH_SIZE\": 128},"
            " \"classifier\": {\"MODEL_PATH\": \"%s\", \"INTERVAL_S\": 0},"
            " \"processing\": {\"BACKEND\": \"%s\", \"GPU_BATCH_SIZE\": %u,"
            "  \"NVDEC_BUFFER_SIZE\": %u, \"GPU_MEMORY_POOL_SIZE_MB\": 256}}",
            model, gpu ? "cuda" : "cpu", second, gpu ? "gpu" : "cpu", batch, surfaces);
    fclose(file);
}

/* The beginning of a clip, cut where a NAL unit begins: all of it takes the sanitizers too long. */
static void cut_clip(const char *clip, const char *path, size_t most)
{
    static unsigned char bytes[MORE];
    FILE *from = fopen(clip, "rb"), *to = fopen(path, "wb");
    if (!from || !to)
        abort();
    size_t size = fread(bytes, 1, most, from);
    while (size > 4 && memcmp(bytes + size - 4, "\0\0\0\1", 4) != 0)
        size--;
    if (size <= 4 || fwrite(bytes, 1, size - 4, to) != size - 4)
        abort();
    fclose(from);
    fclose(to);
}

static void analyse(const struct fv_analyze_params *params, struct run *run, bool slow)
{
    struct fv_analyze *analyze = NULL;
    struct fv_analyze_figures figures;
    struct fv_error err = {0};
    if (fv_analyze_open(params, &analyze, &err) < 0) {
        CHECK(false, "%s", err.text);
        return;
    }
    run->slow = slow ? analyze : NULL;
    CHECK(fv_analyze_start(analyze, &err) == 0, "%s", err.text);
    CHECK(wait_for_end(run), "it takes too long");
    CHECK(fv_analyze_stop(analyze, &err) == 0, "%s", err.text);
    fv_analyze_figures(analyze, &figures);
    CHECK(figures.complete, "not complete");
    CHECK(figures.access_units > 50, "%llu read", (unsigned long long)figures.access_units);
    CHECK(figures.frames == figures.access_units && figures.analysed == figures.access_units,
          "%llu read, %llu decoded, %llu analysed", (unsigned long long)figures.access_units,
          (unsigned long long)figures.frames, (unsigned long long)figures.analysed);
    CHECK(run->gaps == 0 && run->last == figures.access_units, "%u gaps", run->gaps);
    fv_analyze_close(analyze);
}

/* Stopped in the middle, with a slow second model: many pictures are under way, and nobody waits for their answers. */
static void stop_early(const struct fv_analyze_params *params, const struct run *run)
{
    struct fv_analyze *analyze = NULL;
    struct fv_analyze_figures figures = {0};
    struct fv_error err = {0};
    mock_runtime_classifier_takes(200);
    CHECK(fv_analyze_open(params, &analyze, &err) == 0, "%s", err.text);
    if (!analyze)
        return;
    CHECK(fv_analyze_start(analyze, &err) == 0, "%s", err.text);
    for (int i = 0; i < PATIENCE * 100 && figures.analysed < 5; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        fv_analyze_figures(analyze, &figures);
    }
    CHECK(fv_analyze_stop(analyze, &err) == 0, "%s", err.text);
    mock_runtime_classifier_takes(0);
    fv_analyze_figures(analyze, &figures);
    CHECK(!figures.complete && run->gaps == 0 && run->last >= 5 && run->last < 30,
          "it went on to picture %llu", (unsigned long long)run->last);
    CHECK(figures.analysed == run->last, "%llu analysed", (unsigned long long)figures.analysed);
    fv_analyze_close(analyze);
}

static void test(const char *clip, bool gpu, unsigned batch, unsigned surfaces, bool slow)
{
    char folder[] = "/tmp/fovea-analyze-XXXXXX", config[64], part[64], command[64];
    if (!mkdtemp(folder))
        abort();
    printf("# batches of %u, %u surfaces\n", batch, surfaces);
    snprintf(config, sizeof(config), "%s/config.json", folder);
    write_config(folder, config, gpu, batch, surfaces);
    snprintf(part, sizeof(part), "%s/clip.h264", folder);
    cut_clip(clip, part, slow ? MORE : SIZE);
    struct run run = {0};
    sem_init(&run.ended, 0, 0);
    const struct fv_analyze_params params = {.input = part,
                                             .config_path = config,
                                             .problem = on_problem,
                                             .frame = on_frame,
                                             .ended = on_ended,
                                             .data = &run};
    analyse(&params, &run, slow);
    if (!gpu) {
        run.last = run.gaps = 0;
        stop_early(&params, &run);
    }
    sem_destroy(&run.ended);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0)
        printf("%s stays behind\n", folder);
}

int main(int argc, char **argv)
{
    const bool gpu = argc > 1 && strcmp(argv[1], "--gpu") == 0;
    if (argc != 2 + gpu || access(argv[argc - 1], R_OK) != 0) {
        printf("skipped: usage: analyze-test [--gpu] CLIP\n");
        return 77;
    }
    mock_runtime_install(0);
    mock_gpu_runtime_install();
    static const unsigned cases[][2] = {{1, 1}, {4, 3}, {2, 5}};
    for (unsigned i = 0; i < (gpu ? 3 : 1); i++)
        test(argv[argc - 1], gpu, cases[i][0], cases[i][1], false);
    if (gpu) /* much may be under way, and all of it becomes results that nobody takes */
        test(argv[argc - 1], gpu, 128, 5, true);
    printf("%s\n", failures ? "FAILED" : "passed");
    return failures ? 1 : 0;
}
