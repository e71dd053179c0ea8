/* SPDX-License-Identifier: Apache-2.0 */
/* who.h - the author of a change: what /proc said at the moment of the event.  Floor 3.
 *
 * Shared by all changes of one process, counted.  Not known is said, with the reason. */
#ifndef INTEGRITY_WHO_H
#define INTEGRITY_WHO_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

enum {
        WHO_CMDLINE_MAX = 4096,
        WHO_CACHE = 1024, /* processes remembered */
};

enum who_has {
        WHO_HAS_PPID = 1u << 0,
        WHO_HAS_UID = 1u << 1, /* and euid */
        WHO_HAS_AUID = 1u << 2,
        WHO_HAS_SESSION = 1u << 3,
};

struct who {
        unsigned refs;
        unsigned has; /* enum who_has */
        pid_t pid;    /* 0: the kernel gave none */
        pid_t ppid;
        uint32_t uid, euid, auid, session;
        uint64_t start; /* of the process, in the kernel's ticks; 0: not known */
        struct buf comm, exe, cmdline, tty, unit, container, user; /* empty: not known */
        char unknown[96]; /* why a part of it is not known; "" when all is */
};

/* A new one with one reference.  NULL: out of memory. */
MUST_USE struct who *who_new(pid_t pid);
struct who *who_ref(struct who *w);
struct who *who_unref(struct who *w); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct who, who_unref)

/* ---- the cache ---- */

struct who_cache;

MUST_USE int who_cache_new(struct who_cache **ret, struct err *err);
struct who_cache *who_cache_free(struct who_cache *c);
DEFINE_CLEANUP(struct who_cache, who_cache_free)

/* The process behind an event, asked now.  pidfd is borrowed, -1 when there is none; gone: the
 * kernel said that it had ended before the event was read.  Never fails: what is not known is said
 * in the result; NULL only without memory.  Borrowed; take a reference to keep it. */
struct who *who_of(struct who_cache *c, pid_t pid, int pidfd, bool gone);

/* A batch of events is over: what was seen of a process may be old from here on. */
void who_batch_end(struct who_cache *c);

/* User names by uid, from lines "uid name\n" that a job read for us.  Replaces what was known. */
MUST_USE int who_set_users(struct who_cache *c, struct span facts, struct err *err);

#endif
