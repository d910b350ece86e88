// SPDX-License-Identifier: Apache-2.0
#include "validate/file.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

FILE *fv_validate_open(const char *path, struct fv_error *err)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        const int why = errno;
        fv_error_set(err, why == ENOENT || why == EACCES ? -why : -EIO, "Cannot read %s: %s.", path,
                     strerror(why));
    }
    return file;
}
