// SPDX-License-Identifier: Apache-2.0
/* The table as a JSON Schema (draft 2020-12), for editors: they complete names and words, show the
 * help, and mark what `fovea config check` would find without joining settings. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/areas.h"
#include "conf/table.h"

/* jansson's _new functions free the value also when they fail, and refuse NULL: one flag at the end
 * is enough. */
static bool put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

static const char *type_of(const struct fv_setting *setting)
{
    static const char *const types[] = {
        [FV_KIND_BOOL] = "boolean",  [FV_KIND_INT] = "integer", [FV_KIND_NUMBER] = "number",
        [FV_KIND_STRING] = "string", [FV_KIND_LIST] = "array",
    };
    return setting->kind <= FV_KIND_LIST ? types[setting->kind] : NULL;
}

static json_t *plain_type(const struct fv_setting *setting)
{
    json_t *schema = json_pack("{s:s}", "type", type_of(setting));
    bool good = schema != NULL;
    if (setting->kind == FV_KIND_LIST)
        good = good && put(schema, "items",
                           json_pack("{s:[{s:s}, {s:s, s:i}]}", "anyOf", "type", "string", "type",
                                     "integer", "minimum", 0));
    if (setting->min != setting->max) {
        bool open = setting->flags & FV_OPEN_MIN;
        good = good && put(schema, open ? "exclusiveMinimum" : "minimum", json_real(setting->min));
        good = good && put(schema, "maximum", json_real(setting->max));
    }
    if (setting->kind == FV_KIND_STRING && !(setting->flags & FV_MAY_NULL))
        good = good && put(schema, "minLength", json_integer(1));
    if (good)
        return schema;
    json_decref(schema);
    return NULL;
}

/* "[gG][pP][uU]": words may be written in upper or lower case. */
static void add_any_case(struct fv_str *out, const char *word)
{
    for (; *word; word++) {
        if (isalpha((unsigned char)*word))
            fv_str_addf(out, "[%c%c]", tolower((unsigned char)*word),
                        toupper((unsigned char)*word));
        else
            fv_str_addf(out, "%c", *word);
    }
}

/* The words themselves, for completion, and any spelling of them. */
static bool add_words(json_t *choices, const struct fv_setting *setting)
{
    char pattern[1000];
    struct fv_str out;
    json_t *words = json_array(), *numbers = json_array();
    bool good = words && numbers, first = true;
    fv_str_init(&out, pattern, sizeof(pattern));
    fv_str_add(&out, "^(");
    for (const struct fv_word *word = setting->words; word->name; word++) {
        if (word->later)
            continue;
        good = good && json_array_append_new(words, json_string(word->name)) == 0;
        good = good && json_array_append_new(numbers, json_integer(word->value)) == 0;
        fv_str_add(&out, first ? "" : "|");
        first = false;
        add_any_case(&out, word->name);
    }
    fv_str_add(&out, ")$");
    good = good && json_array_append_new(choices, json_pack("{s:O}", "enum", words)) == 0;
    good = good && json_array_append_new(
                       choices, json_pack("{s:s, s:s}", "type", "string", "pattern", pattern)) == 0;
    if (setting->flags & FV_MAY_NUMBER)
        good = good && json_array_append_new(choices, json_pack("{s:O}", "enum", numbers)) == 0;
    json_decref(words);
    json_decref(numbers);
    return good;
}

static bool add_choices(json_t *schema, const struct fv_setting *setting)
{
    json_t *choices = json_array();
    bool good = choices != NULL;
    if (good && setting->words)
        good = add_words(choices, setting);
    if (good && setting->kind != FV_KIND_WORD)
        good = json_array_append_new(choices, plain_type(setting)) == 0;
    if (setting->flags & FV_MAY_AUTO)
        good =
            good && json_array_append_new(choices, json_pack("{s:s, s:s}", "type", "string",
                                                             "pattern", "^[aA][uU][tT][oO]$")) == 0;
    if (setting->flags & FV_MAY_NULL)
        good = good && json_array_append_new(choices, json_pack("{s:s}", "type", "null")) == 0;
    if (good && json_array_size(choices) == 1)
        good = json_object_update(schema, json_array_get(choices, 0)) == 0;
    else if (good)
        good = json_object_set(schema, "anyOf", choices) == 0;
    json_decref(choices);
    return good;
}

