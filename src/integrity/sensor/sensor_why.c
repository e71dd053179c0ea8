/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_why.c - what explains a change, and alerts where nothing does.
 *
 * Approved changes live in the file "approvals" of the state directory, one a line.  It is written,
 * and the entry without which it proves nothing is in the journal, before the command that opens
 * one is answered: an approval that was confirmed outlives a kill. */
#include "integrity/sensor/sensor_priv.h"

#include "base/pattern.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "integrity/sensor/control.h"
#include "integrity/who/session.h"
#include "loop/log.h"
#include "sys/io.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        FILE_MAX = 64 << 20,
        KEY_MAX = 512,
        DETAIL_MAX = 4096,       /* of an alert */
        ID_LIST_MAX = 16 * 1024, /* bytes of paths in one entry */
        ANSWER_MAX = 32 * 1024,  /* of change.list; lists come after it, */
        NAMES_MAX = 4096,        /* and before them ids of what is too long */
        WIDE_SHOWN = 8,          /* in the status */
};

static const char file_name[] = "approvals";

/* ---- the file ---- */

static int load(struct sensor *s, struct err *err)
{
        uint8_t *text = NULL;
        size_t n = 0;
        int rc = io_read_file(&io_kernel, s->state.dirfd, file_name, FILE_MAX, &text, &n, err);

        if (rc == 0)
                rc = approvals_parse(&s->approvals, file_name, span_of(text, n), err);
        free(text);
        return rc == -ENOENT ? 0 : rc;
}

static int save(struct sensor *s, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX);

        approvals_print(&s->approvals, &text);
        if (buf_status(&text) < 0)
                return err_sys(err, buf_status(&text), "%s", file_name);
        return io_replace_file(&io_kernel, s->state.dirfd, file_name, s->state.dirfd, 0600,
                               buf_span(&text), err);
}

static void digest_of(const struct approval *a, struct buf *text, char hex[2 * SHA256_LEN + 1])
{
        uint8_t digest[SHA256_LEN];

        buf_clear(text);
        approval_print(a, text);
        sha256(buf_span(text), digest);
        text_hex(span_of(digest, sizeof digest), hex);
}

bool why_is_told(const struct sensor *s, const char *kind, const char *hex)
{
        struct span told = s->o.told;

        for (; told.n >= 2 * SHA256_LEN; told = span_from(told, 2 * SHA256_LEN))
                if (memcmp(told.p, hex, 2 * SHA256_LEN) == 0)
                        return true;
        return state_found_waits(&s->found, kind, "what.digest", hex);
}

/* The file is root's to write; an approved change is in the ledger before it explains anything. */
static void drop_unproven(struct sensor *s)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(APPROVAL_BYTES_MAX);
        char hex[2 * SHA256_LEN + 1];

        for (size_t i = s->approvals.n; i-- > 0;) {
                struct approval *a = s->approvals.of[i];

                digest_of(a, &text, hex);
                if (buf_status(&text) == 0 && why_is_told(s, "integrity.approval", hex))
                        continue;
                snprintf(s->approvals_lost, sizeof s->approvals_lost,
                         "%.*s stands in the file of approved changes, and the ledger does not "
                         "have it: it explains nothing",
                         (int)MIN_OF(a->id.n, (size_t)APPROVAL_ID_MAX), (const char *)a->id.p);
                s->approvals_forged = true;
                log_event(LOG_LEVEL_ERROR, "sensor.approvals", log_str("why", s->approvals_lost));
                approvals_remove(&s->approvals, a);
                approval_free(a);
        }
}

int why_init(struct sensor *s, struct err *err)
{
        struct err why = { 0 };
        int rc = alerts_new(&s->alerts, err);

        actor_init(s);
        if (rc == 0)
                rc = late_init(s, err);
        if (rc == 0)
                rc = lists_init(s, err);
        if (rc < 0)
                return rc;
        rc = load(s, &why);
        if (rc == -ENOMEM)
                return err_set(err, rc, "%s", why.text);
        if (rc < 0) { /* nothing is approved then: too many alerts, not too few */
                approvals_done(&s->approvals);
                snprintf(s->approvals_lost, sizeof s->approvals_lost, "%s", why.text);
                log_event(LOG_LEVEL_ERROR, "sensor.approvals", log_err(&why));
        }
        drop_unproven(s);
        for (size_t i = 0; i < s->approvals.n; i++)
                approval_begin(s->approvals.of[i], sensor_wall(s), sensor_mono(s));
        return 0;
}

