// SPDX-License-Identifier: Apache-2.0
/* The rules: what a row of the table says about one value, and what joins several settings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "conf/check.h"
#include "conf/mask.h"

#define NOT_USED "Remove it, or leave it for a run on the GPU."

/* A finding of GPU-only operation: an error, or information when the CPU was asked for. */
static void gpu_conflict(struct fv_check *check, uint32_t node, const char *why, const char *fix)
{
    const char *name = check->map.nodes[node].name;
    if (check->gpu_only)
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "gpu_only_conflict", node, .at_value = true,
                               .fix = fix},
               "%s contradicts GPU-only operation. %s", name, why);
    else
        fv_say(
            check,
            (struct fv_say){FV_SEVERITY_INFO, "not_used", node, .at_value = true, .fix = NOT_USED},
            "%s is not used: the backend is \"cpu\".", name);
}

static void must(struct fv_check *check, const struct fv_setting *setting, uint32_t node)
{
    char fix[300];
    struct fv_str out;
    fv_str_init(&out, fix, sizeof(fix));
    fv_str_addf(&out, "Set %s to %s or remove it", setting->name, setting->must);
    fv_str_add(&out, "; to try without a GPU, set processing.BACKEND to \"cpu\".");
    gpu_conflict(check, node, setting->why, fix);
}

static void no_effect_yet(struct fv_check *check, const struct fv_setting *setting, uint32_t node)
{
    if ((setting->flags & FV_GPU) && !check->gpu_only)
        return gpu_conflict(check, node, "", "");
    const char *name = check->map.nodes[node].name;
    const struct fv_say about = {FV_SEVERITY_WARNING, "no_effect_yet", node,
                                 .fix = "Remove it, or leave it for a version that has."};
    fv_say(check, about, "%s is accepted, but has no effect: this version has %s.", name,
           setting->lacks);
}

/* Too large a value, or one that has a price. */
static void advise(struct fv_check *check, const struct fv_setting *setting, const json_t *value,
                   uint32_t node)
{
    if ((setting->flags & FV_GPU) && !check->gpu_only)
        return;
    char fix[200];
    struct fv_str out;
    fv_str_init(&out, fix, sizeof(fix));
    fv_str_addf(&out, "Set it to %s.", setting->value ? setting->value : "another value");
    struct fv_say about = {FV_SEVERITY_WARNING, "costly", node, .at_value = true, .fix = fix};
    if (setting->warn_above > 0 && json_is_number(value) &&
        json_number_value(value) > setting->warn_above)
        fv_say(check, about, "%s is %.10g, above the advised %.10g. %s", setting->name,
               json_number_value(value), setting->warn_above, setting->why);
    if (fv_value_is(check, value, setting->warn_at))
        fv_say(check, about, "%s is %s. %s", setting->name, setting->warn_at, setting->why);
    if (fv_value_is(check, value, setting->info_at)) {
        about.severity = FV_SEVERITY_INFO;
        about.code = "not_needed";
        fv_say(check, about, "%s is %s. %s", setting->name, setting->info_at, setting->why);
    }
}

static void word_rules(struct fv_check *check, const struct fv_setting *setting,
                       const json_t *value, uint32_t node)
{
    for (const struct fv_word *word = setting->words; word->name && json_is_string(value); word++) {
        if (strcasecmp(word->name, json_string_value(value)))
            continue;
        if (word->gpu_error && check->gpu_only)
            gpu_conflict(check, node, setting->why,
                         "Choose another value, or set processing.BACKEND to \"cpu\".");
        if (word->warn && check->gpu_only)
            fv_say(check,
                   (struct fv_say){FV_SEVERITY_WARNING, "costly", node, .at_value = true,
                                   .fix = "Leave it, or install TensorRT 10: its engines were not run on hardware."},
                   "%s is \"%s\": %s.", setting->name, word->name, word->warn);
    }
}

void fv_rules_setting(struct fv_check *check, const struct fv_setting *setting, const json_t *value,
                      uint32_t node)
{
    const char *name = check->map.nodes[node].name;
    if (setting->effect == FV_EFFECT_OBSOLETE) {
        char shown[FV_SHOW_MAX];
        fv_say(check,
               (struct fv_say){FV_SEVERITY_OBSOLETE, "obsolete", node, .fix = setting->instead},
               "%s is obsolete.", fv_mask_show(name, shown));
        return;
    }
    if (json_is_null(value))
        return;
    if (setting->must && !fv_value_is(check, value, setting->must))
        must(check, setting, node);
    bool automatic = (setting->flags & FV_MAY_AUTO) && json_is_string(value);
    if (setting->effect == FV_EFFECT_LATER && !automatic &&
        !fv_value_is(check, value, setting->already))
        no_effect_yet(check, setting, node);
    if ((setting->flags & FV_GPU_SETTING) && !check->gpu_only &&
        !fv_value_is(check, value, setting->value))
        gpu_conflict(check, node, "", "");
    if (setting->effect == FV_EFFECT_NONE && !automatic &&
        !fv_value_is(check, value, setting->already))
        fv_say(check, (struct fv_say){FV_SEVERITY_INFO, "not_needed", node, .fix = "Remove it."},
               "%s is not needed. %s", name, setting->why);
    advise(check, setting, value, node);
    if (setting->words)
        word_rules(check, setting, value, node);
}

