/* SPDX-License-Identifier: Apache-2.0 */
/* procs.h - the processes of this host, and those that have ended lately.  Floor 3, no I/O.
 *
 * A process is one life of a process number: (pid, start).  What it was in the course of it - its
 * executable, its user, its login - is a list of states, the newest first: a fork begins with its
 * creator's state, an exec or another user adds one.  Ended processes stay for minutes, so that an
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
struct session;

enum {
        PROCS_MAX = 65536,
        PROCS_KEEP_S = 300,
        PROCS_STATES_MAX = 8, /* of one process */
        PROCS_PARENTS_MAX = 8,
        PROCS_HAD_MAX = 3,
        PROCS_TEXT_MAX = 6 << 20,
};

/* What was the file that was executed, at that moment, to what is trusted at its path? */
enum procs_file {
        PROCS_FILE_UNKNOWN, /* nobody was asked, or nothing is known of that path */
        PROCS_FILE_TRUSTED,
        PROCS_FILE_OTHER,
        PROCS_FILE_DOUBTED, /* that file, and its content is not what is trusted */
};
typedef enum procs_file procs_file_fn(void *ctx, struct span exe, uint64_t dev, uint64_t ino);

/* What a process runs.  Shared by all that were forked since. */
struct procs_image {
        unsigned refs;
        bool led;    /* as PROCESS_EXE_LED */
        bool strays; /* as PROCESS_EXE_STRAYS */
        enum procs_file file;
        uint64_t dev, ino;                /* of the file; 0: not known */
        bool nameless, exe_cut, args_cut; /* as PROCESS_EXE_NAMELESS and so on */
        bool args_known;
        uint16_t exe_n, args_n;
        uint8_t text[]; /* exe, then the arguments, each ended by a NUL */
};

/* Where systemd or a container runtime has put it. */
struct procs_place {
        unsigned refs;
        uint64_t cgroup; /* 0: not told */
        uint16_t unit_n, container_n;
        bool nested; /* as cgroup_names.nested */
        bool astray; /* only the end of its path is known: in what container it lies is not */
        uint8_t text[];
};

struct procs_state {
        struct procs_state *before; /* NULL: none that is remembered */
        uint64_t from_ns;
        unsigned has; /* enum process_has: what of the following is known */
        uint32_t uid, euid;
        uint32_t auid, session; /* PROCESS_UNSET: none */
        uint32_t mount_ns;
        int32_t sid, tty;
        struct procs_image *image; /* NULL: not known, or a thread of the kernel */
        struct procs_place *place; /* NULL: not known */
        uint8_t comm_n;
        uint8_t comm[PROCESS_COMM_MAX];
        bool inherited; /* it runs what its creator ran: it has not executed anything */
        bool late;      /* it became this at from_ns or before, after the state before this one */
};

/* How it came into its unit. */
enum procs_placed {
        PROCS_PLACED_UNKNOWN, /* nobody has asked, or a creator is not known */
        PROCS_PLACED_FRESH,   /* init made it, and may still move it: it has executed nothing */
        PROCS_PLACED_BY_INIT, /* init put it there, or it descends from one whom it put there */
        PROCS_PLACED_ENTERED, /* it, or one that it descends from, was moved there by somebody else
                               */
};

