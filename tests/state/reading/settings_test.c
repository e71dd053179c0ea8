/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/settings.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

static void test_values(void **state)
{
        static const struct {
                enum state_setting_type type;
                struct span value;
                bool good;
        } cases[] = {
                { SETTING_TEXT, SPAN_INIT("a b"), true },
                { SETTING_TEXT, SPAN_INIT("K\xc3\xb6nig"), true },
                { SETTING_TEXT, SPAN_INIT(""), false },
                { SETTING_TEXT, SPAN_INIT("-o"), false },
                { SETTING_TEXT, SPAN_INIT("a\tb"), false },
                { SETTING_TEXT, SPAN_INIT("a\nb"), false },
                { SETTING_TEXT, SPAN_INIT("a\0b"), false },
                { SETTING_TEXT, SPAN_INIT("a\x7f"), false },
                { SETTING_TEXT, SPAN_INIT("\xff"), false },
                { SETTING_TEXTS, SPAN_INIT("x"), true },
                { SETTING_FILE, SPAN_INIT("/etc/x"), true },
                { SETTING_FILE, SPAN_INIT("x"), false },
                { SETTING_PORT, SPAN_INIT("22"), true },
                { SETTING_PORT, SPAN_INIT("65535"), true },
                { SETTING_PORT, SPAN_INIT("0"), false },
                { SETTING_PORT, SPAN_INIT("65536"), false },
                { SETTING_PORT, SPAN_INIT("99999999999999999999999"), false },
                { SETTING_PORT, SPAN_INIT("2x"), false },
                { SETTING_CHOICE, SPAN_INIT("one"), true },
                { SETTING_CHOICE, SPAN_INIT("three"), true },
                { SETTING_CHOICE, SPAN_INIT("on"), false },
                { SETTING_CHOICE, SPAN_INIT("one|two"), false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct state_setting s = {
                        .name = "x", .type = cases[i].type, .choices = "one|two|three", .about = "x"
                };

                if ((state_setting_wrong(&s, cases[i].value) == NULL) != cases[i].good)
                        fail_msg("%zu: \"%.*s\"", i, (int)cases[i].value.n,
                                 (const char *)cases[i].value.p);
        }
}

static void test_names(void **state)
{
        static const struct {
                const char *name;
                bool good;
        } cases[] = {
                { "corp", true },
                { "a-b_9", true },
                { "0", true },
                { "", false },
                { "-a", false },
                { "_a", false },
                { "A", false },
                { "a.b", false },
                { "a/../b", false },
                { "a b", false },
                { "abcdefghijklmnopqrstuvwxyz01234", true },   /* 31 */
                { "abcdefghijklmnopqrstuvwxyz012345", false }, /* 32 */
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                assert_true(state_target_name_ok(span_str(cases[i].name)) == cases[i].good);
}

static void test_given(void **state)
{
        struct span text = SPAN("name\ta b\npath\t/x\npath\t/y\tz\nodd\n"), key, value;
        static const char *const want[][2] = {
                { "name", "a b" }, { "path", "/x" }, { "path", "/y\tz" }, { "odd", "" }
        };
        struct span rest = text;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(want); i++) {
                assert_true(state_given_next(&rest, &key, &value));
                assert_true(span_eq_str(key, want[i][0]) && span_eq_str(value, want[i][1]));
        }
        assert_false(state_given_next(&rest, &key, &value));
        assert_true(span_eq_str(state_given(text, "path"), "/x"));
        assert_int_equal(state_given(text, "none").n, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_values),
                                            cmocka_unit_test(test_names),
                                            cmocka_unit_test(test_given) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
