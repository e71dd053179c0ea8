/* SPDX-License-Identifier: Apache-2.0 */
/* who.h - the author of a change: which process, whose, begun by whom.  Floor 3.
 *
 *   notice of the kernel: a number, perhaps a pidfd   -.
 *   cache of processes, up to the moment of the read  --+--> struct who
 *   /proc, if it still lives                          -'
 *
 * A notice carries no time.  It was made after the kernel's queue was last seen empty and before it
 * was read; a process counts as what it was by the end of that stretch, and what else it had been
 * in it is said (earlier).  Users and login of a process that lives are asked anew each time, and
 * one that is another user than it was known to be may have become that after the change: that is
 * said, too.  What it runs is what its last exec was told to be, which a process cannot dress up
 * later.
 *
 * Shared by all changes of one process in one read, counted.  Not known is said, with the reason.
 */
#ifndef INTEGRITY_WHO_H
#define INTEGRITY_WHO_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "integrity/who/procs.h"

#include <sys/types.h>

struct json_writer;
struct procsource;
struct session;
struct sessions_counts;

enum {
        WHO_CMDLINE_MAX = 4096,
        WHO_CACHE = 1024,   /* made in one read */
        WHO_PARENTS = 8,    /* of the chain, the nearest ones */
        WHO_CHAIN = 64,     /* how far up its command is looked for */
        WHO_EARLIER = 4,    /* the latest ones */
        WHO_KIN_NAME = 255, /* bytes of one's name; the end of a longer one */
        WHO_SCRIPT_MAX = 512,
        WHO_UNKNOWN_MAX = 160,
};

enum who_has {
        WHO_HAS_PPID = 1u << 0,
        WHO_HAS_UID = 1u << 1, /* and euid */
        WHO_HAS_AUID = 1u << 2,
        WHO_HAS_SESSION = 1u << 3,
        WHO_HAS_MOUNT_NS = 1u << 4, /* and it is not the sensor's own */
        WHO_EXE_NAMELESS = 1u << 5, /* no name led to exe when it was executed */
        WHO_UNIT_NESTED = 1u << 6,  /* in another unit or a container: cgroup_names.nested */
        WHO_UNIT_ENTERED = 1u << 7, /* it is in its unit, and not because init began it there:
                                       procs_is_of_unit() */
        WHO_HAS_EXECUTED = 1u << 8, /* exe is what it has executed itself; else that may be its
                                       creator's, of whom it is a copy */
        WHO_USER_AFTER = 1u << 9,   /* uid and euid were read after the change, and nothing tells
                                       whether they were others in its moment */
        WHO_IS_KERNEL = 1u << 10,   /* a thread of the kernel's */
};

/* The file that a process executed, and what speaks against taking the process for it. */
struct who_exe {
        uint64_t dev, ino; /* 0: not known */
        enum procs_file file;
        bool led;       /* it may run other code: PROCESS_EXE_LED */
        bool strays;    /* it may run other programs: PROCESS_EXE_STRAYS */
        bool nameless;  /* no name led to it */
        bool elsewhere; /* its path is of another mount namespace */
        bool cut;       /* only the end of its path is known */
};

/* A parent, or what the process itself was before. */
struct who_kin {
        pid_t pid;
        uint32_t uid, euid;
        bool has_uid; /* and euid */
        bool has_exe; /* else the name is the process' own */
        struct who_exe file;
        uint32_t at, n;               /* in names */
        uint32_t script_at, script_n; /* there too: the maintainer script it is; 0: it is none */
};

struct who {
        unsigned refs;
        unsigned has;  /* enum who_has */
        pid_t pid;     /* 0: the kernel gave none */
        pid_t ppid;    /* whom it was begun under */
        pid_t command; /* the process its act is counted by: what was begun by the nearest
                        shell that somebody types into, else the oldest that is known of
                        those it was begun under, but for what only passes on, else itself */
        uint32_t uid, euid, auid, session, mount_ns;
        uint64_t start; /* of the process, in the kernel's ticks; 0: not known */
        struct buf comm, exe, cmdline, tty, unit, container, user; /* empty: not known */
        struct buf script;   /* the maintainer script it is: who_script.h; empty: it is none */
        struct who_exe file; /* of exe */
        int64_t since_ns;    /* wall, when it began to be what it is; 0: not known */
        struct buf names;
        struct session *login; /* of session.h, counted; NULL: not known */
        uint8_t n_parents, n_earlier;
        struct who_kin parents[WHO_PARENTS]; /* nearest first */
        struct who_kin earlier[WHO_EARLIER]; /* latest first */
        char unknown[WHO_UNKNOWN_MAX];       /* why a part of it is not known; "" when all is */
};

