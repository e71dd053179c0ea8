/* SPDX-License-Identifier: Apache-2.0 */
/* procs_priv.h - the cache of processes, its parts to each other.  Floor 3.
 *
 *   procs.c        the table: events into it, answers out of it
 *   procs_state.c  what a process is: images, places, ids
 *   procs_unit.c   how it came into its unit */
#ifndef INTEGRITY_PROCS_PRIV_H
#define INTEGRITY_PROCS_PRIV_H

#include "integrity/who/procs.h"

enum {
        PROCS_BUCKETS = 65536, /* a power of two */
        PROCS_PLACES = 256,    /* control groups remembered by id; the same */
};

struct procs {
        struct procs_proc *bucket[PROCS_BUCKETS]; /* by pid; of one pid the newest first */
        struct procs_proc *ended_first, *ended_last;
        struct procs_place *place[PROCS_PLACES];
        procs_heard_fn *heard;
        void *heard_ctx;
        procs_file_fn *file;
        void *file_ctx;
        uint64_t lost_from_ns, lost_until_ns;
        struct procs_counts counts;
};

/* ---- procs.c ---- */

/* Ended processes go, the first first, until n more bytes fit. */
void procs_make_text_room(struct procs *p, size_t n);

/* ---- procs_unit.c ---- */

/* It was forked by creator, which may be NULL, and both their places are known; it has executed
 * what it runs now, and was in this place before. */
void procs_unit_forked(struct procs *p, struct procs_proc *x, pid_t creator_pid,
                       struct procs_proc *creator);
void procs_unit_executed(struct procs_proc *x, bool same_unit);
bool procs_same_unit(const struct procs_place *a, const struct procs_place *b);

/* ---- procs_state.c ---- */

/* What an event or /proc tells. */
struct procs_told {
        unsigned has;
        struct span exe, args, comm, cgroup_path;
        uint64_t cgroup, exe_dev, exe_ino;
        uint32_t uid, euid, auid, session, mount_ns;
        int32_t sid, tty;
};

struct procs_told procs_told_by_event(const struct process_event *e);
struct procs_told procs_told_by_proc(const struct proc_info *i);

/* A copy, with references of its own and nothing before it. */
struct procs_state procs_state_copy(const struct procs_state *from);
/* Release it and all before it. */
void procs_state_done(struct procs *p, struct procs_state *s);
/* What x is now becomes a state that was, and from from_ns on there is a copy of it. */
MUST_USE bool procs_state_push(struct procs *p, struct procs_proc *x, uint64_t from_ns);
/* Take over what is told of users, login, session and name; of the control group; of the
 * executable, which is not known any more when nothing is told. */
void procs_state_ids(struct procs_state *s, const struct procs_told *t);
void procs_state_place(struct procs *p, struct procs_state *s, const struct procs_told *t);
void procs_state_image(struct procs *p, struct procs_state *s, const struct procs_told *t);

/* The same executable? */
bool procs_image_is(const struct procs_image *i, const struct procs_told *t);
void procs_place_unref(struct procs *p, struct procs_place *g);

#endif
