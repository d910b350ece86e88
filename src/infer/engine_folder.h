// SPDX-License-Identifier: Apache-2.0
/* A folder of plain files and its manifest. For engine_cache.c and engine_list.c. Folders and names are bounded by engine_cache.h. */
#ifndef FV_INFER_ENGINE_FOLDER_H
#define FV_INFER_ENGINE_FOLDER_H

#include "infer/engine_cache.h"

/* "folder/name" or an error: true when it fits. */
bool fv_engine_path(char out[FV_ENGINE_PATH_MAX], const char *folder, const char *name);
/* Makes the folder and those above it. 0 or a negative errno. */
int fv_engine_make_folder(const char *path);
/* Removes the folder with all that is in it, or what else has its name; of a link the link alone. One that is not there is fine. 0,
 * -EACCES, -EIO. */
int fv_engine_remove_folder(const char *path);
/* Of all files, whatever they are. */
uint64_t fv_engine_folder_bytes(const char *path);

/* Reads engine.json. 0, -ENOENT, -EBADMSG, -ENOTSUP, -EACCES, -EIO, -ENOMEM; err says what is wrong, without the path. */
int fv_engine_folder_read(const char *path, struct fv_engine_manifest *ret_manifest,
                          struct fv_error *err);
/* Compares the files with the manifest, by name and size, with `hashes` by content. 0, -EBADMSG (err says which differs), -EIO,
 * -ENOMEM. */
int fv_engine_folder_check(const char *path, const struct fv_engine_manifest *manifest, bool hashes,
                           struct fv_error *err);
/* Hashes and syncs all files, writes engine.json for `manifest->key` and fills in the rest of the manifest. 0, -EIO, -ENOMEM. */
int fv_engine_folder_seal(const char *path, struct fv_engine_manifest *manifest,
                          struct fv_error *err);
/* A folder's entries reach the disk. 0 or -EIO. */
int fv_engine_sync_folder(const char *path);

#endif
