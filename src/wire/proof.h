/* SPDX-License-Identifier: Apache-2.0 */
/* proof.h - Merkle proofs: which hashes they consist of, and whether they hold.  Floor 1, pure.
 *
 * RFC 6962 trees; verification as RFC 9162 2.1.3.2 and 2.1.4.2.  Hashing is passed in, so that this
 * floor needs no cryptography and a test can count. */
#ifndef WIRE_PROOF_H
#define WIRE_PROOF_H

#include "base/base.h"
#include "base/err.h"

enum {
        HASH_LEN = 32,
        PROOF_MAX = 64, /* hashes in a proof for any size below 2^63 */
};

struct hash {
        uint8_t b[HASH_LEN];
};

static inline bool hash_eq(const struct hash *a, const struct hash *b)
{
        return memcmp(a->b, b->b, HASH_LEN) == 0;
}

/* SHA256(0x01 || l || r); out may be either input. */
typedef void proof_node_fn(const struct hash *l, const struct hash *r, struct hash *out);

/* 0, or -EBADMSG and why. */
MUST_USE int proof_check_inclusion(uint64_t index, uint64_t size, const struct hash *leaf,
                                   const struct hash *proof, size_t n, const struct hash *root,
                                   proof_node_fn *node, struct err *err);
MUST_USE int proof_check_consistency(uint64_t size1, uint64_t size2, const struct hash *proof,
                                     size_t n, const struct hash *root1, const struct hash *root2,
                                     proof_node_fn *node, struct err *err);

/* Leaves [lo, hi): a node of the tree, maybe ragged at the right edge. */
struct proof_range {
        uint64_t lo, hi;
};

/* The same of a subtree: a range whose lo is a multiple of the least power of two that is not below
 * its length.  Any other is refused, and so is an empty one, which nothing is in.  The first has an
 * inclusion proof of the leaf in the subtree; the second shows that the subtree of that hash is in
 * the tree of that size and root, and where lo is 0 it is a consistency proof.
 *
 * Source: Merkle Tree Certificates (draft-ietf-plants-merkle-tree-certs), "Subtrees". */
MUST_USE int proof_check_subtree_inclusion(uint64_t index, struct proof_range t,
                                           const struct hash *leaf, const struct hash *proof,
                                           size_t n, const struct hash *subtree,
                                           proof_node_fn *node, struct err *err);
MUST_USE int proof_check_subtree_consistency(struct proof_range t, uint64_t size,
                                             const struct hash *proof, size_t n,
                                             const struct hash *subtree, const struct hash *root,
                                             proof_node_fn *node, struct err *err);

/* The ranges whose hashes make up a proof, in proof order; returns how many.
 * index < size, resp. 0 < size1 <= size2, asserted. */
size_t proof_inclusion_ranges(uint64_t index, uint64_t size, struct proof_range out[PROOF_MAX]);
size_t proof_consistency_ranges(uint64_t size1, uint64_t size2, struct proof_range out[PROOF_MAX]);

/* Split [lo, hi) of a tree into perfect subtrees, left to right; returns how many (at most
 * PROOF_MAX).  Their hashes fold right to left into the range's hash. */
size_t proof_perfect_parts(struct proof_range r, struct proof_range out[PROOF_MAX]);

/* ---- a growing tree's right edge ---- */

/* Perfect subtrees of the first `size` leaves, largest first: the state needed to append. */
struct frontier {
        uint64_t size;
        unsigned n;
        struct hash node[PROOF_MAX];
};

void frontier_append(struct frontier *f, const struct hash *leaf, proof_node_fn *node);
/* size > 0; the empty tree's root is SHA256(""), the caller's business. */
void frontier_root(const struct frontier *f, proof_node_fn *node, struct hash *ret);

#endif
