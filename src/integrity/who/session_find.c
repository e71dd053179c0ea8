/* SPDX-License-Identifier: Apache-2.0 */
/* From a process up through those that made it, until one of them says what session it is:
 *
 *   it runs a login program      the connection, login or job below the daemon is the root
 *   it is the root of one        that session
 *   others reach it over TCP     a service, whatever login began it
 *   nobody more is known         what was inherited; else the audit session; else unit or init
 *
 * Reading processes into the cache may drop others from it, so all reading is done before any of
 * them is looked at (look_up), and what a look shows to be missing begins it anew. */
#include "integrity/who/session_priv.h"

#define FRESH_NS  (10 * NS_PER_S)   /* without events: how old a parent's reading may get */
#define LISTEN_NS (10 * NS_PER_S)   /* and that a process does not listen */
#define YOUNG_NS  (100 * NS_PER_MS) /* nobody has asked a process of this age for anything */
#define SCAN_NS   (10 * NS_PER_S)   /* between two searches for the same audit session */

enum { INIT = 1, KTHREADD = 2 };

/* ---- the chain ---- */

/* Read those of whom nothing, or nothing of late, was told. */
static void look_up(struct sessions *s, pid_t pid, uint64_t start_ns)
{
        for (size_t i = 0; i < SESSION_CHAIN_MAX; i++) {
                const struct procs_proc *p = procs_by(s->o.procs, pid, start_ns), *parent;

                if (!p || p->ppid <= 0)
                        return;
                pid = p->ppid;
                start_ns = p->start_ns;
                parent = procs_by(s->o.procs, pid, start_ns);
                if (!parent || (!s->o.events && parent->sure_ns + FRESH_NS < sessions_now(s)))
                        s->o.ops->look(s->o.ctx, pid);
        }
}

static void collect(struct sessions *s, pid_t pid, uint64_t start_ns, struct session_chain *c)
{
        const struct procs_proc *p = procs_by(s->o.procs, pid, start_ns);

        for (c->n = 0; p && c->n < SESSION_CHAIN_MAX; p = procs_parent(s->o.procs, p))
                c->at[c->n++] = p;
}

/* ---- daemons ---- */

/* systemd listens for others and hands the socket on. */
static bool is_manager(const struct procs_proc *p)
{
        return p->pid == INIT || span_eq_str(session_base_name(procs_exe(&p->state)), "systemd");
}

static bool is_reachable(struct sessions *s, const struct procs_proc *p)
{
        struct session_listens *l = &s->listens[(uint32_t)p->pid % SESSION_LISTEN_CACHE];
        struct session_link link = { 0 };
        uint64_t now = sessions_now(s);
        bool known = l->pid == p->pid && l->start_ns == p->start_ns;

        if (known && (l->reachable || l->asked_ns + LISTEN_NS > now))
                return l->reachable;
        if (p->end_ns || is_manager(p) || p->state.has & PROCESS_IS_KERNEL ||
            p->start_ns + YOUNG_NS > now)
                return false;
        if (s->o.ops->link(s->o.ctx, p, false, &link) < 0)
                return false;
        *l = (struct session_listens){ p->pid, p->start_ns, now, link.reachable };
        return link.reachable;
}

/* ---- where nobody more is known ---- */

static void say_unknown(struct sessions *s, struct session *x, uint32_t audit)
{
        if (audit == PROCESS_UNSET)
                session_say(x, "who began it was not seen, and it has no audit session");
        else
                session_say(
                        x,
                        "audit session %u began before the sensor looked, and its login has ended%s",
                        audit, s->counts.forgotten ? "; or it was forgotten to make room" : "");
}

/* Did init itself begin it, and not only inherit it? */
static bool is_inits(const struct sessions *s, const struct procs_proc *p)
{
        return p->pid == INIT || (s->o.events && p->start_ns > s->began_ns && p->ppid == INIT);
}

static int find_top(struct sessions *s, const struct session_chain *c, bool scanned,
                    struct session_found *ret)
{
        size_t below = c->n > 1 && c->at[c->n - 1]->pid == INIT ? c->n - 2 : c->n - 1;
        const struct procs_proc *p = c->at[below];
        uint32_t audit = session_audit_of(c->at[0]);
        struct span unit = procs_unit(&p->state);
        struct session *x = audit == PROCESS_UNSET ? NULL : sessions_by_audit(s, audit);
        bool kernel = p->pid == KTHREADD || p->state.has & PROCESS_IS_KERNEL;

        if (x) {
                *ret = (struct session_found){ .x = session_ref(x), .upto = 0 };
                return 1;
        }
        if (audit != PROCESS_UNSET && !scanned && !session_ends_with(unit, ".service")) {
                *ret = (struct session_found){ .scan = audit };
                return 1;
        }
        x = session_new(SESSION_UNKNOWN, p);
        if (!x)
                return -ENOMEM;
        if (kernel) {
                x->how = SESSION_KERNEL;
                session_say(x, "no login session: started by the kernel");
        } else if (session_ends_with(unit, ".service")) {
                session_say_unit(x, unit);
        } else if (procs_container(&p->state).n && audit == PROCESS_UNSET) {
                x->how = SESSION_SERVICE;
                session_set_name(x, p);
                session_say(x, "no login session: started in a container by %s", x->name);
        } else if (audit == PROCESS_UNSET && is_inits(s, p)) {
                x->how = SESSION_SERVICE;
                session_set_name(x, p);
                if (p->pid == INIT)
                        session_say(x, "no login session: it is init itself");
                else
                        session_say(x, "no login session: %s was started by init", x->name);
        } else {
                say_unknown(s, x, audit);
        }
        *ret = (struct session_found){ .x = x, .upto = below };
        return 1;
}

