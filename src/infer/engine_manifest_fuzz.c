// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an engine's manifest: refused with a sentence, or names that stay in their folder, and a text that reads back the same. */
#include <stdlib.h>
#include <string.h>

#include "infer/engine_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct fv_engine_manifest *manifest)
{
    static struct fv_engine_manifest again;
    struct fv_error err = {0};
    if (manifest->file_count == 0 || manifest->key.count == 0 || manifest->key.invalid)
        abort();
    for (unsigned i = 0; i < manifest->file_count; i++)
        if (!fv_engine_file_name_ok(manifest->files[i].name) ||
            strchr(manifest->files[i].name, '/'))
            abort();
    char *text = fv_engine_manifest_format(manifest);
    if (!text || fv_engine_manifest_parse(text, strlen(text), &again, &err) < 0 ||
        !fv_engine_key_equal(&manifest->key, &again.key) ||
        memcmp(manifest->files, again.files, sizeof(again.files)) != 0)
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fv_engine_manifest manifest;
    struct fv_error err = {0};
    int result = fv_engine_manifest_parse((const char *)data, size, &manifest, &err);
    if (result == 0)
        check(&manifest);
    else if (err.code != result || !err.text[0])
        abort();
    return 0;
}
