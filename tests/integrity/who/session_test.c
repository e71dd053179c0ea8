/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions over the real cache of processes, fed with events; the host is a table of sockets. */
#include "integrity/who/session.h"

#include "alloc_fail.h"
#include "integrity/who/procs.h"
#include "integrity/who/session_keep.h"
#include "sys/proc.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { PIDS = 16384 };

/* ---- the host ---- */

struct fake_proc {
        bool lives;
        int ppid;
        const char *exe, *unit;
        uint32_t uid, audit;
        uint64_t start_ns;
        struct session_link link;
        int link_error;
        int holds; /* number of the socket whose other end is somebody's; 0: none */
        int utmp;  /* number of an address; 0: none */
};

struct fake {
        int64_t now_ns;
        struct fake_proc proc[PIDS];
        struct procs *procs;
        struct sessions *sessions;
        int64_t step_ns, link_ns; /* what a step, and reading sockets, take */
        int64_t work_ns;          /* of the latter, what is work */
        int64_t worked_ns;
        unsigned links;
        bool no_events;
};

static int64_t fake_now(void *ctx)
{
        return ((struct fake *)ctx)->now_ns;
}

static int64_t fake_worked(void *ctx)
{
        return ((struct fake *)ctx)->worked_ns;
}

static struct sock_addr address(int n)
{
        return (struct sock_addr){ .family = AF_INET,
                                   .bytes = { 198, 51, 100, (uint8_t)n },
                                   .port = (uint16_t)(50000 + n) };
}

static int fake_link(void *ctx, const struct procs_proc *p, bool want_connection,
                     struct session_link *ret)
{
        struct fake *f = ctx;
        const struct fake_proc *x = &f->proc[p->pid];

        f->links++;
        f->now_ns += f->link_ns;
        f->worked_ns += f->work_ns;
        if (!x->lives)
                return -ESRCH;
        if (x->link_error)
                return x->link_error;
        *ret = x->link;
        if (!want_connection) {
                ret->connected = false;
                ret->other_end = 0;
        }
        return 0;
}

static pid_t fake_holder(void *ctx, uint32_t inode)
{
        struct fake *f = ctx;

        for (int pid = 1; pid < PIDS; pid++)
                if (f->proc[pid].lives && f->proc[pid].holds == (int)inode)
                        return pid;
        return 0;
}

static int fake_login(void *ctx, pid_t pid, struct sock_addr *ret)
{
        struct fake *f = ctx;

        if (!f->proc[pid].utmp)
                return -ENOENT;
        *ret = address(f->proc[pid].utmp);
        ret->port = 0;
        return 0;
}

static void fake_look(void *ctx, pid_t pid)
{
        static struct proc_info i;
        struct fake *f = ctx;
        const struct fake_proc *x = &f->proc[pid];

        if (pid >= PIDS || !x->lives)
                return;
        memset(&i, 0, sizeof i);
        i.pid = pid;
        i.ids = (struct proc_ids){ .ppid = x->ppid, .uid = x->uid, .euid = x->uid };
        i.stat = (struct proc_stat){ .start = x->start_ns / 10000000 };
        i.loginuid.n = x->audit == PROCESS_UNSET ? PROCESS_UNSET : 1000;
        i.sessionid.n = x->audit;
        i.loginuid.why = i.sessionid.why = x->audit == PROCESS_UNSET ? PROC_UNSET : PROC_KNOWN;
        i.exe_n = strlen(x->exe);
        memcpy(i.exe, x->exe, i.exe_n);
        i.comm_why = PROC_UNREAD;
        i.cgroup_why = x->unit ? PROC_KNOWN : PROC_UNSET;
        if (x->unit)
                i.cgroup_n = (size_t)snprintf((char *)i.cgroup, sizeof i.cgroup, "/%s", x->unit);
        (void)!procs_seed(f->procs, &i, (uint64_t)f->now_ns);
}

static void fake_look_all(void *ctx)
{
        struct fake *f = ctx;

        for (int pid = 1; pid < PIDS; pid++)
                if (f->proc[pid].lives)
                        fake_look(f, pid);
}

static const struct session_ops fake_ops = { .link = fake_link,
                                             .holder = fake_holder,
                                             .login = fake_login,
                                             .look = fake_look,
                                             .look_all = fake_look_all };

/* ---- what happens ---- */

