// SPDX-License-Identifier: Apache-2.0
/* Migration, last step: what the check still refuses. Each error is answered by the smallest change
 * that removes it, until there is none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/migrate.h"

#define ROUNDS_MAX 40
#define FAULTS_MAX 5000 /* of one round */
#define PLACEHOLDER "rtsp://192.0.2.1/replace-me"

/* One error of the check, found again in the tree. */
struct fault {
    const char *code;
    char *key, *reason;
    json_t *parent, *value; /* references; NULL: the error is about the file as a whole */
    json_t *camera;         /* the entry of RTSP_STREAMS that it is in, a reference, or NULL */
    char *name;             /* of the member, NULL when the parent is a list */
};

struct round {
    struct fv_migration *m;
    struct fault *faults;
    unsigned count;
    unsigned errors;
    int failure;
};

static void fault_finish(struct fault *fault)
{
    fv_free(fault->key);
    fv_free(fault->reason);
    fv_free(fault->name);
    json_decref(fault->parent);
    json_decref(fault->value);
    json_decref(fault->camera);
}

/* Follows the map's path down the tree, which has the same members in the same order. */
static bool resolve(const struct fv_check *check, const json_t *root, uint32_t node,
                    struct fault *fault)
{
    uint32_t way[FV_LOCATE_DEPTH + 1];
    unsigned depth = 0, at = 0;
    char key[FV_MIGRATE_KEY];
    struct fv_str out;
    json_t *value = (json_t *)(uintptr_t)root, *parent = NULL;
    fv_str_init(&out, key, sizeof(key));
    for (; node != 0 && node != FV_NODE_NONE && depth <= FV_LOCATE_DEPTH;
         node = check->map.nodes[node].parent)
        way[depth++] = node;
    while (depth > 0 && value) {
        const struct fv_node *n = &check->map.nodes[way[--depth]];
        parent = value;
        value = n->name ? json_object_get(parent, n->name) : json_array_get(parent, n->index);
        if (n->name)
            fv_str_addf(&out, "%s%s", out.size ? "." : "", n->name);
        else
            fv_str_addf(&out, "[%u]", n->index);
        if (++at == 3 && !strncmp(key, "cameras.RTSP_STREAMS[", 21))
            fault->camera = json_incref(value);
        fv_free(fault->name);
        fault->name = fv_strdup(n->name);
    }
    fault->key = fv_strdup(fv_migrate_trim(&out));
    fault->parent = json_incref(parent);
    fault->value = json_incref(value);
    return fault->key && value;
}

static void collect(void *data, struct fv_check *check)
{
    struct round *round = data;
    struct fv_about about;
    const char *message;
    round->errors = check->report.errors;
    round->failure = check->failure;
    unsigned room = round->errors < FAULTS_MAX ? round->errors : FAULTS_MAX;
    round->faults = fv_calloc(room + 1, sizeof(*round->faults));
    if (!round->faults) {
        round->failure = -ENOMEM;
        return;
    }
    for (unsigned i = 0; i < room; i++) {
        struct fault *fault = &round->faults[round->count];
        if (!fv_report_error(&check->report, i, &about, &message))
            break;
        fault->code = about.code;
        fault->reason = fv_strdup(message);
        if (check->root && about.node != FV_NODE_NONE)
            resolve(check, round->m->root, about.node, fault);
        if (!fault->reason)
            round->failure = -ENOMEM;
        round->count++;
    }
}

/* ---- answers ---- */

static size_t index_of(const json_t *list, const json_t *value)
{
    json_t *item;
    size_t i;
    json_array_foreach(list, i, item) if (item == value) return i;
    return json_array_size(list);
}

static bool is_there(const struct fault *fault)
{
    return fault->name ? json_object_get(fault->parent, fault->name) == fault->value
                       : index_of(fault->parent, fault->value) < json_array_size(fault->parent);
}

static void set_aside(struct fv_migration *m, const struct fault *fault)
{
    if (!fault->parent || !is_there(fault))
        return; /* it went with something else */
    fv_migrate_keep(m, fault->key, fault->value);
    fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORCED, fault->key, fault->value, NULL},
                    "%s Moved to \"$kept\".", fault->reason);
    if (fault->name)
        json_object_del(fault->parent, fault->name);
    else
        json_array_remove(fault->parent, index_of(fault->parent, fault->value));
}

