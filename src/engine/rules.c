// SPDX-License-Identifier: Apache-2.0
#include "engine/rules.h"

#include <errno.h>

#include "engine/setup.h"

static int64_t seconds(double s)
{
    return (int64_t)(s * (double)FV_S);
}

/* One zone or line on its way to its rules. */
struct making {
    struct fv_rules *rules;
    const struct fv_conf_area *area;
    uint16_t *classes; /* of the area */
    struct fv_error *err;
};

/* The next rule, with what all rules of an area have in common; NULL when there are too many. */
static struct fv_rule_params *add(const struct making *in, enum fv_rule_kind kind)
{
    const struct fv_conf_area *area = in->area;
    if (in->rules->count == FV_RULES_MAX)
        return NULL;
    struct fv_rule_params *rule = &in->rules->items[in->rules->count++];
    *rule = fv_rule_defaults(kind);
    rule->name = area->name;
    rule->points = (const double(*)[2])area->points;
    rule->point_count = area->point_count;
    rule->anchor = (enum fv_anchor)area->anchor;
    rule->inertia = seconds(area->inertia_ms / 1000);
    rule->margin = area->margin;
    rule->filter = (struct fv_rule_filter){
        .classes = in->classes,
        .class_count = area->classes.count,
        .min_score = (float)area->min_score,
        .min_size = (float)area->min_size,
        .max_size = (float)area->max_size,
    };
    return rule;
}

static bool add_dwell(const struct making *in)
{
    struct fv_rule_params *rule = add(in, FV_RULE_DWELL);
    if (rule)
        rule->dwell.threshold = seconds(in->area->dwell_s);
    return rule;
}

static bool add_crowd(const struct making *in)
{
    struct fv_rule_params *rule = add(in, FV_RULE_CROWD);
    if (rule)
        rule->crowd = (struct fv_rule_crowd){.limit = (uint32_t)in->area->crowd_limit,
                                             .slack = (uint32_t)in->area->crowd_slack,
                                             .hold = seconds(in->area->crowd_s),
                                             .update = seconds(in->area->crowd_update_s)};
    return rule;
}

static bool add_direction(const struct making *in)
{
    struct fv_rule_params *rule = add(in, FV_RULE_DIRECTION);
    if (rule)
        rule->direction = (struct fv_rule_direction){.angle = in->area->direction_deg,
                                                     .tolerance = in->area->direction_tolerance_deg,
                                                     .distance = in->area->direction_distance};
    return rule;
}

static bool add_count(const struct making *in)
{
    struct fv_rule_params *rule = add(in, FV_RULE_COUNT);
    if (rule)
        rule->count.interval = seconds(in->area->count_s);
    return rule;
}

/* Where it stands is a matter of its place, not of a border: the rule's own anchor, inertia and margin stay. */
static bool add_stationary(const struct making *in)
{
    struct fv_rule_params *rule = add(in, FV_RULE_STATIONARY);
    if (!rule)
        return false;
    const struct fv_rule_params fixed = fv_rule_defaults(FV_RULE_STATIONARY);
    rule->anchor = fixed.anchor;
    rule->inertia = fixed.inertia;
    rule->margin = fixed.margin;
    rule->stationary = (struct fv_rule_stationary){.after = seconds(in->area->stationary_s),
                                                   .forget = seconds(in->area->stationary_forget_s),
                                                   .radius = in->area->stationary_radius,
                                                   .suppress = in->area->stationary_suppress};
    return true;
}

static bool add_zone(const struct making *in)
{
    const struct fv_conf_area *area = in->area;
    return (!area->mask || add(in, FV_RULE_MASK)) &&
           (!area->enter_exit || add(in, FV_RULE_ENTER)) && (area->dwell_s <= 0 || add_dwell(in)) &&
           (area->crowd_limit < 0 || add_crowd(in)) &&
           (area->direction_deg < 0 || add_direction(in)) &&
           (area->count_s <= 0 || add_count(in)) && (area->stationary_s <= 0 || add_stationary(in));
}

static bool add_line(const struct making *in)
{
    return add(in, FV_RULE_LINE) && (in->area->count_s <= 0 || add_count(in));
}

