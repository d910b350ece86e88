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

/* An access unit that waited so long for its decoder is not decoded any more when a newer key picture waits. */
#define LATE (500 * FV_MS)

/* fv-ingest: an access unit is complete. */
static bool on_au(void *data, const struct fv_au *au)
{
    struct fv_engine *engine = data;
    return engine->receive_only || fv_decode_worker_push(engine->decode, au);
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
    fv_stills_offer(&engine->stills, picture);
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
    fv_log(FV_LOG_WARNING, "decode", "camera '%s': %s (%s)",
           fv_cameras_name(&engine->cameras, camera), reason, fv_strerror(code));
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

static struct fv_attribute attribute_of(const struct fv_sink_context *context,
                                        const struct fv_mark *mark)
{
    if (mark->label == 0 || mark->label > context->mark_count)
        return (struct fv_attribute){0};
    return (struct fv_attribute){context->marks[mark->label - 1], mark->score};
}

static void tell_frame(struct fv_engine *engine, const struct fv_result *result)
{
    struct fv_attribute attributes[FV_DETECTIONS_MAX];
    for (uint32_t i = 0; result->marked && i < result->count; i++)
        attributes[i] = attribute_of(&engine->sink_context, &result->marks[i]);
    struct fv_frame_event event = {
        .camera_name = fv_cameras_name(&engine->cameras, result->info.camera),
        .frame = result->info,
        .detections = result->detections,
        .detection_count = result->count,
        .labels = engine->sink_context.labels,
        .label_count = engine->sink_context.label_count,
        .classifier = engine->sink_context.classifier,
        .attributes = result->marked ? attributes : NULL,
    };
    engine->params.frame(engine->params.data, &event);
}

/* fv-result */
static void on_result(void *data, struct fv_result *result)
{
    struct fv_engine *engine = data;
    if (!engine->cameras.places[result->info.camera].used)
        return; /* a late picture of a camera that was removed */
    fv_analysis_track(engine->analysis, result);
    if (engine->classify && !fv_classify_result(engine->classify, result))
        return; /* of a file, and it is not to be analysed any further */
    fv_cameras_count(&engine->cameras, result, engine->setup.person);
    fv_profile_add(&engine->profile, &result->info.at);
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

int fv_engine_load(struct fv_engine *engine, struct fv_config_params *params,
                   struct fv_config **ret_config, struct fv_error *err)
{
    params->backend = engine->params.backend;
    struct fv_config *config = NULL;
    int r = fv_config_load(params, &config, err);
    if (r < 0)
        return r;
    if (engine->job && engine->job->adapt)
        r = engine->job->adapt(engine->job->data, config, err);
    if (r == 0 && engine->params.output_dir) {
        char *folder = fv_strdup(engine->params.output_dir);
        fv_free(config->output.dir);
        config->output.dir = folder;
        if (!folder)
            r = fv_error_set(err, -ENOMEM, "out of memory");
    }
    if (r < 0) {
        fv_config_free(config);
        return r;
    }
    *ret_config = config;
    return 0;
}

static int load_config(struct fv_engine *engine, const char *text, struct fv_error *err)
{
    struct fv_config_params params = {
        .path = engine->params.config_path,
        .text = text,
        .stand_in = engine->job && engine->job->stand_in,
        .problem = engine->params.problem,
        .data = engine->params.data,
    };
    return fv_engine_load(engine, &params, &engine->config, err);
}

int fv_engine_open_log(const struct fv_config *config, struct fv_error *err)
{
    int r = fv_log_set_file(config->app.log_file);
    if (r == 0)
        fv_log_set_level((enum fv_log_level)config->app.log_level);
    else
        return fv_error_set(err, r, "app.LOG_FILE '%s' cannot be opened: %s", config->app.log_file,
                            fv_strerror(r));
    return 0;
}

int fv_engine_make_analysis(struct fv_engine *engine, const struct fv_config *config,
                            const uint32_t *places, struct fv_analysis **ret_analysis,
                            struct fv_error *err)
{
    struct fv_analysis_params params = {.config = config,
                                        .model = engine->setup.model,
                                        .event = on_rule,
                                        .data = engine,
                                        .places = places,
                                        .room = engine->cameras.room};
    return fv_analysis_create(&params, ret_analysis, err);
}

static int open_pipeline(struct fv_engine *engine, struct fv_error *err)
{
    const struct fv_config *config = engine->config;
    struct fv_pipeline_params params = {
        .cameras = engine->cameras.room,
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
    params.keep_pictures |= engine->classify != NULL;
    if (is_offline(engine))
        params.per_camera = fv_engine_job_room(engine);
    if (is_offline(engine) && engine->job->repeatable) {
        params.timeout = FV_TIME_NEVER;
        params.idle = NULL; /* time is the file's */
        const unsigned surfaces = (unsigned)config->processing.nvdec_buffer_size;
        if (engine->setup.device && params.batch > surfaces)
            params.batch = surfaces; /* else the decoder waits for pictures that wait for it */
    }
    return fv_pipeline_create(&params, &engine->pipeline, err);
}

void fv_engine_choose(struct fv_engine *engine, const struct fv_config *config,
                      const struct fv_conf_camera *camera, uint32_t index)
{
    uint64_t interval = (uint64_t)config->processing.analysis_frame_interval *
                        (unsigned)(config->processing.frame_skip + 1) *
                        (unsigned)(camera->decode_mode ? camera->decode_mode : 1);
    const struct fv_decode_choice choice = {
        .keys_only = camera->decode_mode == 0,
        .interval = (unsigned)(interval < UINT32_MAX ? interval : UINT32_MAX),
        .gap = (int64_t)((double)FV_S / config->processing.target_fps),
    };
    fv_decode_worker_choose(engine->decode, index, &choice);
}

/* On the CPU what is late is what the CPU is too slow for: there the queue's bound is enough. */
static int64_t late_after(const struct fv_engine *engine)
{
    bool paced = !is_offline(engine) || engine->job->paced;
    return engine->setup.device && paced ? LATE : 0;
}

static int open_decode(struct fv_engine *engine, struct fv_error *err)
{
    void *shared = NULL;
    struct fv_decode_worker_params params = {
        .ops = engine->setup.device ? fv_device_decoder(engine->setup.device, &shared)
                                    : &fv_decoder_cpu,
        .cameras = engine->cameras.room,
        .queue_per_camera = (unsigned)engine->config->processing.max_queue_size,
        .interval = 1,
        .late = late_after(engine),
        .began = on_decode_thread,
        .picture = on_picture,
        .fault = on_decode_fault,
        .data = engine,
    };
    if (is_offline(engine) && !engine->job->paced) {
        params.queue_per_camera = fv_engine_job_room(engine);
        params.complete = true;
        params.served = engine->job->served ? on_served : NULL;
    }
    params.shared = shared;
    int r = fv_decode_worker_create(&params, &engine->decode, err);
    uint32_t index = 0; /* as fv_cameras_init() gave them */
    for (unsigned i = 0; r == 0 && i < engine->config->cameras.count; i++)
        if (engine->config->cameras.items[i].enabled)
            fv_engine_choose(engine, engine->config, &engine->config->cameras.items[i], index++);
    return r;
}

static int add_camera(struct fv_engine *engine, const struct fv_conf_camera *conf, uint32_t index,
                      struct fv_error *err)
{
    struct fv_camera_params params;
    fv_cameras_params(&engine->cameras, conf, index, &params);
    int r = fv_ingest_add(engine->ingest, &params, &engine->cameras.places[index].id);
    explicit_bzero(&params, sizeof(params));
    return r < 0 ? fv_error_set(err, r, "camera '%s' could not be added: %s", conf->name,
                                fv_strerror(r))
                 : 0;
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
    uint32_t index = 0; /* as fv_cameras_init() gave them */
    for (unsigned i = 0; r == 0 && i < config->cameras.count; i++)
        if (config->cameras.items[i].enabled)
            r = add_camera(engine, &config->cameras.items[i], index++, err);
    return r;
}

struct missing {
    struct fv_engine *engine;
    unsigned count;
};

static void on_missing(void *data, const struct fv_problem *problem)
{
    struct missing *missing = data;
    const struct fv_engine_params *params = &missing->engine->params;
    missing->count++;
    if (params->problem)
        params->problem(params->data, problem);
}

static void add_missing(struct missing *missing, const char *key, const struct fv_error *err)
{
    struct fv_problem problem = {.severity = FV_SEVERITY_ERROR,
                                 .code = "gpu_missing",
                                 .file = "",
                                 .key = key,
                                 .message = err->text,
                                 .fix = "see 'fovea doctor'"};
    on_missing(missing, &problem);
}

/* True when there is none, too. */
static bool classifier_loads(const struct fv_config *config, struct fv_error *err)
{
    struct fv_model *model = NULL;
    const char *path = config->classifier.model_path;
    int r = path ? fv_model_load_kind(path, true, &model, err) : 0;
    fv_model_free(model);
    return r == 0;
}

/* Names everything that is missing at once. What is missing although the GPU is there is said by who opens it. */
static int probe_gpu(struct fv_engine *engine, struct fv_error *err)
{
    const struct fv_gpu_params params = fv_device_params(engine->config);
    struct missing missing = {.engine = engine};
    struct fv_model *model = NULL;
    struct fv_error why = {0};
    char path[1024];
    if (fv_gpu_probe(&params, on_missing, &missing, err) == 0)
        return 0;
    unsigned of_gpu = missing.count;
    int r = fv_setup_model_path(engine->config, path, &why);
    if (r == 0)
        r = fv_model_load_kind(path, false, &model, &why);
    fv_model_free(model);
    if (r < 0)
        add_missing(&missing, "models.MODEL_PATH", &why);
    if (!classifier_loads(engine->config, &why))
        add_missing(&missing, "classifier.MODEL_PATH", &why);
    if (fv_setup_check_provider(engine->config, &why) < 0)
        add_missing(&missing, "models.INFERENCE_PROVIDER", &why);
    return missing.count == of_gpu ? -ENODEV : fv_gpu_missing(missing.count, err);
}

static int open_parts(struct fv_engine *engine, const char *text, struct fv_error *err)
{
    int r = load_config(engine, text, err);
    if (r < 0)
        return r;
    r = fv_engine_open_log(engine->config, err);
    if (r < 0)
        return r;
    fv_threads_init(&engine->threads, engine->config);
    engine->receive_only = !engine->config->processing.enable;
    if (engine->config->processing.profiling)
        engine->profile.every = (unsigned)engine->config->processing.profiling_sampling;
    if (engine->config->processing.backend == FV_BACKEND_GPU)
        r = probe_gpu(engine, err);
    if (r < 0)
        return r;
    r = fv_cameras_init(&engine->cameras, engine->config);
    if (r < 0)
        return fv_error_set(err, r, "out of memory");
    engine->setup.progress = engine->params.progress;
    engine->setup.data = engine->params.data;
    engine->setup.alarm = fv_engine_alarm(engine);
    r = fv_setup_init(&engine->setup, engine->config, err);
    if (engine->setup.device)
        engine->jpegs.gpu = fv_device_gpu(engine->setup.device);
    if (r == 0)
        r = fv_engine_make_analysis(engine, engine->config, NULL, &engine->analysis, err);
    if (r == 0)
        r = fv_engine_open_classifier(engine, err);
    if (r == 0)
        r = fv_engine_open_sinks(engine, err);
    if (r == 0)
        r = open_pipeline(engine, err);
    if (r == 0)
        r = open_decode(engine, err);
    return r < 0 || is_offline(engine) ? r : open_ingest(engine, err);
}

static int keep_text(const char *text, const char **ret_kept)
{
    *ret_kept = fv_strdup(text);
    return text && !*ret_kept ? -ENOMEM : 0;
}

/* Callbacks, and own copies of the texts: a reload needs them. */
static int keep_params(struct fv_engine *engine, const struct fv_engine_params *params)
{
    struct fv_engine_params *kept = &engine->params;
    *kept = *params;
    kept->config_text = NULL;
    int path = keep_text(params->config_path, &kept->config_path);
    int backend = keep_text(params->backend, &kept->backend);
    int output = keep_text(params->output_dir, &kept->output_dir);
    return path < 0 || backend < 0 || output < 0 ? -ENOMEM : 0;
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
    pthread_mutex_init(&engine->lock, NULL);
    fv_stills_init(&engine->stills);
    fv_jpeg_maker_init(&engine->jpegs, NULL);
    engine->job = job;
    int r = keep_params(engine, params);
    r = r < 0 ? fv_error_set(err, r, "out of memory")
              : open_parts(engine, params->config_text, err);
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
    int r = engine->classify ? fv_classify_start(engine->classify, err) : 0;
    if (r == 0)
        r = fv_pipeline_start(engine->pipeline, err);
    if (r < 0)
        return r;
    engine->started_at = fv_now();
    engine->started = true;
    fv_log(FV_LOG_INFO, "engine", "%s starts with %u cameras", engine->config->app.name,
           engine->cameras.count);
    r = fv_engine_failure(engine, err);
    if (r == 0 && engine->ingest)
        r = fv_ingest_start(engine->ingest, err);
    if (r < 0)
        fv_engine_stop(engine);
    return r;
}

void fv_engine_enter(struct fv_engine *engine)
{
    if (engine->setup.device)
        fv_gpu_enter(fv_device_gpu(engine->setup.device), NULL);
}

/* Along the data's way: what a stage hands on finds the next one still there. */
void fv_engine_stop(struct fv_engine *engine)
{
    if (!engine->started || engine->stopped)
        return;
    engine->stopped = true;
    fv_engine_enter(engine);
    atomic_store(&engine->alive, false);
    if (engine->classify)
        fv_classify_cancel(engine->classify);
    fv_stills_end(&engine->stills);
    if (engine->ingest)
        fv_ingest_stop(engine->ingest);
    fv_decode_worker_stop(engine->decode);
    fv_pipeline_stop(engine->pipeline);
    if (engine->classify)
        fv_classify_stop(engine->classify);
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
    fv_engine_enter(engine);
    fv_ingest_destroy(engine->ingest);
    fv_decode_worker_destroy(engine->decode);
    fv_pipeline_destroy(engine->pipeline);
    fv_engine_close_classifier(engine);
    for (unsigned i = 0; i < engine->sink_count; i++)
        fv_sink_close(engine->sinks[i]);
    fv_areas_destroy(engine->drawn);
    fv_analysis_destroy(engine->analysis);
    fv_jpeg_maker_finish(&engine->jpegs);
    fv_stills_finish(&engine->stills);
    fv_setup_finish(&engine->setup);
    fv_cameras_finish(&engine->cameras);
    if (engine->config && engine->config->app.log_file)
        fv_log_set_file(NULL);
    fv_config_free(engine->config);
    fv_free((void *)(uintptr_t)engine->params.config_path);
    fv_free((void *)(uintptr_t)engine->params.backend);
    fv_free((void *)(uintptr_t)engine->params.output_dir);
    pthread_mutex_destroy(&engine->lock);
    fv_free(engine);
}
