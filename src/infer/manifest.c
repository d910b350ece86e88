// SPDX-License-Identifier: Apache-2.0
#include "infer/manifest.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

/* Where the parser stands: an object and its name in messages, and all complaints so far. */
struct scope {
    const json_t *object;
    const char *prefix; /* "", "input.", "output." */
    struct fv_str *faults;
};

#define FAULT(scope, ...)                                                                          \
    do {                                                                                           \
        fv_str_add((scope)->faults, (scope)->faults->size ? "; " : "");                            \
        fv_str_addf((scope)->faults, __VA_ARGS__);                                                 \
    } while (0)

static const char *type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

static json_t *member(const struct scope *scope, const char *key)
{
    json_t *value = json_object_get(scope->object, key);
    if (!value)
        FAULT(scope, "'%s%s' is missing", scope->prefix, key);
    return value;
}

/* Text that goes into messages and events: printable, and short enough for its place. */
static bool text_usable(const json_t *value, size_t capacity)
{
    size_t size = json_string_length(value);
    const char *text = json_string_value(value);
    if (size == 0 || size >= capacity)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

static void read_text(const struct scope *scope, const char *key, char *out, size_t capacity)
{
    const json_t *value = member(scope, key);
    if (!value)
        return;
    if (!json_is_string(value) || !text_usable(value, capacity)) {
        FAULT(scope, "'%s%s' must be a text of 1 to %zu bytes", scope->prefix, key, capacity - 1);
        return;
    }
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
}

static void read_count(const struct scope *scope, const char *key, uint32_t max, uint32_t *out)
{
    const json_t *value = member(scope, key);
    if (!value)
        return;
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > max)
        FAULT(scope, "'%s%s' must be a whole number from 1 to %u", scope->prefix, key, max);
    else
        *out = (uint32_t)number;
}

static bool number_usable(const json_t *value, double low, double high)
{
    double number = json_number_value(value);
    return json_is_number(value) && number >= low && number <= high;
}

static void read_number(const struct scope *scope, const char *key, double low, double high,
                        float *out)
{
    const json_t *value = member(scope, key);
    if (!value)
        return;
    if (number_usable(value, low, high))
        *out = (float)json_number_value(value);
    else
        FAULT(scope, "'%s%s' must be a number from %g to %g", scope->prefix, key, low, high);
}

static void read_triple(const struct scope *scope, const char *key, double low, float out[3])
{
    const json_t *value = member(scope, key);
    if (!value)
        return;
    bool good = json_is_array(value) && json_array_size(value) == 3;
    for (size_t i = 0; good && i < 3; i++) {
        const json_t *item = json_array_get(value, i);
        good = number_usable(item, low, 1e6);
        out[i] = (float)json_number_value(item);
    }
    if (!good)
        FAULT(scope, "'%s%s' must be three numbers from %g to 1e6", scope->prefix, key, low);
}

static void read_bool(const struct scope *scope, const char *key, bool *out)
{
    const json_t *value = member(scope, key);
    if (value && !json_is_boolean(value))
        FAULT(scope, "'%s%s' must be true or false", scope->prefix, key);
    else
        *out = json_is_true(value);
}

/* `words` ends with NULL; the result is an index into it, 0 when the word is wrong. */
static int read_word(const struct scope *scope, const char *key, const char *const *words)
{
    const json_t *value = member(scope, key);
    if (!value)
        return 0;
    for (int i = 0; words[i]; i++)
        if (json_is_string(value) && strcmp(json_string_value(value), words[i]) == 0)
            return i;
    FAULT(scope, "'%s%s' must be", scope->prefix, key);
    for (int i = 0; words[i]; i++)
        fv_str_addf(scope->faults, "%s\"%s\"", i ? " or " : " ", words[i]);
    return 0;
}

