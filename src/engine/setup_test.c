// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/setup.h"

/* TENSORRT_FP16 chooses between two files of the bundled detector; a path that was named stays. */
static void test_half_precision(void **state)
{
    static const char *const names[] = {"yolox_nano.onnx", "yolox_nano_fp16.onnx"};
    char path[1024];
    unsetenv("FOVEA_MODEL_PATH");
    for (int half = 0; half < 2; half++) {
        struct fv_error err = {0};
        int r = fv_setup_bundled_model(half, path, sizeof(path), &err);
        assert_true(r == 0 || r == -ENOENT);
        assert_non_null(strstr(r == 0 ? path : err.text, names[half]));
    }
    setenv("FOVEA_MODEL_PATH", "/some/model.onnx", 1);
    for (int half = 0; half < 2; half++) {
        assert_int_equal(fv_setup_bundled_model(half, path, sizeof(path), NULL), 0);
        assert_string_equal(path, "/some/model.onnx");
    }
    unsetenv("FOVEA_MODEL_PATH");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_half_precision)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
