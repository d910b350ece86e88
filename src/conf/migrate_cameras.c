// SPDX-License-Identifier: Apache-2.0
/* Migration, third step: RTSP_STREAMS in all its forms becomes a list of objects with names of
 * their own; and the stages, which switch cameras on and off. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/migrate.h"

#define STREAMS "cameras.RTSP_STREAMS"

static json_t *camera_of(const char *name, json_t *value)
{
    json_t *camera = json_object();
    if (camera && name)
        json_object_set_new(camera, "name", json_string(name));
    if (camera && json_is_object(value))
        json_object_update_missing(camera, value);
    else if (camera)
        json_object_set(camera, "url", value);
    return camera;
}

static json_t *from_object(const json_t *streams)
{
    json_t *list = json_array(), *value;
    const char *name;
    if (json_object_get(streams, "url")) /* one camera, without the list around it */
        json_array_append(list, (json_t *)(uintptr_t)streams);
    else
        json_object_foreach((json_t *)(uintptr_t)streams, name, value)
            json_array_append_new(list, camera_of(name, value));
    return list;
}

/* NULL: it is neither of the older forms. */
static json_t *rewritten(const json_t *streams)
{
    json_t *list, *value;
    char name[40];
    struct fv_str out;
    size_t i;
    if (json_is_object(streams))
        return from_object(streams);
    if (json_is_string(streams))
        return json_pack("[o]", camera_of("camera-1", (json_t *)(uintptr_t)streams));
    bool older = false;
    json_array_foreach(streams, i, value) older |= json_is_string(value);
    if (!older)
        return NULL;
    list = json_array();
    json_array_foreach(streams, i, value)
    {
        fv_str_init(&out, name, sizeof(name));
        fv_str_addf(&out, "camera-%zu", i + 1);
        if (json_is_string(value))
            json_array_append_new(list, camera_of(name, value));
        else
            json_array_append(list, value);
    }
    return list;
}

static void rewrite_form(struct fv_migration *m, json_t *cameras)
{
    json_t *streams = json_object_get(cameras, "RTSP_STREAMS");
    json_t *list = rewritten(streams);
    if (!list)
        return;
    bool whole = json_is_object(streams) && !json_object_get(streams, "url");
    size_t wanted = whole                    ? json_object_size(streams)
                    : json_is_array(streams) ? json_array_size(streams)
                                             : 1;
    if (json_array_size(list) != wanted) {
        m->failure = -ENOMEM;
        json_decref(list);
        return;
    }
    fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORM, STREAMS, streams, list},
                    "%s became a list of objects.",
                    json_is_object(streams)   ? "An object of names and addresses"
                    : json_is_string(streams) ? "One address"
                                              : "A list of addresses");
    fv_migrate_set(m, cameras, "RTSP_STREAMS", list);
}

/* What stands behind the first FV_CONF_CAMERAS_MAX members leaves the list or object. */
static json_t *cut_off(json_t *streams)
{
    json_t *rest = json_is_array(streams) ? json_array() : json_object(), *camera;
    json_t *first = json_is_array(streams) ? json_array() : json_object();
    const char *name;
    size_t i, count = 0;
    if (json_is_array(streams)) {
        json_array_foreach(streams, i, camera)
            json_array_append(i < FV_CONF_CAMERAS_MAX ? first : rest, camera);
        json_array_clear(streams);
        json_array_extend(streams, first);
    } else {
        json_object_foreach(streams, name, camera)
            json_object_set(count++ < FV_CONF_CAMERAS_MAX ? first : rest, name, camera);
        json_object_clear(streams);
        json_object_update(streams, first);
    }
    json_decref(first);
    return rest;
}

/* More cameras than one engine takes are set aside as they are. */
static void limit(struct fv_migration *m, json_t *streams)
{
    size_t count = json_is_array(streams) ? json_array_size(streams) : json_object_size(streams);
    if (count <= FV_CONF_CAMERAS_MAX)
        return;
    json_t *rest = cut_off(streams);
    if (!rest) {
        m->failure = -ENOMEM;
        return;
    }
    fv_migrate_keep(m, STREAMS, rest);
    fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORCED, STREAMS},
                    "%zu cameras beyond %d are moved to \"$kept\": split them over several "
                    "engines.",
                    count - FV_CONF_CAMERAS_MAX, FV_CONF_CAMERAS_MAX);
    json_decref(rest);
}

