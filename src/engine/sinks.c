// SPDX-License-Identifier: Apache-2.0
/* What is written: as the configuration says, or as a job does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "engine/impl.h"

#define QUEUE 256
#define SNAPSHOT_QUEUE 8  /* each item holds a decoded picture */
#define SNAPSHOTS_KEPT 20 /* per camera */

/* What there is to write, by whoever wants it. */
struct wish {
    const char *events, *tracks, *pictures; /* NULL: none */
    bool replace;                           /* earlier events go */
    unsigned interval, keep;                /* of pictures */
};

static int make_folder(const char *path, struct fv_error *err)
{
    char part[1024];
    if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part))
        return fv_error_set(err, -EINVAL, "output.OUTPUT_DIR is longer than %zu characters",
                            sizeof(part) - 1);
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != 0)
            continue;
        char end = *at;
        *at = 0;
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return fv_error_set(err, -errno, "the output folder '%s' cannot be made: %s", part,
                                strerror(errno));
        if (end == 0)
            return 0;
        *at = end;
    }
}

static int add_sink(struct fv_engine *engine, const struct fv_sink_ops *ops, const void *config,
                    unsigned queue, struct fv_error *err)
{
    int r = fv_sink_open(ops, &engine->sink_context, config, queue,
                         &engine->sinks[engine->sink_count], err);
    if (r == 0)
        engine->sink_count++;
    return r;
}

static int open_events(struct fv_engine *engine, const struct wish *wish, struct fv_error *err)
{
    const struct fv_config *config = engine->config;
    struct fv_sink_jsonl_config jsonl = {.path = wish->events, .replace = wish->replace};
    if (!wish->replace) /* what a job writes is one file */
        jsonl.rotation = (struct fv_rotation){
            .max_bytes = (uint64_t)(config->output.events_max_mb * (1 << 20)),
            .max_age = (int64_t)(config->output.events_max_hours * 3600 * (double)FV_S),
            .keep = (unsigned)config->output.events_keep,
        };
    int r = add_sink(engine, &fv_sink_jsonl, &jsonl, QUEUE, err);
    if (r == 0)
        engine->events = engine->sinks[engine->sink_count - 1];
    return r;
}

static struct fv_overlay_style style_of(const struct fv_config *config)
{
    return (struct fv_overlay_style){
        .detections = config->visualization.show_detections,
        .tracking = config->visualization.show_tracking,
        .trails = config->visualization.show_trails,
        .fps = config->visualization.show_fps,
        .labels = config->visualization.show_labels,
        .confidence = config->visualization.show_confidence,
        .track_ids = config->visualization.show_track_ids,
        .box_thickness = config->visualization.box_thickness,
        .text_thickness = config->visualization.text_thickness,
        .text_scale = config->visualization.text_scale,
        .trail_length = (unsigned)config->visualization.trail_length,
        .trace_length = (unsigned)config->visualization.trace_length,
        .inactive = (int64_t)(config->tracking.inactive_s * (double)FV_S),
        .persistence = (int64_t)(config->tracking.persistence_s * (double)FV_S),
    };
}

static unsigned add_areas(struct fv_overlay_area *items, const struct fv_conf_areas *areas)
{
    for (unsigned i = 0; i < areas->count; i++)
        items[i] = (struct fv_overlay_area){
            .name = areas->items[i].name,
            .points = (const double(*)[2])areas->items[i].points,
            .point_count = areas->items[i].point_count,
            .mask = areas->items[i].mask,
        };
    return areas->count;
}

static const struct fv_conf_areas *zones_of(const struct fv_config *config, unsigned camera)
{
    const struct fv_conf_camera *own = &config->cameras.items[camera];
    return own->zones.given ? &own->zones : &config->cameras.zones;
}

static const struct fv_conf_areas *lines_of(const struct fv_config *config, unsigned camera)
{
    const struct fv_conf_camera *own = &config->cameras.items[camera];
    return own->lines.given ? &own->lines : &config->cameras.lines;
}

/* `cameras` has `room` entries, `items` one for each area; both point into the configuration afterwards. */
static void list_areas(const struct fv_config *config, const uint32_t *places,
                       struct fv_overlay_areas *cameras, struct fv_overlay_area *items)
{
    unsigned used = 0, nth = 0;
    for (unsigned i = 0; i < config->cameras.count; i++) {
        if (!config->cameras.items[i].enabled)
            continue;
        struct fv_overlay_area *first = items + used;
        unsigned count = add_areas(first, zones_of(config, i));
        count += add_areas(first + count, lines_of(config, i));
        cameras[places ? places[nth] : nth] =
            (struct fv_overlay_areas){config->cameras.items[i].name, first, count};
        nth++;
        used += count;
    }
}

