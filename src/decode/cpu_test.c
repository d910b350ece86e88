// SPDX-License-Identifier: Apache-2.0
/* The streams are made here by libavcodec's own encoders; cases whose encoder is missing are
 * skipped with a message. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>

#include "base/mem.h"
#include "base/rand.h"
#include "codec/av1.h"
#include "codec/codec.h"
#include "decode/decoder.h"
#include "decode/libav_log.h"

#define STREAM_MAX 40

/* libx265 3.5 never frees some of its frame filters and copied parameter strings: the encoder's
 * leak, not the decoder's. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libx265\n";
}

struct stream_spec {
    enum fv_codec codec;
    int width, height, pictures, b_frames;
    enum AVPixelFormat format; /* 0: YUV420P */
    enum AVColorSpace matrix;  /* 0 is RGB and means unspecified here */
    bool noise;
    bool full_range;
    bool refresh; /* H.264 without key pictures but the first: gradual refresh every 10 pictures */
};

/* Access units in decoding order. Picture i shows luma 40 + 8 * i; its pts is i * 40 ms. */
struct stream {
    struct fv_buf_pool *pool;
    struct fv_au au[STREAM_MAX];
    int count;
};

struct got {
    struct fv_picture *picture[STREAM_MAX];
    int count;
};

static void on_picture(void *data, struct fv_picture *picture)
{
    struct got *got = data;
    assert_true(got->count < STREAM_MAX);
    got->picture[got->count++] = picture;
}

static void drop_pictures(struct got *got)
{
    for (int i = 0; i < got->count; i++)
        fv_picture_unref(got->picture[i]);
    got->count = 0;
}

static void set_x26x(AVCodecContext *context, const struct stream_spec *spec)
{
    const char *refresh = ":intra-refresh=1:keyint=10";
    char x264[100] = "b-adapt=0:scenecut=0:qp=12";
    strcat(x264, spec->refresh ? refresh : "");
    av_opt_set(context->priv_data, "preset", "ultrafast", 0);
    if (spec->codec == FV_CODEC_H264)
        av_opt_set(context->priv_data, "x264-params", x264, 0);
    else
        av_opt_set(context->priv_data, "x265-params", "log-level=none:b-adapt=0:scenecut=0:pools=1",
                   0);
    if (!spec->b_frames)
        av_opt_set(context->priv_data, "tune", "zerolatency", 0);
}

static void set_others(AVCodecContext *context, const struct stream_spec *spec)
{
    context->flags |= AV_CODEC_FLAG_QSCALE; /* JPEG */
    context->global_quality = 2 * FF_QP2LAMBDA;
    if (spec->codec == FV_CODEC_JPEG)
        return;
    context->bit_rate = 0;
    av_opt_set(context->priv_data, "crf", "4", 0);
    av_opt_set(context->priv_data, "cpu-used", "8", 0);
    av_opt_set(context->priv_data, "usage", "realtime", 0);
    av_opt_set(context->priv_data, "deadline", "realtime", 0);
    av_opt_set(context->priv_data, "lag-in-frames", "0", 0);
    av_opt_set(context->priv_data, "auto-alt-ref", "0", 0);
}

static AVCodecContext *open_encoder(const struct stream_spec *spec)
{
    static const char *const names[] = {
        [FV_CODEC_H264] = "libx264",   [FV_CODEC_H265] = "libx265",   [FV_CODEC_JPEG] = "mjpeg",
        [FV_CODEC_VP9] = "libvpx-vp9", [FV_CODEC_AV1] = "libaom-av1",
    };
    const AVCodec *codec = avcodec_find_encoder_by_name(names[spec->codec]);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!context)
        return NULL;
    context->width = spec->width;
    context->height = spec->height;
    context->pix_fmt = spec->format;
    context->time_base = (AVRational){1, 25};
    context->max_b_frames = spec->b_frames;
    context->gop_size = 1000;
    context->thread_count = 1;
    context->colorspace = spec->matrix ? spec->matrix : AVCOL_SPC_UNSPECIFIED;
    context->color_range = spec->full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_UNSPECIFIED;
    if (spec->codec <= FV_CODEC_H265)
        set_x26x(context, spec);
    else
        set_others(context, spec);
    if (avcodec_open2(context, codec, NULL) < 0)
        avcodec_free_context(&context);
    return context;
}

