// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/engine_manifest.h"

/* sha256 of "abc" (FIPS 180-2, B.1). */
#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define FILE_OF(name, size, sha) "{\"name\":\"" name "\",\"size\":" size ",\"sha256\":\"" sha "\"}"
#define GOOD_FILE FILE_OF("b1.engine", "3", SHA_ABC)
#define ENGINE(version, key, files) "{\"engine\":" version ",\"key\":" key ",\"files\":[" files "]}"
#define KEY "{\"runtime\":\"tensorrt\",\"model\":\"tiny\"}"

static struct fv_engine_manifest manifest;

static int parse(const char *text, struct fv_error *err)
{
    return fv_engine_manifest_parse(text, strlen(text), &manifest, err);
}

static void test_good(void **state)
{
    struct fv_error err = {0};
    assert_int_equal(
        parse(ENGINE("1", KEY, GOOD_FILE "," FILE_OF("t+1_2-3.cache", "0", SHA_ABC)), &err), 0);
    assert_int_equal(manifest.key.count, 2);
    assert_string_equal(fv_engine_key_get(&manifest.key, "runtime"), "tensorrt");
    assert_string_equal(fv_engine_key_get(&manifest.key, "model"), "tiny");
    assert_string_equal(fv_engine_key_get(&manifest.key, "gpu"), "");
    assert_int_equal(manifest.file_count, 2);
    assert_string_equal(manifest.files[0].name, "b1.engine");
    assert_true(manifest.files[0].size == 3);
    assert_string_equal(manifest.files[0].sha256, SHA_ABC);
}

static void test_bad(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *says;
    } cases[] = {
        {"", -EBADMSG, "line 1, column 0: "},
        {"[]", -EBADMSG, "engine: must be a number"},
        {ENGINE("\"1\"", KEY, GOOD_FILE), -EBADMSG, "engine: must be a number"},
        {ENGINE("2", KEY, GOOD_FILE), -ENOTSUP, "another version"},
        {ENGINE("1", "{}", GOOD_FILE), -EBADMSG, "key: must be an object"},
        {ENGINE("1", "[]", GOOD_FILE), -EBADMSG, "key: must be an object"},
        {ENGINE("1", "{\"model\":1}", GOOD_FILE), -EBADMSG, "key: a value must be a text"},
        {ENGINE("1", "{\"model\":\"\"}", GOOD_FILE), -EBADMSG, "key: a value must be a text"},
        {ENGINE("1", "{\"aaaaaaaabbbbbbbbccccccccdddddddd\":\"x\"}", GOOD_FILE), -EBADMSG,
         "key: a name is too long"},
        {ENGINE("1", "{\"model\":\"a\",\"model\":\"b\"}", GOOD_FILE), -EBADMSG, "line 1, column "},
        {ENGINE("1", KEY, ""), -EBADMSG, "files: must be a list of 1 to 64"},
        {ENGINE("1", KEY, "1"), -EBADMSG, "files[0]: "},
        {ENGINE("1", KEY, FILE_OF("../b1", "3", SHA_ABC)), -EBADMSG, "files[0]: "},
        {ENGINE("1", KEY, FILE_OF("a/b", "3", SHA_ABC)), -EBADMSG, "files[0]: "},
        {ENGINE("1", KEY, FILE_OF(".b1", "3", SHA_ABC)), -EBADMSG, "files[0]: "},
        {ENGINE("1", KEY, FILE_OF("", "3", SHA_ABC)), -EBADMSG, "files[0]: "},
        {ENGINE("1", KEY, FILE_OF("engine.json", "3", SHA_ABC)), -EBADMSG, "files[0]: "},
        {ENGINE("1", KEY, FILE_OF("b1", "-3", SHA_ABC)), -EBADMSG, "files[0]: "},
        {ENGINE("1", KEY, FILE_OF("b1", "3.0", SHA_ABC)), -EBADMSG, "files[0]: "},
        {ENGINE("1", KEY, FILE_OF("b1", "3", "BA7816")), -EBADMSG, "files[0]: "},
        {ENGINE("1", KEY, GOOD_FILE "," GOOD_FILE), -EBADMSG,
         "files[1]: \"b1.engine\" is named twice"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fv_error err = {0};
        int result = parse(cases[i].text, &err);
        if (result != cases[i].code || !strstr(err.text, cases[i].says))
            fail_msg("%s: %d \"%s\"", cases[i].text, result, err.text);
    }
}

