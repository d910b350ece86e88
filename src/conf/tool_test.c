// SPDX-License-Identifier: Apache-2.0
/* `fovea config` as a person or a script meets it: text, JSON and exit codes. */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../tools/tool.h"

extern const struct fv_tool fv_tool_config;

static char output[200000];

/* A file of tests/data/config. Tests run in the build folder, and __FILE__ is relative to it. */
static const char *data(const char *name)
{
    static char paths[4][1000];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%.*s../../tests/data/config/%s",
             (int)(strrchr(__FILE__, '/') + 1 - __FILE__), __FILE__, name);
    return path;
}

/* Runs `fovea config` with the words up to NULL; leaves standard output in `output`. */
static int tool(const char *first, ...)
{
    char *argv[10] = {(char *)(uintptr_t) "config"};
    int argc = 1;
    va_list args;
    va_start(args, first);
    for (const char *word = first; word; word = va_arg(args, const char *))
        argv[argc++] = (char *)(uintptr_t)word;
    va_end(args);
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    optind = 0;
    int status = fv_tool_config.run(argc, argv);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(file);
    size_t size = fread(output, 1, sizeof(output) - 1, file);
    output[size] = '\0';
    fclose(file);
    return status;
}

static void test_exit_codes(void **state)
{
    assert_int_equal(tool("check", data("minimal.json"), NULL), 0);
    assert_int_equal(tool("check", data("older-list.json"), NULL), 0);
    assert_int_equal(tool("check", data("older-names.json"), NULL), 0);
    assert_int_equal(tool("check", data("conflicts.json"), NULL), 1);
    assert_int_equal(tool("check", data("syntax.json"), NULL), 1);
    assert_int_equal(tool("check", data("absent.json"), NULL), 2);
    assert_int_equal(tool("check", data("conflicts.json"), data("absent.json"), NULL), 2);
    assert_int_equal(tool("check", NULL), 2);
    assert_int_equal(tool("frob", NULL), 2);
    assert_int_equal(tool(NULL, NULL), 2);
    assert_int_equal(tool("check", "--backend", "tpu", data("minimal.json"), NULL), 2);
    assert_int_equal(tool("check", "--frob", data("minimal.json"), NULL), 2);
    assert_int_equal(tool("explain", "MAX_QUEUE_SIZE", NULL), 0);
    assert_int_equal(tool("explain", "MAX_QUEUE_SIZ", NULL), 1);
    assert_int_equal(tool("--help", NULL), 0);
    assert_non_null(strstr(output, "Exit codes"));
}

static void test_text(void **state)
{
    char expected[2000];
    const char *path = data("conflicts.json");
    tool("check", path, NULL);
    snprintf(expected, sizeof(expected),
             "%s:5:5: error: processing.GPU_BATCH_SIZ [unknown_key]\n"
             "    |     \"GPU_BATCH_SIZ\": 4\n"
             "    |     ^\n"
             "    The section \"processing\" has no setting \"GPU_BATCH_SIZ\".\n"
             "    Fix: Did you mean \"GPU_BATCH_SIZE\"?\n",
             path);
    assert_non_null(strstr(output, expected));
    snprintf(expected, sizeof(expected), "%s: 3 errors, 1 warning\n", path);
    assert_non_null(strstr(output, expected));
    assert_non_null(strstr(output, "rtsp://***@192.0.2.10"));
    assert_null(strstr(output, "n0t-shown"));
    assert_null(strstr(output, "❌")); /* not a terminal */
    tool("check", data("minimal.json"), NULL);
    assert_non_null(strstr(output, "minimal.json: ok\n"));
}

static json_t *parsed(void)
{
    json_t *root = json_loads(output, 0, NULL);
    assert_non_null(root);
    return root;
}

static const char *member(const json_t *root, const char *list, size_t index, const char *name)
{
    return json_string_value(
        json_object_get(json_array_get(json_object_get(root, list), index), name));
}

static void test_json(void **state)
{
    const char *path = data("conflicts.json");
    assert_int_equal(tool("check", path, "--json", NULL), 1);
    json_t *root = parsed(), *errors = json_object_get(root, "errors");
    assert_true(json_is_false(json_object_get(root, "ok")));
    assert_int_equal(json_array_size(errors), 3);
    assert_int_equal(json_array_size(json_object_get(root, "warnings")), 1);
    assert_int_equal(json_array_size(json_object_get(root, "info")), 0);
    assert_int_equal(json_array_size(json_object_get(root, "obsolete")), 0);
    assert_string_equal(member(root, "errors", 0, "key"), "processing.ENABLE_MULTIPROCESSING");
    assert_string_equal(member(root, "errors", 0, "code"), "gpu_only_conflict");
    assert_string_equal(member(root, "errors", 0, "file"), path);
    assert_true(strlen(member(root, "errors", 0, "message")) > 0);
    assert_true(strlen(member(root, "errors", 0, "fix")) > 0);
    json_t *first = json_array_get(errors, 0);
    assert_int_equal(json_integer_value(json_object_get(first, "line")), 3);
    assert_int_equal(json_integer_value(json_object_get(first, "column")), 31);
    assert_string_equal(member(root, "warnings", 0, "key"), "cameras.RTSP_STREAMS[0].url");
    assert_null(strstr(output, "n0t-shown"));
    json_decref(root);
}

