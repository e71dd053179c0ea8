/* SPDX-License-Identifier: Apache-2.0 */
/* who_priv.h - authors, the parts to each other.  Floor 3.
 *
 *   who.c        which process it was
 *   who_fill.c   from the cache of processes or from /proc into struct who
 *   who_users.c  names of users
 *   who_put.c    into an entry */
#ifndef INTEGRITY_WHO_PRIV_H
#define INTEGRITY_WHO_PRIV_H

#include "integrity/who/procs.h"
#include "integrity/who/who.h"
#include "sys/proc.h"

struct who_users {
        struct who_user *at; /* ascending by uid */
        size_t n;
        struct buf names;
};

void who_users_done(struct who_users *u);
MUST_USE int who_users_set(struct who_users *u, struct span facts, struct err *err);
/* Empty: not known. */
struct span who_users_name(const struct who_users *u, uint32_t uid);

/* The first that is missing and should not be is the one that is said. */
void who_say_unknown(struct who *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* From /proc alone, with the reason of what it did not tell. */
void who_fill_proc(struct who *w, const struct proc_info *i, uint32_t own_mount_ns);
/* From the cache of processes.  i: what /proc told of it just now, for reasons; NULL: nothing. */
void who_fill_state(struct who *w, const struct procs_answer *a, const struct proc_info *i,
                    uint32_t own_mount_ns);
/* What it was before, after from_ns. */
void who_fill_earlier(struct who *w, const struct procs_answer *a, uint64_t from_ns,
                      uint32_t own_mount_ns);
/* Nobody is named: several have had that number, and the notice was one's of them. */
void who_fill_candidates(struct who *w, const struct procs_answer *a, uint32_t own_mount_ns);
/* One more parent. */
void who_add_parent(struct who *w, const struct procs_proc *p, uint32_t own_mount_ns);

/* The next one up the chain: is w's command (who.h) it, or was it found below? */
struct who_command {
        pid_t below; /* the one asked about last, w itself at first */
        bool found;
};
void who_seek_command(struct who *w, const struct procs_proc *p, struct who_command *c);

#endif
