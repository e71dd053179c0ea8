/* SPDX-License-Identifier: Apache-2.0 */
/* restore_disk_priv.h - restore_disk.c (what comes back) and restore_away.c (what goes) to each
 * other.  Floor 3. */
#ifndef INTEGRITY_RESTORE_DISK_PRIV_H
#define INTEGRITY_RESTORE_DISK_PRIV_H

#include "integrity/restoring/restore_disk.h"

/* One run. */
struct restore_run {
        struct restorer *r;
        struct restore_task *t;
        int dirfd;
        char name[TABLE_NAME_MAX + 1];
        struct record good, judged, is; /* is: what is there, as last read */
        bool has_good, has_judged, there;
        struct restore_plan plan;
        const char *why; /* it is put away */
        bool out_is_dir; /* what came out in the exchange */
};

/* ---- restore_away.c ---- */

void restore_note(struct restore_task *t, const char *text);
/* Sets t->err, unless it says something already; returns rc. */
int restore_failed(struct restore_task *t, int rc, const char *what);

/* The directory and the name of a path. */
void restore_split(struct span path, struct span *ret_dir, struct span *ret_name);
/* For its content and flags; a descriptor, or -1 and errno. */
int restore_open_for_flags(int dirfd, const char *name);
/* An immutable file can be neither renamed nor removed. */
void restore_lift_name(int dirfd, const char *name);

/* Put away what is at name, which is at path for people; 0: it is kept, or need not be.  *ret gets
 * what it was, if not NULL. */
MUST_USE int restore_take(struct restore_run *p, int dirfd, const char *name, struct span path,
                          const char *reason, struct record *ret);
/* The same with all below it, and gone. */
MUST_USE int restore_remove_tree(struct restore_run *p, int dirfd, const char *name,
                                 struct buf *path, unsigned depth);

#endif
