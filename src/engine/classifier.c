// SPDX-License-Identifier: Apache-2.0
/* The engine's classifier, as the configuration wants it: its model and what runs it, and the stage (classify.h). */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/impl.h"

/* fv-classify, fv-labels */
static void on_classify_thread(void *data)
{
    struct fv_engine *engine = data;
    fv_threads_enter(&engine->threads, FV_THREAD_PIPELINE);
}

/* fv-classify */
static void on_classify_fault(void *data, int code, const char *reason)
{
    struct fv_engine *engine = data;
    struct fv_error err;
    fv_error_set(&err, code, "the classifier: %s", reason);
    if (engine->job)
        engine->job->fault(engine->job->data, code, err.text);
    fv_log(FV_LOG_ERROR, "infer", "%s (%s)", err.text, fv_strerror(code));
}

/* Which of the detector's classes it is asked about. */
static int choose_classes(struct fv_engine *engine, struct fv_error *err)
{
    const struct fv_conf_strings *names = &engine->config->classifier.classes;
    const struct fv_model *model = engine->setup.model;
    engine->classified = fv_calloc(model->label_count, 1);
    if (!engine->classified)
        return fv_error_set(err, -ENOMEM, "out of memory");
    if (names->count == 0)
        memset(engine->classified, 1, model->label_count);
    for (unsigned i = 0; i < names->count; i++) {
        int index = fv_setup_class(model, names->items[i]);
        if (index < 0)
            return fv_error_set(err, -EINVAL,
                                "classifier.CLASSES: the detector has no class '%s' (it has %u "
                                "classes, from '%s' to '%s')",
                                names->items[i], model->label_count, model->labels[0],
                                model->labels[model->label_count - 1]);
        engine->classified[index] = 1;
    }
    return 0;
}

/* The detector reports none of them. */
static void tell_if_idle(const struct fv_engine *engine)
{
    const struct fv_conf_strings *reported = &engine->config->models.target_classes;
    for (unsigned i = 0; i < reported->count; i++) {
        int index = fv_setup_class(engine->setup.model, reported->items[i]);
        if (index >= 0 && engine->classified[index])
            return;
    }
    if (reported->count > 0)
        fv_log(FV_LOG_WARNING, "engine",
               "nothing is classified: none of classifier.CLASSES is among models.TARGET_CLASSES");
}

int fv_engine_open_classifier(struct fv_engine *engine, struct fv_error *err)
{
    const struct fv_config *config = engine->config;
    if (!config->classifier.model_path)
        return 0;
    int r = choose_classes(engine, err);
    if (r == 0)
        r = fv_setup_second(&engine->second, &engine->setup, config, err);
    if (r < 0)
        return r;
    tell_if_idle(engine);
    const struct fv_classify_params params = {
        .cameras = engine->cameras.room,
        .model = engine->second.model,
        .detector = engine->second.detector,
        .batch = engine->second.batch,
        .timeout = (int64_t)(config->processing.pipeline_queue_timeout_ms * (double)FV_MS),
        .wanted = engine->classified,
        .class_count = engine->setup.model->label_count,
        .interval = (int64_t)(config->classifier.interval_s * (double)FV_S),
        .min_size = (unsigned)config->classifier.min_size,
        .waits = engine->job && !engine->job->live,
        .began = on_classify_thread,
        .fault = on_classify_fault,
        .data = engine,
    };
    return fv_classify_create(&params, &engine->classify, err);
}

void fv_engine_close_classifier(struct fv_engine *engine)
{
    fv_classify_destroy(engine->classify);
    fv_setup_finish(&engine->second);
    fv_free(engine->classified);
}
