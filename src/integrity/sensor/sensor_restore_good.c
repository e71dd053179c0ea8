/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_restore_good.c - which states are good: remembered over a restart, and found anew when
 * there is another baseline. */
#include "integrity/sensor/sensor_above.h"
#include "integrity/sensor/sensor_restore_priv.h"

#include "integrity/sensor/sensor_trusted.h"
#include "integrity/trusted/baseline.h"
#include "loop/log.h"
#include "sys/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

enum { LOG_MAX = 512 << 20, LOG_AGAIN = 1 << 20 };

static const char file_name[] = "restores";

const struct watch_profile *restore_profile_of(const struct sensor *s, struct span path)
{
        const struct watch_profile *p = watchset_profile(s->o.watch, path);

        return p && p->mode == WATCH_RESTORE ? p : NULL;
}

/* ---- the file ---- */

void restore_remember(struct restores *r, enum restore_op op, struct span path, struct span rest)
{
        const struct io *io = r->sensor->state.io;
        ssize_t n;

        if (r->log_fd < 0)
                return;
        buf_clear(&r->log);
        restore_log_put(&r->log, op, path, rest);
        n = buf_status(&r->log) < 0 ? buf_status(&r->log)
                                    : io->pwrite(io->ctx, r->log_fd, r->log.p, r->log.n, r->log_n);
        if (n < 0 || (size_t)n != r->log.n) {
                log_event(LOG_LEVEL_ERROR, "sensor.restores", log_int("error", n),
                          log_str("then", "a restart may forget what is to be put back"));
                fd_close(&r->log_fd);
                return;
        }
        r->log_n += n;
}

void restore_remember_place(struct restores *r, const struct restore_place *p)
{
        CLEANUP(buf_done) struct buf rest = BUF_INIT(1 + RECORD_MAX);

        buf_put_byte(&rest, p->flags & RESTORE_EXPLAINED ? 1 : 0);
        buf_put(&rest, restore_place_good(p));
        restore_remember(r, RESTORE_OP_GOOD, restore_place_path(p), buf_span(&rest));
}

/* All of it anew, and only what is of use. */
int restore_write_anew(struct restores *r, struct err *err)
{
        CLEANUP(buf_done) struct buf all = BUF_INIT(LOG_MAX);
        const struct state *st = &r->sensor->state;
        int rc;

        for (struct restore_place *p = restore_places_first(r->places); p;
             p = restore_places_after(r->places, p))
                restore_log_put_place(&all, p);
        if (buf_status(&all) < 0)
                return err_sys(err, buf_status(&all), "%s", file_name);
        fd_close(&r->log_fd);
        rc = io_replace_file(st->io, st->dirfd, file_name, st->dirfd, 0600, buf_span(&all), err);
        if (rc < 0)
                return rc;
        r->log_fd = st->io->open(st->io->ctx, st->dirfd, file_name, O_RDWR | O_CLOEXEC, 0600);
        r->log_n = (off_t)all.n;
        r->log_again = 2 * r->log_n + LOG_AGAIN;
        return r->log_fd < 0 ? err_sys(err, r->log_fd, "%s", file_name) : 0;
}

int restore_load(struct restores *r, struct err *err)
{
        const struct state *st = &r->sensor->state;
        uint8_t *text = NULL;
        size_t n = 0, whole = 0;
        int rc = io_read_file(st->io, st->dirfd, file_name, LOG_MAX, &text, &n, err);

        if (rc == 0)
                rc = restore_log_read(span_of(text, n), r->places, &whole);
        free(text);
        if (rc < 0 && rc != -ENOENT)
                return rc == -ENOMEM ? err_set(err, rc, "%s: out of memory", file_name) : rc;
        if (whole < n)
                log_event(LOG_LEVEL_WARNING, "sensor.restores_cut", log_u64("bytes", n - whole));
        for (struct restore_place *p = restore_places_first(r->places); p;
             p = restore_places_after(r->places, p))
                r->temps += p->temp[0] != '\0';
        rc = restore_write_anew(r, err);
        if (!state_has_no_room(rc))
                return rc;
        log_event(LOG_LEVEL_ERROR, "sensor.restores", log_err(err));
        return 0; /* what it has is known; it is tried again */
}

/* ---- another baseline ---- */

static bool any_restores(const struct sensor *s)
{
        for (size_t i = 0; i < s->o.watch->n_profiles; i++)
                if (s->o.watch->profiles[i]->mode == WATCH_RESTORE)
                        return true;
        return false;
}

