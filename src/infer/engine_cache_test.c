// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "infer/engine_cache.h"

#define PATH 1200

static char top[64], root[100];
static char progress[3000];
static struct fv_engine_key key;

static void note_progress(void *data, const char *text)
{
    size_t used = strlen(progress);
    snprintf(progress + used, sizeof(progress) - used, "%s\n", text);
}

static struct fv_engine_cache_params params_now(void)
{
    return (struct fv_engine_cache_params){.root = root, .key = &key, .progress = note_progress};
}

static int open_cache(struct fv_engine_cache **ret_cache, struct fv_error *err)
{
    const struct fv_engine_cache_params params = params_now();
    return fv_engine_cache_open(&params, ret_cache, err);
}

static struct fv_engine_cache *open_good(bool ready)
{
    struct fv_engine_cache *cache = NULL;
    struct fv_error err = {0};
    progress[0] = 0;
    if (open_cache(&cache, &err) < 0)
        fail_msg("%s", err.text);
    if (fv_engine_cache_ready(cache) != ready)
        fail_msg("ready is not %d: %s", ready, progress);
    return cache;
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[PATH];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static bool exists(const char *folder, const char *name)
{
    char path[PATH];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* What ONNX Runtime would write. */
static void build(struct fv_engine_cache *cache)
{
    const char *folder = NULL;
    struct fv_error err = {0};
    assert_int_equal(fv_engine_cache_begin(cache, &folder, &err), 0);
    write_file(folder, "b1.engine", "abc");
    write_file(folder, "b4.engine", "abcd");
    if (fv_engine_cache_publish(cache, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(fv_engine_cache_ready(cache));
}

/* Returns the folder's path. */
static const char *build_one(char path[PATH])
{
    struct fv_engine_cache *cache = open_good(false);
    build(cache);
    snprintf(path, PATH, "%s", fv_engine_cache_folder(cache));
    fv_engine_cache_close(cache);
    return path;
}

static int start(void **state)
{
    snprintf(top, sizeof(top), "/tmp/fovea-engines-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(root, sizeof(root), "%s/cache/engines", top);
    key = (struct fv_engine_key){0};
    fv_engine_key_add(&key, "runtime", "tensorrt");
    fv_engine_key_add(&key, "model", "YOLOX Nano/2");
    fv_engine_key_add(&key, "driver", "13000");
    return 0;
}

static int end(void **state)
{
    char command[200];
    snprintf(command, sizeof(command), "chmod -R u+rwX %s; rm -rf %s", top, top);
    return system(command);
}

/* ---- building and finding again ---- */

static void test_build(void **state)
{
    char path[PATH], hash[65], wanted[PATH];
    build_one(path);
    assert_int_equal(fv_engine_key_hash(&key, hash), 0);
    snprintf(wanted, sizeof(wanted), "%s/tensorrt-yolox-nano-2-%.16s", root, hash);
    assert_string_equal(path, wanted);
    assert_true(exists(path, "engine.json") && exists(path, "b1.engine"));
    struct fv_engine_cache *cache = open_good(true);
    assert_string_equal(progress, "");
    assert_string_equal(fv_engine_cache_folder(cache), path);
    fv_engine_cache_discard(cache);
    assert_false(fv_engine_cache_ready(cache));
    fv_engine_cache_close(cache);
    fv_engine_cache_close(open_good(false));
    assert_int_equal(rmdir(root), 0);
    fv_engine_cache_close(NULL);
}

/* One fact that is another: another engine. */
static void test_other_key(void **state)
{
    char path[PATH];
    build_one(path);
    snprintf(key.facts[2].value, sizeof(key.facts[2].value), "13010");
    fv_engine_cache_close(open_good(false));
    assert_true(exists(path, "engine.json"));
}

/* A build that is not published leaves nothing, and what a killed one left is not mixed with the next. */
static void test_broken_off(void **state)
{
    const char *folder = NULL;
    char building[PATH], path[PATH];
    struct fv_error err = {0};
    struct fv_engine_cache *cache = open_good(false);
    assert_int_equal(fv_engine_cache_begin(cache, &folder, &err), 0);
    snprintf(building, sizeof(building), "%s", folder);
    write_file(folder, "half.engine", "ab");
    fv_engine_cache_close(cache);
    assert_int_equal(rmdir(root), 0); /* nor the lock's file */
    assert_int_equal(mkdir(root, 0755), 0);
    assert_int_equal(mkdir(building, 0755), 0);
    write_file(building, "half.engine", "ab");
    build_one(path);
    assert_false(exists(path, "half.engine"));
    assert_false(exists(building, ""));
    fv_engine_cache_close(open_good(true));
}

/* ---- damage ---- */

struct damage {
    const char *name, *text; /* what is written over a file; NULL: it is removed */
    const char *says;
};

static const struct damage damages[] = {
    {"b1.engine", NULL, "b1.engine is missing"},
    {"b1.engine", "", "b1.engine has another size"},
    {"b1.engine", "abd", "b1.engine has another sha256"},
    {"b9.engine", "x", "it holds a file that it should not"},
    {"engine.json", NULL, "its engine.json is missing"},
    {"engine.json", "", "engine.json: line 1"},
    {"engine.json", "{\"engine\": 1, \"key\": {\"runtime\": \"tensorrt\"", "engine.json: line 1"},
    {"engine.json", "{\"engine\": 7}", "engine.json: written by another version of Fovea"},
    {"engine.json",
     "{\"engine\": 1, \"key\": {\"runtime\": \"tensorrt\", \"model\": \"YOLOX Nano/2\", "
     "\"driver\": "
     "\"12080\"}, \"files\": [{\"name\": \"b1.engine\", \"size\": 3, \"sha256\": "
     "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}]}",
     "driver 12080 instead of 13000"},
};

static void do_damage(const char *path, const struct damage *damage)
{
    char file[PATH + 200];
    snprintf(file, sizeof(file), "%s/%s", path, damage->name);
    if (damage->text)
        write_file(path, damage->name, damage->text);
    else
        assert_int_equal(unlink(file), 0);
}

static void test_damaged(void **state)
{
    char path[PATH];
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        build_one(path);
        do_damage(path, &damages[i]);
        struct fv_engine_cache *cache = open_good(false);
        if (!strstr(progress, "is not usable and will be built again: ") ||
            !strstr(progress, damages[i].says))
            fail_msg("%zu: \"%s\" does not say \"%s\"", i, progress, damages[i].says);
        build(cache);
        fv_engine_cache_close(cache);
        cache = open_good(true);
        fv_engine_cache_discard(cache);
        fv_engine_cache_close(cache);
    }
}

/* engine.json cut at each byte: never taken for whole, never a crash. */
static void test_truncated(void **state)
{
    char path[PATH], file[PATH + 20];
    struct stat info;
    build_one(path);
    snprintf(file, sizeof(file), "%s/engine.json", path);
    assert_int_equal(stat(file, &info), 0);
    for (off_t size = info.st_size - 1; size >= 0; size -= 7) {
        assert_int_equal(truncate(file, size), 0);
        fv_engine_cache_close(open_good(false));
    }
}

/* Links and pipes are not opened, and not waited for. */
static void test_strange_files(void **state)
{
    char path[PATH], file[PATH + 20];
    build_one(path);
    snprintf(file, sizeof(file), "%s/b1.engine", path);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink("/dev/zero", file), 0);
    fv_engine_cache_close(open_good(false));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    fv_engine_cache_close(open_good(false));
    assert_non_null(strstr(progress, "b1.engine is missing"));
}

/* ---- the place ---- */

static void refuse(int code, const char *says)
{
    struct fv_engine_cache *cache = NULL;
    struct fv_error err = {0};
    assert_int_equal(open_cache(&cache, &err), code);
    assert_null(cache);
    if (!strstr(err.text, says))
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void test_unwritable(void **state)
{
    write_file(top, "cache", ""); /* a file where a folder should be */
    refuse(-EIO, "set models.DETECTION_ENGINE_PATH");
    snprintf(root, sizeof(root), "/proc/fovea");
    refuse(-EIO, "built engines cannot be kept in /proc/fovea: ");
    if (geteuid() == 0)
        return; /* root writes anywhere */
    snprintf(root, sizeof(root), "%s/locked", top);
    assert_int_equal(mkdir(root, 0500), 0);
    refuse(-EACCES, "make it writable");
}

/* Built by one user, loaded by another, who may read alone. */
static void test_readable(void **state)
{
    char path[PATH], lock[PATH + 10];
    const char *folder = NULL;
    struct fv_error err = {0};
    const bool as_root = geteuid() == 0;
    build_one(path);
    snprintf(lock, sizeof(lock), "%s.lock", path);
    assert_int_equal(chmod(top, 0755) | chmod(lock, 0444) | chmod(root, 0555), 0);
    if (as_root && seteuid(65534) < 0)
        skip();
    struct fv_engine_cache *cache = open_good(true);
    int begun = fv_engine_cache_begin(cache, &folder, &err);
    fv_engine_cache_close(cache);
    fv_engine_key_add(&key, "other", "x"); /* no lock of that is there */
    cache = NULL;
    int opened = open_cache(&cache, NULL);
    if (as_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(begun, -EACCES);
    assert_non_null(strstr(err.text, "make it writable"));
    assert_int_equal(opened, -EACCES);
    assert_int_equal(chmod(root, 0755), 0);
}

/* An image of a container, into which engines were copied, and no locks. */
static void test_readable_copy(void **state)
{
    char path[PATH], lock[PATH + 10];
    const char *folder = NULL;
    const bool as_root = geteuid() == 0;
    build_one(path);
    snprintf(lock, sizeof(lock), "%s.lock", path);
    assert_int_equal(chmod(top, 0755) | unlink(lock) | chmod(root, 0555), 0);
    if (as_root && seteuid(65534) < 0)
        skip();
    struct fv_engine_cache *cache = NULL;
    int opened = open_cache(&cache, NULL);
    const bool ready = opened == 0 && fv_engine_cache_ready(cache);
    int begun = opened == 0 ? fv_engine_cache_begin(cache, &folder, NULL) : 0;
    fv_engine_cache_close(cache);
    if (as_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(opened, 0);
    assert_true(ready);
    assert_int_equal(begun, -EACCES);
    assert_int_equal(chmod(root, 0755), 0);
}

/* What is damaged and another user's cannot be replaced: said before anything is built. */
static void test_not_ours(void **state)
{
    char path[PATH], lock[PATH + 10];
    const char *folder = NULL;
    struct fv_error err = {0};
    const bool as_root = geteuid() == 0;
    build_one(path);
    write_file(path, "b1.engine", "damaged");
    snprintf(lock, sizeof(lock), "%s.lock", path);
    assert_int_equal(chmod(top, 0755) | chmod(lock, 0666) | chmod(root, 0777) | chmod(path, 0555),
                     0);
    if (as_root && seteuid(65534) < 0)
        skip();
    struct fv_engine_cache *cache = open_good(false);
    int begun = fv_engine_cache_begin(cache, &folder, &err);
    fv_engine_cache_close(cache);
    if (as_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(begun, -EACCES);
    assert_non_null(strstr(err.text, "make it writable"));
}

static void test_bad_keys(void **state)
{
    key.invalid = true;
    refuse(-EINVAL, "an engine cannot be named there");
    key.invalid = false;
    static char deep[FV_ENGINE_PATH_MAX];
    memset(deep, 'd', sizeof(deep) - 1);
    const struct fv_engine_cache_params params = {.root = deep, .key = &key};
    struct fv_engine_cache *cache = NULL;
    assert_int_equal(fv_engine_cache_open(&params, &cache, NULL), -EINVAL);
}

static void test_root(void **state)
{
    char path[FV_ENGINE_PATH_MAX];
    struct fv_error err = {0};
    setenv("HOME", "/h", 1);
    setenv("XDG_CACHE_HOME", "/x", 1);
    assert_int_equal(fv_engine_root("here", path, &err), 0);
    assert_string_equal(path, "here");
    assert_int_equal(fv_engine_root(NULL, path, &err), 0);
    assert_string_equal(path, "/x/fovea/engines");
    setenv("XDG_CACHE_HOME", "relative", 1); /* to be ignored: XDG Base Directory Specification */
    assert_int_equal(fv_engine_root("", path, &err), 0);
    assert_string_equal(path, "/h/.cache/fovea/engines");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    assert_int_equal(fv_engine_root(NULL, path, &err), -ENOENT);
    assert_non_null(strstr(err.text, "set models.DETECTION_ENGINE_PATH"));
}

/* A limit of the size of files stands for a full disk: the files are there, the manifest cannot be written. */
static void test_disk_full(void **state)
{
    const char *folder = NULL;
    char building[PATH];
    struct fv_error err = {0};
    struct rlimit before, none;
    struct fv_engine_cache *cache = open_good(false);
    assert_int_equal(fv_engine_cache_begin(cache, &folder, &err), 0);
    snprintf(building, sizeof(building), "%s", folder);
    write_file(folder, "b1.engine", "abc");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    int result = fv_engine_cache_publish(cache, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result, -EIO);
    assert_non_null(strstr(err.text, "engine.json: File too large: make room there"));
    assert_false(exists(building, ""));
    assert_false(fv_engine_cache_ready(cache));
    fv_engine_cache_close(cache);
    fv_engine_cache_close(open_good(false));
}

static void test_useless_builds(void **state)
{
    const char *folder = NULL;
    char path[PATH + 20];
    struct fv_error err = {0};
    struct fv_engine_cache *cache = open_good(false);
    assert_int_equal(fv_engine_cache_begin(cache, &folder, &err), 0);
    assert_int_equal(fv_engine_cache_publish(cache, &err), -EIO);
    assert_non_null(strstr(err.text, "nothing was written"));
    assert_int_equal(fv_engine_cache_begin(cache, &folder, &err), 0);
    snprintf(path, sizeof(path), "%s/b 1", folder);
    write_file(folder, "b 1", "x");
    assert_int_equal(fv_engine_cache_publish(cache, &err), -EIO);
    assert_non_null(strstr(err.text, "\"b 1\" is no name for a file"));
    fv_engine_cache_close(cache);
}

static void test_without_memory(void **state)
{
    char path[PATH];
    build_one(path);
    for (unsigned n = 1;; n++) {
        struct fv_engine_cache *cache = NULL;
        struct fv_error err = {0};
        fv_alloc_fail_at(n);
        int result = open_cache(&cache, &err);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_engine_cache_close(cache);
        if (pending)
            break;
        assert_int_equal(result, -ENOMEM);
        assert_string_equal(err.text, "out of memory");
        assert_true(n < 10);
    }
    fv_engine_cache_close(open_good(true));
}

/* ---- several processes ---- */

/* Builds, or finds what the other built; exits with 10 plus 1 when it built, plus 2 when it had to wait. */
static void child_main(int go)
{
    char byte;
    struct fv_error err = {0};
    struct fv_engine_cache *cache = NULL;
    progress[0] = 0;
    if (read(go, &byte, 1) != 0 || open_cache(&cache, &err) < 0)
        _exit(1);
    bool built = !fv_engine_cache_ready(cache);
    if (built) {
        build(cache);
        usleep(100000); /* the other one comes while it is locked */
    }
    fv_engine_cache_close(cache);
    _exit(10 + built + (strstr(progress, "waiting for another process") ? 2 : 0));
}

static void test_two_builders(void **state)
{
    int go[2], built = 0, waited = 0;
    pid_t child[2];
    assert_int_equal(pipe(go), 0);
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            close(go[1]);
            child_main(go[0]);
        }
        assert_true(child[i] > 0);
    }
    close(go[0]);
    close(go[1]); /* both start */
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) >= 10);
        built += (WEXITSTATUS(status) - 10) & 1;
        waited += (WEXITSTATUS(status) - 10) >> 1;
    }
    assert_int_equal(built, 1);
    assert_true(waited <= 1);
    fv_engine_cache_close(open_good(true));
}

/* ---- listing and removing ---- */

struct seen {
    unsigned count;
    struct fv_engine_entry entries[4];
};

static struct seen seen;

static int note_entry(void *data, const struct fv_engine_entry *entry)
{
    assert_true(seen.count < 4);
    seen.entries[seen.count++] = *entry;
    return data ? -ECANCELED : 0;
}

static void list(bool hashes)
{
    struct fv_error err = {0};
    seen.count = 0;
    if (fv_engine_cache_list(root, hashes, note_entry, NULL, &err) < 0)
        fail_msg("%s", err.text);
}

static void test_list(void **state)
{
    char path[PATH], other[PATH + 20];
    list(true);
    assert_int_equal(seen.count, 0); /* no root yet */
    build_one(path);
    snprintf(other, sizeof(other), "%s.build", path);
    assert_int_equal(mkdir(other, 0755), 0);
    write_file(root, "notes.txt", "not an engine's");
    list(true);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.entries[0].state, FV_ENGINE_WHOLE);
    assert_string_equal(seen.entries[0].why, "");
    assert_true(seen.entries[0].bytes > 7);
    assert_string_equal(fv_engine_key_get(&seen.entries[0].manifest.key, "driver"), "13000");
    assert_int_equal(seen.entries[1].state, FV_ENGINE_LEFT);
    write_file(path, "b1.engine", "abd");
    list(false);
    assert_int_equal(seen.entries[0].state, FV_ENGINE_WHOLE); /* only sizes are compared */
    list(true);
    assert_int_equal(seen.entries[0].state, FV_ENGINE_DAMAGED);
    assert_string_equal(seen.entries[0].why, "b1.engine has another sha256");
    struct fv_error err = {0};
    seen.count = 0;
    assert_int_equal(fv_engine_cache_list(root, false, note_entry, &seen, &err), -ECANCELED);
    assert_int_equal(seen.count, 1);
    fv_alloc_fail_at(1);
    assert_int_equal(fv_engine_cache_list(root, false, note_entry, NULL, &err), -ENOMEM);
}

/* A copy under another name is found by nobody. */
static void test_other_name(void **state)
{
    char path[PATH], other[PATH];
    build_one(path);
    snprintf(other, sizeof(other), "%s/tensorrt-x-0123456789abcdef", root);
    assert_int_equal(rename(path, other), 0);
    list(false);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.entries[0].state, FV_ENGINE_DAMAGED);
    assert_string_equal(seen.entries[0].why, "it has another engine's name");
}