/* A key as it may be shown: control characters could play tricks with a terminal. */
static const char *shown(const char *key)
{
    for (const char *c = key; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            return "(not printable)";
    return key;
}

static void refuse_unknown(const struct scope *scope, const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)scope->object, key, value)
    {
        int i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (!known[i])
            FAULT(scope, "'%s%.40s' is not a known field", scope->prefix, shown(key));
    }
}

static void read_sha256(const struct scope *scope, struct fv_model *model)
{
    const json_t *value = member(scope, "sha256");
    if (!value)
        return;
    const char *text = json_string_value(value);
    if (!text || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
        FAULT(scope, "'sha256' must be 64 lower-case hexadecimal digits");
    else
        memcpy(model->sha256, text, 65);
}

/* Optional: for people, not for the engine. */
static void check_note(const struct scope *scope, const char *key)
{
    const json_t *value = json_object_get(scope->object, key);
    if (value && !json_is_string(value))
        FAULT(scope, "'%s' must be a text", key);
}

/* The object under `key` as a scope of its own; false, with a complaint, when there is none. */
static bool enter(const struct scope *root, const char *key, const char *prefix,
                  struct scope *ret_scope)
{
    const json_t *value = member(root, key);
    if (value && !json_is_object(value))
        FAULT(root, "'%s' must be an object, not %s", key, type_name(value));
    *ret_scope = (struct scope){value, prefix, root->faults};
    return json_is_object(value);
}

static const char *const types[] = {
    [FV_ELEMENT_F32] = "float32", [FV_ELEMENT_F16] = "float16", NULL};

static void read_input(const struct scope *root, struct fv_model *model)
{
    static const char *const known[] = {"name",          "type",  "width",     "height",
                                        "dynamic_batch", "order", "range",     "mean",
                                        "std",           "pad",   "pad_value", NULL};
    static const char *const orders[] = {[FV_ORDER_BGR] = "bgr", [FV_ORDER_RGB] = "rgb", NULL};
    static const char *const pads[] = {
        [FV_PAD_TOP_LEFT] = "top-left", [FV_PAD_CENTRE] = "centre", NULL};
    struct scope input;
    if (!enter(root, "input", "input.", &input))
        return;
    refuse_unknown(&input, known);
    read_text(&input, "name", model->input_name, sizeof(model->input_name));
    model->element = (enum fv_element)read_word(&input, "type", types);
    read_count(&input, "width", FV_MODEL_SIDE_MAX, &model->width);
    read_count(&input, "height", FV_MODEL_SIDE_MAX, &model->height);
    read_bool(&input, "dynamic_batch", &model->dynamic_batch);
    model->order = (enum fv_order)read_word(&input, "order", orders);
    read_number(&input, "range", 1e-3, 65535, &model->range);
    read_triple(&input, "mean", -1e6, model->mean);
    read_triple(&input, "std", 1e-6, model->std);
    model->pad = (enum fv_pad)read_word(&input, "pad", pads);
    read_number(&input, "pad_value", 0, 65535, &model->pad_value);
    if (model->range > 0 && model->pad_value > model->range)
        FAULT(&input, "'input.pad_value' is above 'input.range'");
}

static void read_strides(const struct scope *output, struct fv_model *model)
{
    const size_t most = sizeof(model->strides) / sizeof(model->strides[0]);
    const json_t *value = member(output, "strides");
    if (!value)
        return;
    size_t count = json_array_size(value);
    bool good = json_is_array(value) && count >= 1 && count <= most;
    for (size_t i = 0; good && i < count; i++) {
        json_int_t stride = json_integer_value(json_array_get(value, i));
        good = stride >= 1 && stride <= FV_MODEL_SIDE_MAX;
        model->strides[i] = (uint32_t)stride;
    }
    if (!good)
        FAULT(output, "'output.strides' must be 1 to %zu whole numbers from 1 to %u", most,
              FV_MODEL_SIDE_MAX);
    else
        model->stride_count = (uint32_t)count;
}

/* ---- the output: which fields there are depends on the layout ---- */

#define FIELDS_OF_ALL "type", "layout", "rows", "columns"
#define FIELDS_OF_TWO "boxes", "scores", "activation"

static const char *const output_fields[FV_LAYOUTS][12] = {
    [FV_LAYOUT_YOLOX] = {FIELDS_OF_ALL, "name", "strides"},
    [FV_LAYOUT_YOLOV5] = {FIELDS_OF_ALL, "name"},
    [FV_LAYOUT_YOLOV8] = {FIELDS_OF_ALL, "name"},
    [FV_LAYOUT_SSD] = {FIELDS_OF_ALL, FIELDS_OF_TWO, "box", "unit", "priors", "variances"},
    [FV_LAYOUT_DETR] = {FIELDS_OF_ALL, FIELDS_OF_TWO},
    [FV_LAYOUT_CLASSES] = {"type", "name", "activation", "threshold"},
};

/* A field of another layout is named as such. */
static void refuse_foreign(const struct scope *output, enum fv_layout layout)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)output->object, key, value)
    {
        bool known = false, own = false;
        for (unsigned i = 0; i < FV_LAYOUTS; i++)
            for (unsigned k = 0; k < 12 && output_fields[i][k]; k++)
                if (strcmp(key, output_fields[i][k]) == 0) {
                    known = true;
                    own |= i == layout;
                }
        if (!known)
            FAULT(output, "'output.%.40s' is not a known field", shown(key));
        else if (!own)
            FAULT(output, "'output.%s' is no field of the layout \"%s\"", key,
                  fv_layout_info(layout)->name);
    }
}

