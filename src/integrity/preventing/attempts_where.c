/* SPDX-License-Identifier: Apache-2.0 */
/* Which denied path a refused call was at: a file has other names by links, bind mounts and mount
 * namespaces, and a name means another file in a container.  So it goes by the inode, as far as
 * somebody tells it. */
#include "integrity/preventing/attempts_priv.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/trusted/record.h"
#include "sys/attempt.h"

#include <unistd.h>

static bool denies(const struct sensor *s, struct span path)
{
        const struct watch_profile *p = watchset_profile(s->o.watch, path);

        return (p && p->mode == WATCH_DENY) || deny_has(s, path);
}

/* What has a flag of ours; or a file whose profile denies, though it has none now. */
static bool by_inode(struct sensor *s, const struct attempt_inode *i, struct buf *out)
{
        struct table_node *n = NULL;

        if (i->ino == 0)
                return false;
        if (deny_has_inode(s, i->dev, i->ino, out))
                return true;
        while ((n = table_by_inode(s->table, i->dev, i->ino, n))) {
                buf_clear(out);
                table_path(n, out);
                if (denies(s, buf_span(out)))
                        return true;
        }
        return false;
}

static struct span last_of(struct span path)
{
        const uint8_t *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

        return slash ? span_from(path, (size_t)(slash - path.p) + 1) : path;
}

static bool by_dir(struct sensor *s, const struct attempt *x, struct span named, struct buf *out)
{
        if (!by_inode(s, &x->dir, out))
                return false;
        if (!x->incomplete && named.n) {
                buf_put_byte(out, '/');
                buf_put(out, last_of(named));
        }
        return buf_status(out) == 0 && denies(s, buf_span(out));
}

/* Is this path known to be another file than the one the call was at? */
static bool is_another(struct sensor *s, struct span path, const struct attempt_inode *i)
{
        struct table_node *n = i->ino ? table_find(s->table, path) : NULL;
        struct record r;

        return n && n->record && record_decode(table_record(n), &r, NULL) == 0 &&
               (r.ino != i->ino || r.dev != i->dev);
}

/* A call that goes by the last link is at what that leads to. */
static bool follows(enum attempt_op op)
{
        return op == ATTEMPT_OPEN || op == ATTEMPT_MODE || op == ATTEMPT_TRUNCATE ||
               op == ATTEMPT_XATTR || op == ATTEMPT_TIMES || op == ATTEMPT_OWNER;
}

static bool is_parent_another(struct sensor *s, struct span path, const struct attempt_inode *i)
{
        struct span last = last_of(path);

        return last.n < path.n && is_another(s, span_of(path.p, path.n - last.n - 1), i);
}

/* As the process would find it; when it is gone, as its parents or we do, who may be in its mount
 * namespace.  *ret_ours: what the host calls so is what the process called so, as far as is known.
 */
static bool look_up(struct sensor *s, struct attempt *x, struct span named, bool *ret_ours)
{
        const bool follow = follows(x->op);
        CLEANUP(who_unrefp) struct who *who = NULL;
        uint32_t ns;
        int rc = attempt_look(x->pid, 0, named, follow, &x->file, &x->dir);

        *ret_ours = true;
        if (rc == 0)
                return true;
        who = command_who(s, x->pid, -1);
        ns = who && who->has & WHO_HAS_MOUNT_NS ? who->mount_ns : 0;
        for (size_t i = 0; who && ns && i < who->n_parents && rc < 0; i++)
                rc = attempt_look(who->parents[i].pid, ns, named, follow, &x->file, &x->dir);
        if (rc < 0)
                rc = attempt_look(getpid(), ns, named, follow, &x->file, &x->dir);
        *ret_ours = ns == 0;
        return rc == 0;
}

bool attempts_where(struct sensor *s, const struct attempt *from, struct span named,
                    struct buf *out)
{
        struct attempt x = *from;
        bool looked = x.file.ino || x.dir.ino, ours = true;

        if (!looked && !x.exact && !x.incomplete)
                looked = look_up(s, &x, named, &ours);
        if (by_inode(s, &x.file, out) || (!x.file.ino && by_dir(s, &x, named, out)))
                return true;
        if (!named.n || !denies(s, named))
                return false;
        if (!looked && !ours)
                return false;
        if (looked &&
            (is_another(s, named, &x.file) || (!x.file.ino && is_parent_another(s, named, &x.dir))))
                return false;
        buf_clear(out);
        buf_put(out, named);
        return buf_status(out) == 0;
}
