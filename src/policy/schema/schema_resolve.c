/* SPDX-License-Identifier: Apache-2.0 */
/* schema_resolve.c - declarations to a schema: types, entity types, actions.  Floor 2, pure.
 * SECURITY: recursion is bounded by CEDAR_SCHEMA_DEPTH_MAX. */
#include <stdlib.h>

#include "policy/schema/schema_index.h"
#include "policy/schema/schema_resolver.h"

int resolver_no_memory(struct resolver *r)
{
        return err_set(r->err, -ENOMEM, "no memory for the schema");
}

void *resolver_scratch(struct resolver *r, size_t n, size_t size)
{
        size_t bytes;

        return size_mul(n, size, &bytes) ? arena_alloc(&r->d->arena, bytes) : NULL;
}

void *resolver_keep(struct resolver *r, size_t n, size_t size)
{
        size_t bytes;

        return size_mul(n, size, &bytes) ? arena_alloc(&r->s->arena, bytes) : NULL;
}

int resolver_keep_span(struct resolver *r, struct span from, struct span *ret)
{
        const char *copy = arena_copy(&r->s->arena, from);

        if (!copy)
                return resolver_no_memory(r);
        *ret = span_of(copy, from.n);
        return 0;
}

/* ---- types ---- */

static int resolve_type(struct resolver *r, struct span ns, struct decl_type *t, uint32_t depth);

static int attr_order(const void *x, const void *y)
{
        const struct cedar_attr *a = x, *b = y;

        return span_cmp(a->name, b->name);
}

static int fail_twice(struct resolver *r, struct decl_type *t, struct span name)
{
        unsigned seen = 0;
        struct decl_attr *a = t->attrs;

        while (!span_eq(a->name, name) || ++seen < 2)
                a = a->next;
        return decl_fail(r->err, a->at, "the record has this attribute already");
}

static int resolve_record(struct resolver *r, struct span ns, struct decl_type *t, uint32_t depth)
{
        struct cedar_type *type = resolver_keep(r, 1, sizeof *type);
        struct cedar_attr *attrs = resolver_keep(r, t->n_attrs, sizeof *attrs);
        uint32_t n = 0;
        int rc;

        if (!type || !attrs)
                return resolver_no_memory(r);
        for (struct decl_attr *a = t->attrs; a; a = a->next, n++) {
                rc = resolve_type(r, ns, a->type, depth);
                if (rc == 0)
                        rc = resolver_keep_span(r, a->name, &attrs[n].name);
                if (rc < 0)
                        return rc;
                attrs[n].type = a->type->resolved.type;
                attrs[n].required = a->required;
                t->resolved.height = MAX_OF(t->resolved.height, a->type->resolved.height);
        }
        assert(n == t->n_attrs);
        qsort(attrs, n, sizeof *attrs, attr_order);
        for (uint32_t i = 1; i < n; i++)
                if (span_eq(attrs[i].name, attrs[i - 1].name))
                        return fail_twice(r, t, attrs[i].name);
        *type = (struct cedar_type){ .kind = CEDAR_RECORD, .attrs = attrs, .n = n };
        t->resolved.type = type;
        return 0;
}

static int resolve_set(struct resolver *r, struct span ns, struct decl_type *t, uint32_t depth)
{
        struct cedar_type *type = resolver_keep(r, 1, sizeof *type);
        int rc;

        if (!type)
                return resolver_no_memory(r);
        rc = resolve_type(r, ns, t->item, depth);
        if (rc < 0)
                return rc;
        *type = (struct cedar_type){ .kind = CEDAR_SET, .item = t->item->resolved.type };
        t->resolved = (struct decl_resolved){ type, t->item->resolved.height };
        return 0;
}

static int resolve_common(struct resolver *r, struct decl_common *c, uint32_t depth)
{
        int rc;

        if (c->busy)
                return decl_fail(r->err, c->at, "type %.*s is made of itself", (int)c->name.n,
                                 c->name.p);
        c->busy = true;
        rc = resolve_type(r, c->ns, c->type, depth);
        c->busy = false;
        return rc;
}

