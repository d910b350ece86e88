// SPDX-License-Identifier: Apache-2.0
/* Old files of each kind: what changes, that the result checks clean and stays, and the way back. */
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
#include "conf/migrate.h"

#define KINDS "FDRXKCSN" /* form, default, replaced, removed, kept, forced (changed), stage, note */

struct found {
    char list[3000]; /* "D processing.X" of each change, separated by ';' */
    struct fv_str out;
};

static void collect(void *data, const struct fv_config_change *change)
{
    struct found *found = data;
    fv_str_addf(&found->out, "%s%c %s", found->out.size ? ";" : "", KINDS[change->kind],
                change->key);
    assert_null(strstr(change->before, "n0t-shown"));
    assert_null(strstr(change->after, "n0t-shown"));
    assert_true(strlen(change->reason) > 5);
}

/* A file of tests/data/config/old. */
static const char *data(const char *name)
{
    static char path[1000];
    snprintf(path, sizeof(path), "%.*s../../tests/data/config/old/%s",
             (int)(strrchr(__FILE__, '/') + 1 - __FILE__), __FILE__, name);
    return path;
}

static char *migrate(const char *text, size_t size, unsigned stage, struct found *found)
{
    char *result = NULL;
    size_t length;
    struct fv_error err = {0};
    struct fv_config_migrated migrated;
    fv_str_init(&found->out, found->list, sizeof(found->list));
    struct fv_migrate_text params = {
        .name = "x", .text = text, .size = size, .stage = stage, .change = collect, .data = found};
    int r = fv_migrate_text(&params, &result, &length, &migrated, &err);
    if (r < 0)
        print_error("%s\n", err.text);
    assert_int_equal(r, 0);
    assert_int_equal(length, strlen(result));
    return result;
}

#define BASE "cameras.RTSP_STREAMS"

