/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fanperm.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

int fanperm_open(int *ret_fd, struct err *err)
{
        int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK |
                                       FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS,
                               O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NONBLOCK);

        if (fd < 0)
                return err_sys(err, -errno, "fanotify: no group that asks before an execution");
        *ret_fd = fd;
        return 0;
}

int fanperm_mark(int group, int fd, bool directory)
{
        uint64_t mask = FAN_OPEN_EXEC_PERM | (directory ? FAN_EVENT_ON_CHILD : 0u);

        return fanotify_mark(group, FAN_MARK_ADD, mask, fd, NULL) < 0 ? -errno : 0;
}

int fanperm_mark_filesystem(int group, int fd)
{
        unsigned flags = FAN_MARK_ADD | FAN_MARK_FILESYSTEM;

        return fanotify_mark(group, flags, FAN_OPEN_EXEC_PERM, fd, NULL) < 0 ? -errno : 0;
}

int fanperm_ignore(int group, int fd)
{
        unsigned flags = FAN_MARK_ADD | FAN_MARK_IGNORED_MASK;

        return fanotify_mark(group, flags, FAN_OPEN_EXEC_PERM, fd, NULL) < 0 ? -errno : 0;
}

int fanperm_read(int group, struct fanperm_event ret[FANPERM_BATCH])
{
        struct fanotify_event_metadata room[FANPERM_BATCH];
        const struct fanotify_event_metadata *e = room;
        ssize_t n = read(group, room, sizeof room);
        int found = 0;

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        for (; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
                if (e->vers != FANOTIFY_METADATA_VERSION)
                        return -EPROTO;
                if (e->fd >= 0 && e->mask & FAN_OPEN_EXEC_PERM)
                        ret[found++] = (struct fanperm_event){ .fd = e->fd, .pid = e->pid };
                else if (e->fd >= 0)
                        close(e->fd);
        }
        return found;
}

int fanperm_answer(int group, int fd, bool allow)
{
        const struct fanotify_response r = { .fd = fd, .response = allow ? FAN_ALLOW : FAN_DENY };

        return write(group, &r, sizeof r) == sizeof r ? 0 : -errno;
}