/* cuda:N with a plain number. */
static bool is_cuda(const char *text)
{
    static const char start[] = "cuda:";
    size_t i = 0, digits = 0;
    while (start[i] && text[i] == start[i])
        i++;
    while (!start[i] && digits < 4 && text[i + digits] >= '0' && text[i + digits] <= '9')
        digits++;
    return digits >= 1 && digits <= 3 && !text[i + digits];
}

/* The device a setting names, or NULL when it is absent or was reported. */
static const char *device(struct fv_check *check, const char *section, const char *name,
                          uint32_t *ret_node)
{
    const json_t *value = fv_check_given(check, section, name, ret_node);
    if (!json_is_string(value) || check->map.nodes[*ret_node].repeated)
        return NULL;
    const char *text = json_string_value(value);
    if (is_cuda(text))
        return text;
    char shown[FV_SHOW_MAX];
    if (!strcasecmp(text, "cpu") || !check->gpu_only)
        gpu_conflict(check, *ret_node, "Only a GPU can be its device.",
                     "Use \"cuda:0\", or set processing.BACKEND to \"cpu\".");
    else
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "unknown_device", *ret_node, .at_value = true,
                               .fix = "Use \"cuda:0\", \"cuda:1\" and so on."},
               "%s names no device: \"%s\".", name, fv_mask_show(text, shown));
    return NULL;
}

static void rule_devices(struct fv_check *check)
{
    uint32_t prep_node, node;
    const char *models = device(check, "models", "DEVICE", &node);
    if (models)
        check->config->models.device_index = atoi(models + strlen("cuda:"));
    const char *prep = device(check, "processing", "GPU_PREPROCESSING_DEVICE", &prep_node);
    if (!prep || (node != FV_NODE_NONE && !models))
        return;
    char fix[120], quoted[40];
    struct fv_str out;
    fv_str_init(&out, quoted, sizeof(quoted));
    if (models)
        fv_str_addf(&out, "\"%s\"", models);
    else
        fv_str_add(&out, fv_setting_find("models", "DEVICE", false)->value);
    const json_t *value = fv_check_given(check, "processing", "GPU_PREPROCESSING_DEVICE", NULL);
    if (fv_value_is(check, value, quoted))
        return;
    fv_str_init(&out, fix, sizeof(fix));
    fv_str_addf(&out, "Set it to %s or remove it.", quoted);
    gpu_conflict(check, prep_node,
                 "It differs from models.DEVICE, and a frame never changes the GPU.", fix);
}

/* TENSORRT_MAX_BATCH_SIZE follows GPU_BATCH_SIZE "auto"; else it must hold a batch. */
static void rule_batch(struct fv_check *check)
{
    uint32_t batch_node, node;
    const json_t *limit = fv_check_given(check, "models", "TENSORRT_MAX_BATCH_SIZE", &node);
    int batch = check->config->processing.gpu_batch_size;
    fv_check_given(check, "processing", "GPU_BATCH_SIZE", &batch_node);
    if (!limit && batch == 0)
        check->config->models.max_batch = 32;
    if (batch <= check->config->models.max_batch)
        return;
    fv_say(check,
           (struct fv_say){
               FV_SEVERITY_ERROR, "batch_too_large", node != FV_NODE_NONE ? node : batch_node,
               .at_value = true,
               .fix = "Raise models.TENSORRT_MAX_BATCH_SIZE or lower processing.GPU_BATCH_SIZE."},
           "GPU_BATCH_SIZE %d is larger than TENSORRT_MAX_BATCH_SIZE %d.", batch,
           check->config->models.max_batch);
}

static void rule_provider(struct fv_check *check)
{
    uint32_t node;
    const json_t *value = fv_check_given(check, "models", "INFERENCE_PROVIDER", &node);
    char *provider = check->config->models.inference_provider;
    if (check->gpu_only || !json_is_string(value) || !strcmp(provider, "auto") ||
        !strcmp(provider, "cpu"))
        return;
    gpu_conflict(check, node, "", "");
    strcpy(provider, "cpu"); /* shorter than every other provider's name */
}

