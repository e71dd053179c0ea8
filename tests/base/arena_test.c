/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "../alloc_fail.h"
#include "../freed.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>

#include <cmocka.h>

static void gives_aligned_zeroed_memory(void **state)
{
        struct arena a = ARENA_INIT(1 << 20);
        static const size_t sizes[] = { 1, 3, 16, 17, 1000, 65536, 100000, 0 };

        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
                uint8_t *p = arena_alloc(&a, sizes[i]);

                assert_non_null(p);
                assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
                for (size_t k = 0; k < sizes[i]; k++)
                        assert_int_equal(p[k], 0);
                memset(p, 0xff, sizes[i]);
        }
        arena_reset(&a);
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
                uint8_t *p = arena_alloc(&a, sizes[i]);

                assert_non_null(p);
                for (size_t k = 0; k < sizes[i]; k++)
                        assert_int_equal(p[k], 0);
        }
        arena_done(&a);
        assert_null(a.blocks);
        assert_int_equal(a.max, 1 << 20);
}

/* Of a block that stays, by looking where it was. */
static void zeroes_what_was_in_it(void **state)
{
        static const struct {
                bool wipes;
                uint8_t left;
        } table[] = { { true, 0 }, { false, 0x5a } };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct arena a = { .max = 1 << 20, .wipes = table[i].wipes };
                uint8_t *p = arena_alloc(&a, 1000);

                assert_non_null(p);
                memset(p, 0x5a, 1000);
                arena_reset(&a);
                for (size_t k = 0; k < 1000; k++)
                        assert_int_equal(p[k], table[i].left);
                assert_int_equal(a.wipes, table[i].wipes);
                arena_done(&a);
                assert_int_equal(a.wipes, table[i].wipes);
        }
}

/* Each is a block of its own: a reset keeps the last, and what is done with is all given back. */
static void gives_its_blocks_back(void **state)
{
        static const char word[] = "a word that each of these blocks has";
        struct arena a = ARENA_INIT(1 << 20);

        freed_word = word;
        for (unsigned round = 0; round < 2; round++) {
                freed_with_it = 0;
                for (unsigned i = 0; i < 3; i++) {
                        char *p = arena_alloc(&a, 100000);

                        assert_non_null(p);
                        memcpy(p, word, sizeof word);
                }
                arena_reset(&a);
                assert_int_equal(freed_with_it, 2);
        }
        arena_done(&a);
        assert_int_equal(freed_with_it, 3);
        freed_word = NULL;
}

static void pieces_do_not_overlap(void **state)
{
        struct arena a = ARENA_INIT(1 << 20);
        uint8_t *p[200];

        for (size_t i = 0; i < ARRAY_LEN(p); i++) {
                p[i] = arena_alloc(&a, 1 + i * 7);
                assert_non_null(p[i]);
                memset(p[i], (int)i, 1 + i * 7);
        }
        for (size_t i = 0; i < ARRAY_LEN(p); i++)
                for (size_t k = 0; k < 1 + i * 7; k++)
                        assert_int_equal(p[i][k], i);
        arena_done(&a);
}

static void stops_at_the_ceiling(void **state)
{
        struct arena a = ARENA_INIT(64);

        assert_non_null(arena_alloc(&a, 48));
        assert_null(arena_alloc(&a, 17));
        assert_non_null(arena_alloc(&a, 16));
        assert_null(arena_alloc(&a, 1));
        assert_null(arena_alloc(&a, SIZE_MAX));
        assert_null(arena_alloc(&a, SIZE_MAX - 15));
        arena_reset(&a);
        assert_non_null(arena_alloc(&a, 64));
        arena_done(&a);
}

static void says_which_ceiling(void **state)
{
        static const struct {
                size_t max, used, wanted;
                int rc, want;
                const char *text;
        } table[] = {
                { 64, 48, 17, -ENOMEM, -E2BIG, "a thing takes more than 64 bytes" },
                { 3 << 20, 1, 3 << 20, -ENOMEM, -E2BIG, "a thing takes more than 3 MiB" },
                { 64, 48, 16, -ENOMEM, -ENOMEM, "before" }, /* it was not this one */
                { 64, 48, 17, -EINVAL, -EINVAL, "before" },
                { 64, 48, 17, 0, 0, "before" },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct arena a = ARENA_INIT(table[i].max);
                struct err err = { 0 };

                (void)(err_set)(&err, -EPERM, "before");
                assert_non_null(arena_alloc(&a, table[i].used));
                (void)!arena_alloc(&a, table[i].wanted);
                assert_int_equal(arena_explain(&a, table[i].rc, "a thing", &err), table[i].want);
                assert_string_equal(err.text, table[i].text);
                arena_reset(&a);
                assert_int_equal(arena_explain(&a, -ENOMEM, "a thing", NULL), -ENOMEM);
                arena_done(&a);
        }
}

/* No memory is no ceiling. */
static void failing_memory_is_no_ceiling(void **state)
{
        struct arena a = ARENA_INIT(1 << 20);

        alloc_fail_nth = 1;
        assert_null(arena_alloc(&a, 1));
        alloc_fail_nth = 0;
        assert_int_equal(arena_explain(&a, -ENOMEM, "a thing", NULL), -ENOMEM);
        arena_done(&a);
}

static void copies_with_terminator(void **state)
{
        struct arena a = ARENA_INIT(1024);
        char *p = arena_copy(&a, span_of("ab\0cd", 5));
        char *empty = arena_copy(&a, SPAN_NONE);

        assert_non_null(p);
        assert_memory_equal(p, "ab\0cd", 6);
        assert_non_null(empty);
        assert_string_equal(empty, "");
        assert_null(arena_copy(&a, span_of(p, SIZE_MAX)));
        arena_done(&a);
}

static void survives_failing_allocation(void **state)
{
        struct arena a = ARENA_INIT(1 << 20);

        alloc_fail_nth = 1;
        assert_null(arena_alloc(&a, 10));
        assert_int_equal(a.used, 0);
        assert_non_null(arena_alloc(&a, 10));
        alloc_fail_nth = 1;
        assert_null(arena_alloc(&a, 70000));
        alloc_fail_nth = 0;
        assert_non_null(arena_alloc(&a, 10));
        arena_done(&a);
        arena_done(&a);
        arena_reset(&a);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(gives_aligned_zeroed_memory),
                cmocka_unit_test(zeroes_what_was_in_it),
                cmocka_unit_test(gives_its_blocks_back),
                cmocka_unit_test(pieces_do_not_overlap),
                cmocka_unit_test(stops_at_the_ceiling),
                cmocka_unit_test(says_which_ceiling),
                cmocka_unit_test(failing_memory_is_no_ceiling),
                cmocka_unit_test(copies_with_terminator),
                cmocka_unit_test(survives_failing_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
