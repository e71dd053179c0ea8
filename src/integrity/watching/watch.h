/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - the kernel's notices about what is watched: marks, and events made into places.
 * Floor 3.
 *
 * One mark per filesystem sees everything on it; what is not watched is dropped by the handle of
 * its directory, which the table knows, or which was resolved once and remembered as outside.  A
 * directory outside that is noisy is ignored in the kernel.  Where a filesystem refuses the mark,
 * each watched directory gets one; where it refuses those too, the place is polled.
 *
 *   group 0   filesystem marks, and the ignored directories
 *   group 1   watched files with more than one name: whatever is ignored, they are seen
 *   others    one filesystem each, whose directories are marked one by one: the kernel does not let
 *             such marks share a group, and events of these filesystems may carry no usable id
 *
 * No descriptor of a watched filesystem stays open between two batches, so that it can be
 * unmounted.
 *
 * SECURITY: names in events are hostile bytes. */
#ifndef INTEGRITY_WATCH_H
#define INTEGRITY_WATCH_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/trusted/table.h"
#include "integrity/watching/handle_form.h"
#include "integrity/watching/watchset.h"

#include <sys/types.h>

struct hands;
struct watch;
struct who;
struct who_cache;

enum watch_scope {
        WATCH_FILESYSTEM,
        WATCH_DIRECTORY, /* a mark per directory */
        WATCH_POLLING,   /* no marks at all */
};
enum { WATCH_SCOPES = WATCH_POLLING + 1 };

enum {
        WATCH_FS_MAX = 1024,
        WATCH_GROUPS_MAX = 64, /* the kernel gives a user 128 */
        WATCH_LINKS_MAX = 65536,
};

struct watch_fs {
        uint64_t id; /* as in the handles of the table (fs_where()) */
        enum watch_scope scope;
        bool polled;      /* marked, but not all changes make an event: polled as well */
        const char *why;  /* not WATCH_FILESYSTEM, or polled: in words; else NULL */
        uint32_t magic;   /* its type, as statfs(2) has it */
        struct span path; /* where it was met; owned */
        uint64_t fsid;    /* as in its events */
        unsigned group;   /* of its marks */
        unsigned links;   /* of its files with other names, where it needs one for itself; or 0 */
        bool subvolume;   /* marked at the top of a btrfs; its own marks are of a lesser sort, which
                           * the kernel keeps apart */
        int fd;           /* a directory on it, for opening handles; -1: not open now */
        bool met;         /* in this round */
        struct handle_form form;
        bool lost; /* watch_each_lost() has told, and it was not met since */
};

/* What events become.  who is borrowed.  Errors end watch_read() and are returned by it. */
struct watch_ops {
        /* Look at name in the directory; an empty name is the directory itself.  child, where the
         * kernel told it, is what has been created or removed; NULL: not told. */
        int (*touched)(void *ctx, const struct table_handle *dir, struct span name, uint64_t mask,
                       const struct table_handle *child, struct who *who);
        /* A directory that is outside is NULL; at most one is. */
        int (*renamed)(void *ctx, const struct table_handle *from_dir, struct span from,
                       const struct table_handle *to_dir, struct span to, struct who *who);
        /* Is nothing told of this name that was not looked at yet, so that the table's file is the
         * one that it was of until now? */
        bool (*settled)(void *ctx, const struct table_handle *dir, struct span name);
        /* Is every file that is watched in the table, but for what is yet to be looked at? */
        bool (*complete)(void *ctx);
        /* The kernel's queue ran over: anything may have happened since the last read. */
        int (*overflow)(void *ctx);
};

struct watch_counts {
        uint64_t events, outside, own, overflows, resolved;
        uint64_t ignored; /* directories now ignored in the kernel */
        uint64_t links;   /* files marked for their other names */
};

MUST_USE int watch_new(struct table *t, const struct watchset *set, struct who_cache *who,
                       const struct watch_ops *ops, void *ctx, struct watch **ret, struct err *err);
