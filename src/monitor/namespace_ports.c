/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for connections and datagrams in the other network namespaces of this host: those of
 * containers, of units with PrivateNetwork=, of ip-netns(8).  Lines:
 *   "socket", inode of the namespace, whose it is, which one of that name, place and port,
 *             then as in ports.c from the protocol on
 *   "cut", inode of a namespace: it has more sockets than are told
 *   "many": more namespaces than are looked into
 *   "hidden", how many processes do not let us see which namespace they are in
 *   "denied": as in ports.c
 *
 * SECURITY: whoever may make a user namespace makes network namespaces and sockets in them.  Each
 * has a share of its own. */
#include "monitor/builtin.h"

#include "base/clock.h"
#include "monitor/namespaces.h"
#include "monitor/port_set.h"
#include "sys/io.h"
#include "sys/procnet.h"
#include "sys/sysclock.h"

#include <stdlib.h>
#include <unistd.h>

enum { SHARE = 1024 };

static const char netns_link[] = "ns/net";
static const char names_dir[] = "/run/netns"; /* ip-netns(8) */

struct space_sockets {
        size_t n_sockets;
        size_t first; /* the first one of that name */
        bool cut;
};

struct spaces {
        struct namespaces all;
        struct space_sockets at[NAMESPACES_MAX]; /* of the same number */
        struct port_set set;
        size_t reading;
        bool udp;
};

static struct port_last last = PORT_LAST_INIT;

/* ---- what waits in them ---- */

static bool take(void *ctx, const struct sockdiag_tcp *t)
{
        struct spaces *s = ctx;
        struct space_sockets *x = &s->at[s->reading];

        if (x->n_sockets == SHARE ||
            !port_set_take(&s->set, t, s->udp, s->all.at[s->reading].inode)) {
                x->cut = true;
                return false;
        }
        x->n_sockets++;
        return true;
}

/* All of it as seen from one process that was there all the time, or nothing and -ESRCH. */
static int read_by(struct spaces *s, size_t i, pid_t pid)
{
        CLEANUP_FD int fd = proc_open(pid, -1);
        const uint32_t inode = s->all.at[i].inode;
        struct space_sockets *x = &s->at[i];
        size_t before = s->set.n;
        uint32_t netns = 0;
        int rc = fd < 0 ? fd : proc_namespace(fd, netns_link, &netns);

        s->reading = i;
        for (int udp = 0; udp < 2 && rc == 0 && netns == inode; udp++) {
                s->udp = udp;
                rc = procnet_each(fd, s->udp, take, s);
                x->cut |= rc == -E2BIG;
                rc = rc == -E2BIG ? 0 : rc;
        }
        if (rc == 0)
                rc = proc_namespace(fd, netns_link, &netns);
        if (rc == 0 && netns == inode)
                return 0;
        s->set.n = before;
        x->n_sockets = 0;
        x->cut = false;
        return rc < 0 ? rc : -ESRCH;
}

/* One whose processes have all ended is no more. */
static int read_space(struct spaces *s, size_t i)
{
        const struct space *x = &s->all.at[i];
        int rc = -ESRCH;

        for (size_t k = 0; k < x->n_pids && (rc == -ESRCH || rc == -EACCES); k++)
                rc = read_by(s, i, x->pid[k]);
        return rc == -ESRCH || rc == -EACCES ? 0 : -rc;
}

/* ---- whose they are ---- */

static void name_space(struct spaces *s, size_t i)
{
        struct space *x = &s->all.at[i];
        size_t k = 0;

        space_set_name(&s->all, x, names_dir);
        while (k < i && !(s->at[k].n_sockets &&
                          span_eq(space_name(&s->all, &s->all.at[k]), space_name(&s->all, x))))
                k++;
        s->at[i].first = k;
}

static size_t number_of(const struct spaces *s, size_t i)
{
        size_t x = 0;

        while (s->all.at[x].inode != s->set.at[i].netns)
                x++;
        return x;
}

/* Among sockets of one place in namespaces of one name: nobody hides behind another's name. */
static uint64_t nth_of(const struct spaces *s, size_t i, size_t x)
{
        uint64_t nth = 1;

        for (size_t k = i; k > 0 && port_same_place(&s->set.at[k - 1], &s->set.at[i]); k--)
                nth += s->at[number_of(s, k - 1)].first == s->at[x].first;
        return nth;
}

/* ---- telling ---- */

static void put_socket(struct spaces *s, size_t i, struct buf *out)
{
        const size_t x = number_of(s, i);

        builtin_field(out, SPAN("socket"));
        builtin_number(out, s->all.at[x].inode);
        builtin_field(out, space_name(&s->all, &s->all.at[x]));
        builtin_number(out, nth_of(s, i, x));
        port_set_put(&s->set, i, out);
        builtin_end(out);
}

static void put_all(struct spaces *s, struct buf *out)
{
        for (size_t i = 0; i < s->set.n; i++)
                put_socket(s, i, out);
        for (size_t i = 0; i < s->all.n; i++) {
                if (!s->at[i].cut)
                        continue;
                builtin_field(out, SPAN("cut"));
                builtin_number(out, s->all.at[i].inode);
                builtin_end(out);
        }
        namespaces_put_unseen(&s->all, out);
        port_set_put_denied(&s->set, out);
}

static int tell(struct spaces *s, const atomic_bool *stop, int64_t now)
{
        int rc = port_set_find_holders(&s->set, stop);

        if (rc)
                return rc;
        for (size_t i = 0; i < s->all.n; i++)
                if (s->at[i].n_sockets || s->at[i].cut)
                        name_space(s, i);
        if (buf_status(&s->all.names) < 0)
                return -buf_status(&s->all.names);
        buf_clear(&last.text);
        put_all(s, &last.text);
        port_set_keep(&s->set, &last, now);
        return -buf_status(&last.text);
}

static int ask(struct spaces *s, const atomic_bool *stop)
{
        CLEANUP_FD int self = proc_open(getpid(), -1);
        int64_t now = clock_mono(&sysclock);
        uint32_t own;
        int rc = self < 0 ? self : proc_namespace(self, netns_link, &own);

        rc = rc < 0 ? -rc : namespaces_find(&s->all, netns_link, own, stop);
        for (size_t i = 0; i < s->all.n && rc == 0; i++)
                rc = *stop ? ECANCELED : read_space(s, i);
        if (rc == 0)
                rc = port_set_settle(&s->set, &last);
        if (rc || port_set_is_as_last(&s->set, &last, now))
                return rc;
        return tell(s, stop, now);
}

/* An image of another host has no sockets. */
int builtin_namespace_ports(const char *root, const atomic_bool *stop, struct buf *out)
{
        struct spaces *s;
        int rc;

        if (*root && strcmp(root, "/") != 0)
                return ENOENT;
        s = calloc(1, sizeof *s);
        if (!s)
                return ENOMEM;
        s->all.names = BUF_INIT(SPACE_NAMES_MAX);
        rc = ask(s, stop);
        if (rc == 0)
                buf_put(out, buf_span(&last.text));
        buf_done(&s->all.names);
        free(s);
        return rc;
}
