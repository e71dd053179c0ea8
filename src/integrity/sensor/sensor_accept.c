/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_trusted_priv.h"

#include "base/text.h"
#include "integrity/sensor/sensor_above.h"
#include "integrity/trusted/content.h"
#include "loop/log.h"

static bool is_selected(void *ctx, struct span path)
{
        const struct trusted *t = ctx;
        struct span rest = buf_span(&t->selected);

        if (rest.n == 0)
                return true;
        while (rest.n) {
                size_t n = strlen((const char *)rest.p);

                if (path_within(path, span_of(rest.p, n)))
                        return true;
                rest = span_from(rest, n + 1);
        }
        return false;
}

static void want_content(struct trusted *t, const struct watch_profile *p, struct span path,
                         const struct record *is)
{
        if (!p->keep || is->hash != RECORD_HASH_KNOWN ||
            content_has(t->sensor->content, is->sha256))
                return;
        buf_put(&t->reads, span_of(&p->max_size, sizeof p->max_size));
        buf_put(&t->reads, path);
        buf_put_byte(&t->reads, 0);
}

/* As this path was trusted when it was watched before, and is not now; empty: it was not. */
static struct span old_state(struct trusted *t, struct span path)
{
        struct span next = t->old_rest, at, is;

        while (baseline_next_change(&next, &at, &is)) {
                int cmp = snapshot_path_cmp(at, path);

                if (cmp > 0)
                        break;
                t->old_rest = next;
                if (cmp == 0)
                        return is;
        }
        return SPAN_NONE;
}

int trusted_on_difference(void *ctx, struct span path, struct span was_bytes, struct span is_bytes)
{
        struct trusted *t = ctx;
        struct record was, is;
        struct change c = { .path = path };

        if (!is_selected(t, path) ||
            (t->task == TRUSTED_EXTEND && config_was_watched(t->sensor, path)))
                return 0;
        if ((was_bytes.n && record_decode(was_bytes, &was, NULL) < 0) ||
            (is_bytes.n && record_decode(is_bytes, &is, NULL) < 0))
                return -EBADMSG;
        c.profile = watchset_way_profile(t->sensor->o.watch, path);
        c.was = was_bytes.n ? &was : NULL;
        c.is = is_bytes.n ? &is : NULL;
        t->added += !c.was;
        t->removed += !c.is;
        t->changed += c.was && c.is && change_differs_since(&c);
        if (t->task == TRUSTED_CHECK)
                return 0;
        if (t->task == TRUSTED_EXTEND && !was_bytes.n) {
                struct span old = old_state(t, path);

                if (old.n) { /* differs on, as it did before it was not watched */
                        baseline_put_change(&t->changes, path, old);
                        return buf_status(&t->changes);
                }
        }
        baseline_put_change(&t->changes, path, is_bytes);
        if (c.is && c.profile)
                want_content(t, c.profile, path, &is);
        return buf_status(&t->changes) < 0 ? buf_status(&t->changes) : buf_status(&t->reads);
}

static void put_reply(const struct trusted *t, struct buf *out)
{
        struct content_counts c = content_counts(t->sensor->content);
        char hex[2 * HASH_LEN + 1];
        struct json_writer w;

        text_hex(span_of(t->head.root.b, HASH_LEN), hex);
        json_writer_init(&w, out);
        json_begin_object(&w);
        if (t->task == TRUSTED_ACCEPT) {
                json_member_u64(&w, "added", t->added);
                json_member_u64(&w, "changed", t->changed);
        }
        if (t->in_ledger)
                json_member_u64(&w, "entry", t->index);
        json_member_u64(&w, "files", t->head.count);
        if (t->task == TRUSTED_CREATE)
                json_member_u64(&w, "found", t->found);
        json_member_u64(&w, "kept", c.kept + c.had);
        json_member_u64(&w, "not_kept", c.too_large + c.no_room + c.failed);
        if (t->task == TRUSTED_ACCEPT)
                json_member_u64(&w, "removed", t->removed);
        json_member_text(&w, "root", hex);
        json_member_time(&w, "taken", t->head.taken_ns);
        json_member_u64(&w, "unreadable", t->sums.unreadable);
        json_end_object(&w);
}

