// SPDX-License-Identifier: Apache-2.0
/* `fovea engine`: built TensorRT engines. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fovea/config.h"
#include "fovea/engines.h"
#include "problems.h"
#include "tool.h"

#define NAME "engine"

static const char help[] =
    "fovea engine - TensorRT engines that were built, and are kept\n"
    "\n"
    "Usage: fovea engine build [-c FILE] [--json]\n"
    "       fovea engine list|verify [-c FILE] [--json]\n"
    "       fovea engine clean [-c FILE] [--all] [--json]\n"
    "\n"
    "An engine belongs to one model, batch size, GPU, driver and library version. 'fovea run' "
    "builds\n"
    "what it needs, which takes minutes; build does it beforehand, as a configuration says. list\n"
    "shows what is there, verify reads every byte of it, clean removes what is damaged or was "
    "left\n"
    "by a build that was broken off. Engines lie in models.DETECTION_ENGINE_PATH, or in\n"
    "~/.cache/fovea/engines. The runtimes 'tensorrt' and 'tensorrt-rtx' have not been run on\n"
    "hardware in this version.\n"
    "\n"
    "  -c, --config FILE  a configuration; without one: the defaults\n"
    "  --all              clean removes all engines that are not in use\n"
    "  --json             as one JSON object\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit codes: 0 done, 1 failed, interrupted, or damaged engines (verify); 2 wrong usage or a "
    "file\n"
    "            that cannot be read; 3 no usable GPU (build)\n";

struct options {
    const char *verb, *config;
    bool json, all;
};

static int failed(int r, const struct fv_error *err)
{
    fprintf(stderr, "fovea " NAME ": %s\n", err->text);
    return fv_tool_exit_code(r);
}

static void on_problem(void *data, const struct fv_problem *problem)
{
    if (problem->severity == FV_SEVERITY_ERROR)
        fv_problems_print(data, problem);
}

/* The configuration's own errors are shown, each with its cure. */
static int failed_config(const struct options *options, int r, const struct fv_error *err)
{
    struct fv_problems problems = {.out = stderr};
    if (r == -EINVAL && options->config)
        (void)fv_config_check(options->config, NULL, on_problem, &problems, NULL);
    return failed(r, err);
}

/* ---- list, verify, clean ---- */

struct job {
    const struct options *options;
    char folder[1024];
    json_t *items; /* NULL: text is printed */
    unsigned count, bad, removed, kept, refused;
    uint64_t bytes;
};

static const char *state_name(enum fv_engines_state state)
{
    static const char *const names[] = {"whole", "damaged", "left", "busy"};
    return names[state];
}

static void show(struct job *job, const struct fv_engines_item *item)
{
    if (job->items)
        json_array_append_new(job->items,
                              json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s}",
                                        "name", item->name, "state", state_name(item->state), "why",
                                        item->why, "bytes", (json_int_t)item->bytes, "built",
                                        (json_int_t)item->built, "runtime", item->runtime, "model",
                                        item->model, "shape", item->shape, "gpu", item->gpu,
                                        "onnxruntime", item->onnxruntime));
    else
        printf("%-8s %8.1f MB  %s  %s  %s%s%s\n", state_name(item->state),
               (double)item->bytes / 1e6, item->name, item->shape, item->gpu,
               *item->why ? "  " : "", item->why);
}

static int on_item(void *data, const struct fv_engines_item *item)
{
    struct job *job = data;
    job->count++;
    job->bytes += item->bytes;
    job->bad += item->state == FV_ENGINES_DAMAGED;
    show(job, item);
    return 0;
}

static int on_item_to_clean(void *data, const struct fv_engines_item *item)
{
    struct job *job = data;
    struct fv_error err = {0};
    bool bad = item->state == FV_ENGINES_DAMAGED || item->state == FV_ENGINES_LEFT;
    if (!bad && !(job->options->all && item->state == FV_ENGINES_WHOLE)) {
        job->kept++;
        return 0;
    }
    int r = fv_engines_remove(job->folder, item->name, &err);
    if (r == -EBUSY || r == -ENOENT) {
        job->kept += r == -EBUSY;
        return 0;
    }
    if (r < 0) { /* the others are cleaned all the same */
        failed(r, &err);
        job->refused++;
        return 0;
    }
    job->removed++;
    job->bytes += item->bytes;
    show(job, item);
    return 0;
}

static void print_end(const struct job *job, bool clean)
{
    if (job->items) {
        json_t *root =
            json_pack("{s:s, s:O, s:I}", "folder", FV_SHOWN(job->folder),
                      clean ? "removed" : "engines", job->items, "bytes", (json_int_t)job->bytes);
        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(root);
    } else if (clean) {
        printf("%u removed (%.1f MB), %u kept in %s\n", job->removed, (double)job->bytes / 1e6,
               job->kept, FV_SHOWN(job->folder));
    } else {
        printf("%u engine%s, %.1f MB, in %s\n", job->count, job->count == 1 ? "" : "s",
               (double)job->bytes / 1e6, FV_SHOWN(job->folder));
    }
}

