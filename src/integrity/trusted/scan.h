/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - walk everything watched and compare it with the table.  Floor 3.
 *
 * Workers list, stat, read and hash; the owner's thread compares and keeps the table.  A deep scan
 * reads all content; a quick one reads only what stat() shows to have changed, its ctime included.
 *
 *   begin -> jobs (list a directory, or observe some of its names) -> ... -> finished -> missing...
 *
 * While a scan runs its owner removes and moves no node of the table.  Memory: one job per worker
 * and a little, the names of directories too large for one job, eight bytes per directory to come.
 *
 * Symbolic links are not followed.  Filesystems mounted below a watched path are entered when
 * scan_ops.mount agrees.  A directory that cannot be read keeps what the table knows below it. */
#ifndef INTEGRITY_SCAN_H
#define INTEGRITY_SCAN_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/trusted/record.h"
#include "integrity/trusted/table.h"
#include "integrity/watching/watchset.h"

struct content;
struct observe_calls;
struct pace;
struct pool;
struct scan;

enum scan_flags {
        SCAN_DEEP = 1u << 0, /* read content even where stat() shows no change */
        SCAN_KEEP = 1u << 1, /* keep content that is read, where its profile asks for it */
};

/* All are called in the owner's thread; a negative errno ends the scan with it. */
struct scan_ops {
        /* Differs from the table, or n has no record yet.  encoded is `is` in bytes; the callee
         * puts it into the table or not. */
        int (*differs)(void *ctx, struct table_node *n, const struct record *is,
                       struct span encoded);
        /* A directory on another filesystem than the one it is in, or where a walk begins.  Return
         * 1 to enter, 0 to leave it alone. */
        int (*mount)(void *ctx, struct table_node *n, const struct record *is);
        /* Could not be read or listed: what is known at and below n stays as it was. */
        int (*unreadable)(void *ctx, struct table_node *n, int error);
        /* A directory on the filesystem the walk said yes to has been listed. May be NULL. */
        int (*listed)(void *ctx, struct table_node *n);
        /* Nothing is queued or running any more; rc is how it went. */
        void (*finished)(void *ctx, int rc);
};

struct scan_counts {
        uint64_t files, directories, unreadable;
        uint64_t bytes; /* read, of files still being read too */
};

MUST_USE int scan_new(const struct watchset *w, struct table *t, struct pool *pool,
                      const struct scan_ops *ops, void *ctx, struct scan **ret, struct err *err);
/* The pool must hold none of its jobs: finished, or pool_drain()ed. */
struct scan *scan_free(struct scan *s);
DEFINE_CLEANUP(struct scan, scan_free)

/* Give the table its nodes for watched paths and the directories above them, with their marks.
 * scan_begin() does so too. */
MUST_USE int scan_mark(const struct watchset *w, struct table *t);

/* Where content is kept, and how fast files are looked at and read; both borrowed, NULL as at
 * first: nowhere, as fast as it goes.  Not while it runs. */
void scan_set_content(struct scan *s, struct content *c);
void scan_set_pace(struct scan *s, struct pace *p);

/* How files are opened, read and searched for holes (observe.h); borrowed, not while it runs. */
void scan_set_calls(struct scan *s, const struct observe_calls *calls);

/* Walk only where these rules, by which everything was walked before, and its own are not the same;
 * NULL, as at first: everywhere.  Borrowed until the scan has ended. */
void scan_set_before(struct scan *s, const struct watchset *before);

/* End it with -ECANCELED, and every one that comes after: its jobs end soon. */
void scan_end(struct scan *s);

/* Start over everything watched.  finished() may be called before this returns. */
void scan_begin(struct scan *s, unsigned flags);
bool scan_running(const struct scan *s);

/* While held, no new job starts. */
void scan_hold(struct scan *s, bool held);

/* After finished(0): what the table has and the disk has not, deepest first; NULL after the last.
 * The owner drops the record (or does not) before it asks for the next. */
struct table_node *scan_next_missing(struct scan *s);

struct scan_counts scan_counts(const struct scan *s);

#endif
