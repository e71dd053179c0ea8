/* SPDX-License-Identifier: Apache-2.0 */
/* watch_priv.h - the parts of the watch to each other.  Floor 3.
 *
 *   watch.c          life, reading, events made into places
 *   watch_fs.c       filesystems: those that were met, opening by handle
 *   watch_mark.c     how each is marked, and what is done where it refuses
 *   watch_outside.c  directories of no interest, and what an unknown one is
 *   watch_relief.c   a second reader, for while the owner is kept by a disk */
#ifndef INTEGRITY_WATCH_PRIV_H
#define INTEGRITY_WATCH_PRIV_H

#include "integrity/watching/watch.h"
#include "sys/fan.h"

enum {
        OUTSIDE_SLOTS = 16384, /* a power of two */
        ALIAS_SLOTS = 1024,    /* likewise */
        SLOT_HANDLE = 24,      /* longer handles are resolved each time */
        GROUP_MAIN = 0,
        GROUP_LINKS = 1,
        GROUP_FIRST = 2, /* of those that watch one filesystem each */
};

/* A directory that is not watched.  Direct mapped: a newer one takes the place. */
struct outside {
        uint64_t fsid;
        int32_t type;
        uint16_t hits;
        uint8_t n; /* 0: free */
        uint8_t b[SLOT_HANDLE];
};

/* A directory of an overlay's layer, and the directory of the overlay that shows it. */
struct alias {
        struct table_handle layer, merged; /* layer.n = 0: free */
};

struct layer {
        struct layer *next;
        struct span path, point; /* owned, in one allocation */
        uint8_t bytes[];
};

struct relief;

struct watch {
        struct fan_group group[WATCH_GROUPS_MAX]; /* fd -1: free */
        size_t n_groups;                          /* all from here on are free */
        uint64_t quiet_ns[WATCH_GROUPS_MAX];      /* see who_read() */
        int epfd;
        struct table *table;
        const struct watchset *set;
        struct who_cache *who;
        const struct watch_ops *ops;
        void *ctx;
        pid_t self, own;
        const struct hands *looking, *restoring; /* what they do is Assay's own too */
        struct watch_fs *fs;
        size_t n_fs, max_fs;
        unsigned version;
        struct layer *layers;
        struct relief *relief;
        struct watch_counts counts;
        struct buf path; /* scratch */
        struct outside outside[OUTSIDE_SLOTS];
        struct alias alias[ALIAS_SLOTS];
        _Alignas(8) uint8_t buf[FAN_BUFFER];
};

/* ---- watch_fs.c ---- */

#define WATCH_EVENTS                                                                               \
        (FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB |        \
         FAN_ONDIR)

/* One that is in no mark: see fan_is_marked(). */
#define WATCH_UNUSED FAN_ACCESS

#define WATCH_IGNORED                                                                              \
        (FAN_MODIFY | FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE | FAN_ATTRIB |                     \
         FAN_EVENT_ON_CHILD | FAN_ONDIR)

struct watch_fs *watch_fs_by_id(struct watch *w, uint64_t id);
/* A directory on the filesystem, borrowed until watch_rest(); -ESTALE: its path leads elsewhere. */
MUST_USE int watch_fs_fd(struct watch *w, struct watch_fs *fs);
void watch_fs_done(struct watch *w);

/* ---- watch_mark.c ---- */

MUST_USE int watch_group_open(struct watch *w, unsigned at, struct err *err);
void watch_group_close(struct watch *w, unsigned at);
/* Whose handle is it?  An event of the main group names the filesystem the mark is on. */
void watch_handle(struct watch *w, unsigned group, uint64_t fsid, const struct fs_handle *from,
                  struct table_handle *ret);
/* Are its marks on files, for their other names? */
bool watch_is_links(const struct watch *w, unsigned group);
/* Mark the filesystem the best way it takes; fs gets how, and why no better.  It is not in the list
 * yet. */
MUST_USE int watch_choose_scope(struct watch *w, struct watch_fs *fs, int dirfd, struct err *err);
MUST_USE int watch_mark_filesystem(struct watch *w, struct watch_fs *fs, int dirfd,
                                   struct err *err);
/* fd, a directory of it, is not in its mark: that went with an unmount. */
bool watch_is_unmarked(struct watch *w, const struct watch_fs *fs, int fd);

/* ---- watch_relief.c ---- */

MUST_USE int relief_new(struct watch *w, struct err *err);
void relief_free(struct watch *w);
/* The first bytes it has taken, and from which group: 1, or 0 for none.  Then drop them. */
MUST_USE int relief_next(struct watch *w, unsigned *ret_group, struct span *ret);
void relief_drop(struct watch *w);

/* ---- watch_outside.c ---- */

bool outside_known(struct watch *w, const struct table_handle *h);
/* One more event from a directory outside. */
MUST_USE int outside_count(struct watch *w, const struct table_handle *h);
void outside_forget(struct watch *w);
/* An unknown directory turned up.  1: it is, or is in, something watched that the table has not met
 * yet, and what is between is looked at; *h becomes the merged directory's where it is one of an
 * overlay's layers.  0: outside.  Or a negative errno. */
MUST_USE int outside_resolve(struct watch *w, struct table_handle *h, struct who *who);
void outside_done(struct watch *w);

#endif
