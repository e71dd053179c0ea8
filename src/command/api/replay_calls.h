/* SPDX-License-Identifier: Apache-2.0 */
/* replay_calls.h - assay api replay at work: call after call, entry by entry.  Floor 3.
 *
 * A call is judged when its api.intent or api.denied comes by; one that is allowed waits for its
 * api.outcome, which may be in the next ledger, and is told then. */
#ifndef COMMAND_REPLAY_CALLS_H
#define COMMAND_REPLAY_CALLS_H

#include "command/api/replay.h"
#include "command/api/replay_judged.h"
#include "command/api/replay_ledgers.h"
#include "command/log/walk.h"

struct replaying {
        const struct invocation *in;
        bool all; /* show every call */
        struct package *package;
        struct cedar_bench *bench;
        struct span api; /* whose calls */
        struct replay_judged judged;

        struct replay_ledgers ledgers;
        struct walk walk; /* of the one at hand, ledgers.at[at] */
        uint32_t at;
        bool has_until;
        int64_t until_ns;
        struct replayed *waiting[REPLAY_WAITING_MAX]; /* for their outcomes, the oldest first */
        size_t n_waiting;

        struct replay_sum sum;
        const struct replay_ledger *told; /* whose calls were shown last */
        uint64_t size, damaged, lost;     /* of all ledgers */
        bool pruned;
};

/* What walk.h calls with each entry; ctx is a struct replaying.  -ENOMEM. */
MUST_USE int replay_take(struct walk *w);
/* Calls that wait still: nothing will say more of them. */
void replay_tell_rest(struct replaying *x);
void replay_drop_rest(struct replaying *x); /* they are not told */

#endif
