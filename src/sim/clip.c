// SPDX-License-Identifier: Apache-2.0
#include "sim/clip.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "sim/packetize_whole.h"

#define NALS_MAX 2048 /* of one access unit, with the parameter sets that are put in front */

struct fv_clip_builder {
    struct fv_clip *clip;
    const struct fv_codec_ops *ops; /* NULL: a codec without NAL units */
    size_t aus_room, packets_room, bytes_room;
    int64_t origin; /* `send` of the first access unit kept */
    bool has_format;
    size_t nal_count;
    struct fv_nal nals[NALS_MAX];
};

void fv_clip_destroy(struct fv_clip *clip)
{
    if (!clip)
        return;
    fv_free(clip->aus);
    fv_free(clip->packets);
    fv_free(clip->bytes);
    fv_free(clip);
}

uint32_t fv_clip_next_key(const struct fv_clip *clip, uint32_t au)
{
    au %= clip->au_count;
    while (!clip->aus[au].key)
        au = (au + 1) % clip->au_count;
    return au;
}

int fv_clip_builder_create(enum fv_codec codec, struct fv_clip_builder **ret_builder)
{
    struct fv_clip_builder *builder = FV_NEW(struct fv_clip_builder);
    if (!builder)
        return -ENOMEM;
    builder->clip = FV_NEW(struct fv_clip);
    if (!builder->clip) {
        fv_free(builder);
        return -ENOMEM;
    }
    builder->clip->codec = codec;
    builder->ops = fv_codec_ops(codec);
    *ret_builder = builder;
    return 0;
}

void fv_clip_builder_destroy(struct fv_clip_builder *builder)
{
    if (!builder)
        return;
    fv_clip_destroy(builder->clip);
    fv_free(builder);
}

/* Makes room for `more` further elements; doubling keeps the number of copies small. */
static int grow(void **array, size_t *room, size_t used, size_t more, size_t element)
{
    if (used + more > UINT32_MAX)
        return -ENOTSUP;
    if (used + more <= *room)
        return 0;
    size_t wanted = *room ? *room * 2 : 1024;
    while (wanted < used + more)
        wanted *= 2;
    void *larger = fv_realloc(*array, wanted * element);
    if (!larger)
        return -ENOMEM;
    *array = larger;
    *room = wanted;
    return 0;
}

static int add_packet(void *data, struct fv_nal head, struct fv_nal body)
{
    struct fv_clip_builder *builder = data;
    struct fv_clip *clip = builder->clip;
    const size_t size = head.size + body.size;
    void *packets = clip->packets, *bytes = clip->bytes;
    int rc = grow(&packets, &builder->packets_room, clip->packet_count, 1, sizeof(*clip->packets));
    clip->packets = packets;
    if (rc == 0)
        rc = grow(&bytes, &builder->bytes_room, clip->byte_count, size, 1);
    clip->bytes = bytes;
    if (rc < 0)
        return rc;
    clip->packets[clip->packet_count++] =
        (struct fv_clip_packet){.offset = clip->byte_count, .size = (uint16_t)size};
    if (head.size)
        memcpy(clip->bytes + clip->byte_count, head.data, head.size);
    memcpy(clip->bytes + clip->byte_count + head.size, body.data, body.size);
    clip->byte_count += (uint32_t)size;
    return 0;
}

static bool is_set(enum fv_nal_kind kind)
{
    return kind == FV_NAL_VPS || kind == FV_NAL_SPS || kind == FV_NAL_PPS;
}

static bool has_set(const struct fv_clip *clip, struct fv_nal nal)
{
    for (uint32_t i = 0; i < clip->set_count; i++)
        if (clip->sets[i].size == nal.size && !memcmp(clip->sets[i].data, nal.data, nal.size))
            return true;
    return false;
}

