/* SPDX-License-Identifier: Apache-2.0 */
/* classes_ready.c - data classes, as far as schemas alone decide them.  Floor 2, pure.
 *
 * Time goes by the number of schemas and of the edges between them, but for own classes, which are
 * put together along edges in place: those have no circles and lie at most API_SCHEMA_NEST_MAX deep
 * in each other (api_checker_new() refuses others). */
#include "package/schema/classes_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "package/schema/schema_reach.h"

struct maker {
        const struct api *api;
        struct api_classes *c;
        bool *known; /* by schema: own classes are put together */
        uint32_t at; /* the schema */
};

/* ---- own classes: rule 1 ---- */

static void add_own(struct maker *k, uint32_t schema);

static void add_of_place(void *ctx, uint32_t to)
{
        struct maker *k = ctx;
        uint32_t at = k->at;

        if (to == API_NONE)
                return;
        add_own(k, to);
        k->at = at;
        for (unsigned i = 0; i < CLASSES_WORDS; i++)
                k->c->own[at].words[i] |= k->c->own[to].words[i];
}

/* Recursion is that of API_SCHEMA_NEST_MAX.  One with a class of its own has it already. */
static void add_own(struct maker *k, uint32_t schema)
{
        if (k->known[schema])
                return;
        k->known[schema] = true;
        k->at = schema;
        api_schema_edges(&k->c->schemas.at[schema], API_EDGE_PLACE, add_of_place, k);
}

static int put_named(struct maker *k, uint32_t schema, struct err *err)
{
        const struct span name = k->c->schemas.at[schema].data_class;
        uint32_t class;

        if (name.n == 0)
                return 0;
        class = api_class(k->api, name);
        if (class == API_NONE)
                return err_set(err, -EINVAL, "schema %" PRIu32 ": a class that there is not",
                               schema);
        k->c->own[schema].words[class / 64] |= (uint64_t)1 << class % 64;
        k->c->flags[schema] |= CLASSES_LEADS;
        k->known[schema] = true;
        return 0;
}

/* ---- what leads to a class ---- */

/* From those that have a class against the edges. */
static void spread(const struct schema_graph *g, uint8_t *flags, uint32_t *queue)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < g->n; i++)
                if (flags[i] & CLASSES_LEADS)
                        queue[n++] = i;
        for (uint32_t done = 0; done < n; done++) {
                uint32_t to = queue[done];

                for (uint32_t i = g->first[to]; i < g->first[to + 1]; i++) {
                        if (flags[g->to[i]] & CLASSES_LEADS)
                                continue;
                        flags[g->to[i]] |= CLASSES_LEADS;
                        queue[n++] = g->to[i];
                }
        }
}

static int find_leads(struct api_classes *c)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(SIZE_MAX);
        const struct schema_places places = schema_places_of(&c->schemas);
        uint32_t *queue = arena_alloc(&arena, ((size_t)places.n + 1) * sizeof *queue);
        struct schema_graph g;

        if (!queue || schema_graph(&places, API_EDGE_PLACE | API_EDGE_WITHIN, true, &arena, &g) < 0)
                return -ENOMEM;
        spread(&g, c->flags, queue);
        return 0;
}

/* ---- what a schema leads to itself ---- */

struct asked {
        const struct api_classes *c;
        bool leads;
};

static void ask_leads(void *ctx, uint32_t to)
{
        struct asked *a = ctx;

        a->leads |= classes_leads(a->c, to);
}

static bool edges_lead(const struct api_classes *c, const struct api_schema *s, unsigned sort)
{
        struct asked a = { .c = c };

        api_schema_edges(s, sort, ask_leads, &a);
        return a.leads;
}

static void put_flags(struct api_classes *c, uint32_t schema)
{
        const struct api_schema *s = &c->schemas.at[schema];

        if (edges_lead(c, s, API_EDGE_PLACE))
                c->flags[schema] |= CLASSES_PLACES;
        if (edges_lead(c, s, API_EDGE_WITHIN))
                c->flags[schema] |= CLASSES_WITHIN;
        for (uint32_t i = 0; i < s->n_patterns; i++)
                if (classes_leads(c, s->patterns[i].schema))
                        c->flags[schema] |= CLASSES_PATTERNS;
}

bool api_classes_named(const struct api_classes *c, struct span name)
{
        return api_checker_named(c->checker, name);
}

/* ---- the whole ---- */

static int take_memory(struct api_classes *c)
{
        size_t n = (size_t)c->schemas.n + 1;

        c->arena = ARENA_INIT(SIZE_MAX);
        c->own = arena_alloc(&c->arena, n * sizeof *c->own);
        c->flags = arena_alloc(&c->arena, n);
        c->space = arena_alloc(&c->arena, sizeof *c->space);
        if (!c->own || !c->flags || !c->space)
                return -ENOMEM;
        c->space->seen = arena_alloc(&c->arena, n * sizeof *c->space->seen);
        return c->space->seen ? 0 : -ENOMEM;
}

static int work_out(struct maker *k, struct err *err)
{
        struct api_classes *c = k->c;
        int rc = take_memory(c);

        for (uint32_t i = 0; rc == 0 && i < c->schemas.n; i++)
                rc = put_named(k, i, err);
        if (rc < 0)
                return rc;
        for (uint32_t i = 0; i < c->schemas.n; i++)
                add_own(k, i);
        rc = find_leads(c);
        if (rc < 0)
                return rc;
        for (uint32_t i = 0; i < c->schemas.n; i++)
                put_flags(c, i);
        return 0;
}

int api_classes_new(const struct api *a, const struct api_checker *c, struct api_classes **ret,
                    struct err *err)
{
        CLEANUP(api_classes_freep) struct api_classes *made = calloc(1, sizeof *made);
        struct maker k = { .api = a, .c = made, .known = calloc((size_t)a->schemas.n + 1, 1) };
        int rc = made && k.known ? 0 : -ENOMEM;

        if (rc == 0) {
                made->schemas = a->schemas;
                made->checker = c;
                rc = work_out(&k, err);
        }
        free(k.known);
        if (rc < 0)
                return rc == -ENOMEM ? err_set(err, rc, "no memory for data classes") : rc;
        *ret = made;
        made = NULL;
        return 0;
}

struct api_classes *api_classes_free(struct api_classes *c)
{
        if (!c)
                return NULL;
        if (c->space)
                free(c->space->stack);
        arena_done(&c->arena);
        free(c);
        return NULL;
}
