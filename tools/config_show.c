// SPDX-License-Identifier: Apache-2.0
/* `fovea config show`: each setting as it is in force, and where that comes from. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "problems.h"
#include "tool.h"

struct show {
    json_t *values; /* by key; NULL: text is printed */
    struct fv_problems problems;
    char section[40]; /* of the line before */
};

static const char *origin_name(enum fv_origin origin)
{
    static const char *const names[] = {"default", "file", "environment", "command line", "rule"};
    return names[origin];
}

static void print_origin(const struct fv_config_value *value)
{
    switch (value->origin) {
    case FV_ORIGIN_FILE:
        printf("%s:%u", FV_SHOWN(value->source), value->line);
        break;
    case FV_ORIGIN_ENVIRONMENT:
        printf("environment %s", value->source);
        break;
    case FV_ORIGIN_COMMAND_LINE:
        printf("command line %s", value->source);
        break;
    case FV_ORIGIN_RULE:
        printf("follows from %s", value->source);
        break;
    default:
        printf("default");
    }
}

static void print_text(struct show *show, const struct fv_config_value *value)
{
    size_t length = strcspn(value->key, ".");
    if (strncmp(show->section, value->key, length) || show->section[length]) {
        if (show->section[0])
            putchar('\n');
        snprintf(show->section, sizeof(show->section), "%.*s", (int)length, value->key);
    }
    int width = printf("%s = %s", value->key, value->value);
    if (value->note[0])
        width += printf(" (%s)", value->note);
    printf("%*s# ", width < 58 ? 58 - width : 2, "");
    print_origin(value);
    putchar('\n');
}

static void on_value(void *data, const struct fv_config_value *value)
{
    struct show *show = data;
    if (!show->values) {
        print_text(show, value);
        return;
    }
    json_t *parsed = json_loads(value->value, JSON_DECODE_ANY, NULL);
    json_t *item =
        json_pack("{s:o, s:s, s:s, s:i}", "value", parsed ? parsed : json_null(), "from",
                  origin_name(value->origin), "source", FV_SHOWN(value->source), "line", (int)value->line);
    if (item && value->note[0])
        json_object_set_new(item, "note", json_string(value->note));
    json_object_set_new(show->values, value->key, item);
}

static void on_problem(void *data, const struct fv_problem *problem)
{
    struct show *show = data;
    if (problem->severity == FV_SEVERITY_ERROR)
        fv_problems_print(&show->problems, problem);
}

int fv_config_run_show(const struct fv_config_options *o)
{
    struct show show = {.problems.out = stderr};
    struct fv_error err = {0};
    if (o->count > 1 || (o->count == 1 && o->config))
        return fv_tool_usage("config", "unexpected argument '%s'", o->words[o->count - 1]);
    struct fv_config_show_params params = {
        .path = o->config  ? o->config
                : o->count ? o->words[0]
                           : NULL,
        .backend = o->backend,
        .defaults = o->defaults,
        .value = on_value,
        .problem = on_problem,
        .data = &show,
    };
    if (o->json && !(show.values = json_object()))
        return FV_EXIT_FAILED;
    int r = fv_config_show(&params, &err);
    if (r < 0)
        fprintf(stderr, "fovea config: %s\n", err.text);
    else if (show.values)
        json_dumpf(show.values, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    if (r == 0 && show.values)
        putchar('\n');
    json_decref(show.values);
    return r == 0 ? FV_EXIT_OK : r == -EINVAL || r == -ENOMEM ? FV_EXIT_FAILED : FV_EXIT_USAGE;
}
