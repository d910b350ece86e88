// SPDX-License-Identifier: Apache-2.0
#ifndef FV_TESTS_SOAK_SICK_H
#define FV_TESTS_SOAK_SICK_H

/* 64 cameras are well for half of the time; then 38 of them are sick, each in another way. 0: the others lost nothing, and the 99th percentile
 * of their delay grew by no more than one gathering interval. Prints what it found. */
int soak_sick(unsigned seconds);

#endif
