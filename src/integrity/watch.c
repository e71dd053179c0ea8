/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watch.h"

#include "integrity/observe.h"
#include "integrity/who.h"
#include "sys/fan.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        OUTSIDE_SLOTS = 16384, /* a power of two */
        OUTSIDE_HANDLE = 24,   /* longer handles are resolved each time */
        LINK_BYTES = 8192,
        PATH_BYTES = 1 << 20,
};

/* A directory known to be of no interest.  Direct mapped: a newer one takes the place. */
struct outside {
        uint64_t fsid;
        int32_t type;
        uint8_t n; /* 0: free */
        uint8_t b[OUTSIDE_HANDLE];
};

struct watch {
        struct fan_group group;
        struct table *table;
        const struct watchset *set;
        struct who_cache *who;
        const struct watch_ops *ops;
        void *ctx;
        pid_t self;
        struct watch_fs fs[WATCH_FS_MAX];
        size_t n_fs;
        struct watch_counts counts;
        struct buf path; /* scratch */
        struct outside outside[OUTSIDE_SLOTS];
        _Alignas(8) uint8_t buf[FAN_BUFFER];
};

static const uint64_t event_mask = FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MODIFY |
                                   FAN_CLOSE_WRITE | FAN_ATTRIB | FAN_ONDIR;

int watch_new(struct table *t, const struct watchset *set, struct who_cache *who,
              const struct watch_ops *ops, void *ctx, struct watch **ret, struct err *err)
{
        struct watch *w = calloc(1, sizeof *w);
        int rc;

        if (!w)
                return err_set(err, -ENOMEM, "out of memory for watching");
        w->table = t;
        w->set = set;
        w->who = who;
        w->ops = ops;
        w->ctx = ctx;
        w->self = getpid();
        w->path = BUF_INIT(PATH_BYTES);
        rc = fan_open(0, &w->group, err);
        if (rc < 0) {
                free(w);
                return rc;
        }
        *ret = w;
        return 0;
}

struct watch *watch_free(struct watch *w)
{
        if (!w)
                return NULL;
        for (size_t i = 0; i < w->n_fs; i++) {
                fd_close(&w->fs[i].fd);
                free((void *)w->fs[i].path.p);
        }
        fan_close(&w->group);
        buf_done(&w->path);
        free(w);
        return NULL;
}

int watch_fd(const struct watch *w)
{
        return w->group.fd;
}

const struct watch_fs *watch_filesystems(const struct watch *w, size_t *ret_n)
{
        *ret_n = w->n_fs;
        return w->fs;
}

bool watch_polls(const struct watch *w)
{
        for (size_t i = 0; i < w->n_fs; i++)
                if (w->fs[i].scope == WATCH_POLLING)
                        return true;
        return false;
}

struct watch_counts watch_counts(const struct watch *w)
{
        return w->counts;
}

/* ---- marks ---- */

static const struct watch_fs *fs_by_id(const struct watch *w, uint64_t fsid)
{
        for (size_t i = 0; i < w->n_fs; i++)
                if (w->fs[i].fsid == fsid)
                        return &w->fs[i];
        return NULL;
}

static bool refused(int rc)
{
        return rc == -EXDEV || rc == -ENODEV || rc == -EOPNOTSUPP || rc == -EINVAL;
}

