/* SPDX-License-Identifier: Apache-2.0 */
/* Files that say what is explained: whoever else than root may write one could say so, too. */
#include "integrity/sensor/sensor_sources_file.h"

#include "sys/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(int dirfd, const char *path, size_t max, int *ret_fd, size_t *ret_n,
                     struct err *err)
{
        CLEANUP_FD int fd =
                openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return err_sys(err, -errno, "%s", path);
        if (!S_ISREG(st.st_mode))
                return err_set(err, -EACCES, "%s: is no file", path);
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
                return err_set(err, -EACCES,
                               "%s: others than root may write it (uid %u, mode %04o)", path,
                               (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
        if ((uint64_t)st.st_size > max)
                return err_set(err, -E2BIG, "%s: longer than %zu bytes", path, max);
        *ret_fd = fd;
        *ret_n = (size_t)st.st_size;
        fd = -1;
        return 0;
}

int lists_read_file(int dirfd, const char *path, size_t max, uint8_t **ret, size_t *ret_n,
                    struct err *err)
{
        CLEANUP_FD int fd = -1;
        size_t n = 0;
        uint8_t *p;
        ssize_t got;
        int rc = open_file(dirfd, path, max, &fd, &n, err);

        if (rc < 0)
                return rc;
        p = malloc(n + 1);
        if (!p)
                return err_set(err, -ENOMEM, "%s: out of memory for %zu bytes", path, n);
        got = io_kernel.pread(io_kernel.ctx, fd, p, n, 0);
        if (got < 0) {
                free(p);
                return err_sys(err, (int)got, "%s", path);
        }
        *ret = p;
        *ret_n = (size_t)got;
        return 0;
}