static void draw(AVFrame *frame, const struct stream_spec *spec, int index)
{
    bool wide = spec->format == AV_PIX_FMT_YUV420P10LE;
    struct fv_rand rand;
    fv_rand_seed(&rand,
                 spec->refresh ? 0 : (uint64_t)index); /* a still: all but the refresh is skipped */
    for (int p = 0; p < 3; p++) {
        bool tall = spec->format == AV_PIX_FMT_YUV422P || spec->format == AV_PIX_FMT_YUVJ422P;
        int rows = p && !tall ? (spec->height + 1) / 2 : spec->height;
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < frame->linesize[p]; x++) {
                int value = p ? 128 : 40 + 8 * index;
                if (spec->noise)
                    value = (int)fv_rand_below(&rand, 256);
                if (wide)
                    value = x % 2 ? value * 4 >> 8 : value * 4 & 255;
                frame->data[p][y * frame->linesize[p] + x] = (uint8_t)value;
            }
    }
}

static void add_packet(struct stream *stream, const struct stream_spec *spec,
                       const AVPacket *packet)
{
    assert_true(stream->count < STREAM_MAX);
    struct fv_au *au = &stream->au[stream->count++];
    *au = (struct fv_au){.codec = spec->codec, .camera = 3, .epoch = 7, .wall = FV_TIME_UNKNOWN};
    au->size = (size_t)packet->size;
    size_t room = fv_av1_pack_bound(au->size) + FV_AU_PADDING;
    assert_int_equal(fv_buf_get(stream->pool, room, &au->buf), 0);
    if (spec->codec == FV_CODEC_AV1)
        au->size = (size_t)fv_av1_pack(packet->data, au->size, au->buf->data);
    else
        memcpy(au->buf->data, packet->data, au->size);
    memset(au->buf->data + au->size, 0, FV_AU_PADDING);
    au->flags = packet->flags & AV_PKT_FLAG_KEY ? FV_FRAME_KEY : 0;
    au->pts = packet->pts * 40 * FV_MS;
    au->first_packet = au->pts + 1;
    au->last_packet = au->pts + 2;
    au->delivered = au->pts + 3;
}

