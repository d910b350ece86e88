// SPDX-License-Identifier: Apache-2.0
/* The look-alike's parser: packets are access units, or whole NAL units of one. H.264 and H.265; the others in cuvid_whole.c. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cuvid_parser.h"

#define MAGIC 0x70617273u

static struct parser *of(const char *call, CUvideoparser handle)
{
    struct parser *parser = (struct parser *)handle;
    if (!parser || parser->magic != MAGIC)
        fakegpu_abort(call, "%p is no parser", (void *)handle);
    return parser;
}

static void count(int by)
{
    pthread_mutex_lock(&fakegpu_cuvid_lock);
    fakegpu_cuvid_count.parsers += (unsigned)by;
    pthread_mutex_unlock(&fakegpu_cuvid_lock);
}

static enum fv_codec codec_of(cudaVideoCodec codec)
{
    switch (codec) {
    case cudaVideoCodec_HEVC:
        return FV_CODEC_H265;
    case cudaVideoCodec_JPEG:
        return FV_CODEC_JPEG;
    case cudaVideoCodec_VP9:
        return FV_CODEC_VP9;
    case cudaVideoCodec_AV1:
        return FV_CODEC_AV1;
    default:
        return FV_CODEC_H264;
    }
}

CUresult cuvidCreateVideoParser(CUvideoparser *ret_parser, CUVIDPARSERPARAMS *params)
{
    CUresult result = fakegpu_enter(__func__);
    if (result != CUDA_SUCCESS)
        return result;
    struct parser *parser = calloc(1, sizeof(*parser));
    if (!parser)
        abort();
    parser->magic = MAGIC;
    parser->params = *params;
    parser->codec = codec_of(params->CodecType);
    parser->ops = fv_codec_ops(parser->codec);
    memset(parser->references, -1, sizeof(parser->references));
    memset(parser->slots, -1, sizeof(parser->slots));
    count(1);
    *ret_parser = (CUvideoparser)parser;
    return CUDA_SUCCESS;
}

CUresult cuvidDestroyVideoParser(CUvideoparser handle)
{
    struct parser *parser = of(__func__, handle);
    parser->magic = 0;
    free(parser->image);
    free(parser);
    count(-1);
    return CUDA_SUCCESS;
}

void fakegpu_display(struct parser *parser, int index)
{
    CUVIDPARSERDISPINFO info = {.picture_index = index,
                                .progressive_frame = !parser->format.interlaced,
                                .top_field_first = 1};
    if (parser->params.pfnDisplayPicture)
        parser->params.pfnDisplayPicture(parser->params.pUserData, &info);
}

static void show_first(struct parser *parser)
{
    unsigned first = 0;
    for (unsigned i = 1; i < parser->held_count; i++)
        if (parser->held[i].order < parser->held[first].order)
            first = i;
    int index = parser->held[first].index;
    parser->held_count--;
    memmove(&parser->held[first], &parser->held[first + 1],
            (parser->held_count - first) * sizeof(parser->held[0]));
    fakegpu_display(parser, index);
}

static void show_all(struct parser *parser)
{
    while (parser->held_count)
        show_first(parser);
}

static unsigned reorder_of(const struct parser *parser)
{
    const struct fv_video_format *format = &parser->format;
    return format->reorder_known ? format->reorder_frames : (unsigned)fakegpu_number("reorder", 0);
}

bool fakegpu_begin_sequence(struct parser *parser)
{
    const struct fv_video_format *format = &parser->format;
    show_all(parser);
    CUVIDEOFORMAT video = {
        .codec = parser->params.CodecType,
        .progressive_sequence = !format->interlaced,
        .bit_depth_luma_minus8 = (unsigned char)(format->bit_depth - 8),
        .bit_depth_chroma_minus8 = (unsigned char)(format->bit_depth - 8),
        .min_num_decode_surfaces = (unsigned char)(format->max_ref_frames + 1 + reorder_of(parser)),
        .coded_width = format->coded_width,
        .coded_height = format->coded_height,
        .display_area = {0, 0, format->width, format->height},
        .chroma_format = (cudaVideoChromaFormat)format->chroma,
    };
    int answer = parser->params.pfnSequenceCallback(parser->params.pUserData, &video);
    if (answer <= 0)
        return false;
    parser->surfaces =
        answer > 1 ? (unsigned)answer : (unsigned)parser->params.ulMaxNumDecodeSurfaces;
    if (parser->surfaces < video.min_num_decode_surfaces || parser->surfaces > FAKEGPU_SURFACES_MAX)
        fakegpu_abort("sequence callback", "%u surfaces, the stream needs %u", parser->surfaces,
                      video.min_num_decode_surfaces);
    memset(parser->references, -1, sizeof(parser->references));
    parser->next = 0;
    return true;
}

static bool is_used(const struct parser *parser, int index)
{
    for (unsigned i = 0; i < parser->format.max_ref_frames && i < FAKEGPU_SURFACES_MAX; i++)
        if (parser->references[i] == index)
            return true;
    for (unsigned i = 0; i < parser->held_count; i++)
        if (parser->held[i].index == index)
            return true;
    for (unsigned i = 0; i < 8; i++)
        if (parser->slots[i] == index)
            return true;
    return false;
}

int fakegpu_take_surface(struct parser *parser)
{
    if (fakegpu_number("lowest", 0))
        parser->next = 0;
    for (unsigned i = 0; i < parser->surfaces; i++) {
        int index = (int)(parser->next++ % parser->surfaces);
        if (!is_used(parser, index))
            return index;
    }
    fakegpu_abort("cuvidParseVideoData", "%u surfaces do not do", parser->surfaces);
}

static bool decode(struct parser *parser, const struct fv_nal *nal)
{
    int order = ++parser->counter;
    if (fakegpu_number("synthetic", 0))
        order = nal->size > 3 ? nal->data[3] : 0;
    const unsigned offset = 0;
    CUVIDPICPARAMS params = {
        .CurrPicIdx = fakegpu_take_surface(parser),
        .nBitstreamDataLen = (unsigned)nal->size,
        .pBitstreamData = nal->data,
        .nNumSlices = 1,
        .pSliceDataOffsets = &offset,
    };
    if (parser->codec == FV_CODEC_H265)
        params.CodecSpecific.hevc.CurrPicOrderCntVal = order;
    else
        params.CodecSpecific.h264.CurrFieldOrderCnt[0] =
            params.CodecSpecific.h264.CurrFieldOrderCnt[1] = 2 * order;
    if (parser->params.pfnDecodePicture(parser->params.pUserData, &params) <= 0)
        return false;
    memmove(parser->references + 1, parser->references,
            sizeof(parser->references) - sizeof(parser->references[0]));
    parser->references[0] = params.CurrPicIdx;
    parser->held[parser->held_count++] = (struct held){params.CurrPicIdx, order};
    while (parser->held_count > reorder_of(parser))
        show_first(parser);
    return true;
}

static bool slice(struct parser *parser, const struct fv_nal *nal, bool key)
{
    if (!parser->ops->first_slice(nal->data, nal->size))
        return true;
    if (key) {
        show_all(parser);
        parser->counter = 0;
        memset(parser->references, -1, sizeof(parser->references));
    }
    if (parser->new_format) {
        parser->new_format = false;
        parser->started = fakegpu_begin_sequence(parser);
        if (!parser->started)
            return false;
    }
    return !parser->started || decode(parser, nal);
}

static bool unit(struct parser *parser, const struct fv_nal *nal)
{
    enum fv_nal_kind kind = parser->ops->kind(nal->data, nal->size);
    struct fv_video_format format;
    if (parser->codec == FV_CODEC_H265 && kind == FV_NAL_VPS)
        fakegpu_abort("cuvidParseVideoData", "a VPS, whose counts the real one believes");
    if (parser->codec == FV_CODEC_H265 && (nal->data[0] & 1 || nal->data[1] >> 3))
        fakegpu_abort("cuvidParseVideoData", "a NAL unit of another layer");
    if (kind == FV_NAL_SPS && parser->ops->parse_sps(nal->data, nal->size, &format) == 0) {
        if (memcmp(&format, &parser->format, sizeof(format)) != 0)
            parser->new_format = true;
        parser->format = format;
    }
    if (kind == FV_NAL_SLICE || kind == FV_NAL_SLICE_KEY)
        return slice(parser, nal, kind == FV_NAL_SLICE_KEY);
    return true;
}

CUresult cuvidParseVideoData(CUvideoparser handle, CUVIDSOURCEDATAPACKET *packet)
{
    struct parser *parser = of(__func__, handle);
    CUresult result = fakegpu_enter(__func__);
    if (result != CUDA_SUCCESS)
        return result;
    bool ends = packet->flags & CUVID_PKT_ENDOFPICTURE;
    if (packet->payload_size && !ends && !parser->ops && parser->codec != FV_CODEC_JPEG)
        fakegpu_abort(__func__, "a packet that is no whole access unit");
    if (packet->payload_size)
        parser->open = !ends;
    else if (parser->open)
        fakegpu_abort(__func__, "the stream ends within an access unit");
    struct fv_annexb it;
    struct fv_nal nal;
    bool good = true;
    fv_annexb_init(&it, packet->payload, packet->payload_size);
    while (good && parser->ops && packet->payload_size && fv_annexb_next(&it, &nal))
        good = unit(parser, &nal);
    if (!parser->ops && packet->payload_size)
        good = fakegpu_parse_whole(parser, packet->payload, packet->payload_size);
    if (packet->flags & CUVID_PKT_ENDOFSTREAM)
        show_all(parser);
    return good ? CUDA_SUCCESS : CUDA_ERROR_UNKNOWN; /* as the driver's when a callback fails */
}
