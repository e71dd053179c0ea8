/* SPDX-License-Identifier: Apache-2.0 */
/* part_entity.c - attributes, membership and equality where not all is known; see part.h.  Floor 2,
 * pure. */
#include "policy/entities/extra.h"
#include "policy/partial/part.h"

enum { NAMED_MAX = 8 }; /* groups of one question that are named one by one */

/* ---- attributes ---- */

static struct part_found attribute_of_type(struct part_walk *w, const struct part *of,
                                           const struct cedar_type *record, struct span key,
                                           bool absent)
{
        struct part_found f = { .absent = true };

        for (uint32_t i = 0; i < record->n; i++)
                if (span_eq(record->attrs[i].name, key)) {
                        f.there = true;
                        f.absent = absent || !record->attrs[i].required;
                        f.part = part_of_type(record->attrs[i].type,
                                              of->path ? part_path(w, of->path, key) : NULL);
                }
        return f;
}

/* Of any entity of a type: it may not be there at all. */
static struct part_found attribute_of_entity(struct part_walk *w, const struct part *of,
                                             struct span type, struct span key)
{
        const struct cedar_entity_type *t =
                w->unknown->schema ? cedar_schema_entity(w->unknown->schema, type) : NULL;

        if (t)
                return attribute_of_type(w, of, t->attrs, key, true);
        return (struct part_found){
                .there = true,
                .absent = true,
                .part = part_of_type(NULL, of->path ? part_path(w, of->path, key) : NULL),
        };
}

static struct part_found attribute_of_any(struct part_walk *w, const struct part *of,
                                          struct span key)
{
        const uint16_t have = PART_KIND(CEDAR_RECORD) | PART_KIND(CEDAR_ENTITY);
        struct part_found f = { .fault = of->kinds & ~have };

        if (of->type && of->type->kind == CEDAR_RECORD)
                return attribute_of_type(w, of, of->type, key, false);
        if (of->type && of->type->kind == CEDAR_ENTITY)
                return attribute_of_entity(w, of, of->type->entity, key);
        if (of->kinds & have) {
                f.there = f.absent = true;
                f.part = part_of_type(NULL, of->path ? part_path(w, of->path, key) : NULL);
        }
        return f;
}

/* Of the principal, what is not said of it: only what its request may say. */
static struct part_found attribute_brought(struct part_walk *w, const struct part_path *path,
                                           struct span key)
{
        const struct cedar_unknown *u = w->unknown;
        const struct part any = { .sort = PART_ANY, .path = path };
        const struct cedar_entity_type *t =
                u->schema ? cedar_schema_entity(u->schema, w->machine.request->principal.type)
                          : NULL;

        if (!part_brings_attribute(w, key))
                return (struct part_found){ .absent = true };
        if (t)
                return attribute_of_type(w, &any, t->attrs, key, false);
        return attribute_of_entity(w, &any, SPAN_NONE, key);
}

static struct part_found attribute_of_principal(struct part_walk *w, const struct part *of,
                                                struct span key)
{
        const struct cedar_value *found = w->base ? cedar_record_get(&w->base->attrs, key) : NULL;

        if (found)
                return (struct part_found){ .there = true, .part = part_value(*found) };
        return attribute_brought(w, of->path, key);
}

/* The store's word stands; what it does not say, the request may. */
static struct part_found attribute_of_known(struct part_walk *w, const struct part *of,
                                            struct span key)
{
        const struct cedar_uid *uid = of->value.uid;
        const struct cedar_entity *e = cedar_machine_entity(&w->machine, uid);
        const struct cedar_value *found = e ? cedar_record_get(&e->attrs, key) : NULL;
        const struct part_path *path = part_may_be(w, uid);
        const struct part any = { .sort = PART_ANY };

        if (found)
                return (struct part_found){ .there = true, .part = part_value(*found) };
        if (part_brings(w, of))
                return attribute_brought(w, path, key);
        if (!path || cedar_extra_find(w->machine.request, uid))
                return (struct part_found){ .absent = true };
        part_touch(w, path); /* whoever it is: another one's attribute counts for nothing */
        return attribute_of_entity(w, &any, uid->type, key);
}

static struct part_found attribute_of_record(const struct part *of, struct span key)
{
        for (uint32_t i = 0; i < of->n; i++)
                if (span_eq(of->fields[i].key, key))
                        return (struct part_found){ .there = true,
                                                    .absent = of->fields[i].maybe,
                                                    .part = of->fields[i].part };
        return (struct part_found){ .absent = true };
}

struct part_found part_attribute(struct part_walk *w, const struct part *of, struct span key)
{
        const struct cedar_value *found;

