/* SPDX-License-Identifier: Apache-2.0 */
/* validate_scope.c - which requests a policy's scope lets through, as far as types tell. */
#include "policy/validate/validate_check.h"

bool scope_may_hold(const struct cedar_schema *s, const struct cedar_scope *scope, struct span type)
{
        bool in =
                scope->slot || scope->n == 0 || cedar_schema_type_in(s, type, scope->uids[0].type);

        switch (scope->kind) {
        case SCOPE_EQ:
                return scope->slot || span_eq(type, scope->uids[0].type);
        case SCOPE_IN:
                return in;
        case SCOPE_IS:
                return span_eq(type, scope->type);
        case SCOPE_IS_IN:
                return span_eq(type, scope->type) && in;
        default:
                return true;
        }
}

bool scope_may_hold_action(const struct cedar_schema *s, const struct cedar_scope *scope,
                           const struct cedar_uid *action)
{
        switch (scope->kind) {
        case SCOPE_EQ:
                return cedar_uid_eq(action, &scope->uids[0]);
        case SCOPE_IN:
        case SCOPE_IN_LIST:
                for (uint32_t i = 0; i < scope->n; i++)
                        if (cedar_schema_action_in(s, action, &scope->uids[i]))
                                return true;
                return false;
        default:
                return true;
        }
}

void check_scope_actions(struct check *c)
{
        const struct cedar_scope *scope = &c->policy->action;

        if (scope->kind != SCOPE_IN_LIST || c->policy->of.n)
                return;
        for (uint32_t i = 1; i < scope->n; i++)
                if (!span_eq(scope->uids[i].type, scope->uids[0].type)) {
                        check_find(c, scope->pos, "the actions %s and %s are of different types",
                                   check_uid_text(c, &scope->uids[0]),
                                   check_uid_text(c, &scope->uids[i]));
                        return;
                }
}
