// SPDX-License-Identifier: Apache-2.0
/* `fovea run` and its configuration: judged before the start, and read again on SIGHUP. */
#ifndef FV_TOOLS_RELOAD_H
#define FV_TOOLS_RELOAD_H

#include "fovea/engine.h"
#include "guard.h"
#include "live.h"

struct fv_run {
    const char *config, *backend, *output; /* as on the command line */
    struct fv_engine *engine;
    struct fv_live *live; /* NULL: no table */
    int signals;
    bool terminal; /* standard output was one at the start */
    struct fv_guard guard;
};

/* Prints what there is to say about the file on this machine. FV_EXIT_OK, or why there is no start. */
int fv_run_check(const struct fv_run *run);
/* Prints what became of it. A file with errors changes nothing. */
void fv_run_reload(struct fv_run *run);

#endif
