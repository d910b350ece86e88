// SPDX-License-Identifier: Apache-2.0
/* Credentials by reference: from the environment or a file, never printed. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/mask.h"

#define MISSING_FIX_ENV "Set it in the environment of the engine."
#define MISSING_FIX_FILE "Write the password into it and let the engine's user read it."

static bool is_variable_name(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

/* Where to point: the camera's own setting, or the engine-wide one. */
static uint32_t place_of(const struct fv_check *check, uint32_t camera, const char *name)
{
    uint32_t node = fv_map_child(&check->map, camera, name);
    return node != FV_NODE_NONE ? node : fv_map_child(&check->map, check->cameras, name);
}

static void bad_credentials(struct fv_check *check, uint32_t node, const char *message,
                            const char *fix)
{
    fv_say(
        check,
        (struct fv_say){FV_SEVERITY_ERROR, "bad_credentials", node, .at_value = true, .fix = fix},
        "%s", message);
}

static int take_password(struct fv_slice secret, struct fv_url *address)
{
    for (size_t i = 0; i < secret.size; i++)
        if ((unsigned char)secret.data[i] < 0x20 || secret.data[i] == 0x7F)
            return -EINVAL;
    return fv_slice_copy(secret, address->password, sizeof(address->password)) < 0 ? -EINVAL : 0;
}

static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t n = read(fd, buffer + used, size - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

/* The file's text without one newline at its end. 0, -EINVAL (no password), or what the system
 * says. */
static int password_from_file(const char *path, struct fv_url *address)
{
    char buffer[sizeof(address->password) + 2];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    ssize_t size = read_all(fd, buffer, sizeof(buffer));
    close(fd);
    int r = size < 0 ? (int)size : -EINVAL;
    if (size >= 0 && (size_t)size < sizeof(buffer)) {
        if (size > 0 && buffer[size - 1] == '\n')
            size--;
        if (size > 0 && buffer[size - 1] == '\r')
            size--;
        r = take_password((struct fv_slice){buffer, (size_t)size}, address);
    }
    explicit_bzero(buffer, sizeof(buffer));
    return r;
}

static void resolve_file(struct fv_check *check, const char *path, struct fv_url *address,
                         uint32_t node)
{
    char shown[FV_SHOW_MAX];
    int r = password_from_file(path, address);
    if (r == 0)
        return;
    fv_mask_show(path, shown);
    if (r == -EINVAL)
        bad_credentials(check, node,
                        "The password file holds no usable password: at most 127 characters, no "
                        "control characters.",
                        "Write the password, and nothing else, into the file.");
    else
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "missing_secret", node, .at_value = true,
                               .fix = MISSING_FIX_FILE},
               "The password file \"%s\" cannot be read: %s.", shown, strerror(-r));
}

static void resolve_variable(struct fv_check *check, const char *name, struct fv_url *address,
                             uint32_t node)
{
    char shown[FV_SHOW_MAX];
    const char *secret = getenv(name);
    if (!secret)
        fv_say(check,
               (struct fv_say){FV_SEVERITY_ERROR, "missing_secret", node, .at_value = true,
                               .fix = MISSING_FIX_ENV},
               "The environment variable %s is not set.", fv_mask_show(name, shown));
    else if (take_password(fv_slice_of(secret), address) < 0)
        bad_credentials(check, node,
                        "The environment variable holds no usable password: at most 127 "
                        "characters, no control characters.",
                        "Set it to the password.");
}

/* Faults that can be seen without looking anything up. */
static bool references_are_good(struct fv_check *check, const struct fv_conf_draft *draft,
                                uint32_t camera)
{
    if (draft->password_env && draft->password_file) {
        bad_credentials(check, place_of(check, camera, "PASSWORD_FILE"),
                        "The password is given twice, by PASSWORD_ENV and PASSWORD_FILE.",
                        "Keep one of the two.");
        return false;
    }
    if (draft->password_env && !is_variable_name(draft->password_env)) {
        bad_credentials(check, place_of(check, camera, "PASSWORD_ENV"),
                        "PASSWORD_ENV is not the name of an environment variable.",
                        "Write the variable's name, never the password itself.");
        return false;
    }
    if ((draft->password_env || draft->password_file) && !draft->username &&
        !draft->camera.address.has_user) {
        bad_credentials(
            check, place_of(check, camera, draft->password_env ? "PASSWORD_ENV" : "PASSWORD_FILE"),
            "There is a password, but no user name.", "Add USERNAME.");
        return false;
    }
    return true;
}

static void take_user(struct fv_check *check, const struct fv_conf_draft *draft,
                      struct fv_url *address, uint32_t camera)
{
    if (!draft->username)
        return;
    if (strchr(draft->username, ':') ||
        fv_slice_copy(fv_slice_of(draft->username), address->user, sizeof(address->user)) < 0) {
        bad_credentials(check, place_of(check, camera, "USERNAME"),
                        "USERNAME is longer than 127 bytes or has a colon in it.",
                        "Write the user name alone.");
        return;
    }
    address->has_user = true;
}

void fv_check_credentials(struct fv_check *check, struct fv_conf_draft *draft, uint32_t node,
                          bool own)
{
    struct fv_url *address = &draft->camera.address;
    if (!draft->username && !draft->password_env && !draft->password_file)
        return;
    /* The url is nearer to the camera than the engine-wide defaults. */
    if (!own && address->has_user)
        return;
    if (!references_are_good(check, draft, node))
        return;
    take_user(check, draft, address, node);
    if (!check->resolve || !draft->camera.enabled)
        return;
    if (draft->password_env)
        resolve_variable(check, draft->password_env, address,
                         place_of(check, node, "PASSWORD_ENV"));
    else if (draft->password_file)
        resolve_file(check, draft->password_file, address, place_of(check, node, "PASSWORD_FILE"));
}
