// SPDX-License-Identifier: Apache-2.0
/* Each setting with the value that is in force and where it comes from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/mask.h"

struct show {
    const struct fv_config_show_params *params;
    struct fv_check *check;
    struct fv_place place; /* of the setting before: places mostly follow each other */
    int failure;
};

static unsigned line_of(struct show *show, size_t offset)
{
    if (offset < show->place.offset)
        show->place = (struct fv_place){0, 1, 1};
    fv_place_advance(&show->place, show->check->text, show->check->size, offset);
    return show->place.line;
}

static void give(struct show *show, const char *key, const char *name, const json_t *value,
                 struct fv_config_value about)
{
    char *text = fv_value_shown(name, value);
    if (!text) {
        show->failure = -ENOMEM;
        return;
    }
    about.key = key;
    about.value = text;
    about.note = about.note ? about.note : "";
    about.source = about.source ? about.source : "";
    show->params->value(show->params->data, &about);
    fv_free(text);
}

/* Where the value of a node comes from. */
static struct fv_config_value origin_of(struct show *show, uint32_t id)
{
    const struct fv_node *node = &show->check->map.nodes[id];
    if (node->source)
        return (struct fv_config_value){.origin = FV_ORIGIN_ENVIRONMENT, .source = node->source};
    return (struct fv_config_value){
        .origin = FV_ORIGIN_FILE, .source = show->params->path, .line = line_of(show, node->key)};
}

static json_t *default_of(const struct fv_setting *setting)
{
    return setting->value ? json_loads(setting->value, JSON_DECODE_ANY, NULL) : json_null();
}

/* Settings whose value the rules make from others (rules.c). */
static const char *rule_of(const struct fv_setting *setting)
{
    if (!strcmp(setting->name, "LOG_LEVEL"))
        return "app.DEBUG, app.ENABLE_DEBUG_LOGGING or DEBUG=1";
    if (!strcmp(setting->name, "TENSORRT_MAX_BATCH_SIZE"))
        return "processing.GPU_BATCH_SIZE";
    return "processing.BACKEND";
}

static bool same_value(struct fv_check *check, const struct fv_setting *setting,
                       const json_t *given, const json_t *stored)
{
    if (setting->kind == FV_KIND_INT || setting->kind == FV_KIND_NUMBER) {
        bool plain = json_is_number(given) && json_is_number(stored);
        return !plain || json_number_value(given) == json_number_value(stored);
    }
    if (setting->kind != FV_KIND_WORD || !json_is_string(given) || !json_is_string(stored))
        return true;
    char *text = json_dumps(stored, JSON_ENCODE_ANY);
    bool same = text && fv_value_is(check, given, text);
    free(text);
    return same;
}

/* LOG_LEVEL may be a number, and is stored as its word. */
static bool number_of_word(const struct fv_setting *setting, const json_t *given,
                           const json_t *stored)
{
    for (const struct fv_word *word = setting->words; word && word->name; word++)
        if (json_is_integer(given) && word->value == json_integer_value(given))
            return !strcmp(word->name, json_string_value(stored));
    return true;
}

static void show_setting(struct show *show, const struct fv_setting *setting)
{
    uint32_t node;
    char key[200];
    struct fv_str out;
    const json_t *given = fv_check_given(show->check, setting->section, setting->name, &node);
    struct fv_config_value about = {.note = given ? NULL : setting->default_note};
    json_t *fallback = default_of(setting);
    json_t *stored = setting->target == FV_TARGET_CONFIG && !show->params->defaults
                         ? fv_value_stored(setting, show->check->config)
                         : NULL;
    const json_t *value = given ? given : fallback;
    if (given)
        about = origin_of(show, node);
    if (stored && (!same_value(show->check, setting, value, stored) ||
                   !number_of_word(setting, value, stored))) {
        bool option = !strcmp(setting->name, "BACKEND") && show->params->backend;
        about = (struct fv_config_value){.origin = option ? FV_ORIGIN_COMMAND_LINE : FV_ORIGIN_RULE,
                                         .source = option ? "--backend" : rule_of(setting)};
        value = stored;
    }
    fv_str_init(&out, key, sizeof(key));
    fv_str_addf(&out, "%s.%s", setting->section, setting->name);
    if (fallback)
        give(show, key, setting->name, value, about);
    else
        show->failure = -ENOMEM;
    json_decref(stored);
    json_decref(fallback);
}

/* A camera's setting: its own, or what is engine-wide; that it has from there or by default is
 * told above. */
static void show_member(struct show *show, uint32_t node, const json_t *value)
{
    char path[FV_PATH_MAX];
    const char *name = show->check->map.nodes[node].name;
    struct fv_config_value about = origin_of(show, node);
    give(show, fv_check_path(show->check, node, path), name ? name : "url", value, about);
}

static void show_cameras(struct show *show)
{
    uint32_t entry;
    const json_t *streams = fv_check_given(show->check, "cameras", "RTSP_STREAMS", &entry);
    entry = entry == FV_NODE_NONE ? entry : show->check->map.nodes[entry].first;
    for (size_t i = 0; entry != FV_NODE_NONE; i++, entry = show->check->map.nodes[entry].next) {
        const char *name = show->check->map.nodes[entry].name;
        const json_t *camera =
            json_is_array(streams) ? json_array_get(streams, i) : json_object_get(streams, name);
        if (!json_is_object(camera)) {
            show_member(show, entry, camera);
            continue;
        }
        for (uint32_t m = show->check->map.nodes[entry].first; m != FV_NODE_NONE;
             m = show->check->map.nodes[m].next)
            show_member(show, m, json_object_get(camera, show->check->map.nodes[m].name));
    }
}

static bool shown_above(const struct fv_setting *setting)
{
    return setting->scope != FV_SCOPE_CAMERA && setting->effect != FV_EFFECT_OBSOLETE &&
           setting->kind != FV_KIND_CAMERAS && !strchr(setting->name, '*');
}

/* Without a file there is no camera, and nothing wrong with that. */
static bool can_show(const struct show *show)
{
    struct fv_about about;
    const char *message;
    unsigned errors = show->check->report.errors;
    const char *path = show->params->defaults ? NULL : show->params->path;
    bool only = errors == 1 && fv_report_error(&show->check->report, 0, &about, &message) &&
                !strcmp(about.code, "no_source");
    return errors == 0 || (only && !path);
}

static void look(void *data, struct fv_check *check)
{
    struct show *show = data;
    show->check = check;
    show->place = (struct fv_place){0, 1, 1};
    if (!check->root || check->failure < 0 || !can_show(show))
        return;
    for (size_t i = 0; i < fv_setting_count; i++)
        if (shown_above(&fv_settings[i]))
            show_setting(show, &fv_settings[i]);
    show_cameras(show);
    if (check->report.errors > 0)
        fv_report_free(&check->report);
}

int fv_config_show(const struct fv_config_show_params *params, struct fv_error *err)
{
    struct show show = {.params = params};
    struct fv_config_params source = {.path = params->defaults ? NULL : params->path,
                                      .backend = params->defaults ? NULL : params->backend,
                                      .problem = params->problem,
                                      .data = params->data};
    if (!source.path)
        source.text = "{}";
    struct fv_judge how = {
        .params = &source, .environment = !params->defaults, .look = look, .data = &show};
    int r = fv_conf_judge(&how, NULL, err);
    return r == 0 && show.failure < 0 ? fv_error_set(err, show.failure, "out of memory") : r;
}