enum op {
        OP_NONE,
        OP_FORK,   /* pid by other */
        OP_EXEC,   /* pid becomes text */
        OP_USER,   /* its user is n from here on, told by its next exec */
        OP_AUDIT,  /* its audit session is n from here on, told by its next exec */
        OP_EXIT,   /* pid */
        OP_LISTEN, /* on any address */
        OP_LOCAL,  /* listen on loopback */
        OP_ACCEPT, /* it has a connection from address n */
        OP_INSIDE, /* the same, and the other end is of this host: number n */
        OP_HOLD,   /* it holds the other end number n */
        OP_CLOSE,  /* it has no connection any more */
        OP_DENY,   /* its sockets may not be read */
        OP_UTMP,   /* the record of its login says address n */
        OP_UNIT,   /* its control group is text's from here on, told by its next exec */
        OP_ORPHAN, /* init becomes its parent, which nobody tells */
        OP_BEFORE, /* pid by other, running text, before the sensor began */
        OP_SENSOR, /* it begins: what follows is told */
        OP_ASK,    /* its session, and forget the answer */
        OP_REST,   /* n seconds pass */
        OP_AGAIN,  /* the sensor ends and begins again */
};

struct step {
        enum op op;
        int pid, other;
        const char *text;
        uint32_t n;
};

struct want {
        int pid;
        enum session_how how;
        int from;  /* number of the address; 0: none */
        int outer; /* the outermost's */
        const char *why;
        enum session_witness witness;
};

struct scenario {
        const char *name;
        bool proc_only;
        struct step steps[40];
        struct want want[12];
};

static void tell(struct fake *f, enum process_what what, int pid, int creator)
{
        const struct fake_proc *x = &f->proc[pid];
        struct process_event e = { .what = what,
                                   .has = PROCESS_HAS_START | PROCESS_HAS_PARENT | PROCESS_HAS_UID |
                                          PROCESS_HAS_AUID,
                                   .time_ns = (uint64_t)f->now_ns,
                                   .start_ns = x->start_ns,
                                   .pid = pid,
                                   .ppid = x->ppid,
                                   .creator = creator,
                                   .uid = x->uid,
                                   .euid = x->uid,
                                   .auid = x->audit == PROCESS_UNSET ? PROCESS_UNSET : 1000,
                                   .session = x->audit };
        char group[64];

        if (f->no_events || !f->sessions)
                return;
        if (what == PROCESS_EXECUTED) {
                e.has |= PROCESS_HAS_EXE;
                e.exe = span_str(x->exe);
        }
        if (x->unit) {
                snprintf(group, sizeof group, "/%s", x->unit);
                e.has |= PROCESS_HAS_PLACE;
                e.cgroup_path = span_str(group);
                e.cgroup = (uint64_t)pid;
        }
        procs_apply(f->procs, &e);
}

static void begin(struct fake *f)
{
        static struct clock clock = { .wall_ns = fake_now, .mono_ns = fake_now };
        static struct clock worked = { .wall_ns = fake_now, .mono_ns = fake_worked };
        struct sessions_options o = { .clock = &clock,
                                      .worked = &worked,
                                      .procs = f->procs,
                                      .events = !f->no_events,
                                      .ops = &fake_ops,
                                      .ctx = f };

        clock.ctx = worked.ctx = f;
        fake_look_all(f);
        assert_int_equal(sessions_new(&o, &f->sessions, NULL), 0);
        sessions_begin(f->sessions);
}

static void make(struct fake *f, int pid, int parent)
{
        f->proc[pid] = f->proc[parent];
        f->proc[pid].lives = true;
        f->proc[pid].ppid = parent;
        f->proc[pid].start_ns = (uint64_t)f->now_ns;
        f->proc[pid].holds = f->proc[pid].utmp = 0;
}

static void take_socket(struct fake *f, const struct step *s)
{
        struct fake_proc *x = &f->proc[s->pid];

        switch (s->op) {
        case OP_LISTEN:
                x->link = (struct session_link){ .listens = true, .reachable = true };
                break;
        case OP_LOCAL:
                x->link = (struct session_link){ .listens = true };
                break;
        case OP_CLOSE:
                x->link = (struct session_link){ 0 };
                break;
        default:
                x->link = (struct session_link){ .connected = true,
                                                 .peer = address((int)s->n),
                                                 .other_end = s->op == OP_INSIDE ? s->n : 0 };
        }
}

static const struct procs_proc *proc_of(struct fake *f, int pid)
{
        if (f->no_events && f->proc[pid].lives)
                fake_look(f, pid); /* as whoever asks has done */
        return procs_newest(f->procs, pid);
}

static const struct session *ask(struct fake *f, int pid)
{
        const struct procs_proc *p = proc_of(f, pid);

        assert_non_null(p);
        return sessions_of(f->sessions, pid, p->start_ns);
}

#define BOOT SPAN("01234567-89ab-cdef-0123-456789abcdef")

static void begin_again(struct fake *f)
{
        struct buf kept = BUF_INIT(SESSION_KEEP_MAX);

        sessions_put(f->sessions, BOOT, &kept);
        assert_int_equal(buf_status(&kept), 0);
        f->sessions = sessions_free(f->sessions);
        f->procs = procs_free(f->procs);
        assert_int_equal(procs_new(&f->procs, NULL), 0);
        begin(f);
        assert_int_equal(sessions_take(f->sessions, BOOT, buf_span(&kept), NULL), 0);
        buf_done(&kept);
}

