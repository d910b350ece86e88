// SPDX-License-Identifier: Apache-2.0
/* Containers through libavformat. Times come from the file; Annex B and in-band parameter sets
 * from libavcodec's filters; the form of AV1 from unit.c. */
#include "movie/container.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>

#include "base/error.h"
#include "base/mem.h"
#include "movie/unit.h"

struct fv_container {
    enum fv_codec codec;
    AVFormatContext *format;
    const AVStream *stream;
    AVBSFContext *filter;
    AVPacket *packet; /* the access unit that was handed out */
    int64_t interval; /* between pictures, as the file says; for those without a time */
    int64_t last;     /* send time of the last access unit; INT64_MIN before the first */
    bool ended;       /* the file is; the filter may still hold something */
    struct fv_unit_buffer buffer; /* AV1, JPEG */
};

static int from_av(int rc)
{
    if (rc >= 0)
        return 0;
    return rc == AVERROR(ENOMEM) ? -ENOMEM : rc == AVERROR(EIO) ? -EIO : -EBADMSG;
}

static const struct kind {
    enum AVCodecID id;
    enum fv_codec codec;
    const char *filter;
} kinds[] = {
    {AV_CODEC_ID_H264, FV_CODEC_H264, "h264_mp4toannexb"},
    {AV_CODEC_ID_HEVC, FV_CODEC_H265, "hevc_mp4toannexb"},
    {AV_CODEC_ID_MJPEG, FV_CODEC_JPEG, "null"},
    {AV_CODEC_ID_VP9, FV_CODEC_VP9, "null"},
    {AV_CODEC_ID_AV1, FV_CODEC_AV1, "null"},
};

static const struct kind *kind_of(enum AVCodecID id)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].id == id)
            return &kinds[i];
    return NULL;
}

