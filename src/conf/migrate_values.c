// SPDX-License-Identifier: Apache-2.0
/* Migration, second step: values of settings that stand where they belong. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "conf/mask.h"
#include "conf/migrate.h"

/* One setting while it is looked at. */
struct value {
    const struct fv_setting *row;
    json_t *section;
    const char *key;
    json_t *now; /* a reference */
};

/* An obsolete setting that means what another one means now. */
static const struct successor {
    const char *from, *section, *to;
    double min, max; /* values outside say something else than they would there */
} successors[] = {
    {"GPU_READER_QUEUE_SIZE", "processing", "NVDEC_BUFFER_SIZE", 1, 10},
    {"GPU_READER_MAX_CONSECUTIVE_FAILURES", "cameras", "BREAKER_FAILURES", 1, 1000000},
    {"DEEPSTREAM_MUX_BATCH_SIZE", "processing", "GPU_BATCH_SIZE", 1, 128},
    {"DEEPSTREAM_SOURCE_LATENCY", "cameras", "REORDER_MS", 0, 10000},
};

/* Defaults of the Python pipeline beside the one in the table. */
static const struct {
    const char *name, *older;
} more_defaults[] = {{"UNIFIED_PIPELINE_THREADS", "2"}};

/* Names and numbers of Python's logging that the table does not have. */
static const struct {
    const char *word;
    int number;
    const char *now;
} log_levels[] = {{"warn", -1, "warning"},
                  {"critical", 50, "error"},
                  {"fatal", -1, "error"},
                  {"trace", 5, "debug"},
                  {"notset", 0, "debug"}};

/* ---- another spelling of the same value ---- */

static json_t *to_bool(const json_t *value)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    if (json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= 1)
        return json_boolean(json_integer_value(value));
    for (size_t i = 0; json_is_string(value) && i < 4; i++) {
        if (!strcasecmp(json_string_value(value), yes[i]))
            return json_true();
        if (!strcasecmp(json_string_value(value), no[i]))
            return json_false();
    }
    return NULL;
}

/* A number written as text, or a whole number written with a fraction of zero. */
static json_t *to_number(const json_t *value, bool whole)
{
    double number = json_number_value(value);
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        char *end;
        if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
            return NULL;
        number = strtod(text, &end);
        if (*end || !isfinite(number))
            return NULL;
    } else if (!json_is_real(value)) {
        return NULL;
    }
    if (floor(number) == number && fabs(number) <= 1e15)
        return whole || json_is_string(value) ? json_integer((json_int_t)number) : NULL;
    return whole ? NULL : json_is_string(value) ? json_real(number) : NULL;
}

static json_t *to_word(const struct fv_setting *row, const json_t *value)
{
    json_t *number = row->flags & FV_MAY_NUMBER ? to_number(value, true) : NULL;
    if (number || strcmp(row->name, "LOG_LEVEL"))
        return number;
    for (size_t i = 0; i < sizeof(log_levels) / sizeof(log_levels[0]); i++) {
        bool same =
            json_is_string(value)
                ? !strcasecmp(json_string_value(value), log_levels[i].word)
                : json_is_integer(value) && json_integer_value(value) == log_levels[i].number;
        if (same)
            return json_string(log_levels[i].now);
    }
    return NULL;
}

static json_t *to_text(const json_t *value)
{
    char text[40];
    struct fv_str out;
    if (!json_is_integer(value))
        return NULL;
    fv_str_init(&out, text, sizeof(text));
    fv_str_addf(&out, "%lld", (long long)json_integer_value(value));
    return json_string(text);
}

/* Python's libraries also say "cuda", "0" or 0. */
static json_t *to_device(const json_t *value)
{
    char text[24];
    struct fv_str out;
    const char *given = json_string_value(value);
    json_int_t number = given ? strtol(given, NULL, 10) : json_integer_value(value);
    bool digits =
        given ? *given && strspn(given, "0123456789") == strlen(given) : json_is_integer(value);
    if (given && !strcasecmp(given, "cuda"))
        return json_string("cuda:0");
    if (!digits || number < 0 || number > 999)
        return NULL;
    fv_str_init(&out, text, sizeof(text));
    fv_str_addf(&out, "cuda:%d", (int)number);
    return json_string(text);
}

json_t *fv_migrate_coerce(const struct fv_setting *setting, const json_t *value)
{
    if (!strcmp(setting->name, "DEVICE") || !strcmp(setting->name, "GPU_PREPROCESSING_DEVICE"))
        return to_device(value);
    switch (setting->kind) {
    case FV_KIND_BOOL:
        return to_bool(value);
    case FV_KIND_INT:
    case FV_KIND_NUMBER:
        return to_number(value, setting->kind == FV_KIND_INT);
    case FV_KIND_WORD:
        return to_word(setting, value);
    case FV_KIND_STRING:
        return to_text(value);
    case FV_KIND_LIST:
        return json_is_string(value) || json_is_integer(value)
                   ? json_pack("[O]", (json_t *)(uintptr_t)value)
                   : NULL;
    default:
        return NULL;
    }
}

