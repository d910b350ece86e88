// SPDX-License-Identifier: Apache-2.0
/*
 * A changed configuration while the engine runs. First everything that can fail: reading, judging, the new detector and analysis,
 * the cameras' new connections, held back. Then the change itself, which cannot fail:
 *
 *   ingest lets go of cameras -> decoders forget them -> between two batches the detector changes -> on the result thread the
 *   analysis changes -> the new connections begin
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/impl.h"

enum move { STAYS, REVISED, COMES };

/* A camera of the new configuration. */
struct camera {
    const struct fv_conf_camera *conf, *before; /* before: as it was; NULL: it is new */
    const char *name;                           /* kept */
    enum move move;
    uint32_t index, id; /* id: in ingest, of a new one, held there while `held` */
    bool held;
    bool revised; /* ingest works with the new settings */
};

struct note {
    struct fv_list link;
    bool restart;
    char key[100], what[500];
};

struct reload {
    struct fv_engine *engine;
    struct fv_config *config;
    struct camera *cameras; /* count */
    unsigned count;
    uint32_t *places; /* count */
    bool *taken;      /* room: indexes that the new configuration uses */
    struct fv_analysis *analysis;
    struct fv_areas_sheet *sheet; /* what pictures show */
    struct fv_pipeline_change change;
    struct fv_list notes;
    int failure; /* sticky: -ENOMEM */
};

