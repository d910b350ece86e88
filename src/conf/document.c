// SPDX-License-Identifier: Apache-2.0
/* The table in words: docs/config.md and `fovea config explain`. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "conf/mask.h"
#include "conf/suggest.h"
#include "conf/table.h"

struct writer {
    fv_text_fn text;
    void *data;
};

static void put(const struct writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void put(const struct writer *writer, const char *format, ...)
{
    char buffer[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(buffer, sizeof(buffer), format, args);
    va_end(args);
    writer->text(writer->data, buffer);
}

static void describe_words(const struct fv_setting *setting, struct fv_str *out)
{
    for (const struct fv_word *word = setting->words; word->name; word++) {
        fv_str_addf(out, "%s\"%s\"", word == setting->words ? "" : ", ", word->name);
        if (setting->flags & FV_MAY_NUMBER)
            fv_str_addf(out, " (%d)", word->value);
        if (word->later)
            fv_str_add(out, " (not supported yet)");
    }
}

/* "a whole number from 1 to 64, or "auto"". */
static void describe_type(const struct fv_setting *setting, struct fv_str *out)
{
    if (setting->words)
        describe_words(setting, out);
    if (setting->flags & FV_MAY_WORD)
        fv_str_add(out, ", or ");
    if (setting->kind != FV_KIND_WORD)
        fv_str_add(out, fv_kind_name(setting->kind));
    if (setting->min != setting->max)
        fv_str_addf(out, " %s %.10g %s %.10g", setting->flags & FV_OPEN_MIN ? "above" : "from",
                    setting->min, setting->flags & FV_OPEN_MIN ? "up to" : "to", setting->max);
    if (setting->unit)
        fv_str_addf(out, " (%s)", setting->unit);
    if (setting->flags & FV_MAY_AUTO)
        fv_str_add(out, ", or \"auto\"");
    if (setting->flags & FV_MAY_NULL)
        fv_str_add(out, ", or null");
}

static void describe_default(const struct fv_setting *setting, struct fv_str *out)
{
    bool plain = setting->value && strcmp(setting->value, "null") && strcmp(setting->value, "[]");
    if (plain || (setting->value && !setting->default_note))
        fv_str_add(out, setting->value);
    if (setting->default_note)
        fv_str_addf(out, plain ? "; %s" : "%s", setting->default_note);
    if (setting->older)
        fv_str_addf(out, " (before: %s)", setting->older);
    if (out->size == 0)
        fv_str_add(out, "-");
}

/* What validation enforces beyond the type. */
static void describe_rules(const struct fv_setting *setting, struct fv_str *out)
{
    if (setting->must)
        fv_str_addf(out, "Must be %s in GPU-only operation. ", setting->must);
    for (const struct fv_word *word = setting->words; word && word->name; word++) {
        if (word->gpu_error)
            fv_str_addf(out, "\"%s\" is an error in GPU-only operation. ", word->name);
        if (word->warn)
            fv_str_addf(out, "\"%s\" is a warning: %s. ", word->name, word->warn);
    }
    if (setting->warn_above > 0)
        fv_str_addf(out, "A warning above %.10g. ", setting->warn_above);
    if (setting->warn_at)
        fv_str_addf(out, "A warning when %s. ", setting->warn_at);
    if (setting->info_at)
        fv_str_addf(out, "Information when %s. ", setting->info_at);
    if (setting->why)
        fv_str_addf(out, "%s ", setting->why);
    if (setting->lacks)
        fv_str_addf(out, "This version has %s. ", setting->lacks);
    if (setting->instead)
        fv_str_addf(out, "%s ", setting->instead);
    if (setting->rule)
        fv_str_addf(out, "%s ", setting->rule);
    while (out->size && out->data[out->size - 1] == ' ')
        out->data[--out->size] = '\0';
}

static const char *scope_name(const struct fv_setting *setting)
{
    return setting->scope == FV_SCOPE_CAMERA ? "per camera"
           : setting->scope == FV_SCOPE_BOTH ? "engine-wide and per camera"
                                             : NULL;
}