/* Remembers what the SDP must name: the sets that are in force at the first key picture. */
static void keep_set(struct fv_clip_builder *builder, enum fv_nal_kind kind, struct fv_nal nal)
{
    struct fv_clip *clip = builder->clip;
    if (clip->au_count || nal.size > FV_CLIP_SET_SIZE || clip->set_count == FV_CLIP_SETS_MAX ||
        has_set(clip, nal))
        return;
    if (kind == FV_NAL_SPS && !builder->has_format)
        builder->has_format = !builder->ops->parse_sps(nal.data, nal.size, &clip->format);
    struct fv_clip_set *set = &clip->sets[clip->set_count++];
    set->kind = kind;
    set->size = (uint16_t)nal.size;
    memcpy(set->data, nal.data, nal.size);
}

struct au_kinds {
    bool slice, key, sps;
    size_t delimiters; /* at the front: parameter sets go behind them */
};

static int split(struct fv_clip_builder *builder, const uint8_t *au, size_t size,
                 struct au_kinds *ret_kinds)
{
    const struct fv_codec_ops *codec = builder->ops;
    struct fv_annexb it;
    struct fv_nal nal;
    struct au_kinds kinds = {0};
    builder->nal_count = 0;
    fv_annexb_init(&it, au, size);
    while (fv_annexb_next(&it, &nal)) {
        enum fv_nal_kind kind = codec->kind(nal.data, nal.size);
        if (kind == FV_NAL_INVALID)
            continue;
        if (builder->nal_count == NALS_MAX - FV_CLIP_SETS_MAX)
            return -ENOTSUP;
        builder->nals[builder->nal_count++] = nal;
        if (is_set(kind))
            keep_set(builder, kind, nal);
        if (kind == FV_NAL_AUD && builder->nal_count == kinds.delimiters + 1)
            kinds.delimiters++;
        kinds.sps |= kind == FV_NAL_SPS;
        kinds.slice |= kind == FV_NAL_SLICE || kind == FV_NAL_SLICE_KEY;
        kinds.key |= kind == FV_NAL_SLICE_KEY;
    }
    *ret_kinds = kinds;
    return 0;
}

static void insert_sets(struct fv_clip_builder *builder, size_t at)
{
    const struct fv_clip *clip = builder->clip;
    struct fv_nal *place = builder->nals + at;
    memmove(place + clip->set_count, place, (builder->nal_count - at) * sizeof(*place));
    for (uint32_t i = 0; i < clip->set_count; i++)
        place[i] = (struct fv_nal){clip->sets[i].data, clip->sets[i].size};
    builder->nal_count += clip->set_count;
}

/* Annex B: packetizes what split() left. */
static int pack_nals(struct fv_clip_builder *builder)
{
    const struct fv_packetizer packetizer = {builder->ops, add_packet, builder};
    return fv_packetize(&packetizer, builder->nals, builder->nal_count);
}

/* The next access unit of the clip, whose packets follow. NULL: too many, or no memory. */
static struct fv_clip_au *open_au(struct fv_clip_builder *builder, bool key, int64_t send,
                                  int64_t time)
{
    struct fv_clip *clip = builder->clip;
    void *aus = clip->aus;
    if (!clip->au_count)
        builder->origin = send;
    int rc = grow(&aus, &builder->aus_room, clip->au_count, 1, sizeof(*clip->aus));
    clip->aus = aus;
    if (rc < 0)
        return NULL;
    struct fv_clip_au *entry = &clip->aus[clip->au_count];
    *entry = (struct fv_clip_au){.send = send - builder->origin,
                                 .time = time - builder->origin,
                                 .packet = clip->packet_count,
                                 .key = key};
    return entry;
}

static int close_au(struct fv_clip *clip, struct fv_clip_au *entry, int rc)
{
    if (rc < 0)
        return rc;
    entry->packet_count = clip->packet_count - entry->packet;
    clip->au_count++;
    return 0;
}