/* ---- priors: rows times four numbers ---- */

static int read_priors(const struct scope *output, struct fv_model *model)
{
    const json_t *value = member(output, "priors");
    const size_t count = json_array_size(value);
    bool good = json_is_array(value) && count >= 4 && count % 4 == 0 &&
                count <= (size_t)4 * FV_MODEL_ROWS_MAX;
    if (!value)
        return 0;
    model->priors = good ? fv_calloc(count, sizeof(*model->priors)) : NULL;
    if (good && !model->priors)
        return -ENOMEM;
    for (size_t i = 0; good && i < count; i++) {
        const json_t *item = json_array_get(value, i);
        good = number_usable(item, -1e5, 1e5) && (i % 4 < 2 || json_number_value(item) > 0);
        model->priors[i] = (float)json_number_value(item);
    }
    if (!good)
        FAULT(output, "'output.priors' must be numbers, four for each box: centre, and sides above "
                      "0");
    else if (model->rows && count != (size_t)4 * model->rows)
        FAULT(output, "'output.priors' has %zu numbers, but 4 x %u rows are %u", count, model->rows,
              4 * model->rows);
    return 0;
}

static void read_variances(const struct scope *output, struct fv_model *model)
{
    const json_t *value = member(output, "variances");
    bool good = json_is_array(value) && json_array_size(value) == 4;
    if (!value)
        return;
    for (size_t i = 0; good && i < 4; i++) {
        good = number_usable(json_array_get(value, i), 1e-6, 1e6);
        model->variances[i] = (float)json_number_value(json_array_get(value, i));
    }
    if (!good)
        FAULT(output, "'output.variances' must be four numbers from 1e-6 to 1e6");
}

static int read_ssd(const struct scope *output, struct fv_model *model)
{
    static const char *const codes[] = {[FV_BOX_CENTRE] = "cxcywh",
                                        [FV_BOX_CORNERS] = "xyxy",
                                        [FV_BOX_CORNERS_YX] = "yxyx",
                                        [FV_BOX_PRIOR] = "prior",
                                        NULL};
    static const char *const units[] = {"pixel", "fraction", NULL};
    model->code = (enum fv_box_code)read_word(output, "box", codes);
    model->fraction = read_word(output, "unit", units) == 1;
    if (model->code == FV_BOX_PRIOR) {
        read_variances(output, model);
        return read_priors(output, model);
    }
    if (json_object_get(output->object, "priors") || json_object_get(output->object, "variances"))
        FAULT(output, "'output.priors' and 'output.variances' belong to \"box\": \"prior\" only");
    return 0;
}

