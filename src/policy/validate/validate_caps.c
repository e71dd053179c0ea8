/* SPDX-License-Identifier: Apache-2.0 */
/* validate_caps.c - see validate_caps.h. */
#include "policy/validate/validate_caps.h"

#include <stdlib.h>

#include "policy/validate/validate_same.h"

/* ---- numbers ---- */

void cap_table_done(struct cap_table *t)
{
        free(t->list);
        free(t->slots.list);
        *t = CAP_TABLE_INIT;
}

void cap_table_clear(struct cap_table *t)
{
        if (t->slots.n)
                memset(t->slots.list, 0, t->slots.n * sizeof(*t->slots.list));
        t->slots.used = t->n = 0;
}

static uint64_t hash_of(const struct cap *c, uint64_t *steps)
{
        uint64_t h = cedar_expr_hash(c->of, steps);

        return c->tag ? h * 31 + cedar_expr_hash(c->tag, steps) : cedar_hash_span(h, c->attr);
}

static bool same(const struct cap *a, const struct cap *b, uint64_t *steps)
{
        if (!a->tag != !b->tag || !cedar_expr_same(a->of, b->of, steps))
                return false;
        return a->tag ? cedar_expr_same(a->tag, b->tag, steps) : span_eq(a->attr, b->attr);
}

/* The number of one that is like c; SLOTS_END: there is none, or no steps are left.  Whoever writes
 * policies can make all of them be met on one way. */
static uint32_t find(const struct cap_table *t, const struct cap *c, uint32_t hash, uint64_t *steps)
{
        uint32_t at = hash, from = at, i;

        while ((i = slots_next(&t->slots, hash, &at)) != SLOTS_END && *steps > 0) {
                *steps -= MIN_OF(*steps, (uint64_t)(at - from));
                from = at;
                if (same(&t->list[i], c, steps))
                        return i;
        }
        *steps -= MIN_OF(*steps, (uint64_t)(at - from));
        return SLOTS_END;
}

/* Room for one more. */
static int grow(struct cap_table *t)
{
        size_t n = slots_for(t->n + 1);
        struct slot *slots = calloc(n, sizeof(*slots)), *old = t->slots.list;
        struct cap *list = realloc(t->list, n / 2 * sizeof(*list));

        if (list)
                t->list = list;
        if (!list || !slots) {
                free(slots);
                return -ENOMEM;
        }
        slots_move(&t->slots, slots, n);
        free(old);
        return 0;
}

int cap_number(struct cap_table *t, const struct cap *c, uint64_t *steps, uint32_t *ret)
{
        uint32_t hash = slots_hash(hash_of(c, steps)), i = find(t, c, hash, steps);

        if (*steps == 0)
                return -E2BIG;
        if (i == SLOTS_END) {
                if (!slots_room(&t->slots) && grow(t) < 0)
                        return -ENOMEM;
                i = t->n++;
                t->list[i] = *c;
                slots_put(&t->slots, hash, i);
        }
        *ret = i;
        return 0;
}

/* ---- sets of them ---- */

bool caps_have(struct caps c, uint32_t number)
{
        uint32_t lo = 0, hi = c.n;

        while (lo < hi) {
                uint32_t mid = lo + (hi - lo) / 2;

                if (c.at[mid] == number)
                        return true;
                if (c.at[mid] < number)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return false;
}

int caps_union(struct arena *arena, struct caps a, struct caps b, struct caps *ret)
{
        uint32_t *at, i = 0, j = 0, n = 0;

        if (a.n == 0 || b.n == 0) {
                *ret = a.n ? a : b;
                return 0;
        }
        at = arena_alloc(arena, ((size_t)a.n + b.n) * sizeof(*at));
        if (!at)
                return -ENOMEM;
        while (i < a.n || j < b.n) {
                bool from_a = j == b.n || (i < a.n && a.at[i] <= b.at[j]);
                uint32_t next = from_a ? a.at[i] : b.at[j];

                i += from_a;
                j += j < b.n && b.at[j] == next;
                at[n++] = next;
        }
        *ret = (struct caps){ at, n };
        return 0;
}

int caps_common(struct arena *arena, struct caps a, struct caps b, struct caps *ret)
{
        uint32_t *at, n = 0;

        if (a.n == 0 || b.n == 0) {
                *ret = (struct caps){ 0 };
                return 0;
        }
        at = arena_alloc(arena, MIN_OF(a.n, b.n) * sizeof(*at));
        if (!at)
                return -ENOMEM;
        for (uint32_t i = 0; i < a.n; i++)
                if (caps_have(b, a.at[i]))
                        at[n++] = a.at[i];
        *ret = (struct caps){ at, n };
        return 0;
}
