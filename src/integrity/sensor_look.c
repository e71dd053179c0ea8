/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor_priv.h"
#include "integrity/sensor_restore.h"

#include "loop/log.h"
#include "sys/dirwalk.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <unistd.h>

enum look_result {
        LOOK_DONE,
        LOOK_MORE,  /* the same as look_forget() says: there is more to be told of this place */
        LOOK_TAKEN, /* the place waits or is read elsewhere */
        LOOK_LATER, /* not now */
};

enum {
        LATER_MS = 20,
        GONE_MS = 50,
        HELD_MS = 3,
        PATH_DEEP = 1 << 19, /* as in scan.c: a directory below this is not entered */
};

int look_init(struct sensor *s, struct err *err)
{
        for (size_t i = 0; i < DIR_FDS; i++)
                s->dir_fd[i].fd = -1;
        for (size_t i = 0; i < LOOK_JOBS; i++) {
                struct look_job *j = &s->look[i];
                int rc = observer_new(&j->observer, err);

                if (rc < 0)
                        return rc;
                j->sensor = s;
                j->dirfd = -1;
                j->encoded = BUF_INIT(RECORD_MAX);
                j->next_free = s->free_look;
                s->free_look = j;
        }
        return observer_new(&s->observer, err);
}

void look_done(struct sensor *s)
{
        for (size_t i = 0; i < DIR_FDS; i++)
                if (s->dir_fd[i].fd >= 0)
                        fd_close(&s->dir_fd[i].fd);
        for (size_t i = 0; i < LOOK_JOBS; i++) {
                if (s->look[i].place) {
                        dirty_place_free(s->dirty, s->look[i].place);
                        fd_close(&s->look[i].dirfd);
                }
                observer_free(s->look[i].observer);
                buf_done(&s->look[i].encoded);
        }
        observer_free(s->observer);
}

struct table_node *look_nth(struct sensor *s, const struct table_handle *h, unsigned i)
{
        struct table_node *n = table_by_handle(s->table, h, NULL);

        while (n && i--)
                n = table_by_handle(s->table, h, n);
        return n;
}

static void put_back(struct sensor *s, struct dirty_place *p, int64_t ms)
{
        int64_t now = sensor_mono(s);

        dirty_put_back(s->dirty, p, now, now + ms * NS_PER_MS);
}

bool look_watched(struct sensor *s, struct table_node *dir, struct span name)
{
        buf_clear(&s->path);
        table_path(dir, &s->path);
        if (s->path.n > 1)
                buf_put_byte(&s->path, '/');
        buf_put(&s->path, name);
        return buf_status(&s->path) == 0 && watchset_covers(s->o.watch, buf_span(&s->path));
}

/* ---- places from events ---- */

int look_at(struct sensor *s, const struct table_handle *dir, struct span name, unsigned what,
            struct who *who, int64_t delay_ns)
{
        int64_t now = sensor_mono(s), wall = sensor_wall(s);
        int rc = dirty_add(s->dirty, dir, name, what, who, wall, now, now + delay_ns);

        if (rc != -ENOSPC)
                return rc;
        scan_want(s, LOSS_QUEUE, wall, wall); /* what found no room is found by a scan */
        return 0;
}

/* What the kernel told, in our words. */
static unsigned what_of(uint64_t mask)
{
        static const struct {
                uint64_t mask;
                unsigned what;
        } map[] = {
                { FAN_CREATE, DIRTY_CONTENT | DIRTY_CREATED },
                { FAN_MODIFY, DIRTY_CONTENT | DIRTY_WRITTEN },
                { FAN_CLOSE_WRITE, DIRTY_CONTENT | DIRTY_ENDED },
                { FAN_ATTRIB, DIRTY_STATE | DIRTY_CHANGED },
                { FAN_MOVED_TO, DIRTY_CONTENT | DIRTY_TREE | DIRTY_CAME },
                { FAN_MOVED_FROM, DIRTY_STATE | DIRTY_LEFT },
                { FAN_DELETE, DIRTY_STATE | DIRTY_DELETED },
                { FAN_ONDIR, DIRTY_DIRECTORY },
        };
        unsigned what = 0;

        for (size_t i = 0; i < ARRAY_LEN(map); i++)
                what |= mask & map[i].mask ? map[i].what : 0;
        return what;
}

