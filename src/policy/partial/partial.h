/* SPDX-License-Identifier: Apache-2.0 */
/* partial.h - what policies decide when part of a request is not known.  Floor 2, pure, for
 * commands: it walks the expressions themselves and may allocate.
 *
 * Not known may be: which entity the principal or the resource is (its type always is), or places
 * of the context.  What is not known may be there or not, and have any value; with a schema, any
 * that the schema allows.  A principal that is not known may be no entity, one of the store, or one
 * that its request brings (extra.h).
 *
 * Sound, not complete: PARTIAL_ALLOW and PARTIAL_DENY hold for every request that agrees with
 * what is known (cedar_decide() would come to the same); PARTIAL_DEPENDS only says that this could
 * not be shown, and on what it hangs.  With nothing unknown it is cedar_decide() exactly: the same
 * decision, reasons and faults (a test holds them side by side). */
#ifndef POLICY_PARTIAL_H
#define POLICY_PARTIAL_H

#include "policy/evaluate/program.h"
#include "policy/schema/schema.h"

/* A place in the context: `body.amount` is {"body", "amount"}; n 0: all of the context.  Where the
 * request's context has no record `body`, all of `body` is unknown. */
struct cedar_place_name {
        const struct span *names;
        uint32_t n;
};

/* What a request may say of its principal, as an entity that it brings (extra.h), beside what is
 * known of it.  Of one that is known, that is what its entity says, in request->extra or the store.
 * One that is not known is then a stranger, none of the store's; what an entity in request->extra
 * by the name request->principal (which the store does not have) says holds of it nevertheless,
 * and of no other: the name stands for nobody.  The entity is
 * brought whole: what the schema requires it has. */
struct cedar_brings {
        bool groups;                      /* parents */
        const struct cedar_uid *no_group; /* ... but this, which no group of the store is in; NULL:
                                             any */
        const struct span *attributes;    /* these; no tags */
        uint32_t n_attributes;
};

struct cedar_unknown {
        bool principal, resource; /* only the type of request->principal, ->resource is known */
        const struct cedar_place_name *places; /* of the context; what the request has there is not
                                                  looked at */
        uint32_t n_places;
        const struct cedar_schema *schema; /* that all that is unknown agrees with; NULL: none */
        const struct cedar_brings *brings; /* NULL: anything, of a principal that is not known; of
                                              one that is nothing */
};

enum cedar_partial {
        PARTIAL_DENY,
        PARTIAL_ALLOW,
        PARTIAL_DEPENDS,
};

/* How one policy stands. */
enum cedar_stand {
        STAND_NOT,     /* it does not hold, whatever the unknown is */
        STAND_HOLDS,   /* it holds, whatever the unknown is */
        STAND_FAULT,   /* it errs, whatever the unknown is */
        STAND_DEPENDS, /* not shown; ->on says on what it hangs */
};

struct cedar_partial_policy {
        const struct cedar_policy *policy;
        enum cedar_stand stand;
        /* STAND_DEPENDS: `principal`, `principal.dept`, `principal in Group::"g"`,
         * `context.body.amount`: as Cedar spells them, ascending, none twice. */
        struct span *on;
        uint32_t n_on;
};

struct cedar_partial_answer {
        enum cedar_partial decision;
        /* Those that are not STAND_NOT, in the order of the policies. */
        struct cedar_partial_policy *policies;
        uint32_t n_policies;
};

/* forbid_faults: a forbid that errs forbids (as the gateway has it, docs/gateway.md).  Templates
 * are left out.  The answer lies in arena.  -ENOMEM; -E2BIG: a place deeper than CEDAR_DEPTH_MAX.
 */
MUST_USE int cedar_decide_partial(const struct cedar_policies *policies,
                                  const struct cedar_entities *entities,
                                  const struct cedar_request *request,
                                  const struct cedar_unknown *unknown, bool forbid_faults,
                                  struct arena *arena, struct cedar_partial_answer *ret);

#endif
