// SPDX-License-Identifier: Apache-2.0
/* What lies below the root of engine_cache.h: listing and removing. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "infer/engine_folder.h"
#include "infer/engine_lock.h"

#define HASH 16 /* digits at the end of a name */

/* The length of a name without ".build", or 0: not an engine's. */
static size_t stem_of(const char *name)
{
    size_t size = strlen(name);
    if (size > 6 && strcmp(name + size - 6, ".build") == 0)
        size -= 6;
    bool good = strncmp(name, "tensorrt-", 9) == 0 && size > 9 + HASH &&
                size < FV_ENGINE_NAME_MAX - 6 && !strchr(name, '/') &&
                name[size - HASH - 1] == '-' &&
                strspn(name + size - HASH, "0123456789abcdef") >= HASH;
    return good ? size : 0;
}

static int is_engine(const struct dirent *entry)
{
    return stem_of(entry->d_name) > 0;
}

static void lock_path(char out[FV_ENGINE_PATH_MAX], const char *root, const char *name)
{
    snprintf(out, FV_ENGINE_PATH_MAX, "%s/%.*s.lock", root, (int)stem_of(name), name);
}

/* Whether someone has it. A lock without a file, or in a folder that cannot be written, is held by nobody. */
static bool is_locked(const char *root, const char *name)
{
    char path[FV_ENGINE_PATH_MAX];
    int lock = -1;
    lock_path(path, root, name);
    int result = access(path, F_OK) == 0 ? fv_engine_lock(path, false, &lock) : 0;
    fv_engine_unlock(lock);
    return result == -EBUSY;
}

/* Whether a folder's name ends with the hash of the key in it; under another name nobody looks for it. */
static int check_name(const char *name, const struct fv_engine_key *key, struct fv_error *err)
{
    char hex[65];
    int result = fv_engine_key_hash(key, hex);
    if (result == 0 && strncmp(name + stem_of(name) - HASH, hex, HASH) != 0)
        result = fv_error_set(err, -EBADMSG, "it has another engine's name");
    return result;
}

static int examine(const char *root, const char *name, bool hashes, struct fv_engine_entry *entry)
{
    char path[FV_ENGINE_PATH_MAX];
    struct stat info = {0};
    struct fv_error why = {0};
    *entry = (struct fv_engine_entry){0};
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    if (!fv_engine_path(path, root, name) || (stat(path, &info) < 0 && lstat(path, &info) < 0))
        return -ENOENT;
    entry->bytes = fv_engine_folder_bytes(path);
    entry->built = info.st_mtime;
    int result = fv_engine_folder_read(path, &entry->manifest, &why);
    if (result < 0)
        entry->manifest = (struct fv_engine_manifest){0};
    else
        result = check_name(name, &entry->manifest.key, &why);
    if (result == 0)
        result = fv_engine_folder_check(path, &entry->manifest, hashes, &why);
    entry->state = result < 0 ? FV_ENGINE_DAMAGED : FV_ENGINE_WHOLE;
    if (name[stem_of(name)])
        entry->state = FV_ENGINE_LEFT;
    if (is_locked(root, name))
        entry->state = FV_ENGINE_BUSY;
    snprintf(entry->why, sizeof(entry->why), "%s", why.text);
    return result == -ENOMEM ? result : 0;
}

int fv_engine_cache_list(const char *root, bool hashes,
                         int (*each)(void *data, const struct fv_engine_entry *entry), void *data,
                         struct fv_error *err)
{
    struct dirent **names = NULL;
    struct fv_engine_entry *entry = FV_NEW(struct fv_engine_entry);
    if (!entry)
        return fv_error_set(err, -ENOMEM, "out of memory");
    int count = scandir(root, &names, is_engine, alphasort), result = 0;
    if (count < 0 && errno != ENOENT)
        result =
            fv_error_set(err, errno == EACCES ? -EACCES : -EIO, "%s: %s", root, strerror(errno));
    for (int i = 0; i < count; i++) {
        int one = result == 0 ? examine(root, names[i]->d_name, hashes, entry) : -ENOENT;
        if (one == -ENOMEM)
            result = fv_error_set(err, one, "out of memory");
        else if (one == 0) /* else it was removed meanwhile */
            result = each(data, entry);
        free(names[i]);
    }
    free(names);
    fv_free(entry);
    return result;
}

int fv_engine_cache_remove(const char *root, const char *name, struct fv_error *err)
{
    char path[FV_ENGINE_PATH_MAX], lock[FV_ENGINE_PATH_MAX];
    struct stat info;
    int held = -1;
    if (!stem_of(name) || !fv_engine_path(path, root, name))
        return fv_error_set(err, -EINVAL, "'%s' is not the name of an engine", name);
    if (lstat(path, &info) < 0)
        return fv_error_set(err, -ENOENT, "there is no engine '%s' in %s", name, root);
    lock_path(lock, root, name);
    int result = fv_engine_lock(lock, false, &held);
    if (result == 0)
        result = fv_engine_remove_folder(path);
    if (result == 0)
        (void)unlink(lock); /* a waiting process sees that it is gone: engine_lock.c */
    fv_engine_unlock(held);
    if (result < 0)
        fv_error_set(err, result, "%s cannot be removed: %s", path,
                     result == -EBUSY ? "it is being built or loaded" : strerror(-result));
    return result;
}