static int resolve_name(struct resolver *r, struct span ns, struct decl_type *t, uint32_t depth)
{
        struct cedar_type *type;
        struct meaning m;
        int rc;

        if (!resolver_find_type(r, ns, t->name, t->kind, &m))
                return decl_fail(r->err, t->at, "there is no %s %.*s",
                                 t->kind == DECL_ENTITY   ? "entity type"
                                 : t->kind == DECL_COMMON ? "common type"
                                                          : "type",
                                 (int)t->name.n, t->name.p);
        if (m.builtin) {
                t->resolved.type = m.builtin;
                return 0;
        }
        if (m.common) {
                rc = resolve_common(r, m.common, depth);
                if (rc == 0)
                        t->resolved = m.common->type->resolved;
                return rc;
        }
        type = resolver_keep(r, 1, sizeof *type);
        if (!type)
                return resolver_no_memory(r);
        *type = (struct cedar_type){ .kind = CEDAR_ENTITY, .entity = m.entity };
        t->resolved.type = type;
        return 0;
}

/* Recursion is bounded by depth, which counts common types too. */
static int resolve_type(struct resolver *r, struct span ns, struct decl_type *t, uint32_t depth)
{
        int rc = 0;

        if (t->resolved.type)
                return 0;
        if (depth == CEDAR_SCHEMA_DEPTH_MAX)
                return decl_fail(r->err, t->at, "types nest deeper than %d",
                                 CEDAR_SCHEMA_DEPTH_MAX);
        switch (t->kind) {
        case DECL_BUILTIN:
                t->resolved.type = cedar_type_basic(t->builtin);
                break;
        case DECL_SET:
                rc = resolve_set(r, ns, t, depth + 1);
                break;
        case DECL_RECORD:
                rc = resolve_record(r, ns, t, depth + 1);
                break;
        case DECL_ENTITY:
        case DECL_COMMON:
        case DECL_EITHER:
                rc = resolve_name(r, ns, t, depth + 1);
        }
        if (rc < 0)
                return rc;
        /* What was resolved before came from less deep. */
        if (++t->resolved.height > CEDAR_SCHEMA_DEPTH_MAX)
                return decl_fail(r->err, t->at, "types nest deeper than %d",
                                 CEDAR_SCHEMA_DEPTH_MAX);
        return 0;
}

static int resolve_shape(struct resolver *r, struct span ns, struct decl_type *t, const char *what,
                         const struct cedar_type **ret)
{
        static const struct cedar_type empty = { .kind = CEDAR_RECORD };
        int rc;

        *ret = &empty;
        if (!t)
                return 0;
        rc = resolve_type(r, ns, t, 0);
        if (rc < 0)
                return rc;
        if (t->resolved.type->kind != CEDAR_RECORD)
                return decl_fail(r->err, t->at, "%s must be a record", what);
        *ret = t->resolved.type;
        return 0;
}

/* ---- lists of entity types ---- */

static int span_order(const void *x, const void *y)
{
        return span_cmp(*(const struct span *)x, *(const struct span *)y);
}

/* Ascending, each once. */
static uint32_t sort_spans(struct span *list, uint32_t n)
{
        uint32_t kept = 0;

        qsort(list, n, sizeof *list, span_order);
        for (uint32_t i = 0; i < n; i++)
                if (i == 0 || !span_eq(list[i], list[kept - 1]))
                        list[kept++] = list[i];
        return kept;
}

static uint32_t count_names(const struct decl_name *list)
{
        uint32_t n = 0;

        for (; list; list = list->next)
                n++;
        return n;
}

static int resolve_entity_list(struct resolver *r, struct span ns, const struct decl_name *names,
                               const struct span **ret, uint32_t *ret_n)
{
        struct span *list = resolver_keep(r, count_names(names), sizeof *list);
        uint32_t n = 0;

        if (!list)
                return resolver_no_memory(r);
        for (; names; names = names->next) {
                const struct decl_entity *e = resolver_find_entity(r, ns, names->name);

                if (!e)
                        return decl_fail(r->err, names->at, "there is no entity type %.*s",
                                         (int)names->name.n, names->name.p);
                list[n++] = e->name;
        }
        *ret = list;
        *ret_n = sort_spans(list, n);
        return 0;
}

static int resolve_ids(struct resolver *r, const struct decl_name *ids, struct cedar_entity_type *e)
{
        struct span *list = resolver_keep(r, count_names(ids), sizeof *list);
        uint32_t n = 0;
        int rc;

        if (!list)
                return resolver_no_memory(r);
        for (; ids; ids = ids->next, n++) {
                rc = resolver_keep_span(r, ids->name, &list[n]);
                if (rc < 0)
                        return rc;
        }
        e->ids = list;
        e->n_ids = sort_spans(list, n);
        return 0;
}

