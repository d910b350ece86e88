// SPDX-License-Identifier: Apache-2.0
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/mem.h"
#include "sink/event_json.h"
#include "sink/sink.h"

static char folder[64], path[128];

static const char *const cameras[] = {"gate", "\"yard\"\n\xc3\xa9", "bad \xff name"};
static const char *const labels[] = {"person", "bicycle"};
static const struct fv_sink_context context = {cameras, 3, labels, 2};

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/fovea-jsonl-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/events.jsonl", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void *open_path(const char *name)
{
    const struct fv_sink_jsonl_config config = {name};
    void *sink;
    struct fv_error err = {0};
    int code = fv_sink_jsonl.open(&context, &config, &sink, &err);
    if (code < 0)
        fail_msg("open: %s", err.text);
    return sink;
}

static struct fv_result sample(void)
{
    struct fv_result result = {
        .info = {.camera = 0,
                 .epoch = 2,
                 .number = 1234,
                 .pts = 86400000 * FV_MS + 123456,
                 .wall = INT64_C(1769862896789000000), /* 2026-01-31T12:34:56.789Z */
                 .flags = FV_FRAME_KEY,
                 .width = 1920,
                 .height = 1080},
        .count = 2,
        .detections = {{100.04f, 200.06f, 300, 400.5f, 0.8734f, 0}, {0, 0, 1920, 1080, 1, 7}},
    };
    result.info.at.event = fv_now();
    result.info.at.last_packet = result.info.at.event - 41250500;
    return result;
}

static void write_one(void *sink, const struct fv_result *result)
{
    struct fv_error err = {0};
    if (fv_sink_jsonl.write(sink, result, &err) < 0)
        fail_msg("write: %s", err.text);
}

/* The whole file; the caller frees. */
static char *slurp(void)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static json_t *parse_line(const char *text)
{
    json_error_t err;
    json_t *event = json_loadb(text, strcspn(text, "\n"), JSON_REJECT_DUPLICATES, &err);
    if (!event)
        fail_msg("%s in %s", err.text, text);
    return event;
}

/* What a second model says, of the detection that it says it of; a label that there is not is left out. */
static void test_attributes(void **state)
{
    static const char *const marks[] = {"red", "green"};
    struct fv_sink_context with = context;
    struct fv_result result = sample();
    with.classifier = "colours";
    with.marks = marks;
    with.mark_count = 2;
    result.detections[0].track = 7;
    result.marks[0] = (struct fv_mark){2, 0.8764f};
    result.marks[1] = (struct fv_mark){3, 0.5f};
    for (int marked = 0; marked < 2; marked++) {
        size_t size = 0;
        result.marked = marked;
        char *text = fv_event_json(&with, &result, &size);
        assert_non_null(text);
        const char *found = strstr(text, ",\"track\":7");
        assert_non_null(found);
        const char *want = marked ? ",\"track\":7,\"attributes\":[{\"classifier\":\"colours\","
                                    "\"label\":\"green\",\"score\":0.876}]},{\"class\":\"class 7\""
                                  : ",\"track\":7},{\"class\":\"class 7\"";
        assert_memory_equal(found, want, strlen(want));
        found = strstr(found, "\"class 7\"");
        assert_null(strstr(found, "attributes"));
        fv_free(text);
    }
}

static void test_one_event(void **state)
{
    (void)state;
    void *sink = open_path(path);
    struct fv_result result = sample();
    result.detections[0].track = 7;
    write_one(sink, &result);
    fv_sink_jsonl.close(sink);
    char *text = slurp();
    assert_int_equal(text[strlen(text) - 1], '\n');
    /* The order of keys and the number of decimals are part of what people see. */
    const char *head =
        "{\"schema\":\"fovea.frame/1\",\"camera\":\"gate\",\"frame\":1234,\"epoch\":2,"
        "\"pts_ms\":86400000.123,\"time\":\"";
    assert_memory_equal(text, head, strlen(head));
    const char *tail =
        "\"capture_time\":\"2026-01-31T12:34:56.789Z\",\"age_ms\":41.251,\"width\":1920,"
        "\"height\":1080,\"key\":true,\"damaged\":false,\"detections\":["
        "{\"class\":\"person\",\"class_id\":0,\"score\":0.873,\"box\":[100.0,200.1,300.0,400.5],"
        "\"box_norm\":[0.0521,0.18524,0.15625,0.37083],\"track\":7},"
        "{\"class\":\"class 7\",\"class_id\":7,\"score\":1.0,\"box\":[0.0,0.0,1920.0,1080.0],"
        "\"box_norm\":[0.0,0.0,1.0,1.0]}]}\n";
    const char *found = strstr(text, "\"capture_time\"");
    assert_non_null(found);
    assert_string_equal(found, tail);
    json_t *event = parse_line(text);
    char now[FV_RFC3339_SIZE];
    fv_rfc3339(fv_wall(), now);
    /* The same day and hour, unless the hour just changed. */
    const char *time = json_string_value(json_object_get(event, "time"));
    assert_int_equal(strlen(time), 24);
    assert_memory_equal(time, now, 11);
    json_decref(event);
    free(text);
}