/* A directory was created: know it at once, so that what happens in it is understood even when it
 * is gone before it is looked at. */
static int know_early(struct sensor *s, const struct table_handle *dir, struct span name,
                      const struct table_handle *child)
{
        struct table_node *up = table_by_handle(s->table, dir, NULL), *n;

        if (!up || table_by_handle(s->table, child, NULL))
                return 0;
        n = table_child(s->table, up, name);
        if (n ? n->record || n->mark : !look_watched(s, up, name))
                return 0;
        n = table_make_child(s->table, up, name);
        if (!n)
                return -ENOMEM;
        n->mark |= TABLE_NEW;
        return table_set_handle(s->table, n, child);
}

int look_touched(void *ctx, const struct table_handle *dir, struct span name, uint64_t mask,
                 const struct table_handle *child, struct who *who)
{
        struct sensor *s = ctx;
        unsigned what = what_of(mask);
        int64_t delay = 0;
        int rc = 0;

        if (mask & FAN_CREATE && mask & FAN_ONDIR && child && name.n)
                rc = know_early(s, dir, name, child);
        if (rc < 0)
                return rc;
        if (mask & (FAN_CREATE | FAN_MODIFY) &&
            !(mask & ~(uint64_t)(FAN_CREATE | FAN_MODIFY | FAN_ATTRIB))) {
                /* Begun and perhaps not ended: wait for the close, but not for ever.  A new one is
                 * looked at to see whether it is a file at all.  A mode set meanwhile may be in the
                 * same notice. */
                what |= mask & FAN_MODIFY ? DIRTY_WRITING : DIRTY_BEGUN;
                delay = mask & FAN_MODIFY ? SETTLE_WRITE_MS * NS_PER_MS : 0;
        }
        return look_at(s, dir, name, what, who, delay);
}

/* ---- descriptors of directories ---- */

void look_rest(struct sensor *s)
{
        for (size_t i = 0; i < DIR_FDS; i++)
                if (s->dir_fd[i].fd >= 0)
                        fd_close(&s->dir_fd[i].fd);
        watch_rest(s->watch);
}

/* By its path, where a filesystem opens nothing by handle: it must be the same directory still. */
static int open_by_path(struct sensor *s, const struct table_node *dir,
                        const struct table_handle *h)
{
        struct table_handle is;
        int fd;

        buf_clear(&s->path2);
        table_path(dir, &s->path2);
        if (buf_status(&s->path2) < 0)
                return buf_status(&s->path2);
        fd = observe_open_dir(buf_span(&s->path2));
        if (fd < 0 || h->n == 0)
                return fd;
        if (observe_handle(fd, &is) == 0 && table_handle_eq(&is, h))
                return fd;
        close(fd);
        return -ESTALE;
}

int look_dir(struct sensor *s, const struct table_node *dir)
{
        struct table_handle h;
        struct dir_fd *d;
        int fd = -EOPNOTSUPP;

        if (!table_handle_of(dir, &h))
                h.n = 0;
        for (size_t i = 0; i < DIR_FDS && h.n; i++) {
                d = &s->dir_fd[i];
                if (d->fd >= 0 && table_handle_eq(&d->dir, &h))
                        return d->fd;
        }
        if (h.n)
                fd = watch_open(s->watch, &h);
        if (fd == -EOPNOTSUPP)
                fd = open_by_path(s, dir, &h);
        if (fd < 0)
                return fd;
        d = &s->dir_fd[s->next_dir_fd++ % DIR_FDS];
        if (d->fd >= 0)
                fd_close(&d->fd);
        *d = (struct dir_fd){ .dir = h, .fd = fd };
        return fd;
}

/* ---- files with several names ---- */

