// SPDX-License-Identifier: Apache-2.0
#include "gpu/nvjpeg.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/library.h"

static const struct entry {
    const char *symbol;
    size_t offset; /* of the member in struct fv_nvjpeg */
} entries[] = {
#define ENTRY(name, arguments) {#name, offsetof(struct fv_nvjpeg, name)},
    FV_NVJPEG_ENTRIES(ENTRY)
#undef ENTRY
};

const char *const fv_nvjpeg_names[] = {"libnvjpeg.so.13", "libnvjpeg.so.12", NULL};

static const char cure[] = "'pip install nvidia-nvjpeg' (CUDA 12: nvidia-nvjpeg-cu12), or install "
                           "the CUDA toolkit";

static int fill(struct fv_nvjpeg *nvjpeg, void *library, const char *name, struct fv_error *err)
{
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        void *address = dlsym(library, entries[i].symbol);
        if (!address)
            return fv_error_set(err, -ENOTSUP,
                                "%s has no %s: it is too old, or no NVIDIA JPEG library: %s", name,
                                entries[i].symbol, cure);
        memcpy((char *)nvjpeg + entries[i].offset, &address, sizeof(address));
    }
    return 0;
}

int fv_nvjpeg_open(const char *const *names, struct fv_nvjpeg *ret_nvjpeg, struct fv_error *err)
{
    struct fv_error why = {0};
    for (const char *const *name = names; *name; name++) {
        struct fv_nvjpeg nvjpeg;
        void *library = NULL;
        int r = fv_library_open(*name, "", &library, &why);
        if (r == -ENOENT)
            continue;
        if (r < 0)
            return fv_error_set(err, -ENOTSUP, "%s cannot be opened (%s): %s", *name, why.text,
                                cure);
        r = fill(&nvjpeg, library, *name, err);
        if (r == 0)
            *ret_nvjpeg = nvjpeg;
        return r;
    }
    return fv_error_set(err, -ENOTSUP, "NVIDIA's JPEG library is missing: %s was found nowhere: %s",
                        names[0], cure);
}

int fv_nvjpeg_check(int status, const char *call, struct fv_error *err)
{
    static const char *const names[] = {"SUCCESS",
                                        "NOT_INITIALIZED",
                                        "INVALID_PARAMETER",
                                        "BAD_JPEG",
                                        "JPEG_NOT_SUPPORTED",
                                        "ALLOCATOR_FAILURE",
                                        "EXECUTION_FAILED",
                                        "ARCH_MISMATCH",
                                        "INTERNAL_ERROR",
                                        "IMPLEMENTATION_NOT_SUPPORTED",
                                        "INCOMPLETE_BITSTREAM"};
    int code = -EIO;
    if (status == FV_NVJPEG_SUCCESS)
        return 0;
    if (status == FV_NVJPEG_ALLOCATOR_FAILURE)
        code = -ENOMEM;
    else if (status == FV_NVJPEG_ARCH_MISMATCH || status == FV_NVJPEG_NOT_SUPPORTED)
        code = -ENOTSUP;
    const bool known = status > 0 && (size_t)status < sizeof(names) / sizeof(names[0]);
    return fv_error_set(err, code, "%s: NVJPEG_STATUS_%s (%d)", call,
                        known ? names[status] : "unknown", status);
}
