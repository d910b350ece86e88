// SPDX-License-Identifier: Apache-2.0
/* Migration of files: the new one is there as a whole or not at all, and the old bytes stay.
 *
 *   FILE               the configuration
 *   FILE.backup-N      what stood there before the N-th migration, byte for byte
 *   FILE.rollback      the record: which backups there are, the last one at the end
 *   FILE.rolled-back   what the last rollback replaced; those before it are FILE.rolled-back-N
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/migrate.h"

#define PATH_SIZE 1100
#define BACKUPS_MAX 1000
#define RECORD_FORMAT 1

struct bytes {
    char *text;
    size_t size;
};

static int path_of(char *path, const char *file, const char *suffix, struct fv_error *err)
{
    if ((size_t)snprintf(path, PATH_SIZE, "%s%s", file, suffix) < PATH_SIZE)
        return 0;
    return fv_error_set(err, -EINVAL, "the path of the configuration is too long");
}

static int write_error(struct fv_error *err, const char *path, int code)
{
    int r = code == EACCES || code == EPERM || code == EROFS ? -EACCES
            : code == ENOENT || code == ENOTDIR              ? -ENOENT
                                                             : -EIO;
    return fv_error_set(err, r, "%s cannot be written: %s", path, strerror(code));
}

static int write_all(int fd, const struct bytes *bytes)
{
    for (size_t done = 0; done < bytes->size;) {
        ssize_t n = write(fd, bytes->text + done, bytes->size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        done += (size_t)n;
    }
    return fsync(fd) < 0 ? errno : 0;
}

/* Beside the file, then in its place: a reader sees the old bytes or the new ones. `like`: the file
 * whose mode and owner it gets; a configuration may hold secrets. */
static int replace(const char *path, const struct bytes *bytes, const char *like,
                   struct fv_error *err)
{
    char temporary[PATH_SIZE + 16];
    struct stat info;
    bool known = stat(like, &info) == 0;
    snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return write_error(err, path, errno);
    int code = write_all(fd, bytes);
    if (code == 0 && known && fchown(fd, info.st_uid, info.st_gid) < 0)
        info.st_mode &= 0700; /* not ours to give away: then only for us */
    if (code == 0 && fchmod(fd, known ? info.st_mode & 07777 : 0600) < 0)
        code = errno;
    close(fd);
    if (code == 0 && rename(temporary, path) < 0)
        code = errno;
    if (code == 0)
        return 0;
    unlink(temporary);
    return write_error(err, path, code);
}

/* A file that is put away or back: all of it, or none. */
static int read_whole(const char *path, struct bytes *bytes, struct fv_error *err)
{
    int r = fv_conf_read(path, &bytes->text, &bytes->size, err);
    if (r == 0 && bytes->size > FV_CONF_SIZE_MAX)
        r = fv_error_set(err, -EINVAL, "%s is no configuration: it is larger than 4 MiB", path);
    return r;
}

/* A file that a link leads to is replaced itself; the link stays. */
static int settle_path(const char *given, char *path, struct fv_error *err)
{
    char *real = realpath(given, NULL);
    int r = path_of(path, real ? real : given, "", err);
    free(real);
    return r;
}

/* ---- the record ---- */

/* The names of the backups, without their folder. NULL: err says why. */
static json_t *record_read(const char *file, struct fv_error *err)
{
    char path[PATH_SIZE];
    json_error_t error;
    if (path_of(path, file, ".rollback", err) < 0)
        return NULL;
    if (access(path, F_OK) < 0)
        return json_array();
    json_t *root = json_load_file(path, 0, &error);
    json_t *backups = json_incref(json_object_get(root, "backups"));
    bool good = json_integer_value(json_object_get(root, "format")) == RECORD_FORMAT &&
                json_is_array(backups);
    json_decref(root);
    if (good)
        return backups;
    json_decref(backups);
    fv_error_set(err, -EBADMSG,
                 "the rollback record %s cannot be read; the backups are beside it, named "
                 "*.backup-N",
                 path);
    return NULL;
}

