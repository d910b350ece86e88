// SPDX-License-Identifier: Apache-2.0
#include "infer/engine_cache.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "infer/engine_folder.h"
#include "infer/engine_lock.h"
#include "infer/tell.h"

#define CURE                                                                                       \
    "make room there, make it writable for the engine's user, or set models.DETECTION_ENGINE_PATH"

struct fv_engine_cache {
    char root[FV_ENGINE_PATH_MAX], folder[FV_ENGINE_PATH_MAX], building[FV_ENGINE_PATH_MAX];
    char lock_path[FV_ENGINE_PATH_MAX];
    struct fv_engine_manifest manifest; /* its key is the wanted one */
    int lock;
    bool ready, begun;
};

int fv_engine_root(const char *configured, char ret_root[FV_ENGINE_PATH_MAX], struct fv_error *err)
{
    const char *cache = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
    int size;
    if (configured && *configured)
        size = snprintf(ret_root, FV_ENGINE_PATH_MAX, "%s", configured);
    else if (cache && *cache == '/')
        size = snprintf(ret_root, FV_ENGINE_PATH_MAX, "%s/fovea/engines", cache);
    else if (home && *home == '/')
        size = snprintf(ret_root, FV_ENGINE_PATH_MAX, "%s/.cache/fovea/engines", home);
    else
        return fv_error_set(err, -ENOENT,
                            "there is no place for built engines: set models.DETECTION_ENGINE_PATH "
                            "(HOME and XDG_CACHE_HOME are not set)");
    return size >= FV_ENGINE_PATH_MAX
               ? fv_error_set(err, -EINVAL, "the path of engines is too long")
               : 0;
}

/* "YOLOX Nano" -> "yolox-nano", at most 64 bytes. */
static void plain_name(const char *name, char out[65])
{
    size_t size = 0;
    for (; *name && size < 64; name++) {
        bool plain = isalnum((unsigned char)*name) || *name == '.' || *name == '_';
        out[size++] = plain ? (char)tolower((unsigned char)*name) : '-';
    }
    out[size] = 0;
}

static int make_paths(struct fv_engine_cache *cache, const char *root)
{
    const struct fv_engine_key *key = &cache->manifest.key;
    char hex[65], model[65];
    int result = fv_engine_key_hash(key, hex);
    if (result < 0)
        return result;
    plain_name(fv_engine_key_get(key, "model"), model);
    /* The longest of the three, and room for the names of files below. */
    int size = snprintf(cache->building, sizeof(cache->building), "%s/%s-%s-%.16s.build", root,
                        fv_engine_key_get(key, "runtime"), model, hex);
    if (size + (int)sizeof(cache->manifest.files[0].name) >= FV_ENGINE_PATH_MAX)
        return -ENAMETOOLONG;
    snprintf(cache->root, sizeof(cache->root), "%s", root);
    memcpy(cache->folder, cache->building, sizeof(cache->folder));
    cache->folder[size - (int)strlen(".build")] = 0;
    memcpy(cache->lock_path, cache->building, sizeof(cache->lock_path));
    memcpy(cache->lock_path + size - strlen(".build"), ".lock", sizeof(".lock"));
    return 0;
}

static int take_lock(struct fv_engine_cache *cache, const struct fv_engine_cache_params *params)
{
    int result = fv_engine_lock(cache->lock_path, false, &cache->lock);
    if (result == -EBUSY) {
        fv_tell(params->progress, params->data,
                "waiting for another process that builds or loads %s", cache->folder);
        result = fv_engine_lock(cache->lock_path, true, &cache->lock);
    }
    return result;
}

/* A copy that can only be read, and was made without the locks: nobody builds there. */
static bool needs_no_lock(const struct fv_engine_cache *cache)
{
    return access(cache->lock_path, F_OK) < 0 && access(cache->folder, F_OK) == 0;
}

/* Makes the root and locks the key. */
static int enter(struct fv_engine_cache *cache, const struct fv_engine_cache_params *params,
                 struct fv_error *err)
{
    int result = fv_engine_make_folder(params->root);
    if (result == 0)
        result = take_lock(cache, params);
    if (result == -EACCES && needs_no_lock(cache))
        result = 0;
    return result < 0 ? fv_error_set(err, result == -EACCES ? result : -EIO,
                                     "built engines cannot be kept in %s: " CURE, params->root)
                      : 0;
}

