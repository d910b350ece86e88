// SPDX-License-Identifier: Apache-2.0
/* `fovea config`: what there is to say about a configuration file. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "fovea/config.h"
#include "problems.h"
#include "tool.h"

#define NAME "config"

static const char help[] =
    "Usage: fovea config check FILE... [--backend gpu|cpu] [--json]\n"
    "       fovea config explain KEY...\n"
    "       fovea config doc\n"
    "\n"
    "check    judges files: everything that is wrong, with the place, the reason and the fix\n"
    "explain  says what is known about a setting: processing.BACKEND, or BACKEND\n"
    "doc      prints the list of all settings (docs/config.md)\n"
    "\n"
    "  --backend gpu|cpu  judge as if processing.BACKEND were this\n"
    "  --json             findings as one JSON object\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit codes: 0 no errors, 1 errors, 2 wrong usage or a file that cannot be read\n";

/* What goes on while files are checked. */
struct check {
    const char *backend;
    json_t *found; /* {"errors": [...], ...}; NULL: text is printed instead */
    struct fv_problems problems;
    bool errors; /* in any file */
    bool unread; /* a file could not be read */
};

static void to_json(void *data, const struct fv_problem *problem)
{
    static const char *const lists[] = {"errors", "warnings", "info", "obsolete"};
    struct check *check = data;
    json_t *file = json_string(problem->file);
    if (!file) /* a file name need not be UTF-8; JSON must be */
        file = json_string("?");
    json_t *item =
        json_pack("{s:o, s:i, s:i, s:s, s:s, s:s, s:s}", "file", file, "line", (int)problem->line,
                  "column", (int)problem->column, "key", problem->key, "code", problem->code,
                  "message", problem->message, "fix", problem->fix);
    json_array_append_new(json_object_get(check->found, lists[problem->severity]), item);
}

/* A file that cannot be read is a finding, too: machines read only the JSON. */
static void unreadable(struct check *check, const char *path, const struct fv_error *err)
{
    check->unread = true;
    if (check->found)
        to_json(check, &(struct fv_problem){.code = "unreadable",
                                            .file = path,
                                            .key = "",
                                            .message = err->text,
                                            .fix = "Check the path and its permissions."});
    fprintf(stderr, "fovea config: %s\n", err->text);
}

static void check_file(struct check *check, const char *path)
{
    struct fv_error err = {0};
    check->problems = (struct fv_problems){.out = stdout};
    int r = fv_config_check(path, check->backend, check->found ? to_json : fv_problems_print,
                            check->found ? (void *)check : (void *)&check->problems, &err);
    if (r < 0 && r != -EINVAL)
        unreadable(check, path, &err);
    else if (!check->found)
        fv_problems_summary(&check->problems, path);
    check->errors |= r == -EINVAL;
}

static int check_files(struct check *check, int count, char **paths)
{
    for (int i = 0; i < count; i++)
        check_file(check, paths[i]);
    if (check->found) {
        json_object_set_new(check->found, "ok", json_boolean(!check->errors && !check->unread));
        json_dumpf(check->found, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    return check->unread ? FV_EXIT_USAGE : check->errors ? FV_EXIT_FAILED : FV_EXIT_OK;
}

static void print(void *data, const char *text)
{
    fputs(text, data);
}

static int explain(int count, char **keys)
{
    int status = FV_EXIT_OK;
    for (int i = 0; i < count; i++) {
        struct fv_error err = {0};
        if (fv_config_explain(keys[i], print, stdout, &err) == 0)
            continue;
        fprintf(stderr, "fovea config: %s\n", err.text);
        status = FV_EXIT_FAILED;
    }
    return status;
}

static int dispatch(struct check *check, int count, char **words)
{
    if (count == 0)
        return fv_tool_usage(NAME, "what should be done? check, explain or doc");
    if (strcmp(words[0], "doc") == 0 && count == 1) {
        fv_config_document(print, stdout);
        return FV_EXIT_OK;
    }
    if (strcmp(words[0], "doc") == 0)
        return fv_tool_usage(NAME, "unexpected argument '%s'", words[1]);
    if (strcmp(words[0], "check") != 0 && strcmp(words[0], "explain") != 0)
        return fv_tool_usage(NAME, "there is no '%s'; possible are check, explain and doc",
                             words[0]);
    if (count == 1)
        return fv_tool_usage(NAME,
                             words[0][0] == 'c' ? "check needs a file" : "explain needs a key");
    return words[0][0] == 'c' ? check_files(check, count - 1, words + 1)
                              : explain(count - 1, words + 1);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"backend", required_argument, NULL, 'b'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct check check = {0};
    bool json = false;
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return FV_EXIT_OK;
        }
        if (c == 'j')
            json = true;
        else if (c == 'b')
            check.backend = optarg;
        else
            return fv_tool_usage(NAME, "unknown or incomplete option '%s'", argv[optind - 1]);
    }
    if (check.backend && strcmp(check.backend, "gpu") != 0 && strcmp(check.backend, "cpu") != 0)
        return fv_tool_usage(NAME, "--backend takes gpu or cpu, not '%s'", check.backend);
    if (json)
        check.found =
            json_pack("{s:[], s:[], s:[], s:[]}", "errors", "warnings", "info", "obsolete");
    if (json && !check.found)
        return FV_EXIT_FAILED;
    int status = dispatch(&check, argc - optind, argv + optind);
    json_decref(check.found);
    return status;
}

const struct fv_tool fv_tool_config = {
    .name = NAME,
    .summary = "check configuration files, explain settings",
    .run = run,
};
