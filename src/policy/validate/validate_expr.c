/* SPDX-License-Identifier: Apache-2.0 */
/* validate_expr.c - the type of an expression: the table of rules, literals, logic, numbers.
 *
 * Source: the Cedar documentation, "Policy validation"; capabilities pass from left to right where
 * evaluation does.  Recursion is bounded by CEDAR_DEPTH_MAX. */
#include "policy/validate/validate_check.h"

/* ---- capabilities ---- */

struct caps check_caps_union(struct check *c, struct caps a, struct caps b)
{
        struct caps both = a;
        int r = caps_union(&c->scratch, a, b, &both);

        if (r < 0)
                check_fail(c, r);
        return both;
}

static struct caps common(struct check *c, struct caps a, struct caps b)
{
        struct caps both = { 0 };
        int r = caps_common(&c->scratch, a, b, &both);

        if (r < 0)
                check_fail(c, r);
        return both;
}

/* ---- types ---- */

const struct cedar_type *check_join(struct check *c, struct cedar_pos pos, const char *what,
                                    const struct cedar_type *a, const struct cedar_type *b)
{
        const struct cedar_type *both = NULL;
        int r = cedar_type_join(&c->work, a, b, &both);

        if (r == -EINVAL)
                check_find(c, pos, "%s: %s and %s", what, check_type_text(c, a),
                           check_type_text(c, b));
        else if (r < 0)
                check_fail(c, r);
        return both;
}

static const char *kind_words(enum cedar_kind kind)
{
        switch (kind) {
        case CEDAR_ENTITY:
                return "an entity";
        case CEDAR_SET:
                return "a set";
        case CEDAR_RECORD:
                return "a record";
        default:
                return cedar_kind_name(kind);
        }
}

struct typed check_kind(struct check *c, const struct cedar_expr *e, enum cedar_kind kind,
                        struct caps prior)
{
        struct typed t = check_expr(c, e, prior);

        if (t.type && t.type->kind != kind) {
                check_find(c, e->pos, "%s is wanted here, this is %s", kind_words(kind),
                           check_type_text(c, t.type));
                t.type = NULL;
        }
        return t;
}

/* ---- literals and variables ---- */

static struct typed check_bool(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        (void)c;
        (void)prior;
        return typed_as(cedar_type_truth(e->boolean));
}

static struct typed check_long(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        (void)c;
        (void)e;
        (void)prior;
        return typed_as(cedar_type_basic(CEDAR_LONG));
}

static struct typed check_string(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        (void)c;
        (void)e;
        (void)prior;
        return typed_as(cedar_type_basic(CEDAR_STRING));
}

/* check_names() has complained about those the schema does not know. */
static struct typed check_uid(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        bool known = cedar_type_is_action(e->uid.type)
                             ? cedar_schema_action(c->schema, &e->uid) != NULL
                             : cedar_schema_entity(c->schema, e->uid.type) != NULL;
        struct cedar_type *t = arena_alloc(&c->scratch, sizeof(*t));

        (void)prior;
        if (!t)
                check_fail(c, -ENOMEM);
        if (!t || !known)
                return typed_none();
        *t = (struct cedar_type){ .kind = CEDAR_ENTITY, .entity = e->uid.type };
        return typed_as(t);
}

static struct typed check_var(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cedar_type *const var[] = {
                [VAR_PRINCIPAL] = &c->env->principal,
                [VAR_ACTION] = &c->env->act,
                [VAR_RESOURCE] = &c->env->resource,
                [VAR_CONTEXT] = c->env->context,
        };

        (void)prior;
        return typed_as(var[e->var]);
}

/* ---- logic ---- */

struct typed check_and(struct check *c, struct typed l, struct typed r)
{
        struct caps both = check_caps_union(c, l.caps, r.caps);

        if (!l.type || !r.type)
                return (struct typed){ NULL, both };
        if (l.type == &cedar_type_false || r.type == &cedar_type_false)
                return typed_as(&cedar_type_false);
        return (struct typed){ r.type == &cedar_type_true ? l.type : r.type, both };
}

/* What never is evaluated need not validate. */
static struct typed check_and_rule(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        struct typed l = check_kind(c, e->a, CEDAR_BOOL, prior);

        if (l.type == &cedar_type_false)
                return typed_as(&cedar_type_false);
        return check_and(c, l, check_kind(c, e->b, CEDAR_BOOL, check_caps_union(c, prior, l.caps)));
}