/* "gate-2" and so on; cut so that the name stays legal. */
static char *free_name(const json_t *taken, const char *name)
{
    size_t length = strlen(name);
    while (length > 48 || (length && ((unsigned char)name[length] & 0xC0) == 0x80))
        length--;
    for (unsigned i = 2;; i++) {
        char *other = fv_asprintf("%.*s-%u", (int)length, name, i);
        if (!other || !json_object_get(taken, other))
            return other;
        fv_free(other);
    }
}

static void rename_camera(struct fv_migration *m, json_t *camera, json_t *taken, size_t index)
{
    char key[100];
    struct fv_str out;
    json_t *before = json_incref(json_object_get(camera, "name"));
    char *name = free_name(taken, json_string_value(before));
    json_t *after = name ? json_string(name) : NULL;
    fv_str_init(&out, key, sizeof(key));
    fv_str_addf(&out, STREAMS "[%zu].name", index);
    if (after)
        fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORCED, key, before, after},
                        "Another camera has this name, and events tell cameras by their names.");
    fv_migrate_set(m, camera, "name", json_incref(after));
    fv_migrate_set(m, taken, name ? name : "", json_true());
    json_decref(after);
    json_decref(before);
    fv_free(name);
}

/* All names are taken first, so that a new one does not meet one that comes later. */
static void separate_names(struct fv_migration *m, json_t *streams)
{
    json_t *taken = json_object(), *seen = json_object(), *camera;
    size_t i;
    json_array_foreach(streams, i, camera)
    {
        const char *name = json_string_value(json_object_get(camera, "name"));
        if (name && *name)
            json_object_set_new(taken, name, json_true());
    }
    json_array_foreach(streams, i, camera)
    {
        const char *name = json_string_value(json_object_get(camera, "name"));
        if (!name || !*name)
            continue;
        if (json_object_get(seen, name))
            rename_camera(m, camera, taken, i);
        else
            json_object_set_new(seen, name, json_true());
    }
    json_decref(taken);
    json_decref(seen);
}

static void respell_camera(struct fv_migration *m, json_t *camera, size_t index)
{
    json_t *names = fv_migrate_names(m, camera), *item;
    char prefix[60], key[FV_MIGRATE_KEY];
    struct fv_str out;
    size_t i;
    fv_str_init(&out, prefix, sizeof(prefix));
    fv_str_addf(&out, STREAMS "[%zu]", index);
    json_array_foreach(names, i, item)
    {
        const char *name = json_string_value(item);
        const struct fv_setting *row = fv_setting_find("cameras", name, true);
        json_t *value = json_incref(json_object_get(camera, name));
        json_t *with = row ? fv_migrate_coerce(row, value) : NULL;
        struct fv_changed changed = {FV_CHANGE_FORM, fv_migrate_join(key, prefix, name), value,
                                     with};
        if (row && json_is_null(value) && !(row->flags & FV_MAY_NULL) && row->kind != FV_KIND_ANY) {
            changed.kind = FV_CHANGE_REMOVED;
            fv_migrate_note(m, changed, "Nothing was given: the default is in force.");
            json_object_del(camera, name);
        } else if (with) {
            fv_migrate_note(m, changed, "The same value as %s.", fv_kind_name(row->kind));
            fv_migrate_set(m, camera, name, with);
        }
        json_decref(value);
    }
    json_decref(names);
}

static void point_out_credentials(struct fv_migration *m, const json_t *camera, size_t index)
{
    const char *url = json_string_value(json_object_get(camera, "url"));
    char key[60];
    struct fv_str out;
    if (!url || !strstr(url, "://") || !strchr(url, '@'))
        return;
    fv_str_init(&out, key, sizeof(key));
    fv_str_addf(&out, STREAMS "[%zu].url", index);
    fv_migrate_note(m, (struct fv_changed){FV_CHANGE_NOTE, key},
                    "The address holds credentials: better use USERNAME with PASSWORD_ENV or "
                    "PASSWORD_FILE. The backup holds them, too.");
}

