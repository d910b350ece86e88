// SPDX-License-Identifier: Apache-2.0
/* Copies and fills, enqueued; made by the stream's thread. */
#include <stdlib.h>
#include <string.h>

#include "impl.h"

struct copy {
    void *to;
    const void *from; /* NULL: fill with `value` */
    size_t bytes, rows, to_pitch, from_pitch;
    unsigned char value;
};

static void make(void *data, bool lost)
{
    struct copy *copy = data;
    for (size_t row = 0; row < copy->rows && !lost; row++) {
        char *to = (char *)copy->to + row * copy->to_pitch;
        if (copy->from)
            memcpy(to, (const char *)copy->from + row * copy->from_pitch, copy->bytes);
        else
            memset(to, copy->value, copy->bytes);
    }
    free(copy);
}

static CUresult enqueue(CUstream stream, const struct copy *what)
{
    struct copy *copy = malloc(sizeof(*copy));
    if (!copy)
        fakegpu_abort("copy", "out of memory");
    *copy = *what;
    return fakegpu_enqueue(stream, make, copy);
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream stream)
{
    ENTER();
    fakegpu_memory_check(__func__, to, bytes);
    return enqueue(stream, &(struct copy){(void *)(uintptr_t)to, from, bytes, 1});
}

CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    ENTER();
    fakegpu_memory_check(__func__, from, bytes);
    return enqueue(stream, &(struct copy){to, (void *)(uintptr_t)from, bytes, 1});
}

CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    ENTER();
    fakegpu_memory_check(__func__, to, bytes);
    fakegpu_memory_check(__func__, from, bytes);
    return enqueue(stream,
                   &(struct copy){(void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes, 1});
}

CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t bytes, CUstream stream)
{
    ENTER();
    fakegpu_memory_check(__func__, address, bytes);
    return enqueue(stream, &(struct copy){(void *)(uintptr_t)address, NULL, bytes, 1, 0, 0, value});
}

/* Where one side of a rectangle begins. */
static const void *side(CUmemorytype type, const void *host, CUdeviceptr device, size_t offset,
                        size_t span)
{
    if (type == CU_MEMORYTYPE_HOST)
        return (const char *)host + offset;
    if (type != CU_MEMORYTYPE_DEVICE)
        fakegpu_abort("cuMemcpy2DAsync", "arrays are not made here");
    fakegpu_memory_check("cuMemcpy2DAsync", device + offset, span);
    return (const void *)(uintptr_t)(device + offset);
}

CUresult cuMemcpy2DAsync(const CUDA_MEMCPY2D *copy, CUstream stream)
{
    ENTER();
    size_t rows = copy->Height, width = copy->WidthInBytes;
    if (rows == 0 || width == 0 || (rows > 1 && (copy->srcPitch < width || copy->dstPitch < width)))
        return (CUresult)FV_CUDA_INVALID_VALUE;
    const void *from =
        side(copy->srcMemoryType, copy->srcHost, copy->srcDevice,
             copy->srcY * copy->srcPitch + copy->srcXInBytes, (rows - 1) * copy->srcPitch + width);
    const void *to =
        side(copy->dstMemoryType, copy->dstHost, copy->dstDevice,
             copy->dstY * copy->dstPitch + copy->dstXInBytes, (rows - 1) * copy->dstPitch + width);
    return enqueue(stream, &(struct copy){(void *)(uintptr_t)to, from, width, rows, copy->dstPitch,
                                          copy->srcPitch});
}
