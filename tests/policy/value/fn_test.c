/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/value/fn.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "policy/value/uid.h"

static void names_are_found_as_functions_or_as_methods(void **state)
{
        static const struct {
                const char *name;
                bool method;
                int want; /* -1: there is none */
        } table[] = {
                { "ip", false, FN_IP },
                { "ip", true, -1 },
                { "decimal", false, FN_DECIMAL },
                { "datetime", false, FN_DATETIME },
                { "duration", false, FN_DURATION },
                { "isInRange", true, FN_IS_IN_RANGE },
                { "isInRange", false, -1 },
                { "toDays", true, FN_TO_DAYS },
                { "IP", false, -1 },
                { "", false, -1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                enum cedar_fn fn = FN_DECIMAL;
                bool found = cedar_fn_find(span_str(table[i].name), table[i].method, &fn);

                assert_int_equal(found ? (int)fn : -1, table[i].want);
        }
}

static void each_function_has_a_shape_of_its_own(void **state)
{
        (void)state;
        for (unsigned i = 0; i < CEDAR_FNS; i++) {
                const struct cedar_fn_shape *s = cedar_fn_shape((enum cedar_fn)i);
                enum cedar_fn back;

                assert_non_null(s->name);
                assert_true(cedar_fn_find(span_str(s->name), s->method, &back));
                assert_int_equal(back, i);
                assert_true(s->n_args == 1 || s->n_args == 2);
        }
}

static void a_type_and_an_id_do_not_run_together(void **state)
{
        struct cedar_uid a = cedar_uid(SPAN("A"), SPAN("bc")), b = cedar_uid(SPAN("Ab"), SPAN("c"));

        (void)state;
        assert_false(cedar_uid_eq(&a, &b));
        assert_true(a.hash != b.hash);
        assert_true(cedar_uid_cmp(&a, &b) < 0);
        b = cedar_uid(SPAN("A"), SPAN("bc"));
        assert_true(cedar_uid_eq(&a, &b));
        assert_int_equal(cedar_uid_cmp(&a, &b), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_are_found_as_functions_or_as_methods),
                cmocka_unit_test(each_function_has_a_shape_of_its_own),
                cmocka_unit_test(a_type_and_an_id_do_not_run_together),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
