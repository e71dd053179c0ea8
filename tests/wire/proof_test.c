/* SPDX-License-Identifier: Apache-2.0 */
/* Expected values come from the public vectors and from MTH and PATH written straight down from RFC
 * 6962 2.1, recursively, which share no code with wire/proof.c. */
#include "wire/proof.h"

#include "crypto/sha256.h"
#include "vector.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SIZE_MAX_TRIED = 300 };

static struct hash leaf[SIZE_MAX_TRIED];

static void node(const struct hash *l, const struct hash *r, struct hash *out)
{
        sha256_node(l->b, r->b, out->b);
}

/* ---- RFC 6962, by the book ---- */

static size_t split(size_t n)
{
        size_t k = 1;

        while (k * 2 < n)
                k *= 2;
        return k;
}

static struct hash mth(size_t lo, size_t hi)
{
        struct hash l, r;
        size_t k;

        if (hi - lo == 1)
                return leaf[lo];
        k = split(hi - lo);
        l = mth(lo, lo + k);
        r = mth(lo + k, hi);
        node(&l, &r, &l);
        return l;
}

static size_t path(size_t m, size_t lo, size_t hi, struct hash *out)
{
        size_t k, n;

        if (hi - lo == 1)
                return 0;
        k = lo + split(hi - lo);
        n = m < k ? path(m, lo, k, out) : path(m, k, hi, out);
        out[n] = m < k ? mth(k, hi) : mth(lo, k);
        return n + 1;
}

static size_t subproof(size_t m, size_t lo, size_t hi, bool whole, struct hash *out)
{
        size_t k, n;

        if (m == hi) {
                if (whole)
                        return 0;
                out[0] = mth(lo, hi);
                return 1;
        }
        k = lo + split(hi - lo);
        if (m <= k) {
                n = subproof(m, lo, k, whole, out);
                out[n] = mth(k, hi);
        } else {
                n = subproof(m, k, hi, false, out);
                out[n] = mth(lo, k);
        }
        return n + 1;
}

static int make_leaves(void **state)
{
        for (size_t i = 0; i < SIZE_MAX_TRIED; i++) {
                uint8_t entry[2] = { (uint8_t)(i >> 8), (uint8_t)i };

                sha256_leaf(span_of(entry, 2), leaf[i].b);
        }
        return 0;
}

/* ---- brute force ---- */

static void expect_ranges(const struct proof_range *r, size_t n, const struct hash *want,
                          size_t want_n)
{
        assert_int_equal(n, want_n);
        for (size_t i = 0; i < n; i++) {
                struct hash h = mth((size_t)r[i].lo, (size_t)r[i].hi);

                assert_true(hash_eq(&h, &want[i]));
        }
}

static void inclusion_by_brute_force(void **state)
{
        struct hash root, proof[PROOF_MAX];
        struct proof_range range[PROOF_MAX];
        size_t n, checked = 0;

        for (size_t size = 1; size <= SIZE_MAX_TRIED; size += size < 140 ? 1 : 13) {
                root = mth(0, size);
                for (size_t m = 0; m < size; m++) {
                        n = path(m, 0, size, proof);
                        expect_ranges(range, proof_inclusion_ranges(m, size, range), proof, n);
                        assert_int_equal(proof_check_inclusion(m, size, &leaf[m], proof, n, &root,
                                                               node, NULL),
                                         0);
                        /* Another leaf's place, a hash more, a hash less, a flipped bit. */
                        assert_int_equal(proof_check_inclusion((m + 1) % size, size, &leaf[m],
                                                               proof, n, &root, node, NULL),
                                         size == 1 ? 0 : -EBADMSG);
                        assert_int_equal(proof_check_inclusion(m, size, &leaf[m], proof, n + 1,
                                                               &root, node, NULL),
                                         -EBADMSG);
                        if (n) {
                                assert_int_equal(proof_check_inclusion(m, size, &leaf[m], proof,
                                                                       n - 1, &root, node, NULL),
                                                 -EBADMSG);
                                proof[m % n].b[m % 32] ^= 1;
                                assert_int_equal(proof_check_inclusion(m, size, &leaf[m], proof, n,
                                                                       &root, node, NULL),
                                                 -EBADMSG);
                        }
                        checked++;
                }
        }
        print_message("%zu inclusion proofs\n", checked);
}

