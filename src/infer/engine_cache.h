// SPDX-License-Identifier: Apache-2.0
/*
 * Built engines on disk. Below the root each key has a folder of its own, named after the runtime, the model and the key's hash:
 *
 *   tensorrt-yolox-nano-0123456789abcdef/        whole: engine.json and the files that it names, nothing else
 *   tensorrt-yolox-nano-0123456789abcdef.build/  being built, or left by a builder that was killed
 *   tensorrt-yolox-nano-0123456789abcdef.lock    locked (flock) by whoever builds, loads or removes
 *
 * A folder is written under its .build name, synced, and renamed when it is whole. Whatever differs from its manifest is built again.
 * One thread at a time per object; any number of processes.
 */
#ifndef FV_INFER_ENGINE_CACHE_H
#define FV_INFER_ENGINE_CACHE_H

#include "infer/engine_manifest.h"

#define FV_ENGINE_PATH_MAX 1024 /* bytes, of any path here, with its end */
#define FV_ENGINE_NAME_MAX 160  /* bytes, of a folder's name, with its end */

struct fv_engine_cache; /* one key's folder, locked */

/* Where engines lie: `configured`, or without it $XDG_CACHE_HOME/fovea/engines, ~/.cache/fovea/engines. 0, -ENOENT (no home),
 * -EINVAL (too long). */
int fv_engine_root(const char *configured, char ret_root[FV_ENGINE_PATH_MAX], struct fv_error *err);

struct fv_engine_cache_params {
    const char *root;                /* made when missing */
    const struct fv_engine_key *key; /* with the facts "runtime" and "model"; copied */
    /* What takes long, or why something is built again; may be NULL. */
    void (*progress)(void *data, const char *text);
    void *data;
};

/*
 * In a root that can only be read, what is whole is used and nothing is built.
 * Locks the key's folder, waits for whoever has it, and looks whether it is whole. A foreign or damaged one counts as none. 0, -EACCES
 * or -EIO (the root cannot be written), -EINVAL (key, path), -ENOMEM; err names the folder and the cure.
 */
int fv_engine_cache_open(const struct fv_engine_cache_params *params,
                         struct fv_engine_cache **ret_cache, struct fv_error *err);
/* True: fv_engine_cache_folder() is whole. False: it is to be built. */
bool fv_engine_cache_ready(const struct fv_engine_cache *cache);
const char *
fv_engine_cache_folder(const struct fv_engine_cache *cache); /* where it lies when whole */
/* Makes an empty folder to write files into, at *ret_folder, valid until publish, discard or close. 0, -EACCES, -EIO. */
int fv_engine_cache_begin(struct fv_engine_cache *cache, const char **ret_folder,
                          struct fv_error *err);
/* Hashes and syncs what was written, and makes it the key's folder. 0, -EIO (nothing or a file of another kind was written, disk full),
 * -ENOMEM. After a failure the build is gone. */
int fv_engine_cache_publish(struct fv_engine_cache *cache, struct fv_error *err);
/* Removes the key's folder: what is in it proved useless. */
void fv_engine_cache_discard(struct fv_engine_cache *cache);
/* Unlocks; an unpublished build is removed, and the lock's file when there is no folder. NULL is fine. */
void fv_engine_cache_close(struct fv_engine_cache *cache);

enum fv_engine_state {
    FV_ENGINE_WHOLE,
    FV_ENGINE_DAMAGED, /* `why` says it */
    FV_ENGINE_LEFT,    /* of a build that was broken off */
    FV_ENGINE_BUSY,    /* locked: being built, loaded or removed */
};

struct fv_engine_entry {
    char name[FV_ENGINE_NAME_MAX]; /* of the folder */
    enum fv_engine_state state;
    char why[200];                      /* "" when whole */
    uint64_t bytes;                     /* of all files */
    int64_t built;                      /* s since 1970 */
    struct fv_engine_manifest manifest; /* when there is one that can be read, else empty */
};

/* Calls `each` for every engine below the root, in order of name. `hashes`: reads all files, else only their sizes are compared. A root
 * that does not exist is empty. 0, -EACCES, -EIO, -ENOMEM, or what `each` returned when that is not 0. */
int fv_engine_cache_list(const char *root, bool hashes,
                         int (*each)(void *data, const struct fv_engine_entry *entry), void *data,
                         struct fv_error *err);
/* Removes an entry by its name. 0, -EBUSY (locked), -ENOENT, -EINVAL (not a name of an engine's folder), -EACCES, -EIO. */
int fv_engine_cache_remove(const char *root, const char *name, struct fv_error *err);

#endif
