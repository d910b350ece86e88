// SPDX-License-Identifier: Apache-2.0
/* A library that a provider could be linked to: for ort_cuda_test.c, which has it found. */
int fake_needed(void);

int fake_needed(void)
{
    return 0;
}
