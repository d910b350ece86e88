// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/library.h"
#include "base/log.h"
#include "infer/ort.h"

#define PATH_SIZE 1024
/* The newest function used here came with 1.4; older than this is not worth a user's time. */
#define API_MIN 10
#define CURE "run scripts/setup, or set FOVEA_ORT_PATH to the library or its folder"

/* The C API is versioned by the minor number: 1.N offers the versions 1 to N. */
static int choose_api(const OrtApiBase *base, const char *path, struct fv_ort_library *library,
                      struct fv_error *err)
{
    unsigned minor = 0;
    const char *version = base->GetVersionString();
    snprintf(library->version, sizeof(library->version), "%s", version);
    if (sscanf(version, "1.%u", &minor) != 1 || minor < API_MIN)
        return fv_error_set(err, -ENOTSUP,
                            "%s is ONNX Runtime %s; 1.%d or newer is needed: install a newer one",
                            path, library->version, API_MIN);
    library->minor = minor;
    library->api = base->GetApi(minor < ORT_API_VERSION ? minor : ORT_API_VERSION);
    if (!library->api)
        return fv_error_set(err, -ENOTSUP, "%s (ONNX Runtime %s) does not offer its C API", path,
                            library->version);
    fv_debug("infer", "ONNX Runtime %s from %s", library->version, path);
    return 0;
}

/*
 * ONNX Runtime's builds for PyPI report their use to their makers over the network, from threads of their own, unless this is set
 * before the library is loaded (1.31.1: seen as look-ups of mobile.events.data.microsoft.com; 1.23.2 has none of it). A program that
 * watches cameras talks to nobody that its user did not name.
 */
static void forbid_telemetry(void)
{
    setenv("ORT_DISABLE_TELEMETRY", "1", 1);
}

/* The folder of the file that an address belongs to. */
static void find_folder(const void *address, char *out, size_t capacity)
{
    Dl_info info;
    char path[PATH_MAX];
    if (!dladdr(address, &info) || !realpath(info.dli_fname, path))
        return;
    *strrchr(path, '/') = 0;
    snprintf(out, capacity, "%s", path);
}

/* RTLD_NODELETE: the library keeps thread-local state and must never be unmapped. */
static int open_file(const char *path, struct fv_ort_library *ret_library, struct fv_error *err)
{
    struct fv_ort_library library = {.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)};
    if (!library.handle)
        return fv_error_set(err, -ENOTSUP, "cannot load ONNX Runtime: %s", dlerror());
    const OrtApiBase *(*get_base)(void) = NULL;
    *(void **)&get_base = dlsym(library.handle, "OrtGetApiBase");
    find_folder(*(void **)&get_base, library.folder, sizeof(library.folder));
    int result = -ENOTSUP;
    if (get_base)
        result = choose_api(get_base(), path, &library, err);
    else
        fv_error_set(err, result, "%s is not ONNX Runtime: it has no OrtGetApiBase", path);
    if (result < 0)
        dlclose(library.handle);
    else
        *ret_library = library;
    return result;
}

static bool is_library_name(const char *name)
{
    static const char stem[] = "libonnxruntime.so";
    size_t size = sizeof(stem) - 1;
    return strncmp(name, stem, size) == 0 && (name[size] == 0 || name[size] == '.');
}

/* The newest libonnxruntime.so* of a folder (a wheel has no link without the full version). Links to nothing do not count. */
static int find_in_folder(const char *folder, char path[PATH_SIZE])
{
    char best[256] = "", candidate[PATH_SIZE];
    DIR *directory = opendir(folder);
    if (!directory)
        return -ENOENT;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        if (!is_library_name(entry->d_name) || strverscmp(entry->d_name, best) <= 0)
            continue;
        int size = snprintf(candidate, sizeof(candidate), "%s/%s", folder, entry->d_name);
        if (size >= (int)sizeof(candidate) || access(candidate, R_OK) < 0)
            continue;
        snprintf(best, sizeof(best), "%s", entry->d_name);
        memcpy(path, candidate, sizeof(candidate));
    }
    closedir(directory);
    return best[0] ? 0 : -ENOENT;
}

