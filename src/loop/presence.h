/* SPDX-License-Identifier: Apache-2.0 */
/* presence.h - a process says that it lives and in what state, for whoever looks.  Floor 2.
 *
 * <run>/<role>.status, mode 0644, locked for writing (F_OFD_SETLK) for as long as the process
 * lives, so that a file left behind is no sign of life.  Readers' locks say nothing; one that
 * stands in the way has the file replaced, where the process may.  Its first line is one canonical
 * JSON object:
 *
 *   {"more":{...},"pid":1,"proc":"recorder","sandbox":[["landlock","applied","version 7"],...],
 *    "since":"<time>","uid":990}
 *
 * more is the role's own; the recorder's and the sensor's are:
 *   recorder  appended, peers, published, refused, size     as in host.heartbeat
 *   sensor    files, marks, fallbacks, paths, profile, root, who     as in integrity.sensor;
 * pending
 *
 * SECURITY: the reader trusts nothing in the file; whoever may write in the run directory wrote it.
 */
#ifndef LOOP_PRESENCE_H
#define LOOP_PRESENCE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "sys/sandbox.h"

enum { PRESENCE_MAX = 64 * 1024 };

struct presence {
        int fd; /* -1: closed */
        const char *proc;
        int64_t since_ns;
};
#define PRESENCE_NONE ((struct presence){ .fd = -1 })

/* Before the role's rights are dropped.  proc is borrowed.  -EWOULDBLOCK: another one lives. */
MUST_USE int presence_open(int run_fd, const char *proc, int64_t now_ns, struct presence *ret,
                           struct err *err);
void presence_done(struct presence *p);

/* Say it anew; needs only the descriptor.  more: a canonical JSON object, or SPAN_NONE. */
MUST_USE int presence_say(struct presence *p, const struct sandbox_state *st, struct span more,
                          struct err *err);

/* Append the object and tell whether its writer lives.  -ENOENT: it never ran here, or
 * has not said anything yet. */
MUST_USE int presence_read(int run_fd, const char *proc, struct buf *ret, bool *ret_lives,
                           struct err *err);

#endif
