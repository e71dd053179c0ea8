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
#include "integrity/session_priv.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#define FRESH_NS  (10 * NS_PER_S)   /* without events: how old a parent's reading may get */
#define LISTEN_NS (10 * NS_PER_S)   /* and that a process does not listen */
#define YOUNG_NS  (100 * NS_PER_MS) /* nobody has asked a process of this age for anything */
#define SCAN_NS   (10 * NS_PER_S)   /* between two searches for the same audit session */

enum { INIT = 1, KTHREADD = 2 };

/* The process itself first. */
struct chain {
        const struct procs_proc *at[SESSION_CHAIN_MAX];
        size_t n;
};

struct found {
        struct session *x; /* one reference */
        size_t upto;       /* those of the chain that have it: 0 to this */
        uint32_t other_end;
        uint32_t scan; /* an audit session to look for before anything is said; else unset */
};

/* ---- programs ---- */

static const struct {
        const char *name;
        enum session_how how;
} programs[] = {
        { "sshd", SESSION_SSH },
        { "sshd-session", SESSION_SSH }, /* OpenSSH since 9.8 */
        { "sshd-auth", SESSION_SSH },    /* since 10.0 */
        { "dropbear", SESSION_SSH },
        { "in.telnetd", SESSION_REMOTE },
        { "telnetd", SESSION_REMOTE },
        { "in.rlogind", SESSION_REMOTE },
        { "in.rshd", SESSION_REMOTE },
        { "login", SESSION_CONSOLE },
        { "gdm-session-worker", SESSION_CONSOLE },
        { "lightdm", SESSION_CONSOLE },
        { "sddm-helper", SESSION_CONSOLE },
        { "cron", SESSION_CRON },
        { "crond", SESSION_CRON },
        { "anacron", SESSION_CRON },
        { "atd", SESSION_CRON },
};

static struct span base_name(struct span path)
{
        const uint8_t *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

        return slash ? span_from(path, (size_t)(slash - path.p) + 1) : path;
}

/* UNKNOWN: none of them. */
static enum session_how class_of(const struct procs_proc *p)
{
        struct span name = base_name(procs_exe(&p->state));

        for (size_t i = 0; i < ARRAY_LEN(programs); i++)
                if (span_eq_str(name, programs[i].name))
                        return programs[i].how;
        return SESSION_UNKNOWN;
}

/* Without root's rights nobody logs others in: what a user calls so, or runs so, is his program. */
static bool is_roots(const struct procs_proc *p)
{
        return p->state.has & PROCESS_HAS_UID && p->state.euid == 0;
}

bool session_is_login_program(const struct procs_proc *p)
{
        return class_of(p) != SESSION_UNKNOWN;
}

/* ---- names and reasons ---- */

static void set_text(char *out, size_t room, struct span text)
{
        struct buf b = BUF_INIT(1024);

        text_put_safe(&b, span_of(text.p, MIN_OF(text.n, room - 1)));
        if (buf_status(&b) == 0)
                snprintf(out, room, "%.*s", (int)MIN_OF(b.n, room - 1), b.p ? (char *)b.p : "");
        buf_done(&b);
}

static void set_name(struct session *x, const struct procs_proc *p)
{
        struct span name = base_name(procs_exe(&p->state));

        set_text(x->name, sizeof x->name, name.n ? name : procs_comm(&p->state));
}

static void say(struct session *x, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct session *x, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(x->why, sizeof x->why, fmt, ap);
        va_end(ap);
}

/* What began in another session: that is the outer one, if it says anything. */
static void set_outer(struct session *x, struct session *of)
{
        while (of && !session_is_login(of))
                of = of->outer;
        if (of && of != x && !x->outer)
                x->outer = session_ref(of);
}

static uint32_t audit_of(const struct procs_proc *p)
{
        return p->state.has & PROCESS_HAS_AUID ? p->state.session : PROCESS_UNSET;
}

/* A login sets its audit session after its root has begun, or has set it already. */
static void set_audit(struct session *x, const struct chain *c, size_t root)
{
        uint32_t own = audit_of(c->at[root]);

        x->audit_before = root + 1 < c->n ? audit_of(c->at[root + 1]) : PROCESS_UNSET;
        if (own != x->audit_before)
                x->audit = own;
}

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

