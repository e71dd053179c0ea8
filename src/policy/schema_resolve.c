/* SPDX-License-Identifier: Apache-2.0 */
/* schema_resolve.c - what the names of a schema mean, and what may not be declared.  Floor 2, pure.
 *
 * A name without a namespace is looked for in the namespace it stands in, then in the empty one; in
 * each a common type comes before an entity type; last come the primitive and extension types,
 * which are also `__cedar::Long` and so on and cannot be hidden there (RFC 24, RFC 70).  A name
 * declared in the empty namespace may not be declared in another one as well, or it would mean
 * different things in different places (RFC 70). */
#include <stdlib.h>

#include "policy/decl.h"
#include "policy/schema_index.h"

struct resolver {
        struct decl_schema *d;
        struct cedar_schema *s;
        struct err *err;
        /* The declarations, ascending by name. */
        struct decl_entity **entities;
        struct decl_common **commons;
        struct decl_action **actions;
};

static int no_memory(struct resolver *r)
{
        return err_set(r->err, -ENOMEM, "no memory for the schema");
}

static void *scratch(struct resolver *r, size_t n, size_t size)
{
        size_t bytes;

        return size_mul(n, size, &bytes) ? arena_alloc(&r->d->arena, bytes) : NULL;
}

static void *keep(struct resolver *r, size_t n, size_t size)
{
        size_t bytes;

        return size_mul(n, size, &bytes) ? arena_alloc(&r->s->arena, bytes) : NULL;
}

static int keep_span(struct resolver *r, struct span from, struct span *ret)
{
        const char *copy = arena_copy(&r->s->arena, from);

        if (!copy)
                return no_memory(r);
        *ret = span_of(copy, from.n);
        return 0;
}

/* `NS::Name` */
static int join(struct resolver *r, struct span ns, struct span id, struct span *ret)
{
        size_t n = ns.n ? ns.n + 2 + id.n : id.n;
        uint8_t *p = keep(r, n, 1);

        if (!p)
                return no_memory(r);
        *ret = span_of(p, n);
        if (ns.n) {
                memcpy(p, ns.p, ns.n);
                memcpy(p + ns.n, "::", 2);
                p += ns.n + 2;
        }
        memcpy(p, id.p, id.n);
        return 0;
}

/* Order of ns "::" id and full, without joining them. */
static int joined_cmp(struct span ns, struct span id, struct span full)
{
        const struct span parts[] = { ns, SPAN("::"), id };
        size_t at = 0;

        for (unsigned i = ns.n ? 0 : 2; i < ARRAY_LEN(parts); i++) {
                struct span rest = span_from(full, at);
                struct span same = span_of(rest.p, MIN_OF(rest.n, parts[i].n));
                int c = span_cmp(parts[i], same);

                if (c)
                        return c;
                at += parts[i].n;
        }
        return at < full.n ? -1 : 0;
}

/* ---- what is declared ---- */

#define DEFINE_ORDER(type, order_of_names)                                                         \
        static int type##_order(const void *x, const void *y)                                      \
        {                                                                                          \
                const struct type *a = *(struct type *const *)x, *b = *(struct type *const *)y;    \
                int c = order_of_names;                                                            \
                                                                                                   \
                return c ? c : (a->order > b->order) - (a->order < b->order);                      \
        }
DEFINE_ORDER(decl_entity, span_cmp(a->name, b->name))
DEFINE_ORDER(decl_common, span_cmp(a->name, b->name))
DEFINE_ORDER(decl_action, cedar_uid_cmp(&a->uid, &b->uid))

static int name_order(const void *x, const void *y)
{
        const struct decl_name *a = *(struct decl_name *const *)x,
                               *b = *(struct decl_name *const *)y;
        int c = span_cmp(a->name, b->name);

        if (c == 0)
                c = (a->at->line > b->at->line) - (a->at->line < b->at->line);
        return c ? c : (a->at->column > b->at->column) - (a->at->column < b->at->column);
}