static const struct {
    const char *file, *changes;
    const char *holds[4]; /* what the new file holds, blanks and newlines aside */
} samples[] = {
    {"names.json",
     "D processing.MAX_QUEUE_SIZE;F " BASE,
     {"\"RTSP_STREAMS\":[{\"name\":\"gate\",\"url\":\"rtsp://192.0.2.10/stream1\"},{\"name\":"
      "\"door\",\"url\":\"rtsp://192.0.2.11/stream1\"}]",
      "\"MAX_QUEUE_SIZE\":20"}},
    {"list.json",
     "F " BASE,
     {"[{\"name\":\"camera-1\",\"url\":\"rtsp://192.0.2.10/stream1\"},{\"name\":\"camera-2\"",
      "\"CAMERA_WIDTH\":1920"}},
    {"defaults.json",
     "D processing.MAX_QUEUE_SIZE;D processing.NVDEC_BUFFER_SIZE;D "
     "processing.PIPELINE_QUEUE_TIMEOUT_MS;D processing.GPU_BATCH_SIZE;D "
     "processing.UNIFIED_PIPELINE_THREADS;D processing.PROFILING_SAMPLING_RATE;D "
     "models.TENSORRT_WORKSPACE_SIZE",
     {"\"MAX_QUEUE_SIZE\":20,\"NVDEC_BUFFER_SIZE\":5,\"PIPELINE_QUEUE_TIMEOUT_MS\":5.0,\"GPU_"
      "BATCH_SIZE\":2,\"UNIFIED_PIPELINE_THREADS\":null,\"PROFILING_SAMPLING_RATE\":100",
      "\"TENSORRT_WORKSPACE_SIZE\":2"}},
    {"deliberate.json",
     "X processing.ENABLE_THREADING",
     {"{\"MAX_QUEUE_SIZE\":25,\"NVDEC_BUFFER_SIZE\":7,\"PIPELINE_QUEUE_TIMEOUT_MS\":12.5,\"GPU_"
      "BATCH_SIZE\":3,\"UNIFIED_PIPELINE_THREADS\":5}",
      "{\"MODEL_CONFIDENCE_THRESHOLD\":0.1,\"TENSORRT_WORKSPACE_SIZE\":3}",
      "\"width\":1280,\"height\":720"}},
    {"decoupled.json",
     "X processing.ENABLE_OPTIMIZED_PREPROCESSING;X processing.PREPROCESSING_THREADS;C "
     "processing.USE_UNIFIED_GPU_PIPELINE;C processing.ENABLE_DECOUPLED_PIPELINE;C "
     "processing.ENABLE_MULTIPROCESSING;C processing.NVDEC_FALLBACK_TO_CPU;C "
     "models.FORCE_GPU_ONLY;F " BASE,
     {"\"USE_UNIFIED_GPU_PIPELINE\":true,\"ENABLE_DECOUPLED_PIPELINE\":false,\"ENABLE_"
      "MULTIPROCESSING\":false,\"ENABLE_NVDEC\":true,\"NVDEC_FALLBACK_TO_CPU\":false",
      "\"FORCE_GPU_ONLY\":true"}},
    {"deepstream.json",
     "X processing.ENABLE_DEEPSTREAM;R processing.DEEPSTREAM_MUX_BATCH_SIZE;R "
     "processing.DEEPSTREAM_SOURCE_LATENCY;C processing.DEEPSTREAM_SCALE_MODE;K "
     "processing.DEEPSTREAM_TRACKER_CONFIG",
     {"\"GPU_BATCH_SIZE\":3", "\"REORDER_MS\":200",
      "\"$kept\":{\"processing.DEEPSTREAM_TRACKER_CONFIG\":\"tracker.yml\"}"}},
    {"readers.json",
     "X processing.USE_LEGACY_NVDEC_READER;R processing.GPU_READER_QUEUE_SIZE;R "
     "processing.GPU_READER_MAX_CONSECUTIVE_FAILURES;F " BASE,
     {"\"NVDEC_BUFFER_SIZE\":8", "\"BREAKER_FAILURES\":12",
      "\"BACKOFF_STRATEGY\":\"circuit_breaker\""}},
    {"cpu.json",
     "R models.DEVICE;F " BASE,
     {"\"BACKEND\":\"cpu\"", "\"ENABLE_NVDEC\":false", "\"FORCE_GPU_ONLY\":false"}},
    {"extras.json",
     "F PROCESSING;F GPU_BATCH_SIZE;K reporting;F processing.max_queue_size;K "
     "processing.MY_PLUGIN;F processing.MODEL_IOU_THRESHOLD;K " BASE
     "[0].location;F processing.MAX_QUEUE_SIZE;C " BASE "[1].name;C " BASE "[2]",
     {"\"MAX_QUEUE_SIZE\":25", "\"MODEL_IOU_THRESHOLD\":0.5",
      "\"name\":\"gate-2\",\"url\":\"rtsp://192.0.2.11/stream1\"",
      "\"cameras.RTSP_STREAMS[2]\":{\"name\":\"file\",\"url\":\"/videos/a.mp4\"}"}},
    {"nothing.json",
     "D processing.MAX_QUEUE_SIZE;C " BASE,
     {"\"name\":\"replace-me\"", "\"USE_WEBCAM\":true"}},
    {"server.json",
     "F websocket.PORT;F app.LOG_LEVEL;F app.DEBUG;D websocket.HOST;F " BASE "[0].enabled;N " BASE
     "[0].url",
     {"\"HOST\":\"127.0.0.1\",\"PORT\":6008", "\"LOG_LEVEL\":\"warning\",\"DEBUG\":false",
      "\"enabled\":true", "viewer:n0t-shown@"}},
    {"twice.json",
     "F processing.MAX_QUEUE_SIZE;C models.TENSORRT_MAX_BATCH_SIZE;C "
     "tracking.TRACK_LOW_THRESH;C " BASE "[0].BACKOFF_MAX_S",
     {"\"MAX_QUEUE_SIZE\":15,\"GPU_BATCH_SIZE\":8", "\"TENSORRT_MAX_BATCH_SIZE\":8",
      "\"TRACK_LOW_THRESH\":0.05", "\"BACKOFF_MAX_S\":90"}},
};

static void squeeze(char *text)
{
    char *out = text;
    for (; *text; text++)
        if (*text != ' ' && *text != '\n')
            *out++ = *text;
    *out = '\0';
}

static bool is_clean(const char *text)
{
    struct fv_config_params params = {.name = "x"};
    struct fv_judge how = {.params = &params, .text = text, .size = strlen(text)};
    return fv_conf_judge(&how, NULL, NULL) == 0;
}

