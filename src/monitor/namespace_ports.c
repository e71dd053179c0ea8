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
 * To enter a namespace takes CAP_SYS_ADMIN, which is everything; /proc/<pid>/net of a process that
 * is in it takes nothing.  So a namespace that no process is in is not seen, nor one that only a
 * thread of a process is in.
 *
 * SECURITY: whoever may make a user namespace makes network namespaces and sockets in them.  Those
 * that were there before stand first, as processes do, and each has a share of its own. */
#include "monitor/builtin.h"

#include "base/clock.h"
#include "base/text.h"
#include "monitor/port_set.h"
#include "sys/io.h"
#include "sys/procnet.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPACES_MAX = 1024, SHARE = 1024, PIDS = 4, NAMES_MAX = 1024 * 1024 };

static const char names_dir[] = "/run/netns"; /* ip-netns(8) */

struct space {
        uint32_t netns;
        pid_t pid[PIDS]; /* the lowest that are in it: one may end while it is looked at */
        size_t n_pids, n_sockets;
        size_t name, name_n; /* in spaces.names */
        size_t first;        /* the first one of that name */
        bool cut;
};

struct spaces {
        struct space at[SPACES_MAX];
        size_t n;
        uint32_t own;
        unsigned hidden;
        bool many;
        struct buf names;
        struct port_set set;
        struct space *reading;
        bool udp;
};

static struct port_last last = PORT_LAST_INIT;

/* ---- which there are ---- */

static void note(struct spaces *s, uint32_t netns, pid_t pid)
{
        struct space *x = s->at;

        while (x < s->at + s->n && x->netns != netns)
                x++;
        if (x == s->at + SPACES_MAX) {
                s->many = true;
                return;
        }
        if (x == s->at + s->n)
                s->at[s->n++] = (struct space){ .netns = netns };
        if (x->n_pids < PIDS)
                x->pid[x->n_pids++] = pid;
}

static void look_at(struct spaces *s, pid_t pid)
{
        CLEANUP_FD int fd = proc_open(pid, -1);
        uint32_t netns;
        int rc = fd < 0 ? fd : procnet_of(fd, &netns);

        if (rc == -EACCES || rc == -EPERM)
                s->hidden++;
        else if (rc == 0 && netns != s->own)
                note(s, netns, pid);
}

static int find_spaces(struct spaces *s, const atomic_bool *stop)
{
        CLEANUP_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CLEANUP_FD int self = proc_open(getpid(), -1);
        struct dir_reader *reader = &s->set.reader;
        struct dir_entry e;
        uint64_t pid;
        int rc = self < 0 ? self : procnet_of(self, &s->own);

        if (proc < 0 || rc < 0)
                return proc < 0 ? errno : -rc;
        dir_reader_init(reader, proc);
        while (!*stop && (rc = dir_read(reader, &e)) > 0)
                if (text_to_u64(span_of(e.name, e.name_n), &pid) == 0 && pid <= INT32_MAX)
                        look_at(s, (pid_t)pid);
        return *stop ? ECANCELED : -rc;
}

/* ---- what waits in them ---- */

static bool take(void *ctx, const struct sockdiag_tcp *t)
{
        struct spaces *s = ctx;

        if (s->reading->n_sockets == SHARE ||
            !port_set_take(&s->set, t, s->udp, s->reading->netns)) {
                s->reading->cut = true;
                return false;
        }
        s->reading->n_sockets++;
        return true;
}

/* All of it as seen from one process that was there all the time, or nothing and -ESRCH. */
static int read_by(struct spaces *s, struct space *x, pid_t pid)
{
        CLEANUP_FD int fd = proc_open(pid, -1);
        size_t before = s->set.n;
        uint32_t netns = 0;
        int rc = fd < 0 ? fd : procnet_of(fd, &netns);

        s->reading = x;
        for (int udp = 0; udp < 2 && rc == 0 && netns == x->netns; udp++) {
                s->udp = udp;
                rc = procnet_each(fd, s->udp, take, s);
                x->cut |= rc == -E2BIG;
                rc = rc == -E2BIG ? 0 : rc;
        }
        if (rc == 0)
                rc = procnet_of(fd, &netns);
        if (rc == 0 && netns == x->netns)
                return 0;
        s->set.n = before;
        x->n_sockets = 0;
        x->cut = false;
        return rc < 0 ? rc : -ESRCH;
}

/* One whose processes have all ended is no more. */
static int read_space(struct spaces *s, struct space *x)
{
        int rc = -ESRCH;

        for (size_t i = 0; i < x->n_pids && (rc == -ESRCH || rc == -EACCES); i++)
                rc = read_by(s, x, x->pid[i]);
        return rc == -ESRCH || rc == -EACCES ? 0 : -rc;
}

