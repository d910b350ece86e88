// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "infer/ort.h"

#define RANK_MAX 8
#define FREE (-1) /* a dimension that the model leaves open */

struct tensor {
    char name[64];
    ONNXTensorElementDataType type;
    size_t rank;
    int64_t dims[RANK_MAX];
    const char *symbols
        [RANK_MAX]; /* names of free dimensions, owned by the type info; "" when they have none */
};

/* The functions that differ between inputs and outputs. */
struct side {
    const char *label;
    OrtStatus *(*count)(const OrtSession *, size_t *);
    OrtStatus *(*name)(const OrtSession *, size_t, OrtAllocator *, char **);
    OrtStatus *(*type)(const OrtSession *, size_t, OrtTypeInfo **);
    bool only_one; /* further tensors are a fault: an input must be fed, an output may be ignored */
};

struct inspection {
    const OrtApi *api;
    const OrtSession *session;
    struct fv_str faults;
    struct fv_error *err;
};

static const char *type_name(ONNXTensorElementDataType type)
{
    static const char *const names[] = {
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT] = "float32",
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8] = "uint8",
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8] = "int8",
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16] = "uint16",
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16] = "int16",
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32] = "int32",
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64] = "int64",
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL] = "bool",
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16] = "float16",
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE] = "float64",
        [ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16] = "bfloat16",
    };
    size_t index = (size_t)type;
    return index < sizeof(names) / sizeof(names[0]) && names[index] ? names[index] : "another type";
}

/* 'images' [N,3,416,416] float32 */
static void show(struct fv_str *text, const struct tensor *tensor)
{
    fv_str_addf(text, "'%s' [", tensor->name);
    for (size_t i = 0; i < tensor->rank && i < RANK_MAX; i++) {
        const char *symbol = tensor->symbols[i];
        fv_str_add(text, i ? "," : "");
        if (tensor->dims[i] == FREE)
            fv_str_addf(text, "%.20s", symbol && *symbol ? symbol : "?");
        else
            fv_str_addf(text, "%lld", (long long)tensor->dims[i]);
    }
    fv_str_addf(text, "] %s", type_name(tensor->type));
}

/* A free size takes the manifest's; the batch must be free in both or in neither. */
static bool agree(const struct tensor *wanted, const struct tensor *found)
{
    if (strcmp(wanted->name, found->name) != 0 || wanted->type != found->type ||
        wanted->rank != found->rank || wanted->dims[0] != found->dims[0])
        return false;
    for (size_t i = 1; i < wanted->rank; i++)
        if (found->dims[i] != FREE && found->dims[i] != wanted->dims[i])
            return false;
    return true;
}

static OrtStatus *read_shape(const OrtApi *api, const OrtTensorTypeAndShapeInfo *info,
                             struct tensor *tensor)
{
    OrtStatus *status = api->GetTensorElementType(info, &tensor->type);
    if (!status)
        status = api->GetDimensionsCount(info, &tensor->rank);
    size_t rank = tensor->rank < RANK_MAX ? tensor->rank : RANK_MAX;
    if (!status)
        status = api->GetDimensions(info, tensor->dims, rank);
    if (!status)
        status = api->GetSymbolicDimensions(info, tensor->symbols, rank);
    return status;
}

static int read_name(struct inspection *in, const struct side *side, size_t index,
                     struct tensor *tensor)
{
    OrtAllocator *allocator;
    char *name;
    OrtStatus *status = in->api->GetAllocatorWithDefaultOptions(&allocator);
    if (!status)
        status = side->name(in->session, index, allocator, &name);
    int result = fv_ort_status(in->api, status, "reading the model's names", in->err);
    if (result < 0)
        return result;
    struct fv_str text;
    fv_str_init(&text, tensor->name, sizeof(tensor->name));
    fv_str_add(&text, name);
    status = in->api->AllocatorFree(allocator, name);
    return fv_ort_status(in->api, status, "freeing a name", in->err);
}

/* The tensor of the manifest's name; when there is none, the first one, so that the refusal can show it. */
static int find_tensor(struct inspection *in, const struct side *side, const char *name,
                       struct tensor *tensor, size_t *ret_index)
{
    size_t count = 0;
    int result = fv_ort_status(in->api, side->count(in->session, &count),
                               "counting the model's tensors", in->err);
    if (result == 0 && side->only_one && count != 1)
        fv_str_addf(&in->faults, "; the model has %zu %ss, only one is supported", count,
                    side->label);
    *ret_index = 0;
    for (size_t i = count; result == 0 && i-- > 0;) {
        result = read_name(in, side, i, tensor);
        *ret_index = i;
        if (strcmp(tensor->name, name) == 0)
            break;
    }
    return result;
}

