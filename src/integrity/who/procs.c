/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/procs_priv.h"

#include "base/clock.h"
#include "integrity/who/session.h"
#include "sys/proc.h"

#include <stdlib.h>

enum {
        TICK_NS = 10000000,    /* of the start in /proc/<pid>/stat */
        APART_NS = 50000000,   /* a fork told by the connector, and that start */
        CLOSING_NS = 50000000, /* from a process' end until its files are closed */
};

/* ---- the table ---- */

static struct procs_proc **bucket_of(const struct procs *p, pid_t pid)
{
        return (struct procs_proc **)&p->bucket[(uint32_t)pid & (PROCS_BUCKETS - 1)];
}

/* The next older process of the same number, from x on. */
static struct procs_proc *same_pid(struct procs_proc *x, pid_t pid)
{
        while (x && x->pid != pid)
                x = x->hash_next;
        return x;
}

static struct procs_proc *newest(const struct procs *p, pid_t pid)
{
        return same_pid(*bucket_of(p, pid), pid);
}

static void unlink_ended(struct procs *p, struct procs_proc *x)
{
        *(x->prev ? &x->prev->next : &p->ended_first) = x->next;
        *(x->next ? &x->next->prev : &p->ended_last) = x->prev;
        x->prev = x->next = NULL;
        p->counts.ended--;
}

static void link_ended(struct procs *p, struct procs_proc *x)
{
        x->prev = p->ended_last;
        x->next = NULL;
        *(p->ended_last ? &p->ended_last->next : &p->ended_first) = x;
        p->ended_last = x;
        p->counts.ended++;
}

static void drop(struct procs *p, struct procs_proc *x)
{
        struct procs_proc **at = bucket_of(p, x->pid);

        while (*at != x)
                at = &(*at)->hash_next;
        *at = x->hash_next;
        if (x->end_ns)
                unlink_ended(p, x);
        else
                p->counts.living--;
        procs_state_done(p, &x->state);
        session_unref(x->session);
        free(x);
}

static void end(struct procs *p, struct procs_proc *x, uint64_t now_ns)
{
        if (x->end_ns)
                return;
        x->end_ns = MAX_OF(now_ns, (uint64_t)1);
        p->counts.living--;
        link_ended(p, x);
}

static void revive(struct procs *p, struct procs_proc *x)
{
        if (!x->end_ns)
                return;
        unlink_ended(p, x);
        x->end_ns = 0;
        p->counts.living++;
}

void procs_make_text_room(struct procs *p, size_t n)
{
        while (p->counts.text + n > PROCS_TEXT_MAX && p->ended_first)
                drop(p, p->ended_first);
}

/* Room for one more process; false: all that are known live. */
static bool make_room(struct procs *p)
{
        if (p->counts.living + p->counts.ended < PROCS_MAX)
                return true;
        if (!p->ended_first)
                return false;
        drop(p, p->ended_first);
        return true;
}

static struct procs_proc *add(struct procs *p, pid_t pid, uint64_t start_ns)
{
        struct procs_proc *x, *older = newest(p, pid), **at;

        if (older) /* its end was missed */
                end(p, older, start_ns);
        if (!make_room(p) || !(x = calloc(1, sizeof *x))) {
                p->counts.lost++;
                return NULL;
        }
        x->pid = pid;
        x->start_ns = start_ns;
        x->state.auid = x->state.session = PROCESS_UNSET;
        at = bucket_of(p, pid);
        x->hash_next = *at;
        *at = x;
        p->counts.living++;
        return x;
}

int procs_new(struct procs **ret, struct err *err)
{
        struct procs *p = calloc(1, sizeof *p);

        if (!p)
                return err_set(err, -ENOMEM, "out of memory for processes");
        *ret = p;
        return 0;
}

struct procs *procs_free(struct procs *p)
{
        if (!p)
                return NULL;
        for (size_t i = 0; i < PROCS_BUCKETS; i++)
                while (p->bucket[i])
                        drop(p, p->bucket[i]);
        for (size_t i = 0; i < PROCS_PLACES; i++)
                procs_place_unref(p, p->place[i]);
        free(p);
        return NULL;
}

void procs_expire(struct procs *p, uint64_t now_ns)
{
        while (p->ended_first && p->ended_first->end_ns + PROCS_KEEP_S * NS_PER_S < now_ns)
                drop(p, p->ended_first);
}

