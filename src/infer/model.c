// SPDX-License-Identifier: Apache-2.0
#include "infer/model.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "infer/manifest.h"

/* errno of a file operation in the vocabulary of model.h. */
static int file_code(int number)
{
    return number == ENOENT || number == ENOTDIR ? -ENOENT : number == EACCES ? -EACCES : -EIO;
}

/* Regular files only: opening a pipe could wait for ever, and a device may never end. */
static int open_file(const char *path, FILE **ret_file, struct fv_error *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return fv_error_set(err, file_code(errno), "%s: %s", path, strerror(errno));
    bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    FILE *file = regular ? fdopen(fd, "rb") : NULL;
    if (!file) {
        close(fd);
        return fv_error_set(err, regular ? -ENOMEM : -EINVAL, "%s: %s", path,
                            regular ? "out of memory" : "not a regular file");
    }
    *ret_file = file;
    return 0;
}

/* "x.onnx" -> "x.json". */
static int manifest_path(const char *onnx_path, char *out, size_t capacity, struct fv_error *err)
{
    size_t size = strlen(onnx_path);
    if (size < 6 || strcasecmp(onnx_path + size - 5, ".onnx") != 0)
        return fv_error_set(err, -EINVAL, "%s: a model's file name must end in .onnx", onnx_path);
    if (size >= capacity)
        return fv_error_set(err, -EINVAL, "the model's path is longer than %zu bytes",
                            capacity - 1);
    snprintf(out, capacity, "%.*s.json", (int)(size - 5), onnx_path);
    return 0;
}

/* Reads at most FV_MANIFEST_SIZE_MAX + 1 bytes: one more than the parser accepts. */
static int read_text(FILE *file, const char *path, char **ret_text, size_t *ret_size,
                     struct fv_error *err)
{
    const size_t capacity = FV_MANIFEST_SIZE_MAX + 1;
    char *text = fv_calloc(1, capacity);
    if (!text)
        return fv_error_set(err, -ENOMEM, "%s: out of memory", path);
    size_t size = fread(text, 1, capacity, file);
    if (ferror(file)) {
        fv_free(text);
        return fv_error_set(err, -EIO, "%s: cannot be read", path);
    }
    *ret_text = text;
    *ret_size = size;
    return 0;
}

static int load_manifest(const char *path, struct fv_model **ret_model, struct fv_error *err)
{
    FILE *file = NULL;
    int result = open_file(path, &file, err);
    if (result == -ENOENT)
        return fv_error_set(err, result,
                            "%s does not exist: a model needs a manifest beside it "
                            "(docs/model-manifest.md)",
                            path);
    if (result < 0)
        return result;
    char *text = NULL;
    size_t size = 0;
    result = read_text(file, path, &text, &size, err);
    fclose(file);
    if (result < 0)
        return result;
    result = fv_manifest_parse(text, size, ret_model, err);
    fv_free(text);
    return result < 0 ? fv_error_prefix(err, result, "%s", path) : 0;
}

/*
 * onnx.proto: a tensor whose weights lie in another file has TensorProto.external_data = 13, entries of two texts, and the first key is
 * "location". Metadata of the model (14) may have the same key. Chance does not write eleven bytes.
 */
static bool points_outside(const unsigned char *data, size_t size)
{
    static const char entry[] = "\x0a\x08location\x12";
    const unsigned char *end = data + size, *at = data;
    while ((at = memmem(at, (size_t)(end - at), entry, sizeof(entry) - 1))) {
        const size_t before = (size_t)(at - data); /* a tag, and a length of one or two bytes */
        if ((before >= 2 && at[-2] == (13 << 3 | 2) && at[-1] < 0x80) ||
            (before >= 3 && at[-3] == (13 << 3 | 2) && at[-2] >= 0x80))
            return true;
        at++;
    }
    return false;
}

/* -ENOTSUP: the file is not all that there is. */
static int digest_file(FILE *file, EVP_MD_CTX *context, unsigned char digest[EVP_MAX_MD_SIZE])
{
    enum { KEPT = 16 }; /* of the block before: more than what is looked for has, but for a byte */
    unsigned char block[KEPT + 16384] = {0};
    size_t size = 0;
    bool outside = false;
    if (!EVP_DigestInit_ex(context, EVP_sha256(), NULL))
        return -EIO;
    while ((size = fread(block + KEPT, 1, sizeof(block) - KEPT, file)) > 0) {
        if (!EVP_DigestUpdate(context, block + KEPT, size))
            return -EIO;
        outside = outside || points_outside(block, KEPT + size);
        memmove(block, block + size, KEPT);
    }
    if (ferror(file) || !EVP_DigestFinal_ex(context, digest, NULL))
        return -EIO;
    return outside ? -ENOTSUP : 0;
}

