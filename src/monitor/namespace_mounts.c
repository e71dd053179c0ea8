/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted in the other mount namespaces of this host and not so in the first process': in
 * containers, units with a private /tmp, and for whoever calls unshare(1).  Lines:
 *   "mount", inode of the namespace, whose it is, which one of that name, the how manieth at this
 *            point, a process in it, then as in mountinfo: root, point, options, type, source
 *   "cut", inode of a namespace: it has more mounts than are looked at
 *   "many", "hidden": as in namespaces.h
 *   "full": more mounts than are looked at in all
 *
 * Not told is a mount that shows what the first process sees at the same path, with no option less
 * that takes rights away: a unit whose system is mounted again read-only has dozens of those.
 *
 * What a process sees depends on its root directory too: of those in a namespace the one that sees
 * the most mounts speaks for it.
 *
 * SECURITY: whoever may make a user namespace mounts in it what he likes.  Each namespace has a
 * share of its own. */
#include "monitor/builtin.h"

#include "monitor/mount_list.h"
#include "monitor/namespaces.h"
#include "sys/io.h"

#include <stdlib.h>
#include <unistd.h>

enum { LINES_MAX = 16384, BYTES_MAX = 4 * 1024 * 1024 };

static const char mount_link[] = "ns/mnt";

struct looking {
        struct namespaces all;
        struct mount_list host, here, other;
        size_t lines; /* of all namespaces */
};

/* ---- what is mounted ---- */

/* -ESRCH: it has ended. */
static int list_read(int procfd, struct mount_list *l)
{
        uint8_t *text = NULL;
        size_t n = 0;
        int rc;

        mount_list_done(l);
        rc = io_read_file(&io_kernel, procfd, "mountinfo", BYTES_MAX, &text, &n, NULL);
        if (rc == -EFBIG) {
                l->cut = true;
                return 0;
        }
        if (rc < 0)
                return rc == -ENOENT || rc == -EINVAL ? -ESRCH : rc; /* EINVAL: it is a zombie */
        mount_list_take(l, text, n);
        return 0;
}

/* ---- a namespace ---- */

/* *ret: who sees the most; 0: all have ended.  What he sees is s->here. */
static int read_space(struct looking *s, const struct space *x, pid_t *ret)
{
        *ret = 0;
        mount_list_done(&s->here);
        for (size_t i = 0; i < x->n_pids; i++) {
                CLEANUP_FD int fd = proc_open(x->pid[i], -1);
                uint32_t inode = 0;
                int rc = fd < 0 ? fd : list_read(fd, &s->other);

                if (rc == 0)
                        rc = proc_namespace(fd, mount_link, &inode);
                if (rc == -ENOMEM)
                        return ENOMEM;
                if (rc < 0 || inode != x->inode ||
                    (*ret && s->other.n <= s->here.n && !s->other.cut))
                        continue;
                mount_list_done(&s->here);
                s->here = s->other;
                s->other = (struct mount_list){ 0 };
                *ret = x->pid[i];
        }
        return 0;
}

/* Among namespaces of one name, those with a lower process first. */
static size_t nth_of(const struct namespaces *all, const struct space *x)
{
        size_t nth = 1;

        for (const struct space *y = all->at; y < x; y++)
                nth += span_eq(space_name(all, y), space_name(all, x));
        return nth;
}

static int tell_space(struct looking *s, struct space *x, struct buf *out)
{
        struct mount_owner of = { .inode = x->inode };
        pid_t pid;
        int rc = read_space(s, x, &pid);

        if (rc || !pid)
                return rc;
        space_set_name(&s->all, x, NULL);
        of.name = space_name(&s->all, x);
        of.nth = nth_of(&s->all, x);
        of.pid = (uint64_t)pid;
        s->lines += s->here.n;
        for (size_t i = 0; i < s->here.n && s->lines <= LINES_MAX; i++)
                if (!mount_list_shows(&s->host, &s->here.at[i]))
                        mount_list_put(&s->here, i, &of, out);
        if (s->here.cut) {
                builtin_field(out, SPAN("cut"));
                builtin_number(out, x->inode);
                builtin_end(out);
        }
        return 0;
}

/* ---- all ---- */

static int tell(struct looking *s, const atomic_bool *stop, struct buf *out)
{
        CLEANUP_FD int first = proc_open(1, -1);
        uint32_t own;
        int rc = first < 0 ? first : list_read(first, &s->host);

        if (rc == 0 && proc_namespace(first, mount_link, &own) < 0)
                own = 0; /* it is looked at like any other, and has nothing that it has not */
        rc = rc < 0 ? -rc : namespaces_find(&s->all, mount_link, own, stop);
        for (size_t i = 0; i < s->all.n && rc == 0 && s->lines <= LINES_MAX; i++)
                rc = *stop ? ECANCELED : tell_space(s, &s->all.at[i], out);
        if (rc == 0 && s->lines > LINES_MAX) {
                builtin_field(out, SPAN("full"));
                builtin_end(out);
        }
        namespaces_put_unseen(&s->all, out);
        return rc ? rc : -buf_status(&s->all.names);
}

/* An image of another host has none. */
int builtin_namespace_mounts(const char *root, const atomic_bool *stop, struct buf *out)
{
        struct looking *s;
        int rc;

        if (*root && strcmp(root, "/") != 0)
                return ENOENT;
        s = calloc(1, sizeof *s);
        if (!s)
                return ENOMEM;
        s->all.names = BUF_INIT(SPACE_NAMES_MAX);
        rc = tell(s, stop, out);
        buf_done(&s->all.names);
        mount_list_done(&s->host);
        mount_list_done(&s->here);
        mount_list_done(&s->other);
        free(s);
        return rc;
}