void procs_listen(struct procs *p, procs_heard_fn *fn, void *ctx)
{
        p->heard = fn;
        p->heard_ctx = ctx;
}

void procs_ask_file(struct procs *p, procs_file_fn *fn, void *ctx)
{
        p->file = fn;
        p->file_ctx = ctx;
}

void procs_set_session(struct procs *p, const struct procs_proc *of, struct session *s)
{
        struct procs_proc *x = newest(p, of->pid);

        while (x && x != of)
                x = same_pid(x->hash_next, of->pid);
        if (!x || x->session == s)
                return;
        session_ref(s);
        session_unref(x->session);
        x->session = s;
}

void procs_each(struct procs *p, void (*fn)(void *ctx, const struct procs_proc *x), void *ctx)
{
        for (size_t i = 0; i < PROCS_BUCKETS; i++)
                for (const struct procs_proc *x = p->bucket[i]; x; x = x->hash_next)
                        if (!x->end_ns)
                                fn(ctx, x);
}

/* Another user begins a state, too, which runs what the one before it ran. */
static bool is_execution(const struct procs_state *s)
{
        return s->image && !s->inherited &&
               !(s->before && s->before->image == s->image && !s->before->inherited);
}

void procs_executed(const struct procs *p, uint64_t from_ns, uint64_t until_ns,
                    void (*fn)(void *ctx, const struct procs_proc *x, const struct procs_state *s),
                    void *ctx)
{
        for (size_t i = 0; i < PROCS_BUCKETS; i++)
                for (const struct procs_proc *x = p->bucket[i]; x; x = x->hash_next)
                        for (const struct procs_state *s = &x->state; s; s = s->before)
                                if (s->from_ns >= from_ns && s->from_ns < until_ns &&
                                    is_execution(s))
                                        fn(ctx, x, s);
}

struct procs_counts procs_counts(const struct procs *p)
{
        return p->counts;
}

/* ---- events ---- */

static bool starts_at(const struct procs_proc *x, uint64_t start_ns, bool exact)
{
        uint64_t apart = x->start_ns > start_ns ? x->start_ns - start_ns : start_ns - x->start_ns;

        if (exact && x->start_exact)
                return apart == 0;
        return apart < APART_NS;
}

/* Whom an event is about; made when it is not known. */
static struct procs_proc *subject(struct procs *p, const struct process_event *e)
{
        struct procs_proc *x = newest(p, e->pid);
        bool exact = e->has & PROCESS_HAS_START;

        if (x && (exact ? starts_at(x, e->start_ns, true) : !x->end_ns)) {
                if (exact) {
                        x->start_ns = e->start_ns;
                        x->start_exact = true;
                }
                return x;
        }
        x = add(p, e->pid, exact ? e->start_ns : e->time_ns);
        if (x)
                x->start_exact = exact;
        return x;
}

static void take_fork(struct procs *p, const struct process_event *e, const struct procs_told *t)
{
        struct procs_proc *x = newest(p, e->pid), *creator;

        if (x && !x->end_ns && starts_at(x, e->start_ns, e->has & PROCESS_HAS_START)) {
                x->ppid = e->ppid; /* it was read from /proc before its fork was told */
                creator = newest(p, e->creator);
                if (!x->session && creator && creator->session)
                        x->session = session_ref(creator->session);
                procs_unit_forked(p, x, e->creator, creator);
                return;
        }
        x = add(p, e->pid, e->start_ns);
        if (!x)
                return;
        creator = newest(p, e->creator);
        x->start_exact = e->has & PROCESS_HAS_START;
        x->ppid = e->ppid;
        if (creator) {
                x->state = procs_state_copy(&creator->state);
                x->session = creator->session ? session_ref(creator->session) : NULL;
        }
        x->state.inherited = true;
        x->state.from_ns = x->start_ns;
        procs_state_ids(&x->state, t);
        procs_state_place(p, &x->state, t);
        procs_unit_forked(p, x, e->creator, creator);
}

