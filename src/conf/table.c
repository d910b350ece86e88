// SPDX-License-Identifier: Apache-2.0
/* Sections and codes, and what finds its way through the table of settings (rows.c). */
#include "conf/table.h"

#include <string.h>

const struct fv_section fv_sections[] = {
    {"processing", "How frames move through the engine."},
    {"models", "The detector and what runs it."},
    {"classifier",
     "A second model that says what an object is, asked about the part of the picture in its box. It "
     "never delays the detector: a track is asked about when it is new and then now and then, and "
     "its later events carry the newest answer (`attributes`, [events.md](events.md)). A camera has "
     "at most 16 crops of one picture under way; what finds no room is asked with a later picture, "
     "in turn, and counted. `fovea analyze` waits instead, so that the same file gives the same labels. "
     "It runs where the detector runs, with the same INFERENCE_PROVIDER, and on the GPU or not at "
     "all when that is where the detector is."},
    {"cameras", "The sources, and what all of them have in common."},
    {"tracking", "Following objects from picture to picture."},
    {"visualization", "What is drawn into pictures."},
    {"output", "What is written to files."},
    {"websocket", "The server for viewers."},
    {"app", "The program itself."},
    {NULL, NULL},
};

const struct fv_code fv_codes[] = {
    {"unreadable", "error",
     "The file cannot be read at all: exit status 2 (in `--json`; else it is said in words)."},
    {"syntax", "error", "The file is not JSON."},
    {"trailing_garbage", "error", "Something stands behind the closing brace."},
    {"encoding", "error", "The file is not UTF-8, or begins with a byte order mark."},
    {"too_large", "error", "The file is larger than 4 MiB, or holds too many values or cameras."},
    {"too_deep", "error", "Brackets are open too deep inside each other."},
    {"unknown_section", "error", "There is no such section."},
    {"unknown_key", "error", "There is no such setting here."},
    {"duplicate_key", "error", "A key is given twice; reported at the second place."},
    {"missing_key", "error", "A camera has no url, or a zone or line no NAME or POINTS."},
    {"wrong_type", "error", "The value is of the wrong type."},
    {"out_of_range", "error", "The number is out of bounds, or a list too long."},
    {"bad_value", "error", "The word is not one of those possible, or a text cannot be used."},
    {"not_supported", "error", "The value is understood, but not supported in this version."},
    {"gpu_only_conflict", "error", "The value contradicts GPU-only operation."},
    {"unknown_device", "error", "The device is not of the form cuda:N."},
    {"batch_too_large", "error", "GPU_BATCH_SIZE is larger than TENSORRT_MAX_BATCH_SIZE."},
    {"threshold_order", "error", "TRACK_LOW_THRESH is larger than TRACK_THRESH."},
    {"backoff_order", "error", "BACKOFF_INITIAL_S is larger than BACKOFF_MAX_S."},
    {"no_source", "error", "No camera is enabled."},
    {"bad_name", "error", "The name of a camera, zone or line cannot be used."},
    {"duplicate_camera", "error", "Two cameras have the same name."},
    {"duplicate_name", "error", "Two zones or lines of a camera have the same name."},
    {"bad_points", "error", "The points make no zone or line."},
    {"bad_url", "error", "A camera's address cannot be used."},
    {"bad_credentials", "error",
     "References to credentials are incomplete or contradict each other."},
    {"missing_secret", "error",
     "The environment variable or file of a password is not there (at start only)."},
    {"credentials_in_url", "warning", "The address holds user name and password."},
    {"open_to_network", "warning", "The server can be reached by others, without authentication."},
    {"costly", "warning", "The value is allowed, but has a price."},
    {"idle_zone", "warning", "A zone asks for nothing."},
    {"idle_setting", "warning", "A zone's setting refines a rule that the zone does not ask for."},
    {"idle_line", "warning", "Nothing can cross a line: it lies at the picture's edge or outside."},
    {"needs_tracking", "warning",
     "There are zones, lines or a classifier, and tracking is off."},
    {"unknown_variable", "warning",
     "A variable FOVEA_SECTION__NAME of the environment names no section (at start only)."},
    {"missing_file", "error", "The model or its manifest is not there (`--machine`)."},
    {"bad_model", "error", "The model does not match its manifest (`--machine`)."},
    {"class_names", "warning", "CLASS_NAMES disagrees with the model (`--machine`)."},
    {"unknown_class", "error", "The model has no such class (`--machine`)."},
    {"not_writable", "error", "A file or folder cannot be written (`--machine`)."},
    {"gpu_missing", "error", "Something that GPU-only operation needs is not there (`--machine`)."},
    {"machine_limit", "warning",
     "The machine has less than the file asks for: cores, memory, files (`--machine`)."},
    {"not_permitted", "warning", "The system does not permit it (`--machine`)."},
    {"open_secret", "warning", "Others can read a password file (`--machine`)."},
    {"no_effect_yet", "warning",
     "The setting is accepted; what it is about does not exist in this version."},
    {"not_used", "info", "A setting of GPU-only operation, and the backend is cpu."},
    {"not_needed", "info", "The setting has no meaning in Fovea."},
    {"too_many_findings", "info", "More was found than is shown."},
    {"obsolete", "obsolete", "The setting is gone; the finding names its replacement."},
    {"older_form", "obsolete", "RTSP_STREAMS is written in an older form, which is still read."},
    {NULL, NULL, NULL},
};

const struct fv_section *fv_section_find(const char *name)
{
    for (const struct fv_section *section = fv_sections; section->name; section++)
        if (!strcmp(section->name, name))
            return section;
    return NULL;
}

static bool name_matches(const char *pattern, const char *name)
{
    size_t length = strlen(pattern);
    if (pattern[length - 1] == '*')
        return !strncmp(pattern, name, length - 1) && name[length - 1];
    return !strcmp(pattern, name);
}

const struct fv_setting *fv_setting_find(const char *section, const char *name, bool in_camera)
{
    for (size_t i = 0; i < fv_setting_count; i++) {
        const struct fv_setting *setting = &fv_settings[i];
        if (setting->scope == (in_camera ? FV_SCOPE_SECTION : FV_SCOPE_CAMERA))
            continue;
        if (!strcmp(setting->section, section) && name_matches(setting->name, name))
            return setting;
    }
    return NULL;
}

const char *fv_kind_name(enum fv_kind kind)
{
    static const char *const names[] = {
        [FV_KIND_BOOL] = "true or false",
        [FV_KIND_INT] = "a whole number",
        [FV_KIND_NUMBER] = "a number",
        [FV_KIND_STRING] = "a string",
        [FV_KIND_WORD] = "one of the words below",
        [FV_KIND_LIST] = "a list of names and whole numbers",
        [FV_KIND_CAMERAS] = "a list of cameras",
        [FV_KIND_AREAS] = "a list of objects",
        [FV_KIND_ANY] = "any value",
    };
    return names[kind];
}

const char *fv_effect_name(enum fv_effect effect)
{
    static const char *const names[] = {
        [FV_EFFECT_WIRED] = "in force",    [FV_EFFECT_RULE] = "checked",
        [FV_EFFECT_LATER] = "no effect",   [FV_EFFECT_NONE] = "not needed",
        [FV_EFFECT_OBSOLETE] = "obsolete",
    };
    return names[effect];
}
