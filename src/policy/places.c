/* SPDX-License-Identifier: Apache-2.0 */
/* places.c - attributes of the request's variables, numbered.  Floor 2, pure. */
#include <stdlib.h>

#include "policy/code.h"

static uint32_t *slot_of(const struct cedar_places *p, enum cedar_var of, struct span key)
{
        uint32_t mask = p->n_slots - 1, i = (uint32_t)(cedar_uid(key, SPAN_NONE).hash + of) & mask;

        for (; p->slots[i]; i = (i + 1) & mask) {
                const struct cedar_place_name *name = &p->names[p->slots[i] - 1];

                if (name->of == of && span_eq(name->key, key))
                        break;
        }
        return &p->slots[i];
}

static int grow(struct cedar_places *p)
{
        uint32_t n_slots = p->n_slots ? 2 * p->n_slots : 64;
        uint32_t *slots = calloc(n_slots, sizeof *slots);
        struct cedar_place_name *names = realloc(p->names, n_slots / 2 * sizeof *names);

        if (names)
                p->names = names;
        if (!names || !slots) {
                free(slots);
                return -ENOMEM;
        }
        free(p->slots);
        p->slots = slots;
        p->n_slots = n_slots;
        for (uint32_t i = 0; i < p->n; i++)
                *slot_of(p, names[i].of, names[i].key) = i + 1;
        return 0;
}

int cedar_places_find(struct cedar_places *p, enum cedar_var of, struct span key, uint32_t *ret)
{
        uint32_t *slot;

        if (p->n == p->n_slots / 2 && grow(p))
                return -ENOMEM;
        slot = slot_of(p, of, key);
        if (*slot == 0) {
                p->names[p->n] = (struct cedar_place_name){ .key = key, .of = of };
                *slot = ++p->n;
        }
        *ret = *slot - 1;
        return 0;
}

void cedar_places_done(struct cedar_places *p)
{
        free(p->names);
        free(p->slots);
}