static void take_exec(struct procs *p, struct procs_proc *x, const struct process_event *e,
                      const struct procs_told *t)
{
        if (e->has & PROCESS_HAS_PARENT && x->ppid == 0)
                x->ppid = e->ppid;
        if ((x->state.has || x->state.image) && !procs_state_push(p, x, e->time_ns))
                return;
        x->state.from_ns = e->time_ns;
        x->state.inherited = false;
        procs_state_ids(&x->state, t);
        procs_state_place(p, &x->state, t);
        procs_state_image(p, &x->state, t);
        procs_unit_executed(x, !x->state.before ||
                                       procs_same_unit(x->state.before->place, x->state.place));
        if (!(t->has & PROCESS_HAS_COMM)) { /* the file's now, and nobody said it */
                x->state.comm_n = 0;
                x->state.has &= ~(unsigned)PROCESS_HAS_COMM;
        }
}

static bool other_user(const struct procs_state *s, const struct procs_told *t)
{
        return t->has & PROCESS_HAS_UID && s->has & PROCESS_HAS_UID &&
               (s->uid != t->uid || s->euid != t->euid);
}

static bool other_ids(const struct procs_state *s, const struct procs_told *t)
{
        return other_user(s, t) || (t->has & PROCESS_HAS_AUID && s->has & PROCESS_HAS_AUID &&
                                    (s->auid != t->auid || s->session != t->session));
}

static void take_ids(struct procs *p, struct procs_proc *x, const struct process_event *e,
                     const struct procs_told *t)
{
        if (other_ids(&x->state, t) && !procs_state_push(p, x, e->time_ns))
                return;
        procs_state_ids(&x->state, t);
        if (e->what == PROCESS_ENDED && x->state.before && x->state.from_ns == e->time_ns)
                x->state.late = true; /* nothing told when */
}

void procs_apply(struct procs *p, const struct process_event *e)
{
        struct procs_told t = procs_told_by_event(e);
        struct procs_proc *x;

        p->counts.events++;
        if (e->what == PROCESS_ENDED) /* its terminal may have been taken from it by then */
                t.has &= ~(unsigned)PROCESS_HAS_SID;
        if (e->what == PROCESS_FORKED)
                take_fork(p, e, &t);
        x = subject(p, e);
        if (!x)
                return;
        x->sure_ns = e->time_ns;
        if (e->what != PROCESS_ENDED)
                revive(p, x);
        if (e->what == PROCESS_EXECUTED)
                take_exec(p, x, e, &t);
        else if (e->what != PROCESS_FORKED)
                take_ids(p, x, e, &t);
        if (e->what == PROCESS_ENDED)
                end(p, x, e->time_ns);
        if (p->heard)
                p->heard(p->heard_ctx, e->what, x);
}

void procs_lost(struct procs *p, uint64_t n, uint64_t from_ns, uint64_t until_ns)
{
        /* one stretch is remembered: from the first that still matters */
        if (!p->lost_until_ns || p->lost_until_ns + PROCS_KEEP_S * NS_PER_S < from_ns)
                p->lost_from_ns = from_ns;
        p->lost_until_ns = until_ns;
        p->counts.lost += n;
}

bool procs_is(const struct procs_proc *x, const struct proc_info *i)
{
        return i->pid == x->pid && i->stat.why == PROC_KNOWN &&
               starts_at(x, i->stat.start * TICK_NS, false);
}

void procs_sweep(struct procs *p, uint64_t before_ns,
                 bool (*lives)(void *ctx, const struct procs_proc *x), void *ctx)
{
        for (size_t i = 0; i < PROCS_BUCKETS; i++)
                for (struct procs_proc *x = p->bucket[i]; x; x = x->hash_next)
                        if (!x->end_ns && x->sure_ns < before_ns && !lives(ctx, x))
                                end(p, x, before_ns);
}

/* Who is ending is shown without a terminal, and so is who has outlived his session: they had one
 * when they did what is asked about. */
static bool has_lost_terminal(const struct procs_state *s, const struct procs_told *t)
{
        return s->has & t->has & PROCESS_HAS_SID && s->sid == t->sid && s->tty && !t->tty;
}

