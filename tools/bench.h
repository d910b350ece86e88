// SPDX-License-Identifier: Apache-2.0
/* The benches of `fovea bench`, one file each. argv[0] is the bench's name. Each returns an enum fv_exit. */
#ifndef FV_TOOLS_BENCH_H
#define FV_TOOLS_BENCH_H

int fv_bench_decode_command(int argc, char **argv);
int fv_bench_pipeline_command(int argc, char **argv);

#endif
