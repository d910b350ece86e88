// SPDX-License-Identifier: Apache-2.0
/* The walk through the sections: each key finds its row. */
#include "conf/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "conf/mask.h"
#include "conf/suggest.h"

#define MESSAGE_MAX 1000

static void path_add(const struct fv_check *check, uint32_t node, struct fv_str *out)
{
    uint32_t way[FV_LOCATE_DEPTH + 1];
    unsigned depth = 0;
    char shown[FV_SHOW_MAX];
    for (; node != 0 && node != FV_NODE_NONE && depth < FV_LOCATE_DEPTH + 1;
         node = check->map.nodes[node].parent)
        way[depth++] = node;
    while (depth > 0) {
        const struct fv_node *step = &check->map.nodes[way[--depth]];
        if (step->name)
            fv_str_addf(out, "%s%s", out->size ? "." : "", fv_mask_show(step->name, shown));
        else
            fv_str_addf(out, "[%u]", step->index);
    }
}

char *fv_check_path(const struct fv_check *check, uint32_t node, char *buffer)
{
    struct fv_str out;
    fv_str_init(&out, buffer, FV_PATH_MAX);
    path_add(check, node, &out);
    return buffer;
}

void fv_say(struct fv_check *check, struct fv_say about, const char *format, ...)
{
    char message[MESSAGE_MAX], path[FV_PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    struct fv_about finding = {
        .severity = about.severity,
        .code = about.code,
        .key = about.key ? about.key : fv_check_path(check, about.node, path),
        .node = about.node,
    };
    if (about.node != FV_NODE_NONE) {
        const struct fv_node *node = &check->map.nodes[about.node];
        finding.offset = about.at_value ? node->value : node->key;
        finding.source = node->source;
    }
    fv_report_add(&check->report, &finding, message, about.fix ? about.fix : "");
}

const struct fv_config *fv_conf_config(const struct fv_check *check)
{
    return check->config;
}

unsigned fv_conf_errors(const struct fv_check *check)
{
    return check->report.errors;
}

static const json_t *given_by_key(const struct fv_check *check, const char *key)
{
    char section[40];
    size_t length = strcspn(key, ".");
    if (!check->root || key[length] != '.' || length >= sizeof(section))
        return NULL;
    memcpy(section, key, length);
    section[length] = '\0';
    return fv_check_given(check, section, key + length + 1, NULL);
}

const char *fv_conf_text(const struct fv_check *check, const char *key)
{
    return json_string_value(given_by_key(check, key));
}

const char *fv_conf_camera_text(const struct fv_check *check, unsigned camera, const char *key)
{
    const json_t *streams = given_by_key(check, "cameras.RTSP_STREAMS");
    return json_string_value(json_object_get(json_array_get(streams, camera), key));
}

double fv_conf_number(const struct fv_check *check, const char *key, double fallback)
{
    const json_t *value = given_by_key(check, key);
    return json_is_boolean(value)  ? json_is_true(value)
           : json_is_number(value) ? json_number_value(value)
                                   : fallback;
}

/* Where a key of a camera (by its index among the entries of RTSP_STREAMS) or of a section stands,
 * else what is nearest above it. */
static uint32_t place_of_key(const struct fv_check *check, const struct fv_conf_finding *finding)
{
    char section[40];
    size_t length = strcspn(finding->key, ".");
    if (!finding->of_camera && finding->key[length] == '.' && length < sizeof(section)) {
        memcpy(section, finding->key, length);
        section[length] = '\0';
        return fv_map_child(&check->map, fv_map_child(&check->map, 0, section),
                            finding->key + length + 1);
    }
    uint32_t entry = fv_map_child(&check->map, check->cameras, "RTSP_STREAMS");
    if (entry != FV_NODE_NONE)
        entry = check->map.nodes[entry].first;
    for (unsigned i = 0; i < finding->camera && entry != FV_NODE_NONE; i++)
        entry = check->map.nodes[entry].next;
    if (entry == FV_NODE_NONE)
        return entry;
    uint32_t own = fv_map_child(&check->map, entry, finding->key);
    uint32_t common = fv_map_child(&check->map, check->cameras, finding->key);
    return own != FV_NODE_NONE ? own : common != FV_NODE_NONE ? common : entry;
}

void fv_conf_find(struct fv_check *check, const struct fv_conf_finding *finding)
{
    uint32_t node = place_of_key(check, finding);
    struct fv_say say = {finding->severity, finding->code, node, .at_value = true};
    say.key = node == FV_NODE_NONE ? finding->key : NULL;
    say.fix = finding->fix;
    fv_say(check, say, "%s", finding->message);
}

const json_t *fv_check_given(const struct fv_check *check, const char *section, const char *name,
                             uint32_t *ret_node)
{
    uint32_t node = fv_map_child(&check->map, fv_map_child(&check->map, 0, section), name);
    if (ret_node)
        *ret_node = node;
    return node == FV_NODE_NONE ? NULL
                                : json_object_get(json_object_get(check->root, section), name);
}

static unsigned line_of(const struct fv_check *check, uint32_t node)
{
    struct fv_place place = {0, 1, 1};
    fv_place_advance(&place, check->text, check->size, check->map.nodes[node].key);
    return place.line;
}

/* Beyond the findings that are shown, one is only counted: to look for its best words takes time. */
static bool only_counted(struct fv_check *check, const char *code, uint32_t node)
{
    if (check->report.count < FV_FINDINGS_MAX)
        return false;
    fv_say(check, (struct fv_say){FV_SEVERITY_ERROR, code, node, .key = ""}, "One more.");
    return true;
}

static void duplicate_key(struct fv_check *check, uint32_t id)
{
    const struct fv_node *node = &check->map.nodes[id];
    char shown[FV_SHOW_MAX];
    if (only_counted(check, "duplicate_key", id))
        return;
    fv_say(check,
           (struct fv_say){FV_SEVERITY_ERROR, "duplicate_key", id, .fix = "Keep one of the two."},
           "\"%s\" is given twice; the first one is in line %u.", fv_mask_show(node->name, shown),
           line_of(check, node->duplicate_of));
}

/* Whether what the file says about its cameras is unclear when this key is. */
static bool decides_sources(const char *name)
{
    return !strcmp(name, "cameras") || !strcmp(name, "RTSP_STREAMS") || !strcmp(name, "enabled");
}

bool fv_check_repeated(struct fv_check *check, uint32_t id)
{
    const struct fv_node *node = &check->map.nodes[id];
    if (node->duplicate_of != FV_NODE_NONE)
        duplicate_key(check, id);
    else if (!node->repeated)
        return false;
    check->blind |= decides_sources(node->name);
    return true;
}

/* The section in which a setting of this name belongs, or NULL. */
static const struct fv_setting *elsewhere(const char *name)
{
    for (size_t i = 0; i < fv_setting_count; i++)
        if (fv_settings[i].scope != FV_SCOPE_CAMERA && !strcmp(fv_settings[i].name, name))
            return &fv_settings[i];
    return NULL;
}

static const char *nearest(const struct fv_member *member, const char *name)
{
    struct fv_suggest suggest = {.wanted = name};
    enum fv_scope other = member->in_camera ? FV_SCOPE_SECTION : FV_SCOPE_CAMERA;
    for (size_t i = 0; i < fv_setting_count; i++) {
        const struct fv_setting *setting = &fv_settings[i];
        if (!strcmp(setting->section, member->section) && setting->scope != other &&
            !strchr(setting->name, '*'))
            fv_suggest_offer(&suggest, setting->name);
    }
    return suggest.best;
}

static void unknown_key(struct fv_check *check, const struct fv_member *member)
{
    if (only_counted(check, "unknown_key", member->node))
        return;
    const char *name = check->map.nodes[member->node].name, *near = nearest(member, name);
    const struct fv_setting *there = elsewhere(name);
    const char *where = member->in_camera ? "A camera" : member->section;
    char fix[300], shown[FV_SHOW_MAX];
    struct fv_str out;
    fv_str_init(&out, fix, sizeof(fix));
    if (there)
        fv_str_addf(&out, "Move it to the section \"%s\".", there->section);
    else if (near)
        fv_str_addf(&out, "Did you mean \"%s\"?", near);
    else
        fv_str_add(&out, "Remove it; `fovea config doc` lists all settings.");
    fv_say(check, (struct fv_say){FV_SEVERITY_ERROR, "unknown_key", member->node, .fix = fix},
           member->in_camera ? "%s has no setting \"%s\"."
                             : "The section \"%s\" has no setting \"%s\".",
           where, fv_mask_show(name, shown));
}

void fv_check_member(struct fv_check *check, const struct fv_member *member)
{
    if (fv_check_repeated(check, member->node))
        return;
    const char *name = check->map.nodes[member->node].name;
    const struct fv_setting *setting = fv_setting_find(member->section, name, member->in_camera);
    if (!setting) {
        unknown_key(check, member);
        return;
    }
    if (!fv_value_check(check, setting, member->value, member->node)) {
        check->blind |= decides_sources(name);
        return;
    }
    fv_rules_setting(check, setting, member->value, member->node);
    void *base = setting->target == FV_TARGET_CONFIG  ? (void *)check->config
                 : setting->target == FV_TARGET_DRAFT ? (void *)member->draft
                                                      : NULL;
    if (base && fv_value_store(setting, member->value, base) < 0)
        check->failure = -ENOMEM;
}

static void unknown_section(struct fv_check *check, uint32_t node)
{
    const char *name = check->map.nodes[node].name;
    if (only_counted(check, "unknown_section", node))
        return;
    const struct fv_setting *there = elsewhere(name);
    struct fv_suggest suggest = {.wanted = name};
    char fix[300], shown[FV_SHOW_MAX];
    struct fv_str out;
    for (const struct fv_section *section = fv_sections; section->name; section++)
        fv_suggest_offer(&suggest, section->name);
    fv_str_init(&out, fix, sizeof(fix));
    if (there)
        fv_str_addf(&out, "Move it into the section \"%s\".", there->section);
    else if (suggest.best)
        fv_str_addf(&out, "Did you mean \"%s\"?", suggest.best);
    else
        fv_str_add(&out, "Remove it. Sections are processing, models, cameras, tracking, "
                         "visualization, output, websocket and app.");
    fv_say(check, (struct fv_say){FV_SEVERITY_ERROR, "unknown_section", node, .fix = fix},
           "There is no section \"%s\".", fv_mask_show(name, shown));
    check->blind |= suggest.best && !strcmp(suggest.best, "cameras");
}

static void check_section(struct fv_check *check, uint32_t node, const json_t *object)
{
    const struct fv_section *section = fv_section_find(check->map.nodes[node].name);
    if (!json_is_object(object)) {
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "wrong_type", node, .at_value = true,
                               .fix = "Write an object: { \"NAME\": value, ... }."},
               "The section \"%s\" must be an object of settings.", section->name);
        check->blind |= decides_sources(section->name);
        return;
    }
    for (uint32_t i = check->map.nodes[node].first; i != FV_NODE_NONE;
         i = check->map.nodes[i].next) {
        struct fv_member member = {
            .section = section->name,
            .node = i,
            .value = json_object_get(object, check->map.nodes[i].name),
            .draft = &check->defaults,
        };
        fv_check_member(check, &member);
    }
}

bool fv_check_is_ignored(const char *name)
{
    return !strcmp(name, "$schema") || !strcmp(name, FV_KEPT) || !strcmp(name, FV_STAGE);
}

void fv_check_sections(struct fv_check *check)
{
    if (!json_is_object(check->root)) {
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "wrong_type", 0,
                               .fix = "Begin with { \"cameras\": { \"RTSP_STREAMS\": [ ... ] } }."},
               "A configuration is an object of sections, not a list.");
        check->blind = true;
        return;
    }
    for (uint32_t i = check->map.nodes[0].first; i != FV_NODE_NONE; i = check->map.nodes[i].next) {
        const char *name = check->map.nodes[i].name;
        if (fv_check_repeated(check, i) || fv_check_is_ignored(name))
            continue;
        if (fv_section_find(name))
            check_section(check, i, json_object_get(check->root, name));
        else
            unknown_section(check, i);
    }
}
