// SPDX-License-Identifier: Apache-2.0
/* When the GPU is lost, or something copies pictures to the host: told at once, and by setting the end. */
#include <errno.h>

#include "engine/impl.h"

static void end(struct fv_engine *engine, int code, const char *reason)
{
    int none = 0;
    if (!atomic_compare_exchange_strong(&engine->failure, &none, code))
        return;
    if (atomic_load(&engine->alive) && engine->params.failed)
        engine->params.failed(engine->params.data, code, reason);
}

/* On whichever thread met it. */
static void on_lost(void *data, const char *reason)
{
    struct fv_engine *engine = data;
    fv_log(FV_LOG_ERROR, "gpu", "the GPU is lost: %s: %s", reason,
           engine->loss_ends || atomic_load(&engine->opening)
               ? "only a new process can use it again"
               : "nothing is analysed any more (ON_GPU_LOSS is \"stay\")");
    if (engine->loss_ends || atomic_load(&engine->opening))
        end(engine, -ENODEV, reason);
}

static void on_tripped(void *data, const char *reason)
{
    struct fv_engine *engine = data;
    if (!atomic_exchange(&engine->tripped, true)) /* the others are counted */
        fv_log(FV_LOG_ERROR, "gpu", "%s", reason);
    if (engine->trip_ends)
        end(engine, -EPROTO, reason);
}

struct fv_gpu_alarm fv_engine_alarm(struct fv_engine *engine)
{
    engine->loss_ends = engine->config->processing.gpu_loss_ends;
    engine->trip_ends = engine->config->processing.pixel_copy_ends;
    atomic_store(&engine->opening, true);
    atomic_store(&engine->alive, true);
    return (struct fv_gpu_alarm){.lost = on_lost, .tripped = on_tripped, .data = engine};
}

int fv_engine_failure(struct fv_engine *engine, struct fv_error *err)
{
    atomic_store(&engine->opening, false);
    int code = atomic_load(&engine->failure);
    if (code == -ENODEV)
        fv_error_set(err, code, "the GPU was lost during the start");
    else if (code < 0)
        fv_error_set(err, code, "a picture was copied from the GPU to the host during the start");
    return code;
}
