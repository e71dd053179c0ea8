/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - a program started without a shell, and what it says.  Floor 3.
 *
 * Runs in a worker: it waits.  The program is ended by force when it takes too long, says too much,
 * stays when it has closed its output, or when nobody wants to know any more. */
#ifndef MONITOR_PROGRAM_H
#define MONITOR_PROGRAM_H

#include "base/base.h"
#include "base/buf.h"

#include <stdatomic.h>
#include <sys/types.h>

enum { PROGRAM_ARGS_MAX = 128 };

struct program {
        const char *const
                *argv; /* ended by NULL, at most PROGRAM_ARGS_MAX; the first is the path */
        const char *const *envp; /* as struct spawn has it */
        bool become;             /* this user and group, without groups, capabilities or more */
        uid_t uid;
        gid_t gid;
        int in;          /* borrowed; -1: none */
        const int *more; /* borrowed: descriptors 3, 4, ... */
        size_t n_more;
        unsigned timeout_s;
        const atomic_bool *stop;
        struct buf *out;
        size_t out_max;         /* more is -EFBIG */
        struct buf *complaints; /* of standard error, what there is room for; NULL: dropped */
        size_t complaints_max;
};

/* 0 and the status a part of a bundle gets (state/reading/bundle.h); -ETIMEDOUT, -EFBIG,
 * -ECANCELED. */
MUST_USE int program_run(const struct program *p, uint32_t *ret_status);

#endif
