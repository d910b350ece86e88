// SPDX-License-Identifier: Apache-2.0
#include "tool.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/build.h"
#include "fovea/version.h"

extern const struct fv_tool fv_tool_run, fv_tool_analyze, fv_tool_ingest, fv_tool_probe, fv_tool_snapshot, fv_tool_sim, fv_tool_config,
    fv_tool_doctor, fv_tool_engine, fv_tool_validate, fv_tool_bench;

static const struct fv_tool *const tools[] = {
    &fv_tool_run,
    &fv_tool_analyze,
    &fv_tool_ingest,
    &fv_tool_probe,
    &fv_tool_snapshot,
    &fv_tool_sim,
    &fv_tool_config,
    &fv_tool_doctor,
    &fv_tool_engine,
    &fv_tool_validate,
    &fv_tool_bench,
};

#define TOOL_COUNT (sizeof(tools) / sizeof(tools[0]))

static void print_help(void)
{
    printf("fovea - video analytics for many cameras\n\n"
           "Usage: fovea COMMAND [OPTIONS]\n"
           "       fovea --version [--verbose]\n\n"
           "Commands:\n");
    for (size_t i = 0; i < TOOL_COUNT; i++)
        printf("  %-8s %s\n", tools[i]->name, tools[i]->summary);
    printf(
        "\n'fovea COMMAND --help' tells a command's options.\n\n"
        "Exit codes: 0 done, 1 failed or configuration errors, 2 wrong usage or unreadable file,\n"
        "            3 no usable GPU in GPU-only mode\n");
}

static int print_version(bool verbose)
{
    printf("fovea %s\n", FV_VERSION);
    if (!verbose)
        return FV_EXIT_OK;
    printf("Fovea's own code is licensed under Apache-2.0.\n");
    for (const struct fv_build_part *part = fv_build_parts; part->name; part++) {
        printf("  %-14s %-13s %s\n", part->name, part->built_in ? "built in" : "not built in",
               part->purpose);
        if (part->built_in && part->licence)
            printf("  %-14s Licence: %s\n", "", part->licence);
    }
    return FV_EXIT_OK;
}

static int usage_error(const char *what, const char *argument)
{
    fprintf(stderr, "fovea: %s '%s'\nTry 'fovea --help'.\n", what, FV_SHOWN(argument));
    return FV_EXIT_USAGE;
}

static int top_level_option(int argc, char **argv)
{
    bool verbose = argc > 2 && (strcmp(argv[2], "--verbose") == 0 || strcmp(argv[2], "-v") == 0);
    if (argc > (verbose ? 3 : 2))
        return usage_error("unexpected argument", argv[verbose ? 3 : 2]);
    if (strcmp(argv[1], "--version") == 0)
        return print_version(verbose);
    if (strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0)
        return usage_error("unknown option", argv[1]);
    print_help();
    return FV_EXIT_OK;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help();
        return FV_EXIT_USAGE;
    }
    if (argv[1][0] == '-')
        return top_level_option(argc, argv);
    for (size_t i = 0; i < TOOL_COUNT; i++)
        if (strcmp(tools[i]->name, argv[1]) == 0)
            return tools[i]->run(argc - 1, argv + 1);
    return usage_error("unknown command", argv[1]);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    int code = run(argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "fovea: the output could not be written: no space left, or nobody reads it\n");
    return code == FV_EXIT_OK ? FV_EXIT_FAILED : code;
}
