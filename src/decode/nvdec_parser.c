// SPDX-License-Identifier: Apache-2.0
/*
 * The driver's parser. Its callbacks come from within cuvidParseVideoData(), on the worker's thread, in this order:
 *
 *   on_sequence  the stream's format at its beginning and at every change: finds a session, or has one made
 *   on_decode    a picture is cut out: goes to the hardware
 *   on_display   a picture's turn in output order
 *
 * A picture is tied to its access unit by the surface that it is decoded into: with CUVID_PKT_ENDOFPICTURE the parser begins a
 * picture within the access unit that holds it. No time passes through the parser's clock.
 */
#include <errno.h>
#include <limits.h>

#include "base/clock.h"
#include "decode/nvdec_impl.h"

/* A key picture that is no mere recovery point. */
static bool is_intra_start(uint32_t flags)
{
    return (flags & (FV_FRAME_KEY | FV_FRAME_RECOVERY)) == FV_FRAME_KEY;
}

static bool failed(const struct fv_decoder *decoder)
{
    return decoder->muted || decoder->wants_session || decoder->callback.code < 0;
}

/* VP9 and AV1: what is shown is said apart from what is decoded, and a picture may refer to others of another size. */
static bool shows_apart(const struct fv_decoder *decoder)
{
    return decoder->params.codec == FV_CODEC_VP9 || decoder->params.codec == FV_CODEC_AV1;
}

/* They may change their size without a key picture, and a damaged one may seem to: what they refer to would go with the session. */
static bool changes_without_key(struct fv_decoder *decoder, const CUVIDEOFORMAT *format)
{
    const struct fv_nvdec_shape *shape = &decoder->shape;
    bool changes = format->coded_width != shape->width || format->coded_height != shape->height;
    if (!shows_apart(decoder) || !decoder->session || !changes ||
        (decoder->info.flags & FV_FRAME_KEY))
        return false;
    fv_error_set(&decoder->callback, -EBADMSG,
                 "%s: the size changes to %ux%u without a key picture: the next one is waited for",
                 fv_codec_name(decoder->params.codec), format->coded_width, format->coded_height);
    return true;
}

/* Swaps the session for one that fits. The parser has shown everything that was before. What the stream refers to goes with the session. */
static int change_session(struct fv_decoder *decoder, const struct fv_nvdec_shape *shape)
{
    struct fv_nvdec *nvdec = decoder->nvdec;
    fv_nvdec_clear_all(decoder, false);
    if (decoder->session && (decoder->broken || !fv_nvdec_session_fits(decoder->session, shape) ||
                             !fv_nvdec_session_is_quiet(decoder->session))) {
        fv_nvdec_session_leave(decoder->session, decoder->broken);
        decoder->session = NULL;
        decoder->broken = false;
    }
    if (!decoder->session)
        decoder->session = fv_nvdec_pool_take(nvdec, shape);
    if (decoder->session) {
        if (fv_nvdec_session_reshape(decoder->session, shape, &decoder->callback) == 0)
            return 0;
        fv_nvdec_session_leave(decoder->session, true);
        decoder->session = NULL;
        if (decoder->callback.code == -ENODEV)
            return -ENODEV;
        decoder->callback.code = 0; /* a fresh one will do */
    }
    decoder->wants_session = true;
    return -EAGAIN;
}

static bool same_shape(const struct fv_nvdec_shape *a, const struct fv_nvdec_shape *b)
{
    return a->codec == b->codec && a->chroma == b->chroma && a->depth == b->depth &&
           a->width == b->width && a->height == b->height && a->area.left == b->area.left &&
           a->area.top == b->area.top && a->area.right == b->area.right &&
           a->area.bottom == b->area.bottom && a->decode_surfaces >= b->decode_surfaces &&
           a->output_surfaces == b->output_surfaces;
}

static void choose_order(struct fv_decoder *decoder, const CUVIDEOFORMAT *format)
{
    const struct fv_video_format *stream = &decoder->stream;
    bool known = stream->codec == decoder->params.codec && stream->reorder_known;
    bool rises = known ? stream->reorder_frames == 0 : !decoder->params.complete;
    decoder->direct = format->progressive_sequence && rises && !shows_apart(decoder);
    decoder->guess = decoder->direct && !known;
    decoder->last_order = INT32_MIN;
}

static int CUDAAPI on_sequence(void *data, CUVIDEOFORMAT *format)
{
    struct fv_decoder *decoder = data;
    if (failed(decoder) || changes_without_key(decoder, format))
        return 0;
    struct fv_nvdec_shape shape;
    if (fv_nvdec_shape_of(decoder, format, &shape, &decoder->callback) < 0)
        return 0;
    decoder->shape = shape;
    choose_order(decoder, format);
    bool fits = decoder->session && same_shape(&decoder->session->shape, &shape);
    if (!fits && change_session(decoder, &shape) < 0)
        return 0;
    return (int)decoder->session->shape.decode_surfaces;
}

