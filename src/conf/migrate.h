// SPDX-License-Identifier: Apache-2.0
/*
 * Older configurations become new ones. Private to conf/.
 *
 *   text -> [names] -> [values] -> [cameras] -> [force] -> text
 *
 * names: every key is where it belongs, or in "$kept"; values: older spellings, old defaults, what
 * GPU-only operation needs; cameras: the forms of RTSP_STREAMS; force: whatever the check still
 * refuses. Each step notes what it changes; the last one ends when the check finds no error.
 */
#ifndef FV_CONF_MIGRATE_H
#define FV_CONF_MIGRATE_H

#include <jansson.h>

#include "base/str.h"
#include "conf/check.h"

#define FV_STAGES 3

struct fv_change;

struct fv_migration {
    json_t *root;   /* an object */
    unsigned stage; /* asked for; 0: none */
    bool cpu;       /* processing.BACKEND is "cpu" */
    struct fv_change *changes;
    unsigned count, capacity;
    struct fv_check scratch; /* for fv_value_is() */
    int failure;             /* sticky: -ENOMEM */
};

/* What happened to a value. All is borrowed; `before` and `after` may be NULL. */
struct fv_changed {
    enum fv_change_kind kind;
    const char *key;
    const json_t *before, *after;
};
void fv_migrate_note(struct fv_migration *m, struct fv_changed changed, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "section.name", or the name alone when the section is "". Returns `key`, FV_MIGRATE_KEY bytes; a
 * longer one is cut, at a character's end. */
#define FV_MIGRATE_KEY 4500
const char *fv_migrate_join(char *key, const char *section, const char *name);
/* A text that was cut ends at a character's end. Returns out->data. */
const char *fv_migrate_trim(struct fv_str *out);
/* The section's object, made when there is none; NULL when out of memory. */
json_t *fv_migrate_section(struct fv_migration *m, const char *name);
/* Sets aside: "$kept" gets `value` under `key`. */
void fv_migrate_keep(struct fv_migration *m, const char *key, json_t *value);
/* object[name] = value, at the same place when it is there. Takes value; NULL is -ENOMEM. */
void fv_migrate_set(struct fv_migration *m, json_t *object, const char *name, json_t *value);
/* The names of an object's members, to walk over while it changes. Free with json_decref(). */
json_t *fv_migrate_names(struct fv_migration *m, const json_t *object);
/* Renames a member at its place. */
void fv_migrate_rename(struct fv_migration *m, json_t *object, const char *from, const char *to);
/* A value as its row wants it, when it is that in another spelling; else NULL. */
json_t *fv_migrate_coerce(const struct fv_setting *setting, const json_t *value);

void fv_migrate_place_names(struct fv_migration *m); /* migrate_names.c */
void fv_migrate_values(struct fv_migration *m);      /* migrate_values.c */
void fv_migrate_cameras(struct fv_migration *m);     /* migrate_cameras.c */
void fv_migrate_apply_stage(struct fv_migration *m); /* migrate_cameras.c */
/* migrate_force.c. 0, -EINVAL: it cannot be made clean (err), -ENOMEM. */
int fv_migrate_force(struct fv_migration *m, struct fv_error *err);

/* The whole of it: text in, text out, nothing read or written. *ret_text (free with fv_free()) is
 * the same bytes when there are no changes. As fv_config_migrate(). */
struct fv_migrate_text {
    const char *name; /* of the text, in problems */
    const char *text;
    size_t size;
    unsigned stage;
    fv_config_change_fn change;
    fv_problem_fn problem;
    void *data;
};
int fv_migrate_text(const struct fv_migrate_text *params, char **ret_text, size_t *ret_size,
                    struct fv_config_migrated *ret_migrated, struct fv_error *err);

#endif
