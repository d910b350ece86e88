// SPDX-License-Identifier: Apache-2.0
/* What becomes of a configuration: defaults, values, credentials; and what happens when things go
 * wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/check.h"

#define SECRET "ge%m!x7Q"

static struct fv_config *load(const char *text, const char *backend)
{
    struct fv_config *config = NULL;
    struct fv_config_params params = {.text = text, .backend = backend};
    struct fv_error err = {0};
    int r = fv_config_load(&params, &config, &err);
    if (r < 0)
        print_error("%s\n", err.text);
    assert_int_equal(r, 0);
    return config;
}

/* The values of settings.md, written by hand. */
static void test_defaults(void **state)
{
    struct fv_config *config =
        load("{\"cameras\": {\"RTSP_STREAMS\": [{\"url\": \"rtsp://h/s\"}]}}", NULL);
    assert_int_equal(config->processing.backend, FV_BACKEND_GPU);
    assert_int_equal(config->processing.gpu_batch_size, 2);
    assert_int_equal(config->processing.max_queue_size, 20);
    assert_float_equal(config->processing.pipeline_queue_timeout_ms, 5.0, 0);
    assert_int_equal(config->processing.unified_pipeline_threads, 0);
    assert_int_equal(config->processing.analysis_frame_interval, 1);
    assert_int_equal(config->processing.nvdec_buffer_size, 5);
    assert_true(config->processing.use_thread_affinity);
    assert_int_equal(config->processing.thread_priority, FV_PRIORITY_HIGH);
    assert_int_equal(config->processing.decoder_thread_priority, FV_PRIORITY_REALTIME);
    assert_null(config->models.model_path);
    assert_float_equal(config->models.confidence, 0.25, 0);
    assert_float_equal(config->models.iou, 0.45, 0);
    assert_int_equal(config->models.target_classes.count, 0);
    assert_string_equal(config->models.inference_provider, "auto");
    assert_int_equal(config->models.warm_up_iterations, 10);
    assert_int_equal(config->models.max_batch, 4);
    assert_true(config->tracking.enable);
    assert_float_equal(config->tracking.high, 0.25, 0);
    assert_float_equal(config->tracking.low, 0.1, 0);
    assert_float_equal(config->tracking.buffer, 30, 0);
    assert_float_equal(config->tracking.match, 0.75, 0);
    assert_float_equal(config->cameras.gather_ms, 10, 0);
    assert_int_equal(config->cameras.connect_rate_per_s, 20);
    assert_int_equal(config->cameras.connects_per_host, 4);
    assert_string_equal(config->output.dir, "output");
    assert_false(config->output.save_frames);
    assert_false(config->output.save_detections);
    assert_int_equal(config->output.frame_save_interval, 1);
    assert_int_equal(config->output.jpeg_quality, 90);
    assert_string_equal(config->app.name, "Fovea");
    assert_int_equal(config->app.log_level, FV_LOG_WARNING);
    assert_null(config->app.log_file);
    fv_config_free(config);
}

static void test_camera_defaults(void **state)
{
    struct fv_config *config =
        load("{\"cameras\": {\"RTSP_STREAMS\": [{\"url\": \"rtsp://h/s\"}]}}", NULL);
    assert_int_equal(config->cameras.count, 1);
    const struct fv_conf_camera *camera = &config->cameras.items[0];
    assert_string_equal(camera->name, "camera-1");
    assert_string_equal(camera->url, "rtsp://h/s");
    assert_string_equal(camera->address.host, "h");
    assert_false(camera->address.has_user);
    assert_true(camera->enabled);
    assert_int_equal(camera->transport, FV_CONF_TRANSPORT_AUTO);
    assert_float_equal(camera->resolve_timeout_s, 5, 0);
    assert_float_equal(camera->connect_timeout_s, 5, 0);
    assert_float_equal(camera->request_timeout_s, 5, 0);
    assert_float_equal(camera->first_packet_timeout_s, 10, 0);
    assert_float_equal(camera->first_keyframe_timeout_s, 35, 0);
    assert_float_equal(camera->stall_timeout_s, 10, 0);
    assert_float_equal(camera->reorder_ms, 60, 0);
    assert_false(camera->flag_loss);
    assert_int_equal(camera->backoff, FV_CONF_BACKOFF_EXPONENTIAL);
    assert_float_equal(camera->backoff_initial_s, 1, 0);
    assert_float_equal(camera->backoff_max_s, 60, 0);
    assert_float_equal(camera->backoff_factor, 2, 0);
    assert_float_equal(camera->backoff_jitter, 0.1, 0);
    assert_int_equal(camera->backoff_stable_after, 5);
    assert_int_equal(camera->breaker_failures, 5);
    assert_float_equal(camera->breaker_open_s, 60, 0);
    assert_int_equal(camera->breaker_probes, 3);
    fv_config_free(config);
}

