// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "infer/manifest.h"

/* sha256 of the three bytes "abc" (FIPS 180-2, B.1). */
#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define INPUT                                                                                      \
    "{\"name\":\"images\",\"type\":\"float32\",\"width\":64,\"height\":32,"                        \
    "\"dynamic_batch\":true,\"order\":\"bgr\",\"range\":255,\"mean\":[1,2,3.5],"                   \
    "\"std\":[1,1,2],\"pad\":\"top-left\",\"pad_value\":114}"
#define OUTPUT                                                                                     \
    "{\"name\":\"out\",\"type\":\"float32\",\"layout\":\"yolox\",\"strides\":[8,16,32],"           \
    "\"rows\":42,\"columns\":7}"
#define MANIFEST                                                                                   \
    "{\"manifest\":1,\"name\":\"tiny\",\"source\":\"made up\",\"license\":\"none\","               \
    "\"sha256\":\"" SHA_ABC "\",\"input\":" INPUT ",\"output\":" OUTPUT                            \
    ",\"labels\":[\"person\",\"Traffic light\"]}"

static int parse(const char *text, struct fv_model **ret_model, struct fv_error *err)
{
    return fv_manifest_parse(text, strlen(text), ret_model, err);
}

static void test_good(void **state)
{
    struct fv_model *model;
    struct fv_error err = {0};
    assert_int_equal(parse(MANIFEST, &model, &err), 0);
    assert_int_equal(err.code, 0);
    assert_string_equal(model->name, "tiny");
    assert_string_equal(model->sha256, SHA_ABC);
    assert_string_equal(model->input_name, "images");
    assert_string_equal(model->output_name, "out");
    assert_int_equal(model->width, 64);
    assert_int_equal(model->height, 32);
    assert_true(model->dynamic_batch);
    assert_int_equal(model->element, FV_ELEMENT_F32);
    assert_int_equal(model->order, FV_ORDER_BGR);
    assert_float_equal(model->range, 255, 0);
    assert_float_equal(model->mean[2], 3.5, 0);
    assert_float_equal(model->std[2], 2, 0);
    assert_int_equal(model->pad, FV_PAD_TOP_LEFT);
    assert_float_equal(model->pad_value, 114, 0);
    assert_int_equal(model->layout, FV_LAYOUT_YOLOX);
    assert_int_equal(model->stride_count, 3);
    assert_int_equal(model->strides[1], 16);
    assert_int_equal(model->rows, 42);
    assert_int_equal(model->columns, 7);
    assert_int_equal(model->label_count, 2);
    assert_string_equal(model->labels[1], "Traffic light");
    assert_int_equal(fv_model_class(model, "PERSON"), 0);
    assert_int_equal(fv_model_class(model, "traffic light"), 1);
    assert_int_equal(fv_model_class(model, "traffic"), -ENOENT);
    fv_model_free(model);
    fv_model_free(NULL);
}

/* The manifest with one piece of text replaced, in static memory. */
static const char *with(const char *from, const char *to)
{
    static char text[4096];
    const char *at = strstr(MANIFEST, from);
    assert_non_null(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - MANIFEST), MANIFEST, to, at + strlen(from));
    return text;
}

