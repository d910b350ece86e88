// SPDX-License-Identifier: Apache-2.0
/* A library that stands for each of TensorRT's: for ort_tensorrt_test.c. */
int getInferLibVersion(void);

__attribute__((visibility("default"))) int getInferLibVersion(void)
{
    return 101302;
}
