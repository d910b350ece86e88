// SPDX-License-Identifier: Apache-2.0
/* What the subcommands of `fovea config` share. */
#ifndef FV_TOOLS_CONFIG_H
#define FV_TOOLS_CONFIG_H

#include <stdbool.h>

#include "fovea/config.h"

struct fv_config_options {
    char **words; /* behind the subcommand's name */
    int count;
    const char *backend, *config, *output; /* NULL: not given */
    bool json, machine, defaults, dry_run;
    unsigned stage; /* 0: not given */
};

/* Each returns an enum fv_exit. */
int fv_config_run_check(const struct fv_config_options *o);    /* config_check.c */
int fv_config_run_show(const struct fv_config_options *o);     /* config_show.c */
int fv_config_run_migrate(const struct fv_config_options *o);  /* config_migrate.c */
int fv_config_run_rollback(const struct fv_config_options *o); /* config_migrate.c */

#endif