/* A camera without a usable address is no camera. */
static void set_camera_aside(struct fv_migration *m, const struct fault *fault)
{
    json_t *streams = json_object_get(json_object_get(m->root, "cameras"), "RTSP_STREAMS");
    size_t index = index_of(streams, fault->camera);
    char key[60];
    struct fv_str out;
    if (index == json_array_size(streams))
        return;
    /* "cameras.RTSP_STREAMS[2]" out of "cameras.RTSP_STREAMS[2].url" */
    fv_str_init(&out, key, sizeof(key));
    fv_str_addf(&out, "%.*s", (int)strcspn(fault->key, "]") + 1, fault->key);
    fv_migrate_keep(m, key, fault->camera);
    fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORCED, key, fault->camera, NULL},
                    "%s The camera is moved to \"$kept\".", fault->reason);
    json_array_remove(streams, index);
}

static void change(struct fv_migration *m, const struct fault *fault, json_t *object,
                   const char *name, json_t *with)
{
    char key[FV_MIGRATE_KEY];
    const char *dot = strrchr(fault->key, '.');
    struct fv_str out;
    fv_str_init(&out, key, sizeof(key));
    fv_str_addf(&out, "%.*s.%s", (int)(dot ? dot - fault->key : 0), fault->key, name);
    fv_migrate_note(m,
                    (struct fv_changed){FV_CHANGE_FORCED, dot ? key : name,
                                        json_object_get(object, name), with},
                    "%s", fault->reason);
    fv_migrate_set(m, object, name, with);
}

static void fix_batch(struct fv_migration *m, const struct fault *fault)
{
    json_t *batch = json_object_get(json_object_get(m->root, "processing"), "GPU_BATCH_SIZE");
    json_t *with = json_is_integer(batch) ? json_incref(batch) : json_integer(2);
    json_t *models = fv_migrate_section(m, "models");
    fv_migrate_note(m,
                    (struct fv_changed){FV_CHANGE_FORCED, "models.TENSORRT_MAX_BATCH_SIZE",
                                        json_object_get(models, "TENSORRT_MAX_BATCH_SIZE"), with},
                    "%s", fault->reason);
    fv_migrate_set(m, models, "TENSORRT_MAX_BATCH_SIZE", with);
}

static void fix_thresholds(struct fv_migration *m, const struct fault *fault)
{
    json_t *tracking = fv_migrate_section(m, "tracking");
    json_t *high = json_object_get(tracking, "TRACK_THRESH");
    if (high)
        change(m, fault, tracking, "TRACK_LOW_THRESH", json_incref(high));
    else
        set_aside(m, fault);
}

static void fix_backoff(struct fv_migration *m, const struct fault *fault)
{
    json_t *initial = json_object_get(fault->parent, "BACKOFF_INITIAL_S");
    json_t *maximum = json_object_get(fault->parent, "BACKOFF_MAX_S");
    if (initial)
        change(m, fault, fault->parent, "BACKOFF_MAX_S", json_incref(initial));
    else
        change(m, fault, fault->parent, "BACKOFF_INITIAL_S", json_incref(maximum));
}

static void fix_gpu(struct fv_migration *m, const struct fault *fault)
{
    const struct fv_setting *row = NULL;
    for (size_t i = 0; fault->name && i < fv_setting_count; i++)
        if (fv_settings[i].must && !strcmp(fv_settings[i].name, fault->name))
            row = &fv_settings[i];
    if (row)
        change(m, fault, fault->parent, row->name, json_loads(row->must, JSON_DECODE_ANY, NULL));
    else if (fault->name && !strcmp(fault->name, "GPU_PREPROCESSING_DEVICE") &&
             json_object_get(json_object_get(m->root, "models"), "DEVICE"))
        change(m, fault, fault->parent, fault->name,
               json_incref(json_object_get(json_object_get(m->root, "models"), "DEVICE")));
    else
        set_aside(m, fault);
}

