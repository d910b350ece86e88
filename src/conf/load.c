// SPDX-License-Identifier: Apache-2.0
/* From a file to a configuration: read, judge the syntax, check, hand out the findings. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/areas.h"
#include "conf/check.h"

/* What fv_config_load() and fv_config_check() have in common. */
struct job {
    const struct fv_judge *judge;
    const struct fv_config_params *params;
    char *text;
    size_t size;
    struct fv_check check;
};

static int open_error(struct fv_error *err, const char *path)
{
    int code = errno == ENOENT || errno == ENOTDIR ? -ENOENT
               : errno == EACCES || errno == EPERM ? -EACCES
                                                   : -EIO;
    return fv_error_set(err, code, "%s cannot be read: %s", path, strerror(errno));
}

/* One byte more than is allowed tells a file that is too large. */
static int read_all(int fd, const char *path, struct job *job, struct fv_error *err)
{
    size_t room = 0;
    for (;;) {
        if (job->size == room && room <= FV_CONF_SIZE_MAX) {
            size_t more =
                room ? (room * 4 > FV_CONF_SIZE_MAX ? FV_CONF_SIZE_MAX + 1 : room * 4) : 16384;
            char *text = fv_realloc(job->text, more + 1);
            if (!text)
                return -ENOMEM;
            job->text = text;
            room = more;
        }
        ssize_t n = read(fd, job->text + job->size, room - job->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return open_error(err, path);
        if (n == 0)
            break;
        job->size += (size_t)n;
    }
    job->text[job->size] = '\0';
    return 0;
}

/* Without a name, from pipe(2), or by its number: whoever opens that is not the first, and has written or will end. */
static bool is_private(const char *path, int fd)
{
    struct statfs system;
    return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0 ||
           (fstatfs(fd, &system) == 0 && system.f_type == PIPEFS_MAGIC);
}

int fv_config_open(const char *path, struct fv_error *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return open_error(err, path);
    if (fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode) && !is_private(path, fd)) {
        close(fd);
        return fv_error_set(err, -EIO,
                            "%s is a named pipe, and nobody may ever write to it: give a file, "
                            "/dev/stdin, or a shell's <(...)",
                            path);
    }
    (void)fcntl(fd, F_SETFL, 0); /* reading waits for what a pipe's writer still has to say */
    return fd;
}

int fv_conf_read(const char *path, char **ret_text, size_t *ret_size, struct fv_error *err)
{
    struct job job = {0};
    int fd = fv_config_open(path, err);
    if (fd < 0)
        return fd;
    int r = read_all(fd, path, &job, err);
    close(fd);
    if (r < 0) {
        fv_free(job.text);
        return r;
    }
    *ret_text = job.text;
    *ret_size = job.size;
    return 0;
}

static int read_text(struct job *job, struct fv_error *err)
{
    const char *text = job->judge->text ? job->judge->text : job->params->text;
    if (!job->judge->text && job->params->path)
        return fv_conf_read(job->params->path, &job->text, &job->size, err);
    if (!text)
        return fv_error_set(err, -EINVAL, "no configuration is given");
    job->size = job->judge->text ? job->judge->size : strlen(text);
    job->text = fv_calloc(job->size + 1, 1);
    if (!job->text)
        return -ENOMEM;
    memcpy(job->text, text, job->size);
    return 0;
}

/* Before there are nodes, findings carry their own place. */
static void say_at(struct fv_check *check, const char *code, size_t offset, const char *message,
                   const char *fix)
{
    fv_report_add(&check->report,
                  &(struct fv_about){FV_SEVERITY_ERROR, code, "", offset, NULL, FV_NODE_NONE},
                  message, fix);
}

/* jansson stops behind the token it did not expect and shows it after " near ": where that token
 * begins. The token itself is not shown: it may be part of a secret. */
static size_t fault_offset(const struct job *job, const json_error_t *error, const char *near)
{
    size_t position = error->position < 0 ? 0 : (size_t)error->position;
    if (position > job->size)
        position = job->size;
    if (near && !strcmp(near, " near end of file"))
        return job->size;
    if (near && !strncmp(near, " near '", 7)) {
        size_t length = strlen(near + 7);
        length -= length > 0; /* the closing quote */
        if (length <= position && !memcmp(job->text + position - length, near + 7, length))
            return position - length;
    }
    return position > 0 ? position - 1 : 0;
}

static const char *syntax_code(const json_error_t *error, const char **ret_fix)
{
    switch (json_error_code(error)) {
    case json_error_invalid_utf8:
        *ret_fix = "Save the file as UTF-8.";
        return "encoding";
    case json_error_stack_overflow:
        *ret_fix = "Remove the inner brackets.";
        return "too_deep";
    case json_error_end_of_input_expected:
        *ret_fix = "Remove what stands behind the last '}'.";
        return "trailing_garbage";
    case json_error_premature_end_of_input:
        *ret_fix = "Close what is open: a quote, a bracket or a brace is missing.";
        return "syntax";
    default:
        *ret_fix = "Look for a missing comma, quote or bracket, or a comma too many.";
        return "syntax";
    }
}

