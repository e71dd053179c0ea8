/* SPDX-License-Identifier: Apache-2.0 */
/* schema_index.c - who may be in whom, worked out once.  Floor 2, pure. */
#include "policy/schema/schema_index.h"

#include <stdlib.h>

#include "base/text.h"

/* A graph of n nodes: the targets of node i are edges[first[i]] to edges[first[i + 1]]. */
struct graph {
        uint32_t n;
        uint32_t *first, *edges;
        uint32_t *seen;  /* the last walk that came by, from 1 */
        uint32_t *found; /* what this walk found */
};

static int no_memory(struct err *err)
{
        return err_set(err, -ENOMEM, "no memory for the schema");
}

static int graph_init(struct graph *g, uint32_t n, size_t n_edges, struct arena *scratch,
                      struct err *err)
{
        g->n = n;
        g->first = arena_alloc(scratch, ((size_t)n + 1) * sizeof(uint32_t));
        g->edges = arena_alloc(scratch, n_edges * sizeof(uint32_t));
        g->seen = arena_alloc(scratch, n * sizeof(uint32_t));
        g->found = arena_alloc(scratch, n * sizeof(uint32_t));
        return g->first && g->edges && g->seen && g->found ? 0 : no_memory(err);
}

static int number_order(const void *x, const void *y)
{
        const uint32_t *a = x, *b = y;

        return (*a > *b) - (*a < *b);
}

/* All that can be reached from node `from` by one step or more, ascending, in g->found. */
static uint32_t reach(struct graph *g, uint32_t from)
{
        uint32_t n = 0, node = from;

        for (uint32_t next = 0;; node = g->found[next++]) {
                for (uint32_t i = g->first[node]; i < g->first[node + 1]; i++) {
                        uint32_t to = g->edges[i];

                        if (g->seen[to] == from + 1)
                                continue;
                        g->seen[to] = from + 1;
                        g->found[n++] = to;
                }
                if (next == n)
                        break;
        }
        qsort(g->found, n, sizeof(uint32_t), number_order);
        return n;
}

static int keep_reached(struct graph *g, uint32_t node, struct arena *arena, const uint32_t **ret,
                        uint32_t *ret_n, struct err *err)
{
        uint32_t n = reach(g, node);
        uint32_t *list = arena_alloc(arena, n * sizeof(uint32_t));

        if (!list)
                return no_memory(err);
        if (n)
                memcpy(list, g->found, n * sizeof(uint32_t));
        *ret = list;
        *ret_n = n;
        return 0;
}

static int index_entities(struct cedar_schema *s, struct cedar_entity_type *entities,
                          struct arena *scratch, struct err *err)
{
        size_t edges = 0;
        struct graph g;
        uint32_t at = 0;
        int rc;

        for (uint32_t i = 0; i < s->n_entities; i++)
                edges += entities[i].n_member_of;
        rc = graph_init(&g, s->n_entities, edges, scratch, err);
        if (rc < 0)
                return rc;
        for (uint32_t i = 0; i < s->n_entities; i++) {
                for (uint32_t k = 0; k < entities[i].n_member_of; k++) {
                        const struct cedar_entity_type *up =
                                cedar_schema_entity(s, entities[i].member_of[k]);

                        g.edges[at++] = (uint32_t)(up - s->entities);
                }
                g.first[i + 1] = at;
        }
        for (uint32_t i = 0; i < s->n_entities && rc == 0; i++)
                rc = keep_reached(&g, i, &s->arena, &entities[i].above, &entities[i].n_above, err);
        return rc;
}

static int fail_in_itself(const struct cedar_action *a, struct err *err)
{
        struct buf name = BUF_INIT(ERR_TEXT_MAX / 2);

        text_put_safe(&name, a->uid.type);
        buf_put_str(&name, "::\"");
        text_put_safe(&name, a->uid.id);
        buf_put_byte(&name, '"');
        err_set(err, -EINVAL, "action %s is in itself", buf_cstr(&name));
        buf_done(&name);
        return -EINVAL;
}

static int index_actions(struct cedar_schema *s, struct cedar_action *actions,
                         struct arena *scratch, struct err *err)
{
        size_t edges = 0;
        struct graph g;
        uint32_t at = 0;
        int rc;

        for (uint32_t i = 0; i < s->n_actions; i++)
                edges += actions[i].n_member_of;
        rc = graph_init(&g, s->n_actions, edges, scratch, err);
        if (rc < 0)
                return rc;
        for (uint32_t i = 0; i < s->n_actions; i++) {
                for (uint32_t k = 0; k < actions[i].n_member_of; k++) {
                        const struct cedar_action *up =
                                cedar_schema_action(s, &actions[i].member_of[k]);

                        g.edges[at++] = (uint32_t)(up - s->actions);
                }
                g.first[i + 1] = at;
        }
        for (uint32_t i = 0; i < s->n_actions; i++) {
                rc = keep_reached(&g, i, &s->arena, &actions[i].above, &actions[i].n_above, err);
                if (rc < 0)
                        return rc;
                if (g.n && g.seen[i] == i + 1)
                        return fail_in_itself(&actions[i], err);
        }
        return 0;
}

int schema_index(struct cedar_schema *s, struct cedar_entity_type *entities,
                 struct cedar_action *actions, struct arena *scratch, struct err *err)
{
        int rc = index_entities(s, entities, scratch, err);

        return rc < 0 ? rc : index_actions(s, actions, scratch, err);
}