static const char full[] =
    "{\"processing\": {\"BACKEND\": \"CPU\", \"GPU_BATCH_SIZE\": \"auto\", \"MAX_QUEUE_SIZE\": 7,\n"
    "  \"PIPELINE_QUEUE_TIMEOUT_MS\": 12.5, \"UNIFIED_PIPELINE_THREADS\": 2, "
    "\"ANALYSIS_FRAME_INTERVAL\": 3,\n"
    "  \"NVDEC_BUFFER_SIZE\": 6, \"USE_THREAD_AFFINITY\": false, \"THREAD_PRIORITY\": \"normal\",\n"
    "  \"DECODER_THREAD_PRIORITY\": \"HIGH\"},\n"
    " \"models\": {\"MODEL_PATH\": \"m.onnx\", \"MODEL_CONFIDENCE_THRESHOLD\": 0.5, "
    "\"MODEL_IOU_THRESHOLD\": 1,\n"
    "  \"TARGET_CLASSES\": [\"person\", 2], \"INFERENCE_PROVIDER\": \"TensorRT\", "
    "\"WARM_UP_ITERATIONS\": 0},\n"
    " \"cameras\": {\"RTSP_STREAMS\": [\n"
    "   {\"name\": \"gate\", \"url\": \"rtsp://h/1\", \"TRANSPORT\": \"udp\", \"ON_LOSS\": "
    "\"flag\", \"STALL_TIMEOUT_S\": 3,\n"
    "    \"BACKOFF_STRATEGY\": \"circuit_breaker\"},\n"
    "   {\"name\": \"h\\u00f6he\", \"url\": \"rtsps://h/2\", \"enabled\": false}],\n"
    "  \"TRANSPORT\": \"tcp\", \"STALL_TIMEOUT_S\": 4, \"GATHER_MS\": 0, \"CONNECT_RATE_PER_S\": "
    "5, \"CONNECTS_PER_HOST\": 1},\n"
    " \"output\": {\"OUTPUT_DIR\": \"out\", \"SAVE_FRAMES\": true, \"SAVE_DETECTIONS\": true, "
    "\"FRAME_SAVE_INTERVAL\": 9,\n"
    "  \"JPEG_QUALITY\": 50},\n"
    " \"app\": {\"APP_NAME\": \"x\", \"LOG_LEVEL\": \"Info\", \"LOG_FILE\": \"l\"}}\n";

static void test_values(void **state)
{
    struct fv_config *config = load(full, NULL);
    assert_int_equal(config->processing.backend, FV_BACKEND_CPU);
    assert_int_equal(config->processing.gpu_batch_size, 0);
    assert_int_equal(config->processing.max_queue_size, 7);
    assert_float_equal(config->processing.pipeline_queue_timeout_ms, 12.5, 0);
    assert_int_equal(config->processing.unified_pipeline_threads, 2);
    assert_int_equal(config->processing.analysis_frame_interval, 3);
    assert_int_equal(config->processing.nvdec_buffer_size, 6);
    assert_false(config->processing.use_thread_affinity);
    assert_int_equal(config->processing.thread_priority, FV_PRIORITY_NORMAL);
    assert_int_equal(config->processing.decoder_thread_priority, FV_PRIORITY_HIGH);
    assert_string_equal(config->models.model_path, "m.onnx");
    assert_float_equal(config->models.confidence, 0.5, 0);
    assert_float_equal(config->models.iou, 1, 0);
    assert_int_equal(config->models.target_classes.count, 2);
    assert_string_equal(config->models.target_classes.items[0], "person");
    assert_string_equal(config->models.target_classes.items[1], "2");
    assert_string_equal(config->models.inference_provider, "cpu"); /* "not used", so it is not */
    assert_int_equal(config->models.warm_up_iterations, 0);
    assert_int_equal(config->models.max_batch, 32); /* follows "auto" */
    assert_string_equal(config->output.dir, "out");
    assert_true(config->output.save_frames && config->output.save_detections);
    assert_int_equal(config->output.frame_save_interval, 9);
    assert_int_equal(config->output.jpeg_quality, 50);
    assert_string_equal(config->app.name, "x");
    assert_int_equal(config->app.log_level, FV_LOG_INFO);
    assert_string_equal(config->app.log_file, "l");
    fv_config_free(config);
}

