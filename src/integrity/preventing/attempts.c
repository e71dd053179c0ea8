/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/attempts.h"

#include "integrity/preventing/attempts_priv.h"
#include "integrity/preventing/saying.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_restore.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "sys/attempt.h"
#include "sys/audit.h"
#include "sys/audit_event.h"
#include "sys/bpf.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REFUSED_MAX = 512 };

struct attempts {
        struct bpf *bpf;     /* NULL: refused says why */
        struct audit *audit; /* NULL: not needed, or without says why */
        struct audit_events *events;
        char refused[REFUSED_MAX], without[REFUSED_MAX];
        char faulty[REFUSED_MAX]; /* why the audit tells nothing now; "": it does */
        struct buf path, where;
        uint64_t seen, lost; /* lost: as it was told */
        uint64_t unsaid;
        struct saying saying;
};

static bool denies(const struct watchset *w)
{
        for (size_t i = 0; i < w->n_profiles; i++)
                if (w->profiles[i]->mode == WATCH_DENY)
                        return true;
        return false;
}

/* What is denied lies there: all before the first wildcard of each pattern.  Too many: everywhere.
 */
static void find_places(const struct watchset *w, struct audit_places *ret)
{
        struct audit_places p = { .n = 0 };

        *ret = p;
        for (size_t i = 0; i < w->n; i++) {
                const struct watch_rule *r = &w->rules[i];
                struct span base = r->base_n ? span_of(r->text.p, r->base_n) : SPAN("/");
                size_t kept = 0;

                if (r->exclude || w->profiles[r->profile]->mode != WATCH_DENY)
                        continue;
                for (size_t k = 0; k < p.n; k++) {
                        if (path_within(base, p.at[k]))
                                base = SPAN_NONE;
                        if (!base.n || !path_within(p.at[k], base))
                                p.at[kept++] = p.at[k];
                }
                p.n = kept;
                if (base.n && p.n == AUDIT_PLACES_MAX)
                        return;
                if (base.n)
                        p.at[p.n++] = base;
        }
        *ret = p;
}

static int try_audit(struct attempts *a, const struct watchset *w, struct err *err)
{
        struct audit_places places;
        int rc = audit_events_new(&a->events, err);

        find_places(w, &places);
        if (rc == 0)
                rc = audit_open(&places, &a->audit, err);
        return rc;
}

int attempts_open(const struct watchset *w, const char *no_ebpf, struct attempts **ret,
                  struct err *err)
{
        CLEANUP(attempts_freep) struct attempts *a = calloc(1, sizeof *a);
        struct err why = { 0 };

        if (!a)
                return err_set(err, -ENOMEM, "out of memory for attempts");
        a->path = BUF_INIT(ATTEMPT_PATH_MAX);
        a->where = BUF_INIT(ATTEMPT_PATH_MAX);
        if (!denies(w)) {
                snprintf(a->refused, sizeof a->refused,
                         "no profile denied when the sensor was started");
        } else if (no_ebpf || attempt_open(&a->bpf, &why) < 0) {
                snprintf(a->refused, sizeof a->refused, "%s", no_ebpf ? no_ebpf : err_text(&why));
                why = (struct err){ 0 };
                if (try_audit(a, w, &why) < 0)
                        snprintf(a->without, sizeof a->without, "%s", err_text(&why));
        }
        *ret = a;
        a = NULL;
        return 0;
}

struct attempts *attempts_free(struct attempts *a)
{
        if (!a)
                return NULL;
        bpf_free(a->bpf);
        audit_free(a->audit);
        audit_events_free(a->events);
        buf_done(&a->path);
        buf_done(&a->where);
        free(a);
        return NULL;
}

/* "": attempts are seen. */
static void why_not(const struct attempts *a, char text[2 * REFUSED_MAX + 32])
{
        text[0] = '\0';
        if (a->audit && a->faulty[0])
                snprintf(text, REFUSED_MAX, "%s", a->faulty);
        else if (a->without[0])
                snprintf(text, 2 * REFUSED_MAX + 32, "ebpf: %s; audit: %s", a->refused, a->without);
        else if (!a->bpf && !a->audit)
                snprintf(text, REFUSED_MAX, "%s", a->refused);
}