static int check_namespaces(struct resolver *r)
{
        struct decl_name **list = scratch(r, r->d->n_namespaces, sizeof *list);
        uint32_t n = 0;

        if (!list)
                return no_memory(r);
        for (struct decl_name *ns = r->d->namespaces; ns; ns = ns->next)
                list[n++] = ns;
        qsort(list, n, sizeof *list, name_order);
        for (uint32_t i = 1; i < n; i++)
                if (span_eq(list[i]->name, list[i - 1]->name))
                        return decl_fail(r->err, list[i]->at, "this namespace is there already");
        return 0;
}

static int list_entities(struct resolver *r)
{
        uint32_t n = r->d->n_entities, i = 0;
        int rc;

        r->entities = scratch(r, n, sizeof(struct decl_entity *));
        if (!r->entities)
                return no_memory(r);
        for (struct decl_entity *e = r->d->entities; e; e = e->next) {
                rc = join(r, e->ns, e->id, &e->name);
                if (rc < 0)
                        return rc;
                r->entities[i++] = e;
        }
        qsort(r->entities, n, sizeof(struct decl_entity *), decl_entity_order);
        for (i = 0; i < n; i++) {
                struct decl_entity *e = r->entities[i];

                if (span_eq(e->id, SPAN("Action")))
                        return decl_fail(r->err, e->at, "an entity type cannot be called Action");
                if (i && span_eq(e->name, r->entities[i - 1]->name))
                        return decl_fail(r->err, e->at, "entity type %.*s is declared twice",
                                         (int)e->name.n, e->name.p);
        }
        return 0;
}

static int list_commons(struct resolver *r)
{
        uint32_t n = r->d->n_commons, i = 0;
        int rc;

        r->commons = scratch(r, n, sizeof(struct decl_common *));
        if (!r->commons)
                return no_memory(r);
        for (struct decl_common *c = r->d->commons; c; c = c->next) {
                rc = join(r, c->ns, c->id, &c->name);
                if (rc < 0)
                        return rc;
                r->commons[i++] = c;
        }
        qsort(r->commons, n, sizeof(struct decl_common *), decl_common_order);
        for (i = 1; i < n; i++)
                if (span_eq(r->commons[i]->name, r->commons[i - 1]->name))
                        return decl_fail(r->err, r->commons[i]->at, "type %.*s is declared twice",
                                         (int)r->commons[i]->name.n, r->commons[i]->name.p);
        return 0;
}

static int list_actions(struct resolver *r)
{
        uint32_t n = r->d->n_actions, i = 0;
        struct span type, id;
        int rc;

        r->actions = scratch(r, n, sizeof(struct decl_action *));
        if (!r->actions)
                return no_memory(r);
        for (struct decl_action *a = r->d->actions; a; a = a->next) {
                rc = join(r, a->ns, SPAN("Action"), &type);
                if (rc == 0)
                        rc = keep_span(r, a->id, &id);
                if (rc < 0)
                        return rc;
                a->uid = cedar_uid(type, id);
                r->actions[i++] = a;
        }
        qsort(r->actions, n, sizeof(struct decl_action *), decl_action_order);
        for (i = 1; i < n; i++)
                if (cedar_uid_eq(&r->actions[i]->uid, &r->actions[i - 1]->uid))
                        return decl_fail(r->err, r->actions[i]->at, "action is declared twice");
        return 0;
}

/* ---- names declared in the empty namespace and in another one ---- */

struct shadow {
        struct span id;
        bool qualified;
        const struct decl_at *at;
};

static int shadow_order(const void *x, const void *y)
{
        const struct shadow *a = x, *b = y;
        int c = span_cmp(a->id, b->id);

        return c ? c : (a->qualified > b->qualified) - (a->qualified < b->qualified);
}

static int refuse_shadows(struct resolver *r, struct shadow *list, size_t n, const char *what)
{
        qsort(list, n, sizeof *list, shadow_order);
        for (size_t i = 1; i < n; i++)
                if (span_eq(list[i].id, list[i - 1].id) && list[i].qualified &&
                    !list[i - 1].qualified)
                        return decl_fail(r->err, list[i].at,
                                         "%s is also declared in the empty namespace", what);
        return 0;
}

