/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.h - another program with fixed arguments; no shell ever sees them.  Floor 1. */
#ifndef SYS_SPAWN_H
#define SYS_SPAWN_H

#include "base/base.h"
#include "base/err.h"

#include <sys/types.h>

enum { SPAWN_MORE_MAX = 32 };

struct spawn {
        const char *path;        /* absolute */
        const char *const *argv; /* ended by NULL */
        const char *const *envp; /* ended by NULL; NULL: PATH and LC_ALL=C only */
        int in, out, err;        /* borrowed; -1 is /dev/null */
        const int *more; /* borrowed: become descriptors 3, 4, ...  Nothing else is inherited */
        size_t n_more;   /* at most SPAWN_MORE_MAX */
        bool own_group;  /* it leads a process group: spawn_kill_group() takes what it started, too
                          */
};

/* Start it with default signals.  *ret_pidfd is readable once it has ended; the caller's to close,
 * after spawn_wait(). */
MUST_USE int spawn_start(const struct spawn *s, pid_t *ret_pid, int *ret_pidfd, struct err *err);

/* Take the status of one that has ended or soon will: 0 to 255, or 256 + signal. */
MUST_USE int spawn_wait(pid_t pid, int *ret_status);

/* The program that the kernel executes first to load this one, and most others; NULL: none. */
const char *spawn_loader(void);

/* Start, wait, kill when timeout_ms have passed (-ETIMEDOUT). */
MUST_USE int spawn_run(const struct spawn *s, int timeout_ms, int *ret_status, struct err *err);

/* Signal through the pidfd; a process that ended is no error. */
MUST_USE int spawn_signal(int pidfd, int signo);

/* Kill it, without taking its status. */
void spawn_kill(int pidfd);
/* Kill it and what has stayed in its group; spawn_wait() has not been called yet. */
void spawn_kill_group(pid_t pid);

#endif