static int find_classes(const struct making *in, const struct fv_model *model)
{
    for (unsigned i = 0; i < in->area->classes.count; i++) {
        const char *text = in->area->classes.items[i];
        int index = fv_setup_class(model, text);
        if (index < 0)
            return fv_error_set(in->err, -EINVAL,
                                "CLASSES of '%s': the model has no class '%s' (it has %u classes, "
                                "from '%s' to '%s')",
                                in->area->name, text, model->label_count, model->labels[0],
                                model->labels[model->label_count - 1]);
        in->classes[i] = (uint16_t)index;
    }
    return 0;
}

static int add_areas(struct making *in, const struct fv_conf_areas *areas,
                     const struct fv_model *model, bool (*add_area)(const struct making *in))
{
    for (unsigned i = 0; i < areas->count; i++) {
        /* An area without a rule leaves its row to the next one. */
        in->area = &areas->items[i];
        in->classes = in->rules->count < FV_RULES_MAX ? in->rules->classes[in->rules->count] : NULL;
        int r = in->classes ? find_classes(in, model) : 0;
        if (r < 0)
            return r;
        if (!add_area(in))
            return fv_error_set(in->err, -EINVAL, "there are more than %d rules", FV_RULES_MAX);
    }
    return 0;
}

int fv_rules_make(struct fv_rules *rules, const struct fv_config *config,
                  const struct fv_conf_camera *camera, const struct fv_model *model,
                  struct fv_error *err)
{
    struct making in = {.rules = rules, .err = err};
    rules->count = 0;
    int r = add_areas(&in, camera->zones.given ? &camera->zones : &config->cameras.zones, model,
                      add_zone);
    if (r == 0)
        r = add_areas(&in, camera->lines.given ? &camera->lines : &config->cameras.lines, model,
                      add_line);
    return r < 0 ? fv_error_prefix(err, r, "camera '%s'", camera->name) : 0;
}

/* --- events ---------------------------------------------------------------------------------------- */

static const char *label_of(const struct fv_sink_context *context, uint16_t class_id)
{
    return class_id < context->label_count ? context->labels[class_id] : "";
}

static bool ends(const struct fv_zone_event *event)
{
    return event->phase == FV_PHASE_END || event->type == FV_ZONE_EXIT;
}

static uint32_t copy_counts(const struct fv_sink_context *context,
                            const struct fv_zone_event *event, struct fv_rule_class *counts)
{
    uint32_t size =
        event->counts_size < FV_RULE_COUNTS_MAX ? event->counts_size : FV_RULE_COUNTS_MAX;
    for (uint32_t i = 0; i < size; i++) {
        const struct fv_class_count *from = &event->counts[i];
        counts[i] = (struct fv_rule_class){.class_id = from->class_id,
                                           .label = label_of(context, from->class_id),
                                           .now = from->now,
                                           .in = from->in,
                                           .out = from->out};
    }
    return size;
}

struct fv_rule_event fv_rule_event_of(const struct fv_sink_context *context,
                                      const struct fv_zone_event *event,
                                      struct fv_rule_class *counts)
{
    bool crossing = event->type == FV_ZONE_CROSSING;
    return (struct fv_rule_event){
        .camera = event->camera,
        .camera_name = fv_sink_camera_name(context, event->camera),
        .rule = event->rule,
        .type = fv_zone_type_name(event->type),
        .phase = fv_zone_phase_name(event->phase),
        .cause = ends(event) ? fv_zone_cause_name(event->cause) : NULL,
        .direction = !crossing                       ? NULL
                     : event->direction == FV_A_TO_B ? "a_to_b"
                                                     : "b_to_a",
        .id = event->id,
        .ref = event->ref,
        .frame = event->frame,
        .epoch = event->epoch,
        .pts = event->pts,
        .wall = event->wall,
        .at = event->time,
        .start = event->start,
        .duration = event->duration,
        .track = event->track,
        .class_id = event->class_id,
        .label = event->track ? label_of(context, event->class_id) : "",
        .score = event->score,
        .box = {event->box[0], event->box[1], event->box[2], event->box[3]},
        .x = fv_geo_value(event->at.x),
        .y = fv_geo_value(event->at.y),
        .angle = event->angle,
        .count = event->count,
        .peak = event->peak,
        .limit = event->limit,
        .counts = counts,
        .counts_size = copy_counts(context, event, counts),
    };
}