static bool word_at(const struct job *job, size_t at, const char *word)
{
    size_t length = strlen(word);
    return at + length <= job->size && !strncasecmp(job->text + at, word, length);
}

/* A comma, blanks, then what closes. */
static bool comma_before(const struct job *job, size_t at)
{
    if (!word_at(job, at, "}") && !word_at(job, at, "]"))
        return false;
    while (at > 0 && strchr(" \t\r\n", job->text[at - 1]))
        at--;
    return at > 0 && job->text[at - 1] == ',';
}

/* What Python and other languages have and JSON does not. NULL: it is something else. */
static const char *foreign(const struct job *job, size_t at, const char **ret_fix)
{
    static const struct {
        const char *begin, *what, *fix;
    } words[] = {
        {"NaN", "it has no NaN and no Infinity", "Write a number, or remove the setting."},
        {"Infinity", "it has no NaN and no Infinity", "Write a number, or remove the setting."},
        {"-Infinity", "it has no NaN and no Infinity", "Write a number, or remove the setting."},
        {"True", "true is written in small letters", "Write true."},
        {"False", "false is written in small letters", "Write false."},
        {"None", "it has no None", "Write null, or remove the setting."},
        {"//", "it has no comments", "Remove the comment."},
        {"/*", "it has no comments", "Remove the comment."},
        {"#", "it has no comments", "Remove the comment."},
        {"'", "texts stand in double quotes", "Write \"...\" instead of '...'."},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!word_at(job, at, words[i].begin))
            continue;
        *ret_fix = words[i].fix;
        return words[i].what;
    }
    if (!comma_before(job, at))
        return NULL;
    *ret_fix = "Remove the comma before this bracket.";
    return "nothing follows the last comma";
}

static void syntax_error(struct job *job, json_error_t *error)
{
    const char *fix;
    const char *code = syntax_code(error, &fix);
    char *near = strstr(error->text, " near ");
    size_t offset = fault_offset(job, error, near);
    if (near)
        *near = '\0';
    char message[JSON_ERROR_TEXT_LENGTH + 40];
    struct fv_str out;
    fv_str_init(&out, message, sizeof(message));
    const char *what = strcmp(code, "syntax") ? NULL : foreign(job, offset, &fix);
    fv_str_addf(&out, "This is not JSON: %s.", what ? what : error->text);
    say_at(&job->check, code, offset, message, fix);
}

/* For some failed allocations jansson gives no reason at all. */
static bool out_of_memory(const json_error_t *error)
{
    return json_error_code(error) == json_error_out_of_memory || error->text[0] == '\0';
}

static void scan_error(struct job *job, int r, size_t offset)
{
    struct fv_check *check = &job->check;
    if (r == -ENOBUFS && check->map.count >= FV_LOCATE_NODES)
        say_at(check, "too_large", offset, "The file has too many values.",
               "Give the configuration, not another file.");
    else if (r == -ENOBUFS)
        say_at(check, "too_deep", offset, "Brackets are open too deep inside each other.",
               "Remove the inner brackets.");
    else
        check->failure = r;
}

/* What is no text at all has its own words. True: it was reported. */
static bool odd_bytes(struct job *job)
{
    struct fv_check *check = &job->check;
    const char *text = job->text, *zero = memchr(text, 0, job->size);
    if (text[strspn(text, " \t\r\n")] == 0 && !zero)
        say_at(check, "syntax", 0, "The file is empty.",
               "Begin with { \"cameras\": { \"RTSP_STREAMS\": [ ... ] } }.");
    else if (job->size >= 2 && (!memcmp(text, "\xFF\xFE", 2) || !memcmp(text, "\xFE\xFF", 2)))
        say_at(check, "encoding", 0, "The file is UTF-16.", "Save the file as UTF-8.");
    else if (job->size >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3))
        say_at(check, "encoding", 0, "The file begins with a byte order mark.",
               "Save the file as UTF-8 without a byte order mark.");
    else if (zero)
        say_at(check, "syntax", (size_t)(zero - text), "This is not JSON: there is a zero byte.",
               "Give the configuration, not another file, or remove it.");
    else
        return false;
    return true;
}

/* jansson judges the syntax, the scanner finds the places. False: it was reported, or check.failure
 * is set. */
static bool parse(struct job *job)
{
    struct fv_check *check = &job->check;
    json_error_t error = {0};
    size_t offset;
    if (job->size > FV_CONF_SIZE_MAX) {
        say_at(check, "too_large", FV_NOWHERE, "The file is larger than 4 MiB.",
               "Give the configuration, not another file.");
        return false;
    }
    if (odd_bytes(job))
        return false;
    int r = fv_map_scan(job->text, job->size, &check->map, &offset);
    if (r < 0 && r != -EBADMSG) {
        scan_error(job, r, offset);
        return false;
    }
    check->root = json_loadb(job->text, job->size, 0, &error);
    if (!check->root && out_of_memory(&error))
        check->failure = -ENOMEM;
    else if (!check->root)
        syntax_error(job, &error);
    else if (r < 0)
        check->failure = r;
    return check->root && r == 0;
}

