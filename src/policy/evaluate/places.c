/* SPDX-License-Identifier: Apache-2.0 */
/* places.c - attributes of the request's variables, numbered.  Floor 2, pure. */
#include <stdlib.h>

#include "policy/evaluate/code.h"

/* Room for one name more, and as many slots as that wants. */
static int grow(struct cedar_places *p)
{
        size_t n = slots_for(p->n + 1);
        struct slot *slots = calloc(n, sizeof *slots), *old = p->slots.list;
        struct cedar_attribute_name *names = realloc(p->names, n / 2 * sizeof *names);

        if (names)
                p->names = names;
        if (!names || !slots) {
                free(slots);
                return -ENOMEM;
        }
        slots_move(&p->slots, slots, n);
        free(old);
        return 0;
}

int cedar_places_find(struct cedar_places *p, enum cedar_var of, struct span key, uint32_t *ret)
{
        uint32_t hash = slots_hash(cedar_uid(key, SPAN_NONE).hash) + of, i;

        for (uint32_t at = hash; (i = slots_next(&p->slots, hash, &at)) != SLOTS_END;)
                if (p->names[i].of == of && span_eq(p->names[i].key, key)) {
                        *ret = i;
                        return 0;
                }
        if (!slots_room(&p->slots) && grow(p) < 0)
                return -ENOMEM;
        slots_put(&p->slots, hash, p->n);
        p->names[p->n] = (struct cedar_attribute_name){ .key = key, .of = of };
        *ret = p->n++;
        return 0;
}

void cedar_places_done(struct cedar_places *p)
{
        free(p->names);
        free(p->slots.list);
}
