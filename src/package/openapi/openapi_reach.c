/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_reach.c - what a schema leads to.  Floor 2, pure.
 *
 * Documents have tens of thousands of schemas and as many circles: nothing here goes along paths,
 * all of it takes time by the number of schemas and of the edges between them. */
#include "package/openapi/openapi_priv.h"
#include "package/schema/schema_reach.h"

static const struct api_schema *schema_at(const void *ctx, uint32_t place)
{
        return &oa_schema_at((struct oa *)(uintptr_t)ctx, place)->s;
}

static bool all_done(struct oa *r, int rc)
{
        if (rc < 0 && r->rc == 0)
                r->rc = rc;
        return rc == 0;
}

/* ---- circles ---- */

enum { WHITE, GREY, BLACK };

static void in_a_circle(struct oa *r, uint32_t place)
{
        lint_error(r->l, &oa_schema_at(r, place)->node->mark,
                   "this schema leads back to itself through $ref, allOf and the like, without a "
                   "property or an item between: no value could ever be checked");
}

/* Depth first, with a stack of our own. */
struct walk {
        const struct schema_graph *g;
        uint8_t *colour, *nest; /* nest: schemas below, up to one more than are taken */
        uint32_t *path, *next;  /* the grey ones, and where each goes on */
        uint32_t n;
};

static void leave(struct oa *r, struct walk *w, uint32_t at)
{
        uint8_t nest = 0;

        for (uint32_t i = w->g->first[at]; i < w->g->first[at + 1]; i++)
                nest = MAX_OF(nest, w->nest[w->g->to[i]]);
        w->nest[at] = (uint8_t)MIN_OF(nest + 1, API_SCHEMA_NEST_MAX + 1);
        if (nest == API_SCHEMA_NEST_MAX)
                lint_error(r->l, &oa_schema_at(r, at)->node->mark,
                           "more than %d schemas about one value follow each other from here, "
                           "through $ref, allOf and the like",
                           API_SCHEMA_NEST_MAX);
        w->colour[at] = BLACK;
        w->n--;
}

static void walk_from(struct oa *r, struct walk *w, uint32_t start)
{
        w->path[w->n++] = start;
        w->colour[start] = GREY;
        while (w->n > 0) {
                uint32_t at = w->path[w->n - 1], to;

                if (w->next[at] == w->g->first[at + 1]) {
                        leave(r, w, at);
                        continue;
                }
                to = w->g->to[w->next[at]++];
                if (w->colour[to] == GREY)
                        in_a_circle(r, to);
                if (w->colour[to] != WHITE)
                        continue;
                w->colour[to] = GREY;
                w->path[w->n++] = to;
        }
}

void oa_check_circles(struct oa *r)
{
        const struct schema_places places = { schema_at, r, r->n_schemas };
        struct schema_graph g;
        struct walk w = {
                .g = &g,
                .colour = oa_scratch(r, r->n_schemas, 1),
                .nest = oa_scratch(r, r->n_schemas, 1),
                .path = oa_scratch(r, r->n_schemas, sizeof *w.path),
                .next = oa_scratch(r, r->n_schemas, sizeof *w.next),
        };

        if (!w.next || !all_done(r, schema_graph(&places, API_EDGE_PLACE | API_EDGE_TEST, false,
                                                 &r->scratch, &g)))
                return;
        if (g.n)
                memcpy(w.next, g.first, g.n * sizeof *w.next);
        for (uint32_t i = 0; i < g.n; i++)
                if (w.colour[i] == WHITE)
                        walk_from(r, &w, i);
}

/* ---- data classes ---- */

/* Each name is kept once. */
static uint32_t own_class(struct oa *r, const struct api_schema *s)
{
        uint32_t c = 0;

        if (s->data_class.n == 0)
                return API_NONE;
        while (c < r->api->n_classes && s->data_class.p != r->classes[c].p)
                c++;
        return c < r->api->n_classes ? c : API_NONE;
}

bool oa_reach(struct oa *r, struct schema_reach *ret)
{
        const struct schema_places places = { schema_at, r, r->n_schemas };
        uint32_t *own = oa_scratch(r, r->n_schemas, sizeof *own);

        if (!own)
                return false;
        for (uint32_t i = 0; i < r->n_schemas; i++)
                own[i] = own_class(r, schema_at(r, i));
        return all_done(r, schema_reach(&places, own, r->api->n_classes, &r->scratch, ret));
}

/* ---- types of parameters ---- */

static uint32_t value_types(const struct api_schema *s)
{
        static const uint32_t types[] = {
                [TREE_NULL] = API_NULL,
                [TREE_BOOL] = API_BOOL,
                [TREE_NUMBER] = API_INTEGER | API_NUMBER,
                [TREE_REAL] = API_INTEGER | API_NUMBER, /* 1.0 */
                [TREE_STRING] = API_STRING,
                [TREE_ARRAY] = API_ARRAY,
                [TREE_OBJECT] = API_OBJECT,
        };
        uint32_t all = 0;

        if (!s->values)
                return API_ANY;
        for (uint32_t i = 0; i < s->n_values; i++)
                all |= types[s->values[i].kind];
        return all;
}

typedef uint32_t types_fn(struct oa *r, uint32_t place, unsigned depth);

/* What fn says of the schemas in place of this one, put together. */
static uint32_t combined(struct oa *r, const struct api_schema *s, unsigned depth, types_fn *fn)
{
        uint32_t types = s->ref == API_NONE ? API_ANY : fn(r, s->ref, depth), some;

        for (uint32_t i = 0; i < s->all_of.n; i++)
                types &= fn(r, s->all_of.at[i], depth);
        some = s->any_of.n ? 0 : API_ANY;
        for (uint32_t i = 0; i < s->any_of.n; i++)
                some |= fn(r, s->any_of.at[i], depth);
        types &= some;
        some = s->one_of.n ? 0 : API_ANY;
        for (uint32_t i = 0; i < s->one_of.n; i++)
                some |= fn(r, s->one_of.at[i], depth);
        return types & some;
}

/* Schemas of parameters are small; of what is deeper or larger nothing is known. */
enum { TYPES_DEPTH_MAX = 16, TYPES_STEPS_MAX = 4096 };

static bool too_large(struct oa *r, uint32_t place, unsigned depth)
{
        return place == API_NONE || depth == TYPES_DEPTH_MAX || r->steps++ >= TYPES_STEPS_MAX;
}

static uint32_t types_at(struct oa *r, uint32_t place, unsigned depth)
{
        const struct api_schema *s;
        uint32_t types;

        if (too_large(r, place, depth))
                return API_ANY;
        s = &oa_schema_at(r, place)->s;
        if (s->never)
                return 0;
        types = s->types | (s->types & API_NUMBER ? API_INTEGER : 0);
        return types & value_types(s) & combined(r, s, depth + 1, types_at);
}

static uint32_t item_types_at(struct oa *r, uint32_t place, unsigned depth)
{
        const struct api_schema *s;

        if (too_large(r, place, depth))
                return API_ANY;
        s = &oa_schema_at(r, place)->s;
        if (s->prefix_items.n)
                return API_ANY;
        return types_at(r, s->items, depth + 1) & combined(r, s, depth + 1, item_types_at);
}

uint32_t oa_types(struct oa *r, uint32_t place)
{
        r->steps = 0;
        return types_at(r, place, 0);
}

uint32_t oa_item_types(struct oa *r, uint32_t place)
{
        r->steps = 0;
        return item_types_at(r, place, 0);
}
