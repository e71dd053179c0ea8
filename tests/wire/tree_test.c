/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tree.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../alloc_fail.h"

/* RFC 8259, with the narrowings of tree.h. */
static void texts_are_taken_or_refused_with_the_place(void **state)
{
        static const struct {
                const char *text, *error;
        } table[] = {
                { "null", NULL },
                { " \t\r\n true \n", NULL },
                { "", "line 1, column 1: no value begins here" },
                { "  ", "line 1, column 3: no value begins here" },
                { "nul", "line 1, column 1: no value begins here" },
                { "nullx", "line 1, column 5: something stands behind the value" },
                { "1 2", "line 1, column 3: something stands behind the value" },
                { "0", NULL },
                { "-0", "line 1, column 1: zero has no sign" },
                { "01", "line 1, column 1: a number begins with a zero too many" },
                { "-01", "line 1, column 1: a number begins with a zero too many" },
                { "-", "line 1, column 1: no value begins here" },
                { "+1", "line 1, column 1: no value begins here" },
                { ".5", "line 1, column 1: no value begins here" },
                { "1.0", "line 1, column 1: numbers are whole" },
                { "1e3", "line 1, column 1: numbers are whole" },
                { "9223372036854775807", NULL },
                { "9223372036854775808", "line 1, column 1: a number beyond 64 bits" },
                { "-9223372036854775808", NULL },
                { "-9223372036854775809", "line 1, column 1: a number beyond 64 bits" },
                { "\"\"", NULL },
                { "\"a", "line 1, column 1: a string that has no end" },
                { "\"a\\\"", "line 1, column 1: a string that has no end" },
                { "\"a\nb\"", "line 1, column 3: a control character in a string" },
                { "\"0123456789ab\tc\"", "line 1, column 14: a control character in a string" },
                { "\"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\x1f\"",
                  "line 1, column 10: a control character in a string" },
                { "\"\u00e9 0123456789\u00e9 and \\\" and \u00e9\"", NULL },
                { "\"0123456789\\\"", "line 1, column 1: a string that has no end" },
                { "\"0123456789\\", "line 1, column 1: a string that has no end" },
                { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"", NULL },
                { "\"\\a\"", "line 1, column 2: no such escape" },
                { "\"\\U0041\"", "line 1, column 2: no such escape" },
                { "\"\\u004\"", "line 1, column 7: \\u wants four hexadecimal digits" },
                { "\"\\u004@\"", "line 1, column 7: \\u wants four hexadecimal digits" },
                { "\"\\ud83d\\ude00\"", NULL },
                { "\"\\ud83d\"", "line 1, column 2: half of a surrogate pair" },
                { "\"\\ud83d\\u0041\"", "line 1, column 2: half of a surrogate pair" },
                { "\"\\ude00\"", "line 1, column 2: half of a surrogate pair" },
                { "'a'", "line 1, column 1: no value begins here" },
                { "[]", NULL },
                { "[1, [2], {}]", NULL },
                { "[1,]", "line 1, column 4: no value begins here" },
                { "[1 2]", "line 1, column 4: `,` or `]` is wanted" },
                { "[", "line 1, column 2: no value begins here" },
                { "{\"a\": 1, \"b\": [true]}", NULL },
                { "{\"a\": 1,\n \"a\": 1}",
                  "line 1, column 1: this object has the key \"a\" twice" },
                { "{\"a\": 1, \"\\u0061\": 1}", "line 1, column 1: this object has the key" },
                { "{a: 1}", "line 1, column 2: a key in quotes is wanted" },
                { "{\"a\" 1}", "line 1, column 6: `:` is wanted" },
                { "{\"a\": 1,}", "line 1, column 9: a key in quotes is wanted" },
                { "{\"\u00e9\": x}", "line 1, column 7: no value begins here" },
                { "[\n\n  x]", "line 3, column 3: no value begins here" },
                { "\"\xff\"", "line 1, column 2: not UTF-8" },
                { "\ufeff1", "line 1, column 1: no value begins here" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct err err = { 0 };
                struct tree t;
                int rc = tree_read(span_str(table[i].text), &arena, &t, &err);

                if ((rc == 0) != !table[i].error ||
                    (rc && !span_starts(span_str(err.text), span_str(table[i].error))))
                        fail_msg("%s: %s", table[i].text, rc ? err.text : "taken");
                assert_int_equal(rc, table[i].error ? -EINVAL : 0);
                arena_done(&arena);
        }
}

static void values_are_what_the_text_says(void **state)
{
        static const char text[] = "{\"z\": [-7, false, null], \"a\": \"\\u0000\\u00e9\\u20ac"
                                   "\\ud83d\\ude00\", \"m\": {}}";
        struct arena arena = ARENA_INIT(1 << 20);
        struct err err = { 0 };
        const struct tree *z, *a;
        struct tree t;

        (void)state;
        assert_int_equal(tree_read(SPAN(text), &arena, &t, &err), 0);
        assert_int_equal(t.kind, TREE_OBJECT);
        assert_int_equal(t.n, 3);
        assert_true(span_eq_str(t.members[0].key, "a") && span_eq_str(t.members[2].key, "z"));
        z = tree_get(&t, "z");
        assert_non_null(z);
        assert_int_equal(z->n, 3);
        assert_int_equal(z->items[0].number, -7);
        assert_int_equal(z->items[1].kind, TREE_BOOL);
        assert_false(z->items[1].boolean);
        assert_int_equal(z->items[2].kind, TREE_NULL);
        a = tree_get(&t, "a");
        assert_non_null(a);
        assert_true(span_eq(a->text, SPAN("\0\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
        assert_int_equal(tree_get(&t, "m")->n, 0);
        assert_null(tree_get(&t, "b"));
        assert_null(tree_get(z, "b"));
        arena_done(&arena);
}

static void nesting_ends_at_a_ceiling(void **state)
{
        (void)state;
        for (unsigned n = TREE_DEPTH_MAX; n <= TREE_DEPTH_MAX + 1; n++) {
                struct arena arena = ARENA_INIT(1 << 20);
                char text[2 * (TREE_DEPTH_MAX + 1)];
                struct err err = { 0 };
                struct tree t;

                memset(text, '[', n);
                memset(text + n, ']', n);
                assert_int_equal(tree_read(span_of(text, 2 * (size_t)n), &arena, &t, &err) == 0,
                                 n == TREE_DEPTH_MAX);
                arena_done(&arena);
        }
}

#define DIGITS_60 "123456789012345678901234567890123456789012345678901234567890"

/* What callers send may be personal, names of members as well. */
static void errors_of_any_json_show_none_of_it(void **state)
{
        static const char *const table[] = {
                "{\"ada\":1,\"ada\":2}",
                "{\"\\u0061da\":1,\"ada\":2}",
                "{\"ada\":}",
                "{\"ada\" 1}",
                "{\"ada\":ada}",
                "{ada:1}",
                "[\"ada]",
                "\"ada\"ada",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 16);
                struct err err = { 0 };
                struct tree t;

                assert_int_equal(tree_read_real(span_str(table[i]), 9, &arena, &t, &err), -EINVAL);
                if (strstr(err_text(&err), "ada"))
                        fail_msg("%s: %s", table[i], err_text(&err));
        }
}

/* RFC 8259, "Numbers": any spelling that it has, up to TREE_REAL_MAX characters. */
static void reals_are_kept_as_they_were_spelled(void **state)
{
        static const struct {
                const char *text, *error;
                bool real;
        } table[] = {
                { "0", NULL, false },
                { "9223372036854775807", NULL, false },
                { "-9223372036854775808", NULL, false },
                { "9223372036854775808", NULL, true },
                { "-9223372036854775809", NULL, true },
                { "1.0", NULL, true },
                { "-0.0", NULL, true },
                { "0.10", NULL, true },
                { "1e3", NULL, true },
                { "1E+400000000", NULL, true },
                { "-1.50e-07", NULL, true },
                { "0e0", NULL, true },
                { DIGITS_60 "1234", NULL, true },
                { "-" DIGITS_60 "123", NULL, true },
                { DIGITS_60 "12345", "line 1, column 1: a number that is too long", true },
                { "0." DIGITS_60 "123", "line 1, column 1: a number that is too long", true },
                { "[1," DIGITS_60 "e1234]", "line 1, column 4: a number that is too long", true },
                { "1.", "line 1, column 3: a digit is missing behind the point", true },
                { "1.e5", "line 1, column 3: a digit is missing behind the point", true },
                { "1.-5", "line 1, column 3: a digit is missing behind the point", true },
                { "1e", "line 1, column 3: an exponent without digits", true },
                { "1e+", "line 1, column 4: an exponent without digits", true },
                { "1e+-2", "line 1, column 4: an exponent without digits", true },
                { "1e1.5", "line 1, column 4: something stands behind the value", true },
                { "1.5.5", "line 1, column 4: something stands behind the value", true },
                { "01.5", "line 1, column 1: a number begins with a zero too many", true },
                { "00", "line 1, column 1: a number begins with a zero too many", true },
                { "-.5", "line 1, column 1: no value begins here", true },
                { ".5", "line 1, column 1: no value begins here", true },
                { "+1.5", "line 1, column 1: no value begins here", true },
                { "NaN", "line 1, column 1: no value begins here", true },
                { "-Infinity", "line 1, column 1: no value begins here", true },
                { "0x10", "line 1, column 2: something stands behind the value", true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct err err = { 0 };
                struct tree t;
                int rc = tree_read_real(span_str(table[i].text), 1, &arena, &t, &err);

                if (rc != (table[i].error ? -EINVAL : 0) ||
                    (rc && strcmp(err.text, table[i].error) != 0))
                        fail_msg("%s: %s", table[i].text, rc ? err.text : "taken");
                if (rc == 0) {
                        assert_int_equal(t.kind, table[i].real ? TREE_REAL : TREE_NUMBER);
                        assert_true(!table[i].real || span_eq_str(t.text, table[i].text));
                }
                arena_done(&arena);
        }
}

static void a_ceiling_of_depth_can_be_lower(void **state)
{
        static const struct {
                const char *text;
                unsigned depth_max;
                const char *error;
        } table[] = {
                { "1.5", 0, NULL },
                { "[]", 0, "line 1, column 1: nested too deep" },
                { "[[1.5], {}]", 2, NULL },
                { "[[1.5], {\"a\": {}}]", 2, "line 1, column 15: nested too deep" },
                { "[[[1.5]]]", 1000, NULL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct err err = { 0 };
                struct tree t;
                int rc = tree_read_real(span_str(table[i].text), table[i].depth_max, &arena, &t,
                                        &err);

                if (rc != (table[i].error ? -EINVAL : 0) ||
                    (rc && strcmp(err.text, table[i].error) != 0))
                        fail_msg("%s: %s", table[i].text, rc ? err.text : "taken");
                arena_done(&arena);
        }
}

/* Read, printed, and printed again of what is read of that. */
static void trees_are_printed_compactly(void **state)
{
        static const struct {
                struct span text, printed;
        } table[] = {
                { SPAN_INIT(" null "), SPAN_INIT("null") },
                { SPAN_INIT("[ true,false ]"), SPAN_INIT("[true,false]") },
                { SPAN_INIT("-9223372036854775808"), SPAN_INIT("-9223372036854775808") },
                { SPAN_INIT("-0"), SPAN_INIT("0") },
                { SPAN_INIT("[-0.0, 1.50, 1E+3, 9223372036854775808]"),
                  SPAN_INIT("[-0.0,1.50,1E+3,9223372036854775808]") },
                { SPAN_INIT("{ }"), SPAN_INIT("{}") },
                { SPAN_INIT("{\"b\": [], \"\": {\"d\": 1, \"c\": \"\"}, \"a\": 2}"),
                  SPAN_INIT("{\"\":{\"c\":\"\",\"d\":1},\"a\":2,\"b\":[]}") },
                { SPAN_INIT("\"\\u0000\\u001f\\u007f\\/\\u002f\\u00e9\\ud83d\\ude00\""),
                  SPAN_INIT("\"\\u0000\\u001f\x7f//\u00e9\U0001f600\"") },
                { SPAN_INIT("\"\\u0008\\u0009\\u000a\\u000c\\u000d\\u0022\\u005c\""),
                  SPAN_INIT("\"\\b\\t\\n\\f\\r\\\"\\\\\"") },
                { SPAN_INIT("{\"\\n\\u0000\": 1}"), SPAN_INIT("{\"\\n\\u0000\":1}") },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct buf once = BUF_INIT(1000), twice = BUF_INIT(1000);
                struct tree t;

                assert_int_equal(tree_read_real(table[i].text, 9, &arena, &t, NULL), 0);
                tree_print(&t, &once);
                if (!span_eq(buf_span(&once), table[i].printed))
                        fail_msg("%s: %s", table[i].printed.p, buf_cstr(&once));
                assert_int_equal(tree_read_real(buf_span(&once), 9, &arena, &t, NULL), 0);
                tree_print(&t, &twice);
                assert_true(span_eq(buf_span(&once), buf_span(&twice)));
                buf_done(&once);
                buf_done(&twice);
                arena_done(&arena);
        }
}

static void a_full_arena_is_told(void **state)
{
        static const char text[] = "{\"a\": [1, \"\\n\"], \"b\": {\"c\": {}}}";

        (void)state;
        for (size_t room = 0;; room += 16) {
                struct arena arena = ARENA_INIT(room);
                struct err err = { 0 };
                struct tree t;
                int rc = tree_read(SPAN(text), &arena, &t, &err);

                arena_done(&arena);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_true(room < 4096);
        }
        for (size_t nth = 1; nth < 3; nth++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct err err = { 0 };
                struct tree t;
                int rc;

                alloc_fail_nth = nth;
                rc = tree_read(SPAN(text), &arena, &t, &err);
                alloc_fail_nth = 0;
                arena_done(&arena);
                assert_int_equal(rc, nth == 1 ? -ENOMEM : 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(texts_are_taken_or_refused_with_the_place),
                cmocka_unit_test(values_are_what_the_text_says),
                cmocka_unit_test(nesting_ends_at_a_ceiling),
                cmocka_unit_test(errors_of_any_json_show_none_of_it),
                cmocka_unit_test(reals_are_kept_as_they_were_spelled),
                cmocka_unit_test(a_ceiling_of_depth_can_be_lower),
                cmocka_unit_test(trees_are_printed_compactly),
                cmocka_unit_test(a_full_arena_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