static int32_t order_of(const struct fv_decoder *decoder, const CUVIDPICPARAMS *params)
{
    if (decoder->params.codec == FV_CODEC_H265)
        return params->CodecSpecific.hevc.CurrPicOrderCntVal;
    const int *order = params->CodecSpecific.h264.CurrFieldOrderCnt;
    return order[0] < order[1] ? order[0] : order[1];
}

/* Output order by decoding order was a guess: it ends when a picture's order count falls within a sequence. The picture that
 * should have come before is skipped. */
static bool in_order(struct fv_decoder *decoder, const CUVIDPICPARAMS *params)
{
    if (!decoder->guess)
        return true;
    int32_t order = order_of(decoder, params);
    if (is_intra_start(decoder->info.flags))
        decoder->last_order = INT32_MIN;
    bool good = order > decoder->last_order;
    if (!good)
        decoder->direct = decoder->guess = false;
    decoder->last_order = order;
    return good;
}

static int submit(struct fv_decoder *decoder, CUVIDPICPARAMS *params)
{
    struct fv_nvdec *nvdec = decoder->nvdec;
    CUresult result = nvdec->driver->cuvidDecodePicture(decoder->session->handle, params);
    if (fv_nvdec_check(nvdec, result, "cuvidDecodePicture", &decoder->callback) < 0) {
        decoder->broken = true;
        return 0;
    }
    fv_gpu_account(nvdec->gpu, FV_GPU_BITSTREAM, true, params->nBitstreamDataLen);
    decoder->pictures++;
    return 1;
}

/* Before a picture is decoded into the surface: what it held goes out. With film grain a second surface takes the picture without it. */
static void make_way(struct fv_nvdec_surface *surface, const CUVIDPICPARAMS *params)
{
    struct fv_decoder *decoder = surface->decoder;
    fv_nvdec_clear(surface);
    if (decoder->params.codec != FV_CODEC_AV1 || !params->CodecSpecific.av1.enable_fgs)
        return;
    unsigned other = (unsigned)params->CodecSpecific.av1.decodePicIdx;
    if (other < decoder->session->shape.decode_surfaces)
        fv_nvdec_clear(&decoder->surfaces[other]);
}

static bool is_hidden(const struct fv_decoder *decoder, const CUVIDPICPARAMS *params)
{
    if (decoder->params.codec == FV_CODEC_VP9)
        return !params->CodecSpecific.vp9.showFrame;
    return decoder->params.codec == FV_CODEC_AV1 && !params->CodecSpecific.av1.show_frame;
}

static int CUDAAPI on_decode(void *data, CUVIDPICPARAMS *params)
{
    struct fv_decoder *decoder = data;
    if (failed(decoder) || !decoder->session)
        return 0;
    unsigned index = (unsigned)params->CurrPicIdx;
    if (index >= decoder->session->shape.decode_surfaces) {
        fv_error_set(&decoder->callback, -EIO, "the parser uses surface %u of %u", index,
                     (unsigned)decoder->session->shape.decode_surfaces);
        return 0;
    }
    struct fv_nvdec_surface *surface = &decoder->surfaces[index];
    bool second = params->field_pic_flag && params->second_field;
    if (!second)
        make_way(surface, params);
    if (!submit(decoder, params))
        return 0;
    if (second)
        return 1;
    fv_nvdec_count(&decoder->nvdec->decoded);
    surface->info = decoder->info;
    surface->info.width = decoder->width;
    surface->info.height = decoder->height;
    surface->matrix = decoder->matrix;
    surface->full_range = decoder->stream.full_range;
    surface->shown = false;
    surface->hidden = is_hidden(decoder, params);
    surface->display = (CUVIDPARSERDISPINFO){.picture_index = (int)index, .progressive_frame = 1};
    if (!decoder->direct)
        return 1;
    if (in_order(decoder, params))
        fv_nvdec_show(surface);
    else
        surface->shown = true; /* late: newer ones went out */
    return 1;
}

/* A picture that was hidden when it was decoded, or is shown once more, belongs to the access unit that shows it. */
static void show_later(struct fv_nvdec_surface *surface)
{
    const struct fv_frame_info before = surface->info;
    fv_nvdec_clear(surface);
    surface->info = surface->decoder->info;
    surface->info.width = before.width;
    surface->info.height = before.height;
    surface->info.flags |= before.flags & FV_FRAME_DAMAGED;
    surface->shown = false;
}

static int CUDAAPI on_display(void *data, CUVIDPARSERDISPINFO *display)
{
    struct fv_decoder *decoder = data;
    if (!display || decoder->muted || decoder->direct || !decoder->session)
        return 1;
    unsigned index = (unsigned)display->picture_index;
    if (index >= decoder->session->shape.decode_surfaces)
        return 1;
    struct fv_nvdec_surface *surface = &decoder->surfaces[index];
    if (shows_apart(decoder) && (surface->hidden || surface->shown))
        show_later(surface);
    if (!surface->shown)
        surface->display = *display;
    fv_nvdec_show(surface);
    return 1;
}

