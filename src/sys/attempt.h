/* SPDX-License-Identifier: Apache-2.0 */
/* attempt.h - calls that wanted to change a file and were refused, as the kernel tells them, and
 * calls that changed inode flags.
 * Floor 1.
 *
 * Over the eBPF program bpf/attempt.bpf.c.  It is at the end of every system call of the machine
 * while it is open: what is not refused pays for a comparison or two, and for the way there.  Where
 * there is none, audit_event.h makes the same of audit records.
 *
 * SECURITY: paths are any bytes a process likes. */
#ifndef SYS_ATTEMPT_H
#define SYS_ATTEMPT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

struct bpf;

enum attempt_op {
        ATTEMPT_OPEN = 1, /* to write, or to make it */
        ATTEMPT_UNLINK,
        ATTEMPT_RENAME,
        ATTEMPT_LINK,
        ATTEMPT_MAKE, /* a directory, link, device */
        ATTEMPT_MODE,
        ATTEMPT_OWNER,
        ATTEMPT_TRUNCATE,
        ATTEMPT_XATTR,
        ATTEMPT_TIMES,
        ATTEMPT_FLAGS,
        ATTEMPT_WRITE,
        ATTEMPT_OPS,
};
const char *attempt_op_name(enum attempt_op op);

/* As the kernel knows a file; ino 0: it did not say. */
struct attempt_inode {
        uint64_t dev; /* major << 32 | minor, of the filesystem */
        uint64_t ino;
};

struct attempt {
        enum attempt_op op;
        pid_t pid;
        int error;       /* negative; 0: it was not refused, and op is ATTEMPT_FLAGS */
        bool exact;      /* the kernel's own path, of an open file; else the call's argument */
        bool incomplete; /* a part of it could not be read */
        struct attempt_inode file, dir; /* what it was at, and the directory of that */
};

enum { ATTEMPT_PATH_MAX = 8192 };

/* Load it and tell it which calls of this architecture to look at. */
MUST_USE int attempt_open(struct bpf **ret, struct err *err);

/* One record; its absolute path, without "." and ".." (links are not followed), is put into path,
 * which is cleared.  -EBADMSG: none of ours.  Pure. */
MUST_USE int attempt_decode(struct span record, struct attempt *ret, struct buf *path,
                            struct err *err);

/* What this absolute path is to the process, from its own root and with its own mounts, links
 * followed (the last one too, where follow): *ret_file, or where there is nothing *ret_dir; the
 * other is zero.  Only what the kernel has in memory is looked at, so that no server and no
 * filesystem of a process is waited for.  -EAGAIN: it has not.  -ESRCH: the process is gone.
 * -EXDEV: it is not in this mount namespace (0: any will do). */
MUST_USE int attempt_look(pid_t pid, uint32_t mount_ns, struct span path, bool follow,
                          struct attempt_inode *ret_file, struct attempt_inode *ret_dir);

/* Go on from an absolute path ("" is the root) as the kernel would walk it if nothing on the way
 * were a link. */
void attempt_put_path(struct span parts, struct buf *path);

#endif