static void note(struct reload *re, bool restart, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void note(struct reload *re, bool restart, const char *key, const char *format, ...)
{
    struct note *note = FV_NEW(struct note);
    if (!note) {
        re->failure = -ENOMEM;
        return;
    }
    note->restart = restart;
    snprintf(note->key, sizeof(note->key), "%s", key);
    va_list args;
    va_start(args, format);
    vsnprintf(note->what, sizeof(note->what), format, args);
    va_end(args);
    fv_list_append(&re->notes, &note->link);
}

/* --- which camera goes where ---------------------------------------------------------------------------------- */

static const struct fv_conf_camera *find_before(const struct fv_config *config, const char *name)
{
    for (unsigned i = 0; i < config->cameras.count; i++)
        if (config->cameras.items[i].enabled && !strcmp(config->cameras.items[i].name, name))
            return &config->cameras.items[i];
    return NULL;
}

static int allocate(struct reload *re)
{
    unsigned room = re->engine->cameras.room;
    for (unsigned i = 0; i < re->config->cameras.count; i++)
        re->count += re->config->cameras.items[i].enabled;
    re->cameras = fv_calloc(re->count + 1, sizeof(re->cameras[0]));
    re->places = fv_calloc(re->count + 1, sizeof(re->places[0]));
    re->taken = fv_calloc(room, sizeof(re->taken[0]));
    return re->cameras && re->places && re->taken ? 0 : -ENOMEM;
}

/* Those that are there keep their index. */
static void place_known(struct reload *re)
{
    const struct fv_config *config = re->config;
    struct camera *camera = re->cameras;
    for (unsigned i = 0; i < config->cameras.count; i++) {
        const struct fv_conf_camera *conf = &config->cameras.items[i];
        if (!conf->enabled)
            continue;
        int64_t index = fv_cameras_find(&re->engine->cameras, conf->name);
        *camera = (struct camera){.conf = conf, .move = COMES};
        if (index >= 0) {
            camera->before = find_before(re->engine->config, conf->name);
            camera->move = fv_conf_same_connection(conf, camera->before) ? STAYS : REVISED;
            camera->index = (uint32_t)index;
            re->taken[index] = true;
        }
        camera++;
    }
}

static int place_new(struct reload *re, struct fv_error *err)
{
    struct fv_cameras *cameras = &re->engine->cameras;
    for (unsigned i = 0; i < re->count; i++) {
        struct camera *camera = &re->cameras[i];
        if (camera->move == COMES) {
            int64_t index = fv_cameras_free_index(cameras, re->taken);
            if (index < 0)
                return fv_error_set(err, -ENOBUFS,
                                    "there is no room for so many new cameras without a restart: "
                                    "%u at one time",
                                    cameras->room);
            camera->index = (uint32_t)index;
            re->taken[index] = true;
        }
        camera->name = fv_cameras_keep_name(cameras, camera->conf->name);
        if (!camera->name)
            return fv_error_set(err, -ENOMEM, "out of memory");
        re->places[i] = camera->index;
    }
    return 0;
}

/* --- what is told afterwards ---------------------------------------------------------------------------------- */

static void on_difference(void *data, const struct fv_conf_difference *difference)
{
    note(data, !difference->live, difference->key, "%s -> %s", difference->before,
         difference->after);
}

/* A camera's own areas, or those of all. */
static const struct fv_conf_areas *zones_of(const struct fv_config *config,
                                            const struct fv_conf_camera *camera)
{
    return camera->zones.given ? &camera->zones : &config->cameras.zones;
}

static const struct fv_conf_areas *lines_of(const struct fv_config *config,
                                            const struct fv_conf_camera *camera)
{
    return camera->lines.given ? &camera->lines : &config->cameras.lines;
}

static void note_camera(struct reload *re, const struct camera *camera)
{
    static const char key[] = "cameras.RTSP_STREAMS";
    const struct fv_config *before = re->engine->config;
    const char *name = camera->conf->name;
    if (camera->move == COMES) {
        note(re, false, key, "camera '%s' is new", name);
        return;
    }
    if (camera->move == REVISED && !fv_conf_same_stream(camera->conf, camera->before))
        note(re, false, key, "camera '%s' reconnects", name);
    else if (camera->move == REVISED)
        note(re, false, key, "camera '%s' has other deadlines or backoff", name);
    if (camera->conf->decode_mode != camera->before->decode_mode)
        note(re, false, key, "camera '%s' decodes otherwise", name);
    int zones =
        fv_conf_same_areas(zones_of(re->config, camera->conf), zones_of(before, camera->before));
    int lines =
        fv_conf_same_areas(lines_of(re->config, camera->conf), lines_of(before, camera->before));
    if (zones < 0 || lines < 0)
        re->failure = -ENOMEM;
    else if (!zones || !lines)
        note(re, false, key, "camera '%s' has other zones or lines", name);
}

static int note_all(struct reload *re, struct fv_error *err)
{
    const struct fv_cameras *cameras = &re->engine->cameras;
    const struct fv_conf_differ differ = {on_difference, re};
    int r = fv_conf_settle(re->config, re->engine->config, &differ);
    for (unsigned i = 0; i < re->count; i++)
        note_camera(re, &re->cameras[i]);
    for (uint32_t i = 0; i < cameras->count; i++)
        if (cameras->places[i].used && !re->taken[i])
            note(re, false, "cameras.RTSP_STREAMS", "camera '%s' is gone", cameras->names[i]);
    return r < 0 || re->failure < 0 ? fv_error_set(err, -ENOMEM, "out of memory") : 0;
}

/* --- what can fail -------------------------------------------------------------------------------------------- */

static bool same_classes(const struct fv_conf_strings *a, const struct fv_conf_strings *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

static int make_detector(struct reload *re, struct fv_error *err)
{
    const struct fv_config *before = re->engine->config;
    bool same = fv_analysis_threshold(re->config) == fv_analysis_threshold(before) &&
                re->config->models.iou == before->models.iou &&
                same_classes(&re->config->models.target_classes, &before->models.target_classes);
    return same ? 0 : fv_setup_detector(&re->engine->setup, re->config, &re->change.detector, err);
}

static int make_sheet(struct reload *re, struct fv_error *err)
{
    if (!re->engine->drawn)
        return 0;
    int r = fv_engine_make_sheet(re->engine, re->config, re->places, &re->sheet);
    return r < 0 ? fv_error_set(err, r, "out of memory") : 0;
}

static int hold_connections(struct reload *re, struct fv_error *err)
{
    struct fv_engine *engine = re->engine;
    for (unsigned i = 0; i < re->count; i++) {
        struct camera *camera = &re->cameras[i];
        if (camera->move != COMES)
            continue;
        struct fv_camera_params params;
        fv_cameras_params(&engine->cameras, camera->conf, camera->index, &params);
        params.held = true;
        int r = fv_ingest_add(engine->ingest, &params, &camera->id);
        explicit_bzero(&params, sizeof(params));
        if (r < 0)
            return fv_error_set(err, r, "camera '%s' cannot be used: %s", camera->conf->name,
                                fv_strerror(r));
        camera->held = true;
    }
    return 0;
}

static int revise(struct fv_engine *engine, const struct fv_conf_camera *conf, uint32_t index)
{
    struct fv_camera_params params;
    fv_cameras_params(&engine->cameras, conf, index, &params);
    int r = fv_ingest_change(engine->ingest, engine->cameras.places[index].id, &params);
    explicit_bzero(&params, sizeof(params));
    return r;
}

/* The last thing that can fail: it begins to act. What was done is undone. */
static int revise_connections(struct reload *re, struct fv_error *err)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < re->count; i++) {
        struct camera *camera = &re->cameras[i];
        if (camera->move != REVISED)
            continue;
        r = revise(re->engine, camera->conf, camera->index);
        camera->revised = r == 0;
        if (r < 0)
            fv_error_set(err, r, "camera '%s' cannot be used: %s", camera->conf->name,
                         fv_strerror(r));
    }
    for (unsigned i = 0; r < 0 && i < re->count; i++) {
        const struct camera *camera = &re->cameras[i];
        if (camera->revised && revise(re->engine, camera->before, camera->index) < 0)
            fv_log(FV_LOG_ERROR, "engine", "camera '%s' keeps its new settings: out of memory",
                   camera->conf->name);
    }
    return r;
}

