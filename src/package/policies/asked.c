/* SPDX-License-Identifier: Apache-2.0 */
/* asked.c - places that policies name, gathered by operation; see asked.h.
 *
 * First the ways of member names in each policy, each once, then for each operation those of the
 * policies that may decide about it, led along the type of its context. */
#include "package/policies/asked.h"

#include "package/policies/question.h"
#include "wire/json.h"

#include <stdlib.h>

enum {
        NAMES_MAX = 2 * ASKED_DEPTH_MAX,
        ESCAPED = 6,   /* bytes of one byte in JSON, at most */
        SAME_MAX = 64, /* ways that a new one is held against */
};

/* `context` and the names behind it. */
struct way {
        const struct way *next;
        uint32_t n;
        struct span names[];
};

/* A place in the making: parts in any order. */
struct node {
        struct node *next, *parts;
        struct span name;
        uint32_t n;
};

struct gatherer {
        const struct cedar_schema *schema;
        const struct cedar_policies *policies;
        struct arena *arena;     /* what stays */
        struct arena work;       /* what does not */
        const struct way **ways; /* by policy */
        bool failed;
};

/* ---- what a policy names ---- */

static void keep_way(struct gatherer *g, const struct way **list, const struct span *names,
                     uint32_t n)
{
        uint32_t left = SAME_MAX;
        struct way *way;

        for (const struct way *w = *list; w && left > 0; w = w->next, left--) {
                uint32_t i = 0;

                while (i < n && i < w->n && span_eq(names[i], w->names[i]))
                        i++;
                if (i == n && i == w->n)
                        return;
        }
        way = arena_alloc(&g->work, sizeof *way + n * sizeof *names);
        if (!way) {
                g->failed = true;
                return;
        }
        way->next = *list;
        way->n = n;
        memcpy(way->names, names, n * sizeof *names);
        *list = way;
}

/* Names from `context` to what e is of, at most NAMES_MAX: the first ones.  false: it is of
 * something else. */
static bool way_of(const struct cedar_expr *e, struct span *names, uint32_t *ret_n)
{
        const struct cedar_expr *base = e;
        uint32_t n = 0, at;

        for (; base->op == OP_GET; base = base->a)
                n++;
        if (base->op != OP_VAR || base->var != VAR_CONTEXT)
                return false;
        *ret_n = MIN_OF(n, (uint32_t)NAMES_MAX);
        for (at = n; at-- > 0; e = e->a)
                if (at < NAMES_MAX)
                        names[at] = e->text;
        return true;
}

static void find_ways(struct gatherer *g, const struct cedar_expr *e, const struct way **list);

static void find_in_parts(struct gatherer *g, const struct cedar_expr *e, const struct way **list)
{
        const struct cedar_expr *const part[] = { e->a, e->b, e->c };

        for (size_t i = 0; i < ARRAY_LEN(part); i++)
                if (part[i])
                        find_ways(g, part[i], list);
        if (e->op == OP_SET || e->op == OP_RECORD || e->op == OP_FN)
                for (uint32_t i = 0; i < e->n; i++)
                        find_ways(g, e->items[i], list);
}

/* CEDAR_DEPTH_MAX bounds the recursion. */
static void find_ways(struct gatherer *g, const struct cedar_expr *e, const struct way **list)
{
        const struct cedar_expr *of = e->op == OP_HAS ? e->a : e;
        struct span names[NAMES_MAX];
        uint32_t n;

        if (!way_of(of, names, &n)) {
                find_in_parts(g, e, list);
                return;
        }
        if (e->op == OP_HAS)
                for (uint32_t i = 0; i < e->n && n < NAMES_MAX; i++)
                        names[n++] = e->path[i];
        keep_way(g, list, names, n);
}

static int find_all_ways(struct gatherer *g)
{
        g->ways = arena_alloc(&g->work, g->policies->n * sizeof(struct way *));
        if (!g->ways)
                return -ENOMEM;
        for (uint32_t i = 0; i < g->policies->n; i++) {
                const struct cedar_policy *p = &g->policies->policies[i];

                for (uint32_t k = 0; k < p->n_conditions && !p->template; k++)
                        find_ways(g, p->conditions[k].expr, &g->ways[i]);
        }
        return g->failed ? -ENOMEM : 0;
}

