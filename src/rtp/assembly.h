// SPDX-License-Identifier: Apache-2.0
/*
 * Assembly: parts of pictures in order in, pictures out. Payload bytes are copied once, from the packet into the picture's pooled buffer.
 *
 *   H.264, H.265: packet(ts) -- nal() | fragment() more() fragment_end() ... -- packet_end(marker)
 *   all others:   packet(ts) -- picture(key) | more() | orphan() ...         -- packet_end(marker)
 *   picture ends by: marker | another timestamp | delimiter or first slice behind a slice | picture()
 *
 * The depacketizers of codecs without NAL units know where a picture begins and what its bytes are; loss, timestamps, markers and
 * buffers are treated alike.
 *
 * NAL units before the first slice (parameter sets, SEI) wait for their picture, also across timestamps.
 */
#ifndef FV_RTP_ASSEMBLY_H
#define FV_RTP_ASSEMBLY_H

#include "base/buf.h"
#include "rtp/quirks.h"
#include "rtp/sets.h"

enum fv_unit_state {
    FV_UNIT_WHOLE,
    FV_UNIT_DAMAGED,   /* something of it is missing or malformed */
    FV_UNIT_NO_BUFFER, /* the pool was empty */
    FV_UNIT_UNWANTED, /* not collected: no key picture while one was awaited, or a key picture without parameter sets */
};

/* An ended picture. */
struct fv_unit {
    enum fv_unit_state state;
    bool key;
    bool point;           /* no key picture, but decoding can start here */
    unsigned until_whole; /* then: that many pictures that count are not whole */
    struct fv_slice_role role;
    uint32_t timestamp;
    int64_t first_packet, last_packet;
    /* An access unit of flow.h with FV_AU_PADDING zeros behind; complete only when WHOLE, may be NULL otherwise. The callee takes it by putting NULL here. */
    struct fv_buf *buf;
    size_t size;
};

struct fv_assembly {
    const struct fv_codec_ops *codec; /* NULL: a codec without NAL units */
    struct fv_buf_pool *pool; /* borrowed */
    struct fv_sets *sets;     /* borrowed */
    struct fv_quirks *quirks; /* borrowed */
    /* Called at each picture's end. May change key_only. */
    void (*ended)(void *data, struct fv_unit *unit);
    void *data;
    /* Called before, for what stands behind a picture's last packet: may append and damage. NULL: nothing does. */
    void (*closing)(void *closing_data);
    void *closing_data;
    bool key_only;     /* the consumer awaits a place to start: do not collect other pictures */
    bool keep_damaged; /* collect pictures further when damage is known */

    /* packet at hand */
    uint32_t timestamp;
    int64_t arrival;

    /* picture at hand */
    bool open;                              /* a NAL unit came since the last end */
    bool picture;                           /* one of them a slice */
    bool key, damaged, no_buffer, unwanted; /* see fv_unit_state */
    bool point;                             /* an SEI message says so; see fv_unit */
    unsigned until_whole;
    struct fv_slice_role role; /* of the first slice */
    unsigned inside;                        /* bit (1 << kind): parameter sets in it */
    uint32_t picture_time;
    int64_t first_packet, last_packet;
    struct fv_buf *buf;
    uint8_t *bytes; /* its memory and, less the padding, its size: packets need not touch *buf; 0 without one */
    size_t room;
    size_t size;
    size_t delimiter; /* size of the access unit delimiter in front */

    /* NAL unit at hand */
    bool fragment;  /* parts of it may follow */
    bool resumable; /* it was a fragment, and nothing came behind it */
    bool marker;    /* the last packet had one */
    bool marker_in_fragment;
    enum fv_nal_kind kind;
    size_t nal; /* where its start code stands */

    /* learned */
    bool gap;            /* packets were lost since the last NAL unit */
    bool ends_known;       /* the camera marks the ends of fragmented NAL units (set by the depacketizer) */
    bool marker_suspect; /* a marker stood on a packet without slices */
    bool marker_proven;  /* a packet with a slice had none: markers mean something */
    bool last_by_marker; /* how and at which timestamp the last picture ended */
    uint32_t last_time;
    size_t usual_key, usual_other; /* bytes */
};

/* The caller has set the borrowed members and flags; the rest is zero. */
void fv_assembly_finish(struct fv_assembly *assembly);

/* A packet begins. `lost`: one or more before it are missing. */
void fv_assembly_packet(struct fv_assembly *assembly, uint32_t timestamp, int64_t arrival,
                        bool lost);
/* A whole NAL unit, size >= 1. */
void fv_assembly_nal(struct fv_assembly *assembly, const uint8_t *nal, size_t size);

/* A NAL unit in parts: its header as rebuilt, then bytes of its body. */
struct fv_fragment {
    uint8_t header[2];
    unsigned header_size;
    const uint8_t *data; /* the first part behind the header */
    size_t size;
};
void fv_assembly_fragment(struct fv_assembly *assembly, const struct fv_fragment *fragment);
void fv_assembly_more(struct fv_assembly *assembly, const uint8_t *data, size_t size);
void fv_assembly_fragment_end(struct fv_assembly *assembly);
/* Goes on with the fragment that was ended last. False when something came between. */
bool fv_assembly_resume(struct fv_assembly *assembly);

/* Codecs without NAL units. What is at hand is a picture's beginning, to be told before its kind is known: harmless when told twice. */
void fv_assembly_open(struct fv_assembly *assembly);
/* A picture begins here, or with what was opened; one that is at hand ends. */
void fv_assembly_picture(struct fv_assembly *assembly, bool key);
/* Its bytes go to fv_assembly_more(); to this one, those that no packet brought. */
void fv_assembly_insert(struct fv_assembly *assembly, const uint8_t *data, size_t size);
/* Bytes that are there already, anew: for sizes that become known later. Nothing when they were not collected. */
void fv_assembly_rewrite(struct fv_assembly *assembly, size_t offset, const uint8_t *data,
                         size_t size);
/* Are the bytes of what is at hand kept? Else nothing of it can be read or rewritten. */
bool fv_assembly_collects(const struct fv_assembly *assembly);
/* A part came whose picture did not begin: it was lost, or ended by a false marker. */
void fv_assembly_orphan(struct fv_assembly *assembly);

/* Something of the picture at hand (or of the next) is missing or malformed. */
void fv_assembly_damage(struct fv_assembly *assembly);
/* The packet is done; a trusted marker ends the picture. */
void fv_assembly_packet_end(struct fv_assembly *assembly, bool marker);
/* Throws the picture at hand away; what follows comes behind a gap. */
void fv_assembly_abandon(struct fv_assembly *assembly);

#endif
