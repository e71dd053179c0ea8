/* SPDX-License-Identifier: Apache-2.0 */
/* hands.h - calls of the kernel that may never come back, made by processes that can be given up.
 * Floor 1.
 *
 * A rename, a removal and every change of an attribute wait for the lock of the file, and whoever
 * writes to it, or reads it in some ways, has that for as long as his bytes take to come.  Nothing
 * wakes who waits: neither a signal nor the end of his process.  So another process waits: a hand.
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

#include <sys/types.h>

enum {
        HANDS_STUCK_MAX = 64,    /* at once; beyond that nothing that may wait is begun */
        HANDS_STUCK_OF_ONE = 16, /* of them for one group, but for group 0 */
        HANDS_WAIT_MS = 1000,    /* then it is given up */
        HAND_VALUE_MAX = 65536,
};

enum hand_act {
        HAND_TOUCH,        /* waits for the lock of fd, O_PATH included, and changes nothing */
        HAND_EXCHANGE,     /* name and to change places, both in fd */
        HAND_RENAME_NEW,   /* name in fd becomes to in fd2; -EEXIST */
        HAND_RENAME,       /* the same, over what is there */
        HAND_UNLINK,       /* name in fd; a: flags of unlinkat(2) */
        HAND_CHOWN,        /* fd: a is the user, b the group */
        HAND_CHMOD,        /* fd: a is the mode */
        HAND_MTIME,        /* fd: a in nanoseconds */
        HAND_XATTR_SET,    /* fd: name, value */
        HAND_XATTR_REMOVE, /* fd: name */
        HAND_FLAGS,        /* fd: a are cleared, b set (enum fs_attr) */
        HAND_SYNC,         /* fd */
        HAND_ACTS,
};

struct hand_ask {
        enum hand_act act;
        int fd, fd2; /* fd2: where it is not said, fd as well */
        const char *name, *to;
        struct span value;
        int64_t a, b;
        uint64_t key;   /* what it is about, for hands_is_stuck() */
        unsigned group; /* whose doing it is for */
};

struct hands;

MUST_USE int hands_new(struct hands **ret, struct err *err);
/* Waits for none. */
struct hands *hands_free(struct hands *h);
DEFINE_CLEANUP(struct hands, hands_free)

/* What the call returned, 0 or a negative errno; *ret_had, if not NULL, the flags before.  NULL for
 * h: the call is made here, and waits.
 * -ETIMEDOUT: it has not come back.  -EUSERS: as many are stuck as may be; nothing was begun. */
MUST_USE int hand_call(struct hands *h, const struct hand_ask *a, unsigned *ret_had);

/* Those that have come back since: how many. */
unsigned hands_reap(struct hands *h);
unsigned hands_stuck(struct hands *h);
/* Is one stuck over this? */
bool hands_is_stuck(struct hands *h, uint64_t key);
/* Is this one of them?  From any thread, without waiting. */
bool hands_has(const struct hands *h, pid_t pid);

#endif