/* Each of the points that are to be judged: a byte, whether anything at or below it differs, and
 * the path with its NUL.  One that finds no room counts as if it did. */
static bool add_point(void *ctx, struct span point)
{
        struct buf *b = &((struct restores *)ctx)->points;

        if (point.n + 2 <= b->max - b->n) {
                buf_put_byte(b, 0);
                buf_put(b, point);
                buf_put_byte(b, 0);
        }
        return true;
}

static uint8_t *next_point(struct restores *r, size_t *at, struct span *ret)
{
        uint8_t *p = *at < r->points.n ? r->points.p + *at : NULL;

        if (!p)
                return NULL;
        *ret = span_str((const char *)p + 1);
        *at += ret->n + 2;
        return p;
}

static void mark_points(struct restores *r, struct span path)
{
        struct span point;
        size_t at = 0;
        uint8_t *p;

        while ((p = next_point(r, &at, &point)))
                *p |= path_within(path, point);
}

/* Is anything that is at this point, or below it, not as it should be? */
static bool differs_at(void *ctx, struct span asked)
{
        struct restores *r = ctx;
        struct span point;
        size_t at = 0;
        uint8_t *p;

        while ((p = next_point(r, &at, &point)))
                if (span_eq(point, asked))
                        return *p;
        return true;
}

static int on_difference(void *ctx, struct span path, struct span was, struct span is)
{
        struct restores *r = ctx;
        const struct watch_profile *profile = watchset_profile(r->sensor->o.watch, path);
        struct restore_place *p;
        struct restore_plan plan;
        struct record a, b;
        int rc;

        if ((was.n && record_decode(was, &a, NULL) < 0) ||
            (is.n && record_decode(is, &b, NULL) < 0))
                return -EBADMSG;
        restore_plan(was.n ? &a : NULL, is.n ? &b : NULL, profile ? profile->attributes : UINT_MAX,
                     &plan);
        if (plan.act == RESTORE_NOTHING) { /* it was put back: only the inode is another */
                p = restore_places_find(r->places, path);
                if (p && restore_is_foreign(r, p)) {
                        p->flags |= RESTORE_SEEN; /* or it is not it at all */
                        mark_points(r, path);
                }
                return 0;
        }
        mark_points(r, path);
        if (!restore_profile_of(r->sensor, path))
                return 0;
        p = restore_places_make(r->places, path);
        if (!p)
                return 0;
        p->flags |= RESTORE_SEEN;
        if (p->flags & RESTORE_HAS_GOOD)
                return 0;
        rc = restore_place_set_good(p, was, false);
        if (rc == 0)
                restore_remember_place(r, p);
        return rc;
}

/* What differs from the baseline without being explained is not good; what does not is. */
int restore_rebase_now(struct restores *r)
{
        struct sensor *s = r->sensor;
        struct restore_place *p, *next;
        struct err err = { 0 };
        int rc = 0;

        r->rebase = false;
        buf_clear(&r->points);
        mounted_rebase(s, add_point, r);
        rc = above_rebase(s, add_point, r);
        if (rc == 0 && (r->points.n || any_restores(s))) {
                watch_relieve(s->watch, true);
                rc = trusted_is_ours(s, &err);
                if (rc == 0)
                        rc = baseline_diff(s->state.io, s->state.dirfd, s->o.watch, s->table,
                                           on_difference, r, &err);
                watch_relieve(s->watch, false);
        }
        if (rc < 0) {
                log_event(LOG_LEVEL_ERROR, "sensor.restores", log_err(&err));
                return rc == -ENOMEM ? rc : 0;
        }
        for (p = restore_places_first(r->places); p; p = next) {
                bool seen = p->flags & RESTORE_SEEN;

                next = restore_places_after(r->places, p);
                p->flags &= ~(unsigned)RESTORE_SEEN;
                if (!seen && p->flags & RESTORE_HAS_GOOD)
                        restore_drop(r, p);
        }
        mounted_rebase(s, differs_at, r);
        return above_rebase(s, differs_at, r);
}

void restore_rebase(struct sensor *s)
{
        s->restores->rebase = true;
}

void restore_put_kept(const struct sensor *s, struct buf *list)
{
        struct restore_places *all = s->restores->places;

        for (struct restore_place *p = restore_places_first(all); p;
             p = restore_places_after(all, p))
                if (p->flags & RESTORE_HAS_GOOD && p->good_n)
                        baseline_put_change(list, restore_place_path(p), restore_place_good(p));
}