static void collect(AVCodecContext *context, struct stream *stream, const struct stream_spec *spec)
{
    AVPacket *packet = av_packet_alloc();
    assert_non_null(packet);
    while (avcodec_receive_packet(context, packet) == 0) {
        add_packet(stream, spec, packet);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
}

static void encode(AVCodecContext *context, struct stream *stream, const struct stream_spec *spec)
{
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    for (int i = 0; i < spec->pictures; i++) {
        frame->format = spec->format;
        frame->width = spec->width;
        frame->height = spec->height;
        assert_int_equal(av_frame_get_buffer(frame, 0), 0);
        draw(frame, spec, i);
        frame->pts = i;
        assert_int_equal(avcodec_send_frame(context, frame), 0);
        av_frame_unref(frame);
        collect(context, stream, spec);
    }
    av_frame_free(&frame);
    avcodec_send_frame(context, NULL);
    collect(context, stream, spec);
}

/* Skips the calling test when there is no encoder. */
static struct stream make_stream(const struct stream_spec *spec)
{
    struct stream stream = {0};
    fv_libav_log_redirect();
    AVCodecContext *context = open_encoder(spec);
    if (!context) {
        print_message("skipped: libavcodec has no %s encoder for this format\n",
                      fv_codec_name(spec->codec));
        skip();
    }
    assert_int_equal(fv_buf_pool_create(64 << 20, 64 << 20, &stream.pool), 0);
    encode(context, &stream, spec);
    avcodec_free_context(&context);
    assert_int_equal(stream.count, spec->pictures);
    return stream;
}

/* Every buffer must have come home: the decoder kept no access unit. */
static void finish_stream(struct stream *stream)
{
    for (int i = 0; i < stream->count; i++)
        fv_au_drop(&stream->au[i]);
    struct fv_buf_stats stats;
    fv_buf_pool_stats(stream->pool, &stats);
    assert_int_equal(stats.bytes_used, 0);
    fv_buf_pool_destroy(stream->pool);
}

static struct fv_decoder *open_decoder(enum fv_codec codec, struct got *got)
{
    struct fv_decoder_params params = {.codec = codec, .picture = on_picture, .data = got};
    struct fv_decoder *decoder;
    struct fv_error err = {0};
    assert_int_equal(fv_decoder_cpu.open(&params, &decoder, &err), 0);
    return decoder;
}

static void submit_all(struct fv_decoder *decoder, const struct stream *stream)
{
    for (int i = 0; i < stream->count; i++)
        assert_int_equal(fv_decoder_cpu.submit(decoder, &stream->au[i], NULL), 0);
}

/* The luma in the middle of the picture, in 8 bits. */
static int luma_of(const struct fv_picture *picture)
{
    size_t x = picture->info.width / 2, y = picture->info.height / 2;
    const uint8_t *row = picture->plane[0] + y * picture->pitch[0];
    if (picture->format == FV_PIXEL_I010)
        return (row[2 * x] | row[2 * x + 1] << 8) / 4;
    return row[x];
}

static void assert_is_picture_of(enum fv_codec codec, const struct fv_picture *picture, int index)
{
    bool key = index == 0 || codec == FV_CODEC_JPEG;
    assert_in_range(luma_of(picture), 40 + 8 * index - 3, 40 + 8 * index + 3);
    assert_int_equal(picture->info.pts, index * 40 * FV_MS);
    assert_int_equal(picture->info.at.first_packet, picture->info.pts + 1);
    assert_int_equal(picture->info.at.last_packet, picture->info.pts + 2);
    assert_int_equal(picture->info.at.delivered, picture->info.pts + 3);
    assert_int_equal(picture->info.at.decoded, FV_TIME_UNKNOWN);
    assert_int_equal(picture->info.wall, FV_TIME_UNKNOWN);
    assert_int_equal(picture->info.camera, 3);
    assert_int_equal(picture->info.epoch, 7);
    assert_int_equal(picture->info.number, 0);
    assert_int_equal(picture->info.flags, key ? FV_FRAME_KEY : 0);
}

static void assert_is_picture(const struct fv_picture *picture, int index)
{
    assert_is_picture_of(FV_CODEC_H264, picture, index);
}

/* Without B pictures each access unit yields its picture at once. */
static void check_no_delay(enum fv_codec codec)
{
    bool jpeg = codec == FV_CODEC_JPEG;
    struct stream stream =
        make_stream(&(struct stream_spec){.codec = codec,
                                          .width = 64,
                                          .height = 48,
                                          .pictures = 12,
                                          .format = jpeg ? AV_PIX_FMT_YUVJ420P : 0,
                                          .full_range = jpeg});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(codec, &got);
    for (int i = 0; i < stream.count; i++) {
        assert_int_equal(fv_decoder_cpu.submit(decoder, &stream.au[i], NULL), 0);
        assert_int_equal(got.count, i + 1);
        const struct fv_picture *picture = got.picture[i];
        assert_is_picture_of(codec, picture, i);
        assert_int_equal(picture->format, FV_PIXEL_I420);
        assert_int_equal(picture->memory, FV_MEMORY_HOST);
        assert_int_equal(picture->info.width, 64);
        assert_int_equal(picture->info.height, 48);
        assert_int_equal(picture->matrix, FV_MATRIX_BT601);
        assert_int_equal(picture->full_range, jpeg);
    }
    /* Pictures outlive the decoder. */
    fv_decoder_cpu.close(decoder);
    assert_is_picture_of(codec, got.picture[5], 5);
    drop_pictures(&got);
    finish_stream(&stream);
}

static void test_h264_no_delay(void **state)
{
    (void)state;
    check_no_delay(FV_CODEC_H264);
}

static void test_h265_no_delay(void **state)
{
    (void)state;
    check_no_delay(FV_CODEC_H265);
}

static void test_jpeg_no_delay(void **state)
{
    (void)state;
    check_no_delay(FV_CODEC_JPEG);
}

static void test_vp9_no_delay(void **state)
{
    (void)state;
    check_no_delay(FV_CODEC_VP9);
}

static void test_av1_no_delay(void **state)
{
    (void)state;
    check_no_delay(FV_CODEC_AV1);
}

/* A superframe (annex B) of the first access unit, whose key frame is hidden, and the second one. */
static struct fv_au hide_first(struct stream *stream)
{
    const struct fv_au *first = &stream->au[0], *second = &stream->au[1];
    struct fv_au au = *first;
    au.size = first->size + second->size + 6;
    assert_int_equal(fv_buf_get(stream->pool, au.size + FV_AU_PADDING, &au.buf), 0);
    uint8_t *data = au.buf->data, *index = data + au.size - 6;
    memcpy(data, first->buf->data, first->size);
    memcpy(data + first->size, second->buf->data, second->size);
    data[0] &= 0xfd; /* show_frame */
    index[0] = index[5] = 0xc9;
    index[1] = (uint8_t)first->size, index[2] = (uint8_t)(first->size >> 8);
    index[3] = (uint8_t)second->size, index[4] = (uint8_t)(second->size >> 8);
    memset(data + au.size, 0, FV_AU_PADDING);
    return au;
}

/* What is hidden gives no picture, until a frame of one byte shows it. */
static void test_vp9_hidden(void **state)
{
    (void)state;
    struct stream stream = make_stream(
        &(struct stream_spec){.codec = FV_CODEC_VP9, .width = 64, .height = 48, .pictures = 3});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(FV_CODEC_VP9, &got);
    struct fv_au super = hide_first(&stream);
    assert_int_equal(fv_decoder_cpu.submit(decoder, &super, NULL), 0);
    assert_int_equal(fv_decoder_cpu.submit(decoder, &stream.au[2], NULL), 0);
    assert_int_equal(got.count, 2);
    assert_in_range(luma_of(got.picture[0]), 45, 51); /* picture 1 */
    assert_int_equal(got.picture[0]->info.pts, 0);
    assert_int_equal(got.picture[0]->info.flags, FV_FRAME_KEY);
    assert_is_picture(got.picture[1], 2);
    super.size = 1;
    super.buf->data[0] = 0x8f; /* show_existing_frame: 7 */
    super.pts = 99;
    assert_int_equal(fv_decoder_cpu.submit(decoder, &super, NULL), 0);
    assert_int_equal(got.count, 3);
    assert_in_range(luma_of(got.picture[2]), 37, 43); /* picture 0 */
    assert_int_equal(got.picture[2]->info.pts, 99);
    fv_au_drop(&super);
    drop_pictures(&got);
    fv_decoder_cpu.close(decoder);
    finish_stream(&stream);
}

/* What libavcodec makes of the image, as it is. */
static AVFrame *decode_plain(const struct fv_au *au)
{
    AVCodecContext *context = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_MJPEG));
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    assert_true(context && packet && frame);
    assert_int_equal(avcodec_open2(context, NULL, NULL), 0);
    packet->data = au->buf->data;
    packet->size = (int)au->size;
    assert_int_equal(avcodec_send_packet(context, packet), 0);
    assert_int_equal(avcodec_receive_frame(context, frame), 0);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    return frame;
}