static int check_shadows(struct resolver *r)
{
        struct shadow *list = scratch(r, (size_t)r->d->n_entities + r->d->n_commons, sizeof *list);
        size_t n = 0;
        int rc;

        if (!list)
                return no_memory(r);
        for (uint32_t i = 0; i < r->d->n_entities; i++)
                list[n++] = (struct shadow){ r->entities[i]->id, r->entities[i]->ns.n > 0,
                                             r->entities[i]->at };
        for (uint32_t i = 0; i < r->d->n_commons; i++)
                list[n++] = (struct shadow){ r->commons[i]->id, r->commons[i]->ns.n > 0,
                                             r->commons[i]->at };
        rc = refuse_shadows(r, list, n, "a type of this name");
        if (rc < 0)
                return rc;
        list = scratch(r, r->d->n_actions, sizeof *list);
        if (!list)
                return no_memory(r);
        for (n = 0; n < r->d->n_actions; n++)
                list[n] = (struct shadow){ r->actions[n]->id, r->actions[n]->ns.n > 0,
                                           r->actions[n]->at };
        return refuse_shadows(r, list, n, "an action of this name");
}

/* ---- finding names ---- */

/* A name as one of its possible readings: `ns::id`, or id alone when ns is empty. */
struct reading {
        struct span ns, id;
};

static struct decl_entity *find_entity(struct resolver *r, struct reading name)
{
        for (size_t lo = 0, hi = r->d->n_entities; lo < hi;) {
                size_t mid = lo + (hi - lo) / 2;
                int c = joined_cmp(name.ns, name.id, r->entities[mid]->name);

                if (c == 0)
                        return r->entities[mid];
                *(c < 0 ? &hi : &lo) = c < 0 ? mid : mid + 1;
        }
        return NULL;
}

static struct decl_common *find_common(struct resolver *r, struct reading name)
{
        for (size_t lo = 0, hi = r->d->n_commons; lo < hi;) {
                size_t mid = lo + (hi - lo) / 2;
                int c = joined_cmp(name.ns, name.id, r->commons[mid]->name);

                if (c == 0)
                        return r->commons[mid];
                *(c < 0 ? &hi : &lo) = c < 0 ? mid : mid + 1;
        }
        return NULL;
}

static struct decl_action *find_action(struct resolver *r, struct reading type, struct span id)
{
        for (size_t lo = 0, hi = r->d->n_actions; lo < hi;) {
                size_t mid = lo + (hi - lo) / 2;
                int c = joined_cmp(type.ns, type.id, r->actions[mid]->uid.type);

                if (c == 0)
                        c = span_cmp(id, r->actions[mid]->uid.id);
                if (c == 0)
                        return r->actions[mid];
                *(c < 0 ? &hi : &lo) = c < 0 ? mid : mid + 1;
        }
        return NULL;
}

/* The type of the actions of a namespace that has any: its spelling; none: empty. */
static struct span find_action_type(struct resolver *r, struct reading name)
{
        for (size_t lo = 0, hi = r->d->n_actions; lo < hi;) {
                size_t mid = lo + (hi - lo) / 2;
                int c = joined_cmp(name.ns, name.id, r->actions[mid]->uid.type);

                if (c == 0)
                        return r->actions[mid]->uid.type;
                *(c < 0 ? &hi : &lo) = c < 0 ? mid : mid + 1;
        }
        return SPAN_NONE;
}

static unsigned readings_of(struct span ns, struct span name, struct reading ret[2])
{
        unsigned n = 0;

        if (ns.n && !memchr(name.p, ':', name.n))
                ret[n++] = (struct reading){ ns, name };
        ret[n++] = (struct reading){ SPAN_NONE, name };
        return n;
}

/* What a name of a type means: one of the three is set. */
struct meaning {
        struct decl_common *common;
        struct span entity;
        const struct cedar_type *builtin;
};

static const struct cedar_type *builtin_type(enum cedar_kind kind)
{
        static const struct cedar_type types[CEDAR_KINDS] = {
                [CEDAR_BOOL] = { .kind = CEDAR_BOOL },
                [CEDAR_LONG] = { .kind = CEDAR_LONG },
                [CEDAR_STRING] = { .kind = CEDAR_STRING },
                [CEDAR_DECIMAL] = { .kind = CEDAR_DECIMAL },
                [CEDAR_IP] = { .kind = CEDAR_IP },
                [CEDAR_DATETIME] = { .kind = CEDAR_DATETIME },
                [CEDAR_DURATION] = { .kind = CEDAR_DURATION },
        };

        return &types[kind];
}