static void test_json_others(void **state)
{
    assert_int_equal(tool("check", "--json", data("minimal.json"), NULL), 0);
    json_t *root = parsed();
    assert_true(json_is_true(json_object_get(root, "ok")));
    json_decref(root);
    assert_int_equal(tool("check", "--json", "--backend", "cpu", data("conflicts.json"), NULL), 1);
    root = parsed();
    assert_int_equal(json_array_size(json_object_get(root, "errors")), 1);
    assert_string_equal(member(root, "info", 0, "code"), "not_used");
    json_decref(root);
    assert_int_equal(tool("check", "--json", data("absent.json"), NULL), 2);
    root = parsed();
    assert_true(json_is_false(json_object_get(root, "ok")));
    assert_string_equal(member(root, "errors", 0, "code"), "unreadable");
    json_decref(root);
    assert_int_equal(tool("check", "--json", data("older-list.json"), NULL), 0);
    root = parsed();
    assert_int_equal(json_array_size(json_object_get(root, "obsolete")), 2);
    json_decref(root);
}

/* ---- the other subcommands ---- */

static char scratch[] = "/tmp/fovea-tool-XXXXXX";

static const char *in_scratch(const char *name)
{
    static char paths[3][200];
    static unsigned next;
    char *path = paths[next++ % 3];
    snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
    return path;
}

static void test_options_belong_to_commands(void **state)
{
    assert_int_equal(tool("check", "--stage", "1", data("minimal.json"), NULL), 2);
    assert_int_equal(tool("migrate", "--stage", "4", data("minimal.json"), NULL), 2);
    assert_int_equal(tool("migrate", "--machine", data("minimal.json"), NULL), 2);
    assert_int_equal(tool("rollback", "--json", data("minimal.json"), NULL), 2);
    assert_int_equal(tool("migrate", NULL), 2);
    assert_int_equal(tool("rollback", NULL), 2);
    assert_int_equal(tool("schema", "x", NULL), 2);
    assert_int_equal(tool("show", data("minimal.json"), "x", NULL), 2);
}

static void test_show(void **state)
{
    char expected[1200];
    const char *path = data("older-list.json");
    assert_int_equal(tool("show", "-c", path, NULL), 0);
    snprintf(expected, sizeof(expected), "# %s:6\n", path);
    assert_non_null(strstr(output, "processing.MAX_QUEUE_SIZE = 30 "));
    assert_non_null(strstr(output, expected));
    assert_int_equal(tool("show", "-c", path, "--backend", "cpu", "--json", NULL), 0);
    json_t *root = parsed(), *backend = json_object_get(root, "processing.BACKEND");
    assert_string_equal(json_string_value(json_object_get(backend, "value")), "cpu");
    assert_string_equal(json_string_value(json_object_get(backend, "from")), "command line");
    json_decref(root);
    assert_int_equal(tool("show", data("conflicts.json"), NULL), 1);
    assert_int_equal(tool("show", data("absent.json"), NULL), 2);
}

static void test_schema(void **state)
{
    assert_int_equal(tool("schema", NULL), 0);
    json_t *root = parsed();
    assert_string_equal(json_string_value(json_object_get(root, "$schema")),
                        "https://json-schema.org/draft/2020-12/schema");
    json_decref(root);
}

static void test_migrate(void **state)
{
    assert_non_null(mkdtemp(scratch));
    const char *new = in_scratch("new.json");
    assert_int_equal(tool("migrate", data("old/names.json"), "-o", new, NULL), 0);
    assert_non_null(strstr(output, "default: processing.MAX_QUEUE_SIZE: 30 -> 20\n"));
    assert_non_null(strstr(output, "2 changes, 0 of them forced, 0 notes\n"));
    assert_int_equal(tool("check", new, NULL), 0);
    assert_int_equal(tool("migrate", new, "--json", NULL), 0);
    json_t *root = parsed();
    assert_true(json_is_false(json_object_get(root, "written")));
    assert_int_equal(json_array_size(json_object_get(root, "changes")), 0);
    json_decref(root);
    assert_int_equal(tool("rollback", new, NULL), 0);
    assert_int_equal(tool("rollback", new, NULL), 2);
    assert_int_equal(tool("migrate", data("syntax.json"), "--json", NULL), 1);
    root = parsed();
    assert_true(json_is_false(json_object_get(root, "ok")));
    assert_string_equal(member(root, "errors", 0, "code"), "syntax");
    json_decref(root);
    remove(new);
    remove(in_scratch("new.json.rolled-back"));
    assert_int_equal(rmdir(scratch), 0);
}

int main(void)
{
    unsetenv("DEBUG");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_others),
        cmocka_unit_test(test_options_belong_to_commands),
        cmocka_unit_test(test_show),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_migrate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
