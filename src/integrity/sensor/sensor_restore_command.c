/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_restore_command.c - what administrators ask for.
 *
 * A command puts back what differs between a baseline and the table at and below the named paths.
 * It is not held up by approved changes, rests and budgets: somebody answers for it. */
#include "integrity/sensor/sensor_restore_priv.h"

#include "base/text.h"
#include "integrity/sensor/control.h"
#include "integrity/sensor/sensor_trusted.h"
#include "integrity/trusted/baseline.h"
#include "sys/io.h"
#include "wire/json.h"

#include <stdio.h>

enum {
        LIST_MAX = 64 << 20,
        PATHS_MAX = 1 << 20,
        PART_MAX = 16 * 1024,
        SHOW_MS = 100,
        PATH_BYTES = 1 << 20,
        FAILURES_MAX = 32 * 1024,
        REASON_MAX = 1024,
        ID_MIN = 4, /* digits of a root that name a baseline */
        SAFE_MAX = 4096,
};

/* ---- arguments ---- */

struct asked {
        struct restores *r;
        struct control_call *call;
        struct buf paths; /* each with its NUL */
        char name[BASELINE_NAME_MAX];
        bool dry, named; /* named: what it is of was told */
        uint64_t differs, not_kept, mounted;
};

static bool is_whole_path(struct span p)
{
        return p.p && p.n > 1 && p.p[0] == '/' && !memchr(p.p, 0, p.n) && p.p[p.n - 1] != '/';
}

static int take_paths(struct asked *a, const char *key, bool base64, struct err *err)
{
        struct json_iter it;
        struct json_value list, v;
        int rc = 0;

        if (!json_get(control_args(a->call), key, &list))
                return 0;
        if (list.type != JSON_ARRAY)
                return err_set(err, -EINVAL, "\"%s\" is no list", key);
        for (it = json_iter_of(list); rc == 0 && json_next(&it, NULL, &v);) {
                size_t at = a->paths.n, n;
                struct span text;

                if (!json_value_text(v, &a->paths) || buf_status(&a->paths) < 0)
                        return err_set(err, -EINVAL, "a path is no text, or too long");
                text = span_from(buf_span(&a->paths), at);
                if (base64 && text_from_base64(text, a->paths.p + at, text.n, &n) < 0)
                        return err_set(err, -EINVAL, "a path is no base64");
                a->paths.n = base64 ? at + n : a->paths.n;
                if (!is_whole_path(span_from(buf_span(&a->paths), at)))
                        rc = err_set(err, -EINVAL,
                                     "a path does not begin at the root, is the root, or ends with "
                                     "a slash");
                buf_put_byte(&a->paths, 0);
        }
        return rc < 0 || buf_status(&a->paths) == 0 ? rc : err_set(err, -E2BIG, "too many paths");
}

/* The one whose root begins with these digits. */
static int find_baseline(struct asked *a, struct span id, struct err *err)
{
        struct sensor *s = a->r->sensor;
        struct baseline_name all[BASELINE_EARLIER + 1];
        char root[2 * HASH_LEN + 1];
        size_t n = 0, found = SIZE_MAX;
        int rc = baseline_list(s->state.io, s->state.dirfd, all, &n, err);

        if (rc < 0)
                return rc;
        for (size_t i = 0; i < n; i++) {
                text_hex(span_of(all[i].head.root.b, HASH_LEN), root);
                if (id.n < ID_MIN || !span_starts(span_str(root), id))
                        continue;
                if (found != SIZE_MAX)
                        return err_set(err, -EINVAL, "more than one baseline begins with that");
                found = i;
        }
        if (found == SIZE_MAX)
                return err_set(err, -ENOENT,
                               "no baseline that is still here has a root that begins "
                               "with %.*s: assay baseline show --earlier",
                               (int)MIN_OF(id.n, 64u), (const char *)id.p);
        snprintf(a->name, sizeof a->name, "%s", all[found].name);
        text_hex(span_of(all[found].head.root.b, HASH_LEN), a->r->call.root);
        a->r->call.earlier = found > 0;
        return 0;
}

