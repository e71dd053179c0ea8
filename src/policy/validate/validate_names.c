/* SPDX-License-Identifier: Apache-2.0 */
/* validate_names.c - names the schema does not have, also where evaluation never comes. */
#include "policy/validate/validate_check.h"

static void check_type_name(struct check *c, struct cedar_pos pos, struct span type)
{
        if (!cedar_type_is_action(type) && !cedar_schema_entity(c->schema, type))
                check_find(c, pos, "the schema has no entity type %.*s", (int)MIN_OF(type.n, 200u),
                           (const char *)type.p);
}

static void check_uid_name(struct check *c, struct cedar_pos pos, const struct cedar_uid *uid)
{
        const struct cedar_entity_type *t = cedar_schema_entity(c->schema, uid->type);

        if (cedar_type_is_action(uid->type)) {
                if (!cedar_schema_action(c->schema, uid))
                        check_find(c, pos, "the schema has no action %s", check_uid_text(c, uid));
                return;
        }
        check_type_name(c, pos, uid->type);
        if (!t || cedar_entity_type_has(t, uid->id))
                return;
        /* A template is linked by whoever uses it: the link is of no use, but does no harm. */
        (c->policy->of.n ? check_warn : check_find)(c, pos,
                                                    "%s: the ids of this type are enumerated, and "
                                                    "this is not one of them",
                                                    check_uid_text(c, uid));
}

static void check_scope_names(struct check *c, const struct cedar_scope *s)
{
        if (s->kind == SCOPE_IS || s->kind == SCOPE_IS_IN)
                check_type_name(c, s->pos, s->type);
        for (uint32_t i = 0; s->uids && i < s->n; i++)
                check_uid_name(c, s->pos, &s->uids[i]);
}

static void check_expr_names(struct check *c, const struct cedar_expr *e)
{
        const struct cedar_expr *const part[] = { e->a, e->b, e->c };

        if (e->op == OP_UID)
                check_uid_name(c, e->pos, &e->uid);
        if (e->op == OP_IS)
                check_type_name(c, e->pos, e->text);
        for (size_t i = 0; i < ARRAY_LEN(part); i++)
                if (part[i])
                        check_expr_names(c, part[i]);
        if (e->op == OP_SET || e->op == OP_RECORD || e->op == OP_FN)
                for (uint32_t i = 0; i < e->n; i++)
                        check_expr_names(c, e->items[i]);
}

void check_names(struct check *c)
{
        const struct cedar_policy *p = c->policy;

        check_scope_names(c, &p->principal);
        check_scope_names(c, &p->action);
        check_scope_names(c, &p->resource);
        if (p->of.n) /* said of the template already */
                return;
        for (uint32_t i = 0; i < p->n_conditions; i++)
                check_expr_names(c, p->conditions[i].expr);
}