static bool describe(json_t *schema, const struct fv_setting *setting)
{
    char text[1200];
    struct fv_str out;
    fv_str_init(&out, text, sizeof(text));
    fv_str_addf(&out, "%s.", setting->help);
    text[0] = (char)toupper((unsigned char)text[0]);
    if (setting->unit)
        fv_str_addf(&out, " Unit: %s.", setting->unit);
    const char *const more[] = {setting->why, setting->instead, setting->rule};
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
        if (more[i])
            fv_str_addf(&out, " %s", more[i]);
    if (setting->effect == FV_EFFECT_LATER)
        fv_str_addf(&out, " No effect: this version has %s.", setting->lacks);
    bool good = put(schema, "description", json_string(text));
    if (setting->value)
        good = good && put(schema, "default", json_loads(setting->value, JSON_DECODE_ANY, NULL));
    if (setting->effect == FV_EFFECT_OBSOLETE)
        good = good && put(schema, "deprecated", json_true());
    return good;
}

static json_t *streams_schema(json_t *schema, json_t *camera);
static json_t *area_schema(bool line);

static json_t *setting_schema(const struct fv_setting *setting)
{
    json_t *schema = json_object();
    bool typed = setting->kind < FV_KIND_CAMERAS;
    bool good = schema && describe(schema, setting) && (!typed || add_choices(schema, setting));
    if (good && setting->kind == FV_KIND_AREAS)
        good = put(schema, "type", json_string("array")) &&
               put(schema, "items", area_schema(!strcmp(setting->name, "LINES")));
    if (good)
        return schema;
    json_decref(schema);
    return NULL;
}

/* [[x, y], ...] */
static json_t *points_schema(bool line)
{
    json_t *number = json_pack("{s:s, s:i, s:i}", "type", "number", "minimum", line ? -1 : 0,
                               "maximum", line ? 2 : 1);
    return json_pack("{s:s, s:i, s:i, s:{s:s, s:o, s:i, s:i}}", "type", "array", "minItems",
                     line ? 2 : 3, "maxItems", line ? 2 : 64, "items", "type", "array", "items",
                     number, "minItems", 2, "maxItems", 2);
}

/* A zone or a line. */
static json_t *area_schema(bool line)
{
    json_t *properties = json_object();
    bool good = properties != NULL;
    const struct fv_setting *row;
    for (size_t i = 0; good && (row = fv_area_setting(line, i)); i++) {
        json_t *schema = setting_schema(row);
        if (schema && row->kind == FV_KIND_ANY)
            json_object_update_new(schema, points_schema(line));
        good = put(properties, row->name, schema);
    }
    json_t *object =
        good ? json_pack("{s:s, s:O, s:b, s:[s,s]}", "type", "object", "properties", properties,
                         "additionalProperties", 0, "required", "NAME", "POINTS")
             : NULL;
    json_decref(properties);
    return object;
}

/* An object of the rows that may stand there. */
static json_t *object_schema(const char *section, bool in_camera, json_t *camera)
{
    json_t *properties = json_object(), *families = json_object();
    bool good = properties && families;
    for (size_t i = 0; good && i < fv_setting_count; i++) {
        const struct fv_setting *row = &fv_settings[i];
        size_t length = strlen(row->name);
        char pattern[100];
        struct fv_str out;
        if (strcmp(row->section, section) ||
            row->scope == (in_camera ? FV_SCOPE_SECTION : FV_SCOPE_CAMERA))
            continue;
        json_t *schema = setting_schema(row);
        if (row->kind == FV_KIND_CAMERAS)
            schema = streams_schema(schema, camera);
        fv_str_init(&out, pattern, sizeof(pattern));
        fv_str_addf(&out, "^%.*s.+$", (int)(length - 1), row->name);
        good = row->name[length - 1] == '*' ? put(families, pattern, schema)
                                            : put(properties, row->name, schema);
    }
    json_t *object = good ? json_pack("{s:s, s:O, s:b}", "type", "object", "properties", properties,
                                      "additionalProperties", 0)
                          : NULL;
    if (object && json_object_size(families))
        json_object_set(object, "patternProperties", families);
    json_decref(properties);
    json_decref(families);
    return object;
}

