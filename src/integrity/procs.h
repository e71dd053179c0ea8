/* SPDX-License-Identifier: Apache-2.0 */
/* procs.h - the processes of this host, and those that have ended lately.  Floor 3.
 *
 * A process is one life of a process number: (pid, start).  What it was in the course of it - its
 * executable, its user, its login - is a list of states, the newest first: a fork begins with its
 * creator's state, an exec or a new user adds one.  Ended processes stay for minutes, so that an
 * event can be laid to an author who is gone.
 *
 * Fed from process events in the order in which they happened, and from /proc for those who were
 * here before.  Bounded: PROCS_MAX processes, PROCS_TEXT_MAX bytes of paths and arguments; the
 * first to go are those that ended first.
 *
 * All times are of CLOCK_BOOTTIME, in ns. */
#ifndef INTEGRITY_PROCS_H
#define INTEGRITY_PROCS_H

#include "base/base.h"
#include "base/err.h"
#include "sys/process.h"

#include <sys/types.h>

struct proc_info;
struct procs;
struct session; /* session.h: counted, session_ref() and session_unref() */

enum {
        PROCS_MAX = 65536,
        PROCS_KEEP_S = 300,
        PROCS_STATES_MAX = 8, /* of one process */
        PROCS_PARENTS_MAX = 8,
        PROCS_TEXT_MAX = 6 << 20,
};

/* What a process runs.  Shared by all that were forked since. */
struct procs_image {
        unsigned refs;
        bool exe_known; /* else why not is the source's to say */
        bool exe_nameless, exe_cut, args_cut;
        uint16_t exe_n, args_n;
        uint8_t text[]; /* exe, then the arguments, each ended by a NUL */
};

/* Where systemd or a container runtime has put it. */
struct procs_place {
        unsigned refs;
        uint64_t cgroup;
        uint16_t unit_n, container_n;
        uint8_t text[];
};

struct procs_state {
        struct procs_state *before; /* NULL: none that is remembered */
        uint64_t from_ns;
        unsigned has; /* enum process_has: what of the following is known */
        uint32_t uid, euid, gid, auid, session;
        uint32_t mount_ns;
        int32_t sid, tty;
        struct procs_image *image; /* NULL: not known */
        struct procs_place *place; /* NULL: not known */
        uint8_t comm_n;
        uint8_t comm[PROCESS_COMM_MAX];
        bool inherited; /* nothing but a copy of its creator */
        bool unsure;    /* events were lost since: it may have become another */
};

struct procs_proc {
        struct procs_proc *hash_next, *prev, *next; /* of the list of those that have ended */
        pid_t pid, ppid;
        uint64_t start_ns, parent_start_ns; /* 0: not known */
        uint64_t end_ns;                    /* 0: it lives, as far as is known */
        bool start_exact;
        struct session *session; /* that it belongs to; NULL: nobody has asked yet.  A fork begins
                                    with its creator's, and stays in it when that one ends */
        struct procs_state state; /* the newest */
};

static inline struct span procs_exe(const struct procs_state *s)
{
        return s->image ? span_of(s->image->text, s->image->exe_n) : SPAN_NONE;
}

static inline struct span procs_args(const struct procs_state *s)
{
        return s->image ? span_of(s->image->text + s->image->exe_n, s->image->args_n) : SPAN_NONE;
}

static inline struct span procs_unit(const struct procs_state *s)
{
        return s->place ? span_of(s->place->text, s->place->unit_n) : SPAN_NONE;
}

static inline struct span procs_container(const struct procs_state *s)
{
        return s->place ? span_of(s->place->text + s->place->unit_n, s->place->container_n)
                        : SPAN_NONE;
}

MUST_USE int procs_new(struct procs **ret, struct err *err);
struct procs *procs_free(struct procs *p);
DEFINE_CLEANUP(struct procs, procs_free)

/* ---- filling ---- */

/* Take an event.  Out of memory is counted as a loss. */
void procs_apply(struct procs *p, const struct process_event *e);
/* What /proc says of a living process at now_ns: adds it, or corrects what is known. */
void procs_seed(struct procs *p, const struct proc_info *i, uint64_t now_ns);
/* n events before now_ns are missing. */
void procs_lost(struct procs *p, uint64_t n, uint64_t now_ns);
/* Forget those that have ended PROCS_KEEP_S ago. */
void procs_expire(struct procs *p, uint64_t now_ns);

/* ---- asking; results are borrowed until the next of the calls above ---- */

/* The newest process of this number, ended or not; NULL: none is known. */
const struct procs_proc *procs_newest(const struct procs *p, pid_t pid);
/* The one that began at start_ns; 0 stands for any, the newest then. */
const struct procs_proc *procs_find(const struct procs *p, pid_t pid, uint64_t start_ns);
/* The one that made it, ended or not; NULL: not known any more. */
const struct procs_proc *procs_parent(const struct procs *p, const struct procs_proc *of);

/* It belongs to this session from here on (a reference is taken), and so do those that it makes. */
void procs_set_session(struct procs *p, const struct procs_proc *proc, struct session *s);
/* Every living process, in no order, until fn returns false; fn may set sessions. */
void procs_each(struct procs *p, bool (*fn)(void *ctx, const struct procs_proc *proc), void *ctx);

/* Who had this number between two moments?  The kernel's notices carry a number and no time; all
 * that is known is that they were made between two reads. */
struct procs_answer {
        const struct procs_proc *proc;   /* NULL: nobody that is known */
        const struct procs_state *state; /* what it was last, by the end of that time */
        unsigned others;                 /* processes that had the number before it, in that time */
        bool earlier; /* it was something else before, in that time: state->before and further,
                         while their time overlaps; a copy of its creator does not count */
};
/* ended: it is known to have gone by until_ns, else known to live. */
void procs_at(const struct procs *p, pid_t pid, bool ended, uint64_t from_ns, uint64_t until_ns,
              struct procs_answer *ret);

/* ---- hearing ---- */

/* Called after an event was taken, with the process as it is now.  NULL: nobody. */
typedef void procs_heard_fn(void *ctx, enum process_what what, const struct procs_proc *proc);
void procs_listen(struct procs *p, procs_heard_fn *fn, void *ctx);

struct procs_counts {
        size_t living, ended;
        size_t text;     /* bytes of paths and arguments */
        uint64_t events; /* taken */
        uint64_t lost;   /* never seen, or no room for them */
};
struct procs_counts procs_counts(const struct procs *p);

#endif