/* Their number of names has changed at one of them: so it has at the others. */
int look_siblings(struct sensor *s, const struct record *r, const struct table_node *but,
                  struct who *who)
{
        struct table_node *n = table_by_inode(s->table, r->dev, r->ino, NULL);
        struct table_handle dir;
        int rc = 0;

        for (; n && rc == 0; n = table_by_inode(s->table, r->dev, r->ino, n))
                if (n != but && table_handle_of(n->parent, &dir) &&
                    !dirty_has(s->dirty, &dir, table_name(n)))
                        rc = look_at(s, &dir, table_name(n), DIRTY_CHECK, who, 0);
        return rc;
}

/* ---- gone ---- */

static int tell_gone(struct sensor *s, struct table_node *n, const char *seen, struct who *who,
                     int64_t wall_ns)
{
        struct record was;
        int rc;

        buf_clear(&s->path);
        table_path(n, &s->path);
        buf_clear(&s->ops);
        journal_op_put(&s->ops, JOURNAL_DROP, buf_span(&s->path), SPAN_NONE);
        rc = record_decode(table_record(n), &was, NULL);
        if (rc == 0)
                rc = buf_status(&s->path) < 0 ? buf_status(&s->path) : buf_status(&s->ops);
        if (rc == 0)
                rc = tell_change(
                        s,
                        &(struct change){ .wall_ns = wall_ns,
                                          .path = buf_span(&s->path),
                                          .profile =
                                                  watchset_profile(s->o.watch, buf_span(&s->path)),
                                          .was = &was,
                                          .seen = seen,
                                          .who = who,
                                          .unknown = "seen by a scan, not as it happened" },
                        buf_span(&s->ops));
        n->mark &= (uint8_t)~TABLE_OWED;
        if (rc == 0 && was.type != RECORD_DIR && was.nlink > 1)
                rc = look_siblings(s, &was, n, who);
        if (rc == 0)
                table_drop_record(s->table, n);
        return rc;
}

/* Deepest first, so that a directory is told after what was in it; below top, and top last. */
static struct table_node *next_gone(struct table_node *top, struct table_node *n)
{
        if (n == top)
                return NULL;
        return n->next ? table_deepest(n->next) : n->parent;
}

int look_forget(struct sensor *s, struct table_node *n, const char *seen, struct who *who,
                int64_t wall_ns)
{
        struct table_node *x = table_deepest(n), *next;
        int rc = 0, told = 0;

        for (; x && rc == 0; x = next) {
                next = next_gone(n, x);
                if (!x->record)
                        continue;
                if (told++ == FORGET_BUDGET)
                        return LOOK_MORE;
                rc = tell_gone(s, x, seen, who, wall_ns); /* may take x away, never next */
        }
        return rc;
}

/* A directory that was known early is none after all. */
static int forget_new(struct sensor *s, struct table_node *n)
{
        int rc = table_set_handle(s->table, n, NULL);

        n->mark &= (uint8_t)~TABLE_NEW;
        table_drop_record(s->table, n);
        return rc;
}

/* Made and gone again before it could be read: what the kernel told of it is all there is. */
static int tell_passed(struct sensor *s, struct table_node *dir, struct span name,
                       const struct dirty_place *p)
{
        struct change c = { .wall_ns = p->wall_ns,
                            .passed = p->what,
                            .seen = "live",
                            .who = p->by[0],
                            .also = p->by + 1,
                            .unknown = "no event named a process" };

        if (!look_watched(s, dir, name)) /* puts the path into s->path */
                return 0;
        c.path = buf_span(&s->path);
        c.profile = watchset_profile(s->o.watch, c.path);
        return tell_change(s, &c, SPAN_NONE);
}

/* Nothing is there, and nothing was known to be.  enum look_result or a negative errno. */
static int not_there(struct sensor *s, struct table_node *dir, struct span name,
                     struct dirty_place *p)
{
        struct table_node *n = table_child(s->table, dir, name);
        bool came = p->what & (DIRTY_CREATED | DIRTY_CAME);
        int rc = 0;

