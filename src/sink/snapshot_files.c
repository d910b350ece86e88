// SPDX-License-Identifier: Apache-2.0
#include "sink/snapshot_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define FILE_NAME_MAX (FV_SNAPSHOT_NAME_MAX + 32)
#define TEMPORARY ".snapshot.tmp"

struct shot {
    uint64_t frame;
    int64_t time; /* of its last change, ns: only to sort what was found */
};

struct camera {
    const char *of; /* the camera's own name that `name` was made of */
    char name[FV_SNAPSHOT_NAME_MAX];
    struct shot *kept; /* oldest first, at most keep */
    unsigned count;
};

struct fv_snapshot_files {
    const struct fv_sink_context *context;
    char *path; /* for messages */
    int folder;
    unsigned keep;
    uint32_t camera_count;
    struct camera *cameras;
    struct shot *shots;
};

char *fv_snapshot_name(const char *camera, uint32_t index, char *text)
{
    const size_t limit = FV_SNAPSHOT_NAME_MAX - 16; /* room for the index */
    bool changed = !camera[0];
    size_t size = 0;
    for (; camera[size] && size < limit; size++) {
        char c = camera[size];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-' || (c == '.' && size > 0);
        text[size] = plain ? c : '_';
        changed |= !plain;
    }
    changed |= camera[size] != '\0';
    text[size] = '\0';
    if (changed)
        snprintf(text + size, FV_SNAPSHOT_NAME_MAX - size, "-%" PRIu32, index);
    return text;
}

/* After a reload another camera may have this index: its files are not the old one's. Names are compared as addresses. */
static void follow_name(struct fv_snapshot_files *files, uint32_t index)
{
    struct camera *camera = &files->cameras[index];
    const char *name = fv_sink_camera_name(files->context, index);
    if (name == camera->of)
        return;
    camera->of = name;
    camera->count = 0;
    fv_snapshot_name(name, index, camera->name);
}

static void file_name(const struct camera *camera, uint64_t frame, char name[FILE_NAME_MAX])
{
    snprintf(name, FILE_NAME_MAX, "%s-%08" PRIu64 ".jpg", camera->name, frame);
}

static void remove_shot(struct fv_snapshot_files *files, const struct camera *camera,
                        uint64_t frame)
{
    char name[FILE_NAME_MAX];
    file_name(camera, frame, name);
    unlinkat(files->folder, name, 0);
}

/* Notes a file as the newest of its camera; the oldest goes when there are too many. */
static void keep_shot(struct fv_snapshot_files *files, struct camera *camera, struct shot shot)
{
    /* The same number again (an earlier run's file, now overwritten) must not be removed as an old
     * one. */
    unsigned count = 0;
    for (unsigned i = 0; i < camera->count; i++)
        if (camera->kept[i].frame != shot.frame)
            camera->kept[count++] = camera->kept[i];
    if (count == files->keep) {
        remove_shot(files, camera, camera->kept[0].frame);
        memmove(camera->kept, camera->kept + 1, --count * sizeof(*camera->kept));
    }
    camera->kept[count] = shot;
    camera->count = count + 1;
}

/* The frame number when `name` is one of the camera's files. */
static bool parse_name(const struct camera *camera, const char *name, uint64_t *ret_frame)
{
    size_t prefix = strlen(camera->name);
    if (strncmp(name, camera->name, prefix) != 0 || name[prefix] != '-')
        return false;
    const char *digits = name + prefix + 1;
    size_t count = strspn(digits, "0123456789");
    if (count < 8 || count > 19 || strcmp(digits + count, ".jpg") != 0)
        return false;
    *ret_frame = strtoull(digits, NULL, 10);
    return true;
}

/* Among found files the list is sorted by time: a place for `shot`, or its end when it is older
 * than all that are kept. */
static void adopt(struct fv_snapshot_files *files, struct camera *camera, struct shot shot)
{
    if (camera->count == files->keep && shot.time < camera->kept[0].time) {
        remove_shot(files, camera, shot.frame);
        return;
    }
    keep_shot(files, camera, shot);
    for (unsigned i = camera->count - 1; i > 0 && camera->kept[i - 1].time > shot.time; i--) {
        camera->kept[i] = camera->kept[i - 1];
        camera->kept[i - 1] = shot;
    }
}