static void collect(struct sessions *s, pid_t pid, uint64_t start_ns, struct chain *c)
{
        const struct procs_proc *p = procs_by(s->o.procs, pid, start_ns);

        for (c->n = 0; p && c->n < SESSION_CHAIN_MAX; p = procs_parent(s->o.procs, p))
                c->at[c->n++] = p;
}

/* The last of those from i on that run the same sort of login program: the daemon, where there is
 * one.  It lives: what has ended above it had begun it, as daemons do. */
static size_t run_end(const struct chain *c, size_t i)
{
        enum session_how how = class_of(c->at[i]);
        size_t top = i, living;

        while (top + 1 < c->n && class_of(c->at[top + 1]) == how)
                top++;
        for (living = top; living > i && c->at[living]->end_ns;)
                living--;
        return c->at[living]->end_ns ? top : living;
}

/* A session of this sort that is rooted in one of [i, j]. */
static bool find_rooted(const struct chain *c, size_t i, size_t j, enum session_how how,
                        struct found *ret)
{
        for (size_t k = i; k <= j; k++) {
                struct session *x = c->at[k]->session;

                if (x && x->how == how && session_is_rooted(x, c->at[k])) {
                        *ret = (struct found){ .x = session_ref(x), .upto = k };
                        return true;
                }
        }
        return false;
}

/* ---- connections ---- */

/* The socket is not to be had; a record of the login may say where it came from. */
static void ask_utmp(struct sessions *s, struct session *x, const struct chain *c, size_t root)
{
        for (size_t i = root + 1; i-- > 0 && !x->peer.family;)
                if (s->o.ops->login(s->o.ctx, c->at[i]->pid, &x->peer) == 0)
                        x->witness = SESSION_BY_UTMP;
        if (x->peer.family)
                x->why[0] = '\0';
}

/* sure: a listener's child, which has or had a connection. */
static int read_connection(struct sessions *s, enum session_how how, const struct chain *c,
                           size_t root, bool sure, struct found *ret)
{
        const struct procs_proc *p = c->at[root];
        struct session_link l = { 0 };
        struct session *x;
        int rc = p->end_ns ? -ESRCH : s->o.ops->link(s->o.ctx, p, true, &l);

        if (!sure && (rc < 0 || !l.connected))
                return 0; /* a program of that name, and nobody's login */
        x = session_new(how, p);
        if (!x)
                return -ENOMEM;
        set_audit(x, c, root);
        set_name(x, p->state.image ? p : c->at[MIN_OF(root + 1, c->n - 1)]);
        if (rc == 0 && l.connected) {
                x->peer = l.peer;
                x->local = l.local;
                x->witness = SESSION_BY_SOCKET;
                s->counts.read++;
        } else {
                if (rc == 0 || rc == -ESRCH)
                        say(x, "its connection was closed before its socket could be read");
                else
                        say(x, "its socket could not be read: %s", strerror(-rc));
                s->counts.missed++;
                ask_utmp(s, x, c, root);
        }
        *ret = (struct found){ .x = x, .upto = root, .other_end = l.other_end };
        return 1;
}

static bool ends_with(struct span s, const char *tail)
{
        size_t n = strlen(tail);

        return s.n > n && memcmp(s.p + s.n - n, tail, n) == 0;
}

static void say_unit(struct session *x, struct span unit)
{
        x->how = SESSION_SERVICE;
        set_text(x->name, sizeof x->name, unit);
        say(x, "no login session: started by unit %s", x->name);
}

static int make_service(const struct procs_proc *p, size_t at, struct found *ret)
{
        struct session *x = session_new(SESSION_SERVICE, p);

        if (!x)
                return -ENOMEM;
        set_name(x, p);
        if (ends_with(procs_unit(&p->state), ".service"))
                say_unit(x, procs_unit(&p->state));
        else
                say(x, "no login session: %s listens on the network", x->name);
        set_outer(x, p->session);
        *ret = (struct found){ .x = x, .upto = at };
        return 1;
}

/* Is it the one that waits for connections, and not one of them? */
static bool is_listener(struct sessions *s, const struct procs_proc *p, bool has_child)
{
        struct session_link l = { 0 };

        if (p->session && p->session->how == SESSION_SERVICE && session_is_rooted(p->session, p))
                return true;
        if (p->end_ns || s->o.ops->link(s->o.ctx, p, true, &l) < 0)
                return has_child;
        return l.listens && (has_child || !l.connected);
}

