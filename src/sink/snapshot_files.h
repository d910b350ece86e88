// SPDX-License-Identifier: Apache-2.0
/* The folder of snapshots: names made of camera names, files that appear complete, the newest ones
 * kept. */
#ifndef FV_SINK_SNAPSHOT_FILES_H
#define FV_SINK_SNAPSHOT_FILES_H

#include "sink/sink.h"

#define FV_SNAPSHOT_NAME_MAX 96 /* with terminator: the camera's part of a file name */

struct fv_snapshot_files;

/* Makes `folder` when only its last part is missing. Files of earlier runs count among the `keep`
 * newest of their camera (keep 0: all are kept and none is looked for). 0, -ENOENT, -EACCES, -EIO,
 * -ENOMEM. */
int fv_snapshot_files_open(const char *folder, const struct fv_sink_context *context, unsigned keep,
                           struct fv_snapshot_files **ret_files, struct fv_error *err);
void fv_snapshot_files_close(struct fv_snapshot_files *files); /* NULL is fine */
/* Writes FOLDER/CAMERA-FRAME.jpg by way of a temporary name, then removes what is too many. */
int fv_snapshot_files_write(struct fv_snapshot_files *files, const struct fv_frame_info *info,
                            const void *data, size_t size, struct fv_error *err);
/* A camera's name as part of a file name: ASCII letters, digits, '.', '_' and '-' stay, no '.' in
 * front; names that had to be changed or cut end in "-N", N the camera's index. `text` holds
 * FV_SNAPSHOT_NAME_MAX bytes. Returns it. */
char *fv_snapshot_name(const char *camera, uint32_t index, char *text);

#endif
