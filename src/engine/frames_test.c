// SPDX-License-Identifier: Apache-2.0
/* Frames and tensors on host pictures: shapes by hand, who keeps what, and what outlives the owner. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/build_config.h"
#include "engine/frames.h"

/* The layouts of DLPack's own header (1.0), member by member as its documentation lists them, for a machine of 64 bits. */
static void test_binary_layout(void **state)
{
    assert_int_equal(sizeof(void *), 8);
    assert_int_equal(sizeof(struct fv_dl_device), 8);
    assert_int_equal(sizeof(struct fv_dl_type), 4);
    assert_int_equal(offsetof(struct fv_dl_view, data), 0);
    assert_int_equal(offsetof(struct fv_dl_view, device), 8);
    assert_int_equal(offsetof(struct fv_dl_view, dimensions), 16);
    assert_int_equal(offsetof(struct fv_dl_view, type), 20);
    assert_int_equal(offsetof(struct fv_dl_view, shape), 24);
    assert_int_equal(offsetof(struct fv_dl_view, strides), 32);
    assert_int_equal(offsetof(struct fv_dl_view, byte_offset), 40);
    assert_int_equal(sizeof(struct fv_dl_view), 48);
    assert_int_equal(offsetof(struct fv_dl_tensor, context), 48);
    assert_int_equal(offsetof(struct fv_dl_tensor, deleter), 56);
    assert_int_equal(offsetof(struct fv_dl_tensor_versioned, context), 8);
    assert_int_equal(offsetof(struct fv_dl_tensor_versioned, deleter), 16);
    assert_int_equal(offsetof(struct fv_dl_tensor_versioned, flags), 24);
    assert_int_equal(offsetof(struct fv_dl_tensor_versioned, view), 32);
}

/* ---- pictures ---- */

static unsigned alive; /* pictures */

static void release(struct fv_picture *picture)
{
    alive--;
    free(picture);
}

static uint8_t samples[4096];

/* 6 x 4, rows of 16 bytes; one reference, the caller's. */
static struct fv_picture *make(enum fv_pixel_format format)
{
    struct fv_picture *picture = calloc(1, sizeof(*picture));
    assert_non_null(picture);
    *picture = (struct fv_picture){.format = format, .refs = 1, .release = release};
    picture->info.width = 6;
    picture->info.height = 4;
    for (int i = 0; i < (format == FV_PIXEL_NV12 || format == FV_PIXEL_P016 ? 2 : 3); i++) {
        picture->plane[i] = samples + (ptrdiff_t)i * 256;
        picture->pitch[i] = 16;
    }
    alive++;
    return picture;
}

/* ---- consumers ---- */

#define KEPT 40

struct keeper {
    struct fv_reader_frame *frames[KEPT];
    unsigned count;
    bool passes; /* gives each back at once */
};

static void keep(void *data, struct fv_reader_frame *frame)
{
    struct keeper *keeper = data;
    if (keeper->passes)
        fv_reader_frame_release(frame);
    else
        keeper->frames[keeper->count] = frame;
    keeper->count++;
}

static char told[400];
static unsigned told_count;

static void on_late(void *data, const char *sentence)
{
    snprintf(told, sizeof(told), "%s", sentence);
    told_count++;
}

static struct fv_frames *open_frames(const struct fv_reader_consumer *consumers, unsigned count)
{
    const struct fv_frames_params params = {
        .consumers = consumers, .consumer_count = count, .late = on_late};
    struct fv_frames *frames = NULL;
    struct fv_error err = {0};
    if (fv_frames_create(&params, &frames, &err) < 0)
        fail_msg("%s", err.text);
    told_count = 0;
    return frames;
}

static void offer(struct fv_frames *frames, enum fv_pixel_format format)
{
    struct fv_picture *picture = make(format);
    fv_frames_offer(frames, picture);
    fv_picture_unref(picture);
}

