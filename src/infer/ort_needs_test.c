// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void test_packages(void **state)
{
    char pattern[256];
    setenv("VIRTUAL_ENV", "/env", 1);
    setenv("HOME", "", 1);
    assert_true(fv_ort_packages(0, "a/b", pattern, sizeof(pattern)));
    assert_string_equal(pattern, "/env/lib/python3*/site-packages/a/b");
    assert_true(fv_ort_packages(1, "a/b", pattern, sizeof(pattern)));
    assert_string_equal(pattern, "/nonexistent/.local/lib/python3*/site-packages/a/b");
    assert_true(fv_ort_packages(2, "a/b", pattern, sizeof(pattern)));
    assert_string_equal(pattern, "/usr/local/lib/python3*/*-packages/a/b");
    assert_true(fv_ort_packages(3, "a/b", pattern, sizeof(pattern)));
    assert_false(fv_ort_packages(4, "a/b", pattern, sizeof(pattern)));
    unsetenv("VIRTUAL_ENV");
}

/* In pip's place, here that of an environment: what is no library is said, what is nowhere too. */
static void test_need(void **state)
{
    char root[] = "/tmp/fovea-needs-XXXXXX", path[256];
    static const char *const parts[] = {"lib",
                                        "lib/python3.9",
                                        "lib/python3.9/site-packages",
                                        "lib/python3.9/site-packages/nvidia",
                                        "lib/python3.9/site-packages/nvidia/thing",
                                        "lib/python3.9/site-packages/nvidia/thing/lib"};
    struct fv_error err = {0};
    assert_non_null(mkdtemp(root));
    setenv("VIRTUAL_ENV", root, 1);
    for (size_t i = 0; i < 6; i++) {
        snprintf(path, sizeof(path), "%s/%s", root, parts[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    assert_int_equal(fv_ort_need("libfovea-thing.so.3", "", &err), -ENOENT);
    assert_string_equal(err.text, "it was found nowhere");
    snprintf(path, sizeof(path), "%s/%s/libfovea-thing.so.3", root, parts[5]);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("this is no library, but as long as the header of one", file);
    fclose(file);
    assert_int_equal(fv_ort_need("libfovea-thing.so.3", "", &err), -ENOTSUP);
    assert_non_null(strstr(err.text, "libfovea-thing.so.3: "));
    unlink(path);
    for (size_t i = 6; i-- > 0;) {
        snprintf(path, sizeof(path), "%s/%s", root, parts[i]);
        rmdir(path);
    }
    assert_int_equal(rmdir(root), 0);
    unsetenv("VIRTUAL_ENV");
    /* The linker's own. */
    assert_int_equal(fv_ort_need("libm.so.6", "", &err), 0);
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
        cmocka_unit_test(test_packages),
        cmocka_unit_test(test_need),
        cmocka_unit_test(test_cures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
