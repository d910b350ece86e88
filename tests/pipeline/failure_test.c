// SPDX-License-Identifier: Apache-2.0
/*
 * What ends an engine on the GPU: a picture that is copied to the host, a device that is lost; and what does not: the end of another
 * engine. On tests/fakegpu.
 *
 *     failure-test CLIP      one camera plays the clip; exit code 77 without it
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fovea/engine.h"
#include "fovea/sim.h"
#include "check.h"
#include "mock_runtime.h"

#define PATIENCE 60 /* seconds for each thing that is awaited; valgrind is slow */

struct seen {
    atomic_uint frames, failed;
    atomic_int code;
};

static void on_frame(void *data, const struct fv_frame_event *event)
{
    struct seen *seen = data;
    seen->frames++;
}

static void on_failed(void *data, int code, const char *reason)
{
    struct seen *seen = data;
    printf("failed: %d: %s\n", code, reason);
    seen->code = code;
    seen->failed++;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void wait_for(const atomic_uint *count, unsigned wanted)
{
    for (int i = 0; i < PATIENCE * 100 && *count < wanted; i++)
        sleep_ms(10);
    CHECK(*count >= wanted, "%u of %u", *count, wanted);
}

static void *call(const char *name)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NODELETE);
    void *function = library ? dlsym(library, name) : NULL;
    CHECK(function != NULL, "libcuda.so.1 is not the look-alike: it has no %s", name);
    return function;
}

/* 0: the device is there again, as in a new process. */
static void lose(int code)
{
    void (*lose_it)(int) = (void (*)(int))call("fakegpu_lose");
    if (lose_it)
        lose_it(code);
}

static const char *classifier;

/* A classifier's batch is never full here and waits for ten seconds: crops, and the picture that they are part of, are
 * under way at the end, whatever it is. */
static void config_text(char out[1000], const char *setting, const char *model, uint16_t port)
{
    snprintf(out, 1000,
             "{\"processing\": {\"GPU_BATCH_SIZE\": 1, \"PIPELINE_QUEUE_TIMEOUT_MS\": 10000%s%s}, "
             "\"models\": {\"MODEL_PATH\": \"%s\", \"INFERENCE_PROVIDER\": \"cuda\"}, "
             "\"classifier\": {\"MODEL_PATH\": \"%s\", \"INTERVAL_S\": 0, \"BATCH_SIZE\": 128}, "
             "\"cameras\": {\"RTSP_STREAMS\": [{\"name\": \"gate\", \"url\": "
             "\"rtsp://127.0.0.1:%u/cam0\"}]}}",
             *setting ? ", " : "", setting, model, classifier, port);
}

static struct fv_engine *play(const char *setting, const char *model, uint16_t port,
                              struct seen *seen)
{
    char text[1000];
    struct fv_error err = {0};
    struct fv_engine *engine = NULL;
    config_text(text, setting, model, port);
    const struct fv_engine_params params = {
        .config_text = text, .frame = on_frame, .failed = on_failed, .data = seen};
    int r = fv_engine_open(&params, &engine, &err);
    if (r == 0)
        r = fv_engine_start(engine, &err);
    CHECK(r == 0, "%s", err.text);
    if (r == 0)
        wait_for(&seen->frames, 5);
    return engine;
}

/* Stops, whatever was lost, and within a time that a supervisor would grant. */
static void stop(struct fv_engine *engine, const struct seen *seen, unsigned failed, int code)
{
    struct timespec begin, end;
    struct fv_engine_stats stats;
    fv_engine_stats(engine, &stats);
    CHECK(stats.classify_skipped > 0, "no crop is under way");
    clock_gettime(CLOCK_MONOTONIC, &begin);
    fv_engine_close(engine);
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK(end.tv_sec - begin.tv_sec < 10, "the end took %ld s", (long)(end.tv_sec - begin.tv_sec));
    CHECK(seen->failed == failed && seen->code == code, "told %u times, code %d", seen->failed,
          seen->code);
}

static void test_copy(const char *model, uint16_t port, bool ends)
{
    struct seen seen = {0};
    struct fv_engine_gpu gpu = {0};
    struct fv_engine *engine = play(ends ? "\"ON_PIXEL_COPY\": \"exit\"" : "", model, port, &seen);
    mock_gpu_runtime_leak();
    unsigned before = seen.frames;
    for (int i = 0; i < PATIENCE * 100 && gpu.tripped == 0; i++) {
        sleep_ms(10);
        (void)fv_engine_gpu(engine, &gpu);
    }
    CHECK(gpu.tripped == 1, "%llu", (unsigned long long)gpu.tripped);
    wait_for(&seen.frames, before + 3); /* until the caller ends it */
    stop(engine, &seen, ends, ends ? -EPROTO : 0);
}

