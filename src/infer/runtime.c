// SPDX-License-Identifier: Apache-2.0
#include "infer/runtime.h"

#include <errno.h>
#include <string.h>

#define REGISTERED_MAX 4

static const struct fv_runtime_ops *const built_in[] = {&fv_runtime_ort_cpu};
static const struct fv_runtime_ops *registered[REGISTERED_MAX];
static unsigned registered_count;

const struct fv_runtime_ops *fv_runtime_find(const char *name)
{
    for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
        if (strcmp(built_in[i]->name, name) == 0)
            return built_in[i];
    for (unsigned i = 0; i < registered_count; i++)
        if (strcmp(registered[i]->name, name) == 0)
            return registered[i];
    return NULL;
}

int fv_runtime_register(const struct fv_runtime_ops *ops)
{
    if (!ops->name || fv_runtime_find(ops->name))
        return -EINVAL;
    if (registered_count == REGISTERED_MAX)
        return -ENOBUFS;
    registered[registered_count++] = ops;
    return 0;
}