static int add_nals(struct fv_clip_builder *builder, const uint8_t *au, size_t size, int64_t send,
                    int64_t time)
{
    struct fv_clip *clip = builder->clip;
    struct au_kinds kinds;
    int rc = split(builder, au, size, &kinds);
    if (rc < 0)
        return rc;
    if (!kinds.slice || (!clip->au_count && !kinds.key))
        return 0;
    if (kinds.key && !kinds.sps)
        insert_sets(builder, kinds.delimiters);
    struct fv_clip_au *entry = open_au(builder, kinds.key, send, time);
    return entry ? close_au(clip, entry, pack_nals(builder)) : -ENOMEM;
}

static int add_whole(struct fv_clip_builder *builder, const uint8_t *au, size_t size, int64_t send,
                     int64_t time)
{
    struct fv_clip *clip = builder->clip;
    const bool key = fv_codec_is_key(clip->codec, au, size);
    if (!clip->au_count && !key)
        return 0;
    if (!clip->au_count)
        builder->has_format = fv_codec_read_format(clip->codec, au, size, &clip->format) == 0;
    struct fv_clip_au *entry = open_au(builder, key, send, time);
    if (!entry)
        return -ENOMEM;
    const struct fv_whole_packetizer packetizer = {clip->codec, add_packet, builder};
    return close_au(clip, entry, fv_packetize_whole(&packetizer, au, size, key));
}

int fv_clip_builder_add(struct fv_clip_builder *builder, const uint8_t *au, size_t size,
                        int64_t send, int64_t time)
{
    return builder->ops ? add_nals(builder, au, size, send, time)
                        : add_whole(builder, au, size, send, time);
}

/* Puts the clip onto its final time scale and fills in the durations. */
static int set_times(struct fv_clip *clip, int64_t length, double fps)
{
    const double own = (double)clip->au_count * FV_SIM_CLOCK / (double)length;
    const double scale = fps > 0 ? own / fps : 1.0;
    clip->fps = fps > 0 ? fps : own;
    clip->ticks = llround((double)length * scale);
    for (uint32_t i = 0; i < clip->au_count; i++) {
        clip->aus[i].send = llround((double)clip->aus[i].send * scale);
        clip->aus[i].time = llround((double)clip->aus[i].time * scale);
    }
    for (uint32_t i = 0; i < clip->au_count; i++) {
        int64_t next = i + 1 < clip->au_count ? clip->aus[i + 1].send : clip->ticks;
        if (next - clip->aus[i].send < 1 || next - clip->aus[i].send > UINT32_MAX)
            return -EBADMSG;
        clip->aus[i].duration = (uint32_t)(next - clip->aus[i].send);
    }
    return 0;
}

static bool has_kind(const struct fv_clip *clip, enum fv_nal_kind kind)
{
    for (uint32_t i = 0; i < clip->set_count; i++)
        if (clip->sets[i].kind == kind)
            return true;
    return false;
}

/* Those that a decoder cannot do without. */
static bool has_sets(const struct fv_clip_builder *builder)
{
    const struct fv_clip *clip = builder->clip;
    if (!builder->ops)
        return true;
    return has_kind(clip, FV_NAL_PPS) &&
           (clip->codec != FV_CODEC_H265 || has_kind(clip, FV_NAL_VPS));
}

int fv_clip_builder_finish(struct fv_clip_builder *builder, int64_t end, double fps,
                           struct fv_clip **ret_clip, struct fv_error *err)
{
    struct fv_clip *clip = builder->clip;
    const char *codec = fv_codec_name(clip->codec);
    if (!clip->au_count)
        return fv_error_set(err, -EBADMSG, "no key picture in the %s stream", codec);
    if (!builder->has_format || !has_sets(builder))
        return fv_error_set(
            err, -EBADMSG,
            "no readable parameter sets before the first key picture of the %s stream", codec);
    int rc = set_times(clip, end - builder->origin, fps);
    if (rc < 0)
        return fv_error_set(err, rc, "the pictures' times do not increase or lie hours apart");
    *ret_clip = clip;
    builder->clip = NULL;
    return 0;
}