static void test_samples(void **state)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct found found, again;
        char *old;
        size_t size;
        assert_int_equal(fv_conf_read(data(samples[i].file), &old, &size, NULL), 0);
        char *text = migrate(old, size, 0, &found);
        if (strcmp(found.list, samples[i].changes))
            print_error("%s\n", samples[i].file);
        assert_string_equal(found.list, samples[i].changes);
        assert_true(is_clean(text));
        char *second = migrate(text, strlen(text), 0, &again);
        assert_string_equal(second, text);
        squeeze(second);
        for (size_t j = 0; j < 4; j++) {
            const char *part = samples[i].holds[j] ? samples[i].holds[j] : "";
            if (!strstr(second, part))
                print_error("%s: no %s in %s\n", samples[i].file, part, second);
            assert_non_null(strstr(second, part));
        }
        fv_free(second);
        fv_free(text);
        fv_free(old);
    }
}

/* A new file comes back byte for byte, whatever its layout. */
static void test_new_file_stays(void **state)
{
    static const char text[] =
        "{\"cameras\":   {\"RTSP_STREAMS\": [{\"name\": \"h\\u00f6he\", \"url\": "
        "\"rtsp:\\/\\/h\"}]},\r\n\t\"models\": {\"MODEL_IOU_THRESHOLD\": 0.450}}";
    struct found found;
    char *same = migrate(text, strlen(text), 0, &found);
    assert_string_equal(same, text);
    assert_string_equal(found.list, "");
    fv_free(same);
}

/* What Python's libraries take for a device means the same here. */
static void test_devices(void **state)
{
    static const char *const given[] = {"\"cuda\"", "\"CUDA\"",   "\"0\"", "0",
                                        "3",        "\"cuda:3\"", "-1"};
    static const char *const now[] = {"cuda:0", "cuda:0", "cuda:0", "cuda:0",
                                      "cuda:3", "cuda:3", NULL};
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        struct found found;
        char old[200], wanted[60];
        snprintf(old, sizeof(old),
                 "{\"models\":{\"DEVICE\":%s},\"cameras\":{\"RTSP_STREAMS\":[{\"name\":\"a\","
                 "\"url\":\"rtsp://h\"}]}}",
                 given[i]);
        char *text = migrate(old, strlen(old), 0, &found);
        squeeze(text);
        snprintf(wanted, sizeof(wanted), "\"models\":{\"DEVICE\":\"%s\"}", now[i] ? now[i] : "");
        assert_int_equal(strstr(text, wanted) != NULL, now[i] != NULL);
        assert_int_equal(strstr(text, "$kept") != NULL, now[i] == NULL);
        fv_free(text);
    }
}

static void test_refused(void **state)
{
    static const char *const texts[] = {"", "[]", "{", "{\"a\": NaN}", "5", "{} x"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *text = NULL;
        size_t size;
        struct fv_error err = {0};
        struct fv_config_migrated migrated;
        struct fv_migrate_text params = {.name = "x", .text = texts[i], .size = strlen(texts[i])};
        assert_int_equal(fv_migrate_text(&params, &text, &size, &migrated, &err), -EINVAL);
        assert_null(text);
        assert_true(strlen(err.text) > 5);
    }
}

/* Old files may have more cameras than one engine takes, in either form. */
static void test_too_many_cameras(void **state)
{
    static const char *const forms[] = {"[]", "{}"};
    for (int form = 0; form < 2; form++) {
        struct found found;
        size_t size = 50 * (FV_CONF_CAMERAS_MAX + 3), used = 0;
        char *text = malloc(size);
        used = (size_t)sprintf(text, "{\"cameras\": {\"RTSP_STREAMS\": %c", forms[form][0]);
        for (int i = 0; i < FV_CONF_CAMERAS_MAX + 2; i++) {
            if (i)
                used += (size_t)sprintf(text + used, ", ");
            used += form ? (size_t)sprintf(text + used, "\"n%d\": ", i) : 0;
            used += (size_t)sprintf(text + used, "\"rtsp://h/%d\"", i);
        }
        sprintf(text + used, "%c}}", forms[form][1]);
        char *new = migrate(text, strlen(text), 0, &found);
        assert_string_equal(found.list, "C " BASE ";F " BASE);
        assert_true(is_clean(new));
        assert_non_null(strstr(new, "\"$kept\""));
        assert_non_null(strstr(strstr(new, "\"$kept\""), "rtsp://h/4097"));
        fv_free(new);
        free(text);
    }
}