static int open_folder(const char *folder, struct fv_ort_library *ret_library, struct fv_error *err)
{
    char path[PATH_SIZE];
    if (find_in_folder(folder, path) < 0)
        return fv_error_set(err, -ENOENT, "there is no libonnxruntime.so in %s: " CURE, folder);
    return open_file(path, ret_library, err);
}

/* A place that the user named: nothing else is tried when it is wrong. */
static int open_named(const char *path, struct fv_ort_library *ret_library, struct fv_error *err)
{
    struct stat info;
    if (stat(path, &info) < 0)
        return fv_error_set(err, -ENOENT, "ONNX Runtime: %s: %s: " CURE, path, strerror(errno));
    return S_ISDIR(info.st_mode) ? open_folder(path, ret_library, err)
                                 : open_file(path, ret_library, err);
}

static int open_beside_program(struct fv_ort_library *ret_library, struct fv_error *err)
{
    char folder[PATH_SIZE];
    ssize_t size = readlink("/proc/self/exe", folder, sizeof(folder) - sizeof("/ort"));
    if (size <= 0)
        return -ENOENT;
    folder[size] = 0;
    char *slash = strrchr(folder, '/');
    if (!slash)
        return -ENOENT;
    memcpy(slash, "/ort", sizeof("/ort"));
    return open_folder(folder, ret_library, err);
}

static int open_by_linker(struct fv_ort_library *ret_library, struct fv_error *err)
{
    static const char *const names[] = {"libonnxruntime.so.1", "libonnxruntime.so"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        void *handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!handle)
            continue;
        int result = open_file(names[i], ret_library, err);
        dlclose(handle);
        return result;
    }
    return -ENOENT;
}

static int open_matching(const char *pattern, struct fv_ort_library *ret_library,
                         struct fv_error *err)
{
    glob_t folders;
    int result = -ENOENT;
    if (glob(pattern, 0, NULL, &folders) != 0)
        return result;
    for (size_t i = 0; result == -ENOENT && i < folders.gl_pathc; i++)
        result = open_folder(folders.gl_pathv[i], ret_library, err);
    globfree(&folders);
    return result;
}

static int open_well_known(struct fv_ort_library *ret_library, struct fv_error *err)
{
    static const char *const patterns[] = {
        "/usr/local/lib",
        "/usr/lib/*-linux-gnu",
        "/opt/onnxruntime*/lib",
    };
    int result = -ENOENT;
    for (size_t i = 0; result == -ENOENT && i < sizeof(patterns) / sizeof(patterns[0]); i++)
        result = open_matching(patterns[i], ret_library, err);
    for (unsigned i = 0; result == -ENOENT; i++) {
        char pattern[PATH_SIZE];
        if (!fv_library_packages(i, "onnxruntime/capi", pattern, sizeof(pattern)))
            break;
        result = open_matching(pattern, ret_library, err);
    }
    return result;
}

static int search(struct fv_ort_library *ret_library, struct fv_error *err)
{
    int result = open_beside_program(ret_library, err);
    if (result == -ENOENT)
        result = open_by_linker(ret_library, err);
    if (result == -ENOENT)
        result = open_well_known(ret_library, err);
    if (result == -ENOENT)
        fv_error_set(err, result,
                     "ONNX Runtime (libonnxruntime.so) was found neither in the folder 'ort' "
                     "beside the program nor in the system's folders: " CURE);
    return result;
}

int fv_ort_library_open(const char *path, struct fv_ort_library *ret_library, struct fv_error *err)
{
    struct fv_error local = {0}; /* a search that ends well leaves the caller's untouched */
    if (!path || !*path)
        path = secure_getenv("FOVEA_ORT_PATH");
    forbid_telemetry();
    int result =
        path && *path ? open_named(path, ret_library, &local) : search(ret_library, &local);
    return result < 0 ? fv_error_set(err, result, "%s", local.text) : 0;
}

void fv_ort_library_close(struct fv_ort_library *library)
{
    if (library->handle)
        dlclose(library->handle);
    *library = (struct fv_ort_library){0};
}
