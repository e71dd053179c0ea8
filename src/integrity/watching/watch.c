/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/watch_priv.h"

#include "integrity/trusted/observe.h"
#include "integrity/who/who.h"
#include "sys/hands.h"
#include "sys/io.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PATH_BYTES = 1 << 20 };

int watch_new(struct table *t, const struct watchset *set, struct who_cache *who,
              const struct watch_ops *ops, void *ctx, struct watch **ret, struct err *err)
{
        CLEANUP(watch_freep) struct watch *w = calloc(1, sizeof *w);
        int rc;

        if (!w)
                return err_set(err, -ENOMEM, "out of memory for watching");
        for (size_t i = 0; i < WATCH_GROUPS_MAX; i++)
                w->group[i].fd = -1;
        w->table = t;
        w->set = set;
        w->who = who;
        w->ops = ops;
        w->ctx = ctx;
        w->self = getpid();
        w->path = BUF_INIT(PATH_BYTES);
        w->epfd = epoll_create1(EPOLL_CLOEXEC);
        if (w->epfd < 0)
                return err_sys(err, -errno, "no descriptor for watching");
        rc = watch_group_open(w, GROUP_MAIN, err);
        if (rc == 0)
                rc = watch_group_open(w, GROUP_LINKS, err);
        if (rc == 0)
                rc = relief_new(w, err);
        if (rc < 0)
                return rc;
        *ret = w;
        w = NULL;
        return 0;
}

struct watch *watch_free(struct watch *w)
{
        if (!w)
                return NULL;
        relief_free(w);
        watch_fs_done(w);
        outside_done(w);
        for (size_t i = 0; i < WATCH_GROUPS_MAX; i++)
                fan_close(&w->group[i]);
        if (w->epfd >= 0)
                close(w->epfd);
        buf_done(&w->path);
        free(w);
        return NULL;
}

void watch_set_rules(struct watch *w, const struct watchset *set)
{
        w->set = set;
        outside_forget(w);
}

void watch_set_own(struct watch *w, pid_t pid)
{
        w->own = pid;
}

void watch_set_hands(struct watch *w, const struct hands *looking, const struct hands *restoring)
{
        w->looking = looking;
        w->restoring = restoring;
}

static bool is_own(const struct watch *w, pid_t pid)
{
        return pid == w->self || (w->own && pid == w->own) || hands_has(w->looking, pid) ||
               hands_has(w->restoring, pid);
}

int watch_fd(const struct watch *w)
{
        return w->epfd;
}

struct watch_counts watch_counts(const struct watch *w)
{
        return w->counts;
}

/* ---- one event ---- */

/* An event's author is asked for at most once, and only where it matters. */
struct news {
        const struct fan_event *e;
        unsigned group;
        const struct fan_event *links; /* a notice before, of the same unlink; NULL: none */
        struct who *who;
};

static struct who *author(struct watch *w, struct news *n)
{
        if (!n->who)
                n->who = who_of(w->who, n->e->pid,
                                n->e->pidfd_state == FAN_PIDFD_OPEN ? n->e->pidfd : -1,
                                n->e->pidfd_state == FAN_PIDFD_GONE);
        return n->who;
}

/* 1: watched, or on the way to something watched; 0: outside; or a negative errno. */
static int inside(struct watch *w, struct table_handle *h, struct news *n)
{
        if (table_by_handle(w->table, h, NULL))
                return 1;
        if (outside_known(w, h))
                return 0;
        return outside_resolve(w, h, author(w, n));
}

/* In a directory on the way, only what is watched or leads on counts. */
static bool counts_here(struct watch *w, const struct table_handle *h, struct span name)
{
        struct table_node *n = table_by_handle(w->table, h, NULL);
        struct watch_at dir, at;

        if (!n)
                return true; /* not met yet */
        for (; n; n = table_by_handle(w->table, h, n)) {
                if (n->record || n->mark & TABLE_NEW || name.n == 0)
                        return true; /* watched itself */
                buf_clear(&w->path);
                table_path(n, &w->path);
                watch_at_path(w->set, buf_span(&w->path), &dir);
                watch_at_name(w->set, &dir, name, &at);
                if (watch_at_rule(w->set, &at) || watch_at_leads(w->set, &at))
                        return true;
        }
        return false;
}

/* Where an event's own directory tells nothing: the file has several names, or the event came
 * without a directory. */
static int touch_name(struct watch *w, struct table_node *node, struct news *n)
{
        struct table_handle dir;

        if (!node->parent || !table_handle_of(node->parent, &dir))
                return 0;
        return w->ops->touched(w->ctx, &dir, table_name(node), n->e->mask, NULL, author(w, n));
}

static int touch_names(struct watch *w, const struct table_handle *file, struct news *n)
{
        struct table_node *node = table_by_handle(w->table, file, NULL);
        int rc = 0;

        for (; node && rc == 0; node = table_by_handle(w->table, file, node))
                rc = touch_name(w, node, n);
        return rc;
}

