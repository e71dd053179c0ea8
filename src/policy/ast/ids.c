/* SPDX-License-Identifier: Apache-2.0 */
/* ids.c - policies by their ids.  Floor 2, pure. */
#include "policy/ast/ids.h"

static uint32_t hash_of(struct span id)
{
        return slots_hash(cedar_uid(SPAN_NONE, id).hash);
}

const struct cedar_policy *cedar_policies_find(const struct cedar_policies *p, struct span id)
{
        uint32_t hash = hash_of(id), i;

        for (uint32_t at = hash; (i = slots_next(&p->ids, hash, &at)) != SLOTS_END;)
                if (span_eq(p->policies[i].id, id))
                        return &p->policies[i];
        return NULL;
}

/* Twice as many as are wanted now: the old ones stay in the arena. */
bool cedar_ids_reserve(struct cedar_policies *p)
{
        size_t n = slots_for(2 * (p->n + 1));
        struct slot *list;

        if (slots_room(&p->ids))
                return true;
        list = arena_alloc(&p->arena, n * sizeof *list);
        if (!list)
                return false;
        slots_move(&p->ids, list, n);
        return true;
}

void cedar_ids_add(struct cedar_policies *p, uint32_t i)
{
        slots_put(&p->ids, hash_of(p->policies[i].id), i);
}