static void test_remove(void **state)
{
    char path[PATH];
    struct fv_error err = {0};
    struct fv_engine_cache *cache = open_good(false);
    build(cache);
    snprintf(path, sizeof(path), "%s", fv_engine_cache_folder(cache));
    const char *name = strrchr(path, '/') + 1;
    list(true);
    assert_int_equal(seen.entries[0].state, FV_ENGINE_BUSY);
    assert_int_equal(fv_engine_cache_remove(root, name, &err), -EBUSY);
    assert_non_null(strstr(err.text, "it is being built or loaded"));
    fv_engine_cache_close(cache);
    assert_int_equal(fv_engine_cache_remove(root, "../../etc", &err), -EINVAL);
    assert_int_equal(fv_engine_cache_remove(root, "tensorrt-x/../-0123456789abcdef", &err),
                     -EINVAL);
    assert_int_equal(fv_engine_cache_remove(root, "tensorrt-x-0123456789abcdef", &err), -ENOENT);
    assert_int_equal(fv_engine_cache_remove(root, name, &err), 0);
    list(true);
    assert_int_equal(seen.count, 0);
    assert_int_equal(rmdir(root), 0); /* the lock's file is gone, too */
}

/* Whatever has an engine's name gives way to the engine, at its own place and where it is built. What a link leads to stays. */
static void test_foreign_things(void **state)
{
    char path[PATH], building[PATH + 10], inner[PATH + 20], other[PATH];
    snprintf(other, sizeof(other), "%s/photos", top);
    assert_int_equal(mkdir(other, 0755), 0);
    write_file(other, "family.jpg", "precious");
    build_one(path);
    snprintf(building, sizeof(building), "%s.build", path);
    for (int i = 0; i < 3; i++) {
        snprintf(inner, sizeof(inner), "rm -r %s", path);
        assert_int_equal(system(inner), 0);
        const char *places[] = {path, building};
        for (int j = 0; j < 2; j++) {
            snprintf(inner, sizeof(inner), "%s/sub", places[j]);
            if (i == 0)
                write_file(root, strrchr(places[j], '/') + 1, "a file");
            else if (i == 1)
                assert_int_equal(symlink(other, places[j]), 0);
            else
                assert_true(mkdir(places[j], 0755) == 0 && mkdir(inner, 0755) == 0);
            if (i == 2)
                write_file(inner, "f", "in a folder of a folder");
        }
        build_one(path);
        fv_engine_cache_close(open_good(true));
        assert_false(exists(building, ""));
        assert_true(exists(other, "family.jpg"));
    }
}

