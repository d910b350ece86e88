// SPDX-License-Identifier: Apache-2.0
/* JPEG, VP9 and AV1 by the NVDEC back end on the look-alike: headers written bit by bit; what follows them is a picture's number. */
#include "decode/nvdec_kit_test.h"

struct frame {
    bool key, hidden, ten, full_chroma; /* full_chroma: 4:4:4, profile 1 */
    uint8_t refresh;                    /* of what is no key frame: slots */
    unsigned width, height;             /* of what is no key frame: 0, as before */
    uint8_t number;
    uint8_t slot, tiles, false_size; /* of AV1 */
};

static void append(struct unit *unit, const uint8_t *data, size_t size)
{
    assert_true(unit->size + size <= sizeof(unit->data));
    unit->slice = unit->data + unit->size;
    unit->slice_size = size;
    if (size > 0)
        memcpy(unit->data + unit->size, data, size);
    unit->size += size;
}

static void finish(struct unit *unit, struct bit_writer *w, uint8_t number)
{
    put(w, (8 - w->bits % 8) % 8, 0);
    put(w, 8, number), put(w, 8, 0x11);
    append(unit, w->data, w->bits / 8);
}

/* 6.2 of VP9, as far as tile sizes. */
static void add_vp9(struct unit *unit, const struct frame *frame)
{
    struct bit_writer w = {0};
    put(&w, 2, 2), put(&w, 1, frame->full_chroma), put(&w, 1, frame->ten), put(&w, 1, 0);
    put(&w, 1, !frame->key), put(&w, 1, !frame->hidden), put(&w, 1, 0);
    if (frame->key) {
        put(&w, 24, 0x498342);
        if (frame->ten)
            put(&w, 1, 0);
        put(&w, 4, 2);
        if (frame->full_chroma)
            put(&w, 3, 0);
        put(&w, 16, frame->width - 1), put(&w, 16, frame->height - 1);
    } else {
        put(&w, frame->hidden, 0); /* intra_only */
        put(&w, 2, 0), put(&w, 8, frame->refresh), put(&w, 12, 0);
        put(&w, frame->width ? 3 : 1, frame->width ? 0 : 1);
        if (frame->width)
            put(&w, 16, frame->width - 1), put(&w, 16, frame->height - 1);
    }
    finish(unit, &w, frame->number);
}

/* Annex B: `first` bytes are the first frame, the rest the second. */
static void end_superframe(struct unit *unit, size_t first)
{
    size_t second = unit->size - first;
    const uint8_t index[] = {0xc1, (uint8_t)first, (uint8_t)second, 0xc1};
    memcpy(unit->data + unit->size, index, sizeof(index));
    unit->size += sizeof(index);
}

static struct unit vp9(const struct frame *frame)
{
    struct unit unit = {.codec = FV_CODEC_VP9, .key = frame->key};
    add_vp9(&unit, frame);
    return unit;
}

static void add_obu(struct unit *unit, unsigned type, const struct bit_writer *w, unsigned bytes)
{
    unit->data[unit->size++] = (uint8_t)(type << 3 | 2);
    unit->data[unit->size++] = (uint8_t)bytes;
    append(unit, w->data, bytes);
}

/* 5.5 of AV1, 8 or 10 bit. */
static void add_sequence(struct unit *unit, const struct frame *frame)
{
    struct bit_writer w = {0};
    put(&w, 5, 0), put(&w, 2, 0), put(&w, 5, 0), put(&w, 12, 0), put(&w, 5, 0);
    put(&w, 4, 15), put(&w, 4, 15), put(&w, 16, frame->width - 1), put(&w, 16, frame->height - 1);
    put(&w, 1, 0), put(&w, 3, 0), put(&w, 4, 0), put(&w, 1, 0), put(&w, 1, 1), put(&w, 1, 1);
    put(&w, 3, 0), put(&w, 1, frame->ten), put(&w, 1, 0), put(&w, 1, 0), put(&w, 1, 0);
    put(&w, 2, 0), put(&w, 2, 0), put(&w, 1, 1);
    add_obu(unit, 1, &w, (w.bits + 7) / 8);
}