static int prepare(struct reload *re, const struct fv_reload_params *params, struct fv_error *err)
{
    struct fv_config_params config = {.path = params->config_path,
                                      .text = params->config_text,
                                      .problem = params->problem,
                                      .data = params->data};
    if (!config.path && !config.text)
        config.path = re->engine->params.config_path;
    if (!config.path && !config.text)
        return fv_error_set(err, -EINVAL, "the engine was not opened with a file");
    int r = fv_engine_load(re->engine, &config, &re->config, err);
    if (r < 0)
        return r;
    if (allocate(re) < 0)
        return fv_error_set(err, -ENOMEM, "out of memory");
    place_known(re);
    r = place_new(re, err);
    if (r == 0)
        r = note_all(re, err);
    if (r == 0)
        r = make_detector(re, err);
    if (r == 0)
        r = fv_engine_make_analysis(re->engine, re->config, re->places, &re->analysis, err);
    if (r == 0)
        r = make_sheet(re, err);
    if (r == 0)
        r = hold_connections(re, err);
    if (r == 0)
        r = fv_engine_open_log(re->config, err);
    if (r == 0)
        r = revise_connections(re, err);
    if (r < 0 && re->config)
        (void)fv_engine_open_log(re->engine->config, NULL);
    return r;
}

/* --- what cannot ---------------------------------------------------------------------------------------------- */

/* Nothing of the connection comes after this. */
static void disconnect(struct fv_engine *engine, uint32_t index)
{
    pthread_mutex_lock(&engine->lock);
    fv_engine_carry_ingest(engine, index);
    pthread_mutex_unlock(&engine->lock);
    int r = fv_ingest_remove(engine->ingest, engine->cameras.places[index].id);
    if (r < 0)
        fv_log(FV_LOG_ERROR, "engine", "camera '%s' could not be removed: %s",
               fv_cameras_name(&engine->cameras, index), fv_strerror(r));
    fv_decode_worker_forget(engine->decode, index);
}

static void disconnect_gone(struct reload *re)
{
    struct fv_engine *engine = re->engine;
    for (uint32_t i = 0; i < engine->cameras.count; i++)
        if (engine->cameras.places[i].used && !re->taken[i])
            disconnect(engine, i);
}

