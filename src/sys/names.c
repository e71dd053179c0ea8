/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - readdir(3) with the errors it tells only by way of errno. */
#include "sys/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

int names_each(int dirfd, const char *path, names_fn *fn, void *ctx)
{
        int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *e;

        if (!d) {
                rc = -errno;
                if (fd >= 0)
                        close(fd);
                return rc;
        }
        while (rc == 0 && (errno = 0, e = readdir(d)))
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                        rc = fn(ctx, fd, e->d_name);
        if (rc == 0)
                rc = -errno;
        closedir(d);
        return rc;
}
