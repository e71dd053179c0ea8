/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory for one request or one scan batch, given back at once.  Floor 0. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"

struct arena_block;

struct arena {
        struct arena_block *blocks; /* newest first */
        size_t used;                /* bytes handed out and lost to alignment, all blocks */
        size_t max;
        bool full;  /* the ceiling has refused something since the beginning or the last reset */
        bool wipes; /* what was in it is zeroed before it is given back: set by the owner */
};

#define ARENA_INIT(limit) ((struct arena){ .max = (limit) })

/* Zeroed memory aligned for any type; NULL when memory or the ceiling is reached. */
MUST_USE void *arena_alloc(struct arena *a, size_t n);

/* A copy of s with a terminator behind it; NULL as above. */
MUST_USE char *arena_copy(struct arena *a, struct span s);

/* Give everything back but keep one block for the next round. */
void arena_reset(struct arena *a);

void arena_done(struct arena *a);

/* rc of a call that failed: -ENOMEM because this arena is full becomes -E2BIG and "<what> takes
 * more than 256 MiB"; anything else is handed on with its text. */
MUST_USE int arena_explain(const struct arena *a, int rc, const char *what, struct err *err);

#endif
