// SPDX-License-Identifier: Apache-2.0
/* Inside movie/: what a file has as one chunk -> an access unit as flow.h wants it. */
#ifndef FV_MOVIE_UNIT_H
#define FV_MOVIE_UNIT_H

#include "movie/movie.h"

/* Zeroed, then to be freed with fv_unit_buffer_free(). */
struct fv_unit_buffer {
    uint8_t *data;
    size_t capacity;
};
void fv_unit_buffer_free(struct fv_unit_buffer *buffer);

/* Puts the unit's AV1 temporal unit into the form of access units, with `sequence` (OBUs from the container's header, or NULL) in
 * front where a key frame comes without its sequence header. Data and size then point into the buffer, `key` is set. One that is damaged
 * stays as it is, for the decoder to refuse and count. 1: done; 0: nothing is left of it; -EBADMSG (the container's header),
 * -ENOTSUP, -ENOMEM. */
int fv_unit_pack_av1(struct fv_unit_buffer *buffer, const uint8_t *sequence, size_t sequence_size,
                     struct fv_movie_unit *unit);

/* Gives a JPEG image the Huffman tables that it takes for granted; others stay as they are. 0 or -ENOMEM. */
int fv_unit_complete_jpeg(struct fv_unit_buffer *buffer, struct fv_movie_unit *unit);

#endif