/* Every prefix of a good one is refused, read no further than its end. */
static void test_prefixes(void **state)
{
    static const char good[] = ENGINE("1", KEY, GOOD_FILE);
    struct fv_error err = {0};
    for (size_t size = 0; size < sizeof(good) - 1; size++) {
        char *copy = malloc(size + 1);
        assert_non_null(copy);
        memcpy(copy, good, size);
        assert_int_equal(fv_engine_manifest_parse(copy, size, &manifest, &err), -EBADMSG);
        free(copy);
    }
    char *large = malloc(FV_ENGINE_MANIFEST_SIZE_MAX + 1);
    assert_non_null(large);
    memset(large, ' ', FV_ENGINE_MANIFEST_SIZE_MAX + 1);
    assert_int_equal(
        fv_engine_manifest_parse(large, FV_ENGINE_MANIFEST_SIZE_MAX + 1, &manifest, &err),
        -EBADMSG);
    assert_non_null(strstr(err.text, "larger than 65536 bytes"));
    free(large);
}

/* What is written is read back; the largest one there can be fits the limit. */
static void test_round_trip(void **state)
{
    static struct fv_engine_manifest full;
    struct fv_error err = {0};
    char name[32], value[224];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    for (unsigned i = 0; i < FV_ENGINE_FACTS_MAX; i++) {
        snprintf(name, sizeof(name), "fact-%025u", i);
        fv_engine_key_add(&full.key, name, "%s", value);
    }
    assert_false(full.key.invalid);
    full.file_count = FV_ENGINE_FILES_MAX;
    for (unsigned i = 0; i < FV_ENGINE_FILES_MAX; i++) {
        snprintf(full.files[i].name, sizeof(full.files[i].name), "%0127u", i);
        full.files[i].size = INT64_MAX;
        memcpy(full.files[i].sha256, SHA_ABC, 65);
    }
    char *text = fv_engine_manifest_format(&full);
    assert_non_null(text);
    assert_int_equal(parse(text, &err), 0);
    assert_true(fv_engine_key_equal(&full.key, &manifest.key));
    assert_memory_equal(full.files, manifest.files, sizeof(full.files));
    free(text);
}

/* Any fact that differs makes another key, and what one fact ends with another cannot begin with. */
static void test_keys(void **state)
{
    struct fv_engine_key a = {0}, b = {0}, c = {0};
    char of_a[65], of_b[65], differs[300];
    fv_engine_key_add(&a, "driver", "%d", 13000);
    fv_engine_key_add(&a, "gpu", "L4");
    fv_engine_key_add(&b, "driver", "%d", 13000);
    fv_engine_key_add(&b, "gpu", "T4");
    assert_int_equal(fv_engine_key_hash(&a, of_a), 0);
    assert_int_equal(fv_engine_key_hash(&b, of_b), 0);
    assert_string_not_equal(of_a, of_b);
    assert_false(fv_engine_key_equal(&a, &b));
    fv_engine_key_differs(&a, &b, differs, sizeof(differs));
    assert_string_equal(differs, "gpu T4 instead of L4");
    fv_engine_key_differs(&a, &a, differs, sizeof(differs));
    assert_string_equal(differs, "");
    fv_engine_key_add(&c, "driver", "13000");
    fv_engine_key_differs(&a, &c, differs, sizeof(differs));
    assert_string_equal(differs, "made for something else");

    struct fv_engine_key ab = {0}, ba = {0};
    fv_engine_key_add(&ab, "a", "bc");
    fv_engine_key_add(&ba, "ab", "c");
    assert_int_equal(fv_engine_key_hash(&ab, of_a), 0);
    assert_int_equal(fv_engine_key_hash(&ba, of_b), 0);
    assert_string_not_equal(of_a, of_b);
}

/* printf 'runtime\0tensorrt\0model\0tiny\0' | sha256sum */
static void test_hash(void **state)
{
    struct fv_engine_key key = {0};
    char hex[65];
    fv_engine_key_add(&key, "runtime", "tensorrt");
    fv_engine_key_add(&key, "model", "tiny");
    assert_int_equal(fv_engine_key_hash(&key, hex), 0);
    assert_string_equal(hex, "9886ed51e51d17550c0373f14c347d37705a8174633609134fe764b8bfed4990");
}

static void test_key_limits(void **state)
{
    struct fv_engine_key key = {0};
    char hex[65], value[300];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    fv_engine_key_add(&key, "long", "%s", value);
    assert_true(key.invalid);
    assert_int_equal(fv_engine_key_hash(&key, hex), -EINVAL);
    assert_false(fv_engine_key_equal(&key, &key));
    key = (struct fv_engine_key){0};
    fv_engine_key_add(&key, "empty", "%s", "");
    assert_true(key.invalid);
    key = (struct fv_engine_key){0};
    for (unsigned i = 0; i <= FV_ENGINE_FACTS_MAX; i++) {
        assert_false(key.invalid);
        fv_engine_key_add(&key, "n", "%u", i);
    }
    assert_true(key.invalid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_bad),
        cmocka_unit_test(test_prefixes),   cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_keys),       cmocka_unit_test(test_hash),
        cmocka_unit_test(test_key_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
