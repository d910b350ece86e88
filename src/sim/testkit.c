// SPDX-License-Identifier: Apache-2.0
#include "sim/testkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* profile 66, constraints C0, level 30, then 1 1 011 010 0 000010100 0001111 1 1 0 0 and the stop
 * bit */
const uint8_t kit_sps[8] = {0x67, 0x42, 0xc0, 0x1e, 0xda, 0x05, 0x07, 0xe4};
const uint8_t kit_pps[4] = {0x68, 0xce, 0x38, 0x80};

static size_t put(uint8_t *at, const uint8_t *nal, size_t size)
{
    memcpy(at, "\0\0\0\1", 4);
    memcpy(at + 4, nal, size);
    return 4 + size;
}

void kit_slice(const struct kit_stream *stream, unsigned n, uint8_t *out)
{
    bool key = stream->leading ? n > 0 && (n - 1) % stream->gop == 0 : n % stream->gop == 0;
    out[0] = key ? 0x65 : 0x41;
    out[1] = 0x88; /* first_mb_in_slice 0 */
    for (size_t i = 2; i < stream->slice; i++)
        out[i] = (uint8_t)(0x80 | (n * 31 + i * 7)); /* never zero: no start code inside */
}

uint8_t *kit_make(const struct kit_stream *stream, size_t *ret_size)
{
    static const uint8_t delimiter[] = {0x09, 0xf0};
    uint8_t *data = calloc(stream->pictures, stream->slice + 64);
    uint8_t *slice = malloc(stream->slice);
    size_t size = 0;
    bool sets = !stream->no_sets;
    assert_non_null(data);
    assert_non_null(slice);
    for (unsigned n = 0; n < stream->pictures; n++) {
        kit_slice(stream, n, slice);
        if (stream->delimiters)
            size += put(data + size, delimiter, sizeof(delimiter));
        if (sets && slice[0] == 0x65) {
            size += put(data + size, kit_sps, sizeof(kit_sps));
            size += put(data + size, kit_pps, sizeof(kit_pps));
            sets = !stream->sets_once;
        }
        size += put(data + size, slice, stream->slice);
    }
    free(slice);
    *ret_size = size;
    return data;
}

void kit_write(char *path, const void *data, size_t size)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

struct fv_clip *kit_clip(const struct kit_stream *stream, double fps)
{
    char path[] = "/tmp/fovea-kit-XXXXXX";
    size_t size;
    uint8_t *data = kit_make(stream, &size);
    kit_write(path, data, size);
    free(data);
    struct fv_clip *clip = NULL;
    struct fv_error err = {0};
    const struct fv_clip_params params = {.path = path, .fps = fps};
    int rc = fv_clip_open(&params, &clip, &err);
    unlink(path);
    if (rc < 0)
        fail_msg("%s", err.text);
    return clip;
}
