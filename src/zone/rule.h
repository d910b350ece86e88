// SPDX-License-Identifier: Apache-2.0
/* Inside zone/: what a kind of rule is, and what it may use. A new kind is one file with one table, listed in rule.c. */
#ifndef FV_ZONE_RULE_H
#define FV_ZONE_RULE_H

#include <string.h>

#include "zone/zone.h"

/* Rules of a stage do not see what an earlier one said is to be ignored. */
enum fv_stage { FV_STAGE_MASK, FV_STAGE_STATIONARY, FV_STAGE_RULES, FV_STAGES };

/* A track as the rules see it. Its `slot` is its index in every rule's table of states. */
struct fv_walker {
    uint64_t id;
    uint32_t slot, next; /* next: in its chain of the index, or in the free list */
    uint16_t class_id;
    float score;
    float box[4];
    struct fv_geo_point anchors[FV_ANCHORS];
    uint64_t frame; /* serial of the last one that it was seen in */
    /* by stage: rules of it hold state for this track; when they last saw it */
    bool held[FV_STAGES];
    int64_t last[FV_STAGES];
    enum fv_stage
        ignored; /* rules after this stage ignore it in this picture; FV_STAGES: not ignored */
    uint64_t admitted; /* bit i: passed the filter of rule i */
};

struct fv_rule;

struct fv_rule_ops {
    const char *name;
    enum fv_stage stage;
    unsigned points_min,
        points_max; /* of points_max > 2: polygon, but 2 points are a line and none is everywhere */
    size_t state_size,
        track_size; /* both start as zero bytes; may be copied to another rule object */
    void (*defaults)(struct fv_rule_params *params); /* may be NULL, as may all below */
    int (*check)(const struct fv_rule_params *params, struct fv_error *err);
    void (*prepare)(struct fv_rule *rule); /* derives what `own` holds */
    void (*seen)(struct fv_rule *rule, struct fv_walker *walker, void *state);
    /* The track ended for this rule; its state is zeroed afterwards. */
    void (*gone)(struct fv_rule *rule, const struct fv_walker *walker, void *state,
                 enum fv_zone_cause cause);
    void (*frame)(struct fv_rule *rule); /* after all tracks of a picture */
    void (*finish)(struct fv_rule *rule, enum fv_zone_cause cause); /* after all tracks are gone */
    const struct fv_class_count *(*counts)(const struct fv_rule *rule, uint32_t *ret_size);
};

struct fv_rule {
    const struct fv_rule_ops *ops;
    struct fv_analytics *analytics;
    unsigned index;
    struct fv_rule_params params; /* its pointers lead into this struct */
    char name[FV_RULE_NAME_MAX];
    struct fv_geo_point points[FV_GEO_POINTS_MAX];
    unsigned point_count;
    struct fv_geo_point low, high; /* bounds of the points */
    int32_t margin;                /* in steps */
    uint16_t classes[FV_RULE_CLASSES_MAX];
    struct fv_geo_point own[2]; /* of its kind */
    int32_t own_length;
    void *state;          /* ops->state_size */
    unsigned char *track; /* tracks_max times ops->track_size */
};

/* rule.c: checks and copies; memory comes after. */
int fv_rule_init(struct fv_rule *rule, const struct fv_rule_params *params, struct fv_error *err);
int fv_rule_alloc(struct fv_rule *rule, uint32_t tracks_max); /* 0, -ENOMEM */
void fv_rule_finish(struct fv_rule *rule);                    /* frees; a zeroed rule is fine */
bool fv_rule_same(const struct fv_rule *a,
                  const struct fv_rule *b); /* kind, name, points, anchor */
bool fv_rule_passes(const struct fv_rule *rule, const struct fv_walker *walker);
static inline void *fv_rule_state(const struct fv_rule *rule, uint32_t slot)
{
    return rule->ops->track_size ? rule->track + slot * rule->ops->track_size : NULL;
}
/* Range checks for ops->check: 0, or -EINVAL with a sentence. */
int fv_rule_check_time(int64_t value, const char *what, struct fv_error *err);
int fv_rule_check_number(double value, double min, double max, const char *what,
                         struct fv_error *err);

/* What a rule asks while it works. */
int64_t fv_rule_now(const struct fv_rule *rule);
struct fv_geo_point fv_rule_anchor(const struct fv_rule *rule, const struct fv_walker *walker);
struct fv_geo_point fv_rule_square(const struct fv_rule *rule,
                                   struct fv_geo_point p);              /* by the picture's shape */
bool fv_rule_inside(const struct fv_rule *rule, struct fv_geo_point p); /* no points: everywhere */
bool fv_rule_at_border(const struct fv_rule *rule,
                       struct fv_geo_point p); /* within the margin of a side */
bool fv_rule_is_line(const struct fv_rule *rule);

/* An event with all that is known without the rule; walker may be NULL. */
struct fv_zone_event fv_rule_event(const struct fv_rule *rule, const struct fv_walker *walker,
                                   enum fv_zone_type type, enum fv_zone_phase phase);
uint64_t fv_rule_emit(struct fv_rule *rule, struct fv_zone_event *event); /* returns its id */

extern const struct fv_rule_ops fv_rule_enter, fv_rule_dwell, fv_rule_crowd, fv_rule_line,
    fv_rule_direction, fv_rule_count, fv_rule_stationary, fv_rule_mask;

#endif
