// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/log.h"
#include "infer/ort.h"

static int code_of(OrtErrorCode code)
{
    switch (code) {
    case ORT_NO_SUCHFILE:
        return -ENOENT;
    case ORT_INVALID_PROTOBUF:
    case ORT_INVALID_GRAPH:
    case ORT_INVALID_ARGUMENT:
        return -EINVAL;
    case ORT_NOT_IMPLEMENTED:
        return -ENOTSUP;
    default:
        return -EIO;
    }
}

int fv_ort_status(const OrtApi *api, OrtStatus *status, const char *what, struct fv_error *err)
{
    if (!status)
        return 0;
    int result = fv_error_set(err, code_of(api->GetErrorCode(status)), "ONNX Runtime: %s: %s", what,
                              api->GetErrorMessage(status));
    api->ReleaseStatus(status);
    return result;
}

ONNXTensorElementDataType fv_ort_element(const struct fv_model *model)
{
    return model->element == FV_ELEMENT_F16 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16
                                            : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}

/* Libraries do not write to the terminal: ONNX Runtime's messages are for who debugs. */
static void ORT_API_CALL log_message(void *param, OrtLoggingLevel severity, const char *category,
                                     const char *id, const char *where, const char *message)
{
    fv_debug("infer", "ONNX Runtime: %s", message);
}

/* Threads that wait must sleep, not spin: the cores belong to the decoders too. */
static OrtStatus *set_options(const OrtApi *api, OrtSessionOptions *options,
                              const struct fv_ort_session_params *params)
{
    static const char *const spinning[] = {"session.intra_op.allow_spinning",
                                           "session.inter_op.allow_spinning"};
    OrtStatus *status = api->SetIntraOpNumThreads(options, (int)params->threads);
    if (!status)
        status = api->SetInterOpNumThreads(options, 1);
    if (!status)
        status = api->SetSessionExecutionMode(options, ORT_SEQUENTIAL);
    if (!status)
        status = api->SetSessionGraphOptimizationLevel(
            options, params->plain_graph ? ORT_DISABLE_ALL : ORT_ENABLE_ALL);
    for (size_t i = 0; !status && i < 2; i++)
        status = api->AddSessionConfigEntry(options, spinning[i], "0");
    return status;
}

static int create(struct fv_ort_session *session, const struct fv_ort_session_params *params,
                  struct fv_error *err)
{
    const OrtApi *api = session->library.api;
    const char *path = params->path ? params->path : params->model->path;
    OrtSessionOptions *options = NULL;
    OrtStatus *status = api->CreateEnvWithCustomLogger(log_message, NULL, ORT_LOGGING_LEVEL_WARNING,
                                                       "fovea", &session->env);
    if (!status)
        status = api->DisableTelemetryEvents(session->env);
    if (!status)
        status = api->CreateSessionOptions(&options);
    if (!status)
        status = set_options(api, options, params);
    int result = fv_ort_status(api, status, path, err);
    if (result == 0 && params->add_provider)
        result = params->add_provider(session, options, params->data, err);
    if (result == 0)
        result = fv_ort_status(
            api, api->CreateSession(session->env, path, options, &session->session), path, err);
    if (options)
        api->ReleaseSessionOptions(options);
    return result;
}

int fv_ort_check_version(const struct fv_ort_library *library, unsigned minor_min,
                         struct fv_error *err)
{
    if (library->minor >= minor_min)
        return 0;
    return fv_error_set(err, -ENOTSUP,
                        "ONNX Runtime %s in %s is too old for this provider; 1.%u or newer is "
                        "needed: pip install -U onnxruntime-gpu",
                        library->version, library->folder, minor_min);
}

int fv_ort_session_open(const struct fv_ort_session_params *params,
                        struct fv_ort_session *ret_session, struct fv_error *err)
{
    struct fv_ort_session session = {0};
    int result = fv_ort_library_open(params->library, &session.library, err);
    if (result == 0)
        result = fv_ort_check_version(&session.library, params->minor_min, err);
    if (result == 0)
        result = create(&session, params, err);
    if (result == 0)
        result = fv_ort_check_model(session.library.api, session.session, params->model, err);
    if (result < 0)
        fv_ort_session_close(&session);
    else
        *ret_session = session;
    return result;
}

void fv_ort_session_close(struct fv_ort_session *session)
{
    if (session->session)
        session->library.api->ReleaseSession(session->session);
    if (session->env)
        session->library.api->ReleaseEnv(session->env);
    fv_ort_library_close(&session->library);
    *session = (struct fv_ort_session){0};
}