struct procs_proc {
        struct procs_proc *hash_next, *prev, *next; /* private */
        pid_t pid, ppid;                            /* ppid: who it was begun under; 0: not known */
        uint64_t start_ns;
        bool start_exact;        /* else within 10 ms, or of the first event about it */
        uint64_t end_ns;         /* 0: it lives, as far as is known */
        uint64_t sure_ns;        /* when it was last heard of or read */
        struct session *session; /* of session.h, counted; NULL: nobody has asked yet.  A fork
                                    begins in its creator's, and stays there when that one ends */
        enum procs_placed placed;
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

static inline bool procs_unit_nested(const struct procs_state *s)
{
        return s->place && s->place->nested;
}

static inline struct span procs_container(const struct procs_state *s)
{
        return s->place ? span_of(s->place->text + s->place->unit_n, s->place->container_n)
                        : SPAN_NONE;
}

static inline struct span procs_comm(const struct procs_state *s)
{
        return span_of(s->comm, s->comm_n);
}

MUST_USE int procs_new(struct procs **ret, struct err *err);
struct procs *procs_free(struct procs *p);
DEFINE_CLEANUP(struct procs, procs_free)

/* ---- filling ---- */

/* Take an event.  One that memory does not suffice for counts as lost. */
void procs_apply(struct procs *p, const struct process_event *e);
/* What /proc says of a process at now_ns: adds it as living, or corrects what is known.  Another
 * user that no event has told of yet may be so since any moment after it was last heard of: it
 * counts as new (a state of its own from now_ns on, late), another login as old.  NULL: out of
 * memory, or /proc gave no start. */
const struct procs_proc *procs_seed(struct procs *p, const struct proc_info *i, uint64_t now_ns);
/* n events between two moments are missing. */
void procs_lost(struct procs *p, uint64_t n, uint64_t from_ns, uint64_t until_ns);
/* Asked of each executable that is learnt of. */
void procs_ask_file(struct procs *p, procs_file_fn *fn, void *ctx);
/* Forget those that have ended PROCS_KEEP_S ago. */
void procs_expire(struct procs *p, uint64_t now_ns);

/* Of those that are thought to live and were not heard of since before_ns, end the ones that do not
 * live; lives must leave the cache alone. */
void procs_sweep(struct procs *p, uint64_t before_ns,
                 bool (*lives)(void *ctx, const struct procs_proc *x), void *ctx);

/* ---- asking; results are borrowed until one of the calls above ---- */

/* The newest process of this number, ended or not; NULL: none is known. */
const struct procs_proc *procs_newest(const struct procs *p, pid_t pid);
/* Is it the one that /proc tells of? */
bool procs_is(const struct procs_proc *x, const struct proc_info *i);
/* The newest of this number that began by then, give or take a tick; NULL: not known. */
const struct procs_proc *procs_by(const struct procs *p, pid_t pid, uint64_t by_ns);
/* The one that made it, ended or not; NULL: not known, or not any more. */
const struct procs_proc *procs_parent(const struct procs *p, const struct procs_proc *of);

/* Is it in its unit because init (process 1) put it there, or one that it descends from?  Where
 * forks are not told, or it began before they were, who made it counts as /proc has it: below init
 * then is also who has lost his parents, if no login user was set for him. */
bool procs_is_of_unit(struct procs *p, const struct procs_proc *x);

/* It belongs to this session from here on (a reference is taken), and so do those that it makes. */
void procs_set_session(struct procs *p, const struct procs_proc *of, struct session *s);
/* Every living process, in no order; fn must not add to the cache. */
void procs_each(struct procs *p, void (*fn)(void *ctx, const struct procs_proc *x), void *ctx);

/* Who had this number between two moments?  The kernel's notices carry a number and no time; all
 * that is known is that they were made between two reads. */
struct procs_answer {
        const struct procs_proc *proc;   /* NULL: nobody that is known */
        const struct procs_state *state; /* what it was last, by the end of that time */
        unsigned others;                 /* that had the number before it, in that time */
        const struct procs_proc *had[PROCS_HAD_MAX]; /* the last of them, latest first */
        bool earlier; /* it was something else before, in that time: the states before this one
                         until one that began before from_ns.  A copy of its creator does not
                         count: what a shell opens for a command is the command's. */
        bool unsure;  /* events were lost: it may have become another by then */
};
enum procs_at {
        PROCS_AT_LIVES, /* it is known to be there at until_ns */
        PROCS_AT_ENDED, /* or to be gone */
        PROCS_AT_EITHER,
};
void procs_at(const struct procs *p, pid_t pid, enum procs_at at, uint64_t from_ns,
              uint64_t until_ns, struct procs_answer *ret);

/* ---- hearing ---- */

/* Called after an event was taken, with the process as it is now; as PROCESS_EXECUTED too when the
 * executable of a process is learnt from /proc. */
typedef void procs_heard_fn(void *ctx, enum process_what what, const struct procs_proc *proc);
void procs_listen(struct procs *p, procs_heard_fn *fn, void *ctx); /* one at a time; NULL: none */

/* What was executed from from_ns until before until_ns, by who lives or has ended, in no order; fn
 * must leave the cache alone. */
void procs_executed(const struct procs *p, uint64_t from_ns, uint64_t until_ns,
                    void (*fn)(void *ctx, const struct procs_proc *x, const struct procs_state *s),
                    void *ctx);

struct procs_counts {
        size_t living, ended;
        size_t text; /* bytes of paths and arguments */
        uint64_t events;
        uint64_t lost; /* never seen, or no room for them */
};
struct procs_counts procs_counts(const struct procs *p);

#endif