/* Is no file with this handle known, as far as can be told without opening it? */
static bool is_stranger(struct watch *w, const struct watch_fs *fs, const struct fs_handle *h)
{
        uint64_t dev, ino;

        if (fs->magic == BTRFS_SUPER_MAGIC) /* each subvolume counts its own inodes */
                return false;
        return w->ops->complete(w->ctx) && handle_form_inode(&fs->form, h, &dev, &ino) &&
               !table_by_inode(w->table, dev, ino, NULL);
}

/* An inode's own event, which names no directory: its link count changed, or it is a directory, or
 * was marked itself. */
static int event_on_inode(struct watch *w, struct news *n)
{
        struct table_node *node;
        struct watch_fs *fs;
        struct table_handle h;
        struct record r;
        CLEANUP_FD int fd = -1;
        int rc = 0;

        if (!n->e->has_child)
                return 0;
        watch_handle(w, n->group, n->e->child_fsid, &n->e->child, &h);
        if (table_by_handle(w->table, &h, NULL))
                return touch_names(w, &h, n);
        fs = watch_fs_by_id(w, h.fsid);
        if (!fs || fs->scope != WATCH_FILESYSTEM || is_stranger(w, fs, &n->e->child) ||
            watch_fs_fd(w, fs) < 0)
                return 0;
        fd = fs_handle_open(fs->fd, &n->e->child, O_PATH | O_NOFOLLOW);
        if (fd < 0 || observe_stat_fd(fd, &r) < 0)
                return 0; /* gone: the event of the name tells */
        handle_form_learn(&fs->form, &n->e->child, r.dev, r.ino);
        node = table_by_inode(w->table, r.dev, r.ino, NULL);
        for (; node && rc == 0; node = table_by_inode(w->table, r.dev, r.ino, node))
                rc = touch_name(w, node, n);
        return rc;
}

/* A name is gone, and with it one of the file's: the others are looked at.  Without asking the
 * filesystem, where the table has the name: most often it was the only one. */
static int event_on_unlinked(struct watch *w, const struct table_handle *dir, struct news *n)
{
        struct table_node *in = table_by_handle(w->table, dir, NULL), *node, *other;
        struct news links = { .e = n->links, .group = n->group, .who = n->who };
        struct record r;
        int rc = 0;

        node = in && w->ops->settled(w->ctx, dir, n->e->at.name)
                       ? table_child(w->table, in, n->e->at.name)
                       : NULL;
        if (node && node->record && record_decode(table_record(node), &r, NULL) == 0) {
                other = table_by_inode(w->table, r.dev, r.ino, NULL);
                for (; other && rc == 0; other = table_by_inode(w->table, r.dev, r.ino, other))
                        rc = other == node ? 0 : touch_name(w, other, &links);
        } else {
                rc = event_on_inode(w, &links);
        }
        n->who = links.who;
        return rc;
}

/* A file made without a name has "#" and its inode's number as long as it is open, also when it has
 * got one by a link. */
static bool is_unnamed(struct span name)
{
        if (name.n < 2 || name.p[0] != '#')
                return false;
        for (size_t i = 1; i < name.n; i++)
                if (name.p[i] < '0' || name.p[i] > '9')
                        return false;
        return true;
}

static int event_at(struct watch *w, struct news *n)
{
        const struct fan_event *e = n->e;
        struct table_handle h, child;
        int in, rc = 0;

        child.n = 0;
        if (e->has_child)
                watch_handle(w, n->group, e->child_fsid, &e->child, &child);
        if (child.n && is_unnamed(e->at.name))
                rc = event_on_inode(w, n);
        else if (child.n && table_file_handles(w->table))
                rc = touch_names(w, &child, n);
        if (rc < 0 || e->at.name.n > TABLE_NAME_MAX)
                return rc;
        watch_handle(w, n->group, e->at.fsid, &e->at.dir, &h);
        in = inside(w, &h, n);
        if (in < 0)
                return in;
        /* Outside nothing is asked: what has another name inside is marked itself. */
        if (n->links && (in || w->counts.links >= WATCH_LINKS_MAX))
                rc = event_on_unlinked(w, &h, n);
        if (rc < 0)
                return rc;
        if (in == 0)
                return outside_count(w, &h);
        if (!counts_here(w, &h, e->at.name)) {
                w->counts.outside++;
                return 0;
        }
        return w->ops->touched(w->ctx, &h, e->at.name, e->mask, child.n ? &child : NULL,
                               author(w, n));
}

/* A directory that is marked alone hears of its own side only. */
static int event_half_rename(struct watch *w, struct news *n)
{
        const struct fan_name *at = n->e->old.present ? &n->e->old : &n->e->new;
        uint64_t mask = n->e->old.present ? FAN_MOVED_FROM : FAN_MOVED_TO;
        struct table_handle h;
        int in;

        if (!at->present || at->name.n > TABLE_NAME_MAX)
                return 0;
        watch_handle(w, n->group, at->fsid, &at->dir, &h);
        in = inside(w, &h, n);
        if (in <= 0)
                return in;
        return w->ops->touched(w->ctx, &h, at->name, mask | (n->e->mask & FAN_ONDIR), NULL,
                               author(w, n));
}

