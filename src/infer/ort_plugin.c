// SPDX-License-Identifier: Apache-2.0
#include "infer/ort_plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define API 22 /* the first version with plug-ins */

/* Places in the table. */
enum {
    GET_KEY_VALUE = 297,
    REGISTER_LIBRARY = 301,
    GET_DEVICES = 303,
    APPEND = 304,
    DEVICE_NAME = 312,
    DEVICE_METADATA = 314,
    DEVICE_OPTIONS = 315,
};

#if ORT_API_VERSION == 21
_Static_assert(sizeof(OrtApi) == 285 * sizeof(void *), "what was added since follows this");
#elif ORT_API_VERSION >= 22
#define PLACE(member) (offsetof(OrtApi, member) / sizeof(void *))
_Static_assert(PLACE(GetKeyValue) == GET_KEY_VALUE && PLACE(GetEpDevices) == GET_DEVICES &&
                   PLACE(RegisterExecutionProviderLibrary) == REGISTER_LIBRARY &&
                   PLACE(SessionOptionsAppendExecutionProvider_V2) == APPEND &&
                   PLACE(EpDevice_EpName) == DEVICE_NAME &&
                   PLACE(EpDevice_EpMetadata) == DEVICE_METADATA &&
                   PLACE(EpDevice_EpOptions) == DEVICE_OPTIONS,
               "places never change");
#endif

struct device; /* OrtEpDevice */
struct pairs;  /* OrtKeyValuePairs */

struct functions {
    const char *(*get_key_value)(const struct pairs *pairs, const char *key);
    OrtStatus *(*register_library)(OrtEnv *env, const char *name, const char *path);
    OrtStatus *(*get_devices)(const OrtEnv *env, const struct device *const **out, size_t *count);
    OrtStatus *(*append)(OrtSessionOptions *options, OrtEnv *env,
                         const struct device *const *devices, size_t count, const char *const *keys,
                         const char *const *values, size_t option_count);
    const char *(*device_name)(const struct device *device);
    const struct pairs *(*device_metadata)(const struct device *device);
    const struct pairs *(*device_options)(const struct device *device);
};

static int find_functions(const struct fv_ort_library *library, struct functions *ret_functions,
                          struct fv_error *err)
{
    const OrtApiBase *(*get_base)(void) = NULL;
    *(void **)&get_base = dlsym(library->handle, "OrtGetApiBase");
    void *const *table = get_base ? (void *const *)(const void *)get_base()->GetApi(API) : NULL;
    if (!table)
        return fv_error_set(err, -ENOTSUP,
                            "ONNX Runtime %s in %s is too old for plug-in providers, which began "
                            "with 1.%d: pip install -U onnxruntime-gpu",
                            library->version, library->folder, API);
    *(void **)&ret_functions->get_key_value = table[GET_KEY_VALUE];
    *(void **)&ret_functions->register_library = table[REGISTER_LIBRARY];
    *(void **)&ret_functions->get_devices = table[GET_DEVICES];
    *(void **)&ret_functions->append = table[APPEND];
    *(void **)&ret_functions->device_name = table[DEVICE_NAME];
    *(void **)&ret_functions->device_metadata = table[DEVICE_METADATA];
    *(void **)&ret_functions->device_options = table[DEVICE_OPTIONS];
    return 0;
}

/* Of a provider's device, as its options or its description say; -1: they do not. */
static int ordinal_of(const struct functions *functions, const struct device *device)
{
    const struct pairs *pairs[] = {functions->device_options(device),
                                   functions->device_metadata(device)};
    const char *text = NULL;
    for (size_t i = 0; !text && i < 2; i++)
        text = pairs[i] ? functions->get_key_value(pairs[i], "device_id") : NULL;
    return text ? atoi(text) : -1;
}

/* The provider's device for the GPU; one that says no ordinal is it when it is the only one. */
static const struct device *choose(const struct functions *functions,
                                   const struct device *const *devices, size_t count,
                                   const struct fv_ort_plugin *plugin)
{
    const struct device *nameless = NULL;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(functions->device_name(devices[i]), plugin->name) != 0)
            continue;
        int ordinal = ordinal_of(functions, devices[i]);
        if (ordinal == (int)plugin->device)
            return devices[i];
        found++;
        nameless = ordinal < 0 ? devices[i] : nameless;
    }
    return found == 1 ? nameless : NULL;
}

static bool is_registered(const struct functions *functions, const struct device *const *devices,
                          size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(functions->device_name(devices[i]), name) == 0)
            return true;
    return false;
}

static int find_device(const struct functions *functions, const struct fv_ort_session *session,
                       const struct fv_ort_plugin *plugin, const struct device **ret_device,
                       struct fv_error *err)
{
    const struct device *const *devices = NULL;
    size_t count = 0;
    OrtStatus *status = functions->get_devices(session->env, &devices, &count);
    if (!status && !is_registered(functions, devices, count, plugin->name)) {
        status = functions->register_library(session->env, plugin->name, plugin->path);
        if (!status)
            status = functions->get_devices(session->env, &devices, &count);
    }
    int result = fv_ort_status(session->library.api, status, plugin->path, err);
    if (result < 0)
        return result;
    *ret_device = choose(functions, devices, count, plugin);
    return *ret_device ? 0
                       : fv_error_set(err, -ENOTSUP, "%s of %s does not offer itself for cuda:%u",
                                      plugin->name, plugin->path, plugin->device);
}

int fv_ort_plugin_add(const struct fv_ort_session *session, OrtSessionOptions *options,
                      const struct fv_ort_plugin *plugin, const struct fv_ort_options *list,
                      struct fv_error *err)
{
    const char *keys[FV_ORT_OPTIONS_MAX], *values[FV_ORT_OPTIONS_MAX];
    struct functions functions = {0};
    const struct device *device = NULL;
    int result = find_functions(&session->library, &functions, err);
    if (result == 0)
        result = find_device(&functions, session, plugin, &device, err);
    if (result < 0)
        return result;
    for (size_t i = 0; i < list->count; i++) {
        keys[i] = list->items[i].key;
        values[i] = list->items[i].value;
    }
    OrtStatus *status =
        functions.append(options, session->env, &device, 1, keys, values, list->count);
    return fv_ort_status(session->library.api, status, "adding the plug-in provider", err);
}
