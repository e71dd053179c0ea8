/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the fanotify system calls; the parser of event buffers is fan_event.c. */
#include "sys/fan.h"

#include <fcntl.h>
#include <unistd.h>

/* Older C libraries than the kernels they meet. */
#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x00001000
#endif
#ifndef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE 0x00000400
#endif
#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x00000200
#endif

enum { BY_NAME = FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME };

/* Best first. */
static const struct {
        unsigned features;
        unsigned flags;
} ways[] = {
        { FAN_HAS_TARGET | FAN_HAS_PIDFD, FAN_REPORT_TARGET_FID | FAN_REPORT_PIDFD },
        { FAN_HAS_TARGET, FAN_REPORT_TARGET_FID },
        { FAN_HAS_PIDFD, FAN_REPORT_PIDFD },
        { 0, 0 },
};

static int init(unsigned flags)
{
        int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | BY_NAME | flags,
                               O_RDONLY | O_CLOEXEC | O_LARGEFILE);

        return fd < 0 ? -errno : fd;
}

/* Does this kernel take the mark flag and the mask bit?  Tried on a directory of our own that is
 * then unmarked; any refusal other than EINVAL is about the place, not the bit. */
static bool takes(int fd, unsigned flag, uint64_t mask)
{
        if (fanotify_mark(fd, FAN_MARK_ADD | flag, mask | FAN_ONDIR, AT_FDCWD, "/") < 0)
                return errno != EINVAL;
        fanotify_mark(fd, FAN_MARK_REMOVE | flag, mask | FAN_ONDIR, AT_FDCWD, "/");
        return true;
}

static unsigned probe_marks(int fd, unsigned features)
{
        unsigned r = 0;

        if ((features & FAN_HAS_TARGET) && takes(fd, FAN_MARK_INODE, FAN_RENAME))
                r |= FAN_HAS_RENAME;
        if (takes(fd, FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY, FAN_MODIFY))
                r |= FAN_HAS_IGNORE;
        return r;
}

static int init_best(unsigned want, unsigned queue, unsigned *ret_features)
{
        int fd = -EINVAL;

        for (size_t i = 0; i < ARRAY_LEN(ways) && fd == -EINVAL; i++) {
                if (ways[i].features & FAN_HAS_PIDFD && !(want & FAN_HAS_PIDFD))
                        continue;
                fd = init(ways[i].flags | queue);
                if (fd >= 0)
                        *ret_features = ways[i].features;
        }
        return fd;
}

int fan_open(unsigned want, struct fan_group *ret, struct err *err)
{
        unsigned queue = want & FAN_HAS_UNLIMITED_QUEUE ? FAN_UNLIMITED_QUEUE : 0;
        unsigned features = 0;
        int fd;

        fd = init_best(want, queue, &features);
        if (fd == -EPERM && queue) {
                queue = 0;
                fd = init_best(want, 0, &features);
        }
        if (fd < 0)
                return err_sys(err, fd, "fanotify: no group that reports names");
        if (queue)
                features |= FAN_HAS_UNLIMITED_QUEUE;
        ret->fd = fd;
        ret->features = features | probe_marks(fd, features);
        return 0;
}

void fan_close(struct fan_group *g)
{
        if (g->fd >= 0)
                close(g->fd);
        g->fd = -1;
}

static unsigned scope_flag(enum fan_scope scope)
{
        static const unsigned flags[] = {
                [FAN_SCOPE_INODE] = FAN_MARK_INODE,
                [FAN_SCOPE_MOUNT] = FAN_MARK_MOUNT,
                [FAN_SCOPE_FILESYSTEM] = FAN_MARK_FILESYSTEM,
        };

        return flags[scope];
}

static int change(const struct fan_group *g, unsigned flags, uint64_t mask, int dirfd,
                  const char *path, const char *what, struct err *err)
{
        if (!(g->features & FAN_HAS_RENAME) && (mask & FAN_RENAME))
                mask = (mask & ~(uint64_t)FAN_RENAME) | FAN_MOVED_FROM | FAN_MOVED_TO;
        if (fanotify_mark(g->fd, flags | FAN_MARK_DONT_FOLLOW, mask, dirfd, path) == 0)
                return 0;
        return err_sys(err, -errno, "fanotify: %s %s", what, path ? path : "a directory");
}

int fan_mark(const struct fan_group *g, enum fan_scope scope, uint64_t mask, int dirfd,
             const char *path, struct err *err)
{
        return change(g, FAN_MARK_ADD | scope_flag(scope), mask, dirfd, path, "mark", err);
}

int fan_unmark(const struct fan_group *g, enum fan_scope scope, uint64_t mask, int dirfd,
               const char *path, struct err *err)
{
        return change(g, FAN_MARK_REMOVE | scope_flag(scope), mask, dirfd, path, "unmark", err);
}

/* Taking an event off that is not there changes nothing, but needs a mark to take it off. */
int fan_is_marked(const struct fan_group *g, enum fan_scope scope, uint64_t unused, int dirfd)
{
        if (fanotify_mark(g->fd, FAN_MARK_REMOVE | scope_flag(scope), unused, dirfd, NULL) == 0)
                return 1;
        return errno == ENOENT ? 0 : -errno;
}

int fan_ignore(const struct fan_group *g, uint64_t mask, int dirfd, const char *path,
               struct err *err)
{
        const unsigned flags =
                FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY | FAN_MARK_EVICTABLE;

        if (!(g->features & FAN_HAS_IGNORE))
                return err_set(err, -EOPNOTSUPP,
                               "fanotify: this kernel cannot ignore a directory's children");
        return change(g, flags, mask, dirfd, path, "ignore", err);
}

int fan_unignore(const struct fan_group *g, uint64_t mask, int dirfd, const char *path,
                 struct err *err)
{
        if (!(g->features & FAN_HAS_IGNORE))
                return -ENOENT;
        return change(g, FAN_MARK_REMOVE | FAN_MARK_IGNORE, mask, dirfd, path, "no longer ignore",
                      err);
}