static void take_step(struct fake *f, const struct step *s)
{
        struct fake_proc *x = &f->proc[s->pid];

        f->now_ns += f->step_ns;
        switch (s->op) {
        case OP_FORK:
                make(f, s->pid, s->other);
                tell(f, PROCESS_FORKED, s->pid, s->other);
                break;
        case OP_BEFORE:
                make(f, s->pid, s->other);
                x->exe = s->text;
                break;
        case OP_EXEC:
                x->exe = s->text;
                tell(f, PROCESS_EXECUTED, s->pid, 0);
                break;
        case OP_EXIT:
                x->lives = false;
                tell(f, PROCESS_ENDED, s->pid, 0);
                break;
        case OP_USER:
                x->uid = s->n;
                break;
        case OP_AUDIT:
                x->audit = s->n;
                break;
        case OP_UNIT:
                x->unit = s->text;
                break;
        case OP_HOLD:
                x->holds = (int)s->n;
                break;
        case OP_UTMP:
                x->utmp = (int)s->n;
                break;
        case OP_DENY:
                x->link_error = -EACCES;
                break;
        case OP_ORPHAN:
                x->ppid = 1;
                break;
        case OP_SENSOR:
                begin(f);
                break;
        case OP_AGAIN:
                begin_again(f);
                break;
        case OP_ASK:
                assert_non_null(ask(f, s->pid));
                break;
        case OP_REST:
                f->now_ns += s->n * NS_PER_S;
                procs_expire(f->procs, (uint64_t)f->now_ns);
                sessions_tick(f->sessions);
                break;
        default:
                take_socket(f, s);
        }
}

static void check_address(const struct sock_addr *a, int n, bool port)
{
        struct sock_addr want = n ? address(n) : (struct sock_addr){ 0 };

        if (!port)
                want.port = 0;
        assert_true(sock_addr_eq(a, &want));
}

static void check(struct fake *f, const struct want *w)
{
        const struct session *x = ask(f, w->pid), *outer;
        static const struct sock_addr none;

        assert_non_null(x);
        print_message("  %d: %s %s %s\n", w->pid, session_how_name(x->how), x->name, x->why);
        assert_string_equal(session_how_name(x->how), session_how_name(w->how));
        check_address(&x->peer, w->from, w->witness != SESSION_BY_UTMP);
        outer = session_outermost(x);
        check_address(outer ? &outer->peer : &none, w->outer, true);
        assert_string_equal(x->why, w->why ? w->why : "");
        if (w->from)
                assert_int_equal(x->witness, w->witness ? w->witness : SESSION_BY_SOCKET);
}

static struct fake *fake_new(bool no_events)
{
        struct fake *f = calloc(1, sizeof *f);

        assert_non_null(f);
        f->now_ns = 1000 * NS_PER_S;
        f->step_ns = NS_PER_S;
        f->no_events = no_events;
        f->proc[1] = (struct fake_proc){
                .lives = true, .exe = "/sbin/init", .audit = PROCESS_UNSET, .start_ns = NS_PER_S
        };
        assert_int_equal(procs_new(&f->procs, NULL), 0);
        return f;
}

static void fake_free(struct fake *f)
{
        sessions_free(f->sessions);
        procs_free(f->procs);
        free(f);
}

static void take_steps(struct fake *f, const struct step *s)
{
        for (; s->op != OP_NONE; s++)
                take_step(f, s);
}

static void run(const struct scenario *sc)
{
        struct fake *f = fake_new(sc->proc_only);

        print_message("%s\n", sc->name);
        if (sc->steps[0].op != OP_BEFORE)
                begin(f);
        take_steps(f, sc->steps);
        for (const struct want *w = sc->want; w->pid; w++)
                check(f, w);
        fake_free(f);
}

/* ---- scenarios ---- */

#define STEP(...)                                                                                  \
        {                                                                                          \
                __VA_ARGS__                                                                        \
        }
#define FORK(p, by)        STEP(.op = OP_FORK, .pid = p, .other = by)
#define BEFORE(p, by, exe) STEP(.op = OP_BEFORE, .pid = p, .other = by, .text = exe)
#define EXEC(p, exe)       STEP(.op = OP_EXEC, .pid = p, .text = exe)
#define UNIT(p, group)     STEP(.op = OP_UNIT, .pid = p, .text = group)
#define USER(p, number)    STEP(.op = OP_USER, .pid = p, .n = number)
#define AUDIT(p, number)   STEP(.op = OP_AUDIT, .pid = p, .n = number)
#define ACCEPT(p, number)  STEP(.op = OP_ACCEPT, .pid = p, .n = number)
#define INSIDE(p, number)  STEP(.op = OP_INSIDE, .pid = p, .n = number)
#define HOLD(p, number)    STEP(.op = OP_HOLD, .pid = p, .n = number)
#define UTMP(p, number)    STEP(.op = OP_UTMP, .pid = p, .n = number)
#define EXIT(p)            STEP(.op = OP_EXIT, .pid = p)
#define LISTEN(p)          STEP(.op = OP_LISTEN, .pid = p)
#define LOCAL(p)           STEP(.op = OP_LOCAL, .pid = p)
#define CLOSE(p)           STEP(.op = OP_CLOSE, .pid = p)
#define DENY(p)            STEP(.op = OP_DENY, .pid = p)
#define ORPHAN(p)          STEP(.op = OP_ORPHAN, .pid = p)
#define ASK(p)             STEP(.op = OP_ASK, .pid = p)
#define SENSOR             STEP(.op = OP_SENSOR)
#define AGAIN              STEP(.op = OP_AGAIN)
#define REST(seconds)      STEP(.op = OP_REST, .n = seconds)