struct watch *watch_free(struct watch *w);
DEFINE_CLEANUP(struct watch, watch_free)

/* Another rule set from here on; what was outside may be inside. */
void watch_set_rules(struct watch *w, const struct watchset *set);
/* What this process does is Assay's own, like what the caller does; 0: none. */
void watch_set_own(struct watch *w, pid_t pid);
/* And what these do: borrowed for the watch's life. */
void watch_set_hands(struct watch *w, const struct hands *looking, const struct hands *restoring);

/* Readable when events wait. */
int watch_fd(const struct watch *w);

/* ---- filesystems and directories ---- */

/* A walk over everything watched meets every filesystem again: marks that an unmount took away are
 * placed anew, and at its end what is no longer there is forgotten. */
void watch_round_begin(struct watch *w);
void watch_round_end(struct watch *w);
/* Each filesystem that was unmounted everywhere since the last round, although something that looks
 * like it may be mounted there again: nothing was seen on it since, and nothing will be before the
 * next round.  anew: what is there now is none of those that are seen, so it may be that.  Once
 * each, when fn has taken it (true). */
void watch_each_lost(struct watch *w, bool (*fn)(void *ctx, const struct watch_fs *fs, bool anew),
                     void *ctx);

/* See to it that the filesystem of this open directory is watched; path is for reports, and leads
 * to it.  1: it is, now or before; 0: a filesystem of the kernel's own inventions (proc, sysfs,
 * ...), which holds no files worth watching. */
MUST_USE int watch_filesystem(struct watch *w, int dirfd, struct span path, struct err *err);
/* Called for each watched directory, also again: marks it where its filesystem is watched by
 * directory, and ends its being ignored. */
MUST_USE int watch_directory(struct watch *w, const struct table_handle *dir, int dirfd);
/* Is watch_directory() of use for a directory with this handle? */
bool watch_wants(const struct watch *w, const struct table_handle *dir);
/* Has the filesystem that this handle is of been met in this round? */
bool watch_is_met(const struct watch *w, const struct table_handle *h);
/* A watched file has several names: it is marked itself, for those that are not watched.  What was
 * read of it before this has to be read again.  -ENOSPC: more of them than are marked. */
MUST_USE int watch_linked(struct watch *w, const struct table_handle *file, int dirfd,
                          const char *name);
/* An overlay is mounted at point, and what is below one of its layers shows there. */
MUST_USE int watch_layer(struct watch *w, struct span point, struct span layer, struct err *err);
void watch_forget_layers(struct watch *w);

/* Never hear of what happens directly in this directory. */
MUST_USE int watch_ignore(struct watch *w, const char *path, struct err *err);

/* ---- events ---- */

/* Read and pass on what waits, at most `buffers` reads of each group.  1: there may be more; 0: the
 * queues are empty; or a negative errno. */
MUST_USE int watch_read(struct watch *w, unsigned buffers);
/* The caller will be away, kept by a disk: have a thread read what comes meanwhile (true), until
 * the caller is back (false).  Between the two, nothing else of this header may be called. */
void watch_relieve(struct watch *w, bool read);
/* Did it read something?  Then watch_read() has work although watch_fd() says nothing. */
bool watch_waits(const struct watch *w);
/* Close what was opened on the way: between two batches nothing keeps a filesystem busy. */
void watch_rest(struct watch *w);

/* A directory by its handle, opened for reading.  -ESTALE: it is gone.  -EOPNOTSUPP: on this
 * filesystem only its path leads to it. */
MUST_USE int watch_open(struct watch *w, const struct table_handle *h);

/* ---- what is said of it ---- */

/* NULL after the last. */
const struct watch_fs *watch_fs_at(const struct watch *w, size_t i);
/* "filesystem", "directory", "polling", "directory and polling". */
const char *watch_how(const struct watch_fs *fs);
bool watch_polls(const struct watch *w);
/* Changes whenever the list of filesystems, or how one is watched, does. */
unsigned watch_version(const struct watch *w);
struct watch_counts watch_counts(const struct watch *w);

#endif
