// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an Annex B stream: NAL units and access units lie inside, in order, and cover each other. */
#include <stdlib.h>

#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
    if (!promise)
        abort();
}

static void walk_nals(const uint8_t *data, size_t size)
{
    struct fv_annexb it;
    struct fv_nal nal;
    const uint8_t *last = data;
    fv_annexb_init(&it, data, size);
    while (fv_annexb_next(&it, &nal)) {
        check(nal.size >= 1 && nal.data >= last + 3 && nal.data + nal.size <= data + size);
        check(nal.data[-1] == 1 && nal.data[-2] == 0 && nal.data[-3] == 0 &&
              nal.data[nal.size - 1] != 0);
        uint8_t rbsp[64];
        check(fv_rbsp_unescape(nal.data, nal.size, rbsp, sizeof(rbsp)) <= sizeof(rbsp));
        last = nal.data + nal.size;
    }
}

static void walk_access_units(const struct fv_codec_ops *ops, const uint8_t *data, size_t size)
{
    size_t offset = 0, au_size;
    const uint8_t *au, *last = data;
    bool key;
    while (fv_codec_next_au(ops, data, size, &offset, &au, &au_size, &key)) {
        check(au >= last && au_size >= 4 && au + au_size == data + offset && offset <= size);
        last = au + au_size;
    }
    check(offset == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk_nals(data, size);
    walk_access_units(fv_codec_ops(FV_CODEC_H264), data, size);
    walk_access_units(fv_codec_ops(FV_CODEC_H265), data, size);
    fv_codec_guess(data, size);
    return 0;
}