/* 5.9.2 behind add_sequence(): error resilient, no tools, base_q_idx 0, `frame->tiles` tiles of 64x64 next to each other (0: one). */
static void put_av1_header(struct bit_writer *w, const struct frame *frame)
{
    put(w, 1, 0), put(w, 2, !frame->key), put(w, 1, !frame->hidden);
    put(w, frame->hidden, 1); /* showable_frame */
    if (!frame->key || frame->hidden)
        put(w, 1, 1); /* error_resilient_mode */
    put(w, 3, 4);     /* no cdf update, no screen content, no size of its own */
    if (!frame->key || frame->hidden)
        put(w, 8, frame->refresh);
    if (!frame->key)
        put(w, 21, (uint32_t)frame->slot * 0x49249); /* each of the seven references */
    put(w, 1, 0);
    if (!frame->key)
        put(w, 3, 2); /* a filter for all */
    put(w, 1, 1);     /* uniform tiles */
    if (frame->width > 64)
        put(w, 1, frame->tiles > 1);
    if (frame->height > 64)
        put(w, 1, 0);
    if (frame->tiles > 1)
        put(w, 1, 0), put(w, 2, 0); /* context of tile 0, sizes of one byte */
    put(w, 8, 0), put(w, 5, 0);     /* quantizers, no segments */
    put(w, frame->key ? 1 : 9, 0);  /* reference_select, reduced_tx_set, 7 times is_global */
}

/* With two tiles, the first one takes one byte, or as many as `frame->false_size` says. */
static void add_av1(struct unit *unit, const struct frame *frame)
{
    struct bit_writer w = {0};
    put_av1_header(&w, frame);
    put(&w, (8 - w.bits % 8) % 8, 0);
    if (frame->tiles > 1)
        put(&w, 8, 0), put(&w, 8, frame->false_size), put(&w, 8, 0x22);
    put(&w, 8, frame->number), put(&w, 8, 0x11);
    add_obu(unit, 6, &w, w.bits / 8);
}

static struct unit av1(const struct frame *frame)
{
    struct unit unit = {.codec = FV_CODEC_AV1, .key = frame->key};
    if (frame->key)
        add_sequence(&unit, frame);
    add_av1(&unit, frame);
    return unit;
}

/* A frame header of `kind` 0 (baseline) or 2 (progressive), `sampling` 0x22 or 0x21, a scan; in front of them a quantization table,
 * between them what else there is, `size` bytes. */
static struct unit jpeg_with(const struct frame *frame, unsigned kind, unsigned sampling,
                             const uint8_t *more, size_t size)
{
    struct unit unit = {.codec = FV_CODEC_JPEG, .key = true};
    struct bit_writer w = {0};
    put(&w, 16, 0xffd8), put(&w, 16, 0xffdb), put(&w, 24, 67 << 8);
    for (unsigned i = 0; i < 64; i++)
        put(&w, 8, 1);
    put(&w, 16, 0xffc0 + kind), put(&w, 16, 17), put(&w, 8, 8);
    put(&w, 16, frame->height), put(&w, 16, frame->width), put(&w, 8, 3);
    put(&w, 24, 0x010000 | sampling << 8), put(&w, 24, 0x021100), put(&w, 24, 0x031100);
    append(&unit, w.data, w.bits / 8);
    append(&unit, more, size);
    w = (struct bit_writer){0};
    put(&w, 16, 0xffda), put(&w, 16, 12), put(&w, 8, 3), put(&w, 24, 0x010002);
    put(&w, 24, 0x110311), put(&w, 24, 0x003f00), put(&w, 8, frame->number), put(&w, 16, 0xffd9);
    append(&unit, w.data, w.bits / 8);
    unit.slice = unit.data;
    unit.slice_size = unit.size;
    return unit;
}

