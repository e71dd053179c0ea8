/* SPDX-License-Identifier: Apache-2.0 */
/* source_tree.c - a source file's values as a tree of JSON; see source_tree.h. */
#include "package/source/source_tree.h"

#include <stdlib.h>

struct maker {
        struct arena *arena;
        struct lint *l;
        struct err *err;
};

static int no_memory(const struct maker *m)
{
        return err_set(m->err, -ENOMEM, "no memory for a source file");
}

static int fault(const struct maker *m, const struct source_node *node, const char *text)
{
        lint_error(m->l, &node->mark, "%s", text);
        return err_set(m->err, -EINVAL, "line %u, column %u: %s", node->mark.line,
                       node->mark.column, text);
}

static int make(const struct maker *m, const struct source_node *node, unsigned depth,
                struct tree *ret);

static int make_number(const struct maker *m, const struct source_node *node, struct tree *ret)
{
        struct tree t;
        int rc = tree_read_real(node->text, 1, m->arena, &t, NULL);

        if (rc == -EINVAL)
                return fault(m, node, "this number is too long");
        if (rc < 0)
                return no_memory(m);
        *ret = t;
        return 0;
}

static int make_list(const struct maker *m, const struct source_node *node, unsigned depth,
                     struct tree *ret)
{
        struct tree *items = arena_alloc(m->arena, node->n * sizeof *items);
        uint32_t n = 0;

        if (!items)
                return no_memory(m);
        for (const struct source_node *c = node->child; c; c = c->next) {
                int rc = make(m, c, depth, &items[n++]);

                if (rc < 0)
                        return rc;
        }
        *ret = (struct tree){ .kind = TREE_ARRAY, .n = n, .items = items };
        return 0;
}

static int by_key(const void *a, const void *b)
{
        return span_cmp(((const struct tree_member *)a)->key, ((const struct tree_member *)b)->key);
}

static int make_map(const struct maker *m, const struct source_node *node, unsigned depth,
                    struct tree *ret)
{
        struct tree_member *members = arena_alloc(m->arena, node->n * sizeof *members);
        uint32_t n = 0;

        if (!members)
                return no_memory(m);
        for (const struct source_node *c = node->child; c; c = c->next) {
                int rc = make(m, c, depth, &members[n].value);

                if (rc < 0)
                        return rc;
                members[n++].key = c->key;
        }
        qsort(members, n, sizeof *members, by_key);
        *ret = (struct tree){ .kind = TREE_OBJECT, .n = n, .members = members };
        return 0;
}

/* Recursion is bounded by depth: levels that are left. */
static int make(const struct maker *m, const struct source_node *node, unsigned depth,
                struct tree *ret)
{
        if ((node->kind == SOURCE_LIST || node->kind == SOURCE_MAP) && depth == 0)
                return fault(m, node, "nests too deep");
        switch (node->kind) {
        case SOURCE_NULL:
                *ret = (struct tree){ .kind = TREE_NULL };
                return 0;
        case SOURCE_BOOL:
                *ret = (struct tree){ .kind = TREE_BOOL, .boolean = node->boolean };
                return 0;
        case SOURCE_STRING:
                *ret = (struct tree){ .kind = TREE_STRING, .text = node->text };
                return 0;
        case SOURCE_NUMBER:
                return make_number(m, node, ret);
        case SOURCE_ODD_NUMBER:
                return fault(m, node, "a number that JSON has not");
        case SOURCE_LIST:
                return make_list(m, node, depth - 1, ret);
        default:
                return make_map(m, node, depth - 1, ret);
        }
}

int source_tree(const struct source_node *node, struct arena *arena, struct lint *l,
                struct tree *ret, struct err *err)
{
        const struct maker m = { arena, l, err };

        return make(&m, node, TREE_DEPTH_MAX, ret);
}
