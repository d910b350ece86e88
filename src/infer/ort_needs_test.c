// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "infer/ort_needs.h"

static void test_missing(void **state)
{
    char name[32];
    /* As ONNX Runtime 1.31.1 says it. */
    assert_true(fv_ort_missing("[ONNXRuntimeError] : 1 : FAIL : Failed to load library "
                               "/a/libonnxruntime_providers_cuda.so with error: libcuda.so.1: "
                               "cannot open shared object file: No such file or directory\n",
                               name, sizeof(name)));
    assert_string_equal(name, "libcuda.so.1");
    assert_true(
        fv_ort_missing("libstdc++-x_y.so: cannot open shared object file", name, sizeof(name)));
    assert_string_equal(name, "libstdc++-x_y.so");
    assert_false(fv_ort_missing("", name, sizeof(name)));
    assert_false(fv_ort_missing("libcuda.so.1: invalid ELF header", name, sizeof(name)));
    assert_false(fv_ort_missing(": cannot open shared object file", name, sizeof(name)));
    assert_false(fv_ort_missing("/a/b c: cannot open shared object file", name, sizeof(name)));
    assert_false(fv_ort_missing("lib-of-more-than-thirty-two-bytes.so: cannot open shared object "
                                "file",
                                name, sizeof(name)));
    assert_string_equal(name, "libstdc++-x_y.so");
}

static void test_cures(void **state)
{
    assert_string_equal(fv_ort_cure("libcublasLt.so.13"), "pip install nvidia-cublas");
    assert_string_equal(fv_ort_cure("libcudnn.so.9"), "pip install nvidia-cudnn-cu13");
    assert_string_equal(fv_ort_cure("libstrange.so"), "install the package that holds it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_cures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
