/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_trusted_priv.h"

#include "base/text.h"
#include "integrity/sensor/sensor_above.h"
#include "integrity/sensor/sensor_restore.h"
#include "integrity/trusted/content.h"
#include "integrity/trusted/trusted_entry.h"
#include "loop/log.h"
#include "sys/io.h"

#include <stdlib.h>

/* ---- making and ending ---- */

int trusted_init(struct sensor *s, struct err *err)
{
        struct trusted *t = calloc(1, sizeof *t);
        int rc;

        if (!t)
                return err_set(err, -ENOMEM, "out of memory for the baseline");
        s->trusted = t;
        t->sensor = s;
        t->comment = BUF_INIT(COMMENT_MAX);
        t->selected = BUF_INIT(PATHS_MAX);
        t->changes = BUF_INIT(CHANGES_MAX);
        t->reads = BUF_INIT(CHANGES_MAX);
        t->rules = BUF_INIT(RULES_MAX);
        t->note = BUF_INIT(BASELINE_NOTE_MAX);
        t->entry = BUF_INIT(BASELINE_ENTRY_MAX);
        t->also = BUF_INIT(CHANGES_MAX);
        t->old = BUF_INIT(CHANGES_MAX);
        rc = observer_new(&t->observer, err);
        if (rc == 0)
                observer_set_ended(t->observer, &s->ended);
        if (rc == 0)
                rc = content_open(&io_kernel, s->state.dirfd, &s->o.content, &s->content, err);
        return rc;
}

void trusted_clear(struct trusted *t)
{
        t->who = who_unref(t->who);
        buf_done(&t->comment);
        buf_done(&t->selected);
        buf_done(&t->changes);
        buf_done(&t->reads);
        buf_done(&t->rules);
        buf_done(&t->also);
        buf_done(&t->old);
        t->added = t->changed = t->removed = t->found = 0;
        t->swept = t->told = t->in_ledger = t->sweeping = false;
        t->step = IDLE;
}

void trusted_done(struct sensor *s)
{
        struct trusted *t = s->trusted;

        if (!t)
                return;
        trusted_clear(t);
        buf_done(&t->note);
        buf_done(&t->entry);
        observer_free(t->observer);
        free(t);
        s->trusted = NULL;
        s->content = content_free(s->content);
}

bool trusted_busy(const struct sensor *s)
{
        return s->trusted->step != IDLE;
}

bool trusted_sweeps(const struct sensor *s)
{
        return s->trusted->step == TOLD && s->trusted->sweeping && !s->trusted->swept;
}

void trusted_answer_failed(struct trusted *t, int rc, const struct err *err)
{
        if (t->call)
                command_end(t->sensor, t->call, rc, err_text(err), SPAN_NONE);
        t->call = NULL;
        if (t->task == TRUSTED_EXTEND && !t->sensor->stopping) {
                log_event(LOG_LEVEL_ERROR, "sensor.baseline_not_extended", log_err(err));
                config_extended(t->sensor);
        }
        trusted_clear(t);
}

/* ---- telling ---- */

static void put_note(struct trusted *t, const char *reason, int64_t took_ns, struct buf *out)
{
        struct sensor *s = t->sensor;
        struct content_counts c = content_counts(s->content);
        struct baseline_facts f = { .wall_ns = sensor_wall(s),
                                    .took_ns = took_ns,
                                    .sums = t->sums,
                                    .root = &t->next.root,
                                    .previous = t->has ? &t->head.root : NULL,
                                    .watch = s->o.watch,
                                    .reason = reason,
                                    .added = t->added,
                                    .changed = t->changed,
                                    .removed = t->removed,
                                    .comment = buf_span(&t->comment),
                                    .selected = buf_span(&t->selected),
                                    .kept = c.kept + c.had,
                                    .not_kept = c.too_large + c.no_room + c.failed,
                                    .who = t->who };

        baseline_put(&f, out);
}

