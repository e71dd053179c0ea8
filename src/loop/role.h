/* SPDX-License-Identifier: Apache-2.0 */
/* role.h - every process of Assay in one table: who it is, what it may do, who may talk to it.
 * Floor 2. */
#ifndef LOOP_ROLE_H
#define LOOP_ROLE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "sys/sandbox.h"

/* The recorder's log has the number of who writes in four bits: those that write come first. */
enum role_id {
        ROLE_RECORDER,
        ROLE_SENSOR,
        ROLE_UPLINK,
        ROLE_GATEWAY,
        ROLE_BRIDGE,
        ROLE_HUB,
        ROLE_PROJECTOR,
        ROLE_MIRROR,
        ROLE_JOB,
        ROLE_ADMIN,         /* the assay command, run by root */
        ROLE_JOB_DIR,       /* a job that reads one directory besides: role_paths.config */
        ROLE_JOB_PROGRAM,   /* a job that has others' programs check signatures */
        ROLE_MONITOR,       /* looks at tables of the host's state */
        ROLE_GUARD,         /* answers whether a file may be executed, and who watches over that */
        ROLE_COURIER,       /* of the uplink: serves one place that takes alerts */
        ROLE_KEYS,          /* fetches the key sets that gateways verify tokens with */
        ROLE_JOB_LARGE,     /* a job that computes on much */
        ROLE_GATEWAY_FILES, /* a gateway whose nginx writes files besides: not what is the gateway's
                             */
        ROLE_COUNT,
};

struct role_profile;

struct role {
        const char *name;                   /* as in src.proc of its entries, and in HELLO */
        const char *user;                   /* the service user, whose group has the same name */
        unsigned peers;                     /* bits 1 << role_id of those who may connect to it */
        const struct role_profile *profile; /* NULL: no process of it exists yet */
};

const struct role *role_of(enum role_id id);
/* NULL when there is none of that name. */
const struct role *role_by_name(struct span name);

/* ---- becoming one ---- */

enum { ROLE_MORE_MAX = 64 };

/* Directories, absolute, existing; NULL: this process uses none of that sort. */
struct role_paths {
        const char *state;               /* its own files */
        const char *runtime;             /* sockets */
        const char *config;              /* read only */
        const char *ledger;              /* the ledgers', read only */
        uid_t as;                        /* a user without a name instead of the role's; 0: none */
        gid_t group;                     /* instead of that user's group; 0: none */
        const struct sandbox_path *more; /* besides what the role has; a role may have none */
        size_t n_more;                   /* at most ROLE_MORE_MAX */
};

enum role_flags {
        ROLE_KEEP_USER =
                1u << 0, /* stay the user who started us: one machine without root, tests */
};

/* Give away every right but the role's and note what became of each step.  Call it when everything
 * is open that needs rights and before a second thread exists; then go to the loop.  On failure end
 * the process: rights may be half dropped. -EBUSY: there is a second thread.  -ENOENT: no such
 * service user.  -ENOSYS: no profile. */
MUST_USE int role_enter(enum role_id id, const struct role_paths *paths, unsigned flags,
                        struct sandbox_state *ret_state, struct err *err);

/* ---- knowing the others ---- */

/* Who owns which name; resolve before role_enter(), it reads the user database. */
struct role_users {
        struct {
                bool known; /* false: the user does not exist here, so nobody is let in as it */
                uid_t uid;
                gid_t gid;
        } of[ROLE_COUNT];
};

/* With ROLE_KEEP_USER every role belongs to the user who runs us. */
MUST_USE int role_users_init(struct role_users *u, unsigned flags, struct err *err);

/* May a peer of this uid, which calls itself proc, connect to `to`?  On true *ret is its role.
 * Two roles of one user trust each other's names: the kernel cannot tell them apart. */
bool role_admits(const struct role_users *u, enum role_id to, struct span proc, uid_t uid,
                 enum role_id *ret);

#endif
