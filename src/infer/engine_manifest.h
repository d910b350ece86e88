// SPDX-License-Identifier: Apache-2.0
/*
 * What a built engine depends on, and the file `engine.json` in its folder that keeps it:
 *
 *   {"engine": 1, "key": {"model": "yolox-nano", "gpu": "NVIDIA L4", ...}, "files": [{"name": "b4.engine", "size": 1, "sha256": "..."}]}
 */
#ifndef FV_INFER_ENGINE_MANIFEST_H
#define FV_INFER_ENGINE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FV_ENGINE_MANIFEST "engine.json"
#define FV_ENGINE_MANIFEST_VERSION 1
#define FV_ENGINE_MANIFEST_SIZE_MAX (64u << 10) /* bytes */
#define FV_ENGINE_FACTS_MAX 32
#define FV_ENGINE_FILES_MAX 64

struct fv_engine_fact {
    char name[32];
    char value[224];
};

/* Two engines are the same exactly if all facts are, in their order. Starts zeroed. */
struct fv_engine_key {
    struct fv_engine_fact facts[FV_ENGINE_FACTS_MAX];
    unsigned count;
    bool invalid; /* a fact did not fit, or was empty: the key stands for nothing */
};

void fv_engine_key_add(struct fv_engine_key *key, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *fv_engine_key_get(const struct fv_engine_key *key, const char *name); /* or "" */
bool fv_engine_key_equal(const struct fv_engine_key *a, const struct fv_engine_key *b);
/* The first fact in which `found` is not `wanted`: "driver 13000 instead of 12080". "" when they are equal. */
void fv_engine_key_differs(const struct fv_engine_key *wanted, const struct fv_engine_key *found,
                           char *out, size_t capacity);
/* sha256 of all facts in lower-case hex. 0, -ENOMEM, -EINVAL (invalid). */
int fv_engine_key_hash(const struct fv_engine_key *key, char ret_hex[65]);

struct fv_engine_file {
    char name[128]; /* without a folder, of letters, digits and "._+-", not beginning with "." */
    uint64_t size;  /* bytes */
    char sha256[65];
};

struct fv_engine_manifest {
    struct fv_engine_key key;
    struct fv_engine_file files[FV_ENGINE_FILES_MAX];
    unsigned file_count; /* at least 1 */
};

bool fv_engine_file_name_ok(const char *name);

/* 0, -EBADMSG (not JSON, or not such a file: err says where), -ENOTSUP (of another version), -ENOMEM. On failure
 * *ret_manifest is undefined. */
int fv_engine_manifest_parse(const char *text, size_t size, struct fv_engine_manifest *ret_manifest,
                             struct fv_error *err);
/* The file's text; free(3) it. NULL: out of memory. */
char *fv_engine_manifest_format(const struct fv_engine_manifest *manifest);

#endif
