/* SPDX-License-Identifier: Apache-2.0 */
/* validate_caps.c - see validate_caps.h. */
#include "policy/validate_caps.h"

#include <stdlib.h>

#include "policy/validate_same.h"

/* ---- numbers ---- */

struct cap_slot {
        struct cap cap; /* of is NULL: free */
        uint64_t hash;
        uint32_t number;
};

void cap_table_done(struct cap_table *t)
{
        free(t->slots);
        *t = CAP_TABLE_INIT;
}

void cap_table_clear(struct cap_table *t)
{
        if (t->slots)
                memset(t->slots, 0, t->cap * sizeof(*t->slots));
        t->n = 0;
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

/* Where c is, or the free slot where it would be; NULL: no steps are left.  Whoever writes policies
 * can make all of them begin at one slot. */
static struct cap_slot *slot_of(const struct cap_table *t, const struct cap *c, uint64_t hash,
                                uint64_t *steps)
{
        for (uint64_t i = hash; *steps > 0; i++) {
                struct cap_slot *s = &t->slots[i & (t->cap - 1)];

                if (!s->cap.of || (s->hash == hash && same(&s->cap, c, steps)))
                        return s;
                *steps -= *steps > 0;
        }
        return NULL;
}

static int grow(struct cap_table *t, uint64_t *steps)
{
        struct cap_table bigger = { .n = t->n, .cap = t->cap ? 2 * t->cap : 16 };

        bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
        if (!bigger.slots)
                return -ENOMEM;
        for (uint32_t i = 0; i < t->cap; i++) {
                const struct cap_slot *from = &t->slots[i];
                struct cap_slot *to;

                if (!from->cap.of)
                        continue;
                to = slot_of(&bigger, &from->cap, from->hash, steps);
                if (!to) {
                        free(bigger.slots);
                        return -E2BIG;
                }
                *to = *from;
        }
        free(t->slots);
        *t = bigger;
        return 0;
}

int cap_number(struct cap_table *t, const struct cap *c, uint64_t *steps, uint32_t *ret)
{
        uint64_t hash = hash_of(c, steps);
        struct cap_slot *s;

        if (2 * t->n >= t->cap) {
                int r = grow(t, steps);

                if (r < 0)
                        return r;
        }
        s = slot_of(t, c, hash, steps);
        if (!s)
                return -E2BIG;
        if (!s->cap.of)
                *s = (struct cap_slot){ .cap = *c, .hash = hash, .number = t->n++ };
        *ret = s->number;
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