const struct procs_proc *procs_seed(struct procs *p, const struct proc_info *i, uint64_t now_ns)
{
        struct procs_told t = procs_told_by_proc(i);
        uint64_t start_ns = i->stat.start * TICK_NS;
        struct procs_proc *x = newest(p, i->pid);
        bool other, user;

        if (i->stat.why != PROC_KNOWN)
                return NULL;
        if (!x || !procs_is(x, i)) {
                x = add(p, i->pid, start_ns);
                if (!x)
                        return NULL;
                x->state.from_ns = start_ns;
        }
        x->sure_ns = now_ns; /* it may have ended: what nobody has waited for is still to be read */
        if (x->ppid == 0 && i->ids.why == PROC_KNOWN)
                x->ppid = i->ids.ppid;
        other = t.has & PROCESS_HAS_EXE && !procs_image_is(x->state.image, &t);
        user = other_user(&x->state, &t);
        if (((other && x->state.image) || user) && !procs_state_push(p, x, now_ns))
                return NULL;
        x->state.late |= user;
        if (has_lost_terminal(&x->state, &t))
                t.has &= ~(unsigned)PROCESS_HAS_SID;
        procs_state_ids(&x->state, &t);
        procs_state_place(p, &x->state, &t);
        if (other) {
                procs_state_image(p, &x->state, &t);
                x->state.inherited = false;
                if (p->heard)
                        p->heard(p->heard_ctx, PROCESS_EXECUTED, x);
        }
        return x;
}

/* ---- answers ---- */

const struct procs_proc *procs_newest(const struct procs *p, pid_t pid)
{
        return newest(p, pid);
}

const struct procs_proc *procs_by(const struct procs *p, pid_t pid, uint64_t by_ns)
{
        struct procs_proc *x = newest(p, pid);

        /* a start from /proc is that of its tick */
        while (x && x->start_ns > by_ns && x->start_ns / TICK_NS != by_ns / TICK_NS)
                x = same_pid(x->hash_next, pid);
        return x;
}

const struct procs_proc *procs_parent(const struct procs *p, const struct procs_proc *of)
{
        const struct procs_proc *x = of->ppid > 0 ? procs_by(p, of->ppid, of->start_ns) : NULL;

        return x == of ? NULL : x;
}

static bool began_by(const struct procs_proc *x, uint64_t until_ns)
{
        return x->start_ns <= until_ns;
}

/* May its last act have been after from_ns? */
static bool was_there(const struct procs_proc *x, uint64_t from_ns)
{
        return !x->end_ns || x->end_ns + CLOSING_NS >= from_ns;
}

static const struct procs_state *state_by(const struct procs_proc *x, uint64_t until_ns)
{
        const struct procs_state *s = &x->state;

        while (s->before && s->from_ns > until_ns && !(s->late && s->before->from_ns <= until_ns))
                s = s->before;
        return s;
}

static bool same_author(const struct procs_state *a, const struct procs_state *b)
{
        return a->image == b->image && a->uid == b->uid && a->euid == b->euid &&
               a->auid == b->auid && a->session == b->session;
}

/* Was it another within the time?  A copy that became a program of its own does not count. */
static bool was_another(const struct procs_state *s, uint64_t from_ns)
{
        for (const struct procs_state *b = s; b->before && b->from_ns > from_ns; b = b->before) {
                bool copy = b->before->inherited && b->image != b->before->image;

                if (!copy && !same_author(s, b->before))
                        return true;
        }
        return false;
}

/* May it have become another, unseen? */
static bool is_unsure(const struct procs *p, const struct procs_proc *x)
{
        return p->lost_until_ns && x->sure_ns < p->lost_until_ns &&
               (!x->end_ns || x->end_ns > p->lost_from_ns);
}

void procs_at(const struct procs *p, pid_t pid, enum procs_at at, uint64_t from_ns,
              uint64_t until_ns, struct procs_answer *ret)
{
        struct procs_proc *best = NULL, *living = NULL;
        struct procs_answer a = { 0 };

        for (struct procs_proc *x = newest(p, pid); x; x = same_pid(x->hash_next, pid)) {
                if (!began_by(x, until_ns))
                        continue;
                if (at == PROCS_AT_ENDED && !x->end_ns) {
                        living = living ? living : x; /* or its end was not told */
                } else if (!best) {
                        best = x;
                } else if (at != PROCS_AT_LIVES && was_there(x, from_ns)) {
                        if (a.others < PROCS_HAD_MAX)
                                a.had[a.others] = x;
                        a.others++;
                }
        }
        a.proc = best ? best : living;
        *ret = a;
        if (!ret->proc)
                return;
        ret->state = state_by(ret->proc, until_ns);
        ret->earlier = was_another(ret->state, from_ns);
        ret->unsure = !best || is_unsure(p, best);
}
