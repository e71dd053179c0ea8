/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_look.h"
#include "integrity/sensor/sensor_above.h"
#include "integrity/sensor/sensor_restore.h"

#include "sys/io.h"

#include <fcntl.h>
#include <unistd.h>

enum {
        LATER_MS = 20,
        HELD_MS = 3,
};

int look_init(struct sensor *s, struct err *err)
{
        int rc = look_open_init(s, err);

        if (rc < 0)
                return rc;
        for (size_t i = 0; i < DIR_FDS; i++)
                s->dir_fd[i].fd = -1;
        for (size_t i = 0; i < LOOK_JOBS; i++) {
                struct look_job *j = &s->look[i];

                rc = observer_new(&j->observer, err);
                if (rc < 0)
                        return rc;
                observer_set_calls(j->observer, &s->by_worker.calls);
                observer_set_ended(j->observer, &s->ended);
                j->sensor = s;
                j->dirfd = -1;
                j->encoded = BUF_INIT(RECORD_MAX);
                j->next_free = s->free_look;
                s->free_look = j;
        }
        rc = observer_new(&s->observer, err);
        if (rc == 0)
                observer_set_calls(s->observer, &s->by_loop.calls);
        return rc;
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
        s->hands = hands_free(s->hands);
}

struct table_node *look_nth(struct sensor *s, const struct table_handle *h, unsigned i)
{
        struct table_node *n = table_by_handle(s->table, h, NULL);

        while (n && i--)
                n = table_by_handle(s->table, h, n);
        return n;
}

void look_put_back(struct sensor *s, struct dirty_place *p, int64_t ms)
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
        fd = look_open_dir(s, buf_span(&s->path2));
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

bool look_settled(void *ctx, const struct table_handle *dir, struct span name)
{
        struct sensor *s = ctx;

        return s->phase == SENSOR_LIVE && !dirty_has(s->dirty, dir, name) &&
               !in_flight(s, dir, name);
}

