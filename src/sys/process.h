/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - what the kernel tells of processes as they begin, change and end.  Floor 1.
 *
 * One shape for both tellers: the eBPF program (sys/bpf.h, records of bpf/process.h) and the
 * process connector (sys/procconn.h).  The connector knows numbers only; has says what is set.
 *
 * SECURITY: paths, arguments and names are any bytes a user likes. */
#ifndef SYS_PROCESS_H
#define SYS_PROCESS_H

#include "base/base.h"
#include "base/err.h"

enum process_what {
        PROCESS_FORKED,
        PROCESS_EXECUTED,
        PROCESS_IDS, /* its user or its session became another; of the connector only */
        PROCESS_ENDED,
};

enum process_has {
        PROCESS_HAS_START = 1u << 0, /* start_ns is the kernel's; else about the time of the fork */
        PROCESS_HAS_PARENT = 1u << 1, /* ppid */
        PROCESS_HAS_UID = 1u << 2,    /* uid, euid */
        PROCESS_HAS_GID = 1u << 3,
        PROCESS_HAS_AUID = 1u << 4, /* loginuid and audit session were read; PROCESS_UNSET: none */
        PROCESS_HAS_SID = 1u << 5,  /* session leader and terminal */
        PROCESS_HAS_COMM = 1u << 6,
        PROCESS_HAS_EXE = 1u << 7, /* executable and arguments */
        PROCESS_HAS_CGROUP = 1u << 8,
        PROCESS_EXE_CUT = 1u << 9, /* exe is the end of a path that was too long or too deep */
        PROCESS_EXE_NAMELESS =
                1u << 10, /* the file had no name when it was executed: memfd, deleted */
        PROCESS_ARGS_CUT = 1u << 11,
        PROCESS_IS_KERNEL = 1u << 12, /* a kernel thread */
        PROCESS_CGROUP_CUT = 1u << 13,
};

enum {
        PROCESS_COMM_MAX = 16,
        PROCESS_EXE_MAX = 4096,
        PROCESS_ARGS_MAX = 4096,
        PROCESS_CGROUP_MAX = 1024,
};

#define PROCESS_UNSET UINT32_MAX /* no login user, no audit session */

/* Spans point into the decoder's buffers, and hold until it is called again. */
struct process_event {
        enum process_what what;
        unsigned has;             /* enum process_has */
        uint64_t time_ns;         /* CLOCK_BOOTTIME */
        uint64_t start_ns;        /* of the process */
        uint64_t parent_start_ns; /* of ppid's process; 0: not told */
        int32_t pid;              /* of the process, never of one of its threads */
        int32_t ppid;             /* its parent, in the kernel's view */
        int32_t creator;          /* PROCESS_FORKED: whom it is a copy of, most often its parent */
        int32_t sid;              /* session leader */
        int32_t tty;              /* as in stat(5) of proc; 0: none */
        uint32_t uid, euid, gid, auid, session;
        uint32_t mount_ns; /* inode of its mount namespace; 0: not told */
        uint64_t cgroup;   /* id */
        struct span comm, exe, args, cgroup_path;
};

/* One record of the eBPF program's ring.  exe is put together in scratch.  -EBADMSG: no record of
 * ours.  Pure. */
MUST_USE int process_decode(struct span record, uint8_t scratch[PROCESS_EXE_MAX],
                            struct process_event *ret, struct err *err);

#endif
