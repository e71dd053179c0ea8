/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A call that takes so much, marks it and is over. */
static uint8_t *use(struct kept *k, size_t n, uint8_t mark)
{
        struct arena a = kept_take(k, 1 << 20);
        uint8_t *p = arena_alloc(&a, n);

        assert_non_null(p);
        assert_true(a.wipes);
        assert_int_equal(a.max, 1 << 20);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
        memset(p, mark, n);
        kept_give(k, a);
        return p;
}

static void memory_is_the_next_ones_and_zeroed(void **state)
{
        struct kept k = { 0 };
        uint8_t *first = use(&k, 1000, 0xa5);

        (void)state;
        assert_int_equal(k.n, 1);
        for (size_t i = 0; i < 1000; i++)
                assert_int_equal(first[i], 0);
        assert_ptr_equal(use(&k, 40000, 0x5a), first);
        assert_ptr_equal(use(&k, 1, 1), first);
        kept_done(&k);
        assert_int_equal(k.n, 0);
}

static void a_ceiling_of_one_call_is_not_the_next_ones(void **state)
{
        struct kept k = { 0 };
        struct arena a = kept_take(&k, 1 << 20);

        (void)state;
        a.max = 64;
        assert_null(arena_alloc(&a, 65));
        assert_non_null(arena_alloc(&a, 64));
        assert_true(a.full);
        kept_give(&k, a);
        a = kept_take(&k, 1 << 20);
        assert_false(a.full);
        assert_non_null(arena_alloc(&a, 65));
        arena_done(&a);
}

static void there_are_ceilings(void **state)
{
        static const struct {
                size_t n;
                uint32_t kept;
        } table[] = { { KEPT_BYTES, 1 }, { KEPT_BYTES + 16, 0 }, { 1 << 19, 0 } };
        struct arena many[KEPT_MAX + 1];
        struct kept k = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct arena a = kept_take(NULL, 1 << 20);

                assert_non_null(arena_alloc(&a, table[i].n));
                kept_give(&k, a);
                assert_int_equal(k.n, table[i].kept);
                kept_done(&k);
        }
        for (size_t i = 0; i < ARRAY_LEN(many); i++) {
                many[i] = kept_take(&k, 1 << 20);
                assert_non_null(arena_alloc(&many[i], 1));
        }
        for (size_t i = 0; i < ARRAY_LEN(many); i++)
                kept_give(&k, many[i]);
        assert_int_equal(k.n, KEPT_MAX);
        kept_done(&k);
}

static void nothing_is_kept_where_nobody_keeps_it(void **state)
{
        (void)state;
        use(NULL, 1000, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(memory_is_the_next_ones_and_zeroed),
                cmocka_unit_test(a_ceiling_of_one_call_is_not_the_next_ones),
                cmocka_unit_test(there_are_ceilings),
                cmocka_unit_test(nothing_is_kept_where_nobody_keeps_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