bool look_complete(void *ctx)
{
        const struct sensor *s = ctx;

        if (s->phase != SENSOR_LIVE)
                return false;
        for (size_t i = 0; i < LOOK_JOBS; i++)
                if (s->look[i].place) /* what it has read of may be of before the event */
                        return false;
        return true;
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

/* It kept changing under the reader, or its writer kept it: once more later, and in the end without
 * a hash. */
static bool still_changing(struct span encoded, struct dirty_place *p)
{
        struct record r;

        return record_decode(encoded, &r, NULL) == 0 &&
               (r.reason == RECORD_REASON_CHANGING || r.reason == RECORD_REASON_BUSY) &&
               p->tries++ < CHANGING_TRIES;
}

static void job_run(struct pool_job *pj)
{
        struct look_job *j = CONTAINER_OF(pj, struct look_job, job);
        struct record r;

        observer_set_max(j->observer, j->written ? LARGE_BYTES : OBSERVE_HASH_MAX);
        j->rc = observe(j->observer, j->dirfd, (char *)j->place->name, &r, &j->handle);
        if (j->rc == 0 && j->written && r.reason == RECORD_REASON_TOO_LARGE) {
                r.hash = RECORD_HASH_UNREADABLE;
                r.reason = RECORD_REASON_CHANGING;
        }
        buf_clear(&j->encoded);
        if (j->rc == 0)
                record_encode(&r, &j->encoded);
        if (j->rc == 0)
                j->rc = buf_status(&j->encoded);
}

static void leave_job(struct look_job *j)
{
        struct sensor *s = j->sensor;

        j->place = NULL;
        fd_close(&j->dirfd);
        s->large.busy = s->large.busy && !j->large;
        j->next_free = s->free_look;
        s->free_look = j;
}

/* It was told that it is being written, and what is in it then is not known: come back to it. */
static int look_again(struct sensor *s, const struct dirty_place *p)
{
        return look_at(s, &p->dir->h, span_of(p->name, p->name_n), DIRTY_CONTENT | DIRTY_WRITING,
                       p->by[0], SETTLE_WRITE_MS * NS_PER_MS);
}

static void job_done(struct pool_job *pj)
{
        struct look_job *j = CONTAINER_OF(pj, struct look_job, job);
        struct sensor *s = j->sensor;
        struct dirty_place *p = j->place;
        struct table_node *dir;
        int rc = 0;

        leave_job(j);
        if (j->stale) {
                dirty_place_free(s->dirty, p);
                return;
        }
        if (s->phase != SENSOR_LIVE || j->rc == -ECANCELED ||
            (j->rc == 0 && !j->written && still_changing(buf_span(&j->encoded), p))) {
                look_put_back(s, p, CHANGING_MS);
                return;
        }
        if (j->rc == 0 && j->written)
                rc = look_again(s, p);
        for (unsigned i = 0; (dir = look_nth(s, &p->dir->h, i)) && rc == 0; i++)
                rc = look_take(s, dir, span_of(p->name, p->name_n), j->rc, buf_span(&j->encoded),
                               &j->handle, p);
        if (rc == LOOK_MORE || rc == LOOK_LATER)
                look_put_back(s, p, rc == LOOK_LATER ? LATER_MS : 0);
        else if (rc != LOOK_TAKEN)
                dirty_place_free(s->dirty, p);
        if (rc < 0)
                s->failed = rc;
}

/* One large file is read at a time, and the owners of those that wait take turns: what one user
 * keeps the sensor busy with is in nobody else's way. */
static bool large_may(struct sensor *s, uint32_t uid)
{
        int64_t now = sensor_mono(s);

        if (s->large.waits && now > s->large.next_until_ns)
                s->large.waits = false;
        if (!s->large.busy && (!s->large.waits || s->large.next == uid))
                return true;
        if (uid != s->large.uid) {
                s->large.next = s->large.waits ? s->large.next : uid;
                s->large.waits = true;
        }
        if (s->large.busy || s->large.next == uid)
                s->large.next_until_ns = now + LARGE_TURN_MS * NS_PER_MS;
        return false;
}

/* Is it large, and written to right now?  Then it is not read: that could go on for as long as the
 * writer does.  Only the change time tells, and only one that has come: the other is whatever its
 * owner says, and of a year to come it would keep the file unread for ever. */
static bool is_written(struct sensor *s, const struct dirty_place *p, const struct record *is)
{
        int64_t now = sensor_wall(s), lately = SETTLE_WRITE_MS * NS_PER_MS;

        return is->size > LARGE_BYTES && p->what & DIRTY_WRITING && is->ctime_ns > now - lately &&
               is->ctime_ns < now + lately;
}

/* Takes p on success.  -EAGAIN: all are busy. */
static int look_by_job(struct sensor *s, int dirfd, struct dirty_place *p, const struct record *is)
{
        struct look_job *j = s->free_look;
        bool written = is_written(s, p, is);
        bool large = is->size > LARGE_BYTES && is->size <= OBSERVE_HASH_MAX && !written;
        int rc;

        if (!j || (large && !large_may(s, is->uid)))
                return -EAGAIN;
        j->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
        if (j->dirfd < 0)
                return -errno;
        s->free_look = j->next_free;
        j->place = p;
        j->stale = false;
        j->large = large;
        j->written = written;
        j->job = (struct pool_job){ .run = job_run, .done = job_done };
        rc = pool_submit(s->o.pool, &j->job);
        if (rc < 0) {
                j->large = false;
                leave_job(j);
        } else if (large) {
                s->large.busy = true;
                s->large.waits = false;
                s->large.uid = is->uid;
        }
        return rc;
}

/* Does the ledger say already that it is being written? */
static bool is_told(struct sensor *s, struct table_node *dir, struct span name)
{
        struct table_node *n = table_child(s->table, dir, name);
        struct record was;

        return n && n->record && record_decode(table_record(n), &was, NULL) == 0 &&
               was.reason == RECORD_REASON_CHANGING;
}

/* Is the file at s->path, of which something says what is to be in it, perhaps not all there yet?
 * Of one that took another's place the notice may be on its way still. */
static bool is_coming(const struct sensor *s, unsigned what)
{
        return what & (DIRTY_BEGUN | DIRTY_DELETED) && !(what & (DIRTY_ENDED | DIRTY_CAME)) &&
               why_expects(s, buf_span(&s->path));
}

/* How long a file, at s->path, may be left alone that is thought to be written still: never longer
 * because it is large, for how large it is its writer chooses. */
static int64_t patience_ms(struct sensor *s, struct table_node *dir, struct span name,
                           const struct record *r, const struct dirty_place *p)
{
        unsigned what = p->what;

        if (r->type != RECORD_FILE)
                return 0;
        if (what & DIRTY_WRITING)
                return is_written(s, p, r) && is_told(s, dir, name) ? SETTLE_LONG_MS
                                                                    : SETTLE_WRITE_MS;
        if (r->nlink > 1)
                return 0;
        if (is_coming(s, what))
                return SETTLE_WRITE_MS;
        if (!(what & DIRTY_BEGUN))
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

int look_read(struct sensor *s, struct table_node *dir, struct span name, int fd,
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
                look_put_back(s, p, CHANGING_MS);
                return LOOK_TAKEN;
        }
        return look_take(s, dir, name, rc, buf_span(&s->encoded), &h, p);
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
                look_put_back(s, p, HELD_MS);
                return LOOK_TAKEN;
        }
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        fd = look_dir(s, dir);
        rc = fd < 0 ? fd : look_stat(s, fd, text, &r, &h);
        if (rc < 0)
                return look_take(s, dir, name, rc, SPAN_NONE, &h, p);
        patience = patience_ms(s, dir, name, &r, p);
        if (waited < patience) {
                look_put_back(s, p, MIN_OF(patience - waited, (int64_t)SETTLE_WRITE_MS));
                return LOOK_TAKEN;
        }
        if (p->what == DIRTY_CHECK && is_unchanged(s, dir, name, &r))
                return 0;
        /* A name of the directory itself has no place of its own: read it here. */
        if (r.type == RECORD_FILE && r.size > INLINE_BYTES && p->name_n) {
                rc = look_by_job(s, fd, p, &r);
                return rc == 0 ? LOOK_TAKEN : rc == -EAGAIN ? LOOK_LATER : rc;
        }
        return look_read(s, dir, name, fd, p);
}

