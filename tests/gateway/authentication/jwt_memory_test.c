/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/jwt_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "base/le.h"
#include "token_maker.h"

enum { NOW = 1800000000, ARENA = 1 << 20 };

static const struct span asked[] = { SPAN_INIT("branch"), SPAN_INIT("unit") };

static const struct config_identity identity = {
        .kind = CONFIG_JWT,
        .issuer = SPAN_INIT("i"),
        .audience = SPAN_INIT("a"),
        .algorithms = JWT_ES256,
        .leeway_s = 30,
        .caller = SPAN_INIT("sub"),
        .groups = SPAN_INIT("groups"),
        .claims = asked,
        .n_claims = ARRAY_LEN(asked),
};

static struct jwt_memory *new_memory(uint32_t slots)
{
        struct jwt_memory *m = NULL;

        assert_int_equal(jwt_memory_new(slots, &m), 0);
        return m;
}

/* A digest as they come: any 32 bytes; the row is by the first eight. */
static void digest_of(uint64_t row, uint64_t n, uint8_t ret[JWT_MEMORY_DIGEST])
{
        memset(ret, 0, JWT_MEMORY_DIGEST);
        le_put64(ret, row);
        le_put64(ret + 24, n);
}

static void what_was_kept_is_found(void **state)
{
        static const struct span groups[] = { SPAN_INIT("staff"), SPAN_INIT(""), SPAN_INIT("b") };
        static const struct jwt_caller t[] = {
                { .caller = SPAN_INIT("ann"), .until_s = NOW + 1 },
                { .caller = SPAN_INIT("bob"), .groups = groups, .n_groups = 3, .until_s = NOW + 9 },
                { .caller = SPAN_INIT("c"),
                  .groups = groups,
                  .n_groups = 1,
                  .claims = { SPAN_INIT("north"), { NULL, 0 }, SPAN_INIT("") },
                  .until_s = INT64_MAX },
        };
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = new_memory(8);

        for (size_t round = 0; round < 2; round++)
                for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                        CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
                        uint8_t digest[JWT_MEMORY_DIGEST];
                        struct jwt_caller c = { 0 };

                        digest_of(i, i, digest);
                        assert_int_equal(jwt_memory_find(m, digest, NOW, &arena, &c), (int)round);
                        if (round == 0) {
                                jwt_memory_keep(m, digest, &t[i]);
                                assert_int_equal(jwt_memory_find(m, digest, NOW, &arena, &c), 1);
                        }
                        assert_true(span_eq(c.caller, t[i].caller));
                        assert_int_equal(c.n_groups, t[i].n_groups);
                        for (uint32_t g = 0; g < c.n_groups; g++)
                                assert_true(span_eq(c.groups[g], groups[g]));
                        for (size_t k = 0; k < ARRAY_LEN(c.claims); k++) {
                                assert_true(span_eq(c.claims[k], t[i].claims[k]));
                                assert_true((c.claims[k].p != NULL) == (t[i].claims[k].p != NULL));
                        }
                        assert_int_equal(c.until_s, t[i].until_s);
                        assert_int_equal(jwt_memory_find(m, digest, t[i].until_s - 1, &arena, &c),
                                         1);
                        assert_int_equal(jwt_memory_find(m, digest, t[i].until_s, &arena, &c), 0);
                }
}

/* Who was found lies in the arena: another one in its slot does not change it. */
static void a_copy_is_handed_out(void **state)
{
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = new_memory(1);
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
        struct jwt_caller ann = { .caller = SPAN("ann"), .until_s = NOW + 1 },
                          bob = { .caller = SPAN("bob"), .until_s = NOW + 1 }, got;
        uint8_t digest[JWT_MEMORY_DIGEST];

        digest_of(0, 1, digest);
        jwt_memory_keep(m, digest, &ann);
        assert_int_equal(jwt_memory_find(m, digest, NOW, &arena, &got), 1);
        jwt_memory_keep(m, digest, &bob);
        assert_true(span_eq_str(got.caller, "ann"));
        assert_int_equal(jwt_memory_find(m, digest, NOW, &arena, &got), 1);
        assert_true(span_eq_str(got.caller, "bob"));
}

static bool is_there(struct jwt_memory *m, uint64_t row, uint64_t n)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
        uint8_t digest[JWT_MEMORY_DIGEST];
        struct jwt_caller c;

        digest_of(row, n, digest);
        return jwt_memory_find(m, digest, NOW, &arena, &c) == 1;
}

