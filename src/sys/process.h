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
        PROCESS_CHANGED, /* its user or session became another; the connector alone tells */
        PROCESS_ENDED,
};

enum process_has {
        PROCESS_HAS_START = 1u << 0, /* start_ns is the kernel's; else about the time of the fork */
        PROCESS_HAS_PARENT = 1u << 1,
        PROCESS_HAS_UID = 1u << 2,  /* uid, euid */
        PROCESS_HAS_AUID = 1u << 3, /* login user and audit session, PROCESS_UNSET where none */
        PROCESS_HAS_SID = 1u << 4,  /* session leader and terminal */
        PROCESS_HAS_COMM = 1u << 5,
        PROCESS_HAS_EXE = 1u << 6,
        PROCESS_HAS_ARGS = 1u << 7,
        PROCESS_HAS_PLACE = 1u << 8, /* control group */
        PROCESS_HAS_MOUNT_NS = 1u << 9,
        PROCESS_IS_KERNEL = 1u << 10,    /* a thread of the kernel: no executable */
        PROCESS_EXE_CUT = 1u << 11,      /* exe is the end of a path that is too long or too deep */
        PROCESS_EXE_NAMELESS = 1u << 12, /* no name led to the file when it was executed */
        PROCESS_ARGS_CUT = 1u << 13,
        PROCESS_PLACE_CUT = 1u << 14, /* cgroup_path is the end of a deeper one */
        PROCESS_EXE_LED = 1u << 15,   /* who executed it may have it run other code than the file's:
                                         see PROCESS_FLAG_EXE_LED */
        PROCESS_EXE_STRAYS = 1u << 16, /* its PATH is not a usual one of root's */
};

enum {
        PROCESS_COMM_MAX = 16,
        PROCESS_EXE_MAX = 4096,
        PROCESS_ARGS_MAX = 4096,
        PROCESS_CGROUP_MAX = 1024,
};

#define PROCESS_UNSET UINT32_MAX /* no login user, no audit session */

/* Spans point into what was decoded, and into scratch. */
struct process_event {
        enum process_what what;
        unsigned has;      /* enum process_has */
        uint64_t time_ns;  /* CLOCK_BOOTTIME, as the next */
        uint64_t start_ns; /* of the process */
        int32_t pid;       /* of the process, never of one of its threads */
        int32_t ppid;      /* its parent in the kernel's view */
        int32_t creator;   /* of a fork: whom it is a copy of, most often its parent */
        int32_t sid;       /* session leader */
        int32_t tty;       /* as in /proc/<pid>/stat; 0: none */
        uint32_t uid, euid, auid, session;
        uint32_t mount_ns;         /* inode of its mount namespace */
        uint64_t cgroup;           /* id */
        uint64_t exe_dev, exe_ino; /* of the executable; dev: major << 32 | minor; 0: not told */
        struct span comm, exe, args, cgroup_path;
};

/* What process_decode() puts paths together in. */
struct process_scratch {
        uint8_t exe[PROCESS_EXE_MAX], cgroup[PROCESS_CGROUP_MAX];
};

/* One record of the eBPF program's ring.  -EBADMSG: none of ours.  Pure. */
MUST_USE int process_decode(struct span record, struct process_scratch *scratch,
                            struct process_event *ret, struct err *err);

#endif