/* The old configuration is given back in re->config. */
static void take_places(struct reload *re)
{
    struct fv_engine *engine = re->engine;
    for (unsigned i = 0; i < re->count; i++) {
        const struct camera *camera = &re->cameras[i];
        fv_engine_choose(engine, re->config, camera->conf, camera->index);
        if (camera->move == COMES)
            fv_pipeline_forget(engine->pipeline, camera->index);
        if (camera->move == COMES && engine->classify)
            fv_classify_forget(engine->classify, camera->index);
    }
    pthread_mutex_lock(&engine->lock);
    for (unsigned i = 0; i < re->count; i++) {
        const struct camera *camera = &re->cameras[i];
        if (camera->move == COMES) {
            fv_cameras_occupy(&engine->cameras, camera->index, camera->name);
            fv_engine_carry_decode(engine, camera->index);
            engine->cameras.places[camera->index].id = camera->id;
        }
    }
    struct fv_config *before = engine->config;
    engine->config = re->config;
    re->config = before;
    pthread_mutex_unlock(&engine->lock);
}

/* fv-result, between two results. */
static void change_analysis(void *data)
{
    struct reload *re = data;
    struct fv_engine *engine = re->engine;
    struct fv_analysis *before = engine->analysis;
    fv_analysis_take_over(re->analysis, before);
    if (engine->drawn)
        re->sheet = fv_areas_turn(engine->drawn, re->sheet);
    pthread_mutex_lock(&engine->lock);
    for (uint32_t i = 0; i < engine->cameras.count; i++) {
        if (!engine->cameras.places[i].used || re->taken[i])
            continue;
        fv_engine_carry_analysis(engine, before, i);
        fv_cameras_vacate(&engine->cameras, i);
    }
    engine->analysis = re->analysis;
    pthread_mutex_unlock(&engine->lock);
    re->analysis = before;
}

static void commit(struct reload *re)
{
    struct fv_engine *engine = re->engine;
    disconnect_gone(re);
    take_places(re);
    re->change.result = change_analysis;
    re->change.data = re;
    if (re->change.detector)
        engine->setup.detector = re->change.detector;
    fv_pipeline_change(engine->pipeline, &re->change);
    for (unsigned i = 0; i < re->count; i++) {
        if (re->cameras[i].held)
            fv_ingest_release(engine->ingest, re->cameras[i].id);
        re->cameras[i].held = false;
    }
}

static void tell(const struct reload *re, const struct fv_reload_params *params)
{
    FV_LIST_FOR (it, &re->notes) {
        const struct note *note = FV_CONTAINER(it, struct note, link);
        if (params->change)
            params->change(params->data,
                           &(struct fv_reload_change){note->restart, note->key, note->what});
        else
            fv_log(note->restart ? FV_LOG_WARNING : FV_LOG_INFO, "engine", "reload: %s: %s%s",
                   note->key, note->what, note->restart ? " (needs a restart)" : "");
    }
}

static void finish(struct reload *re)
{
    for (unsigned i = 0; re->cameras && i < re->count; i++)
        if (re->cameras[i].held)
            fv_ingest_remove(re->engine->ingest, re->cameras[i].id);
    fv_detector_destroy(re->change.detector);
    fv_analysis_destroy(re->analysis);
    fv_areas_sheet_destroy(re->sheet);
    FV_LIST_FOR (it, &re->notes)
        fv_free(FV_CONTAINER(it, struct note, link));
    fv_free(re->cameras);
    fv_free(re->places);
    fv_free(re->taken);
    fv_config_free(re->config);
}

int fv_engine_reload(struct fv_engine *engine, const struct fv_reload_params *params,
                     struct fv_error *err)
{
    if (engine->stopped)
        return fv_error_set(err, -EPROTO, "the engine was stopped");
    struct reload re = {.engine = engine};
    fv_list_init(&re.notes);
    fv_engine_enter(engine);
    int r = prepare(&re, params, err);
    if (r == 0) {
        commit(&re);
        tell(&re, params);
    }
    finish(&re);
    return r;
}
