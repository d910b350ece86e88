// SPDX-License-Identifier: Apache-2.0
/* Any text as a configuration: an answer, findings that are complete, nothing leaked. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(void *data, const struct fv_problem *problem)
{
    unsigned *errors = data;
    *errors += problem->severity == FV_SEVERITY_ERROR;
    if (!problem->code[0] || !problem->message[0] ||
        (problem->caret && strlen(problem->excerpt) + 1 < problem->caret))
        abort();
    if (problem->severity == FV_SEVERITY_ERROR && !problem->fix[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned errors = 0;
    struct fv_config *config = NULL;
    char *text = fv_strndup((const char *)data, size);
    struct fv_config_params params = {.text = text, .problem = judge, .data = &errors};
    int r = fv_config_load(&params, &config, NULL);
    if ((r == 0) != (errors == 0) || (r == 0) != (config != NULL))
        abort();
    fv_config_free(config);
    fv_free(text);
    return 0;
}
