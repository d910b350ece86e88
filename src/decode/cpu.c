// SPDX-License-Identifier: Apache-2.0
/*
 * libavcodec on the CPU, one thread, lowest delay. Nothing is copied: the packet borrows the
 * access unit's buffer, the picture holds libavcodec's frame.
 *
 * An access unit's identity must come out with its picture although pictures may be reordered and
 * held back: each packet's pts is a serial number, and a small table keeps what belongs to the
 * last ones.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "decode/cpu_pool.h"
#include "decode/damage.h"
#include "decode/decoder.h"
#include "decode/libav_log.h"

/* More than a decoder can hold back: 16 pictures in H.264 and H.265, fewer in the others. */
#define PENDING 64
/* 8192 x 4352, the largest picture of level 6.2 in H.264 and H.265. */
#define PIXELS_MAX (8192 * 4352)

struct pending {
    int64_t serial;
    struct fv_frame_info info;
};

struct fv_decoder {
    struct fv_decoder_params params;
    AVCodecContext *context;
    AVPacket *packet;
    struct fv_cpu_pool *pool;
    int64_t serial;
    struct fv_damage damage;
    struct pending pending[PENDING];
};

static int map_error(struct fv_decoder *decoder, int av_code, struct fv_error *err)
{
    const char *codec = fv_codec_name(decoder->params.codec);
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(av_code, text, sizeof(text));
    switch (av_code) {
    case AVERROR(ENOMEM):
        return fv_error_set(err, -ENOMEM, "%s decoder: out of memory", codec);
    case AVERROR_PATCHWELCOME:
    case AVERROR(ENOSYS):
        return fv_error_set(err, -ENOTSUP,
                            "%s: the stream uses a feature that libavcodec does not decode", codec);
    default:
        return fv_error_set(err, -EBADMSG, "%s: the picture cannot be decoded: %s", codec, text);
    }
}

static enum AVCodecID id_of(enum fv_codec codec)
{
    static const enum AVCodecID ids[] = {
        [FV_CODEC_NONE] = AV_CODEC_ID_NONE, [FV_CODEC_H264] = AV_CODEC_ID_H264,
        [FV_CODEC_H265] = AV_CODEC_ID_HEVC, [FV_CODEC_JPEG] = AV_CODEC_ID_MJPEG,
        [FV_CODEC_VP9] = AV_CODEC_ID_VP9,   [FV_CODEC_AV1] = AV_CODEC_ID_AV1,
    };
    return (unsigned)codec < sizeof(ids) / sizeof(ids[0]) ? ids[codec] : AV_CODEC_ID_NONE;
}

static AVCodecContext *make_context(enum fv_codec codec)
{
    const AVCodec *av_codec = avcodec_find_decoder(id_of(codec));
    /* libavcodec's own "av1" is a front end of hardware; libdav1d and libaom, which come first, are decoders. */
    if (av_codec && strcmp(av_codec->name, "av1") == 0)
        return NULL;
    AVCodecContext *context = av_codec ? avcodec_alloc_context3(av_codec) : NULL;
    if (!context)
        return NULL;
    context->thread_count = 1;
    /* UNALIGNED: cropping must be exact to the pixel. OUTPUT_CORRUPT: damaged pictures come out,
     * marked. */
    context->flags |=
        AV_CODEC_FLAG_LOW_DELAY | AV_CODEC_FLAG_UNALIGNED | AV_CODEC_FLAG_OUTPUT_CORRUPT;
    context->max_pixels = PIXELS_MAX;
    context->pkt_timebase = (AVRational){1, 1000000000};
    return context;
}

static void cpu_close(struct fv_decoder *decoder)
{
    if (!decoder)
        return;
    av_packet_free(&decoder->packet);
    avcodec_free_context(&decoder->context);
    fv_cpu_pool_unref(decoder->pool);
    fv_free(decoder);
}

static int cpu_open(const struct fv_decoder_params *params, struct fv_decoder **ret_decoder,
                    struct fv_error *err)
{
    if (id_of(params->codec) == AV_CODEC_ID_NONE)
        return fv_error_set(err, -ENOTSUP, "codec %s is not supported",
                            fv_codec_name(params->codec));
    fv_libav_log_redirect();
    struct fv_decoder *decoder = FV_NEW(struct fv_decoder);
    if (!decoder)
        return fv_error_set(err, -ENOMEM, "out of memory");
    decoder->params = *params;
    decoder->context = make_context(params->codec);
    decoder->packet = av_packet_alloc();
    int code = fv_cpu_pool_create(&decoder->pool);
    if (code < 0 || !decoder->context || !decoder->packet) {
        bool missing = !decoder->context;
        cpu_close(decoder);
        return missing
                   ? fv_error_set(err, -ENOTSUP, "this machine's libavcodec has no %s decoder%s",
                                  fv_codec_name(params->codec),
                                  params->codec == FV_CODEC_AV1
                                      ? ": it must be built with libdav1d or libaom"
                                      : "")
                   : fv_error_set(err, -ENOMEM, "out of memory");
    }
    code = avcodec_open2(decoder->context, NULL, NULL);
    if (code < 0) {
        cpu_close(decoder);
        return fv_error_set(err, code == AVERROR(ENOMEM) ? -ENOMEM : -EIO,
                            "libavcodec does not open its %s decoder",
                            fv_codec_name(params->codec));
    }
    *ret_decoder = decoder;
    return 0;
}