static void refuse(const char *text, int code, const char *sentence)
{
    struct fv_model *model;
    struct fv_error err = {0};
    assert_int_equal(parse(text, &model, &err), code);
    assert_int_equal(err.code, code);
    if (!strstr(err.text, sentence))
        fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static void test_missing(void **state)
{
    static const char *const fields[][2] = {
        {"\"manifest\":1,", "'manifest' is missing"},
        {"\"name\":\"tiny\",", "'name' is missing"},
        {"\"sha256\":\"" SHA_ABC "\",", "'sha256' is missing"},
        {"\"input\":" INPUT ",", "'input' is missing"},
        {"\"output\":" OUTPUT ",", "'output' is missing"},
        {",\"labels\":[\"person\",\"Traffic light\"]", "'labels' is missing"},
        {"\"name\":\"images\",", "'input.name' is missing"},
        {"\"type\":\"float32\",\"width\"", "'input.type' is missing"},
        {"\"width\":64,", "'input.width' is missing"},
        {"\"height\":32,", "'input.height' is missing"},
        {"\"dynamic_batch\":true,", "'input.dynamic_batch' is missing"},
        {"\"order\":\"bgr\",", "'input.order' is missing"},
        {"\"range\":255,", "'input.range' is missing"},
        {"\"mean\":[1,2,3.5],", "'input.mean' is missing"},
        {"\"std\":[1,1,2],", "'input.std' is missing"},
        {"\"pad\":\"top-left\",", "'input.pad' is missing"},
        {",\"pad_value\":114", "'input.pad_value' is missing"},
        {"\"name\":\"out\",", "'output.name' is missing"},
        {"\"type\":\"float32\",\"layout\"", "'output.type' is missing"},
        {"\"layout\":\"yolox\",", "'output.layout' is missing"},
        {"\"strides\":[8,16,32],", "'output.strides' is missing"},
        {"\"rows\":42,", "'output.rows' is missing"},
        {",\"columns\":7", "'output.columns' is missing"},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        bool type = strncmp(fields[i][0], "\"type\"", 6) == 0;
        const char *rest = !type ? "" : strstr(fields[i][0], "layout") ? "\"layout\"" : "\"width\"";
        refuse(with(fields[i][0], rest), -EINVAL, fields[i][1]);
    }
}

static void test_wrong(void **state)
{
    static const struct {
        const char *from, *to, *sentence;
    } cases[] = {
        {"\"manifest\":1", "\"manifest\":2", "'manifest' must be a whole number from 1 to 1"},
        {"\"tiny\"", "\"\"", "'name' must be a text of 1 to 63 bytes"},
        {"\"tiny\"", "\"a\\u0007b\"", "'name' must be a text"},
        {"\"tiny\"", "7", "'name' must be a text"},
        {"\"made up\"", "[]", "'source' must be a text"},
        {"ba7816bf", "BA7816BF", "'sha256' must be 64 lower-case"},
        {"ba7816bf", "", "'sha256' must be 64 lower-case"},
        {INPUT, "[]", "'input' must be an object, not an array"},
        {"\"width\":64", "\"width\":0", "'input.width' must be a whole number from 1 to 4096"},
        {"\"width\":64", "\"width\":64.5", "'input.width' must be a whole number"},
        {"\"width\":64", "\"width\":4294967360", "'input.width' must be a whole number"},
        {"true", "1", "'input.dynamic_batch' must be true or false"},
        {"\"bgr\"", "\"gbr\"", "'input.order' must be \"bgr\" or \"rgb\""},
        {"255", "-1", "'input.range' must be a number"},
        {"[1,2,3.5]", "[1,2]", "'input.mean' must be three numbers"},
        {"[1,1,2]", "[1,0,2]", "'input.std' must be three numbers"},
        {"top-left", "left", "'input.pad' must be \"top-left\" or \"centre\""},
        {"114", "256", "'input.pad_value' is above 'input.range'"},
        {"yolox", "yolov9", "'output.layout' must be \"yolox\""},
        {"\"float32\",\"width\"", "\"float64\",\"width\"",
         "'input.type' must be \"float32\" or \"float16\""},
        {"\"float32\",\"width\"", "\"float16\",\"width\"",
         "'output.type' is another than 'input.type'"},
        {"\"float32\",\"layout\"", "\"float16\",\"layout\"",
         "'output.type' is another than 'input.type'"},
        {"[8,16,32]", "[]", "'output.strides' must be 1 to 4 whole numbers"},
        {"[8,16,32]", "[8,16,32,1,1]", "'output.strides' must be 1 to 4 whole numbers"},
        {"[8,16,32]", "[8,-16,32]", "'output.strides' must be 1 to 4 whole numbers"},
        {"[8,16,32]", "[8,12,32]", "12 does not divide the input size 64x32"},
        {"\"rows\":42", "\"rows\":43", "'output.rows' is 43, but size and strides give 42"},
        {"\"columns\":7", "\"columns\":85", "'output.columns' is 85, but 5 + 2 labels are 7"},
        {"Traffic light", "PERSON", "'labels[0]' and 'labels[1]' are both \"PERSON\""},
        {"\"person\"", "null", "'labels[0]' must be a text"},
        {"[\"person\",\"Traffic light\"]", "[]", "'labels' must be an array"},
        {"\"manifest\":1", "\"manifest\":1,\"x\\u001b\":2", "'(not printable)' is not a known"},
        {"\"rows\"", "\"anchors\":9,\"rows\"", "'output.anchors' is not a known field"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refuse(with(cases[i].from, cases[i].to), -EINVAL, cases[i].sentence);
}

static void test_all_faults_at_once(void **state)
{
    struct fv_model *model;
    struct fv_error err;
    assert_int_equal(parse("{\"manifest\":1,\"names\":1}", &model, &err), -EINVAL);
    assert_string_equal(err.text, "'names' is not a known field; 'name' is missing; "
                                  "'sha256' is missing; 'input' is missing; 'output' is missing; "
                                  "'labels' is missing");
}

static void test_not_json(void **state)
{
    refuse("", -EBADMSG, "line 1");
    refuse("{\n  \"manifest\" 1}", -EBADMSG, "line 2, column ");
    refuse("[]", -EINVAL, "must be an object, not an array");
    refuse(with("\"width\":64", "\"width\":64,\"width\":64"), -EBADMSG, "uplicate");
    refuse(with("\"tiny\"", "\"a\\u0000b\""), -EBADMSG, "line 1");
    /* Every beginning of a good manifest is refused. */
    struct fv_model *model;
    for (size_t size = 0; size < strlen(MANIFEST); size++)
        assert_int_equal(fv_manifest_parse(MANIFEST, size, &model, NULL), -EBADMSG);
}

static void test_too_large(void **state)
{
    struct fv_model *model;
    struct fv_error err;
    const size_t size = FV_MANIFEST_SIZE_MAX + 1;
    char *text = fv_calloc(1, size);
    assert_int_equal(fv_manifest_parse(text, size, &model, &err), -EINVAL);
    fv_free(text);
}

static void test_without_memory(void **state)
{
    unsigned n = 1;
    for (;; n++) {
        struct fv_model *model;
        struct fv_error err;
        fv_alloc_fail_at(n);
        int result = parse(MANIFEST, &model, &err);
        if (fv_alloc_fail_pending()) {
            fv_model_free(model);
            break;
        }
        assert_int_equal(result, -ENOMEM);
    }
    fv_alloc_fail_at(0);
    assert_int_equal(n, 5); /* the model, the list of labels, two labels */
}

/* ---- files ---- */

static char folder[] = "/tmp/fovea-model-XXXXXX";
static char onnx[64], json[64];

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_folder(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    snprintf(onnx, sizeof(onnx), "%s/tiny.onnx", folder);
    snprintf(json, sizeof(json), "%s/tiny.json", folder);
    return 0;
}

static int remove_folder(void **state)
{
    unlink(onnx);
    unlink(json);
    return rmdir(folder);
}

static void refuse_load(const char *path, int code, const char *sentence)
{
    struct fv_model *model;
    struct fv_error err = {0};
    assert_int_equal(fv_model_load(path, &model, &err), code);
    if (!strstr(err.text, sentence))
        fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static void test_load(void **state)
{
    struct fv_model *model;
    refuse_load(onnx, -ENOENT, "tiny.onnx: No such file");
    write_file(onnx, "abc");
    refuse_load(onnx, -ENOENT, "tiny.json does not exist: a model needs a manifest");
    write_file(json, "{");
    refuse_load(onnx, -EBADMSG, "tiny.json: line 1");
    write_file(json, with("\"rows\":42", "\"rows\":41"));
    refuse_load(onnx, -EINVAL, "tiny.json: 'output.rows' is 41");
    write_file(json, MANIFEST);
    assert_int_equal(fv_model_load(onnx, &model, NULL), 0);
    assert_string_equal(model->path, onnx);
    fv_model_free(model);
    write_file(onnx, "abcd");
    refuse_load(onnx, -EINVAL,
                "tiny.onnx has the sha256 "
                "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589, "
                "but ");
    refuse_load(json, -EINVAL, "must end in .onnx");
    refuse_load("", -EINVAL, "must end in .onnx");
}

static void write_bytes(const char *path, size_t zeros, const void *data, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < zeros; i++)
        fputc(0, file);
    fwrite(data, 1, size, file);
    fputs("and more", file);
    fclose(file);
}

/* Weights in another file (onnx.proto): TensorProto.external_data is field 13, a StringStringEntryProto with key = 1 and value = 2. */
static void test_load_external_data(void **state)
{
    static const char tensor[] = "\x6a\x11\x0a\x08location\x12\x05w.bin";
    static const char longer[] = "\x6a\x90\x01\x0a\x08location\x12\x83\x01";
    static const char metadata[] = "\x72\x11\x0a\x08location\x12\x05w.bin";
    write_file(json, MANIFEST);
    for (size_t zeros = 0; zeros<40000; zeros += zeros> 16350 && zeros < 16420 ? 1 : 1009) {
        write_bytes(onnx, zeros, tensor, sizeof(tensor) - 1);
        refuse_load(onnx, -EINVAL, "tiny.onnx has its weights in another file");
        write_bytes(onnx, zeros, longer, sizeof(longer) - 1);
        refuse_load(onnx, -EINVAL, "onnx.save(onnx.load(");
        write_bytes(onnx, zeros, metadata, sizeof(metadata) - 1);
        refuse_load(onnx, -EINVAL, "tiny.onnx has the sha256 ");
    }
}

static void test_load_kind(void **state)
{
    struct fv_model *model = NULL;
    struct fv_error err = {0};
    write_file(onnx, "abc");
    write_file(json, MANIFEST);
    assert_int_equal(fv_model_load_kind(onnx, false, &model, &err), 0);
    fv_model_free(model);
    model = NULL;
    assert_int_equal(fv_model_load_kind(onnx, true, &model, &err), -EINVAL);
    assert_non_null(strstr(err.text, "is a detector by its manifest ('kind'), and a classifier is "
                                     "needed"));
    assert_null(model);
}

static void test_load_odd_files(void **state)
{
    char path[1100];
    memset(path, 'a', sizeof(path));
    memcpy(path + sizeof(path) - 6, ".onnx", 6);
    refuse_load(path, -EINVAL, "longer than");
    /* Not regular files: a device that never ends, a pipe that nobody writes to, a folder. */
    unlink(json);
    assert_int_equal(symlink("/dev/zero", json), 0);
    refuse_load(onnx, -EINVAL, "tiny.json: not a regular file");
    unlink(json);
    assert_int_equal(mkfifo(json, 0600), 0);
    refuse_load(onnx, -EINVAL, "tiny.json: not a regular file");
    unlink(onnx);
    assert_int_equal(symlink("/", onnx), 0);
    refuse_load(onnx, -EINVAL, "tiny.onnx: not a regular file");
    /* A manifest beyond the limit. */
    unlink(onnx);
    unlink(json);
    write_file(onnx, "abc");
    write_file(json, "{}");
    assert_int_equal(truncate(json, 2 << 20), 0);
    refuse_load(onnx, -EINVAL, "tiny.json: larger than 1048576 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_all_faults_at_once),
        cmocka_unit_test(test_not_json),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_load_odd_files),
        cmocka_unit_test(test_load_kind),
        cmocka_unit_test(test_load_external_data),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
