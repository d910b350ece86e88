// SPDX-License-Identifier: Apache-2.0
#include "infer/about.h"

#include <stdio.h>

#include "base/str.h"
#include "infer/ort.h"

int fv_infer_about(struct fv_infer_about *ret_about, struct fv_error *err)
{
    struct fv_ort_library library = {0};
    struct fv_str out;
    char **names = NULL;
    int count = 0, r = fv_ort_library_open(NULL, &library, err);
    if (r < 0)
        return r;
    *ret_about = (struct fv_infer_about){0};
    snprintf(ret_about->version, sizeof(ret_about->version), "%s", library.version);
    r = fv_ort_status(library.api, library.api->GetAvailableProviders(&names, &count),
                      "asking ONNX Runtime for its providers", err);
    fv_str_init(&out, ret_about->providers, sizeof(ret_about->providers));
    for (int i = 0; r == 0 && i < count; i++)
        fv_str_addf(&out, "%s%s", i ? ", " : "", names[i]);
    if (names)
        (void)fv_ort_status(library.api, library.api->ReleaseAvailableProviders(names, count), "",
                            NULL);
    fv_ort_library_close(&library);
    return r;
}
