/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sock.h"

#include "sys/io.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Newer than the headers of Debian 12; the number is that of every architecture Debian has but
 * parisc and sparc, which are no targets. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum { BACKLOG = 64, IN_FLIGHT = 8, BATCH_MAX = 1024 };
enum { TYPE = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC };

static int new_socket(const char *path, struct sockaddr_un *ret_sa, struct err *err)
{
        size_t n = strlen(path);
        int fd;

        *ret_sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
        if (n == 0 || n >= sizeof ret_sa->sun_path)
                return err_set(err, n ? -ENAMETOOLONG : -EINVAL,
                               "%s: a socket's path has 1 to %zu bytes", path,
                               sizeof ret_sa->sun_path - 1);
        memcpy(ret_sa->sun_path, path, n);
        fd = socket(AF_UNIX, TYPE, 0);
        return fd < 0 ? err_sys(err, -errno, "%s: socket", path) : fd;
}

/* 0 when nobody answers at a leftover socket and it has been removed. */
static int remove_stale(const struct sockaddr_un *sa, struct err *err)
{
        CLEANUP_FD int fd = -1;
        struct stat st;

        if (lstat(sa->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : err_sys(err, -errno, "%s", sa->sun_path);
        if (!S_ISSOCK(st.st_mode))
                return err_set(err, -EEXIST, "%s: exists and is no socket", sa->sun_path);
        fd = socket(AF_UNIX, TYPE, 0);
        if (fd < 0)
                return err_sys(err, -errno, "%s: socket", sa->sun_path);
        if (connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0 || errno != ECONNREFUSED)
                return err_set(err, -EADDRINUSE, "%s: another process answers there", sa->sun_path);
        if (unlink(sa->sun_path) < 0 && errno != ENOENT)
                return err_sys(err, -errno, "%s: remove the old socket", sa->sun_path);
        return 0;
}

int sock_listen(const char *path, mode_t mode, int *ret_fd, struct err *err)
{
        CLEANUP_FD int fd = -1;
        struct sockaddr_un sa;
        int r;

        fd = new_socket(path, &sa, err);
        if (fd < 0)
                return fd;
        /* before bind(2), so that the file is never wider than mode, not for a moment */
        if (fchmod(fd, mode) < 0)
                return err_sys(err, -errno, "%s: mode", path);
        if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
                if (errno != EADDRINUSE)
                        return err_sys(err, -errno, "%s: bind", path);
                r = remove_stale(&sa, err);
                if (r < 0)
                        return r;
                if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
                        return err_sys(err, -errno, "%s: bind", path);
        }
        if (chmod(path, mode) < 0) /* what the umask took away */
                return err_sys(err, -errno, "%s: mode", path);
        if (listen(fd, BACKLOG) < 0)
                return err_sys(err, -errno, "%s: listen", path);
        *ret_fd = fd;
        fd = -1;
        return 0;
}

int sock_connect(const char *path, int *ret_fd, struct err *err)
{
        CLEANUP_FD int fd = -1;
        struct sockaddr_un sa;

        fd = new_socket(path, &sa, err);
        if (fd < 0)
                return fd;
        if (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
                return err_sys(err, -errno, "%s: connect", path);
        *ret_fd = fd;
        fd = -1;
        return 0;
}

int sock_accept(int fd, int *ret_fd, struct sock_cred *ret_cred)
{
        int peer, r;

        do {
                peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        } while (peer < 0 && (errno == EINTR || errno == ECONNABORTED));
        if (peer < 0)
                return -errno;
        r = sock_peer_cred(peer, ret_cred);
        if (r < 0) {
                close(peer);
                return r;
        }
        *ret_fd = peer;
        return 0;
}

int sock_pair(int ret_fd[2])
{
        return socketpair(AF_UNIX, TYPE, 0, ret_fd) < 0 ? -errno : 0;
}

int sock_peer_cred(int fd, struct sock_cred *ret)
{
        struct ucred c;
        socklen_t n = sizeof c;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) < 0)
                return -errno;
        *ret = (struct sock_cred){ .pid = c.pid, .uid = c.uid, .gid = c.gid };
        return 0;
}

int sock_peer_pidfd(int fd)
{
        socklen_t n = sizeof(int);
        int pidfd;

        return getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n) < 0 ? -errno : pidfd;
}

static int set_one(int fd, int force, int plain, size_t n)
{
        int want = (int)n, got = 0;
        socklen_t len = sizeof got;

        if (setsockopt(fd, SOL_SOCKET, force, &want, sizeof want) < 0 &&
            setsockopt(fd, SOL_SOCKET, plain, &want, sizeof want) < 0)
                return -errno;
        if (getsockopt(fd, SOL_SOCKET, plain, &got, &len) < 0)
                return -errno;
        return got;
}

int sock_set_room(int fd, size_t n)
{
        const size_t overhead = 1024;
        size_t want;
        int r;

        if (!size_mul(n + overhead, IN_FLIGHT, &want) || want > INT32_MAX / 2)
                return -EMSGSIZE;
        r = set_one(fd, SO_RCVBUFFORCE, SO_RCVBUF, want);
        if (r < 0)
                return r;
        r = set_one(fd, SO_SNDBUFFORCE, SO_SNDBUF, want);
        if (r < 0)
                return r;
        return (size_t)r < n + overhead ? -EMSGSIZE : 0;
}