/* "in force", and whether a reload takes it over. */
static const char *effect_of(const struct fv_setting *setting)
{
    bool wired = setting->effect == FV_EFFECT_WIRED;
    bool live = (setting->flags & FV_LIVE) || setting->target == FV_TARGET_DRAFT;
    return wired && live ? "in force, live" : fv_effect_name(setting->effect);
}

/* Texts about one setting. */
struct texts {
    char type[600], fallback[300], rules[1200];
};

static void describe(const struct fv_setting *setting, struct texts *texts)
{
    struct fv_str out;
    fv_str_init(&out, texts->type, sizeof(texts->type));
    describe_type(setting, &out);
    fv_str_init(&out, texts->fallback, sizeof(texts->fallback));
    describe_default(setting, &out);
    fv_str_init(&out, texts->rules, sizeof(texts->rules));
    describe_rules(setting, &out);
}

static void document_setting(const struct writer *writer, const struct fv_setting *setting)
{
    struct texts texts;
    const char *scope = scope_name(setting);
    describe(setting, &texts);
    if (setting->effect == FV_EFFECT_OBSOLETE)
        put(writer, "| `%s` | | | obsolete | %s. %s |\n", setting->name, setting->help,
            texts.rules);
    else
        put(writer, "| `%s` | %s | %s | %s | %s%s%s.%s%s |\n", setting->name, texts.type,
            texts.fallback, effect_of(setting), scope ? scope : "", scope ? ": " : "",
            setting->help, texts.rules[0] ? " " : "", texts.rules);
}

static const char head[] =
    "# Configuration\n"
    "\n"
    "This page is generated from the table of settings: `fovea config doc > docs/config.md`.\n"
    "\n"
    "The configuration is one JSON file: an object of the sections below, each an object of "
    "settings. All of them are\n"
    "optional except one enabled camera. Ignored beside the sections: `\"$schema\"`; "
    "`\"$kept\"` and `\"$stage\"`, which migration writes.\n"
    "\n"
    "```json\n"
    "{\n"
    "  \"cameras\": {\n"
    "    \"RTSP_STREAMS\": [\n"
    "      {\"name\": \"gate\", \"url\": \"rtsp://192.0.2.10/stream1\", \"USERNAME\": \"viewer\", "
    "\"PASSWORD_FILE\": \"/etc/fovea/gate\"}\n"
    "    ]\n"
    "  }\n"
    "}\n"
    "```\n"
    "\n"
    "`fovea config check FILE` judges a file alone; `fovea run` judges it in the same way first, "
    "and does not start on errors.\n"
    "With `--machine` it also judges what needs this machine: cores, memory, files, model, "
    "permissions, device.\n"
    "`fovea config explain NAME` says what is known about one setting, `fovea config show -c FILE` "
    "what each one is and where that\n"
    "comes from. [config.schema.json](config.schema.json) (`fovea config schema`) is for editors: "
    "name it in `\"$schema\"`. Files of the\n"
    "Python pipeline: [migration.md](migration.md).\n"
    "\n"
    "**The environment** goes over the file at start: `FOVEA_SECTION__NAME`, for example\n"
    "`FOVEA_PROCESSING__GPU_BATCH_SIZE=4` or `FOVEA_MODELS__TARGET_CLASSES='[\"person\"]'`. The "
    "same checks hold; a finding names the\n"
    "variable. A plain `config check` does not look at it. Options of the command line go over "
    "both.\n"
    "\n"
    "**GPU-only operation** is in force unless `processing.BACKEND` (or `--backend`) is `cpu`; "
    "then what contradicts it is\n"
    "reported as information, \"not used\".\n"
    "\n"
    "**Reload**: on SIGHUP `fovea run` reads the file again (programs: `fv_engine_reload()`). It is judged "
    "as at the start, and one with\n"
    "errors changes nothing. What is *live* below comes into force at once: cameras come and go; one whose "
    "address, login, transport or\n"
    "TLS settings changed reconnects, other deadlines interrupt nothing; tracks, and zones and lines that "
    "stayed the same, keep their\n"
    "state. Everything else is named as needing a restart, and stays as it was. The log file is opened "
    "anew.\n"
    "\n"
    "Effect: *in force*: the setting has behaviour; *live*: a reload takes it over. *checked*: it can only say what holds anyway. "
    "*no effect*: accepted,\n"
    "and a warning says that its stage does not exist in this version. *not needed*: accepted for "
    "old files. *obsolete*: reported\n"
    "with its replacement. Words may be written in upper or lower case. *Before* is the default of "
    "the Python pipeline before tuning.\n"
    "\n"
    "Settings marked *engine-wide and per camera* stand in `cameras`, for all cameras, or in an "
    "entry of `RTSP_STREAMS`, for one.\n"
    "A camera that names USERNAME, PASSWORD_ENV or PASSWORD_FILE takes none of the engine-wide "
    "ones; an address with a user\n"
    "takes precedence over the engine-wide ones. Paths are relative to the folder in which the "
    "program is started.\n";

