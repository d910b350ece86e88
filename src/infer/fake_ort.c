// SPDX-License-Identifier: Apache-2.0
/* A library that claims to be ONNX Runtime of the version in FAKE_ORT_VERSION and offers no API. For runtime_test.c. */
#include <onnxruntime_c_api.h>

static const OrtApi *ORT_API_CALL get_api(uint32_t version)
{
    return NULL;
}

static const char *ORT_API_CALL get_version(void)
{
    const char *version = getenv("FAKE_ORT_VERSION");
    return version ? version : "1.5.0";
}

const OrtApiBase *ORT_API_CALL OrtGetApiBase(void)
{
    static const OrtApiBase base = {get_api, get_version};
    return &base;
}
