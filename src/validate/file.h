// SPDX-License-Identifier: Apache-2.0
/* Files that a user named. */
#ifndef FV_VALIDATE_FILE_H
#define FV_VALIDATE_FILE_H

#include <stdio.h>

#include "fovea/error.h"

/* Opens a file to read it. NULL on failure: err, which must not be NULL, has -ENOENT, -EACCES or -EIO. */
FILE *fv_validate_open(const char *path, struct fv_error *err);

#endif