/* A camera's own setting, else the engine-wide one, wherever that stands in the file. */
static void test_camera_values(void **state)
{
    struct fv_config *config = load(full, NULL);
    assert_float_equal(config->cameras.gather_ms, 0, 0);
    assert_int_equal(config->cameras.connect_rate_per_s, 5);
    assert_int_equal(config->cameras.connects_per_host, 1);
    assert_int_equal(config->cameras.count, 2);
    const struct fv_conf_camera *gate = &config->cameras.items[0],
                                *other = &config->cameras.items[1];
    assert_string_equal(gate->name, "gate");
    assert_int_equal(gate->transport, FV_CONF_TRANSPORT_UDP);
    assert_true(gate->flag_loss);
    assert_float_equal(gate->stall_timeout_s, 3, 0);
    assert_int_equal(gate->backoff, FV_CONF_BACKOFF_BREAKER);
    assert_string_equal(other->name, "h\xC3\xB6he");
    assert_string_equal(other->address.scheme, "rtsps");
    assert_int_equal(other->transport, FV_CONF_TRANSPORT_TCP);
    assert_float_equal(other->stall_timeout_s, 4, 0);
    assert_false(other->enabled);
    assert_false(other->flag_loss);
    fv_config_free(config);
}

static void test_override(void **state)
{
    struct fv_config *config =
        load("{\"cameras\": {\"RTSP_STREAMS\": [\"rtsp://h\", \"rtsp://i\"]}}", "cpu");
    assert_int_equal(config->processing.backend, FV_BACKEND_CPU);
    assert_int_equal(config->cameras.count, 2);
    assert_string_equal(config->cameras.items[1].name, "camera-2");
    assert_string_equal(config->cameras.items[1].address.host, "i");
    fv_config_free(config);
    config = load(full, "gpu");
    assert_int_equal(config->processing.backend, FV_BACKEND_GPU);
    fv_config_free(config);
    struct fv_error err = {0};
    struct fv_config_params params = {.text = full, .backend = "tpu"};
    assert_int_equal(fv_config_load(&params, &config, &err), -EINVAL);
    assert_non_null(strstr(err.text, "backend"));
}

static void test_debug(void **state)
{
    static const char cameras[] = "\"cameras\": {\"RTSP_STREAMS\": [\"rtsp://h\"]}";
    static const char *const texts[] = {
        "{%s}", "{\"app\": {\"DEBUG\": true}, %s}",
        "{\"app\": {\"ENABLE_DEBUG_LOGGING\": true, \"LOG_LEVEL\": 40}, %s}",
        "{\"app\": {\"DEBUG\": false, \"LOG_LEVEL\": 40}, %s}"};
    static const int levels[] = {FV_LOG_WARNING, FV_LOG_DEBUG, FV_LOG_DEBUG, FV_LOG_ERROR};
    for (int i = 0; i < 4; i++) {
        const char *slot = strstr(texts[i], "%s");
        char text[300];
        struct fv_str out;
        fv_str_init(&out, text, sizeof(text));
        fv_str_addf(&out, "%.*s%s}", (int)(slot - texts[i]), texts[i], cameras);
        struct fv_config *config = load(text, NULL);
        assert_int_equal(config->app.log_level, levels[i]);
        fv_config_free(config);
    }
    setenv("DEBUG", "1", 1);
    struct fv_config *config = load(full, NULL);
    assert_int_equal(config->app.log_level, FV_LOG_DEBUG);
    fv_config_free(config);
    unsetenv("DEBUG");
}