#define CAMERAS(a, b, c)                                                                           \
    "{\"cameras\": {\"RTSP_STREAMS\": [{\"name\": \"a\", \"url\": \"rtsp://a\"" a                  \
    "}, {\"name\": \"b\", \"url\": \"rtsp://b\"" b "}, {\"url\": \"rtsp://c\"" c "}]}}"

static void test_stages(void **state)
{
    static const char text[] = CAMERAS("", ", \"enabled\": false", "");
    struct found found;
    char *one = migrate(text, strlen(text), 1, &found);
    assert_string_equal(found.list, "S " BASE ";S $stage");
    char *same = migrate(one, strlen(one), 1, &found);
    assert_string_equal(found.list, "");
    assert_string_equal(same, one);
    char *three = migrate(one, strlen(one), 3, &found);
    assert_string_equal(found.list, "S " BASE ";S $stage");
    squeeze(one);
    squeeze(three);
    assert_non_null(strstr(one, "\"url\":\"rtsp://c\",\"enabled\":false}"));
    assert_non_null(strstr(one, "\"$stage\":{\"number\":1,\"disabled\":[\"camera-3\"]}"));
    assert_non_null(strstr(three, "\"url\":\"rtsp://c\",\"enabled\":true}"));
    /* what the user had switched off stays off */
    assert_non_null(strstr(three, "\"url\":\"rtsp://b\",\"enabled\":false}"));
    assert_null(strstr(three, "$stage"));
    fv_free(one);
    fv_free(same);
    fv_free(three);
}

/* ---- files ---- */

static char folder[] = "/tmp/fovea-migrate-XXXXXX";