/* Directories on the way are accepted with what is below them, or by their own paths. */
static void accept_above(struct trusted *t)
{
        uint64_t n = 0;

        if (t->task != TRUSTED_CREATE && t->task != TRUSTED_ACCEPT)
                return;
        if (above_accept(t->sensor, is_selected, t, &n) < 0)
                t->sensor->failed = -ENOMEM;
        t->changed += n;
}

void trusted_answer(struct trusted *t)
{
        struct buf body = BUF_INIT(REPLY_MAX);

        accept_above(t);

        put_reply(t, &body);
        if (t->call)
                command_end(t->sensor, t->call, 0, NULL, buf_span(&body));
        t->call = NULL;
        buf_done(&body);
        trusted_clear(t);
}

/* Does it lead to something that is known, or to something that differs? */
static bool leads_somewhere(struct trusted *t, struct span path)
{
        const struct table_node *n = table_find(t->sensor->table, path);
        struct span rest = buf_span(&t->changes), at, is;

        if (n && (n->record_n || n->child))
                return true;
        while (baseline_next_change(&rest, &at, &is))
                if (path_within(at, path))
                        return true;
        return false;
}

/* A path that was named by mistake looks like one where nothing differs. */
static int check_selected(struct trusted *t, struct err *err)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(ERR_TEXT_MAX);
        struct span rest = buf_span(&t->selected);

        while (rest.n) {
                struct span path = span_of(rest.p, strlen((const char *)rest.p));

                if (!leads_somewhere(t, path)) {
                        text_put_safe(&safe, span_of(path.p, MIN_OF(path.n, (size_t)128)));
                        return err_set(err, -ESRCH, "%s: nothing there is watched, or was trusted",
                                       buf_cstr(&safe));
                }
                rest = span_from(rest, path.n + 1);
        }
        return 0;
}

/* Everything that waited has been looked at: list what is accepted, and begin to write. */
int trusted_begin_to_write(struct trusted *t)
{
        struct sensor *s = t->sensor;
        struct err err = { 0 };
        int rc = baseline_diff(s->state.io, s->state.dirfd, s->o.watch, s->table,
                               trusted_on_difference, t, &err);

        if (rc == -E2BIG)
                (void)err_set(&err, rc, "too much at once: accept parts of it, or create it anew");
        if (rc == 0)
                rc = check_selected(t, &err);
        if (rc == 0 && t->changes.n == 0 && (t->entry.n || t->selected.n)) {
                deny_trusted(s);
                trusted_answer(t); /* nothing differs, and that is proven: what is trusted stays */
                return 0;
        }
        watchset_print(s->o.watch, &t->rules);
        if (rc == 0 && buf_status(&t->rules) < 0)
                rc = err_sys(&err, buf_status(&t->rules), "the rules");
        content_count_anew(s->content);
        t->next = (struct snapshot_head){ .taken_ns = sensor_wall(s) };
        t->step = WORK;
        if (rc == 0)
                rc = trusted_submit(t, false);
        if (rc == -EAGAIN) {
                t->step = SETTLE; /* the pool is full: at the next turn */
                buf_clear(&t->changes);
                buf_clear(&t->reads);
                buf_clear(&t->rules);
                t->added = t->changed = t->removed = 0;
                return 0;
        }
        if (rc < 0)
                trusted_answer_failed(t, rc, &err);
        return rc == -ENOMEM ? rc : 0;
}

/* ---- what is watched newly ---- */

void trusted_extend(struct sensor *s)
{
        struct trusted *t = s->trusted;

        assert(t->step == IDLE);
        t->task = TRUSTED_EXTEND;
        t->call = NULL;
        t->began_ns = sensor_mono(s);
        t->step = SCAN;
        content_count_anew(s->content);
}