/* ---- places of a context ---- */

static struct node *part_of(struct gatherer *g, struct node *of, struct span name)
{
        struct node *n = of->parts;

        while (n && !span_eq(n->name, name))
                n = n->next;
        if (n)
                return n;
        n = arena_alloc(&g->work, sizeof *n);
        if (!n) {
                g->failed = true;
                return NULL;
        }
        n->name = name;
        n->next = of->parts;
        of->parts = n;
        of->n++;
        return n;
}

static const struct cedar_type *member_of(const struct cedar_type *record, struct span name)
{
        for (uint32_t i = 0; i < record->n; i++)
                if (span_eq(record->attrs[i].name, name))
                        return record->attrs[i].type;
        return NULL;
}

/* All that is in it.  A record that has nothing is a value. */
static void add_whole(struct gatherer *g, struct node *at, const struct cedar_type *type,
                      unsigned depth)
{
        if (type->kind != CEDAR_RECORD || depth == ASKED_DEPTH_MAX)
                return;
        for (uint32_t i = 0; i < type->n; i++) {
                struct node *part = part_of(g, at, type->attrs[i].name);

                if (!part)
                        return;
                add_whole(g, part, type->attrs[i].type, depth + 1);
        }
}

/* What the context does not have (`object`, which only questions about data have) is no place; what
 * lies in something else than a record is asked for with that. */
static void add_way(struct gatherer *g, struct node *root, const struct cedar_type *type,
                    const struct way *way)
{
        struct node *at = root;
        uint32_t i = 0;

        for (; i < way->n && i < ASKED_DEPTH_MAX && type->kind == CEDAR_RECORD; i++) {
                const struct cedar_type *member = member_of(type, way->names[i]);

                if (!member)
                        return;
                at = part_of(g, at, way->names[i]);
                if (!at)
                        return;
                type = member;
        }
        add_whole(g, at, type, i);
}

/* ---- as they stay ---- */

static int by_name(const void *a, const void *b)
{
        const struct asked_place *x = a, *y = b;

        return span_cmp(x->name, y->name);
}

static bool quote(struct gatherer *g, struct span name, struct span *ret)
{
        const size_t room = name.n * ESCAPED + 2;
        struct buf text = BUF_OVER(arena_alloc(g->arena, room), room);

        g->failed = !text.p;
        if (!text.p)
                return false;
        json_put_quoted(&text, name);
        assert(buf_status(&text) == 0);
        *ret = buf_span(&text);
        return true;
}

/* CEDAR_SCHEMA_DEPTH_MAX is above ASKED_DEPTH_MAX, which bounds the recursion. */
static const struct asked_place *settle(struct gatherer *g, const struct node *of, uint32_t *ret_n)
{
        struct asked_place *list = arena_alloc(g->arena, of->n * sizeof *list);
        uint32_t n = 0;

        if (!list) {
                g->failed = true;
                return NULL;
        }
        for (const struct node *i = of->parts; i; i = i->next) {
                struct asked_place *p = &list[n++];

                *p = (struct asked_place){ .name = i->name, .parameter = API_NONE };
                if (!quote(g, i->name, &p->quoted))
                        return NULL;
                if (i->n)
                        p->parts = settle(g, i, &p->n);
        }
        if (n > 1)
                qsort(list, n, sizeof *list, by_name);
        *ret_n = n;
        return list;
}

static uint32_t parameter_of(const struct api_operation *o, struct span place, struct span name)
{
        for (uint32_t i = 0; i < o->n_parameters; i++)
                if (span_eq_str(place, api_place_name(o->parameters[i].in)) &&
                    span_eq(o->parameters[i].name, name))
                        return i;
        return API_NONE;
}

/* A record of parameters is there whenever the operation has some, so it has parts. */
static void find_parameters(const struct api_operation *o, const struct asked *a)
{
        for (uint32_t i = 0; i < a->n; i++)
                for (uint32_t k = 0; k < a->places[i].n; k++) {
                        struct asked_place *p = (struct asked_place *)&a->places[i].parts[k];

                        p->parameter = parameter_of(o, a->places[i].name, p->name);
                }
}