static void release_au(void *opaque, uint8_t *data)
{
    (void)data;
    fv_buf_unref(opaque);
}

/* Puts what identifies the access unit aside; libavcodec gives its serial number back with the
 * picture. */
static void remember(struct fv_decoder *decoder, const struct fv_au *au)
{
    struct pending *pending = &decoder->pending[++decoder->serial % PENDING];
    pending->serial = decoder->serial;
    pending->info = fv_damage_next(&decoder->damage, au);
}

static const struct fv_frame_info *recall(const struct fv_decoder *decoder, int64_t serial)
{
    /* A picture without a number of ours (concealment) counts as the newest. */
    if (serial < 1 || serial > decoder->serial)
        serial = decoder->serial;
    const struct pending *pending = &decoder->pending[serial % PENDING];
    if (pending->serial != serial)
        pending = &decoder->pending[decoder->serial % PENDING];
    return &pending->info;
}

/* 4:2:2 -> 4:2:0: the mean of two rows of chroma, where the first of them was. In place: JPEG's decoder does
 * not look at a frame again. */
static void halve_chroma(const AVFrame *frame, struct fv_picture *picture)
{
    const size_t width = ((size_t)frame->width + 1) / 2;
    for (int p = 1; p < 3; p++) {
        for (int y = 0; y + 1 < frame->height; y += 2) {
            uint8_t *row = frame->data[p] + (ptrdiff_t)y * frame->linesize[p];
            const uint8_t *below = row + frame->linesize[p];
            for (size_t x = 0; x < width; x++)
                row[x] = (uint8_t)((row[x] + below[x] + 1) / 2);
        }
        picture->pitch[p] *= 2;
    }
}

static int refuse_format(const AVFrame *frame, enum fv_codec codec, struct fv_error *err)
{
    const char *name = av_get_pix_fmt_name(frame->format);
    bool nals = codec == FV_CODEC_H264 || codec == FV_CODEC_H265;
    return fv_error_set(err, -ENOTSUP,
                        "%s pictures of format %s are not supported: only 4:2:0 with 8 or 10 bits "
                        "is%s%s",
                        fv_codec_name(codec), name ? name : "unknown",
                        codec == FV_CODEC_JPEG ? ", and 4:2:2 with 8" : "",
                        nals ? "; choose profile Main, High or Main 10 in the camera" : "");
}

static int set_format(struct fv_picture *picture, const AVFrame *frame, enum fv_codec codec,
                      struct fv_error *err)
{
    bool halve = false;
    switch (frame->format) {
    case AV_PIX_FMT_YUV422P:
    case AV_PIX_FMT_YUVJ422P:
        halve = codec == FV_CODEC_JPEG; /* pictures of the others are still referred to */
        if (!halve)
            return refuse_format(frame, codec, err);
        picture->format = FV_PIXEL_I420;
        break;
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
        picture->format = FV_PIXEL_I420;
        break;
    case AV_PIX_FMT_YUV420P10LE:
        picture->format = FV_PIXEL_I010;
        break;
    default:
        return refuse_format(frame, codec, err);
    }
    for (int i = 0; i < 3; i++) {
        if (!frame->data[i] || frame->linesize[i] <= 0)
            return fv_error_set(err, -EIO, "libavcodec gave a picture without pixels");
        picture->plane[i] = frame->data[i];
        picture->pitch[i] = (size_t)frame->linesize[i];
    }
    if (halve)
        halve_chroma(frame, picture);
    return 0;
}

