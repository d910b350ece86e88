// SPDX-License-Identifier: Apache-2.0
/* The rules of a configuration that need this machine. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "engine/setup.h"
#include "gpu/probe.h"
#include "infer/model.h"

static void say(struct fv_check *check, struct fv_conf_finding finding, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct fv_check *check, struct fv_conf_finding finding, const char *format, ...)
{
    char message[900];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    size_t length = strlen(message);
    size_t word = strcspn(message, " ");
    if (!memchr(message, '.', word)) /* the name of a setting stays as it is */
        message[0] = (char)toupper((unsigned char)message[0]);
    if (length && message[length - 1] != '.' && length + 1 < sizeof(message))
        strcpy(message + length, ".");
    finding.message = message;
    fv_conf_find(check, &finding);
}

static void rule_cores(struct fv_check *check, const struct fv_config *config)
{
    unsigned cores = fv_system_cores();
    int threads = config->processing.unified_pipeline_threads;
    if (threads > 0 && (unsigned)threads > cores)
        say(check,
            (struct fv_conf_finding){FV_SEVERITY_WARNING, "machine_limit",
                                     "processing.UNIFIED_PIPELINE_THREADS", NULL,
                                     "Set it to null: one thread serves many cameras."},
            "UNIFIED_PIPELINE_THREADS is %d, and this process may use %u cores", threads, cores);
}

static void rule_priorities(struct fv_check *check, const struct fv_config *config)
{
    const struct {
        const char *key;
        int value;
    } settings[] = {
        {"processing.THREAD_PRIORITY", config->processing.thread_priority},
        {"processing.DECODER_THREAD_PRIORITY", config->processing.decoder_thread_priority},
    };
    for (size_t i = 0; i < 2; i++) {
        bool allowed = settings[i].value == FV_PRIORITY_NORMAL ||
                       (settings[i].value == FV_PRIORITY_HIGH ? fv_system_may_nice()
                                                              : fv_system_may_realtime());
        if (!allowed)
            say(check,
                (struct fv_conf_finding){
                    FV_SEVERITY_WARNING, "not_permitted", settings[i].key, NULL,
                    "Grant CAP_SYS_NICE (container: --cap-add SYS_NICE), or set it to \"NORMAL\"."},
                "This process may not raise the priority of its threads: they run at normal "
                "priority");
    }
}

static void rule_memory(struct fv_check *check, unsigned enabled)
{
    double available = fv_system_memory_mb(NULL), needed = fv_system_memory_needed_mb(enabled);
    if (available >= 0 && available < needed)
        say(check,
            (struct fv_conf_finding){FV_SEVERITY_WARNING, "machine_limit", "cameras.RTSP_STREAMS",
                                     NULL, "Give it more memory, or run fewer cameras here."},
            "%u cameras need about %.0f MB of memory, and %.0f MB are available", enabled, needed,
            available);
}

static void rule_open_files(struct fv_check *check, unsigned enabled)
{
    struct rlimit limit;
    unsigned needed = fv_system_files_needed(enabled);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < needed)
        say(check,
            (struct fv_conf_finding){FV_SEVERITY_WARNING, "machine_limit", "cameras.RTSP_STREAMS",
                                     NULL,
                                     "Raise it: ulimit -n 65536, or LimitNOFILE= of the service."},
            "%u cameras need about %u open files, and the limit is %llu", enabled, needed,
            (unsigned long long)limit.rlim_cur);
}