static int take_arguments(struct asked *a, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(REASON_MAX);
        struct json_value v;
        int rc = take_paths(a, "paths", false, err);

        if (rc == 0)
                rc = take_paths(a, "paths_b64", true, err);
        if (rc == 0 && a->paths.n == 0)
                rc = err_set(err, -EINVAL, "no path is named");
        a->dry = control_get_flag(a->call, "dry_run");
        a->r->call.discard = control_get_flag(a->call, "discard");
        if (rc == 0 && !a->dry)
                rc = control_get_text(a->call, "reason", &text, err);
        snprintf(a->name, sizeof a->name, "baseline");
        buf_clear(&text);
        if (rc == 0 && json_get(control_args(a->call), "baseline", &v)) {
                rc = control_get_text(a->call, "baseline", &text, err);
                if (rc == 0)
                        rc = find_baseline(a, buf_span(&text), err);
        }
        return rc;
}

/* ---- what differs ---- */

static bool is_named(const struct asked *a, struct span path)
{
        struct span rest = buf_span(&a->paths);

        while (rest.n) {
                size_t n = strlen((const char *)rest.p);

                if (path_within(path, span_of(rest.p, n)))
                        return true;
                rest = span_from(rest, n + 1);
        }
        return false;
}

/* Another path that is mounted than was trusted, above what is named or below it: what is there is
 * left alone.  The directory comes before what is in it. */
static int note_mount(struct asked *a, struct span path, struct span was, struct span is)
{
        struct buf *b = &a->r->call.behind;

        if (is.n == 0 || !restore_is_other_mount(a->r, path, was))
                return 0;
        buf_put(b, path);
        buf_put_byte(b, 0);
        return buf_status(b);
}

/* Where it is mounted what path is behind; empty: path is not.  May point into path. */
static struct span mount_of(struct restores *r, struct span path)
{
        struct span rest = buf_span(&r->call.behind);

        while (rest.n) {
                struct span point = span_str((const char *)rest.p);

                if (path_within(path, point))
                        return point;
                rest = span_from(rest, point.n + 1);
        }
        return restore_behind(r, path);
}

/* {"act","differs","kept","mounted","path"} */
static void show_one(struct asked *a, struct span path, const struct restore_plan *plan, bool kept,
                     struct span mounted)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(RESTORE_BEHIND_MAX);
        CLEANUP(buf_done) struct buf b = BUF_INIT(PART_MAX);
        struct json_writer w;

        json_writer_init(&w, &b);
        json_begin_object(&w);
        json_member_text(&w, "act", restore_act_name(plan->act));
        json_put_key(&w, "differs");
        json_begin_array(&w);
        for (unsigned i = 0; i < RECORD_F_COUNT; i++)
                if (plan->differs & 1u << i)
                        json_put_string(&w, span_str(record_field_name[i]));
        json_end_array(&w);
        json_member_bool(&w, "kept", kept);
        if (mounted.n) {
                restore_say_behind(mounted, &safe);
                json_member_string(&w, "mounted", buf_span(&safe));
        }
        json_put_bytes(&w, "path", path);
        json_end_object(&w);
        if (buf_status(&b) == 0) /* a path that is longer is counted all the same */
                control_part(a->call, buf_span(&b));
}