        if (came && !(p->what & (DIRTY_DELETED | DIRTY_LEFT)) && p->tries++ == 0) {
                put_back(s, p, GONE_MS); /* how it ended waits in the kernel's queue */
                return LOOK_TAKEN;
        }
        if (came)
                rc = tell_passed(s, dir, name, p);
        if (rc < 0 || !n || n->record || !(n->mark & TABLE_NEW))
                return rc;
        if (came) { /* what happened in it is still to be looked at, and needs its path */
                p->what = DIRTY_BURY;
                put_back(s, p, GONE_MS);
                return LOOK_TAKEN;
        }
        return forget_new(s, n);
}

/* ---- a directory that is new here ---- */

/* Is this name in the directory watched, or may it lead to what is? */
static bool wanted(struct sensor *s, const struct watch_at *dir, struct span name)
{
        struct watch_at at;

        watch_at_name(s->o.watch, dir, name, &at);
        return watch_at_rule(s->o.watch, &at) || watch_at_leads(s->o.watch, &at);
}

/* Found in a directory that who made.  An event has told already who touched it?  Then it was they.
 */
static int look_listed(struct sensor *s, const struct table_handle *dir, struct span name,
                       struct who *who)
{
        bool told = dirty_has(s->dirty, dir, name);

        return look_at(s, dir, name, DIRTY_CONTENT | DIRTY_TREE | DIRTY_BEGUN, told ? NULL : who,
                       0);
}

int look_enter(struct sensor *s, struct table_node *n, struct who *who)
{
        CLEANUP_FD int fd = -1;
        struct watch_at at;
        struct dir_reader *r;
        struct table_handle h;
        struct dir_entry e;
        struct err err = { 0 };
        int rc;

        buf_clear(&s->path2);
        table_path(n, &s->path2);
        if (buf_status(&s->path2) < 0 || s->path2.n > PATH_DEEP) {
                log_event(LOG_LEVEL_WARNING, "sensor.too_deep", log_u64("bytes", s->path2.n));
                return 0;
        }
        fd = observe_open_dir(buf_span(&s->path2));
        if (fd < 0)
                return 0; /* gone again, or closed to us: its own state was told */
        rc = watch_filesystem(s->watch, fd, buf_span(&s->path2), &err);
        if (rc <= 0)
                return rc == -ENOSPC ? 0 : rc;
        if (observe_handle(fd, &h) < 0)
                return 0;
        rc = table_set_handle(s->table, n, &h);
        if (rc == 0)
                rc = watch_directory(s->watch, &h, fd);
        if (rc < 0)
                return rc;
        /* What is known below it may belong to a directory that was here before. */
        for (struct table_node *c = n->child; c && rc == 0; c = c->next)
                rc = look_listed(s, &h, table_name(c), who);
        r = malloc(sizeof *r);
        if (!r)
                return -ENOMEM;
        dir_reader_init(r, fd);
        watch_at_path(s->o.watch, buf_span(&s->path2), &at);
        while (rc == 0 && (rc = dir_read(r, &e)) > 0)
                rc = wanted(s, &at, span_of(e.name, e.name_n))
                             ? look_listed(s, &h, span_of(e.name, e.name_n), who)
                             : 0;
        free(r);
        if (rc == -ENOENT) /* removed while it was listed */
                rc = 0;
        return rc;
}

/* ---- what is there, against what was known ---- */

static int make_ops(struct sensor *s, struct span encoded)
{
        buf_clear(&s->ops);
        journal_op_put(&s->ops, JOURNAL_SET, buf_span(&s->path), encoded);
        return buf_status(&s->ops);
}

/* s->path is the place.  was may be NULL. */
static int tell_state(struct sensor *s, struct table_node *n, struct span encoded,
                      const struct record *was, const struct record *is,
                      const struct dirty_place *p)
{
        struct change c = { .wall_ns = p->wall_ns,
                            .path = buf_span(&s->path),
                            .profile = watchset_profile(s->o.watch, buf_span(&s->path)),
                            .existed = n->mark & TABLE_OWED,
                            .was = was,
                            .is = is,
                            .seen = "live",
                            .who = p->by[0],
                            .also = p->by + 1,
                            .unknown = "no event named a process" };
        int rc = make_ops(s, encoded);

        /* Owed: told even when no more than its ctime says that something happened. */
        if (rc == 0 && (!was || c.existed || change_differs(&c)) && !deny_expects(s, &c))
                rc = tell_change(s, &c, buf_span(&s->ops));
        else if (rc == 0)
                rc = tell_silent(s, buf_span(&s->ops));
        if (rc == 0)
                rc = table_set_record(s->table, n, encoded);
        if (rc == 0)
                guard_note(s, n);
        return rc;
}