/* ---- credentials ---- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

static struct fv_config *load_camera(const char *common, const char *camera, int *ret_result)
{
    char text[1000];
    struct fv_str out;
    struct fv_config *config = NULL;
    fv_str_init(&out, text, sizeof(text));
    fv_str_addf(&out, "{\"cameras\": {%s \"RTSP_STREAMS\": [{%s}]}}", common, camera);
    struct fv_config_params params = {.text = text};
    *ret_result = fv_config_load(&params, &config, NULL);
    return config;
}

static void test_credentials(void **state)
{
    char path[] = "/tmp/fovea-test-XXXXXX", own[200], common[200];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_file(path, SECRET "\r\n");
    setenv("FOVEA_TEST_SECRET", "from-env", 1);
    struct fv_str out;
    fv_str_init(&out, own, sizeof(own));
    fv_str_addf(&out, "\"url\": \"rtsp://h\", \"USERNAME\": \"u\", \"PASSWORD_FILE\": \"%s\"",
                path);
    fv_str_init(&out, common, sizeof(common));
    fv_str_addf(&out, "\"USERNAME\": \"all\", \"PASSWORD_FILE\": \"%s\",", path);
    const struct {
        const char *common, *camera, *user, *password;
    } cases[] = {
        {"", own, "u", SECRET},
        {"", "\"url\": \"rtsp://h\", \"USERNAME\": \"u\", \"PASSWORD_ENV\": \"FOVEA_TEST_SECRET\"",
         "u", "from-env"},
        {"", "\"url\": \"rtsp://x:y%40@h\"", "x", "y@"},
        {"", "\"url\": \"rtsp://x@h\", \"PASSWORD_ENV\": \"FOVEA_TEST_SECRET\"", "x", "from-env"},
        {"", "\"url\": \"rtsp://x:y@h\", \"USERNAME\": \"u\"", "u", "y"},
        {common, "\"url\": \"rtsp://h\"", "all", SECRET},
        {common, "\"url\": \"rtsp://x:y@h\"", "x", "y"},
        {common,
         "\"url\": \"rtsp://h\", \"USERNAME\": \"u\", \"PASSWORD_ENV\": \"FOVEA_TEST_SECRET\"", "u",
         "from-env"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int r;
        struct fv_config *config = load_camera(cases[i].common, cases[i].camera, &r);
        assert_int_equal(r, 0);
        assert_true(config->cameras.items[0].address.has_user);
        assert_string_equal(config->cameras.items[0].address.user, cases[i].user);
        assert_string_equal(config->cameras.items[0].address.password, cases[i].password);
        fv_config_free(config);
    }
    unlink(path);
    unsetenv("FOVEA_TEST_SECRET");
}

static void test_bad_password_files(void **state)
{
    char path[] = "/tmp/fovea-test-XXXXXX", own[200], text[300];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct fv_str out;
    fv_str_init(&out, own, sizeof(own));
    fv_str_addf(&out, "\"url\": \"rtsp://h\", \"USERNAME\": \"u\", \"PASSWORD_FILE\": \"%s\"",
                path);
    memset(text, 'x', sizeof(text));
    static const size_t sizes[] = {127, 128, 129, 200};
    static const int results[] = {0, -EINVAL, -EINVAL, -EINVAL};
    for (int i = 0; i < 4; i++) {
        int r;
        text[sizes[i]] = '\0';
        write_file(path, text);
        struct fv_config *config = load_camera("", own, &r);
        assert_int_equal(r, results[i]);
        fv_config_free(config);
        text[sizes[i]] = 'x';
    }
    int r;
    write_file(path, "two\nlines\n");
    assert_null(load_camera("", own, &r));
    assert_int_equal(r, -EINVAL);
    unlink(path);
}

/* A plain check judges the file alone: it does not look for secrets. */
static void test_check_does_not_resolve(void **state)
{
    char path[] = "/tmp/fovea-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_file(path,
               "{\"cameras\": {\"RTSP_STREAMS\": [{\"url\": \"rtsp://h\", \"USERNAME\": \"u\", "
               "\"PASSWORD_FILE\": \"/nonexistent/x\"}]}}");
    assert_int_equal(fv_config_check(path, NULL, NULL, NULL, NULL), 0);
    struct fv_config *config = NULL;
    struct fv_config_params params = {.path = path};
    assert_int_equal(fv_config_load(&params, &config, NULL), -EINVAL);
    assert_null(config);
    unlink(path);
}

/* ---- bad input ---- */

static void count(void *data, const struct fv_problem *problem)
{
    ++*(unsigned *)data;
    assert_int_equal(problem->severity, FV_SEVERITY_ERROR);
    assert_string_equal(problem->code, "syntax");
    assert_true(problem->line >= 1 && problem->column >= 1);
    assert_true(problem->caret >= 1);
}

static void test_prefixes(void **state)
{
    for (size_t size = 0; size < sizeof(full) - 2; size++) {
        unsigned found = 0;
        struct fv_config *config = NULL;
        char *text = fv_strndup(full, size);
        struct fv_config_params params = {.text = text, .problem = count, .data = &found};
        int r = fv_config_load(&params, &config, NULL);
        if (r != -EINVAL || found != 1)
            print_error("prefix of %zu bytes\n", size);
        assert_int_equal(r, -EINVAL);
        assert_int_equal(found, 1);
        fv_free(text);
    }
}

static void keep_message(void *data, const struct fv_problem *problem)
{
    assert_string_equal(problem->code, "syntax");
    snprintf(data, 200, "%u: %s %s", problem->column, problem->message, problem->fix);
}

