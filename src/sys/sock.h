/* SPDX-License-Identifier: Apache-2.0 */
/* sock.h - unix seqpacket sockets between a host's own processes.  Floor 1.
 *
 * Every socket is non-blocking and close-on-exec.  A packet is whole or an error: one that does not
 * fit the receiver's room is -EMSGSIZE and gone, never cut.  SIGPIPE is never raised. */
#ifndef SYS_SOCK_H
#define SYS_SOCK_H

#include "base/base.h"
#include "base/err.h"

#include <sys/types.h>

/* Who is at the other end, as the kernel saw it when the connection was made. */
struct sock_cred {
        pid_t pid;
        uid_t uid;
        gid_t gid;
};

/* Listen at path with exactly this mode.  A socket file that nobody answers is replaced.
 * -EADDRINUSE: somebody answers.  -EEXIST: path is no socket.  -ENAMETOOLONG: above 107 bytes. */
MUST_USE int sock_listen(const char *path, mode_t mode, int *ret_fd, struct err *err);
/* -ENOENT, -ECONNREFUSED: nobody there.  -EAGAIN: its backlog is full; later. */
MUST_USE int sock_connect(const char *path, int *ret_fd, struct err *err);
/* -EAGAIN: nobody waits. */
MUST_USE int sock_accept(int fd, int *ret_fd, struct sock_cred *ret_cred);
/* Two ends, for a child. */
MUST_USE int sock_pair(int ret_fd[2]);

MUST_USE int sock_peer_cred(int fd, struct sock_cred *ret);
/* A pidfd of the peer, which pid reuse cannot fool; the caller's to close.  -ENOPROTOOPT: this
 * kernel cannot (before 6.5); -ESRCH or -EINVAL: the peer has gone. */
MUST_USE int sock_peer_pidfd(int fd);

/* Room for packets of n bytes each way and some of them in flight; above the system's ceiling only
 * with CAP_NET_ADMIN.  -EMSGSIZE: not even one fits. */
MUST_USE int sock_set_room(int fd, size_t n);

/* One packet, whole.  -EAGAIN: the peer is slow; -EPIPE, -ECONNRESET: it has gone. */
MUST_USE int sock_send(int fd, struct span packet);
/* The same with a descriptor of ours passed along; it stays ours. */
MUST_USE int sock_send_fd(int fd, struct span packet, int passed);

/* 0 and *ret_n bytes (0 bytes: the peer has closed), -EAGAIN, -EMSGSIZE. */
MUST_USE int sock_recv(int fd, void *p, size_t room, size_t *ret_n);
/* The same; *ret_passed is a new descriptor or -1.  More than one: -EBADMSG, all closed. */
MUST_USE int sock_recv_fd(int fd, void *p, size_t room, size_t *ret_n, int *ret_passed);

/* ---- many packets per call (recvmmsg(2)) ---- */

struct sock_batch;

MUST_USE int sock_batch_new(unsigned packets, size_t room, struct sock_batch **ret);
struct sock_batch *sock_batch_free(struct sock_batch *b);
DEFINE_CLEANUP(struct sock_batch, sock_batch_free)

/* What waits, up to the batch's size: their number, -EAGAIN when nothing does, or another error.
 * 0: the peer has closed.  A closed peer's last packets come first. */
MUST_USE int sock_batch_recv(struct sock_batch *b, int fd);
/* Packet i of the last sock_batch_recv(): 0 and bytes that are valid until the next, or -EMSGSIZE.
 */
MUST_USE int sock_batch_get(const struct sock_batch *b, unsigned i, struct span *ret);

#endif
