// SPDX-License-Identifier: Apache-2.0
#include "infer/engine_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define TEMPORARY "." FV_ENGINE_MANIFEST ".tmp"

static int code_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return -ENOENT;
    case EACCES:
    case EPERM:
    case EROFS:
        return -EACCES;
    case ENOMEM:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

bool fv_engine_path(char out[FV_ENGINE_PATH_MAX], const char *folder, const char *name)
{
    int size = snprintf(out, FV_ENGINE_PATH_MAX, "%s/%s", folder, name);
    return size > 0 && size < FV_ENGINE_PATH_MAX;
}

int fv_engine_make_folder(const char *path)
{
    char part[FV_ENGINE_PATH_MAX];
    if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part))
        return -EINVAL;
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        (void)mkdir(part, 0755); /* one that fails is found by the last */
        *slash = '/';
    }
    return mkdir(part, 0755) == 0 || errno == EEXIST ? 0 : code_of(errno);
}

/* ---- each file ---- */

typedef int (*file_fn)(void *data, const char *name, int folder);

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Until one does not return 0. */
static int each_entry(DIR *directory, file_fn each, void *data)
{
    int result = 0;
    for (const struct dirent *entry; result == 0 && (entry = readdir(directory));)
        if (!is_dots(entry->d_name))
            result = each(data, entry->d_name, dirfd(directory));
    return result;
}

static int each_file(const char *path, file_fn each, void *data)
{
    DIR *directory = opendir(path);
    if (!directory)
        return code_of(errno);
    int result = each_entry(directory, each, data);
    closedir(directory);
    return result;
}

/* ---- removing ---- */

#define DEPTH_MAX 16 /* of folders in an engine's, which should hold none */

static int remove_at(int parent, const char *name, unsigned depth);

static int remove_one(void *data, const char *name, int folder)
{
    return remove_at(folder, name, *(const unsigned *)data + 1);
}

/* What a link leads to is not ours: the link alone goes. */
static int remove_at(int parent, const char *name, unsigned depth)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR || depth > DEPTH_MAX)
        return code_of(errno);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    int result = directory ? each_entry(directory, remove_one, &depth) : code_of(errno);
    if (directory)
        closedir(directory);
    else if (fd >= 0)
        close(fd);
    if (result == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0)
        result = code_of(errno);
    return result == -ENOENT ? 0 : result; /* another process was faster */
}

int fv_engine_remove_folder(const char *path)
{
    return remove_at(AT_FDCWD, path, 0);
}

static int add_bytes(void *data, const char *name, int folder)
{
    struct stat info;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode))
        *(uint64_t *)data += (uint64_t)info.st_size;
    return 0;
}

uint64_t fv_engine_folder_bytes(const char *path)
{
    uint64_t bytes = 0;
    (void)each_file(path, add_bytes, &bytes);
    return bytes;
}

/* ---- reading ---- */

/* A regular file, never a pipe or a link. A descriptor or a negative errno. */
static int open_regular(const char *path, struct stat *ret_info)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP ? -EBADMSG : code_of(errno);
    if (fstat(fd, ret_info) == 0 && S_ISREG(ret_info->st_mode))
        return fd;
    close(fd);
    return -EBADMSG;
}