static void assert_halved(const struct fv_picture *picture, const AVFrame *frame)
{
    int width = frame->width, height = frame->height;
    for (int y = 0; y < height; y++)
        assert_memory_equal(picture->plane[0] + (size_t)y * picture->pitch[0],
                            frame->data[0] + y * frame->linesize[0], (size_t)width);
    for (int p = 1; p < 3; p++)
        for (int y = 0; y < (height + 1) / 2; y++)
            for (int x = 0; x < (width + 1) / 2; x++) {
                const uint8_t *above = frame->data[p] + 2 * y * frame->linesize[p];
                const uint8_t *below = 2 * y + 1 < height ? above + frame->linesize[p] : above;
                assert_int_equal(picture->plane[p][(size_t)y * picture->pitch[p] + (size_t)x],
                                 (above[x] + below[x] + 1) / 2);
            }
}

/* 4:2:2, which many cameras send: chroma by the mean of two rows; all pictures are held meanwhile. Odd sizes, too. */
static void test_jpeg_422(void **state)
{
    (void)state;
    struct stream stream = make_stream(&(struct stream_spec){.codec = FV_CODEC_JPEG,
                                                             .width = 63,
                                                             .height = 47,
                                                             .pictures = 4,
                                                             .noise = true,
                                                             .format = AV_PIX_FMT_YUVJ422P,
                                                             .full_range = true});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(FV_CODEC_JPEG, &got);
    submit_all(decoder, &stream);
    assert_int_equal(got.count, 4);
    for (int i = 0; i < 4; i++) {
        AVFrame *frame = decode_plain(&stream.au[i]);
        assert_int_equal(frame->format, AV_PIX_FMT_YUVJ422P);
        assert_int_equal(got.picture[i]->format, FV_PIXEL_I420);
        assert_true(got.picture[i]->full_range);
        assert_halved(got.picture[i], frame);
        av_frame_free(&frame);
    }
    drop_pictures(&got);
    fv_decoder_cpu.close(decoder);
    finish_stream(&stream);
}

