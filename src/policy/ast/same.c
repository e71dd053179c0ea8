/* SPDX-License-Identifier: Apache-2.0 */
/* same.c - see same.h.  Floor 2, pure. */
#include "policy/ast/same.h"

#include "policy/validate/validate_same.h"

/* Of one condition: what has all its keys in their order takes fewer than its text has bytes. */
static const uint64_t STEPS_MAX = 1000ull * 1000 * 1000;

static bool same_scope(const struct cedar_scope *a, const struct cedar_scope *b)
{
        if (a->kind != b->kind || a->slot != b->slot || !a->uids != !b->uids || a->n != b->n ||
            !span_eq(a->type, b->type))
                return false;
        for (uint32_t i = 0; a->uids && i < a->n; i++)
                if (!cedar_uid_eq(&a->uids[i], &b->uids[i]))
                        return false;
        return true;
}

static bool same_annotations(const struct cedar_policy *a, const struct cedar_policy *b)
{
        if (a->n_annotations != b->n_annotations)
                return false;
        for (uint32_t i = 0; i < a->n_annotations; i++) {
                const struct cedar_annotation *x = &a->annotations[i], *y = &b->annotations[i];

                if (!span_eq(x->key, y->key) || !span_eq(x->value, y->value) ||
                    x->has_value != y->has_value)
                        return false;
        }
        return true;
}

static bool same_conditions(const struct cedar_policy *a, const struct cedar_policy *b)
{
        if (a->n_conditions != b->n_conditions)
                return false;
        for (uint32_t i = 0; i < a->n_conditions; i++) {
                uint64_t steps = STEPS_MAX;

                if (a->conditions[i].unless != b->conditions[i].unless ||
                    !cedar_expr_same(a->conditions[i].expr, b->conditions[i].expr, &steps))
                        return false;
        }
        return true;
}

static bool same_policy(const struct cedar_policy *a, const struct cedar_policy *b)
{
        return span_eq(a->id, b->id) && a->effect == b->effect && a->template == b->template &&
               span_eq(a->of, b->of) && same_annotations(a, b) &&
               same_scope(&a->principal, &b->principal) && same_scope(&a->action, &b->action) &&
               same_scope(&a->resource, &b->resource) && same_conditions(a, b);
}

bool cedar_policies_same(const struct cedar_policies *a, const struct cedar_policies *b)
{
        if (a->n != b->n || a->n_comments != b->n_comments)
                return false;
        for (uint32_t i = 0; i < a->n; i++)
                if (!same_policy(&a->policies[i], &b->policies[i]))
                        return false;
        for (uint32_t i = 0; i < a->n_comments; i++)
                if (!span_eq(a->comments[i].text, b->comments[i].text))
                        return false;
        return true;
}
