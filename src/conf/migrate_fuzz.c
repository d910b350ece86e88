// SPDX-License-Identifier: Apache-2.0
/* Any text through migration: refused with a reason, or a file that checks clean and stays as it is
 * when it is migrated again. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/migrate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_change(void *data, const struct fv_config_change *change)
{
    if (!change->reason[0] || !change->key || !change->before || !change->after)
        abort();
}

static void count(void *data, const struct fv_problem *problem)
{
    *(unsigned *)data += problem->severity == FV_SEVERITY_ERROR;
}

static int check(const char *text, size_t size)
{
    struct fv_config_params params = {.name = "x"};
    struct fv_judge how = {.params = &params, .text = text, .size = size};
    return fv_conf_judge(&how, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *first = NULL, *second = NULL;
    size_t length = 0, again = 0;
    unsigned errors = 0;
    struct fv_error err = {0};
    struct fv_config_migrated migrated = {0};
    struct fv_migrate_text params = {.name = "x",
                                     .text = size ? (const char *)data : "",
                                     .size = size,
                                     .stage = size % 4,
                                     .change = on_change,
                                     .problem = count,
                                     .data = &errors};
    int r = fv_migrate_text(&params, &first, &length, &migrated, &err);
    if (r < 0 && (!err.text[0] || r != -EINVAL))
        abort();
    if (r < 0)
        return 0;
    params.text = first;
    params.size = length;
    if (check(first, length) != 0 ||
        fv_migrate_text(&params, &second, &again, &migrated, &err) != 0 || migrated.changes != 0 ||
        again != length || memcmp(first, second, length) != 0)
        abort();
    fv_free(first);
    fv_free(second);
    return 0;
}
