/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/procconn.h"

#include "base/clock.h"
#include "sys/io.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
        ROOM = 4 << 20,
        DATAGRAM_MAX = 512,
        BATCH = 64,
        ANSWER_MS = 1000,
        HEADER = sizeof(struct nlmsghdr),
        AT_EVENT = HEADER + sizeof(struct cn_msg),
        AT_DATA = AT_EVENT + offsetof(struct proc_event, event_data),
};

struct procconn {
        int fd;
        uint64_t lost;
        struct sockaddr_nl from[BATCH];
        struct iovec iov[BATCH];
        struct mmsghdr msg[BATCH];
        _Alignas(8) uint8_t room[BATCH][DATAGRAM_MAX];
};

/* ---- decoding ---- */

static uint32_t number_at(struct span s, size_t at)
{
        uint32_t v;

        assert(at + sizeof v <= s.n);
        memcpy(&v, s.p + at, sizeof v);
        return v;
}

/* How much of the union each event fills. */
static size_t data_bytes(uint32_t what)
{
        switch (what) {
        case PROC_EVENT_FORK:
                return sizeof(struct fork_proc_event);
        case PROC_EVENT_UID:
                return sizeof(struct id_proc_event);
        case PROC_EVENT_COMM:
                return sizeof(struct comm_proc_event);
        case PROC_EVENT_EXEC:
        case PROC_EVENT_SID:
        case PROC_EVENT_EXIT: /* its other fields are younger than it */
                return sizeof(struct exec_proc_event);
        default:
                return 0;
        }
}

static int take_fork(struct span s, struct process_event *e)
{
        const size_t at = AT_DATA;
        int32_t child_thread = (int32_t)number_at(s, at + 8);

        e->what = PROCESS_FORKED;
        e->pid = (int32_t)number_at(s, at + 12);
        e->creator = e->ppid = (int32_t)number_at(s, at + 4);
        e->start_ns = e->time_ns;
        e->has = PROCESS_HAS_PARENT;
        return child_thread == e->pid;
}

static int take_data(struct span s, uint32_t what, struct process_event *e)
{
        const size_t at = AT_DATA;

        if (what == PROC_EVENT_FORK)
                return take_fork(s, e);
        e->pid = (int32_t)number_at(s, at + 4);
        if ((int32_t)number_at(s, at) != e->pid && what != PROC_EVENT_EXEC)
                return 0; /* a thread's own affair; an exec makes it the process */
        e->what = PROCESS_CHANGED;
        if (what == PROC_EVENT_EXEC) {
                e->what = PROCESS_EXECUTED;
        } else if (what == PROC_EVENT_EXIT) {
                e->what = PROCESS_ENDED;
        } else if (what == PROC_EVENT_UID) {
                e->uid = number_at(s, at + 8);
                e->euid = number_at(s, at + 12);
                e->has = PROCESS_HAS_UID;
        } else if (what == PROC_EVENT_SID) {
                e->sid = e->pid; /* and a new session has no terminal */
                e->has = PROCESS_HAS_SID;
        } else {
                e->comm = span_of(s.p + at + 8,
                                  strnlen((const char *)s.p + at + 8, PROCESS_COMM_MAX));
                e->has = PROCESS_HAS_COMM;
        }
        return 1;
}

int procconn_decode(struct span s, uint64_t ahead_ns, struct process_event *ret, struct err *err)
{
        struct process_event e = { 0 };
        uint32_t what;
        int rc;

        if (s.n < AT_DATA || number_at(s, 0) != s.n)
                return err_set(err, -EBADMSG, "process connector: %zu bytes", s.n);
        if (number_at(s, HEADER) != CN_IDX_PROC || number_at(s, HEADER + 4) != CN_VAL_PROC)
                return err_set(err, -EBADMSG, "process connector: message of %u.%u",
                               number_at(s, HEADER), number_at(s, HEADER + 4));
        what = number_at(s, AT_EVENT);
        if (data_bytes(what) == 0)
                return 0;
        if (s.n < AT_DATA + data_bytes(what))
                return err_set(err, -EBADMSG, "process connector: event %x in %zu bytes", what,
                               s.n);
        memcpy(&e.time_ns, s.p + AT_EVENT + offsetof(struct proc_event, timestamp_ns),
               sizeof e.time_ns);
        e.time_ns += ahead_ns;
        rc = take_data(s, what, &e);
        if (rc == 1 && (e.pid <= 0 || e.ppid < 0))
                return err_set(err, -EBADMSG, "process connector: process %d of %d", e.pid, e.ppid);
        if (rc == 1)
                *ret = e;
        return rc;
}

/* ---- the socket ---- */

