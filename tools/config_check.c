// SPDX-License-Identifier: Apache-2.0
/* `fovea config check`: what there is to say about configuration files. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "config.h"
#include "fovea/doctor.h"
#include "problems.h"
#include "tool.h"

/* What goes on while files are checked. */
struct check {
    const struct fv_config_options *o;
    json_t *found; /* {"errors": [...], ...}; NULL: text is printed instead */
    struct fv_problems problems;
    bool errors; /* in any file */
    bool unread; /* a file could not be read */
};

static void to_json(void *data, const struct fv_problem *problem)
{
    struct check *check = data;
    fv_problems_to_json(check->found, problem);
}

/* A file that cannot be read is a finding, too: machines read only the JSON. */
static void unreadable(struct check *check, const char *path, const struct fv_error *err)
{
    check->unread = true;
    if (check->found)
        to_json(check, &(struct fv_problem){.code = "unreadable",
                                            .file = FV_SHOWN(path),
                                            .key = "",
                                            .message = err->text,
                                            .fix = "Check the path and its permissions."});
    fprintf(stderr, "fovea config: %s\n", err->text);
}

static void check_file(struct check *check, const char *path)
{
    struct fv_error err = {0};
    check->problems = (struct fv_problems){.out = stdout};
    fv_problem_fn problem = check->found ? to_json : fv_problems_print;
    void *data = check->found ? (void *)check : (void *)&check->problems;
    int r = check->o->machine
                ? fv_config_check_machine(&(struct fv_machine_params){.path = path,
                                                                      .backend = check->o->backend,
                                                                      .problem = problem,
                                                                      .data = data},
                                          &err)
                : fv_config_check(path, check->o->backend, problem, data, &err);
    if (r < 0 && r != -EINVAL)
        unreadable(check, path, &err);
    else if (!check->found)
        fv_problems_summary(&check->problems, FV_SHOWN(path));
    check->errors |= r == -EINVAL;
}

int fv_config_run_check(const struct fv_config_options *o)
{
    struct check check = {.o = o};
    if (o->count == 0)
        return fv_tool_usage("config", "check needs a file");
    if (o->json && !(check.found = fv_problems_json()))
        return FV_EXIT_FAILED;
    for (int i = 0; i < o->count; i++)
        check_file(&check, o->words[i]);
    if (check.found) {
        json_t *told = json_pack("{s:b}", "ok", !check.errors && !check.unread);
        json_object_update(told, check.found);
        json_dumpf(told, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(told);
        json_decref(check.found);
    }
    return check.unread ? FV_EXIT_USAGE : check.errors ? FV_EXIT_FAILED : FV_EXIT_OK;
}
