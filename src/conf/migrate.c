// SPDX-License-Identifier: Apache-2.0
/* Migration: the steps in their order, and the list of changes. */
#include "conf/migrate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/mask.h"

#define SHOWN_MAX 240 /* bytes of a value in the list of changes */
#define CHANGES_MAX 20000

struct fv_change {
    enum fv_change_kind kind;
    char *key, *before, *after, *reason;
};

static bool make_room(struct fv_migration *m)
{
    if (m->count < m->capacity)
        return true;
    unsigned capacity = m->capacity ? m->capacity * 2 : 32;
    struct fv_change *changes = fv_realloc(m->changes, capacity * sizeof(*changes));
    if (!changes)
        return false;
    m->changes = changes;
    m->capacity = capacity;
    return true;
}

/* The last part of a key: what the value is called. */
static const char *name_of(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

static char *shown(const char *key, const json_t *value)
{
    char *text = value ? fv_value_shown(name_of(key), value) : fv_strdup("");
    if (!text || strlen(text) <= SHOWN_MAX)
        return text;
    size_t cut = SHOWN_MAX;
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
        cut--;
    strcpy(text + cut, "...");
    return text;
}

void fv_migrate_note(struct fv_migration *m, struct fv_changed changed, const char *format, ...)
{
    char reason[700], key[FV_PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    if (m->count >= CHANGES_MAX) {
        m->failure = m->failure ? m->failure : -E2BIG;
        return;
    }
    if (!make_room(m)) {
        m->failure = -ENOMEM;
        return;
    }
    struct fv_change *change = &m->changes[m->count++];
    fv_mask_show(changed.key, key);
    *change = (struct fv_change){
        .kind = changed.kind,
        .key = fv_strdup(key),
        .before = shown(key, changed.before),
        .after = shown(key, changed.after),
        .reason = fv_strdup(reason),
    };
    if (!change->key || !change->before || !change->after || !change->reason)
        m->failure = -ENOMEM;
}

const char *fv_migrate_trim(struct fv_str *out)
{
    while (out->overflow && out->size && (unsigned char)out->data[out->size - 1] >= 0x80)
        out->data[--out->size] = '\0';
    return out->data;
}

const char *fv_migrate_join(char *key, const char *section, const char *name)
{
    struct fv_str out;
    fv_str_init(&out, key, FV_MIGRATE_KEY);
    fv_str_addf(&out, "%s%s%s", section, section[0] ? "." : "", name);
    return fv_migrate_trim(&out);
}

json_t *fv_migrate_section(struct fv_migration *m, const char *name)
{
    json_t *section = json_object_get(m->root, name);
    if (section)
        return section;
    fv_migrate_set(m, m->root, name, json_object());
    return json_object_get(m->root, name);
}

void fv_migrate_set(struct fv_migration *m, json_t *object, const char *name, json_t *value)
{
    if (!object || !value || json_object_set_new(object, name, value) < 0)
        m->failure = -ENOMEM;
}

static unsigned depth_of(const json_t *value)
{
    unsigned depth = 0;
    const char *name;
    json_t *item;
    size_t i;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, name, item)
        {
            unsigned inner = depth_of(item);
            depth = inner > depth ? inner : depth;
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            unsigned inner = depth_of(item);
            depth = inner > depth ? inner : depth;
        }
    } else {
        return 0;
    }
    return depth + 1;
}

/* "$kept" is one level deeper than a section: what would then be too deep is kept as text. */
static json_t *keepable(json_t *value)
{
    if (depth_of(value) + 2 <= FV_LOCATE_DEPTH)
        return json_incref(value);
    char *text = json_dumps(value, JSON_COMPACT);
    json_t *string = text ? json_string(text) : NULL;
    free(text);
    return string;
}

void fv_migrate_keep(struct fv_migration *m, const char *key, json_t *value)
{
    json_t *kept = json_object_get(m->root, FV_KEPT);
    char *unique = fv_strdup(key);
    if (!json_is_object(kept)) {
        kept = kept ? json_pack("{s:O}", FV_KEPT, kept) : json_object();
        fv_migrate_set(m, m->root, FV_KEPT, kept);
    }
    for (unsigned i = 2; unique && kept && json_object_get(kept, unique); i++) {
        fv_free(unique);
        unique = fv_asprintf("%s (%u)", key, i);
    }
    if (unique)
        fv_migrate_set(m, kept, unique, keepable(value));
    else
        m->failure = -ENOMEM;
    fv_free(unique);
}

json_t *fv_migrate_names(struct fv_migration *m, const json_t *object)
{
    json_t *names = json_array(), *item;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)object, name, item)
    {
        if (!names || json_array_append_new(names, json_string(name)) < 0)
            m->failure = -ENOMEM;
    }
    return names;
}

void fv_migrate_rename(struct fv_migration *m, json_t *object, const char *from, const char *to)
{
    json_t *copy = json_object(), *item;
    const char *name;
    bool good = copy != NULL;
    json_object_foreach(object, name, item) good =
        good && json_object_set(copy, strcmp(name, from) ? name : to, item) == 0;
    if (good) {
        json_object_clear(object);
        good = json_object_update(object, copy) == 0;
    }
    if (!good)
        m->failure = -ENOMEM;
    json_decref(copy);
}

/* Blanks in front of the first key: how the file is indented. 0: it is one line. */
static unsigned indent_of(const struct fv_migrate_text *params)
{
    const char *newline = memchr(params->text, '\n', params->size);
    const char *end = params->text + params->size;
    if (!newline)
        return 0;
    unsigned blanks = 0;
    for (const char *c = newline + 1; c < end && *c == ' '; c++)
        blanks++;
    return blanks == 0 ? 2 : blanks > 8 ? 8 : blanks;
}

