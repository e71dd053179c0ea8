/* SPDX-License-Identifier: Apache-2.0 */
/* exchange_priv.h - what exchange.c and the parts of it share.  Floor 3. */
#ifndef GATEWAY_EXCHANGE_PRIV_H
#define GATEWAY_EXCHANGE_PRIV_H

#include "gateway/exchange/exchange.h"
#include "package/call/call.h"

enum {
        EXCHANGE_BASE_MAX = 4 << 20,      /* bytes of memory for all but bodies */
        EXCHANGE_TELLING_MAX = 256 << 10, /* more of it for the entry and the reply of a refusal */
        /* Of callers nobody has verified an address has the limits of so many, whatever they are
         * called: there may be several behind it. */
        EXCHANGE_NAMES = 10,
        /* And for each byte of a body: a tree and what is made of it, at worst of an array of
         * digits. */
        EXCHANGE_BYTES_PER_BYTE = 64,
};

enum exchange_state {
        X_JUDGING,  /* not yet given back to the owner */
        X_READING,  /* the owner reads the body */
        X_INTENT,   /* the intent is on its way to the recorder */
        X_CACHED,   /* so are intent and outcome, of an answer that is kept */
        X_CALLING,  /* the back-end is asked */
        X_OUTCOME,  /* the outcome is on its way to the recorder */
        X_DENIED,   /* so is the refusal */
        X_ANSWERED, /* the reply is the caller's */
        X_STATES,
};

/* A question that policies are asked, but for the action and what it is about. */
struct exchange_asker {
        struct cedar_entity caller;
        struct cedar_uid object;
        struct cedar_value context;      /* of the call */
        struct cedar_value read_context; /* of its data; kind 0 and n 0 until it is wanted */
};

struct exchange_caching {
        const struct config_cache *rule; /* NULL: this call's answer is not kept */
        uint8_t key[SHA256_LEN];
        uint64_t erased;          /* how often it had been when the back-end was asked */
        bool hit;                 /* what was found lies in: */
        uint8_t *room;            /* malloc()ed */
        size_t used;              /* of it */
        struct http_header media; /* its only header */
};

struct exchange_private {
        enum exchange_state state;
        struct gateway *gateway;
        const struct request_raw *raw;
        const struct serving_api *api; /* NULL until the package is known */
        struct request request;
        struct route route; /* operation NULL until it is known */
        struct credential credential;
        struct call call;
        struct span body_text;
        struct tree body;
        struct mask_found writes;
        struct exchange_asker asker;
        struct cedar_answer decision; /* good until the bench decides again */
        struct record_call record;    /* what is known so far */
        struct outgoing outgoing;     /* x->outgoing, once the intent is recorded */
        struct exchange_caching caching;
        struct answer answer;
        struct refusal refusal; /* reason REFUSED_NOT: it is served */
        int64_t again_ns;       /* with a refusal by a limit */
        int64_t called_ns;      /* when the back-end was asked */
        int64_t backend_ns;     /* how long that took; -1: it was not asked */
        uint16_t backend_status;
        struct reply reply; /* x->reply, once it may be seen */
        bool of_backend;    /* it has bytes of the back-end's */
        bool permitted, intent_recorded, outcome_recorded;
        bool folded; /* the refusal is told with others */
};

/* ---- exchange_judge.c ---- */

/* All that is asked before the body is read, and behind it; in the order of docs/gateway.md.  0;
 * -EACCES: p->refusal is set; -ENOMEM. */
MUST_USE int exchange_judge_head(struct exchange *x);
MUST_USE int exchange_judge_rest(struct exchange *x);

/* May it?  Forbid wins, no permit denies, and so does a forbid that errs.  The answer's lists are
 * good until the next. */
bool exchange_ask(const struct exchange *x, const struct cedar_uid *action,
                  const struct cedar_uid *resource, const struct cedar_value *context,
                  struct cedar_answer *ret);

/* ---- exchange_answer.c ---- */

/* What the back-end said, checked and masked: p->answer.  0; -EACCES: p->refusal is set; -ENOMEM.
 */
MUST_USE int exchange_check_answer(struct exchange *x, const struct answer_raw *raw);
/* It as the reply, p->reply; -ENOMEM. */
MUST_USE int exchange_show_answer(struct exchange *x);

/* ---- exchange_shared.c ---- */

/* One of the checks: takes of the caller's limit. */
MUST_USE int exchange_take_limit(struct exchange *x);
/* Whether answers of this call are kept, and under which key; p->outgoing is made. */
void exchange_prepare_cache(struct exchange *x);
/* The answer that is kept: true, and *ret lives until exchange_forget_cached(). */
bool exchange_find_cached(struct exchange *x, int64_t now_ns, struct answer_raw *ret);
/* Keeps an answer that was found good, if it may be. */
void exchange_keep(struct exchange *x, const struct answer_raw *raw, int64_t now_ns);
/* The back-end may have changed something. */
void exchange_wrote(struct exchange *x);
void exchange_forget_cached(struct exchange *x);

#endif
