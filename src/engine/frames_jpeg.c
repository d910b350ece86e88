// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "engine/frames_impl.h"

int fv_reader_frame_jpeg(struct fv_reader_frame *frame, unsigned quality, uint8_t **ret_data,
                         size_t *ret_size, struct fv_error *err)
{
    struct fv_gpu_jpeg_file file;
    int r = fv_jpeg_maker_make(&frame->frames->jpegs, frame->picture, quality, &file, err);
    if (r < 0)
        return r;
    *ret_data = file.data;
    *ret_size = file.size;
    return 0;
}

void fv_reader_jpeg_free(uint8_t *data)
{
    fv_free(data);
}
