// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/setup.h"
#include "infer/model.h"
#include "pipeline/mock_runtime.h"

/* TENSORRT_FP16 chooses between two files of the bundled detector; a path that was named stays. */
static void test_half_precision(void **state)
{
    static const char *const names[] = {"yolox_nano.onnx", "yolox_nano_fp16.onnx"};
    char path[1024];
    unsetenv("FOVEA_MODEL_PATH");
    for (int half = 0; half < 2; half++) {
        struct fv_error err = {0};
        int r = fv_setup_bundled_model(half, path, sizeof(path), &err);
        assert_true(r == 0 || r == -ENOENT);
        assert_non_null(strstr(r == 0 ? path : err.text, names[half]));
    }
    setenv("FOVEA_MODEL_PATH", "/some/model.onnx", 1);
    for (int half = 0; half < 2; half++) {
        assert_int_equal(fv_setup_bundled_model(half, path, sizeof(path), NULL), 0);
        assert_string_equal(path, "/some/model.onnx");
    }
    unsetenv("FOVEA_MODEL_PATH");
}

/* TENSORRT_WORKSPACE_SIZE, TENSORRT_FP16 and DETECTION_ENGINE_PATH as the runtimes get them. */
static void test_runtime_params(void **state)
{
    struct fv_model model = {.name = "tiny"};
    struct fv_setup setup = {.model = &model, .batch = 7};
    struct fv_config config = {0};
    config.models.tensorrt_workspace_gb = 1.5;
    config.models.engine_path = (char *)"/engines";
    config.models.tensorrt_fp16 = true;
    struct fv_runtime_params params = fv_setup_runtime_params(&setup, &config);
    assert_true(params.workspace == (size_t)1536 << 20);
    assert_string_equal(params.engines, "/engines");
    assert_true(params.half && params.plain_graph);
    assert_int_equal(params.max_batch, 7);
    assert_ptr_equal(params.model, &model);
    config.models.tensorrt_fp16 = false;
    config.models.optimize = true;
    config.models.engine_path = NULL;
    params = fv_setup_runtime_params(&setup, &config);
    assert_false(params.half || params.plain_graph);
    assert_null(params.engines);
}

static struct fv_model *two_classes(void)
{
    struct fv_model *model = FV_NEW(struct fv_model);
    assert_non_null(model);
    model->labels = fv_calloc(2, sizeof(*model->labels));
    assert_non_null(model->labels);
    model->labels[0] = fv_strdup("person");
    model->labels[1] = fv_strdup("car");
    model->label_count = 2;
    return model;
}

static void test_class_names(void **state)
{
    static const char *const given[] = {"Person", "Auto", "third"};
    char text[200];
    const struct {
        unsigned count;
        enum fv_class_names want;
        const char *label, *text;
    } cases[] = {{0, FV_CLASS_NAMES_SAME, "car", NULL},
                 {1, FV_CLASS_NAMES_REFUSED, "car", "names: 1, classes of the model: 2"},
                 {3, FV_CLASS_NAMES_REFUSED, "car", "names: 3, classes of the model: 2"},
                 {2, FV_CLASS_NAMES_CHANGED, "Auto", "differ"},
                 {2, FV_CLASS_NAMES_SAME, "Auto", NULL}};
    struct fv_model *model = two_classes();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct fv_conf_strings names = {(char **)(uintptr_t)given, cases[i].count};
        enum fv_class_names result;
        assert_int_equal(fv_setup_name_classes(model, &names, &result), 0);
        assert_int_equal(result, cases[i].want);
        assert_string_equal(model->labels[1], cases[i].label);
        assert_int_equal(model->label_count, 2);
        if (cases[i].text) {
            fv_setup_tell_names(model, &names, result, text, sizeof(text));
            assert_non_null(strstr(text, cases[i].text));
        }
    }
    assert_int_equal(fv_setup_class(model, "auto"), 1);
    assert_int_equal(fv_setup_class(model, "car"), -ENOENT);
    fv_model_free(model);
}

static void test_class_names_without_memory(void **state)
{
    static const char *const given[] = {"a", "b"};
    const struct fv_conf_strings names = {(char **)(uintptr_t)given, 2};
    struct fv_model *model = two_classes();
    enum fv_class_names result;
    unsigned n = 1;
    for (;; n++) {
        fv_alloc_fail_at(n);
        int r = fv_setup_name_classes(model, &names, &result);
        fv_alloc_fail_at(0);
        if (r == 0)
            break;
        assert_int_equal(r, -ENOMEM);
        assert_string_equal(model->labels[0], "person");
    }
    assert_int_equal(n, 4); /* the list and two names */
    assert_string_equal(model->labels[0], "a");
    fv_model_free(model);
}

/* A classifier on a mock: a detector's model is refused, nothing is left behind without memory. */
static void test_second(void **state)
{
    char folder[] = "/tmp/fovea-setup-XXXXXX", command[64];
    struct fv_error err = {0};
    struct fv_setup first = {.batch = 3}, second = {0};
    struct fv_config config = {.models.inference_provider = (char *)"auto",
                               .models.warm_up_iterations = 2,
                               .classifier.batch = 5};
    assert_non_null(mkdtemp(folder));
    mock_runtime_install(0);
    config.classifier.model_path = (char *)(uintptr_t)mock_classifier_write(folder);
    unsigned n = 1;
    for (bool pending = false; !pending; n++) {
        fv_alloc_fail_at(n);
        int r = fv_setup_second(&second, &first, &config, &err);
        pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        assert_true(pending ? r == 0 : r < 0);
    }
    assert_true(
        n >
        10); /* the model with its labels, the runtime and its tensors, the detector and its parts */
    assert_int_equal(second.batch, 5);
    assert_string_equal(second.model->name, "mocked");
    fv_setup_finish(&second);
    config.classifier.model_path = (char *)(uintptr_t)mock_model_write(folder);
    assert_int_equal(fv_setup_second(&second, &first, &config, &err), -EINVAL);
    assert_non_null(strstr(err.text, "the classifier"));
    assert_non_null(strstr(err.text, "is a detector by its manifest"));
    assert_null(second.model);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_precision), cmocka_unit_test(test_runtime_params),
        cmocka_unit_test(test_class_names), cmocka_unit_test(test_class_names_without_memory),
        cmocka_unit_test(test_second)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
