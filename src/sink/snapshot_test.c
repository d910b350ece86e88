// SPDX-License-Identifier: Apache-2.0
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <turbojpeg.h>

#include "base/mem.h"
#include "sink/snapshot_files.h"

static char folder[64];
static const char *const cameras[] = {"gate", "../yard 2"};
static const char *const labels[] = {"person"};
static const struct fv_sink_context context = {cameras, 2, labels, 1};

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/fovea-shots-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

/* Names in the folder, which is emptied when `remove` is true. */
static int count_files(bool remove)
{
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(listing));) {
        if (entry->d_name[0] == '.' && strlen(entry->d_name) <= 2)
            continue;
        count++;
        if (remove)
            unlinkat(dirfd(listing), entry->d_name, 0);
    }
    closedir(listing);
    return count;
}

static int tear_down(void **state)
{
    (void)state;
    count_files(true);
    return rmdir(folder);
}

static bool exists(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* 96x64, dark grey in limited BT.601, with no release: it lives on the test's stack. */
struct scene {
    struct fv_picture picture;
    struct fv_result result;
    uint8_t luma[96 * 64], cb[48 * 32], cr[48 * 32];
};

static void make_scene(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    memset(s->luma, 60, sizeof(s->luma));
    memset(s->cb, 128, sizeof(s->cb));
    memset(s->cr, 128, sizeof(s->cr));
    s->picture = (struct fv_picture){.info = {.width = 96, .height = 64},
                                     .format = FV_PIXEL_I420,
                                     .plane = {s->luma, s->cb, s->cr},
                                     .pitch = {96, 48, 48},
                                     .refs = 1};
    s->result.picture = &s->picture;
    s->result.info = s->picture.info;
    s->result.info.number = 1;
    s->result.count = 2;
    s->result.detections[0] = (struct fv_detection){20, 30, 60, 60, 0.9f, 0};
    s->result.detections[1] = (struct fv_detection){70, 30, 90, 60, 0.2f, 0};
}

static struct fv_sink_snapshot_config settings(unsigned interval, unsigned keep)
{
    return (struct fv_sink_snapshot_config){folder,
                                            interval,
                                            90,
                                            keep,
                                            0.5f,
                                            {.detections = true,
                                             .labels = true,
                                             .confidence = true,
                                             .box_thickness = 2,
                                             .text_thickness = 1,
                                             .text_scale = 0.5}};
}

static void *open_sink(const struct fv_sink_snapshot_config *config)
{
    void *sink;
    struct fv_error err = {0};
    if (fv_sink_snapshot.open(&context, config, &sink, &err) < 0)
        fail_msg("%s", err.text);
    return sink;
}

static void write_number(void *sink, struct scene *s, uint32_t camera, uint64_t number)
{
    struct fv_error err = {0};
    s->result.info.camera = camera;
    s->result.info.number = number;
    if (fv_sink_snapshot.wants(sink, &s->result) &&
        fv_sink_snapshot.write(sink, &s->result, &err) < 0)
        fail_msg("%s", err.text);
}

/* Reads a file of the folder into RGB, 96x64. */
static void read_jpeg(const char *name, uint8_t rgb[96 * 64 * 3])
{
    static uint8_t bytes[65536];
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    tjhandle jpeg = tjInitDecompress();
    int width, height, sampling, colourspace;
    assert_int_equal(
        tjDecompressHeader3(jpeg, bytes, size, &width, &height, &sampling, &colourspace), 0);
    assert_int_equal(width, 96);
    assert_int_equal(height, 64);
    assert_int_equal(sampling, TJSAMP_420);
    assert_int_equal(tjDecompress2(jpeg, bytes, size, rgb, 96, 0, 64, TJPF_RGB, 0), 0);
    tjDestroy(jpeg);
}

static void test_picture(void **state)
{
    (void)state;
    static struct scene s;
    static uint8_t rgb[96 * 64 * 3];
    make_scene(&s);
    const struct fv_sink_snapshot_config config = settings(1, 0);
    void *sink = open_sink(&config);
    write_number(sink, &s, 0, 1234);
    fv_sink_snapshot.close(sink);
    read_jpeg("gate-00001234.jpg", rgb);
    /* The picture: (60 - 16) * 255 / 219 = 51, grey. */
    const uint8_t *at = rgb + (50 * 96 + 5) * 3;
    for (int i = 0; i < 3; i++)
        assert_in_range(at[i], 48, 54);
    /* The box's left side, amber: much red, some green, no blue to speak of. */
    at = rgb + (45 * 96 + 20) * 3;
    assert_true(at[0] > 120 && at[0] > at[2] + 60);
    /* The second detection is below min_score. */
    at = rgb + (45 * 96 + 70) * 3;
    assert_in_range(at[0], 45, 57);
    /* The source was not drawn on. */
    for (size_t i = 0; i < sizeof(s.luma); i++)
        assert_int_equal(s.luma[i], 60);
}

static void test_interval_and_names(void **state)
{
    (void)state;
    static struct scene s;
    make_scene(&s);
    const struct fv_sink_snapshot_config config = settings(3, 0);
    void *sink = open_sink(&config);
    for (uint64_t n = 1; n <= 7; n++) {
        write_number(sink, &s, 0, n);
        if (n <= 2)
            write_number(sink, &s, 1, n);
    }
    fv_sink_snapshot.close(sink);
    assert_int_equal(count_files(false), 4);
    assert_true(exists("gate-00000001.jpg"));
    assert_true(exists("gate-00000004.jpg"));
    assert_true(exists("gate-00000007.jpg"));
    assert_true(exists("_._yard_2-1-00000001.jpg"));
}

static void test_keep(void **state)
{
    (void)state;
    static struct scene s;
    make_scene(&s);
    const struct fv_sink_snapshot_config config = settings(1, 2);
    void *sink = open_sink(&config);
    write_number(sink, &s, 1, 1);
    for (uint64_t n = 1; n <= 5; n++)
        write_number(sink, &s, 0, n);
    assert_int_equal(count_files(false), 3);
    assert_true(exists("gate-00000004.jpg") && exists("gate-00000005.jpg"));
    fv_sink_snapshot.close(sink);

    /* A second run counts from 1 again: the files of the first are the older ones. */
    sink = open_sink(&config);
    write_number(sink, &s, 0, 1);
    assert_true(exists("gate-00000001.jpg") && exists("gate-00000005.jpg"));
    assert_false(exists("gate-00000004.jpg"));
    write_number(sink, &s, 0, 2);
    assert_true(exists("gate-00000001.jpg") && exists("gate-00000002.jpg"));
    assert_int_equal(count_files(false), 3);
    fv_sink_snapshot.close(sink);

    /* A third one overwrites number 1, which is then the newest. */
    sink = open_sink(&config);
    write_number(sink, &s, 0, 1);
    write_number(sink, &s, 0, 7);
    assert_true(exists("gate-00000001.jpg") && exists("gate-00000007.jpg"));
    assert_int_equal(count_files(false), 3);
    fv_sink_snapshot.close(sink);
}

/* Fewer are kept than before: the surplus goes at open; strangers' files stay. */
static void test_keep_fewer(void **state)
{
    (void)state;
    static struct scene s;
    make_scene(&s);
    struct fv_sink_snapshot_config config = settings(1, 0);
    void *sink = open_sink(&config);
    for (uint64_t n = 1; n <= 4; n++)
        write_number(sink, &s, 0, n);
    fv_sink_snapshot.close(sink);
    static const char *const strangers[] = {"gate-1.jpg", "gate-00000009.png",
                                            "gateway-00000001.jpg"};
    for (int i = 0; i < 3; i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", folder, strangers[i]);
        fclose(fopen(path, "w"));
    }
    config.keep = 1;
    sink = open_sink(&config);
    assert_int_equal(count_files(false), 4);
    for (int i = 0; i < 3; i++)
        assert_true(exists(strangers[i]));
    fv_sink_snapshot.close(sink);
}

static void test_names(void **state)
{
    (void)state;
    char name[FV_SNAPSHOT_NAME_MAX], longest[300];
    assert_string_equal(fv_snapshot_name("Gate_1.a-b", 3, name), "Gate_1.a-b");
    assert_string_equal(fv_snapshot_name("a/b", 3, name), "a_b-3");
    assert_string_equal(fv_snapshot_name("a:b", 4, name), "a_b-4");
    assert_string_equal(fv_snapshot_name(".hidden", 0, name), "_hidden-0");
    assert_string_equal(fv_snapshot_name("..", 0, name), "_.-0");
    assert_string_equal(fv_snapshot_name("", 7, name), "-7");
    assert_string_equal(fv_snapshot_name("caf\xc3\xa9", 1, name), "caf__-1");
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    fv_snapshot_name(longest, UINT32_MAX, name);
    assert_int_equal(strlen(name), 80 + 11);
    assert_string_equal(name + 80, "-4294967295");
}

static void assert_open_fails(const struct fv_sink_snapshot_config *config, int want)
{
    void *sink = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_sink_snapshot.open(&context, config, &sink, &err), want);
    assert_null(sink);
    assert_true(strlen(err.text) > 0);
}

