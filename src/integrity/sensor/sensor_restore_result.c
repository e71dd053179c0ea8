/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/deny.h"
#include "integrity/sensor/sensor_restore_priv.h"

#include "loop/log.h"
#include "sys/io.h"

#include <fcntl.h>
#include <unistd.h>

enum {
        LINKED_MAX = 64,
        OPS_MAX = 1 << 20, /* of one entry; the rest goes before it */
};

/* ---- telling ---- */

static const struct watch_profile *profile_of(const struct restores *r, struct span path)
{
        return watchset_profile(r->sensor->o.watch, path);
}

int restore_tell_not(struct restores *r, struct span path, const char *reason, struct span detail,
                     int64_t again_ns)
{
        struct sensor *s = r->sensor;
        bool command = r->kind == RESTORE_COMMAND;
        struct not_restored_facts f = { .wall_ns = sensor_wall(s),
                                        .again_ns = again_ns,
                                        .path = tell_path(s, path),
                                        .profile = profile_of(r, path),
                                        .reason = reason,
                                        .detail = detail,
                                        .by_command = command,
                                        .who = command ? r->call.who : NULL };

        buf_clear(&s->skeleton);
        not_restored_put(&f, &s->skeleton);
        r->failed += strcmp(reason, "suspended") != 0;
        log_event(LOG_LEVEL_WARNING, "sensor.not_restored", log_bytes("path", path),
                  log_str("reason", reason), log_bytes("detail", detail));
        return tell_made(s, command ? r->call.who : NULL);
}

int restore_tell_incident(struct restores *r, struct span path, const char *action, uint64_t count,
                          uint64_t window_s, int64_t until_ns, struct span detail)
{
        struct sensor *s = r->sensor;
        struct incident_facts f = { .wall_ns = sensor_wall(s),
                                    .until_ns = until_ns,
                                    .path = tell_path(s, path),
                                    .profile = profile_of(r, path),
                                    .action = action,
                                    .detail = detail,
                                    .count = count,
                                    .window_s = window_s };
        int rc;

        buf_clear(&s->skeleton);
        incident_put(&f, &s->skeleton);
        log_event(LOG_LEVEL_ERROR, "sensor.incident", log_bytes("path", path),
                  log_str("action", action), log_u64("count", count));
        rc = tell_made(s, NULL);
        return rc == 0 ? why_alert_event(s, "incident", f.path, NULL, action) : rc;
}

/* That what was there is lost, in part or as a whole, is worth a look: somebody may have meant it.
 */
static int alert_lost(struct restores *r, struct span path, const struct restore_taken *x)
{
        if (x->kept != QUARANTINE_PART && x->kept != QUARANTINE_NOTHING)
                return 0;
        return why_alert_event(r->sensor, "evidence not kept", path, NULL, x->why);
}

/* Evidence first: these entries come before that of what took its place. */
static int tell_taken(struct restores *r)
{
        struct sensor *s = r->sensor;
        struct span rest = buf_span(&r->task.taken), path, encoded;
        struct restore_taken x;
        struct record rec;
        int rc = 0;

        while (rc == 0 && restore_next_taken(&rest, &x, &path, &encoded)) {
                struct quarantined_facts f = { .wall_ns = r->task.wall_ns,
                                               .path = tell_path(s, path),
                                               .profile = profile_of(r, path),
                                               .item = &x,
                                               .record = &rec };

                if (record_decode(encoded, &rec, NULL) < 0)
                        return -EBADMSG;
                buf_clear(&s->skeleton);
                quarantined_put(&f, &s->skeleton);
                rc = tell_made(s, NULL);
                if (rc == 0)
                        rc = alert_lost(r, f.path, &x);
        }
        return rc;
}

static int tell_restored(struct restores *r, int64_t since_ns, struct span ops)
{
        struct sensor *s = r->sensor;
        bool command = r->kind == RESTORE_COMMAND;
        struct who *who = command ? r->call.who : NULL;
        struct restored_facts f = { .wall_ns = sensor_wall(s),
                                    .took_ns = since_ns ? sensor_mono(s) - since_ns : 0,
                                    .path = tell_path(s, r->task.path),
                                    .profile = profile_of(r, r->task.path),
                                    .task = &r->task,
                                    .baseline = command && r->call.earlier ? r->call.root : NULL,
                                    .by_command = command,
                                    .who = who };

        buf_clear(&s->skeleton);
        restored_put(&f, &s->skeleton);
        r->restored++;
        if (buf_status(&s->skeleton) < 0)
                return buf_status(&s->skeleton);
        return tell_entry_ops(s, buf_span(&s->skeleton), ops, who);
}

/* ---- the table ---- */