static struct typed check_or(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        struct typed l = check_kind(c, e->a, CEDAR_BOOL, prior), r;

        if (l.type == &cedar_type_true)
                return l;
        r = check_kind(c, e->b, CEDAR_BOOL, prior);
        if (!l.type || !r.type)
                return typed_none();
        if (r.type == &cedar_type_true || l.type == &cedar_type_false)
                return r;
        if (r.type == &cedar_type_false)
                return l;
        return (struct typed){ cedar_type_basic(CEDAR_BOOL), common(c, l.caps, r.caps) };
}

static struct typed check_not(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        struct typed t = check_kind(c, e->a, CEDAR_BOOL, prior);

        if (t.type == &cedar_type_true || t.type == &cedar_type_false)
                return typed_as(cedar_type_truth(t.type == &cedar_type_false));
        return typed_as(t.type);
}

static struct typed check_if(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        struct typed test = check_kind(c, e->a, CEDAR_BOOL, prior), yes, no;

        if (test.type == &cedar_type_false)
                return check_expr(c, e->c, prior);
        yes = check_expr(c, e->b, check_caps_union(c, prior, test.caps));
        yes.caps = check_caps_union(c, yes.caps, test.caps);
        if (test.type == &cedar_type_true)
                return yes;
        no = check_expr(c, e->c, prior);
        if (!test.type || !yes.type || !no.type)
                return typed_none();
        return (struct typed){ check_join(c, e->pos, "then and else have different types", yes.type,
                                          no.type),
                               common(c, yes.caps, no.caps) };
}

/* ---- numbers ---- */

static struct typed check_arithmetic(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        struct typed l = check_kind(c, e->a, CEDAR_LONG, prior), r;

        if (!e->b) /* - */
                return typed_as(l.type);
        r = check_kind(c, e->b, CEDAR_LONG, prior);
        return typed_as(l.type ? r.type : NULL);
}

static bool has_order(const struct cedar_type *t)
{
        return t->kind == CEDAR_LONG || t->kind == CEDAR_DATETIME || t->kind == CEDAR_DURATION;
}

static struct typed check_order(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        struct typed l = check_expr(c, e->a, prior), r = check_expr(c, e->b, prior);

        if (!l.type || !r.type)
                return typed_none();
        if (has_order(l.type) && l.type->kind == r.type->kind)
                return typed_bool();
        if (has_order(l.type) || has_order(r.type))
                check_find(c, e->pos, "only values of one type can be compared: %s and %s",
                           check_type_text(c, l.type), check_type_text(c, r.type));
        else
                check_find(c, e->pos, "%s has no order: Long, datetime and duration have",
                           check_type_text(c, l.type));
        return typed_none();
}

/* ---- the table ---- */

static check_rule *const rules[] = {
        [OP_BOOL] = check_bool,
        [OP_LONG] = check_long,
        [OP_STRING] = check_string,
        [OP_UID] = check_uid,
        [OP_VAR] = check_var,
        [OP_IF] = check_if,
        [OP_OR] = check_or,
        [OP_AND] = check_and_rule,
        [OP_EQ] = check_eq,
        [OP_NE] = check_ne,
        [OP_LT] = check_order,
        [OP_LE] = check_order,
        [OP_GT] = check_order,
        [OP_GE] = check_order,
        [OP_IN] = check_in,
        [OP_ADD] = check_arithmetic,
        [OP_SUB] = check_arithmetic,
        [OP_MUL] = check_arithmetic,
        [OP_NOT] = check_not,
        [OP_NEG] = check_arithmetic,
        [OP_HAS] = check_has,
        [OP_LIKE] = check_like,
        [OP_IS] = check_is,
        [OP_GET] = check_get,
        [OP_SET] = check_set,
        [OP_RECORD] = check_record,
        [OP_FN] = check_fn,
        [OP_CONTAINS] = check_contains,
        [OP_CONTAINS_ALL] = check_contains_set,
        [OP_CONTAINS_ANY] = check_contains_set,
        [OP_IS_EMPTY] = check_is_empty,
        [OP_GET_TAG] = check_get_tag,
        [OP_HAS_TAG] = check_has_tag,
};

bool check_steps(struct check *c, uint64_t n)
{
        if (c->work.steps < n)
                check_fail(c, -E2BIG);
        if (c->failed < 0)
                return false;
        c->work.steps -= n;
        return true;
}

struct typed check_expr(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        if (!check_steps(c, 1))
                return typed_none();
        return rules[e->op](c, e, prior);
}
