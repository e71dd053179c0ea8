/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_remote.c - filesystems that a server answers for: of the network, and of FUSE.
 *
 * Where it does not answer, whoever touches the filesystem waits for as long as that lasts; the
 * sensor must not, for everything else is to be seen.  So a thread is sent to ask (sys/silent.h)
 * every few seconds and before each scan, and what does not answer in time is left alone: what is
 * known there stays as it was, which is told, until it answers and is scanned.
 *
 *   ANSWERS --- asked, ANSWER_MS over ---> SILENT --- the thread is back ---> ANSWERS, scan
 *
 * At the start the list of mounts is not known yet, and directories above what is watched are
 * opened all the same, to be marked early: so each of them is asked for first.
 *
 * What hangs between two questions keeps the sensor waiting all the same, if it is looked at then.
 */
#include "integrity/sensor/sensor_priv.h"

#include "base/text.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "sys/io.h"
#include "sys/silent.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
        ANSWER_MS = 3000,
        FIRST_MAX = 64, /* threads at once, at the start */
        PATH_SHOWN = 200,
};

struct remote {
        char *path;
        struct silent_ask *ask; /* NULL: nobody is under way */
        int64_t asked_ns;
        bool silent;
        bool untold; /* that it is silent, until the list of mounts says that it is one */
        int64_t silent_wall_ns; /* the last moment that it answered, or the first it was met */
        bool met;               /* in the list of mounts that is read */
};

struct remotes {
        struct sensor *sensor;
        int fd; /* written to by who is back */
        struct loop_source *source, *timer;
        struct remote at[SILENT_MAX];
        size_t n;
        bool asked; /* for the scan that waits */
        bool lists; /* what is watched has changed since the list of mounts was read */
};

bool remote_is(struct span type)
{
        static const char *const types[] = { "9p",      "afs",  "ceph",  "cifs", "coda",
                                             "fuseblk", "gfs2", "nfs",   "nfs4", "ocfs2",
                                             "vboxsf",  "smb3", "smbfs", "fuse" };

        for (size_t i = 0; i < ARRAY_LEN(types); i++)
                if (span_eq_str(type, types[i]))
                        return true;
        return span_starts(type, SPAN("fuse."));
}

static void check(struct sensor *s, int rc)
{
        if (rc == -ENOMEM)
                s->failed = rc;
}

static struct span path_of(const struct remote *r)
{
        return span_str(r->path);
}

/* ---- asking ---- */

static void set_timer(struct remotes *r)
{
        int64_t at = -1;

        for (size_t i = 0; i < r->n; i++) {
                const struct remote *m = &r->at[i];
                int64_t due = m->asked_ns + ANSWER_MS * NS_PER_MS;

                if (m->ask && !m->silent && (at < 0 || due < at))
                        at = due;
        }
        loop_timer_set(r->timer, at);
}

