/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_partial.h - what holds of decisions about the fuzzed policies where not all is known. */
#ifndef FUZZ_CEDAR_PARTIAL_H
#define FUZZ_CEDAR_PARTIAL_H

#include "cedar_world.h"
#include "policy/partial/partial.h"

/* Among them? */
static inline bool cedar_partial_faults(const struct cedar_answer *a, const struct cedar_policy *p)
{
        for (uint32_t i = 0; i < a->n_faults; i++)
                if (a->faults[i].policy == p)
                        return true;
        return false;
}

static inline bool cedar_partial_reason(const struct cedar_answer *a, const struct cedar_policy *p)
{
        for (uint32_t i = 0; i < a->n_reasons; i++)
                if (a->reasons[i] == p)
                        return true;
        return false;
}

/* One policy that is not said to be STAND_NOT. */
static inline void cedar_partial_one(const struct cedar_partial_policy *p,
                                     const struct cedar_answer *a, bool hidden)
{
        const bool decides =
                (a->n_reasons > 0 ? a->reasons[0]->effect : CEDAR_PERMIT) == p->policy->effect;

        assert(hidden || p->stand != STAND_DEPENDS);
        assert((p->stand == STAND_DEPENDS) == (p->n_on > 0));
        assert(p->stand != STAND_FAULT || cedar_partial_faults(a, p->policy));
        assert(p->stand != STAND_HOLDS || !decides || cedar_partial_reason(a, p->policy));
        for (uint32_t i = 1; i < p->n_on; i++)
                assert(span_cmp(p->on[i - 1], p->on[i]) < 0);
}

static inline void cedar_partial_agrees(const struct cedar_policies *policies,
                                        const struct cedar_unknown *u, const struct cedar_answer *a)
{
        const struct cedar_world *w = cedar_world();
        const bool hidden = u->principal || u->resource || u->n_places;
        struct arena arena = ARENA_INIT(1 << 30);
        struct cedar_partial_answer p;
        uint32_t faults = 0, reasons = 0;

        assert(cedar_decide_partial(policies, w->entities, &w->request, u, false, &arena, &p) == 0);
        assert(hidden || p.decision != PARTIAL_DEPENDS);
        if (p.decision != PARTIAL_DEPENDS)
                assert((p.decision == PARTIAL_ALLOW) == (a->decision == CEDAR_PERMIT));
        for (uint32_t i = 0; i < p.n_policies; i++) {
                cedar_partial_one(&p.policies[i], a, hidden);
                faults += p.policies[i].stand == STAND_FAULT;
                reasons += cedar_partial_reason(a, p.policies[i].policy);
        }
        assert(reasons == a->n_reasons && (hidden || faults == a->n_faults));
        arena_done(&arena);
}

/* With nothing, each variable, some places and all of the context hidden. */
static inline void cedar_partial_holds(const struct cedar_policies *policies,
                                       const struct cedar_answer *a)
{
        static const struct span deep[] = { SPAN("r"), SPAN("a"), SPAN("b") };
        static const struct span n[] = { SPAN("n") };
        static const struct cedar_place_name places[] = { { deep, 3 }, { n, 1 }, { NULL, 0 } };
        static const struct cedar_unknown all[] = {
                { .principal = false },
                { .principal = true },
                { .resource = true },
                { .places = places, .n_places = 2 },
                { .principal = true, .resource = true, .places = places, .n_places = 3 },
        };

        for (size_t i = 0; i < ARRAY_LEN(all); i++)
                cedar_partial_agrees(policies, &all[i], a);
}

#endif