/* A link is removed, not what it leads to; one that leads nowhere, too. */
static void test_remove_links(void **state)
{
    static const char name[] = "tensorrt-x-0123456789abcdef";
    char path[PATH], other[PATH];
    struct fv_error err = {0};
    snprintf(other, sizeof(other), "%s/photos", top);
    assert_int_equal(mkdir(other, 0755), 0);
    write_file(other, "family.jpg", "precious");
    build_one(path);
    assert_int_equal(fv_engine_cache_remove(root, strrchr(path, '/') + 1, &err), 0);
    snprintf(path, sizeof(path), "%s/%s", root, name);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(fv_engine_cache_remove(root, name, &err), 0);
    assert_true(exists(other, "family.jpg"));
    assert_int_equal(symlink("/nowhere", path), 0);
    list(true);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.entries[0].state, FV_ENGINE_DAMAGED);
    assert_int_equal(fv_engine_cache_remove(root, name, &err), 0);
    list(true);
    assert_int_equal(seen.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_build, start, end),
        cmocka_unit_test_setup_teardown(test_other_key, start, end),
        cmocka_unit_test_setup_teardown(test_broken_off, start, end),
        cmocka_unit_test_setup_teardown(test_damaged, start, end),
        cmocka_unit_test_setup_teardown(test_truncated, start, end),
        cmocka_unit_test_setup_teardown(test_strange_files, start, end),
        cmocka_unit_test_setup_teardown(test_unwritable, start, end),
        cmocka_unit_test_setup_teardown(test_readable, start, end),
        cmocka_unit_test_setup_teardown(test_readable_copy, start, end),
        cmocka_unit_test_setup_teardown(test_not_ours, start, end),
        cmocka_unit_test_setup_teardown(test_bad_keys, start, end),
        cmocka_unit_test_setup_teardown(test_disk_full, start, end),
        cmocka_unit_test_setup_teardown(test_useless_builds, start, end),
        cmocka_unit_test_setup_teardown(test_without_memory, start, end),
        cmocka_unit_test_setup_teardown(test_two_builders, start, end),
        cmocka_unit_test_setup_teardown(test_list, start, end),
        cmocka_unit_test_setup_teardown(test_other_name, start, end),
        cmocka_unit_test_setup_teardown(test_remove, start, end),
        cmocka_unit_test_setup_teardown(test_remove_links, start, end),
        cmocka_unit_test_setup_teardown(test_foreign_things, start, end),
        cmocka_unit_test_setup_teardown(test_root, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