        switch (of->sort) {
        case PART_RECORD:
                return attribute_of_record(of, key);
        case PART_ENTITY:
                return part_brings(w, of) ? attribute_of_principal(w, of, key)
                                          : attribute_of_entity(w, of, of->entity, key);
        case PART_ANY:
                return attribute_of_any(w, of, key);
        case PART_VALUE:
                break;
        }
        if (of->value.kind == CEDAR_ENTITY)
                return attribute_of_known(w, of, key);
        if (of->value.kind != CEDAR_RECORD)
                return (struct part_found){ .fault = true };
        found = cedar_record_get(&of->value, key);
        if (!found)
                return (struct part_found){ .absent = true };
        return (struct part_found){ .there = true, .part = part_value(*found) };
}

/* ---- tags ---- */

struct part part_any_tag(const struct part_walk *w, struct span type, bool has)
{
        const struct cedar_entity_type *t =
                w->unknown->schema && type.n ? cedar_schema_entity(w->unknown->schema, type) : NULL;
        struct part p;

        if (t && !t->tags)
                return has ? part_value(cedar_bool(false)) : part_error();
        if (has)
                return part_bool(true, true, false);
        p = part_of_type(t ? t->tags : NULL, NULL);
        p.errs = true;
        return p;
}

/* hasTag, getTag of an entity that is known, by what the store and the request say. */
struct part part_tag(struct part_walk *w, const struct cedar_uid *uid, struct span key, bool has)
{
        const struct cedar_entity *e = cedar_machine_entity(&w->machine, uid);
        const struct cedar_value *found = e ? cedar_record_get(&e->tags, key) : NULL;
        const struct part_path *path = part_may_be(w, uid);

        if (found)
                return part_value(has ? cedar_bool(true) : *found);
        if (!path || (path->var == VAR_PRINCIPAL && w->unknown->brings) ||
            cedar_extra_find(w->machine.request, uid))
                return has ? part_value(cedar_bool(false)) : part_error();
        part_touch(w, path);
        return part_any_tag(w, uid->type, has);
}

/* ---- equality and membership ---- */

static bool same_variable(const struct part *a, const struct part *b)
{
        return a->sort == PART_ENTITY && b->sort == PART_ENTITY && a->path == b->path;
}

struct part part_equal(const struct part_walk *w, const struct part *a, const struct part *b)
{
        if (a->kinds == 0 || b->kinds == 0)
                return part_error();
        if (a->sort == PART_VALUE && b->sort == PART_VALUE) {
                bool same = cedar_value_eq(&a->value, &b->value);

                return part_bool(same, !same, a->errs || b->errs);
        }
        return part_bool(part_may_equal(w, a, b), !same_variable(a, b), a->errs || b->errs);
}

struct part part_is(const struct part *a, struct span type)
{
        const bool other = a->kinds & ~PART_KIND(CEDAR_ENTITY);
        struct span t;

        if (!(a->kinds & PART_KIND(CEDAR_ENTITY)))
                return part_error();
        if (part_entity_type(a, &t))
                return part_bool(span_eq(t, type), !span_eq(t, type), a->errs);
        return part_bool(true, true, a->errs || other);
}

/* The one at hand is known: which of its groups is may be not. */
static bool known_may_be_in(struct part_walk *w, const struct cedar_uid *uid, struct span above)
{
        const struct cedar_entity *e;
        uint32_t at = 0;

        if (span_eq(uid->type, above) || part_may_grow(w, uid))
                return true;
        for (e = cedar_machine_entity(&w->machine, uid); e;
             e = cedar_extra_above(w->machine.request, e, &at))
                for (uint32_t i = 0; i < e->n_ancestors; i++)
                        if (span_eq(e->ancestors[i]->type, above))
                                return true;
        return false;
}

/* uid in one that is not known. */
static struct part known_in_any(struct part_walk *w, const struct cedar_uid *uid,
                                const struct part *b, bool errs)
{
        struct span type;

        if (b->kinds == PART_KIND(CEDAR_ENTITY) && part_entity_type(b, &type) &&
            !known_may_be_in(w, uid, type))
                return part_bool(false, true, errs);
        return part_bool(true, true, errs);
}

/* The items of what stands behind `in`; false: one is no entity. */
static bool groups_of(const struct cedar_value *v, const struct cedar_value **ret, uint32_t *ret_n)
{
        *ret = v;
        *ret_n = 1;
        if (v->kind == CEDAR_SET) {
                *ret = v->items;
                *ret_n = v->n;
        }
        for (uint32_t i = 0; i < *ret_n; i++)
                if ((*ret)[i].kind != CEDAR_ENTITY)
                        return false;
        return true;
}

/* May an entity of this type be in another one of that type? */
static bool type_may_descend(const struct part_walk *w, struct span type, struct span above)
{
        const struct cedar_schema *s = w->unknown->schema;
        const struct cedar_entity_type *t = s ? cedar_schema_entity(s, type) : NULL;

        if (!s || !span_eq(type, above))
                return part_type_may_be_in(w, type, above);
        for (uint32_t i = 0; t && i < t->n_above; i++)
                if (span_eq(s->entities[t->above[i]].name, above))
                        return true;
        return false;
}

