// SPDX-License-Identifier: Apache-2.0
#include "fovea/engine.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "engine/impl.h"
#include "engine/rules.h"
#include "gpu/probe.h"

/* fv-ingest: an access unit is complete. */
static bool on_au(void *data, const struct fv_au *au)
{
    struct fv_engine *engine = data;
    return fv_decode_worker_push(engine->decode, au);
}

/* fv-ingest */
static void on_state(void *data, const struct fv_camera_event *event)
{
    struct fv_engine *engine = data;
    bool fault = event->code < 0 && event->code != -ECANCELED;
    enum fv_log_level level = fault ? FV_LOG_WARNING : FV_LOG_INFO;
    fv_log(level, "ingest", "camera '%s': %s -> %s: %s", event->camera_name,
           fv_camera_state_name(event->from), fv_camera_state_name(event->to), event->reason);
    if (engine->params.camera)
        engine->params.camera(engine->params.data, event);
}

/* fv-decode */
static void on_picture(void *data, struct fv_picture *picture)
{
    struct fv_engine *engine = data;
    if (engine->job && engine->job->picture)
        engine->job->picture(engine->job->data);
    fv_pipeline_put(engine->pipeline, picture);
}

/* fv-decode */
static void on_served(void *data, uint32_t camera)
{
    struct fv_engine *engine = data;
    engine->job->served(engine->job->data);
}

/* fv-decode */
static void on_decode_fault(void *data, uint32_t camera, int code, const char *reason)
{
    struct fv_engine *engine = data;
    fv_log(FV_LOG_WARNING, "decode", "camera '%s': %s (%s)", engine->cameras.names[camera], reason,
           fv_strerror(code));
    if (engine->job && code != -EBADMSG) /* only this access unit: it is counted */
        engine->job->fault(engine->job->data, code, reason);
}

/* fv-infer */
static void on_infer_fault(void *data, int code, const char *reason)
{
    struct fv_engine *engine = data;
    if (engine->job)
        engine->job->fault(engine->job->data, code, reason);
    fv_log(FV_LOG_ERROR, "infer", "%s (%s)", reason, fv_strerror(code));
}

static void tell_frame(struct fv_engine *engine, const struct fv_result *result)
{
    struct fv_frame_event event = {
        .camera_name = engine->cameras.names[result->info.camera],
        .frame = result->info,
        .detections = result->detections,
        .detection_count = result->count,
        .labels = engine->sink_context.labels,
        .label_count = engine->sink_context.label_count,
    };
    engine->params.frame(engine->params.data, &event);
}

/* fv-result */
static void on_result(void *data, struct fv_result *result)
{
    struct fv_engine *engine = data;
    fv_analysis_track(engine->analysis, result);
    fv_cameras_count(&engine->cameras, result, engine->setup.person);
    for (unsigned i = 0; i < engine->sink_count; i++)
        fv_sink_put(engine->sinks[i], result);
    if (engine->params.frame)
        tell_frame(engine, result);
    fv_analysis_judge(engine->analysis, result);
    if (engine->job && engine->job->result)
        engine->job->result(engine->job->data, result);
}

static bool is_offline(const struct fv_engine *engine)
{
    return engine->job && !engine->job->live;
}

/* fv-result */
static void on_rule(void *data, const struct fv_zone_event *zone_event)
{
    struct fv_engine *engine = data;
    for (unsigned i = 0; i < engine->sink_count; i++)
        fv_sink_put_rule(engine->sinks[i], zone_event);
    if (!engine->params.rule)
        return;
    struct fv_rule_class counts[FV_RULE_COUNTS_MAX];
    struct fv_rule_event event = fv_rule_event_of(&engine->sink_context, zone_event, counts);
    engine->params.rule(engine->params.data, &event);
}

/* fv-result */
static void on_idle(void *data)
{
    struct fv_engine *engine = data;
    fv_analysis_idle(engine->analysis, fv_now());
}

/* fv-result */
static void on_ended(void *data)
{
    struct fv_engine *engine = data;
    fv_analysis_stop(engine->analysis);
}

/* fv-ingest, fv-infer, fv-result */
static void on_pipeline_thread(void *data)
{
    struct fv_engine *engine = data;
    fv_threads_enter(&engine->threads, FV_THREAD_PIPELINE);
}

/* fv-decode */
static void on_decode_thread(void *data)
{
    struct fv_engine *engine = data;
    fv_threads_enter(&engine->threads, FV_THREAD_DECODER);
}

