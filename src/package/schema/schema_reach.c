/* SPDX-License-Identifier: Apache-2.0 */
#include "package/schema/schema_reach.h"

/* ---- the graph ---- */

static const struct api_schema *of_list(const void *list, uint32_t place)
{
        return &((const struct api_schemas *)list)->at[place];
}

struct schema_places schema_places_of(const struct api_schemas *list)
{
        return (struct schema_places){ of_list, list, list->n };
}

struct drawing {
        struct schema_graph *g;
        uint32_t from;
        bool reversed, counting;
};

/* Counts into first[i + 1], then fills up to it: first[i] runs on to where i + 1 begins. */
static void draw(void *ctx, uint32_t to)
{
        struct drawing *d = ctx;
        uint32_t at = d->reversed ? to : d->from;

        if (to == API_NONE)
                return;
        if (d->counting)
                d->g->first[at + 1]++;
        else
                d->g->to[d->g->first[at]++] = d->reversed ? d->from : to;
}

static void draw_all(const struct schema_places *s, struct drawing *d, unsigned sorts)
{
        for (d->from = 0; d->from < s->n; d->from++)
                api_schema_edges(s->at(s->ctx, d->from), sorts, draw, d);
}

int schema_graph(const struct schema_places *s, unsigned sorts, bool reversed, struct arena *arena,
                 struct schema_graph *ret)
{
        struct schema_graph g = { .n = s->n };
        struct drawing d = { .g = &g, .reversed = reversed, .counting = true };

        g.first = arena_alloc(arena, ((size_t)g.n + 2) * sizeof *g.first);
        if (!g.first)
                return -ENOMEM;
        draw_all(s, &d, sorts);
        for (uint32_t i = 0; i < g.n; i++)
                g.first[i + 1] += g.first[i];
        g.to = arena_alloc(arena, ((size_t)g.first[g.n] + 1) * sizeof *g.to);
        if (!g.to)
                return -ENOMEM;
        d.counting = false;
        draw_all(s, &d, sorts);
        memmove(g.first + 1, g.first, (size_t)g.n * sizeof *g.first);
        g.first[0] = 0;
        *ret = g;
        return 0;
}

/* ---- data classes ---- */

/* From each place that has the class against the edges: those are all that lead to it. */
static void spread(const struct schema_graph *g, uint32_t number, uint32_t *queue, uint32_t n,
                   struct schema_reach *reach)
{
        uint64_t bit = (uint64_t)1 << number % 64;

        for (uint32_t done = 0; done < n; done++) {
                for (uint32_t i = g->first[queue[done]]; i < g->first[queue[done] + 1]; i++) {
                        uint64_t *word = &reach->classes[g->to[i]][number / 64];

                        if (*word & bit)
                                continue;
                        *word |= bit;
                        queue[n++] = g->to[i];
                }
        }
}

int schema_reach(const struct schema_places *s, const uint32_t *own, uint32_t n_classes,
                 struct arena *arena, struct schema_reach *ret)
{
        uint32_t *queue = arena_alloc(arena, ((size_t)s->n + 1) * sizeof *queue);
        struct schema_graph g;
        int rc;

        ret->classes = arena_alloc(arena, ((size_t)s->n + 1) * sizeof *ret->classes);
        if (!queue || !ret->classes)
                return -ENOMEM;
        rc = schema_graph(s, API_EDGE_PLACE | API_EDGE_WITHIN, true, arena, &g);
        for (uint32_t c = 0; rc == 0 && c < n_classes; c++) {
                uint32_t n = 0;

                for (uint32_t i = 0; i < s->n; i++) {
                        if (own[i] != c)
                                continue;
                        ret->classes[i][c / 64] |= (uint64_t)1 << c % 64;
                        queue[n++] = i;
                }
                spread(&g, c, queue, n, ret);
        }
        return rc;
}

/* ---- of an operation ---- */

static void add_schema(uint64_t *set, const struct schema_reach *reach, uint32_t place)
{
        for (unsigned i = 0; place != API_NONE && i < REACH_WORDS; i++)
                set[i] |= reach->classes[place][i];
}

static void add_media(uint64_t *set, const struct schema_reach *reach,
                      const struct api_media *media, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                add_schema(set, reach, media[i].schema);
}

static void add_parameters(uint64_t *set, const struct schema_reach *reach,
                           const struct api_parameter *p, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                add_schema(set, reach, p[i].schema);
}

void schema_reach_operation(const struct schema_reach *reach, const struct api_operation *o,
                            uint64_t reads[REACH_WORDS], uint64_t writes[REACH_WORDS])
{
        for (uint32_t i = 0; i < o->n_responses; i++) {
                const struct api_response *a = &o->responses[i];

                add_media(reads, reach, a->media, a->n_media);
                add_parameters(reads, reach, a->headers, a->n_headers);
        }
        if (o->request)
                add_media(writes, reach, o->request->media, o->request->n_media);
        add_parameters(writes, reach, o->parameters, o->n_parameters);
}