#define FROM(p, sort, number) STEP(.pid = p, .how = sort, .from = number)
#define SSH(p, number)        FROM(p, SESSION_SSH, number)
#define INNER(p, number, outermost)                                                                \
        STEP(.pid = p, .how = SESSION_SSH, .from = number, .outer = outermost)
#define NO_ADDRESS(p, sort, outermost, reason)                                                     \
        STEP(.pid = p, .how = sort, .outer = outermost, .why = reason)

#define SSHD    "/usr/sbin/sshd"
#define SESSION "/usr/lib/openssh/sshd-session"
#define BASH    "/bin/bash"

/* A daemon 10 that listens; 20 is a connection from address `from`, 21 its user's half. */
#define DAEMON        FORK(10, 1), EXEC(10, SSHD), LISTEN(10)
#define CONNECT(from) FORK(20, 10), ACCEPT(20, from), EXEC(20, SSHD)
#define LOGIN         AUDIT(20, 4), FORK(21, 20), USER(21, 1000), FORK(22, 21), CLOSE(22), EXEC(22, BASH)
#define LOGOUT        EXIT(22), EXIT(21), EXIT(20)

static const struct scenario scenarios[] = {
        { "a login",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), EXEC(23, "/bin/touch") },
          { SSH(23, 7), SSH(22, 7), SSH(21, 7), SSH(20, 7) } },
        { "of newer OpenSSH, where the connection runs another program",
          false,
          { DAEMON, FORK(20, 10), ACCEPT(20, 7), EXEC(20, SESSION), LOGIN },
          { SSH(22, 7) } },
        { "of root, without a second half",
          false,
          { DAEMON, CONNECT(7), FORK(22, 20), CLOSE(22), EXEC(22, BASH) },
          { SSH(22, 7) } },
        { "sudo and su",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), USER(23, 0), EXEC(23, "/usr/bin/sudo"),
            FORK(24, 23), EXEC(24, "/bin/su"), FORK(25, 24), USER(25, 1001), EXEC(25, BASH) },
          { SSH(25, 7) } },
        { "after the logout, kept by init",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), LOGOUT, ORPHAN(23), EXEC(23, "/bin/sleep"),
            FORK(24, 23) },
          { SSH(23, 7), SSH(24, 7) } },
        { "a daemon made by two forks, long after the others are forgotten",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), FORK(24, 23), EXIT(23), LOGOUT, REST(10000),
            FORK(25, 24), EXEC(25, "/bin/touch") },
          { SSH(24, 7), SSH(25, 7) } },
        { "two at a time",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(30, 10), ACCEPT(30, 8), EXEC(30, SSHD), AUDIT(30, 5),
            FORK(31, 30), CLOSE(31), EXEC(31, BASH) },
          { SSH(22, 7), SSH(31, 8) } },
        { "a number used again",
          false,
          { DAEMON, CONNECT(7), LOGIN, LOGOUT, CONNECT(8), LOGIN },
          { SSH(22, 8), SSH(20, 8) } },
        { "from this host: the inner one's address is the inner connection's",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), EXEC(23, "/usr/bin/ssh"), HOLD(23, 99),
            FORK(30, 10), INSIDE(30, 99), EXEC(30, SSHD), AUDIT(30, 5), FORK(31, 30), CLOSE(31),
            EXEC(31, BASH), LOGOUT, EXIT(23) },
          { INNER(31, 99, 7) } },
        { "a daemon that is another's in the control group of init's",
          false,
          { DAEMON, FORK(11, 1), UNIT(11, "system.slice/nginx.service"),
            EXEC(11, "/usr/sbin/nginx"), LISTEN(11), FORK(12, 11), CLOSE(12), EXEC(12, "/bin/sh") },
          { NO_ADDRESS(12, SESSION_SERVICE, 0, "no login session: started by unit nginx.service"),
            NO_ADDRESS(11, SESSION_SERVICE, 0, "no login session: started by unit nginx.service"),
            NO_ADDRESS(10, SESSION_SERVICE, 0, "no login session: sshd listens on the network") } },
        { "a web server begun by hand does what others ask of it",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), EXEC(23, "/usr/sbin/apache2"), LISTEN(23),
            FORK(24, 23), CLOSE(24), EXEC(24, "/bin/sh") },
          { NO_ADDRESS(24, SESSION_SERVICE, 7, "no login session: apache2 listens on the network"),
            NO_ADDRESS(23, SESSION_SERVICE, 7, "no login session: apache2 listens on the network"),
            SSH(22, 7) } },
        { "one that only this host reaches does not",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), EXEC(23, "/usr/bin/node"), LOCAL(23),
            FORK(24, 23), CLOSE(24), EXEC(24, "/bin/sh") },
          { SSH(24, 7) } },
        { "a job of cron",
          false,
          { FORK(11, 1), EXEC(11, "/usr/sbin/cron"), FORK(12, 11), AUDIT(12, 9), FORK(13, 12),
            EXEC(13, "/bin/sh"), FORK(14, 13) },
          { NO_ADDRESS(14, SESSION_CRON, 0, "no login session: started by cron"),
            NO_ADDRESS(12, SESSION_CRON, 0, "no login session: started by cron"),
            NO_ADDRESS(11, SESSION_SERVICE, 0, "no login session: cron was started by init") } },
        { "a job of a cron that was begun by hand, and of one that forks once",
          false,
          { DAEMON, CONNECT(7), LOGIN, USER(22, 0), FORK(11, 22), EXEC(11, "/usr/sbin/crond"),
            FORK(12, 11), EXIT(11), LOGOUT, FORK(13, 12), EXEC(13, "/bin/sh") },
          { NO_ADDRESS(13, SESSION_CRON, 7, "no login session: started by crond") } },
        { "the console",
          false,
          { FORK(11, 1), EXEC(11, "/sbin/agetty"), EXEC(11, "/bin/login"), AUDIT(11, 3),
            FORK(12, 11), USER(12, 1000), EXEC(12, BASH) },
          { NO_ADDRESS(12, SESSION_CONSOLE, 0, "a login at the machine itself") } },
        { "telnet",
          false,
          { FORK(10, 1), EXEC(10, "/usr/sbin/inetd"), LISTEN(10), FORK(11, 10), ACCEPT(11, 7),
            EXEC(11, "/usr/sbin/in.telnetd"), FORK(12, 11), CLOSE(12), EXEC(12, "/bin/login"),
            FORK(13, 12), EXEC(13, BASH) },
          { FROM(13, SESSION_REMOTE, 7) } },
        { "sshd begun by systemd for each connection",
          false,
          { FORK(20, 1), ACCEPT(20, 7), UNIT(20, "system.slice/ssh@1.service"), EXEC(20, SSHD),
            LOGIN },
          { SSH(22, 7) } },
        { "dropbear, which forks and runs nothing new",
          false,
          { FORK(10, 1), EXEC(10, "/usr/sbin/dropbear"), LISTEN(10), FORK(20, 10), ACCEPT(20, 7),
            FORK(21, 20), CLOSE(21), EXEC(21, BASH) },
          { SSH(21, 7) } },
        { "a listener that made itself a daemon",
          false,
          { FORK(9, 1), EXEC(9, SSHD), FORK(10, 9), LISTEN(10), EXIT(9), CONNECT(7), LOGIN },
          { SSH(22, 7) } },
        { "sshd as a user's own program: nobody's word for an address",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), ACCEPT(23, 66), EXEC(23, "/usr/sbin/sshd"),
            FORK(24, 23), EXEC(24, BASH) },
          { SSH(24, 7) } },
        { "sshd -t, run by root in a session",
          false,
          { DAEMON, CONNECT(7), LOGIN, USER(22, 0), FORK(23, 22), EXEC(23, SSHD) },
          { SSH(23, 7) } },
        { "the socket may not be read, the record of the login says it",
          false,
          { DAEMON, FORK(20, 10), DENY(20), UTMP(20, 7), EXEC(20, SSHD), LOGIN },
          { { .pid = 22, .how = SESSION_SSH, .from = 7, .witness = SESSION_BY_UTMP } } },
        { "neither of the two",
          false,
          { DAEMON, FORK(20, 10), DENY(20), EXEC(20, SSHD), LOGIN },
          { NO_ADDRESS(22, SESSION_SSH, 0, "its socket could not be read: Permission denied") } },
        { "the connection was gone before we came",
          false,
          { DAEMON, FORK(20, 10), EXEC(20, SSHD), LOGIN },
          { NO_ADDRESS(22, SESSION_SSH, 0,
                       "its connection was closed before its socket could be read") } },
        { "here before the sensor, still connected",
          false,
          { BEFORE(10, 1, SSHD), LISTEN(10), BEFORE(20, 10, SSHD), ACCEPT(20, 7), AUDIT(20, 4),
            BEFORE(22, 20, BASH), CLOSE(22), BEFORE(23, 22, "/bin/sleep"), ORPHAN(23), SENSOR,
            FORK(24, 22), FORK(25, 23) },
          { SSH(24, 7), SSH(23, 7), SSH(25, 7) } },
        { "here before the sensor, and logged out",
          false,
          { BEFORE(23, 1, "/bin/sleep"), AUDIT(23, 4), SENSOR },
          { NO_ADDRESS(
                  23, SESSION_UNKNOWN, 0,
                  "audit session 4 began before the sensor looked, and its login has ended") } },
        { "here before the sensor, from nowhere",
          false,
          { BEFORE(23, 1, "/bin/sleep"), SENSOR },
          { NO_ADDRESS(23, SESSION_UNKNOWN, 0,
                       "who began it was not seen, and it has no audit session") } },
        { "here before the sensor, of a unit",
          false,
          { BEFORE(23, 1, "/usr/sbin/nginx"), UNIT(23, "system.slice/nginx.service"), SENSOR },
          { NO_ADDRESS(23, SESSION_SERVICE, 0,
                       "no login session: started by unit nginx.service") } },
        { "a thread of the kernel, and what it runs",
          false,
          { BEFORE(2, 1, ""), SENSOR, FORK(30, 2), EXEC(30, "/sbin/modprobe") },
          { NO_ADDRESS(2, SESSION_KERNEL, 0, "no login session: started by the kernel"),
            NO_ADDRESS(30, SESSION_KERNEL, 0, "no login session: started by the kernel") } },
        { "init itself, and what it runs",
          false,
          { ASK(1), FORK(30, 1), EXEC(30, "/sbin/mount") },
          { NO_ADDRESS(1, SESSION_SERVICE, 0, "no login session: it is init itself"),
            NO_ADDRESS(30, SESSION_SERVICE, 0, "no login session: mount was started by init") } },
        { "the sensor begins again, after the logout",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), LOGOUT, ORPHAN(23), AGAIN, FORK(24, 23) },
          { SSH(23, 7), SSH(24, 7) } },
        { "the same, without an audit session",
          false,
          { DAEMON, CONNECT(7), FORK(22, 20), CLOSE(22), EXEC(22, BASH), FORK(23, 22), LOGOUT,
            ORPHAN(23), AGAIN, FORK(24, 23) },
          { SSH(23, 7), SSH(24, 7) } },
        { "and again, while connected: the same session for what comes",
          false,
          { DAEMON, CONNECT(7), LOGIN, AGAIN, FORK(23, 22), EXEC(23, BASH), AGAIN, FORK(24, 23) },
          { SSH(23, 7), SSH(24, 7), SSH(20, 7) } },
        { "and a login within a login",
          false,
          { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), EXEC(23, "/usr/bin/ssh"), HOLD(23, 99),
            FORK(30, 10), INSIDE(30, 99), EXEC(30, SSHD), AUDIT(30, 5), FORK(31, 30), CLOSE(31),
            EXEC(31, BASH), LOGOUT, EXIT(23), AGAIN, AGAIN },
          { INNER(31, 99, 7) } },
        { "and finds by its audit session whom it had never seen",
          true,
          { BEFORE(10, 1, SSHD), LISTEN(10), SENSOR, CONNECT(7), LOGIN, FORK(23, 22), ASK(22),
            LOGOUT, ORPHAN(23), REST(600), AGAIN },
          { SSH(23, 7) } },
        { "but another process of that number is another",
          false,
          { DAEMON, CONNECT(7), FORK(22, 20), CLOSE(22), EXEC(22, BASH), FORK(23, 22), LOGOUT,
            ORPHAN(23), EXIT(23), FORK(23, 1), AGAIN },
          { NO_ADDRESS(23, SESSION_UNKNOWN, 0,
                       "who began it was not seen, and it has no audit session") } },
        { "a daemon begun again by an administrator, in whose audit session it is",
          false,
          { DAEMON,         CONNECT(7),   LOGIN,          USER(22, 0),   FORK(11, 22),
            EXEC(11, SSHD), LISTEN(11),   FORK(30, 11),   ACCEPT(30, 8), EXEC(30, SSHD),
            FORK(31, 30),   CLOSE(31),    EXEC(31, BASH), FORK(40, 11),  ACCEPT(40, 9),
            EXEC(40, SSHD), AUDIT(40, 5), FORK(41, 40),   CLOSE(41),     EXEC(41, BASH),
            AGAIN },
          { SSH(31, 8), SSH(41, 9), SSH(22, 7) } },
        { "without events: seen while connected",
          true,
          { BEFORE(10, 1, SSHD), LISTEN(10), SENSOR, CONNECT(7), LOGIN, FORK(23, 22),
            EXEC(23, "/bin/sleep"), ASK(23), LOGOUT, ORPHAN(23), REST(60), FORK(24, 23) },
          { SSH(23, 7), SSH(24, 7) } },
        { "without events: an orphan of a login that is still there",
          true,
          { BEFORE(10, 1, SSHD), LISTEN(10), SENSOR, CONNECT(7), LOGIN, FORK(23, 22),
            EXEC(23, "/bin/sleep"), ORPHAN(23) },
          { SSH(23, 7) } },
        { "without events: never seen while connected",
          true,
          { BEFORE(10, 1, SSHD), LISTEN(10), SENSOR, CONNECT(7), LOGIN, FORK(23, 22),
            EXEC(23, "/bin/sleep"), LOGOUT, ORPHAN(23) },
          { NO_ADDRESS(
                  23, SESSION_UNKNOWN, 0,
                  "audit session 4 began before the sensor looked, and its login has ended") } },
};

