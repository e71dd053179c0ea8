/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/inodeflag.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

/* The kernel reads and writes an int, whatever the request number says. */
static int get(int fd, unsigned *ret)
{
        unsigned long flags = 0;

        if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
                return -errno;
        *ret = (unsigned)flags;
        return 0;
}

int inodeflag_is_immutable(int fd, bool *ret)
{
        unsigned flags = 0;
        int rc = get(fd, &flags);

        if (rc == 0)
                *ret = flags & FS_IMMUTABLE_FL;
        return rc;
}

int inodeflag_set_immutable(int fd, bool immutable)
{
        unsigned flags = 0;
        int value, rc = get(fd, &flags);

        if (rc < 0 || !(flags & FS_IMMUTABLE_FL) == !immutable)
                return rc;
        value = (int)(immutable ? flags | FS_IMMUTABLE_FL : flags & ~(unsigned)FS_IMMUTABLE_FL);
        if (ioctl(fd, FS_IOC_SETFLAGS, &value) < 0)
                return -errno;
        rc = get(fd, &flags);
        if (rc == 0 && !(flags & FS_IMMUTABLE_FL) == immutable)
                rc = -EOPNOTSUPP;
        return rc;
}
