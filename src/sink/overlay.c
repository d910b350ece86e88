// SPDX-License-Identifier: Apache-2.0
#include "sink/overlay.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sink/trails.h"

#define TRACKS 64      /* trails of a camera */
#define POINTS_MAX 256 /* of a trail, whatever is set */
#define TICK 14        /* length of a line's arrow, times the scale */
#define RATE_OVER FV_S /* the rate is told by the pictures of so long */
#define RATE_PICTURES 64

/* When the last analysed pictures of a camera were: noted before they are drawn, as trails are. */
struct pace {
    struct {
        uint64_t number;
        int64_t time;
    } pictures[RATE_PICTURES];
    unsigned next, count;
};

struct fv_overlay {
    const struct fv_sink_context *context;
    struct fv_overlay_style style;
    struct fv_trails *trails;
    struct fv_areas *areas; /* NULL: none */
    pthread_mutex_t lock;
    struct pace *paces; /* by camera; under lock */
};

/* --- life ----------------------------------------------------------------------------------------- */

static unsigned at_most(unsigned value, unsigned limit)
{
    return value < limit ? value : limit;
}

int fv_overlay_create(const struct fv_sink_context *context, const struct fv_overlay_style *style,
                      struct fv_areas *areas, struct fv_overlay **ret_overlay)
{
    struct fv_overlay *overlay = FV_NEW(struct fv_overlay);
    if (!overlay)
        return -ENOMEM;
    pthread_mutex_init(&overlay->lock, NULL);
    overlay->context = context;
    overlay->style = *style;
    overlay->areas = areas;
    overlay->style.trail_length = at_most(style->trail_length, POINTS_MAX);
    overlay->style.trace_length = at_most(style->trace_length, POINTS_MAX);
    const unsigned longer = overlay->style.trail_length > overlay->style.trace_length
                                ? overlay->style.trail_length
                                : overlay->style.trace_length;
    const struct fv_trails_params trails = {.cameras = context->camera_count,
                                            .tracks = style->trails ? TRACKS : 0,
                                            .points = longer + 1};
    int r = fv_trails_create(&trails, &overlay->trails);
    overlay->paces = fv_calloc(context->camera_count + 1, sizeof(*overlay->paces));
    if (r < 0 || !overlay->paces) {
        fv_overlay_destroy(overlay);
        return -ENOMEM;
    }
    *ret_overlay = overlay;
    return 0;
}

void fv_overlay_destroy(struct fv_overlay *overlay)
{
    if (!overlay)
        return;
    fv_trails_destroy(overlay->trails);
    fv_free(overlay->paces);
    pthread_mutex_destroy(&overlay->lock);
    fv_free(overlay);
}

static void note_pace(struct pace *pace, const struct fv_frame_info *info)
{
    pace->pictures[pace->next].number = info->number;
    pace->pictures[pace->next].time =
        info->at.last_packet != FV_TIME_UNKNOWN ? info->at.last_packet : info->at.event;
    pace->next = (pace->next + 1) % RATE_PICTURES;
    pace->count += pace->count < RATE_PICTURES;
}

void fv_overlay_note(struct fv_overlay *overlay, const struct fv_result *result)
{
    pthread_mutex_lock(&overlay->lock);
    note_pace(&overlay->paces[result->info.camera], &result->info);
    pthread_mutex_unlock(&overlay->lock);
    fv_trails_note(overlay->trails, result);
}

/* --- zones and lines ------------------------------------------------------------------------------- */

struct drawing {
    const struct fv_overlay *overlay;
    const struct fv_canvas *canvas;
    struct fv_pen pen;
};

static struct fv_spot spot_of(const struct fv_canvas *canvas, double x, double y)
{
    return (struct fv_spot){(int)lround(x * canvas->width), (int)lround(y * canvas->height)};
}

/* A short arrow from the middle of a line to its side B: the way of a_to_b. */
static void draw_direction(const struct drawing *drawing, struct fv_spot a, struct fv_spot b,
                           struct fv_ink ink)
{
    const double dx = b.x - a.x, dy = b.y - a.y, length = hypot(dx, dy);
    if (length < 1)
        return;
    const double reach = TICK * drawing->pen.scale / length, head = reach / 3;
    const struct fv_spot middle = {(a.x + b.x) / 2, (a.y + b.y) / 2};
    const struct fv_spot tip = {middle.x + (int)lround(-dy * reach),
                                middle.y + (int)lround(dx * reach)};
    fv_draw_line(drawing->canvas, middle, tip, drawing->pen.line, ink);
    for (int side = -1; side <= 1; side += 2) {
        const struct fv_spot wing = {tip.x + (int)lround(dy * head + side * dx * head),
                                     tip.y + (int)lround(-dx * head + side * dy * head)};
        fv_draw_line(drawing->canvas, tip, wing, drawing->pen.line, ink);
    }
}

static int within(int value, int high)
{
    return value < 0 ? 0 : value > high ? high : value;
}