static const char *file(const char *name)
{
    static char paths[4][200];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *out = fopen(file(name), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    fclose(out);
}

static bool holds(const char *name, const char *text)
{
    char *there;
    size_t size;
    if (fv_conf_read(file(name), &there, &size, NULL) < 0)
        return false;
    bool same = size == strlen(text) && !memcmp(there, text, size);
    fv_free(there);
    return same;
}

static const char old_text[] = "{\"processing\":\t{\"MAX_QUEUE_SIZE\": 30}, \r\n\n  \"cameras\": "
                               "{\"RTSP_STREAMS\": [\"rtsp://h\", \"rtsp://i\"]}}";

static int run(const char *name, const char *output, unsigned stage, bool dry,
               struct fv_config_migrated *migrated)
{
    struct fv_config_migrate_params params = {
        .path = file(name), .output = output ? file(output) : NULL, .stage = stage, .dry_run = dry};
    return fv_config_migrate(&params, migrated, NULL);
}

static void test_in_place(void **state)
{
    struct fv_config_migrated migrated;
    struct stat info;
    put("a.json", old_text);
    chmod(file("a.json"), 0640);
    assert_int_equal(run("a.json", NULL, 0, true, &migrated), 0);
    assert_int_equal(migrated.changes, 2);
    assert_false(migrated.written);
    assert_true(holds("a.json", old_text));
    assert_int_equal(run("a.json", NULL, 1, false, &migrated), 0);
    assert_true(migrated.written);
    assert_true(holds("a.json.backup-1", old_text));
    assert_int_equal(stat(file("a.json.backup-1"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(stat(file("a.json"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(fv_config_check(file("a.json"), NULL, NULL, NULL, NULL), 0);
    assert_int_equal(run("a.json", NULL, 1, false, &migrated), 0);
    assert_false(migrated.written); /* idempotent */
    assert_int_equal(run("a.json", NULL, 3, false, &migrated), 0);
    assert_true(migrated.written);
    assert_int_equal(fv_config_rollback(file("a.json"), NULL), 0);
    assert_false(holds("a.json", old_text)); /* stage 1 */
    assert_int_equal(fv_config_rollback(file("a.json"), NULL), 0);
    assert_true(holds("a.json", old_text));
    assert_int_equal(fv_config_rollback(file("a.json"), NULL), -ENOENT);
    assert_int_equal(access(file("a.json.backup-1"), F_OK), -1);
    assert_int_equal(access(file("a.json.rollback"), F_OK), -1);
}

static void test_new_place(void **state)
{
    struct fv_config_migrated migrated;
    put("a.json", old_text);
    assert_int_equal(run("a.json", "new.json", 0, false, &migrated), 0);
    assert_true(holds("a.json", old_text));
    assert_int_equal(fv_config_check(file("new.json"), NULL, NULL, NULL, NULL), 0);
    assert_int_equal(fv_config_rollback(file("new.json"), NULL), 0);
    assert_true(holds("new.json", old_text));
    put("other.json", "what was there");
    assert_int_equal(run("a.json", "other.json", 0, false, &migrated), 0);
    assert_int_equal(fv_config_rollback(file("other.json"), NULL), 0);
    assert_true(holds("other.json", "what was there"));
    assert_int_equal(run("a.json", "none/x.json", 0, false, &migrated), -ENOENT);
    assert_int_equal(run("absent.json", NULL, 0, false, &migrated), -ENOENT);
    assert_int_equal(run("a.json", NULL, 4, false, &migrated), -EINVAL);
}

/* What was changed by hand is never lost, however often one goes back. */
static void test_edited(void **state)
{
    struct fv_config_migrated migrated;
    put("a.json", old_text);
    assert_int_equal(run("a.json", NULL, 1, false, &migrated), 0);
    assert_int_equal(run("a.json", NULL, 3, false, &migrated), 0);
    put("a.json", "changed by hand");
    assert_int_equal(fv_config_rollback(file("a.json"), NULL), 0);
    assert_true(holds("a.json.rolled-back", "changed by hand"));
    assert_int_equal(fv_config_rollback(file("a.json"), NULL), 0);
    assert_true(holds("a.json", old_text));
    assert_true(holds("a.json.rolled-back-1", "changed by hand"));
    assert_int_equal(access(file("a.json.rolled-back"), F_OK), 0);
}

/* Only a regular file is replaced; nobody waits for what a pipe will say. */
static void test_no_file(void **state)
{
    struct fv_config_migrated migrated;
    put("a.json", old_text);
    assert_int_equal(mkfifo(file("link.json"), 0600), 0);
    assert_int_equal(run("a.json", "link.json", 0, false, &migrated), -EIO);
    assert_int_equal(run("a.json", "", 0, false, &migrated), -EIO);
    assert_true(holds("a.json", old_text));
}

/* A link stays a link. */
static void test_link(void **state)
{
    struct fv_config_migrated migrated;
    struct stat info;
    put("a.json", old_text);
    assert_int_equal(symlink("a.json", file("link.json")), 0);
    assert_int_equal(run("link.json", NULL, 0, false, &migrated), 0);
    assert_int_equal(lstat(file("link.json"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(fv_config_rollback(file("link.json"), NULL), 0);
    assert_true(holds("a.json", old_text));
}

static void test_damaged_record(void **state)
{
    static const char *const records[] = {"",
                                          "{}",
                                          "[]",
                                          "{\"format\": 1, \"backups\": [1]}",
                                          "{\"format\": 1, \"backups\": [\"../../etc/passwd\"]}",
                                          "{\"format\": 1, \"backups\": [\"a.json.backup-/../x\"]}",
                                          "{\"format\": 2, \"backups\": []}"};
    put("a.json", old_text);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        struct fv_error err = {0};
        put("a.json.rollback", records[i]);
        assert_int_equal(fv_config_rollback(file("a.json"), &err), -EBADMSG);
        assert_true(strlen(err.text) > 10);
        assert_true(holds("a.json", old_text));
    }
    remove(file("a.json.rollback"));
}

static void test_no_memory(void **state)
{
    for (unsigned n = 1;; n++) {
        char *text = NULL;
        size_t size;
        struct fv_config_migrated migrated;
        struct fv_migrate_text params = {
            .name = "x", .text = old_text, .size = strlen(old_text), .stage = 1};
        fv_alloc_fail_at(n);
        int r = fv_migrate_text(&params, &text, &size, &migrated, NULL);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_free(text);
        if (r != (pending ? 0 : -ENOMEM))
            print_error("allocation %u\n", n);
        assert_int_equal(r, pending ? 0 : -ENOMEM);
        if (pending)
            return;
    }
}

static int make_folder(void **state)
{
    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {
        "a.json",     "a.json.rolled-back",   "new.json",
        "other.json", "new.json.rolled-back", "other.json.rolled-back",
        "link.json",  "a.json.rolled-back-1"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove(file(names[i]));
    return rmdir(folder); /* whatever else was left there fails the test */
}

int main(void)
{
    unsetenv("DEBUG");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_new_file_stays),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_many_cameras),
        cmocka_unit_test(test_stages),
        cmocka_unit_test_setup_teardown(test_in_place, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_new_place, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_edited, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_no_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_link, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_damaged_record, make_folder, remove_folder),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
