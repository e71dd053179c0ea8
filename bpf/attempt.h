/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* attempt.h - what attempt.bpf.c is told to look for, and what it puts into its ring; for both
 * sides.
 *
 * Besides what was refused, each change of inode flags that succeeded is told (ATTEMPT_DONE): no
 * notice of fanotify's tells of one.
 *
 * The includer has __u8 to __u64.  A record is this struct and, behind it, base_n + path_n bytes:
 *
 *   base  the parts of the directory, or of the open file, that the call began at, the last one
 *         first, each ended by a NUL; empty where the path is absolute
 *   path  the call's argument, without its NUL
 *
 * SECURITY: path is memory of the process, read when the call had ended: another thread may have
 * written another one there since.  base is the kernel's own. */
#ifndef BPF_ATTEMPT_H
#define BPF_ATTEMPT_H

enum {
        ATTEMPT_CALLS = 512, /* numbers of system calls that are looked at */
        ATTEMPT_NO_ARG = 255,
        ATTEMPT_RECORD_PATH = 4096,
        ATTEMPT_RECORD_BASE = 4096,
        ATTEMPT_RECORD_PART = 256,
        ATTEMPT_RING_BYTES = 1 << 20,
        ATTEMPT_RATE = 1000, /* records a second of root's, and of all others'; more are counted */
};

enum { ATTEMPT_OP_FLAGS = 11 }; /* the only op that the program itself tells */

/* Arguments of one system call, by their index. */
struct attempt_call {
        __u8 op;    /* 0: not looked at; else the reader's */
        __u8 path;  /* ATTEMPT_NO_ARG: the call is of an open file */
        __u8 dirfd; /* ATTEMPT_NO_ARG: the working directory */
        __u8 path2; /* of a call with two */
        __u8 dirfd2;
        __u8 mask_arg; /* what it has to be, to count: ATTEMPT_NO_ARG: anything */
        __u8 how;      /* enum attempt_how */
        __u8 zero;
        __u64 mask;
};

enum attempt_how {
        ATTEMPT_ANY_BIT, /* a bit of mask is set in the argument */
        ATTEMPT_POINTED, /* the same in the 64 bits that it points to */
        ATTEMPT_EQUAL,   /* the argument is mask */
};

enum attempt_flag {
        ATTEMPT_ABSOLUTE = 1,
        ATTEMPT_BASE_CUT = 2, /* the first parts are missing */
        ATTEMPT_UNREAD = 4,   /* the path could not be read */
        ATTEMPT_SECOND = 8,   /* the second path of its call */
        ATTEMPT_DONE = 16,    /* it was not refused: error is 0 */
        ATTEMPT_FLAGS_ALL = 31,
};

/* All global data. */
struct attempt_shared {
        __u64 lost;                    /* records that found no room, or were too many */
        __u64 window_ns, in_window[2]; /* of users, of root */
};

struct attempt_record {
        __u64 time_ns; /* CLOCK_BOOTTIME */
        __u32 pid;     /* of the process */
        __s32 error;   /* negative, or 0 */
        __u16 op;
        __u16 flags;
        __u16 base_n;
        __u16 path_n;
};

_Static_assert(sizeof(struct attempt_record) == 24, "a record has no holes");
_Static_assert(sizeof(struct attempt_call) == 16, "nor has this");

#endif
