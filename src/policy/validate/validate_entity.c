/* SPDX-License-Identifier: Apache-2.0 */
/* validate_entity.c - the rules for ==, `in` and `is`, where types alone can tell the answer. */
#include "policy/validate/validate_check.h"

/* ---- what stands there in so many words ---- */

/* The entity that e names: a literal, or `action`, which has one value in each kind of request. */
static const struct cedar_uid *uid_of(const struct check *c, const struct cedar_expr *e)
{
        if (e->op == OP_UID)
                return &e->uid;
        return e->op == OP_VAR && e->var == VAR_ACTION ? &c->env->action->uid : NULL;
}

static bool is_literal(const struct check *c, const struct cedar_expr *e)
{
        return e->op == OP_BOOL || e->op == OP_LONG || e->op == OP_STRING || uid_of(c, e);
}

static bool same_literal(const struct check *c, const struct cedar_expr *a,
                         const struct cedar_expr *b)
{
        const struct cedar_uid *ua = uid_of(c, a), *ub = uid_of(c, b);

        if (ua || ub)
                return ua && ub && cedar_uid_eq(ua, ub);
        if (a->op != b->op)
                return false;
        if (a->op == OP_BOOL)
                return a->boolean == b->boolean;
        return a->op == OP_LONG ? a->number == b->number : span_eq(a->text, b->text);
}

/* ---- == ---- */

struct typed check_eq(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cedar_type *l = check_expr(c, e->a, prior).type;
        const struct cedar_type *r = check_expr(c, e->b, prior).type;

        if (!l || !r)
                return typed_none();
        if (l->kind == CEDAR_ENTITY && r->kind == CEDAR_ENTITY && !span_eq(l->entity, r->entity))
                return typed_as(&cedar_type_false);
        if (is_literal(c, e->a) && is_literal(c, e->b))
                return typed_as(cedar_type_truth(same_literal(c, e->a, e->b)));
        if (!check_join(c, e->pos, "values of different types are compared", l, r))
                return typed_none();
        return typed_bool();
}

struct typed check_ne(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        struct typed t = check_eq(c, e, prior);

        if (t.type == &cedar_type_true || t.type == &cedar_type_false)
                return typed_as(cedar_type_truth(t.type == &cedar_type_false));
        return t;
}

/* ---- in ---- */

/* Does a descend from any that e, a literal or a set of them, names?  false: e is something
 * else. */
static bool action_in_literals(const struct check *c, const struct cedar_uid *a,
                               const struct cedar_expr *e, bool *ret_in)
{
        const struct cedar_expr *const *items = e->op == OP_SET ? e->items : &e;
        uint32_t n = e->op == OP_SET ? e->n : 1;
        bool in = false;

        for (uint32_t i = 0; i < n; i++) {
                const struct cedar_uid *b = uid_of(c, items[i]);

                if (!b)
                        return false;
                in = in || cedar_schema_action_in(c->schema, a, b);
        }
        *ret_in = in;
        return true;
}

/* The entity type on the right of `in`; NULL with a finding when there is none. */
static const struct cedar_type *container(struct check *c, const struct cedar_expr *e,
                                          const struct cedar_type *t)
{
        const struct cedar_type *of = t && t->kind == CEDAR_SET ? t->item : t;

        if (of && of->kind != CEDAR_ENTITY) {
                check_find(c, e->pos, "an entity or a set of entities is wanted here, this is %s",
                           check_type_text(c, t));
                return NULL;
        }
        return of;
}

/* May some action of type a be in one of another type b?  Groups may lie in another namespace. */
static bool action_types_in(const struct cedar_schema *s, struct span a, struct span b)
{
        for (uint32_t i = 0; i < s->n_actions; i++) {
                const struct cedar_action *action = &s->actions[i];

                if (!span_eq(action->uid.type, a))
                        continue;
                for (uint32_t j = 0; j < action->n_above; j++)
                        if (span_eq(s->actions[action->above[j]].uid.type, b))
                                return true;
        }
        return false;
}

static bool types_in(const struct cedar_schema *s, struct span a, struct span b)
{
        if (span_eq(a, b))
                return true;
        return cedar_type_is_action(a) ? action_types_in(s, a, b) : cedar_schema_type_in(s, a, b);
}

struct typed check_in(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cedar_type *l = check_kind(c, e->a, CEDAR_ENTITY, prior).type;
        const struct cedar_type *r = container(c, e->b, check_expr(c, e->b, prior).type);
        const struct cedar_uid *action = uid_of(c, e->a);
        bool in;

        if (!l || !r)
                return typed_none();
        if (action && cedar_type_is_action(action->type) &&
            action_in_literals(c, action, e->b, &in))
                return typed_as(cedar_type_truth(in));
        if (!types_in(c->schema, l->entity, r->entity))
                return typed_as(&cedar_type_false);
        return typed_bool();
}

/* ---- is ---- */

struct typed check_is(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        struct typed t = check_kind(c, e->a, CEDAR_ENTITY, prior);
        struct cedar_expr in = { .op = OP_IN, .pos = e->pos, .a = e->a, .b = e->b };

        if (!t.type)
                return typed_none();
        t = typed_as(cedar_type_truth(span_eq(t.type->entity, e->text)));
        if (!e->b || t.type == &cedar_type_false)
                return t;
        return check_in(c, &in, prior);
}