/* A folder, or the one that a file lies in. */
static void rule_writable(struct fv_check *check, const char *key, const char *path, bool is_file,
                          enum fv_severity severity)
{
    char folder[PATH_MAX], nearest[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    if (is_file) {
        char *slash = strrchr(folder, '/');
        if (slash)
            slash[slash == folder] = '\0';
        else
            strcpy(folder, ".");
    }
    int r = is_file && access(path, W_OK) == 0 ? 0 : fv_storage_writable(folder, nearest);
    if (r < 0)
        say(check,
            (struct fv_conf_finding){severity, "not_writable", key, NULL,
                                     "Make it writable for the engine's user, or name another "
                                     "place."},
            "it cannot be written: %s", strerror(-r));
}

static void rule_places(struct fv_check *check, const struct fv_config *config,
                        const char *output_dir)
{
    const char *engine = fv_conf_text(check, "models.DETECTION_ENGINE_PATH");
    if (config->output.save_detections || config->output.save_frames)
        rule_writable(check, "output.OUTPUT_DIR", output_dir, false, FV_SEVERITY_ERROR);
    if (config->app.log_file)
        rule_writable(check, "app.LOG_FILE", config->app.log_file, true, FV_SEVERITY_ERROR);
    if (engine && *engine)
        rule_writable(check, "models.DETECTION_ENGINE_PATH", engine, true, FV_SEVERITY_WARNING);
}

static void rule_classes(struct fv_check *check, const char *key,
                         const struct fv_conf_strings *names, const struct fv_model *model)
{
    for (unsigned i = 0; i < names->count; i++) {
        const char *text = names->items[i];
        if (fv_setup_class(model, text) < 0)
            say(check,
                (struct fv_conf_finding){FV_SEVERITY_ERROR, "unknown_class", key, NULL,
                                         "Use a name or number of the model's manifest."},
                "the model has no class '%.60s' (it has %u classes, from '%s' to '%s')", text,
                model->label_count, model->labels[0], model->labels[model->label_count - 1]);
    }
}

/* From here on the model's labels are those that the engine will use. */
static void rule_names(struct fv_check *check, const struct fv_config *config,
                       struct fv_model *model)
{
    char text[200];
    enum fv_class_names result;
    const struct fv_conf_strings *names = &config->models.class_names;
    if (fv_setup_name_classes(model, names, &result) < 0 || result == FV_CLASS_NAMES_SAME)
        return;
    fv_setup_tell_names(model, names, result, text, sizeof(text));
    say(check,
        (struct fv_conf_finding){FV_SEVERITY_WARNING, "class_names", "models.CLASS_NAMES", NULL,
                                 "Remove it, unless that is what you want."},
        "%s", text);
}

static void rule_model(struct fv_check *check, const struct fv_config *config)
{
    char path[1024];
    struct fv_error err = {0};
    struct fv_model *model = NULL;
    int r = fv_setup_model_path(config, path, &err);
    if (r == 0)
        r = fv_model_load_kind(path, false, &model, &err);
    if (r == 0) {
        rule_names(check, config, model);
        rule_classes(check, "models.TARGET_CLASSES", &config->models.target_classes, model);
        if (config->classifier.model_path)
            rule_classes(check, "classifier.CLASSES", &config->classifier.classes, model);
    } else
        say(check,
            (struct fv_conf_finding){FV_SEVERITY_ERROR,
                                     r == -ENOENT || r == -EACCES || r == -EIO ? "missing_file"
                                                                               : "bad_model",
                                     "models.MODEL_PATH", NULL,
                                     "Give an ONNX model with its manifest "
                                     "(docs/model-manifest.md), or run scripts/setup and remove "
                                     "the setting."},
            "%s", err.text);
    fv_model_free(model);
}

static void rule_classifier(struct fv_check *check, const struct fv_config *config)
{
    struct fv_error err = {0};
    struct fv_model *model = NULL;
    if (!config->classifier.model_path)
        return;
    int r = fv_model_load_kind(config->classifier.model_path, true, &model, &err);
    if (r < 0)
        say(check,
            (struct fv_conf_finding){FV_SEVERITY_ERROR,
                                     r == -ENOENT || r == -EACCES || r == -EIO ? "missing_file"
                                                                               : "bad_model",
                                     "classifier.MODEL_PATH", NULL,
                                     "Give an ONNX model with a manifest of kind \"classifier\" "
                                     "(docs/model-manifest.md), or remove the setting."},
            "%s", err.text);
    fv_model_free(model);
}

static void rule_password_file(struct fv_check *check, const char *path,
                               struct fv_conf_finding place)
{
    struct stat info;
    if (!path || stat(path, &info) < 0 || !(info.st_mode & 077))
        return;
    place.severity = FV_SEVERITY_WARNING;
    place.code = "open_secret";
    place.fix = "Take the right away: chmod 600.";
    say(check, place, "other users of this machine can read the password file");
}

static void rule_password_files(struct fv_check *check, unsigned cameras)
{
    struct fv_conf_finding place = {.key = "cameras.PASSWORD_FILE"};
    rule_password_file(check, fv_conf_text(check, place.key), place);
    place = (struct fv_conf_finding){.key = "PASSWORD_FILE", .of_camera = true};
    for (; place.camera < cameras; place.camera++)
        rule_password_file(check, fv_conf_camera_text(check, place.camera, place.key), place);
}

static void on_missing(void *data, const struct fv_problem *problem)
{
    char fix[600];
    snprintf(fix, sizeof(fix), "%s.", problem->fix);
    fix[0] = (char)toupper((unsigned char)fix[0]);
    say(data, (struct fv_conf_finding){FV_SEVERITY_ERROR, "gpu_missing", problem->key, NULL, fix},
        "%s", problem->message);
}

static void rule_provider(struct fv_check *check, const struct fv_config *config)
{
    struct fv_error err = {0};
    if (fv_setup_check_provider(config, &err) < 0)
        say(check,
            (struct fv_conf_finding){
                FV_SEVERITY_ERROR, "gpu_missing", "models.INFERENCE_PROVIDER", NULL,
                "Install what is missing, or set INFERENCE_PROVIDER to what is "
                "there ('fovea doctor' tells)."},
            "%s", err.text);
}

/* On what the file says when the file itself is right. */
static void look(const char *output_dir, struct fv_check *check)
{
    const struct fv_config *config = fv_conf_config(check);
    unsigned enabled = 0;
    if (fv_conf_errors(check) > 0)
        return;
    for (unsigned i = 0; i < config->cameras.count; i++)
        enabled += config->cameras.items[i].enabled;
    rule_cores(check, config);
    rule_priorities(check, config);
    rule_memory(check, enabled);
    rule_open_files(check, enabled);
    rule_places(check, config, output_dir ? output_dir : config->output.dir);
    rule_model(check, config);
    rule_classifier(check, config);
    rule_password_files(check, config->cameras.count);
    struct fv_gpu_params wanted = fv_doctor_gpu(config);
    if (config->processing.backend != FV_BACKEND_GPU)
        return;
    fv_gpu_probe(&wanted, on_missing, check, NULL);
    rule_provider(check, config);
}

static void look_at_check(void *data, struct fv_check *check)
{
    const struct fv_machine_params *params = data;
    look(params->output_dir, check);
}

int fv_config_check_machine(const struct fv_machine_params *params, struct fv_error *err)
{
    struct fv_config *config = NULL;
    struct fv_config_params load = {
        .path = params->path,
        .backend = params->backend,
        .problem = params->problem,
        .data = params->data,
        .look = look_at_check,
        .look_data = (void *)(uintptr_t)params,
    };
    int r = fv_config_load(&load, &config, err);
    fv_config_free(config);
    return r;
}
