// SPDX-License-Identifier: Apache-2.0
#include "infer/ort_needs.h"

#include <ctype.h>
#include <string.h>

bool fv_ort_missing(const char *message, char *out, size_t capacity)
{
    const char *end = strstr(message, ": cannot open shared object file");
    const char *start = end;
    while (start && start > message &&
           (isalnum((unsigned char)start[-1]) || strchr("._+-", start[-1])))
        start--;
    if (!end || start == end || strncmp(start, "lib", 3) != 0 || (size_t)(end - start) >= capacity)
        return false;
    memcpy(out, start, (size_t)(end - start));
    out[end - start] = 0;
    return true;
}

const char *fv_ort_cure(const char *name)
{
    static const struct {
        const char *start, *cure;
    } cures[] = {
        {"libcuda.so", "install the NVIDIA driver (in a container: start it with the GPU)"},
        {"libcublas", "pip install nvidia-cublas"},
        {"libcudart", "pip install nvidia-cuda-runtime"},
        {"libcurand", "pip install nvidia-curand"},
        {"libcufft", "pip install nvidia-cufft"},
        {"libnvrtc", "pip install nvidia-cuda-nvrtc"},
        {"libcudnn", "pip install nvidia-cudnn-cu13"},
        {"libnvinfer", "install TensorRT 10 for CUDA 13"},
        {"libnvonnxparser", "install TensorRT 10 for CUDA 13"},
    };
    for (size_t i = 0; i < sizeof(cures) / sizeof(cures[0]); i++)
        if (strncmp(name, cures[i].start, strlen(cures[i].start)) == 0)
            return cures[i].cure;
    return "install the package that holds it";
}
