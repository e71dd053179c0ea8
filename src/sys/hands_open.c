/* SPDX-License-Identifier: Apache-2.0 */
/* hands_open.c - what is at a name, and in it, without waiting for a lock.
 *
 * A name that the kernel has at hand takes no lock.  One that it has not is looked for in the
 * directory, behind whoever has that locked: by a hand. */
#include "sys/hands.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static int open_here(int dirfd, const char *path, int flags, unsigned resolve)
{
        struct open_how how = { .flags = (uint64_t)flags, .resolve = resolve };
        long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);

        return fd < 0 ? -errno : (int)fd;
}

static bool waits(struct hands *h, const struct hand_ask *how)
{
        return how->key && hands_is_stuck(h, how->key);
}

int hand_open_known(int dirfd, const char *name, int flags)
{
        return open_here(dirfd, name, flags, RESOLVE_CACHED);
}

static int by_hand(struct hands *h, const struct hand_ask *a)
{
        struct hand_got got = { .fd = -1 };
        int rc = hand_call(h, a, &got);

        return rc < 0 ? rc : got.fd;
}

int hand_open(struct hands *h, const struct hand_ask *how, int dirfd, const char *name, int flags)
{
        int fd = open_here(dirfd, name, flags, h ? RESOLVE_CACHED : 0);
        struct hand_ask a = *how;

        if (fd != -EAGAIN || !h)
                return fd;
        if (waits(h, how))
                return -ETIMEDOUT;
        a.act = HAND_OPEN;
        a.fd = dirfd;
        a.name = name;
        a.a = flags;
        a.b = 0;
        return by_hand(h, &a);
}

int hand_open_path(struct hands *h, const struct hand_ask *how, int dirfd, const char *path,
                   int flags)
{
        int fd = open_here(dirfd, path, flags, RESOLVE_NO_SYMLINKS | (h ? RESOLVE_CACHED : 0));
        struct hand_ask a = *how;

        if (fd != -EAGAIN || !h)
                return fd;
        if (waits(h, how))
                return -ETIMEDOUT;
        a.act = HAND_OPEN_PATH;
        a.fd = dirfd;
        a.value = span_str(path);
        a.a = flags;
        return by_hand(h, &a);
}

/* ---- what is in it ---- */

/* Where who reads a file waits for nobody who writes to it. */
static bool reads_at_once(int fd)
{
        struct statfs st;

        return fstatfs(fd, &st) == 0 &&
               (st.f_type == EXT4_SUPER_MAGIC || st.f_type == TMPFS_MAGIC ||
                (unsigned long)st.f_type == BTRFS_SUPER_MAGIC);
}

/* Bytes, or a negative errno. */
static ssize_t bytes_by_hand(struct hands *h, const struct hand_ask *a, void *to, size_t n)
{
        const size_t room = MIN_OF(n, (size_t)HAND_VALUE_MAX);
        struct hand_got got = { .fd = -1, .bytes = to, .room = room };
        int rc = h && waits(h, a) ? -ETIMEDOUT : hand_call(h, a, &got);

        return rc < 0 ? rc : (ssize_t)got.n;
}

ssize_t hand_read(struct hands *h, const struct hand_ask *how, int fd, void *to, size_t n, off_t at)
{
        struct hand_ask a = *how;
        ssize_t got;

        if (!h || reads_at_once(fd)) {
                got = pread(fd, to, n, at);
                return got < 0 ? -errno : got;
        }
        a.act = HAND_READ;
        a.fd = fd;
        a.a = at;
        return bytes_by_hand(h, &a, to, n);
}

ssize_t hand_list(struct hands *h, const struct hand_ask *how, int fd, void *to, size_t n)
{
        struct hand_ask a = *how;

        a.act = HAND_LIST;
        a.fd = fd;
        return bytes_by_hand(h, &a, to, n);
}

off_t hand_seek(struct hands *h, const struct hand_ask *how, int fd, off_t at, int whence)
{
        struct hand_got got = { .fd = -1 };
        struct hand_ask a = *how;
        int rc;

        a.act = HAND_SEEK;
        a.fd = fd;
        a.a = at;
        a.b = whence;
        rc = h && waits(h, &a) ? -ETIMEDOUT : hand_call(h, &a, &got);
        return rc < 0 ? rc : got.at;
}
