// SPDX-License-Identifier: Apache-2.0
/*
 * Tensors as PyTorch, CuPy, NumPy, JAX and others exchange them: the binary layout of DLPack (https://dmlc.github.io/dlpack), written
 * down here from its specification, so that nothing else is needed to build. A pointer to one of these structs may be handed to
 * whatever takes a DLManagedTensor ("dltensor") or a DLManagedTensorVersioned ("dltensor_versioned"), and cast to the
 * structs of DLPack's own header, which may be included beside this one.
 */
#ifndef FOVEA_DLPACK_H
#define FOVEA_DLPACK_H

#include <stdint.h>

#define FV_DL_MAJOR 1u /* version of struct fv_dl_tensor_versioned */
#define FV_DL_MINOR 0u

enum fv_dl_device_type { FV_DL_CPU = 1, FV_DL_CUDA = 2, FV_DL_CUDA_HOST = 3 };

struct fv_dl_device {
    int32_t type; /* enum fv_dl_device_type */
    int32_t id;   /* ordinal: 1 of "cuda:1" */
};

enum fv_dl_code { FV_DL_INT = 0, FV_DL_UINT = 1, FV_DL_FLOAT = 2 };

struct fv_dl_type {
    uint8_t code; /* enum fv_dl_code */
    uint8_t bits;
    uint16_t lanes; /* 1 */
};

/* A view of memory. Element (i, j, ...) lies at data + byte_offset + (i * strides[0] + j * strides[1] + ...) elements. */
struct fv_dl_view {
    void *data; /* a device address when the device is one */
    struct fv_dl_device device;
    int32_t dimensions;
    struct fv_dl_type type;
    int64_t *shape, *strides; /* [dimensions], in elements */
    uint64_t byte_offset;
};

/* DLManagedTensor, of DLPack before 1.0 and still the one that everybody takes. */
struct fv_dl_tensor {
    struct fv_dl_view view;
    void *context;
    void (*deleter)(struct fv_dl_tensor *self); /* once, by the consumer, on any thread */
};

#define FV_DL_READ_ONLY 1u /* flags */

/* DLManagedTensorVersioned, since DLPack 1.0. */
struct fv_dl_tensor_versioned {
    uint32_t major, minor;
    void *context;
    void (*deleter)(struct fv_dl_tensor_versioned *self);
    uint64_t flags;
    struct fv_dl_view view;
};

#endif
