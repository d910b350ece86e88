// SPDX-License-Identifier: Apache-2.0
/* What the survey of the driver finds missing, and what it makes of results. Runs itself again where libraries are to be broken. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakegpu_tools.h"

struct list {
    char text[2000];
};

static void note(void *data, const char *what, const char *cure)
{
    struct list *list = data;
    size_t used = strlen(list->text);
    assert_true(strlen(cure) > 10);
    snprintf(list->text + used, sizeof(list->text) - used, "%s => %s\n", what, cure);
}

static unsigned survey(struct list *list)
{
    struct fv_driver driver;
    list->text[0] = 0;
    unsigned count = fv_driver_survey(&driver, note, list);
    fv_driver_close(&driver);
    return count;
}

static void assert_found(const struct list *list, const char *text)
{
    if (!strstr(list->text, text))
        fail_msg("'%s' is not in:\n%s", text, list->text);
}

static void test_whole(void **state)
{
    struct list list;
    struct fv_driver driver;
    fakegpu_play("driver=12020");
    assert_int_equal(survey(&list), 0);
    assert_int_equal(fv_driver_open(&driver, NULL), 0);
    assert_int_equal(driver.version, 12020);
    fv_driver_close(&driver);
    fv_driver_close(&driver); /* a zeroed one */
}

static void test_too_old(void **state)
{
    struct list list;
    struct fv_driver driver;
    struct fv_error err = {0};
    fakegpu_play("driver=11040");
    assert_int_equal(survey(&list), 1);
    assert_found(&list, "the NVIDIA driver is too old: it offers CUDA 11.4");
    assert_found(&list, "=> update the NVIDIA driver to 525 or newer");
    assert_int_equal(fv_driver_open(&driver, &err), -ENODEV);
    assert_non_null(strstr(err.text, "CUDA 11.4: update the NVIDIA driver"));
}

static void test_no_device(void **state)
{
    struct list list;
    fakegpu_play("no-device");
    assert_int_equal(survey(&list), 1);
    assert_found(&list, "gives no GPU: no CUDA-capable device is detected (CUDA error 100)");
    fakegpu_play("devices=0");
    assert_int_equal(survey(&list), 1);
    assert_found(&list, "gives no GPU: it lists none => check that 'nvidia-smi' lists a GPU");
    fakegpu_play("call-fail=cuInit:1:999");
    assert_int_equal(survey(&list), 1);
    assert_found(&list, "unknown error (CUDA error 999)");
}

static void test_codes(void **state)
{
    static const struct {
        int result, code;
    } rows[] = {
        {0, 0},         {1, -EIO},      {2, -ENOMEM},    {4, -ENODEV},   {46, -ENODEV},
        {100, -ENODEV}, {101, -ENODEV}, {201, -EIO},     {214, -ENODEV}, {218, -EIO},
        {220, -ENODEV}, {400, -EIO},    {500, -EIO},     {600, -EAGAIN}, {700, -ENODEV},
        {701, -EIO},    {702, -ENODEV}, {709, -ENODEV},  {710, -ENODEV}, {713, -EIO},
        {714, -ENODEV}, {715, -ENODEV}, {716, -ENODEV},  {717, -ENODEV}, {718, -ENODEV},
        {719, -ENODEV}, {720, -EIO},    {801, -ENOTSUP}, {999, -ENODEV},
    };
    struct fv_driver driver;
    struct fv_error err = {0};
    fakegpu_play("");
    assert_int_equal(fv_driver_open(&driver, NULL), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(fv_driver_check(&driver, (CUresult)rows[i].result, "cuX", NULL),
                         rows[i].code);
    fv_driver_check(&driver, (CUresult)2, "cuMemAlloc", &err);
    assert_string_equal(err.text, "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory");
    fv_driver_check(&driver, (CUresult)12345, "cuX", &err);
    assert_string_equal(err.text, "cuX: CUDA error (12345): an error without a text");
    fv_driver_close(&driver);
    fv_driver_check(&driver, (CUresult)7, "cuX", &err); /* before there is a table */
    assert_string_equal(err.text, "cuX: CUDA error (7): an error without a text");
}

/* --- With broken libraries in a folder of their own. --- */

static char folder[] = "/tmp/fv-driver-test-XXXXXX";

static void path_of(char *path, const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
}

static void test_build(void **state)
{
    static const struct {
        const char *line, *build;
    } rows[] = {
        {"580.159.04\n", "580.159.04"},
        {"570.86", "570.86"},
        {"", "unknown"},
        {"NVRM\n", "unknown"},
        {"1234567890123456789012345678901234567890\n", "1234567890123456789012345678901"},
    };
    char path[] = "/tmp/fv-driver-build-XXXXXX", build[32];
    int made = mkstemp(path);
    assert_true(made >= 0 && close(made) == 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(rows[i].line, file);
        assert_int_equal(fclose(file), 0);
        fv_driver_build(path, build);
        assert_string_equal(build, rows[i].build);
    }
    unlink(path);
    fv_driver_build(path, build);
    assert_string_equal(build, "unknown");
}

/* Runs this program with the folder as the place of libraries; what it printed. */
static void run_there(const char *mode, struct list *list)
{
    int ends[2], status = 0;
    char self[PATH_MAX] = {0};
    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        setenv("LD_LIBRARY_PATH", folder, 1);
        execl(self, self, mode, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    list->text[fread(list->text, 1, sizeof(list->text) - 1, in)] = 0;
    fclose(in);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The other side of run_there(). */
static int tell(void)
{
    struct list list;
    unsigned count = survey(&list);
    printf("%u\n%s", count, list.text);
    return 0;
}

static void test_broken_libraries(void **state)
{
    char cuda[PATH_MAX], cuvid[PATH_MAX];
    struct list list;
    Dl_info libc;
    assert_non_null(mkdtemp(folder));
    path_of(cuda, "libcuda.so.1");
    path_of(cuvid, "libnvcuvid.so.1");
    close(open(cuda, O_CREAT | O_WRONLY, 0600));
    close(open(cuvid, O_CREAT | O_WRONLY, 0600));
    run_there("tell", &list);
    assert_found(&list, "2\n");
    assert_found(&list, "libcuda.so.1 cannot be opened (");
    assert_found(&list, "file too short) => install the NVIDIA driver");
    assert_found(&list, "libnvcuvid.so.1 cannot be opened (");
    assert_found(&list, "=> install the driver's decode part");
    unlink(cuda);
    unlink(cuvid);
    assert_true(dladdr((void *)(uintptr_t)fork, &libc) != 0);
    assert_int_equal(symlink(libc.dli_fname, cuda), 0);
    assert_int_equal(symlink(libc.dli_fname, cuvid), 0);
    run_there("tell", &list);
    assert_found(&list, "2\n");
    assert_found(&list, "libcuda.so.1 is not a whole NVIDIA driver library: it has no cuInit");
    assert_found(&list, "it has no cuvidGetDecoderCaps");
    unlink(cuda);
    unlink(cuvid);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "tell"))
        return tell();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),     cmocka_unit_test(test_too_old),
        cmocka_unit_test(test_no_device), cmocka_unit_test(test_codes),
        cmocka_unit_test(test_build),     cmocka_unit_test(test_broken_libraries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