static int hash_file(const char *path, char hex[65], struct fv_error *err)
{
    FILE *file = NULL;
    int result = open_file(path, &file, err);
    if (result < 0)
        return result;
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    result = context ? digest_file(file, context, digest) : -ENOMEM;
    EVP_MD_CTX_free(context);
    fclose(file);
    if (result == -ENOTSUP)
        return fv_error_set(err, -EINVAL,
                            "%s has its weights in another file, which no sha256 covers: write all "
                            "into one, by python's onnx.save(onnx.load('IN.onnx'), 'OUT.onnx'), "
                            "and make the manifest again",
                            path);
    if (result < 0)
        return fv_error_set(err, result, "%s: its sha256 cannot be computed", path);
    for (int i = 0; i < 32; i++)
        snprintf(hex + (ptrdiff_t)2 * i, 3, "%02x", digest[i]);
    return 0;
}

static int check_file(const struct fv_model *model, const char *manifest, struct fv_error *err)
{
    char hex[65];
    int result = hash_file(model->path, hex, err);
    if (result < 0)
        return result;
    if (strcmp(hex, model->sha256) != 0)
        return fv_error_set(err, -EINVAL,
                            "%s has the sha256 %s, but %s says %s: the file is damaged or belongs "
                            "to another manifest; make both again",
                            model->path, hex, manifest, model->sha256);
    return 0;
}

int fv_model_load(const char *onnx_path, struct fv_model **ret_model, struct fv_error *err)
{
    struct fv_model *model;
    char manifest[sizeof(model->path)];
    int result = manifest_path(onnx_path, manifest, sizeof(manifest), err);
    if (result < 0)
        return result;
    FILE *file = NULL; /* a missing model is named before its missing manifest */
    result = open_file(onnx_path, &file, err);
    if (result < 0)
        return result;
    fclose(file);
    result = load_manifest(manifest, &model, err);
    if (result < 0)
        return result;
    snprintf(model->path, sizeof(model->path), "%s", onnx_path);
    result = check_file(model, manifest, err);
    if (result < 0)
        fv_model_free(model);
    else
        *ret_model = model;
    return result;
}

int fv_model_load_kind(const char *onnx_path, bool classifier, struct fv_model **ret_model,
                       struct fv_error *err)
{
    static const char *const kinds[] = {"detector", "classifier"};
    struct fv_model *model = NULL;
    int result = fv_model_load(onnx_path, &model, err);
    if (result == 0 && fv_model_classifies(model) != classifier) {
        result =
            fv_error_set(err, -EINVAL, "%s is a %s by its manifest ('kind'), and a %s is needed",
                         onnx_path, kinds[!classifier], kinds[classifier]);
        fv_model_free(model);
    }
    if (result == 0)
        *ret_model = model;
    return result;
}

void fv_model_free(struct fv_model *model)
{
    if (!model)
        return;
    for (uint32_t i = 0; model->labels && i < model->label_count; i++)
        fv_free(model->labels[i]);
    fv_free(model->labels);
    fv_free(model->priors);
    fv_free(model);
}

int fv_model_class(const struct fv_model *model, const char *label)
{
    for (uint32_t i = 0; i < model->label_count; i++)
        if (strcasecmp(model->labels[i], label) == 0)
            return (int)i;
    return -ENOENT;
}

unsigned fv_model_outputs(const struct fv_model *model,
                          struct fv_model_output ret_outputs[FV_MODEL_OUTPUTS_MAX])
{
    const struct fv_layout_info *layout = fv_layout_info(model->layout);
    const bool turned = layout->transposed || fv_model_classifies(model);
    const uint32_t rows = model->rows, columns = layout->second ? 4 : model->columns;
    ret_outputs[0] = (struct fv_model_output){
        .rank = fv_model_classifies(model) ? 1 : 2,
        .name = model->output_name,
        .dims = {turned ? columns : rows, turned ? rows : columns},
        .count = (size_t)rows * columns,
    };
    if (!layout->second)
        return 1;
    ret_outputs[1] = (struct fv_model_output){.name = model->scores_name,
                                              .rank = 2,
                                              .dims = {rows, model->columns},
                                              .count = (size_t)rows * model->columns};
    return 2;
}

size_t fv_model_output_bytes(const struct fv_model *model, unsigned batch,
                             size_t *ret_scores_offset)
{
    struct fv_model_output outputs[FV_MODEL_OUTPUTS_MAX];
    const size_t size = fv_element_size(model->element);
    const unsigned count = fv_model_outputs(model, outputs);
    const size_t first = batch * outputs[0].count * size;
    const size_t behind = (first + 255) / 256 * 256;
    *ret_scores_offset = count > 1 ? behind : 0;
    return count > 1 ? behind + batch * outputs[1].count * size : first;
}

void fv_model_box_spec(const struct fv_model *model, struct fv_box_spec *ret_spec)
{
    *ret_spec = (struct fv_box_spec){
        .layout = model->layout,
        .width = model->width,
        .height = model->height,
        .stride_count = model->stride_count,
        .rows = model->rows,
        .classes = model->label_count,
        .columns = model->columns,
        .activation = model->activation,
        .code = model->code,
        .fraction = model->fraction,
        .priors = model->priors,
    };
    memcpy(ret_spec->strides, model->strides, sizeof(ret_spec->strides));
    memcpy(ret_spec->variances, model->variances, sizeof(ret_spec->variances));
}