/* RTSP_STREAMS: a list of cameras, or one of the older forms. Takes both. */
static json_t *streams_schema(json_t *schema, json_t *camera)
{
    static const char address[] = "^[rR][tT][sS][pP][sS]?://";
    json_t *choices =
        json_pack("[{s:s, s:O}, {s:s, s:b, s:{s:s, s:s}}, {s:s, s:b, s:{s:s, s:s}}]", "type",
                  "array", "items", camera, "type", "array", "deprecated", 1, "items", "type",
                  "string", "pattern", address, "type", "object", "deprecated", 1,
                  "additionalProperties", "type", "string", "pattern", address);
    if (schema && choices && json_object_set(schema, "anyOf", choices) == 0) {
        json_decref(choices);
        return schema;
    }
    json_decref(schema);
    json_decref(choices);
    return NULL;
}

static json_t *camera_schema(void)
{
    json_t *camera = object_schema("cameras", true, NULL);
    if (camera && put(camera, "required", json_pack("[s]", "url")))
        return camera;
    json_decref(camera);
    return NULL;
}

/* What must hold unless BACKEND is "cpu". */
static json_t *gpu_rules(void)
{
    json_t *sections = json_object(), *wants_cpu;
    bool good = sections != NULL;
    for (size_t i = 0; good && i < fv_setting_count; i++) {
        const struct fv_setting *row = &fv_settings[i];
        if (!row->must)
            continue;
        json_t *section = json_object_get(sections, row->section);
        if (!section) {
            section = json_pack("{s:{}}", "properties");
            good = put(sections, row->section, section);
        }
        json_t *rule = json_pack("{s:o}", "const", json_loads(row->must, JSON_DECODE_ANY, NULL));
        good = good && put(json_object_get(section, "properties"), row->name, rule);
    }
    wants_cpu = json_pack("{s:[s], s:{s:{s:[s], s:{s:{s:s}}}}}", "required", "processing",
                          "properties", "processing", "required", "BACKEND", "properties",
                          "BACKEND", "pattern", "^[cC][pP][uU]$");
    json_t *rules = good && wants_cpu ? json_pack("{s:O, s:{s:O}}", "if", wants_cpu, "else",
                                                  "properties", sections)
                                      : NULL;
    json_decref(sections);
    json_decref(wants_cpu);
    return rules;
}

static json_t *schema_make(void)
{
    json_t *camera = camera_schema(), *properties = json_object();
    bool good =
        camera && properties && put(properties, "$schema", json_pack("{s:s}", "type", "string"));
    for (const struct fv_section *section = fv_sections; good && section->name; section++) {
        json_t *object = object_schema(section->name, false, camera);
        good = object && put(object, "description", json_string(section->help));
        if (good)
            good = put(properties, section->name, object);
        else
            json_decref(object);
    }
    good = good && put(properties, "$kept",
                       json_pack("{s:s}", "description", "What migration set aside; not read."));
    good = good && put(properties, "$stage",
                       json_pack("{s:s}", "description", "The stage of a migration; not read."));
    json_t *rules = gpu_rules();
    json_t *schema =
        good && rules ? json_pack("{s:s, s:s, s:s, s:O, s:b, s:[s], s:[O]}", "$schema",
                                  "https://json-schema.org/draft/2020-12/schema", "title",
                                  "Fovea configuration", "type", "object", "properties", properties,
                                  "additionalProperties", 0, "required", "cameras", "allOf", rules)
                      : NULL;
    json_decref(camera);
    json_decref(properties);
    json_decref(rules);
    return schema;
}

int fv_config_schema(fv_text_fn text, void *data)
{
    json_t *schema = schema_make();
    char *dumped = schema ? json_dumps(schema, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(schema);
    if (!dumped)
        return -ENOMEM;
    text(data, dumped);
    text(data, "\n");
    free(dumped);
    return 0;
}
