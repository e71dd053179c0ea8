/* SPDX-License-Identifier: Apache-2.0 */
/* sockdiag.h - the TCP and UDP sockets of this host: who holds them, where they lead.  Floor 1.
 *
 * A process' descriptors in /proc name its sockets by inode; NETLINK_SOCK_DIAG (sock_diag(7)) tells
 * a socket's addresses by inode, for one network namespace at a time.
 *
 * SECURITY: the kernel is the sender, and is checked to be; ports and addresses are anybody's. */
#ifndef SYS_SOCKDIAG_H
#define SYS_SOCKDIAG_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

struct sock_addr {
        uint8_t family;    /* AF_INET, AF_INET6; 0: none */
        uint8_t bytes[16]; /* in network order; of IPv4 the first four, the rest zero */
        uint16_t port;
        uint32_t scope; /* interface of a link-local address, else 0 */
};

bool sock_addr_eq(const struct sock_addr *a, const struct sock_addr *b);
/* 127.0.0.0/8 or ::1. */
bool sock_addr_is_loopback(const struct sock_addr *a);
/* "192.0.2.7:22", "[2001:db8::1]:22", "[fe80::1%2]:22"; without a port (0) no ":22" and no
 * brackets.  Appends. */
void sock_addr_put(struct buf *out, const struct sock_addr *a);

enum {
        SOCKDIAG_UNCONNECTED = 7, /* of udp(7): anybody may send to it */
        SOCKDIAG_LISTEN = 10,     /* of tcp(7)'s states, the one that waits for others */
};

struct sockdiag_tcp {
        uint8_t state;
        struct sock_addr local, peer; /* an IPv4 address inside IPv6 is told as IPv4 */
        uint32_t uid;                 /* who made it */
        uint32_t inode;               /* 0: no process holds it any more */
};

/* The next socket in a datagram of the kernel's answer: 1 and *ret, the rest in *rest; 0: nothing
 * more in it; -ENODATA: nothing more at all; an errno that the kernel sent; -EBADMSG: not what
 * sock_diag(7) says.  seq is the request's.  Pure. */
MUST_USE int sockdiag_next(struct span *rest, uint32_t seq, struct sockdiag_tcp *ret);

/* false: enough. */
typedef bool sockdiag_fn(void *ctx, const struct sockdiag_tcp *t);

/* Every TCP socket of a network namespace in one of the states (bits, 1 << state), in no order.
 * netns is a descriptor of it, -1: our own; entering another takes CAP_SYS_ADMIN.  -ENOENT: the
 * kernel has no such service. */
MUST_USE int sockdiag_each(int netns, uint32_t states, sockdiag_fn *fn, void *ctx, struct err *err);

/* The same of UDP sockets. */
MUST_USE int sockdiag_each_udp(int netns, uint32_t states, sockdiag_fn *fn, void *ctx,
                               struct err *err);

/* The one between these two ends, wherever it is held: the other end of a connection within a host.
 * -ENOENT: it is not of this namespace. */
MUST_USE int sockdiag_find(int netns, const struct sock_addr *local, const struct sock_addr *peer,
                           struct sockdiag_tcp *ret);

/* ---- the sockets of a process ---- */

enum { SOCKDIAG_FDS_MAX = 4096 }; /* descriptors looked at, the lowest first */

/* Inodes of the sockets that a process holds, any family, the lowest descriptor first; procfd is of
 * proc_open().  At most max; *ret_n of them.  -EACCES, -ESRCH. */
MUST_USE int sockdiag_of_process(int procfd, uint32_t *inodes, size_t max, size_t *ret_n);

/* The inode in a descriptor's link, "socket:[123]".  -EINVAL: it is none.  Pure. */
MUST_USE int sockdiag_link(struct span link, uint32_t *ret);

/* *ret_fd is a descriptor of the process' network namespace, the caller's to close; -1: it is ours.
 */
MUST_USE int sockdiag_netns(int procfd, int *ret_fd);

#endif
