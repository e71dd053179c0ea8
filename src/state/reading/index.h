/* SPDX-License-Identifier: Apache-2.0 */
/* index.h - finds what a reader has seen by its name, without looking at all of it.  Floor 2, pure
 * but for memory. */
#ifndef STATE_INDEX_H
#define STATE_INDEX_H

#include "base/base.h"

enum { INDEX_MAX = 200000 };

struct index_at {
        struct span key, value; /* borrowed */
        size_t order;           /* 0, 1, 2... as they were added */
};

struct index {
        struct index_at *at;
        size_t n, max;
        int status; /* the first failure sticks: -ENOMEM, -E2BIG */
};

#define INDEX_INIT ((struct index){ 0 })

void index_done(struct index *x);
void index_add(struct index *x, struct span key, struct span value);
/* By key, then as they were added.  To be called between the last index_add() and the first
 * index_find(); returns the status. */
MUST_USE int index_sort(struct index *x);
/* The first one of that key, those of the same key behind it; x->n: none. */
size_t index_find(const struct index *x, struct span key);
/* The first one whose key is not less; x->n: none. */
size_t index_lower(const struct index *x, struct span key);
bool index_has(const struct index *x, struct span key);
/* The first one's value; empty: none. */
struct span index_value(const struct index *x, struct span key);

#endif
