/* SPDX-License-Identifier: Apache-2.0 */
/* ids.c - policies by their ids: open addressing, at most half full.  Floor 2, pure. */
#include "policy/ids.h"

enum { SLOT_FREE = 0, SLOT_GONE = UINT32_MAX /* else the policy's number + 1 */, SLOTS_MIN = 16 };

static uint32_t first_slot(const struct cedar_ids *ids, struct span id)
{
        uint64_t hash = cedar_uid(SPAN_NONE, id).hash;

        return (uint32_t)(hash ^ hash >> 32) & (ids->n - 1);
}

/* Where the id stands, or else the free slot that ends the search. */
static uint32_t find_slot(const struct cedar_policies *p, struct span id)
{
        const struct cedar_ids *ids = &p->ids;
        uint32_t at = first_slot(ids, id);

        for (;; at = (at + 1) & (ids->n - 1)) {
                uint32_t slot = ids->slots[at];

                if (slot == SLOT_FREE ||
                    (slot != SLOT_GONE && span_eq(p->policies[slot - 1].id, id)))
                        return at;
        }
}

const struct cedar_policy *cedar_policies_find(const struct cedar_policies *p, struct span id)
{
        uint32_t slot = p->ids.n ? p->ids.slots[find_slot(p, id)] : SLOT_FREE;

        return slot == SLOT_FREE ? NULL : &p->policies[slot - 1];
}

/* A table for `want` policies, with those of the old one in it. */
static bool rebuild(struct cedar_policies *p, uint32_t want)
{
        const struct cedar_ids old = p->ids;
        struct cedar_ids new = { .n = SLOTS_MIN };

        while (new.n < 4 * want)
                new.n *= 2;
        new.slots = arena_alloc(&p->arena, new.n * sizeof *new.slots);
        if (!new.slots)
                return false;
        p->ids = new;
        for (uint32_t i = 0; i < old.n; i++)
                if (old.slots[i] != SLOT_FREE && old.slots[i] != SLOT_GONE) {
                        p->ids.slots[find_slot(p, p->policies[old.slots[i] - 1].id)] = old.slots[i];
                        p->ids.used++;
                }
        return true;
}

bool cedar_ids_reserve(struct cedar_policies *p)
{
        return 2 * (p->ids.used + 1) <= p->ids.n || rebuild(p, p->n + 1);
}

void cedar_ids_add(struct cedar_policies *p, uint32_t i)
{
        assert(2 * (p->ids.used + 1) <= p->ids.n);
        p->ids.slots[find_slot(p, p->policies[i].id)] = i + 1;
        p->ids.used++;
}

void cedar_ids_remove(struct cedar_policies *p, uint32_t i)
{
        p->ids.slots[find_slot(p, p->policies[i].id)] = SLOT_GONE;
}