int watch_filesystem(struct watch *w, int dirfd, struct span path, struct err *err)
{
        struct watch_fs fs = { .scope = WATCH_FILESYSTEM };
        struct table_handle h;
        uint8_t *copy;
        int rc;

        if (observe_invented(dirfd))
                return 0;
        rc = fs_fsid(dirfd, &fs.fsid);
        if (rc < 0)
                return err_sys(err, rc, "%.*s: no filesystem id", (int)path.n, (char *)path.p);
        if (fs_by_id(w, fs.fsid))
                return 1;
        if (w->n_fs == WATCH_FS_MAX)
                return err_set(err, -ENOSPC, "more than %d filesystems to watch", WATCH_FS_MAX);
        rc = fan_mark(&w->group, FAN_SCOPE_FILESYSTEM, event_mask, dirfd, NULL, err);
        if (refused(rc)) {
                rc = fan_mark(&w->group, FAN_SCOPE_INODE, event_mask | FAN_EVENT_ON_CHILD, dirfd,
                              NULL, err);
                fs.scope = rc < 0 ? WATCH_POLLING : WATCH_INODE;
                rc = refused(rc) ? 0 : rc;
        }
        if (rc < 0)
                return rc;
        if (observe_handle(dirfd, &h) < 0)
                fs.scope = WATCH_POLLING; /* events could not be understood */
        copy = malloc(path.n + 1);
        fs.fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
        if (!copy || fs.fd < 0) {
                free(copy);
                fd_close(&fs.fd);
                return err_set(err, -ENOMEM, "out of memory or descriptors for a filesystem");
        }
        memcpy(copy, path.p, path.n);
        fs.path = span_of(copy, path.n);
        w->fs[w->n_fs++] = fs;
        return 1;
}

int watch_directory(struct watch *w, const struct table_handle *dir, int dirfd)
{
        const struct watch_fs *fs = fs_by_id(w, dir->fsid);
        int rc;

        if (!fs || fs->scope != WATCH_INODE)
                return 0;
        rc = fan_mark(&w->group, FAN_SCOPE_INODE, event_mask | FAN_EVENT_ON_CHILD, dirfd, NULL,
                      NULL);
        return rc < 0 ? rc : 0;
}

int watch_ignore(struct watch *w, const char *path, struct err *err)
{
        return fan_ignore(&w->group, FAN_SCOPE_INODE,
                          FAN_MODIFY | FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE | FAN_ATTRIB |
                                  FAN_EVENT_ON_CHILD | FAN_ONDIR,
                          AT_FDCWD, path, err);
}

