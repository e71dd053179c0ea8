/* SPDX-License-Identifier: Apache-2.0 */
/* validate_attr.c - the rules for attributes and tags, and what `has` and hasTag() tell.
 *
 * An attribute that the schema requires is certain in a record, but not in an entity: the entity
 * may not be there, and then `has` is false. */
#include "policy/validate/validate_check.h"

/* ---- capabilities ---- */

static uint32_t number_of(struct check *c, const struct cap *cap)
{
        uint32_t number = 0;
        int r = cap_number(&c->table, cap, &c->work.steps, &number);

        if (r < 0)
                check_fail(c, r);
        return number;
}

static struct caps only(struct check *c, uint32_t number)
{
        uint32_t *at = arena_alloc(&c->scratch, sizeof(*at));

        if (!at) {
                check_fail(c, -ENOMEM);
                return (struct caps){ 0 };
        }
        *at = number;
        return (struct caps){ at, 1 };
}

/* ---- attributes ---- */

/* The record type with t's attributes; NULL: such an entity has none. */
static const struct cedar_type *attrs_of(const struct check *c, const struct cedar_type *t)
{
        const struct cedar_entity_type *entity;

        if (t->kind == CEDAR_RECORD)
                return t;
        entity = cedar_schema_entity(c->schema, t->entity);
        return entity ? entity->attrs : NULL;
}

static const struct cedar_attr *attr_of(const struct check *c, const struct cedar_type *t,
                                        struct span name)
{
        const struct cedar_type *attrs = attrs_of(c, t);

        return attrs ? cedar_type_attr(attrs, name) : NULL;
}

/* false, with a finding, when values of type t have no attributes. */
static bool may_have_attrs(struct check *c, const struct cedar_expr *e, const struct cedar_type *t)
{
        if (t->kind == CEDAR_ENTITY || t->kind == CEDAR_RECORD)
                return true;
        check_find(c, e->pos, "%s has no attributes: this is %s", check_expr_text(c, e),
                   check_type_text(c, t));
        return false;
}

struct typed check_get(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cedar_type *of = check_expr(c, e->a, prior).type;
        const struct cap cap = { .of = e->a, .attr = e->text };
        const struct cedar_attr *attr;

        if (!of || !may_have_attrs(c, e->a, of) || !check_steps(c, e->text.n / CEDAR_STEP_BYTES))
                return typed_none();
        attr = attr_of(c, of, e->text);
        if (!attr) {
                check_find(c, e->pos, "%s has no attribute %s", check_type_text(c, of),
                           check_text(c, e->text));
                return typed_none();
        }
        if (!attr->required && !caps_have(prior, number_of(c, &cap)))
                check_find(c, e->pos, "%s may be absent: ask with `has` first",
                           check_expr_text(c, e));
        return typed_as(attr->type);
}

/* `of has attr`, where of is of type t. */
static struct typed has_one(struct check *c, const struct cedar_expr *of,
                            const struct cedar_type *t, struct span name, struct caps prior)
{
        const struct cedar_attr *attr = attr_of(c, t, name);
        const struct cap cap = { .of = of, .attr = name };
        uint32_t number;
        bool sure;

        if (!attr || !check_steps(c, name.n / CEDAR_STEP_BYTES))
                return typed_as(&cedar_type_false);
        number = number_of(c, &cap);
        sure = (t->kind == CEDAR_RECORD && attr->required) || caps_have(prior, number);
        return (struct typed){ sure ? &cedar_type_true : cedar_type_basic(CEDAR_BOOL),
                               only(c, number) };
}

/* `a.name`, for the rest of `a has name.rest`. */
static const struct cedar_expr *step(struct check *c, const struct cedar_expr *a, struct span name)
{
        struct cedar_expr *e = arena_alloc(&c->scratch, sizeof(*e));

        if (!e) {
                check_fail(c, -ENOMEM);
                return a;
        }
        *e = (struct cedar_expr){ .op = OP_GET, .pos = a->pos, .a = a, .text = name };
        return e;
}

/* `a has x.y` is `a has x && a.x has y`. */
struct typed check_has(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cedar_type *t = check_expr(c, e->a, prior).type;
        struct typed all = typed_as(&cedar_type_true);
        const struct cedar_expr *of = e->a;

        for (uint32_t i = 0; i < e->n && t; i++) {
                struct caps known = check_caps_union(c, prior, all.caps);

                if (!may_have_attrs(c, of, t))
                        return (struct typed){ NULL, all.caps };
                all = check_and(c, all, has_one(c, of, t, e->path[i], known));
                if (all.type == &cedar_type_false)
                        return all;
                of = step(c, of, e->path[i]);
                t = attr_of(c, t, e->path[i])->type;
        }
        return t ? all : typed_none();
}

/* ---- tags ---- */

/* The type of the tags of e->a, NULL: it has none; *ret_entity is NULL after a complaint. */
static const struct cedar_type *tags_of(struct check *c, const struct cedar_expr *e,
                                        struct caps prior, const struct cedar_type **ret_entity)
{
        const struct cedar_type *of = check_kind(c, e->a, CEDAR_ENTITY, prior).type;
        const struct cedar_type *key = check_kind(c, e->b, CEDAR_STRING, prior).type;
        const struct cedar_entity_type *entity;

        *ret_entity = key ? of : NULL;
        if (!of || !key)
                return NULL;
        entity = cedar_schema_entity(c->schema, of->entity);
        return entity ? entity->tags : NULL;
}

struct typed check_has_tag(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cap cap = { .of = e->a, .tag = e->b };
        const struct cedar_type *of, *tags = tags_of(c, e, prior, &of);
        uint32_t number;

        if (!of)
                return typed_none();
        if (!tags)
                return typed_as(&cedar_type_false);
        number = number_of(c, &cap);
        return (struct typed){ caps_have(prior, number) ? &cedar_type_true
                                                        : cedar_type_basic(CEDAR_BOOL),
                               only(c, number) };
}

struct typed check_get_tag(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cap cap = { .of = e->a, .tag = e->b };
        const struct cedar_type *of, *tags = tags_of(c, e, prior, &of);

        if (!of)
                return typed_none();
        if (!tags)
                check_find(c, e->pos, "%s has no tags", check_type_text(c, of));
        else if (!caps_have(prior, number_of(c, &cap)))
                check_find(c, e->pos, "%s may be absent: ask with hasTag() first",
                           check_expr_text(c, e));
        return typed_as(tags);
}
