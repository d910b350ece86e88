// SPDX-License-Identifier: Apache-2.0
/* What a stream needs of a session, and whether the hardware and our kernels can give it. */
#include <errno.h>

#include "decode/nvdec_impl.h"

#define MATRIX_UNSPECIFIED 2 /* H.273 table 4 */
#define MATRIX_RESERVED 3
#define HD_HEIGHT 720

const char *fv_nvdec_codec_name(cudaVideoCodec codec)
{
    static const char *const names[] = {"MPEG-1", "MPEG-2",    "MPEG-4", "VC-1", "H.264", "JPEG",
                                        "H.264",  "H.264 MVC", "H.265",  "VP8",  "VP9",   "AV1"};
    return (unsigned)codec < sizeof(names) / sizeof(names[0]) ? names[codec] : "unknown codec";
}

cudaVideoCodec fv_nvdec_codec_of(enum fv_codec codec)
{
    switch (codec) {
    case FV_CODEC_H264:
        return cudaVideoCodec_H264;
    case FV_CODEC_H265:
        return cudaVideoCodec_HEVC;
    case FV_CODEC_JPEG:
        return cudaVideoCodec_JPEG;
    case FV_CODEC_VP9:
        return cudaVideoCodec_VP9;
    case FV_CODEC_AV1:
        return cudaVideoCodec_AV1;
    case FV_CODEC_NONE:
        break;
    }
    return cudaVideoCodec_NumCodecs;
}

static const char *chroma_name(cudaVideoChromaFormat chroma)
{
    static const char *const names[] = {"4:0:0", "4:2:0", "4:2:2", "4:4:4"};
    return (unsigned)chroma < 4 ? names[chroma] : "unknown chroma";
}

static int refuse_codec(struct fv_nvdec *nvdec, const struct fv_nvdec_shape *shape,
                        struct fv_error *err)
{
    struct fv_gpu_info info;
    const char *card = fv_gpu_info(nvdec->gpu, &info, NULL) == 0 ? info.name : "this GPU";
    bool full = shape->codec == cudaVideoCodec_JPEG && shape->chroma > cudaVideoChromaFormat_420;
    return fv_error_set(err, -ENOTSUP, "%s does not decode %s %s with %u bits%s", card,
                        fv_nvdec_codec_name(shape->codec), chroma_name(shape->chroma), shape->depth,
                        full ? ": choose 4:2:0 in the camera, or BACKEND cpu, which takes 4:2:2"
                             : "");
}

/* Asks the hardware. */
static int check_caps(struct fv_nvdec *nvdec, const struct fv_nvdec_shape *shape,
                      struct fv_error *err)
{
    CUVIDDECODECAPS caps = {.eCodecType = shape->codec,
                            .eChromaFormat = shape->chroma,
                            .nBitDepthMinus8 = shape->depth - 8};
    int code = fv_nvdec_check(nvdec, nvdec->driver->cuvidGetDecoderCaps(&caps),
                              "cuvidGetDecoderCaps", err);
    if (code < 0)
        return code;
    const char *codec = fv_nvdec_codec_name(shape->codec);
    unsigned output = shape->depth > 8 ? cudaVideoSurfaceFormat_P016 : cudaVideoSurfaceFormat_NV12;
    if (!caps.bIsSupported || !(caps.nOutputFormatMask & 1u << output))
        return refuse_codec(nvdec, shape, err);
    if (shape->width > caps.nMaxWidth || shape->height > caps.nMaxHeight ||
        (uint64_t)shape->width * shape->height / 256 > caps.nMaxMBCount)
        return fv_error_set(err, -ENOTSUP,
                            "this GPU decodes %s up to %ux%u, the stream has %ux%u: lower the "
                            "camera's resolution",
                            codec, caps.nMaxWidth, caps.nMaxHeight, shape->width, shape->height);
    if (shape->width < caps.nMinWidth || shape->height < caps.nMinHeight)
        return fv_error_set(err, -ENOTSUP,
                            "this GPU decodes %s from %ux%u on, the stream has %ux%u", codec,
                            caps.nMinWidth, caps.nMinHeight, shape->width, shape->height);
    return 0;
}

