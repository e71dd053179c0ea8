/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/notify.h"

#include "sys/io.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

int notify_init(struct notify *n, struct err *err)
{
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        const char *path = getenv("NOTIFY_SOCKET");
        CLEANUP_FD int fd = -1;
        size_t len;

        n->fd = -1;
        if (!path)
                return 0;
        len = strlen(path);
        if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof sa.sun_path)
                return err_set(err, -EINVAL, "NOTIFY_SOCKET is neither a path nor @name: %s", path);
        memcpy(sa.sun_path, path, len);
        if (path[0] == '@') /* abstract */
                sa.sun_path[0] = '\0';
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return err_sys(err, -errno, "NOTIFY_SOCKET");
        if (connect(fd, (struct sockaddr *)&sa,
                    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
                return err_sys(err, -errno, "NOTIFY_SOCKET %s", path);
        unsetenv("NOTIFY_SOCKET");
        n->fd = fd;
        fd = -1;
        return 0;
}

void notify_done(struct notify *n)
{
        fd_close(&n->fd);
}

int notify_send(const struct notify *n, const char *state)
{
        if (n->fd < 0)
                return 0;
        return send(n->fd, state, strlen(state), MSG_NOSIGNAL) < 0 ? -errno : 0;
}
