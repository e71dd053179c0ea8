/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/notices.h"

#include "sys/io.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UEVENTS = 1 /* the kernel's own group, not udev's */, MESSAGES_MAX = 4096 };

static const struct {
        int protocol;
        unsigned group;
} sorts[NOTICES] = {
        [NOTICE_NFTABLES] = { NETLINK_NETFILTER, NFNLGRP_NFTABLES },
        [NOTICE_DEVICES] = { NETLINK_KOBJECT_UEVENT, UEVENTS },
};

int notice_open(enum notice n)
{
        CLEANUP_FD int fd =
                socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, sorts[n].protocol);
        struct sockaddr_nl at = { .nl_family = AF_NETLINK };
        int group = (int)sorts[n].group, r;

        if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 ||
            setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
                return -errno;
        r = fd;
        fd = -1;
        return r;
}

/* One that the kernel had no room for is ENOBUFS, which says the same. */
bool notice_take(int fd)
{
        char byte;
        int n = 0;

        while (n < MESSAGES_MAX &&
               (recv(fd, &byte, sizeof byte, MSG_TRUNC) >= 0 || errno == ENOBUFS || errno == EINTR))
                n++;
        return n > 0;
}
