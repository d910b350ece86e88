// SPDX-License-Identifier: Apache-2.0
/* Migration, first step: every key in the section where it belongs, spelt as the table spells it;
 * what nobody knows goes to "$kept". */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/mask.h"
#include "conf/migrate.h"
#include "conf/suggest.h"

/* The row of the same name in upper and lower case, families aside. */
static const struct fv_setting *same_letters(const char *section, const char *name, bool in_camera)
{
    enum fv_scope other = in_camera ? FV_SCOPE_SECTION : FV_SCOPE_CAMERA;
    for (size_t i = 0; i < fv_setting_count; i++) {
        const struct fv_setting *row = &fv_settings[i];
        if (!strcmp(row->section, section) && row->scope != other && !strcasecmp(row->name, name))
            return row;
    }
    return NULL;
}

/* The only section that has a setting of this name, or NULL. */
static const struct fv_setting *only_home(const char *name)
{
    const struct fv_setting *home = NULL;
    for (size_t i = 0; i < fv_setting_count; i++) {
        if (fv_settings[i].scope == FV_SCOPE_CAMERA || strcasecmp(fv_settings[i].name, name))
            continue;
        if (home)
            return NULL;
        home = &fv_settings[i];
    }
    return home;
}

static void keep_unknown(struct fv_migration *m, json_t *object, const char *key, const char *name,
                         const char *near)
{
    json_t *value = json_incref(json_object_get(object, name));
    struct fv_changed changed = {FV_CHANGE_KEPT, key, value, NULL};
    fv_migrate_keep(m, key, value);
    json_object_del(object, name);
    if (near)
        fv_migrate_note(m, changed,
                        "Fovea has no such setting: moved to \"$kept\". Perhaps \"%s\" was meant; "
                        "it had no effect under this name.",
                        near);
    else
        fv_migrate_note(m, changed, "Fovea has no such setting: moved to \"$kept\".");
    json_decref(value);
}

static void rename_to(struct fv_migration *m, json_t *object, const char *key, const char *from,
                      const char *to)
{
    if (json_object_get(object, to)) {
        keep_unknown(m, object, key, from, to);
        return;
    }
    fv_migrate_rename(m, object, from, to);
    fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORM, key, NULL, json_object_get(object, to)},
                    "It is spelt %s.", to);
}

/* Into the section that has it. False: something is there already, or that section is none. */
static bool move_home(struct fv_migration *m, json_t *object, const char *key, const char *name)
{
    const struct fv_setting *home = only_home(name);
    json_t *section = home ? fv_migrate_section(m, home->section) : NULL;
    if (!json_is_object(section) || section == object || json_object_get(section, home->name))
        return false;
    json_t *value = json_incref(json_object_get(object, name));
    json_object_del(object, name);
    fv_migrate_set(m, section, home->name, json_incref(value));
    fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORM, key, NULL, value},
                    "It belongs in the section \"%s\".", home->section);
    json_decref(value);
    return true;
}

static const char *nearest(const char *section, const char *name)
{
    struct fv_suggest suggest = {.wanted = name};
    for (size_t i = 0; i < fv_setting_count; i++)
        if (!strcmp(fv_settings[i].section, section) && fv_settings[i].scope != FV_SCOPE_CAMERA &&
            !strchr(fv_settings[i].name, '*'))
            fv_suggest_offer(&suggest, fv_settings[i].name);
    return suggest.best;
}

static void place_setting(struct fv_migration *m, const char *section, const char *name)
{
    char key[FV_MIGRATE_KEY];
    json_t *object = json_object_get(m->root, section);
    const struct fv_setting *row = same_letters(section, name, false);
    if (fv_setting_find(section, name, false))
        return;
    fv_migrate_join(key, section, name);
    if (row)
        rename_to(m, object, key, name, row->name);
    else if (!move_home(m, object, key, name))
        keep_unknown(m, object, key, name,
                     m->count < FV_FINDINGS_MAX ? nearest(section, name) : NULL);
}

static void place_settings(struct fv_migration *m, const char *section)
{
    json_t *names = fv_migrate_names(m, json_object_get(m->root, section)), *name;
    size_t i;
    json_array_foreach(names, i, name) place_setting(m, section, json_string_value(name));
    json_decref(names);
}

static void drop_section(struct fv_migration *m, const char *name)
{
    json_t *value = json_incref(json_object_get(m->root, name));
    struct fv_changed changed = {FV_CHANGE_FORCED, name, value, NULL};
    json_object_del(m->root, name);
    if (json_is_null(value)) {
        changed.kind = FV_CHANGE_REMOVED;
        fv_migrate_note(m, changed, "It was empty.");
    } else {
        fv_migrate_keep(m, name, value);
        fv_migrate_note(m, changed,
                        "A section is an object of settings: moved to \"$kept\", its defaults are "
                        "in force.");
    }
    json_decref(value);
}

static const struct fv_section *section_like(const char *name)
{
    for (const struct fv_section *section = fv_sections; section->name; section++)
        if (!strcasecmp(section->name, name))
            return section;
    return NULL;
}

static void place_section(struct fv_migration *m, const char *name)
{
    const struct fv_section *section = section_like(name);
    if (section && !json_is_object(json_object_get(m->root, name)))
        drop_section(m, name);
    else if (section && strcmp(section->name, name))
        rename_to(m, m->root, name, name, section->name);
}

/* What stands beside the sections. */
static void place_other(struct fv_migration *m, const char *name)
{
    if (!fv_check_is_ignored(name) && !section_like(name) && !move_home(m, m->root, name, name))
        keep_unknown(m, m->root, name, name, NULL);
}

/* The members of one camera. */
static void place_camera(struct fv_migration *m, json_t *camera, size_t index)
{
    json_t *names = fv_migrate_names(m, camera), *item;
    char prefix[60], key[FV_MIGRATE_KEY];
    struct fv_str out;
    size_t i;
    fv_str_init(&out, prefix, sizeof(prefix));
    fv_str_addf(&out, "cameras.RTSP_STREAMS[%zu]", index);
    json_array_foreach(names, i, item)
    {
        const char *name = json_string_value(item);
        const struct fv_setting *row = same_letters("cameras", name, true);
        if (fv_setting_find("cameras", name, true))
            continue;
        fv_migrate_join(key, prefix, name);
        if (row)
            rename_to(m, camera, key, name, row->name);
        else
            keep_unknown(m, camera, key, name, NULL);
    }
    json_decref(names);
}

static void place_cameras(struct fv_migration *m)
{
    json_t *streams = json_object_get(json_object_get(m->root, "cameras"), "RTSP_STREAMS"), *camera;
    const char *name;
    size_t i, index = 0;
    if (json_is_array(streams)) {
        json_array_foreach(streams, i, camera) if (json_is_object(camera))
            place_camera(m, camera, i);
    } else if (json_is_object(streams)) {
        json_object_foreach(streams, name, camera)
        {
            if (json_is_object(camera))
                place_camera(m, camera, index);
            index++;
        }
    }
}

void fv_migrate_place_names(struct fv_migration *m)
{
    json_t *names = fv_migrate_names(m, m->root), *name;
    size_t i;
    json_array_foreach(names, i, name) place_section(m, json_string_value(name));
    json_array_foreach(names, i, name) place_other(m, json_string_value(name));
    json_decref(names);
    for (const struct fv_section *section = fv_sections; section->name; section++)
        if (json_is_object(json_object_get(m->root, section->name)))
            place_settings(m, section->name);
    place_cameras(m);
}
