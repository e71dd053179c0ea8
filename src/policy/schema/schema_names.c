/* SPDX-License-Identifier: Apache-2.0 */
/* schema_names.c - what a schema declares, and what a name in it means.  Floor 2, pure.
 *
 * A name without a namespace is looked for in the namespace it stands in, then in the empty one; in
 * each a common type comes before an entity type; last come the primitive and extension types,
 * which are also `__cedar::Long` and so on and cannot be hidden there (RFC 24, RFC 70).  A name
 * declared in the empty namespace may not be declared in another one as well, or it would mean
 * different things in different places (RFC 70). */
#include <stdlib.h>

#include "policy/schema/schema_resolver.h"

/* `NS::Name` */
static int join(struct resolver *r, struct span ns, struct span id, struct span *ret)
{
        size_t n = ns.n ? ns.n + 2 + id.n : id.n;
        uint8_t *p = resolver_keep(r, n, 1);

        if (!p)
                return resolver_no_memory(r);
        *ret = span_of(p, n);
        if (ns.n) {
                memcpy(p, ns.p, ns.n);
                memcpy(p + ns.n, "::", 2);
                p += ns.n + 2;
        }
        memcpy(p, id.p, id.n);
        return 0;
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
        struct decl_name **list =
                resolver_scratch(r, r->d->n_namespaces, sizeof(struct decl_name *));
        uint32_t n = 0;

        if (!list)
                return resolver_no_memory(r);
        for (struct decl_name *ns = r->d->namespaces; ns; ns = ns->next)
                list[n++] = ns;
        qsort(list, n, sizeof(struct decl_name *), name_order);
        for (uint32_t i = 1; i < n; i++)
                if (span_eq(list[i]->name, list[i - 1]->name))
                        return decl_fail(r->err, list[i]->at, "this namespace is there already");
        return 0;
}

static int list_entities(struct resolver *r)
{
        uint32_t n = r->d->n_entities, i = 0;
        int rc;

        r->entities = resolver_scratch(r, n, sizeof(struct decl_entity *));
        if (!r->entities)
                return resolver_no_memory(r);
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

        r->commons = resolver_scratch(r, n, sizeof(struct decl_common *));
        if (!r->commons)
                return resolver_no_memory(r);
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

        r->actions = resolver_scratch(r, n, sizeof(struct decl_action *));
        if (!r->actions)
                return resolver_no_memory(r);
        for (struct decl_action *a = r->d->actions; a; a = a->next) {
                rc = join(r, a->ns, SPAN("Action"), &type);
                if (rc == 0)
                        rc = resolver_keep_span(r, a->id, &id);
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
        struct shadow *list =
                resolver_scratch(r, (size_t)r->d->n_entities + r->d->n_commons, sizeof *list);
        size_t n = 0;
        int rc;

        if (!list)
                return resolver_no_memory(r);
        for (uint32_t i = 0; i < r->d->n_entities; i++)
                list[n++] = (struct shadow){ r->entities[i]->id, r->entities[i]->ns.n > 0,
                                             r->entities[i]->at };
        for (uint32_t i = 0; i < r->d->n_commons; i++)
                list[n++] = (struct shadow){ r->commons[i]->id, r->commons[i]->ns.n > 0,
                                             r->commons[i]->at };
        rc = refuse_shadows(r, list, n, "a type of this name");
        if (rc < 0)
                return rc;
        list = resolver_scratch(r, r->d->n_actions, sizeof *list);
        if (!list)
                return resolver_no_memory(r);
        for (n = 0; n < r->d->n_actions; n++)
                list[n] = (struct shadow){ r->actions[n]->id, r->actions[n]->ns.n > 0,
                                           r->actions[n]->at };
        return refuse_shadows(r, list, n, "an action of this name");
}

int resolver_list(struct resolver *r)
{
        int rc = check_namespaces(r);

        if (rc == 0)
                rc = list_entities(r);
        if (rc == 0)
                rc = list_commons(r);
        if (rc == 0)
                rc = list_actions(r);
        return rc < 0 ? rc : check_shadows(r);
}

/* ---- finding names ---- */

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
        ret->builtin = cedar_type_basic(kind);
        return true;
}

bool resolver_find_type(struct resolver *r, struct span ns, struct span name, enum decl_kind want,
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

const struct decl_entity *resolver_find_entity(struct resolver *r, struct span ns, struct span name)
{
        struct reading readings[2];
        unsigned n = readings_of(ns, name, readings);
        const struct decl_entity *found = NULL;

        for (unsigned i = 0; i < n && !found; i++)
                found = find_entity(r, readings[i]);
        return found;
}

const struct decl_action *resolver_find_action(struct resolver *r, struct span ns, struct span type,
                                               struct span id)
{
        struct reading readings[2];
        unsigned n = readings_of(ns, type.n ? type : SPAN("Action"), readings);
        const struct decl_action *found = NULL;

        for (unsigned i = 0; i < n && !found; i++)
                found = find_action(r, readings[i], id);
        return found;
}
