/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/index.h"

#include "../../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_find(void **state)
{
        static const char *const keys[] = { "b", "", "ab", "b", "a", "abc", "\xff" };
        struct index x = INDEX_INIT;
        size_t i;

        (void)state;
        for (i = 0; i < ARRAY_LEN(keys); i++)
                index_add(&x, span_str(keys[i]), span_str(i == 0 ? "first" : "other"));
        assert_int_equal(index_sort(&x), 0);
        for (i = 0; i < ARRAY_LEN(keys); i++)
                assert_true(index_has(&x, span_str(keys[i])));
        assert_false(index_has(&x, SPAN("abcd")) || index_has(&x, SPAN("aa")) ||
                     index_has(&x, SPAN("c")));
        assert_true(span_eq_str(index_value(&x, SPAN("b")), "first"));
        assert_int_equal(index_value(&x, SPAN("z")).n, 0);
        i = index_find(&x, SPAN("b"));
        assert_int_equal(x.at[i].order, 0);
        assert_int_equal(x.at[i + 1].order, 3);
        assert_int_equal(index_lower(&x, SPAN("")), 0);
        assert_true(span_eq_str(x.at[index_lower(&x, SPAN("aa"))].key, "ab"));
        assert_int_equal(index_lower(&x, SPAN("\xff\xff")), x.n);
        index_done(&x);
        assert_int_equal(index_find(&x, SPAN("b")), 0);
}

static void test_ceiling(void **state)
{
        struct index x = INDEX_INIT;

        (void)state;
        for (size_t i = 0; i <= INDEX_MAX; i++)
                index_add(&x, SPAN("k"), SPAN_NONE);
        assert_int_equal(index_sort(&x), -E2BIG);
        index_done(&x);
}

static void test_memory(void **state)
{
        size_t nth = 1;
        int rc = -ENOMEM;

        (void)state;
        for (; rc < 0; nth++) {
                struct index x = INDEX_INIT;

                alloc_fail_nth = nth;
                for (size_t i = 0; i < 1000; i++)
                        index_add(&x, SPAN("k"), SPAN_NONE);
                alloc_fail_nth = 0;
                rc = index_sort(&x);
                assert_true(rc == 0 || rc == -ENOMEM);
                assert_int_equal(rc == 0, x.n == 1000);
                index_done(&x);
        }
        assert_true(nth > 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_find),
                                            cmocka_unit_test(test_ceiling),
                                            cmocka_unit_test(test_memory) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
