/* SPDX-License-Identifier: Apache-2.0 */
/* hands.h - calls of the kernel that may never come back, made by processes that can be given up.
 * Floor 1.
 *
 * A rename, a removal and every change of an attribute wait for the lock of the file, and whoever
 * writes to it, or reads it in some ways, has that for as long as his bytes take to come.  A
 * directory has such a lock, which every name that is made in it takes, and one that is looked for
 * there; who reads the directory has it in the same way.  Nothing wakes who waits: neither a signal
 * nor the end of his process.  So another process waits: a hand.
 *
 *   hands_new --fork--> parent of hands --fork, when one is wanted--> hand
 *   hand_call: a hand is asked, and answers in time --------------> it waits for the next call
 *                               does not ------> STUCK, -ETIMEDOUT; the call may still be done
 *   hands_reap: a stuck one has answered -------------------------> it waits for the next call
 *
 * All hands end with their owner, but for the stuck: they end when the kernel lets them.  They have
 * nothing open but what they were asked about.  The parent of hands is forked while its owner is
 * small, and hands of it; they run no other program.
 *
 * hand_call() and hands_reap() may be in different threads. */
#ifndef SYS_HANDS_H
#define SYS_HANDS_H

#include "base/base.h"
#include "base/err.h"

#include <limits.h>
#include <sys/types.h>

enum {
        HANDS_STUCK_MAX = 64,    /* at once; beyond that nothing that may wait is begun */
        HANDS_STUCK_OF_ONE = 16, /* of them for one group, but for group 0 */
        HANDS_STUCK_APART = 64,  /* beside them, for group HANDS_APART */
        HANDS_WAIT_MS = 1000,    /* then it is given up */
        HAND_VALUE_MAX = 65536,
};

/* wait_ms of a loop that has other things to do: 300 ms at first, but in the long run no more than
 * a twentieth of its time. */
#define HANDS_LITTLE UINT_MAX

/* A group whose calls are begun however many of others' are stuck. */
#define HANDS_APART UINT_MAX

enum hand_act {
        HAND_TOUCH,      /* waits for the lock of fd, O_PATH included, and changes nothing */
        HAND_EXCHANGE,   /* name and to change places, both in fd */
        HAND_RENAME_NEW, /* name in fd becomes to in fd2; -EEXIST */
        HAND_RENAME,     /* the same, over what is there */
        HAND_UNLINK,     /* name in fd; a: flags of unlinkat(2) */
        HAND_MKDIR,      /* name in fd; a: its mode */
        HAND_NODE,      /* the same of a pipe or device: as fs_make_node(), b major << 32 | minor */
        HAND_SYMLINK,   /* the same of a link to value */
        HAND_LINK,      /* the open file fd2 has the name in fd */
        HAND_OPEN,      /* name in fd; a: flags of openat(2), b the mode; got: fd */
        HAND_OPEN_PATH, /* a path, value, from fd on, without a link in it; a: flags; got: fd */
        HAND_LIST,      /* fd, a directory: its next entries, as getdents64(2); got: bytes */
        HAND_REWIND,    /* fd, a directory: from its first entry on again */
        HAND_SEEK,      /* fd: as lseek(2), a from b; got: at */
        HAND_READ,      /* fd: from a on; got: bytes */
        HAND_SYNC,      /* fd */
        HAND_CHOWN,     /* fd: a is the user, b the group */
        HAND_CHMOD,     /* fd: a is the mode */
        HAND_MTIME,     /* fd: a in nanoseconds */
        HAND_XATTR_SET, /* fd: name, value */
        HAND_XATTR_REMOVE, /* fd: name */
        HAND_FLAGS,        /* fd: a are cleared, b set (enum fs_attr); got: had */
        HAND_IMMUTABLE,    /* fd: as inodeflag_set_immutable(), to a */
        HAND_ACTS,
};

struct hand_ask {
        enum hand_act act;
        int fd, fd2; /* fd2: where it is not said, fd as well */
        const char *name, *to;
        struct span value;
        int64_t a, b;
        uint64_t key;     /* what it is about, for hands_is_stuck() */
        unsigned group;   /* whose doing it is for */
        unsigned wait_ms; /* then it is given up; 0: HANDS_WAIT_MS */
};

/* What comes of a call besides what it returns.  bytes and room are the caller's. */
struct hand_got {
        unsigned had; /* the flags before */
        int fd;       /* the caller's now */
        int64_t at;
        uint8_t *bytes; /* at most HAND_VALUE_MAX of them */
        size_t room, n;
};

struct hands;

MUST_USE int hands_new(struct hands **ret, struct err *err);
/* Waits for none. */
struct hands *hands_free(struct hands *h);
DEFINE_CLEANUP(struct hands, hands_free)

/* What the call returned, 0 or a negative errno; got may be NULL where it says nothing of that.
 * NULL for h: the call is made here, and waits.
 * -ETIMEDOUT: it has not come back.  -EUSERS: as many are stuck as may be; nothing was begun. */
MUST_USE int hand_call(struct hands *h, const struct hand_ask *a, struct hand_got *got);

/* Does a result say that it was not done, or not yet? */
static inline bool hand_gave_up(int64_t rc)
{
        return rc == -ETIMEDOUT || rc == -EUSERS;
}

/* As openat(2) of a name that the kernel has at hand; -EAGAIN: it would have to look. */
MUST_USE int hand_open_known(int dirfd, const char *name, int flags);
/* As openat(2) of a name, and of a path without a link in it: a descriptor or a negative errno.
 * What the kernel has at hand is opened here, and by a hand what it would have to look for in a
 * directory, which somebody may keep locked; not while a hand is stuck over the same key, if that
 * is not 0.  how: key, group, wait_ms. */
MUST_USE int hand_open(struct hands *h, const struct hand_ask *how, int dirfd, const char *name,
                       int flags);
MUST_USE int hand_open_path(struct hands *h, const struct hand_ask *how, int dirfd,
                            const char *path, int flags);
/* As pread(2), lseek(2) and getdents64(2), or a negative errno; here where that waits for nobody.
 */
ssize_t hand_read(struct hands *h, const struct hand_ask *how, int fd, void *to, size_t n,
                  off_t at);
off_t hand_seek(struct hands *h, const struct hand_ask *how, int fd, off_t at, int whence);
ssize_t hand_list(struct hands *h, const struct hand_ask *how, int fd, void *to, size_t n);

/* Those that have come back since: how many. */
unsigned hands_reap(struct hands *h);
unsigned hands_stuck(struct hands *h);
/* Is one stuck over this? */
bool hands_is_stuck(struct hands *h, uint64_t key);
/* Is this one of them?  From any thread, without waiting. */
bool hands_has(const struct hands *h, pid_t pid);

#endif
