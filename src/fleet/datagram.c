/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/datagram.h"

#include "sys/io.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { ROOM_S = 5, SEND_BYTES = 1 << 20 };

int datagram_connect(const char *path, int *ret_fd, struct err *err)
{
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        struct timeval patience = { .tv_sec = ROOM_S };
        CLEANUP_FD int fd = -1;
        int size = SEND_BYTES;

        if (strlen(path) >= sizeof a.sun_path)
                return err_set(err, -ENAMETOOLONG, "%s: too long for a socket's path", path);
        memcpy(a.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
            connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
                return err_sys(err, -errno, "%s", path);
        /* As much as the system lets us: it only saves a memory file. */
        (void)!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        *ret_fd = fd;
        fd = -1;
        return 0;
}

int datagram_send(int fd, struct span bytes, const char *path, struct err *err)
{
        if (send(fd, bytes.p, bytes.n, MSG_NOSIGNAL) >= 0)
                return 0;
        return err_sys(err, errno == EAGAIN ? -ETIMEDOUT : -errno, "%s", path);
}

int datagram_send_fd(int fd, int passed, const char *path, struct err *err)
{
        union {
                struct cmsghdr align;
                char room[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        struct msghdr h = { .msg_control = control.room, .msg_controllen = sizeof control.room };
        struct cmsghdr *c = CMSG_FIRSTHDR(&h);

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &passed, sizeof passed);
        if (sendmsg(fd, &h, MSG_NOSIGNAL) >= 0)
                return 0;
        return err_sys(err, errno == EAGAIN ? -ETIMEDOUT : -errno, "%s", path);
}
