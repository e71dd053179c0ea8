/* SPDX-License-Identifier: Apache-2.0 */
/* slots.h - numbers of things, found by a hash: open addressing, at most half full.  Floor 2, pure.
 *
 * The things themselves stand in an array of whoever uses this, who asks of each number that is
 * found whether it is the one: of two things the hashes may be the same.
 *
 *      for (uint32_t at = hash; (i = slots_next(&s, hash, &at)) != SLOTS_END;)
 *              if (same(&things[i], wanted)) ...
 *
 * So is the memory: slots_room() says whether one more can be put, slots_for() how many slots to
 * make when not, slots_move() goes on with those. */
#ifndef POLICY_SLOTS_H
#define POLICY_SLOTS_H

#include "base/base.h"

struct slot {
        uint32_t hash;
        uint32_t number; /* from 1; 0: free */
};

/* Zeroed: nothing is there. */
struct slots {
        struct slot *list;
        uint32_t n; /* 0 or a power of two */
        uint32_t used;
};

enum { SLOTS_MIN = 16 };
#define SLOTS_END UINT32_MAX /* no number that was put */

/* A hash whose halves are well mixed, as this wants it. */
static inline uint32_t slots_hash(uint64_t hash)
{
        return (uint32_t)(hash ^ hash >> 32);
}

/* The next number that was put with this hash; *at begins as the hash and says where the search is.
 * SLOTS_END: there is no more. */
static inline uint32_t slots_next(const struct slots *s, uint32_t hash, uint32_t *at)
{
        const uint32_t mask = s->n - 1;

        for (; s->n; ++*at) {
                const struct slot *slot = &s->list[*at & mask];

                if (slot->number == 0)
                        break;
                if (slot->hash == hash) {
                        ++*at;
                        return slot->number - 1;
                }
        }
        return SLOTS_END;
}

static inline bool slots_room(const struct slots *s)
{
        return 2 * ((uint64_t)s->used + 1) <= s->n;
}

/* Slots for `want` numbers. */
static inline size_t slots_for(uint32_t want)
{
        size_t n = SLOTS_MIN;

        while (n < 2 * (size_t)want)
                n *= 2;
        return n;
}

/* There is room. */
static inline void slots_put(struct slots *s, uint32_t hash, uint32_t number)
{
        uint32_t at = hash & (s->n - 1);

        assert(slots_room(s) && number < SLOTS_END);
        while (s->list[at].number)
                at = (at + 1) & (s->n - 1);
        s->list[at] = (struct slot){ .hash = hash, .number = number + 1 };
        s->used++;
}

/* All that is there into `list`, which is zeroed, as long as slots_for() says and not s's own; that
 * stays the caller's. */
static inline void slots_move(struct slots *s, struct slot *list, size_t n)
{
        const struct slots old = *s;

        assert(n <= UINT32_MAX && (n & (n - 1)) == 0);
        *s = (struct slots){ .list = list, .n = (uint32_t)n };
        for (uint32_t i = 0; i < old.n; i++)
                if (old.list[i].number)
                        slots_put(s, old.list[i].hash, old.list[i].number - 1);
}

#endif
