// SPDX-License-Identifier: Apache-2.0
/* `fovea doctor`: is this machine fit for it? */
#include "fovea/doctor.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "problems.h"
#include "tool.h"

#define NAME "doctor"

static const char help[] =
    "Usage: fovea doctor [-c FILE] [--backend gpu|cpu] [--json]\n"
    "\n"
    "Looks at the machine and says what it found, why it matters and what to do: processor,\n"
    "memory, limits, sockets, GPU, libraries, model, disk, clock. With a configuration also its\n"
    "files and each enabled camera (one connection, no credentials). Takes less than 10 seconds\n"
    "and changes nothing.\n"
    "\n"
    "  -c, --config FILE  a configuration\n"
    "  --backend gpu|cpu  as if processing.BACKEND were this\n"
    "  --json             as one JSON object\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit codes: 0 fit (perhaps with warnings), 1 problems, 2 wrong usage\n";

struct report {
    json_t *checks; /* NULL: text is printed */
    unsigned count[3];
};

static const char *state_name(enum fv_doctor_state state)
{
    static const char *const names[] = {"ok", "warning", "problem"};
    return names[state];
}

static void on_finding(void *data, const struct fv_doctor_finding *finding)
{
    static const char *const marks[] = {"✅", "⚠️ ", "❌"};
    struct report *report = data;
    report->count[finding->state]++;
    if (report->checks) {
        json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", finding->id, "title",
                                 finding->title, "state", state_name(finding->state), "found",
                                 finding->found, "why", finding->why, "cure", finding->cure);
        json_array_append_new(report->checks, item);
        return;
    }
    if (fv_problems_marks(stdout))
        printf("%s ", marks[finding->state]);
    printf("%-8s%s: %s\n", state_name(finding->state), finding->title, finding->found);
    if (finding->state != FV_DOCTOR_OK)
        printf("        Why: %s\n        Cure: %s\n", finding->why, finding->cure);
}

static void print_end(const struct report *report)
{
    printf("%u ok, %u warning%s, %u problem%s\n", report->count[0], report->count[1],
           report->count[1] == 1 ? "" : "s", report->count[2], report->count[2] == 1 ? "" : "s");
}

static int examine(const struct fv_doctor_params *wanted, bool json)
{
    struct report report = {0};
    struct fv_doctor_params params = *wanted;
    params.finding = on_finding;
    params.data = &report;
    if (json && !(report.checks = json_array()))
        return FV_EXIT_FAILED;
    int r = fv_doctor(&params);
    if (r < 0)
        fprintf(stderr, "fovea doctor: %s\n", fv_strerror(r));
    if (json) {
        json_t *root = json_pack("{s:b, s:O}", "ok", r == 0, "checks", report.checks);
        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(root);
        json_decref(report.checks);
    } else {
        print_end(&report);
    }
    return r == 0 ? FV_EXIT_OK : FV_EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"backend", required_argument, NULL, 'b'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct fv_doctor_params params = {0};
    bool json = false;
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "hc:", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return FV_EXIT_OK;
        }
        if (c == 'j')
            json = true;
        else if (c == 'b')
            params.backend = optarg;
        else if (c == 'c')
            params.path = optarg;
        else
            return fv_tool_bad_option(NAME, argv);
    }
    if (optind < argc)
        return fv_tool_usage(NAME, "unexpected argument '%s'", argv[optind]);
    if (params.backend && strcmp(params.backend, "gpu") && strcmp(params.backend, "cpu"))
        return fv_tool_usage(NAME, "--backend takes gpu or cpu, not '%s'", params.backend);
    return examine(&params, json);
}

const struct fv_tool fv_tool_doctor = {
    .name = NAME,
    .summary = "look at the machine: what is fit, what is missing",
    .run = run,
};