/* Is what the task saw in the end still there, and does the path still lead to it? */
static bool still_so(struct restores *r)
{
        const uint8_t *slash = memrchr(r->path.p, '/', r->path.n);
        size_t n = (size_t)(slash - r->path.p);
        CLEANUP_FD int fd = restore_open_dir(&r->tools, span_of(r->path.p, MAX_OF(n, (size_t)1)));
        struct table_handle h;
        struct record now, saw;
        int rc;

        if (r->tools.stuck)
                return false;
        if (fd < 0)
                return r->task.now.n == 0;
        rc = restore_stat(&r->tools, fd, buf_cstr(&r->path) + n + 1, &now, &h);
        if (r->task.now.n == 0 || rc < 0)
                return rc == -ENOENT && r->task.now.n == 0;
        if (record_decode(buf_span(&r->task.now), &saw, NULL) < 0)
                return false;
        now.flags = saw.flags; /* not every filesystem tells them here */
        return record_same_stat(&saw, &now);
}

/* Records below n, and n's, go; silently, for what has made them go was told, or is. */
static int forget_tree(struct restores *r, struct table_node *n, bool itself)
{
        struct sensor *s = r->sensor;
        int rc = 0;

        while (n->child && rc == 0) {
                struct table_node *x = table_deepest(n);

                buf_clear(&r->scratch2);
                table_path(x, &r->scratch2);
                if (x->record)
                        journal_op_put(&s->ops, JOURNAL_DROP, buf_span(&r->scratch2), SPAN_NONE);
                if (!x->record && x->mark)
                        break; /* on the way to something watched: it stays */
                if (!x->record)
                        rc = table_set_handle(s->table, x, NULL);
                table_drop_record(s->table, x);
                n = table_find(s->table, buf_span(&r->path));
                if (!n)
                        return buf_status(&s->ops);
                if (s->ops.n > OPS_MAX) {
                        rc = tell_silent(s, buf_span(&s->ops));
                        buf_clear(&s->ops);
                }
        }
        if (rc == 0 && itself && n->record) {
                journal_op_put(&s->ops, JOURNAL_DROP, buf_span(&r->path), SPAN_NONE);
                table_drop_record(s->table, n);
        }
        return rc < 0 ? rc : buf_status(&s->ops);
}

/* What was removed had other names here: each has one fewer. */
static int count_links(struct restores *r)
{
        struct table_node *at[LINKED_MAX], *n;
        struct sensor *s = r->sensor;
        struct record was, x;
        size_t count = 0;
        int rc = 0;

        if (!r->judged.n || record_decode(buf_span(&r->judged), &was, NULL) < 0 ||
            was.type == RECORD_DIR || was.nlink < 2 ||
            (r->task.act != RESTORE_REPLACE && r->task.act != RESTORE_REMOVE))
                return 0;
        n = table_by_inode(s->table, was.dev, was.ino, NULL);
        for (; n && count < LINKED_MAX; n = table_by_inode(s->table, was.dev, was.ino, n))
                at[count++] = n;
        for (size_t i = 0; i < count && rc == 0; i++) {
                buf_clear(&r->scratch);
                table_path(at[i], &r->scratch);
                if (span_eq(buf_span(&r->scratch), buf_span(&r->path)) ||
                    record_decode(table_record(at[i]), &x, NULL) < 0 || x.nlink < 2)
                        continue;
                x.nlink--;
                buf_clear(&s->encoded);
                record_encode(&x, &s->encoded);
                journal_op_put(&s->ops, JOURNAL_SET, buf_span(&r->scratch), buf_span(&s->encoded));
                rc = table_set_record(s->table, at[i], buf_span(&s->encoded));
        }
        return rc;
}

/* A rename that was undone: what is known below it comes along. */
static int move_back(struct restores *r)
{
        struct sensor *s = r->sensor;
        struct table_node *from = table_find(s->table, buf_span(&r->moved));
        struct table_node *to = table_find(s->table, buf_span(&r->path)), *up;
        const uint8_t *slash = memrchr(r->path.p, '/', r->path.n);
        size_t n = (size_t)(slash - r->path.p);
        struct table_node *moved;
        int rc;

        if (!from || !from->record || from->mark || (to && (to->record || to->child || to->mark)))
                return 0;
        rc = fold_flush(s); /* the journal has what was renamed before it has this */
        if (rc < 0)
                return rc;
        up = table_find(s->table, span_of(r->path.p, MAX_OF(n, (size_t)1)));
        for (struct table_node *x = up; x; x = x->parent)
                if (x == from)
                        return 0;
        if (!up)
                return 0;
        if (to)
                table_drop_tree(s->table, to);
        journal_op_put(&s->ops, JOURNAL_MOVE, buf_span(&r->moved), buf_span(&r->path));
        return table_move(s->table, from, up, span_from(buf_span(&r->path), n + 1), &moved);
}