/* ---- the steps of one value ---- */

static void replace(struct fv_migration *m, struct value *value, json_t *with)
{
    json_decref(value->now);
    value->now = json_incref(with);
    fv_migrate_set(m, value->section, value->row->name, with);
}

static void drop(struct value *value)
{
    json_object_del(value->section, value->row->name);
    json_decref(value->now);
    value->now = NULL;
}

static void respell(struct fv_migration *m, struct value *value)
{
    struct fv_changed changed = {FV_CHANGE_FORM, value->key, value->now, NULL};
    json_t *with = fv_migrate_coerce(value->row, value->now);
    if (json_is_null(value->now) && !(value->row->flags & FV_MAY_NULL) &&
        value->row->kind != FV_KIND_ANY) {
        changed.kind = FV_CHANGE_REMOVED;
        fv_migrate_note(m, changed, "Nothing was given: the default is in force.");
        drop(value);
    } else if (with) {
        changed.after = with;
        bool word = value->row->kind == FV_KIND_WORD;
        fv_migrate_note(m, changed, "The same value as %s.",
                        word ? "one of the words that it knows" : fv_kind_name(value->row->kind));
        replace(m, value, with);
    }
}

static bool is_old_default(struct fv_migration *m, const struct value *value)
{
    if (fv_value_is(&m->scratch, value->now, value->row->older))
        return true;
    for (size_t i = 0; i < sizeof(more_defaults) / sizeof(more_defaults[0]); i++)
        if (!strcmp(value->row->name, more_defaults[i].name) &&
            fv_value_is(&m->scratch, value->now, more_defaults[i].older))
            return true;
    return false;
}

static void renew_default(struct fv_migration *m, struct value *value)
{
    const struct fv_setting *row = value->row;
    if (!row->older || !is_old_default(m, value))
        return;
    json_t *with = json_loads(row->value, JSON_DECODE_ANY, NULL);
    struct fv_changed changed = {FV_CHANGE_DEFAULT, value->key, value->now, with};
    if (!strcmp(row->name, "HOST"))
        fv_migrate_note(m, changed,
                        "It was the old default, open to the network without authentication. "
                        "Viewers on other machines need it set on purpose.");
    else
        fv_migrate_note(m, changed, "It was the old default, and became the new one.");
    replace(m, value, with);
}

static void enforce(struct fv_migration *m, struct value *value)
{
    const struct fv_setting *row = value->row;
    if (!row->must || m->cpu || fv_value_is(&m->scratch, value->now, row->must))
        return;
    json_t *with = json_loads(row->must, JSON_DECODE_ANY, NULL);
    fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORCED, value->key, value->now, with},
                    "GPU-only operation allows nothing else. %s", row->why);
    replace(m, value, with);
}

static void point_out(struct fv_migration *m, const struct value *value)
{
    const char *text = json_string_value(value->now);
    size_t length = text ? strlen(text) : 0;
    bool onnx = length >= 5 && !strcasecmp(text + length - 5, ".onnx");
    if (!strcmp(value->row->name, "MODEL_PATH") && length && !onnx)
        fv_migrate_note(m, (struct fv_changed){FV_CHANGE_NOTE, value->key, value->now, NULL},
                        "Fovea reads ONNX models with a manifest (docs/model-manifest.md): export "
                        "this one, or remove the setting for the bundled detector.");
}

/* ---- obsolete settings ---- */

static const struct successor *successor_of(const char *name)
{
    for (size_t i = 0; i < sizeof(successors) / sizeof(successors[0]); i++)
        if (!strcmp(successors[i].from, name))
            return &successors[i];
    return NULL;
}

static bool inherit(struct fv_migration *m, const struct successor *to, const char *key,
                    json_t *value)
{
    json_t *number = to_number(value, true), *section = fv_migrate_section(m, to->section);
    json_t *given = number ? number : json_incref(value);
    bool fits = json_is_integer(given) && json_integer_value(given) >= to->min &&
                json_integer_value(given) <= to->max && json_is_object(section) &&
                !json_object_get(section, to->to);
    if (fits) {
        fv_migrate_set(m, section, to->to, json_incref(given));
        fv_migrate_note(m, (struct fv_changed){FV_CHANGE_REPLACED, key, value, given},
                        "Its place is taken by %s.%s.", to->section, to->to);
        if (!strcmp(to->to, "BREAKER_FAILURES") && !json_object_get(section, "BACKOFF_STRATEGY"))
            fv_migrate_set(m, section, "BACKOFF_STRATEGY", json_string("circuit_breaker"));
    }
    json_decref(given);
    return fits;
}