/* With B pictures the information must follow its picture through the reordering. */
static void check_reorder(enum fv_codec codec)
{
    struct stream stream = make_stream(&(struct stream_spec){
        .codec = codec, .width = 64, .height = 48, .pictures = 20, .b_frames = 2});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(codec, &got);
    bool reordered = false;
    for (int i = 0; i < stream.count; i++) {
        reordered |= i > 0 && stream.au[i].pts < stream.au[i - 1].pts;
        assert_int_equal(fv_decoder_cpu.submit(decoder, &stream.au[i], NULL), 0);
    }
    assert_true(reordered);
    assert_in_range(got.count, 17, 20);
    assert_int_equal(fv_decoder_cpu.drain(decoder, NULL), 0);
    assert_int_equal(got.count, 20);
    for (int i = 0; i < got.count; i++)
        assert_is_picture(got.picture[i], i);
    drop_pictures(&got);
    fv_decoder_cpu.close(decoder);
    finish_stream(&stream);
}

static void test_h264_reorder(void **state)
{
    (void)state;
    check_reorder(FV_CODEC_H264);
}

static void test_h265_reorder(void **state)
{
    (void)state;
    check_reorder(FV_CODEC_H265);
}

static void check_ten_bits(enum fv_codec codec)
{
    struct stream stream = make_stream(&(struct stream_spec){.codec = codec,
                                                             .width = 64,
                                                             .height = 64,
                                                             .pictures = 3,
                                                             .format = AV_PIX_FMT_YUV420P10LE});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(codec, &got);
    submit_all(decoder, &stream);
    assert_int_equal(got.count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(got.picture[i]->format, FV_PIXEL_I010);
        assert_is_picture(got.picture[i], i);
    }
    drop_pictures(&got);
    fv_decoder_cpu.close(decoder);
    finish_stream(&stream);
}

static void test_ten_bits(void **state)
{
    (void)state;
    check_ten_bits(FV_CODEC_H265);
}

static void test_vp9_ten_bits(void **state)
{
    (void)state;
    check_ten_bits(FV_CODEC_VP9);
}

static void test_av1_ten_bits(void **state)
{
    (void)state;
    check_ten_bits(FV_CODEC_AV1);
}

/* 1280x720 without a word about colour; then explicit words against the rule of thumb. */
static void test_colour(void **state)
{
    (void)state;
    static const struct {
        int width, height;
        enum AVColorSpace matrix;
        bool full_range;
        enum fv_matrix want;
    } cases[] = {
        {1280, 720, 0, false, FV_MATRIX_BT709},
        {1280, 718, 0, true, FV_MATRIX_BT601},
        {1280, 720, AVCOL_SPC_SMPTE170M, false, FV_MATRIX_BT601},
        {64, 48, AVCOL_SPC_BT709, true, FV_MATRIX_BT709},
        {64, 48, AVCOL_SPC_BT470BG, false, FV_MATRIX_BT601},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stream stream =
            make_stream(&(struct stream_spec){.codec = FV_CODEC_H264,
                                              .width = cases[i].width,
                                              .height = cases[i].height,
                                              .pictures = 1,
                                              .matrix = cases[i].matrix,
                                              .full_range = cases[i].full_range});
        struct got got = {0};
        struct fv_decoder *decoder = open_decoder(FV_CODEC_H264, &got);
        submit_all(decoder, &stream);
        assert_int_equal(got.count, 1);
        assert_int_equal(got.picture[0]->matrix, cases[i].want);
        assert_int_equal(got.picture[0]->full_range, cases[i].full_range);
        assert_int_equal(got.picture[0]->info.height, cases[i].height);
        drop_pictures(&got);
        fv_decoder_cpu.close(decoder);
        finish_stream(&stream);
    }
}

