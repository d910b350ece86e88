// SPDX-License-Identifier: Apache-2.0
/* One value: type, bounds, words; and where it goes. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/mask.h"
#include "conf/suggest.h"

#define LIST_MAX 1000
#define STRING_MAX 4096

static bool is_number(const json_t *value)
{
    return json_is_integer(value) || json_is_real(value);
}

static bool is_auto(const struct fv_setting *setting, const json_t *value)
{
    return (setting->flags & FV_MAY_AUTO) && json_is_string(value) &&
           !strcasecmp(json_string_value(value), "auto");
}

static bool kind_fits(enum fv_kind kind, unsigned flags, const json_t *value)
{
    switch (kind) {
    case FV_KIND_BOOL:
        return json_is_boolean(value);
    case FV_KIND_INT:
        return json_is_integer(value) || ((flags & FV_MAY_WORD) && json_is_string(value));
    case FV_KIND_NUMBER:
        return is_number(value);
    case FV_KIND_STRING:
        return json_is_string(value);
    case FV_KIND_WORD:
        return json_is_string(value) || ((flags & FV_MAY_NUMBER) && json_is_integer(value));
    case FV_KIND_LIST:
    case FV_KIND_AREAS:
        return json_is_array(value);
    case FV_KIND_CAMERAS: /* an object is an older form */
        return json_is_array(value) || json_is_object(value);
    case FV_KIND_ANY:
        break;
    }
    return true;
}

static const char *found_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

static const char *wanted_name(const struct fv_setting *setting)
{
    if (setting->flags & FV_MAY_WORD)
        return "a word in quotes or a whole number";
    if (setting->kind != FV_KIND_WORD)
        return fv_kind_name(setting->kind);
    return setting->flags & FV_MAY_NUMBER ? "a word or its number" : "a word in quotes";
}

static void wrong_type(struct fv_check *check, const struct fv_setting *setting,
                       const json_t *value, uint32_t node)
{
    char fix[200];
    struct fv_str out;
    fv_str_init(&out, fix, sizeof(fix));
    if (setting->value)
        fv_str_addf(&out, "Write %s, for example %s, or remove the setting.", wanted_name(setting),
                    setting->value);
    else
        fv_str_addf(&out, "Write %s, or remove the setting.", wanted_name(setting));
    fv_say(check,
           (struct fv_say){FV_SEVERITY_ERROR, "wrong_type", node, .at_value = true, .fix = fix},
           "%s must be %s, not %s.", setting->name, wanted_name(setting), found_name(value));
}

static bool bounds_check(struct fv_check *check, const struct fv_setting *setting,
                         const json_t *value, uint32_t node)
{
    double number = json_number_value(value);
    bool open = setting->flags & FV_OPEN_MIN;
    if (setting->min == setting->max)
        return true;
    if ((open ? number > setting->min : number >= setting->min) && number <= setting->max)
        return true;
    char fix[200];
    struct fv_str out;
    fv_str_init(&out, fix, sizeof(fix));
    fv_str_addf(&out, "Choose a value %s %.10g %s %.10g", open ? "above" : "from", setting->min,
                open ? "and up to" : "to", setting->max);
    fv_str_addf(&out, setting->value ? "; the default is %s." : ".", setting->value);
    fv_say(check,
           (struct fv_say){FV_SEVERITY_ERROR, "out_of_range", node, .at_value = true, .fix = fix},
           "%s is %.10g, which is %s.", setting->name, number,
           number > setting->max ? "too large" : "too small");
    return false;
}

static const struct fv_word *word_find(const struct fv_setting *setting, const json_t *value)
{
    for (const struct fv_word *word = setting->words; word->name; word++) {
        if (json_is_string(value) ? !strcasecmp(word->name, json_string_value(value))
                                  : word->value == json_integer_value(value))
            return word;
    }
    return NULL;
}

static void bad_word(struct fv_check *check, const struct fv_setting *setting, const json_t *value,
                     uint32_t node)
{
    char fix[400], shown[FV_SHOW_MAX];
    struct fv_str out;
    struct fv_suggest suggest = {.wanted = json_is_string(value) ? json_string_value(value) : ""};
    fv_str_init(&out, fix, sizeof(fix));
    for (const struct fv_word *word = setting->words; word->name; word++)
        fv_suggest_offer(&suggest, word->name);
    if (suggest.best)
        fv_str_addf(&out, "Did you mean \"%s\"? ", suggest.best);
    fv_str_add(&out, "Possible are");
    for (const struct fv_word *word = setting->words; word->name; word++) {
        fv_str_addf(&out, "%s \"%s\"", word == setting->words ? "" : ",", word->name);
        if (setting->flags & FV_MAY_NUMBER)
            fv_str_addf(&out, " (%d)", word->value);
    }
    fv_str_add(&out, ".");
    struct fv_say about = {FV_SEVERITY_ERROR, "bad_value", node, .at_value = true, .fix = fix};
    if (json_is_string(value))
        fv_say(check, about, "\"%s\" is no value of %s.",
               fv_mask_show(json_string_value(value), shown), setting->name);
    else
        fv_say(check, about, "%lld is no value of %s.", (long long)json_integer_value(value),
               setting->name);
}

