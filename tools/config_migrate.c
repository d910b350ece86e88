// SPDX-License-Identifier: Apache-2.0
/* `fovea config migrate` and `rollback`. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "problems.h"
#include "tool.h"

struct migrate {
    json_t *changes; /* NULL: text is printed */
    json_t *found;   /* why it cannot be migrated, with `changes` */
    struct fv_problems problems;
};

static const char *kind_name(enum fv_change_kind kind)
{
    static const char *const names[] = {"form", "default", "replaced", "removed",
                                        "kept", "forced",  "stage",    "note"};
    return names[kind];
}

static const char *kind_mark(enum fv_change_kind kind)
{
    static const char *const marks[] = {"✅",       "✅",       "♻️ ", "♻️ ",
                                        "⚠️ ", "⚠️ ", "ℹ️ ", "ℹ️ "};
    return marks[kind];
}

static void on_change(void *data, const struct fv_config_change *change)
{
    struct migrate *migrate = data;
    if (migrate->changes) {
        json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", kind_name(change->kind),
                                 "key", change->key, "before", change->before, "after",
                                 change->after, "reason", change->reason);
        json_array_append_new(migrate->changes, item);
        return;
    }
    if (fv_problems_marks(stdout))
        printf("%s ", kind_mark(change->kind));
    printf("%s: %s", kind_name(change->kind), change->key[0] ? change->key : "the file");
    if (change->before[0])
        printf(": %s", change->before);
    if (change->after[0])
        printf(" -> %s", change->after);
    printf("\n    %s\n", change->reason);
}

static void on_problem(void *data, const struct fv_problem *problem)
{
    struct migrate *migrate = data;
    if (migrate->found)
        fv_problems_to_json(migrate->found, problem);
    else
        fv_problems_print(&migrate->problems, problem);
}

static void print_end(const struct fv_config_options *o, const struct fv_config_migrated *migrated)
{
    const char *target = FV_SHOWN(o->output ? o->output : o->words[0]);
    printf("%u change%s, %u of them forced, %u note%s\n", migrated->changes,
           migrated->changes == 1 ? "" : "s", migrated->forced, migrated->notes,
           migrated->notes == 1 ? "" : "s");
    if (o->dry_run)
        printf("Nothing was written.\n");
    else if (!migrated->written)
        printf("%s is as it should be: nothing was written.\n", FV_SHOWN(o->words[0]));
    else
        printf("%s is written; the bytes before are in %s.\n"
               "Undo it with: fovea config rollback %s\n",
               target, FV_SHOWN(migrated->backup), target);
}

static void print_json(struct migrate *migrate, const struct fv_config_options *o,
                       const struct fv_config_migrated *migrated, const struct fv_error *err,
                       bool ok)
{
    const char *target = FV_SHOWN(o->output ? o->output : o->words[0]);
    const char *backup = FV_SHOWN(migrated->backup);
    json_t *root =
        json_pack("{s:b, s:s, s:s%, s:O, s:i, s:i, s:b, s:s%}", "ok", ok, "error",
                  ok ? "" : err->text, "file", target, strlen(target), "changes", migrate->changes,
                  "changed", (int)migrated->changes, "forced", (int)migrated->forced, "written",
                  migrated->written, "backup", backup, strlen(backup));
    if (root && !ok)
        json_object_update(root, migrate->found);
    if (root) {
        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(root);
}

static int exit_code(int r)
{
    return r == 0 ? FV_EXIT_OK : r == -EINVAL || r == -ENOMEM ? FV_EXIT_FAILED : FV_EXIT_USAGE;
}

int fv_config_run_migrate(const struct fv_config_options *o)
{
    struct migrate migrate = {.problems.out = stderr};
    struct fv_config_migrated migrated = {0};
    struct fv_error err = {0};
    if (o->count != 1)
        return fv_tool_usage("config", "migrate takes one file");
    if (o->json) {
        migrate.changes = json_array();
        migrate.found = fv_problems_json();
    }
    struct fv_config_migrate_params params = {
        .path = o->words[0],
        .output = o->output,
        .dry_run = o->dry_run,
        .stage = o->stage,
        .change = on_change,
        .problem = on_problem,
        .data = &migrate,
    };
    int r = fv_config_migrate(&params, &migrated, &err);
    if (r < 0)
        fprintf(stderr, "fovea config: %s\n", err.text);
    if (o->json)
        print_json(&migrate, o, &migrated, &err, r == 0);
    else if (r == 0)
        print_end(o, &migrated);
    json_decref(migrate.changes);
    json_decref(migrate.found);
    return exit_code(r);
}

int fv_config_run_rollback(const struct fv_config_options *o)
{
    struct fv_error err = {0};
    if (o->count != 1)
        return fv_tool_usage("config", "rollback takes one file");
    int r = fv_config_rollback(o->words[0], &err);
    if (r < 0) {
        fprintf(stderr, "fovea config: %s\n", err.text);
        return exit_code(r);
    }
    char *real = realpath(o->words[0], NULL); /* of a link, what it leads to was replaced */
    printf("%s is what it was before the migration; what it was until now, with all that was "
           "changed by hand since, is in %s.rolled-back.\n",
           FV_SHOWN(o->words[0]), FV_SHOWN(real ? real : o->words[0]));
    free(real);
    return FV_EXIT_OK;
}
