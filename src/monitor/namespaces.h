/* SPDX-License-Identifier: Apache-2.0 */
/* namespaces.h - the namespaces of one sort that processes of this host are in, and whose they are;
 * what namespace_mounts.c and namespace_ports.c share.  Floor 3.
 *
 * To enter a namespace takes CAP_SYS_ADMIN, which is everything; /proc/<pid> of a process that is
 * in it takes CAP_SYS_PTRACE.  So a namespace that no process is in is not seen, nor one that only
 * a thread of a process is in.
 *
 * SECURITY: whoever may make a user namespace makes others.  Those that were there before stand
 * first, as processes do. */
#ifndef MONITOR_NAMESPACES_H
#define MONITOR_NAMESPACES_H

#include "base/base.h"
#include "base/buf.h"
#include "sys/dirwalk.h"
#include "sys/proc.h"

#include <stdatomic.h>

enum { NAMESPACES_MAX = 1024, SPACE_PIDS = 4, SPACE_NAMES_MAX = 1024 * 1024 };

struct space {
        uint32_t inode;
        pid_t pid[SPACE_PIDS]; /* the lowest that are in it: one may end while it is looked at
                                */
        size_t n_pids;
        size_t name, name_n; /* in namespaces.names */
};

/* Large: on the heap. */
struct namespaces {
        struct space at[NAMESPACES_MAX];
        size_t n;
        unsigned hidden; /* processes that do not let us see which one they are in */
        bool many;       /* there are more than NAMESPACES_MAX */
        struct buf names;
        struct dir_reader reader;
        struct proc_info info;
};

/* All but own; link: as of proc_namespace().  0, an errno, ECANCELED. */
MUST_USE int namespaces_find(struct namespaces *s, const char *link, uint32_t own,
                             const atomic_bool *stop);
/* Name it: as root has named it in dir (a directory of files with the namespace's inode; NULL:
 * none), else by the container or the unit of a process in it, else not at all. */
void space_set_name(struct namespaces *s, struct space *x, const char *dir);
static inline struct span space_name(const struct namespaces *s, const struct space *x)
{
        return span_of(s->names.p + x->name, x->name_n);
}
/* Which processes could not be seen, and that there are more: lines "many" and "hidden". */
void namespaces_put_unseen(const struct namespaces *s, struct buf *out);

#endif