static void retire(struct fv_migration *m, const char *section, const char *name)
{
    char key[FV_MIGRATE_KEY];
    json_t *object = json_object_get(m->root, section);
    json_t *value = json_incref(json_object_get(object, name));
    const struct fv_setting *row = fv_setting_find(section, name, false);
    const struct successor *to = successor_of(name);
    fv_migrate_join(key, section, name);
    struct fv_changed changed = {FV_CHANGE_REMOVED, key, value, NULL};
    json_object_del(object, name);
    if (!strcmp(name, "DEEPSTREAM_SCALE_MODE") && json_integer_value(value) != 2) {
        changed.kind = FV_CHANGE_FORCED;
        fv_migrate_note(m, changed,
                        "Pictures are fitted as the model's manifest says (letterbox for the "
                        "bundled detector), not stretched or cropped.");
    } else if (!to && row->name[strlen(row->name) - 1] == '*') {
        changed.kind = FV_CHANGE_KEPT;
        fv_migrate_keep(m, key, value);
        fv_migrate_note(m, changed, "It has no counterpart: moved to \"$kept\".");
    } else if (!to || !inherit(m, to, key, value)) {
        fv_migrate_note(m, changed, "It is obsolete. %s", row->instead);
    }
    json_decref(value);
}

/* ---- all of them ---- */

static void walk(struct fv_migration *m, const char *section, bool obsolete,
                 void (*step)(struct fv_migration *m, struct value *value))
{
    char key[FV_MIGRATE_KEY];
    json_t *object = json_object_get(m->root, section), *names = fv_migrate_names(m, object), *name;
    size_t i;
    json_array_foreach(names, i, name)
    {
        const char *text = json_string_value(name);
        const struct fv_setting *row = fv_setting_find(section, text, false);
        if (!row || (row->effect == FV_EFFECT_OBSOLETE) != obsolete)
            continue;
        if (obsolete) {
            retire(m, section, text);
            continue;
        }
        if (strchr(row->name, '*'))
            continue;
        struct value value = {row, object, fv_migrate_join(key, section, text),
                              json_incref(json_object_get(object, text))};
        step(m, &value);
        json_decref(value.now);
    }
    json_decref(names);
}

static void step_all(struct fv_migration *m, struct value *value)
{
    respell(m, value);
    if (value->now)
        renew_default(m, value);
    if (value->now)
        enforce(m, value);
    if (value->now)
        point_out(m, value);
}

static void step_respell(struct fv_migration *m, struct value *value)
{
    respell(m, value);
}

/* models.DEVICE "cpu" asked for the CPU: BACKEND asks for it now. */
static void settle_backend(struct fv_migration *m)
{
    json_t *models = json_object_get(m->root, "models");
    json_t *processing = json_object_get(m->root, "processing");
    const char *device = json_string_value(json_object_get(models, "DEVICE"));
    const char *backend = json_string_value(json_object_get(processing, "BACKEND"));
    m->cpu = backend && !strcasecmp(backend, "cpu");
    if (json_object_get(processing, "BACKEND") || !device || strcasecmp(device, "cpu"))
        return;
    json_t *before = json_incref(json_object_get(models, "DEVICE"));
    json_object_del(models, "DEVICE");
    processing = fv_migrate_section(m, "processing");
    device = json_string_value(json_object_get(processing, "GPU_PREPROCESSING_DEVICE"));
    if (device && !strcasecmp(device, "cpu"))
        json_object_del(processing, "GPU_PREPROCESSING_DEVICE");
    fv_migrate_set(m, processing, "BACKEND", json_string("cpu"));
    fv_migrate_note(m,
                    (struct fv_changed){FV_CHANGE_REPLACED, "models.DEVICE", before,
                                        json_object_get(processing, "BACKEND")},
                    "The file asked for the CPU, and processing.BACKEND says so now. Remove it to "
                    "run on the GPU.");
    json_decref(before);
    m->cpu = true;
}

static void each_section(struct fv_migration *m, bool obsolete,
                         void (*step)(struct fv_migration *m, struct value *value))
{
    for (const struct fv_section *section = fv_sections; section->name; section++)
        if (json_object_get(m->root, section->name))
            walk(m, section->name, obsolete, step);
}

void fv_migrate_values(struct fv_migration *m)
{
    each_section(m, false, step_respell);
    settle_backend(m);
    each_section(m, true, NULL);
    each_section(m, false, step_all);
    if (m->scratch.failure < 0)
        m->failure = m->scratch.failure;
}
