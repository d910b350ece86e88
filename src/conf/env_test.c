// SPDX-License-Identifier: Apache-2.0
/* Settings out of the environment, and where values come from. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"

#define TEXT                                                                                       \
    "{\"processing\": {\"GPU_BATCH_SIZE\": 1, \"MAX_QUEUE_SIZE\": 9},\n"                           \
    " \"cameras\": {\"RTSP_STREAMS\": [{\"name\": \"a\", \"url\": \"rtsp://h/s\"}]}}"

struct found {
    char list[2000];
    struct fv_str out;
};

static void collect(void *data, const struct fv_problem *problem)
{
    struct found *found = data;
    fv_str_addf(&found->out, "%s%c%s %s %s", found->out.size ? ";" : "", "EWIO"[problem->severity],
                problem -> code, problem -> key, problem -> file);
    assert_null(strstr(problem->message, "n0t-shown"));
    assert_null(strstr(problem->fix, "n0t-shown"));
    assert_true(strlen(problem->fix) > 5);
}

static struct fv_config *load(struct found *found, int expected)
{
    struct fv_config *config = NULL;
    fv_str_init(&found->out, found->list, sizeof(found->list));
    struct fv_config_params params = {.text = TEXT, .problem = collect, .data = found};
    assert_int_equal(fv_config_load(&params, &config, NULL), expected);
    return config;
}

static void test_values(void **state)
{
    struct found found;
    setenv("FOVEA_PROCESSING__GPU_BATCH_SIZE", "4", 1);
    setenv("FOVEA_PROCESSING__BACKEND", "cpu", 1);
    setenv("FOVEA_MODELS__TARGET_CLASSES", "[\"person\", 2]", 1);
    setenv("FOVEA_APP__APP_NAME", "17", 1);
    setenv("FOVEA_APP__LOG_LEVEL", "20", 1);
    setenv("FOVEA_OUTPUT__SAVE_FRAMES", "True", 1);
    setenv("FOVEA_CAMERAS__RTSP_STREAMS", "[{\"name\": \"b\", \"url\": \"rtsp://i\"}]", 1);
    struct fv_config *config = load(&found, 0);
    assert_string_equal(found.list, "");
    assert_int_equal(config->processing.gpu_batch_size, 4);
    assert_int_equal(config->processing.max_queue_size, 9); /* the file's */
    assert_int_equal(config->processing.backend, FV_BACKEND_CPU);
    assert_int_equal(config->models.target_classes.count, 2);
    assert_string_equal(config->models.target_classes.items[1], "2");
    assert_string_equal(config->app.name, "17");
    assert_int_equal(config->app.log_level, FV_LOG_INFO);
    assert_true(config->output.save_frames);
    assert_int_equal(config->cameras.count, 1);
    assert_string_equal(config->cameras.items[0].name, "b");
    fv_config_free(config);
}