/* As look_forget(), without n itself. */
static int forget_below(struct sensor *s, struct table_node *n, const struct dirty_place *p)
{
        struct table_node *c, *next;
        int rc = 0;

        for (c = n->child; c && rc == 0; c = next) {
                next = c->next;
                rc = look_forget(s, c, "live", p->by[0], p->wall_ns);
        }
        return rc;
}

/* Mark a watched file that has other names.  What is read of it before it is marked may be old. */
int look_linked(struct sensor *s, struct table_node *n)
{
        char text[TABLE_NAME_MAX + 1];
        struct table_handle file, dir;
        int rc;

        if (table_handle_marked(n) || !table_handle_of(n, &file) ||
            !table_handle_of(n->parent, &dir))
                return 0;
        rc = look_dir(s, n->parent);
        if (rc < 0)
                return 0; /* its own event leads here again */
        memcpy(text, n->name, n->name_n);
        text[n->name_n] = '\0';
        rc = watch_linked(s->watch, &file, rc, text);
        if (rc < 0)
                return rc == -ENOMEM ? rc : 0;
        table_handle_mark(n);
        return look_at(s, &dir, table_name(n), DIRTY_CHECK, NULL, 0);
}

/* The names that the old file and the new one have besides this. */
static int look_at_siblings(struct sensor *s, const struct table_node *n, const struct record *was,
                            const struct record *is, struct who *who)
{
        bool same = was && record_same_file(was, is);
        int rc = 0;

        if (was && !same && was->type != RECORD_DIR && was->nlink > 1)
                rc = look_siblings(s, was, n, who);
        if (rc == 0 && is->type != RECORD_DIR && is->nlink != (same ? was->nlink : 1))
                rc = look_siblings(s, is, n, who);
        return rc;
}

/* The place holds this now.  1: there is more to be told first. */
static int take_state(struct sensor *s, struct table_node *dir, struct span name,
                      struct span encoded, const struct table_handle *h,
                      const struct dirty_place *p)
{
        struct table_node *n = table_make_child(s->table, dir, name);
        struct record is, was;
        bool known, enter;
        int rc;

        if (!n || record_decode(encoded, &is, NULL) < 0)
                return -ENOMEM;
        known = n->record_n > 0;
        if (known && record_decode(table_record(n), &was, NULL) < 0)
                return -EBADMSG;
        enter = is.type == RECORD_DIR &&
                (!known || !record_same_file(&was, &is) || p->what & DIRTY_TREE || !n->handle);
        if (known && was.type == RECORD_DIR && is.type != RECORD_DIR) {
                rc = forget_below(s, n, p); /* the directory went, and with it what was below */
                if (rc != 0)
                        return rc;
        }
        buf_clear(&s->path);
        table_path(n, &s->path);
        if (!known || !span_eq(encoded, table_record(n)))
                rc = tell_state(s, n, encoded, known ? &was : NULL, &is, p);
        else if (n->mark & TABLE_OWED)
                rc = tell_state(s, n, encoded, NULL, &is, p);
        else
                rc = 0;
        n->mark &= (uint8_t) ~(TABLE_NEW | TABLE_OWED);
        if (rc == 0)
                rc = look_at_siblings(s, n, known ? &was : NULL, &is, p->by[0]);
        if (rc == 0 && is.type != RECORD_DIR)
                rc = table_keep_handle(s->table, n, h, known && record_same_file(&was, &is));
        if (rc == 0 && is.type != RECORD_DIR && h->n)
                rc = look_linked(s, n);
        if (rc == 0 && enter)
                rc = look_enter(s, n, p->by[0]);
        return rc;
}