/* Habits of Python have their own words. */
static void test_foreign(void **state)
{
    static const char *const samples[][2] = {
        {"{\"a\": True}", "7: This is not JSON: true is written in small letters. Write true."},
        {"{\"a\": None}",
         "7: This is not JSON: it has no None. Write null, or remove the setting."},
        {"{\"a\": NaN}",
         "7: This is not JSON: it has no NaN and no Infinity. Write a number, or remove the "
         "setting."},
        {"{ # a\n}", "3: This is not JSON: it has no comments. Remove the comment."},
        {"{\"a\": 1, // b\n}", "10: This is not JSON: it has no comments. Remove the comment."},
        {"{'a': 1}",
         "2: This is not JSON: texts stand in double quotes. Write \"...\" instead of '...'."},
        {"{\"a\": [1, ]}", "11: This is not JSON: nothing follows the last comma. Remove the comma "
                           "before this bracket."},
        {"{\"a\": 1 \"b\": 2}",
         "9: This is not JSON: '}' expected. Look for a missing comma, quote "
         "or bracket, or a comma too many."},
    };
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        char found[200] = "";
        struct fv_config *config = NULL;
        struct fv_config_params params = {
            .text = samples[i][0], .problem = keep_message, .data = found};
        assert_int_equal(fv_config_load(&params, &config, NULL), -EINVAL);
        assert_string_equal(found, samples[i][1]);
    }
}