static void consistency_by_brute_force(void **state)
{
        struct hash root1, root2, proof[PROOF_MAX];
        struct proof_range range[PROOF_MAX];
        size_t n, checked = 0;

        for (size_t size2 = 1; size2 <= SIZE_MAX_TRIED; size2 += size2 < 140 ? 1 : 13) {
                root2 = mth(0, size2);
                for (size_t size1 = 1; size1 <= size2; size1++) {
                        root1 = mth(0, size1);
                        n = subproof(size1, 0, size2, true, proof);
                        expect_ranges(range, proof_consistency_ranges(size1, size2, range), proof,
                                      n);
                        assert_int_equal(proof_check_consistency(size1, size2, proof, n, &root1,
                                                                 &root2, node, NULL),
                                         0);
                        assert_int_equal(proof_check_consistency(size1, size2, proof, n + 1, &root1,
                                                                 &root2, node, NULL),
                                         -EBADMSG);
                        root1.b[size1 % 32] ^= 0x80;
                        assert_int_equal(proof_check_consistency(size1, size2, proof, n, &root1,
                                                                 &root2, node, NULL),
                                         -EBADMSG);
                        checked++;
                }
        }
        print_message("%zu consistency proofs\n", checked);
}

static void frontier_grows_like_mth(void **state)
{
        struct frontier f = { 0 };

        for (size_t size = 1; size <= SIZE_MAX_TRIED; size++) {
                struct hash want = mth(0, size), got;

                frontier_append(&f, &leaf[size - 1], node);
                assert_true(f.size == size);
                frontier_root(&f, node, &got);
                assert_true(hash_eq(&got, &want));
        }
}

static void refuses_impossible_sizes(void **state)
{
        struct hash h = { { 0 } };
        struct err err = { 0 };

        assert_int_equal(proof_check_inclusion(0, 0, &h, &h, 0, &h, node, &err), -EBADMSG);
        assert_int_equal(proof_check_inclusion(UINT64_MAX, UINT64_MAX, &h, &h, 0, &h, node, &err),
                         -EBADMSG);
        assert_int_equal(proof_check_inclusion(0, UINT64_MAX, &h, &h, 1, &h, node, &err), -EBADMSG);
        assert_int_equal(proof_check_consistency(0, 0, &h, 0, &h, &h, node, &err), -EBADMSG);
        assert_int_equal(proof_check_consistency(0, 1, &h, 0, &h, &h, node, &err), -EBADMSG);
        assert_int_equal(proof_check_consistency(2, 1, &h, 1, &h, &h, node, &err), -EBADMSG);
        assert_int_equal(proof_check_consistency(1, UINT64_MAX, &h, 1, &h, &h, node, &err),
                         -EBADMSG);
        assert_int_equal(err.code, -EBADMSG);
}

/* 70000 = 65536 + 4096 + 256 + 64 + 32 + 16 */
static void perfect_parts(void **state)
{
        static const uint64_t width[] = { 65536, 4096, 256, 64, 32, 16 };
        struct proof_range out[PROOF_MAX];
        uint64_t at = 0;

        assert_int_equal(proof_perfect_parts((struct proof_range){ 0, 70000 }, out),
                         ARRAY_LEN(width));
        for (size_t i = 0; i < ARRAY_LEN(width); i++) {
                assert_true(out[i].lo == at && out[i].hi == at + width[i]);
                at += width[i];
        }
        assert_int_equal(proof_perfect_parts((struct proof_range){ 8, 8 }, out), 0);
        assert_int_equal(proof_perfect_parts((struct proof_range){ 0, INT64_MAX }, out), 63);
}

/* ---- public vectors ---- */

static struct {
        size_t good, bad;
} seen[2];