static struct unit jpeg(const struct frame *frame, unsigned kind, unsigned sampling)
{
    return jpeg_with(frame, kind, sampling, NULL, 0);
}

static struct unit make(enum fv_codec codec, const struct frame *frame)
{
    return codec == FV_CODEC_VP9   ? vp9(frame)
           : codec == FV_CODEC_AV1 ? av1(frame)
                                   : jpeg(frame, 0, 0x22);
}

static void push_at(uint32_t camera, struct unit unit, int64_t pts)
{
    unit.pts = pts;
    push(camera, &unit);
}

/* The i-th picture that came was made of this unit's last frame and has this time. */
static void expect_unit(unsigned i, const struct unit *unit, int64_t pts)
{
    assert_int_equal(seen.infos[i].pts, pts);
    assert_int_equal(seen.seeds[i], fakegpu_seed(unit->slice, unit->slice_size));
}

/* A copy whose `slice` lies in itself. */
static void set_unit(struct unit *unit, struct unit made)
{
    size_t offset = made.size - made.slice_size;
    *unit = made;
    unit->slice = unit->data + offset;
}

static void test_order_and_identity(void **state)
{
    (void)state;
    static const struct {
        enum fv_codec codec;
        bool ten;
        size_t
            bytes; /* 12 or 4 surfaces of 64x48 and a sixteenth, 3 outputs with rows of 512 bytes, 29 or 7 bytes a pixel, 8 MB */
    } cases[] = {{FV_CODEC_VP9, false, 12 * 4896 + 3 * 36864 + 64 * 48 * 29 + (8 << 20)},
                 {FV_CODEC_VP9, true, 12 * 9792 + 3 * 36864 + 64 * 48 * 29 + (8 << 20)},
                 {FV_CODEC_JPEG, false, 4 * 4896 + 3 * 36864 + 64 * 48 * 7 + (8 << 20)},
                 {FV_CODEC_AV1, true, 12 * 9792 + 3 * 36864 + 64 * 48 * 29 + (8 << 20)}};
    for (unsigned c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        set_up_again("av1=1,decode-ms=1");
        start();
        struct unit units[20];
        for (unsigned i = 0; i < 20; i++) {
            set_unit(&units[i],
                     make(cases[c].codec,
                          &(struct frame){.key = i == 0,
                                          .ten = cases[c].ten,
                                          .width = i && cases[c].codec == FV_CODEC_VP9 ? 0 : 64,
                                          .height = 48,
                                          .refresh = (uint8_t)(1 << i % 8),
                                          .number = (uint8_t)i}));
            push_at(0, units[i], i + 1);
        }
        wait_for(&seen.count, 20);
        for (unsigned i = 0; i < 20; i++) {
            expect_unit(i, &units[i], i + 1);
            assert_int_equal(seen.infos[i].width, 64);
            assert_int_equal(seen.infos[i].height, 48);
            assert_int_equal(seen.infos[i].flags, units[i].key ? FV_FRAME_KEY : 0);
        }
        assert_int_equal(stats_now().created, 1);
        assert_int_equal(stats_now().bytes, cases[c].bytes);
        assert_int_equal(seen.faults, 0);
        stop();
    }
}