static void keep(struct jwt_memory *m, uint64_t row, uint64_t n)
{
        struct jwt_caller c = { .caller = SPAN("x"), .until_s = NOW + 1 };
        uint8_t digest[JWT_MEMORY_DIGEST];

        digest_of(row, n, digest);
        jwt_memory_keep(m, digest, &c);
}

/* Rows are of eight; who was asked for stays, other rows are not touched. */
static void the_one_used_longest_ago_goes(void **state)
{
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = new_memory(16);

        keep(m, 1, 100);
        for (uint64_t n = 0; n < 8; n++)
                keep(m, 0, n);
        assert_true(is_there(m, 0, 0));
        keep(m, 0, 8);
        assert_false(is_there(m, 0, 1));
        for (uint64_t n = 2; n <= 8; n++)
                assert_true(is_there(m, 0, n));
        assert_true(is_there(m, 0, 0));
        keep(m, 0, 9);
        assert_false(is_there(m, 0, 2));
        for (uint64_t n = 10; n < 1000; n++)
                keep(m, 0, n);
        for (uint64_t n = 0; n < 1000; n++)
                assert_int_equal(is_there(m, 0, n), n >= 992);
        assert_true(is_there(m, 1, 100));
}

static void what_is_not_kept(void **state)
{
        enum { TEXT = 1000 };
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = new_memory(8);
        static char text[TEXT];
        struct span groups[4] = { { 0 } };
        struct jwt_caller c = { .caller = SPAN("x"), .groups = groups, .until_s = NOW + 1 };
        size_t fixed = 4 + 4 + 1 + 4 * ARRAY_LEN(c.claims) + 4 * ARRAY_LEN(groups);

        memset(text, 't', sizeof text);
        for (size_t more = 0; more < 2; more++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
                uint8_t digest[JWT_MEMORY_DIGEST];

                for (size_t i = 0; i < ARRAY_LEN(groups); i++)
                        groups[i] = span_of(text, TEXT);
                c.n_groups = ARRAY_LEN(groups);
                c.claims[3] =
                        span_of(text, JWT_MEMORY_BYTES - fixed - ARRAY_LEN(groups) * TEXT + more);
                digest_of(0, more, digest);
                jwt_memory_keep(m, digest, &c);
                assert_int_equal(jwt_memory_find(m, digest, NOW, &arena, &c), more ? 0 : 1);
                c.groups = groups;
        }
        c = (struct jwt_caller){ .caller = SPAN("x"), .until_s = 0 };
        jwt_memory_keep(m, (const uint8_t[JWT_MEMORY_DIGEST]){ 9 }, &c);
        c.until_s = -5;
        jwt_memory_keep(m, (const uint8_t[JWT_MEMORY_DIGEST]){ 9 }, &c);
        assert_false(is_there(m, 9, 0));
}

/* Each difference in what a token is judged by makes another digest, and so does a text that moves
 * from one to its neighbour. */
static void digests_differ(void **state)
{
        static const char *const sets[] = { "{\"keys\":[{" MAKER_ED "}]}",
                                            "{\"keys\":[{" MAKER_ED ",\"kid\":\"a\"}]}" };
        static const struct span other_asked[] = { SPAN_INIT("branch"), SPAN_INIT("units") };
        struct config_identity ids[10];
        uint8_t digests[ARRAY_LEN(ids) + 3][JWT_MEMORY_DIGEST];
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = new_memory(8), *other = new_memory(8);
        CLEANUP(jwks_freep) struct jwks *k = NULL, *k2 = NULL;
        size_t n = 0;

        assert_int_equal(jwks_read(span_str(sets[0]), &k, NULL), 0);
        assert_int_equal(jwks_read(span_str(sets[1]), &k2, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(ids); i++)
                ids[i] = identity;
        ids[1].issuer = SPAN("ia");
        ids[1].audience = SPAN("");
        ids[2].audience = SPAN("b");
        ids[3].algorithms = JWT_EDDSA;
        ids[4].leeway_s = 31;
        ids[5].caller = SPAN("subg");
        ids[5].groups = SPAN("roups");
        ids[6].groups = SPAN_NONE;
        ids[7].n_claims = 1;
        ids[8].claims = other_asked;
        ids[9].n_claims = 0;
        for (size_t i = 0; i < ARRAY_LEN(ids); i++)
                jwt_memory_digest(m, SPAN("h.c.s"), &ids[i], k, digests[n++]);
        jwt_memory_digest(m, SPAN("h.c.t"), &identity, k, digests[n++]);
        jwt_memory_digest(m, SPAN("h.c.s"), &identity, k2, digests[n++]);
        jwt_memory_digest(other, SPAN("h.c.s"), &identity, k, digests[n++]);
        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < i; j++)
                        if (memcmp(digests[i], digests[j], JWT_MEMORY_DIGEST) == 0)
                                fail_msg("%zu and %zu are the same", i, j);
        jwt_memory_digest(m, SPAN("h.c.s"), &identity, k, digests[1]);
        assert_memory_equal(digests[0], digests[1], JWT_MEMORY_DIGEST);
}