static int run_vector(const char *file, const struct stat *st, int type, struct FTW *ftw)
{
        struct hash proof[PROOF_MAX], a, b;
        bool shape, inclusion = strstr(file, "/inclusion/") != NULL;
        char *text;
        size_t n;
        int r;

        if (type != FTW_F || !strstr(file, ".json"))
                return 0;
        text = vector_read(file, NULL);
        assert_non_null(text);
        shape = vector_hashes(text, "proof", proof, PROOF_MAX, &n);
        /* The API takes 32-byte hashes: an empty one is refused where it is decoded. */
        if (inclusion) {
                shape = vector_hash_of(text, "root", &a) && vector_hash_of(text, "leafHash", &b) &&
                        shape;
                r = shape ? proof_check_inclusion(vector_number(text, "leafIdx"),
                                                  vector_number(text, "treeSize"), &b, proof, n, &a,
                                                  node, NULL)
                          : -EBADMSG;
        } else {
                shape = vector_hash_of(text, "root1", &a) && vector_hash_of(text, "root2", &b) &&
                        shape;
                r = shape ? proof_check_consistency(vector_number(text, "size1"),
                                                    vector_number(text, "size2"), proof, n, &a, &b,
                                                    node, NULL)
                          : -EBADMSG;
        }
        if ((r != 0) != vector_bool(text, "wantErr"))
                fail_msg("%s: %d", file, r);
        seen[inclusion].good += r == 0;
        seen[inclusion].bad += r != 0;
        free(text);
        return 0;
}

static struct {
        size_t good, bad;
} subtrees[2];

static int run_subtree_vector(const char *file, const struct stat *st, int type, struct FTW *ftw)
{
        struct hash proof[PROOF_MAX], a, b;
        bool shape, inclusion = strstr(file, "/subtreeinclusion/") != NULL;
        uint64_t start, end;
        char *text;
        size_t n;
        int r = -EBADMSG;

        if (type != FTW_F || !strstr(file, ".json"))
                return 0;
        text = vector_read(file, NULL);
        assert_non_null(text);
        start = vector_number(text, "start");
        end = vector_number(text, "end");
        shape = vector_hashes(text, "proof", proof, PROOF_MAX, &n) &&
                vector_hash_of(text, inclusion ? "root" : "root1", &a) &&
                vector_hash_of(text, inclusion ? "leafHash" : "root2", &b);
        if (shape && inclusion)
                r = proof_check_subtree_inclusion(vector_number(text, "leafIdx"),
                                                  (struct proof_range){ start, end }, &b, proof, n,
                                                  &a, node, NULL);
        else if (shape)
                r = proof_check_subtree_consistency((struct proof_range){ start, end },
                                                    vector_number(text, "size"), proof, n, &a, &b,
                                                    node, NULL);
        /* Nothing is in an empty subtree: it is refused here. */
        if (start != end && (r != 0) != vector_bool(text, "wantErr"))
                fail_msg("%s: %d", file, r);
        assert_true(start != end || r == -EBADMSG);
        subtrees[inclusion].good += r == 0;
        subtrees[inclusion].bad += r != 0;
        free(text);
        return 0;
}

static void public_subtree_vectors(void **state)
{
        const char *data = getenv("ASSAY_DATA");
        char dir[4096];

        if (!data) {
                print_message("SKIPPED public_subtree_vectors: ASSAY_DATA is not set\n");
                skip();
        }
        for (int i = 0; i < 2; i++) {
                snprintf(dir, sizeof dir, "%s/tlog/merkle/subtree%s", data,
                         i ? "inclusion" : "consistency");
                assert_int_equal(nftw(dir, run_subtree_vector, 8, FTW_PHYS), 0);
                print_message("subtrees: %zu accepted, %zu refused\n", subtrees[i].good,
                              subtrees[i].bad);
                assert_true(subtrees[i].good > 3 && subtrees[i].bad > 50);
        }
        assert_int_equal(subtrees[0].good + subtrees[0].bad + subtrees[1].good + subtrees[1].bad,
                         322);
}

/* Each subtree of each tree of up to 70 leaves, with a proof made by the definition: of the hashes
 * of what is beside the subtree on the way up, and of the parts that the subtree has on its own. */
static size_t define_proof(size_t start, size_t end, size_t lo, size_t hi, bool known,
                           struct hash *out)
{
        size_t k = 1, n;

