// SPDX-License-Identifier: Apache-2.0
/*
 * The reader's frames and tensors: simulator -> RTSP -> decoder -> consumers that keep them. Under the sanitizers and valgrind.
 *
 *     reader-test [--gpu] CLIP       exit code 77 without a clip; --gpu: a real one, or tests/fakegpu
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/build_config.h"
#include "fovea/reader.h"
#include "fovea/sim.h"
#include "check.h"

static bool on_gpu;

#define KEPT 3
#define PATIENCE 100 /* seconds for each thing that is awaited; sanitizers and valgrind are slow */

struct consumer {
    atomic_uint frames, wrong;
    struct fv_reader_frame *kept[KEPT];
    void *stream;              /* on the GPU */
    struct fv_dl_tensor *last; /* of the frame that is kept to the end */
    struct fv_dl_tensor *chroma;
};

static void sleep_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void check_picture(struct consumer *c, const struct fv_reader_picture *picture)
{
    if (picture->frame.width != 768 || picture->frame.height != 576 || !picture->plane[0] ||
        picture->on_device != on_gpu || picture->device != 0)
        c->wrong++;
}

/* Keeps the first ones; what comes after one of them was given back goes at once. */
static void on_greedy(void *data, struct fv_reader_frame *frame)
{
    struct consumer *c = data;
    check_picture(c, fv_reader_frame_picture(frame));
    if (c->frames < KEPT)
        c->kept[c->frames] = frame;
    else
        fv_reader_frame_release(frame);
    c->frames++;
}

/* A tensor of each frame, looked at and given back. */
static void on_fine(void *data, struct fv_reader_frame *frame)
{
    struct consumer *c = data;
    struct fv_dl_tensor *tensor = NULL;
    struct fv_error err = {0};
    check_picture(c, fv_reader_frame_picture(frame));
    if (fv_reader_frame_gate(frame, c->stream, &err) < 0 ||
        fv_reader_frame_tensor(frame, 0, &tensor) < 0) {
        c->wrong++;
    } else {
        const struct fv_dl_view *view = &tensor->view;
        if (view->device.type != (on_gpu ? FV_DL_CUDA : FV_DL_CPU) || view->shape[0] != 576 ||
            view->shape[1] != 768 || view->strides[0] < 768 || view->data == NULL)
            c->wrong++;
        if (fv_reader_frame_hold(frame, c->stream, &err) < 0)
            c->wrong++;
        tensor->deleter(tensor);
    }
    fv_reader_frame_release(frame);
    c->frames++;
}

/* ---- the consumer's stream ---- */

static void *driver;

static int call(const char *name, void *a, void *b, void *c)
{
    int (*function)(void *, void *, void *) = NULL;
    *(void **)&function = dlsym(driver, name);
    return function ? function(a, b, c) : -1;
}

static atomic_bool may_go;

/* Work of the consumer that takes its time. */
static void wait_for_leave(void *data)
{
    while (!may_go)
        sleep_ms(1);
}

static void wait_on_the_fake(void *data, bool lost)
{
    wait_for_leave(data);
}

static int enqueue_wait(void *stream)
{
    if (dlsym(driver, "fakegpu_enqueue_kept"))
        return call("fakegpu_enqueue_kept", stream, (void *)(uintptr_t)wait_on_the_fake, NULL);
    return call("cuLaunchHostFunc", stream, (void *)(uintptr_t)wait_for_leave, NULL);
}

/* ---- */

struct told {
    atomic_uint late, lost;
};

static void on_state(void *data, const struct fv_camera_event *event)
{
    struct told *told = data;
    if (event->code == -EBUSY && strstr(event->reason, "consumer 'greedy' keeps"))
        told->late++;
    if (event->code == -ENODEV)
        told->lost++;
}

static void wait_for(const atomic_uint *count, unsigned wanted)
{
    for (int i = 0; i < PATIENCE * 20 && *count < wanted; i++)
        sleep_ms(50);
    CHECK(*count >= wanted, "%u of %u frames came", *count, wanted);
}

static struct fv_reader_consumer_stats stats_of(struct fv_reader *reader, unsigned consumer)
{
    struct fv_reader_consumer_stats stats = {0};
    CHECK(fv_reader_consumer_stats(reader, consumer, &stats) == 0, "consumer %u", consumer);
    return stats;
}

/* What the consumer's stream still works on counts as kept, and nobody waits for it. */
static void check_hold(struct fv_reader *reader, struct consumer *greedy, struct consumer *fine)
{
    struct fv_error err = {0};
    CHECK(enqueue_wait(fine->stream) == 0, "work of the consumer");
    struct fv_reader_frame *frame = greedy->kept[2];
    CHECK(fv_reader_frame_hold(frame, fine->stream, &err) == 0, "%s", err.text);
    fv_reader_frame_release(frame);
    CHECK(stats_of(reader, 0).held == KEPT, "given back while the stream works on it");
    may_go = true;
    for (int i = 0; i < PATIENCE * 20 && stats_of(reader, 0).given == KEPT; i++)
        sleep_ms(50);
    CHECK(stats_of(reader, 0).given > KEPT, "no frame after it was given back");
}