/* The shortest spelling of numbers that gives them back exactly. */
static char *dump(const json_t *root, unsigned indent, size_t *ret_size)
{
    for (size_t digits = 15; digits <= 17; digits++) {
        size_t flags = JSON_REAL_PRECISION(digits) | (indent ? JSON_INDENT(indent) : 0);
        char *text = json_dumps(root, flags);
        json_t *again = text ? json_loads(text, 0, NULL) : NULL;
        bool same = again && (digits == 17 || json_equal(again, (json_t *)(uintptr_t)root));
        json_decref(again);
        if (same) {
            char *copy = fv_asprintf("%s\n", text);
            *ret_size = copy ? strlen(copy) : 0;
            explicit_bzero(text, strlen(text));
            free(text);
            return copy;
        }
        free(text);
        if (!text)
            break;
    }
    return NULL;
}

/* Python took the last of several members of the same name, and so does jansson. */
static void note_duplicates(void *data, struct fv_check *check)
{
    struct fv_migration *m = data;
    char path[FV_PATH_MAX];
    m->root = json_is_object(check->root) ? json_deep_copy(check->root) : NULL;
    if (!m->root && check->root && json_is_object(check->root))
        m->failure = -ENOMEM;
    for (uint32_t i = 0; m->root && check->map.duplicates && i < check->map.count; i++)
        if (check->map.nodes[i].duplicate_of != FV_NODE_NONE)
            fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORM, fv_check_path(check, i, path)},
                            "It was given twice; the last one was in force, and stays.");
}

struct refusal {
    const struct fv_migrate_text *params;
    struct fv_migration *m;
};

/* Without a root there is nothing to migrate: then the findings say why. */
static void refuse(void *data, const struct fv_problem *problem)
{
    struct refusal *refusal = data;
    if (!refusal->m->root && refusal->params->problem)
        refusal->params->problem(refusal->params->data, problem);
}

static int read_root(const struct fv_migrate_text *params, struct fv_migration *m,
                     struct fv_error *err)
{
    struct refusal refusal = {params, m};
    struct fv_config_params config = {.name = params->name, .problem = refuse, .data = &refusal};
    struct fv_judge how = {.params = &config,
                           .text = params->text,
                           .size = params->size,
                           .look = note_duplicates,
                           .data = m};
    if (params->size >= 3 && !memcmp(params->text, "\xEF\xBB\xBF", 3)) {
        how.text += 3;
        how.size -= 3;
        fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORM, ""},
                        "The byte order mark at the beginning is gone: JSON has none.");
    }
    int r = fv_conf_judge(&how, NULL, err);
    if (r == -ENOMEM || m->failure < 0)
        return -ENOMEM;
    return m->root ? 0 : r < 0 ? r : -EINVAL;
}

static void give_changes(const struct fv_migrate_text *params, const struct fv_migration *m,
                         struct fv_config_migrated *migrated)
{
    *migrated = (struct fv_config_migrated){0};
    for (unsigned i = 0; i < m->count; i++) {
        const struct fv_change *change = &m->changes[i];
        migrated->notes += change->kind == FV_CHANGE_NOTE;
        migrated->changes += change->kind != FV_CHANGE_NOTE;
        migrated->forced += change->kind == FV_CHANGE_FORCED;
        struct fv_config_change out = {change->kind, change->key, change->before, change->after,
                                       change->reason};
        if (params->change)
            params->change(params->data, &out);
    }
}

static void finish(struct fv_migration *m)
{
    for (unsigned i = 0; i < m->count; i++) {
        fv_free(m->changes[i].key);
        fv_free(m->changes[i].before);
        fv_free(m->changes[i].after);
        fv_free(m->changes[i].reason);
    }
    fv_free(m->changes);
    json_decref(m->root);
}

static int steps(struct fv_migration *m, struct fv_error *err)
{
    fv_migrate_place_names(m);
    fv_migrate_values(m);
    fv_migrate_cameras(m);
    int r = m->failure < 0 ? m->failure : fv_migrate_force(m, err);
    if (r == 0 && m->stage)
        fv_migrate_apply_stage(m);
    return r < 0 ? r : m->failure;
}

static bool only_notes(const struct fv_migration *m)
{
    for (unsigned i = 0; i < m->count; i++)
        if (m->changes[i].kind != FV_CHANGE_NOTE)
            return false;
    return true;
}

int fv_migrate_text(const struct fv_migrate_text *params, char **ret_text, size_t *ret_size,
                    struct fv_config_migrated *ret_migrated, struct fv_error *err)
{
    struct fv_migration m = {.stage = params->stage};
    char *text = NULL;
    size_t size = params->size;
    int r = read_root(params, &m, err);
    if (r == 0)
        r = steps(&m, err);
    if (r == 0 && only_notes(&m)) {
        text = fv_calloc(size + 1, 1);
        if (text)
            memcpy(text, params->text, size);
    } else if (r == 0) {
        text = dump(m.root, indent_of(params), &size);
    }
    if (r == 0 && !text)
        r = -ENOMEM;
    if (r == 0 && size > FV_CONF_SIZE_MAX)
        r = -E2BIG;
    if (r == 0) {
        give_changes(params, &m, ret_migrated);
        *ret_text = text;
        *ret_size = size;
    } else {
        fv_free(text);
    }
    finish(&m);
    if (r == -E2BIG)
        r = fv_error_set(err, -EINVAL,
                         "%s cannot be migrated: it has too many faults, or the result "
                         "would be too large",
                         params->name);
    return r == -ENOMEM ? fv_error_set(err, r, "out of memory") : r;
}