/* ---- together ---- */

static bool find_inherited(const struct session_chain *c, struct session_found *ret)
{
        for (size_t i = 0; i < c->n; i++) {
                struct session *x = c->at[i]->session;

                if (x && x->root != INIT) {
                        *ret = (struct session_found){ .x = session_ref(x), .upto = i };
                        return true;
                }
        }
        return false;
}

/* What the chain says: 1 and *ret, or -ENOMEM. */
static int judge(struct sessions *s, const struct session_chain *c, bool scanned,
                 struct session_found *ret)
{
        for (size_t i = 0; i < c->n; i++) {
                const struct procs_proc *p = c->at[i];
                int rc;

                if (p->pid == INIT && i > 0)
                        break; /* everything is below it: that says nothing */
                rc = session_find_login(s, c, i, ret);

                if (rc != 0)
                        return rc;
                if (p->session && session_is_rooted(p->session, p)) {
                        *ret = (struct session_found){ .x = session_ref(p->session), .upto = i };
                        return 1;
                }
                if (is_reachable(s, p))
                        return session_make_service(p, i, ret);
        }
        if (find_inherited(c, ret))
                return 1;
        return find_top(s, c, scanned, ret);
}

/* Is it one that sets an audit session? */
static bool has_audit(const struct session *x)
{
        return session_is_login(x) || x->how == SESSION_CRON;
}

/* A process' own audit session is set by its login; where it is another than what the chain leads
 * to, and its session is known, the chain was wrong: it had lost its parents before we looked. */
static void compare_audit(struct sessions *s, const struct procs_proc *p, struct session_found *f)
{
        uint32_t audit = session_audit_of(p);
        struct session *x = f->x, *by_audit;

        if (audit == PROCESS_UNSET || audit == x->audit || audit == x->audit_before)
                return;
        by_audit = sessions_by_audit(s, audit);
        if (!by_audit && x->audit == PROCESS_UNSET && has_audit(x)) {
                x->audit = audit;
        } else if (by_audit && (p->start_ns < s->began_ns || !s->o.events)) {
                session_ref(by_audit);
                session_unref(x);
                *f = (struct session_found){ .x = by_audit, .upto = 0 };
        }
}

/* Look for a login of this audit session among those that live. */
struct scan {
        uint32_t audit;
        pid_t pid; /* 0: none was found */
        uint64_t start_ns;
};

static void scan_one(void *ctx, const struct procs_proc *p)
{
        struct scan *want = ctx;

        if (session_audit_of(p) == want->audit && session_is_login_program(p)) {
                want->pid = p->pid;
                want->start_ns = p->start_ns;
        }
}

static void scan(struct sessions *s, uint32_t audit)
{
        struct scan want = { .audit = audit };

        if (s->scanned_audit == audit && s->scanned_ns + SCAN_NS > sessions_now(s))
                return;
        s->scanned_audit = audit;
        s->scanned_ns = sessions_now(s);
        if (!s->o.events)
                s->o.ops->look_all(s->o.ctx);
        procs_each(s->o.procs, scan_one, &want);
        if (want.pid)
                (void)!session_find(s, want.pid, want.start_ns);
}

/* A login from this very host: the other end of its connection is in a session too. */
static void find_outer(struct sessions *s, struct session *x, uint32_t other_end)
{
        pid_t holder = s->o.ops->holder(s->o.ctx, other_end);
        const struct procs_proc *p = holder ? procs_newest(s->o.procs, holder) : NULL;

        if (holder && !p) {
                s->o.ops->look(s->o.ctx, holder);
                p = procs_newest(s->o.procs, holder);
        }
        if (p)
                session_set_outer(x, session_find(s, p->pid, p->start_ns));
}

static void settle(struct sessions *s, const struct session_chain *c, struct session_found *f)
{
        assert(f->upto < c->n);
        if (f->x->how != SESSION_UNKNOWN)
                compare_audit(s, c->at[0], f);
        if (has_audit(f->x) && f->x->audit != PROCESS_UNSET && !sessions_by_audit(s, f->x->audit)) {
                sessions_remember(s, f->x);
                s->news = true;
        }
        if (c->at[f->upto]->session != f->x && session_is_login(f->x))
                s->news = true;
        for (size_t i = 0; i <= f->upto; i++) {
                const struct procs_proc *p = c->at[i];

                assert(p); /* collect() has filled what n counts */
                if (p->session != f->x)
                        procs_set_session(s->o.procs, p, f->x);
        }
}

struct session *session_find(struct sessions *s, pid_t pid, uint64_t start_ns)
{
        struct session_found f = { .scan = PROCESS_UNSET };
        struct session *x = NULL;
        struct session_chain c;

        if (s->depth == SESSION_DEPTH_MAX)
                return NULL;
        s->depth++;
        for (unsigned round = 0; round < 2 && !x; round++) {
                look_up(s, pid, start_ns);
                collect(s, pid, start_ns, &c);
                if (c.n == 0 || judge(s, &c, round > 0, &f) < 0)
                        break;
                if (!f.x) { /* nothing is said before it has been looked for */
                        scan(s, f.scan);
                        continue;
                }
                settle(s, &c, &f);
                x = f.x;
                if (f.other_end)
                        find_outer(s, x, f.other_end);
        }
        s->depth--;
        if (x) { /* ours until the next: the process may go at any time */
                session_unref(s->found);
                s->found = x;
        }
        return x;
}