/* What was given back before the end is free when the consumer's stream has passed it, also when no picture comes any more. */
static void check_end(struct fv_reader *reader, struct consumer *fine)
{
    may_go = false;
    CHECK(enqueue_wait(fine->stream) == 0, "work of the consumer");
    wait_for(&fine->frames, fine->frames + 1);
    fv_reader_stop(reader);
    CHECK(stats_of(reader, 1).held > 0, "given back while the stream works on it");
    may_go = true;
    for (int i = 0; i < 400 && stats_of(reader, 1).held > 0; i++)
        sleep_ms(50);
}

/* Of a frame that is kept, while others come and go. */
static void check_jpeg(struct fv_reader_frame *frame)
{
    struct fv_error err = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    const int code = fv_reader_frame_jpeg(frame, 85, &data, &size, &err);
    if (!FV_HAVE_JPEG) {
        CHECK(code == -ENOTSUP, "%d", code);
        return;
    }
    CHECK(code == 0, "%s", err.text);
    CHECK(size > 1000 && data[0] == 0xFF && data[1] == 0xD8 && data[size - 2] == 0xFF &&
              data[size - 1] == 0xD9,
          "%zu bytes", size);
    fv_reader_jpeg_free(data);
}

static void run(struct fv_reader *reader, struct consumer *greedy, struct consumer *fine,
                struct told *told)
{
    struct fv_error err = {0};
    CHECK(fv_reader_start(reader, &err) == 0, "%s", err.text);
    wait_for(&fine->frames, 25);
    struct fv_reader_consumer_stats stats = stats_of(reader, 0);
    printf("greedy: %llu given, %llu missed, %llu late; fine: %u\n",
           (unsigned long long)stats.given, (unsigned long long)stats.missed,
           (unsigned long long)stats.late, fine->frames);
    CHECK(stats.given == KEPT && stats.held == KEPT && stats.missed > 0, "kept frames");
    CHECK(stats.late == KEPT && told->late == KEPT, "%u told", told->late);
    check_jpeg(greedy->kept[1]);
    if (on_gpu) {
        check_hold(reader, greedy, fine);
        check_end(reader, fine);
    } else {
        fv_reader_frame_release(greedy->kept[2]);
    }
    fv_reader_stop(reader);
    CHECK(greedy->wrong == 0 && fine->wrong == 0, "%u and %u wrong", greedy->wrong, fine->wrong);
    stats = stats_of(reader, 1);
    CHECK(stats.held == 0, "%u held after the end", stats.held);
}

/* One plane of each of two frames outlives the reader. */
static void keep_tensors(struct consumer *greedy)
{
    CHECK(fv_reader_frame_tensor(greedy->kept[0], 0, &greedy->last) == 0, "a tensor");
    CHECK(fv_reader_frame_tensor(greedy->kept[1], 1, &greedy->chroma) == 0, "a tensor");
    fv_reader_frame_release(greedy->kept[0]);
    fv_reader_frame_release(greedy->kept[1]);
}

static void *give_back(void *data)
{
    struct consumer *greedy = data;
    if (greedy->last)
        greedy->last->deleter(greedy->last);
    if (greedy->chroma)
        greedy->chroma->deleter(greedy->chroma);
    return NULL;
}

static void open_stream(struct consumer *fine)
{
    driver = dlopen("libcuda.so.1", RTLD_NOW);
    CHECK(driver != NULL, "libcuda.so.1");
    CHECK(driver && call("cuStreamCreate", &fine->stream, (void *)1, NULL) == 0, "cuStreamCreate");
}

static void test_consumers(const char *url)
{
    static struct consumer greedy, fine;
    struct told told = {0};
    struct fv_error err = {0};
    struct fv_reader *reader = NULL;
    pthread_t thread;
    const struct fv_reader_consumer consumers[] = {
        {.name = "greedy", .held = KEPT, .patience = 1000000, .frame = on_greedy, .data = &greedy},
        {.name = "fine", .held = 2, .frame = on_fine, .data = &fine}};
    const struct fv_reader_params params = {.url = url,
                                            .backend = on_gpu ? "gpu" : "cpu",
                                            .state = on_state,
                                            .data = &told,
                                            .consumers = consumers,
                                            .consumer_count = 2};
    CHECK(fv_reader_open(&params, &reader, &err) == 0, "%s", err.text);
    if (!reader)
        return;
    if (on_gpu)
        open_stream(&fine);
    run(reader, &greedy, &fine, &told);
    keep_tensors(&greedy);
    if (on_gpu)
        CHECK(call("cuStreamDestroy_v2", fine.stream, NULL, NULL) == 0, "cuStreamDestroy");
    fv_reader_close(reader);
    if (pthread_create(&thread, NULL, give_back, &greedy) == 0)
        pthread_join(thread, NULL);
}