static int event_rename(struct watch *w, struct news *n)
{
        const struct fan_event *e = n->e;
        struct table_handle from, to;
        int in_from, in_to;

        if (!e->old.present || !e->new.present)
                return event_half_rename(w, n);
        if (e->old.name.n > TABLE_NAME_MAX || e->new.name.n > TABLE_NAME_MAX)
                return 0;
        watch_handle(w, n->group, e->old.fsid, &e->old.dir, &from);
        watch_handle(w, n->group, e->new.fsid, &e->new.dir, &to);
        in_from = inside(w, &from, n);
        in_to = inside(w, &to, n);
        if (in_from < 0 || in_to < 0)
                return MIN_OF(in_from, in_to);
        if (!in_from && !in_to) {
                w->counts.outside++;
                return 0;
        }
        return w->ops->renamed(w->ctx, in_from ? &from : NULL, e->old.name, in_to ? &to : NULL,
                               e->new.name, author(w, n));
}

static int take_event(struct watch *w, unsigned group, const struct fan_event *e,
                      const struct fan_event *links)
{
        struct news n = { .e = e, .group = group, .links = links };

        w->counts.events += links ? 2 : 1;
        if (e->mask & FAN_Q_OVERFLOW) {
                w->counts.overflows++;
                return w->ops->overflow(w->ctx);
        }
        if (is_own(w, e->pid)) {
                w->counts.own++;
                return 0;
        }
        if (e->mask & FAN_RENAME)
                return event_rename(w, &n);
        if (e->at.present && !watch_is_links(w, group))
                return event_at(w, &n);
        return event_on_inode(w, &n);
}

/* ---- reading ---- */

static bool same_child(const struct fan_event *a, const struct fan_event *b)
{
        return a->has_child && b->has_child && a->child_fsid == b->child_fsid &&
               a->child.type == b->child.type && a->child.n == b->child.n &&
               memcmp(a->child.bytes, b->child.bytes, a->child.n) == 0;
}

/* Before a file's name goes its number of links does, and each is a notice: are they these two? */
static bool is_unlink(const struct fan_event *links, const struct fan_event *name)
{
        return links->mask == FAN_ATTRIB && !links->at.present && name->mask == FAN_DELETE &&
               name->at.present && links->pid == name->pid && same_child(links, name);
}

static void drop_event(struct fan_event *e)
{
        if (e && e->pidfd_state == FAN_PIDFD_OPEN)
                close(e->pidfd);
}

static int take_buffer(struct watch *w, unsigned group, struct span s)
{
        struct fan_event some[3], *links = NULL; /* what is taken, before and after it */
        struct err err;
        int rc = fan_next(&s, &some[0], &err), failed = 0;

        /* After a failure the rest is still read, for the descriptors in it. */
        for (unsigned i = 0; rc > 0; i = (i + 1) % ARRAY_LEN(some)) {
                struct fan_event *e = &some[i], *next = &some[(i + 1) % ARRAY_LEN(some)];

                rc = fan_next(&s, next, &err);
                if (rc > 0 && group == GROUP_MAIN && is_unlink(e, next)) {
                        links = e;
                        continue;
                }
                if (failed == 0)
                        failed = take_event(w, group, e, links);
                drop_event(e);
                drop_event(links);
                links = NULL;
        }
        who_batch_end(w->who);
        return failed < 0 ? failed : rc;
}

/* As watch_read(), of one group. */
static int read_group(struct watch *w, unsigned group, unsigned buffers)
{
        for (unsigned i = 0; i < buffers; i++) {
                ssize_t n;
                int rc;

                who_reading(w->who);
                n = read(w->group[group].fd, w->buf, sizeof w->buf);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno != EAGAIN)
                        return -errno;
                who_read(w->who, &w->quiet_ns[group], n > 0);
                if (n <= 0)
                        return 0;
                rc = take_buffer(w, group, span_of(w->buf, (size_t)n));
                if (rc < 0)
                        return rc;
                if ((size_t)n < sizeof w->buf - FAN_EVENT_MAX) {
                        who_read(w->who, &w->quiet_ns[group], false);
                        return 0; /* one more would have found room: it was the last */
                }
        }
        return 1;
}

/* What the second reader has taken came before what waits in the kernel now. */
static int read_relief(struct watch *w, unsigned buffers)
{
        struct span bytes;
        unsigned group;
        int rc = 0;

        for (unsigned i = 0; i < buffers && rc == 0 && relief_next(w, &group, &bytes); i++) {
                who_reading(w->who);
                who_read(w->who, &w->quiet_ns[group], true);
                rc = take_buffer(w, group, bytes);
                relief_drop(w);
        }
        return rc;
}

int watch_read(struct watch *w, unsigned buffers)
{
        int more = 0;

        if (watch_waits(w)) {
                int rc = read_relief(w, buffers);

                return rc < 0 ? rc : 1;
        }

        for (unsigned i = 0; i < w->n_groups; i++) {
                bool used = w->group[i].fd >= 0 && (i != GROUP_LINKS || w->counts.links);
                int rc = used ? read_group(w, i, buffers) : 0;

                if (rc < 0)
                        return rc;
                more |= rc;
        }
        watch_rest(w);
        return more;
}