static void memory_runs_out(void **state)
{
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = NULL;
        struct jwt_caller c = { .caller = SPAN("ann"), .until_s = NOW + 1 };
        uint8_t digest[JWT_MEMORY_DIGEST] = { 0 };

        for (size_t nth = 1;; nth++) {
                int rc;

                alloc_fail_nth = nth;
                rc = jwt_memory_new(8, &m);
                alloc_fail_nth = 0;
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_null(m);
        }
        jwt_memory_keep(m, digest, &c);
        for (size_t nth = 1;; nth++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
                int rc;

                alloc_fail_nth = nth;
                rc = jwt_memory_find(m, digest, NOW, &arena, &c);
                alloc_fail_nth = 0;
                if (rc == 1)
                        break;
                assert_int_equal(rc, -ENOMEM);
        }
}

/* ---- refused ones ---- */

static enum jwt_fault refused(const struct jwt_memory *m, uint64_t row, uint64_t n, int64_t now_s)
{
        uint8_t digest[JWT_MEMORY_DIGEST];

        digest_of(row, n, digest);
        return jwt_memory_refused(m, digest, now_s);
}

static void refuse_token(struct jwt_memory *m, uint64_t row, uint64_t n, enum jwt_fault f,
                         int64_t now_s)
{
        uint8_t digest[JWT_MEMORY_DIGEST];

        digest_of(row, n, digest);
        jwt_memory_refuse(m, digest, f, now_s);
}

/* Faults that may be none a moment later, and those that cost nothing to find, are not kept. */
static void faults_that_stay_are_remembered(void **state)
{
        static const bool kept[JWT_FAULTS] = {
                [JWT_SIGNATURE] = true, [JWT_EXPIRED] = true, [JWT_ISSUER] = true,
                [JWT_AUDIENCE] = true,  [JWT_CALLER] = true,  [JWT_CLAIM] = true
        };
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = new_memory(8);

        for (unsigned f = JWT_GOOD; f < JWT_FAULTS; f++) {
                enum jwt_fault want = kept[f] ? (enum jwt_fault)f : JWT_GOOD;

                assert_int_equal(refused(m, f, 1, NOW), JWT_GOOD);
                refuse_token(m, f, 1, (enum jwt_fault)f, NOW);
                assert_int_equal(refused(m, f, 1, NOW), want);
                assert_int_equal(refused(m, f, 2, NOW), JWT_GOOD);
                assert_int_equal(refused(m, f, 1, NOW + JWT_MEMORY_REFUSED_S - 1), want);
                assert_int_equal(refused(m, f, 1, NOW + JWT_MEMORY_REFUSED_S), JWT_GOOD);
                assert_int_equal(refused(m, f, 1, NOW - 1), JWT_GOOD); /* the clock went back */
        }
}

/* A row has eight; one that is refused again has a place already in use till it is over. */
static void the_refused_longest_ago_goes(void **state)
{
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = new_memory(8);

        refuse_token(m, 1, 100, JWT_SIGNATURE, NOW - 1); /* older, and of another row */
        for (uint64_t n = 0; n < 9; n++)
                refuse_token(m, 0, n, JWT_SIGNATURE, NOW + (int64_t)n);
        assert_int_equal(refused(m, 0, 0, NOW + 9), JWT_GOOD);
        for (uint64_t n = 1; n < 9; n++)
                assert_int_equal(refused(m, 0, n, NOW + 9), JWT_SIGNATURE);
        assert_int_equal(refused(m, 1, 100, NOW + 9), JWT_SIGNATURE);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_kept_is_found),
                cmocka_unit_test(a_copy_is_handed_out),
                cmocka_unit_test(the_one_used_longest_ago_goes),
                cmocka_unit_test(faults_that_stay_are_remembered),
                cmocka_unit_test(the_refused_longest_ago_goes),
                cmocka_unit_test(what_is_not_kept),
                cmocka_unit_test(digests_differ),
                cmocka_unit_test(memory_runs_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