/* One who keeps everything misses pictures; the others get all of them. */
static void test_keeper_blocks_nobody(void **state)
{
    struct keeper greedy = {0}, fine = {.passes = true};
    const struct fv_reader_consumer consumers[] = {
        {.name = "greedy", .held = 3, .patience = 1, .frame = keep, .data = &greedy},
        {.name = "fine", .held = 1, .frame = keep, .data = &fine},
    };
    struct fv_frames *frames = open_frames(consumers, 2);
    struct fv_reader_consumer_stats stats;
    for (int i = 0; i < 20; i++)
        offer(frames, FV_PIXEL_I420);
    assert_int_equal(greedy.count, 3);
    assert_int_equal(fine.count, 20);
    assert_int_equal(alive, 3);
    assert_int_equal(fv_frames_stats(frames, 0, &stats), 0);
    assert_int_equal(stats.given, 3);
    assert_int_equal(stats.missed, 17);
    assert_int_equal(stats.late, 3);
    assert_int_equal(stats.held, 3);
    assert_int_equal(stats.held_most, 3);
    assert_true(stats.oldest > 0);
    assert_int_equal(told_count, 3); /* once for each frame, not for each picture */
    assert_non_null(strstr(told, "consumer 'greedy' keeps 3 of its 3 frames, the oldest for 0.0 s: "
                                 "it misses pictures until it gives one back"));
    assert_int_equal(fv_frames_stats(frames, 1, &stats), 0);
    assert_int_equal(stats.given, 20);
    assert_int_equal(stats.missed + stats.late + stats.held, 0);
    assert_int_equal(stats.held_most, 1);
    assert_int_equal(stats.oldest, 0);
    assert_int_equal(fv_frames_stats(frames, 2, &stats), -EINVAL);
    /* It gives one back: it gets the next picture. */
    fv_reader_frame_release(greedy.frames[1]);
    assert_int_equal(alive, 2);
    offer(frames, FV_PIXEL_I420);
    assert_int_equal(greedy.count, 4);
    fv_reader_frame_release(greedy.frames[0]);
    fv_reader_frame_release(greedy.frames[2]);
    fv_reader_frame_release(greedy.frames[3]);
    fv_frames_close(frames);
    assert_int_equal(alive, 0);
}

/* ---- tensors ---- */