/* ---- packets ---- */

static int send_message(int fd, const struct msghdr *m)
{
        ssize_t r;

        do {
                r = sendmsg(fd, m, MSG_NOSIGNAL | MSG_DONTWAIT);
        } while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : 0;
}

int sock_send(int fd, struct span packet)
{
        struct iovec iov = { .iov_base = (void *)(uintptr_t)packet.p, .iov_len = packet.n };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

        return send_message(fd, &m);
}

union fd_control {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))]; /* two, so that a second one is seen */
};

int sock_send_fd(int fd, struct span packet, int passed)
{
        struct iovec iov = { .iov_base = (void *)(uintptr_t)packet.p, .iov_len = packet.n };
        union fd_control control = { .head = { .cmsg_level = SOL_SOCKET,
                                               .cmsg_type = SCM_RIGHTS,
                                               .cmsg_len = CMSG_LEN(sizeof passed) } };
        struct msghdr m = { .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = CMSG_SPACE(sizeof passed) };

        memcpy(CMSG_DATA(&control.head), &passed, sizeof passed);
        return send_message(fd, &m);
}

static int recv_message(int fd, struct msghdr *m, size_t *ret_n)
{
        ssize_t r;

        do {
                r = recvmsg(fd, m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        } while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        *ret_n = (size_t)r;
        return 0;
}

int sock_recv(int fd, void *p, size_t room, size_t *ret_n)
{
        struct iovec iov = { .iov_base = p, .iov_len = room };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        size_t n = 0;
        int r;

        r = recv_message(fd, &m, &n); /* without room for control, the kernel drops descriptors */
        if (r < 0)
                return r;
        if (m.msg_flags & MSG_TRUNC)
                return -EMSGSIZE;
        *ret_n = n;
        return 0;
}

/* How many descriptors came; the first two are in got. */
static unsigned passed_fds(struct msghdr *m, int got[2])
{
        struct cmsghdr *c = CMSG_FIRSTHDR(m);
        size_t n = 0;

        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                return 0;
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(got, CMSG_DATA(c), MIN_OF(n, 2u) * sizeof(int));
        return (unsigned)MIN_OF(n, 2u);
}

int sock_recv_fd(int fd, void *p, size_t room, size_t *ret_n, int *ret_passed)
{
        struct iovec iov = { .iov_base = p, .iov_len = room };
        union fd_control control;
        struct msghdr m = { .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control };
        int got[2] = { -1, -1 };
        unsigned fds;
        size_t n = 0;
        int r;

        r = recv_message(fd, &m, &n);
        if (r < 0)
                return r;
        fds = passed_fds(&m, got);
        if (fds > 1 || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
                fd_close(&got[0]);
                fd_close(&got[1]);
                return m.msg_flags & MSG_TRUNC ? -EMSGSIZE : -EBADMSG;
        }
        *ret_n = n;
        *ret_passed = got[0];
        return 0;
}

/* ---- batches ---- */

struct sock_batch {
        unsigned size;
        unsigned n; /* of the last receive */
        size_t room;
        struct mmsghdr *heads;
        struct iovec *iov;
        uint8_t *bytes;
};

int sock_batch_new(unsigned packets, size_t room, struct sock_batch **ret)
{
        CLEANUP(sock_batch_freep) struct sock_batch *b = NULL;
        size_t total;

        if (packets == 0 || packets > BATCH_MAX || room == 0 || !size_mul(packets, room, &total))
                return -EINVAL;
        b = calloc(1, sizeof *b);
        if (!b)
                return -ENOMEM;
        b->heads = calloc(packets, sizeof *b->heads);
        b->iov = calloc(packets, sizeof *b->iov);
        b->bytes = malloc(total); /* not cleared: pages that no packet reaches cost nothing */
        if (!b->heads || !b->iov || !b->bytes)
                return -ENOMEM;
        b->size = packets;
        b->room = room;
        for (unsigned i = 0; i < packets; i++) {
                b->iov[i] = (struct iovec){ .iov_base = b->bytes + i * room, .iov_len = room };
                b->heads[i].msg_hdr = (struct msghdr){ .msg_iov = &b->iov[i], .msg_iovlen = 1 };
        }
        *ret = b;
        b = NULL;
        return 0;
}

struct sock_batch *sock_batch_free(struct sock_batch *b)
{
        if (!b)
                return NULL;
        free(b->heads);
        free(b->iov);
        free(b->bytes);
        free(b);
        return NULL;
}

int sock_batch_recv(struct sock_batch *b, int fd)
{
        int n;

        b->n = 0;
        do {
                n = recvmmsg(fd, b->heads, b->size, MSG_DONTWAIT, NULL);
        } while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        /* a closed peer "sends" empty packets without end */
        while (b->n < (unsigned)n && b->heads[b->n].msg_len > 0)
                b->n++;
        return (int)b->n;
}

int sock_batch_get(const struct sock_batch *b, unsigned i, struct span *ret)
{
        assert(i < b->n);
        if (b->heads[i].msg_hdr.msg_flags & MSG_TRUNC)
                return -EMSGSIZE;
        *ret = span_of(b->iov[i].iov_base, b->heads[i].msg_len);
        return 0;
}