int fv_engine_make_sheet(const struct fv_engine *engine, const struct fv_config *config,
                         const uint32_t *places, struct fv_areas_sheet **ret_sheet)
{
    unsigned all = 0;
    for (unsigned i = 0; i < config->cameras.count; i++)
        all += zones_of(config, i)->count + lines_of(config, i)->count;
    struct fv_overlay_areas *cameras = fv_calloc(engine->cameras.room, sizeof(*cameras));
    struct fv_overlay_area *items = fv_calloc(all + 1, sizeof(*items));
    int r = -ENOMEM;
    if (cameras && items) {
        list_areas(config, places, cameras, items);
        r = fv_areas_sheet_create(cameras, engine->cameras.room, ret_sheet);
    }
    fv_free(cameras);
    fv_free(items);
    return r;
}

static int draw_areas(struct fv_engine *engine)
{
    struct fv_areas_sheet *sheet = NULL;
    int r = fv_areas_create(&engine->drawn);
    if (r == 0)
        r = fv_engine_make_sheet(engine, engine->config, NULL, &sheet);
    if (r == 0)
        fv_areas_turn(engine->drawn, sheet);
    return r;
}

static int open_pictures(struct fv_engine *engine, const struct wish *wish, struct fv_error *err)
{
    const struct fv_config *config = engine->config;
    int r = draw_areas(engine);
    if (r < 0)
        return fv_error_set(err, r, "out of memory");
    const struct fv_sink_snapshot_config snapshot = {
        .folder = wish->pictures,
        .interval = wish->interval,
        .quality = (unsigned)config->output.jpeg_quality,
        .keep = wish->keep,
        .min_score = 0, /* what is not published does not get here */
        .style = style_of(config),
        .areas = engine->drawn,
    };
    r = make_folder(wish->pictures, err);
    return r < 0 ? r : add_sink(engine, &fv_sink_snapshot, &snapshot, SNAPSHOT_QUEUE, err);
}

static int open_wished(struct fv_engine *engine, const struct wish *wish, struct fv_error *err)
{
    int r = wish->events ? open_events(engine, wish, err) : 0;
    if (r == 0 && wish->tracks) {
        const struct fv_sink_mot_config mot = {.path = wish->tracks};
        r = add_sink(engine, &fv_sink_mot, &mot, QUEUE, err);
    }
    return r == 0 && wish->pictures ? open_pictures(engine, wish, err) : r;
}

static int open_configured(struct fv_engine *engine, struct fv_error *err)
{
    const struct fv_config *config = engine->config;
    const char *folder = config->output.dir;
    char events[1200], pictures[1200];
    snprintf(events, sizeof(events), "%s/events.jsonl", folder);
    snprintf(pictures, sizeof(pictures), "%s/snapshots", folder);
    const struct wish wish = {
        .events = config->output.save_detections ? events : NULL,
        .pictures = config->output.save_frames ? pictures : NULL,
        .interval = (unsigned)config->output.frame_save_interval,
        .keep = SNAPSHOTS_KEPT,
    };
    int r = wish.events || wish.pictures ? make_folder(folder, err) : 0;
    return r < 0 ? r : open_wished(engine, &wish, err);
}

/* fv-result */
static int on_fetch(void *data, const struct fv_picture *picture, struct fv_picture **ret_copy,
                    struct fv_error *err)
{
    return fv_device_fetch(data, picture, ret_copy, err);
}

int fv_engine_open_sinks(struct fv_engine *engine, struct fv_error *err)
{
    const struct fv_engine_job *job = engine->job;
    engine->sink_context = (struct fv_sink_context){
        .camera_names = engine->cameras.names,
        .camera_count = engine->cameras.room,
        .labels = (const char *const *)engine->setup.model->labels,
        .label_count = engine->setup.model->label_count,
        .offline = job && !job->live,
        .start = job ? job->start : 0,
        .fetch = engine->setup.device ? on_fetch : NULL,
        .fetch_data = engine->setup.device,
    };
    if (engine->classify) {
        engine->sink_context.classifier = engine->second.model->name;
        engine->sink_context.marks = (const char *const *)engine->second.model->labels;
        engine->sink_context.mark_count = engine->second.model->label_count;
    }
    if (!job)
        return open_configured(engine, err);
    const struct wish wish = {
        .events = job->events,
        .tracks = job->tracks,
        .pictures = job->pictures,
        .replace = true,
        .interval = job->interval,
    };
    return open_wished(engine, &wish, err);
}