static int on_difference(void *ctx, struct span path, struct span was, struct span is)
{
        struct asked *a = ctx;
        struct restores *r = a->r;
        const struct watch_profile *profile = watchset_profile(r->sensor->o.watch, path);
        struct restore_plan plan;
        struct record x, y;
        struct span mounted;
        bool kept;
        int rc = note_mount(a, path, was, is);

        if (rc < 0 || !is_named(a, path) || path.n < 2)
                return rc;
        if ((was.n && record_decode(was, &x, NULL) < 0) ||
            (is.n && record_decode(is, &y, NULL) < 0))
                return -EBADMSG;
        restore_plan(was.n ? &x : NULL, is.n ? &y : NULL, profile ? profile->attributes : UINT_MAX,
                     &plan);
        if (plan.act == RESTORE_NOTHING)
                return 0;
        kept = !plan.content ||
               (x.hash == RECORD_HASH_KNOWN && content_has(r->sensor->content, x.sha256));
        a->differs++;
        a->not_kept += !kept;
        if (a->dry) {
                mounted = mount_of(r, path);
                a->mounted += mounted.n > 0;
                show_one(a, path, &plan, kept, mounted);
                return 0;
        }
        baseline_put_change(&r->call.list, path, was);
        return buf_status(&r->call.list);
}

/* A path that was named by mistake looks like one where nothing differs. */
static int check_named(const struct asked *a, struct err *err)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(ERR_TEXT_MAX);
        struct span rest = buf_span(&a->paths);

        while (a->differs == 0 && rest.n) {
                struct span path = span_of(rest.p, strlen((const char *)rest.p));
                const struct table_node *n = table_find(a->r->sensor->table, path);

                if (!n || (!n->record_n && !n->child)) {
                        text_put_safe(&safe, span_of(path.p, MIN_OF(path.n, (size_t)128)));
                        return err_set(err, -ESRCH, "%s: nothing there is watched, or was trusted",
                                       buf_cstr(&safe));
                }
                rest = span_from(rest, path.n + 1);
        }
        return 0;
}

/* ---- answers ---- */

static void put_answer(struct json_writer *w, const struct restore_call *c, const struct asked *dry)
{
        json_begin_object(w);
        if (dry)
                json_member_u64(w, "differs", dry->differs);
        if (!dry) {
                json_member_u64(w, "failed", c->failed);
                json_put_key(w, "failures");
                json_begin_array(w);
                if (c->failures.n)
                        json_put_raw(w, buf_span(&c->failures));
                json_end_array(w);
        }
        if (dry) {
                json_member_u64(w, "mounted", dry->mounted);
                json_member_u64(w, "not_kept", dry->not_kept);
        }
        if (!dry) {
                json_member_u64(w, "restored", c->restored);
                json_member_u64(w, "same", c->same);
        }
        json_end_object(w);
}

static void end_call(struct restores *r)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(2 * FAILURES_MAX);
        struct restore_call *c = &r->call;
        struct json_writer w;

        json_writer_init(&w, &body);
        put_answer(&w, c, NULL);
        if (c->call)
                command_end(r->sensor, c->call, 0, NULL, buf_span(&body));
        restore_call_done(r);
}

void restore_call_done(struct restores *r)
{
        struct restore_call *c = &r->call;

        c->who = who_unref(c->who);
        buf_done(&c->list);
        buf_done(&c->behind);
        buf_done(&c->path);
        buf_done(&c->good);
        buf_done(&c->failures);
        *c = (struct restore_call){ 0 };
}

int restore_ask(struct sensor *s, struct control_call *call, struct who *who, struct buf *out,
                struct err *err)
{
        struct restores *r = s->restores;
        struct asked a = { .r = r, .call = call, .paths = BUF_INIT(PATHS_MAX) };
        struct json_writer w;
        int rc = 0;