static int open_input(struct fv_container *c, const char *path, struct fv_error *err)
{
    /* "file:" and the list: a name with a colon is no protocol, and a playlist opens no
     * connection. */
    AVDictionary *options = NULL;
    char *name = fv_asprintf("file:%s", path);
    int rc = name ? av_dict_set(&options, "protocol_whitelist", "file", 0) : AVERROR(ENOMEM);
    if (rc >= 0)
        rc = avformat_open_input(&c->format, name, NULL, &options);
    av_dict_free(&options);
    fv_free(name);
    if (rc >= 0)
        rc = avformat_find_stream_info(c->format, NULL);
    if (rc < 0)
        return fv_error_set(err, from_av(rc),
                            "neither a raw stream nor a container that libavformat reads: %s",
                            av_err2str(rc));
    int index = av_find_best_stream(c->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (index < 0)
        return fv_error_set(err, -EBADMSG, "no video in the file");
    c->stream = c->format->streams[index];
    for (unsigned i = 0; i < c->format->nb_streams; i++)
        if ((int)i != index)
            c->format->streams[i]->discard = AVDISCARD_ALL;
    return 0;
}

static int open_filter(struct fv_container *c, const char *name)
{
    const AVBitStreamFilter *filter = av_bsf_get_by_name(name);
    if (!filter)
        return -ENOTSUP;
    int rc = av_bsf_alloc(filter, &c->filter);
    if (rc >= 0)
        rc = avcodec_parameters_copy(c->filter->par_in, c->stream->codecpar);
    if (rc < 0)
        return from_av(rc);
    c->filter->time_base_in = c->stream->time_base;
    return from_av(av_bsf_init(c->filter));
}

static int prepare(struct fv_container *c, const char *path, struct fv_error *err)
{
    const struct kind *kind = kind_of(c->stream->codecpar->codec_id);
    if (!kind)
        return fv_error_set(
            err, -EBADMSG,
            "the video is %s, what is read is H.264, H.265, JPEG, VP9 and AV1; "
            "convert it: ffmpeg -i '%s' -an -c:v libx264 -bf 0 -g 20 -f h264 clip.h264",
            avcodec_get_name(c->stream->codecpar->codec_id), path);
    c->codec = kind->codec;
    int rc = open_filter(c, kind->filter);
    if (rc == 0 && !(c->packet = av_packet_alloc()))
        rc = -ENOMEM;
    if (rc < 0)
        return fv_error_set(err, rc, "cannot unpack the %s stream: %s", fv_codec_name(c->codec),
                            fv_strerror(rc));
    const AVRational rate = c->stream->avg_frame_rate;
    c->interval = rate.num > 0 && rate.den > 0 ? av_rescale(FV_MOVIE_CLOCK, rate.den, rate.num)
                                               : FV_MOVIE_CLOCK / 25;
    c->interval = c->interval < 1 ? 1 : c->interval;
    c->last = INT64_MIN;
    return 0;
}

int fv_container_open(const char *path, struct fv_container **ret_container, struct fv_error *err)
{
    struct fv_container *c = FV_NEW(struct fv_container);
    if (!c)
        return fv_error_set(err, -ENOMEM, "out of memory");
    av_log_set_level(AV_LOG_FATAL); /* what matters is in `err` */
    int rc = open_input(c, path, err);
    if (rc == 0)
        rc = prepare(c, path, err);
    if (rc < 0) {
        fv_container_close(c);
        return rc;
    }
    *ret_container = c;
    return 0;
}

void fv_container_close(struct fv_container *c)
{
    if (!c)
        return;
    fv_unit_buffer_free(&c->buffer);
    av_packet_free(&c->packet);
    av_bsf_free(&c->filter);
    avformat_close_input(&c->format);
    fv_free(c);
}

static int64_t to_ticks(const struct fv_container *c, int64_t value)
{
    return av_rescale_q(value, c->filter->time_base_out, (AVRational){1, FV_MOVIE_CLOCK});
}

/* Sending times must increase: what lacks one, or goes back, follows after the file's interval. */
static void describe(struct fv_container *c, struct fv_movie_unit *ret_unit)
{
    const AVPacket *packet = c->packet;
    int64_t send = packet->dts == AV_NOPTS_VALUE ? INT64_MIN : to_ticks(c, packet->dts);
    if (c->last != INT64_MIN && send <= c->last)
        send = c->last + c->interval;
    if (send == INT64_MIN)
        send = 0;
    c->last = send;
    *ret_unit = (struct fv_movie_unit){
        .data = packet->data,
        .size = (size_t)packet->size,
        .send = send,
        .time = packet->pts == AV_NOPTS_VALUE ? send : to_ticks(c, packet->pts),
        .key = fv_codec_is_key(c->codec, packet->data, (size_t)packet->size),
    };
}

/* Feeds the filter with one packet of the video, or tells it that there are no more. */
static int feed(struct fv_container *c)
{
    int rc;
    do {
        av_packet_unref(c->packet);
        rc = av_read_frame(c->format, c->packet);
    } while (rc >= 0 && c->packet->stream_index != c->stream->index);
    if (rc < 0 && rc != AVERROR_EOF)
        return rc;
    c->ended = rc == AVERROR_EOF;
    return av_bsf_send_packet(c->filter, c->ended ? NULL : c->packet);
}

/* The header of mp4 and mkv has four bytes before its OBUs (AV1 Codec ISO Media File Format Binding 2.3.3). */
static int pack_av1(struct fv_container *c, struct fv_movie_unit *unit)
{
    const AVCodecParameters *par = c->stream->codecpar;
    bool has_header = par->extradata_size > 4 && par->extradata[0] == 0x81;
    return fv_unit_pack_av1(&c->buffer, has_header ? par->extradata + 4 : NULL,
                            has_header ? (size_t)par->extradata_size - 4 : 0, unit);
}

/* 1: a packet; 0: the end; or an error of libav's. */
static int receive(struct fv_container *c)
{
    int rc;
    av_packet_unref(c->packet);
    while ((rc = av_bsf_receive_packet(c->filter, c->packet)) == AVERROR(EAGAIN) && !c->ended) {
        rc = feed(c);
        if (rc < 0)
            break;
    }
    return rc == AVERROR_EOF || rc == AVERROR(EAGAIN) ? 0 : rc < 0 ? rc : 1;
}

int fv_container_next(struct fv_container *c, struct fv_movie_unit *ret_unit, struct fv_error *err)
{
    struct fv_movie_unit unit;
    int rc, packed = 1;
    do {
        rc = receive(c);
        if (rc == 0)
            return 0;
        if (rc < 0) {
            rc = from_av(rc);
            return fv_error_set(err, rc, "cannot read the video: %s", fv_strerror(rc));
        }
        describe(c, &unit);
        if (c->codec == FV_CODEC_AV1)
            packed = pack_av1(c, &unit);
        if (c->codec == FV_CODEC_JPEG && fv_unit_complete_jpeg(&c->buffer, &unit) < 0)
            packed = -ENOMEM;
        if (packed < 0)
            return fv_error_set(err, packed, "cannot read a picture: %s", fv_strerror(packed));
    } while (packed == 0);
    *ret_unit = unit;
    return 1;
}

enum fv_codec fv_container_codec(const struct fv_container *container)
{
    return container->codec;
}

int64_t fv_container_interval(const struct fv_container *container)
{
    return container->interval;
}

double fv_container_done(const struct fv_container *c)
{
    const int64_t size = avio_size(c->format->pb), at = avio_tell(c->format->pb);
    return size > 0 && at >= 0 && at < size ? (double)at / (double)size : 1;
}
