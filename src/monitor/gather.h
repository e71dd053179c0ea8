/* SPDX-License-Identifier: Apache-2.0 */
/* gather.h - the bytes that tables are read from.  Floor 3.
 *
 * Runs in a worker: it may wait for a disk or for a program.  Nothing is parsed here.
 *
 * SECURITY: a path may be a user's own file.  It is opened without waiting and without becoming a
 * terminal, and only what is a regular file is read; a FIFO in its place does not hang anything. */
#ifndef MONITOR_GATHER_H
#define MONITOR_GATHER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "state/state.h"

#include <stdatomic.h>
#include <sys/types.h>

struct command;

enum {
        GATHER_PROGRAM_MAX = 32 * 1024 * 1024, /* bytes of a program's output */
        GATHER_PROGRAM_S = 120,                /* until it is ended by force */
        GATHER_ARGS_MAX = 32,
        GATHER_DEPTH_MAX = 16, /* of a tree */
};

struct gather {
        const char *root; /* before every path, and what programs see as theirs not at all; "" */
        const struct state_source *sources;
        size_t n;
        const struct command *command; /* of a target, behind the sources; NULL */
        uid_t net_uid;                 /* who a command runs as, when as_others */
        gid_t net_gid;
        bool as_others;          /* become somebody else for programs; takes root */
        const atomic_bool *stop; /* give up: nobody wants it any more */
};

/* What would show that something has changed, without reading content that has times: one digest.
 * Programs count for nothing, and of what is built in only that which is cheap to ask. */
MUST_USE int gather_look(const struct gather *g, uint8_t ret[32], struct err *err);
/* Can gather_look() tell? */
bool gather_can_look(const struct state_source *sources, size_t n);

/* Where the files lie that this is made of, as wake_set() takes it: each directory, or the nearest
 * above that there is, and what in it counts.  Nothing of what has no events, or too many. */
MUST_USE int gather_places(const struct gather *g, struct buf *out, struct err *err);

/* A bundle (state/reading/bundle.h) of all sources in their order.  What cannot be read is in it
 * with its status.  -E2BIG: more than a bundle holds. -ECANCELED: stopped. */
MUST_USE int gather_all(const struct gather *g, struct buf *out, struct err *err);

#endif
