/* SPDX-License-Identifier: Apache-2.0 */
#include "base/line.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
        const char *name, *text;
        const char *lines[4];
        bool ended; /* the last one, by a newline */
} rows[] = {
        { "nothing", "", { NULL }, false },
        { "one", "a\n", { "a" }, true },
        { "one that goes on", "a", { "a" }, false },
        { "two", "a\nbc\n", { "a", "bc" }, true },
        { "the last goes on", "a\nbc", { "a", "bc" }, false },
        { "an empty one", "\n", { "" }, true },
        { "empty ones between", "a\n\n\nb", { "a", "", "", "b" }, false },
        { "what ends lines elsewhere", "a\r\n\vb\n", { "a\r", "\vb" }, true },
};

static void test_lines(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct span rest = span_str(rows[i].text), line;
                bool ended = false;
                size_t n = 0;

                print_message("%s\n", rows[i].name);
                for (; rest.n; n++) {
                        assert_true(n == 0 || ended);
                        ended = line_next(&rest, &line);
                        assert_true(n < ARRAY_LEN(rows[i].lines) && rows[i].lines[n]);
                        assert_true(span_eq_str(line, rows[i].lines[n]));
                }
                assert_true(n == ARRAY_LEN(rows[i].lines) || !rows[i].lines[n]);
                assert_int_equal(ended, rows[i].ended);
        }
}

/* What lies behind a text is none of it. */
static void test_bounds(void **state)
{
        struct span rest = span_of("ab\ncd\n", 2), line;

        (void)state;
        assert_false(line_next(&rest, &line));
        assert_true(span_eq_str(line, "ab"));
        assert_int_equal(rest.n, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_bounds),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
