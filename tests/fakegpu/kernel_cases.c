// SPDX-License-Identifier: Apache-2.0
#include "fakegpu/kernel_cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/recode.h"

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory)
        abort();
    return memory;
}

/* --- Pictures --- */

/* Lays plane `index` behind what is there; its rows are `gap` samples longer than they need be. */
static void add_plane(struct fv_case_picture *c, int index, uint32_t samples, uint32_t rows,
                      uint32_t gap)
{
    const bool wide = c->picture.format == FV_PIXEL_P016 || c->picture.format == FV_PIXEL_I010;
    const size_t size = wide ? 2 : 1;
    c->picture.pitch[index] = (samples + gap) * size;
    c->offset[index] = (c->size + 3) / 4 * 4;
    c->size = c->offset[index] + c->picture.pitch[index] * (rows - 1) + samples * size;
}

static void scribble(struct fv_case_picture *c, struct fv_rand *rand)
{
    for (size_t i = 0; i < c->size; i++)
        c->memory[i] = (uint8_t)fv_rand_u64(rand);
    if (c->picture.format == FV_PIXEL_I010)
        for (size_t i = 1; i < c->size; i += 2)
            c->memory[i] &= 3; /* 10 bits */
}

void fv_case_picture_init(struct fv_case_picture *c, struct fv_rand *rand,
                          enum fv_pixel_format format, uint32_t width, uint32_t height)
{
    const uint32_t columns = (width + 1) / 2, rows = (height + 1) / 2;
    *c = (struct fv_case_picture){
        .picture = {.format = format,
                    .matrix = fv_rand_below(rand, 2) ? FV_MATRIX_BT709 : FV_MATRIX_BT601,
                    .full_range = fv_rand_below(rand, 2)}};
    c->picture.info.width = width;
    c->picture.info.height = height;
    add_plane(c, 0, width, height, (uint32_t)fv_rand_below(rand, 5));
    if (format == FV_PIXEL_NV12 || format == FV_PIXEL_P016) {
        add_plane(c, 1, 2 * columns, rows, 2 * (uint32_t)fv_rand_below(rand, 3));
    } else {
        add_plane(c, 1, columns, rows, (uint32_t)fv_rand_below(rand, 5));
        add_plane(c, 2, columns, rows, (uint32_t)fv_rand_below(rand, 5));
    }
    c->memory = allocate(c->size);
    scribble(c, rand);
    for (int i = 0; i < 3; i++)
        c->picture.plane[i] = c->picture.pitch[i] ? c->memory + c->offset[i] : NULL;
}

void fv_case_picture_finish(struct fv_case_picture *c)
{
    free(c->memory);
}

struct fv_tensor_spec fv_case_spec(struct fv_rand *rand, uint32_t limit)
{
    struct fv_tensor_spec spec = {.width = 1 + (uint32_t)fv_rand_below(rand, limit),
                                  .height = 1 + (uint32_t)fv_rand_below(rand, limit),
                                  .bgr = fv_rand_below(rand, 2),
                                  .range = 255,
                                  .std = {1, 1, 1},
                                  .pad_value = 114};
    if (fv_rand_below(rand, 2))
        return spec;
    spec.range = 1;
    spec.pad_value = 0.5f;
    for (int i = 0; i < 3; i++) {
        spec.mean[i] = 0.4f + 0.1f * (float)fv_rand_unit(rand);
        spec.std[i] = 0.2f + 0.1f * (float)fv_rand_unit(rand);
    }
    return spec;
}

struct fv_letterbox fv_case_place(struct fv_rand *rand, const struct fv_tensor_spec *spec)
{
    struct fv_letterbox place = {.width = (uint16_t)(1 + fv_rand_below(rand, spec->width)),
                                 .height = (uint16_t)(1 + fv_rand_below(rand, spec->height))};
    place.x = (uint16_t)fv_rand_below(rand, spec->width - place.width + 1);
    place.y = (uint16_t)fv_rand_below(rand, spec->height - place.height + 1);
    return place;
}

double fv_case_difference(const struct fv_tensor_spec *spec, enum fv_element element,
                          const float *want, const void *got)
{
    const size_t plane = (size_t)spec->width * spec->height;
    double worst = 0;
    for (size_t i = 0; i < 3 * plane; i++) {
        const double is = element == FV_ELEMENT_F16 ? fv_float_of_half(((const uint16_t *)got)[i])
                                                    : ((const float *)got)[i];
        double bound = FV_CASE_ROUNDING * spec->range / spec->std[i / plane];
        if (element == FV_ELEMENT_F16)
            bound += ldexp(fabs((double)want[i]), -11) + 0x1p-25;
        const double difference = fabs(is - want[i]) / bound;
        worst = difference > worst || isnan(difference) ? difference : worst;
        if (isnan(worst))
            return INFINITY;
    }
    return worst;
}

/* --- Planes for JPEG --- */

struct fv_case_planes fv_case_planes(struct fv_rand *rand, uint32_t width, uint32_t height)
{
    struct fv_case_planes planes = {0};
    for (int i = 0; i < 3; i++) {
        const uint32_t blocks = i ? 1 : 2;
        const uint32_t columns = (width + 1) / 2 * blocks, rows = (height + 1) / 2 * blocks;
        planes.pitch[i] = columns + fv_rand_below(rand, 5);
        planes.offset[i] = planes.size;
        planes.size += planes.pitch[i] * rows;
    }
    return planes;
}

uint8_t *fv_case_planes_expect(const struct fv_case_planes *planes,
                               const struct fv_picture *picture)
{
    uint8_t *memory = allocate(planes->size);
    struct fv_recode_planes out;
    memset(memory, FV_CASE_UNTOUCHED, planes->size);
    for (int i = 0; i < 3; i++) {
        out.plane[i] = memory + planes->offset[i];
        out.pitch[i] = planes->pitch[i];
    }
    if (fv_recode_run(picture, &out) < 0)
        abort();
    return memory;
}