static void set_colour(struct fv_picture *picture, const AVFrame *frame)
{
    switch (frame->colorspace) {
    case AVCOL_SPC_FCC:
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_SMPTE240M:
        picture->matrix = FV_MATRIX_BT601;
        break;
    case AVCOL_SPC_UNSPECIFIED:
    case AVCOL_SPC_RESERVED:
        /* What displays do: high definition is BT.709. */
        picture->matrix = frame->height >= 720 ? FV_MATRIX_BT709 : FV_MATRIX_BT601;
        break;
    default:
        picture->matrix = FV_MATRIX_BT709;
        break;
    }
    picture->full_range = frame->color_range == AVCOL_RANGE_JPEG ||
                          frame->format == AV_PIX_FMT_YUVJ420P ||
                          frame->format == AV_PIX_FMT_YUVJ422P;
}

/* Dresses the frame in `held` as a picture. On failure `held` stays the caller's. */
static int finish_picture(struct fv_decoder *decoder, struct fv_cpu_picture *held,
                          struct fv_error *err)
{
    struct fv_picture *picture = &held->picture;
    const AVFrame *frame = held->frame;
    int code = set_format(picture, frame, decoder->params.codec, err);
    if (code < 0)
        return code;
    set_colour(picture, frame);
    picture->memory = FV_MEMORY_HOST;
    picture->info = *recall(decoder, frame->pts);
    picture->info.width = (uint32_t)frame->width;
    picture->info.height = (uint32_t)frame->height;
    if ((frame->flags & AV_FRAME_FLAG_CORRUPT) || frame->decode_error_flags) {
        /* What refers to this picture inherits the damage, which is known already while a refresh
         * is under way. */
        if (!(picture->info.flags & FV_FRAME_PARTIAL))
            fv_damage_hurt(&decoder->damage);
        picture->info.flags |= FV_FRAME_DAMAGED;
    }
    return 0;
}

/* Takes out all pictures that are ready. */
static int receive(struct fv_decoder *decoder, struct fv_error *err)
{
    for (;;) {
        struct fv_cpu_picture *held;
        int code = fv_cpu_pool_get(decoder->pool, &held);
        if (code < 0)
            return fv_error_set(err, code, "out of memory");
        int av_code = avcodec_receive_frame(decoder->context, held->frame);
        if (av_code < 0) {
            fv_picture_unref(&held->picture);
            if (av_code == AVERROR(EAGAIN) || av_code == AVERROR_EOF)
                return 0;
            return map_error(decoder, av_code, err);
        }
        code = finish_picture(decoder, held, err);
        if (code < 0) {
            fv_picture_unref(&held->picture);
            return code;
        }
        decoder->params.picture(decoder->params.data, &held->picture);
    }
}

static int fill_packet(struct fv_decoder *decoder, const struct fv_au *au)
{
    AVPacket *packet = decoder->packet;
    packet->buf = av_buffer_create(au->buf->data, au->size + FV_AU_PADDING, release_au, au->buf,
                                   AV_BUFFER_FLAG_READONLY);
    if (!packet->buf)
        return -ENOMEM;
    fv_buf_ref(au->buf);
    packet->data = au->buf->data;
    packet->size = (int)au->size;
    packet->pts = packet->dts = decoder->serial;
    packet->flags = au->flags & FV_FRAME_KEY ? AV_PKT_FLAG_KEY : 0;
    return 0;
}

static int cpu_submit(struct fv_decoder *decoder, const struct fv_au *au, struct fv_error *err)
{
    if (!au->buf || !au->size || au->size > INT_MAX - FV_AU_PADDING)
        return fv_error_set(err, -EBADMSG, "empty access unit");
    remember(decoder, au);
    if (fill_packet(decoder, au) < 0)
        return fv_error_set(err, -ENOMEM, "out of memory");
    int av_code = avcodec_send_packet(decoder->context, decoder->packet);
    av_packet_unref(decoder->packet);
    if (av_code < 0) {
        fv_damage_hurt(&decoder->damage);
        return map_error(decoder, av_code, err);
    }
    int code = receive(decoder, err);
    if (code < 0)
        fv_damage_hurt(&decoder->damage);
    return code;
}

static void cpu_flush(struct fv_decoder *decoder)
{
    avcodec_flush_buffers(decoder->context);
    decoder->damage = (struct fv_damage){0};
}

static int cpu_drain(struct fv_decoder *decoder, struct fv_error *err)
{
    int first = 0;
    if (avcodec_send_packet(decoder->context, NULL) < 0)
        return 0;
    for (unsigned i = 0; i < PENDING; i++) {
        int code = receive(decoder, first ? NULL : err);
        if (code == 0)
            break;
        if (first == 0)
            first = code;
    }
    return first;
}

const struct fv_decoder_ops fv_decoder_cpu = {
    .name = "cpu",
    .memory = FV_MEMORY_HOST,
    .open = cpu_open,
    .submit = cpu_submit,
    .flush = cpu_flush,
    .drain = cpu_drain,
    .close = cpu_close,
};
