// SPDX-License-Identifier: Apache-2.0
/*
 * Frames of one camera as DLPack tensors, without a copy of the pictures: prints the mean brightness of each one's middle row.
 *
 *   reader_tensors rtsp://HOST/PATH [cpu|gpu] [FRAMES]
 *
 * Needs nothing but libfovea; on the GPU the driver's library, opened when it is wanted.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fovea/reader.h>

#define ROW_MAX 16384

/* The driver's functions that are called here, on a stream of our own. */
struct cuda {
    int (*create)(void **stream, unsigned flags);
    int (*destroy)(void *stream);
    int (*download)(void *to, unsigned long long from, size_t bytes, void *stream);
    int (*wait)(void *stream);
    void *stream;
};

struct example {
    bool on_gpu;
    struct cuda cuda;
    atomic_uint frames;
    unsigned wanted;
};

static bool open_cuda(struct cuda *cuda)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (!driver)
        return false;
    *(void **)&cuda->create = dlsym(driver, "cuStreamCreate");
    *(void **)&cuda->destroy = dlsym(driver, "cuStreamDestroy_v2");
    *(void **)&cuda->download = dlsym(driver, "cuMemcpyDtoHAsync_v2");
    *(void **)&cuda->wait = dlsym(driver, "cuStreamSynchronize");
    return cuda->create && cuda->destroy && cuda->download && cuda->wait;
}

/* The row of a uint8 tensor [height, width] in host memory: where it lies, or a copy of this one row from the device. */
static const unsigned char *row_of(struct example *example, const struct fv_dl_view *view,
                                   int64_t row, unsigned char *copy)
{
    const char *at = (const char *)view->data + view->byte_offset + row * view->strides[0];
    struct cuda *cuda = &example->cuda;
    if (view->device.type == FV_DL_CPU)
        return (const unsigned char *)at;
    if (cuda->download(copy, (unsigned long long)(size_t)at, (size_t)view->shape[1],
                       cuda->stream) != 0 ||
        cuda->wait(cuda->stream) != 0)
        return NULL;
    return copy;
}

static void look_at(struct example *example, struct fv_reader_frame *frame,
                    const struct fv_dl_view *view)
{
    static unsigned char copy[ROW_MAX];
    unsigned long sum = 0;
    if (view->type.bits != 8 || view->shape[1] > ROW_MAX)
        return;
    const unsigned char *row = row_of(example, view, view->shape[0] / 2, copy);
    for (int64_t i = 0; row && i < view->shape[1]; i++)
        sum += row[i];
    const struct fv_reader_picture *picture = fv_reader_frame_picture(frame);
    printf("frame %llu: %lld x %lld on %s, middle row %.1f\n",
           (unsigned long long)picture->frame.number, (long long)view->shape[1],
           (long long)view->shape[0], view->device.type == FV_DL_CPU ? "cpu" : "gpu",
           (double)sum / (double)view->shape[1]);
}

/* On Fovea's decode thread. The frame is ours until it is given back, now or later. */
static void on_frame(void *data, struct fv_reader_frame *frame)
{
    struct example *example = data;
    struct fv_dl_tensor *luma;
    struct fv_error err;
    if (example->frames < example->wanted && fv_reader_frame_tensor(frame, 0, &luma) == 0) {
        /* What our stream does from now on waits, on the device, for the pixels. */
        if (fv_reader_frame_gate(frame, example->cuda.stream, &err) == 0) {
            look_at(example, frame, &luma->view);
            /* Had we not waited for the stream: the memory stays ours until it is through. */
            fv_reader_frame_hold(frame, example->cuda.stream, &err);
        }
        luma->deleter(luma);
        example->frames++;
    }
    fv_reader_frame_release(frame);
}

static void on_state(void *data, const struct fv_camera_event *event)
{
    fprintf(stderr, "%s%s%s\n", fv_camera_state_name(event->to), event->reason ? ": " : "",
            event->reason ? event->reason : "");
}

static void wait_for_frames(const struct example *example)
{
    const struct timespec tenth = {.tv_nsec = 100000000};
    for (int i = 0; i < 300 && example->frames < example->wanted; i++)
        nanosleep(&tenth, NULL);
}

static int run(struct example *example, const char *url)
{
    const struct fv_reader_consumer consumer = {
        .name = "example", .held = 2, .frame = on_frame, .data = example};
    const struct fv_reader_params params = {
        .url = url,
        .backend = example->on_gpu ? "gpu" : "cpu",
        .state = on_state,
        .data = example,
        .consumers = &consumer,
        .consumer_count = 1,
    };
    struct fv_reader *reader;
    struct fv_error err;
    if (fv_reader_open(&params, &reader, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    /* The context is current for this thread since open. 1: not ordered with the default stream. */
    if (example->on_gpu &&
        (!open_cuda(&example->cuda) || example->cuda.create(&example->cuda.stream, 1) != 0)) {
        fprintf(stderr, "no stream\n");
        fv_reader_close(reader);
        return 1;
    }
    if (fv_reader_start(reader, &err) < 0)
        fprintf(stderr, "%s\n", err.text);
    else
        wait_for_frames(example);
    fv_reader_stop(reader);
    if (example->cuda.stream)
        example->cuda.destroy(example->cuda.stream);
    fv_reader_close(reader);
    return example->frames >= example->wanted ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: reader_tensors rtsp://HOST/PATH [cpu|gpu] [FRAMES]\n");
        return 2;
    }
    static struct example example;
    example.on_gpu = argc > 2 && strcmp(argv[2], "gpu") == 0;
    example.wanted = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 10;
    return run(&example, argv[1]);
}
