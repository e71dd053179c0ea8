/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - read-only tree over tiles: hashes, proofs, entries, with a bounded tile cache.  Floor 2.
 *
 * Everything comes from the published tiles and bundles of one size; nothing here trusts them: what
 * is computed is checked by the caller against a root it trusts. */
#ifndef LEDGER_TREE_H
#define LEDGER_TREE_H

#include "base/base.h"
#include "base/err.h"
#include "ledger/read/source.h"
#include "wire/proof.h"

struct tree;

/* source is borrowed.  A partial tile that is gone is looked for in a wider one, as tlog-tiles
 * wants; `max_tiles` bounds the cache. */
MUST_USE int tree_new(struct source *source, uint64_t size, size_t max_tiles, struct tree **ret,
                      struct err *err);
struct tree *tree_free(struct tree *t);
DEFINE_CLEANUP(struct tree, tree_free)

/* Hash of leaves [lo, hi), hi <= size. */
MUST_USE int tree_range(struct tree *t, struct proof_range r, struct hash *ret, struct err *err);
MUST_USE int tree_root(struct tree *t, struct hash *ret, struct err *err);
MUST_USE int tree_prove_inclusion(struct tree *t, uint64_t index, struct hash out[PROOF_MAX],
                                  size_t *ret_n, struct err *err);
/* From size1 to the tree's size. */
MUST_USE int tree_prove_consistency(struct tree *t, uint64_t size1, struct hash out[PROOF_MAX],
                                    size_t *ret_n, struct err *err);
/* The entry's bytes, checked against its leaf hash in the tile; valid until the next call. */
MUST_USE int tree_entry(struct tree *t, uint64_t index, struct span *ret, struct err *err);

#endif
