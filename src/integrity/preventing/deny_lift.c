/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/deny_flag.h"
#include "integrity/preventing/deny_policy.h"
#include "integrity/preventing/deny_priv.h"
#include "loop/log.h"
#include "sys/hands.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdlib.h>

/* ---- the list on disk ---- */

static int write_anew(struct sensor *s, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(FROZEN_FILE_MAX);
        struct deny *d = s->deny;
        int rc;

        frozen_print(d->frozen, &text);
        if (buf_status(&text) < 0)
                return err_sys(err, buf_status(&text), FROZEN_FILE);
        rc = io_replace_file(&io_kernel, s->state.dirfd, FROZEN_FILE, s->state.dirfd, 0600,
                             buf_span(&text), err);
        if (rc < 0)
                return rc;
        fd_close(&d->fd);
        d->fd = openat(s->state.dirfd, FROZEN_FILE, O_WRONLY | O_CLOEXEC);
        if (d->fd < 0)
                return err_sys(err, -errno, FROZEN_FILE);
        d->size = (off_t)text.n;
        d->dead = 0;
        return 0;
}

static void broke(struct sensor *s, const struct err *err)
{
        if (!s->deny->broken)
                log_event(LOG_LEVEL_ERROR, "sensor.deny_list", log_err(err));
        s->deny->broken = true;
        buf_clear(&s->deny->log);
}

int deny_list_open(struct sensor *s, struct err *err)
{
        struct err why = { 0 };
        struct deny *d = s->deny;
        uint8_t *text = NULL;
        bool torn = false;
        size_t n = 0;
        int rc = io_read_file(&io_kernel, s->state.dirfd, FROZEN_FILE, FROZEN_FILE_MAX, &text, &n,
                              &why);

        if (rc == 0)
                rc = frozen_parse(d->frozen, span_of(text, n), &torn, &why);
        free(text);
        if (rc == -ENOMEM)
                return err_set(err, rc, "%s", err_text(&why));
        if (rc == 0 || rc == -ENOENT) {
                if (n) /* nobody makes a list where nothing was ever denied */
                        rc = write_anew(s, &why);
                else
                        rc = 0;
        }
        if (rc < 0)
                broke(s, &why); /* what it says is kept for whoever mends it */
        return 0;
}

void deny_list_close(struct deny *d)
{
        fd_close(&d->fd);
        d->frozen = frozen_free(d->frozen);
        buf_done(&d->log);
}

int deny_list_sync(struct sensor *s)
{
        struct deny *d = s->deny;
        struct err err = { 0 };
        ssize_t n;
        int rc = buf_status(&d->log);

        if (rc == 0 && d->log.n == 0)
                return 0;
        if (rc == 0 && d->fd < 0 && !d->broken) {
                /* The first flag ever: what is in the log is in the list it is written from. */
                rc = write_anew(s, &err);
        } else if (rc == 0 && !d->broken) {
                n = io_kernel.pwrite(io_kernel.ctx, d->fd, d->log.p, d->log.n, d->size);
                rc = n < 0 ? (int)n : io_kernel.fdatasync(io_kernel.ctx, d->fd);
                if (rc == 0)
                        d->size += (off_t)d->log.n;
                else
                        (void)!err_sys(&err, rc, FROZEN_FILE);
        }
        if (rc < 0)
                broke(s, &err);
        buf_clear(&d->log);
        return d->broken ? -EIO : 0;
}

void deny_list_renew(struct sensor *s)
{
        struct deny *d = s->deny;
        struct err err = { 0 };

        if (d->fd >= 0 && !d->broken && d->dead > frozen_count(d->frozen) + DENY_DEAD_MAX &&
            write_anew(s, &err) < 0)
                broke(s, &err);
}

/* ---- taking flags off ---- */

