// SPDX-License-Identifier: Apache-2.0
#include "engine/threads.h"

#include "base/error.h"
#include "base/log.h"

void fv_threads_init(struct fv_threads *threads, const struct fv_config *config)
{
    *threads = (struct fv_threads){
        .pin = config->processing.use_thread_affinity,
        .pipeline = (enum fv_priority)config->processing.thread_priority,
        .decoder = (enum fv_priority)config->processing.decoder_thread_priority,
    };
}

static const char *word(enum fv_priority priority)
{
    return priority == FV_PRIORITY_REALTIME ? "REALTIME"
           : priority == FV_PRIORITY_HIGH   ? "HIGH"
                                            : "NORMAL";
}

static void raise_priority(enum fv_priority wanted, const char *setting, atomic_bool *told)
{
    int code = fv_thread_set_priority(wanted);
    if (code < 0 && !atomic_exchange(told, true))
        fv_log(FV_LOG_WARNING, "engine",
               "%s \"%s\" is not permitted (%s): these threads run at normal priority; grant "
               "CAP_SYS_NICE (container: --cap-add SYS_NICE) or set it to \"NORMAL\"",
               setting, word(wanted), fv_strerror(code));
}

static void pin(struct fv_threads *threads)
{
    int code = fv_thread_pin(atomic_fetch_add(&threads->entered, 1));
    if (code < 0 && !atomic_exchange(&threads->told_pin, true))
        fv_log(FV_LOG_WARNING, "engine",
               "USE_THREAD_AFFINITY is not permitted (%s): threads run on any core; allow "
               "sched_setaffinity or set it to false",
               fv_strerror(code));
}

void fv_threads_enter(struct fv_threads *threads, enum fv_thread_role role)
{
    if (role == FV_THREAD_DECODER)
        raise_priority(threads->decoder, "DECODER_THREAD_PRIORITY", &threads->told_decoder);
    else
        raise_priority(threads->pipeline, "THREAD_PRIORITY", &threads->told_pipeline);
    if (threads->pin)
        pin(threads);
}