/* That it cannot be asked says nothing of it. */
static void ask(struct remotes *r, struct remote *m)
{
        struct err err = { 0 };

        if (m->ask)
                return;
        m->asked_ns = sensor_mono(r->sensor);
        if (silent_ask(m->path, r->fd, &m->ask, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.remote", log_err(&err));
}

static void ask_all(struct remotes *r)
{
        for (size_t i = 0; i < r->n; i++)
                ask(r, &r->at[i]);
        set_timer(r);
}

static void answers(struct sensor *s, struct remote *m)
{
        m->ask = silent_leave(m->ask);
        if (m->silent) {
                m->silent = false;
                silent_drop(path_of(m));
                log_event(LOG_LEVEL_INFO, "sensor.answers", log_bytes("path", path_of(m)));
                check(s, status_tell(s, "watching", "what did not answer does again"));
                scan_want(s, LOSS_MOUNTS, m->silent_wall_ns, sensor_wall(s));
                guard_mounted(s);
        }
        m->silent_wall_ns = sensor_wall(s);
}

static void on_back(void *ctx, unsigned events)
{
        struct remotes *r = ctx;
        uint64_t n;

        (void)events;
        (void)!read(r->fd, &n, sizeof n);
        for (size_t i = 0; i < r->n; i++)
                if (r->at[i].ask && silent_is_back(r->at[i].ask))
                        answers(r->sensor, &r->at[i]);
        set_timer(r);
}

static void say_silent(struct sensor *s, struct remote *m)
{
        struct span path = span_of(m->path, MIN_OF(strlen(m->path), (size_t)PATH_SHOWN));
        CLEANUP(buf_done) struct buf reason = BUF_INIT(8 * PATH_SHOWN);

        m->untold = false;
        log_event(LOG_LEVEL_WARNING, "sensor.silent", log_bytes("path", path_of(m)));
        text_put_safe(&reason, path);
        buf_put_str(&reason, ": its server does not answer: nothing is seen there");
        check(s, buf_status(&reason) < 0 ? 0 : status_tell(s, "degraded", buf_cstr(&reason)));
}

static void does_not_answer(struct sensor *s, struct remote *m)
{
        m->silent = true;
        if (silent_put(m->ask) == 0) /* else it is on another one, which is asked as well */
                say_silent(s, m);
}

static void on_timer(void *ctx)
{
        struct remotes *r = ctx;
        int64_t now = sensor_mono(r->sensor);

        for (size_t i = 0; i < r->n; i++) {
                struct remote *m = &r->at[i];

                if (m->ask && !m->silent && !silent_is_back(m->ask) &&
                    now >= m->asked_ns + ANSWER_MS * NS_PER_MS)
                        does_not_answer(r->sensor, m);
        }
        set_timer(r);
}

void remote_tick(struct sensor *s)
{
        ask_all(s->remotes);
}

bool remote_waits(struct sensor *s)
{
        struct remotes *r = s->remotes;
        bool waits = false;

        if (!s->mounts_known && !s->mounted.unread)
                return true; /* what is mounted is not known yet */
        if (r->lists)
                return true;
        if (!r->asked)
                ask_all(r);
        r->asked = true;
        for (size_t i = 0; i < r->n; i++)
                waits = waits || (r->at[i].ask && !r->at[i].silent);
        r->asked = waits;
        return waits;
}

/* ---- which there are ---- */

void remote_round(struct sensor *s)
{
        for (size_t i = 0; i < s->remotes->n; i++)
                s->remotes->at[i].met = false;
}

void remote_met(struct sensor *s, struct span point)
{
        struct remotes *r = s->remotes;
        struct remote *m = r->at;

        while (m < r->at + r->n && !span_eq(path_of(m), point))
                m++;
        if (m < r->at + r->n) {
                m->met = true;
                return;
        }
        if (r->n == SILENT_MAX) {
                log_event(LOG_LEVEL_WARNING, "sensor.remote", log_bytes("path", point),
                          log_str("not asked", "there are too many"));
                return;
        }
        *m = (struct remote){ .path = strndup((const char *)point.p, point.n),
                              .met = true,
                              .silent_wall_ns = sensor_wall(s) };
        if (!m->path) {
                s->failed = -ENOMEM;
                return;
        }
        r->n++;
        ask(r, m);
        set_timer(r);
}

static void forget(struct remote *m)
{
        silent_drop(path_of(m));
        silent_leave(m->ask);
        free(m->path);
}

void remote_round_end(struct sensor *s)
{
        struct remotes *r = s->remotes;

        for (size_t i = r->n; i-- > 0;) {
                if (r->at[i].met && r->at[i].untold)
                        say_silent(s, &r->at[i]);
                if (r->at[i].met)
                        continue;
                forget(&r->at[i]);
                r->at[i] = r->at[--r->n];
        }
        set_timer(r);
}

void remote_list_anew(struct sensor *s)
{
        s->remotes->lists = true;
        s->mounts_old = true;
}

bool remote_listed(struct sensor *s)
{
        bool was = s->remotes->lists;

        s->remotes->lists = false;
        return was;
}

/* ---- at the start ---- */

struct first {
        struct silent_ask *ask;
        char *path;
};

/* Until all are back, or the time is over. */
static void wait_for_all(struct remotes *r, const struct first *at, size_t n)
{
        int64_t until = sensor_mono(r->sensor) + ANSWER_MS * NS_PER_MS, left;
        struct pollfd p = { .fd = r->fd, .events = POLLIN };
        uint64_t back;
        size_t out;

        do {
                if (poll(&p, 1, 0) > 0)
                        (void)!read(r->fd, &back, sizeof back);
                out = 0;
                for (size_t i = 0; i < n; i++)
                        out += at[i].ask && !silent_is_back(at[i].ask);
                left = until - sensor_mono(r->sensor);
                if (out && left > 0)
                        (void)!poll(&p, 1, (int)(left / NS_PER_MS) + 1);
        } while (out && left > 0);
}

/* What is below another one that does not answer is no place of its own. */
static void take_first(struct remotes *r, struct first *f)
{
        bool silent =
                f->ask && !silent_is_back(f->ask) && r->n < SILENT_MAX && silent_put(f->ask) == 0;

        if (silent)
                r->at[r->n++] = (struct remote){ .path = f->path,
                                                 .ask = f->ask,
                                                 .asked_ns = sensor_mono(r->sensor),
                                                 .silent = true,
                                                 .untold = true,
                                                 .silent_wall_ns = sensor_wall(r->sensor) };
        if (silent)
                return;
        silent_leave(f->ask);
        free(f->path);
}

static void hear_all(struct remotes *r, struct first *at, size_t *n)
{
        wait_for_all(r, at, *n);
        for (size_t i = 0; i < *n; i++)
                take_first(r, &at[i]);
        *n = 0;
}

static int ask_first(struct remotes *r, const struct table_node *n, struct first *ret)
{
        struct buf *b = &r->sensor->path;
        struct err err = { 0 };

        *ret = (struct first){ 0 };
        buf_clear(b);
        table_path(n, b);
        if (buf_status(b) < 0 || silent_at(buf_span(b)))
                return 0;
        ret->path = strndup((const char *)b->p, b->n);
        if (!ret->path)
                return -ENOMEM;
        if (silent_ask(ret->path, r->fd, &ret->ask, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.remote", log_err(&err));
        return 0;
}

/* Those above come first, some at a time. */
static int ask_all_first(struct remotes *r)
{
        struct table_node *top = table_root(r->sensor->table);
        struct first at[FIRST_MAX];
        size_t n = 0;
        int rc = 0;

        for (struct table_node *x = top; x && rc == 0; x = table_next(top, x)) {
                if (x == top || !(x->mark & (TABLE_ABOVE | TABLE_ROOT)))
                        continue;
                rc = ask_first(r, x, &at[n]);
                n += at[n].path != NULL;
                if (n == FIRST_MAX)
                        hear_all(r, at, &n);
        }
        hear_all(r, at, &n);
        return rc;
}

/* ---- life ---- */

int remote_init(struct sensor *s, struct err *err)
{
        struct remotes *r = calloc(1, sizeof *r);
        int rc = 0;

        if (!r)
                return err_sys(err, -ENOMEM, "filesystems of servers");
        s->remotes = r;
        r->sensor = s;
        r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (r->fd < 0)
                rc = err_sys(err, -errno, "eventfd");
        if (rc == 0)
                rc = loop_add_fd(s->o.loop, r->fd, LOOP_READ, on_back, r, &r->source, err);
        if (rc == 0)
                rc = loop_add_timer(s->o.loop, on_timer, r, &r->timer, err);
        if (rc == 0 && ask_all_first(r) < 0)
                rc = err_sys(err, -ENOMEM, "filesystems of servers");
        return rc;
}

void remote_done(struct sensor *s)
{
        struct remotes *r = s->remotes;

        if (!r)
                return;
        while (r->n)
                forget(&r->at[--r->n]);
        loop_remove(r->source);
        loop_remove(r->timer);
        fd_close(&r->fd);
        free(r);
        s->remotes = NULL;
}
