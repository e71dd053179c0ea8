/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/attempts.h"

#include "integrity/sensor/sensor_priv.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "sys/attempt.h"
#include "sys/bpf.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SAY_BURST = 200, SAY_S = 10, REFUSED_MAX = 512 };

struct attempts {
        struct bpf *bpf; /* NULL: refused says why */
        char refused[REFUSED_MAX];
        struct buf path;
        uint64_t seen, lost; /* lost: as it was told */
        uint64_t unsaid;
        int64_t since_ns;
        unsigned said;
};

static bool denies(const struct watchset *w)
{
        for (size_t i = 0; i < w->n_profiles; i++)
                if (w->profiles[i]->mode == WATCH_DENY)
                        return true;
        return false;
}

int attempts_open(const struct watchset *w, struct attempts **ret, struct err *err)
{
        struct attempts *a = calloc(1, sizeof *a);
        struct err why = { 0 };

        if (!a)
                return err_set(err, -ENOMEM, "out of memory for attempts");
        a->path = BUF_INIT(ATTEMPT_PATH_MAX);
        if (!denies(w))
                snprintf(a->refused, sizeof a->refused,
                         "no profile denied when the sensor was started");
        else if (attempt_open(&a->bpf, &why) < 0)
                snprintf(a->refused, sizeof a->refused, "%s", err_text(&why));
        *ret = a;
        return 0;
}

struct attempts *attempts_free(struct attempts *a)
{
        if (!a)
                return NULL;
        bpf_free(a->bpf);
        buf_done(&a->path);
        free(a);
        return NULL;
}

/* ---- entries ---- */

static void begin(struct sensor *s, struct json_writer *w)
{
        buf_clear(&s->skeleton);
        entry_begin(w, &s->skeleton, "integrity.denied", sensor_wall(s));
}

static int say(struct sensor *s, const struct attempt *x, struct span path,
               const struct watch_profile *p)
{
        struct who *who = command_who(s, x->pid, -1);
        struct json_writer w;
        int rc;

        begin(s, &w);
        json_member_text(&w, "call", attempt_op_name(x->op));
        json_member_text(&w, "error", x->error == -EPERM ? "EPERM" : "EACCES");
        if (x->incomplete)
                json_member_bool(&w, "incomplete", true);
        json_put_bytes(&w, "path", path);
        json_member_text(&w, "path_from", x->exact ? "file" : "argument");
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

static int take(void *ctx, struct span record)
{
        struct sensor *s = ctx;
        struct attempts *a = s->o.attempts;
        const struct watch_profile *p;
        int64_t now = sensor_mono(s);
        struct attempt x;
        int rc;

        if (attempt_decode(record, &x, &a->path, NULL) < 0 || x.pid == getpid())
                return 0;
        if (x.error == 0)
                return look_at_flags(s, &x, buf_span(&a->path));
        p = watchset_profile(s->o.watch, buf_span(&a->path));
        if ((!p || p->mode != WATCH_DENY) && !deny_has(s, buf_span(&a->path)))
                return 0;
        a->seen++;
        if (now >= a->since_ns + SAY_S * NS_PER_S) {
                a->since_ns = now;
                a->said = 0;
        }
        if (++a->said > SAY_BURST || !out_room(s)) {
                a->unsaid++;
                return 0;
        }
        rc = say(s, &x, buf_span(&a->path), p);
        if (rc == -E2BIG) { /* each name in it at its longest, and spelt in escapes */
                a->unsaid++;
                rc = 0;
        }
        return rc;
}

static void on_attempts(void *ctx, unsigned events)
{
        struct sensor *s = ctx;
        int rc = bpf_read(s->o.attempts->bpf, take, s);

        (void)events;
        if (rc < 0)
                s->failed = rc;
}

int attempts_start(struct sensor *s, struct err *err)
{
        struct attempts *a = s->o.attempts;

        if (!a || !a->bpf)
                return 0;
        return loop_add_fd(s->o.loop, bpf_fd(a->bpf), LOOP_READ, on_attempts, s,
                           &s->attempts_source, err);
}

void attempts_stop(struct sensor *s)
{
        s->attempts_source = loop_remove(s->attempts_source);
}

int attempts_tick(struct sensor *s)
{
        struct attempts *a = s->o.attempts;
        uint64_t lost = a && a->bpf ? bpf_lost(a->bpf) - a->lost : 0;

        if (!a || (lost == 0 && a->unsaid == 0) || sensor_mono(s) < a->since_ns + SAY_S * NS_PER_S)
                return 0;
        a->since_ns = sensor_mono(s);
        a->said = 0;
        a->lost += lost;
        return say_rest(s, lost);
}

void attempts_put_status(const struct sensor *s, struct json_writer *w)
{
        const struct attempts *a = s->o.attempts;

        if (!a || !denies(s->o.watch))
                return;
        json_put_key(w, "attempts");
        json_begin_object(w);
        json_member_u64(w, "lost", a->bpf ? bpf_lost(a->bpf) : 0);
        json_member_u64(w, "seen", a->seen);
        if (!a->bpf)
                json_member_text(w, "why_not", a->refused);
        json_end_object(w);
}