static void test_findings(void **state)
{
    static const struct {
        const char *variable, *value, *expected;
    } cases[] = {
        {"FOVEA_PROCESSING__GPU_BATCH_SIZE", "0",
         "Eout_of_range processing.GPU_BATCH_SIZE FOVEA_PROCESSING__GPU_BATCH_SIZE"},
        {"FOVEA_PROCESSING__GPU_BATCH_SIZE", "many",
         "Ewrong_type processing.GPU_BATCH_SIZE FOVEA_PROCESSING__GPU_BATCH_SIZE"},
        {"FOVEA_PROCESSING__GPU_BATCH_SIZ", "4",
         "Eunknown_key processing.GPU_BATCH_SIZ FOVEA_PROCESSING__GPU_BATCH_SIZ"},
        {"FOVEA_PROCESSING__ENABLE_NVDEC", "false",
         "Egpu_only_conflict processing.ENABLE_NVDEC FOVEA_PROCESSING__ENABLE_NVDEC"},
        {"FOVEA_PROCESSNG__X", "1", "Wunknown_variable  FOVEA_PROCESSNG__X"},
        {"FOVEA_MODELS__DEVICE", "\xFF", "Eencoding  FOVEA_MODELS__DEVICE"},
        {"FOVEA_MODELS__TARGET_CLASSES", "[1, true]",
         "Ewrong_type models.TARGET_CLASSES[1] FOVEA_MODELS__TARGET_CLASSES"},
        {"FOVEA_CAMERAS__RTSP_STREAMS", "[{\"url\": \"http://u:n0t-shown@h\"}]",
         "Ebad_url cameras.RTSP_STREAMS[0].url FOVEA_CAMERAS__RTSP_STREAMS"},
        {"FOVEA_CAMERAS__RTSP_STREAMS",
         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
         "Etoo_large  FOVEA_CAMERAS__RTSP_STREAMS"},
        {"FOVEA_PROCESSING__PREPROCESSING_THREADS", "4",
         "Oobsolete processing.PREPROCESSING_THREADS FOVEA_PROCESSING__PREPROCESSING_THREADS"},
        {"FOVEA__X", "1", ""},
        {"FOVEA_PROCESSING__", "1", ""},
        {"FOVEA_MODEL_PATH", "/x", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct found found;
        setenv(cases[i].variable, cases[i].value, 1);
        fv_config_free(load(&found, cases[i].expected[0] == 'E' ? -EINVAL : 0));
        unsetenv(cases[i].variable);
        assert_string_equal(found.list, cases[i].expected);
    }
}

static void keep_message(void *data, const struct fv_problem *problem)
{
    snprintf(data, 200, "%s", problem->message);
}

static void test_nearest_section(void **state)
{
    char message[200] = "";
    struct fv_config *config = NULL;
    struct fv_config_params params = {.text = TEXT, .problem = keep_message, .data = message};
    setenv("FOVEA_PROCESSNG__X", "1", 1);
    assert_int_equal(fv_config_load(&params, &config, NULL), 0);
    unsetenv("FOVEA_PROCESSNG__X");
    fv_config_free(config);
    assert_non_null(strstr(message, "The nearest section is \"processing\"."));
}

/* A plain check judges the file alone. */
static void test_check_ignores_it(void **state)
{
    setenv("FOVEA_PROCESSING__GPU_BATCH_SIZE", "0", 1);
    char path[] = "/tmp/fovea-test-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fputs(TEXT, file);
    fclose(file);
    assert_int_equal(fv_config_check(path, NULL, NULL, NULL, NULL), 0);
    remove(path);
}

static void test_no_memory(void **state)
{
    setenv("FOVEA_PROCESSING__GPU_BATCH_SIZE", "4", 1);
    setenv("FOVEA_TRACKING__TRACK_THRESH", "0.5", 1);
    setenv("FOVEA_NO__SECTION", "4", 1);
    for (unsigned n = 1;; n++) {
        struct fv_config *config = NULL;
        struct fv_config_params params = {.text = TEXT};
        fv_alloc_fail_at(n);
        int r = fv_config_load(&params, &config, NULL);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_config_free(config);
        assert_int_equal(r, pending ? 0 : -ENOMEM);
        if (pending)
            return;
    }
}

/* ---- show ---- */

static void on_value(void *data, const struct fv_config_value *value)
{
    struct found *found = data;
    static const char *const keys[] = {
        "processing.GPU_BATCH_SIZE", "processing.MAX_QUEUE_SIZE",
        "processing.BACKEND",        "models.TENSORRT_MAX_BATCH_SIZE",
        "models.MODEL_PATH",         "cameras.RTSP_STREAMS[0].url"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (!strcmp(keys[i], value->key))
            fv_str_addf(&found->out, "%s=%s %d %s %u;", strchr(value->key, '.') + 1, value->value,
                        (int)value->origin, value->source, value->line);
}

static int show(struct found *found, const char *path, const char *backend, bool defaults)
{
    fv_str_init(&found->out, found->list, sizeof(found->list));
    struct fv_config_show_params params = {
        .path = path, .backend = backend, .defaults = defaults, .value = on_value, .data = found};
    return fv_config_show(&params, NULL);
}

static void test_show(void **state)
{
    struct found found;
    char path[] = "/tmp/fovea-test-XXXXXX", expected[600];
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fputs("{\"processing\": {\n\"GPU_BATCH_SIZE\": \"auto\",\n\"MAX_QUEUE_SIZE\": 9},\n"
          "\"cameras\": {\"RTSP_STREAMS\": [\n{\"url\": \"rtsp://u:n0t-shown@h\"}]}}",
          file);
    fclose(file);
    setenv("FOVEA_PROCESSING__MAX_QUEUE_SIZE", "8", 1);
    assert_int_equal(show(&found, path, "cpu", false), 0);
    snprintf(expected, sizeof(expected),
             "BACKEND=\"cpu\" 3 --backend 0;GPU_BATCH_SIZE=\"auto\" 1 %s 2;"
             "MAX_QUEUE_SIZE=8 2 FOVEA_PROCESSING__MAX_QUEUE_SIZE 0;MODEL_PATH=null 0  0;"
             "TENSORRT_MAX_BATCH_SIZE=32 4 processing.GPU_BATCH_SIZE 0;"
             "RTSP_STREAMS[0].url=\"rtsp://***@h\" 1 %s 5;",
             path, path);
    assert_string_equal(found.list, expected);
    assert_int_equal(show(&found, NULL, NULL, true), 0);
    assert_string_equal(found.list, "BACKEND=\"gpu\" 0  0;GPU_BATCH_SIZE=2 0  0;"
                                    "MAX_QUEUE_SIZE=20 0  0;MODEL_PATH=null 0  0;"
                                    "TENSORRT_MAX_BATCH_SIZE=4 0  0;");
    setenv("FOVEA_PROCESSING__MAX_QUEUE_SIZE", "0", 1);
    assert_int_equal(show(&found, path, NULL, false), -EINVAL);
    assert_string_equal(found.list, "");
    assert_int_equal(show(&found, "/nonexistent/x", NULL, false), -ENOENT);
    remove(path);
}

static int clear(void **state)
{
    extern char **environ;
    char name[200];
    for (char **entry = environ; *entry;) {
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(*entry, "="), *entry);
        if (strncmp(name, "FOVEA_", 6) == 0) {
            unsetenv(name);
            entry = environ;
        } else {
            entry++;
        }
    }
    unsetenv("DEBUG");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, clear, clear),
        cmocka_unit_test_setup_teardown(test_findings, clear, clear),
        cmocka_unit_test_setup_teardown(test_nearest_section, clear, clear),
        cmocka_unit_test_setup_teardown(test_check_ignores_it, clear, clear),
        cmocka_unit_test_setup_teardown(test_no_memory, clear, clear),
        cmocka_unit_test_setup_teardown(test_show, clear, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