/* A hidden frame comes out when a later access unit shows it, with that one's time; and again when it is shown again. */
static void check_hidden(enum fv_codec codec)
{
    struct unit first, both = {.codec = codec}, plain;
    const struct frame key = {.key = true, .width = 64, .height = 48};
    const struct frame hidden = {.hidden = true, .refresh = 0x80, .number = 1};
    const struct frame shown = {.refresh = 1, .number = 2}, next = {.refresh = 1, .number = 3};
    const bool is_vp9 = codec == FV_CODEC_VP9;
    set_unit(&first, make(codec, &key));
    (is_vp9 ? add_vp9 : add_av1)(&both, &hidden);
    size_t size = both.size;
    uint8_t seed = fakegpu_seed(both.slice, both.slice_size);
    (is_vp9 ? add_vp9 : add_av1)(&both, &shown);
    uint8_t shown_seed = fakegpu_seed(both.slice, both.slice_size);
    if (is_vp9)
        end_superframe(&both, size);
    set_unit(&plain, make(codec, &next));
    static const uint8_t vp9_existing[] = {0x8f}, av1_existing[] = {0x1a, 1, 0xf0};
    struct unit existing = {.codec = codec};
    append(&existing, is_vp9 ? vp9_existing : av1_existing, is_vp9 ? 1 : 3);
    push_at(0, first, 1);
    push_at(0, both, 2);
    push_at(0, plain, 3);
    push_at(0, existing, 4);
    push_at(0, existing, 5);
    push_at(0, plain, 6);
    wait_for(&seen.count, 6);
    expect_unit(0, &first, 1);
    const uint8_t seeds[] = {seen.seeds[0], shown_seed, seen.seeds[2], seed, seed, seen.seeds[2]};
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(seen.infos[i].pts, i + 1);
        assert_int_equal(seen.seeds[i], seeds[i]);
        assert_int_equal(seen.infos[i].width, 64);
    }
    expect_unit(2, &plain, 3);
    assert_int_equal(seen.faults, 0);
    assert_int_equal(stats_now().decoded, 5); /* four shown, one hidden */
}

static void test_hidden_frames(void **state)
{
    (void)state;
    static const char *const scripts[] = {"av1=1", "av1=1,lowest=1", "av1=1,decode-ms=5",
                                          "av1=1,decode-ms=5,no-status=1"};
    for (unsigned i = 0; i < 8; i++) {
        set_up_again(scripts[i % 4]);
        start();
        check_hidden(i < 4 ? FV_CODEC_VP9 : FV_CODEC_AV1);
        stop();
    }
}

/* All output surfaces are held: what is shown again is left out as others are, and nothing is lost of what comes later. */
static void test_shown_again_while_held(void **state)
{
    (void)state;
    static const uint8_t again[] = {0x8f};
    struct unit existing = {.codec = FV_CODEC_VP9};
    seen.keep = true;
    start();
    append(&existing, again, 1);
    push_at(0, vp9(&(struct frame){.key = true, .width = 64, .height = 48}), 1);
    for (int i = 0; i < 9; i++)
        push_at(0, existing, 2 + i);
    wait_for(&seen.served, 10);
    wait_for(&seen.count, HELD);
    fv_gpu_enter(gpu, NULL);
    give_back(0);
    wait_for(&seen.count, HELD + 1);
    assert_int_equal(seen.infos[HELD].pts, 10);
    assert_int_equal(seen.seeds[HELD], seen.seeds[0]);
    assert_int_equal(seen.faults, 0);
    stop();
}

static void test_size_changes(void **state)
{
    (void)state;
    static const enum fv_codec codecs[] = {FV_CODEC_VP9, FV_CODEC_JPEG, FV_CODEC_AV1};
    for (unsigned c = 0; c < 3; c++) {
        set_up_again("av1=1");
        start();
        struct unit units[20];
        for (unsigned i = 0; i < 20; i++) {
            set_unit(&units[i], make(codecs[c], &(struct frame){.key = true,
                                                                .width = i % 2 ? 128 : 64,
                                                                .height = i % 2 ? 96 : 48,
                                                                .number = (uint8_t)i}));
            push_at(0, units[i], i + 1);
        }
        wait_for(&seen.count, 20);
        for (unsigned i = 0; i < 20; i++) {
            expect_unit(i, &units[i], i + 1);
            assert_int_equal(seen.infos[i].width, i % 2 ? 128 : 64);
            assert_int_equal(seen.infos[i].height, i % 2 ? 96 : 48);
        }
        assert_in_range(stats_now().created, 1, 3);
        assert_int_equal(seen.faults, 0);
        stop();
    }
}

