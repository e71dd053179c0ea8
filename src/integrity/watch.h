/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - the kernel's notices about what is watched: marks, and events made into places.
 * Floor 3.
 *
 * One mark per filesystem sees everything on it; what is not watched is dropped by the handle of
 * its directory, which the table knows, or which was resolved once and remembered as outside. Where
 * a filesystem refuses the mark, each watched directory gets one; where it refuses those too, the
 * place is polled.
 *
 * SECURITY: names in events are hostile bytes. */
#ifndef INTEGRITY_WATCH_H
#define INTEGRITY_WATCH_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/table.h"
#include "integrity/watchset.h"

struct watch;
struct who;
struct who_cache;

enum watch_scope {
        WATCH_FILESYSTEM,
        WATCH_INODE,   /* a mark per directory */
        WATCH_POLLING, /* no marks at all */
};

enum { WATCH_FS_MAX = 64 };

struct watch_fs {
        uint64_t fsid;
        enum watch_scope scope;
        int fd;           /* a directory on it, for opening handles */
        struct span path; /* where it was met; owned */
};

/* What events become.  who is borrowed.  Errors end watch_read() and are returned by it. */
struct watch_ops {
        /* Look at name in the directory; an empty name is the directory itself. */
        int (*touched)(void *ctx, const struct table_handle *dir, struct span name, uint64_t mask,
                       struct who *who);
        /* At least one of the two places is watched. */
        int (*renamed)(void *ctx, const struct table_handle *from_dir, struct span from,
                       const struct table_handle *to_dir, struct span to, struct who *who);
        /* The kernel's queue ran over: anything may have happened since the last read. */
        int (*overflow)(void *ctx);
};

struct watch_counts {
        uint64_t events, outside, own, overflows, resolved;
};

MUST_USE int watch_new(struct table *t, const struct watchset *set, struct who_cache *who,
                       const struct watch_ops *ops, void *ctx, struct watch **ret, struct err *err);
struct watch *watch_free(struct watch *w);
DEFINE_CLEANUP(struct watch, watch_free)

int watch_fd(const struct watch *w);

/* See to it that the filesystem of this open directory is watched; path is for reports.
 * 1: it is, now or before; 0: a filesystem of the kernel's own inventions (proc, sysfs, ...), which
 * holds no files worth watching. */
MUST_USE int watch_filesystem(struct watch *w, int dirfd, struct span path, struct err *err);
/* Called for each watched directory: marks it where its filesystem is watched by directory. */
MUST_USE int watch_directory(struct watch *w, const struct table_handle *dir, int dirfd);
/* Never hear of what happens directly in this directory. */
MUST_USE int watch_ignore(struct watch *w, const char *path, struct err *err);

/* Read and pass on what waits, at most `buffers` reads.  1: there may be more; 0: the queue is
 * empty; or a negative errno. */
MUST_USE int watch_read(struct watch *w, unsigned buffers);

/* A directory by its handle, opened for reading.  -ESTALE: it is gone. */
MUST_USE int watch_open(struct watch *w, const struct table_handle *h);

const struct watch_fs *watch_filesystems(const struct watch *w, size_t *ret_n);
bool watch_polls(const struct watch *w);
struct watch_counts watch_counts(const struct watch *w);

#endif
