// SPDX-License-Identifier: Apache-2.0
#include "sink/canvas.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/recode.h"

static int reserve(struct fv_canvas_memory *memory, size_t size)
{
    if (size <= memory->size)
        return 0;
    uint8_t *grown = fv_realloc(memory->memory, size);
    if (!grown)
        return -ENOMEM;
    memory->memory = grown;
    memory->size = size;
    return 0;
}

/* Lays the canvas's planes out for a picture of this size. */
static int set_size(struct fv_canvas_memory *memory, uint32_t width, uint32_t height)
{
    if (!width || !height || width > FV_RECODE_SIDE_MAX || height > FV_RECODE_SIDE_MAX)
        return -EINVAL;
    const size_t chroma_width = (width + 1) / 2, chroma_height = (height + 1) / 2;
    const size_t chroma = chroma_width * chroma_height, luma = 4 * chroma;
    int code = reserve(memory, luma + 2 * chroma);
    if (code < 0)
        return code;
    memory->canvas = (struct fv_canvas){
        .plane = {memory->memory, memory->memory + luma, memory->memory + luma + chroma},
        .pitch = {2 * chroma_width, chroma_width, chroma_width},
        .width = (int)width,
        .height = (int)height,
    };
    return 0;
}

int fv_canvas_load(struct fv_canvas_memory *memory, const struct fv_picture *picture)
{
    if (picture->memory != FV_MEMORY_HOST || (unsigned)picture->format > FV_PIXEL_I010)
        return -ENOTSUP;
    int code = set_size(memory, picture->info.width, picture->info.height);
    if (code < 0)
        return code;
    const struct fv_canvas *canvas = &memory->canvas;
    const struct fv_recode_planes planes = {
        {canvas->plane[0], canvas->plane[1], canvas->plane[2]},
        {canvas->pitch[0], canvas->pitch[1], canvas->pitch[2]}};
    return fv_recode_run(picture, &planes);
}

void fv_canvas_finish(struct fv_canvas_memory *memory)
{
    fv_free(memory->memory);
    memset(memory, 0, sizeof(*memory));
}