int trusted_place(struct trusted *t, const char *reason, struct err *err)
{
        struct sensor *s = t->sensor;
        int64_t took = sensor_mono(s) - t->began_ns;
        int rc;

        buf_clear(&t->note);
        put_note(t, reason, took, &t->note);
        rc = buf_status(&t->note);
        if (rc < 0)
                (void)!err_sys(err, rc, "the baseline's entry");
        if (rc == 0)
                rc = baseline_place(s->state.io, s->state.dirfd, &t->next.root, buf_span(&t->note),
                                    err);
        if (rc < 0) {
                buf_clear(&t->note);
                return rc;
        }
        rc = tell_entry_of(s, buf_span(&t->note), t->who, true);
        if (rc < 0)
                return rc;
        t->head = t->next;
        t->has = true;
        buf_clear(&t->entry);
        t->doubted = t->unrecorded = false;
        deny_trusted(s);
        restore_rebase(s);
        t->step = TOLD;
        t->due_ns = sensor_mono(s) + LEDGER_MS * NS_PER_MS;
        log_event(LOG_LEVEL_INFO, "sensor.baseline", log_str("reason", reason),
                  log_u64("files", t->sums.files), log_u64("bytes", t->sums.bytes),
                  log_u64("unreadable", t->sums.unreadable), log_int("ms", took / NS_PER_MS));
        return 0;
}

void trusted_told(struct sensor *s, struct span skeleton, bool in_ledger, uint64_t index)
{
        struct trusted *t = s->trusted;

        if (!span_eq(skeleton, buf_span(&t->note)))
                return; /* of the one before */
        buf_clear(&t->entry);
        if (in_ledger)
                buf_put(&t->entry, skeleton);
        buf_clear(&t->note);
        baseline_told(s->state.io, s->state.dirfd);
        if (t->step != TOLD)
                return; /* nobody waits for it any more */
        t->told = true;
        t->in_ledger = in_ledger;
        t->index = index;
}

/* ---- in a worker ---- */

static void keep_one(struct trusted *t, struct span path)
{
        const char *slash = memrchr(path.p, '/', path.n);
        struct span dir = span_of(path.p, MAX_OF(slash - (const char *)path.p, 1));
        char name[TABLE_NAME_MAX + 1];
        CLEANUP_FD int fd = observe_open_dir(dir);
        size_t n = path.n - (size_t)(slash + 1 - (const char *)path.p);
        struct record r;

        if (fd < 0 || n == 0 || n > TABLE_NAME_MAX)
                return;
        memcpy(name, slash + 1, n);
        name[n] = '\0';
        (void)!observe(t->observer, fd, name, &r, NULL); /* not what was accepted: not kept */
}

/* u64 ceiling and path with its NUL each. */
static void keep_all(struct trusted *t)
{
        struct sensor *s = t->sensor;

        for (size_t at = 0; at < t->reads.n;) {
                uint64_t max;
                size_t n;

                memcpy(&max, t->reads.p + at, sizeof max);
                at += sizeof max;
                n = strlen((const char *)t->reads.p + at);
                observer_keep(t->observer, s->content, max);
                keep_one(t, span_of(t->reads.p + at, n));
                at += n + 1;
        }
}

static void run_rewrite(struct trusted *t)
{
        struct sensor *s = t->sensor;
        struct watchset w = { 0 };

        keep_all(t);
        t->rc = watchset_parse(&w, "rules", buf_span(&t->rules), &t->err);
        if (t->rc == 0)
                t->rc = content_sync(s->content, &t->err);
        if (t->rc == 0)
                t->rc = baseline_rewrite(s->state.io, s->state.dirfd, &w, buf_span(&t->changes),
                                         &t->next, &t->sums, &t->err);
        watchset_done(&w);
}

static const char *reason_of(const struct trusted *t)
{
        if (t->task != TRUSTED_EXTEND)
                return "accepted";
        return t->added ? "extended" : t->removed ? "reduced" : "configured";
}

static void job_run(struct pool_job *p)
{
        struct trusted *t = CONTAINER_OF(p, struct trusted, job);
        struct sensor *s = t->sensor;

        t->err = (struct err){ 0 };
        if (t->sweeping)
                t->rc = baseline_sweep(s->state.io, s->state.dirfd, s->content, buf_span(&t->also),
                                       &t->removed_content, &t->err);
        else
                run_rewrite(t);
}

static void job_done(struct pool_job *p)
{
        struct trusted *t = CONTAINER_OF(p, struct trusted, job);
        struct sensor *s = t->sensor;
        struct err err = { 0 };

        if (t->sweeping) {
                if (t->rc < 0)
                        log_event(LOG_LEVEL_WARNING, "sensor.content", log_err(&t->err));
                t->swept = true;
                return;
        }
        if (s->stopping || t->rc < 0) {
                if (t->rc == 0)
                        (void)err_set(&t->err, -ECANCELED, "the sensor stops");
                trusted_answer_failed(t, t->rc ? t->rc : -ECANCELED, &t->err);
                return;
        }
        if (t->task == TRUSTED_EXTEND)
                t->removed = t->head.count + t->added - t->next.count;
        t->rc = trusted_place(t, reason_of(t), &err);
        if (t->rc < 0)
                trusted_answer_failed(t, t->rc, &err);
        else if (t->task == TRUSTED_EXTEND)
                config_extended(s);
}

