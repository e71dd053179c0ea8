/* SPDX-License-Identifier: Apache-2.0 */
/* tilestate.h - the right edge of a tiled tree: one open tile per level.  Floor 2.
 *
 * Deliberately another computation than wire/proof.h's frontier: a root is only signed when both
 * agree. */
#ifndef LEDGER_TILESTATE_H
#define LEDGER_TILESTATE_H

#include "base/base.h"
#include "wire/proof.h"
#include "wire/tile.h"

struct tilestate {
        uint64_t size;
        struct hash slot[TILE_LEVEL_MAX + 1][TILE_WIDTH];
};

/* Root of n > 0 hashes that are perfect and equal in size, the last one maybe smaller. */
void tilestate_fold(const struct hash *h, size_t n, struct hash *ret);

/* Append a leaf; full(ctx, tile, hashes) is called for each tile it completes, lowest first. */
typedef int tilestate_full_fn(void *ctx, struct tile t, const struct hash h[TILE_WIDTH]);
MUST_USE int tilestate_append(struct tilestate *s, const struct hash *leaf, tilestate_full_fn *full,
                              void *ctx);

/* The same for 256^level leaves at once, of which only the hash is known; the size must be a
 * multiple of that. */
MUST_USE int tilestate_append_tree(struct tilestate *s, int level, const struct hash *h,
                                   tilestate_full_fn *full, void *ctx);

void tilestate_root(const struct tilestate *s, struct hash *ret);

#endif