static int on_old(void *ctx, struct span path, struct span was, struct span is)
{
        struct trusted *t = ctx;

        if (was.n && is.n && !config_was_watched(t->sensor, path))
                baseline_put_change(&t->old, path, was);
        return buf_status(&t->old);
}

/* What is not watched for a while and then again is not new: it differs from what was trusted of
 * it, or taking it out of watch.yaml and back would wash it clean.  From the latest baseline that
 * has some of it. */
static void find_old(struct trusted *t)
{
        struct baseline_name all[BASELINE_EARLIER + 1];
        struct sensor *s = t->sensor;
        struct err err = { 0 };
        size_t n = 0;
        int rc = baseline_list(s->state.io, s->state.dirfd, all, &n, &err);

        buf_clear(&t->old);
        for (size_t i = 1; i < n && rc == 0 && t->old.n == 0; i++)
                rc = baseline_diff_with(s->state.io, s->state.dirfd, all[i].name, s->o.watch,
                                        s->table, on_old, t, &err);
        if (rc < 0) {
                log_event(LOG_LEVEL_WARNING, "sensor.earlier_baseline", log_err(&err));
                buf_clear(&t->old);
        }
        t->old_rest = buf_span(&t->old);
}

/* Told as changes: the scan took what is there without a word. */
static int tell_old(struct trusted *t)
{
        struct span rest = buf_span(&t->old), path, old;
        struct sensor *s = t->sensor;
        struct record was, is;
        int rc = 0;

        while (rc == 0 && baseline_next_change(&rest, &path, &old)) {
                struct table_node *n = table_find(s->table, path);
                struct change c = { .wall_ns = sensor_wall(s),
                                    .path = path,
                                    .profile = watchset_way_profile(s->o.watch, path),
                                    .was = &was,
                                    .is = &is,
                                    .seen = "rescan",
                                    .unknown = "changed since it was watched before" };

                if (n && n->record && record_decode(old, &was, NULL) == 0 &&
                    record_decode(table_record(n), &is, NULL) == 0 && change_differs_since(&c))
                        rc = tell_change(s, &c, SPAN_NONE);
        }
        return rc;
}

/* At the end of the scan, before anything else is looked at. */
int trusted_collect_new(struct trusted *t)
{
        struct sensor *s = t->sensor;
        struct err err = { 0 };
        int rc;

        find_old(t);
        rc = tell_old(t);
        if (rc < 0)
                return rc;
        rc = t->has ? baseline_diff(s->state.io, s->state.dirfd, s->o.watch, s->table,
                                    trusted_on_difference, t, &err)
                    : err_set(&err, -ENOENT, "there is no baseline");

        if (rc == 0) {
                watchset_print(s->o.watch, &t->rules);
                rc = buf_status(&t->rules);
        }
        if (rc < 0) {
                trusted_answer_failed(t, rc, &err);
                return rc == -ENOMEM ? rc : 0;
        }
        t->step = SETTLE;
        t->due_ns = sensor_mono(s);
        return 0;
}

/* The entry of the last baseline comes first. */
int trusted_write_new(struct trusted *t)
{
        struct sensor *s = t->sensor;
        struct err err = { 0 };
        int rc = -EAGAIN;

        t->due_ns = sensor_mono(s) + AGAIN_MS * NS_PER_MS;
        t->next = (struct snapshot_head){ .taken_ns = sensor_wall(s) };
        if (!t->note.n)
                rc = trusted_is_ours(s, &err);
        if (rc < 0 && rc != -EAGAIN) { /* or what was planted would be trusted with what is new */
                trusted_answer_failed(t, rc, &err);
                return 0;
        }
        if (rc == 0)
                rc = trusted_submit(t, false);
        if (rc == 0)
                t->step = WORK;
        if (rc < 0 && rc != -EAGAIN)
                trusted_answer_failed(t, err_sys(&err, rc, "the baseline"), &err);
        return 0;
}
