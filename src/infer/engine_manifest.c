// SPDX-License-Identifier: Apache-2.0
#include "infer/engine_manifest.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- keys ---- */

void fv_engine_key_add(struct fv_engine_key *key, const char *name, const char *format, ...)
{
    if (key->count == FV_ENGINE_FACTS_MAX || strlen(name) >= sizeof(key->facts[0].name)) {
        key->invalid = true;
        return;
    }
    struct fv_engine_fact *fact = &key->facts[key->count++];
    va_list arguments;
    snprintf(fact->name, sizeof(fact->name), "%s", name);
    va_start(arguments, format);
    int size = vsnprintf(fact->value, sizeof(fact->value), format, arguments);
    va_end(arguments);
    key->invalid = key->invalid || size <= 0 || (size_t)size >= sizeof(fact->value);
}

const char *fv_engine_key_get(const struct fv_engine_key *key, const char *name)
{
    for (unsigned i = 0; i < key->count; i++)
        if (strcmp(key->facts[i].name, name) == 0)
            return key->facts[i].value;
    return "";
}

static bool same_fact(const struct fv_engine_fact *a, const struct fv_engine_fact *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->value, b->value) == 0;
}

bool fv_engine_key_equal(const struct fv_engine_key *a, const struct fv_engine_key *b)
{
    bool equal = a->count == b->count && !a->invalid && !b->invalid;
    for (unsigned i = 0; equal && i < a->count; i++)
        equal = same_fact(&a->facts[i], &b->facts[i]);
    return equal;
}

void fv_engine_key_differs(const struct fv_engine_key *wanted, const struct fv_engine_key *found,
                           char *out, size_t capacity)
{
    snprintf(out, capacity, "%s",
             fv_engine_key_equal(wanted, found) ? "" : "made for something else");
    for (unsigned i = 0; i < wanted->count && i < found->count; i++) {
        const struct fv_engine_fact *a = &wanted->facts[i], *b = &found->facts[i];
        if (strcmp(a->name, b->name) != 0)
            return;
        if (strcmp(a->value, b->value) != 0) {
            snprintf(out, capacity, "%s %s instead of %s", a->name, b->value, a->value);
            return;
        }
    }
}

/* With its terminator each text is unmistakable. */
static bool digest_facts(EVP_MD_CTX *context, const struct fv_engine_key *key,
                         unsigned char *digest)
{
    bool good = EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (unsigned i = 0; good && i < key->count; i++) {
        const struct fv_engine_fact *fact = &key->facts[i];
        good = EVP_DigestUpdate(context, fact->name, strlen(fact->name) + 1) &&
               EVP_DigestUpdate(context, fact->value, strlen(fact->value) + 1);
    }
    return good && EVP_DigestFinal_ex(context, digest, NULL);
}

int fv_engine_key_hash(const struct fv_engine_key *key, char ret_hex[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (key->invalid)
        return -EINVAL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && digest_facts(context, key, digest);
    EVP_MD_CTX_free(context);
    for (int i = 0; good && i < 32; i++)
        snprintf(ret_hex + (ptrdiff_t)2 * i, 3, "%02x", digest[i]);
    return good ? 0 : -ENOMEM;
}

/* ---- reading ---- */

bool fv_engine_file_name_ok(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size >= sizeof(((struct fv_engine_file *)NULL)->name) || name[0] == '.')
        return false;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._+-", name[i]))
            return false;
    return strcmp(name, FV_ENGINE_MANIFEST) != 0;
}

/* A text of 1 to capacity - 1 bytes. */
static bool copy_text(const json_t *json, char *out, size_t capacity)
{
    size_t size = json_string_length(json);
    if (!json_is_string(json) || size == 0 || size >= capacity ||
        strlen(json_string_value(json)) != size)
        return false;
    memcpy(out, json_string_value(json), size + 1);
    return true;
}

static bool is_sha256(const char *hex)
{
    return strlen(hex) == 64 && strspn(hex, "0123456789abcdef") == 64;
}

static int read_key(json_t *json, struct fv_engine_key *key, struct fv_error *err)
{
    const char *name;
    json_t *value;
    char text[sizeof(key->facts[0].value)];
    if (!json_is_object(json) || json_object_size(json) == 0 ||
        json_object_size(json) > FV_ENGINE_FACTS_MAX)
        return fv_error_set(err, -EBADMSG, "key: must be an object of 1 to %d texts",
                            FV_ENGINE_FACTS_MAX);
    json_object_foreach(json, name, value)
    {
        if (!copy_text(value, text, sizeof(text)))
            return fv_error_set(err, -EBADMSG, "key: a value must be a text of 1 to %zu bytes",
                                sizeof(text) - 1);
        fv_engine_key_add(key, name, "%s", text);
    }
    return key->invalid ? fv_error_set(err, -EBADMSG, "key: a name is too long") : 0;
}