static void test_unreadable(void **state)
{
    struct fv_error err = {0};
    assert_int_equal(fv_config_check("/nonexistent/x.json", NULL, NULL, NULL, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/x.json"));
    assert_int_equal(fv_config_check("/", NULL, NULL, NULL, &err), -EIO);
}

struct last {
    char code[40];
    unsigned count;
};

static void keep_last(void *data, const struct fv_problem *problem)
{
    struct last *last = data;
    snprintf(last->code, sizeof(last->code), "%s", problem->code);
    last->count++;
}

static void test_too_large(void **state)
{
    struct last last = {0};
    size_t size = FV_CONF_SIZE_MAX + 1;
    char *text = malloc(size + 1);
    memset(text, ' ', size);
    text[0] = '{';
    text[size - 1] = '}';
    text[size] = '\0';
    struct fv_config *config = NULL;
    struct fv_config_params params = {.text = text, .problem = keep_last, .data = &last};
    assert_int_equal(fv_config_load(&params, &config, NULL), -EINVAL);
    assert_string_equal(last.code, "too_large");
    memmove(text + 1, text + 2, size - 1);
    assert_int_equal(fv_config_load(&params, &config, NULL), -EINVAL);
    assert_string_equal(last.code, "no_source");
    free(text);
}

static void test_too_many_findings(void **state)
{
    struct last last = {0};
    char *text = malloc(1000 * 20 + 100);
    size_t used = (size_t)sprintf(text, "{\"app\": {\"K0\": 0");
    for (int i = 1; i < 1000; i++)
        used += (size_t)sprintf(text + used, ", \"K%d\": %d", i, i);
    sprintf(text + used, "}}");
    struct fv_config *config = NULL;
    struct fv_config_params params = {.text = text, .problem = keep_last, .data = &last};
    assert_int_equal(fv_config_load(&params, &config, NULL), -EINVAL);
    assert_string_equal(last.code, "too_many_findings");
    assert_int_equal(last.count, FV_FINDINGS_MAX + 1);
    free(text);
}

static void test_too_many_cameras(void **state)
{
    struct last last = {0};
    char *text = malloc((FV_CONF_CAMERAS_MAX + 1) * 20 + 100);
    size_t used = (size_t)sprintf(text, "{\"cameras\": {\"RTSP_STREAMS\": [\"rtsp://h\"");
    for (int i = 1; i <= FV_CONF_CAMERAS_MAX; i++)
        used += (size_t)sprintf(text + used, ", \"rtsp://h%d\"", i);
    sprintf(text + used, "]}}");
    struct fv_config *config = NULL;
    struct fv_config_params params = {.text = text, .problem = keep_last, .data = &last};
    assert_int_equal(fv_config_load(&params, &config, NULL), -EINVAL);
    assert_string_equal(last.code, "too_large");
    free(text);
}

/* ---- zones and lines ---- */

#define GATE                                                                                       \
    "\"ZONES\": [{\"NAME\": \"door\", \"POINTS\": [[0.4, 0.5], [0.6, 0.5], [0.5, 1]], "            \
    "\"CLASSES\": [\"person\", 2], \"ANCHOR\": \"centre\", \"DWELL_S\": 10, \"CROWD_LIMIT\": 0}]"

/* docs/analytics.md */
static void test_areas(void **state)
{
    struct fv_config *config =
        load("{\"cameras\": {\"LINES\": [{\"NAME\": \"all\", \"POINTS\": [[0, 0], [1, 1]]}], "
             "\"RTSP_STREAMS\": [{\"url\": \"rtsp://h/s\", " GATE
             "}, {\"url\": \"rtsp://h/t\", \"LINES\": []}]}}",
             "cpu");
    const struct fv_conf_camera *cameras = config->cameras.items;
    assert_true(cameras[0].zones.given && !cameras[0].lines.given);
    assert_true(!cameras[1].zones.given && cameras[1].lines.given);
    assert_int_equal(cameras[1].lines.count, 0);
    assert_int_equal(config->cameras.lines.count, 1);
    const struct fv_conf_area *door = &cameras[0].zones.items[0];
    assert_string_equal(door->name, "door");
    assert_int_equal(door->point_count, 3);
    assert_float_equal(door->points[1][0], 0.6, 0);
    assert_float_equal(door->points[2][1], 1, 0);
    assert_int_equal(door->anchor, 1);
    assert_int_equal(door->classes.count, 2);
    assert_string_equal(door->classes.items[1], "2");
    assert_float_equal(door->inertia_ms, 300, 0);
    assert_float_equal(door->margin, 0.01, 0);
    assert_float_equal(door->dwell_s, 10, 0);
    assert_int_equal(door->crowd_limit, 0);
    assert_int_equal(door->crowd_slack, 0);
    assert_float_equal(door->crowd_s, 3, 0);
    assert_true(door->direction_deg < 0);
    assert_float_equal(door->stationary_s, 0, 0);
    assert_true(door->stationary_suppress);
    assert_false(door->mask || door->enter_exit);
    assert_int_equal(config->cameras.lines.items[0].crowd_limit, -1);
    fv_config_free(config);
}

/* ---- memory ---- */

/* jansson's own allocations are not made to fail: version 2.14 itself does not survive all of them.
 */
static void fail_each(const char *text, int expected)
{
    for (unsigned n = 1;; n++) {
        struct fv_config *config = NULL;
        struct fv_config_params params = {.text = text};
        fv_alloc_fail_at(n);
        int r = fv_config_load(&params, &config, NULL);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_config_free(config);
        if (pending) {
            assert_int_equal(r, expected);
            assert_true(n > 20);
            return;
        }
        if (r != -ENOMEM)
            print_error("allocation %u\n", n);
        assert_int_equal(r, -ENOMEM);
    }
}

static void test_no_memory(void **state)
{
    fail_each(full, 0);
    fail_each("{\"cameras\": {\"LINES\": [{\"NAME\": \"all\", \"POINTS\": [[0, 0], [1, 1]]}],"
              " \"RTSP_STREAMS\": [{\"url\": \"rtsp://h\", " GATE "},"
              " {\"url\": \"rtsp://i\", " GATE "}, {\"url\": \"rtsp://j\"}]}}",
              0);
    fail_each("{\"processing\": {\"ENABLE_NVDEC\": false, \"FRAME_SKIP\": 1, \"X\": 2, \"X\": 3},\n"
              " \"cameras\": {\"USERNAME\": \"u\", \"PASSWORD_FILE\": \"/nonexistent/x\",\n"
              "  \"RTSP_STREAMS\": {\"a\": \"rtsp://u:p@h\", \"b\": \"rtsp://i\"}}}",
              -EINVAL);
}

#define UDP(text) "{\"cameras\": {\"TRANSPORT\": \"udp\"" text "}}"
#define STREAM(text) "{\"cameras\": {\"RTSP_STREAMS\": [" text "]}}"

/* A file is analysed with the settings of a configuration that has no camera. */
static void test_stand_in(void **state)
{
    static const char *const texts[] = {
        UDP(""),
        UDP(", \"RTSP_STREAMS\": []"),
        UDP(", \"RTSP_STREAMS\": [{\"url\": \"rtsp://h\", \"enabled\": false}]"),
    };
    for (unsigned i = 0; i < 3; i++) {
        struct fv_config *config = NULL;
        struct fv_config_params params = {.text = texts[i]};
        assert_int_equal(fv_config_load(&params, &config, NULL), -EINVAL);
        params.stand_in = true;
        for (unsigned n = 1;; n++) {
            fv_alloc_fail_at(n);
            const int r = fv_config_load(&params, &config, NULL);
            const bool pending = fv_alloc_fail_pending();
            fv_alloc_fail_at(0);
            if (pending)
                break;
            assert_int_equal(r, -ENOMEM);
        }
        const struct fv_conf_camera *last = &config->cameras.items[config->cameras.count - 1];
        assert_int_equal(config->cameras.count, i == 2 ? 2 : 1);
        assert_true(config->cameras.stand_in && last->enabled);
        assert_string_equal(last->name, "file");
        assert_int_equal(last->transport, FV_CONF_TRANSPORT_UDP);
        fv_config_free(config);
    }
    struct fv_config *config = NULL;
    const struct fv_config_params params = {.text = STREAM("\"rtsp://h\""), .stand_in = true};
    assert_int_equal(fv_config_load(&params, &config, NULL), 0);
    assert_false(config->cameras.stand_in);
    assert_int_equal(config->cameras.count, 1);
    fv_config_free(config);
}

/* ---- secrets ---- */

static void no_secret(void *data, const struct fv_problem *problem)
{
    const char *const texts[] = {problem->key, problem->message, problem->fix, problem->excerpt,
                                 problem->code};
    ++*(unsigned *)data;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strstr(texts[i], SECRET) || strstr(texts[i], "ge%m"))
            print_error("secret in: %s\n", texts[i]);
        assert_null(strstr(texts[i], SECRET));
        assert_null(strstr(texts[i], "ge%m"));
    }
}

