// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "codec/jpeg_headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_jpeg_image jpeg;
    struct fv_video_format format;
    struct fv_error err = {0};
    size_t end = 0;
    if (fv_jpeg_check(data, size, &end, &err) == 0)
        check(!err.text[0] && end <= size && fv_jpeg_parse(data, end, &format) == 0);
    else
        check(strncmp(err.text, "jpeg: ", 6) == 0);
    if (fv_jpeg_read_headers(data, size, &jpeg) < 0)
        return 0;
    check(jpeg.scan <= size && jpeg.format.width > 0 && jpeg.format.height > 0);
    check(jpeg.format.chroma <= 3);
    for (unsigned i = 0; i < 2; i++) {
        const size_t table = jpeg.wide[i] ? 2 * FV_JPEG_TABLE : FV_JPEG_TABLE;
        check(jpeg.tables[i] > data && jpeg.tables[i] + table <= data + jpeg.scan);
    }
    return 0;
}