/* All of it, for as much as the buffer holds. Bytes, or -EIO. */
static ssize_t read_all(int fd, char *buffer, size_t capacity)
{
    size_t size = 0;
    while (size < capacity) {
        ssize_t got = read(fd, buffer + size, capacity - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -EIO;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    return (ssize_t)size;
}

int fv_engine_folder_read(const char *path, struct fv_engine_manifest *ret_manifest,
                          struct fv_error *err)
{
    const size_t capacity = FV_ENGINE_MANIFEST_SIZE_MAX + 1; /* one more than the parser takes */
    char file[FV_ENGINE_PATH_MAX];
    struct stat info;
    int fd = fv_engine_path(file, path, FV_ENGINE_MANIFEST) ? open_regular(file, &info) : -EIO;
    if (fd < 0)
        return fv_error_set(err, fd, "its " FV_ENGINE_MANIFEST " %s",
                            fd == -ENOENT ? "is missing" : "cannot be read");
    char *text = fv_calloc(1, capacity);
    ssize_t size = text ? read_all(fd, text, capacity) : -ENOMEM;
    close(fd);
    int result = size < 0
                     ? fv_error_set(err, (int)size, "its " FV_ENGINE_MANIFEST " cannot be read")
                     : fv_engine_manifest_parse(text, (size_t)size, ret_manifest, err);
    if (size >= 0 && result < 0)
        fv_error_prefix(err, result, FV_ENGINE_MANIFEST);
    fv_free(text);
    return result;
}

static int digest(int fd, EVP_MD_CTX *context, unsigned char out[EVP_MAX_MD_SIZE])
{
    char block[65536];
    ssize_t size;
    if (!EVP_DigestInit_ex(context, EVP_sha256(), NULL))
        return -ENOMEM;
    while ((size = read_all(fd, block, sizeof(block))) > 0)
        if (!EVP_DigestUpdate(context, block, (size_t)size))
            return -EIO;
    return size == 0 && EVP_DigestFinal_ex(context, out, NULL) ? 0 : -EIO;
}

static int hash(int fd, char ret_hex[65])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int result = context ? digest(fd, context, bytes) : -ENOMEM;
    EVP_MD_CTX_free(context);
    for (int i = 0; result == 0 && i < 32; i++)
        snprintf(ret_hex + (ptrdiff_t)2 * i, 3, "%02x", bytes[i]);
    return result;
}

static int check_file(const char *path, const struct fv_engine_file *wanted, bool hashes,
                      struct fv_error *err)
{
    char file[FV_ENGINE_PATH_MAX], hex[65] = "";
    struct stat info;
    int fd = fv_engine_path(file, path, wanted->name) ? open_regular(file, &info) : -EIO;
    if (fd == -ENOENT || fd == -EBADMSG)
        return fv_error_set(err, -EBADMSG, "%s is missing", wanted->name);
    if (fd < 0)
        return fv_error_set(err, fd, "%s cannot be read", wanted->name);
    int result = 0;
    if ((uint64_t)info.st_size != wanted->size)
        result = fv_error_set(err, -EBADMSG, "%s has another size", wanted->name);
    else if (hashes && (result = hash(fd, hex)) < 0)
        fv_error_set(err, result, "%s cannot be read", wanted->name);
    else if (hashes && strcmp(hex, wanted->sha256) != 0)
        result = fv_error_set(err, -EBADMSG, "%s has another sha256", wanted->name);
    close(fd);
    return result;
}

struct strangers {
    const struct fv_engine_manifest *manifest;
    struct fv_error *err;
};

static int find_stranger(void *data, const char *name, int folder)
{
    const struct strangers *job = data;
    bool known = strcmp(name, FV_ENGINE_MANIFEST) == 0;
    for (unsigned i = 0; !known && i < job->manifest->file_count; i++)
        known = strcmp(job->manifest->files[i].name, name) == 0;
    return known ? 0 : fv_error_set(job->err, -EBADMSG, "it holds a file that it should not");
}

int fv_engine_folder_check(const char *path, const struct fv_engine_manifest *manifest, bool hashes,
                           struct fv_error *err)
{
    struct strangers strangers = {manifest, err};
    int result = 0;
    for (unsigned i = 0; result == 0 && i < manifest->file_count; i++)
        result = check_file(path, &manifest->files[i], hashes, err);
    return result < 0 ? result : each_file(path, find_stranger, &strangers);
}

/* ---- writing ---- */

struct sealing {
    const char *path;
    struct fv_engine_manifest *manifest;
    struct fv_error *err;
};

static int sync_and_hash(const char *path, struct fv_engine_file *file)
{
    struct stat info;
    int fd = open_regular(path, &info);
    if (fd < 0)
        return fd;
    int result = fsync(fd) < 0 ? -EIO : hash(fd, file->sha256);
    file->size = (uint64_t)info.st_size;
    close(fd);
    return result;
}

static int seal_one(void *data, const char *name, int folder)
{
    const struct sealing *job = data;
    struct fv_engine_manifest *manifest = job->manifest;
    char path[FV_ENGINE_PATH_MAX];
    if (manifest->file_count == FV_ENGINE_FILES_MAX)
        return fv_error_set(job->err, -EIO, "more than %d files", FV_ENGINE_FILES_MAX);
    struct fv_engine_file *file = &manifest->files[manifest->file_count];
    if (!fv_engine_file_name_ok(name) || !fv_engine_path(path, job->path, name))
        return fv_error_set(job->err, -EIO, "\"%s\" is no name for a file of an engine", name);
    snprintf(file->name, sizeof(file->name), "%s", name);
    int result = sync_and_hash(path, file);
    if (result < 0)
        return fv_error_set(job->err, result == -ENOMEM ? result : -EIO, "%s cannot be read", name);
    manifest->file_count++;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fv_engine_file *)a)->name,
                  ((const struct fv_engine_file *)b)->name);
}

/* As a temporary file, synced and renamed. */
static int write_file(const char *temporary, const char *path, const char *text)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    size_t size = strlen(text), done = 0;
    if (fd < 0)
        return -errno;
    int result = 0;
    while (result == 0 && done < size) {
        ssize_t put = write(fd, text + done, size - done);
        if (put >= 0)
            done += (size_t)put;
        else if (errno != EINTR)
            result = -errno;
    }
    if (result == 0 && fsync(fd) < 0)
        result = -errno;
    if (close(fd) < 0 && result == 0)
        result = -errno;
    if (result == 0 && rename(temporary, path) < 0)
        result = -errno;
    return result;
}

static int write_manifest(const char *path, const struct fv_engine_manifest *manifest,
                          struct fv_error *err)
{
    char temporary[FV_ENGINE_PATH_MAX], file[FV_ENGINE_PATH_MAX];
    char *text = fv_engine_manifest_format(manifest);
    if (!text)
        return fv_error_set(err, -ENOMEM, "out of memory");
    int result =
        fv_engine_path(temporary, path, TEMPORARY) && fv_engine_path(file, path, FV_ENGINE_MANIFEST)
            ? write_file(temporary, file, text)
            : -ENAMETOOLONG;
    free(text);
    return result < 0 ? fv_error_set(err, -EIO, FV_ENGINE_MANIFEST ": %s", strerror(-result)) : 0;
}

int fv_engine_folder_seal(const char *path, struct fv_engine_manifest *manifest,
                          struct fv_error *err)
{
    struct sealing job = {path, manifest, err};
    struct fv_error why = {0};
    manifest->file_count = 0;
    int result = each_file(path, seal_one, &job);
    if (result == 0 && manifest->file_count == 0)
        result = fv_error_set(err, -EIO, "nothing was written");
    if (result == 0) {
        qsort(manifest->files, manifest->file_count, sizeof(manifest->files[0]), by_name);
        result = write_manifest(path, manifest, &why);
        if (result < 0)
            fv_error_set(err, result, "%s", why.text);
    }
    if (result == 0 && (result = fv_engine_sync_folder(path)) < 0)
        fv_error_set(err, result, "it cannot be synced");
    return result;
}

int fv_engine_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -EIO;
    int result = fsync(fd) < 0 ? -EIO : 0;
    close(fd);
    return result;
}
