// SPDX-License-Identifier: Apache-2.0
/* Files of events that are put aside, and processes that are killed while they write them. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/rand.h"
#include "sink/sink.h"

#define FILES_MAX 32
#define NOON INT64_C(1769860800000000000) /* 2026-01-31T12:00:00Z */

static char folder[64], path[128];

static const char *const cameras[] = {"gate"};
static const char *const labels[] = {"person"};
static const struct fv_sink_context context = {cameras, 1, labels, 1};

static char names[FILES_MAX][64]; /* in the folder, in order */
static int name_count;

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void list_files(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    assert_non_null(dir);
    name_count = 0;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        assert_true(name_count < FILES_MAX);
        snprintf(names[name_count++], sizeof(names[0]), "%s", entry->d_name);
    }
    closedir(dir);
    qsort(names, (size_t)name_count, sizeof(names[0]), by_name);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/fovea-rotate-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/events.jsonl", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    list_files();
    for (int i = 0; i < name_count; i++) {
        char name[256];
        snprintf(name, sizeof(name), "%s/%s", folder, names[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
    char where[256];
    snprintf(where, sizeof(where), "%s/%s", folder, name);
    FILE *file = fopen(where, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_due(void **state)
{
    (void)state;
    const struct fv_rotation by_size = {.max_bytes = 1000}, by_age = {.max_age = 60 * FV_S},
                             never = {0};
    assert_false(fv_rotation_due(&by_size, 900, 100, NOON, NOON));
    assert_true(fv_rotation_due(&by_size, 900, 101, NOON, NOON));
    assert_false(fv_rotation_due(&by_size, 0, 5000, NOON, NOON)); /* an empty file helps nobody */
    assert_false(fv_rotation_due(&by_age, 900, 1, NOON, NOON + 60 * FV_S - 1));
    assert_true(fv_rotation_due(&by_age, 900, 1, NOON, NOON + 60 * FV_S));
    assert_false(
        fv_rotation_due(&by_age, 900, 1, NOON, NOON - 3600 * FV_S)); /* the clock went back */
    assert_false(fv_rotation_due(&never, UINT64_MAX, 1, 0, INT64_MAX));
}

/* Names sort by time; files of one millisecond get their own; others than ours stay. */
static void test_names(void **state)
{
    (void)state;
    static const char *const others[] = {"events-2026.jsonl", "events.txt",
                                         "events-2026-01-31T12-00-00.00xZ.jsonl"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        write_file(others[i], "x");
    static const int64_t times[] = {NOON, NOON, NOON + 5 * FV_S, NOON + 3600 * FV_S,
                                    NOON - 86400 * FV_S /* the clock goes back by a day */};
    for (size_t i = 0; i < 5; i++) {
        write_file("events.jsonl", "x");
        assert_int_equal(fv_rotate(path, 3, times[i]), 0);
    }
    assert_int_equal(fv_rotate(path, 3, NOON), -ENOENT); /* there is none now */
    static const char *const want[] = {"events-2026-01-31T12-00-00.00xZ.jsonl",
                                       "events-2026-01-31T12-00-05.000Z.jsonl",
                                       "events-2026-01-31T13-00-00.000Z.jsonl",
                                       "events-2026-01-31T13-00-00.001Z.jsonl",
                                       "events-2026.jsonl",
                                       "events.txt"};
    list_files();
    assert_int_equal(name_count, 6);
    for (int i = 0; i < 6; i++)
        assert_string_equal(names[i], want[i]);
}

/* --- the sink ----------------------------------------------------------------------------------- */

static struct fv_result result;

static void write_events(const struct fv_sink_jsonl_config *config, int count)
{
    struct fv_error err = {0};
    void *sink = NULL;
    if (fv_sink_jsonl.open(&context, config, &sink, &err) < 0)
        fail_msg("%s", err.text);
    for (int i = 0; i < count; i++) {
        result.info.number++;
        if (fv_sink_jsonl.write(sink, &result, &err) < 0)
            fail_msg("%s", err.text);
    }
    fv_sink_jsonl.close(sink);
}

/* Checks one file: each line is an event, their numbers grow by one from `number`. Returns the last one. What lacks its newline is
 * counted, if it may be. */
static uint64_t check_lines(const char *name, uint64_t number, int *torn)
{
    char where[256], *line = NULL;
    size_t room = 0;
    ssize_t size;
    snprintf(where, sizeof(where), "%s/%s", folder, name);
    FILE *file = fopen(where, "r");
    assert_non_null(file);
    while ((size = getline(&line, &room, file)) > 0) {
        if (line[size - 1] != '\n' && torn) {
            (*torn)++;
            break;
        }
        json_error_t err;
        json_t *event = json_loadb(line, (size_t)size, 0, &err);
        if (!event || line[size - 1] != '\n')
            fail_msg("%s: %s", name, err.text);
        const uint64_t is = (uint64_t)json_integer_value(json_object_get(event, "frame"));
        assert_true(number == 0 || is == number + 1);
        number = is;
        json_decref(event);
    }
    free(line);
    fclose(file);
    return number;
}

/* Files put aside, in order, then the one that is written: no line is missing or torn. */
static uint64_t check_all(int *torn)
{
    uint64_t number = 0;
    list_files();
    for (int i = 0; i < name_count; i++)
        number = check_lines(names[i], number, strcmp(names[i], "events.jsonl") == 0 ? torn : NULL);
    return number;
}

/* 100 lines of some 260 bytes, files of at most 3,000, three kept. */
static void test_by_size(void **state)
{
    (void)state;
    const struct fv_sink_jsonl_config config = {.path = path,
                                                .rotation = {.max_bytes = 3000, .keep = 3}};
    memset(&result, 0, sizeof(result));
    write_events(&config, 60);
    write_events(&config, 40); /* as after a restart */
    assert_int_equal(check_all(NULL), 100);
    assert_int_equal(name_count, 4);
    for (int i = 0; i < name_count; i++) {
        char where[256];
        struct stat info;
        snprintf(where, sizeof(where), "%s/%s", folder, names[i]);
        assert_int_equal(stat(where, &info), 0);
        assert_true(info.st_size <= 3000);
        assert_true(info.st_size > 2500 || i == 3);
    }
}

static void test_by_age(void **state)
{
    (void)state;
    const struct fv_sink_jsonl_config config = {.path = path, .rotation = {.max_age = 1}};
    memset(&result, 0, sizeof(result));
    write_events(&config, 3); /* each is older than a nanosecond */
    assert_int_equal(check_all(NULL), 3);
    assert_int_equal(name_count, 3);
}

/* It cannot be put aside: it goes on growing, and nothing is lost. */
static void test_cannot_be_put_aside(void **state)
{
    (void)state;
    const struct fv_sink_jsonl_config config = {.path = "/proc/self/fd/0",
                                                .rotation = {.max_bytes = 100}};
    char name[] = "/tmp/fovea-stuck-XXXXXX";
    const int file = mkstemp(name), before = dup(0);
    assert_true(file >= 0 && dup2(file, 0) == 0);
    memset(&result, 0, sizeof(result));
    write_events(&config, 5);
    struct stat info;
    assert_int_equal(fstat(file, &info), 0);
    assert_true(info.st_size > 5 * 200);
    if (before >= 0)
        dup2(before, 0);
    close(before);
    close(file);
    unlink(name);
}

/* --- kill -9 -------------------------------------------------------------------------------------- */

/* Lines of up to 40,000 bytes, so that writes go over many pages; files of a few of them. */
static void write_until_killed(uint64_t number, int begun)
{
    const struct fv_sink_jsonl_config config = {.path = path,
                                                .rotation = {.max_bytes = 60000, .keep = 4}};
    struct fv_error err = {0};
    void *sink = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fv_sink_jsonl.open(&context, &config, &sink, &err) < 0)
        _exit(1);
    for (;;) {
        result.info.number = ++number;
        result.count = (uint32_t)(number * 37 % FV_DETECTIONS_MAX);
        if (fv_sink_jsonl.write(sink, &result, &err) < 0 || write(begun, "", 1) != 1)
            _exit(1);
    }
}

/* After its first line, at any moment. */
static void kill_while_writing(struct fv_rand *rand, uint64_t number)
{
    int begun[2];
    char byte;
    assert_int_equal(pipe(begun), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_until_killed(number, begun[1]);
    assert_int_equal(read(begun[0], &byte, 1), 1);
    nanosleep(&(struct timespec){.tv_nsec = (long)fv_rand_below(rand, 20) * FV_MS}, NULL);
    kill(child, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(begun[0]);
    close(begun[1]);
}

/* Killed at any moment, begun again, killed again. What a reader finds at once are whole lines, save perhaps a last one that has no
 * newline yet; after the next start there is none such. No event is missing between two others. */
static void test_kill(void **state)
{
    (void)state;
    struct fv_rand rand;
    const int64_t began = fv_now();
    uint64_t number = 0;
    int torn = 0, rounds = 0; /* as many as a slow build (valgrind) allows */
    fv_rand_seed(&rand, (uint64_t)getpid());
    memset(&result, 0, sizeof(result));
    for (int i = 0; i < FV_DETECTIONS_MAX; i++)
        result.detections[i] = (struct fv_detection){1, 2, 300.5f, 400.25f, 0.5f, 0, 7};
    for (; rounds < 40 && (rounds < 5 || fv_now() - began < 3 * FV_S); rounds++) {
        kill_while_writing(&rand, number);
        (void)check_all(&torn);
        const struct fv_sink_jsonl_config config = {.path = path};
        write_events(&config, 0);
        number = check_all(NULL);
        assert_true(name_count <= 4 + 2); /* killed between putting aside and removing */
    }
    assert_true(number >= (uint64_t)rounds);
    print_message("%llu events, %d kills, %d lines were cut short and removed\n",
                  (unsigned long long)number, rounds, torn);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_due),
        CASE(test_names),
        CASE(test_by_size),
        CASE(test_by_age),
        CASE(test_cannot_be_put_aside),
        CASE(test_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
