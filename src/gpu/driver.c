// SPDX-License-Identifier: Apache-2.0
#include "gpu/driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct entry {
    const char *symbol;
    size_t offset; /* of the member in struct fv_driver */
};

#define ENTRY(name, symbol, arguments) {symbol, offsetof(struct fv_driver, name)},
static const struct entry cuda_entries[] = {FV_CUDA_ENTRIES(ENTRY)};
static const struct entry cuvid_entries[] = {FV_CUVID_ENTRIES(ENTRY)};
#undef ENTRY

struct survey {
    fv_driver_missing_fn missing;
    void *data;
    unsigned count;
};

__attribute__((format(printf, 3, 4))) static void report(struct survey *survey, const char *cure,
                                                         const char *format, ...)
{
    char what[320];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    survey->count++;
    survey->missing(survey->data, what, cure);
}

/* The first symbol that the library does not have, or NULL. */
static const char *fill(struct fv_driver *driver, void *library, const struct entry *entries,
                        size_t count)
{
    const char *missing = NULL;
    for (size_t i = 0; i < count; i++) {
        void *address = dlsym(library, entries[i].symbol);
        memcpy((char *)driver + entries[i].offset, &address, sizeof(address));
        if (!address && !missing)
            missing = entries[i].symbol;
    }
    return missing;
}

static const char *result_text(const struct fv_driver *driver, CUresult result)
{
    const char *text = NULL;
    if (!driver->cuGetErrorString || driver->cuGetErrorString(result, &text) != CUDA_SUCCESS)
        return "an error without a text";
    return text ? text : "an error without a text";
}

/* The driver and its version come first: too old a one lacks entry points, and its age is the better explanation. */
static bool survey_version(struct survey *survey, struct fv_driver *driver)
{
    int version = 0;
    if (!driver->cuDriverGetVersion || driver->cuDriverGetVersion(&version) != CUDA_SUCCESS)
        return true;
    driver->version = version;
    if (version >= FV_DRIVER_VERSION_MIN)
        return true;
    report(survey, "update the NVIDIA driver to 525 or newer (CUDA 12.0)",
           "the NVIDIA driver is too old: it offers CUDA %d.%d", version / 1000,
           version % 1000 / 10);
    return false;
}

static void survey_devices(struct survey *survey, struct fv_driver *driver)
{
    static const char cure[] =
        "check that 'nvidia-smi' lists a GPU, and in a container that it was "
        "passed in (--gpus all)";
    int devices = 0;
    CUresult result = driver->cuInit(0);
    if (result == CUDA_SUCCESS)
        result = driver->cuDeviceGetCount(&devices);
    if (result != CUDA_SUCCESS)
        report(survey, cure, "the NVIDIA driver gives no GPU: %s (CUDA error %d)",
               result_text(driver, result), (int)result);
    else if (devices == 0)
        report(survey, cure, "the NVIDIA driver gives no GPU: it lists none");
}

/* Why a library could not be opened, where there is more to say than that it is not there. Any thread: dlerror() is per thread. */
static const char *reason(void)
{
    static _Thread_local char text[200];
    const char *why = dlerror();
    if (!why || strstr(why, "No such file"))
        return "";
    snprintf(text, sizeof(text), " (%s)", why);
    return text;
}

static void survey_cuda(struct survey *survey, struct fv_driver *driver)
{
    driver->cuda = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!driver->cuda) {
        report(survey, "install the NVIDIA driver, or in a container pass the GPU in (--gpus all)",
               "the NVIDIA driver is missing: libcuda.so.1 cannot be opened%s", reason());
        return;
    }
    const char *absent =
        fill(driver, driver->cuda, cuda_entries, sizeof(cuda_entries) / sizeof(cuda_entries[0]));
    if (!survey_version(survey, driver))
        return;
    if (absent)
        report(survey, "install the NVIDIA driver again: 525 or newer",
               "libcuda.so.1 is not a whole NVIDIA driver library: it has no %s", absent);
    else
        survey_devices(survey, driver);
}