static void test_unknown_times(void **state)
{
    (void)state;
    void *sink = open_path(path);
    struct fv_result result = sample();
    result.count = 0;
    result.info.wall = FV_TIME_UNKNOWN;
    result.info.pts = FV_TIME_UNKNOWN;
    result.info.at.last_packet = FV_TIME_UNKNOWN;
    result.info.flags = FV_FRAME_DAMAGED;
    write_one(sink, &result);
    fv_sink_jsonl.close(sink);
    char *text = slurp();
    json_t *event = parse_line(text);
    assert_true(json_is_null(json_object_get(event, "capture_time")));
    assert_true(json_is_null(json_object_get(event, "pts_ms")));
    assert_true(json_is_null(json_object_get(event, "age_ms")));
    assert_true(json_is_false(json_object_get(event, "key")));
    assert_true(json_is_true(json_object_get(event, "damaged")));
    assert_int_equal(json_array_size(json_object_get(event, "detections")), 0);
    json_decref(event);
    free(text);
}

/* Names are escaped; what is not UTF-8 cannot be shown; an id beyond the table is no crash. */
static void test_names(void **state)
{
    (void)state;
    void *sink = open_path(path);
    struct fv_result result = sample();
    static const char *const want[] = {"gate", "\"yard\"\n\xc3\xa9", "?", "?"};
    for (uint32_t camera = 0; camera < 4; camera++) {
        result.info.camera = camera;
        write_one(sink, &result);
    }
    fv_sink_jsonl.close(sink);
    char *text = slurp();
    const char *line = text;
    for (int i = 0; i < 4; i++) {
        json_t *event = parse_line(line);
        assert_string_equal(json_string_value(json_object_get(event, "camera")), want[i]);
        json_decref(event);
        line = strchr(line, '\n') + 1;
    }
    assert_int_equal(*line, '\0');
    free(text);
}

/* The largest event is much longer than the first buffer. */
static void test_many_detections(void **state)
{
    (void)state;
    void *sink = open_path(path);
    struct fv_result result = sample();
    result.count = FV_DETECTIONS_MAX;
    for (uint32_t i = 0; i < result.count; i++)
        result.detections[i] = (struct fv_detection){1.5f, 2.5f, 1003.25f, 1004.25f, 0.123f, 1};
    write_one(sink, &result);
    result.count = 1;
    write_one(sink, &result);
    fv_sink_jsonl.close(sink);
    char *text = slurp();
    json_t *event = parse_line(text);
    json_t *list = json_object_get(event, "detections");
    assert_int_equal(json_array_size(list), FV_DETECTIONS_MAX);
    json_t *last = json_array_get(list, FV_DETECTIONS_MAX - 1);
    assert_string_equal(json_string_value(json_object_get(last, "class")), "bicycle");
    json_decref(event);
    event = parse_line(strchr(text, '\n') + 1);
    assert_int_equal(json_array_size(json_object_get(event, "detections")), 1);
    json_decref(event);
    free(text);
}

static void fill(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A line that was cut short goes; one that lacks only its newline gets it. */
static void test_mends_the_last_line(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"{\"schema\":\"fov", ""},
        {"{\"a\":1}\n{\"schema\":\"fov", "{\"a\":1}\n"},
        {"{\"a\":1}\n{\"a\":2}", "{\"a\":1}\n{\"a\":2}\n"},
        {"{\"a\":1}\n", "{\"a\":1}\n"},
        {"\n", "\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fill(cases[i].before);
        void *sink = open_path(path);
        struct fv_result result = sample();
        write_one(sink, &result);
        fv_sink_jsonl.close(sink);
        char *text = slurp();
        const size_t size = strlen(cases[i].after);
        assert_memory_equal(text, cases[i].after, size);
        json_decref(parse_line(text + size));
        assert_ptr_equal(strchr(text + size, '\n'), text + strlen(text) - 1);
        free(text);
    }
}

