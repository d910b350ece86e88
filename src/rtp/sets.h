// SPDX-License-Identifier: Apache-2.0
/* The parameter sets in force, by kind and id, kept as one run of Annex B bytes that can stand in front of a key picture. */
#ifndef FV_RTP_SETS_H
#define FV_RTP_SETS_H

#include "codec/codec.h"

#define FV_SETS_BYTES 4096
#define FV_SETS_MAX 24

struct fv_sets_entry {
    enum fv_nal_kind kind;
    int id;
    size_t size; /* in `bytes`, with the start code */
};

struct fv_sets {
    const struct fv_codec_ops *codec; /* NULL: a codec without such sets */
    struct fv_video_format format; /* of the newest SPS; codec NONE before the first */
    uint32_t changes;              /* how often an SPS (or noted format) came that is new or differs */
    unsigned kinds;                /* bit (1 << kind): there is one */
    size_t size;
    unsigned count;
    struct fv_sets_entry entries[FV_SETS_MAX]; /* in the order of `bytes`: VPS, SPS, PPS */
    uint8_t bytes[FV_SETS_BYTES];
};

void fv_sets_init(struct fv_sets *sets, const struct fv_codec_ops *codec);
/* Takes over a VPS, SPS or PPS. 1 when it is new or differs, 0 when it is there already; -EBADMSG, -ENOTSUP (the SPS is refused),
 * -ENOBUFS (too many or too large). On failure the old set stays. */
int fv_sets_add(struct fv_sets *sets, enum fv_nal_kind kind, const uint8_t *nal, size_t size);
/* All sets of an Annex B stream; others and faulty ones are passed over. */
void fv_sets_add_stream(struct fv_sets *sets, const uint8_t *data, size_t size);
/* For codecs whose pictures say their format themselves: the one in force from now on. */
void fv_sets_note_format(struct fv_sets *sets, const struct fv_video_format *format);
/* The kinds that a decoder needs: bits (1 << kind). */
unsigned fv_sets_needed(const struct fv_sets *sets);

static inline bool fv_sets_complete(const struct fv_sets *sets)
{
    return (sets->kinds & fv_sets_needed(sets)) == fv_sets_needed(sets);
}

static inline bool fv_is_set(enum fv_nal_kind kind)
{
    return kind == FV_NAL_VPS || kind == FV_NAL_SPS || kind == FV_NAL_PPS;
}

#endif
