// SPDX-License-Identifier: Apache-2.0
/*
 * A clip: a video file, packetized once. Immutable after it was built; any number of sessions play
 * it at the same time.
 *
 *   file -> access units (movie/) -> fv_clip_builder -> { aus, packets, bytes }
 *
 *   aus      [ send | time | duration | first packet, count ] ...     in sending order
 *   packets  [ offset | size ] ...  RTP payloads, one after the other in `bytes`
 *
 * All times are ticks of 90 kHz. The first access unit is a key picture at send time 0.
 */
#ifndef FV_SIM_CLIP_H
#define FV_SIM_CLIP_H

#include "base/error.h"
#include "codec/codec.h"

#define FV_SIM_CLOCK 90000    /* ticks a second, also the RTP clock rate */
#define FV_CLIP_SETS_MAX 8    /* parameter sets that the SDP names */
#define FV_CLIP_SET_SIZE 1024 /* bytes of the largest of them */

struct fv_clip_au {
    int64_t send;      /* its first packet leaves then */
    int64_t time;      /* RTP timestamp: the picture's presentation time */
    uint32_t duration; /* its packets are spread over this; >= 1 */
    uint32_t packet, packet_count;
    bool key;
};

struct fv_clip_packet {
    uint32_t offset; /* in bytes[] */
    uint16_t size;   /* 1 .. FV_SIM_MTU */
};

struct fv_clip_set {
    enum fv_nal_kind kind; /* VPS, SPS or PPS */
    uint16_t size;
    uint8_t data[FV_CLIP_SET_SIZE];
};

struct fv_clip {
    enum fv_codec codec;
    struct fv_video_format format;
    double fps;
    int64_t ticks; /* length: when the last picture ends */
    uint32_t au_count, packet_count, byte_count, set_count;
    struct fv_clip_au *aus;
    struct fv_clip_packet *packets;
    uint8_t *bytes;
    /* H.264 and H.265, in the order VPS, SPS, PPS of the stream */
    struct fv_clip_set sets[FV_CLIP_SETS_MAX];
};

struct fv_clip_params {
    const char *path;
    const char *codec; /* "h264", "h265" for raw streams whose content does not tell, or NULL */
    double fps;        /* 0: the file's own, 25 when it does not say */
};

/* Reads and packetizes a file. 0; -ENOENT, -EACCES, -EISDIR, -EIO: cannot be read; -EBADMSG: no video in it
 * that can be played; -ENOTSUP: a codec or container that cannot be served (`err` says how to
 * convert it); -EINVAL, -ENOMEM. */
int fv_clip_open(const struct fv_clip_params *params, struct fv_clip **ret_clip,
                 struct fv_error *err);
void fv_clip_destroy(struct fv_clip *clip); /* NULL is fine */

/* The first key picture at or after access unit `au` (modulo the clip's length, cyclic). */
uint32_t fv_clip_next_key(const struct fv_clip *clip, uint32_t au);

/* Building: create, add access units in sending order, finish. One thread. */
struct fv_clip_builder;

/* 0, -ENOMEM. */
int fv_clip_builder_create(enum fv_codec codec, struct fv_clip_builder **ret_builder);
void fv_clip_builder_destroy(struct fv_clip_builder *builder); /* NULL is fine */
/* One access unit (flow.h), borrowed. What comes before the first key picture is left out, but
 * its parameter sets are kept; a key picture without parameter sets gets them. `send` must not
 * decrease. 0, -EBADMSG, -ENOTSUP (too large, or as fv_packetize_whole()), -ENOMEM. */
int fv_clip_builder_add(struct fv_clip_builder *builder, const uint8_t *au, size_t size,
                        int64_t send, int64_t time);
/* `end`: when the last picture ends, on the same scale as `send`. `fps` > 0 stretches the clip to
 * that rate. On success the clip is the caller's. 0, -EBADMSG (no key picture, no or unreadable
 * parameter sets), -ENOTSUP. The builder remains to be destroyed. */
int fv_clip_builder_finish(struct fv_clip_builder *builder, int64_t end, double fps,
                           struct fv_clip **ret_clip, struct fv_error *err);

#endif
