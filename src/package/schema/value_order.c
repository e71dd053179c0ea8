/* SPDX-License-Identifier: Apache-2.0 */
/* value_order.c - which values are the same.  Floor 2, pure. */
#include "package/schema/value_order.h"

#include "package/schema/number.h"

enum { BYTES_PER_STEP = 256 };

static int cmp_numbers(const struct tree *a, const struct tree *b)
{
        struct number x, y;

        if (a->kind == TREE_NUMBER && b->kind == TREE_NUMBER)
                return (a->number > b->number) - (a->number < b->number);
        x = number_of_tree(a);
        y = number_of_tree(b);
        return number_cmp(&x, &y);
}

static int cmp_text(struct span a, struct span b, struct steps *steps)
{
        return steps_take(steps, MIN_OF(a.n, b.n) / BYTES_PER_STEP) ? span_cmp(a, b) : 0;
}

static int cmp_items(const struct tree *a, const struct tree *b, struct steps *steps)
{
        int c = (a->n > b->n) - (a->n < b->n);

        for (uint32_t i = 0; c == 0 && !steps->over && i < a->n; i++)
                c = value_cmp(&a->items[i], &b->items[i], steps);
        return c;
}

static int cmp_members(const struct tree *a, const struct tree *b, struct steps *steps)
{
        int c = (a->n > b->n) - (a->n < b->n);

        for (uint32_t i = 0; c == 0 && !steps->over && i < a->n; i++) {
                c = cmp_text(a->members[i].key, b->members[i].key, steps);
                if (c == 0)
                        c = value_cmp(&a->members[i].value, &b->members[i].value, steps);
        }
        return c;
}

static enum tree_kind sort_of(const struct tree *t)
{
        return t->kind == TREE_REAL ? TREE_NUMBER : t->kind;
}

int value_cmp(const struct tree *a, const struct tree *b, struct steps *steps)
{
        enum tree_kind x = sort_of(a), y = sort_of(b);

        if (!steps_take(steps, 1))
                return 0;
        if (x != y)
                return x < y ? -1 : 1;
        switch (x) {
        case TREE_BOOL:
                return a->boolean - b->boolean;
        case TREE_NUMBER:
                return cmp_numbers(a, b);
        case TREE_STRING:
                return cmp_text(a->text, b->text, steps);
        case TREE_ARRAY:
                return cmp_items(a, b, steps);
        case TREE_OBJECT:
                return cmp_members(a, b, steps);
        default:
                return 0;
        }
}

static void merge(const struct tree **from, size_t middle, size_t n, const struct tree **to,
                  struct steps *steps)
{
        size_t a = 0, b = middle;

        for (size_t i = 0; i < n; i++) {
                bool first = b == n || (a < middle && value_cmp(from[a], from[b], steps) <= 0);

                to[i] = from[first ? a++ : b++];
        }
}

/* By merging: however the values are chosen, a long one is not compared again and again, as each
 * comparison costs no more than what it puts into its place. */
void value_sort(const struct tree **values, const struct tree **room, size_t n, struct steps *steps)
{
        for (size_t run = 1; run < n && !steps->over; run *= 2) {
                for (size_t at = 0; at < n; at += 2 * run) {
                        size_t here = MIN_OF(2 * run, n - at);

                        merge(values + at, MIN_OF(run, here), here, room + at, steps);
                }
                memcpy(values, room, n * sizeof(const struct tree *));
        }
}
