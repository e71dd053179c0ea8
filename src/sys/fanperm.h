/* SPDX-License-Identifier: Apache-2.0 */
/* fanperm.h - being asked by the kernel before a file is executed (fanotify(7),
 * FAN_OPEN_EXEC_PERM). Floor 1.
 *
 * Whoever executes a marked file waits in the kernel until it is answered, or the group is closed:
 * a process that holds one and does not read hangs them.  Its end closes it, if nobody else has the
 * descriptor. */
#ifndef SYS_FANPERM_H
#define SYS_FANPERM_H

#include "base/base.h"
#include "base/err.h"

#include <sys/types.h>

enum { FANPERM_BATCH = 64 };

struct fanperm_event {
        int fd; /* the file, open for reading; the caller's to close after the answer */
        pid_t pid;
};

/* Needs CAP_SYS_ADMIN; what follows does not.  -EINVAL: this kernel has no such events. */
MUST_USE int fanperm_open(int *ret_fd, struct err *err);
/* Of an open file or, with its direct children, directory. */
MUST_USE int fanperm_mark(int group, int fd, bool directory);
/* Of every file on the filesystem of this one, now and later, under whatever mount.  Needs
 * CAP_SYS_ADMIN. */
MUST_USE int fanperm_mark_filesystem(int group, int fd);
/* Do not ask about this file until it is written to. */
MUST_USE int fanperm_ignore(int group, int fd);
/* What waits, at most FANPERM_BATCH: how many; 0: nothing does.  A negative errno when the queue
 * cannot be read: what was asked is refused by the kernel then, so close the group. */
MUST_USE int fanperm_read(int group, struct fanperm_event ret[FANPERM_BATCH]);
MUST_USE int fanperm_answer(int group, int fd, bool allow);

#endif