static void adopt_file(struct fv_snapshot_files *files, const char *name)
{
    for (uint32_t i = 0; i < files->camera_count; i++) {
        struct shot shot;
        struct stat info;
        if (!parse_name(&files->cameras[i], name, &shot.frame) ||
            fstatat(files->folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(info.st_mode))
            continue;
        shot.time = (int64_t)info.st_mtim.tv_sec * FV_S + info.st_mtim.tv_nsec;
        adopt(files, &files->cameras[i], shot);
        return;
    }
}

static void adopt_all(struct fv_snapshot_files *files)
{
    int copy = dup(files->folder);
    DIR *listing = copy >= 0 ? fdopendir(copy) : NULL;
    if (!listing) {
        if (copy >= 0)
            close(copy);
        return; /* not readable: old files stay */
    }
    for (struct dirent *entry; (entry = readdir(listing));)
        adopt_file(files, entry->d_name);
    closedir(listing);
}

static int file_error(struct fv_error *err, const char *path, const char *what)
{
    int number = errno;
    int code = number == EACCES || number == EPERM || number == EROFS ? -EACCES
               : number == ENOENT || number == ENOTDIR                ? -ENOENT
                                                                      : -EIO;
    return fv_error_set(err, code, "%s %s: %s", path, what, strerror(number));
}

static int open_folder(struct fv_snapshot_files *files, struct fv_error *err)
{
    if (mkdir(files->path, 0755) < 0 && errno != EEXIST)
        return file_error(err, files->path, "cannot be made");
    files->folder = open(files->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->folder < 0)
        return file_error(err, files->path, "cannot be opened");
    if (faccessat(files->folder, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return file_error(err, files->path, "cannot be written to");
    return 0;
}

static int allocate(struct fv_snapshot_files *files, const char *folder)
{
    files->path = fv_strdup(folder);
    files->cameras = fv_calloc(files->camera_count + 1, sizeof(*files->cameras));
    files->shots = fv_calloc((size_t)files->camera_count * files->keep + 1, sizeof(*files->shots));
    return files->path && files->cameras && files->shots ? 0 : -ENOMEM;
}

int fv_snapshot_files_open(const char *folder, const struct fv_sink_context *context, unsigned keep,
                           struct fv_snapshot_files **ret_files, struct fv_error *err)
{
    struct fv_snapshot_files *files = FV_NEW(struct fv_snapshot_files);
    if (!files)
        return fv_error_set(err, -ENOMEM, "out of memory");
    files->folder = -1;
    files->context = context;
    files->keep = keep;
    files->camera_count = context->camera_count;
    int code = allocate(files, folder);
    if (code < 0)
        fv_error_set(err, code, "out of memory");
    else
        code = open_folder(files, err);
    if (code < 0) {
        fv_snapshot_files_close(files);
        return code;
    }
    for (uint32_t i = 0; i < files->camera_count; i++) {
        follow_name(files, i);
        files->cameras[i].kept = files->shots + (size_t)i * keep;
    }
    if (keep)
        adopt_all(files);
    *ret_files = files;
    return 0;
}

void fv_snapshot_files_close(struct fv_snapshot_files *files)
{
    if (!files)
        return;
    if (files->folder >= 0)
        close(files->folder);
    fv_free(files->shots);
    fv_free(files->cameras);
    fv_free(files->path);
    fv_free(files);
}

static int write_all(int file, const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t written = write(file, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

int fv_snapshot_files_write(struct fv_snapshot_files *files, const struct fv_frame_info *info,
                            const void *data, size_t size, struct fv_error *err)
{
    if (info->camera >= files->camera_count)
        return fv_error_set(err, -EINVAL, "unknown camera");
    struct camera *camera = &files->cameras[info->camera];
    char name[FILE_NAME_MAX];
    follow_name(files, info->camera);
    file_name(camera, info->number, name);
    int file = openat(files->folder, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        return file_error(err, files->path, "takes no new file");
    int failed = write_all(file, data, size);
    if (!failed)
        failed = renameat(files->folder, TEMPORARY, files->folder, name);
    int code = failed ? file_error(err, files->path, "cannot be written to") : 0;
    close(file);
    if (code < 0) {
        unlinkat(files->folder, TEMPORARY, 0);
        return code;
    }
    if (files->keep)
        keep_shot(files, camera, (struct shot){.frame = info->number});
    return 0;
}
