/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/ranges.h"

#include <stdlib.h>

void ranges_done(struct ranges *t)
{
        free(t->at);
        t->at = NULL;
        t->n = t->cap = 0;
}

/* Gaps of twice the size are closed, until at most half of the ranges are left. */
static void make_room(struct ranges *t)
{
        while (t->n > t->max / 2) {
                size_t kept = 0;

                t->gap = t->gap ? 2 * t->gap : 1;
                for (size_t i = 1; i < t->n; i++) {
                        uint64_t between = t->at[i][0] - t->at[kept][1] - 1;

                        if (between <= t->gap) {
                                t->others += between;
                                t->at[kept][1] = t->at[i][1];
                        } else {
                                kept++;
                                t->at[kept][0] = t->at[i][0];
                                t->at[kept][1] = t->at[i][1];
                        }
                }
                t->n = kept + 1;
        }
}

static int grow(struct ranges *t)
{
        size_t cap = MIN_OF(t->cap ? 2 * t->cap : 64, t->max);
        void *more = realloc(t->at, cap * sizeof *t->at);

        if (!more)
                return -ENOMEM;
        t->at = more;
        t->cap = cap;
        return 0;
}

int ranges_add(struct ranges *t, uint64_t index, size_t rows)
{
        uint64_t between = t->n ? index - t->at[t->n - 1][1] - 1 : 0;

        assert(t->max >= 2 && (t->n == 0 || index > t->at[t->n - 1][1]));
        if (t->n == t->max && between > t->gap)
                make_room(t);
        if (t->n && between <= t->gap) {
                t->others += between;
                t->at[t->n - 1][1] = index;
        } else {
                if (t->n == t->cap && grow(t) < 0)
                        return -ENOMEM;
                t->at[t->n][0] = t->at[t->n][1] = index;
                t->n++;
        }
        t->rows += rows;
        t->entries++;
        return 0;
}