int trusted_submit(struct trusted *t, bool sweeping)
{
        int rc;

        t->sweeping = sweeping;
        t->job = (struct pool_job){ .run = job_run, .done = job_done };
        rc = pool_submit(t->sensor->o.pool, &t->job);
        if (rc < 0)
                t->sweeping = false; /* full: at a later turn */
        return rc;
}

/* What may have to be put back stays, also where no baseline has it. */
static void sweep(struct trusted *t)
{
        buf_clear(&t->also);
        restore_put_kept(t->sensor, &t->also);
        if (buf_status(&t->also) < 0)
                t->swept = true; /* too much: nothing goes this time */
        else
                (void)!trusted_submit(t, true);
}

/* ---- the first, and one taken anew ---- */

int trusted_write_table(struct trusted *t, struct err *err)
{
        struct sensor *s = t->sensor;
        int rc = content_sync(s->content, err);

        t->next = (struct snapshot_head){ .taken_ns = sensor_wall(s) };
        return rc < 0 ? rc
                      : baseline_write(s->state.io, s->state.dirfd, s->o.watch, s->table, &t->next,
                                       &t->sums, err);
}

int trusted_first(struct sensor *s, int64_t took_ns)
{
        struct state_told told = { .run = feed_run(s->feed), .acked = s->acked };
        struct trusted *t = s->trusted;
        struct err err = { 0 };
        int rc;

        t->task = TRUSTED_FIRST;
        t->began_ns = sensor_mono(s) - took_ns;
        rc = trusted_put_first(t, &err);
        if (rc == 0 && !t->owed) {
                rc = state_renew(&s->state, s->o.watch, s->table, sensor_wall(s), &told, &err);
                if (state_has_no_room(rc)) {
                        state_broke(&s->state, &err); /* what is trusted is kept all the same */
                        rc = 0;
                }
        }
        if (err.code)
                log_event(LOG_LEVEL_ERROR, "sensor.state", log_err(&err));
        return rc;
}

/* ---- the way ---- */

int trusted_scanned(struct sensor *s, uint64_t found)
{
        struct trusted *t = s->trusted;
        struct err err = { 0 };
        int rc = 0;

        if (t->step != SCAN)
                return 0;
        t->found = found;
        if (t->task == TRUSTED_EXTEND)
                return trusted_collect_new(t);
        if (t->task == TRUSTED_FIRST) {
                above_keep(s); /* a part of the state, which follows */
                rc = trusted_put_first(t, &err);
                s->alive_at_ns = 0;
                if (err.code)
                        log_event(LOG_LEVEL_ERROR, "sensor.state", log_err(&err));
                return rc;
        }
        if (t->task == TRUSTED_CREATE) {
                rc = trusted_write_table(t, &err);
                if (rc == 0)
                        rc = trusted_place(t, "replaced", &err);
                if (rc < 0)
                        trusted_answer_failed(t, rc, &err);
                return 0;
        }
        t->step = SETTLE;
        t->due_ns = sensor_mono(s) + SETTLE_MS * NS_PER_MS;
        return rc;
}

static void show_progress(struct trusted *t)
{
        struct sensor *s = t->sensor;
        struct scan_counts c = scan_counts(s->scan);
        struct buf b = BUF_INIT(256);
        struct json_writer w;

        if (!t->call || sensor_mono(s) < t->shown_ns)
                return;
        t->shown_ns = sensor_mono(s) + PROGRESS_MS * NS_PER_MS;
        json_writer_init(&w, &b);
        json_begin_object(&w);
        json_member_u64(&w, "bytes", c.bytes);
        json_member_u64(&w, "files", c.files);
        json_member_u64(&w, "total", table_count(s->table));
        json_end_object(&w);
        control_part(t->call, buf_span(&b));
        buf_done(&b);
}

