/* SPDX-License-Identifier: Apache-2.0 */
/* session_priv.h - sessions, the parts to each other.  Floor 3.
 *
 *   session.c       their life, what is heard of processes, answers
 *   session_find.c  from a process up to its session's root
 *   session_login.c which process of a login program that is, and its address
 *   session_keep.c  over the sensor's restarts
 *   session_host.c  what this host says: /proc, sockets, utmp */
#ifndef INTEGRITY_SESSION_PRIV_H
#define INTEGRITY_SESSION_PRIV_H

#include "integrity/who/procs.h"
#include "integrity/who/session.h"

enum {
        SESSIONS_BUCKETS = 1024, /* a power of two */
        SESSION_LISTEN_CACHE = 1024,
        SESSION_DEPTH_MAX = 8, /* sessions begun from each other on this host */
};

/* Does it listen?  Asked again now and then: a daemon may begin to. */
struct session_listens {
        pid_t pid; /* 0: free */
        uint64_t start_ns;
        uint64_t asked_ns;
        bool reachable;
};

struct session_pending {
        pid_t pid;
        uint64_t start_ns;
};

struct sessions {
        struct sessions_options o;
        struct session *bucket[SESSIONS_BUCKETS]; /* by audit session */
        struct session *first, *last;             /* the oldest first */
        struct session_listens listens[SESSION_LISTEN_CACHE];
        struct session_pending pending[SESSION_PENDING_MAX];
        size_t n_pending;
        uint64_t began_ns;
        uint64_t next_read_ns; /* not before, unless a login has succeeded */
        unsigned depth;        /* of session_find() in itself */
        struct session *found; /* the last answer, counted */
        bool news;             /* logins since they were last kept */
        uint32_t kept_round;
        uint32_t scanned_audit; /* looked for in vain */
        uint64_t scanned_ns;
        struct sessions_counts counts;
};

/* ---- session.c ---- */

/* With one reference.  NULL: out of memory. */
struct session *session_new(enum session_how how, const struct procs_proc *root);
/* Remember it by its audit session, which is set. */
void sessions_remember(struct sessions *s, struct session *x);
/* Borrowed; NULL: none. */
struct session *sessions_by_audit(const struct sessions *s, uint32_t audit);

uint64_t sessions_now(const struct sessions *s);

/* One start of a process, told in two ways. */
bool session_same_start(uint64_t a_ns, uint64_t b_ns);

/* Is this process the root of its session? */
bool session_is_rooted(const struct session *x, const struct procs_proc *p);

/* The process itself first. */
struct session_chain {
        const struct procs_proc *at[SESSION_CHAIN_MAX];
        size_t n;
};

struct session_found {
        struct session *x; /* one reference */
        size_t upto;       /* those of the chain that have it: 0 to this */
        uint32_t other_end;
        uint32_t scan; /* an audit session to look for before anything is said; else unset */
};

/* ---- session_login.c ---- */

/* Does it run a program that logs others in or runs jobs for them? */
bool session_is_login_program(const struct procs_proc *p);
/* c->at[i] may run one: 1 and *ret, 0: it is nobody's login, -ENOMEM. */
int session_find_login(struct sessions *s, const struct session_chain *c, size_t i,
                       struct session_found *ret);
/* A daemon's own: 1 or -ENOMEM, as above. */
int session_make_service(const struct procs_proc *p, size_t at, struct session_found *ret);

/* Its audit session; PROCESS_UNSET: none, or not known. */
uint32_t session_audit_of(const struct procs_proc *p);
/* What follows the last slash. */
struct span session_base_name(struct span path);
bool session_ends_with(struct span s, const char *tail);
void session_set_name(struct session *x, const struct procs_proc *p);
void session_say(struct session *x, const char *fmt, ...) PRINTF_LIKE(2, 3);
void session_say_unit(struct session *x, struct span unit);
/* What began in another session: that is the outer one, if it says anything. */
void session_set_outer(struct session *x, struct session *of);

/* ---- session_find.c ---- */

/* Find or make the session of a process, and let it and those between have it; borrowed until the
 * next call.  NULL: it is not in the cache, or no memory. */
struct session *session_find(struct sessions *s, pid_t pid, uint64_t start_ns);

#endif
