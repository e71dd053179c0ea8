/* SPDX-License-Identifier: Apache-2.0 */
/* restore_disk_priv.h - restore_disk.c (what comes back) and restore_away.c (what goes) to each
 * other.  Floor 3. */
#ifndef INTEGRITY_RESTORE_DISK_PRIV_H
#define INTEGRITY_RESTORE_DISK_PRIV_H

#include "integrity/restoring/restore_disk.h"
#include "sys/dirwalk.h"

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
        bool unnamed;    /* what is to be beside has no name yet */
};

/* ---- restore_name.c ---- */

MUST_USE int restore_stat_name(struct restorer *r, int dirfd, const char *name,
                               struct fs_stat *ret);
/* Make what is good beside: a descriptor, or a negative errno, and then it may be there yet if it
 * is one of those two.  A file has no name until restore_name_it(). */
MUST_USE int restore_make(struct restore_run *p);
/* fd, which restore_make() made, has the name beside. */
MUST_USE int restore_name_it(struct restore_run *p, int fd);
/* Entries of a directory: dir_list_fn, ctx is the restorer. */
ssize_t restore_list(void *ctx, int fd, void *to, size_t n);
MUST_USE int restore_rewind(struct restorer *r, int fd);
/* What was done to a file or directory lasts; 0 also when that takes long. */
MUST_USE int restore_sync(struct restorer *r, int fd);

/* ---- restore_reach.c ---- */

/* What waits for a lock, by a hand.  -ETIMEDOUT: it has not come back; -EUSERS: it was not begun.
 * Once one did not come back that waits for a directory, no other is begun. */
MUST_USE int restore_call(struct restorer *r, struct hand_ask a, struct hand_got *got);
/* Sets the task's err, in words: who keeps it locked, unless another failure is known already.
 * Returns rc. */
int restore_say_stuck(struct restorer *r, int fd, int rc);
/* Is the lock of what is there to be had, without waiting behind anybody?  0, also when nothing is
 * there, -ETIMEDOUT or -EUSERS with t->err. */
MUST_USE int restore_reach_fd(struct restore_run *p, int fd);
MUST_USE int restore_reach(struct restore_run *p, int dirfd, const char *name);
/* As fs_exchange() of temp and name, renameat(), fs_rename_new() into the directory, unlinkat(),
 * and fs_flags_change(); each reaches what it locks before. */
MUST_USE int restore_exchange(struct restore_run *p);
MUST_USE int restore_rename(struct restore_run *p, const char *from, const char *to);
MUST_USE int restore_rename_new(struct restore_run *p, int fd, const char *from, const char *to);
MUST_USE int restore_unlink(struct restore_run *p, int dirfd, const char *name, int flags);
MUST_USE int restore_flags_change(struct restorer *r, int fd, unsigned clear, unsigned set,
                                  unsigned *had);

/* ---- restore_away.c ---- */

void restore_note(struct restore_task *t, const char *text);
/* Sets t->err, unless it says something already; returns rc. */
int restore_failed(struct restore_task *t, int rc, const char *what);

/* The directory and the name of a path. */
void restore_split(struct span path, struct span *ret_dir, struct span *ret_name);
/* For its content and flags; a descriptor, or a negative errno. */
int restore_open_for_flags(struct restorer *r, int dirfd, const char *name);
/* An immutable file can be neither renamed nor removed. */
void restore_lift_name(struct restorer *r, int dirfd, const char *name);

/* Put away what is at name, which is at path for people; 0: it is kept, or need not be.  *ret gets
 * what it was, if not NULL. */
MUST_USE int restore_take(struct restore_run *p, int dirfd, const char *name, struct span path,
                          const char *reason, struct record *ret);
/* The same with all below it, and gone. */
MUST_USE int restore_remove_tree(struct restore_run *p, int dirfd, const char *name,
                                 struct buf *path, unsigned depth);

#endif
