/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/session.h"

#include "base/text.h"
#include "integrity/who/session_priv.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        APART_NS = 50000000, /* two tellers of one start */
        READ_SHARE = 20, /* reading sockets of logins that have not succeeded yet: one part in */
        WAIT_SHARE = 2,  /* and of the time, where most of it is waiting */
};

/* ---- one ---- */

const char *session_how_name(enum session_how how)
{
        static const char *const names[] = {
                [SESSION_UNKNOWN] = "unknown", [SESSION_SSH] = "ssh",
                [SESSION_REMOTE] = "remote",   [SESSION_CONSOLE] = "console",
                [SESSION_CRON] = "cron",       [SESSION_SERVICE] = "service",
                [SESSION_KERNEL] = "kernel",
        };

        return names[how];
}

const char *session_witness_name(enum session_witness w)
{
        static const char *const names[] = { [SESSION_BY_NONE] = "none",
                                             [SESSION_BY_SOCKET] = "socket",
                                             [SESSION_BY_UTMP] = "utmp" };

        return names[w];
}

struct session *session_new(enum session_how how, const struct procs_proc *root)
{
        struct session *x = calloc(1, sizeof *x);

        if (!x)
                return NULL;
        x->refs = 1;
        x->how = how;
        x->audit = x->audit_before = PROCESS_UNSET;
        if (root) {
                x->root = root->pid;
                x->root_start_ns = root->start_ns;
                if (root->state.has & PROCESS_HAS_AUID)
                        x->audit_before = root->state.session;
        }
        return x;
}

struct session *session_ref(struct session *x)
{
        x->refs++;
        return x;
}

struct session *session_unref(struct session *x)
{
        while (x && --x->refs == 0) {
                struct session *outer = x->outer;

                free(x);
                x = outer;
        }
        return NULL;
}

const struct session *session_outermost(const struct session *x)
{
        const struct session *found = NULL;

        while (x && (x = x->outer))
                if (x->peer.family)
                        found = x;
        return found;
}

bool session_same_start(uint64_t a_ns, uint64_t b_ns)
{
        return (a_ns > b_ns ? a_ns - b_ns : b_ns - a_ns) < APART_NS;
}

bool session_is_rooted(const struct session *x, const struct procs_proc *p)
{
        return x->root == p->pid && session_same_start(x->root_start_ns, p->start_ns);
}

bool session_is_login(const struct session *x)
{
        return x->how == SESSION_SSH || x->how == SESSION_REMOTE || x->how == SESSION_CONSOLE;
}

/* ---- remembered by audit session ---- */

static struct session **bucket_of(struct sessions *s, uint32_t audit)
{
        return &s->bucket[audit & (SESSIONS_BUCKETS - 1)];
}

struct session *sessions_by_audit(const struct sessions *s, uint32_t audit)
{
        struct session *x = s->bucket[audit & (SESSIONS_BUCKETS - 1)];

        while (x && x->audit != audit)
                x = x->audit_next;
        return x;
}

static void forget(struct sessions *s, struct session *before, struct session *x)
{
        struct session **at = bucket_of(s, x->audit);

        while (*at != x)
                at = &(*at)->audit_next;
        *at = x->audit_next;
        *(before ? &before->next : &s->first) = x->next;
        if (s->last == x)
                s->last = before;
        x->next = x->audit_next = NULL;
        s->counts.remembered--;
        session_unref(x);
}

/* The oldest that no process belongs to; where there is none, the oldest. */
static void make_room(struct sessions *s)
{
        struct session *before = NULL;

        for (struct session *x = s->first; x; before = x, x = x->next) {
                if (x->refs == 1) {
                        forget(s, before, x);
                        return;
                }
        }
        assert(s->first);
        s->counts.forgotten++;
        forget(s, NULL, s->first);
}

void sessions_remember(struct sessions *s, struct session *x)
{
        struct session **at = bucket_of(s, x->audit);

        if (s->counts.remembered == SESSIONS_MAX)
                make_room(s);
        session_ref(x);
        x->audit_next = *at;
        *at = x;
        x->next = NULL;
        *(s->last ? &s->last->next : &s->first) = x;
        s->last = x;
        s->counts.remembered++;
}

/* ---- connections whose socket is yet to be read ---- */