/* The table gets what is there; s->ops what the journal has to know. */
static int take_state(struct restores *r)
{
        struct sensor *s = r->sensor;
        struct table_node *n;
        struct record is;
        int rc = r->task.moved ? move_back(r) : 0;

        if (rc == 0)
                rc = count_links(r);
        n = table_find(s->table, buf_span(&r->path));
        if (rc < 0 || (r->task.now.n == 0 && !n))
                return rc;
        if (r->task.now.n == 0)
                return forget_tree(r, n, true);
        if (record_decode(buf_span(&r->task.now), &is, NULL) < 0)
                return -EBADMSG;
        if (n && is.type != RECORD_DIR)
                rc = forget_tree(r, n, false);
        journal_op_put(&s->ops, JOURNAL_SET, buf_span(&r->path), buf_span(&r->task.now));
        n = rc == 0 ? table_make(s->table, buf_span(&r->path)) : NULL;
        if (!n || buf_status(&s->ops) < 0)
                return -ENOMEM;
        n->mark &= (uint8_t) ~(TABLE_NEW | TABLE_OWED);
        return table_set_record(s->table, n, buf_span(&r->task.now));
}

/* Once it is told: a directory has marks and a handle to get, a file with other names too. */
static int settle_node(struct restores *r)
{
        struct sensor *s = r->sensor;
        struct table_node *n = table_find(s->table, buf_span(&r->path));
        int rc;

        if (!n || !n->record)
                return 0;
        deny_put_back(s, n);
        if (table_is_dir(n))
                return look_enter(s, n, NULL);
        rc = table_keep_handle(s->table, n, &r->task.handle, false);
        return rc == 0 && r->task.handle.n ? look_linked(s, n) : rc;
}

/* Its own events were dropped: somebody has to look. */
static int look_again(struct restores *r)
{
        const uint8_t *slash = memrchr(r->path.p, '/', r->path.n);
        size_t n = (size_t)(slash - r->path.p);
        struct table_node *up =
                table_find(r->sensor->table, span_of(r->path.p, MAX_OF(n, (size_t)1)));
        struct table_handle h;

        if (!up || !table_handle_of(up, &h))
                return 0;
        return look_at(r->sensor, &h, span_from(buf_span(&r->path), n + 1),
                       DIRTY_CONTENT | DIRTY_TREE, NULL, 0);
}

/* ---- what came of it ---- */

/* The task has frozen it: whoever denies knows of the flag from now on, or it goes again. */
static bool deny(struct restores *r, struct span path, struct err *err)
{
        const uint8_t *slash = memrchr(r->path.p, '/', r->path.n);
        size_t n = (size_t)(slash - r->path.p);
        CLEANUP_FD int dir = -1;
        CLEANUP_FD int fd = -1;
        unsigned had;

        if (!r->task.frozen) {
                (void)!err_set(err, -EOPNOTSUPP, "it cannot be frozen: no file, or no such flag");
                return false;
        }
        if (deny_path(r->sensor, path, true, err) == 0)
                return true;
        dir = restore_open_dir(&r->tools, span_of(r->path.p, MAX_OF(n, (size_t)1)));
        fd = dir < 0 ? -1
                     : restore_open(&r->tools, dir, buf_cstr(&r->path) + n + 1,
                                    O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || restore_lift(&r->tools, fd, &had) < 0)
                log_event(LOG_LEVEL_ERROR, "sensor.flag_left", log_bytes("path", path));
        return false;
}

/* It is put back as often as it is changed: that has to end. */
static int escalate(struct restores *r, struct restore_place *p, bool held)
{
        struct sensor *s = r->sensor;
        int64_t now = sensor_mono(s);
        unsigned n = restore_place_count(p, now);
        struct err err = { 0 };
        bool denied;

        p->tries += !held;
        if (n < RESTORE_THRICE || (!held && p->tries <= RESTORE_FOUGHT))
                return 0;
        denied = deny(r, restore_place_path(p), &err);
        memset(p->done_ns, 0, sizeof p->done_ns);
        p->done_ns[0] = now;
        p->rest_ns = denied ? 0 : now + RESTORE_REST_S * NS_PER_S;
        r->incidents++;
        return restore_tell_incident(
                r, restore_place_path(p), denied ? "denied" : "left", n, RESTORE_WINDOW_S,
                sensor_wall(s) + (denied ? DENY_TEMPORARY_S : RESTORE_REST_S) * NS_PER_S,
                denied ? SPAN_NONE : span_str(err_text(&err)));
}

