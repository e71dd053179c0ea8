/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the kernel; what it answers is taken apart by sockdiag_parse.c. */
#include "sys/sockdiag.h"

#include "sys/dirwalk.h"
#include "sys/io.h"

#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DATAGRAM_MAX = 32 * 1024, LINK_MAX_BYTES = 64 };

/* ---- namespaces ---- */

int sockdiag_netns(int procfd, int *ret_fd)
{
        struct stat ours, theirs;
        int fd;

        if (stat("/proc/self/ns/net", &ours) < 0)
                return -errno;
        fd = openat(procfd, "ns/net", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        if (fstat(fd, &theirs) < 0) {
                int r = -errno;

                close(fd);
                return r;
        }
        if (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino) {
                close(fd);
                fd = -1;
        }
        *ret_fd = fd;
        return 0;
}

static int open_here(void)
{
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

        return fd < 0 ? -errno : fd;
}

/* A netlink socket speaks of the namespace that it was made in.  This thread goes there and comes
 * back; to stay there would be to look at the wrong host from then on. */
static int open_there(int netns)
{
        CLEANUP_FD int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        int fd, r;

        if (home < 0)
                return -errno;
        if (setns(netns, CLONE_NEWNET) < 0)
                return -errno;
        fd = open_here();
        r = setns(home, CLONE_NEWNET);
        assert(r == 0);
        return fd;
}

/* ---- the dump ---- */

static int ask(int fd, uint16_t flags, uint32_t seq, const struct inet_diag_req_v2 *req)
{
        struct {
                struct nlmsghdr head;
                struct inet_diag_req_v2 req;
        } q = { .head = { .nlmsg_len = sizeof q,
                          .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                          .nlmsg_flags = NLM_F_REQUEST | flags,
                          .nlmsg_seq = seq },
                .req = *req };
        const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        ssize_t n = sendto(fd, &q, sizeof q, 0, (const struct sockaddr *)&kernel, sizeof kernel);

        if (n < 0)
                return -errno;
        return n == (ssize_t)sizeof q ? 0 : -EIO;
}

static int receive(int fd, uint8_t *p, size_t room, struct span *ret)
{
        struct sockaddr_nl from = { 0 };
        socklen_t from_n = sizeof from;
        ssize_t n = recvfrom(fd, p, room, MSG_TRUNC, (struct sockaddr *)&from, &from_n);

        if (n < 0)
                return -errno;
        if ((size_t)n > room)
                return -EMSGSIZE;
        if (n == 0 || from_n != sizeof from || from.nl_family != AF_NETLINK || from.nl_pid != 0)
                return -EBADMSG;
        *ret = span_of(p, (size_t)n);
        return 0;
}

/* 1: fn has had enough. */
static int dump(int fd, uint8_t family, uint8_t protocol, uint32_t states, sockdiag_fn *fn,
                void *ctx)
{
        _Alignas(8) uint8_t datagram[DATAGRAM_MAX];
        struct span rest = SPAN_NONE;
        const struct inet_diag_req_v2 req = { .sdiag_family = family,
                                              .sdiag_protocol = protocol,
                                              .idiag_states = states };
        const uint32_t seq = family;
        struct sockdiag_tcp t;
        int r = ask(fd, NLM_F_DUMP, seq, &req);

        while (r == 0) {
                r = sockdiag_next(&rest, seq, &t);
                if (r == 1)
                        r = fn(ctx, &t) ? 0 : 1;
                else if (r == 0)
                        r = receive(fd, datagram, sizeof datagram, &rest);
        }
        return r == -ENODATA ? 0 : r;
}

static int each(int netns, uint8_t protocol, uint32_t states, sockdiag_fn *fn, void *ctx,
                struct err *err)
{
        CLEANUP_FD int fd = netns < 0 ? open_here() : open_there(netns);
        int r;

        if (fd < 0)
                return err_sys(err, fd, "sock_diag");
        r = dump(fd, AF_INET, protocol, states, fn, ctx);
        if (r == 0) {
                r = dump(fd, AF_INET6, protocol, states, fn, ctx);
                if (r == -ENOENT) /* a kernel without IPv6 */
                        r = 0;
        }
        return r < 0 ? err_sys(err, r, "sock_diag") : 0;
}

int sockdiag_each(int netns, uint32_t states, sockdiag_fn *fn, void *ctx, struct err *err)
{
        return each(netns, IPPROTO_TCP, states, fn, ctx, err);
}

int sockdiag_each_udp(int netns, uint32_t states, sockdiag_fn *fn, void *ctx, struct err *err)
{
        return each(netns, IPPROTO_UDP, states, fn, ctx, err);
}

static void put_addr(const struct sock_addr *a, __be32 *addr, __be16 *port)
{
        memcpy(addr, a->bytes, sizeof a->bytes);
        *port = htons(a->port);
}

int sockdiag_find(int netns, const struct sock_addr *local, const struct sock_addr *peer,
                  struct sockdiag_tcp *ret)
{
        CLEANUP_FD int fd = netns < 0 ? open_here() : open_there(netns);
        struct inet_diag_req_v2 req = { .sdiag_family = local->family,
                                        .sdiag_protocol = IPPROTO_TCP,
                                        .idiag_states = ~0u,
                                        .id = { .idiag_if = local->scope,
                                                .idiag_cookie = { INET_DIAG_NOCOOKIE,
                                                                  INET_DIAG_NOCOOKIE } } };
        _Alignas(8) uint8_t datagram[DATAGRAM_MAX];
        struct sockdiag_tcp t;
        struct span rest;
        int r;

        if (fd < 0)
                return fd;
        put_addr(local, req.id.idiag_src, &req.id.idiag_sport);
        put_addr(peer, req.id.idiag_dst, &req.id.idiag_dport);
        r = ask(fd, 0, 1, &req);
        if (r == 0)
                r = receive(fd, datagram, sizeof datagram, &rest);
        if (r == 0)
                r = sockdiag_next(&rest, 1, &t);
        if (r != 1)
                return r < 0 ? r : -EBADMSG;
        /* where there is no connection, the kernel names who waits for one */
        if (!sock_addr_eq(&t.local, local) || !sock_addr_eq(&t.peer, peer))
                return -ENOENT;
        *ret = t;
        return 0;
}

/* ---- descriptors of a process ---- */

int sockdiag_of_process(int procfd, uint32_t *inodes, size_t max, size_t *ret_n)
{
        CLEANUP_FD int fd = openat(procfd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dir_reader reader;
        struct dir_entry e;
        char link[LINK_MAX_BYTES];
        bool denied = false;
        size_t n = 0;
        int r = 0;

        if (fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        dir_reader_init(&reader, fd);
        for (unsigned i = 0; i < SOCKDIAG_FDS_MAX && n < max; i++) {
                ssize_t link_n;

                r = dir_read(&reader, &e);
                if (r <= 0)
                        break;
                link_n = readlinkat(fd, e.name, link, sizeof link);
                denied |= link_n < 0 && errno == EACCES;
                /* one that was closed meanwhile is none */
                if (link_n > 0 && sockdiag_link(span_of(link, (size_t)link_n), &inodes[n]) == 0)
                        n++;
        }
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        if (denied) /* whoever reads any directory may list them, and not read one of them */
                return -EACCES;
        *ret_n = n;
        return 0;
}
