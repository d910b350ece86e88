// SPDX-License-Identifier: Apache-2.0
/*
 * Picture -> the planes that JPEG files hold. recode.c is the definition. A thread makes one sample of Cb and of Cr, and the four of Y
 * over it.
 */
#include "kernels/device.h"
#include "kernels/layout.h"

FV_DEVICE int32_t sample(const struct fv_launch_recode *launch, uint64_t row, uint32_t i)
{
    const uint32_t stored = launch->wide ? fv_load_u16(row + 2 * i) : fv_load_u8(row + i);
    return (int32_t)(stored << launch->shift);
}

/* From parts of 2^22 of a level. */
FV_DEVICE uint8_t to_byte(int32_t value)
{
    value += 1 << 21;
    value = value < 0 ? 0 : value >> 22;
    return (uint8_t)(value > 255 ? 255 : value);
}

FV_DEVICE void store(const struct fv_launch_recode *launch, uint32_t plane, uint32_t x, uint32_t y,
                     int32_t value)
{
    *(uint8_t *)(uintptr_t)(launch->out[plane] + (uint64_t)y * launch->out_pitch[plane] + x) =
        to_byte(value);
}

/* Two pixels of the row `y` of the plane, from the row of the picture that belongs there. */
FV_DEVICE void luma_row(const struct fv_launch_recode *launch, uint32_t x, uint32_t y, int32_t bias)
{
    const uint32_t from = y < launch->height ? y : launch->height - 1;
    const uint32_t next = x + 1 < launch->width ? x + 1 : x;
    const uint64_t row = launch->plane[0] + (uint64_t)from * launch->pitch[0];
    const struct fv_recode *r = &launch->recode;
    store(launch, 0, x, y, r->y * (sample(launch, row, x) - r->black) + bias);
    store(launch, 0, x + 1, y, r->y * (sample(launch, row, next) - r->black) + bias);
}

FV_KERNEL fv_recode(const struct fv_launch_recode launch)
{
    const uint32_t x = fv_block_x() * fv_threads_x() + fv_thread_x();
    const uint32_t y = fv_block_y() * fv_threads_y() + fv_thread_y();
    if (x >= (launch.width + 1) / 2 || y >= (launch.height + 1) / 2)
        return;
    const uint32_t step = launch.interleaved ? 2 : 1;
    const uint64_t first = launch.plane[1] + (uint64_t)y * launch.pitch[1];
    const uint64_t second =
        launch.interleaved ? first : launch.plane[2] + (uint64_t)y * launch.pitch[2];
    const int32_t cb = sample(&launch, first, x * step) - 32768;
    const int32_t cr = sample(&launch, second, x * step + step - 1) - 32768;
    const struct fv_recode *r = &launch.recode;
    const int32_t bias = r->y_cb * cb + r->y_cr * cr;
    store(&launch, 1, x, y, (128 << 22) + r->cb_cb * cb + r->cb_cr * cr);
    store(&launch, 2, x, y, (128 << 22) + r->cr_cb * cb + r->cr_cr * cr);
    luma_row(&launch, 2 * x, 2 * y, bias);
    luma_row(&launch, 2 * x, 2 * y + 1, bias);
}
