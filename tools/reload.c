// SPDX-License-Identifier: Apache-2.0
#include "reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fovea/doctor.h"
#include "problems.h"
#include "receive.h"
#include "tool.h"

/* What was found; errors about the GPU, and about files that are not there, have exit codes of their own. */
struct found {
    struct fv_problems problems;
    unsigned gpu, missing;
};

static void on_problem(void *data, const struct fv_problem *problem)
{
    struct found *found = data;
    /* Whether threads may have their priority is told by the engine, when it tries. */
    if (problem->severity == FV_SEVERITY_WARNING && strcmp(problem->code, "not_permitted") == 0)
        return;
    found->gpu += strcmp(problem->code, "gpu_missing") == 0;
    found->missing += strcmp(problem->code, "missing_file") == 0;
    fv_problems_print(&found->problems, problem);
}

static int check(const struct fv_run *run, struct found *found, struct fv_error *err)
{
    *found = (struct found){.problems.out = stderr};
    const struct fv_machine_params params = {.path = run->config,
                                             .backend = run->backend,
                                             .output_dir = run->output,
                                             .problem = on_problem,
                                             .data = found};
    return fv_config_check_machine(&params, err);
}

int fv_run_check(const struct fv_run *run)
{
    struct found found;
    struct fv_error err = {0};
    int r = check(run, &found, &err);
    if (r == 0)
        return FV_EXIT_OK;
    unsigned absent = found.gpu + found.missing;
    bool gpu = r == -EINVAL && found.gpu > 0 && absent == found.problems.errors;
    if (gpu)
        fprintf(stderr,
                "fovea run: GPU-only mode (the default) cannot start: %u thing%s missing. There is "
                "no silent fallback to the CPU: ask for it with --backend cpu\n",
                absent, absent == 1 ? " is" : "s are");
    else
        fprintf(stderr, "fovea run: %s\n", err.text);
    bool missing = r == -EINVAL && found.missing > 0 && found.missing == found.problems.errors;
    return gpu                                       ? FV_EXIT_NODEV
           : r == -ENOENT || r == -EACCES || missing ? FV_EXIT_USAGE
                                                     : FV_EXIT_FAILED;
}

struct changes {
    unsigned applied, restart;
};

static void on_change(void *data, const struct fv_reload_change *change)
{
    struct changes *changes = data;
    if (change->needs_restart)
        changes->restart++;
    else
        changes->applied++;
    fprintf(stderr, "fovea run: reload: %s: %s%s\n", change->key, change->what,
            change->needs_restart ? " (needs a restart)" : "");
}

static void adapt(struct fv_run *run)
{
    struct fv_engine_stats stats;
    fv_engine_stats(run->engine, &stats);
    fv_tool_descriptors("run", 64 + 3 * stats.camera_count, 64 + stats.camera_count);
    if (run->live && !fv_live_resize(run->live, stats.camera_count))
        fprintf(stderr, "fovea run: out of memory: new cameras are not in the table\n");
}

void fv_run_reload(struct fv_run *run)
{
    struct found found;
    struct changes changes = {0};
    struct fv_error err = {0};
    const struct fv_reload_params params = {.change = on_change, .data = &changes};
    if (run->live)
        fv_live_leave(run->live);
    fv_guard_begin(&run->guard);
    int r = check(run, &found, &err);
    if (r == 0)
        r = fv_engine_reload(run->engine, &params, &err);
    fv_guard_end(&run->guard);
    if (r < 0) {
        fprintf(stderr, "fovea run: reload refused, everything goes on as it was: %s\n", err.text);
        return;
    }
    fprintf(stderr, "fovea run: reloaded %s: %u change%s, %u setting%s a restart\n",
            FV_SHOWN(run->config), changes.applied, changes.applied == 1 ? "" : "s",
            changes.restart, changes.restart == 1 ? " needs" : "s need");
    adapt(run);
}