void why_done(struct sensor *s)
{
        actor_done(s);
        approvals_done(&s->approvals);
        s->alerts = alerts_free(s->alerts);
        s->late = late_free(s->late);
        lists_done(s);
}

/* ---- entries ---- */

static void put_paths(struct json_writer *w, const struct approval *a)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(4 * (PATTERN_MAX + 1));
        size_t room = ID_LIST_MAX, i;

        json_put_key(w, "paths");
        json_begin_array(w);
        for (i = 0; i < a->paths.n; i++) {
                const struct watch_rule *r = &a->paths.rules[i];

                buf_clear(&text);
                buf_printf(&text, "%s", r->exclude ? "!" : "");
                text_put_safe(&text, r->text);
                if (text.n > room)
                        break;
                room -= text.n;
                json_put_string(w, buf_span(&text));
        }
        if (i < a->paths.n) {
                buf_clear(&text);
                buf_printf(&text, "and %zu more", a->paths.n - i);
                json_put_string(w, buf_span(&text));
        }
        json_end_array(w);
}

static void put_digest(struct json_writer *w, const struct approval *a, struct buf *text)
{
        char hex[2 * SHA256_LEN + 1];

        digest_of(a, text, hex);
        json_member_text(w, "digest", hex);
}

/* a NULL: only the event and its detail. */
static int tell_approval(struct sensor *s, const struct approval *a, const char *event,
                         struct span reason, const char *detail, struct who *who)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(APPROVAL_BYTES_MAX);
        struct json_writer w;

        buf_clear(&s->skeleton);
        entry_begin(&w, &s->skeleton, "integrity.approval", sensor_wall(s));
        if (detail)
                json_member_text(&w, "detail", detail);
        if (a)
                put_digest(&w, a, &text);
        json_member_text(&w, "event", event);
        if (a) {
                json_member_time(&w, "from", a->from_ns);
                if (a->n_hashes)
                        json_member_u64(&w, "hashes", a->n_hashes);
                json_member_string(&w, "id", a->id);
                put_paths(&w, a);
        }
        if (reason.n)
                json_member_string(&w, "reason", reason);
        if (a) {
                json_member_string(&w, "source", a->source);
                json_member_time(&w, "until", a->until_ns);
        }
        json_end_object(&w);
        if (who) {
                json_put_key(&w, "who");
                who_put(&w, who, NULL, 0, NULL);
        }
        json_end_object(&w);
        return tell_made(s, who);
}

/* ---- judging ---- */

void why_explain(struct sensor *s, const struct change *c, struct why *ret)
{
        struct why_known known = { .approvals = &s->approvals,
                                   .packages = package_table(s),
                                   .sources = lists_known(s),
                                   .files = { actor_ran_trusted, s } };

        why_judge(&known, c, ret);
}

bool why_expects(const struct sensor *s, struct span path)
{
        int64_t wall = sensor_wall(s);

        return approvals_expect(&s->approvals, path, wall) ||
               sources_expect(lists_known(s), path, wall);
}

/* Whose act it is: the login, the audit session or the unit, the command in it, and as whom. */
static void put_actor(const struct change *c, struct buf *key)
{
        const struct who *w = c->who;

        if (c->mount) {
                buf_printf(key, "mount %s", c->mount);
                return;
        }
        if (!w || !w->pid) {
                buf_printf(key, "nobody %s", c->seen);
                return;
        }
        if (w->login && w->login->root)
                buf_printf(key, "login %d %llu ", (int)w->login->root,
                           (unsigned long long)w->login->root_start_ns);
        else if (w->has & WHO_HAS_SESSION)
                buf_printf(key, "session %u ", w->session);
        else if (w->unit.n)
                buf_put(key, buf_span(&w->unit));
        buf_printf(key, " command %d as %u", (int)w->command, w->euid);
}

/* What is wrong: the profile, and the approved change that nearly fitted, or what happened.  One
 * mount may hide what several profiles watch. */