/* enum look_result or a negative errno. */
static int take_look(struct sensor *s, struct table_node *dir, struct span name, int error,
                     struct span encoded, const struct table_handle *h, struct dirty_place *p)
{
        struct table_node *n;

        if (error == 0)
                return take_state(s, dir, name, encoded, h, p);
        if (error == -EMFILE || error == -ENFILE || error == -ENOMEM)
                return LOOK_LATER;
        if (error != -ENOENT && error != -ESTALE && error != -ENOTDIR) {
                log_event(LOG_LEVEL_WARNING, "sensor.unreadable", log_bytes("name", name),
                          log_int("error", error));
                return 0;
        }
        n = table_child(s->table, dir, name);
        if (n && n->record)
                return look_forget(s, n, "live", p->by[0], p->wall_ns);
        return not_there(s, dir, name, p);
}

/* ---- looking ---- */

/* Another look at this place is on its way: NULL when none is. */
static struct look_job *in_flight(struct sensor *s, const struct table_handle *dir,
                                  struct span name)
{
        for (size_t i = 0; i < LOOK_JOBS; i++) {
                const struct dirty_place *p = s->look[i].place;

                if (p && !s->look[i].stale && span_eq(span_of(p->name, p->name_n), name) &&
                    table_handle_eq(&p->dir->h, dir))
                        return &s->look[i];
        }
        return NULL;
}

int look_renamed(struct sensor *s, const struct table_handle *from_dir, struct span from,
                 const struct table_handle *to_dir, struct span to)
{
        struct look_job *j = in_flight(s, to_dir, to);
        int rc = 0;

        if (j)
                j->stale = true;
        j = in_flight(s, from_dir, from);
        if (!j)
                return 0;
        j->stale = true;
        for (size_t i = DIRTY_AUTHORS; i-- > 0 && rc == 0;) /* the latest comes last */
                if (j->place->by[i] || i == 0)
                        rc = look_at(s, to_dir, to, j->place->what, j->place->by[i], 0);
        return rc;
}

bool look_in_flight(struct sensor *s, struct span path)
{
        for (size_t i = 0; i < LOOK_JOBS; i++) {
                const struct dirty_place *p = s->look[i].place;
                struct table_node *dir = p ? look_nth(s, &p->dir->h, 0) : NULL;

                if (!dir)
                        continue;
                buf_clear(&s->path2);
                table_path(dir, &s->path2);
                buf_put_byte(&s->path2, '/');
                buf_put(&s->path2, span_of(p->name, p->name_n));
                if (buf_status(&s->path2) < 0 || path_within(buf_span(&s->path2), path))
                        return true;
        }
        return false;
}

/* It kept changing under the reader: once more later, and in the end without a hash. */
static bool still_changing(struct span encoded, struct dirty_place *p)
{
        struct record r;

        return record_decode(encoded, &r, NULL) == 0 && r.reason == RECORD_REASON_CHANGING &&
               p->tries++ < CHANGING_TRIES;
}

static void job_run(struct pool_job *pj)
{
        struct look_job *j = CONTAINER_OF(pj, struct look_job, job);
        struct record r;

        j->rc = observe(j->observer, j->dirfd, (char *)j->place->name, &r, &j->handle);
        buf_clear(&j->encoded);
        if (j->rc == 0)
                record_encode(&r, &j->encoded);
        if (j->rc == 0)
                j->rc = buf_status(&j->encoded);
}