static void survey_cuvid(struct survey *survey, struct fv_driver *driver)
{
    static const char cure[] = "install the driver's decode part (Debian: libnvcuvid1; containers: "
                               "NVIDIA_DRIVER_CAPABILITIES=video,compute,utility)";
    driver->cuvid = dlopen("libnvcuvid.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!driver->cuvid) {
        report(survey, cure,
               "the hardware decoder's library is missing: libnvcuvid.so.1 cannot be opened%s",
               reason());
        return;
    }
    const char *absent = fill(driver, driver->cuvid, cuvid_entries,
                              sizeof(cuvid_entries) / sizeof(cuvid_entries[0]));
    if (absent)
        report(survey, cure, "libnvcuvid.so.1 is not a whole decoder library: it has no %s",
               absent);
}

unsigned fv_driver_survey(struct fv_driver *ret_driver, fv_driver_missing_fn missing, void *data)
{
    struct survey survey = {missing, data, 0};
    memset(ret_driver, 0, sizeof(*ret_driver));
    survey_cuda(&survey, ret_driver);
    survey_cuvid(&survey, ret_driver);
    return survey.count;
}

static void keep_first(void *data, const char *what, const char *cure)
{
    struct fv_error *err = data;
    if (err->code == 0)
        fv_error_set(err, -ENODEV, "%s: %s", what, cure);
}

int fv_driver_open(struct fv_driver *ret_driver, struct fv_error *err)
{
    struct fv_driver driver;
    struct fv_error first = {0};
    if (fv_driver_survey(&driver, keep_first, &first) > 0) {
        fv_driver_close(&driver);
        return fv_error_set(err, first.code, "%s", first.text);
    }
    *ret_driver = driver;
    return 0;
}

void fv_driver_close(struct fv_driver *driver)
{
    if (driver->cuda)
        dlclose(driver->cuda);
    if (driver->cuvid)
        dlclose(driver->cuvid);
    memset(driver, 0, sizeof(*driver));
}

/* Errors after which no call on the context succeeds again ("the process must be terminated and relaunched" in the driver's
 * manual, or the device is gone). */
static bool is_sticky(int result)
{
    switch (result) {
    case FV_CUDA_DEINITIALIZED:
    case FV_CUDA_DEVICE_UNAVAILABLE:
    case FV_CUDA_NO_DEVICE:
    case FV_CUDA_INVALID_DEVICE:
    case FV_CUDA_ECC_UNCORRECTABLE:
    case FV_CUDA_NVLINK_UNCORRECTABLE:
    case FV_CUDA_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case FV_CUDA_CONTEXT_IS_DESTROYED:
    case FV_CUDA_ASSERT:
    case CUDA_ERROR_UNKNOWN:
        return true;
    default: /* stack error, illegal instruction, misaligned address, address space, pc, launch */
        return result >= FV_CUDA_HARDWARE_STACK_ERROR && result <= FV_CUDA_LAUNCH_FAILED;
    }
}

static int code_of(int result)
{
    if (is_sticky(result))
        return -ENODEV;
    if (result == FV_CUDA_OUT_OF_MEMORY)
        return -ENOMEM;
    if (result == CUDA_ERROR_NOT_READY)
        return -EAGAIN;
    return result == FV_CUDA_NOT_SUPPORTED ? -ENOTSUP : -EIO;
}

int fv_driver_check(const struct fv_driver *driver, CUresult result, const char *call,
                    struct fv_error *err)
{
    if (result == CUDA_SUCCESS)
        return 0;
    const char *name = NULL;
    if (!driver->cuGetErrorName || driver->cuGetErrorName(result, &name) != CUDA_SUCCESS || !name)
        name = "CUDA error";
    return fv_error_set(err, code_of((int)result), "%s: %s (%d): %s", call, name, (int)result,
                        result_text(driver, result));
}

void fv_driver_build(const char *file, char ret_build[32])
{
    FILE *module = fopen(file, "re");
    if (!module || fscanf(module, "%31[0-9.]", ret_build) != 1)
        snprintf(ret_build, 32, "unknown");
    if (module)
        fclose(module);
}
