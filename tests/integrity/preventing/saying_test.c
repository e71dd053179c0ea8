/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/saying.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* How many of n are told. */
static unsigned told(struct saying *s, uint32_t uid, unsigned n, int64_t now_ns)
{
        unsigned count = 0;

        for (unsigned i = 0; i < n; i++)
                count += saying_may(s, uid, now_ns);
        return count;
}

/* One after the other, of one moment and the next. */
static void test_lanes(void **state)
{
        static const struct {
                uint32_t uid;
                unsigned n;
                int64_t seconds;
                unsigned want;
        } cases[] = {
                { 1000, 3000, 0, 50 },      { 1000, 1, 9, 0 },      { 0, 1, 9, 1 },
                { 1001, 1, 9, 1 },          { 0, 300, 9, 199 },     { 1000 + 15, 1, 9, 0 },
                { 4294967294u, 60, 9, 50 }, { 1000, 3000, 10, 50 }, { 0, 300, 10, 200 },
        };
        struct saying s = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                int64_t now = (1000 + cases[i].seconds) * NS_PER_S;
                unsigned got = told(&s, cases[i].uid, cases[i].n, now);

                if (got != cases[i].want)
                        fail_msg("case %zu: %u told", i, got);
        }
        (void)state;
}

static void test_while(void **state)
{
        struct saying s = { 0 };

        saying_anew(&s, 5 * NS_PER_S);
        assert_false(saying_is_over(&s, 15 * NS_PER_S - 1));
        assert_true(saying_is_over(&s, 15 * NS_PER_S));
        assert_int_equal(told(&s, 0, 201, 15 * NS_PER_S - 1), 200);
        saying_anew(&s, 15 * NS_PER_S - 1);
        assert_int_equal(told(&s, 0, 201, 15 * NS_PER_S), 200);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_lanes),
                                            cmocka_unit_test(test_while) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