static bool word_check(struct fv_check *check, const struct fv_setting *setting,
                       const json_t *value, uint32_t node)
{
    const struct fv_word *word = word_find(setting, value);
    if (!word) {
        bad_word(check, setting, value, node);
        return false;
    }
    if (!word->later)
        return true;
    fv_say(check,
           (struct fv_say){FV_SEVERITY_ERROR, "not_supported", node, .at_value = true,
                           .fix = "Choose another value, or remove the setting."},
           "%s \"%s\" is not supported in this version.", setting->name, word->name);
    return false;
}

/* RTSP addresses, file names and words: nothing in them is a control character, and none is
 * endless. */
static bool string_check(struct fv_check *check, const struct fv_setting *setting,
                         const json_t *value, uint32_t node)
{
    const char *text = json_string_value(value);
    bool clean = json_string_length(value) <= STRING_MAX;
    for (const unsigned char *c = (const unsigned char *)text; clean && *c; c++)
        clean = *c >= 0x20 && *c != 0x7F;
    bool empty = text[0] == '\0' && !(setting->flags & FV_MAY_NULL);
    if (clean && !empty)
        return true;
    fv_say(check,
           (struct fv_say){FV_SEVERITY_ERROR, "bad_value", node, .at_value = true,
                           .fix = "Write a plain text, or remove the setting."},
           empty ? "%s is empty." : "%s has control characters in it or is too long.",
           setting->name);
    return false;
}

static bool list_check(struct fv_check *check, const struct fv_setting *setting,
                       const json_t *value, uint32_t node)
{
    bool good = true;
    uint32_t item = check->map.nodes[node].first;
    if (json_array_size(value) > LIST_MAX) {
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "out_of_range", node, .at_value = true,
                               .fix = "Shorten the list."},
               "%s has more than %d entries.", setting->name, LIST_MAX);
        return false;
    }
    for (size_t i = 0; i < json_array_size(value) && item != FV_NODE_NONE; i++) {
        const json_t *entry = json_array_get(value, i);
        if (!json_is_string(entry) && !(json_is_integer(entry) && json_integer_value(entry) >= 0)) {
            fv_say(check,
                   (struct fv_say){FV_SEVERITY_ERROR, "wrong_type", item,
                                   .fix = "Write a name in quotes, or a whole number from 0."},
                   "An entry of %s must be a name or a whole number, not %s.", setting->name,
                   found_name(entry));
            good = false;
        }
        item = check->map.nodes[item].next;
    }
    return good;
}

bool fv_value_check(struct fv_check *check, const struct fv_setting *setting, const json_t *value,
                    uint32_t node)
{
    if ((json_is_null(value) && (setting->flags & FV_MAY_NULL)) || is_auto(setting, value))
        return true;
    if (!kind_fits(setting->kind, setting->flags, value)) {
        wrong_type(check, setting, value, node);
        return false;
    }
    if (setting->words && json_is_string(value))
        return word_check(check, setting, value, node);
    switch (setting->kind) {
    case FV_KIND_INT:
    case FV_KIND_NUMBER:
        return bounds_check(check, setting, value, node);
    case FV_KIND_WORD:
        return word_check(check, setting, value, node);
    case FV_KIND_STRING:
        return string_check(check, setting, value, node);
    case FV_KIND_LIST:
        return list_check(check, setting, value, node);
    default:
        return true;
    }
}

static void strings_finish(struct fv_conf_strings *strings)
{
    for (unsigned i = 0; i < strings->count; i++)
        fv_free(strings->items[i]);
    fv_free(strings->items);
    *strings = (struct fv_conf_strings){0};
}

static int store_list(struct fv_conf_strings *strings, const json_t *value)
{
    size_t count = json_array_size(value);
    strings_finish(strings);
    if (count == 0)
        return 0;
    strings->items = fv_calloc(count, sizeof(*strings->items));
    if (!strings->items)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(value, i);
        char *text = json_is_string(entry)
                         ? fv_strdup(json_string_value(entry))
                         : fv_asprintf("%lld", (long long)json_integer_value(entry));
        if (!text)
            return -ENOMEM;
        strings->items[strings->count++] = text;
    }
    return 0;
}

/* An empty text of a setting that may be null means the same as null. */
static int store_text(char **at, const char *text)
{
    char *copy = NULL;
    if (text && *text) {
        copy = fv_strdup(text);
        if (!copy)
            return -ENOMEM;
    }
    fv_free(*at);
    *at = copy;
    return 0;
}

static int store_word(const struct fv_setting *setting, const json_t *value, void *at)
{
    const struct fv_word *word = word_find(setting, value);
    if (setting->flags & FV_AS_TEXT)
        return store_text(at, word->name);
    if (setting->flags & FV_AS_BOOL)
        *(bool *)at = word->value;
    else
        *(int *)at = word->value;
    return 0;
}

