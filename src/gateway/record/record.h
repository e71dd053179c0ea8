/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - calls as entries: api.intent, api.values, api.outcome, api.denied.  Floor 3, pure.
 *
 *   api.intent   before the back-end sees anything: who, which operation and object, what it
 *                writes, by which policies it may
 *   api.outcome  before the caller sees anything: what came of it, which classes it reads and how
 *   api.values   before either, where a package asks for it (`record: digest`): values by class, as
 *                salted digests whose disclosures are in the vault; as many as are needed
 *   api.denied   a call that was refused before the back-end saw it
 *   api.unshown  an outcome that the caller has seen nothing of: it came to be durable too late
 *
 * All of one call have the same what.call.  The recorder keeps calls that are open: it refuses an
 * outcome without an intent of the same run, and closes an intent without an outcome as
 * api.unknown (recorder/calls.h).
 *
 * Caller, address, object id and values are sensitive fields; the user of a credential that is
 * passed on beside a verified caller is one of the caller's.  An api.values of a request, which
 * may make its object a subject before an intent says who asks, is sent with for whom it is
 * (wire/msg.h), so that what it makes new counts for him.  Their subjects are "caller:<id>",
 * "address:<address>" (of IPv6 its network, "2001:db8:0:1234::/64"), "<type>:<object id>"
 * ("api:<name>" of values where there is no object), so that what is known of one can be erased.  A
 * subject longer than VAULT_LABEL_MAX, or with control characters, is "sha256:<of it, hex>".  A
 * value of more than RECORD_VALUE_MAX bytes is recorded as {"bytes":n,"sha256":"..."}.
 *
 * Where a package asks for it (`replay: digest`), api.intent and api.denied have besides what the
 * policies could ask for (package/policies/asked.h), so that another package can be asked about the
 * same call:
 *
 *   what.asked  [PLACE, ...], ascending; of who the object is of
 *               PLACE: [name, value] as values above; [name]: it was not there; [name, [PLACE,
 * ...]]: a record.  What is left out is not known. who.asked   {"claims":[[name, text] or [name],
 * ...],"groups":[text, ...],"tls_client":text}; the caller's.  claims: those of gateway.yaml, in
 * its order; groups: where what.groups does not have them as they are; tls_client: where a policy
 * asks for it, "": none
 *
 * Of each RECORD_ASKED_MAX bytes at most: what does not fit is left out, and counted in
 * what.asked_left_out.
 *
 * Subjects fill the vault, and whoever has as many names or addresses as he likes must not be able
 * to: what a caller says whom nobody has verified, and his address, belong to the subject of his
 * network ("address:192.0.2.0/24", /56 of IPv6); so does the address of any call that was refused,
 * and the object that it names, which need not exist, is its caller's.
 *
 * Whoever floods the gateway with calls that are refused must not fill the ledger: api.denied of
 * one reason, API, operation and network are told one by one RECORD_DENIED_BURST times in a second,
 * then counted and told as one with what.count at the second's end (record_fold_*).  Of callers
 * whom nobody has verified RECORD_DENIED_STRANGERS are told one by one in a second over all.
 *
 * Lists in an entry have a ceiling each; what there was no room for is counted in it. */
#ifndef GATEWAY_RECORD_H
#define GATEWAY_RECORD_H

#include "gateway/answer/answer.h"
#include "gateway/authentication/credential.h"
#include "gateway/exchange/refusal.h"
#include "ledger/feed/feed.h"
#include "policy/evaluate/program.h"

enum {
        RECORD_ID = 26, /* characters of a call's id: ULID, Crockford's base32 */
        RECORD_VALUE_MAX = 1024,
        RECORD_FIELDS_MAX = 8,
        RECORD_SENT_MAX = RECORD_FIELDS_MAX + 1, /* and for whom: MSG_FOR_WHOM */
        RECORD_ASKED_MAX = 8 * 1024,
        RECORD_DENIED_BURST = 20,
        RECORD_DENIED_STRANGERS = 200, /* in a second, of all that nobody has verified */
        RECORD_FOLDS_MAX = 1024,       /* told apart at a time; beyond: one for all others */
        RECORD_FOLDS_STRANGERS = 768,
};

