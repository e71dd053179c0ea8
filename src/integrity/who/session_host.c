/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/session_host.h"

#include "base/text.h"
#include "integrity/who/procs.h"
#include "sys/io.h"
#include "sys/logins.h"
#include "sys/proc.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        SOCKETS_MAX = 64, /* of one process, those with the lowest descriptors */
        HOLDER_SOCKETS_MAX = 1024,
        SYN_SENT = 2, /* of tcp(7)'s states: those without a connection */
        TIME_WAIT = 6,
        CLOSED = 7,
        ALL_STATES = 0xffe,
};

static const char utmp_path[] = "/run/utmp";

struct session_host {
        struct procs *procs;
        const struct clock *clock;
        struct proc_info info;
        uint32_t inodes[HOLDER_SOCKETS_MAX];
};

int session_host_new(struct procs *procs, const struct clock *clock, struct session_host **ret,
                     struct err *err)
{
        struct session_host *h = calloc(1, sizeof *h);

        if (!h)
                return err_set(err, -ENOMEM, "out of memory for sessions");
        h->procs = procs;
        h->clock = clock;
        *ret = h;
        return 0;
}

struct session_host *session_host_free(struct session_host *h)
{
        free(h);
        return NULL;
}

/* ---- sockets ---- */

/* /proc/<pid>, if it still is of that process. */
static int open_same(struct session_host *h, const struct procs_proc *p)
{
        int fd = proc_open(p->pid, -1);

        if (fd < 0)
                return fd;
        proc_read_ids(fd, p->pid, &h->info);
        if (procs_is(p, &h->info))
                return fd;
        close(fd);
        return -ESRCH;
}

struct search {
        const uint32_t *inodes;
        size_t n, best; /* best: of the connection, the lowest */
        struct session_link *link;
};

static bool take_socket(void *ctx, const struct sockdiag_tcp *t)
{
        struct search *q = ctx;
        size_t i = 0;

        while (i < q->n && q->inodes[i] != t->inode)
                i++;
        if (i == q->n)
                return true;
        if (t->state == SOCKDIAG_LISTEN) {
                q->link->listens = true;
                if (!sock_addr_is_loopback(&t->local))
                        q->link->reachable = true;
        } else if (t->state != SYN_SENT && t->state != TIME_WAIT && t->state != CLOSED &&
                   i < q->best) {
                q->best = i;
                q->link->connected = true;
                q->link->local = t->local;
                q->link->peer = t->peer;
        }
        return q->best > 0; /* none can be lower */
}

static int ask_link(void *ctx, const struct procs_proc *p, bool want_connection,
                    struct session_link *ret)
{
        struct session_host *h = ctx;
        CLEANUP_FD int procfd = open_same(h, p);
        CLEANUP_FD int netns = -1;
        struct session_link link = { 0 };
        struct search q = { .inodes = h->inodes, .best = SIZE_MAX, .link = &link };
        struct sockdiag_tcp other;
        uint32_t states = want_connection ? ALL_STATES : 1u << SOCKDIAG_LISTEN;
        int rc;

        if (procfd < 0)
                return procfd;
        rc = sockdiag_of_process(procfd, h->inodes, SOCKETS_MAX, &q.n);
        if (rc == 0 && q.n > 0)
                rc = sockdiag_netns(procfd, &netns);
        if (rc == 0 && q.n > 0)
                rc = sockdiag_each(netns, states, take_socket, &q, NULL);
        if (rc < 0)
                return rc;
        if (link.connected && sockdiag_find(netns, &link.peer, &link.local, &other) == 0)
                link.other_end = other.inode;
        *ret = link;
        return 0;
}

static bool holds(struct session_host *h, pid_t pid, uint32_t inode)
{
        CLEANUP_FD int procfd = proc_open(pid, -1);
        size_t n;

        if (procfd < 0 || sockdiag_of_process(procfd, h->inodes, HOLDER_SOCKETS_MAX, &n) < 0)
                return false;
        for (size_t i = 0; i < n; i++)
                if (h->inodes[i] == inode)
                        return true;
        return false;
}

/* ---- processes ---- */

/* Every process number in /proc until fn says that it is enough. */
static void each_pid(struct session_host *h, bool (*fn)(struct session_host *h, pid_t pid, void *x),
                     void *x)
{
        DIR *d = opendir("/proc");
        struct dirent *e;
        uint64_t pid;

        while (d && (e = readdir(d)))
                if (text_to_u64(span_str(e->d_name), &pid) == 0 && pid <= INT32_MAX &&
                    !fn(h, (pid_t)pid, x))
                        break;
        if (d)
                closedir(d);
}

struct held {
        uint32_t inode;
        pid_t by;
};

static bool look_for_holder(struct session_host *h, pid_t pid, void *x)
{
        struct held *held = x;

        if (holds(h, pid, held->inode))
                held->by = pid;
        return held->by == 0;
}

static pid_t ask_holder(void *ctx, uint32_t inode)
{
        struct held held = { .inode = inode };

        each_pid(ctx, look_for_holder, &held);
        return held.by;
}

static void look(void *ctx, pid_t pid)
{
        struct session_host *h = ctx;
        CLEANUP_FD int fd = proc_open(pid, -1);

        if (fd < 0)
                return;
        proc_read(fd, pid, &h->info);
        (void)!procs_seed(h->procs, &h->info, (uint64_t)clock_mono(h->clock));
}

static bool look_if_new(struct session_host *h, pid_t pid, void *x)
{
        const struct procs_proc *p = procs_newest(h->procs, pid);

        if (!p || p->end_ns)
                look(h, pid);
        return true;
}

static void look_all(void *ctx)
{
        each_pid(ctx, look_if_new, NULL);
}

/* ---- utmp ---- */

struct wanted_login {
        pid_t pid;
        struct sock_addr addr;
};

static bool take_login(void *ctx, const struct login_record *r)
{
        struct wanted_login *w = ctx;

        if (r->pid == w->pid)
                w->addr = r->addr; /* the last one counts */
        return true;
}

static int ask_login(void *ctx, pid_t pid, struct sock_addr *ret)
{
        struct wanted_login w = { .pid = pid };
        int rc = logins_each(utmp_path, take_login, &w, NULL);

        (void)ctx;
        if (rc < 0)
                return rc;
        if (!w.addr.family)
                return -ENOENT;
        *ret = w.addr;
        return 0;
}

const struct session_ops session_host_ops = { .link = ask_link,
                                              .holder = ask_holder,
                                              .login = ask_login,
                                              .look = look,
                                              .look_all = look_all };