/* The frames that are kept, and the reader, can still be given back when the device is lost; the owner is told once. */
static void test_loss(const char *url)
{
    static struct consumer greedy;
    struct told told = {0};
    struct fv_error err = {0};
    struct fv_reader *reader = NULL;
    void (*lose)(int) = (void (*)(int))dlsym(driver, "fakegpu_lose");
    if (!lose)
        return; /* a real GPU: tests/gpu/loss_check.c */
    const struct fv_reader_consumer consumer = {
        .name = "greedy", .held = KEPT, .frame = on_greedy, .data = &greedy};
    const struct fv_reader_params params = {.url = url,
                                            .backend = "gpu",
                                            .state = on_state,
                                            .data = &told,
                                            .consumers = &consumer,
                                            .consumer_count = 1};
    CHECK(fv_reader_open(&params, &reader, &err) == 0, "%s", err.text);
    CHECK(reader && fv_reader_start(reader, &err) == 0, "%s", err.text);
    open_stream(&greedy);
    wait_for(&greedy.frames, KEPT);
    CHECK(fv_reader_frame_tensor(greedy.kept[0], 0, &greedy.last) == 0, "a tensor");
    lose(700);
    wait_for(&told.lost, 1);
    CHECK(fv_reader_frame_gate(greedy.kept[1], greedy.stream, &err) == -ENODEV, "%s", err.text);
    (void)call("cuStreamDestroy_v2", greedy.stream, NULL, NULL);
    fv_reader_frame_release(greedy.kept[0]);
    fv_reader_close(reader);
    CHECK(told.lost == 1, "told %u times", told.lost);
    fv_reader_frame_release(greedy.kept[1]);
    fv_reader_frame_release(greedy.kept[2]);
    greedy.last->deleter(greedy.last);
    reader = NULL;
    CHECK(fv_reader_open(&params, &reader, &err) == -ENODEV && !reader, "%s", err.text);
    lose(0);
}

static void test_refusals(const char *url)
{
    struct consumer c = {0};
    struct fv_error err = {0};
    struct fv_reader *reader = NULL;
    const struct fv_reader_consumer consumer = {
        .name = "x", .held = 99, .frame = on_fine, .data = &c};
    const char *backend = on_gpu ? "gpu" : "cpu";
    struct fv_reader_params params = {.url = url, .backend = backend};
    CHECK(fv_reader_open(&params, &reader, &err) == -EINVAL, "neither callback nor consumers");
    params.consumers = &consumer;
    params.consumer_count = 1;
    CHECK(fv_reader_open(&params, &reader, &err) == -EINVAL, "99 frames");
    CHECK(strstr(err.text, "consumer 'x' may keep 1 to 16 frames, not 99"), "%s", err.text);
    params.consumer_count = UINT32_MAX;
    CHECK(fv_reader_open(&params, &reader, &err) == -EINVAL, "more consumers than there are");
    CHECK(strstr(err.text, "at most 8 consumers"), "%s", err.text);
    params.consumer_count = 1;
    params.consumers = NULL;
    CHECK(fv_reader_open(&params, &reader, &err) == -EINVAL, "consumers that are nowhere");
    params.consumers = &consumer;
    params.backend = "tpu";
    CHECK(fv_reader_open(&params, &reader, &err) == -EINVAL, "no such back end");
    params.backend = backend;
    params.config_path = "/nonexistent";
    CHECK(fv_reader_open(&params, &reader, &err) == -EINVAL, "a url and a configuration");
    params.url = NULL;
    CHECK(fv_reader_open(&params, &reader, &err) == -ENOENT, "no such configuration");
    params.config_path = NULL;
    CHECK(fv_reader_open(&params, &reader, &err) == -EINVAL, "neither");
}

static void *serve(void *data)
{
    fv_sim_run(data);
    return NULL;
}

int main(int argc, char **argv)
{
    const char *const clip = argc > 1 ? argv[argc - 1] : "";
    on_gpu = argc > 2 && strcmp(argv[1], "--gpu") == 0;
    if (access(clip, R_OK) != 0) {
        printf("skipped: usage: reader-test [--gpu] CLIP\n");
        return 77;
    }
    struct fv_sim *sim = NULL;
    struct fv_error err = {0};
    const struct fv_sim_params params = {.listen = "127.0.0.1:0",
                                         .inputs = &clip,
                                         .input_count = 1,
                                         .cameras = 1,
                                         .fps = 25,
                                         .seed = 1};
    if (fv_sim_open(&params, &sim, &err) < 0) {
        printf("not ok: %s\n", err.text);
        return 1;
    }
    pthread_t thread;
    pthread_create(&thread, NULL, serve, sim);
    char url[100];
    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%u/cam0", fv_sim_port(sim));
    test_refusals(url);
    test_consumers(url);
    if (on_gpu)
        test_loss(url);
    fv_sim_stop(sim);
    pthread_join(thread, NULL);
    fv_sim_close(sim);
    printf("%s\n", failures ? "FAILED" : "passed");
    return failures ? 1 : 0;
}