/* One entry that feed_put() takes. */
struct record {
        struct span skeleton;
        struct feed_field fields[RECORD_SENT_MAX];
        uint32_t n_fields;
};
struct records {
        struct record *at; /* in the order in which they go; the last one's durability is all's */
        uint32_t n;
};

/* What is known so far of a call; empty or NULL what is not.  An intent and an outcome have
 * package, operation, request, credential and decision (asserted). */
struct record_call {
        const char *id; /* RECORD_ID characters */
        int64_t now_ns;
        uint64_t generation;
        const struct package *package;
        const struct api_operation *operation;
        const struct request_raw *raw; /* always */
        const struct request *request;
        const struct credential *credential;
        struct span object_type, object_id;
        const struct mask_found *writes;
        const struct cedar_answer *decision;
        uint32_t n_body;         /* bytes of the request's */
        const struct call *call; /* once parameters and body were read, where the package wants
                                    what policies ask for recorded */
};

struct record_outcome {
        const struct answer *answer;   /* NULL: it is refused */
        const struct refusal *refusal; /* NULL: it is answered */
        uint16_t status;               /* that the caller gets */
        uint16_t backend_status;       /* 0: none */
        int64_t backend_ns; /* how long it took; -1: it was not asked (a cached answer) */
        uint32_t n_body;    /* bytes of the body the caller gets */
};

/* How far the recorder got with entries that are one thing. */
enum record_fate {
        RECORD_NOTHING, /* none of them was handed over */
        RECORD_PARTLY,  /* the last one is not in the ledger and will not be */
        RECORD_PERHAPS, /* all were handed over, the last one is or may come to be in the ledger */
        RECORD_DONE,    /* all of them are durable */
};

/* Each lies in arena.  -E2BIG: it does not fit an entry (names in a package too long); -ENOMEM. */
MUST_USE int record_intent(const struct record_call *c, struct arena *arena, struct records *ret,
                           struct err *err);
MUST_USE int record_outcome(const struct record_call *c, const struct record_outcome *o,
                            struct arena *arena, struct records *ret, struct err *err);
/* Behind an outcome.  status: what the caller got in its place; 0: he had gone. */
MUST_USE int record_unshown(const struct record_call *c, uint16_t status, struct arena *arena,
                            struct records *ret, struct err *err);
/* count: how many it stands for, 1 usually. */
MUST_USE int record_denied(const struct record_call *c, const struct refusal *refusal,
                           uint64_t count, struct arena *arena, struct records *ret,
                           struct err *err);

/* A new id: milliseconds and 80 random bits. */
void record_id(int64_t now_ns, const uint8_t random[10], char ret[RECORD_ID + 1]);

/* ---- refused calls by the thousand ---- */

struct record_fold;
MUST_USE int record_fold_new(struct record_fold **ret);
struct record_fold *record_fold_free(struct record_fold *f);
DEFINE_CLEANUP(struct record_fold, record_fold_free)
/* Where what is counted and not told is kept, by reason: REFUSED_REASONS numbers of the caller's,
 * REFUSED_NOT for several reasons together, which outlive this process. */
void record_fold_keep_in(struct record_fold *f, uint64_t *untold);
/* What somebody else had counted and can tell no more, as an entry in arena; reason REFUSED_NOT:
 * several.  -ENOMEM, -E2BIG. */
MUST_USE int record_folded(enum refusal_reason reason, uint64_t count, int64_t now_ns,
                           struct arena *arena, struct records *ret, struct err *err);
/* true: tell this one by itself; false: it was counted. */
bool record_fold_one(struct record_fold *f, const struct record_call *c,
                     const struct refusal *refusal);
/* The next whose second is over (all: or not), as an entry in arena: 1; 0: no more now.  Call it
 * from a timer, until it says 0.  -ENOMEM, -E2BIG: it is still counted. */
MUST_USE int record_fold_due(struct record_fold *f, int64_t now_ns, bool all, struct arena *arena,
                             struct records *ret, struct err *err);

#endif