static int took_place(struct restores *r, struct restore_place *p)
{
        struct sensor *s = r->sensor;
        int64_t since = r->kind == RESTORE_PUT && p ? p->since_ns : 0;
        bool so = !r->task.undone && still_so(r);
        int rc = tell_taken(r);

        buf_clear(&s->ops);
        if (rc == 0 && so)
                rc = take_state(r);
        if (rc == 0 && r->task.result == RESTORE_SAME)
                rc = s->ops.n ? tell_silent(s, buf_span(&s->ops)) : 0;
        else if (rc == 0)
                rc = tell_restored(r, since, buf_span(&s->ops));
        if (rc == 0)
                rc = so ? settle_node(r) : look_again(r);
        if (rc < 0 || !p)
                return rc;
        restore_stall_ended(p);
        restore_budget_take(&r->budget, r->task.bytes);
        if (r->task.result == RESTORE_DONE && r->kind == RESTORE_PUT)
                rc = escalate(r, p, so);
        restore_keep_beside(r, p);
        if (so && !p->temp[0] && !(r->task.left & ~(unsigned)RECORD_F_LINKS)) {
                restore_settled(r, p);
        } else if (so) { /* not all of it could be: it stays known, and is left alone */
                restore_place_unwant(r->places, p);
                restore_remember(r, RESTORE_OP_ENDED, restore_place_path(p), SPAN_NONE);
        } else {
                p->due_ns = MAX_OF(sensor_mono(s) + RESTORE_AGAIN_MS * NS_PER_MS, p->rest_ns);
        }
        return rc;
}

/* When a failure may be over by itself; 0: it is not. */
static int64_t retry_ns(const struct restores *r, const struct restore_place *p)
{
        static const int64_t delay_s[RESTORE_RETRIES] = { 1, 5, 30, 120, 600 };
        int code = r->task.err.code;
        bool lasting = code == -ENODATA || code == -EBADMSG || code == -ENOTSUP || code == -EFBIG;

        return lasting || p->tries >= RESTORE_RETRIES ? 0 : delay_s[p->tries] * NS_PER_S;
}

static int did_not(struct restores *r, struct restore_place *p)
{
        struct sensor *s = r->sensor;
        int64_t retry = retry_ns(r, p);
        int rc = tell_taken(r);

        if (rc == 0 && r->task.stalled)
                return restore_stalled(r, p);
        if (rc == 0 && (!(p->flags & RESTORE_TOLD) || !retry))
                rc = restore_tell_not(r, restore_place_path(p),
                                      not_restored_reason(r->task.result, r->task.err.code),
                                      span_str(err_text(&r->task.err)),
                                      retry ? sensor_wall(s) + retry : 0);
        restore_keep_beside(r, p);
        p->flags |= RESTORE_TOLD;
        p->tries++;
        if (retry) {
                p->due_ns = sensor_mono(s) + retry;
                return rc;
        }
        restore_place_unwant(r->places, p);
        restore_remember(r, RESTORE_OP_ENDED, restore_place_path(p), SPAN_NONE);
        return rc;
}

static int again(struct restores *r, struct restore_place *p)
{
        int64_t ms = RESTORE_AGAIN_MS << MIN_OF(p->tries, 5);

        restore_keep_beside(r, p);
        p->due_ns = sensor_mono(r->sensor) + ms * NS_PER_MS;
        if (r->task.result == RESTORE_PARENT && p->tries >= RESTORE_RETRIES)
                return did_not(r, p);
        p->tries++;
        return r->task.result == RESTORE_AGAIN ? look_again(r) : 0;
}

static int swept(struct restores *r, struct restore_place *p)
{
        int rc = tell_taken(r);

        if (rc < 0 || !p)
                return rc;
        if (r->task.stalled) {
                p->sweep_ns = sensor_mono(r->sensor) + RESTORE_STALLED_MS * NS_PER_MS;
                return 0;
        }
        if (r->task.result == RESTORE_FAILED)
                log_event(LOG_LEVEL_ERROR, "sensor.restore_left", log_bytes("path", r->task.path),
                          log_str("name", p->temp), log_err(&r->task.err));
        p->temp[0] = '\0';
        r->temps -= r->temps > 0;
        restore_remember(r, RESTORE_OP_ENDED, restore_place_path(p), SPAN_NONE);
        if (p->flags & RESTORE_WANTED)
                restore_remember(r, RESTORE_OP_WANTED, restore_place_path(p), SPAN_NONE);
        else
                restore_settled(r, p);
        return 0;
}

int restore_finish(struct restores *r)
{
        struct restore_place *p = restore_places_find(r->places, buf_span(&r->path));
        bool put = r->task.result == RESTORE_SAME || r->task.result == RESTORE_DONE;
        int rc = 0;

        if (r->kind == RESTORE_KEEPING)
                return 0;
        if (r->kind == RESTORE_SWEEP)
                return swept(r, p);
        if (put)
                rc = took_place(r, p);
        if (r->kind == RESTORE_COMMAND) {
                if (!put && rc == 0)
                        rc = tell_taken(r);
                restore_call_result(r);
                return rc;
        }
        if (put || !p || rc < 0)
                return rc;
        return r->task.result == RESTORE_FAILED ? did_not(r, p) : again(r, p);
}