static uint64_t lost(const struct attempts *a)
{
        if (a->bpf)
                return bpf_lost(a->bpf);
        return a->audit ? audit_lost(a->audit) + audit_events_lost(a->events) : 0;
}

/* ---- entries ---- */

static void begin(struct sensor *s, struct json_writer *w)
{
        buf_clear(&s->skeleton);
        entry_begin(w, &s->skeleton, "integrity.denied", sensor_wall(s));
}

/* Who says which path it was. */
static const char *path_from(const struct sensor *s, const struct attempt *x, bool renamed)
{
        if (x->exact)
                return "file";
        if (renamed)
                return "inode";
        return s->o.attempts->audit ? "audit" : "argument";
}

static int say(struct sensor *s, const struct attempt *x, struct span path, struct span named)
{
        const struct watch_profile *p = watchset_profile(s->o.watch, path);
        const bool renamed = !span_eq(path, named);
        struct who *who = command_who(s, x->pid, -1);
        struct json_writer w;
        int rc;

        begin(s, &w);
        json_member_text(&w, "call", attempt_op_name(x->op));
        json_member_text(&w, "error", x->error == -EPERM ? "EPERM" : "EACCES");
        if (x->incomplete)
                json_member_bool(&w, "incomplete", true);
        if (renamed && named.n)
                json_put_bytes(&w, "named", named);
        json_put_bytes(&w, "path", path);
        json_member_text(&w, "path_from", path_from(s, x, renamed));
        if (p)
                json_member_string(&w, "profile", p->name);
        json_end_object(&w);
        json_put_key(&w, "who");
        who_put(&w, who, NULL, 0, "the process could not be looked at");
        json_end_object(&w);
        rc = tell_made(s, who);
        if (rc == 0)
                rc = why_alert_event(s, "attempt denied", path, who, attempt_op_name(x->op));
        who_unref(who);
        return rc;
}

static int say_rest(struct sensor *s, uint64_t lost)
{
        struct attempts *a = s->o.attempts;
        struct json_writer w;

        begin(s, &w);
        json_member_u64(&w, "count", a->unsaid);
        if (lost)
                json_member_u64(&w, "lost", lost);
        json_end_object(&w);
        json_end_object(&w);
        a->unsaid = 0;
        return tell_made(s, NULL);
}

/* ---- hearing of them ---- */

/* No notice comes of inode flags alone: look now, and know who it was. */
static int look_at_flags(struct sensor *s, const struct attempt *x, struct span path)
{
        struct table_node *n = table_find(s->table, path);
        struct table_handle h;
        struct who *who;
        int rc;

        if (!n || !n->record || !n->parent || !table_handle_of(n->parent, &h))
                return 0;
        who = command_who(s, x->pid, -1);
        rc = look_at(s, &h, table_name(n), DIRTY_STATE | DIRTY_CHANGED, who, 0);
        who_unref(who);
        return rc;
}

/* May one more be told by itself? */
static bool may_say(struct sensor *s, pid_t pid)
{
        uint32_t uid = saying_user(s->o.processes, pid);

        return saying_may(&s->o.attempts->saying, uid, sensor_mono(s)) && out_room(s);
}

static int take_refused(struct sensor *s, const struct attempt *x, struct span named)
{
        struct attempts *a = s->o.attempts;
        int rc;

        if (!attempts_where(s, x, named, &a->where))
                return 0;
        a->seen++;
        if (!may_say(s, x->pid)) {
                a->unsaid++;
                return 0;
        }
        rc = say(s, x, buf_span(&a->where), named);
        if (rc == -E2BIG) { /* each name in it at its longest, and spelt in escapes */
                a->unsaid++;
                rc = 0;
        }
        return rc;
}