static const char *const leaky[] = {
    STREAM("{\"name\": \"a\", \"url\": \"rtsp://u:" SECRET "@h/\", \"X\": 1}"),
    STREAM("{\"name\": \"a\", \"url\": \"rtsp:/u:" SECRET "@h/\"}"),
    STREAM("{\"name\": \"a\", \"url\": \"u:" SECRET "@h/\"}"),
    STREAM("{\"name\": \"a\", \"url\": \"http://u:" SECRET "@h/\"}"),
    STREAM("{\"name\": \"a\", \"url\": \"rtsp:\\/\\/u:" SECRET "\\u0040h/\", \"Y\": 1}"),
    STREAM("{\"name\": \"a\", \"url\": \"rtsp://h/?user=u&password=" SECRET "&x=1\", \"Y\": 1}"),
    STREAM("{\"name\": \"u:" SECRET "@h\", \"url\": \"rtsp://h\"}"),
    STREAM("{\"name\": \"a\", \"url\": \"rtsp://u:" SECRET "/x\"}"),
    STREAM("{\"name\": \"rtsp://u:" SECRET "@h\", \"url\": \"rtsp://h\"}"),
    STREAM("{\"name\": \"a\", \"url\": \"rtsp://h\", \"PASSWORD\": \"" SECRET "\"}"),
    STREAM("{\"name\": \"a\", \"url\": \"rtsp://h\", \"passwd\": [\"x\", \"" SECRET "\"]}"),
    STREAM(
        "{\"name\": \"a\", \"url\": \"rtsp://h\", \"USERNAME\": \"u\", \"PASSWORD_ENV\": \"" SECRET
        "\"}"),
    STREAM("\"rtsp://u:" SECRET "@h:0/\""),
    STREAM("\"rtsp://u:" SECRET "@h\", \"rtsp://u:" SECRET "@i"),
    STREAM("{\"url\": rtsp://u:" SECRET "@h}"),
    STREAM("{\"url\": \"rtsp://u:" SECRET "@h\" x}"),
    "{\"cameras\": {\"RTSP_STREAMS\": {\"rtsp://u:" SECRET "@h\": 1}}}",
    "{\"cameras\": {\"RTSP_STREAMS\": {\"a\": \"rtsp://u:" SECRET "@h\", \"a\": \"rtsp://u:" SECRET
    "@h\"}}}",
    "{\"rtsp://u:" SECRET "@h\": 1}",
    "{\"app\": {\"LOG_LEVEL\": \"rtsp://u:" SECRET "@h\"}}",
    "{\"models\": {\"DEVICE\": \"rtsp://u:" SECRET "@h\"}}",
};

static void test_no_secret_shown(void **state)
{
    for (size_t i = 0; i < sizeof(leaky) / sizeof(leaky[0]); i++) {
        unsigned found = 0;
        struct fv_config *config = NULL;
        struct fv_error err = {0};
        struct fv_config_params params = {.text = leaky[i], .problem = no_secret, .data = &found};
        fv_config_load(&params, &config, &err);
        if (found == 0)
            print_error("nothing found in %s\n", leaky[i]);
        assert_true(found > 0);
        assert_null(strstr(err.text, SECRET));
        fv_config_free(config);
    }
}

/* Cut anywhere, a file with a password in an address shows no more than the address's scheme. */
static void test_no_secret_in_prefixes(void **state)
{
    for (size_t size = 0; size < strlen(leaky[0]); size++) {
        unsigned found = 0;
        struct fv_config *config = NULL;
        char *text = fv_strndup(leaky[0], size);
        struct fv_config_params params = {.text = text, .problem = no_secret, .data = &found};
        assert_int_equal(fv_config_load(&params, &config, NULL), -EINVAL);
        assert_int_equal(found, 1);
        fv_free(text);
    }
}

