// SPDX-License-Identifier: Apache-2.0
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/library.h"

static void test_packages(void **state)
{
    char pattern[256];
    setenv("VIRTUAL_ENV", "/env", 1);
    setenv("HOME", "", 1);
    assert_true(fv_library_packages(0, "a/b", pattern, sizeof(pattern)));
    assert_string_equal(pattern, "/env/lib/python3*/site-packages/a/b");
    assert_true(fv_library_packages(1, "a/b", pattern, sizeof(pattern)));
    assert_string_equal(pattern, "/nonexistent/.local/lib/python3*/site-packages/a/b");
    assert_true(fv_library_packages(2, "a/b", pattern, sizeof(pattern)));
    assert_string_equal(pattern, "/usr/local/lib/python3*/*-packages/a/b");
    assert_true(fv_library_packages(3, "a/b", pattern, sizeof(pattern)));
    assert_false(fv_library_packages(4, "a/b", pattern, sizeof(pattern)));
    unsetenv("VIRTUAL_ENV");
}

static void make_folder(const char *root, const char *below, char path[256])
{
    snprintf(path, 256, "%s/%s", root, below);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    assert_int_equal(mkdir(path, 0700), 0);
}

/* In pip's places, here those of an environment (TensorRT's package has a folder of its own): what is no library is said, what is nowhere
 * too. */
static void test_need(void **state)
{
    static const char *const folders[] = {"lib/python3.9/site-packages/nvidia/thing/lib",
                                          "lib/python3.9/site-packages/tensorrt_libs"};
    char root[] = "/tmp/fovea-needs-XXXXXX", folder[256], path[300], command[300];
    struct fv_error err = {0};
    assert_non_null(mkdtemp(root));
    setenv("VIRTUAL_ENV", root, 1);
    for (size_t i = 0; i < 2; i++) {
        make_folder(root, folders[i], folder);
        assert_int_equal(fv_library_open("libfovea-thing.so.3", "", NULL, &err), -ENOENT);
        assert_string_equal(err.text, "it was found nowhere");
        snprintf(path, sizeof(path), "%s/libfovea-thing.so.3", folder);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs("this is no library, but as long as the header of one", file);
        fclose(file);
        assert_int_equal(fv_library_open("libfovea-thing.so.3", "", NULL, &err), -ENOTSUP);
        assert_non_null(strstr(err.text, "libfovea-thing.so.3: "));
        unlink(path);
    }
    snprintf(command, sizeof(command), "rm -rf %s", root);
    assert_int_equal(system(command), 0);
    unsetenv("VIRTUAL_ENV");
    /* The linker's own. */
    void *handle = NULL;
    assert_int_equal(fv_library_open("libm.so.6", "", &handle, &err), 0);
    assert_non_null(dlsym(handle, "cos"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packages),
        cmocka_unit_test(test_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
