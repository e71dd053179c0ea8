/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange/kept.h"

struct arena kept_take(struct kept *k, size_t max)
{
        struct arena a = { .wipes = true };

        if (k && k->n > 0)
                a = k->arena[--k->n];
        a.max = max;
        return a;
}

void kept_give(struct kept *k, struct arena a)
{
        if (k && k->n < KEPT_MAX && a.used <= KEPT_BYTES) {
                arena_reset(&a);
                k->arena[k->n++] = a;
        } else {
                arena_done(&a);
        }
}

void kept_done(struct kept *k)
{
        while (k->n > 0)
                arena_done(&k->arena[--k->n]);
}
