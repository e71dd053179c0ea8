/* SPDX-License-Identifier: Apache-2.0 */
/* calls.h - calls of APIs that have begun and not ended: api.intent without api.outcome.  Floor 3.
 *
 * Every api.intent has one api.outcome of the same what.call, or one api.unknown, and never both:
 *
 *   1. An intent opens its call; another of the same call is refused while it is open.
 *   2. An outcome closes it; one of a call that is not open, or that another run opened, is
 * refused.
 *   3. What is open when its writer has been away for as long as calls_due() is told to wait, or
 *      said good-bye, or said nothing of it for CALLS_OVERDUE_S, is closed by the recorder.  An
 *      outcome that comes afterwards is refused, so its gateway shows nobody the answer.
 *   4. What was refused stays so when it is sent again, though the call may be another by then.
 *
 * An intent is refused when CALLS_MAX are open, all gateways together: a gateway then serves
 * nothing.  What is open survives the recorder: calls_keep.c. */
#ifndef RECORDER_CALLS_H
#define RECORDER_CALLS_H

#include "base/err.h"
#include "ledger/writer/ledger.h"
#include "wire/entry.h"

enum {
        CALLS_MAX = 65536,
        CALLS_ID_MAX = 32, /* bytes of what.call */
        CALLS_BUCKETS = 1 << 14,
        CALLS_OVERDUE_S = 3600, /* far above what a back-end is waited for */
};

struct call {
        char id[CALLS_ID_MAX + 1];
        char intent[ENTRY_ID_MAX + 1]; /* id of that entry */
        uint64_t index;                /* its */
        int64_t begun_ns;              /* monotonic */
        struct calls_run *run;
        struct call *next;          /* of its bucket */
        struct call *older, *newer; /* of its run */
};

/* A sequence that was refused, and may be sent again. */
struct calls_refused {
        uint64_t seq;
        int code;
};

/* What is known of one gateway. */
struct calls_run {
        uint64_t run;
        unsigned connections;
        bool left;       /* it said good-bye */
        int64_t away_ns; /* monotonic, without a connection since then */
        struct call *oldest, *newest;
        struct calls_refused refused[LEDGER_WINDOW]; /* ascending */
        size_t n_refused;
        struct calls_run *next;
};

struct calls { /* zeroed: none */
        struct call **bucket;
        struct calls_run *runs;
        struct call *spare;
        unsigned n; /* open */
};
void calls_done(struct calls *c);

/* ---- from a gateway's connections; each of them met and left once ---- */

MUST_USE int calls_met(struct calls *c, uint64_t run);
void calls_left(struct calls *c, uint64_t run, bool good_bye, int64_t now_ns);

/* ---- from its entries ---- */

/* What an entry that was judged good does to the open calls. */
struct calls_change {
        struct call *opens, *closes; /* one of them, or neither */
};
/* -EINVAL: the entry has to be refused; -EBUSY likewise, too many are open, or no memory. */
MUST_USE int calls_judge(struct calls *c, uint64_t run, struct span skeleton,
                         struct calls_change *ret, struct err *err);
/* It is staged: at index, under this id.  Or it is not. */
void calls_commit(struct calls *c, const struct calls_change *change, uint64_t index,
                  const char *id, int64_t now_ns);
void calls_abandon(struct calls *c, const struct calls_change *change);

/* It was refused (-ENOMEM: only for a run that neither was met nor is expected to be refused
 * something now); its writer has seen the answers up to acked; was this one refused, with which
 * code? */
MUST_USE int calls_expect(struct calls *c, uint64_t run);
MUST_USE int calls_refuse(struct calls *c, uint64_t run, uint64_t seq, int code);
void calls_acked(struct calls *c, uint64_t run, uint64_t acked);
bool calls_was_refused(const struct calls *c, uint64_t run, uint64_t seq, int *ret_code);

/* ---- closing ---- */

/* One that has to be closed, and the reason as in api.unknown; NULL: none now. */
const struct call *calls_due(const struct calls *c, int64_t now_ns, int64_t grace_ns,
                             const char **ret_reason);
/* Any; NULL: none is open. */
const struct call *calls_any(const struct calls *c);
void calls_close(struct calls *c, const struct call *call);
/* Drop runs without a connection and without an open call, of which nothing was refused or known()
 * says that nobody resumes them. */
void calls_forget(struct calls *c, bool (*known)(void *ctx, uint64_t run), void *ctx);

/* ---- for calls_keep.c ---- */

/* As they stand in the ledger; the run is away since now_ns.  -EINVAL: they are none that were
 * judged; -EBUSY, -ENOMEM. */
MUST_USE int calls_open(struct calls *c, uint64_t run, struct span id, struct span intent,
                        uint64_t index, int64_t now_ns);
void calls_close_id(struct calls *c, struct span id);

#endif
