// SPDX-License-Identifier: Apache-2.0
/* `fovea bench`: measures stages of this machine. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#include "tool.h"

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} benches[] = {
    {"decode", "the decoder alone", fv_bench_decode_command},
    {"pipeline", "decoder, detector, tracker and rules together", fv_bench_pipeline_command},
};

#define BENCH_COUNT (sizeof(benches) / sizeof(benches[0]))

static int run(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < BENCH_COUNT; i++)
        if (strcmp(argv[1], benches[i].name) == 0)
            return benches[i].run(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "-h") != 0 && strcmp(argv[1], "--help") != 0)
        return fv_tool_usage("bench", "there is no bench '%s'", argv[1]);
    printf("Usage: fovea bench NAME [OPTIONS]\n\nMeasures stages of this machine:\n");
    for (size_t i = 0; i < BENCH_COUNT; i++)
        printf("  %-10s %s\n", benches[i].name, benches[i].summary);
    printf("\n'fovea bench NAME --help' tells a bench's options.\n");
    return argc > 1 ? FV_EXIT_OK : FV_EXIT_USAGE;
}

const struct fv_tool fv_tool_bench = {
    .name = "bench",
    .summary = "measure stages of this machine",
    .run = run,
};
