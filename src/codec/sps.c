// SPDX-License-Identifier: Apache-2.0
#include "codec/sps.h"

#include <errno.h>

#define ASPECT_EXTENDED 255

void fv_sps_window_read(struct fv_bits *bits, struct fv_sps_window *ret_window)
{
    ret_window->left = fv_bits_ue(bits);
    ret_window->right = fv_bits_ue(bits);
    ret_window->top = fv_bits_ue(bits);
    ret_window->bottom = fv_bits_ue(bits);
}

int fv_sps_set_size(struct fv_video_format *format, uint64_t coded_width, uint64_t coded_height,
                    const struct fv_sps_window *window, unsigned unit_x, unsigned unit_y)
{
    if (coded_width > FV_SIZE_MAX || coded_height > FV_SIZE_MAX)
        return -ENOTSUP;
    uint64_t cut_x = ((uint64_t)window->left + window->right) * unit_x;
    uint64_t cut_y = ((uint64_t)window->top + window->bottom) * unit_y;
    if (cut_x >= coded_width || cut_y >= coded_height)
        return -EBADMSG;
    format->coded_width = (uint16_t)coded_width;
    format->coded_height = (uint16_t)coded_height;
    format->width = (uint16_t)(coded_width - cut_x);
    format->height = (uint16_t)(coded_height - cut_y);
    return 0;
}

static void read_video_signal(struct fv_bits *bits, struct fv_video_format *format)
{
    fv_bits_skip(bits, 3); /* video_format */
    format->full_range = fv_bits_u(bits, 1);
    if (fv_bits_u(bits, 1)) {
        fv_bits_skip(bits, 16); /* colour_primaries, transfer_characteristics */
        format->matrix = (uint8_t)fv_bits_u(bits, 8);
    }
}

void fv_vui_read_head(struct fv_bits *bits, struct fv_video_format *format)
{
    if (fv_bits_u(bits, 1) && fv_bits_u(bits, 8) == ASPECT_EXTENDED)
        fv_bits_skip(bits, 32); /* sar_width, sar_height */
    if (fv_bits_u(bits, 1))
        fv_bits_skip(bits, 1); /* overscan_appropriate_flag */
    if (fv_bits_u(bits, 1))
        read_video_signal(bits, format);
    if (fv_bits_u(bits, 1)) {
        fv_bits_ue(bits); /* chroma_sample_loc_type_top_field */
        fv_bits_ue(bits); /* ..._bottom_field */
    }
}

void fv_sps_set_fps(struct fv_video_format *format, uint64_t num, uint64_t den)
{
    if (num == 0 || den == 0)
        return;
    uint64_t a = num, b = den;
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    if (num / a > UINT32_MAX || den / a > UINT32_MAX)
        return;
    format->fps_num = (uint32_t)(num / a);
    format->fps_den = (uint32_t)(den / a);
}