static void rule_profiling(struct fv_check *check)
{
    uint32_t node;
    const json_t *on = fv_check_given(check, "processing", "ENABLE_PROFILING", NULL);
    const json_t *rate = fv_check_given(check, "processing", "PROFILING_SAMPLING_RATE", &node);
    if (json_is_true(on) && json_is_integer(rate) && json_integer_value(rate) >= 1 &&
        json_integer_value(rate) < 50)
        fv_say(check,
               (struct fv_say){FV_SEVERITY_WARNING, "costly", node, .at_value = true,
                               .fix = "Set it to 100."},
               "Profiling every %lld frames costs speed.", (long long)json_integer_value(rate));
}

/* A number as the file gives it, else its default. */
static double number_of(struct fv_check *check, const char *section, const char *name,
                        uint32_t *ret_node)
{
    const json_t *value = fv_check_given(check, section, name, ret_node);
    if (json_is_number(value))
        return json_number_value(value);
    json_t *fallback =
        json_loads(fv_setting_find(section, name, false)->value, JSON_DECODE_ANY, NULL);
    double number = json_number_value(fallback);
    if (!fallback)
        check->failure = -ENOMEM;
    json_decref(fallback);
    return number;
}

static void rule_thresholds(struct fv_check *check)
{
    uint32_t low_node, node;
    double low = number_of(check, "tracking", "TRACK_LOW_THRESH", &low_node);
    double high = number_of(check, "tracking", "TRACK_THRESH", &node);
    if (low <= high || high <= 0 || low > 1)
        return;
    fv_say(check,
           (struct fv_say){FV_SEVERITY_ERROR, "threshold_order",
                           low_node != FV_NODE_NONE ? low_node : node, .at_value = true,
                           .fix = "Make TRACK_LOW_THRESH the smaller one."},
           "TRACK_LOW_THRESH %.10g is larger than TRACK_THRESH %.10g.", low, high);
}

/* Decoding and inference on the CPU at a raised priority, or on one core each, would starve the network: only when asked for. */
static void rule_threads(struct fv_check *check)
{
    struct fv_config *config = check->config;
    if (check->gpu_only)
        return;
    if (!fv_check_given(check, "processing", "THREAD_PRIORITY", NULL))
        config->processing.thread_priority = FV_PRIORITY_NORMAL;
    if (!fv_check_given(check, "processing", "DECODER_THREAD_PRIORITY", NULL))
        config->processing.decoder_thread_priority = FV_PRIORITY_NORMAL;
    if (!fv_check_given(check, "processing", "USE_THREAD_AFFINITY", NULL))
        config->processing.use_thread_affinity = false;
}

static void rule_classifier(struct fv_check *check)
{
    uint32_t node;
    const json_t *path = fv_check_given(check, "classifier", "MODEL_PATH", &node);
    if (!json_is_string(path) || check->config->tracking.enable)
        return;
    fv_say(check,
           (struct fv_say){FV_SEVERITY_WARNING, "needs_tracking", node,
                           .fix = "Set tracking.ENABLE_TRACKING to true."},
           "Nothing is classified: that is done by tracks, and tracking is off.");
}

static bool is_loopback(const char *host)
{
    return !strncmp(host, "127.", 4) || !strcmp(host, "::1") || !strcasecmp(host, "localhost");
}

static void rule_server(struct fv_check *check)
{
    uint32_t node;
    const json_t *host = fv_check_given(check, "websocket", "HOST", &node);
    if (json_is_false(fv_check_given(check, "websocket", "ENABLE_SERVER", NULL)) ||
        !json_is_string(host) || is_loopback(json_string_value(host)))
        return;
    fv_say(check,
           (struct fv_say){FV_SEVERITY_WARNING, "open_to_network", node, .at_value = true,
                           .fix = "Set it to \"127.0.0.1\"."},
           "HOST is open to the network, and there is no authentication.");
}

static void rule_debug(struct fv_check *check)
{
    const char *variable = getenv("DEBUG");
    if (json_is_true(fv_check_given(check, "app", "DEBUG", NULL)) ||
        json_is_true(fv_check_given(check, "app", "ENABLE_DEBUG_LOGGING", NULL)) ||
        (variable && !strcmp(variable, "1")))
        check->config->app.log_level = FV_LOG_DEBUG;
}

void fv_rules_file(struct fv_check *check)
{
    rule_devices(check);
    rule_batch(check);
    rule_provider(check);
    rule_profiling(check);
    rule_thresholds(check);
    rule_threads(check);
    rule_classifier(check);
    rule_server(check);
    rule_debug(check);
}
