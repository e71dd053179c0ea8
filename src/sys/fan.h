/* SPDX-License-Identifier: Apache-2.0 */
/* fan.h - fanotify: the kernel's change notices, by file handle and name.  Floor 1.
 *
 * A thin layer: open a group with the best reporting this kernel has and say which that is; place
 * and remove marks; take event buffers apart.  Masks are the kernel's FAN_* of <sys/fanotify.h>. */
#ifndef SYS_FAN_H
#define SYS_FAN_H

#include "base/base.h"
#include "base/err.h"
#include "sys/dirwalk.h"

#include <sys/fanotify.h> /* not this file's name: -Isrc would hide the system's */

/* Newer than some C libraries; a kernel without them is seen when the group opens. */
#ifndef FAN_RENAME
#define FAN_RENAME 0x10000000
#endif
#ifndef FAN_FS_ERROR
#define FAN_FS_ERROR 0x00008000
#endif

/* ---- group ---- */

enum fan_feature {
        FAN_HAS_TARGET = 1u << 0,          /* create, delete, move tell the child's handle (5.17) */
        FAN_HAS_PIDFD = 1u << 1,           /* a pidfd with each event (5.15) */
        FAN_HAS_UNLIMITED_QUEUE = 1u << 2, /* asked for and granted */
        FAN_HAS_RENAME = 1u << 3,          /* FAN_RENAME: old and new name in one event (5.17) */
        FAN_HAS_IGNORE = 1u << 4,          /* FAN_MARK_IGNORE, ignore by child events too (6.0) */
};

struct fan_group {
        int fd;            /* non-blocking, close-on-exec; fan_close() */
        unsigned features; /* enum fan_feature */
};

/* want: of FAN_HAS_UNLIMITED_QUEUE and FAN_HAS_PIDFD, what is wanted; the rest is taken where it
 * exists.  Names and directory handles are always reported, else this fails.  Needs CAP_SYS_ADMIN
 * for filesystem marks. -EINVAL: this kernel has no events by name (before 5.9). */
MUST_USE int fan_open(unsigned want, struct fan_group *ret, struct err *err);
void fan_close(struct fan_group *g);

/* ---- marks ---- */

enum fan_scope { FAN_SCOPE_INODE, FAN_SCOPE_MOUNT, FAN_SCOPE_FILESYSTEM };

/* path is below dirfd (path NULL: dirfd itself, which must not be O_PATH); links not followed.
 * Where the group lacks FAN_RENAME, it is asked as FAN_MOVED_FROM | FAN_MOVED_TO.
 * -EOPNOTSUPP, -ENODEV, -EXDEV: this filesystem refuses this scope; fall back per directory. */
MUST_USE int fan_mark(const struct fan_group *g, enum fan_scope scope, uint64_t mask, int dirfd,
                      const char *path, struct err *err);
MUST_USE int fan_unmark(const struct fan_group *g, enum fan_scope scope, uint64_t mask, int dirfd,
                        const char *path, struct err *err);
/* Is there a mark of this scope on what dirfd is of?  It goes with the filesystem, when that is no
 * longer mounted anywhere, and says nothing.  unused: an event that no mark of the group is for.
 * 1 or 0; another negative errno: it cannot be told. */
MUST_USE int fan_is_marked(const struct fan_group *g, enum fan_scope scope, uint64_t unused,
                           int dirfd);

/* Drop events of mask on a directory's direct children and itself, in the kernel, as long as the
 * group lives or until fan_unignore(); mask should have FAN_EVENT_ON_CHILD and FAN_ONDIR.  The mark
 * goes by itself when the kernel forgets the directory's inode.  Without FAN_HAS_IGNORE only the
 * directory itself could be ignored: -EOPNOTSUPP is returned and nothing set. */
MUST_USE int fan_ignore(const struct fan_group *g, uint64_t mask, int dirfd, const char *path,
                        struct err *err);
/* -ENOENT: it was not ignored. */
MUST_USE int fan_unignore(const struct fan_group *g, uint64_t mask, int dirfd, const char *path,
                          struct err *err);

/* ---- events ---- */

/* A directory and a name in it; the name is empty for an event on the directory itself ("."). */
struct fan_name {
        bool present;
        uint64_t fsid; /* as fs_where() */
        struct fs_handle dir;
        struct span name; /* borrowed from the buffer, no terminator counted */
};

enum fan_pidfd_state {
        FAN_PIDFD_ABSENT, /* the group does not report them */
        FAN_PIDFD_OPEN,   /* pidfd is yours to close */
        FAN_PIDFD_GONE,   /* the process had exited */
        FAN_PIDFD_ERROR,  /* no descriptor could be made */
};

struct fan_event {
        uint64_t mask; /* FAN_Q_OVERFLOW comes alone */
        int32_t pid;   /* 0: none or outside our pid namespace */
        enum fan_pidfd_state pidfd_state;
        int pidfd;           /* -1 unless FAN_PIDFD_OPEN */
        struct fan_name at;  /* where it happened; FAN_RENAME has old and new instead */
        struct fan_name old; /* FAN_RENAME */
        struct fan_name new;
        bool has_child; /* the object itself */
        uint64_t child_fsid;
        struct fs_handle child;
        int32_t fs_error; /* FAN_FS_ERROR: errno of the first, and how many */
        uint32_t fs_error_count;
};

enum {
        FAN_BUFFER = 64 * 1024, /* a good size to read(2) with */
        FAN_EVENT_MAX = 1024,   /* none is longer: two names of 255 bytes, three handles of 128 */
};

/* Take the first event off *events (what read(2) of the group gave).  1 and an event, 0 at the end,
 * -EBADMSG when the bytes are no event; *events is then of no use.  Pure. */
MUST_USE int fan_next(struct span *events, struct fan_event *ret, struct err *err);

#endif