/* Our kernels read 4:2:0, of which grey is a part. What the hardware makes of JPEG is NV12 in any case. */
static int check_chroma(const struct fv_nvdec_shape *shape, struct fv_error *err)
{
    if (shape->chroma == cudaVideoChromaFormat_420 ||
        shape->chroma == cudaVideoChromaFormat_Monochrome || shape->codec == cudaVideoCodec_JPEG)
        return 0;
    bool nals = shape->codec == cudaVideoCodec_H264 || shape->codec == cudaVideoCodec_HEVC;
    return fv_error_set(err, -ENOTSUP,
                        "%s pictures with %s chroma are not supported: only 4:2:0 is; choose %s",
                        fv_nvdec_codec_name(shape->codec), chroma_name(shape->chroma),
                        nals ? "profile Main, High or Main 10 in the camera"
                             : "profile 0 or, with 10 bits, VP9's profile 2 in the sender");
}

/* Asked before the driver's parser sees the stream: an old one may not know the codec, and the hardware does without progressive JPEG. */
static int check_stream(struct fv_decoder *decoder, const struct fv_video_format *stream,
                        struct fv_error *err)
{
    const struct fv_nvdec_shape shape = {
        .codec = fv_nvdec_codec_of(stream->codec),
        .chroma = (cudaVideoChromaFormat)stream->chroma,
        .depth = stream->bit_depth,
        .width = stream->width,
        .height = stream->height,
    };
    if (stream->codec == FV_CODEC_JPEG && stream->profile > 1)
        return fv_error_set(err, -ENOTSUP,
                            "progressive JPEG is not decoded on the GPU; the CPU back end "
                            "(BACKEND cpu) takes it");
    int code = check_chroma(&shape, err);
    return code == 0 ? check_caps(decoder->nvdec, &shape, err) : code;
}

static bool same_stream(const struct fv_video_format *a, const struct fv_video_format *b)
{
    return a->codec == b->codec && a->width == b->width && a->height == b->height &&
           a->profile == b->profile && a->bit_depth == b->bit_depth && a->chroma == b->chroma;
}

int fv_nvdec_read_parameters(struct fv_decoder *decoder, const struct fv_au *au,
                             struct fv_error *err)
{
    const char *codec = fv_codec_name(au->codec);
    struct fv_video_format stream;
    int code = fv_codec_read_format(au->codec, au->buf->data, au->size, &stream);
    if (code == -ENOENT)
        return 0;
    if (code == -ENOTSUP)
        return fv_error_set(err, code,
                            "%s: the stream's header asks for a size, depth, coding or chroma "
                            "format beyond sane limits",
                            codec);
    if (code < 0)
        return fv_error_set(err, code, "%s: the stream's header is damaged", codec);
    bool nals = au->codec == FV_CODEC_H264 || au->codec == FV_CODEC_H265;
    if (!nals && !same_stream(&stream, &decoder->stream))
        code = check_stream(decoder, &stream, err);
    if (code == 0)
        decoder->stream = stream;
    return code;
}

/* The visible part. The output is even in both directions; what that adds is not handed on. */
static int set_area(struct fv_decoder *decoder, const CUVIDEOFORMAT *format,
                    struct fv_nvdec_shape *shape, struct fv_error *err)
{
    int left = format->display_area.left, right = format->display_area.right;
    int top = format->display_area.top, bottom = format->display_area.bottom;
    int width = right - left, height = bottom - top;
    if (left < 0 || top < 0 || width < 2 || height < 2 || right > (int)shape->width ||
        bottom > (int)shape->height || right > INT16_MAX || bottom > INT16_MAX)
        return fv_error_set(err, -ENOTSUP, "the visible area %d,%d..%d,%d of a %ux%u picture", left,
                            top, right, bottom, shape->width, shape->height);
    if (width & 1)
        right += right < (int)shape->width ? 1 : -1;
    if (height & 1)
        bottom += bottom < (int)shape->height ? 1 : -1;
    shape->area = (struct fv_nvdec_area){(short)left, (short)top, (short)right, (short)bottom};
    decoder->width = (uint32_t)(width < right - left ? width : right - left);
    decoder->height = (uint32_t)(height < bottom - top ? height : bottom - top);
    return 0;
}

