// SPDX-License-Identifier: Apache-2.0
/* A runtime without a library: one person in the middle of every picture. Never shipped. */
#ifndef FV_TESTS_MOCK_RUNTIME_H
#define FV_TESTS_MOCK_RUNTIME_H

#include <stddef.h>

/* Registers the mock under the name "cpu": it stands in for ONNX Runtime. `fail_every` > 0 makes every n-th run fail. */
void mock_runtime_install(unsigned fail_every);

/* From now on each run of a classifier on the CPU takes so long. */
void mock_runtime_classifier_takes(long ms);

/* Registers the mock for device memory under the name "cuda". */
void mock_gpu_runtime_install(void);
/* Its next run claims to have copied a picture to the host. */
void mock_gpu_runtime_leak(void);
struct fv_model;
/* Writes the mock's output for one image, zeroed before: one person; or, when the model is a classifier, its second label. */
void mock_write_answer(const struct fv_model *model, float *output);
size_t mock_output_count(const struct fv_model *model); /* numbers of one image */

/* Writes a model file and its manifest for the mock into `folder`. Returns the path of the model (static), or NULL. */
const char *mock_model_write(const char *folder);
/* The same of a classifier "mocked" with the labels "small" and "grown": another static path. */
const char *mock_classifier_write(const char *folder);

#endif