        if (lo == start && hi == end) {
                if (known)
                        return 0;
                out[0] = mth(lo, hi);
                return 1;
        }
        while (2 * k < hi - lo)
                k *= 2;
        if (end <= lo + k) {
                n = define_proof(start, end, lo, lo + k, known, out);
                out[n] = mth(lo + k, hi);
        } else if (start >= lo + k) {
                n = define_proof(start, end, lo + k, hi, known, out);
                out[n] = mth(lo, lo + k);
        } else { /* it begins here and goes over the middle: its left part is a part of its own */
                n = define_proof(lo + k, end, lo + k, hi, false, out);
                out[n] = mth(lo, lo + k);
        }
        return n + 1;
}

static void subtrees_by_brute_force(void **state)
{
        enum { MOST = 70 };
        size_t held = 0, refused = 0;

        for (size_t size = 1; size <= MOST; size++) {
                for (size_t start = 0; start < size; start++) {
                        for (size_t end = start + 1; end <= size; end++) {
                                struct hash proof[PROOF_MAX] = { 0 }, sub, root;
                                size_t wide = 1, n;

                                while (wide < end - start)
                                        wide *= 2;
                                sub = mth(start, end);
                                root = mth(0, size);
                                if (start % wide) {
                                        assert_int_equal(proof_check_subtree_consistency(
                                                                 (struct proof_range){ start, end },
                                                                 size, proof, 1, &sub, &root, node,
                                                                 NULL),
                                                         -EBADMSG);
                                        refused++;
                                        continue;
                                }
                                n = define_proof(start, end, 0, size, true, proof);
                                assert_int_equal(proof_check_subtree_consistency(
                                                         (struct proof_range){ start, end }, size,
                                                         proof, n, &sub, &root, node, NULL),
                                                 0);
                                assert_int_equal(proof_check_subtree_consistency(
                                                         (struct proof_range){ start, end }, size,
                                                         proof, n + 1, &sub, &root, node, NULL),
                                                 -EBADMSG);
                                for (size_t i = 0; i < n; i++) {
                                        proof[i].b[i] ^= 1;
                                        assert_int_equal(proof_check_subtree_consistency(
                                                                 (struct proof_range){ start, end },
                                                                 size, proof, n, &sub, &root, node,
                                                                 NULL),
                                                         -EBADMSG);
                                        proof[i].b[i] ^= 1;
                                        assert_int_equal(proof_check_subtree_consistency(
                                                                 (struct proof_range){ start, end },
                                                                 size, proof, i, &sub, &root, node,
                                                                 NULL),
                                                         -EBADMSG);
                                }
                                held++;
                        }
                }
        }
        print_message("%zu subtree proofs hold, %zu ranges are none\n", held, refused);
}

static void public_vectors(void **state)
{
        const char *data = getenv("ASSAY_DATA");
        char dir[4096];

        if (!data) {
                print_message("SKIPPED public_vectors: ASSAY_DATA is not set\n");
                skip();
        }
        snprintf(dir, sizeof dir, "%s/tlog/merkle/inclusion", data);
        assert_int_equal(nftw(dir, run_vector, 8, FTW_PHYS), 0);
        snprintf(dir, sizeof dir, "%s/tlog/merkle/consistency", data);
        assert_int_equal(nftw(dir, run_vector, 8, FTW_PHYS), 0);
        print_message(
                "inclusion: %zu accepted, %zu refused; consistency: %zu accepted, %zu refused\n",
                seen[1].good, seen[1].bad, seen[0].good, seen[0].bad);
        assert_int_equal(seen[1].good + seen[1].bad, 98);
        assert_int_equal(seen[0].good + seen[0].bad, 98);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(inclusion_by_brute_force),
                cmocka_unit_test(consistency_by_brute_force),
                cmocka_unit_test(frontier_grows_like_mth),
                cmocka_unit_test(refuses_impossible_sizes),
                cmocka_unit_test(perfect_parts),
                cmocka_unit_test(subtrees_by_brute_force),
                cmocka_unit_test(public_vectors),
                cmocka_unit_test(public_subtree_vectors),
        };

        return cmocka_run_group_tests(tests, make_leaves, NULL);
}
