// SPDX-License-Identifier: Apache-2.0
/* Access units for nvdec_test.c: real parameter sets, written bit by bit, and slices that only the look-alike's parser takes:
 * header, first_mb 0 (or first_slice_segment 1), picture number, order count. */
#ifndef FV_DECODE_NVDEC_STREAM_TEST_H
#define FV_DECODE_NVDEC_STREAM_TEST_H

#include <string.h>

#include "flow.h"

enum format {
    H264_SMALL,  /* 64x48, no reordering, said */
    H264_LARGE,  /* 128x96 */
    H264_B,      /* 64x48, one picture of reordering, said */
    H264_UNSAID, /* 64x48, nothing said about reordering */
    H264_INTERLACED,
    H264_422,
    H264_WIDE,    /* 8192x48: legal, beyond the hardware */
    H264_HUGE,    /* 65536x65536: a lie */
    H264_CROPPED, /* 54x38 of 64x48 */
    H265_TEN,     /* 64x64, 10 bit */
};

struct unit {
    enum fv_codec codec;
    bool key;
    int64_t pts;
    uint8_t data[256];
    size_t size;
    const uint8_t *slice; /* without start code */
    size_t slice_size;
};

struct bit_writer {
    uint8_t data[128];
    unsigned bits;
};

static void put(struct bit_writer *w, unsigned count, uint32_t value)
{
    while (count-- > 0) {
        w->data[w->bits / 8] |= (uint8_t)((value >> count & 1) << (7 - w->bits % 8));
        w->bits++;
    }
}

static void put_ue(struct bit_writer *w, uint32_t value)
{
    unsigned length = 0;
    while ((value + 1) >> length > 1)
        length++;
    put(w, length, 0);
    put(w, length + 1, value + 1);
}

/* 7.3.2.1.1 of H.264; `reorder` < 0: no VUI. */
static void write_h264_sps(struct bit_writer *w, enum format format)
{
    unsigned profile = format == H264_422                          ? 122
                       : format == H264_B || format == H264_UNSAID ? 100
                                                                   : 66;
    uint32_t width = format == H264_LARGE  ? 8
                     : format == H264_WIDE ? 512
                     : format == H264_HUGE ? 4096
                                           : 4;
    uint32_t height = format == H264_LARGE ? 6 : format == H264_HUGE ? 4096 : 3;
    if (format == H264_INTERLACED) {
        profile = 77;
        height = 2; /* map units: 64 rows */
    }
    put(w, 8, 0x67), put(w, 8, profile), put(w, 8, 0), put(w, 8, 40);
    put_ue(w, 0);
    if (profile >= 100)
        put_ue(w, format == H264_422 ? 2 : 1), put_ue(w, 0), put_ue(w, 0), put(w, 2, 0);
    put_ue(w, 0), put_ue(w, 0), put_ue(w, 0); /* frame_num, order count type 0 */
    put_ue(w, format == H264_B ? 2 : 1), put(w, 1, 0);
    put_ue(w, width - 1), put_ue(w, height - 1);
    put(w, 1, format != H264_INTERLACED);
    if (format == H264_INTERLACED)
        put(w, 1, 0);
    put(w, 1, 1); /* direct_8x8 */
    put(w, 1, format == H264_CROPPED);
    if (format == H264_CROPPED)
        put_ue(w, 0), put_ue(w, 5), put_ue(w, 0), put_ue(w, 5);
    put(w, 1, format == H264_B); /* VUI: only the bitstream restriction */
    if (format == H264_B) {
        put(w, 8, 0), put(w, 1, 1), put(w, 1, 1);
        put_ue(w, 0), put_ue(w, 0), put_ue(w, 10), put_ue(w, 10), put_ue(w, 1), put_ue(w, 2);
    }
    put(w, 1, 1);
}

/* 7.3.2.2.1 of H.265: 64x64, 10 bit, two pictures, no reordering. */
static void write_h265_sps(struct bit_writer *w)
{
    put(w, 16, 0x4201), put(w, 4, 0), put(w, 3, 0), put(w, 1, 1);
    put(w, 8, 0x02), put(w, 32, 0x20000000), put(w, 16, 0x9000), put(w, 32, 0), put(w, 8, 93);
    put_ue(w, 0), put_ue(w, 1), put_ue(w, 64), put_ue(w, 64), put(w, 1, 0);
    put_ue(w, 2), put_ue(w, 2), put_ue(w, 4); /* depths, order count bits */
    put(w, 1, 1), put_ue(w, 1), put_ue(w, 0), put_ue(w, 0);
    put_ue(w, 0), put_ue(w, 0), put_ue(w, 0), put_ue(w, 0), put_ue(w, 0), put_ue(w, 0);
    put(w, 1, 0), put(w, 2, 0), put(w, 1, 0);
    put_ue(w, 0), put(w, 1, 0), put(w, 2, 0), put(w, 1, 0), put(w, 1, 0), put(w, 1, 1);
}

static void append_nal(struct unit *unit, const uint8_t *data, size_t size)
{
    static const uint8_t start_code[] = {0, 0, 0, 1};
    size_t zeros = 0;
    memcpy(unit->data + unit->size, start_code, 4);
    unit->size += 4;
    for (size_t i = 0; i < size; i++) { /* with emulation prevention */
        if (zeros >= 2 && data[i] <= 3) {
            unit->data[unit->size++] = 3;
            zeros = 0;
        }
        zeros = data[i] ? 0 : zeros + 1;
        unit->data[unit->size++] = data[i];
    }
}

static void make_unit(struct unit *unit, enum format format, bool key, uint8_t order,
                      uint8_t number)
{
    bool h265 = format == H265_TEN;
    *unit = (struct unit){.codec = h265 ? FV_CODEC_H265 : FV_CODEC_H264, .key = key};
    struct bit_writer sps = {0};
    if (h265)
        write_h265_sps(&sps);
    else
        write_h264_sps(&sps, format);
    if (key)
        append_nal(unit, sps.data, (sps.bits + 7) / 8);
    const uint8_t h264_slice[] = {key ? 0x65 : 0x41, 0x88, number, order, 0x80};
    const uint8_t h265_slice[] = {key ? 0x26 : 0x02, 0x01, 0x80, order, number, 0x80};
    unit->slice_size = h265 ? sizeof(h265_slice) : sizeof(h264_slice);
    append_nal(unit, h265 ? h265_slice : h264_slice, unit->slice_size);
    unit->slice = unit->data + unit->size - unit->slice_size;
}

#endif