static void job_done(struct pool_job *pj)
{
        struct look_job *j = CONTAINER_OF(pj, struct look_job, job);
        struct sensor *s = j->sensor;
        struct dirty_place *p = j->place;
        struct table_node *dir;
        int rc = 0;

        j->place = NULL;
        fd_close(&j->dirfd);
        j->next_free = s->free_look;
        s->free_look = j;
        if (j->stale) {
                dirty_place_free(s->dirty, p);
                return;
        }
        if (s->phase != SENSOR_LIVE || (j->rc == 0 && still_changing(buf_span(&j->encoded), p))) {
                put_back(s, p, CHANGING_MS);
                return;
        }
        for (unsigned i = 0; (dir = look_nth(s, &p->dir->h, i)) && rc == 0; i++)
                rc = take_look(s, dir, span_of(p->name, p->name_n), j->rc, buf_span(&j->encoded),
                               &j->handle, p);
        if (rc == LOOK_MORE || rc == LOOK_LATER)
                put_back(s, p, rc == LOOK_LATER ? LATER_MS : 0);
        else if (rc != LOOK_TAKEN)
                dirty_place_free(s->dirty, p);
        if (rc < 0)
                s->failed = rc;
}

/* Takes p on success.  -EAGAIN: all are busy. */
static int look_by_job(struct sensor *s, int dirfd, struct dirty_place *p)
{
        struct look_job *j = s->free_look;
        int rc;

        if (!j)
                return -EAGAIN;
        j->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
        if (j->dirfd < 0)
                return -errno;
        s->free_look = j->next_free;
        j->place = p;
        j->stale = false;
        j->job = (struct pool_job){ .run = job_run, .done = job_done };
        rc = pool_submit(s->o.pool, &j->job);
        if (rc < 0) {
                fd_close(&j->dirfd);
                j->place = NULL;
                j->next_free = s->free_look;
                s->free_look = j;
        }
        return rc;
}

/* Of the directory with this name: a negative errno when there is none. */
static int dir_handle(int dirfd, const char *name, struct table_handle *ret)
{
        CLEANUP_FD int fd =
                openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (observe_handle(fd, ret) < 0)
                ret->n = 0;
        return 0;
}

static bool same_handle(const struct table_node *n, const struct table_handle *h)
{
        struct table_handle is;

        return table_handle_of(n, &is) && table_handle_eq(&is, h);
}

/* A name that is not watched and was seen to change: s->path.  What is below it may be. */
static int look_way(struct sensor *s, struct table_node *dir, struct span name,
                    const struct dirty_place *p)
{
        struct table_node *n = table_child(s->table, dir, name);
        char text[TABLE_NAME_MAX + 1];
        struct table_handle h;
        int fd, rc;

        if (n && n->mark & TABLE_ABOVE && !n->record) {
                scan_want(s, LOSS_MOUNTS, p->wall_ns, p->wall_ns);
                return 0;
        }
        if (!watchset_leads(s->o.watch, buf_span(&s->path)))
                return 0;
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        fd = look_dir(s, dir);
        rc = fd < 0 ? fd : dir_handle(fd, text, &h);
        if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM)
                return LOOK_LATER;
        if (rc < 0) {
                rc = n ? forget_below(s, n, p) : 0;
                if (rc == 0 && n) {
                        n->mark &= (uint8_t)~TABLE_WAY;
                        table_drop_record(s->table, n);
                }
                return rc;
        }
        if (n && n->mark & TABLE_WAY && !(p->what & DIRTY_TREE) && same_handle(n, &h))
                return 0; /* what is in it has events of its own */
        n = table_make_child(s->table, dir, name);
        if (!n)
                return -ENOMEM;
        n->mark |= TABLE_WAY;
        return look_enter(s, n, p->by[0]);
}

/* How long a file may be left alone that is thought to be written still. */
static int64_t patience_ms(const struct record *r, unsigned what)
{
        if (r->type != RECORD_FILE)
                return 0;
        if (what & DIRTY_WRITING)
                return SETTLE_WRITE_MS +
                       (r->size > INLINE_BYTES ? (int64_t)(r->size / SETTLE_BYTES_PER_MS) : 0);
        if (!(what & DIRTY_BEGUN) || r->nlink > 1)
                return 0;
        return r->size ? SETTLE_CREATE_MS : SETTLE_WRITE_MS; /* what is open will be written */
}