/* Nothing can be invented: an address that nobody has, and a person must put in the right one. */
static void add_placeholder(struct fv_migration *m)
{
    json_t *cameras = fv_migrate_section(m, "cameras");
    json_t *streams = json_object_get(cameras, "RTSP_STREAMS");
    json_t *camera = json_pack("{s:s, s:s}", "name", "replace-me", "url", PLACEHOLDER);
    if (!json_is_array(streams))
        fv_migrate_set(m, cameras, "RTSP_STREAMS", streams = json_array());
    fv_migrate_note(m, (struct fv_changed){FV_CHANGE_FORCED, "cameras.RTSP_STREAMS", NULL, camera},
                    "No camera is enabled that Fovea can use. This one stands in: put the address "
                    "of a camera there.");
    if (!camera || json_array_append_new(streams, camera) < 0)
        m->failure = -ENOMEM;
}

static void fix_duplicate(struct fv_migration *m, const struct fault *fault)
{
    char name[60];
    struct fv_str out;
    json_t *streams = json_object_get(json_object_get(m->root, "cameras"), "RTSP_STREAMS");
    fv_str_init(&out, name, sizeof(name));
    fv_str_addf(&out, "camera-%zu-%u", index_of(streams, fault->camera) + 1, m->count);
    if (!fault->camera || index_of(streams, fault->camera) == json_array_size(streams))
        return;
    json_t *with = json_string(name);
    fv_migrate_note(m,
                    (struct fv_changed){FV_CHANGE_FORCED, fault->key,
                                        json_object_get(fault->camera, "name"), with},
                    "%s", fault->reason);
    fv_migrate_set(m, fault->camera, "name", with);
}

static const struct {
    const char *code;
    void (*fix)(struct fv_migration *m, const struct fault *fault);
} answers[] = {
    {"batch_too_large", fix_batch},      {"threshold_order", fix_thresholds},
    {"backoff_order", fix_backoff},      {"gpu_only_conflict", fix_gpu},
    {"bad_url", set_camera_aside},       {"missing_key", set_camera_aside},
    {"duplicate_camera", fix_duplicate},
};

static void answer(struct fv_migration *m, const struct fault *fault)
{
    bool address = fault->camera &&
                   (fault->value == fault->camera || (fault->name && !strcmp(fault->name, "url")));
    if (!strcmp(fault->code, "no_source")) {
        add_placeholder(m);
        return;
    }
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (!strcmp(answers[i].code, fault->code) && fault->key) {
            answers[i].fix(m, fault);
            return;
        }
    }
    if (address)
        set_camera_aside(m, fault);
    else
        set_aside(m, fault);
}

/* *ret_errors: how many there were; `faults` were answered. */
static int one_round(struct fv_migration *m, unsigned *ret_errors)
{
    struct round round = {.m = m};
    struct fv_config_params params = {.name = "<migrated>"};
    char *text = json_dumps(m->root, JSON_COMPACT);
    if (!text)
        return -ENOMEM;
    struct fv_judge how = {.params = &params,
                           .text = text,
                           .size = strlen(text),
                           .findings = FAULTS_MAX + 1000,
                           .look = collect,
                           .data = &round};
    int r = fv_conf_judge(&how, NULL, NULL);
    for (unsigned i = 0; i < round.count; i++) {
        if (round.failure == 0)
            answer(m, &round.faults[i]);
        fault_finish(&round.faults[i]);
    }
    fv_free(round.faults);
    explicit_bzero(text, strlen(text));
    free(text);
    *ret_errors = round.errors;
    return r == -ENOMEM || round.failure < 0 ? -ENOMEM : m->failure;
}

int fv_migrate_force(struct fv_migration *m, struct fv_error *err)
{
    unsigned errors = 0;
    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        unsigned before = m->count;
        int r = one_round(m, &errors);
        if (r < 0 || errors == 0)
            return r;
        if (m->count == before)
            break; /* nothing could be done about any of them */
    }
    return fv_error_set(err, -EINVAL,
                        "the file cannot be migrated: the check still finds %u "
                        "errors; correct those that 'fovea config check' shows first",
                        errors);
}