static int make_parser(struct fv_decoder *decoder, struct fv_error *err)
{
    struct fv_nvdec *nvdec = decoder->nvdec;
    CUVIDPARSERPARAMS params = {
        .CodecType = fv_nvdec_codec_of(decoder->params.codec),
        .ulMaxNumDecodeSurfaces = 1, /* on_sequence answers with the number */
        .ulErrorThreshold = 100,     /* damaged pictures come out, marked */
        .ulMaxDisplayDelay = 0,
        .pUserData = decoder,
        .pfnSequenceCallback = on_sequence,
        .pfnDecodePicture = on_decode,
        .pfnDisplayPicture = on_display,
    };
    CUvideoparser parser;
    int code = fv_nvdec_check(nvdec, nvdec->driver->cuvidCreateVideoParser(&parser, &params),
                              "cuvidCreateVideoParser", err);
    if (code == 0)
        decoder->parser = parser;
    decoder->known = (struct fv_nvdec_known){0};
    return code;
}

void fv_nvdec_parser_close(struct fv_decoder *decoder)
{
    if (!decoder->parser)
        return;
    decoder->muted = true;
    decoder->nvdec->driver->cuvidDestroyVideoParser(decoder->parser);
    decoder->muted = false;
    decoder->parser = NULL;
}

static void remember(struct fv_decoder *decoder, const struct fv_au *au)
{
    decoder->info = fv_damage_next(&decoder->damage, au);
    decoder->pictures = 0;
    decoder->wants_session = false;
    decoder->callback.code = 0;
}

/* What the callbacks and the parser made of an access unit. "Unknown error", which elsewhere means that the device is lost, is
 * what the parser says when it cannot go on. */
static int verdict(struct fv_decoder *decoder, const struct fv_au *au, CUresult result,
                   struct fv_error *err)
{
    const char *codec = fv_codec_name(decoder->params.codec);
    if (decoder->wants_session)
        return -EAGAIN;
    if (decoder->callback.code < 0)
        return fv_error_set(err, decoder->callback.code, "%s", decoder->callback.text);
    if (result != CUDA_SUCCESS && result != CUDA_ERROR_UNKNOWN &&
        fv_gpu_check(decoder->nvdec->gpu, result, "cuvidParseVideoData", err) == -ENODEV)
        return -ENODEV;
    if (result != CUDA_SUCCESS)
        return fv_error_set(err, -EBADMSG, "%s: the driver's parser refuses the picture (%d)",
                            codec, (int)result);
    if (!decoder->pictures && is_intra_start(au->flags))
        return fv_error_set(err, -EBADMSG, "%s: no picture was found in a key access unit", codec);
    return 0;
}

/* One packet; whether as many pictures came of it as are in it. */
static bool parse_packet(struct fv_decoder *decoder, const struct fv_nvdec_packet *from, bool last,
                         CUresult *ret_result)
{
    CUVIDSOURCEDATAPACKET packet = {
        .flags = last || from->pictures >= 0 ? CUVID_PKT_ENDOFPICTURE : 0,
        .payload_size = from->size,
        .payload = from->data,
    };
    const unsigned before = decoder->pictures;
    *ret_result = decoder->nvdec->driver->cuvidParseVideoData(decoder->parser, &packet);
    return from->pictures < 0 || decoder->pictures - before == (unsigned)from->pictures;
}

static int parse(struct fv_decoder *decoder, const struct fv_au *au, struct fv_error *err)
{
    struct fv_nvdec_packet packets[FV_NVDEC_PACKETS_MAX];
    int count = fv_nvdec_packets(au, &decoder->known, packets, err);
    if (count < 0)
        return count;
    CUresult result = CUDA_SUCCESS;
    bool as_known = true;
    for (int i = 0; i < count && result == CUDA_SUCCESS && as_known && !failed(decoder); i++)
        as_known = parse_packet(decoder, &packets[i], i + 1 == count, &result);
    int code = verdict(decoder, au, result, err);
    if (code == 0 && !as_known)
        code = fv_error_set(err, -EBADMSG, "%s: the driver's parser leaves out a picture",
                            fv_codec_name(decoder->params.codec));
    if (code < 0)
        decoder->known = (struct fv_nvdec_known){0};
    return code;
}

int fv_nvdec_parse(struct fv_decoder *decoder, const struct fv_au *au, struct fv_error *err)
{
    if (!au->buf || !au->size)
        return fv_error_set(err, -EBADMSG, "empty access unit");
    int code = au->flags & FV_FRAME_KEY ? fv_nvdec_read_parameters(decoder, au, err) : 0;
    if (code == 0 && !decoder->parser)
        code = make_parser(decoder, err);
    if (code < 0)
        return code;
    remember(decoder, au);
    code = parse(decoder, au, err);
    if (code < 0)
        fv_damage_hurt(&decoder->damage);
    return code;
}

void fv_nvdec_parse_end(struct fv_decoder *decoder)
{
    if (!decoder->parser)
        return;
    CUVIDSOURCEDATAPACKET packet = {.flags = CUVID_PKT_ENDOFSTREAM};
    decoder->nvdec->driver->cuvidParseVideoData(decoder->parser, &packet);
}