static int record_write(const char *file, json_t *backups, struct fv_error *err)
{
    char path[PATH_SIZE];
    int r = path_of(path, file, ".rollback", err);
    if (r < 0)
        return r;
    if (json_array_size(backups) == 0)
        return unlink(path) == 0 || errno == ENOENT ? 0 : write_error(err, path, errno);
    json_t *root = json_pack("{s:i, s:O}", "format", RECORD_FORMAT, "backups", backups);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    r = text ? replace(path, &(struct bytes){text, strlen(text)}, file, err) : -ENOMEM;
    free(text);
    json_decref(root);
    return r;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The first FILE.backup-N (`kind` ".backup") that is free. */
static int free_path(const char *file, const char *kind, char *path, struct fv_error *err)
{
    char suffix[30];
    for (unsigned i = 1; i <= BACKUPS_MAX; i++) {
        snprintf(suffix, sizeof(suffix), "%s-%u", kind, i);
        int r = path_of(path, file, suffix, err);
        if (r < 0 || access(path, F_OK) < 0)
            return r;
    }
    return fv_error_set(err, -EIO, "%s has %u backups already: remove old ones", file, BACKUPS_MAX);
}

static int keep_backup(const char *file, const struct bytes *before, const char *like,
                       struct fv_config_migrated *migrated, struct fv_error *err)
{
    json_t *backups = record_read(file, err);
    if (!backups)
        return err && err->code ? err->code : -EBADMSG;
    int r = free_path(file, ".backup", migrated->backup, err);
    if (r == 0)
        r = replace(migrated->backup, before, like, err);
    if (r == 0 && json_array_append_new(backups, json_string(base_name(migrated->backup))) < 0)
        r = fv_error_set(err, -EINVAL, "%s: its name is not UTF-8", file);
    if (r == 0)
        r = record_write(file, backups, err);
    json_decref(backups);
    return r;
}

/* ---- migrate ---- */

/* Backup and record first: whatever happens then, nothing is lost. */
static int put_in_place(const char *given, const char *source, const struct bytes *before,
                        const struct bytes *after, struct fv_config_migrated *migrated,
                        struct fv_error *err)
{
    char file[PATH_SIZE];
    struct bytes there = {0};
    struct stat info;
    int r = settle_path(given, file, err);
    if (r == 0 && stat(file, &info) == 0 && !S_ISREG(info.st_mode)) /* to read it might wait */
        r = fv_error_set(err, -EIO, "%s is no regular file: write the new one elsewhere (-o)",
                         file);
    bool exists = r == 0 && access(file, F_OK) == 0;
    if (exists)
        r = read_whole(file, &there, err);
    if (r == 0)
        r = keep_backup(file, exists ? &there : before, exists ? file : source, migrated, err);
    if (r == 0)
        r = replace(file, after, exists ? file : source, err);
    migrated->written = r == 0;
    if (there.text)
        explicit_bzero(there.text, there.size);
    fv_free(there.text);
    return r;
}

static void wipe(struct bytes *bytes)
{
    if (bytes->text)
        explicit_bzero(bytes->text, bytes->size);
    fv_free(bytes->text);
}

int fv_config_migrate(const struct fv_config_migrate_params *params,
                      struct fv_config_migrated *ret_migrated, struct fv_error *err)
{
    struct bytes before = {0}, after = {0};
    struct fv_config_migrated migrated = {0};
    struct fv_error own = {0};
    if (!err)
        err = &own;
    if (params->stage > FV_STAGES)
        return fv_error_set(err, -EINVAL, "there are %d stages", FV_STAGES);
    int r = fv_conf_read(params->path, &before.text, &before.size, err);
    struct fv_migrate_text text = {.name = params->path,
                                   .text = before.text,
                                   .size = before.size,
                                   .stage = params->stage,
                                   .change = params->change,
                                   .problem = params->problem,
                                   .data = params->data};
    if (r == 0)
        r = fv_migrate_text(&text, &after.text, &after.size, &migrated, err);
    bool same =
        r == 0 && before.size == after.size && !memcmp(before.text, after.text, before.size);
    if (r == 0 && !params->dry_run && (params->output || !same))
        r = put_in_place(params->output ? params->output : params->path, params->path, &before,
                         &after, &migrated, err);
    if (r == 0)
        *ret_migrated = migrated;
    wipe(&before);
    wipe(&after);
    return r == -ENOMEM ? fv_error_set(err, r, "out of memory") : r;
}

/* ---- rollback ---- */

/* The name must be one of ours: a damaged record leads to no other file. */
static int last_backup(const char *file, const json_t *backups, char *path, struct fv_error *err)
{
    size_t count = json_array_size(backups), length = strlen(base_name(file));
    const char *name = json_string_value(json_array_get(backups, count - 1));
    if (count == 0)
        return fv_error_set(err, -ENOENT, "no migration of %s is on record (%s.rollback)", file,
                            base_name(file));
    bool good = name && !strncmp(name, base_name(file), length) &&
                !strncmp(name + length, ".backup-", 8) && !strchr(name, '/');
    if (!good)
        return fv_error_set(err, -EBADMSG, "the rollback record of %s is damaged", file);
    snprintf(path, PATH_SIZE, "%.*s%s", (int)(base_name(file) - file), file, name);
    return 0;
}

/* What an earlier rollback put there may hold changes made by hand: it moves on. */
static int move_on(const char *file, const char *path, struct fv_error *err)
{
    char older[PATH_SIZE];
    if (access(path, F_OK) < 0)
        return 0;
    int r = free_path(file, ".rolled-back", older, err);
    return r == 0 && rename(path, older) < 0 ? write_error(err, older, errno) : r;
}

static int save_current(const char *file, struct fv_error *err)
{
    char path[PATH_SIZE];
    struct bytes now = {0};
    int r = path_of(path, file, ".rolled-back", err);
    if (r == 0 && access(file, F_OK) < 0)
        return 0;
    if (r == 0)
        r = read_whole(file, &now, err);
    if (r == 0)
        r = move_on(file, path, err);
    if (r == 0)
        r = replace(path, &now, file, err);
    wipe(&now);
    return r;
}

static int restore(const char *file, json_t *backups, struct fv_error *err)
{
    char backup[PATH_SIZE];
    struct bytes before = {0};
    int r = last_backup(file, backups, backup, err);
    if (r == 0)
        r = read_whole(backup, &before, err);
    if (r == 0)
        r = save_current(file, err);
    if (r == 0)
        r = replace(file, &before, backup, err);
    if (r == 0) {
        json_array_remove(backups, json_array_size(backups) - 1);
        r = record_write(file, backups, err);
    }
    if (r == 0)
        unlink(backup);
    wipe(&before);
    return r;
}

int fv_config_rollback(const char *path, struct fv_error *err)
{
    char file[PATH_SIZE];
    struct fv_error own = {0};
    if (!err)
        err = &own;
    int r = settle_path(path, file, err);
    json_t *backups = r == 0 ? record_read(file, err) : NULL;
    if (r == 0)
        r = backups ? restore(file, backups, err) : err->code < 0 ? err->code : -EBADMSG;
    json_decref(backups);
    return r;
}