static void test_scenarios(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
                run(&scenarios[i]);
}

/* ---- bounds ---- */

/* One after the other logs in and out; each leaves a process behind when stays. */
static struct fake *log_in_often(int times, bool stays)
{
        static const struct step daemon[] = { DAEMON, { 0 } };
        struct fake *f = fake_new(false);

        begin(f);
        take_steps(f, daemon);
        for (int i = 0; i < times; i++) {
                const struct step steps[] = { CONNECT(1 + (uint32_t)i % 250),
                                              AUDIT(20, (uint32_t)i),
                                              FORK(22, 20),
                                              CLOSE(22),
                                              EXEC(22, BASH),
                                              FORK(100 + i, 22),
                                              EXIT(22),
                                              EXIT(20),
                                              REST(1),
                                              { 0 } };

                take_steps(f, steps);
                if (!stays)
                        take_step(f, &(struct step)EXIT(100 + i));
        }
        return f;
}

static void test_many_logins(void **state)
{
        enum { LOGINS = SESSIONS_MAX + 100 };
        static const struct step rest[] = { REST(2 * PROCS_KEEP_S), { 0 } };
        struct fake *f = log_in_often(LOGINS, false);
        struct sessions_counts n = sessions_counts(f->sessions);

        assert_int_equal(n.read, LOGINS);
        assert_int_equal(n.missed, 0);
        assert_int_equal(n.remembered, SESSIONS_MAX);
        assert_int_equal(n.forgotten, 0); /* nobody belonged to those that went */
        take_steps(f, rest);
        fake_free(f);
}