/* 62x46 is coded as 64x48 and cropped; then the same decoder gets another size. */
static void test_size_changes(void **state)
{
    (void)state;
    struct stream small = make_stream(
        &(struct stream_spec){.codec = FV_CODEC_H264, .width = 62, .height = 46, .pictures = 3});
    struct stream large = make_stream(
        &(struct stream_spec){.codec = FV_CODEC_H264, .width = 320, .height = 240, .pictures = 3});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(FV_CODEC_H264, &got);
    submit_all(decoder, &small);
    submit_all(decoder, &large);
    submit_all(decoder, &small);
    assert_int_equal(got.count, 9);
    for (int i = 0; i < 9; i++) {
        bool is_large = i / 3 == 1;
        assert_int_equal(got.picture[i]->info.width, is_large ? 320 : 62);
        assert_int_equal(got.picture[i]->info.height, is_large ? 240 : 46);
        assert_is_picture(got.picture[i], i % 3);
    }
    drop_pictures(&got);
    fv_decoder_cpu.close(decoder);
    finish_stream(&small);
    finish_stream(&large);
}

static void test_other_chroma(void **state)
{
    (void)state;
    struct stream stream = make_stream(&(struct stream_spec){.codec = FV_CODEC_H264,
                                                             .width = 64,
                                                             .height = 48,
                                                             .pictures = 1,
                                                             .format = AV_PIX_FMT_YUV422P});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(FV_CODEC_H264, &got);
    struct fv_error err = {0};
    assert_int_equal(fv_decoder_cpu.submit(decoder, &stream.au[0], &err), -ENOTSUP);
    assert_non_null(strstr(err.text, "yuv422p"));
    assert_non_null(strstr(err.text, "4:2:0"));
    assert_int_equal(got.count, 0);
    fv_decoder_cpu.close(decoder);
    finish_stream(&stream);
}

