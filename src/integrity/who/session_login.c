/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that log others in, or run jobs for them: which process of a chain is a session's root,
 * and from where it came. */
#include "integrity/who/session_priv.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

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

struct span session_base_name(struct span path)
{
        const uint8_t *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

        return slash ? span_from(path, (size_t)(slash - path.p) + 1) : path;
}

/* UNKNOWN: none of them. */
static enum session_how class_of(const struct procs_proc *p)
{
        struct span name = session_base_name(procs_exe(&p->state));

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

static void session_set_text(char *out, size_t room, struct span text)
{
        struct buf b = BUF_INIT(1024);

        text_put_safe(&b, span_of(text.p, MIN_OF(text.n, room - 1)));
        if (buf_status(&b) == 0)
                snprintf(out, room, "%.*s", (int)MIN_OF(b.n, room - 1), b.p ? (char *)b.p : "");
        buf_done(&b);
}

void session_set_name(struct session *x, const struct procs_proc *p)
{
        struct span name = session_base_name(procs_exe(&p->state));

        session_set_text(x->name, sizeof x->name, name.n ? name : procs_comm(&p->state));
}

void session_say(struct session *x, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(x->why, sizeof x->why, fmt, ap);
        va_end(ap);
}

/* What began in another session: that is the outer one, if it says anything. */
void session_set_outer(struct session *x, struct session *of)
{
        while (of && !session_is_login(of))
                of = of->outer;
        if (of && of != x && !x->outer)
                x->outer = session_ref(of);
}

uint32_t session_audit_of(const struct procs_proc *p)
{
        return p->state.has & PROCESS_HAS_AUID ? p->state.session : PROCESS_UNSET;
}

/* A login sets its audit session after its root has begun, or has set it already. */
static void set_audit(struct session *x, const struct session_chain *c, size_t root)
{
        uint32_t own = session_audit_of(c->at[root]);

        x->audit_before = root + 1 < c->n ? session_audit_of(c->at[root + 1]) : PROCESS_UNSET;
        if (own != x->audit_before)
                x->audit = own;
}

/* ---- a run of the same program ---- */

/* The last of those from i on that run the same sort of login program: the daemon, where there is
 * one.  It lives: what has ended above it had begun it, as daemons do. */
static size_t run_end(const struct session_chain *c, size_t i)
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
static bool find_rooted(const struct session_chain *c, size_t i, size_t j, enum session_how how,
                        struct session_found *ret)
{
        for (size_t k = i; k <= j; k++) {
                struct session *x = c->at[k]->session;

                if (x && x->how == how && session_is_rooted(x, c->at[k])) {
                        *ret = (struct session_found){ .x = session_ref(x), .upto = k };
                        return true;
                }
        }
        return false;
}

/* ---- connections ---- */

/* The socket is not to be had; a record of the login may say where it came from. */
static void ask_utmp(struct sessions *s, struct session *x, const struct session_chain *c,
                     size_t root)
{
        for (size_t i = root + 1; i-- > 0 && !x->peer.family;)
                if (s->o.ops->login(s->o.ctx, c->at[i]->pid, &x->peer) == 0)
                        x->witness = SESSION_BY_UTMP;
        if (x->peer.family)
                x->why[0] = '\0';
}

/* sure: a listener's child, which has or had a connection. */
static int read_connection(struct sessions *s, enum session_how how, const struct session_chain *c,
                           size_t root, bool sure, struct session_found *ret)
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
        session_set_name(x, p->state.image ? p : c->at[MIN_OF(root + 1, c->n - 1)]);
        if (rc == 0 && l.connected) {
                x->peer = l.peer;
                x->local = l.local;
                x->witness = SESSION_BY_SOCKET;
                s->counts.read++;
        } else {
                if (rc == 0 || rc == -ESRCH)
                        session_say(x, "its connection was closed before its socket could be read");
                else
                        session_say(x, "its socket could not be read: %s", strerror(-rc));
                s->counts.missed++;
                ask_utmp(s, x, c, root);
        }
        *ret = (struct session_found){ .x = x, .upto = root, .other_end = l.other_end };
        return 1;
}

bool session_ends_with(struct span s, const char *tail)
{
        size_t n = strlen(tail);

        return s.n > n && memcmp(s.p + s.n - n, tail, n) == 0;
}

void session_say_unit(struct session *x, struct span unit)
{
        x->how = SESSION_SERVICE;
        session_set_text(x->name, sizeof x->name, unit);
        session_say(x, "no login session: started by unit %s", x->name);
}

int session_make_service(const struct procs_proc *p, size_t at, struct session_found *ret)
{
        struct session *x = session_new(SESSION_SERVICE, p);

        if (!x)
                return -ENOMEM;
        session_set_name(x, p);
        if (session_ends_with(procs_unit(&p->state), ".service"))
                session_say_unit(x, procs_unit(&p->state));
        else
                session_say(x, "no login session: %s listens on the network", x->name);
        session_set_outer(x, p->session);
        *ret = (struct session_found){ .x = x, .upto = at };
        return 1;
}

/* Is it the one that waits for connections, and not one of them? */
static bool is_listener(struct sessions *s, const struct procs_proc *p, bool has_child)
{
        struct session_link l = { 0 };

        if (p->session && p->session->how == SESSION_SERVICE && session_is_rooted(p->session, p))
                return true;
        if (p->end_ns || s->o.ops->link(s->o.ctx, p, !has_child, &l) < 0)
                return has_child; /* what listens is told quickly, connections may be many */
        return l.listens && (has_child || !l.connected);
}

static int find_ssh(struct sessions *s, const struct session_chain *c, size_t i,
                    struct session_found *ret)
{
        size_t top = run_end(c, i);

        if (find_rooted(c, i, top, SESSION_SSH, ret))
                return 1;
        if (!is_roots(c->at[top]))
                return 0;
        if (!is_listener(s, c->at[top], top > i))
                return read_connection(s, SESSION_SSH, c, top, false, ret);
        if (top == 0 || (top == i && c->at[top - 1]->state.image))
                return session_make_service(c->at[top], top,
                                            ret); /* itself, or a helper of its own */
        if (!is_roots(c->at[top - 1]))
                return 0;
        return read_connection(s, SESSION_SSH, c, top - 1, true, ret);
}

static int find_remote(struct sessions *s, const struct session_chain *c, size_t i,
                       struct session_found *ret)
{
        size_t top = run_end(c, i);

        if (find_rooted(c, i, top, SESSION_REMOTE, ret))
                return 1;
        return is_roots(c->at[top]) ? read_connection(s, SESSION_REMOTE, c, top, false, ret) : 0;
}

/* ---- logins without a connection of their own ---- */

static int find_console(struct sessions *s, const struct session_chain *c, size_t i,
                        struct session_found *ret)
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
        session_set_name(x, c->at[top]);
        session_say(x, "a login at the machine itself");
        ask_utmp(s, x, c, top);
        *ret = (struct session_found){ .x = x, .upto = top };
        return 1;
}

/* The daemon is the last of the run, what it forked for a job is the root. */
static int find_cron(const struct session_chain *c, size_t i, struct session_found *ret)
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
        session_set_name(x, c->at[top]);
        session_say(x, "no login session: started by %s", x->name);
        session_set_outer(x, c->at[top]->session);
        *ret = (struct session_found){ .x = x, .upto = root };
        return 1;
}

int session_find_login(struct sessions *s, const struct session_chain *c, size_t i,
                       struct session_found *ret)
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