static uint64_t now(clockid_t id)
{
        struct timespec ts = { 0 };

        (void)!clock_gettime(id, &ts);
        return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static int subscribe(int fd)
{
        const struct nlmsghdr nl = { .nlmsg_len = AT_EVENT + sizeof(uint32_t),
                                     .nlmsg_type = NLMSG_DONE };
        const struct cn_msg cn = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = sizeof(uint32_t) };
        const uint32_t op = PROC_CN_MCAST_LISTEN;
        uint8_t m[AT_EVENT + sizeof op];

        memcpy(m, &nl, sizeof nl);
        memcpy(m + HEADER, &cn, sizeof cn);
        memcpy(m + AT_EVENT, &op, sizeof op);
        return send(fd, m, sizeof m, 0) < 0 ? -errno : 0;
}

/* The kernel answers a subscription, to all who listen, with an event of kind none and an error
 * number.  Events of processes may come before it. */
static int wait_for_answer(int fd)
{
        const uint64_t end = now(CLOCK_MONOTONIC) + ANSWER_MS * NS_PER_MS;
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint8_t room[DATAGRAM_MAX];

        while (now(CLOCK_MONOTONIC) < end && poll(&p, 1, ANSWER_MS) > 0) {
                struct sockaddr_nl from = { 0 };
                socklen_t n_from = sizeof from;
                ssize_t n = recvfrom(fd, room, sizeof room, 0, (struct sockaddr *)&from, &n_from);
                struct span s = span_of(room, n < 0 ? 0 : (size_t)n);

                if (from.nl_pid == 0 && s.n >= AT_DATA + 4 &&
                    number_at(s, AT_EVENT) == PROC_EVENT_NONE)
                        return -(int)number_at(s, AT_DATA);
        }
        return -ETIMEDOUT;
}

static int open_socket(struct err *err)
{
        struct sockaddr_nl here = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
        int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
        int room = ROOM, rc = fd < 0 ? -errno : 0;

        if (rc < 0)
                return err_sys(err, rc, "this kernel has no process connector");
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0 &&
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) < 0)
                rc = -errno;
        if (rc == 0 && bind(fd, (struct sockaddr *)&here, sizeof here) < 0)
                rc = -errno;
        if (rc == 0)
                rc = subscribe(fd);
        if (rc == 0)
                rc = wait_for_answer(fd);
        if (rc == 0)
                return fd;
        close(fd);
        if (rc == -ETIMEDOUT)
                return err_set(err, rc, "the process connector does not answer here");
        return err_sys(err, rc, "the process connector refused");
}

int procconn_open(struct procconn **ret, struct err *err)
{
        struct procconn *c = calloc(1, sizeof *c);
        int fd;

        if (!c)
                return err_set(err, -ENOMEM, "out of memory for the process connector");
        fd = open_socket(err);
        if (fd < 0) {
                free(c);
                return fd;
        }
        c->fd = fd;
        for (size_t i = 0; i < BATCH; i++) {
                c->iov[i] = (struct iovec){ c->room[i], DATAGRAM_MAX };
                c->msg[i].msg_hdr = (struct msghdr){ .msg_name = &c->from[i],
                                                     .msg_iov = &c->iov[i],
                                                     .msg_iovlen = 1 };
        }
        *ret = c;
        return 0;
}

struct procconn *procconn_free(struct procconn *c)
{
        if (!c)
                return NULL;
        fd_close(&c->fd);
        free(c);
        return NULL;
}

int procconn_fd(const struct procconn *c)
{
        return c->fd;
}

uint64_t procconn_lost(const struct procconn *c)
{
        return c->lost;
}

static int receive(struct procconn *c)
{
        int n;

        for (size_t i = 0; i < BATCH; i++)
                c->msg[i].msg_hdr.msg_namelen = sizeof c->from[i];
        n = recvmmsg(c->fd, c->msg, BATCH, MSG_DONTWAIT, NULL);
        if (n < 0 && errno == ENOBUFS) {
                c->lost++;
                return BATCH + 1; /* said once, then it goes on */
        }
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        return n;
}

int procconn_read(struct procconn *c, int (*each)(void *ctx, const struct process_event *e),
                  void *ctx)
{
        uint64_t ahead = now(CLOCK_BOOTTIME) - now(CLOCK_MONOTONIC);
        struct process_event e;
        int n, rc;

        do {
                n = receive(c);
                for (int i = 0; i < n && n <= BATCH; i++) {
                        if (c->from[i].nl_pid != 0)
                                continue; /* another program's */
                        rc = procconn_decode(span_of(c->room[i], c->msg[i].msg_len), ahead, &e,
                                             NULL);
                        if (rc == 1)
                                rc = each(ctx, &e);
                        if (rc < 0 && rc != -EBADMSG)
                                return rc;
                }
        } while (n >= BATCH);
        return n < 0 ? n : 0;
}