static int find_ssh(struct sessions *s, const struct chain *c, size_t i, struct found *ret)
{
        size_t top = run_end(c, i);

        if (find_rooted(c, i, top, SESSION_SSH, ret))
                return 1;
        if (!is_roots(c->at[top]))
                return 0;
        if (!is_listener(s, c->at[top], top > i))
                return read_connection(s, SESSION_SSH, c, top, false, ret);
        if (top == 0 || (top == i && c->at[top - 1]->state.image))
                return make_service(c->at[top], top, ret); /* itself, or a helper of its own */
        if (!is_roots(c->at[top - 1]))
                return 0;
        return read_connection(s, SESSION_SSH, c, top - 1, true, ret);
}

static int find_remote(struct sessions *s, const struct chain *c, size_t i, struct found *ret)
{
        size_t top = run_end(c, i);

        if (find_rooted(c, i, top, SESSION_REMOTE, ret))
                return 1;
        return is_roots(c->at[top]) ? read_connection(s, SESSION_REMOTE, c, top, false, ret) : 0;
}

/* ---- logins without a connection of their own ---- */

static int find_console(struct sessions *s, const struct chain *c, size_t i, struct found *ret)
{
        size_t top = run_end(c, i);
        struct session *x;

        if (top + 1 < c->n && class_of(c->at[top + 1]) == SESSION_REMOTE)
                return 0; /* login(1) of a daemon: that is next */
        if (find_rooted(c, i, top, SESSION_CONSOLE, ret))
                return 1;
        if (!is_roots(c->at[top]))
                return 0;
        x = session_new(SESSION_CONSOLE, c->at[top]);
        if (!x)
                return -ENOMEM;
        set_audit(x, c, top);
        set_name(x, c->at[top]);
        say(x, "a login at the machine itself");
        ask_utmp(s, x, c, top);
        *ret = (struct found){ .x = x, .upto = top };
        return 1;
}

/* The daemon is the last of the run, what it forked for a job is the root. */
static int find_cron(const struct chain *c, size_t i, struct found *ret)
{
        size_t top = run_end(c, i), root;
        struct session *x;

        if (!is_roots(c->at[top]) || (top == 0 && i == 0))
                return 0; /* the daemon itself is like any other */
        root = top > i ? top - 1 : i - 1;
        if (find_rooted(c, 0, root, SESSION_CRON, ret))
                return 1;
        x = session_new(SESSION_CRON, c->at[root]);
        if (!x)
                return -ENOMEM;
        set_audit(x, c, root);
        set_name(x, c->at[top]);
        say(x, "no login session: started by %s", x->name);
        set_outer(x, c->at[top]->session);
        *ret = (struct found){ .x = x, .upto = root };
        return 1;
}

static int find_login(struct sessions *s, const struct chain *c, size_t i, struct found *ret)
{
        switch (class_of(c->at[i])) {
        case SESSION_SSH:
                return find_ssh(s, c, i, ret);
        case SESSION_REMOTE:
                return find_remote(s, c, i, ret);
        case SESSION_CONSOLE:
                return find_console(s, c, i, ret);
        case SESSION_CRON:
                return find_cron(c, i, ret);
        default:
                return 0;
        }
}

/* ---- daemons ---- */

/* systemd listens for others and hands the socket on. */
static bool is_manager(const struct procs_proc *p)
{
        return p->pid == INIT || span_eq_str(base_name(procs_exe(&p->state)), "systemd");
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
                say(x, "who began it was not seen, and it has no audit session");
        else
                say(x, "audit session %u began before the sensor looked, and its login has ended%s",
                    audit, s->counts.forgotten ? "; or it was forgotten to make room" : "");
}

/* Did init itself begin it, and not only inherit it? */
static bool is_inits(const struct sessions *s, const struct procs_proc *p)
{
        return p->pid == INIT || (s->o.events && p->start_ns > s->began_ns && p->ppid == INIT);
}

