/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/attempt.h"
#include "sys/io.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12 */
#endif

/* Without asking the filesystem: it may be somebody's who does not answer. */
static int inode_of(int fd, struct attempt_inode *ret)
{
        struct statx x;

        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &x) < 0)
                return -errno;
        if (!(x.stx_mask & STATX_INO))
                return -EAGAIN;
        *ret = (struct attempt_inode){ .dev = (uint64_t)x.stx_dev_major << 32 | x.stx_dev_minor,
                                       .ino = x.stx_ino };
        return 0;
}

static int look(int root, const char *path, unsigned flags, struct attempt_inode *ret)
{
        const struct open_how how = { .flags = O_PATH | O_CLOEXEC | flags,
                                      .resolve = RESOLVE_IN_ROOT | RESOLVE_CACHED |
                                                 RESOLVE_NO_MAGICLINKS };
        CLEANUP_FD int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);

        return fd < 0 ? -errno : inode_of(fd, ret);
}

/* 1: it is; 0: in another; -ESRCH. */
static int is_in(pid_t pid, uint32_t mount_ns)
{
        char path[40];
        struct stat st;

        snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
        if (stat(path, &st) < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        return (uint32_t)st.st_ino == mount_ns;
}

int attempt_look(pid_t pid, uint32_t mount_ns, struct span path, bool follow,
                 struct attempt_inode *ret_file, struct attempt_inode *ret_dir)
{
        struct attempt_inode file = { 0 }, dir = { 0 };
        char root_path[32], text[PATH_MAX], *slash;
        CLEANUP_FD int root = -1;
        int rc;

        if (path.n >= sizeof text)
                return -ENAMETOOLONG;
        memcpy(text, path.p, path.n);
        text[path.n] = '\0';
        rc = mount_ns ? is_in(pid, mount_ns) : 1;
        if (rc <= 0)
                return rc < 0 ? rc : -EXDEV;
        snprintf(root_path, sizeof root_path, "/proc/%d/root", (int)pid);
        root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        rc = look(root, text, follow ? 0 : O_NOFOLLOW, &file);
        slash = strrchr(text, '/');
        if (rc == -ENOENT && slash) {
                slash[slash == text] = '\0';
                rc = look(root, text, O_DIRECTORY, &dir);
        }
        if (rc < 0)
                return rc;
        *ret_file = file;
        *ret_dir = dir;
        return 0;
}
