// SPDX-License-Identifier: Apache-2.0
#include "infer/engine_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whoever removes an engine removes its lock's file, too: one that is no longer there under its name locks nothing. */
static bool still_there(int fd, const char *path)
{
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

/* 0, -EBUSY, -EAGAIN (the file was removed meanwhile), -EIO. */
static int lock_file(int fd, const char *path, bool wait)
{
    int result;
    do
        result = flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -EIO;
    return still_there(fd, path) ? 0 : -EAGAIN;
}

/* Who may only read locks all the same: engines that another user built can be loaded. */
static int open_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd >= 0 || (errno != EACCES && errno != EPERM && errno != EROFS))
        return fd;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        errno = EACCES; /* of which the first try told */
    return fd;
}

int fv_engine_lock(const char *path, bool wait, int *ret_lock)
{
    for (;;) {
        int fd = open_lock(path);
        if (fd < 0)
            return errno == EACCES ? -EACCES : -EIO;
        int result = lock_file(fd, path, wait);
        if (result == 0) {
            *ret_lock = fd;
            return 0;
        }
        close(fd);
        if (result != -EAGAIN)
            return result;
    }
}

void fv_engine_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
