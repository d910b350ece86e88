// SPDX-License-Identifier: Apache-2.0
/* Between cuvid_parser.c and cuvid_whole.c. */
#ifndef FAKEGPU_CUVID_PARSER_H
#define FAKEGPU_CUVID_PARSER_H

#include "codec/av1.h"
#include "codec/codec.h"
#include "cuvid.h"

#define FAKEGPU_SURFACES_MAX 32

struct held {
    int index;
    int order;
};

struct parser_av1 {
    bool few_tools; /* headers can be followed */
    unsigned width, height;
    bool open;      /* a frame header came, whose tiles are to come */
    unsigned shown; /* frames of the packet */
};

struct parser {
    unsigned magic;
    CUVIDPARSERPARAMS params;
    enum fv_codec codec;
    const struct fv_codec_ops *ops; /* NULL: without NAL units */
    struct fv_video_format format;  /* of the newest parameter set */
    bool new_format, started;
    bool open;               /* the access unit goes on with the next packet */
    unsigned surfaces, next; /* of the decoder; the one that is tried first */
    int references
        [FAKEGPU_SURFACES_MAX]; /* surfaces of the last pictures, newest first; -1: none */
    struct held held[FAKEGPU_SURFACES_MAX]; /* pictures that wait for their turn */
    unsigned held_count;
    int counter;    /* pictures since the last key one */
    int slots[8];   /* VP9, AV1: surfaces that frames may refer to; -1: none */
    uint8_t *image; /* JPEG: what came of it; owned */
    size_t image_size;
    struct parser_av1 av1;
};

/* cuvid_parser.c */

/* Tells of `parser->format`; false when the answer is no. */
bool fakegpu_begin_sequence(struct parser *parser);
int fakegpu_take_surface(struct parser *parser); /* that nothing refers to */
void fakegpu_display(struct parser *parser, int index);

/* cuvid_av1.c: a packet begins; an OBU of it. True: a frame whose header could be followed, which refreshes these slots. */
void fakegpu_av1_begin(struct parser_av1 *av1);
bool fakegpu_av1_follow(struct parser_av1 *av1, const struct fv_av1_obu *obu,
                        unsigned *ret_refresh);

/* cuvid_whole.c: an access unit of VP9 or AV1, or of JPEG as much as a packet has. False: a callback failed, or it is none. */
bool fakegpu_parse_whole(struct parser *parser, const uint8_t *data, size_t size);

#endif