/* Half of picture 2 is missing: it and what refers to it are marked, until a good key picture. */
static void test_damage(void **state)
{
    (void)state;
    struct stream stream = make_stream(&(struct stream_spec){
        .codec = FV_CODEC_H264, .width = 128, .height = 96, .pictures = 5, .noise = true});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(FV_CODEC_H264, &got);
    struct fv_au *cut = &stream.au[2];
    cut->size /= 2;
    memset(cut->buf->data + cut->size, 0, FV_AU_PADDING);
    submit_all(decoder, &stream);
    assert_int_equal(got.count, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(got.picture[i]->info.flags & FV_FRAME_DAMAGED,
                         i >= 2 ? FV_FRAME_DAMAGED : 0);
    drop_pictures(&got);

    /* The receiver's own mark is kept, inherited, and ends with the next key picture. */
    fv_decoder_cpu.flush(decoder);
    stream.count = 2;
    stream.au[1].flags |= FV_FRAME_DAMAGED;
    submit_all(decoder, &stream);
    submit_all(decoder, &stream);
    assert_int_equal(got.count, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(got.picture[i]->info.flags & FV_FRAME_DAMAGED,
                         i % 2 ? FV_FRAME_DAMAGED : 0);
    drop_pictures(&got);
    stream.count = 5;
    fv_decoder_cpu.close(decoder);
    finish_stream(&stream);
}

/* After how many pictures all is whole when decoding starts here; negative: it cannot. */
static int recovery_of(const struct fv_au *au)
{
    struct fv_annexb it;
    struct fv_nal nal;
    int pictures = -ENOENT;
    fv_annexb_init(&it, au->buf->data, au->size);
    while (pictures < 0 && fv_annexb_next(&it, &nal))
        pictures = fv_codec_ops(FV_CODEC_H264)->recovery(nal.data, nal.size);
    return pictures;
}

/* The first recovery point from access unit `from` on. */
static int find_point(const struct stream *stream, int from)
{
    while (from < stream->count && recovery_of(&stream->au[from]) < 0)
        from++;
    assert_true(from < stream->count);
    return from;
}

static bool same_pixels(const struct fv_picture *a, const struct fv_picture *b)
{
    for (int p = 0; p < 3; p++)
        for (uint32_t y = 0; y < a->info.height >> !!p; y++)
            if (memcmp(a->plane[p] + y * a->pitch[p], b->plane[p] + y * b->pitch[p],
                       a->info.width >> !!p) != 0)
                return false;
    return true;
}

/* Started at a recovery point, marked as the receiver marks: what comes out unmarked is what a decoder shows that had it all. */
static void test_refresh(void **state)
{
    (void)state;
    struct stream stream = make_stream(&(struct stream_spec){.codec = FV_CODEC_H264,
                                                             .width = 128,
                                                             .height = 96,
                                                             .pictures = 38,
                                                             .noise = true,
                                                             .refresh = true});
    struct got all = {0}, got = {0};
    struct fv_decoder *decoder = open_decoder(FV_CODEC_H264, &all);
    submit_all(decoder, &stream);
    fv_decoder_cpu.close(decoder);
    int start = find_point(&stream, 5), pictures = recovery_of(&stream.au[start]);
    assert_in_range(pictures, 1, 12);
    decoder = open_decoder(FV_CODEC_H264, &got);
    for (int i = start; i < stream.count; i++) {
        stream.au[i].flags = i < start + pictures ? FV_FRAME_PARTIAL : 0;
        if (recovery_of(&stream.au[i]) >= 0)
            stream.au[i].flags |= FV_FRAME_KEY | FV_FRAME_RECOVERY;
        assert_int_equal(fv_decoder_cpu.submit(decoder, &stream.au[i], NULL), 0);
    }
    assert_int_equal(got.count, stream.count - start);
    assert_false(same_pixels(got.picture[0], all.picture[start])); /* the test can fail */
    for (int i = 0; i < got.count; i++) {
        uint32_t flags = got.picture[i]->info.flags;
        bool marked = flags & (FV_FRAME_PARTIAL | FV_FRAME_DAMAGED);
        assert_int_equal(marked, i < pictures);
        assert_true(marked || same_pixels(got.picture[i], all.picture[start + i]));
    }
    drop_pictures(&all);
    drop_pictures(&got);
    fv_decoder_cpu.close(decoder);
    finish_stream(&stream);
}

/* Damage from before ends at the second recovery point behind it: then one refresh is through. */
static void test_refresh_after_damage(void **state)
{
    (void)state;
    struct stream stream = make_stream(&(struct stream_spec){
        .codec = FV_CODEC_H264, .width = 128, .height = 96, .pictures = 36, .refresh = true});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(FV_CODEC_H264, &got);
    int first = find_point(&stream, 6), second = find_point(&stream, first + 1);
    stream.au[first].flags = stream.au[second].flags = FV_FRAME_KEY | FV_FRAME_RECOVERY;
    stream.au[5].flags |= FV_FRAME_DAMAGED;
    for (int i = second + 1; i < stream.count; i++)
        stream.au[i].flags = 0;
    submit_all(decoder, &stream);
    assert_int_equal(got.count, stream.count);
    for (int i = 0; i < got.count; i++)
        assert_int_equal((got.picture[i]->info.flags & FV_FRAME_DAMAGED) != 0,
                         i >= 5 && i < second);
    drop_pictures(&got);
    fv_decoder_cpu.close(decoder);
    finish_stream(&stream);
}

/* Rubbish is refused, and the decoder works again with the next key picture. */
static void test_garbage(void **state)
{
    (void)state;
    struct stream stream = make_stream(
        &(struct stream_spec){.codec = FV_CODEC_H264, .width = 64, .height = 48, .pictures = 3});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(FV_CODEC_H264, &got);
    struct fv_au bad = {.codec = FV_CODEC_H264, .size = 600, .camera = 3};
    assert_int_equal(fv_buf_get(stream.pool, bad.size + FV_AU_PADDING, &bad.buf), 0);
    memset(bad.buf->data, 0, bad.size + FV_AU_PADDING);
    struct fv_error err = {0};
    struct fv_rand rand;
    fv_rand_seed(&rand, 11);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < bad.size; i++)
            bad.buf->data[i] = (uint8_t)fv_rand_u64(&rand);
        /* A start code and a slice, parameter set or other kind. */
        memcpy(bad.buf->data, (uint8_t[]){0, 0, 0, 1, (uint8_t)(0x60 | (round % 12 + 1))}, 5);
        int code = fv_decoder_cpu.submit(decoder, &bad, &err);
        assert_true(code == 0 || code == -EBADMSG || code == -ENOTSUP);
    }
    drop_pictures(&got);
    memset(bad.buf->data, 0xA5, bad.size);
    assert_int_equal(fv_decoder_cpu.submit(decoder, &bad, &err), -EBADMSG);
    assert_int_equal(err.code, -EBADMSG);
    assert_true(strlen(err.text) > 0);
    bad.size = 0;
    assert_int_equal(fv_decoder_cpu.submit(decoder, &bad, &err), -EBADMSG);
    fv_au_drop(&bad);

    fv_decoder_cpu.flush(decoder);
    submit_all(decoder, &stream);
    assert_int_equal(got.count, 3);
    for (int i = 0; i < 3; i++)
        assert_is_picture(got.picture[i], i);
    drop_pictures(&got);
    fv_decoder_cpu.close(decoder);
    finish_stream(&stream);
}