static const char codes_head[] = "\n"
                                 "## Codes\n"
                                 "\n"
                                 "The code of a finding never changes its meaning. Exit status of "
                                 "`fovea config check`: 0 no errors, 1 errors, 2 a file cannot be\n"
                                 "read.\n"
                                 "\n"
                                 "| Code | Severity | Meaning |\n"
                                 "|---|---|---|\n";

void fv_config_document(fv_text_fn text, void *data)
{
    const struct writer writer = {text, data};
    text(data, head);
    for (const struct fv_section *section = fv_sections; section->name; section++) {
        put(&writer,
            "\n## %s\n\n%s\n\n| Setting | Value | Default | Effect | Meaning "
            "|\n|---|---|---|---|---|\n",
            section->name, section->help);
        for (size_t i = 0; i < fv_setting_count; i++)
            if (!strcmp(fv_settings[i].section, section->name))
                document_setting(&writer, &fv_settings[i]);
    }
    text(data, codes_head);
    for (const struct fv_code *code = fv_codes; code->name; code++)
        put(&writer, "| `%s` | %s | %s |\n", code->name, code->severity, code->help);
}

static void explain_setting(const struct writer *writer, const struct fv_setting *setting)
{
    struct texts texts;
    describe(setting, &texts);
    put(writer, "%s.%s%s: %s\n", setting->section,
        setting->scope == FV_SCOPE_CAMERA ? "RTSP_STREAMS[]." : "", setting->name, setting->help);
    if (setting->effect != FV_EFFECT_OBSOLETE)
        put(writer, "  value:   %s\n  default: %s\n", texts.type, texts.fallback);
    put(writer, "  effect:  %s\n", effect_of(setting));
    if (scope_name(setting))
        put(writer, "  where:   %s\n", scope_name(setting));
    if (texts.rules[0])
        put(writer, "  rules:   %s\n", texts.rules);
}

/* "section.NAME", "cameras.RTSP_STREAMS[0].NAME" or "NAME". */
static bool key_matches(const struct fv_setting *setting, const char *key)
{
    const char *dot = strrchr(key, '.'), *name = dot ? dot + 1 : key;
    size_t length = strcspn(key, ".");
    if (dot && (strlen(setting->section) != length || strncmp(key, setting->section, length)))
        return false;
    return fv_setting_find(setting->section, name, false) == setting ||
           fv_setting_find(setting->section, name, true) == setting;
}

int fv_config_explain(const char *key, fv_text_fn text, void *data, struct fv_error *err)
{
    const struct writer writer = {text, data};
    const char *dot = strrchr(key, '.');
    struct fv_suggest suggest = {.wanted = dot ? dot + 1 : key};
    char shown[FV_SHOW_MAX];
    bool found = false;
    for (size_t i = 0; i < fv_setting_count; i++) {
        fv_suggest_offer(&suggest, fv_settings[i].name);
        if (!key_matches(&fv_settings[i], key))
            continue;
        explain_setting(&writer, &fv_settings[i]);
        found = true;
    }
    if (found)
        return 0;
    fv_mask_show(key, shown);
    if (suggest.best)
        return fv_error_set(err, -ENOENT, "there is no setting \"%s\". Did you mean \"%s\"?", shown,
                            suggest.best);
    return fv_error_set(err, -ENOENT, "there is no setting \"%s\"", shown);
}
