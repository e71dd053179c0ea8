/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/guard_bases.h"

void guard_bases_clear(struct guard_bases *b)
{
        b->n = b->used = 0;
        b->everywhere = GUARD_ASKS_NOTHING;
}

static struct span base_at(const struct guard_bases *b, size_t i)
{
        return span_of(b->text + b->of[i].at, b->of[i].n);
}

void guard_bases_add(struct guard_bases *b, struct span path, enum guard_asks asks)
{
        if (path.n == 1) /* "/": a slash follows each base but this one */
                path.n = 0;
        for (size_t i = 0; i < b->n; i++) {
                if (!span_eq(base_at(b, i), path))
                        continue;
                b->of[i].asks = MAX_OF(b->of[i].asks, asks);
                return;
        }
        if (b->n == GUARD_BASES_MAX || path.n > GUARD_BASES_TEXT - b->used) {
                b->everywhere = MAX_OF(b->everywhere, asks);
                return;
        }
        b->of[b->n].at = (uint32_t)b->used;
        b->of[b->n].n = (uint32_t)path.n;
        b->of[b->n++].asks = asks;
        if (path.n)
                memcpy(b->text + b->used, path.p, path.n);
        b->used += path.n;
}

enum guard_asks guard_bases_most(const struct guard_bases *b)
{
        enum guard_asks most = b->everywhere;

        for (size_t i = 0; i < b->n; i++)
                most = MAX_OF(most, b->of[i].asks);
        return most;
}

enum guard_asks guard_bases_find(const struct guard_bases *b, struct span path)
{
        enum guard_asks best = GUARD_ASKS_NOTHING;
        size_t longest = 0;

        for (size_t i = 0; i < b->n; i++) {
                struct span base = base_at(b, i);

                if (base.n > path.n || base.n < longest ||
                    (base.n && memcmp(base.p, path.p, base.n) != 0) ||
                    (base.n < path.n && path.p[base.n] != '/'))
                        continue;
                longest = base.n;
                best = b->of[i].asks;
        }
        return MAX_OF(best, b->everywhere);
}