static bool wants_cpu(const struct fv_check *check, const char *override)
{
    const json_t *backend = fv_check_given(check, "processing", "BACKEND", NULL);
    return override ? !strcmp(override, "cpu")
                    : json_is_string(backend) && !strcasecmp(json_string_value(backend), "cpu");
}

static void judge(struct job *job)
{
    struct fv_check *check = &job->check;
    const char *backend = job->params->backend;
    if (!parse(job))
        return;
    if (job->judge->environment && json_is_object(check->root))
        fv_env_apply(check);
    check->cameras = fv_map_child(&check->map, 0, "cameras");
    check->gpu_only = !wants_cpu(check, backend);
    fv_check_sections(check);
    if (!json_is_object(check->root))
        return;
    if (backend)
        check->config->processing.backend = check->gpu_only ? FV_BACKEND_GPU : FV_BACKEND_CPU;
    fv_rules_file(check);
    fv_check_cameras(check);
}

static int prepare(struct job *job, struct fv_error *err)
{
    const char *backend = job->params->backend;
    struct fv_check *check = &job->check;
    if (backend && strcmp(backend, "gpu") && strcmp(backend, "cpu"))
        return fv_error_set(err, -EINVAL, "the backend must be \"gpu\" or \"cpu\"");
    int r = read_text(job, err);
    if (r < 0)
        return r;
    check->text = job->text;
    check->size = job->size;
    check->config = FV_NEW(struct fv_config);
    if (!check->config || fv_value_defaults(FV_TARGET_CONFIG, check->config) < 0 ||
        fv_value_defaults(FV_TARGET_DRAFT, &check->defaults) < 0)
        return -ENOMEM;
    return 0;
}

static int conclude(struct job *job, struct fv_error *err)
{
    const struct fv_config_params *params = job->params;
    struct fv_check *check = &job->check;
    const char *name = params->path ? params->path : params->name ? params->name : "<text>";
    unsigned errors = check->report.errors;
    if (check->failure < 0 || check->report.failure < 0)
        return check->failure < 0 ? check->failure : check->report.failure;
    if (params->problem)
        fv_report_emit(&check->report, name, job->text, job->size, params->problem, params->data);
    if (errors > 0)
        return fv_error_set(err, -EINVAL, "%s has %u error%s", name, errors, errors > 1 ? "s" : "");
    return 0;
}

static void finish(struct job *job)
{
    fv_report_free(&job->check.report);
    fv_env_finish(&job->check.env);
    fv_map_free(&job->check.map);
    json_decref(job->check.root);
    fv_draft_finish(&job->check.defaults);
    fv_config_free(job->check.config);
    if (job->text)
        explicit_bzero(job->text, job->size);
    fv_free(job->text);
}

int fv_conf_judge(const struct fv_judge *how, struct fv_config **ret_config, struct fv_error *err)
{
    struct job job = {.judge = how,
                      .params = how->params,
                      .check.resolve = how->resolve,
                      .check.stand_in = how->params->stand_in,
                      .check.report.limit = how->findings};
    int r = prepare(&job, err);
    if (r == 0) {
        judge(&job);
        if (how->look)
            how->look(how->data, &job.check);
        r = conclude(&job, err);
    }
    if (r == -ENOMEM)
        fv_error_set(err, -ENOMEM, "out of memory");
    if (r == 0 && ret_config) {
        *ret_config = job.check.config;
        job.check.config = NULL;
    }
    finish(&job);
    return r;
}

int fv_config_load(const struct fv_config_params *params, struct fv_config **ret_config,
                   struct fv_error *err)
{
    struct fv_judge how = {.params = params,
                           .resolve = true,
                           .environment = true,
                           .look = params->look,
                           .data = params->look_data};
    return fv_conf_judge(&how, ret_config, err);
}

int fv_config_check(const char *path, const char *backend, fv_problem_fn problem, void *data,
                    struct fv_error *err)
{
    struct fv_config_params params = {
        .path = path, .backend = backend, .problem = problem, .data = data};
    return fv_conf_judge(&(struct fv_judge){.params = &params}, NULL, err);
}

void fv_config_free(struct fv_config *config)
{
    if (!config)
        return;
    for (unsigned i = 0; i < config->cameras.count; i++)
        fv_camera_finish(&config->cameras.items[i]);
    fv_free(config->cameras.items);
    fv_areas_finish(&config->cameras.zones);
    fv_areas_finish(&config->cameras.lines);
    fv_value_release(FV_TARGET_CONFIG, config);
    fv_free(config);
}
