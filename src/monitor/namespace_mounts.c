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

#include "monitor/namespaces.h"
#include "state/fields.h"
#include "state/mount_line.h"
#include "sys/io.h"

#include <stdlib.h>
#include <unistd.h>

enum { SHARE = 1024, LINES_MAX = 16384, BYTES_MAX = 4 * 1024 * 1024 };

static const char mount_link[] = "ns/mnt";

struct mount_list {
        uint8_t *text; /* what the lines point into */
        struct mount_line at[SHARE];
        size_t n;
        bool cut;
};

struct looking {
        struct namespaces all;
        struct mount_list host, here, other;
        size_t lines; /* of all namespaces */
};

/* ---- what is mounted ---- */

static void list_done(struct mount_list *l)
{
        free(l->text);
        *l = (struct mount_list){ 0 };
}

/* -ESRCH: it has ended. */
static int list_read(int procfd, struct mount_list *l)
{
        struct field_lines lines = { 0 };
        struct span line;
        size_t n = 0;
        int rc;

        list_done(l);
        rc = io_read_file(&io_kernel, procfd, "mountinfo", BYTES_MAX, &l->text, &n, NULL);
        if (rc == -EFBIG) {
                l->cut = true;
                return 0;
        }
        if (rc < 0)
                return rc == -ENOENT || rc == -EINVAL ? -ESRCH : rc; /* EINVAL: it is a zombie */
        lines.rest = span_of(l->text, n);
        while (l->n < SHARE && field_line(&lines, &line))
                l->n += mount_line_split(line, &l->at[l->n]);
        l->cut = lines.rest.n > 0;
        return 0;
}

/* ---- what is not as on the host ---- */

/* What of point lies below at: false when it does not.  *ret begins with a slash, or is empty. */
static bool is_below(struct span point, struct span at, struct span *ret)
{
        if (span_eq_str(at, "/")) {
                *ret = span_eq_str(point, "/") ? SPAN_NONE : point;
                return true;
        }
        if (!span_starts(point, at) || (point.n > at.n && point.p[at.n] != '/'))
                return false;
        *ret = span_from(point, at.n);
        return true;
}

/* The one that shows at this point: of the deepest the last. */
static const struct mount_line *covering(const struct mount_list *host, struct span point,
                                         struct span *ret_below)
{
        const struct mount_line *found = NULL;
        struct span below;

        for (const struct mount_line *m = host->at; m < host->at + host->n; m++) {
                if (!is_below(point, m->point, &below) || (found && m->point.n < found->point.n))
                        continue;
                found = m;
                *ret_below = below;
        }
        return found;
}

static bool has_option(struct span options, const char *name)
{
        struct span option;

        while (field_cut(&options, ',', &option))
                if (span_eq_str(option, name))
                        return true;
        return false;
}

static bool is_root_of(struct span root, struct span above, struct span below)
{
        if (span_eq_str(above, "/"))
                return below.n ? span_eq(root, below) : span_eq_str(root, "/");
        return root.n == above.n + below.n && span_starts(root, above) &&
               span_eq(span_from(root, above.n), below);
}

static bool is_as_on_host(const struct mount_list *host, const struct mount_line *m)
{
        static const char *const taking[] = { "ro", "nosuid", "nodev", "noexec" };
        struct span below = SPAN_NONE;
        const struct mount_line *there = covering(host, m->point, &below);

        if (!there || !span_eq(there->dev, m->dev) || !is_root_of(m->root, there->root, below))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(taking); i++)
                if (has_option(there->options, taking[i]) && !has_option(m->options, taking[i]))
                        return false;
        return true;
}

/* ---- a namespace ---- */

static size_t layer_of(const struct mount_list *l, size_t i)
{
        size_t layer = 1;

        for (size_t k = 0; k < i; k++)
                layer += span_eq(l->at[k].point, l->at[i].point);
        return layer;
}

static void put_mount(const struct looking *s, const struct space *x, size_t nth, pid_t pid,
                      size_t i, struct buf *out)
{
        const struct mount_line *m = &s->here.at[i];

        builtin_field(out, SPAN("mount"));
        builtin_number(out, x->inode);
        builtin_field(out, space_name(&s->all, x));
        builtin_number(out, nth);
        builtin_number(out, layer_of(&s->here, i));
        builtin_number(out, (uint64_t)pid);
        builtin_field(out, m->root);
        builtin_field(out, m->point);
        builtin_field(out, m->options);
        builtin_field(out, m->type);
        builtin_field(out, m->source);
        builtin_end(out);
}

/* *ret: who sees the most; 0: all have ended.  What he sees is s->here. */
static int read_space(struct looking *s, const struct space *x, pid_t *ret)
{
        *ret = 0;
        list_done(&s->here);
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
                list_done(&s->here);
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
        pid_t pid;
        size_t nth;
        int rc = read_space(s, x, &pid);

        if (rc || !pid)
                return rc;
        space_set_name(&s->all, x, NULL);
        nth = nth_of(&s->all, x);
        s->lines += s->here.n;
        for (size_t i = 0; i < s->here.n && s->lines <= LINES_MAX; i++)
                if (!is_as_on_host(&s->host, &s->here.at[i]))
                        put_mount(s, x, nth, pid, i, out);
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
        list_done(&s->host);
        list_done(&s->here);
        list_done(&s->other);
        free(s);
        return rc;
}