static bool find_builtin(struct resolver *r, struct span name, struct meaning *ret)
{
        const struct span prefix = SPAN("__cedar::");
        struct reading bare = { SPAN_NONE, name };
        enum cedar_kind kind;

        if (span_starts(name, prefix))
                name = span_from(name, prefix.n);
        else if (find_entity(r, bare))
                return false; /* what a common type was wanted for */
        if (!decl_builtin(name, &kind))
                return false;
        ret->builtin = builtin_type(kind);
        return true;
}

static bool find_type(struct resolver *r, struct span ns, struct span name, enum decl_kind want,
                      struct meaning *ret)
{
        struct reading readings[2];
        unsigned n = readings_of(ns, name, readings);

        *ret = (struct meaning){ 0 };
        for (unsigned i = 0; i < n; i++) {
                struct decl_entity *e;

                if (want != DECL_ENTITY && (ret->common = find_common(r, readings[i])))
                        return true;
                if (want == DECL_COMMON)
                        continue;
                e = find_entity(r, readings[i]);
                ret->entity = e ? e->name : find_action_type(r, readings[i]);
                if (ret->entity.n)
                        return true;
        }
        return want != DECL_ENTITY && find_builtin(r, name, ret);
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
        struct cedar_type *type = keep(r, 1, sizeof *type);
        struct cedar_attr *attrs = keep(r, t->n_attrs, sizeof *attrs);
        uint32_t n = 0;
        int rc;

        if (!type || !attrs)
                return no_memory(r);
        for (struct decl_attr *a = t->attrs; a; a = a->next, n++) {
                rc = resolve_type(r, ns, a->type, depth);
                if (rc == 0)
                        rc = keep_span(r, a->name, &attrs[n].name);
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
        struct cedar_type *type = keep(r, 1, sizeof *type);
        int rc;

        if (!type)
                return no_memory(r);
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

        if (!find_type(r, ns, t->name, t->kind, &m))
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
        type = keep(r, 1, sizeof *type);
        if (!type)
                return no_memory(r);
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
                t->resolved.type = builtin_type(t->builtin);
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
        struct span *list = keep(r, count_names(names), sizeof *list);
        uint32_t n = 0;

        if (!list)
                return no_memory(r);
        for (; names; names = names->next) {
                struct reading readings[2];
                unsigned n_readings = readings_of(ns, names->name, readings);
                struct decl_entity *e = NULL;

                for (unsigned i = 0; i < n_readings && !e; i++)
                        e = find_entity(r, readings[i]);
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
        struct span *list = keep(r, count_names(ids), sizeof *list);
        uint32_t n = 0;
        int rc;

        if (!list)
                return no_memory(r);
        for (; ids; ids = ids->next, n++) {
                rc = keep_span(r, ids->name, &list[n]);
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
        list = keep(r, n, sizeof *list);
        if (!list)
                return no_memory(r);
        n = 0;
        for (struct decl_ref *p = d->parents; p; p = p->next) {
                struct span type = p->type.n ? p->type : SPAN("Action");
                struct reading readings[2];
                unsigned n_readings = readings_of(d->ns, type, readings);
                struct decl_action *found = NULL;

                for (unsigned i = 0; i < n_readings && !found; i++)
                        found = find_action(r, readings[i], p->id);
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
        struct cedar_entity_type *entities = keep(r, r->d->n_entities, sizeof *entities);
        struct cedar_action *actions = keep(r, r->d->n_actions, sizeof *actions);
        int rc = entities && actions ? 0 : no_memory(r);

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
                return no_memory(&r);
        s->arena = ARENA_INIT(CEDAR_SCHEMA_MEMORY_MAX);
        rc = check_namespaces(&r);
        if (rc == 0)
                rc = list_entities(&r);
        if (rc == 0)
                rc = list_commons(&r);
        if (rc == 0)
                rc = list_actions(&r);
        if (rc == 0)
                rc = check_shadows(&r);
        if (rc == 0)
                rc = resolve_all(&r);
        if (rc < 0)
                return rc;
        *ret = s;
        s = NULL;
        return 0;
}