/* ---- declarations ---- */

static int resolve_entity(struct resolver *r, struct decl_entity *d, struct cedar_entity_type *e)
{
        int rc;

        e->name = d->name;
        rc = resolve_shape(r, d->ns, d->shape, "the shape of an entity type", &e->attrs);
        if (rc == 0)
                rc = resolve_entity_list(r, d->ns, d->parents, &e->member_of, &e->n_member_of);
        if (rc == 0)
                rc = resolve_ids(r, d->ids, e);
        if (rc < 0 || !d->tags)
                return rc;
        rc = resolve_type(r, d->ns, d->tags, 0);
        if (rc < 0)
                return rc;
        e->tags = d->tags->resolved.type;
        return 0;
}

static int uid_order(const void *x, const void *y)
{
        return cedar_uid_cmp(x, y);
}

static int resolve_parents(struct resolver *r, struct decl_action *d, struct cedar_action *a)
{
        struct cedar_uid *list;
        uint32_t n = 0, kept = 0;

        for (struct decl_ref *p = d->parents; p; p = p->next)
                n++;
        list = resolver_keep(r, n, sizeof *list);
        if (!list)
                return resolver_no_memory(r);
        n = 0;
        for (struct decl_ref *p = d->parents; p; p = p->next) {
                const struct decl_action *found = resolver_find_action(r, d->ns, p->type, p->id);

                if (!found)
                        return decl_fail(r->err, p->at, "there is no such action");
                list[n++] = found->uid;
        }
        qsort(list, n, sizeof *list, uid_order);
        for (uint32_t i = 0; i < n; i++)
                if (i == 0 || !cedar_uid_eq(&list[i], &list[kept - 1]))
                        list[kept++] = list[i];
        a->member_of = list;
        a->n_member_of = kept;
        return 0;
}

static int resolve_action(struct resolver *r, struct decl_action *d, struct cedar_action *a)
{
        int rc;

        a->uid = d->uid;
        rc = resolve_shape(r, d->ns, d->context, "the context of an action", &a->context);
        if (rc == 0)
                rc = resolve_entity_list(r, d->ns, d->principals, &a->principals, &a->n_principals);
        if (rc == 0)
                rc = resolve_entity_list(r, d->ns, d->resources, &a->resources, &a->n_resources);
        return rc < 0 ? rc : resolve_parents(r, d, a);
}

static int resolve_all(struct resolver *r)
{
        struct cedar_entity_type *entities = resolver_keep(r, r->d->n_entities, sizeof *entities);
        struct cedar_action *actions = resolver_keep(r, r->d->n_actions, sizeof *actions);
        int rc = entities && actions ? 0 : resolver_no_memory(r);

        for (uint32_t i = 0; i < r->d->n_commons && rc == 0; i++)
                rc = resolve_common(r, r->commons[i], 0);
        for (uint32_t i = 0; i < r->d->n_entities && rc == 0; i++)
                rc = resolve_entity(r, r->entities[i], &entities[i]);
        for (uint32_t i = 0; i < r->d->n_actions && rc == 0; i++)
                rc = resolve_action(r, r->actions[i], &actions[i]);
        if (rc < 0)
                return rc;
        r->s->entities = entities;
        r->s->n_entities = r->d->n_entities;
        r->s->actions = actions;
        r->s->n_actions = r->d->n_actions;
        return schema_index(r->s, entities, actions, &r->d->arena, r->err);
}

int schema_resolve(struct decl_schema *d, struct cedar_schema **ret, struct err *err)
{
        CLEANUP(cedar_schema_freep) struct cedar_schema *s = calloc(1, sizeof *s);
        struct resolver r = { .d = d, .s = s, .err = err };
        int rc;

        if (!s)
                return resolver_no_memory(&r);
        s->arena = ARENA_INIT(CEDAR_SCHEMA_MEMORY_MAX);
        rc = resolver_list(&r);
        if (rc == 0)
                rc = resolve_all(&r);
        if (rc < 0)
                return arena_explain(&s->arena, rc, "the schema", err);
        *ret = s;
        s = NULL;
        return 0;
}