static void draw_area(void *data, const struct fv_overlay_area *area)
{
    const struct drawing *drawing = data;
    const struct fv_canvas *canvas = drawing->canvas;
    const bool line = area->point_count == 2;
    const struct fv_ink ink = line         ? fv_ink_rgb(255, 80, 60)
                              : area->mask ? fv_ink_rgb(150, 150, 150)
                                           : fv_ink_rgb(90, 220, 120);
    const unsigned sides = line ? 1 : area->point_count;
    for (unsigned i = 0; i < sides; i++) {
        const double *p = area->points[i], *q = area->points[(i + 1) % area->point_count];
        const struct fv_spot from = spot_of(canvas, p[0], p[1]), to = spot_of(canvas, q[0], q[1]);
        fv_draw_line(canvas, from, to, drawing->pen.line, ink);
        if (line)
            draw_direction(drawing, from, to, ink);
    }
    const struct fv_spot first = spot_of(canvas, area->points[0][0], area->points[0][1]);
    const struct fv_spot at = {within(first.x, canvas->width - 1),
                               within(first.y, canvas->height - 1)};
    fv_draw_label(canvas, &drawing->pen, at, area->name, ink);
}

/* --- trails ---------------------------------------------------------------------------------------- */

static void draw_trail(void *data, const struct fv_trail *trail)
{
    const struct drawing *drawing = data;
    const struct fv_overlay_style *style = &drawing->overlay->style;
    const bool inactive = trail->unseen > style->inactive;
    const unsigned most = inactive ? style->trace_length : style->trail_length;
    if (trail->unseen < 0 || trail->unseen > style->persistence)
        return;
    const struct fv_ink ink = fv_ink_class((uint16_t)(trail->track % 10));
    for (unsigned i = trail->count > most + 1 ? trail->count - most : 1; i < trail->count; i++) {
        const struct fv_trail_point *a = &trail->points[i - 1], *b = &trail->points[i];
        fv_draw_line(drawing->canvas, spot_of(drawing->canvas, (double)a->x, (double)a->y),
                     spot_of(drawing->canvas, (double)b->x, (double)b->y),
                     inactive ? 1 : drawing->pen.line, ink);
    }
}

/* --- boxes ----------------------------------------------------------------------------------------- */

static void make_label(const struct fv_overlay *overlay, const struct fv_detection *d, char *label,
                       size_t size)
{
    const struct fv_overlay_style *style = &overlay->style;
    const char *blank = "";
    size_t used = 0;
    label[0] = 0;
    if (style->labels) {
        if (d->class_id < overlay->context->label_count)
            used += (size_t)snprintf(label, size, "%.28s", overlay->context->labels[d->class_id]);
        else
            used += (size_t)snprintf(label, size, "class %u", d->class_id);
        blank = " ";
    }
    if (style->track_ids && d->track) {
        used += (size_t)snprintf(label + used, size - used, "%s#%" PRIu64, blank, d->track);
        blank = " ";
    }
    if (style->confidence)
        snprintf(label + used, size - used, "%s%.2f", blank, (double)d->score);
}

static bool is_drawn(const struct fv_overlay_style *style, const struct fv_detection *d)
{
    return style->detections || (style->tracking && d->track);
}

/* From the worst to the best, so that the best labels lie on top. */
static void draw_boxes(const struct drawing *drawing, const struct fv_result *result,
                       float min_score)
{
    for (uint32_t i = result->count; i-- > 0;) {
        const struct fv_detection *d = &result->detections[i];
        char label[96];
        if (d->score < min_score || !is_drawn(&drawing->overlay->style, d))
            continue;
        make_label(drawing->overlay, d, label, sizeof(label));
        fv_draw_detection(drawing->canvas, &drawing->pen, d, label);
    }
}

/* Analysed pictures a second, over the last second; 0: not known. */
static double rate_of(const struct pace *pace, uint64_t number)
{
    int64_t newest = 0, oldest = 0;
    unsigned seen = 0;
    for (unsigned i = 1; i <= pace->count && (seen == 0 || newest - oldest < RATE_OVER); i++) {
        const unsigned at = (pace->next + RATE_PICTURES - i) % RATE_PICTURES;
        if (pace->pictures[at].number > number)
            continue;
        oldest = pace->pictures[at].time;
        if (seen++ == 0)
            newest = oldest;
    }
    return newest > oldest ? (seen - 1) * (double)FV_S / (double)(newest - oldest) : 0;
}

static void draw_rate(const struct drawing *drawing, double rate)
{
    char text[32];
    if (rate <= 0)
        return;
    snprintf(text, sizeof(text), "%.1f/s", rate);
    fv_draw_label(drawing->canvas, &drawing->pen, (struct fv_spot){0, 0}, text,
                  fv_ink_rgb(255, 255, 255));
}

void fv_overlay_draw(struct fv_overlay *overlay, const struct fv_canvas *canvas,
                     const struct fv_result *result, float min_score)
{
    const struct fv_overlay_style *style = &overlay->style;
    const uint32_t camera = result->info.camera;
    struct drawing drawing = {
        overlay, canvas,
        fv_pen_of(canvas, style->box_thickness, style->text_scale, style->text_thickness)};
    if (overlay->areas)
        fv_areas_visit(overlay->areas, camera, fv_sink_camera_name(overlay->context, camera),
                       draw_area, &drawing);
    if (style->trails)
        fv_trails_visit(overlay->trails, &result->info, draw_trail, &drawing);
    draw_boxes(&drawing, result, min_score);
    pthread_mutex_lock(&overlay->lock);
    const double rate = rate_of(&overlay->paces[camera], result->info.number);
    pthread_mutex_unlock(&overlay->lock);
    if (style->fps)
        draw_rate(&drawing, rate);
}