void fv_migrate_cameras(struct fv_migration *m)
{
    json_t *cameras = json_object_get(m->root, "cameras"), *streams, *camera;
    size_t i;
    if (!cameras)
        return;
    limit(m, json_object_get(cameras, "RTSP_STREAMS"));
    rewrite_form(m, cameras);
    streams = json_object_get(cameras, "RTSP_STREAMS");
    if (!json_is_array(streams))
        return;
    json_array_foreach(streams, i, camera)
    {
        if (!json_is_object(camera))
            continue;
        respell_camera(m, camera, i);
        point_out_credentials(m, camera, i);
    }
    separate_names(m, streams);
}

/* ---- stages ---- */

/* The entry's name as events would show it. */
static char *name_of(const json_t *camera, size_t index)
{
    const char *name = json_string_value(json_object_get(camera, "name"));
    return name ? fv_strdup(name) : fv_asprintf("camera-%zu", index + 1);
}

static bool in_list(const json_t *list, const char *name)
{
    json_t *item;
    size_t i;
    json_array_foreach(list, i, item) if (json_is_string(item) &&
                                          !strcmp(json_string_value(item), name)) return true;
    return false;
}

static void switch_camera(struct fv_migration *m, json_t *camera, const char *name, bool on)
{
    bool was = !json_is_false(json_object_get(camera, "enabled"));
    if (was == on)
        return;
    fv_migrate_note(m,
                    (struct fv_changed){FV_CHANGE_STAGE, STREAMS, was ? json_true() : json_false(),
                                        on ? json_true() : json_false()},
                    "Camera \"%s\" is %s in stage %u.", name, on ? "enabled" : "disabled",
                    m->stage);
    fv_migrate_set(m, camera, "enabled", json_boolean(on));
}

/* Cameras that take part: enabled ones, and those that an earlier stage switched off. Returns how
 * many, and with `wanted` switches all but so many off; those go to `off`. */
static size_t take_part(struct fv_migration *m, const json_t *earlier, const size_t *wanted,
                        json_t *off)
{
    json_t *streams = json_object_get(json_object_get(m->root, "cameras"), "RTSP_STREAMS"), *camera;
    size_t i, count = 0;
    json_array_foreach(streams, i, camera)
    {
        char *name = name_of(camera, i);
        if (!name) {
            m->failure = -ENOMEM;
            break;
        }
        if (!json_is_false(json_object_get(camera, "enabled")) || in_list(earlier, name)) {
            if (wanted)
                switch_camera(m, camera, name, count < *wanted);
            if (wanted && count >= *wanted)
                json_array_append_new(off, json_string(name));
            count++;
        }
        fv_free(name);
    }
    return count;
}

void fv_migrate_apply_stage(struct fv_migration *m)
{
    json_t *before = json_incref(json_object_get(m->root, FV_STAGE));
    const json_t *earlier = json_object_get(before, "disabled");
    json_t *off = json_array();
    size_t all = take_part(m, earlier, NULL, NULL);
    size_t wanted = m->stage == 1 ? 1 : m->stage == 2 ? (all + 1) / 2 : all;
    take_part(m, earlier, &wanted, off);
    json_object_del(m->root, FV_STAGE);
    json_t *after = off && json_array_size(off)
                        ? json_pack("{s:i, s:O}", "number", (int)m->stage, "disabled", off)
                        : NULL;
    if (after)
        fv_migrate_set(m, m->root, FV_STAGE, after);
    if (before && after ? !json_equal(before, after) : before || after)
        fv_migrate_note(m, (struct fv_changed){FV_CHANGE_STAGE, FV_STAGE, before, after},
                        after ? "It remembers the cameras that wait for a later stage."
                              : "No camera waits any more.");
    json_decref(off);
    json_decref(before);
}
