/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - which login a process belongs to, and from what address that came.  Floor 3.
 *
 *   sshd (listens) --> sshd (one connection) --> shell --> sudo --> ...
 *                      ^ the session's root: its socket is read while it lives
 *
 * A session begins with its root: the process that a login daemon runs for one connection, a
 * console login, the process that cron runs a job in; or, where nobody has logged in, a daemon or a
 * unit.  A fork is in its creator's session and stays in it, whoever ends; a session is remembered
 * as long as a process belongs to it.  A process whose creators are not known is found by its audit
 * session, which a login sets and nothing below it changes.
 *
 * The address is the peer of the root's own socket, as the kernel tells it.  What a process says of
 * itself (SSH_CONNECTION) is nobody's evidence and is not read.  Where the socket cannot be read,
 * utmp(5) is asked and said to be the witness.
 *
 * A daemon that others can reach over TCP does what they ask it to: what runs below it is its own
 * and not of the login that once started it, which is kept as the outer session.
 *
 * Single-threaded.  SECURITY: names of executables are anybody's; a login daemon counts only with
 * root's rights. */
#ifndef INTEGRITY_SESSION_H
#define INTEGRITY_SESSION_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "sys/sockdiag.h"

#include <sys/types.h>

struct procs;
struct procs_proc;

enum session_how {
        SESSION_UNKNOWN, /* why says what is missing */
        SESSION_SSH,
        SESSION_REMOTE, /* telnet, rlogin, rsh */
        SESSION_CONSOLE,
        SESSION_CRON,    /* at(1) too */
        SESSION_SERVICE, /* nobody's login: a daemon, a unit */
        SESSION_KERNEL,
};

/* "ssh", ... for entries. */
const char *session_how_name(enum session_how how);

enum session_witness { SESSION_BY_NONE, SESSION_BY_SOCKET, SESSION_BY_UTMP };

const char *session_witness_name(enum session_witness w); /* "socket", "utmp" */

enum { SESSION_NAME_MAX = 64, SESSION_WHY_MAX = 120 };

struct session {
        unsigned refs;
        enum session_how how;
        pid_t root; /* 0: none is known */
        uint64_t root_start_ns;
        uint32_t audit;        /* its audit session; UINT32_MAX: not known, or none */
        uint32_t audit_before; /* what its daemon has, and its root had before the login */
        enum session_witness witness;
        struct sock_addr peer, local; /* family 0: none */
        struct session *outer;       /* that it was begun from, on this host; counted; NULL: none */
        char name[SESSION_NAME_MAX]; /* of the daemon or the unit; safe text */
        char why[SESSION_WHY_MAX];   /* there is no address; "" when there is one */

        /* private */
        struct session *next, *audit_next; /* of those remembered by audit session */
        uint32_t kept_round, kept_as;      /* its number in the file of session_keep.h */
};

struct session *session_ref(struct session *x);
struct session *session_unref(struct session *x); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct session, session_unref)

/* Somebody's login, not a job and not a daemon. */
bool session_is_login(const struct session *x);

/* The outermost session from which this one was begun, with an address; NULL: none. */
const struct session *session_outermost(const struct session *x);

/* ---- what is asked of the host ---- */

/* One process' part in TCP. */
struct session_link {
        bool listens;   /* on any address */
        bool reachable; /* on one that is not loopback's */
        bool connected;
        struct sock_addr local, peer; /* of its connection with the lowest descriptor */
        uint32_t other_end;           /* inode of the peer's socket, on this host; 0: none */
};

struct session_ops {
        /* -ESRCH: it has ended.  want_connection: connections are looked at, else only what
         * listens. */
        int (*link)(void *ctx, const struct procs_proc *p, bool want_connection,
                    struct session_link *ret);
        /* The process that holds a socket; 0: none. */
        pid_t (*holder)(void *ctx, uint32_t inode);
        /* The address of a login by this process, of utmp(5).  -ENOENT: none. */
        int (*login)(void *ctx, pid_t pid, struct sock_addr *ret);
        /* Read the process into the cache, where it was not told of. */
        void (*look)(void *ctx, pid_t pid);
        /* The same for every process that is not in it. */
        void (*look_all)(void *ctx);
};

/* ---- sessions ---- */

enum {
        SESSIONS_MAX = 4096,      /* remembered by audit session */
        SESSION_CHAIN_MAX = 64,   /* processes between one and its session's root */
        SESSION_PENDING_MAX = 64, /* connections whose socket is yet to be read */
};

struct sessions;

struct sessions_options {
        const struct clock *clock;  /* of CLOCK_BOOTTIME, as the cache's times */
        const struct clock *worked; /* of the processor time that was spent here */
        struct procs *procs;        /* borrowed */
        bool events;                /* forks and execs are told as they happen */
        const struct session_ops *ops;
        void *ctx;
};

/* Listens to procs from here on; what runs already is looked at by sessions_begin(). */
MUST_USE int sessions_new(const struct sessions_options *o, struct sessions **ret, struct err *err);
struct sessions *sessions_free(struct sessions *s);
DEFINE_CLEANUP(struct sessions, sessions_free)

/* Look at those that run now. */
void sessions_begin(struct sessions *s);

/* Every few seconds: connections that wait, and where there are no events, logins. */
void sessions_tick(struct sessions *s);

/* Soon after processes were told of: connections that wait, where their turn has come.  One that
 * executes no more (a transfer of one file) is over before another event comes.  true: some wait
 * still. */
bool sessions_catch_up(struct sessions *s);

/* The session of the process of this number that began at start_ns, living or ended; borrowed until
 * the next call.  May read processes into the cache.  NULL: it is not in the cache, or no memory.
 */
struct session *sessions_of(struct sessions *s, pid_t pid, uint64_t start_ns);

struct sessions_counts {
        size_t remembered;  /* by audit session */
        uint64_t forgotten; /* of them, to make room, while processes belonged to them */
        uint64_t read;      /* sockets of logins that were read */
        uint64_t missed;    /* and those that were gone before */
};
struct sessions_counts sessions_counts(const struct sessions *s);

#endif
