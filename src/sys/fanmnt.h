/* SPDX-License-Identifier: Apache-2.0 */
/* fanmnt.h - who mounts and unmounts: the notices of fanotify about a mount namespace (Linux 6.14).
 * Floor 1.
 *
 * A notice names a mount by a number that the list of mounts does not have, and the process: who
 * wants to know what became of it reads the list. */
#ifndef SYS_FANMNT_H
#define SYS_FANMNT_H

#include "base/base.h"
#include "base/err.h"

#include <sys/types.h>

/* A new descriptor, non-blocking and close-on-exec, for this process' own namespace; readable when
 * there is a notice.  Needs CAP_SYS_ADMIN.  -EINVAL: this kernel has no such notices. */
MUST_USE int fanmnt_open(struct err *err);

struct fanmnt_event {
        pid_t pid; /* 0: of another process namespace */
        int pidfd; /* -1: it has ended, or there is none; else closed after the call */
        bool gone; /* it had ended */
        bool lost; /* notices were lost here; there is no process */
};

/* One buffer of them: 1 when there may be more, 0 when none is left, or a negative errno. -EBADMSG:
 * what was read is no notice.  A call that fails ends it and is returned, once all are closed. */
typedef int fanmnt_fn(void *ctx, const struct fanmnt_event *e);
MUST_USE int fanmnt_read(int fd, fanmnt_fn *fn, void *ctx);

#endif
