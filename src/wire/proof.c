/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/proof.h"

static unsigned low_zeros(uint64_t v)
{
        return v ? (unsigned)__builtin_ctzll(v) : 64;
}

/* Largest power of two strictly below n; n > 1. */
static uint64_t split_point(uint64_t n)
{
        return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* ---- verification ---- */

/* One step up: whether the sibling is on the left; moves fn and sn to the parent.  RFC 9162 2.1.3.2
 * steps 4b and 4c: at the ragged edge levels without a sibling are skipped. */
static bool step(uint64_t *fn, uint64_t *sn)
{
        bool left = (*fn & 1) || *fn == *sn;

        if (left)
                while (!(*fn & 1) && *fn) {
                        *fn >>= 1;
                        *sn >>= 1;
                }
        *fn >>= 1;
        *sn >>= 1;
        return left;
}

int proof_check_inclusion(uint64_t index, uint64_t size, const struct hash *leaf,
                          const struct hash *proof, size_t n, const struct hash *root,
                          proof_node_fn *node, struct err *err)
{
        uint64_t fn = index, sn = size - 1;
        struct hash r = *leaf;
        size_t i;

        if (index >= size)
                return err_set(err, -EBADMSG, "inclusion proof: index %llu is not below size %llu",
                               (unsigned long long)index, (unsigned long long)size);
        for (i = 0; i < n; i++) {
                if (sn == 0)
                        return err_set(err, -EBADMSG,
                                       "inclusion proof: %zu hashes, only %zu are wanted", n, i);
                if (step(&fn, &sn))
                        node(&proof[i], &r, &r);
                else
                        node(&r, &proof[i], &r);
        }
        if (sn != 0)
                return err_set(err, -EBADMSG, "inclusion proof: %zu hashes are too few", n);
        if (!hash_eq(&r, root))
                return err_set(err, -EBADMSG, "inclusion proof: leads to another root");
        return 0;
}

static int check_same_size(const struct hash *root1, const struct hash *root2, size_t n,
                           struct err *err)
{
        if (n)
                return err_set(err, -EBADMSG, "consistency proof: %zu hashes for two equal sizes",
                               n);
        if (!hash_eq(root1, root2))
                return err_set(err, -EBADMSG, "consistency proof: equal sizes, different roots");
        return 0;
}

int proof_check_consistency(uint64_t size1, uint64_t size2, const struct hash *proof, size_t n,
                            const struct hash *root1, const struct hash *root2, proof_node_fn *node,
                            struct err *err)
{
        uint64_t fn, sn;
        struct hash fr, sr;
        bool power;
        size_t i;

        if (size1 == 0 || size1 > size2)
                return err_set(err, -EBADMSG,
                               "consistency proof: no proof leads from size %llu to %llu",
                               (unsigned long long)size1, (unsigned long long)size2);
        if (size1 == size2)
                return check_same_size(root1, root2, n, err);
        if (n == 0)
                return err_set(err, -EBADMSG, "consistency proof: empty");
        power = (size1 & (size1 - 1)) == 0;
        fn = (size1 - 1) >> low_zeros(~(size1 - 1));
        sn = (size2 - 1) >> low_zeros(~(size1 - 1));
        fr = sr = power ? *root1 : proof[0];
        for (i = power ? 0 : 1; i < n; i++) {
                if (sn == 0)
                        return err_set(err, -EBADMSG,
                                       "consistency proof: %zu hashes, only %zu are wanted", n, i);
                if (step(&fn, &sn)) {
                        node(&proof[i], &fr, &fr);
                        node(&proof[i], &sr, &sr);
                } else {
                        node(&sr, &proof[i], &sr);
                }
        }
        if (sn != 0)
                return err_set(err, -EBADMSG, "consistency proof: %zu hashes are too few", n);
        if (!hash_eq(&fr, root1))
                return err_set(err, -EBADMSG, "consistency proof: leads to another old root");
        if (!hash_eq(&sr, root2))
                return err_set(err, -EBADMSG, "consistency proof: leads to another new root");
        return 0;
}

/* ---- subtrees ---- */

static int check_subtree(struct proof_range t, struct err *err)
{
        uint64_t below = t.hi - t.lo - 1; /* its bits are those that lo must not have */

        if (t.lo >= t.hi || (below && t.lo & (UINT64_MAX >> __builtin_clzll(below))))
                return err_set(err, -EBADMSG, "subtree proof: leaves %llu to %llu are no subtree",
                               (unsigned long long)t.lo, (unsigned long long)t.hi);
        return 0;
}

int proof_check_subtree_inclusion(uint64_t index, struct proof_range t, const struct hash *leaf,
                                  const struct hash *proof, size_t n, const struct hash *subtree,
                                  proof_node_fn *node, struct err *err)
{
        int r = check_subtree(t, err);

        if (r == 0 && (index < t.lo || index >= t.hi))
                r = err_set(err, -EBADMSG, "subtree proof: leaf %llu is not in it",
                            (unsigned long long)index);
        return r < 0 ? r
                     : proof_check_inclusion(index - t.lo, t.hi - t.lo, leaf, proof, n, subtree,
                                             node, err);
}

/* Where a proof is: the subtree's first and last node and the tree's last one, on one level. */
struct level {
        uint64_t first, last, edge;
};

static void up(struct level *l)
{
        l->first >>= 1;
        l->last >>= 1;
        l->edge >>= 1;
}

/* The lowest level with a sibling that a proof needs: above it, at the tree's right edge, the whole
 * subtree; else, the subtree's largest perfect part at its right end. */
static struct level lowest(struct proof_range t, uint64_t size)
{
        struct level l = { t.lo, t.hi - 1, size - 1 };

        while (l.first != l.last && (l.last == l.edge || l.last & 1))
                up(&l);
        return l;
}

int proof_check_subtree_consistency(struct proof_range t, uint64_t size, const struct hash *proof,
                                    size_t n, const struct hash *subtree, const struct hash *root,
                                    proof_node_fn *node, struct err *err)
{
        struct hash sub = *subtree, all = *subtree;
        struct level l;
        size_t i = 0;
        int r = check_subtree(t, err);

        if (r == 0 && t.hi > size)
                r = err_set(err, -EBADMSG, "subtree proof: it ends at %llu, the tree at %llu",
                            (unsigned long long)t.hi, (unsigned long long)size);
        if (r < 0)
                return r;
        l = lowest(t, size);
        if (l.first != l.last && n == 0)
                return err_set(err, -EBADMSG, "subtree proof: empty");
        if (l.first != l.last)
                sub = all = proof[i++];
        for (; i < n; i++, up(&l)) {
                if (l.edge == 0)
                        return err_set(err, -EBADMSG,
                                       "subtree proof: %zu hashes, only %zu are wanted", n, i);
                if (!(l.last & 1) && l.last != l.edge) {
                        node(&all, &proof[i], &all);
                        continue;
                }
                if (l.first < l.last)
                        node(&proof[i], &sub, &sub);
                node(&proof[i], &all, &all);
                while (!(l.last & 1) && l.last)
                        up(&l);
        }
        if (l.edge != 0)
                return err_set(err, -EBADMSG, "subtree proof: %zu hashes are too few", n);
        if (!hash_eq(&sub, subtree))
                return err_set(err, -EBADMSG, "subtree proof: leads to another subtree");
        if (!hash_eq(&all, root))
                return err_set(err, -EBADMSG, "subtree proof: leads to another root");
        return 0;
}

/* ---- which hashes ---- */

static void reverse(struct proof_range *r, size_t n)
{
        for (size_t i = 0; i < n / 2; i++) {
                struct proof_range t = r[i];

                r[i] = r[n - 1 - i];
                r[n - 1 - i] = t;
        }
}

/* RFC 6962 2.1.1 walks from the root down; a proof lists siblings from the leaf up. */
size_t proof_inclusion_ranges(uint64_t index, uint64_t size, struct proof_range out[PROOF_MAX])
{
        uint64_t lo = 0, hi = size, mid;
        size_t n = 0;

        assert(index < size);
        while (hi - lo > 1) {
                mid = lo + split_point(hi - lo);
                if (index < mid) {
                        out[n++] = (struct proof_range){ mid, hi };
                        hi = mid;
                } else {
                        out[n++] = (struct proof_range){ lo, mid };
                        lo = mid;
                }
        }
        reverse(out, n);
        return n;
}

/* RFC 6962 2.1.2: SUBPROOF(m, D[lo:hi], b); b says that the old tree's root is this very node. */
size_t proof_consistency_ranges(uint64_t size1, uint64_t size2, struct proof_range out[PROOF_MAX])
{
        uint64_t lo = 0, hi = size2, mid;
        bool whole = true;
        size_t n = 0;

        assert(size1 > 0 && size1 <= size2);
        while (hi != size1) {
                mid = lo + split_point(hi - lo);
                if (size1 <= mid) {
                        out[n++] = (struct proof_range){ mid, hi };
                        hi = mid;
                } else {
                        out[n++] = (struct proof_range){ lo, mid };
                        lo = mid;
                        whole = false;
                }
        }
        if (!whole)
                out[n++] = (struct proof_range){ lo, hi };
        reverse(out, n);
        return n;
}

size_t proof_perfect_parts(struct proof_range r, struct proof_range out[PROOF_MAX])
{
        uint64_t width, lo = r.lo;
        size_t n = 0;

        assert(r.lo <= r.hi);
        while (lo < r.hi) {
                width = UINT64_C(1) << (63 - __builtin_clzll(r.hi - lo));
                if (lo & (width - 1)) /* not a node of any tree: our bug */
                        assert(!"range does not start on its own boundary");
                out[n++] = (struct proof_range){ lo, lo + width };
                lo += width;
        }
        return n;
}

/* ---- the right edge ---- */

void frontier_append(struct frontier *f, const struct hash *leaf, proof_node_fn *node)
{
        struct hash h = *leaf;
        unsigned merges = low_zeros(~f->size);

        assert(f->n == (unsigned)__builtin_popcountll(f->size) && f->size < UINT64_MAX >> 1);
        while (merges--)
                node(&f->node[--f->n], &h, &h);
        f->node[f->n++] = h;
        f->size++;
}

void frontier_root(const struct frontier *f, proof_node_fn *node, struct hash *ret)
{
        unsigned i = f->n;
        struct hash h;

        assert(i > 0);
        h = f->node[--i];
        while (i > 0)
                node(&f->node[--i], &h, &h);
        *ret = h;
}
