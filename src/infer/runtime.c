// SPDX-License-Identifier: Apache-2.0
#include "infer/runtime.h"

#include <errno.h>
#include <string.h>

#define REGISTERED_MAX 4

static const struct fv_runtime_ops *const built_in[] = {
    &fv_runtime_ort_cpu, &fv_runtime_ort_cuda, &fv_runtime_ort_tensorrt, &fv_runtime_ort_rtx};
static const struct fv_runtime_ops *registered[REGISTERED_MAX];
static unsigned registered_count;

static const struct fv_runtime_ops *find_registered(const char *name)
{
    for (unsigned i = 0; i < registered_count; i++)
        if (strcmp(registered[i]->name, name) == 0)
            return registered[i];
    return NULL;
}

const struct fv_runtime_ops *fv_runtime_find(const char *name)
{
    const struct fv_runtime_ops *ops = find_registered(name);
    for (size_t i = 0; !ops && i < sizeof(built_in) / sizeof(built_in[0]); i++)
        if (strcmp(built_in[i]->name, name) == 0)
            ops = built_in[i];
    return ops;
}

int fv_runtime_register(const struct fv_runtime_ops *ops)
{
    if (!ops->name || find_registered(ops->name))
        return -EINVAL;
    if (registered_count == REGISTERED_MAX)
        return -ENOBUFS;
    registered[registered_count++] = ops;
    return 0;
}