        if (r->call.active)
                return err_set(err, -EBUSY, "another command is putting back");
        if (s->phase == SENSOR_FIRST || trusted_busy(s))
                return err_set(err, -EBUSY, "the baseline is being written, or a check runs");
        r->call = (struct restore_call){ .list = BUF_INIT(LIST_MAX),
                                         .behind = BUF_INIT(PATHS_MAX),
                                         .path = BUF_INIT(PATH_BYTES),
                                         .good = BUF_INIT(RECORD_MAX),
                                         .failures = BUF_INIT(FAILURES_MAX) };
        rc = take_arguments(&a, err);
        if (rc == 0)
                rc = trusted_is_ours(s, err);
        if (rc == 0)
                rc = baseline_diff_with(s->state.io, s->state.dirfd, a.name, s->o.watch, s->table,
                                        on_difference, &a, err);
        if (rc == 0)
                rc = check_named(&a, err);
        buf_done(&a.paths);
        if (rc == -E2BIG)
                (void)err_set(err, rc, "too much at once: put back parts of it");
        if (rc < 0 || a.dry) {
                json_writer_init(&w, out);
                if (rc == 0)
                        put_answer(&w, &r->call, &a);
                restore_call_done(r);
                return rc < 0 ? rc : 1;
        }
        r->call.rest = buf_span(&r->call.list);
        r->call.total = a.differs;
        r->call.call = call;
        r->call.who = who ? who_ref(who) : NULL;
        r->call.active = true;
        return 0;
}

/* ---- its turns ---- */

static void show_progress(struct restores *r)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(128);
        struct restore_call *c = &r->call;
        int64_t now = sensor_mono(r->sensor);
        struct json_writer w;

        if (now < c->shown_ns || !c->call)
                return;
        c->shown_ns = now + SHOW_MS * NS_PER_MS;
        json_writer_init(&w, &b);
        json_begin_object(&w);
        json_member_u64(&w, "done", c->done);
        json_member_u64(&w, "total", c->total);
        json_end_object(&w);
        control_part(c->call, buf_span(&b));
}

static bool next_path(struct restore_call *c)
{
        struct span path, good;

        if (c->has)
                return true;
        if (!baseline_next_change(&c->rest, &path, &good))
                return false;
        buf_clear(&c->path);
        buf_clear(&c->good);
        buf_put(&c->path, path);
        buf_put(&c->good, good);
        c->has = true;
        c->tries = 0;
        return true;
}

static void add_failure(struct restores *r, struct span detail)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(SAFE_MAX);
        struct restore_call *c = &r->call;
        size_t was = c->failures.n;

        c->failed++;
        text_put_safe(&safe, span_of(c->path.p, MIN_OF(c->path.n, (size_t)SAFE_MAX / 8)));
        buf_put_str(&safe, ": ");
        text_put_safe(&safe, detail);
        if (c->failures.n)
                buf_put_byte(&c->failures, ',');
        json_put_quoted(&c->failures, buf_span(&safe));
        if (buf_status(&c->failures) < 0 || buf_status(&safe) < 0) { /* the first ones are named */
                c->failures.status = 0;
                c->failures.n = was;
        }
}

static void path_ended(struct restores *r)
{
        r->call.has = false;
        r->call.done++;
        show_progress(r);
}

/* What is there is another place: it stays as it is. */
static int left_alone(struct restores *r, struct span point)
{
        CLEANUP(buf_done) struct buf why = BUF_INIT(RESTORE_BEHIND_MAX);

        restore_say_behind(point, &why);
        add_failure(r, buf_span(&why));
        return restore_tell_not(r, buf_span(&r->call.path), "mounted", buf_span(&why), 0);
}

/* What was begun there before may yet be done: nobody waits for that. */
static int kept_locked(struct restores *r, struct span path)
{
        const struct span why = SPAN("somebody keeps it locked, or its directory");

        add_failure(r, why);
        return restore_tell_not(r, path, "stalled", why, 0);
}

int restore_call_work(struct restores *r)
{
        struct restore_call *c = &r->call;
        struct restore_place *p;
        struct span point;
        int rc;

        if (!c->active)
                return 0;
        if (!next_path(c)) {
                end_call(r);
                return 0;
        }
        point = mount_of(r, buf_span(&c->path));
        if (point.n) {
                rc = left_alone(r, point);
                path_ended(r);
                return rc < 0 ? rc : 1;
        }
        if (!restore_may_begin(r, buf_span(&c->path)))
                return 1; /* a look there ends soon */
        p = restore_places_make(r->places, buf_span(&c->path));
        if (!p) {
                add_failure(r, SPAN("too many paths are being put back"));
                path_ended(r);
                return 1;
        }
        if (p->temp[0] && hands_is_stuck(r->tools.hands, p->hash)) {
                rc = kept_locked(r, buf_span(&c->path));
                path_ended(r);
                return rc < 0 ? rc : 1;
        }
        rc = restore_submit(r, RESTORE_COMMAND, p, buf_span(&c->path), buf_span(&c->good));
        return rc == 0 || rc == -EAGAIN ? 1 : rc;
}