static void test_open_failures(void **state)
{
    (void)state;
    char path[256];
    struct fv_sink_snapshot_config config = settings(0, 1);
    assert_open_fails(&config, -EINVAL);
    config = settings(1, 1);
    config.quality = 101;
    assert_open_fails(&config, -EINVAL);
    config = settings(1, 1);
    snprintf(path, sizeof(path), "%s/a/b", folder);
    config.folder = path;
    assert_open_fails(&config, -ENOENT);
    /* Only the last part is missing: it is made. */
    snprintf(path, sizeof(path), "%s/shots", folder);
    void *sink = open_sink(&config);
    fv_sink_snapshot.close(sink);
    assert_int_equal(rmdir(path), 0);
    /* A file is in the way. */
    fclose(fopen(path, "w"));
    assert_open_fails(&config, -ENOENT);
    unlink(path);
    config.folder = folder;
    unsigned n = 1;
    for (;; n++) {
        sink = NULL;
        fv_alloc_fail_at(n);
        int code = fv_sink_snapshot.open(&context, &config, &sink, NULL);
        if (code == 0)
            break;
        assert_int_equal(code, -ENOMEM);
        assert_null(sink);
    }
    fv_alloc_fail_at(0);
    assert_int_equal(n, 14); /* sink, counters, JPEG; files, path, cameras, shots; 6 of the overlay */
    fv_sink_snapshot.close(sink);
}