/* VP9 may change its size between key frames; what it refers to is lost with the session, so it goes on with a key picture. */
static void test_size_change_without_key(void **state)
{
    (void)state;
    start();
    push_at(0, vp9(&(struct frame){.key = true, .width = 128, .height = 96}), 1);
    push_at(0, vp9(&(struct frame){.refresh = 1, .number = 1}), 2);
    wait_for(&seen.count, 2);
    push_at(0, vp9(&(struct frame){.refresh = 1, .number = 2, .width = 64, .height = 48}), 3);
    push_at(0, vp9(&(struct frame){.refresh = 1, .number = 3}), 4);
    push_at(0, vp9(&(struct frame){.key = true, .width = 64, .height = 48, .number = 4}), 5);
    push_at(0, vp9(&(struct frame){.refresh = 1, .number = 5}), 6);
    wait_for(&seen.count, 4);
    push_at(0, vp9(&(struct frame){.refresh = 1, .number = 6, .width = 65000, .height = 48}), 7);
    wait_for(&seen.served, 7);
    expect_fault(-EBADMSG, "vp9: the size changes to 64x48 without a key picture");
    fv_decode_worker_finish(worker);
    static const int64_t times[] = {1, 2, 5, 6};
    assert_int_equal(seen.count, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(seen.infos[i].pts, times[i]);
    assert_int_equal(seen.infos[seen.count - 1].width, 64);
    assert_int_equal(seen.faults,
                     1); /* the same cause is told once; that it is too wide is not what matters */
    struct fv_decode_stats stats;
    fv_decode_worker_stats(worker, 0, &stats);
    assert_int_equal(stats.errors, 2);
    stop();
}

static void test_refused(void **state)
{
    (void)state;
    const struct frame small = {.key = true, .width = 64, .height = 48};
    const struct frame wide = {.key = true, .width = 8192, .height = 48};
    const struct frame full = {.key = true, .width = 64, .height = 48, .full_chroma = true};
    const struct frame tiny = {.key = true, .width = 32, .height = 16};
    const struct {
        const char *script;
        struct unit unit;
        const char *words;
    } cases[] = {
        {"", av1(&small), "does not decode AV1 4:2:0 with 8 bits"},
        {"vp9=0", vp9(&small), "does not decode VP9 4:2:0 with 8 bits"},
        {"jpeg=0", jpeg(&small, 0, 0x22), "does not decode JPEG 4:2:0 with 8 bits"},
        {"", vp9(&wide), "decodes VP9 up to 4096x4096, the stream has 8192x48"},
        {"", vp9(&tiny), "decodes VP9 from 48x16 on, the stream has 32x16"},
        {"", vp9(&full), "VP9 pictures with 4:4:4 chroma are not supported"},
        {"", jpeg(&small, 0, 0x21),
         "does not decode JPEG 4:2:2 with 8 bits: choose 4:2:0 in the camera"},
        {"", jpeg(&small, 2, 0x22), "progressive JPEG is not decoded on the GPU"},
        {"", jpeg(&small, 0, 0x41), "beyond sane limits"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_up_again(cases[i].script);
        start();
        push_at(0, cases[i].unit, 1);
        push_at(0, cases[i].unit, 2);
        expect_fault(-ENOTSUP, cases[i].words);
        push_run(0, H264_SMALL, 3, 0);
        wait_for(&seen.count, 1);
        assert_int_equal(seen.faults, 1); /* told once */
        assert_int_equal(stats_now().created, 1);
        stop();
    }
}

/* Hardware that takes 4:2:2 in JPEG is used. */
static void test_jpeg_422(void **state)
{
    (void)state;
    struct unit unit;
    script("jpeg422=1");
    start();
    set_unit(&unit, jpeg(&(struct frame){.width = 64, .height = 48}, 0, 0x21));
    push_at(0, unit, 1);
    wait_for(&seen.count, 1);
    expect_unit(0, &unit, 1);
    assert_int_equal(seen.faults, 0);
    stop();
}

/* A damaged header, and hardware that fails: the camera goes on with its next key picture. */
static void test_damage(void **state)
{
    (void)state;
    const struct frame key = {.key = true, .width = 64, .height = 48};
    struct unit bad = vp9(&key);
    bad.data[1] ^= 0xff;
    start();
    push_at(0, bad, 1);
    expect_fault(-EBADMSG, "vp9: the stream's header is damaged");
    push_at(0, vp9(&key), 2);
    wait_for(&seen.count, 1);
    stop();

    set_up_again("error-at=2");
    start();
    for (int i = 0; i < 3; i++)
        push_at(0,
                vp9(&(struct frame){.key = i == 0,
                                    .width = i ? 0 : 64,
                                    .height = 48,
                                    .refresh = 1,
                                    .number = (uint8_t)i}),
                i + 1);
    expect_fault(-EBADMSG, "vp9: the hardware found errors");
    push_at(0, vp9(&key), 9);
    wait_for(&seen.served, 4);
    while (seen_count() == 0 || seen.infos[seen_count() - 1].pts != 9)
        nanosleep(&(struct timespec){.tv_nsec = FV_MS}, NULL);
    assert_int_equal(seen.infos[seen_count() - 1].flags, FV_FRAME_KEY);
    stop();
}

/* What looks like a superframe's index and is none, as a cut frame may end in; indices that lead out of the access unit, leave something of it
 * over, or whose frames begin in the middle of one. */
static void test_false_index(void **state)
{
    (void)state;
    const struct frame key = {.key = true, .width = 64, .height = 48},
                       hidden = {.hidden = true, .refresh = 2, .number = 1},
                       shown = {.refresh = 1, .number = 2};
    struct unit cut = vp9(&shown),
                broken[4] = {vp9(&hidden), vp9(&hidden), vp9(&hidden), vp9(&hidden)};
    cut.data[cut.size++] = 0xcc;
    uint8_t first = (uint8_t)broken[0].size;
    for (unsigned i = 0; i < 4; i++) {
        add_vp9(&broken[i], &shown);
        uint8_t second = (uint8_t)(broken[i].size - first);
        const uint8_t indices[4][4] = {{0xc1, 200, 200, 0xc1},
                                       {0xc1, first, (uint8_t)(second - 1), 0xc1},
                                       {0xc1, (uint8_t)(first + second), 0, 0xc1},
                                       {0xc1, (uint8_t)(first - 1), (uint8_t)(second + 1), 0xc1}};
        append(&broken[i], indices[i], 4);
    }
    start();
    push_at(0, vp9(&key), 1);
    push_at(0, cut, 2);
    wait_for(&seen.count, 2);
    assert_int_equal(seen.faults, 0);
    for (unsigned i = 0; i < 4; i++) {
        push_at(0, broken[i], 3);
        expect_fault(-EBADMSG, "vp9: the index of a superframe is damaged");
        push_at(0, vp9(&key), 4);
        wait_for(&seen.count, 3 + i);
    }
    stop();
}

/* Application data and comments, one of them with a marker in it, and what comes behind the image stay away from the parser. */
static void test_jpeg_notes(void **state)
{
    (void)state;
    static const uint8_t notes[] = {0xff, 0xff, 0xe0, 0, 16, 'A', 'V',  'I',  '1', 1, 0xff, 0xda, 0,
                                    8,    1,    0,    0, 0,  0,   0xff, 0xfe, 0,   4, 0xff, 0xd9};
    const struct frame frame = {.width = 64, .height = 48, .number = 7};
    struct unit plain;
    set_unit(&plain, jpeg(&frame, 0, 0x22));
    start();
    struct unit unit = jpeg_with(&frame, 0, 0x22, notes, sizeof(notes));
    append(&unit, notes, sizeof(notes));
    push_at(0, unit, 1);
    wait_for(&seen.count, 1);
    expect_unit(0, &plain, 1);
    assert_int_equal(seen.faults, 0);
    stop();
}

/* Headers that NVIDIA's parser writes over the heap for, or reads for seconds. */
static void test_broken_jpeg(void **state)
{
    (void)state;
    static const struct {
        uint8_t more[24];
        size_t size;
        const char *words;
    } cases[] = {
        {{0xff, 0xc4, 0, 20, 0x0f, 1, [21] = 0x55}, 22, "jpeg: a Huffman table is damaged"},
        {{0xff, 0xdb, 0, 19}, 21, "jpeg: a quantization table is damaged"},
        {{0xff, 0xdd, 0, 2}, 4, "jpeg: the restart interval is damaged"},
        {{0xff, 0xdb, 0, 1}, 4, "jpeg: the headers are damaged"},
        {{0xff, 0xda, 0, 2}, 4, "jpeg: a scan's header"},
        {{0xff, 0xcc, 0, 4, 0, 0}, 6, "jpeg: the headers are damaged"},
    };
    const struct frame frame = {.width = 64, .height = 48};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_up_again("");
        start();
        push_at(0, jpeg_with(&frame, 0, 0x22, cases[i].more, cases[i].size), 1);
        expect_fault(-EBADMSG, cases[i].words);
        push_at(0, jpeg(&frame, 0, 0x22), 2);
        wait_for(&seen.count, 1);
        stop();
    }
}

static void add_bytes(struct unit *unit, unsigned type, const uint8_t *bytes, unsigned count)
{
    struct bit_writer w = {0};
    for (unsigned i = 0; i < count; i++)
        put(&w, 8, bytes[i]);
    add_obu(unit, type, &w, count);
}

/* What the driver's parser goes out of bounds on. */
static unsigned make_broken(struct unit *broken)
{
    const struct frame inter = {.refresh = 1, .number = 1, .width = 128},
                       hidden = {.hidden = true, .refresh = 1, .width = 128};
    const struct frame tiles = {.refresh = 1, .width = 128, .height = 48, .tiles = 2};
    struct frame false_size = tiles;
    static const uint8_t header[] = {0x30}, group[] = {1, 2, 3}, existing[] = {0xf0};
    unsigned count = 0;
    false_size.false_size = 200;
    broken[count] = av1(&inter);
    broken[count++].data[1] = 200; /* leads out of the access unit */
    broken[count++] = av1(&false_size);
    broken[count] = av1(&tiles); /* no byte is left for the second tile */
    broken[count].data[1] -= 2;
    broken[count++].size -= 2;
    broken[count] = av1(&inter); /* the header ends too early */
    broken[count].data[1] = 4;
    broken[count++].size = 6;
    broken[count] = (struct unit){.codec = FV_CODEC_AV1};
    add_bytes(&broken[count++], 3, header, 1);
    broken[count] = (struct unit){.codec = FV_CODEC_AV1};
    add_bytes(&broken[count++], 4, group, 3);
    broken[count] = av1(&hidden);
    add_bytes(&broken[count++], 4, group, 3);
    broken[count] = (struct unit){.codec = FV_CODEC_AV1}; /* the key frame once more */
    add_bytes(&broken[count++], 3, existing, 1);
    broken[count] = av1(&inter);
    broken[count++].data[0] |= 1; /* a reserved bit */
    return count;
}

static void test_broken_obus(void **state)
{
    (void)state;
    const struct frame key = {.key = true, .width = 128, .height = 48, .tiles = 2};
    struct unit broken[16];
    unsigned count = make_broken(broken);
    set_up_again("av1=1");
    start();
    push_at(0, av1(&key), 1);
    wait_for(&seen.count, 1);
    for (unsigned i = 0; i < count; i++) {
        struct fv_decode_stats stats;
        push_at(0, broken[i], 2);
        push_at(0, av1(&key), 3);
        wait_for(&seen.served, 3 + 2 * i);
        wait_for(&seen.count, 2 + i);
        fv_decode_worker_stats(worker, 0, &stats);
        assert_int_equal(stats.errors, 1 + i);
        assert_int_equal(seen_count(), 2 + i); /* nothing was shown of it */
    }
    expect_fault(-EBADMSG, "av1: the OBUs are damaged");
    assert_int_equal(seen.faults, 1); /* of all of them the same is told */
    assert_int_equal(stats_now().created, 1);
    stop();
}

/* A stream that begins with a hidden key frame, which leaves slots empty. */
static void test_hidden_start(void **state)
{
    (void)state;
    const struct frame key = {.key = true, .width = 64, .height = 48};
    set_up_again("av1=1");
    start();
    push_at(
        0,
        av1(&(struct frame){.key = true, .hidden = true, .refresh = 1, .width = 64, .height = 48}),
        1);
    expect_fault(-EBADMSG, "av1: the OBUs are damaged");
    push_at(0, av1(&key), 2);
    wait_for(&seen.count, 1);
    assert_int_equal(seen.infos[0].pts, 2);
    stop();
}

/* What decoding does not need does not reach the parser, however damaged; in front of a frame, between frames and behind. */
static void test_other_obus(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x84, 0xff, 0xff};
    static const struct {
        unsigned type, bytes;
    } others[] = {{5, 0}, {5, 3}, {7, 1}, {8, 3}, {0, 1}, {9, 2}, {15, 3}};
    const struct frame key = {.key = true, .width = 64, .height = 48},
                       hidden = {.hidden = true, .refresh = 2, .number = 1, .width = 64},
                       shown = {.refresh = 1, .number = 2, .slot = 1, .width = 64};
    struct unit unit = {.codec = FV_CODEC_AV1};
    const struct frame *frames[] = {&hidden, &shown};
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < sizeof(others) / sizeof(others[0]); k++)
            add_bytes(&unit, others[k].type, bytes, others[k].bytes);
        if (i < 2)
            add_av1(&unit, frames[i]);
    }
    set_up_again("av1=1");
    start();
    push_at(0, av1(&key), 1);
    push_at(0, unit, 2);
    wait_for(&seen.count, 2);
    struct unit last = {.codec = FV_CODEC_AV1};
    add_av1(&last, &shown);
    expect_unit(1, &last, 2);
    assert_int_equal(seen.faults, 0);
    stop();
}