static void test_many_sessions_that_stay(void **state)
{
        enum { LOGINS = SESSIONS_MAX + 100 };
        static const struct step rest[] = { REST(2 * PROCS_KEEP_S), { 0 } };
        struct fake *f = log_in_often(LOGINS, true);
        struct sessions_counts n = sessions_counts(f->sessions);

        assert_int_equal(n.remembered, SESSIONS_MAX);
        assert_int_equal(n.forgotten, 100);
        take_steps(f, rest);
        for (int i = 0; i < LOGINS; i++) { /* the processes know theirs all the same */
                const struct session *x = ask(f, 100 + i);

                assert_int_equal(x->how, SESSION_SSH);
                check_address(&x->peer, 1 + i % 250, true);
        }
        fake_free(f);
}

/* Who connects and does not log in costs little; who logs in meanwhile is read at once. */
static void test_strangers(void **state)
{
        static const struct step daemon[] = { DAEMON, { 0 } };
        static const struct step login[] = { FORK(30, 10),   ACCEPT(30, 7), EXEC(30, SSHD),
                                             AUDIT(30, 4),   FORK(31, 30),  CLOSE(31),
                                             EXEC(31, BASH), { 0 } };
        struct fake *f = fake_new(false);
        unsigned before;

        begin(f);
        take_steps(f, daemon);
        f->step_ns = NS_PER_MS;
        f->link_ns = f->work_ns = 10 * NS_PER_MS; /* a host with very many connections */
        before = f->links;
        for (int i = 0; i < 1000; i++) {
                const struct step steps[] = { CONNECT(9), EXIT(20), { 0 } };

                take_steps(f, steps);
        }
        /* 4 s have passed, and 5 % of them are 20 readings */
        assert_in_range(f->links - before, 1, 60);
        take_steps(f, login);
        check_address(&ask(f, 31)->peer, 7, true);
        fake_free(f);
}