static void test_loss(const char *model, uint16_t port, bool ends)
{
    struct seen seen = {0};
    struct fv_engine_camera camera = {0};
    struct fv_engine_gpu gpu = {0};
    struct fv_engine *engine = play(ends ? "" : "\"ON_GPU_LOSS\": \"stay\"", model, port, &seen);
    lose(700);
    for (int i = 0; i < PATIENCE * 100 && !gpu.lost; i++) {
        sleep_ms(10);
        (void)fv_engine_gpu(engine, &gpu);
    }
    CHECK(gpu.lost, "nobody noticed");
    sleep_ms(500);
    (void)fv_engine_camera(engine, 0, &camera);
    CHECK(camera.state == FV_CAMERA_PLAYING, "%s", camera.reason);
    stop(engine, &seen, ends, ends ? -ENODEV : 0);
    lose(0);
}

/* While it opens: told as well, whatever the setting, so that a supervisor starts it anew. */
static void test_loss_at_open(const char *model, uint16_t port, bool ends)
{
    char text[1000];
    struct seen seen = {0};
    struct fv_error err = {0};
    struct fv_engine *engine = NULL;
    void (*script)(const char *) = (void (*)(const char *))call("fakegpu_script");
    config_text(text, ends ? "" : "\"ON_GPU_LOSS\": \"stay\"", model, port);
    const struct fv_engine_params params = {
        .config_text = text, .failed = on_failed, .data = &seen};
    if (script)
        script("call-fail=cuMemHostAlloc:1:700");
    CHECK(fv_engine_open(&params, &engine, &err) == -ENODEV && !engine, "%s", err.text);
    CHECK(seen.failed == 1 && seen.code == -ENODEV, "told %u times, code %d", seen.failed,
          seen.code);
    if (script)
        script("");
}

/* The context of this thread, which the caller's own work may have chosen. */
static void *context(void)
{
    int (*get)(void **) = (int (*)(void **))call("cuCtxGetCurrent");
    void *now = NULL;
    CHECK(get && get(&now) == 0, "cuCtxGetCurrent");
    return now;
}

static void *ask(void *data)
{
    struct fv_engine_gpu gpu;
    CHECK(fv_engine_gpu(data, &gpu) == 0 && gpu.memory_free > 0, "no figures");
    CHECK(context() == NULL, "the question changed the thread's context");
    return NULL;
}

#define SMALL "\"GPU_MEMORY_POOL_SIZE_MB\": 100"

/* Of two engines on one thread the end of one takes nothing from the other; nor does what else the thread does with the GPU. */
static void test_neighbours(const char *model, uint16_t port)
{
    struct seen first = {0}, second = {0};
    struct fv_error err = {0};
    struct fv_engine *one = play(SMALL, model, port, &first);
    struct fv_engine *two = play(SMALL, model, port, &second);
    pthread_t thread;
    pthread_create(&thread, NULL, ask, two);
    pthread_join(thread, NULL);
    stop(one, &first, 0, 0);
    CHECK(context() == NULL, "a context is left of an engine that is gone");
    wait_for(&second.frames, second.frames + 3);
    char text[1000];
    config_text(text, SMALL ", \"ANALYSIS_FRAME_INTERVAL\": 2", model, port);
    const struct fv_reload_params params = {.config_text = text};
    CHECK(fv_engine_reload(two, &params, &err) == 0, "%s", err.text);
    int (*set)(void *) = (int (*)(void *))call("cuCtxSetCurrent");
    CHECK(set && set(NULL) == 0, "cuCtxSetCurrent");
    stop(two, &second, 0, 0);
}

static void *serve(void *data)
{
    fv_sim_run(data);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2 || access(argv[1], R_OK) != 0) {
        printf("skipped: usage: failure-test CLIP\n");
        return 77;
    }
    char folder[] = "/tmp/fovea-failure-XXXXXX", remove[100];
    struct fv_error err = {0};
    struct fv_sim *sim = NULL;
    const struct fv_sim_params params = {.listen = "127.0.0.1:0",
                                         .inputs = (const char *const *)argv + 1,
                                         .input_count = 1,
                                         .cameras = 1,
                                         .fps = 25,
                                         .seed = 1};
    mock_gpu_runtime_install();
    if (!mkdtemp(folder) || fv_sim_open(&params, &sim, &err) < 0) {
        printf("not ok: %s\n", err.text);
        return 1;
    }
    pthread_t thread;
    pthread_create(&thread, NULL, serve, sim);
    const char *model = mock_model_write(folder);
    classifier = mock_classifier_write(folder);
    for (int ends = 0; ends < 2; ends++) {
        test_copy(model, fv_sim_port(sim), ends);
        test_loss(model, fv_sim_port(sim), ends);
        test_loss_at_open(model, fv_sim_port(sim), ends);
    }
    test_neighbours(model, fv_sim_port(sim));
    fv_sim_stop(sim);
    pthread_join(thread, NULL);
    fv_sim_close(sim);
    snprintf(remove, sizeof(remove), "rm -rf %s", folder);
    if (system(remove) != 0)
        printf("%s stays behind\n", folder);
    printf("%s\n", failures ? "FAILED" : "passed");
    return failures ? 1 : 0;
}
