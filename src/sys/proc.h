/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h - who a process is, from /proc.  Floor 1.
 *
 * Reads go through one descriptor of /proc/<pid>, so they are of one process or fail; a pidfd shows
 * that it is the process that was meant.  What is not known says why.
 * SECURITY: names, arguments and paths are any bytes a user likes, newlines and brackets included.
 */
#ifndef SYS_PROC_H
#define SYS_PROC_H

#include "base/base.h"
#include "base/err.h"

#include <sys/types.h>

enum proc_why {
        PROC_KNOWN,
        PROC_UNREAD,    /* nobody has asked yet */
        PROC_GONE,      /* it exited before we could */
        PROC_DENIED,    /* this process may not look */
        PROC_UNSET,     /* the kernel says there is none: no login, a kernel thread without exe */
        PROC_MALFORMED, /* not what proc(5) says */
        PROC_FAILED,    /* any other error */
};

/* "exited", "not permitted", ... for an entry's reason field. */
const char *proc_why_text(enum proc_why w);

enum {
        PROC_EXE_MAX = 4096,
        PROC_COMM_MAX = 64,
        PROC_CMDLINE_MAX = 4096,
        PROC_CGROUP_MAX = 4096, /* the kernel tells none that is longer */
};

struct proc_ids {
        enum proc_why why;
        uint32_t uid, euid, suid, fsuid;
        uint32_t gid, egid, sgid, fsgid;
        int32_t ppid;
};

struct proc_stat {
        enum proc_why why;
        int32_t session;
        int32_t tty;    /* device number of the terminal, 0: none */
        uint64_t start; /* clock ticks since boot; with the pid it names a process for ever */
};

struct proc_number {
        enum proc_why why;
        uint32_t n;
};

struct proc_login {
        struct proc_number user, session;
};

/* About 12 KiB; what is kept of it is the caller's choice. */
struct proc_info {
        pid_t pid;
        struct proc_ids ids;
        struct proc_stat stat;
        struct proc_number loginuid;  /* PROC_UNSET: not from a login */
        struct proc_number sessionid; /* audit session */
        struct proc_number mount_ns;  /* inode of its mount namespace */

        enum proc_why exe_why;
        bool exe_deleted; /* the file has no name any more; " (deleted)" is cut off */
        bool exe_led; /* its environment leads it to other code, or is too long to be read; as the
                       * process has it now, which may have taken that out */
        bool exe_strays;           /* PATH there is not a usual one of root's */
        uint64_t exe_dev, exe_ino; /* dev: major << 32 | minor; 0: not known */
        size_t exe_n;
        uint8_t exe[PROC_EXE_MAX];

        enum proc_why comm_why;
        size_t comm_n;
        uint8_t comm[PROC_COMM_MAX];

        enum proc_why cmdline_why; /* PROC_UNSET: a kernel thread, or the process cleared it */
        bool cmdline_cut;          /* there was more */
        size_t cmdline_n;
        uint8_t cmdline[PROC_CMDLINE_MAX]; /* arguments, each ended by a NUL */

        enum proc_why cgroup_why;
        size_t cgroup_n;
        uint8_t cgroup[PROC_CGROUP_MAX]; /* path in the unified or systemd's hierarchy */
};

/* Descriptor of /proc/<pid>, the caller's to close.  With pidfd >= 0 it is of that very process.
 * -ESRCH: it has exited. */
MUST_USE int proc_open(pid_t pid, int pidfd);

/* A descriptor that becomes readable when the process ends, the caller's to close.  -ESRCH. */
MUST_USE int proc_pidfd(pid_t pid);

/* Fill every field; none of them failing is a failure. */
void proc_read(int procfd, pid_t pid, struct proc_info *ret);

/* Only what an exec leaves alone and a process can change: stat, users, login. */
void proc_read_ids(int procfd, pid_t pid, struct proc_info *ret);
/* The same, of one whose login was known at some time; NULL: it was not.  The kernel gives every
 * login a session of its own: where that is the same, so is the user. */
void proc_read_ids_since(int procfd, pid_t pid, const struct proc_login *known,
                         struct proc_info *ret);

/* Is it a thread of the kernel's?  Without executable and arguments is also what is ending, but the
 * kernel is nobody else's creator. */
bool proc_is_kernel(const struct proc_info *i);

/* The inode of the namespace that the process is in now; link: "ns/net", "ns/mnt"...  -ESRCH,
 * -EACCES. */
MUST_USE int proc_namespace(int procfd, const char *link, uint32_t *ret);

/* The inode of the caller's own mount namespace; 0: not known. */
uint32_t proc_own_mount_ns(void);

/* ---- the parsers, pure ---- */

MUST_USE int proc_parse_status(struct span text, struct proc_ids *ret);
MUST_USE int proc_parse_stat(struct span text, struct proc_stat *ret);
/* The path of "0::" if it is not the root, else of name=systemd; -ENOENT: neither. */
MUST_USE int proc_parse_cgroup(struct span text, struct span *ret_path);

/* Has an environment, variables each ended by a NUL, one that leads the loader (ld.so(8)), a
 * library or an interpreter to other code than the program's own? */
bool proc_environ_leads(struct span text);
/* Has it a PATH that is neither of those which apt, sudo and login set for root? */
bool proc_environ_strays(struct span text);

#endif
