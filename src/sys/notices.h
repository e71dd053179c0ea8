/* SPDX-License-Identifier: Apache-2.0 */
/* notices.h - the kernel says that something of its own became another: packet filter, devices.
 * Floor 1.
 *
 * Multicast groups of netlink(7): what is said is not read, only that it was. */
#ifndef SYS_NOTICES_H
#define SYS_NOTICES_H

#include "base/base.h"

enum notice {
        NOTICE_NFTABLES, /* rules of this network namespace; takes CAP_NET_ADMIN */
        NOTICE_DEVICES,  /* devices and kernel modules */
        NOTICES,
};

/* A descriptor that is readable when there is something, or a negative errno. */
MUST_USE int notice_open(enum notice n);
/* Take all that there is; false: there was nothing. */
bool notice_take(int fd);

#endif