/* Where others have the processor, reading one socket takes long and is little work: the next
 * connections are read all the same, each before it is over. */
static void test_others_have_the_processor(void **state)
{
        static const struct step daemon[] = { DAEMON, { 0 } };
        static const struct step rest[] = { REST(1), { 0 } };
        struct fake *f = fake_new(false);

        begin(f);
        take_steps(f, daemon);
        f->step_ns = 10 * NS_PER_MS;
        f->link_ns = 200 * NS_PER_MS;
        f->work_ns = NS_PER_MS / 10;
        for (int i = 0; i < 10; i++) {
                const int connection = 30 + 2 * i, shell = connection + 1;
                const struct step steps[] = {
                        FORK(connection, 10),    ACCEPT(connection, 7),
                        EXEC(connection, SSHD),  AUDIT(connection, (uint32_t)(4 + i)),
                        FORK(shell, connection), CLOSE(shell),
                        CLOSE(connection),       EXIT(connection),
                        EXEC(shell, BASH),       { 0 }
                };

                take_steps(f, steps);
                check_address(&ask(f, shell)->peer, 7, true);
                take_steps(f, rest);
        }
        assert_int_equal(sessions_counts(f->sessions).missed, 0);
        fake_free(f);
}

/* Who comes within the pause after another, and executes nothing more: his socket is read when the
 * pause is over, without any news of a process, and known when he has gone. */