static void test_write_failures(void **state)
{
    (void)state;
    static struct scene s;
    make_scene(&s);
    const struct fv_sink_snapshot_config config = settings(1, 1);
    void *sink = open_sink(&config);
    struct fv_error err = {0};
    s.result.picture = NULL;
    assert_int_equal(fv_sink_snapshot.write(sink, &s.result, &err), -EINVAL);
    s.result.picture = &s.picture;
    s.picture.memory = FV_MEMORY_DEVICE;
    assert_int_equal(fv_sink_snapshot.write(sink, &s.result, &err), -ENOTSUP);
    s.picture.memory = FV_MEMORY_HOST;
    s.result.info.camera = 2;
    assert_int_equal(fv_sink_snapshot.write(sink, &s.result, &err), -EINVAL);
    /* The folder is gone. */
    s.result.info.camera = 0;
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(fv_sink_snapshot.write(sink, &s.result, &err), -ENOENT);
    assert_non_null(strstr(err.text, folder));
    assert_int_equal(mkdir(folder, 0700), 0);
    fv_sink_snapshot.close(sink);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_picture),        CASE(test_interval_and_names),
        CASE(test_keep),           CASE(test_keep_fewer),
        CASE(test_names),          CASE(test_open_failures),
        CASE(test_write_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