static const char *const activations[] = {
    [FV_SCORE_NONE] = "none", [FV_SCORE_SOFTMAX] = "softmax", [FV_SCORE_SIGMOID] = "sigmoid", NULL};

static int read_two(const struct scope *output, struct fv_model *model)
{
    read_text(output, "boxes", model->output_name, sizeof(model->output_name));
    read_text(output, "scores", model->scores_name, sizeof(model->scores_name));
    if (model->output_name[0] && strcmp(model->output_name, model->scores_name) == 0)
        FAULT(output, "'output.boxes' and 'output.scores' are the same output");
    model->activation = (enum fv_score_activation)read_word(output, "activation", activations);
    return model->layout == FV_LAYOUT_SSD ? read_ssd(output, model) : 0;
}

static void read_type(const struct scope *output, const struct fv_model *model)
{
    if (read_word(output, "type", types) != (int)model->element)
        FAULT(output, "'output.type' is another than 'input.type'");
}

/* A classifier's: rows and columns follow from the labels. */
static void read_classes(const struct scope *root, struct fv_model *model)
{
    struct scope output;
    model->layout = FV_LAYOUT_CLASSES;
    model->rows = 1;
    if (!enter(root, "output", "output.", &output))
        return;
    refuse_foreign(&output, model->layout);
    read_type(&output, model);
    read_text(&output, "name", model->output_name, sizeof(model->output_name));
    model->activation = (enum fv_score_activation)read_word(&output, "activation", activations);
    read_number(&output, "threshold", 0, 1, &model->threshold);
}

static int read_output(const struct scope *root, struct fv_model *model)
{
    const char *layouts[FV_LAYOUTS + 1] = {NULL};
    struct scope output;
    if (!enter(root, "output", "output.", &output))
        return 0;
    for (unsigned i = 0; i < FV_LAYOUT_CLASSES; i++)
        layouts[i] = fv_layout_info((enum fv_layout)i)->name;
    model->layout = (enum fv_layout)read_word(&output, "layout", layouts);
    refuse_foreign(&output, model->layout);
    read_type(&output, model);
    read_count(&output, "rows", FV_MODEL_ROWS_MAX, &model->rows);
    read_count(&output, "columns", 5 + FV_MODEL_LABELS_MAX, &model->columns);
    if (fv_layout_info(model->layout)->second)
        return read_two(&output, model);
    read_text(&output, "name", model->output_name, sizeof(model->output_name));
    if (model->layout == FV_LAYOUT_YOLOX)
        read_strides(&output, model);
    return 0;
}

static int read_labels(const struct scope *root, struct fv_model *model)
{
    const json_t *value = member(root, "labels");
    if (!value)
        return 0;
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count < 1 || count > FV_MODEL_LABELS_MAX) {
        FAULT(root, "'labels' must be an array of 1 to %u texts", FV_MODEL_LABELS_MAX);
        return 0;
    }
    model->labels = fv_calloc(count, sizeof(*model->labels));
    if (!model->labels)
        return -ENOMEM;
    model->label_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        bool good = json_is_string(item) && text_usable(item, 64);
        if (!good)
            FAULT(root, "'labels[%zu]' must be a text of 1 to 63 bytes", i);
        model->labels[i] = fv_strdup(good ? json_string_value(item) : "");
        if (!model->labels[i])
            return -ENOMEM;
    }
    return 0;
}