static void test_within_the_pause(void **state)
{
        static const struct step both[] = { DAEMON,         FORK(20, 10), ACCEPT(20, 7),
                                            EXEC(20, SSHD), FORK(30, 10), ACCEPT(30, 8),
                                            EXEC(30, SSHD), { 0 } };
        static const struct step over[] = { CLOSE(30), EXIT(30), { 0 } };
        struct fake *f = fake_new(false);
        unsigned tries = 0;

        begin(f);
        f->step_ns = NS_PER_MS;
        f->link_ns = 40 * NS_PER_MS;
        f->work_ns = NS_PER_MS / 10;
        take_steps(f, both);
        assert_true(sessions_catch_up(f->sessions)); /* not yet */
        while (sessions_catch_up(f->sessions) && tries++ < 100)
                f->now_ns += 25 * NS_PER_MS;
        assert_in_range(tries, 1, 20);
        take_steps(f, over);
        check_address(&ask(f, 30)->peer, 8, true);
        assert_int_equal(sessions_counts(f->sessions).missed, 0);
        fake_free(f);
}

static void test_allocations(void **state)
{
        static const struct step steps[] = {
                BEFORE(10, 1, SSHD), LISTEN(10), SENSOR, CONNECT(7), LOGIN, FORK(23, 22), { 0 }
        };
        bool done = false;

        for (size_t nth = 1; !done; nth++) {
                struct fake *f = fake_new(true);
                const struct procs_proc *p;

                take_steps(f, steps);
                p = proc_of(f, 23);
                assert_non_null(p);
                alloc_fail_nth = nth;
                (void)!sessions_of(f->sessions, 23, p->start_ns);
                done = alloc_fail_nth > 0; /* there were not so many */
                alloc_fail_nth = 0;
                check_address(&ask(f, 23)->peer, 7, true);
                fake_free(f);
        }
}

/* ---- the file ---- */

static void put_kept(struct buf *out)
{
        static const struct step steps[] = { DAEMON, CONNECT(7), LOGIN, FORK(23, 22), { 0 } };
        struct fake *f = fake_new(false);

        begin(f);
        take_steps(f, steps);
        sessions_put(f->sessions, BOOT, out);
        assert_int_equal(buf_status(out), 0);
        fake_free(f);
}

static void test_damaged_file(void **state)
{
        struct buf kept = BUF_INIT(SESSION_KEEP_MAX);
        struct fake *f = fake_new(false);
        struct err err = { 0 };

        put_kept(&kept);
        begin(f);
        for (size_t i = 0; i < kept.n; i++) {
                kept.p[i] ^= 0x20;
                assert_int_equal(sessions_take(f->sessions, BOOT, buf_span(&kept), &err), -EBADMSG);
                kept.p[i] ^= 0x20;
                assert_int_equal(sessions_take(f->sessions, BOOT, span_of(kept.p, i), &err),
                                 -EBADMSG);
        }
        assert_int_equal(sessions_counts(f->sessions).remembered, 0);
        assert_int_equal(sessions_take(f->sessions, SPAN("11234567-89ab-cdef-0123-456789abcdef"),
                                       buf_span(&kept), &err),
                         -ESTALE);
        assert_int_equal(sessions_take(f->sessions, BOOT, buf_span(&kept), &err), 0);
        assert_int_equal(sessions_counts(f->sessions).remembered, 1);
        fake_free(f);
        buf_done(&kept);
}

static void test_file_without_memory(void **state)
{
        struct buf kept = BUF_INIT(SESSION_KEEP_MAX);
        int rc = -ENOMEM;

        put_kept(&kept);
        for (size_t nth = 1; rc < 0; nth++) {
                struct fake *f = fake_new(false);

                begin(f);
                alloc_fail_nth = nth;
                rc = sessions_take(f->sessions, BOOT, buf_span(&kept), NULL);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
                fake_free(f);
        }
        buf_done(&kept);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_scenarios),
                cmocka_unit_test(test_many_logins),
                cmocka_unit_test(test_many_sessions_that_stay),
                cmocka_unit_test(test_strangers),
                cmocka_unit_test(test_others_have_the_processor),
                cmocka_unit_test(test_within_the_pause),
                cmocka_unit_test(test_allocations),
                cmocka_unit_test(test_damaged_file),
                cmocka_unit_test(test_file_without_memory),
        };

        return cmocka_run_group_tests_name("integrity/session", tests, NULL, NULL);
}
