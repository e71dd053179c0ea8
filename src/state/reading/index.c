/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/index.h"

#include <stdlib.h>

void index_done(struct index *x)
{
        free(x->at);
        *x = INDEX_INIT;
}

void index_add(struct index *x, struct span key, struct span value)
{
        if (x->status < 0)
                return;
        if (x->n >= INDEX_MAX) {
                x->status = -E2BIG;
                return;
        }
        if (x->n == x->max) {
                size_t max = x->max ? 2 * x->max : 64;
                struct index_at *at = realloc(x->at, max * sizeof(*at));

                if (!at) {
                        x->status = -ENOMEM;
                        return;
                }
                x->at = at;
                x->max = max;
        }
        x->at[x->n] = (struct index_at){ key, value, x->n };
        x->n++;
}

static int by_key(const void *a, const void *b)
{
        const struct index_at *x = a, *y = b;
        int c = span_cmp(x->key, y->key);

        return c ? c : (x->order > y->order) - (x->order < y->order);
}

int index_sort(struct index *x)
{
        if (x->n)
                qsort(x->at, x->n, sizeof(*x->at), by_key);
        return x->status;
}

size_t index_lower(const struct index *x, struct span key)
{
        size_t low = 0, high = x->n;

        while (low < high) {
                size_t mid = low + (high - low) / 2;

                if (span_cmp(x->at[mid].key, key) < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return low;
}

size_t index_find(const struct index *x, struct span key)
{
        size_t i = index_lower(x, key);

        return i < x->n && span_eq(x->at[i].key, key) ? i : x->n;
}

bool index_has(const struct index *x, struct span key)
{
        return index_find(x, key) < x->n;
}

struct span index_value(const struct index *x, struct span key)
{
        size_t i = index_find(x, key);

        return i < x->n ? x->at[i].value : SPAN_NONE;
}
