/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* process.h - what process.bpf.c puts into its ring, for both sides.
 *
 * The includer has __u8 to __u64: kernel.h on one side, <linux/types.h> on the other.  A record is
 * this struct and, behind it, exe_n + args_n + cgroup_n bytes:
 *
 *   exe     the parts of the executable's path, the last one first, each ended by a NUL
 *   args    the arguments, each ended by a NUL, but for the last where they were cut
 *   cgroup  the parts of the path of the control group, like exe
 *
 * Its numbers are the kernel's own and in its byte order: it is the same machine. */
#ifndef BPF_PROCESS_H
#define BPF_PROCESS_H

enum process_record_kind {
        PROCESS_RECORD_FORK = 1,
        PROCESS_RECORD_EXEC = 2,
        PROCESS_RECORD_EXIT = 3,
        PROCESS_RECORD_KINDS,
};

enum process_record_flag {
        PROCESS_FLAG_EXE = 1,          /* there is an executable, and these are its parts */
        PROCESS_FLAG_EXE_CUT = 2,      /* the first parts of its path are missing */
        PROCESS_FLAG_EXE_NAMELESS = 4, /* no link of the file is left, or there never was one */
        PROCESS_FLAG_ARGS = 8,
        PROCESS_FLAG_ARGS_CUT = 16,
        PROCESS_FLAG_CGROUP = 32,
        PROCESS_FLAG_CGROUP_CUT = 64,
        PROCESS_FLAG_KERNEL = 128,  /* a kernel thread */
        PROCESS_FLAG_AUDIT = 256,   /* this kernel has auid and session */
        PROCESS_FLAG_EXE_LED = 512, /* who executed it may have it run other code: the environment
                                       names some to load, or is too long to be read, or it is
                                       traced */
        PROCESS_FLAG_EXE_STRAYS = 1024, /* PATH is there, and another than the usual ones of root */
        PROCESS_FLAGS_ALL = 2047,
};

enum {
        PROCESS_RECORD_EXE = 4096,
        PROCESS_RECORD_ARGS = 4096,
        PROCESS_RECORD_CGROUP = 1024,
        PROCESS_RECORD_PART = 256, /* a name and its NUL */
        PROCESS_RECORD_COMM = 16,
        PROCESS_ENVIRONMENT = 512, /* variables that are looked at, long ones in parts of: */
        PROCESS_ENVIRONMENT_PART = 4096,
        PROCESS_RING_BYTES = 4 << 20,
        PROCESS_QUIET_MS = 20, /* after waking the reader, it is not woken again for so long */
};

/* What a program and its reader share besides the ring; all its global data. */
struct process_shared {
        __u64 lost;     /* records that found no room */
        __u64 woken_ns; /* when the reader was last woken */
};

struct process_record {
        __u64 time_ns; /* CLOCK_BOOTTIME, as the next */
        __u64 start_ns;
        __u64 cgroup; /* id */
        __u64 exe_ino;
        __u32 pid; /* of the process: what the kernel calls tgid */
        __u32 ppid;
        __u32 creator; /* fork: who called it; most often the parent */
        __u32 sid;
        __u32 tty; /* device number, as the kernel shows it to programs */
        __u32 uid;
        __u32 euid;
        __u32 auid;
        __u32 session;
        __u32 mount_ns; /* inode */
        __u32 flags;    /* enum process_record_flag */
        __u32 exe_dev;  /* as the kernel has it: major << 20 | minor */
        __u16 kind;     /* enum process_record_kind */
        __u16 exe_n;
        __u16 args_n;
        __u16 cgroup_n;
        char comm[PROCESS_RECORD_COMM];
};

_Static_assert(sizeof(struct process_record) == 104, "a record has no holes");

#endif