static int load_config(struct fv_engine *engine, struct fv_error *err)
{
    const struct fv_engine_params *params = &engine->params;
    struct fv_config_params config = {
        .path = params->config_path,
        .text = params->config_text,
        .backend = params->backend,
        .problem = params->problem,
        .data = params->data,
    };
    int r = fv_config_load(&config, &engine->config, err);
    if (r == 0 && engine->job && engine->job->adapt)
        r = engine->job->adapt(engine->job->data, engine->config, err);
    if (r < 0 || !params->output_dir)
        return r;
    char *folder = fv_strdup(params->output_dir);
    if (!folder)
        return fv_error_set(err, -ENOMEM, "out of memory");
    fv_free(engine->config->output.dir);
    engine->config->output.dir = folder;
    return 0;
}

static int open_log(const struct fv_config *config, struct fv_error *err)
{
    fv_log_set_level((enum fv_log_level)config->app.log_level);
    int r = fv_log_set_file(config->app.log_file);
    if (r < 0)
        return fv_error_set(err, r, "app.LOG_FILE '%s' cannot be opened: %s", config->app.log_file,
                            fv_strerror(r));
    return 0;
}

static int open_analysis(struct fv_engine *engine, struct fv_error *err)
{
    struct fv_analysis_params params = {
        .config = engine->config, .model = engine->setup.model, .event = on_rule, .data = engine};
    return fv_analysis_create(&params, &engine->analysis, err);
}

static int open_pipeline(struct fv_engine *engine, struct fv_error *err)
{
    const struct fv_config *config = engine->config;
    struct fv_pipeline_params params = {
        .cameras = engine->cameras.count,
        .batch = engine->setup.batch,
        .per_camera = (unsigned)config->processing.nvdec_buffer_size,
        .timeout = (int64_t)(config->processing.pipeline_queue_timeout_ms * (double)FV_MS),
        .keep_pictures = config->output.save_frames,
        .model = engine->setup.model,
        .detector = engine->setup.detector,
        .began = on_pipeline_thread,
        .result = on_result,
        .idle = on_idle,
        .ended = on_ended,
        .fault = on_infer_fault,
        .data = engine,
    };
    if (engine->job)
        params.keep_pictures = engine->job->pictures != NULL;
    if (is_offline(engine))
        params.per_camera = fv_engine_job_room(engine);
    if (is_offline(engine) && engine->job->repeatable) {
        params.timeout = FV_TIME_NEVER;
        params.idle = NULL; /* time is the file's */
    }
    return fv_pipeline_create(&params, &engine->pipeline, err);
}

static struct fv_decode_choice choice_of(const struct fv_config *config,
                                         const struct fv_conf_camera *camera)
{
    uint64_t interval = (uint64_t)config->processing.analysis_frame_interval *
                        (unsigned)(config->processing.frame_skip + 1) *
                        (unsigned)(camera->decode_mode ? camera->decode_mode : 1);
    return (struct fv_decode_choice){
        .keys_only = camera->decode_mode == 0,
        .interval = (unsigned)(interval < UINT32_MAX ? interval : UINT32_MAX),
        .gap = (int64_t)((double)FV_S / config->processing.target_fps),
    };
}

static int open_decode(struct fv_engine *engine, struct fv_error *err)
{
    void *shared = NULL;
    struct fv_decode_worker_params params = {
        .ops = engine->setup.device ? fv_device_decoder(engine->setup.device, &shared)
                                    : &fv_decoder_cpu,
        .cameras = engine->cameras.count,
        .queue_per_camera = (unsigned)engine->config->processing.max_queue_size,
        .interval = 1,
        .began = on_decode_thread,
        .picture = on_picture,
        .fault = on_decode_fault,
        .data = engine,
    };
    if (is_offline(engine)) {
        params.queue_per_camera = fv_engine_job_room(engine);
        params.served = engine->job->served ? on_served : NULL;
    }
    params.shared = shared;
    int r = fv_decode_worker_create(&params, &engine->decode, err);
    for (unsigned i = 0, id = 0; r == 0 && i < engine->config->cameras.count; i++) {
        const struct fv_conf_camera *camera = &engine->config->cameras.items[i];
        struct fv_decode_choice choice = choice_of(engine->config, camera);
        if (camera->enabled)
            fv_decode_worker_choose(engine->decode, id++, &choice);
    }
    return r;
}

static int open_ingest(struct fv_engine *engine, struct fv_error *err)
{
    const struct fv_config *config = engine->config;
    struct fv_ingest_params params = {
        .gather = (int64_t)(config->cameras.gather_ms * (double)FV_MS),
        .connect_rate = (unsigned)config->cameras.connect_rate_per_s,
        .connects_per_host = (unsigned)config->cameras.connects_per_host,
        .handler = {.au = on_au, .state = on_state, .began = on_pipeline_thread, .data = engine},
    };
    int r = fv_ingest_create(&params, &engine->ingest, err);
    for (uint32_t i = 0; r == 0 && i < engine->cameras.count; i++) {
        uint32_t id = 0; /* counts from 0, as the cameras do */
        r = fv_ingest_add(engine->ingest, &engine->cameras.params[i], &id);
        if (r < 0)
            fv_error_set(err, r, "camera '%s' could not be added: %s", engine->cameras.names[i],
                         fv_strerror(r));
    }
    return r;
}