static void put_cause(const struct change *c, const char *word, struct buf *cause)
{
        if (c->profile && !c->mount)
                buf_put(cause, c->profile->name);
        buf_printf(cause, " %s", word ? word : c->why->change);
}

static int raise(struct sensor *s, const struct change *c, const char *word, struct span detail,
                 enum alert_severity severity, char ret_id[ALERT_ID_MAX + 1])
{
        CLEANUP(buf_done) struct buf actor = BUF_INIT(KEY_MAX), cause = BUF_INIT(KEY_MAX);
        struct alert_cause x = {
                .now_ns = sensor_mono(s), .detail = detail, .severity = severity, .word = word
        };

        put_actor(c, &actor);
        put_cause(c, word, &cause);
        if (buf_status(&actor) < 0 || buf_status(&cause) < 0)
                return -ENOMEM;
        x.actor = buf_span(&actor);
        x.cause = buf_span(&cause);
        if (why_tick(s, false) < 0)
                return -ENOMEM;
        s->alert_news = alerts_add(s->alerts, c, &x, &s->alert, ret_id);
        return buf_status(&s->alert);
}

int why_alert(struct sensor *s, const struct change *c, char ret_id[ALERT_ID_MAX + 1])
{
        CLEANUP(buf_done) struct buf detail = BUF_INIT(DETAIL_MAX);
        int rc;

        s->alert_news = ALERT_COUNTED;
        ret_id[0] = '\0';
        if (c->why->state != WHY_UNEXPLAINED)
                return 0;
        s->unexplained++;
        if (!c->profile || c->profile->mode == WATCH_LOG)
                return 0;
        if (c->mount)
                buf_printf(&detail, "%s (integrity.mount %s); ", c->mount_how, c->mount);
        buf_put_str(&detail, c->why->detail);
        if (buf_status(&detail) < 0)
                return -ENOMEM;
        rc = raise(s, c, NULL, buf_span(&detail),
                   c->profile->mode == WATCH_ALERT ? ALERT_HIGH : ALERT_CRITICAL, ret_id);
        if (rc == 0)
                late_add(s->late, ret_id, c);
        return rc;
}

int why_alert_tell(struct sensor *s, struct who *who)
{
        enum alert_news news = s->alert_news;

        s->alert_news = ALERT_COUNTED;
        if (news == ALERT_RAISED)
                return tell_entry_of(s, buf_span(&s->alert), who, false);
        return news == ALERT_UPDATED ? tell_entry(s, buf_span(&s->alert)) : 0;
}

int why_alert_event(struct sensor *s, const char *word, struct span path, struct who *who,
                    const char *detail)
{
        static const struct why none = { .state = WHY_UNEXPLAINED };
        struct change c = { .wall_ns = sensor_wall(s),
                            .path = path,
                            .profile = watchset_profile(s->o.watch, path),
                            .seen = "live",
                            .who = who,
                            .unknown = who ? NULL : "nobody was seen doing it",
                            .why = &none };
        char id[ALERT_ID_MAX + 1];
        int rc = raise(s, &c, word, span_str(detail), ALERT_CRITICAL, id);

        return rc == 0 ? why_alert_tell(s, who) : rc;
}

int why_tick(struct sensor *s, bool stopping)
{
        int64_t wall = sensor_wall(s);
        int rc = 0;

        while (rc == 0 && alerts_end(s->alerts, sensor_mono(s), wall, stopping, &s->skeleton))
                if (s->skeleton.n)
                        rc = tell_entry(s, buf_span(&s->skeleton));
        return rc;
}

int why_expire(struct sensor *s)
{
        int64_t wall = sensor_wall(s);
        struct err err = { 0 };
        size_t n = s->approvals.n;
        int rc = lists_tick(s);

        if (rc == 0 && s->approvals_lost[0]) {
                rc = tell_approval(s, NULL, "lost", SPAN_NONE, s->approvals_lost, NULL);
                s->approvals_lost[0] = '\0';
        }
        for (size_t i = 0; i < n && rc == 0; i++) {
                struct approval *a = s->approvals.of[i];
                bool over = approval_is_over(a, wall);

                if (!over && !approval_ran_out(a, sensor_mono(s)))
                        continue;
                if (!a->told_over)
                        rc = tell_approval(
                                s, a, "expired", SPAN_NONE,
                                over ? NULL : "its time has passed; the clock was set back", NULL);
                approval_end(a);
        }
        approvals_expire(&s->approvals, wall);
        if (s->approvals.n != n && save(s, &err) < 0) /* they are over all the same */
                log_event(LOG_LEVEL_WARNING, "sensor.approvals", log_err(&err));
        return rc;
}