static void assert_open_fails(const char *name, int want, const char *says)
{
    const struct fv_sink_jsonl_config config = {name};
    void *sink = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_sink_jsonl.open(&context, &config, &sink, &err), want);
    assert_null(sink);
    assert_non_null(strstr(err.text, says));
    assert_non_null(strstr(err.text, name));
}

static void test_open_failures(void **state)
{
    (void)state;
    char name[256];
    snprintf(name, sizeof(name), "%s/missing/events.jsonl", folder);
    assert_open_fails(name, -ENOENT, "folder does not exist");
    assert_open_fails(folder, -EIO, "directory");
    snprintf(name, sizeof(name), "%s/pipe", folder);
    assert_int_equal(mkfifo(name, 0600), 0);
    assert_open_fails(name, -EINVAL, "pipe"); /* nobody reads */
    int reader = open(name, O_RDONLY | O_NONBLOCK);
    assert_open_fails(name, -EINVAL, "pipe");
    close(reader);
    unlink(name);
    if (geteuid() == 0) {
        print_message("no permission: skipped, root may write everywhere\n");
    } else {
        chmod(folder, 0500);
        assert_open_fails(path, -EACCES, "denied");
        chmod(folder, 0700);
    }
    const struct fv_sink_jsonl_config config = {path};
    for (unsigned n = 1; n <= 2; n++) {
        void *sink = NULL;
        fv_alloc_fail_at(n);
        assert_int_equal(fv_sink_jsonl.open(&context, &config, &sink, NULL), -ENOMEM);
        assert_null(sink);
    }
    fv_alloc_fail_at(0);
}

/* A line is there as a whole or not at all. */
static void test_no_memory_for_a_line(void **state)
{
    (void)state;
    void *sink = open_path(path);
    const struct fv_result result = sample();
    struct fv_error err;
    unsigned failures = 0;
    int code = -ENOMEM;
    for (unsigned n = 1; code < 0; n++) {
        assert_true(n < 50);
        fv_alloc_fail_at(n);
        code = fv_sink_jsonl.write(sink, &result, &err);
        assert_true(code == 0 || code == -ENOMEM);
        failures += code < 0;
    }
    fv_alloc_fail_at(0);
    fv_sink_jsonl.close(sink);
    assert_true(failures >= 3); /* the event, its values, its text */
    char *text = slurp();
    json_decref(parse_line(text));
    assert_string_equal(strchr(text, '\n'), "\n");
    free(text);
}

static void test_full_device(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) < 0)
        skip();
    void *sink = open_path("/dev/full");
    struct fv_result result = sample();
    struct fv_error err = {0};
    assert_int_equal(fv_sink_jsonl.write(sink, &result, &err), -EIO);
    assert_non_null(strstr(err.text, "/dev/full"));
    assert_non_null(strstr(err.text, "No space left"));
    fv_sink_jsonl.close(sink);
}

/* Room for two lines and a half: the half one is taken back, and writing goes on when there is
 * room again. */
static void test_no_half_line(void **state)
{
    (void)state;
    void *sink = open_path(path);
    struct fv_result result = sample();
    write_one(sink, &result);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    const rlim_t line = (rlim_t)info.st_size;
    struct rlimit before, limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 2 * line + line / 2;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    write_one(sink, &result);
    struct fv_error err = {0};
    int code = fv_sink_jsonl.write(sink, &result, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(code, -EIO);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 2 * line);
    write_one(sink, &result);
    fv_sink_jsonl.close(sink);
    char *text = slurp();
    const char *at = text;
    for (int i = 0; i < 3; i++) {
        json_decref(parse_line(at));
        at = strchr(at, '\n') + 1;
    }
    assert_int_equal(*at, '\0');
    free(text);
}

/* --- zones and lines; the examples of docs/events.md and docs/analytics.md ---------------------- */

static char *write_rule(const struct fv_zone_event *event)
{
    void *sink = open_path(path);
    struct fv_error err = {0};
    assert_int_equal(fv_sink_jsonl.rule(sink, event, fv_now(), &err), 0);
    fv_sink_jsonl.close(sink);
    return slurp();
}

/* What lies before and behind the time of writing. */
static void check_line(const char *line, const char *before, const char *behind)
{
    const char *time = strstr(line, "\"time\":\"");
    assert_non_null(time);
    assert_int_equal(strlen(before), time - line);
    assert_memory_equal(line, before, strlen(before));
    assert_string_equal(time + strlen("\"time\":\"2026-01-31T12:34:56.830Z\","), behind);
}

