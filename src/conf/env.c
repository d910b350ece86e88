// SPDX-License-Identifier: Apache-2.0
/* Settings out of the environment: FOVEA_PROCESSING__GPU_BATCH_SIZE=4 stands for
 * processing.GPU_BATCH_SIZE. They go over what the file says before anything is judged, so that the
 * same checks see them; a finding about one names the variable. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/mask.h"
#include "conf/suggest.h"

#define PREFIX "FOVEA_"
#define VARIABLES_MAX 512

extern char **environ;

struct fv_env_item {
    char *variable; /* FOVEA_SECTION__NAME */
    char *section;  /* lower case */
    const char *name, *text;
    struct fv_map map; /* of its value; holds the names of grafted nodes */
};

void fv_env_finish(struct fv_env *env)
{
    for (unsigned i = 0; i < env->count; i++) {
        fv_free(env->items[i].variable);
        fv_free(env->items[i].section);
        fv_map_free(&env->items[i].map);
    }
    fv_free(env->items);
    *env = (struct fv_env){0};
}

/* FOVEA_SECTION__NAME=text, with something on both sides of the two underscores. */
static bool is_setting(const char *entry)
{
    const char *equal = strchr(entry, '='), *two = strstr(entry, "__");
    return !strncmp(entry, PREFIX, strlen(PREFIX)) && equal && two &&
           two > entry + strlen(PREFIX) && two + 2 < equal;
}

static int item_init(struct fv_env_item *item, const char *entry)
{
    const char *equal = strchr(entry, '=');
    item->variable = fv_strndup(entry, (size_t)(equal - entry));
    if (!item->variable)
        return -ENOMEM;
    char *two = strstr(item->variable, "__");
    char *start = item->variable + strlen(PREFIX);
    item->section = fv_strndup(start, (size_t)(two - start));
    if (!item->section)
        return -ENOMEM;
    for (char *c = item->section; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    item->name = two + 2;
    item->text = equal + 1;
    return 0;
}

static int by_variable(const void *a, const void *b)
{
    const struct fv_env_item *x = a, *y = b;
    return strcmp(x->variable, y->variable);
}

/* Sorted: findings come in the same order on every machine. */
static int collect(struct fv_env *env)
{
    unsigned count = 0;
    for (char **entry = environ; entry && *entry; entry++)
        count += is_setting(*entry);
    if (count == 0)
        return 0;
    if (count > VARIABLES_MAX)
        count = VARIABLES_MAX;
    env->items = fv_calloc(count, sizeof(*env->items));
    if (!env->items)
        return -ENOMEM;
    for (char **entry = environ; *entry && env->count < count; entry++)
        if (is_setting(*entry) && item_init(&env->items[env->count++], *entry) < 0)
            return -ENOMEM;
    qsort(env->items, env->count, sizeof(*env->items), by_variable);
    return 0;
}

static void say_variable(struct fv_check *check, const struct fv_env_item *item,
                         enum fv_severity severity, const char *code, const char *message)
{
    fv_report_add(&check->report,
                  &(struct fv_about){severity, code, "", FV_NOWHERE, item->variable, FV_NODE_NONE},
                  message, "Correct the variable, or remove it from the environment.");
}

static bool takes_text(const struct fv_setting *setting)
{
    return setting && (setting->kind == FV_KIND_STRING ||
                       (setting->kind == FV_KIND_WORD && !(setting->flags & FV_MAY_NUMBER)));
}

/* A text setting takes the variable as it is; everything else is JSON where it can be. NULL: not
 * UTF-8. */
static json_t *value_of(const struct fv_env_item *item)
{
    const struct fv_setting *setting = fv_setting_find(item->section, item->name, false);
    if (setting && (setting->flags & FV_MAY_NULL) && !strcmp(item->text, "null"))
        return json_null();
    if (setting && setting->kind == FV_KIND_BOOL && !strcasecmp(item->text, "true"))
        return json_true();
    if (setting && setting->kind == FV_KIND_BOOL && !strcasecmp(item->text, "false"))
        return json_false();
    json_t *value = takes_text(setting)
                        ? NULL
                        : json_loads(item->text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    return value ? value : json_string(item->text);
}

/* The section's node and object, made when the file has none. False: the file has something else
 * there, which is reported. */
static bool section_of(struct fv_check *check, const struct fv_env_item *item, uint32_t *ret_node,
                       json_t **ret_object)
{
    struct fv_map empty = {0};
    *ret_node = fv_map_child(&check->map, 0, item->section);
    if (*ret_node == FV_NODE_NONE) {
        int r = fv_map_scan("{}", 2, &empty, NULL);
        if (r == 0)
            r = fv_map_graft(&check->map, 0, item->section, &empty, item->variable);
        fv_map_free(&empty);
        if (r < 0 || json_object_set_new(check->root, item->section, json_object()) < 0) {
            check->failure = -ENOMEM;
            return false;
        }
        *ret_node = fv_map_child(&check->map, 0, item->section);
    }
    *ret_object = json_object_get(check->root, item->section);
    return json_is_object(*ret_object);
}

static void apply_value(struct fv_check *check, struct fv_env_item *item, json_t *value)
{
    uint32_t node;
    json_t *object;
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    int r = text ? fv_map_scan(text, strlen(text), &item->map, NULL) : -ENOMEM;
    if (r == 0 && section_of(check, item, &node, &object)) {
        r = fv_map_graft(&check->map, node, item->name, &item->map, item->variable);
        if (r == 0 && json_object_set(object, item->name, value) < 0)
            r = -ENOMEM;
    }
    if (r == -ENOBUFS)
        say_variable(check, item, FV_SEVERITY_ERROR, "too_large",
                     "The variable holds too many values, or too many brackets inside each other.");
    else if (r < 0)
        check->failure = r;
    free(text);
}

static void unknown_section(struct fv_check *check, const struct fv_env_item *item)
{
    struct fv_suggest suggest = {.wanted = item->section};
    char message[160];
    struct fv_str out;
    fv_str_init(&out, message, sizeof(message));
    fv_str_add(&out, "The variable looks like a setting, but names no section: it is ignored.");
    for (const struct fv_section *section = fv_sections; section->name; section++)
        fv_suggest_offer(&suggest, section->name);
    if (suggest.best)
        fv_str_addf(&out, " The nearest section is \"%s\".", suggest.best);
    say_variable(check, item, FV_SEVERITY_WARNING, "unknown_variable", message);
}

static void apply(struct fv_check *check, struct fv_env_item *item)
{
    if (!fv_section_find(item->section)) {
        unknown_section(check, item);
        return;
    }
    json_t *value = value_of(item);
    if (value)
        apply_value(check, item, value);
    else
        say_variable(check, item, FV_SEVERITY_ERROR, "encoding", "The variable is not UTF-8.");
    json_decref(value);
}

void fv_env_apply(struct fv_check *check)
{
    if (collect(&check->env) < 0) {
        check->failure = -ENOMEM;
        return;
    }
    for (unsigned i = 0; i < check->env.count; i++)
        apply(check, &check->env.items[i]);
}