/* "ID: reason; reason", of one that allows much. */
static void put_wide_status(const struct sensor *s, const struct approval *a, struct json_writer *w)
{
        CLEANUP(buf_done)
        struct buf text = BUF_INIT(APPROVAL_ID_MAX + APPROVAL_WIDE_MAX * APPROVAL_WIDE_TEXT + 16);
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * text.max);
        char why[APPROVAL_WIDE_MAX][APPROVAL_WIDE_TEXT];
        size_t profiles, n = approval_wide(a, s->o.watch, why, &profiles);

        if (n == 0)
                return;
        buf_put(&text, a->id);
        for (size_t i = 0; i < n; i++)
                buf_printf(&text, "%s %s", i ? ";" : ":", why[i]);
        text_put_safe(&safe, buf_span(&text));
        json_put_string(w, buf_span(&safe));
}

void why_put_status(const struct sensor *s, struct json_writer *w)
{
        json_member_u64(w, "acts", alerts_open(s->alerts));
        json_member_u64(w, "approvals", s->approvals.n);
        json_put_key(w, "approvals_wide");
        json_begin_array(w);
        for (size_t i = 0; i < s->approvals.n && i < WIDE_SHOWN; i++)
                put_wide_status(s, s->approvals.of[i], w);
        json_end_array(w);
}

/* ---- commands ---- */

/* {"id":"..."} */
static void answer_id(struct span id, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_string(&w, "id", id);
        json_end_object(&w);
}

/* The same, with reasons to look twice; one that lets anybody change much is an alert by itself. */
static int answer_opened(struct sensor *s, const struct approval *a, struct who *who,
                         struct buf *out)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * APPROVAL_WIDE_TEXT);
        char why[APPROVAL_WIDE_MAX][APPROVAL_WIDE_TEXT], detail[2 * APPROVAL_WIDE_TEXT];
        size_t profiles, n = approval_wide(a, s->o.watch, why, &profiles);
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_string(&w, "id", a->id);
        json_put_key(&w, "wide");
        json_begin_array(&w);
        for (size_t i = 0; i < n; i++) {
                buf_clear(&safe);
                text_put_safe(&safe, span_str(why[i]));
                json_put_string(&w, buf_span(&safe));
        }
        json_end_array(&w);
        json_end_object(&w);
        if (profiles <= APPROVAL_WIDE_PROFILES || a->n_actors)
                return 0;
        snprintf(detail, sizeof detail, "%.*s lets anybody change what %zu profiles watch",
                 (int)a->id.n, (const char *)a->id.p, profiles);
        return why_alert_event(s, "change too wide", a->paths.rules[0].text, who, detail);
}

int why_open(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
             struct err *err)
{
        CLEANUP(approval_freep) struct approval *a = NULL;
        struct json_value v;
        int rc;

        if (!json_get(control_args(c), "change", &v) || v.type != JSON_OBJECT)
                return err_set(err, -EINVAL, "change is missing");
        rc = approval_parse(v.raw, &a, err);
        if (rc < 0)
                return rc;
        if (!span_eq_str(a->source, "local")) /* others come signed */
                return err_set(err, -EINVAL, "source is not \"local\"");
        if (approval_is_over(a, sensor_wall(s)))
                return err_set(err, -EINVAL, "until is over");
        approval_begin(a, sensor_wall(s), sensor_mono(s));
        rc = approvals_add(&s->approvals, a, err);
        if (rc < 0)
                return rc;
        rc = save(s, err);
        if (rc == 0)
                rc = tell_approval(s, a, "opened", a->reason, NULL, who);
        if (rc == 0)
                rc = answer_opened(s, a, who, out);
        if (rc < 0) {
                approvals_remove(&s->approvals, a);
                return rc;
        }
        a = NULL;
        rc = deny_open_now(s);
        return rc < 0 ? rc : 1;
}

