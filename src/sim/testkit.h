// SPDX-License-Identifier: Apache-2.0
/* For the simulator's tests: a synthetic H.264 stream and clip. No real pictures: only what a
 * server looks at is valid. */
#ifndef FV_SIM_TESTKIT_H
#define FV_SIM_TESTKIT_H

#include "sim/clip.h"

struct kit_stream {
    unsigned pictures; /* the first of each `gop` is a key picture */
    unsigned gop;
    size_t slice;    /* bytes of each slice NAL unit, >= 3 */
    bool leading;    /* begins with a picture that is no key picture */
    bool no_sets;    /* no parameter sets at all */
    bool sets_once;  /* only before the first key picture */
    bool delimiters; /* an AUD before each picture */
};

/* Baseline, level 3, 320x240, no timing. Hand-made after H.264 7.3.2.1.1. */
extern const uint8_t kit_sps[8];
extern const uint8_t kit_pps[4];

/* Annex B. The caller frees the bytes with free(). */
uint8_t *kit_make(const struct kit_stream *stream, size_t *ret_size);
/* The slice NAL unit of picture n, as kit_make() writes it; `out` holds `slice` bytes. */
void kit_slice(const struct kit_stream *stream, unsigned n, uint8_t *out);
/* A clip of the stream at `fps`; fails the test when that does not work. */
struct fv_clip *kit_clip(const struct kit_stream *stream, double fps);
/* Writes bytes to a new file; `path` ends in XXXXXX and is filled in. */
void kit_write(char *path, const void *data, size_t size);

#endif
