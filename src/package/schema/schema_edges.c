/* SPDX-License-Identifier: Apache-2.0 */
#include "package/schema/schema_edges.h"

static void edges_of_list(const struct api_places *p, api_edge_fn *fn, void *ctx)
{
        for (uint32_t i = 0; i < p->n; i++)
                fn(ctx, p->at[i]);
}

static void edges_in_place(const struct api_schema *s, api_edge_fn *fn, void *ctx)
{
        fn(ctx, s->ref);
        fn(ctx, s->then_of);
        fn(ctx, s->else_of);
        edges_of_list(&s->all_of, fn, ctx);
        edges_of_list(&s->any_of, fn, ctx);
        edges_of_list(&s->one_of, fn, ctx);
        for (uint32_t i = 0; i < s->n_dependents; i++)
                fn(ctx, s->dependents[i].schema);
}

static void edges_within(const struct api_schema *s, api_edge_fn *fn, void *ctx)
{
        for (uint32_t i = 0; i < s->n_properties; i++)
                fn(ctx, s->properties[i].schema);
        for (uint32_t i = 0; i < s->n_patterns; i++)
                fn(ctx, s->patterns[i].schema);
        fn(ctx, s->additional);
        fn(ctx, s->unevaluated_properties);
        fn(ctx, s->unevaluated_items);
        fn(ctx, s->items);
        fn(ctx, s->contains);
        edges_of_list(&s->prefix_items, fn, ctx);
}

void api_schema_edges(const struct api_schema *s, unsigned sorts, api_edge_fn *fn, void *ctx)
{
        if (sorts & API_EDGE_PLACE)
                edges_in_place(s, fn, ctx);
        if (sorts & API_EDGE_TEST) {
                fn(ctx, s->not_of);
                fn(ctx, s->if_of);
        }
        if (sorts & API_EDGE_WITHIN)
                edges_within(s, fn, ctx);
}