static int go_through(const struct options *options)
{
    struct job job = {.options = options};
    struct fv_error err = {0};
    bool clean = strcmp(options->verb, "clean") == 0, verify = strcmp(options->verb, "list") != 0;
    int r = fv_engines_folder(options->config, job.folder, sizeof(job.folder), &err);
    if (r < 0)
        return failed_config(options, r, &err);
    if (options->json && !(job.items = json_array()))
        return FV_EXIT_FAILED;
    r = fv_engines_list(job.folder, verify, clean ? on_item_to_clean : on_item, &job, &err);
    if (r == 0)
        print_end(&job, clean);
    else if (err.code)
        failed(r, &err);
    json_decref(job.items);
    if (r < 0)
        return fv_tool_exit_code(r);
    bool bad = job.refused || (job.bad && strcmp(options->verb, "verify") == 0);
    return bad ? FV_EXIT_FAILED : FV_EXIT_OK;
}

/* ---- build ---- */

static void on_progress(void *data, const char *text)
{
    fprintf(stderr, "%s\n", text);
}

static int build_here(const struct options *options)
{
    struct fv_error err = {0};
    const struct fv_engines_build_params params = {.config_path = options->config,
                                                   .progress = on_progress};
    int r = fv_engines_build(&params, &err);
    return r < 0 ? failed_config(options, r, &err) : FV_EXIT_OK;
}

/* Of the build that was broken off; what another process has is busy. */
static int on_left(void *data, const struct fv_engines_item *item)
{
    if (item->state == FV_ENGINES_LEFT)
        (void)fv_engines_remove(data, item->name, NULL);
    return 0;
}

static int interrupted(const struct options *options, pid_t child)
{
    char folder[1024];
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    if (fv_engines_folder(options->config, folder, sizeof(folder), NULL) == 0)
        (void)fv_engines_list(folder, false, on_left, folder, NULL);
    fprintf(stderr,
            "fovea " NAME ": interrupted; nothing is kept of the engine that was not finished\n");
    return FV_EXIT_FAILED;
}

/* The libraries cannot be stopped while they build: a process of its own does it, and can be ended. */
static int build(const struct options *options)
{
    int signals = fv_tool_signals(false), pipes[2], status = 0;
    pid_t child = signals >= 0 && pipe(pipes) == 0 ? fork() : -1;
    if (child < 0) {
        fprintf(stderr, "fovea " NAME ": %s\n", strerror(errno));
        return FV_EXIT_FAILED;
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        exit(build_here(options));
    }
    close(pipes[1]); /* the child's end closes when it ends */
    struct pollfd fds[] = {{signals, POLLIN, 0}, {pipes[0], POLLIN, 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    if (fds[0].revents)
        return interrupted(options, child);
    waitpid(child, &status, 0);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : FV_EXIT_FAILED;
    if (WIFSIGNALED(status))
        fprintf(stderr, "fovea " NAME ": the builder ended by signal %d\n", WTERMSIG(status));
    if (code != FV_EXIT_OK)
        return code;
    return go_through(&(struct options){"list", options->config, options->json, false});
}

static int check(struct options *options, int count, char **words)
{
    static const char *const verbs[] = {"build", "list", "verify", "clean"};
    if (count == 0)
        return fv_tool_usage(NAME, "what should be done? build, list, verify or clean");
    for (size_t i = 0; i < 4; i++)
        if (strcmp(verbs[i], words[0]) == 0)
            options->verb = verbs[i];
    if (!options->verb)
        return fv_tool_usage(NAME, "there is no '%s'; possible are build, list, verify and clean",
                             words[0]);
    if (count > 1)
        return fv_tool_usage(NAME, "unexpected argument '%s'", words[1]);
    if (options->all && strcmp(options->verb, "clean") != 0)
        return fv_tool_usage(NAME, "--all is for clean");
    return FV_EXIT_OK;
}

static int run(int argc, char **argv)
{
    static const struct option list[] = {{"config", required_argument, NULL, 'c'},
                                         {"json", no_argument, NULL, 'j'},
                                         {"all", no_argument, NULL, 'a'},
                                         {"help", no_argument, NULL, 'h'},
                                         {0}};
    struct options options = {0};
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "hc:", list, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return FV_EXIT_OK;
        }
        if (c == 'c')
            options.config = optarg;
        else if (c == 'j')
            options.json = true;
        else if (c == 'a')
            options.all = true;
        else
            return fv_tool_bad_option(NAME, argv);
    }
    int code = check(&options, argc - optind, argv + optind);
    if (code != FV_EXIT_OK)
        return code;
    options.config = fv_tool_read_once(options.config);
    return strcmp(options.verb, "build") == 0 ? build(&options) : go_through(&options);
}

const struct fv_tool fv_tool_engine = {
    .name = NAME,
    .summary = "TensorRT engines: build, list, verify, clean",
    .run = run,
};
