/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h - giving rights away for good.  Floor 1.
 *
 * Order: sandbox_drop(), sandbox_no_privs(), sandbox_landlock(), sandbox_seccomp(); all before a
 * second thread exists, because capabilities and Landlock belong to threads.  What a kernel cannot
 * do is not a failure: each step notes in struct sandbox_state what became of it, and the caller
 * decides whether that is enough.  An error means that rights may be half dropped: end the process.
 */
#ifndef SYS_SANDBOX_H
#define SYS_SANDBOX_H

#include "base/base.h"
#include "base/err.h"

#include <sys/types.h>

enum sandbox_step {
        SANDBOX_USER,
        SANDBOX_CAPS,
        SANDBOX_NO_PRIVS, /* no new privileges, not dumpable, no core */
        SANDBOX_NETWORK,  /* a network namespace with nothing in it */
        SANDBOX_LIMITS,
        SANDBOX_LANDLOCK,
        SANDBOX_SECCOMP,
        SANDBOX_STEPS,
};

enum sandbox_result {
        SANDBOX_NOT_ASKED,
        SANDBOX_APPLIED,
        SANDBOX_PARTLY, /* the note says what is missing */
        SANDBOX_ABSENT, /* the kernel or the caller's rights did not allow it */
};

enum { SANDBOX_NOTE_MAX = 160 };

struct sandbox_state {
        struct {
                enum sandbox_result result;
                char note[SANDBOX_NOTE_MAX];
        } step[SANDBOX_STEPS];
};

const char *sandbox_step_name(enum sandbox_step s);
const char *sandbox_result_name(enum sandbox_result r);

/* A step that is not taken, and why. */
void sandbox_not_asked(struct sandbox_state *st, enum sandbox_step s, const char *why);

/* ---- user and capabilities ---- */

#define SANDBOX_CAP(n) (1ULL << (n)) /* n: CAP_* of <linux/capability.h> */

/* Become uid and gid without supplementary groups, and keep exactly the capabilities in caps, in
 * the bounding set too; ambient and inheritable ones go.  uid (uid_t)-1: stay who we are, drop
 * capabilities only.  -EPERM: asked for another user or a capability we do not have. */
MUST_USE int sandbox_drop(struct sandbox_state *st, uid_t uid, gid_t gid, uint64_t caps,
                          struct err *err);

/* Permitted capabilities now. */
MUST_USE int sandbox_caps(uint64_t *ret);

MUST_USE int sandbox_no_privs(struct sandbox_state *st, struct err *err);

/* Leave every network.  Without the right to, notes SANDBOX_ABSENT. */
void sandbox_no_network(struct sandbox_state *st);

struct sandbox_limits {
        size_t memory; /* address space, bytes */
        unsigned cpu_s;
        unsigned files;   /* descriptors open at once */
        size_t file_size; /* of any file written; 0: nothing can be written to files */
        unsigned tasks;   /* of the user as a whole; 0: no limit of ours */
};
MUST_USE int sandbox_limit(struct sandbox_state *st, const struct sandbox_limits *l,
                           struct err *err);

/* ---- Landlock ---- */

enum sandbox_right {
        SANDBOX_READ = 1u << 0,  /* files and directories */
        SANDBOX_WRITE = 1u << 1, /* write, create, rename, remove; not devices */
        SANDBOX_EXEC = 1u << 2,
};

struct sandbox_path {
        const char *path; /* all below it */
        unsigned rights;
        bool optional; /* may be missing */
};

enum sandbox_landlock_flags {
        SANDBOX_NO_TCP = 1u << 0, /* no TCP bind or connect (Linux 6.7) */
        SANDBOX_SCOPED = 1u << 1, /* no signals and abstract sockets out of here (Linux 6.12) */
};

/* Nothing but these paths can be opened from now on.  A Landlocked process may no longer look into
 * others by ptrace rights, /proc/<pid>/exe included.  -ENOENT: a path that is not optional. */
MUST_USE int sandbox_landlock(struct sandbox_state *st, const struct sandbox_path *paths, size_t n,
                              unsigned flags, struct err *err);
/* The kernel's version of it; 0: it has none. */
int sandbox_landlock_abi(void);

/* ---- seccomp ---- */

/* A system call allowed for some values of one argument only.  mask 0: argument == value; else
 * (argument & mask) == value. */
struct sandbox_arg {
        const char *name;
        unsigned arg;
        uint64_t mask;
        uint64_t value;
};

struct sandbox_calls {
        const char *const *const *allow; /* lists of names, each and the whole ended by NULL */
        const struct sandbox_arg *args;  /* ended by a NULL name */
        bool kill;                       /* any other call ends the process, else EPERM */
};

/* Names that this libseccomp does not know are skipped and noted.  clone3 is always answered with
 * ENOSYS, because its flags cannot be seen; the C library then uses clone.  A process may always
 * signal its own threads, so that abort(3) works. */
MUST_USE int sandbox_seccomp(struct sandbox_state *st, const struct sandbox_calls *calls,
                             struct err *err);

#endif