int watch_open(struct watch *w, const struct table_handle *h)
{
        const struct watch_fs *fs = fs_by_id(w, h->fsid);
        struct fs_handle fh;
        int rc;

        if (!fs)
                return -ESTALE;
        rc = fs_handle_set(&fh, h->type, span_of(h->b, h->n));
        if (rc < 0)
                return rc;
        return fs_handle_open(fs->fd, &fh, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
}

/* ---- inside or outside ---- */

static struct outside *slot_of(struct watch *w, const struct table_handle *h)
{
        uint64_t x = h->fsid + (uint32_t)h->type;

        for (size_t i = 0; i < h->n; i++)
                x = (x ^ h->b[i]) * 0x100000001b3ULL;
        x ^= x >> 31;
        return &w->outside[x & (OUTSIDE_SLOTS - 1)];
}

static bool is_outside(struct watch *w, const struct table_handle *h)
{
        const struct outside *o = slot_of(w, h);

        return o->n == h->n && o->n && o->fsid == h->fsid && o->type == h->type &&
               memcmp(o->b, h->b, h->n) == 0;
}

static void remember_outside(struct watch *w, const struct table_handle *h)
{
        struct outside *o = slot_of(w, h);

        if (h->n > OUTSIDE_HANDLE)
                return;
        *o = (struct outside){ .fsid = h->fsid, .type = h->type, .n = h->n };
        memcpy(o->b, h->b, h->n);
}

/* The nearest directory above path that the table knows by handle, and the part of path below it.
 */
static struct table_node *known_above(struct watch *w, struct span path, struct span *ret_below)
{
        struct table_node *n = table_root(w->table), *best = NULL;
        size_t at = 1;

        while (n) {
                const uint8_t *slash = memchr(path.p + at, '/', path.n - at);
                struct span part =
                        span_of(path.p + at, slash ? (size_t)(slash - path.p) - at : path.n - at);

                if (n->handle) {
                        best = n;
                        *ret_below = part;
                }
                if (part.n == 0 || at + part.n >= path.n)
                        break;
                n = table_child(w->table, n, part);
                at += part.n + 1;
        }
        return best;
}

/* An unknown directory turned up.  1: it is, or is in, something watched that the table has not met
 * yet; what is between is looked at.  0: outside. */
static int resolve(struct watch *w, const struct table_handle *h, struct who *who)
{
        CLEANUP_FD int fd = watch_open(w, h);
        char link[64], path[LINK_BYTES];
        struct table_handle above;
        struct table_node *n;
        struct span below;
        ssize_t len;

        w->counts.resolved++;
        if (fd < 0)
                return 0; /* gone already; or if not, its parent's event leads to it */
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        len = readlink(link, path, sizeof path);
        if (len < 0)
                return errno == ENAMETOOLONG ? 0 : -errno;
        if (len == 0 || path[0] != '/' || len == sizeof path ||
            !(watchset_covers(w->set, span_of(path, (size_t)len)) ||
              watchset_leads(w->set, span_of(path, (size_t)len)))) {
                remember_outside(w, h);
                return 0;
        }
        n = known_above(w, span_of(path, (size_t)len), &below);
        if (n && below.n && below.n <= TABLE_NAME_MAX && table_handle_of(n, &above)) {
                int rc = w->ops->touched(w->ctx, &above, below, FAN_CREATE | FAN_ONDIR, who);

                if (rc < 0)
                        return rc;
        }
        return 1;
}

/* 1: watched, or on the way to something watched. */
static int inside(struct watch *w, const struct table_handle *h)
{
        if (table_by_handle(w->table, h, NULL))
                return 1;
        return is_outside(w, h) ? 0 : -1; /* -1: not known */
}

/* In a directory on the way, only the names on the way count. */
static bool counts_here(struct watch *w, const struct table_handle *h, struct span name)
{
        struct table_node *n = NULL;
        struct watch_at dir, at;

        while ((n = table_by_handle(w->table, h, n))) {
                if (n->record || name.n == 0)
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

/* ---- events ---- */

static void to_handle(uint64_t fsid, const struct fs_handle *from, struct table_handle *ret)
{
        ret->fsid = fsid;
        ret->type = from->type;
        ret->n = (uint8_t)from->n;
        memcpy(ret->b, from->bytes, from->n);
}

static struct who *author(struct watch *w, const struct fan_event *e)
{
        return who_of(w->who, e->pid, e->pidfd_state == FAN_PIDFD_OPEN ? e->pidfd : -1,
                      e->pidfd_state == FAN_PIDFD_GONE);
}

/* A watched name of the file itself, where its directory tells nothing: it has several names, or
 * the event came without a directory. */
static int touch_links(struct watch *w, const struct fan_event *e, struct table_node *n,
                       struct table_node *(*next)(struct watch *, struct table_node *, void *),
                       void *arg)
{
        struct table_handle dir;
        int rc = 0;

        for (; n && rc == 0; n = next(w, n, arg))
                if (n->parent && table_handle_of(n->parent, &dir))
                        rc = w->ops->touched(w->ctx, &dir, table_name(n), e->mask, author(w, e));
        return rc;
}

static struct table_node *next_by_handle(struct watch *w, struct table_node *n, void *arg)
{
        return table_by_handle(w->table, arg, n);
}

static struct table_node *next_by_inode(struct watch *w, struct table_node *n, void *arg)
{
        const struct record *r = arg;

        return table_by_inode(w->table, r->dev, r->ino, n);
}

/* An inode's own event, which names no directory: its link count changed, or it is a directory. */
static int event_on_inode(struct watch *w, const struct fan_event *e)
{
        struct table_handle h;
        const struct watch_fs *fs = fs_by_id(w, e->child_fsid);
        struct record r;
        CLEANUP_FD int fd = -1;

        if (!fs || !e->has_child)
                return 0;
        to_handle(e->child_fsid, &e->child, &h);
        if (table_by_handle(w->table, &h, NULL))
                return touch_links(w, e, table_by_handle(w->table, &h, NULL), next_by_handle, &h);
        fd = fs_handle_open(fs->fd, &e->child, O_PATH | O_NOFOLLOW);
        if (fd < 0)
                return 0; /* gone: the event of the name tells */
        if (observe_stat_fd(fd, &r) < 0)
                return 0;
        return touch_links(w, e, table_by_inode(w->table, r.dev, r.ino, NULL), next_by_inode, &r);
}

static int event_at(struct watch *w, const struct fan_event *e)
{
        struct table_handle h, child;
        struct who *who = NULL;
        int in, rc = 0;

        if (e->has_child && table_file_handles(w->table)) {
                to_handle(e->child_fsid, &e->child, &child);
                rc = touch_links(w, e, table_by_handle(w->table, &child, NULL), next_by_handle,
                                 &child);
        }
        if (rc < 0 || e->at.name.n > TABLE_NAME_MAX)
                return rc;
        to_handle(e->at.fsid, &e->at.dir, &h);
        in = inside(w, &h);
        if (in < 0) {
                who = author(w, e);
                in = resolve(w, &h, who);
                if (in < 0)
                        return in;
        } else if (in > 0 && !counts_here(w, &h, e->at.name)) {
                in = 0;
        }
        if (in == 0) {
                w->counts.outside++;
                return 0;
        }
        return w->ops->touched(w->ctx, &h, e->at.name, e->mask, who ? who : author(w, e));
}

static int event_rename(struct watch *w, const struct fan_event *e)
{
        struct table_handle from, to;
        int in_from, in_to;

        if (!e->old.present || !e->new.present || e->old.name.n > TABLE_NAME_MAX ||
            e->new.name.n > TABLE_NAME_MAX)
                return 0;
        to_handle(e->old.fsid, &e->old.dir, &from);
        to_handle(e->new.fsid, &e->new.dir, &to);
        in_from = inside(w, &from);
        in_to = inside(w, &to);
        if (in_from < 0)
                in_from = resolve(w, &from, author(w, e));
        if (in_to < 0)
                in_to = resolve(w, &to, author(w, e));
        if (in_from < 0 || in_to < 0)
                return MIN_OF(in_from, in_to);
        if (!in_from && !in_to) {
                w->counts.outside++;
                return 0;
        }
        return w->ops->renamed(w->ctx, &from, e->old.name, &to, e->new.name, author(w, e));
}

static int take_event(struct watch *w, const struct fan_event *e)
{
        w->counts.events++;
        if (e->mask & FAN_Q_OVERFLOW) {
                w->counts.overflows++;
                return w->ops->overflow(w->ctx);
        }
        if (e->pid == w->self) {
                w->counts.own++;
                return 0;
        }
        if (e->mask & FAN_RENAME && e->old.present)
                return event_rename(w, e);
        if (e->at.present)
                return event_at(w, e);
        return event_on_inode(w, e);
}

static int take_buffer(struct watch *w, struct span s)
{
        struct fan_event e;
        struct err err;
        int rc, failed = 0;

        /* After a failure the rest is still read, for the descriptors in it. */
        while ((rc = fan_next(&s, &e, &err)) > 0) {
                if (failed == 0)
                        failed = take_event(w, &e);
                if (e.pidfd_state == FAN_PIDFD_OPEN)
                        close(e.pidfd);
        }
        who_batch_end(w->who);
        return failed < 0 ? failed : rc;
}

int watch_read(struct watch *w, unsigned buffers)
{
        for (unsigned i = 0; i < buffers; i++) {
                ssize_t n = read(w->group.fd, w->buf, sizeof w->buf);
                int rc;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                if (n == 0)
                        return 0;
                rc = take_buffer(w, span_of(w->buf, (size_t)n));
                if (rc < 0)
                        return rc;
        }
        return 1;
}
