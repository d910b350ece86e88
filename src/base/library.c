// SPDX-License-Identifier: Apache-2.0
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define PATH_SIZE 1024

bool fv_library_packages(unsigned index, const char *below, char *out, size_t capacity)
{
    static const struct {
        const char *variable, *middle;
    } places[] = {
        {"VIRTUAL_ENV", "/lib/python3*/site-packages/"},
        {"HOME", "/.local/lib/python3*/site-packages/"},
        {NULL, "/usr/local/lib/python3*/*-packages/"},
        {NULL, "/usr/lib/python3*/*-packages/"},
    };
    if (index >= sizeof(places) / sizeof(places[0]))
        return false;
    const char *root = places[index].variable ? secure_getenv(places[index].variable) : "";
    if (!root || (places[index].variable && !*root))
        root = "/nonexistent";
    snprintf(out, capacity, "%s%s%s", root, places[index].middle, below);
    return true;
}

/* One search: the library once it is found, else why a find could not be loaded. */
struct search {
    void *handle;
    bool found;
    struct fv_error *err;
};

static void load(struct search *search, const char *path)
{
    search->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (search->handle)
        fv_debug("library", "loaded %s", path);
    else
        fv_error_set(search->err, -ENOTSUP, "%s", dlerror());
}

/* The first match that loads. One that could not be loaded does not end the search. */
static void try_matching(struct search *search, const char *pattern)
{
    glob_t files;
    if (search->handle || glob(pattern, 0, NULL, &files) != 0)
        return;
    for (size_t i = 0; !search->handle && i < files.gl_pathc; i++)
        load(search, files.gl_pathv[i]);
    search->found |= files.gl_pathc > 0;
    globfree(&files);
}

/* In a folder of pip's packages, in the usual places. */
static void try_packages(struct search *search, const char *folder, const char *name,
                         const char *beside)
{
    char pattern[PATH_SIZE], below[128];
    if (*beside) {
        snprintf(pattern, sizeof(pattern), "%s/../../%s/%s", beside, folder, name);
        try_matching(search, pattern);
    }
    snprintf(below, sizeof(below), "%s/%s", folder, name);
    for (unsigned i = 0; fv_library_packages(i, below, pattern, sizeof(pattern)); i++)
        try_matching(search, pattern);
}

static void search_all(struct search *search, const char *name, const char *beside)
{
    static const char *const toolkit[] = {"/usr/local/cuda/lib64", "/usr/local/cuda-*/lib64",
                                          "/usr/local/cuda*/lib", "/usr/local/cuda*/targets/*/lib"};
    static const char *const packages[] = {"nvidia/*/lib", "tensorrt_libs"};
    char pattern[PATH_SIZE];
    if (*beside) {
        snprintf(pattern, sizeof(pattern), "%s/%s", beside, name);
        try_matching(search, pattern);
    }
    for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++)
        try_packages(search, packages[i], name, beside);
    for (size_t i = 0; i < sizeof(toolkit) / sizeof(toolkit[0]); i++) {
        snprintf(pattern, sizeof(pattern), "%s/%s", toolkit[i], name);
        try_matching(search, pattern);
    }
}

int fv_library_open(const char *name, const char *beside, void **ret_handle, struct fv_error *err)
{
    struct fv_error why = {0};
    struct search search = {.err = &why};
    load(&search, name);
    if (!search.handle)
        search_all(&search, name, beside);
    if (!search.handle)
        return search.found ? fv_error_set(err, -ENOTSUP, "%s", why.text)
                            : fv_error_set(err, -ENOENT, "it was found nowhere");
    if (ret_handle)
        *ret_handle = search.handle;
    return 0;
}
