// SPDX-License-Identifier: Apache-2.0
/* What the programs of this folder check with: each failure is printed and counted, and the program goes on. Main thread only. */
#ifndef FV_TESTS_PIPELINE_CHECK_H
#define FV_TESTS_PIPELINE_CHECK_H

#include <stdio.h>

static unsigned failures;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            failures++;                                                                            \
            printf("not ok %d: %s: ", __LINE__, #condition);                                       \
            printf(__VA_ARGS__);                                                                   \
            printf("\n");                                                                          \
        }                                                                                          \
    } while (0)

#endif