/* A name must lead to one class only. */
static void check_labels(const struct scope *root, const struct fv_model *model)
{
    for (uint32_t i = 1; i < model->label_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (model->labels[i][0] && strcasecmp(model->labels[i], model->labels[j]) == 0)
                FAULT(root, "'labels[%u]' and 'labels[%u]' are both \"%s\"", j, i,
                      model->labels[i]);
}

static void check_columns(const struct scope *root, const struct fv_model *model)
{
    const struct fv_layout_info *layout = fv_layout_info(model->layout);
    const uint32_t before = layout->objectness ? 5 : 4;
    const uint32_t labels = model->label_count, columns = model->columns;
    if (!layout->second && columns != before + labels)
        FAULT(root, "'output.columns' is %u, but %u + %u labels are %u", columns, before, labels,
              before + labels);
    if (layout->second && columns != labels + 1 &&
        (columns != labels || model->activation == FV_SCORE_SOFTMAX))
        FAULT(root, "'output.columns' is %u, but %u labels and %s are %u%s", columns, labels,
              model->layout == FV_LAYOUT_SSD ? "the background" : "\"no object\"", labels + 1,
              model->activation == FV_SCORE_SOFTMAX ? "" : ", and without it as many as labels");
}

/* What the fields say together. Fields that were refused alone are 0 and not judged again. */
static void check_sums(const struct scope *root, const struct fv_model *model)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < model->stride_count; i++) {
        uint32_t stride = model->strides[i];
        if (model->width % stride || model->height % stride)
            FAULT(root, "'output.strides': %u does not divide the input size %ux%u", stride,
                  model->width, model->height);
        rows += (uint64_t)(model->width / stride) * (model->height / stride);
    }
    if (model->width && model->height && model->stride_count && model->rows && rows != model->rows)
        FAULT(root, "'output.rows' is %u, but size and strides give %llu", model->rows,
              (unsigned long long)rows);
    if (model->columns && model->label_count && !fv_model_classifies(model))
        check_columns(root, model);
}

static int read_root(const struct scope *root, struct fv_model *model)
{
    static const char *const known[] = {"manifest", "kind",  "name",   "source", "license",
                                        "sha256",   "input", "output", "labels", NULL};
    static const char *const kinds[] = {"detector", "classifier", NULL};
    const bool classifier =
        json_object_get(root->object, "kind") && read_word(root, "kind", kinds) == 1;
    uint32_t version = 0;
    int result = 0;
    read_count(root, "manifest", FV_MANIFEST_VERSION, &version);
    refuse_unknown(root, known);
    read_text(root, "name", model->name, sizeof(model->name));
    check_note(root, "source");
    check_note(root, "license");
    read_sha256(root, model);
    read_input(root, model);
    if (classifier)
        read_classes(root, model);
    else
        result = read_output(root, model);
    if (result == 0)
        result = read_labels(root, model);
    if (result < 0)
        return result;
    if (classifier)
        model->columns = model->label_count;
    check_labels(root, model);
    check_sums(root, model);
    return 0;
}

static int parse_object(const json_t *json, struct fv_model **ret_model, struct fv_error *err)
{
    char buffer[400]; /* what does not fit is shown as "..." */
    struct fv_str faults;
    fv_str_init(&faults, buffer, sizeof(buffer));
    struct fv_model *model = FV_NEW(struct fv_model);
    int result = -ENOMEM;
    if (model)
        result = read_root(&(struct scope){json, "", &faults}, model);
    if (result == 0 && (faults.size || faults.overflow))
        result = fv_error_set(err, -EINVAL, "%s%s", buffer, faults.overflow ? "..." : "");
    else if (result < 0)
        fv_error_set(err, result, "out of memory");
    if (result < 0)
        fv_model_free(model);
    else
        *ret_model = model;
    return result;
}

int fv_manifest_parse(const char *text, size_t size, struct fv_model **ret_model,
                      struct fv_error *err)
{
    if (size > FV_MANIFEST_SIZE_MAX)
        return fv_error_set(err, -EINVAL, "larger than %u bytes", FV_MANIFEST_SIZE_MAX);
    json_error_t where;
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    if (!json)
        return fv_error_set(err, -EBADMSG, "line %d, column %d: %s", where.line, where.column,
                            where.text);
    int result = -EINVAL;
    if (json_is_object(json))
        result = parse_object(json, ret_model, err);
    else
        fv_error_set(err, result, "must be an object, not %s", type_name(json));
    json_decref(json);
    return result;
}