/* Whether the folder is what its key asks for. A reason to build it again is told. */
static int look(struct fv_engine_cache *cache, const struct fv_engine_cache_params *params,
                struct fv_error *err)
{
    struct fv_error why = {0};
    struct fv_engine_manifest *found = FV_NEW(struct fv_engine_manifest);
    if (!found)
        return fv_error_set(err, -ENOMEM, "out of memory");
    int result = access(cache->folder, F_OK) == 0
                     ? fv_engine_folder_read(cache->folder, found, &why)
                     : -ENOENT;
    if (result == 0 && !fv_engine_key_equal(&cache->manifest.key, &found->key)) {
        char differs[400];
        fv_engine_key_differs(&cache->manifest.key, &found->key, differs, sizeof(differs));
        result = fv_error_set(&why, -EBADMSG, "%s", differs);
    }
    if (result == 0)
        result = fv_engine_folder_check(cache->folder, found, true, &why);
    cache->ready = result == 0;
    fv_free(found);
    if (result == -ENOMEM)
        return fv_error_set(err, result, "out of memory");
    if (why.code)
        fv_tell(params->progress, params->data, "%s is not usable and will be built again: %s",
                cache->folder, why.text);
    return 0;
}

int fv_engine_cache_open(const struct fv_engine_cache_params *params,
                         struct fv_engine_cache **ret_cache, struct fv_error *err)
{
    struct fv_engine_cache *cache = FV_NEW(struct fv_engine_cache);
    if (!cache)
        return fv_error_set(err, -ENOMEM, "out of memory");
    cache->lock = -1;
    cache->manifest.key = *params->key;
    int result = make_paths(cache, params->root);
    if (result < 0)
        result = fv_error_set(err, result == -ENOMEM ? result : -EINVAL,
                              "%s: an engine cannot be named there", params->root);
    else
        result = enter(cache, params, err);
    if (result == 0)
        result = look(cache, params, err);
    if (result < 0)
        fv_engine_cache_close(cache);
    else
        *ret_cache = cache;
    return result;
}

bool fv_engine_cache_ready(const struct fv_engine_cache *cache)
{
    return cache->ready;
}

const char *fv_engine_cache_folder(const struct fv_engine_cache *cache)
{
    return cache->folder;
}

static int failed(struct fv_engine_cache *cache, int code, const char *why, struct fv_error *err)
{
    (void)fv_engine_remove_folder(cache->building);
    cache->begun = false;
    return fv_error_set(err, code, "the engine cannot be kept in %s: %s: " CURE, cache->root, why);
}

/* Asked before minutes are spent: a folder of another user, whose files cannot be removed, could not be replaced at the end. */
static bool is_replaceable(const char *folder)
{
    struct stat info;
    return lstat(folder, &info) < 0 || !S_ISDIR(info.st_mode) ||
           faccessat(AT_FDCWD, folder, W_OK, AT_EACCESS) == 0;
}

int fv_engine_cache_begin(struct fv_engine_cache *cache, const char **ret_folder,
                          struct fv_error *err)
{
    int result = is_replaceable(cache->folder) ? fv_engine_remove_folder(cache->building) : -EACCES;
    if (result == 0)
        result = fv_engine_make_folder(cache->building);
    if (result < 0)
        return failed(cache, result == -EACCES ? result : -EIO, strerror(-result), err);
    cache->begun = true;
    *ret_folder = cache->building;
    return 0;
}

int fv_engine_cache_publish(struct fv_engine_cache *cache, struct fv_error *err)
{
    struct fv_error why = {0};
    int result = fv_engine_folder_seal(cache->building, &cache->manifest, &why);
    if (result < 0)
        return failed(cache, result, why.text, err);
    result = fv_engine_remove_folder(cache->folder);
    if (result == 0 && rename(cache->building, cache->folder) < 0)
        result = -errno;
    if (result == 0)
        result = fv_engine_sync_folder(cache->root);
    if (result < 0)
        return failed(cache, -EIO, strerror(-result), err);
    cache->begun = false;
    cache->ready = true;
    return 0;
}

void fv_engine_cache_discard(struct fv_engine_cache *cache)
{
    (void)fv_engine_remove_folder(cache->folder);
    cache->ready = false;
}

void fv_engine_cache_close(struct fv_engine_cache *cache)
{
    if (!cache)
        return;
    if (cache->begun)
        (void)fv_engine_remove_folder(cache->building);
    /* There is nothing to lock: who waits for it sees that it is gone (engine_lock.c). */
    if (cache->lock >= 0 && access(cache->folder, F_OK) < 0 && errno == ENOENT)
        (void)unlink(cache->lock_path);
    fv_engine_unlock(cache->lock);
    fv_free(cache);
}