/* A new one with one reference.  NULL: out of memory. */
MUST_USE struct who *who_new(pid_t pid);
struct who *who_ref(struct who *w);
struct who *who_unref(struct who *w); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct who, who_unref)

/* One process, as one program?  A copy of its creator counts as what it becomes. */
bool who_is_same(const struct who *a, const struct who *b);
/* With the same user and effective one, as far as both are known? */
bool who_is_same_user(const struct who *a, const struct who *b);
/* A thread of the kernel's?  It acts for others, and nothing tells for whom. */
bool who_is_kernel(const struct who *w);
/* May it have been another program or user in the moment of the change? */
bool who_is_doubted(const struct who *w);

static inline struct span who_kin_name(const struct who *w, const struct who_kin *k)
{
        return span_of(w->names.p + k->at, k->n);
}

static inline struct span who_kin_script(const struct who *w, const struct who_kin *k)
{
        return span_of(w->names.p + k->script_at, k->script_n);
}

/* The entry's "who", what is not sensitive of it.  who may be NULL: nobody was seen, and unknown
 * says why.  also, which may be NULL: others, at most max, ended by NULL before that. */
void who_put(struct json_writer *w, const struct who *who, struct who *const *also, size_t max,
             const char *unknown);

/* ---- making them ---- */

struct who_cache;

/* processes is borrowed for the cache's life. */
MUST_USE int who_cache_new(struct procsource *processes, struct who_cache **ret, struct err *err);
struct who_cache *who_cache_free(struct who_cache *c);
DEFINE_CLEANUP(struct who_cache, who_cache_free)

/* Is every begin and end of a process told, and with what it is, so that a notice's number says
 * whose it is?  Else the notice has to come with a pidfd. */
bool who_knows_ends(const struct who_cache *c);

/* Called right before and right after each read(2) of a queue of the kernel's notices.  quiet_ns is
 * the queue's own, 0 at first: when it was last found empty.  any: there were some now; then
 * everything that processes did until here is taken in first. */
void who_reading(struct who_cache *c);
void who_read(struct who_cache *c, uint64_t *quiet_ns, bool any);
/* What was read has been dealt with: what was seen of a process may be old from here on. */
void who_batch_end(struct who_cache *c);

/* The process behind a notice.  pidfd is borrowed, -1 when there is none; gone: the kernel said
 * that it had ended before the notice was read.  With neither, all that had its number in that
 * time may have been it: where there were several, none is named, and they are what is under
 * earlier.  Never fails: what is not known is said in the result; NULL only without memory.
 * Borrowed; take a reference to keep it. */
struct who *who_of(struct who_cache *c, pid_t pid, int pidfd, bool gone);

/* Whether an executed file is what is trusted at its path: procs_ask_file(). */
void who_ask_file(struct who_cache *c, procs_file_fn *fn, void *ctx);

/* Once, at the start: the sessions that the sensor knew before; what there is to keep of them, 1,
 * or 0 for nothing new: session_keep.h. */
MUST_USE int who_recall(struct who_cache *c, struct span bytes, struct err *err);
MUST_USE int who_keep(struct who_cache *c, bool all, struct buf *out, struct err *err);
/* Soon after processes were told of: logins that wait.  true: some do still. */
bool who_catch_up(struct who_cache *c);
/* Every few seconds: logins that nobody has told of. */
void who_tick(struct who_cache *c);

/* What became of logins. */
void who_logins(const struct who_cache *c, struct sessions_counts *ret);

/* User names by uid, from lines "uid name\n" that a job read for us.  Replaces what was known. */
MUST_USE int who_set_users(struct who_cache *c, struct span facts, struct err *err);

#endif