static int read_file(const json_t *json, unsigned index, struct fv_engine_file *file,
                     struct fv_error *err)
{
    const json_t *size = json_object_get(json, "size");
    bool good = json_object_size(json) == 3 &&
                copy_text(json_object_get(json, "name"), file->name, sizeof(file->name)) &&
                copy_text(json_object_get(json, "sha256"), file->sha256, sizeof(file->sha256)) &&
                json_is_integer(size) && json_integer_value(size) >= 0 &&
                fv_engine_file_name_ok(file->name) && is_sha256(file->sha256);
    if (!good)
        return fv_error_set(err, -EBADMSG, "files[%u]: must have a plain name, a size and a sha256",
                            index);
    file->size = (uint64_t)json_integer_value(size);
    return 0;
}

static bool named_before(const struct fv_engine_manifest *manifest, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (strcmp(manifest->files[i].name, manifest->files[index].name) == 0)
            return true;
    return false;
}

static int read_files(const json_t *json, struct fv_engine_manifest *manifest, struct fv_error *err)
{
    size_t count = json_array_size(json);
    if (count == 0 || count > FV_ENGINE_FILES_MAX)
        return fv_error_set(err, -EBADMSG, "files: must be a list of 1 to %d files",
                            FV_ENGINE_FILES_MAX);
    for (unsigned i = 0; i < count; i++) {
        int result = read_file(json_array_get(json, i), i, &manifest->files[i], err);
        if (result < 0)
            return result;
        if (named_before(manifest, i))
            return fv_error_set(err, -EBADMSG, "files[%u]: \"%s\" is named twice", i,
                                manifest->files[i].name);
    }
    manifest->file_count = (unsigned)count;
    return 0;
}

static int read_root(const json_t *root, struct fv_engine_manifest *manifest, struct fv_error *err)
{
    const json_t *version = json_object_get(root, "engine");
    if (!json_is_integer(version))
        return fv_error_set(err, -EBADMSG, "engine: must be a number");
    if (json_integer_value(version) != FV_ENGINE_MANIFEST_VERSION)
        return fv_error_set(err, -ENOTSUP, "written by another version of Fovea");
    int result = read_key(json_object_get(root, "key"), &manifest->key, err);
    return result < 0 ? result : read_files(json_object_get(root, "files"), manifest, err);
}

int fv_engine_manifest_parse(const char *text, size_t size, struct fv_engine_manifest *ret_manifest,
                             struct fv_error *err)
{
    json_error_t where;
    if (size > FV_ENGINE_MANIFEST_SIZE_MAX)
        return fv_error_set(err, -EBADMSG, "larger than %u bytes", FV_ENGINE_MANIFEST_SIZE_MAX);
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        return fv_error_set(
            err, json_error_code(&where) == json_error_out_of_memory ? -ENOMEM : -EBADMSG,
            "line %d, column %d: %s", where.line, where.column, where.text);
    *ret_manifest = (struct fv_engine_manifest){0};
    int result = read_root(root, ret_manifest, err);
    json_decref(root);
    return result;
}

/* ---- writing ---- */

static json_t *key_json(const struct fv_engine_key *key)
{
    json_t *json = json_object();
    for (unsigned i = 0; i < key->count; i++)
        if (json_object_set_new(json, key->facts[i].name, json_string(key->facts[i].value)) < 0) {
            json_decref(json);
            return NULL;
        }
    return json;
}

static json_t *files_json(const struct fv_engine_manifest *manifest)
{
    json_t *json = json_array();
    for (unsigned i = 0; i < manifest->file_count; i++) {
        const struct fv_engine_file *file = &manifest->files[i];
        json_t *one = json_pack("{s:s, s:I, s:s}", "name", file->name, "size",
                                (json_int_t)file->size, "sha256", file->sha256);
        if (json_array_append_new(json, one) < 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

char *fv_engine_manifest_format(const struct fv_engine_manifest *manifest)
{
    json_t *key = key_json(&manifest->key), *files = files_json(manifest);
    json_t *root = json_pack("{s:i, s:o, s:o}", "engine", FV_ENGINE_MANIFEST_VERSION, "key", key,
                             "files", files);
    char *text = json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    return text;
}