/* As the CPU back end does: what says nothing is BT.709 in high definition, BT.601 below. */
static enum fv_matrix matrix_of(unsigned coefficients, unsigned height)
{
    if (coefficients == MATRIX_UNSPECIFIED || coefficients == MATRIX_RESERVED)
        return height >= HD_HEIGHT ? FV_MATRIX_BT709 : FV_MATRIX_BT601;
    return coefficients >= 4 && coefficients <= 7 ? FV_MATRIX_BT601 : FV_MATRIX_BT709;
}

static unsigned surfaces_of(const struct fv_decoder *decoder, const CUVIDEOFORMAT *format)
{
    unsigned needed = format->min_num_decode_surfaces;
    unsigned stream = decoder->stream.max_ref_frames + 1u;
    needed = (needed > stream ? needed : stream) + FV_NVDEC_IN_FLIGHT;
    return needed < FV_NVDEC_SURFACES_MAX ? needed : FV_NVDEC_SURFACES_MAX;
}

int fv_nvdec_shape_of(struct fv_decoder *decoder, const CUVIDEOFORMAT *format,
                      struct fv_nvdec_shape *ret_shape, struct fv_error *err)
{
    struct fv_nvdec_shape shape = {
        .codec = format->codec,
        .chroma = format->chroma_format,
        .depth = format->bit_depth_luma_minus8 + 8u,
        .width = format->coded_width,
        .height = format->coded_height,
        .decode_surfaces = surfaces_of(decoder, format),
        .output_surfaces = decoder->nvdec->params.held,
    };
    bool grey = shape.chroma == cudaVideoChromaFormat_Monochrome;
    int code = check_chroma(&shape, err);
    if (code < 0)
        return code;
    if (!grey && format->bit_depth_chroma_minus8 != format->bit_depth_luma_minus8)
        return fv_error_set(err, -ENOTSUP, "%s with %u bits of luma and %u of chroma",
                            fv_nvdec_codec_name(shape.codec), shape.depth,
                            format->bit_depth_chroma_minus8 + 8u);
    code = check_caps(decoder->nvdec, &shape, err);
    if (code == 0)
        code = set_area(decoder, format, &shape, err);
    if (code < 0)
        return code;
    decoder->matrix = matrix_of(decoder->stream.matrix, decoder->height);
    *ret_shape = shape;
    return 0;
}

/* What the driver keeps beside the surfaces, bytes for each coded pixel: measured at 1080p on an H100 (docs/performance.md), AV1 as VP9. */
static size_t own_bytes(cudaVideoCodec codec)
{
    switch (codec) {
    case cudaVideoCodec_VP9:
    case cudaVideoCodec_AV1:
        return 29;
    case cudaVideoCodec_HEVC:
        return 10;
    case cudaVideoCodec_JPEG:
        return 7;
    default:
        return 4;
    }
}

size_t fv_nvdec_bytes_of(const struct fv_nvdec_shape *shape)
{
    size_t sample = shape->depth > 8 ? 2 : 1;
    size_t decoded = (size_t)shape->width * shape->height * 3 / 2 * sample;
    size_t width = ((size_t)(shape->area.right - shape->area.left) * sample + 511) / 512 * 512;
    size_t output = width * (size_t)(shape->area.bottom - shape->area.top) * 3 / 2;
    /* A sixteenth more per surface for motion vectors; 8 MB for the session's own buffers. */
    return shape->decode_surfaces * (decoded + decoded / 16) + shape->output_surfaces * output +
           (size_t)shape->width * shape->height * own_bytes(shape->codec) + (8u << 20);
}