/* The layout that an output's sizes speak for, given so many labels; NULL: nothing that is known. */
static const char *likely_layout(const struct tensor *found, const struct fv_model *model)
{
    const int64_t labels = model->label_count, *dims = found->dims;
    const struct fv_layout_info *layout = fv_layout_info(model->layout);
    if (found->rank != 3)
        return NULL;
    if (dims[1] == 4 + labels)
        return layout->transposed ? NULL : "\"yolov8\"";
    if (dims[2] == 5 + labels)
        return layout->objectness ? NULL : "\"yolov5\" or \"yolox\"";
    if (dims[2] == 4)
        return layout->second ? NULL : "\"ssd\" or \"detr\", whose scores are another output";
    return NULL;
}

static void compare(struct inspection *in, const struct side *side, const struct tensor *wanted,
                    const struct tensor *found, const struct fv_model *model)
{
    if (agree(wanted, found))
        return;
    fv_str_addf(&in->faults, "; the manifest says %s ", side->label);
    show(&in->faults, wanted);
    fv_str_add(&in->faults, ", the model has ");
    show(&in->faults, found);
    const char *layout = side->only_one ? NULL : likely_layout(found, model);
    if (layout)
        fv_str_addf(&in->faults, " (as in the layout %s)", layout);
}

static int check_tensor(struct inspection *in, const struct side *side, const struct tensor *wanted,
                        const struct fv_model *model)
{
    struct tensor found = {.name = "(none)"};
    OrtTypeInfo *type = NULL;
    size_t index;
    int result = find_tensor(in, side, wanted->name, &found, &index);
    if (result < 0)
        return result;
    const OrtTensorTypeAndShapeInfo *shape = NULL;
    OrtStatus *status = side->type(in->session, index, &type);
    if (!status)
        status = in->api->CastTypeInfoToTensorInfo(type, &shape);
    if (!status && shape)
        status = read_shape(in->api, shape, &found);
    result = fv_ort_status(in->api, status, "reading the model's shapes", in->err);
    if (result == 0)
        compare(in, side, wanted, &found, model);
    if (type)
        in->api->ReleaseTypeInfo(type);
    return result;
}

static int check_input(struct inspection *in, const struct fv_model *model)
{
    const struct side side = {"input", in->api->SessionGetInputCount, in->api->SessionGetInputName,
                              in->api->SessionGetInputTypeInfo, true};
    struct tensor wanted = {
        .type = fv_ort_element(model),
        .rank = 4,
        .dims = {model->dynamic_batch ? FREE : 1, 3, model->height, model->width},
        .symbols = {"N"},
    };
    memcpy(wanted.name, model->input_name, sizeof(wanted.name));
    return check_tensor(in, &side, &wanted, model);
}

static int check_outputs(struct inspection *in, const struct fv_model *model)
{
    const struct side side = {"output", in->api->SessionGetOutputCount,
                              in->api->SessionGetOutputName, in->api->SessionGetOutputTypeInfo,
                              false};
    struct fv_model_output outputs[FV_MODEL_OUTPUTS_MAX];
    const unsigned count = fv_model_outputs(model, outputs);
    int result = 0;
    for (unsigned i = 0; result == 0 && i < count; i++) {
        struct tensor wanted = {
            .type = fv_ort_element(model),
            .rank = 1 + outputs[i].rank,
            .dims = {model->dynamic_batch ? FREE : 1, outputs[i].dims[0], outputs[i].dims[1]},
            .symbols = {"N"},
        };
        snprintf(wanted.name, sizeof(wanted.name), "%s", outputs[i].name);
        result = check_tensor(in, &side, &wanted, model);
    }
    return result;
}

int fv_ort_check_model(const OrtApi *api, const OrtSession *session, const struct fv_model *model,
                       struct fv_error *err)
{
    char text[400];
    struct inspection in = {.api = api, .session = session, .err = err};
    fv_str_init(&in.faults, text, sizeof(text));
    int result = check_input(&in, model);
    if (result == 0)
        result = check_outputs(&in, model);
    if (result == 0 && in.faults.size)
        result = fv_error_set(err, -EINVAL, "%s contradicts its manifest: %s%s", model->path,
                              text + 2, in.faults.overflow ? "..." : "");
    return result;
}