static bool is_left_out(const struct cedar_brings *b, const struct cedar_uid *group)
{
        return b->no_group && cedar_uid_eq(b->no_group, group);
}

/* May one that is not known, or not wholly, be in this group? */
static bool may_be_in(const struct part_walk *w, const struct part *a, struct span type,
                      const struct cedar_uid *group)
{
        if (!part_brings(w, a))
                return part_type_may_be_in(w, type, group->type);
        return part_may_be(w, group) ||
               (w->unknown->brings->groups && !is_left_out(w->unknown->brings, group) &&
                type_may_descend(w, type, group->type));
}

/* Each group that may decide is named by itself, where they are few. */
static void touch_groups(struct part_walk *w, const struct part *a, const struct part_path *of,
                         const struct cedar_value *groups, uint32_t n, struct span type)
{
        if (n > NAMED_MAX) {
                part_touch(w, of);
                return;
        }
        for (uint32_t i = 0; i < n; i++) {
                struct part_path *p;

                if (!may_be_in(w, a, type, groups[i].uid))
                        continue;
                p = part_alloc(w, sizeof *p);
                if (!p)
                        return;
                *p = (struct part_path){ .up = of, .in = groups[i].uid };
                part_touch(w, p);
        }
}

/* One that is not known, in groups that are. */
static struct part any_in_known(struct part_walk *w, const struct part *a,
                                const struct cedar_value *groups, uint32_t n, bool errs)
{
        struct span type;
        bool may = false, in = false;

        if (n > 0 && a->path && part_entity_type(a, &type)) /* the groups are named instead */
                w->n_on -= w->n_on > 0 && w->on[w->n_on - 1] == a->path;
        part_touch_bringers(w, a, n > 0);
        if (!part_entity_type(a, &type))
                return part_bool(n > 0, true, errs);
        for (uint32_t i = 0; i < n; i++) {
                may = may || may_be_in(w, a, type, groups[i].uid);
                in = in || (part_brings(w, a) && w->base &&
                            cedar_machine_descends(&w->machine, w->base, groups[i].uid));
        }
        if (may && !in && a->path)
                touch_groups(w, a, a->path, groups, n, type);
        return part_bool(may || in, !in, errs);
}

/* The resource that is not known may be in any group. */
static bool may_be_in_resource(const struct part_walk *w, struct span type)
{
        return w->unknown->resource &&
               part_type_may_be_in(w, type, w->machine.request->resource.type);
}

static struct part known_in_known(struct part_walk *w, const struct part *a,
                                  const struct cedar_value *groups, uint32_t n, bool errs)
{
        const struct cedar_uid *uid = a->value.uid;
        const struct part_path *of;
        const struct cedar_entity *e = cedar_machine_entity(&w->machine, uid);
        bool in = false, may = false;

        for (uint32_t i = 0; i < n && !in; i++)
                in = cedar_uid_eq(uid, groups[i].uid) ||
                     (e && cedar_machine_descends(&w->machine, e, groups[i].uid));
        of = in || n == 0 ? NULL : part_may_grow(w, uid);
        for (uint32_t i = 0; i < n; i++)
                may = may || may_be_in(w, a, uid->type, groups[i].uid);
        if (of && part_brings(w, a) && may)
                touch_groups(w, a, of, groups, n, uid->type);
        else if (part_brings(w, a) && !may_be_in_resource(w, uid->type))
                of = NULL;
        else
                part_touch(w, of);
        return part_bool(in || of, !in, errs);
}

struct part part_in(struct part_walk *w, const struct part *a, const struct part *b)
{
        const uint16_t entity = PART_KIND(CEDAR_ENTITY), set = PART_KIND(CEDAR_SET);
        bool errs = a->errs || b->errs || (a->kinds & ~entity);
        const struct cedar_value *groups;
        struct span x, y;
        uint32_t n;

        if (!(a->kinds & entity) || !(b->kinds & (entity | set)))
                return part_error();
        if (b->sort == PART_VALUE) {
                if (!groups_of(&b->value, &groups, &n))
                        return part_error();
                return a->sort == PART_VALUE ? known_in_known(w, a, groups, n, errs)
                                             : any_in_known(w, a, groups, n, errs);
        }
        if (same_variable(a, b))
                return part_bool(true, false, errs);
        errs = errs || (b->kinds & ~(entity | set)) ||
               ((b->kinds & set) &&
                !(b->type && b->type->kind == CEDAR_SET && b->type->item->kind == CEDAR_ENTITY));
        if (a->sort == PART_VALUE)
                return known_in_any(w, a->value.uid, b, errs);
        part_touch_bringers(w, a, true);
        if (b->kinds == entity && part_entity_type(a, &x) && part_entity_type(b, &y))
                return part_bool(part_type_may_be_in(w, x, y), true, errs);
        return part_bool(true, true, errs);
}