static int find_top(struct sessions *s, const struct chain *c, bool scanned, struct found *ret)
{
        size_t below = c->n > 1 && c->at[c->n - 1]->pid == INIT ? c->n - 2 : c->n - 1;
        const struct procs_proc *p = c->at[below];
        uint32_t audit = audit_of(c->at[0]);
        struct span unit = procs_unit(&p->state);
        struct session *x = audit == PROCESS_UNSET ? NULL : sessions_by_audit(s, audit);
        bool kernel = p->pid == KTHREADD || p->state.has & PROCESS_IS_KERNEL;

        if (x) {
                *ret = (struct found){ .x = session_ref(x), .upto = 0 };
                return 1;
        }
        if (audit != PROCESS_UNSET && !scanned && !ends_with(unit, ".service")) {
                *ret = (struct found){ .scan = audit };
                return 1;
        }
        x = session_new(SESSION_UNKNOWN, p);
        if (!x)
                return -ENOMEM;
        if (kernel) {
                x->how = SESSION_KERNEL;
                say(x, "no login session: started by the kernel");
        } else if (ends_with(unit, ".service")) {
                say_unit(x, unit);
        } else if (procs_container(&p->state).n && audit == PROCESS_UNSET) {
                x->how = SESSION_SERVICE;
                set_name(x, p);
                say(x, "no login session: started in a container by %s", x->name);
        } else if (audit == PROCESS_UNSET && is_inits(s, p)) {
                x->how = SESSION_SERVICE;
                set_name(x, p);
                if (p->pid == INIT)
                        say(x, "no login session: it is init itself");
                else
                        say(x, "no login session: %s was started by init", x->name);
        } else {
                say_unknown(s, x, audit);
        }
        *ret = (struct found){ .x = x, .upto = below };
        return 1;
}

/* ---- together ---- */

static bool find_inherited(const struct chain *c, struct found *ret)
{
        for (size_t i = 0; i < c->n; i++) {
                struct session *x = c->at[i]->session;

                if (x && x->root != INIT) {
                        *ret = (struct found){ .x = session_ref(x), .upto = i };
                        return true;
                }
        }
        return false;
}

/* What the chain says: 1 and *ret, or -ENOMEM. */
static int judge(struct sessions *s, const struct chain *c, bool scanned, struct found *ret)
{
        for (size_t i = 0; i < c->n; i++) {
                const struct procs_proc *p = c->at[i];
                int rc;

                if (p->pid == INIT && i > 0)
                        break; /* everything is below it: that says nothing */
                rc = find_login(s, c, i, ret);

                if (rc != 0)
                        return rc;
                if (p->session && session_is_rooted(p->session, p)) {
                        *ret = (struct found){ .x = session_ref(p->session), .upto = i };
                        return 1;
                }
                if (is_reachable(s, p))
                        return make_service(p, i, ret);
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
static void compare_audit(struct sessions *s, const struct procs_proc *p, struct found *f)
{
        uint32_t audit = audit_of(p);
        struct session *x = f->x, *by_audit;

        if (audit == PROCESS_UNSET || audit == x->audit || audit == x->audit_before)
                return;
        by_audit = sessions_by_audit(s, audit);
        if (!by_audit && x->audit == PROCESS_UNSET && has_audit(x)) {
                x->audit = audit;
        } else if (by_audit && (p->start_ns < s->began_ns || !s->o.events)) {
                session_ref(by_audit);
                session_unref(x);
                *f = (struct found){ .x = by_audit, .upto = 0 };
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

        if (audit_of(p) == want->audit && session_is_login_program(p)) {
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
                set_outer(x, session_find(s, p->pid, p->start_ns));
}

static void settle(struct sessions *s, const struct chain *c, struct found *f)
{
        if (f->x->how != SESSION_UNKNOWN)
                compare_audit(s, c->at[0], f);
        if (has_audit(f->x) && f->x->audit != PROCESS_UNSET && !sessions_by_audit(s, f->x->audit)) {
                sessions_remember(s, f->x);
                s->news = true;
        }
        if (c->at[f->upto]->session != f->x && session_is_login(f->x))
                s->news = true;
        for (size_t i = 0; i <= f->upto; i++)
                if (c->at[i]->session != f->x)
                        procs_set_session(s->o.procs, c->at[i], f->x);
}

struct session *session_find(struct sessions *s, pid_t pid, uint64_t start_ns)
{
        struct found f = { .scan = PROCESS_UNSET };
        struct session *x = NULL;
        struct chain c;

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