/* What entries have anyway, or as what is known of the caller. */
static void drop_known(struct node *root, struct asked *ret)
{
        static const struct span known[] = { SPAN_INIT("address"), SPAN_INIT("time"),
                                             SPAN_INIT("tls") };
        struct node **at = &root->parts;

        while (*at) {
                struct node *n = *at;
                size_t i = 0;

                while (i < ARRAY_LEN(known) && !span_eq(n->name, known[i]))
                        i++;
                if (i == ARRAY_LEN(known)) {
                        at = &n->next;
                        continue;
                }
                for (const struct node *p = n->parts; p; p = p->next)
                        if (span_eq(p->name, SPAN("client")))
                                ret->tls_client = true;
                *at = n->next;
                root->n--;
        }
}

/* ---- by operation ---- */

struct actions {
        const struct cedar_action *at[API_ASKS]; /* its own, and the questions about data */
        uint32_t n;
};

static bool find_actions(struct gatherer *g, struct span operation, struct actions *ret)
{
        for (enum api_question q = 0; q < API_ASKS; q++) {
                struct cedar_uid uid;

                if (!api_question(&g->work, operation, q, &uid))
                        return false;
                ret->at[ret->n] = cedar_schema_action(g->schema, &uid);
                ret->n += ret->at[ret->n] != NULL;
        }
        return true;
}

static bool may_decide(const struct gatherer *g, const struct cedar_scope *scope,
                       const struct actions *actions)
{
        if (scope->kind == SCOPE_ANY)
                return true;
        for (uint32_t i = 0; i < actions->n; i++)
                for (uint32_t k = 0; k < scope->n; k++)
                        if (cedar_schema_action_in(g->schema, &actions->at[i]->uid,
                                                   &scope->uids[k]))
                                return true;
        return false;
}

static int gather(struct gatherer *g, const struct api_operation *o, struct asked *ret)
{
        struct actions actions = { 0 };
        struct node root = { 0 };

        if (!find_actions(g, o->id, &actions))
                return -ENOMEM;
        assert(actions.n > 0); /* the schema is of the same model */
        for (uint32_t i = 0; i < g->policies->n; i++)
                if (g->ways[i] && may_decide(g, &g->policies->policies[i].action, &actions))
                        for (const struct way *w = g->ways[i]; w; w = w->next)
                                add_way(g, &root, actions.at[0]->context, w);
        drop_known(&root, ret);
        ret->places = g->failed ? NULL : settle(g, &root, &ret->n);
        if (g->failed)
                return -ENOMEM;
        find_parameters(o, ret);
        return 0;
}

int api_asked_new(const struct api *api, const struct cedar_schema *schema,
                  const struct cedar_policies *policies, struct api_asked **ret, struct err *err)
{
        CLEANUP(api_asked_freep) struct api_asked *a = calloc(1, sizeof *a);
        struct gatherer g = { .schema = schema, .policies = policies };
        struct asked *of;
        int rc = -ENOMEM;

        if (!a)
                return err_sys(err, -ENOMEM, "places that policies ask for");
        a->arena = ARENA_INIT(ASKED_MEMORY_MAX);
        g.work = ARENA_INIT(ASKED_MEMORY_MAX);
        g.arena = &a->arena;
        of = arena_alloc(&a->arena, api->n_operations * sizeof *of);
        if (of)
                rc = find_all_ways(&g);
        for (uint32_t i = 0; rc == 0 && i < api->n_operations; i++)
                rc = gather(&g, &api->operations[i], &of[i]);
        if (rc < 0) {
                rc = err_sys(err, rc, "places that policies ask for");
                rc = arena_explain(g.work.full ? &g.work : &a->arena, rc, "what policies ask for",
                                   err);
        } else {
                a->of = of;
                a->n = api->n_operations;
                *ret = a;
                a = NULL;
        }
        arena_done(&g.work);
        return rc;
}

struct api_asked *api_asked_free(struct api_asked *a)
{
        if (a)
                arena_done(&a->arena);
        free(a);
        return NULL;
}