/* ---- whose they are ---- */

/* As root has named it; false: it is not among them. */
static bool put_name(struct spaces *s, const struct space *x)
{
        CLEANUP_FD int dir = open(names_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dir_entry e;
        struct stat st;

        if (dir < 0)
                return false;
        dir_reader_init(&s->set.reader, dir);
        for (size_t i = 0; i < SPACES_MAX && dir_read(&s->set.reader, &e) > 0; i++)
                if (fstatat(dir, e.name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == x->netns) {
                        buf_put(&s->names, span_of(e.name, e.name_n));
                        return true;
                }
        return false;
}

static void put_group(struct spaces *s, const struct space *x)
{
        struct span unit = SPAN_NONE, container = SPAN_NONE;
        struct proc_info *info = &s->set.info;

        for (size_t i = 0; i < x->n_pids && unit.n + container.n == 0; i++) {
                CLEANUP_FD int fd = proc_open(x->pid[i], -1);

                if (fd < 0)
                        continue;
                proc_read(fd, x->pid[i], info);
                if (info->cgroup_why == PROC_KNOWN)
                        proc_cgroup_names(span_of(info->cgroup, info->cgroup_n), &unit, &container);
        }
        buf_put(&s->names, container.n ? container : unit);
}

static void name_space(struct spaces *s, struct space *x)
{
        x->name = s->names.n;
        if (!put_name(s, x))
                put_group(s, x);
        x->name_n = s->names.n - x->name;
        for (x->first = 0; &s->at[x->first] < x; x->first++) {
                const struct space *y = &s->at[x->first];

                if (y->n_sockets && y->name_n == x->name_n &&
                    memcmp(s->names.p + y->name, s->names.p + x->name, x->name_n) == 0)
                        break;
        }
}

static const struct space *space_of(const struct spaces *s, size_t i)
{
        const struct space *x = s->at;

        while (x->netns != s->set.at[i].netns)
                x++;
        return x;
}

/* Among sockets of one place in namespaces of one name: nobody hides behind another's name. */
static uint64_t nth_of(const struct spaces *s, size_t i, const struct space *x)
{
        uint64_t nth = 1;

        for (size_t k = i; k > 0 && port_same_place(&s->set.at[k - 1], &s->set.at[i]); k--)
                nth += space_of(s, k - 1)->first == x->first;
        return nth;
}

/* ---- telling ---- */

static void put_socket(struct spaces *s, size_t i, struct buf *out)
{
        const struct space *x = space_of(s, i);

        builtin_field(out, SPAN("socket"));
        builtin_number(out, x->netns);
        builtin_field(out, span_of(s->names.p + x->name, x->name_n));
        builtin_number(out, nth_of(s, i, x));
        port_set_put(&s->set, i, out);
        builtin_end(out);
}

static void put_all(struct spaces *s, struct buf *out)
{
        for (size_t i = 0; i < s->set.n; i++)
                put_socket(s, i, out);
        for (size_t i = 0; i < s->n; i++) {
                if (!s->at[i].cut)
                        continue;
                builtin_field(out, SPAN("cut"));
                builtin_number(out, s->at[i].netns);
                builtin_end(out);
        }
        if (s->many) {
                builtin_field(out, SPAN("many"));
                builtin_end(out);
        }
        if (s->hidden) {
                builtin_field(out, SPAN("hidden"));
                builtin_number(out, s->hidden);
                builtin_end(out);
        }
        port_set_put_denied(&s->set, out);
}

static int tell(struct spaces *s, const atomic_bool *stop, int64_t now)
{
        int rc = port_set_find_holders(&s->set, stop);

        if (rc)
                return rc;
        for (size_t i = 0; i < s->n; i++)
                if (s->at[i].n_sockets || s->at[i].cut)
                        name_space(s, &s->at[i]);
        if (buf_status(&s->names) < 0)
                return -buf_status(&s->names);
        buf_clear(&last.text);
        put_all(s, &last.text);
        port_set_keep(&s->set, &last, now);
        return -buf_status(&last.text);
}

static int ask(struct spaces *s, const atomic_bool *stop)
{
        int64_t now = clock_mono(&sysclock);
        int rc = find_spaces(s, stop);

        for (size_t i = 0; i < s->n && rc == 0; i++)
                rc = *stop ? ECANCELED : read_space(s, &s->at[i]);
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
        s->names = BUF_INIT(NAMES_MAX);
        rc = ask(s, stop);
        if (rc == 0)
                buf_put(out, buf_span(&last.text));
        buf_done(&s->names);
        free(s);
        return rc;
}