static void test_crossing(void **state)
{
    (void)state;
    const struct fv_zone_event event = {
        .id = 4,
        .type = FV_ZONE_CROSSING,
        .phase = FV_PHASE_ONCE,
        .camera = 0,
        .rule = "lamp \"post\"",
        .frame = 28,
        .epoch = 2,
        .pts = 2700 * FV_MS,
        .wall = INT64_C(1769862896789000000),
        .time = 5 * FV_S + 300252000,
        .start = 5 * FV_S,
        .track = 2,
        .class_id = 1,
        .score = 0.7412f,
        .box = {0.25f, 0.5f, 0.75f, 1},
        .at = {FV_GEO_UNIT / 2, FV_GEO_UNIT},
        .direction = FV_B_TO_A,
    };
    char *line = write_rule(&event);
    check_line(
        line,
        "{\"schema\":\"fovea.zone/1\",\"id\":4,\"type\":\"line.crossing\",\"phase\":\"once\","
        "\"camera\":\"gate\",\"rule\":\"lamp \\\"post\\\"\",\"frame\":28,\"epoch\":2,"
        "\"pts_ms\":2700.0,",
        "\"capture_time\":\"2026-01-31T12:34:56.789Z\",\"delay_ms\":300.252,\"track\":2,"
        "\"class\":\"bicycle\",\"class_id\":1,\"score\":0.741,\"position\":[0.5,1.0],"
        "\"box_norm\":[0.25,0.5,0.75,1.0],\"direction\":\"b_to_a\"}\n");
    free(line);
}

static void test_count(void **state)
{
    (void)state;
    const struct fv_class_count counts[] = {{0, 1, 12, 11}, {FV_CLASS_OTHERS, 0, 3, 3}};
    const struct fv_zone_event event = {.id = 9,
                                        .type = FV_ZONE_COUNT,
                                        .camera = 0,
                                        .rule = "z",
                                        .frame = 1,
                                        .pts = FV_TIME_UNKNOWN,
                                        .wall = FV_TIME_UNKNOWN,
                                        .count = 1,
                                        .counts = counts,
                                        .counts_size = 2};
    char *line = write_rule(&event);
    check_line(
        line,
        "{\"schema\":\"fovea.zone/1\",\"id\":9,\"type\":\"count\",\"phase\":\"once\","
        "\"camera\":\"gate\",\"rule\":\"z\",\"frame\":1,\"epoch\":0,\"pts_ms\":null,",
        "\"capture_time\":null,\"count\":1,\"classes\":[{\"class\":\"person\",\"class_id\":0,"
        "\"now\":1,\"in\":12,\"out\":11},{\"class\":\"others\",\"class_id\":65535,\"now\":0,"
        "\"in\":3,\"out\":3}]}\n");
    free(line);
}

/* The queue copies what an event points to. */
static void test_rules_in_the_queue(void **state)
{
    (void)state;
    const struct fv_sink_jsonl_config config = {path};
    struct fv_sink *sink = NULL;
    struct fv_error err = {0};
    char name[] = "door";
    struct fv_class_count counts[] = {{0, 1, 2, 3}};
    struct fv_zone_event event = {
        .id = 1, .type = FV_ZONE_COUNT, .rule = name, .counts = counts, .counts_size = 1};
    struct fv_result result = sample();
    assert_int_equal(fv_sink_open(&fv_sink_jsonl, &context, &config, 8, &sink, &err), 0);
    fv_sink_put(sink, &result);
    fv_sink_put_rule(sink, &event);
    strcpy(name, "gone");
    counts[0].in = 99;
    event.id = 2;
    fv_sink_put(sink, &result);
    fv_sink_close(sink);
    char *text = slurp();
    const char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
    json_t *line = parse_line(second);
    assert_string_equal(json_string_value(json_object_get(line, "rule")), "door");
    json_t *class = json_array_get(json_object_get(line, "classes"), 0);
    assert_int_equal(json_integer_value(json_object_get(class, "in")), 2);
    json_decref(line);
    line = parse_line(third);
    assert_string_equal(json_string_value(json_object_get(line, "schema")), "fovea.frame/1");
    json_decref(line);
    free(text);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_one_event),
        CASE(test_attributes),
        CASE(test_unknown_times),
        CASE(test_names),
        CASE(test_many_detections),
        CASE(test_mends_the_last_line),
        CASE(test_open_failures),
        CASE(test_no_memory_for_a_line),
        CASE(test_full_device),
        CASE(test_no_half_line),
        CASE(test_crossing),
        CASE(test_count),
        CASE(test_rules_in_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