int why_close(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
              struct err *err)
{
        CLEANUP(buf_done) struct buf id = BUF_INIT(APPROVAL_ID_MAX);
        CLEANUP(buf_done) struct buf reason = BUF_INIT(APPROVAL_REASON_MAX);
        struct approval *a;
        int64_t until;
        int rc = control_get_text(c, "id", &id, err);

        if (rc == 0)
                rc = control_get_text(c, "reason", &reason, err);
        if (rc < 0)
                return rc;
        a = approvals_find(&s->approvals, buf_span(&id));
        if (!a)
                return err_set(err, -ESRCH, "no change %s is open", buf_cstr(&id));
        if (sensor_read_all(s) < 0) /* what happened before this is known to have */
                return err_set(err, -EIO, "the kernel's notices cannot be read");
        until = a->until_ns;
        a->until_ns = MIN_OF(until, MAX_OF(sensor_wall(s), a->from_ns + 1));
        rc = save(s, err);
        if (rc < 0) {
                a->until_ns = until;
                return rc;
        }
        a->closed = true;
        answer_id(a->id, out);
        rc = tell_approval(s, a, "closed", buf_span(&reason), NULL, who);
        a->told_over = true;
        if (rc == 0)
                rc = deny_close_now(s);
        return rc < 0 ? rc : 1;
}

/* Those that are too long to be shown are named at least. */
static void put_left_out(const struct sensor *s, const bool *left, struct json_writer *w)
{
        size_t n = 0;

        for (size_t i = 0; i < s->approvals.n; i++)
                n += left[i];
        json_member_u64(w, "left_out", n);
        json_put_key(w, "left_out_ids");
        json_begin_array(w);
        for (size_t i = 0; i < s->approvals.n; i++)
                if (left[i] && w->out->n < ANSWER_MAX + NAMES_MAX)
                        json_put_string(w, s->approvals.of[i]->id);
        json_end_array(w);
}

int why_list(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
             struct err *err)
{
        CLEANUP(buf_done) struct buf one = BUF_INIT(APPROVAL_BYTES_MAX);
        bool left[APPROVALS_MAX];
        struct json_writer w;

        (void)c;
        (void)who;
        (void)err;
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "changes");
        json_begin_array(&w);
        for (size_t i = 0; i < s->approvals.n; i++) {
                buf_clear(&one);
                approval_print(s->approvals.of[i], &one);
                left[i] = buf_status(&one) < 0 || out->n + one.n >= ANSWER_MAX;
                if (!left[i])
                        json_put_raw(&w, buf_span(&one));
        }
        json_end_array(&w);
        put_left_out(s, left, &w);
        lists_put(s, &w);
        json_end_object(&w);
        return 1;
}

/* The first verdict stays in the ledger, this goes beside it. */
int why_tell_explained(struct sensor *s, const char *id, const char *change, const char *reason,
                       struct who *who)
{
        struct json_writer w;

        buf_clear(&s->skeleton);
        entry_begin(&w, &s->skeleton, "alert.explained", sensor_wall(s));
        json_member_text(&w, "change", change);
        json_member_text(&w, "id", id);
        json_member_text(&w, "reason", reason);
        json_end_object(&w);
        if (who) {
                json_put_key(&w, "who");
                who_put(&w, who, NULL, 0, NULL);
        }
        json_end_object(&w);
        return tell_made(s, who);
}

/* A ticket that came after the fact. */
int why_late(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
             struct err *err)
{
        CLEANUP(buf_done) struct buf id = BUF_INIT(ALERT_ID_MAX);
        CLEANUP(buf_done) struct buf change = BUF_INIT(APPROVAL_ID_MAX);
        CLEANUP(buf_done) struct buf reason = BUF_INIT(APPROVAL_REASON_MAX);
        int rc = control_get_text(c, "id", &id, err);

        if (rc == 0)
                rc = control_get_text(c, "change", &change, err);
        if (rc == 0)
                rc = control_get_text(c, "reason", &reason, err);
        if (rc < 0)
                return rc;
        rc = why_tell_explained(s, buf_cstr(&id), buf_cstr(&change), buf_cstr(&reason), who);
        if (rc < 0)
                return err_sys(err, rc, "the entry");
        alerts_close(s->alerts, buf_cstr(&id));
        late_drop(s->late, buf_cstr(&id));
        answer_id(buf_span(&id), out);
        return 1;
}