/* Key pictures only: of VP9 those that are, of JPEG all. */
static void test_keys_only(void **state)
{
    (void)state;
    static const enum fv_codec codecs[] = {FV_CODEC_VP9, FV_CODEC_JPEG};
    for (unsigned c = 0; c < 2; c++) {
        set_up_again("");
        start();
        fv_decode_worker_choose(worker, 0,
                                &(struct fv_decode_choice){.keys_only = true, .interval = 1});
        for (int i = 0; i < 12; i++)
            push_at(0,
                    make(codecs[c], &(struct frame){.key = i % 4 == 0,
                                                    .width = i % 4 && !c ? 0 : 64,
                                                    .height = 48,
                                                    .refresh = 1,
                                                    .number = (uint8_t)i}),
                    i + 1);
        wait_for(&seen.served, 12);
        fv_decode_worker_finish(worker);
        assert_int_equal(seen.count, c ? 12 : 3);
        for (unsigned i = 0; i < seen.count; i++)
            assert_int_equal(seen.infos[i].pts, c ? i + 1 : 4 * i + 1);
        struct fv_decode_stats stats;
        fv_decode_worker_stats(worker, 0, &stats);
        assert_int_equal(stats.submitted, c ? 12 : 3);
        stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_order_and_identity),
        CASE(test_hidden_frames),
        CASE(test_shown_again_while_held),
        CASE(test_size_changes),
        CASE(test_size_change_without_key),
        CASE(test_refused),
        CASE(test_jpeg_422),
        CASE(test_damage),
        CASE(test_false_index),
        CASE(test_jpeg_notes),
        CASE(test_broken_jpeg),
        CASE(test_broken_obus),
        CASE(test_hidden_start),
        CASE(test_other_obus),
        CASE(test_keys_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