/* To an earlier baseline: that is what is good there from now on. */
static void stays(struct restores *r)
{
        struct restore_place *p = restore_places_make(r->places, r->task.path);

        if (!p || !r->call.earlier || restore_place_set_good(p, buf_span(&r->task.now), true) < 0)
                return;
        buf_clear(&r->scratch);
        buf_put_byte(&r->scratch, 1);
        buf_put(&r->scratch, buf_span(&r->task.now));
        restore_remember(r, RESTORE_OP_GOOD, r->task.path, buf_span(&r->scratch));
}

void restore_call_result(struct restores *r)
{
        struct restore_call *c = &r->call;
        struct restore_task *t = &r->task;
        struct restore_place *p = restore_places_find(r->places, t->path);

        if (p && t->result > RESTORE_DONE)
                restore_keep_beside(r, p);
        if (t->result == RESTORE_AGAIN && ++c->tries <= RESTORE_INSIST)
                return; /* once more, as it is now */
        if (t->result == RESTORE_DONE || t->result == RESTORE_SAME) {
                c->restored += t->result == RESTORE_DONE;
                c->same += t->result == RESTORE_SAME;
                stays(r);
        } else {
                add_failure(r, t->err.code ? span_str(err_text(&t->err))
                                           : SPAN("it changes all the time"));
                if (restore_tell_not(r, t->path, not_restored_reason(t->result, t->err.code),
                                     span_str(err_text(&t->err)), 0) < 0)
                        r->sensor->failed = -ENOMEM;
        }
        path_ended(r);
}

/* ---- the quarantine ---- */

static int get_id(struct control_call *c, struct buf *ret, struct err *err)
{
        int rc = control_get_text(c, "id", ret, err);

        if (rc == 0 && !quarantine_is_id(buf_span(ret)))
                rc = err_set(err, -EINVAL, "that is no id of an item");
        return rc;
}

static void answer_id(const struct buf *id, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_string(&w, "id", buf_span(id));
        json_end_object(&w);
}

int restore_quarantine_remove(struct sensor *s, struct control_call *c, struct who *who,
                              struct buf *out, struct err *err)
{
        CLEANUP(buf_done) struct buf id = BUF_INIT(QUARANTINE_ID + 1);
        CLEANUP(buf_done) struct buf reason = BUF_INIT(REASON_MAX);
        int rc = get_id(c, &id, err);

        (void)who;
        if (rc == 0)
                rc = control_get_text(c, "reason", &reason, err);
        if (rc == 0 && restore_active(s))
                rc = err_set(err, -EAGAIN, "something is being put back: in a moment");
        if (rc == 0)
                rc = quarantine_remove(s->restores->quarantine, buf_cstr(&id), err);
        if (rc < 0)
                return rc;
        answer_id(&id, out);
        return 1;
}

/* The command reads it itself, as root may; this is for the entry, and to see that it is there. */
int restore_quarantine_export(struct sensor *s, struct control_call *c, struct who *who,
                              struct buf *out, struct err *err)
{
        CLEANUP(buf_done) struct buf id = BUF_INIT(QUARANTINE_ID + 1);
        CLEANUP(buf_done) struct buf text = BUF_INIT(QUARANTINE_ITEM_MAX);
        struct quarantine_item item;
        int rc = get_id(c, &id, err);

        (void)who;
        if (rc == 0)
                rc = quarantine_read(s->state.io, s->state.dirfd, buf_cstr(&id), &text, &item, err);
        if (rc < 0)
                return rc;
        answer_id(&id, out);
        return 1;
}