int fv_value_store(const struct fv_setting *setting, const json_t *value, void *base)
{
    void *at = (char *)base + setting->offset;
    switch (setting->kind) {
    case FV_KIND_BOOL:
        *(bool *)at = json_is_true(value);
        return 0;
    case FV_KIND_INT: /* null and "auto" are 0 */
        if (setting->words && json_is_string(value))
            return store_word(setting, value, at);
        *(int *)at = (int)json_integer_value(value);
        return 0;
    case FV_KIND_NUMBER:
        *(double *)at = json_number_value(value);
        return 0;
    case FV_KIND_STRING:
        return store_text(at, json_string_value(value));
    case FV_KIND_WORD:
        return store_word(setting, value, at);
    case FV_KIND_LIST:
        return store_list(at, value);
    case FV_KIND_CAMERAS:
    case FV_KIND_AREAS:
    case FV_KIND_ANY:
        break;
    }
    return 0;
}

static json_t *stored_word(const struct fv_setting *setting, const void *at)
{
    int value = setting->flags & FV_AS_BOOL ? *(const bool *)at : *(const int *)at;
    for (const struct fv_word *word = setting->words; word->name; word++)
        if (word->value == value)
            return json_string(word->name);
    return json_null();
}

static json_t *stored_text(const void *at)
{
    const char *text = *(char *const *)at;
    return text ? json_string(text) : json_null();
}

static json_t *stored_list(const struct fv_conf_strings *strings)
{
    json_t *list = json_array();
    for (unsigned i = 0; list && i < strings->count; i++)
        json_array_append_new(list, json_string(strings->items[i]));
    return list;
}

json_t *fv_value_stored(const struct fv_setting *setting, const void *base)
{
    const void *at = (const char *)base + setting->offset;
    int number;
    switch (setting->kind) {
    case FV_KIND_BOOL:
        return json_boolean(*(const bool *)at);
    case FV_KIND_INT:
        number = *(const int *)at;
        for (const struct fv_word *word = setting->words; word && word->name; word++)
            if (word->value == number)
                return json_string(word->name);
        if (number == 0 && (setting->flags & FV_MAY_AUTO))
            return json_string("auto");
        return number == 0 && (setting->flags & FV_MAY_NULL) ? json_null() : json_integer(number);
    case FV_KIND_NUMBER:
        return json_real(*(const double *)at);
    case FV_KIND_WORD:
        return setting->flags & FV_AS_TEXT ? stored_text(at) : stored_word(setting, at);
    case FV_KIND_LIST:
        return stored_list(at);
    default:
        return stored_text(at);
    }
}

int fv_value_defaults(enum fv_target target, void *base)
{
    for (size_t i = 0; i < fv_setting_count; i++) {
        const struct fv_setting *setting = &fv_settings[i];
        if (setting->target != target || !setting->value)
            continue;
        json_t *value = json_loads(setting->value, JSON_DECODE_ANY, NULL);
        int r = value ? fv_value_store(setting, value, base) : -ENOMEM;
        json_decref(value);
        if (r < 0)
            return r;
    }
    return 0;
}

void fv_value_release(enum fv_target target, void *base)
{
    for (size_t i = 0; i < fv_setting_count; i++) {
        const struct fv_setting *setting = &fv_settings[i];
        void *at = (char *)base + setting->offset;
        if (setting->target == target && setting->kind == FV_KIND_LIST)
            strings_finish(at);
        else if (setting->target == target &&
                 (setting->kind == FV_KIND_STRING || (setting->flags & FV_AS_TEXT)))
            store_text(at, NULL);
    }
}

bool fv_value_is(struct fv_check *check, const json_t *value, const char *text)
{
    json_t *other = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    bool equal = false;
    if (text && !other)
        check->failure = -ENOMEM;
    else if (other && is_number(value) && is_number(other))
        equal = json_number_value(value) == json_number_value(other);
    else if (other && json_is_string(value) && json_is_string(other))
        equal = !strcasecmp(json_string_value(value), json_string_value(other));
    else if (other)
        equal = json_equal(value, other);
    json_decref(other);
    return equal;
}

char *fv_value_shown(const char *name, const json_t *value)
{
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(12));
    /* With its name in front: that is what the masking goes by. */
    char *text = dumped ? fv_asprintf("\"%s\":%s", name, dumped) : NULL;
    size_t skip = strlen(name) + 3, size = text ? strlen(text) : 0;
    char *shown = text ? fv_calloc(3 * size + 1, 1) : NULL;
    if (shown) {
        fv_mask_text(text, size);
        fv_mask_print((struct fv_slice){text + skip, size - skip}, shown, 3 * size + 1);
    }
    if (dumped)
        explicit_bzero(dumped, strlen(dumped));
    free(dumped);
    fv_free(text);
    return shown;
}
