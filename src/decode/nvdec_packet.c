// SPDX-License-Identifier: Apache-2.0
#include "decode/nvdec_packet.h"

#include <errno.h>

#include "codec/annexb.h"
#include "codec/h264.h"
#include "codec/h265.h"
#include "codec/jpeg_headers.h"
#include "codec/vp9.h"
#include "decode/nvdec_packet_av1.h"

#define START_CODE 3
/* Types by their bare numbers: fv_codec_ops.kind() takes a NAL unit with a damaged header for none, the driver's parser may not. */
#define H264_PPS 8
#define H265_HEADER 2
#define H265_VPS 32
#define H265_SPS 33

static int whole(const struct fv_au *au, struct fv_nvdec_packet *ret_packets)
{
    ret_packets[0] = (struct fv_nvdec_packet){au->buf->data, au->size, -1};
    return 1;
}

/* 7.3.1: nal_unit_type */
static int h264_packet(const struct fv_au *au, struct fv_nvdec_packet *ret_packets,
                       struct fv_error *err)
{
    struct fv_annexb it;
    struct fv_nal nal;
    fv_annexb_init(&it, au->buf->data, au->size);
    while (fv_annexb_next(&it, &nal))
        if ((nal.data[0] & 0x1f) == H264_PPS && !fv_h264_one_slice_group(nal.data, nal.size))
            return fv_error_set(err, -EBADMSG,
                                "h264: the picture parameter set is damaged, or has slice groups, "
                                "which are not decoded");
    return whole(au, ret_packets);
}

/* 7.3.1.2 */
static unsigned h265_type(const struct fv_nal *nal)
{
    return nal->data[0] >> 1 & 0x3f;
}

static bool is_wanted_h265(const struct fv_nal *nal)
{
    return nal->size >= H265_HEADER && h265_type(nal) != H265_VPS && !(nal->data[0] & 1) &&
           !(nal->data[1] >> 3); /* nuh_layer_id */
}

/* What is wanted, as far as it follows one another, is one packet. */
static int h265_packets(const struct fv_au *au, struct fv_nvdec_packet *ret_packets,
                        struct fv_error *err)
{
    struct fv_annexb it;
    struct fv_nal nal;
    int count = 0;
    bool follows = false;
    fv_annexb_init(&it, au->buf->data, au->size);
    while (fv_annexb_next(&it, &nal)) {
        bool wanted = is_wanted_h265(&nal);
        if (wanted && h265_type(&nal) == H265_SPS && !fv_h265_counts_fit(nal.data, nal.size))
            return fv_error_set(
                err, -EBADMSG,
                "h265: the sequence parameter set is damaged, or has levels of "
                "sub-layers, which NVDEC's parser misreads (BACKEND cpu takes them)");
        if (wanted && !follows) {
            if (count == FV_NVDEC_PACKETS_MAX)
                return fv_error_set(err, -EBADMSG, "h265: too many parameter sets in a picture");
            ret_packets[count++] = (struct fv_nvdec_packet){nal.data - START_CODE, 0, -1};
        }
        if (wanted)
            ret_packets[count - 1].size =
                (size_t)(nal.data + nal.size - ret_packets[count - 1].data);
        follows = wanted;
    }
    return count;
}

/* What stands between the segments left out, the scans with the last. */
static int jpeg_packets(const struct fv_au *au, struct fv_nvdec_packet *ret_packets,
                        struct fv_error *err)
{
    const uint8_t *data = au->buf->data;
    struct fv_jpeg_segment segment = {0};
    size_t begin = 0, at = 2, end;
    int count = 0, code = fv_jpeg_check(data, au->size, &end, err);
    if (code < 0)
        return code;
    for (size_t next = at; segment.marker != FV_JPEG_SOS; at = next) {
        if (fv_jpeg_next(data, end, &next, &segment) <= 0)
            return fv_error_set(err, -EBADMSG, "jpeg: an image without a scan");
        if (!fv_jpeg_is_note(segment.marker))
            continue;
        if (at > begin && count == FV_NVDEC_PACKETS_MAX - 1)
            return fv_error_set(err, -EBADMSG, "jpeg: too many comments between the tables");
        if (at > begin)
            ret_packets[count++] = (struct fv_nvdec_packet){data + begin, at - begin, -1};
        begin = next;
    }
    ret_packets[count++] = (struct fv_nvdec_packet){data + begin, end - begin, -1};
    return count;
}

static int vp9_packet(const struct fv_au *au, struct fv_nvdec_packet *ret_packets,
                      struct fv_error *err)
{
    struct fv_vp9_frame frames[FV_VP9_FRAMES_MAX];
    int count = fv_vp9_split(au->buf->data, au->size, frames);
    if (count < 0 || !fv_vp9_fills(au->buf->data, au->size, frames, count))
        return fv_error_set(err, -EBADMSG, "vp9: the index of a superframe is damaged");
    return whole(au, ret_packets);
}

int fv_nvdec_packets(const struct fv_au *au, struct fv_nvdec_known *known,
                     struct fv_nvdec_packet ret_packets[FV_NVDEC_PACKETS_MAX], struct fv_error *err)
{
    switch (au->codec) {
    case FV_CODEC_H264:
        return h264_packet(au, ret_packets, err);
    case FV_CODEC_H265:
        return h265_packets(au, ret_packets, err);
    case FV_CODEC_JPEG:
        return jpeg_packets(au, ret_packets, err);
    case FV_CODEC_VP9:
        return vp9_packet(au, ret_packets, err);
    case FV_CODEC_AV1:
        return fv_nvdec_av1_packets(au, &known->av1, ret_packets, err);
    default:
        return whole(au, ret_packets);
    }
}
