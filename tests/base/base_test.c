/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static unsigned asked;

/* A clock: each call gives another answer. */
static int64_t next(void)
{
        return 10 * (int64_t)++asked;
}

/* A clock read twice gave a time left below nothing, which a poll took for "for ever". */
static void test_arguments_are_evaluated_once(void **state)
{
        static int at[] = { 7, 8, 9 };
        int *p = at;

        asked = 0;
        assert_int_equal(MIN_OF(next(), 1000), 10);
        assert_int_equal(MAX_OF(next(), 0), 20);
        assert_int_equal(MIN_OF(1000, next()), 30);
        assert_int_equal(MAX_OF(0, next()), 40);
        assert_int_equal(MIN_OF(MAX_OF(next(), 0), MAX_OF(1, MIN_OF(next(), 1000))), 50);
        assert_int_equal(asked, 6);
        assert_int_equal(MAX_OF(*p++, 0), 7);
        assert_int_equal(MIN_OF(9, *p++), 8);
        assert_ptr_equal(p, at + 2);
}

static void test_what_is_smaller_and_larger(void **state)
{
        static const struct {
                int64_t a, b, min, max;
        } cases[] = {
                { 0, 0, 0, 0 },
                { 1, 2, 1, 2 },
                { 2, 1, 1, 2 },
                { -1, 1, -1, 1 },
                { INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX },
                { INT64_MAX, INT64_MIN, INT64_MIN, INT64_MAX },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                int64_t a = cases[i].a, b = cases[i].b;

                assert_true(MIN_OF(a, b) == cases[i].min);
                assert_true(MAX_OF(a, b) == cases[i].max);
        }
}

static void test_types(void **state)
{
        struct {
                unsigned three : 3;
        } bits = { .three = 7 };
        const uint8_t byte = 200;
        const char text[] = "ab";
        uint32_t u = UINT32_MAX;
        uint64_t wide = UINT64_MAX;

        assert_int_equal(MIN_OF(bits.three, 9), 7);
        assert_int_equal(MAX_OF(byte, 100) + 100, 300);
        assert_true(MAX_OF(u, wide) == UINT64_MAX);
        assert_true(MIN_OF(wide, u) == UINT32_MAX);
        assert_int_equal(sizeof(MIN_OF(u, wide)), 8);
        assert_ptr_equal(MAX_OF(text, text + 1), text + 1);
        for (size_t i = 0; i < MIN_OF(sizeof text, (size_t)2); i++)
                assert_int_equal(text[MIN_OF(i, 1u)], "ab"[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_arguments_are_evaluated_once),
                cmocka_unit_test(test_what_is_smaller_and_larger),
                cmocka_unit_test(test_types),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