static int look_place(struct sensor *s, struct dirty_place *p)
{
        struct table_node *dir;
        int rc = 0;

        if (in_flight(s, &p->dir->h, span_of(p->name, p->name_n))) {
                look_put_back(s, p, 2);
                return 0;
        }
        if (package_holds(s, p))
                return 0;
        for (unsigned i = 0; rc == 0 && (dir = look_nth(s, &p->dir->h, i)); i++) {
                uint8_t own[TABLE_NAME_MAX];
                struct span name = span_of(p->name, p->name_n);

                if (p->name_n == 0 && !dir->parent) {
                        rc = dir->record ? 0 : above_look(s, dir, "live", p->by[0], p->wall_ns);
                        continue;
                }
                if (p->name_n == 0) { /* the directory itself: a name in its parent */
                        memcpy(own, dir->name, dir->name_n);
                        name = span_of(own, dir->name_n);
                        dir = dir->parent;
                }
                rc = look_name(s, dir, name, p);
        }
        if (rc == LOOK_MORE || rc == LOOK_LATER)
                look_put_back(s, p, rc == LOOK_LATER ? LATER_MS : 0);
        else if (rc != LOOK_TAKEN)
                dirty_place_free(s->dirty, p);
        return MIN_OF(rc, 0);
}

int look_some(struct sensor *s)
{
        struct dirty_place *p;
        int rc = 0;

        hands_reap(s->hands);
        for (int i = 0; i < LOOK_BUDGET && rc == 0 && out_room(s); i++) {
                p = dirty_take(s->dirty, sensor_mono(s));
                if (!p)
                        break;
                rc = look_place(s, p);
        }
        look_rest(s);
        return rc;
}