/* ---- documentation ---- */

struct text {
    char *data;
    size_t size;
};

static void append(void *data, const char *text)
{
    struct text *out = data;
    size_t length = strlen(text);
    out->data = realloc(out->data, out->size + length + 1);
    memcpy(out->data + out->size, text, length + 1);
    out->size += length;
}

/* A page in docs/ is what the table says now. Tests run in the build folder, and __FILE__ is
 * relative to it. */
static void compare_page(const char *name, const struct text *wanted)
{
    struct text there = {0};
    char path[1000], buffer[4097];
    snprintf(path, sizeof(path), "%.*s../../docs/%s", (int)(strrchr(__FILE__, '/') + 1 - __FILE__),
             __FILE__, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        print_error("%s cannot be opened\n", path);
    assert_non_null(file);
    for (size_t n; (n = fread(buffer, 1, sizeof(buffer) - 1, file)) > 0;) {
        buffer[n] = '\0';
        append(&there, buffer);
    }
    fclose(file);
    assert_int_equal(there.size, wanted->size); /* else: fovea config doc|schema > that file */
    assert_memory_equal(there.data, wanted->data, wanted->size);
    free(there.data);
}

static void test_document_is_current(void **state)
{
    struct text wanted = {0};
    fv_config_document(append, &wanted);
    compare_page("config.md", &wanted);
    free(wanted.data);
}

static void test_schema_is_current(void **state)
{
    struct text wanted = {0};
    assert_int_equal(fv_config_schema(append, &wanted), 0);
    compare_page("config.schema.json", &wanted);
    free(wanted.data);
}

static void test_explain(void **state)
{
    struct text text = {0};
    struct fv_error err = {0};
    assert_int_equal(fv_config_explain("processing.GPU_BATCH_SIZE", append, &text, &err), 0);
    assert_non_null(strstr(text.data, "default: 2 (before: 4)"));
    assert_int_equal(fv_config_explain("cameras.RTSP_STREAMS[0].url", append, &text, &err), 0);
    assert_int_equal(fv_config_explain("models.GPU_BATCH_SIZE", append, &text, &err), -ENOENT);
    assert_int_equal(fv_config_explain("GPU_BATCH_SIZ", append, &text, &err), -ENOENT);
    assert_non_null(strstr(err.text, "GPU_BATCH_SIZE"));
    free(text.data);
}

/* Each row is complete: what it needs for its kind and effect is there. */
static void test_table(void **state)
{
    for (size_t i = 0; i < fv_setting_count; i++) {
        const struct fv_setting *setting = &fv_settings[i];
        bool word = setting->kind == FV_KIND_WORD || (setting->flags & FV_MAY_WORD);
        bool own = setting->kind == FV_KIND_CAMERAS || setting->kind == FV_KIND_AREAS;
        bool camera_only = setting->scope == FV_SCOPE_CAMERA;
        bool reasoned =
            setting->must || setting->warn_above > 0 || setting->warn_at || setting->info_at;
        assert_non_null(fv_section_find(setting->section));
        assert_ptr_equal(fv_setting_find(setting->section, setting->name, camera_only), setting);
        assert_non_null(setting->help);
        assert_int_equal(setting->words != NULL, word);
        assert_int_equal(setting->instead != NULL, setting->effect == FV_EFFECT_OBSOLETE);
        assert_true(setting->effect != FV_EFFECT_WIRED || own || setting->target);
        assert_true(!setting->target || setting->effect == FV_EFFECT_WIRED ||
                    setting->effect == FV_EFFECT_LATER || setting->effect == FV_EFFECT_NONE);
        assert_true(!reasoned || setting->why);
        assert_int_equal(setting->lacks != NULL, setting->effect == FV_EFFECT_LATER);
        assert_true(setting->effect != FV_EFFECT_NONE || setting->why);
        if (setting->kind == FV_KIND_INT)
            assert_true(setting->min < setting->max && setting->max <= 2147483647.0);
    }
}

int main(void)
{
    unsetenv("DEBUG");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_camera_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_camera_values),
        cmocka_unit_test(test_override),
        cmocka_unit_test(test_debug),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_bad_password_files),
        cmocka_unit_test(test_check_does_not_resolve),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_too_many_findings),
        cmocka_unit_test(test_too_many_cameras),
        cmocka_unit_test(test_areas),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_stand_in),
        cmocka_unit_test(test_no_secret_shown),
        cmocka_unit_test(test_no_secret_in_prefixes),
        cmocka_unit_test(test_document_is_current),
        cmocka_unit_test(test_schema_is_current),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