static uint64_t worked_ns(const struct sessions *s)
{
        return (uint64_t)clock_mono(s->o.worked);
}

/* A connection has no session but its listener's until it has logged in.  Its socket is read when
 * it begins, for it may be over before anything is asked; but not so often that strangers who
 * knock make us busy.  Who logs in is read then at the latest.
 *
 * The pause is counted by the work that reading was.  Where others have the processor it takes
 * much longer, and with a pause by that, of seconds, whole sessions passed unread. */
static void read_pending(struct sessions *s)
{
        uint64_t from = sessions_now(s), worked = worked_ns(s), took;

        if (s->n_pending == 0 || from < s->next_read_ns)
                return;
        for (size_t i = 0; i < s->n_pending; i++) {
                const struct session_pending *p = &s->pending[i];
                const struct procs_proc *x = procs_by(s->o.procs, p->pid, p->start_ns);

                if (x && !x->end_ns)
                        (void)!session_find(s, p->pid, p->start_ns);
        }
        s->n_pending = 0;
        took = sessions_now(s) - from;
        s->next_read_ns = from + MAX_OF(took * WAIT_SHARE, (worked_ns(s) - worked) * READ_SHARE);
}

static void add_pending(struct sessions *s, const struct procs_proc *p)
{
        if (s->n_pending == SESSION_PENDING_MAX) {
                memmove(s->pending, s->pending + 1, sizeof s->pending - sizeof s->pending[0]);
                s->n_pending--;
        }
        s->pending[s->n_pending++] = (struct session_pending){ p->pid, p->start_ns };
}

static void heard(void *ctx, enum process_what what, const struct procs_proc *p)
{
        struct sessions *s = ctx;
        const struct procs_proc *parent;

        if (what != PROCESS_EXECUTED || s->depth)
                return;
        parent = procs_parent(s->o.procs, p);
        if (session_is_login_program(p))
                add_pending(s, p);
        else if (parent && session_is_login_program(parent))
                (void)!session_find(s, p->pid, p->start_ns);
        read_pending(s);
}

/* ---- all ---- */

uint64_t sessions_now(const struct sessions *s)
{
        return (uint64_t)clock_mono(s->o.clock);
}

int sessions_new(const struct sessions_options *o, struct sessions **ret, struct err *err)
{
        struct sessions *s = calloc(1, sizeof *s);

        if (!s)
                return err_set(err, -ENOMEM, "out of memory for sessions");
        s->o = *o;
        s->scanned_audit = PROCESS_UNSET;
        s->began_ns = sessions_now(s);
        procs_listen(o->procs, heard, s);
        *ret = s;
        return 0;
}

struct sessions *sessions_free(struct sessions *s)
{
        if (!s)
                return NULL;
        procs_listen(s->o.procs, NULL, NULL);
        while (s->first)
                forget(s, NULL, s->first);
        session_unref(s->found);
        free(s);
        return NULL;
}

struct found_programs {
        struct session_pending *at;
        size_t n, max;
};

static void begin_one(void *ctx, const struct procs_proc *p)
{
        struct found_programs *f = ctx;

        if (f->n < f->max && session_is_login_program(p))
                f->at[f->n++] = (struct session_pending){ p->pid, p->start_ns };
}

void sessions_begin(struct sessions *s)
{
        struct found_programs f = { .max = procs_counts(s->o.procs).living };

        f.at = calloc(MAX_OF(f.max, (size_t)1), sizeof *f.at);
        if (!f.at)
                return; /* they are looked at when they do something */
        procs_each(s->o.procs, begin_one, &f);
        for (size_t i = 0; i < f.n; i++)
                (void)!session_find(s, f.at[i].pid, f.at[i].start_ns);
        free(f.at);
}

void sessions_tick(struct sessions *s)
{
        if (!s->o.events)
                s->o.ops->look_all(s->o.ctx);
        read_pending(s);
}

bool sessions_catch_up(struct sessions *s)
{
        read_pending(s);
        return s->n_pending > 0;
}

struct session *sessions_of(struct sessions *s, pid_t pid, uint64_t start_ns)
{
        read_pending(s);
        return session_find(s, pid, start_ns);
}

struct sessions_counts sessions_counts(const struct sessions *s)
{
        return s->counts;
}