/* Names everything that is missing at once. */
static int probe_gpu(struct fv_engine *engine, struct fv_error *err)
{
    const struct fv_gpu_params params = fv_device_params(engine->config);
    return fv_gpu_probe(&params, engine->params.problem, engine->params.data, err);
}

static int open_parts(struct fv_engine *engine, struct fv_error *err)
{
    int r = load_config(engine, err);
    if (r < 0)
        return r;
    r = open_log(engine->config, err);
    if (r < 0)
        return r;
    fv_threads_init(&engine->threads, engine->config);
    if (engine->config->processing.backend == FV_BACKEND_GPU)
        r = probe_gpu(engine, err);
    if (r < 0)
        return r;
    r = fv_cameras_init(&engine->cameras, engine->config);
    if (r < 0)
        return fv_error_set(err, r, "out of memory");
    engine->setup.progress = engine->params.progress;
    engine->setup.data = engine->params.data;
    r = fv_setup_init(&engine->setup, engine->config, err);
    if (r == 0)
        r = open_analysis(engine, err);
    if (r == 0)
        r = fv_engine_open_sinks(engine, err);
    if (r == 0)
        r = open_pipeline(engine, err);
    if (r == 0)
        r = open_decode(engine, err);
    return r < 0 || is_offline(engine) ? r : open_ingest(engine, err);
}

int fv_engine_open(const struct fv_engine_params *params, struct fv_engine **ret_engine,
                   struct fv_error *err)
{
    return fv_engine_open_job(params, NULL, ret_engine, err);
}

int fv_engine_open_job(const struct fv_engine_params *params, const struct fv_engine_job *job,
                       struct fv_engine **ret_engine, struct fv_error *err)
{
    struct fv_engine *engine = FV_NEW(struct fv_engine);
    if (!engine)
        return fv_error_set(err, -ENOMEM, "out of memory");
    engine->params = *params;
    engine->job = job;
    int r = open_parts(engine, err);
    /* The borrowed texts were only needed here. */
    engine->params.config_path = engine->params.config_text = NULL;
    engine->params.backend = engine->params.output_dir = NULL;
    if (r < 0) {
        fv_engine_close(engine);
        return r;
    }
    *ret_engine = engine;
    return 0;
}

int fv_engine_start(struct fv_engine *engine, struct fv_error *err)
{
    if (engine->started)
        return fv_error_set(err, -EPROTO, "the engine was started before");
    int r = fv_pipeline_start(engine->pipeline, err);
    if (r < 0)
        return r;
    engine->started_at = fv_now();
    engine->started = true;
    fv_log(FV_LOG_INFO, "engine", "%s starts with %u cameras", engine->config->app.name,
           engine->cameras.count);
    if (engine->ingest)
        r = fv_ingest_start(engine->ingest, err);
    if (r < 0)
        fv_engine_stop(engine);
    return r;
}

/* Along the data's way: what a stage hands on finds the next one still there. */
void fv_engine_stop(struct fv_engine *engine)
{
    if (!engine->started || engine->stopped)
        return;
    engine->stopped = true;
    if (engine->ingest)
        fv_ingest_stop(engine->ingest);
    fv_decode_worker_stop(engine->decode);
    fv_pipeline_stop(engine->pipeline);
    for (unsigned i = 0; i < engine->sink_count; i++)
        fv_sink_stop(engine->sinks[i]);
}

void fv_engine_finish(struct fv_engine *engine)
{
    if (!engine->started || engine->stopped)
        return;
    fv_decode_worker_finish(engine->decode);
    fv_pipeline_finish(engine->pipeline);
    fv_engine_stop(engine);
}

void fv_engine_close(struct fv_engine *engine)
{
    if (!engine)
        return;
    fv_engine_stop(engine);
    fv_ingest_destroy(engine->ingest);
    fv_decode_worker_destroy(engine->decode);
    fv_pipeline_destroy(engine->pipeline);
    for (unsigned i = 0; i < engine->sink_count; i++)
        fv_sink_close(engine->sinks[i]);
    fv_analysis_destroy(engine->analysis);
    fv_setup_finish(&engine->setup);
    fv_cameras_finish(&engine->cameras);
    if (engine->config && engine->config->app.log_file)
        fv_log_set_file(NULL);
    fv_config_free(engine->config);
    fv_free(engine);
}
