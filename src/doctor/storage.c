// SPDX-License-Identifier: Apache-2.0
/* Where the engine writes, and the port it would listen on. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "doctor/doctor.h"

#define FREE_MB_LOW 1024
#define FREE_MB_NONE 64

/* The folder above, in place; "." for a plain name. */
static void go_up(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        strcpy(path, ".");
    else if (slash == path)
        path[1] = '\0';
    else
        *slash = '\0';
}

int fv_storage_writable(const char *folder, char *nearest)
{
    struct stat info;
    if ((size_t)snprintf(nearest, PATH_MAX, "%s", folder) >= PATH_MAX)
        return -ENAMETOOLONG;
    while (stat(nearest, &info) < 0) {
        if (errno != ENOENT || !strcmp(nearest, ".") || !strcmp(nearest, "/"))
            return -errno;
        go_up(nearest);
    }
    if (!S_ISDIR(info.st_mode))
        return -ENOTDIR;
    return faccessat(AT_FDCWD, nearest, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static void check_folder(struct fv_doctor *doctor)
{
    char nearest[PATH_MAX];
    struct statvfs space;
    const char *folder = doctor->config ? doctor->config->output.dir : "output";
    int r = fv_storage_writable(folder, nearest);
    struct fv_doctor_about about = {r < 0 ? FV_DOCTOR_PROBLEM : FV_DOCTOR_OK, "output",
                                    "output folder", "Events and pictures go there.",
                                    "Make it writable for the engine's user, or set "
                                    "output.OUTPUT_DIR."};
    if (r < 0)
        fv_doctor_say(doctor, about, "%s cannot be written: %s", folder, strerror(-r));
    else
        fv_doctor_say(doctor, about, "%s %s", folder,
                      strcmp(nearest, folder) ? "will be made" : "is writable");
    if (r < 0 || statvfs(nearest, &space) < 0)
        return;
    double free_mb = (double)space.f_bavail * (double)space.f_frsize / 1048576;
    fv_doctor_say(doctor,
                  (struct fv_doctor_about){free_mb < FREE_MB_NONE  ? FV_DOCTOR_PROBLEM
                                           : free_mb < FREE_MB_LOW ? FV_DOCTOR_WARNING
                                                                   : FV_DOCTOR_OK,
                                           "disk", "disk space", "What cannot be written is lost.",
                                           "Free space there, or set output.OUTPUT_DIR to another "
                                           "disk."},
                  "%.0f MB free where %s is", free_mb, folder);
}

static int try_port(const char *host, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, r = 0;
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
        r = -errno;
    close(fd);
    return r;
}

static void check_port(struct fv_doctor *doctor)
{
    if (!doctor->server)
        return;
    int r = try_port(doctor->host, doctor->port);
    fv_doctor_say(doctor,
                  (struct fv_doctor_about){r < 0 ? FV_DOCTOR_WARNING : FV_DOCTOR_OK, "port",
                                           "port for viewers", "The page is served there.",
                                           "Stop what uses it (ss -ltnp shows it; it may be Fovea "
                                           "itself), or set websocket.PORT."},
                  "port %d %s", doctor->port, r < 0 ? strerror(-r) : "is free");
}

void fv_doctor_storage(struct fv_doctor *doctor)
{
    check_folder(doctor);
    check_port(doctor);
}