/* What stat() shows is what was known: nothing to read. */
static bool is_unchanged(struct sensor *s, struct table_node *dir, struct span name,
                         const struct record *is)
{
        struct table_node *n = table_child(s->table, dir, name);
        struct record was;

        return n && n->record && record_decode(table_record(n), &was, NULL) == 0 &&
               record_same_stat(&was, is);
}

static int read_place(struct sensor *s, struct table_node *dir, struct span name, int fd,
                      struct dirty_place *p)
{
        char text[TABLE_NAME_MAX + 1];
        struct table_handle h = { .n = 0 };
        struct record r;
        int rc;

        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        rc = observe(s->observer, fd, text, &r, &h);
        buf_clear(&s->encoded);
        if (rc == 0)
                record_encode(&r, &s->encoded);
        if (buf_status(&s->encoded) < 0)
                return -ENOMEM;
        if (rc == 0 && still_changing(buf_span(&s->encoded), p)) {
                put_back(s, p, CHANGING_MS);
                return LOOK_TAKEN;
        }
        return take_look(s, dir, name, rc, buf_span(&s->encoded), &h, p);
}

/* Look at a name in one directory: enum look_result or a negative errno. */
static int look_name(struct sensor *s, struct table_node *dir, struct span name,
                     struct dirty_place *p)
{
        char text[TABLE_NAME_MAX + 1];
        struct table_handle h = { .n = 0 };
        int64_t waited = (sensor_mono(s) - p->since_ns) / NS_PER_MS, patience;
        struct record r;
        int fd, rc;

        if (!look_watched(s, dir, name))
                return look_way(s, dir, name, p);
        if (restore_holds(
                    s, buf_span(&s->path))) { /* it is not what it was, nor yet what it will be */
                put_back(s, p, HELD_MS);
                return LOOK_TAKEN;
        }
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        fd = look_dir(s, dir);
        rc = fd < 0 ? fd : observe_stat(fd, text, &r, &h);
        if (rc < 0)
                return take_look(s, dir, name, rc, SPAN_NONE, &h, p);
        patience = patience_ms(&r, p->what);
        if (waited < patience) {
                put_back(s, p, patience - waited);
                return LOOK_TAKEN;
        }
        if (p->what == DIRTY_CHECK && is_unchanged(s, dir, name, &r))
                return 0;
        /* A name of the directory itself has no place of its own: read it here. */
        if (r.type == RECORD_FILE && r.size > INLINE_BYTES && p->name_n) {
                rc = look_by_job(s, fd, p);
                return rc == 0 ? LOOK_TAKEN : rc == -EAGAIN ? LOOK_LATER : rc;
        }
        return read_place(s, dir, name, fd, p);
}

static int look_place(struct sensor *s, struct dirty_place *p)
{
        struct table_node *dir;
        int rc = 0;

        if (in_flight(s, &p->dir->h, span_of(p->name, p->name_n))) {
                put_back(s, p, 2);
                return 0;
        }
        if (package_holds(s, p))
                return 0;
        for (unsigned i = 0; rc == 0 && (dir = look_nth(s, &p->dir->h, i)); i++) {
                uint8_t own[TABLE_NAME_MAX];
                struct span name = span_of(p->name, p->name_n);

                if (p->name_n == 0 && !dir->parent)
                        continue;
                if (p->name_n == 0) { /* the directory itself: a name in its parent */
                        memcpy(own, dir->name, dir->name_n);
                        name = span_of(own, dir->name_n);
                        dir = dir->parent;
                }
                rc = look_name(s, dir, name, p);
        }
        if (rc == LOOK_MORE || rc == LOOK_LATER)
                put_back(s, p, rc == LOOK_LATER ? LATER_MS : 0);
        else if (rc != LOOK_TAKEN)
                dirty_place_free(s->dirty, p);
        return MIN_OF(rc, 0);
}

int look_some(struct sensor *s)
{
        struct dirty_place *p;
        int rc = 0;

        for (int i = 0; i < LOOK_BUDGET && rc == 0 && out_room(s); i++) {
                p = dirty_take(s->dirty, sensor_mono(s));
                if (!p)
                        break;
                rc = look_place(s, p);
        }
        look_rest(s);
        return rc;
}
