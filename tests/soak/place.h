// SPDX-License-Identifier: Apache-2.0
/* For the soak test: where cameras are (or are not), and what this process holds. */
#ifndef FV_TESTS_SOAK_PLACE_H
#define FV_TESTS_SOAK_PLACE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A simulator in a process of its own. */
struct place {
    pid_t pid;
    uint16_t port;
};

/* Serves `cameras`, of 20 small pictures a second and two sizes in turn; `fault`: NULL or as of `fovea sim --fault`. Ends the program when that fails. */
void place_start(struct place *place, unsigned cameras, const char *fault);
void place_start_at(struct place *place, uint16_t port, unsigned cameras, const char *fault);
/* With several faults. */
void place_start_sick(struct place *place, unsigned cameras, const char *const *faults,
                      size_t fault_count);
void place_stop(struct place *place);
/* A port of 127.0.0.1 where connections are refused, or one where they are never answered. Stays until the process ends. */
uint16_t place_refusing(void);
uint16_t place_silent(void);

struct holdings {
    size_t resident; /* bytes */
    unsigned descriptors, threads;
    double cpu; /* seconds so far */
};
struct holdings holdings_now(void);

#endif