/* Once warm, a picture needs no memory of ours: an allocation that would fail never comes. */
static void test_steady_state(void **state)
{
    (void)state;
    struct stream stream = make_stream(
        &(struct stream_spec){.codec = FV_CODEC_H264, .width = 64, .height = 48, .pictures = 20});
    struct got got = {0};
    struct fv_decoder *decoder = open_decoder(FV_CODEC_H264, &got);
    for (int i = 0; i < stream.count; i++) {
        if (i == 5)
            fv_alloc_fail_at(1);
        assert_int_equal(fv_decoder_cpu.submit(decoder, &stream.au[i], NULL), 0);
        assert_int_equal(got.count, 1);
        drop_pictures(&got);
    }
    assert_true(fv_alloc_fail_pending());
    fv_alloc_fail_at(0);
    fv_decoder_cpu.close(decoder);
    finish_stream(&stream);
}

static void test_open_failures(void **state)
{
    (void)state;
    struct got got = {0};
    struct fv_decoder_params params = {.codec = FV_CODEC_NONE, .picture = on_picture, .data = &got};
    struct fv_decoder *decoder = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_decoder_cpu.open(&params, &decoder, &err), -ENOTSUP);
    assert_true(strlen(err.text) > 0);
    params.codec = FV_CODEC_H265;
    for (unsigned n = 1; n <= 2; n++) {
        fv_alloc_fail_at(n);
        assert_int_equal(fv_decoder_cpu.open(&params, &decoder, &err), -ENOMEM);
        assert_false(fv_alloc_fail_pending());
        assert_null(decoder);
    }
    fv_decoder_cpu.close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h264_no_delay),
        cmocka_unit_test(test_h265_no_delay),
        cmocka_unit_test(test_jpeg_no_delay),
        cmocka_unit_test(test_vp9_no_delay),
        cmocka_unit_test(test_av1_no_delay),
        cmocka_unit_test(test_vp9_hidden),
        cmocka_unit_test(test_jpeg_422),
        cmocka_unit_test(test_vp9_ten_bits),
        cmocka_unit_test(test_av1_ten_bits),
        cmocka_unit_test(test_h264_reorder),
        cmocka_unit_test(test_h265_reorder),
        cmocka_unit_test(test_ten_bits),
        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_size_changes),
        cmocka_unit_test(test_other_chroma),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_refresh_after_damage),
        cmocka_unit_test(test_steady_state),
        cmocka_unit_test(test_open_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