/* A flag that restore has lifted would be set again before the file is put back. */
static bool is_own(const struct sensor *s, pid_t pid)
{
        return pid == getpid() || restore_is_hand(s, pid);
}

static int take(void *ctx, struct span record)
{
        struct sensor *s = ctx;
        struct attempts *a = s->o.attempts;
        struct attempt x;

        if (attempt_decode(record, &x, &a->path, NULL) < 0 || is_own(s, x.pid))
                return 0;
        if (x.error == 0)
                return look_at_flags(s, &x, buf_span(&a->path));
        return take_refused(s, &x, buf_span(&a->path));
}

static int take_audited(void *ctx, const struct attempt *x, struct span path)
{
        return is_own(ctx, x->pid) ? 0 : take_refused(ctx, x, path);
}

static int take_record(void *ctx, unsigned type, struct span text)
{
        struct sensor *s = ctx;

        return audit_events_take(s->o.attempts->events, type, text, sensor_mono(s), take_audited,
                                 s);
}

static void on_attempts(void *ctx, unsigned events)
{
        struct sensor *s = ctx;
        struct attempts *a = s->o.attempts;
        int rc = a->bpf ? bpf_read(a->bpf, take, s) : audit_read(a->audit, take_record, s);

        (void)events;
        if (rc < 0)
                s->failed = rc;
}

int attempts_start(struct sensor *s, struct err *err)
{
        struct attempts *a = s->o.attempts;
        int fd = !a ? -1 : a->bpf ? bpf_fd(a->bpf) : a->audit ? audit_fd(a->audit) : -1;

        if (fd < 0)
                return 0;
        return loop_add_fd(s->o.loop, fd, LOOP_READ, on_attempts, s, &s->attempts_source, err);
}

void attempts_stop(struct sensor *s)
{
        s->attempts_source = loop_remove(s->attempts_source);
}

static void note_fault(struct attempts *a, int rc, const struct err *err)
{
        const char *now = rc < 0 ? err_text(err) : "";

        if (strcmp(a->faulty, now) == 0)
                return;
        snprintf(a->faulty, sizeof a->faulty, "%s", now);
        log_event(rc < 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "sensor.attempts",
                  log_str("audit", rc < 0 ? now : "tells again"));
}

void attempts_watch(struct sensor *s)
{
        struct attempts *a = s->o.attempts;
        struct audit_places places;
        struct err err = { 0 };

        if (!a || !a->audit)
                return;
        find_places(s->o.watch, &places);
        note_fault(a, denies(s->o.watch) ? audit_watch(a->audit, &places, &err) : 0, &err);
}

int attempts_tick(struct sensor *s)
{
        struct attempts *a = s->o.attempts;
        struct err err = { 0 };
        uint64_t more;
        int rc = 0;

        if (!a)
                return 0;
        if (a->audit) {
                note_fault(a, audit_keep(a->audit, &err), &err);
                rc = audit_events_expire(a->events, sensor_mono(s), take_audited, s);
        }
        more = lost(a) - a->lost;
        if (rc < 0 || (more == 0 && a->unsaid == 0) || !saying_is_over(&a->saying, sensor_mono(s)))
                return rc;
        saying_anew(&a->saying, sensor_mono(s));
        a->lost += more;
        return say_rest(s, more);
}

void attempts_put_status(const struct sensor *s, struct json_writer *w)
{
        const struct attempts *a = s->o.attempts;
        char why[2 * REFUSED_MAX + 32];

        if (!a || !denies(s->o.watch))
                return;
        why_not(a, why);
        json_put_key(w, "attempts");
        json_begin_object(w);
        if (a->bpf || a->audit)
                json_member_text(w, "by", a->bpf ? "ebpf" : "audit");
        json_member_u64(w, "lost", lost(a));
        if (a->audit)
                json_member_text(w, "no_ebpf", a->refused);
        if (a->audit && audit_was_off(a->audit))
                json_member_bool(w, "only_new", true);
        json_member_u64(w, "seen", a->seen);
        if (why[0])
                json_member_text(w, "why_not", why);
        json_end_object(w);
}