int deny_take_flag(struct sensor *s, struct table_node *n, struct span path, bool set,
                   int64_t ctime_ns)
{
        struct record r;
        int rc;

        if (!n->record || record_decode(table_record(n), &r, NULL) < 0)
                return 0;
        r.flags = set ? r.flags | RECORD_IMMUTABLE : r.flags & ~(uint32_t)RECORD_IMMUTABLE;
        r.ctime_ns = ctime_ns;
        buf_clear(&s->encoded);
        record_encode(&r, &s->encoded);
        buf_clear(&s->ops);
        journal_op_put(&s->ops, JOURNAL_SET, path, buf_span(&s->encoded));
        if (buf_status(&s->encoded) < 0 || buf_status(&s->ops) < 0)
                return -ENOMEM;
        rc = tell_silent(s, buf_span(&s->ops));
        if (rc == 0)
                rc = table_set_record(s->table, n, buf_span(&s->encoded));
        if (rc == 0)
                guard_note(s, n);
        return rc;
}

/* Is the flag to stay?  Not on what turned out, when it had it, to be something else than what is
 * trusted: somebody has to put it right. */
static bool stays(struct sensor *s, const struct frozen_file *x)
{
        struct span path = frozen_path(x);
        const struct watch_profile *p = watchset_profile(s->o.watch, path);
        const struct table_node *n = table_find(s->table, path);
        int64_t wall = sensor_wall(s);

        if (s->deny->suspended)
                return false;
        if (x->until_ns ? (int64_t)x->until_ns <= wall
                        : !p || p->mode != WATCH_DENY || (n && n->mark & TABLE_DOUBT))
                return false;
        return !deny_is_open(&s->approvals, path, n && table_is_dir(n), wall);
}

bool deny_only_flag(const struct table_node *n, const struct record *is)
{
        struct record was, now = *is;

        if (!n->record || record_decode(table_record(n), &was, NULL) < 0)
                return false;
        now.flags |= was.flags & RECORD_IMMUTABLE;
        now.ctime_ns = was.ctime_ns;
        return record_same_stat(&was, &now);
}

static int lift(struct sensor *s, struct frozen_file *x)
{
        struct deny *d = s->deny;
        struct span path = frozen_path(x);
        struct table_node *n = table_find(s->table, path);
        struct record is;
        int rc = deny_flag_clear(deny_hands(s), x, &is), taken = 0;

        if (hand_gave_up(rc))
                return deny_stalled(s, path, rc);
        if (rc == -ENOENT)
                return 0; /* not mounted, perhaps: it stays in the list */
        if (rc < 0 && rc != -ESTALE) {
                d->unable++;
                log_event(LOG_LEVEL_ERROR, "sensor.deny_lift", log_bytes("path", path),
                          log_str("error", strerror(-rc)));
                return rc == -ENOMEM ? rc : 0;
        }
        if (rc == 0 && n && deny_only_flag(n, &is))
                taken = deny_take_flag(s, n, path, false, is.ctime_ns);
        if (rc == 0)
                deny_name(&d->lifted, path);
        frozen_put_gone(path, &d->log);
        d->dead += 2;
        frozen_remove(d->frozen, x);
        return taken;
}

/* What was taken off in a turn, and was announced in the list before that. */
int deny_lift_some(struct sensor *s, size_t max)
{
        struct deny *d = s->deny;
        size_t from = MIN_OF(d->lift_at, frozen_count(d->frozen)), at, n = 0;
        int rc = 0;

        for (at = from; at > 0 && n < max; at--) {
                struct frozen_file *x = frozen_at(d->frozen, at - 1);

                if (x->stalled && deny_waits(s, frozen_path(x)))
                        continue;
                if (stays(s, x)) {
                        if (x->stalled && deny_stall_ended(s, x) < 0)
                                return -ENOMEM;
                        if (x->until_ns && (d->until_ns == 0 || (int64_t)x->until_ns < d->until_ns))
                                d->until_ns = (int64_t)x->until_ns;
                        continue;
                }
                n++;
                if (!x->lifting)
                        frozen_put_lifting(frozen_path(x), &d->log);
                x->lifting = true;
        }
        d->lift_at = at;
        (void)!deny_list_sync(s); /* a list that cannot be written keeps no flag on */
        for (size_t i = from; i > at && rc == 0; i--) {
                struct frozen_file *x = frozen_at(d->frozen, i - 1);

                if (x->lifting && !(x->stalled && deny_flag_waits(deny_hands(s), frozen_path(x))))
                        rc = lift(s, x);
        }
        if (rc == 0)
                (void)!deny_list_sync(s);
        return rc < 0 ? rc : at > 0;
}