static int answer_check(struct trusted *t)
{
        struct sensor *s = t->sensor;
        struct buf body = BUF_INIT(REPLY_MAX);
        struct json_writer w;
        struct err err = { 0 };
        int rc = baseline_diff(s->state.io, s->state.dirfd, s->o.watch, s->table,
                               trusted_on_difference, t, &err);

        if (rc < 0) {
                trusted_answer_failed(t, rc, &err);
                return rc == -ENOMEM ? rc : 0;
        }
        deny_trusted(s);
        json_writer_init(&w, &body);
        json_begin_object(&w);
        json_member_u64(&w, "added", t->added);
        json_member_u64(&w, "changed", t->changed);
        json_member_u64(&w, "files", table_count(s->table));
        json_member_u64(&w, "found", t->found);
        json_member_u64(&w, "removed", t->removed);
        json_end_object(&w);
        if (t->call)
                command_end(s, t->call, 0, NULL, buf_span(&body));
        t->call = NULL;
        buf_done(&body);
        trusted_clear(t);
        return 0;
}

int trusted_work(struct sensor *s)
{
        struct trusted *t = s->trusted;
        int64_t now = sensor_mono(s);

        if (t->step == SCAN)
                show_progress(t);
        if (t->step == IDLE && t->again && !t->note.n)
                return trusted_tell_again(t);
        if (t->step == IDLE && t->owed && s->phase == SENSOR_LIVE && now >= t->owed_at_ns)
                trusted_try_first(t);
        if (t->step == SETTLE && t->task == TRUSTED_EXTEND)
                return now >= t->due_ns ? trusted_write_new(t) : 0;
        if (t->step == SETTLE && s->phase == SENSOR_LIVE &&
            (dirty_count(s->dirty) == 0 || now >= t->due_ns))
                return t->task == TRUSTED_ACCEPT ? trusted_begin_to_write(t) : answer_check(t);
        if (t->step == TOLD && !t->swept && !t->sweeping && !restore_active(s))
                sweep(t);
        if (t->step == TOLD && t->swept && (t->told || now >= t->due_ns || !t->call))
                trusted_answer(t);
        return 0;
}

int64_t trusted_due(const struct sensor *s)
{
        const struct trusted *t = s->trusted;

        return t->step == SETTLE || t->step == TOLD ? t->due_ns : -1;
}

/* ---- at the start ---- */

void trusted_start(struct sensor *s)
{
        struct trusted *t = s->trusted;
        struct err err = { 0 };

        if (baseline_note(s->state.io, s->state.dirfd, &t->note, &err) < 0) {
                log_event(LOG_LEVEL_ERROR, "sensor.baseline", log_err(&err));
                buf_clear(&t->note);
        }
        t->has = snapshot_read_head(s->state.io, s->state.dirfd, "baseline", NULL, &t->head,
                                    NULL) == 0;
        trusted_doubt(s);
        trusted_recall(s);
}

bool trusted_is_note(struct sensor *s, struct span skeleton)
{
        struct trusted *t = s->trusted;
        bool is = t->note.n && span_eq(skeleton, buf_span(&t->note));

        t->note_goes = t->note_goes || is;
        return is;
}

int trusted_announce(struct sensor *s)
{
        struct trusted *t = s->trusted;

        if (!t->note.n || t->note_goes)
                return 0;
        return tell_entry_of(s, buf_span(&t->note), NULL, true);
}

void trusted_stop(struct sensor *s)
{
        struct trusted *t = s->trusted;
        struct err err = { 0 };

        if (t->step == TOLD) {
                trusted_answer(t);
        } else if (t->call && t->step != WORK) { /* a worker's end comes by itself */
                (void)err_set(&err, -ECANCELED, "the sensor stops");
                trusted_answer_failed(t, -ECANCELED, &err);
        }
}

void trusted_put_status(const struct sensor *s, struct json_writer *w)
{
        static const char *const words[] = { "", "scanning", "waiting for events", "writing",
                                             "telling" };
        const struct trusted *t = s->trusted;
        char hex[2 * HASH_LEN + 1];

        if (!t || !t->has)
                return;
        text_hex(span_of(t->head.root.b, HASH_LEN), hex);
        json_put_key(w, "baseline");
        json_begin_object(w);
        json_member_u64(w, "files", t->head.count);
        json_member_text(w, "root", hex);
        json_member_time(w, "taken", t->head.taken_ns);
        if (t->doubted)
                json_member_text(w, "unproven", trusted_why_doubted(t));
        if (t->step != IDLE)
                json_member_text(w, "work", words[t->step]);
        json_end_object(w);
}
