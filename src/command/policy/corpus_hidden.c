/* SPDX-License-Identifier: Apache-2.0 */
/* corpus_hidden.c - see corpus_hidden.h. */
#include "command/policy/corpus_hidden.h"

static const struct cedar_place_name whole; /* the context */

static const struct {
        const char *what;
        struct cedar_unknown unknown;
} hidden[] = {
        { "hidden: nothing", { 0 } },
        { "hidden: the principal", { .principal = true } },
        { "hidden: the resource", { .resource = true } },
        { "hidden: the context", { .places = &whole, .n_places = 1 } },
        { "hidden: all but the action",
          { .principal = true, .resource = true, .places = &whole, .n_places = 1 } },
};

static bool is_reason(const struct cedar_answer *a, const struct cedar_policy *p)
{
        for (uint32_t i = 0; i < a->n_reasons; i++)
                if (a->reasons[i] == p)
                        return true;
        return false;
}

static bool is_fault(const struct cedar_answer *a, const struct cedar_policy *p)
{
        for (uint32_t i = 0; i < a->n_faults; i++)
                if (a->faults[i].policy == p)
                        return true;
        return false;
}

static const char *word(enum cedar_partial d)
{
        return d == PARTIAL_ALLOW ? "allow" : d == PARTIAL_DENY ? "deny" : "it depends";
}

/* How a policy may stand, by an answer: one that holds is told only where its effect decides. */
static bool may_stand(const struct cedar_answer *a, const struct cedar_policy *p,
                      enum cedar_stand stand)
{
        const bool told = a->n_reasons > 0 && a->reasons[0]->effect == p->effect;

        switch (stand) {
        case STAND_NOT:
                return !is_reason(a, p) && !is_fault(a, p);
        case STAND_HOLDS:
                return is_reason(a, p) || (!told && a->n_reasons > 0 && !is_fault(a, p));
        case STAND_FAULT:
                return is_fault(a, p);
        case STAND_DEPENDS:
                break;
        }
        return true;
}

static bool stands_agree(const struct cedar_policies *policies,
                         const struct cedar_partial_answer *p, const struct cedar_answer *a)
{
        uint32_t at = 0;

        for (uint32_t i = 0; i < policies->n; i++) {
                const struct cedar_policy *policy = &policies->policies[i];
                enum cedar_stand stand = STAND_NOT;

                if (policy->template)
                        continue;
                if (at < p->n_policies && p->policies[at].policy == policy)
                        stand = p->policies[at++].stand;
                if (!may_stand(a, policy, stand))
                        return false;
        }
        return at == p->n_policies;
}

static bool is_sure(const struct cedar_partial_answer *p)
{
        for (uint32_t i = 0; i < p->n_policies; i++)
                if (p->policies[i].stand == STAND_DEPENDS)
                        return false;
        return p->decision != PARTIAL_DEPENDS;
}

int corpus_hidden(const struct cedar_policies *policies, const struct cedar_entities *entities,
                  const struct cedar_schema *schema, const struct cedar_request *request,
                  const struct cedar_answer *answer, struct arena *arena, struct corpus_hidden *ret)
{
        const char *want = answer->decision == CEDAR_PERMIT ? "allow" : "deny";

        *ret = (struct corpus_hidden){ 0 };
        for (size_t i = 0; i < ARRAY_LEN(hidden) && !ret->what; i++) {
                struct cedar_unknown u = hidden[i].unknown;
                struct cedar_partial_answer p;
                const char *got;
                int rc;

                u.schema = schema;
                rc = cedar_decide_partial(policies, entities, request, &u, false, arena, &p);
                if (rc < 0)
                        return rc;
                got = word(p.decision);
                if (p.decision != PARTIAL_DEPENDS && strcmp(got, want) != 0)
                        *ret = (struct corpus_hidden){ hidden[i].what, got, want };
                else if (!stands_agree(policies, &p, answer) || (i == 0 && !is_sure(&p)))
                        *ret = (struct corpus_hidden){ hidden[i].what, "another policy decides",
                                                       "as when nothing is hidden" };
        }
        return 0;
}