static void test_shapes(void **state)
{
    static const struct {
        enum fv_pixel_format format;
        unsigned planes;
        int bits;
        int32_t chroma_dimensions;
        int64_t chroma[3], strides[3];
    } cases[] = {
        {FV_PIXEL_I420, 3, 8, 2, {2, 3}, {16, 1}},
        {FV_PIXEL_NV12, 2, 8, 3, {2, 3, 2}, {16, 2, 1}},
        {FV_PIXEL_P016, 2, 16, 3, {2, 3, 2}, {8, 2, 1}},
        {FV_PIXEL_I010, 3, 16, 2, {2, 3}, {8, 1}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct keeper keeper = {0};
        const struct fv_reader_consumer consumer = {
            .name = "x", .held = 1, .frame = keep, .data = &keeper};
        struct fv_frames *frames = open_frames(&consumer, 1);
        offer(frames, cases[i].format);
        for (unsigned plane = 0; plane < 4; plane++) {
            struct fv_dl_tensor *tensor = NULL;
            const int code = fv_reader_frame_tensor(keeper.frames[0], plane, &tensor);
            assert_int_equal(code, plane < cases[i].planes ? 0 : -EINVAL);
            if (code < 0)
                continue;
            const struct fv_dl_view *v = &tensor->view;
            assert_ptr_equal(v->data, samples + (ptrdiff_t)plane * 256);
            assert_int_equal(v->device.type, FV_DL_CPU);
            assert_int_equal(v->device.id, 0);
            assert_int_equal(v->type.code, FV_DL_UINT);
            assert_int_equal(v->type.bits, cases[i].bits);
            assert_int_equal(v->type.lanes, 1);
            assert_int_equal(v->byte_offset, 0);
            assert_int_equal(v->dimensions, plane ? cases[i].chroma_dimensions : 2);
            if (plane == 0) {
                assert_int_equal(v->shape[0], 4);
                assert_int_equal(v->shape[1], 6);
                assert_int_equal(v->strides[0], 128 / cases[i].bits);
                assert_int_equal(v->strides[1], 1);
            }
            for (int k = 0; plane > 0 && k < v->dimensions; k++) {
                assert_int_equal(v->shape[k], cases[i].chroma[k]);
                assert_int_equal(v->strides[k], cases[i].strides[k]);
            }
            tensor->deleter(tensor);
        }
        fv_reader_frame_release(keeper.frames[0]);
        fv_frames_close(frames);
        assert_int_equal(alive, 0);
    }
}

static void *delete_apart(void *data)
{
    struct fv_dl_tensor_versioned *tensor = data;
    tensor->deleter(tensor);
    return NULL;
}

/* Tensors keep the picture: after the frame, after the owner, and given back by another thread. */
static void test_tensors_live_on(void **state)
{
    struct keeper keeper = {0};
    const struct fv_reader_consumer consumer = {
        .name = "x", .held = 2, .frame = keep, .data = &keeper};
    struct fv_frames *frames = open_frames(&consumer, 1);
    struct fv_dl_tensor *plain, *other;
    struct fv_dl_tensor_versioned *versioned;
    struct fv_reader_consumer_stats stats;
    pthread_t thread;
    offer(frames, FV_PIXEL_NV12);
    struct fv_reader_frame *frame = keeper.frames[0];
    assert_int_equal(fv_reader_frame_picture(frame)->frame.width, 6);
    assert_false(fv_reader_frame_picture(frame)->on_device);
    assert_int_equal(fv_reader_frame_gate(frame, NULL, NULL), 0);
    assert_int_equal(fv_reader_frame_hold(frame, NULL, NULL), 0);
    assert_int_equal(fv_reader_frame_tensor(frame, 0, &plain), 0);
    assert_int_equal(fv_reader_frame_tensor(frame, 0, &other), -EBUSY);
    assert_int_equal(fv_reader_frame_tensor_versioned(frame, 1, &versioned), 0);
    assert_int_equal(versioned->major, 1);
    assert_int_equal(versioned->minor, 0);
    assert_int_equal(versioned->flags, 1); /* read-only */
    fv_reader_frame_release(frame);
    assert_int_equal(alive, 1);
    plain->deleter(plain);
    assert_int_equal(fv_frames_stats(frames, 0, &stats), 0);
    assert_int_equal(stats.held, 1);
    fv_frames_close(frames);
    assert_int_equal(alive, 1);
    assert_int_equal(pthread_create(&thread, NULL, delete_apart, versioned), 0);
    pthread_join(thread, NULL);
    assert_int_equal(alive, 0); /* and everything else is gone: the sanitizers and valgrind say */
}

/* What a build without the part says; with it, frames_jpeg_test.c goes into detail. */
static void test_jpeg(void **state)
{
    struct keeper keeper = {0};
    const struct fv_reader_consumer consumer = {
        .name = "x", .held = 1, .frame = keep, .data = &keeper};
    struct fv_frames *frames = open_frames(&consumer, 1);
    struct fv_error err = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    offer(frames, FV_PIXEL_NV12);
    const int code = fv_reader_frame_jpeg(keeper.frames[0], 90, &data, &size, &err);
    if (FV_HAVE_JPEG) {
        assert_int_equal(code, 0);
        assert_true(size > 100);
        assert_memory_equal(data, "\xff\xd8\xff", 3);
    } else {
        assert_int_equal(code, -ENOTSUP);
        assert_non_null(strstr(err.text, "-Djpeg=enabled"));
        assert_null(data);
    }
    fv_reader_jpeg_free(data);
    fv_reader_frame_release(keeper.frames[0]);
    fv_frames_close(frames);
}

/* ---- create ---- */

static void test_refusals(void **state)
{
    struct keeper keeper;
    const struct fv_reader_consumer good = {
        .name = "x", .held = 16, .frame = keep, .data = &keeper};
    struct fv_reader_consumer bad[5] = {good, good, good, good, good};
    bad[0].name = "";
    bad[1].held = 0;
    bad[2].held = 17;
    bad[3].frame = NULL;
    bad[4].patience = -1;
    for (int i = 0; i < 5; i++) {
        const struct fv_frames_params params = {.consumers = &bad[i], .consumer_count = 1};
        struct fv_frames *frames = NULL;
        struct fv_error err = {0};
        assert_int_equal(fv_frames_create(&params, &frames, &err), -EINVAL);
        assert_true(err.text[0]);
    }
    const struct fv_reader_consumer two[] = {good, good};
    const struct fv_frames_params params = {.consumers = two, .consumer_count = 2};
    struct fv_frames *frames = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_frames_create(&params, &frames, &err), -EINVAL);
    assert_non_null(strstr(err.text, "at most 30 frames"));
    fv_frames_close(NULL);
}

static void test_without_memory(void **state)
{
    struct keeper keeper;
    const struct fv_reader_consumer two[] = {
        {.name = "x", .held = 1, .frame = keep, .data = &keeper},
        {.name = "y", .held = 2, .frame = keep, .data = &keeper}};
    const struct fv_frames_params params = {.consumers = two, .consumer_count = 2};
    unsigned n = 1;
    for (;; n++) {
        struct fv_frames *frames = NULL;
        fv_alloc_fail_at(n);
        const int code = fv_frames_create(&params, &frames, NULL);
        if (fv_alloc_fail_pending()) {
            fv_frames_close(frames);
            break;
        }
        assert_int_equal(code, -ENOMEM);
    }
    fv_alloc_fail_at(0);
    assert_int_equal(n, 4); /* itself, the frames of two consumers */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary_layout), cmocka_unit_test(test_keeper_blocks_nobody),
        cmocka_unit_test(test_shapes),        cmocka_unit_test(test_tensors_live_on),
        cmocka_unit_test(test_jpeg),          cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
