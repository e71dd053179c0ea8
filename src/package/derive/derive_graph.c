/* SPDX-License-Identifier: Apache-2.0 */
/* derive_graph.c - schemas in an order in which each comes behind those it is made of.  Floor 2,
 * pure.
 *
 * Source: Tarjan, "Depth-first search and linear graph algorithms", with a stack of its own since
 * a chain of schemas may be as long as there are schemas. */
#include "package/derive/derive_shape.h"

uint32_t shape_parts(const struct api_schema *schema)
{
        return 2 + schema->all_of.n + schema->any_of.n + schema->one_of.n + schema->prefix_items.n +
               schema->n_properties;
}

uint32_t shape_part(const struct api_schema *schema, uint32_t i)
{
        const struct api_places *const lists[] = { &schema->all_of, &schema->any_of,
                                                   &schema->one_of, &schema->prefix_items };

        if (i < 2)
                return i ? schema->items : schema->ref;
        i -= 2;
        for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
                if (i < lists[k]->n)
                        return lists[k]->at[i];
                i -= lists[k]->n;
        }
        return schema->properties[i].schema;
}

/* A place on the way down. */
struct step {
        uint32_t place, part;
};

struct walk {
        struct shapes *s;
        struct step *path;
        uint32_t n_path;
        uint32_t *open; /* met, and of no group yet */
        uint32_t n_open;
        uint32_t *number, *low; /* by place; number 0: not met */
        uint32_t n_met;
};

static void enter(struct walk *w, uint32_t place)
{
        w->number[place] = w->low[place] = ++w->n_met;
        w->open[w->n_open++] = place;
        w->path[w->n_path++] = (struct step){ .place = place };
}

static void lower(struct walk *w, uint32_t place, uint32_t to)
{
        w->low[place] = MIN_OF(w->low[place], to);
}

/* The last of the path leads nowhere new. */
static void leave(struct walk *w)
{
        struct shapes *s = w->s;
        uint32_t place = w->path[--w->n_path].place, member;

        if (w->n_path)
                lower(w, w->path[w->n_path - 1].place, w->low[place]);
        if (w->low[place] != w->number[place])
                return;
        s->n_groups++;
        do {
                member = w->open[--w->n_open];
                s->group[member] = s->n_groups;
                s->order[s->n_order++] = member;
        } while (member != place);
}

static void visit(struct walk *w, uint32_t root)
{
        if (root == API_NONE || w->number[root])
                return;
        enter(w, root);
        while (w->n_path) {
                struct step *at = &w->path[w->n_path - 1];
                const struct api_schema *schema = &w->s->schemas->at[at->place];
                uint32_t next;

                if (at->part == shape_parts(schema)) {
                        leave(w);
                        continue;
                }
                next = shape_part(schema, at->part++);
                if (next == API_NONE)
                        continue;
                if (!w->number[next])
                        enter(w, next);
                else if (!w->s->group[next])
                        lower(w, at->place, w->number[next]);
        }
}

int shapes_order(struct shapes *s, const uint32_t *roots, uint32_t n)
{
        struct walk w = { .s = s };
        uint32_t all = s->schemas->n;

        s->group = arena_alloc(s->arena, all * sizeof *s->group);
        s->order = arena_alloc(s->arena, all * sizeof *s->order);
        w.path = arena_alloc(s->arena, all * sizeof *w.path);
        w.open = arena_alloc(s->arena, all * sizeof *w.open);
        w.number = arena_alloc(s->arena, all * sizeof *w.number);
        w.low = arena_alloc(s->arena, all * sizeof *w.low);
        if (!s->group || !s->order || !w.path || !w.open || !w.number || !w.low)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++)
                visit(&w, roots[i]);
        return 0;
}
