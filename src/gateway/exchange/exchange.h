/* SPDX-License-Identifier: Apache-2.0 */
/* exchange.h - one call from its first byte to its last: what is to be done next.  Floor 3, no I/O.
 *
 *                 begin
 *                   |  refused                       .-----------.
 *          body?----+------------------------------> | RECORD    |--- recorded --> ANSWER
 *            |      | no body wanted                 | denied    |
 *          READ     v                                '-----------'
 *            |   RECORD intent -- recorded --> CALL -- answered, failed --> RECORD outcome
 *            '----->^                                                          |  recorded
 *                   |-- an answer that is kept: RECORD both -- recorded -------v
 *                   '-- refused: denied                                      ANSWER
 *
 * Whoever owns it does what each step says and comes back with the result; time and randomness are
 * given.  At ANSWER x's reply is the caller's, and nothing of a back-end may leave before that.
 * exchange_unrecorded(): the recorder does not take it, or not in time: before CALL nothing was
 * asked of the back-end; after it the answer is not shown; the reply is 503 in both.  What the
 * ledger may have of it by then it must not have alone: an intent gets its outcome, an outcome that
 * nobody has seen an api.unshown (x->afterwards).  A refusal that is counted with others
 * (record_fold_one()), or for which there is no memory, goes to ANSWER at once.
 *
 * In which order a request is judged, and why so, is in docs/gateway.md.
 *
 * After a call with a method other than GET, HEAD and OPTIONS that the back-end may have seen,
 * cached answers from that back-end are erased, and none that was asked for before is kept. */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "gateway/exchange/problem.h"
#include "gateway/exchange/serving.h"
#include "gateway/record/record.h"
#include "gateway/request/outgoing.h"
#include "gateway/shared/meters.h"

enum exchange_step {
        EXCHANGE_READ,   /* the body, whole, at most x->body_max bytes (more: exchange_refuse(
                            REFUSED_SIZE)), never a file: exchange_body() */
        EXCHANGE_RECORD, /* x->records: durable, then exchange_recorded(); or .._unrecorded() */
        EXCHANGE_CALL,   /* x->outgoing to x->package's back-end, then exchange_answered(), or
                            exchange_refuse(REFUSED_BACKEND...) */
        EXCHANGE_ANSWER, /* x->reply; then exchange_free() */
};

struct exchange {
        struct arena arena; /* all of the call's; a ceiling of what the caps of the package make */
        char id[RECORD_ID + 1];
        struct serving *serving;       /* NULL: nothing is deployed */
        const struct package *package; /* NULL until it is known */
        size_t body_max;
        uint32_t answer_max;       /* bytes of the back-end's body that are worth reading */
        struct records records;    /* while RECORD; else none */
        struct records afterwards; /* to be recorded, nobody waits for it; none mostly */
        bool asked;                /* the back-end: what is recorded now tells what it has done */
        struct outgoing outgoing;  /* while CALL; else empty */
        struct reply reply;        /* while ANSWER; else empty */
        /* The rest is exchange.c's. */
        struct exchange_private *priv;
};

/* s: referenced; NULL: nothing is deployed, which is a refusal.  raw and what it points at must
 * live until the exchange is freed.  NULL in *ret and -ENOMEM: answer problem_no_memory.  now_ns is
 * raw's. */
MUST_USE int exchange_begin(struct gateway *g, struct serving *s, const struct request_raw *raw,
                            struct exchange **ret, enum exchange_step *ret_step);
/* At any step: then the caller gets no answer of it. */
struct exchange *exchange_free(struct exchange *x);
DEFINE_CLEANUP(struct exchange, exchange_free)

/* Each only at its step (asserted).  Bytes that are handed in are not copied: they live until the
 * exchange is freed.  A body of no bytes is none. */
enum exchange_step exchange_body(struct exchange *x, struct span body);
enum exchange_step exchange_recorded(struct exchange *x, int64_t now_ns);
enum exchange_step exchange_unrecorded(struct exchange *x, enum record_fate fate, int64_t now_ns);
enum exchange_step exchange_answered(struct exchange *x, const struct answer_raw *raw,
                                     int64_t now_ns);
/* The owner's own reasons, while READ or CALL: REFUSED_SIZE, REFUSED_BODY, REFUSED_BACKEND,
 * REFUSED_BACKEND_TIME, REFUSED_RESPONSE_SIZE, ... text: for the entry. */
enum exchange_step exchange_refuse(struct exchange *x, enum refusal_reason reason, const char *text,
                                   int64_t now_ns);

/* The recorder did not take the intent, because its caller has made too many subjects in this hour
 * (recorder/newcomers.h): a refusal like that of a limit. */
bool exchange_is_intent(const struct exchange *x); /* that is on its way */
enum exchange_step exchange_limited(struct exchange *x, int64_t now_ns);

/* The caller's connection has ended while something is on its way to the recorder: that got so far.
 * What is left to do is to record x->afterwards. */
void exchange_left(struct exchange *x, enum record_fate fate, int64_t now_ns);

/* What came of it, for counting, once the owner is done with it, in the midst or at the end. */
struct meters_call exchange_count(const struct exchange *x, int64_t now_ns);

/* Executes what must hold between the steps: nothing is asked of a back-end before the intent is
 * recorded, and nothing of its answer is in the reply before the outcome is. */
void exchange_assert_valid(const struct exchange *x);

#endif
