/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fsput.h"
#include "sys/io.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h> /* renameat2 */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { NS = 1000000000 };

/* ---- attributes ---- */

int fs_chown(int fd, uint32_t uid, uint32_t gid)
{
        return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int fs_chmod(int fd, uint32_t mode)
{
        if (fchmod(fd, mode) == 0)
                return 0;
        if (errno != EBADF)
                return -errno;
        return chmod(fd_path(fd).text, mode) < 0 ? -errno : 0;
}

int fs_set_mtime(int fd, int64_t mtime_ns)
{
        struct timespec t[2] = { { .tv_nsec = UTIME_OMIT },
                                 { .tv_sec = mtime_ns / NS, .tv_nsec = mtime_ns % NS } };

        if (t[1].tv_nsec < 0) {
                t[1].tv_nsec += NS;
                t[1].tv_sec--;
        }
        return utimensat(fd, "", t, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int fs_xattr_set(int fd, const char *name, struct span value)
{
        if (fsetxattr(fd, name, value.p, value.n, 0) == 0)
                return 0;
        if (errno != EBADF)
                return -errno;
        return setxattr(fd_path(fd).text, name, value.p, value.n, 0) < 0 ? -errno : 0;
}

int fs_xattr_remove(int fd, const char *name)
{
        if (fremovexattr(fd, name) == 0)
                return 0;
        if (errno != EBADF)
                return -errno;
        return removexattr(fd_path(fd).text, name) < 0 ? -errno : 0;
}

static unsigned long to_flags(unsigned attr)
{
        return (attr & FS_ATTR_IMMUTABLE ? FS_IMMUTABLE_FL : 0ul) |
               (attr & FS_ATTR_APPEND ? FS_APPEND_FL : 0ul) |
               (attr & FS_ATTR_NODUMP ? FS_NODUMP_FL : 0ul);
}

int fs_flags_change(int fd, unsigned clear, unsigned set, unsigned *ret_before)
{
        unsigned long was = 0, now; /* the kernel takes an int whatever the request number says */

        if (ioctl(fd, FS_IOC_GETFLAGS, &was) < 0)
                return -errno;
        now = (was & ~to_flags(clear)) | to_flags(set);
        if (now != was && ioctl(fd, FS_IOC_SETFLAGS, &now) < 0)
                return -errno;
        if (ret_before)
                *ret_before = (was & FS_IMMUTABLE_FL ? FS_ATTR_IMMUTABLE : 0) |
                              (was & FS_APPEND_FL ? FS_ATTR_APPEND : 0) |
                              (was & FS_NODUMP_FL ? FS_ATTR_NODUMP : 0);
        return 0;
}

/* ---- names ---- */

int fs_exchange(int dirfd, const char *a, const char *b)
{
        return renameat2(dirfd, a, dirfd, b, RENAME_EXCHANGE) < 0 ? -errno : 0;
}

int fs_rename_new(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
        return renameat2(from_dirfd, from, to_dirfd, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

int fs_make_node(int dirfd, const char *name, uint32_t type, uint32_t major, uint32_t minor)
{
        return mknodat(dirfd, name, type | 0600, makedev(major, minor)) < 0 ? -errno : 0;
}

/* A lease for writing is refused while there is another writer, and while it may not be written.
 * Who opens the file before it is given back has a signal sent to us, whose default is to end the
 * process: so one that is ignored. */
int fs_is_held(int fd)
{
        if (fcntl(fd, F_SETSIG, SIGURG) < 0)
                return -errno;
        if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
                return errno == EAGAIN ? 1 : -errno;
        return fcntl(fd, F_SETLEASE, F_UNLCK) < 0 ? -errno : 0;
}
