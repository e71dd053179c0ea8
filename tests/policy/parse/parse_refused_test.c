/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parse/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "base/buf.h"

enum { TEXT_MAX = 1 << 20 };

static void expect_refused(const char *text, const char *want)
{
        struct cedar_policies *p = NULL;
        struct err err = { 0 };
        int rc = cedar_parse(span_str(text), &p, &err);

        if (rc == 0)
                print_error("accepted: %s\n", text);
        assert_int_equal(rc, -EINVAL);
        assert_null(p);
        assert_string_equal(err_text(&err), want);
}

static void what_is_refused_and_where(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { ";", "line 1, column 1: found `;`, wanted `permit` or `forbid`" },
                { "allow(principal, action, resource);",
                  "line 1, column 1: found `allow`, wanted `permit` or `forbid`" },
                { "permit(principal, action, resource)",
                  "line 1, column 36: found the end of the text, wanted `when`, `unless` or `;`" },
                { "permit(principal, action);",
                  "line 1, column 25: found `)`, wanted `==`, `in` or `,`" },
                { "\n\n  permit(principal, resource, action);",
                  "line 3, column 21: found `resource`, wanted `action`" },
                { "permit(principal: User, action, resource);",
                  "line 1, column 17: a type is asked for with `is`" },
                { "permit(principal in ?resource, action, resource);",
                  "line 1, column 21: the slot of `principal` is `?principal`" },
                { "permit(principal, action == ?action, resource);",
                  "line 1, column 29: no slot can stand for `action`" },
                { "permit(principal in [A::\"b\"], action, resource);",
                  "line 1, column 21: found `[`, wanted an entity or `?principal`" },
                { "permit(principal, action in [User::\"a\"], resource);",
                  "line 1, column 30: entities of type `User` are no actions" },
                { "permit(principal, action is Action, resource);",
                  "line 1, column 26: `is` cannot stand here for `action`, put it into a condition" },
                { "permit(principal is T == A::\"b\", action, resource);",
                  "line 1, column 23: `is` goes together with `in`, not with `==`" },
                { "permit(principal in A::\"b\" is T, action, resource);",
                  "line 1, column 28: `is` stands before `in`" },
                { "permit(principal == A, action, resource);",
                  "line 1, column 21: `A` is no entity (one is written `A::\"id\"`), wanted an "
                  "entity or `?principal`" },
                { "@a(\"x\")\n@b @a\npermit(principal, action, resource);",
                  "line 2, column 4: annotation `a` stands here twice" },
                { "@a(x) permit(principal, action, resource);",
                  "line 1, column 4: found `x`, wanted a string" },
                { "permit(principal, action, resource) if { true };",
                  "line 1, column 37: found `if`, wanted `when`, `unless` or `;`" },
                { "\"\xff\"", "line 1, column 2: not UTF-8" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                expect_refused(table[i].text, table[i].want);
}

/* The condition begins at line 2, column 1. */
static void expressions_that_are_refused_and_where(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "", "line 2, column 2: found `}`, wanted an expression" },
                { "1 < 2 < 3",
                  "line 2, column 7: found `<` behind a relation, which needs parentheses" },
                { "context has a + 1",
                  "line 2, column 15: found `+` behind a relation, which needs parentheses" },
                { "principal is A in B::\"c\" in C::\"d\"",
                  "line 2, column 26: found `in` behind a relation, which needs parentheses" },
                { "!!!!!true", "line 2, column 5: at most 4 `!` stand together" },
                { "-----1", "line 2, column 5: at most 4 `-` stand together" },
                { "!-1",
                  "line 2, column 2: found `-`, wanted an operand (`!` and `-` together need "
                  "parentheses)" },
                { "1 = 2", "line 2, column 3: found `=`, equality is written `==`" },
                { "1 / 2", "line 2, column 3: Cedar neither divides nor takes remainders" },
                { "1 % 2", "line 2, column 3: Cedar neither divides nor takes remainders" },
                { "1 & 2", "line 2, column 3: found `&`, wanted `&&`" },
                { "9223372036854775808",
                  "line 2, column 1: a number beyond -9223372036854775808...9223372036854775807" },
                { "-9223372036854775809",
                  "line 2, column 2: a number beyond -9223372036854775808...9223372036854775807" },
                { "99999999999999999999",
                  "line 2, column 1: a number beyond -9223372036854775808...9223372036854775807" },
                { "-(9223372036854775808)",
                  "line 2, column 3: a number beyond -9223372036854775808...9223372036854775807" },
                { "-9223372036854775808.a",
                  "line 2, column 2: a number beyond -9223372036854775808...9223372036854775807" },
                { "1 + if true then 1 else 2",
                  "line 2, column 5: found `if`, wanted an operand (`if` within an expression needs "
                  "parentheses)" },
                { "if true then 1", "line 2, column 16: found `}`, wanted `else`" },
                { "?principal", "line 2, column 1: slots stand in the scope, not in a condition" },
                { "foo", "line 2, column 1: `foo` means nothing here (the variables are principal, "
                         "action, resource and context; strings stand in double quotes)" },
                { "foo(1)", "line 2, column 1: there is no function `foo`" },
                { "A::ip(\"::1\")", "line 2, column 1: there is no function `A::ip`" },
                { "isIpv4(1)", "line 2, column 1: `isIpv4` is a method, written `a.isIpv4(...)`" },
                { "contains(1)",
                  "line 2, column 1: `contains` is a method, written `a.contains(...)`" },
                { "context.foo(1)", "line 2, column 9: there is no method `foo`" },
                { "context.ip(1)", "line 2, column 9: `ip` is a function, written `ip(...)`" },
                { "[1].contains()", "line 2, column 5: `contains` takes one argument, found 0" },
                { "[1].isEmpty(1)", "line 2, column 5: `isEmpty` takes no arguments, found 1" },
                { "(context)(1)",
                  "line 2, column 10: only functions and methods are called, by their names" },
                { "context.if", "line 2, column 9: `if` is a reserved word, wanted the name of an "
                                "attribute or a method" },
                { "__cedar::\"x\"",
                  "line 2, column 1: `__cedar` is a reserved word, wanted an expression" },
                { "principal is A::__cedar",
                  "line 2, column 17: `__cedar` is a reserved word, wanted a name" },
                { "{a: 1, b: 2, \"a\": 3}", "line 2, column 14: attribute `a` stands here twice" },
                { "{in: 1}", "line 2, column 2: `in` is a reserved word, wanted the name of an "
                             "attribute or `}`" },
                { "[,]", "line 2, column 2: found `,`, wanted an expression" },
                { "context[1]",
                  "line 2, column 9: found `1`, wanted a string, the name of an attribute" },
                { "context like context",
                  "line 2, column 14: found `context`, wanted a pattern, which is a string" },
                { "'a'", "line 2, column 1: strings stand in double quotes, not single ones" },
                { "\"a", "line 2, column 1: a string that has no end" },
                { "\"\xc3\xa9\\q\"", "line 2, column 3: no such escape (a backslash itself is "
                                     "written `\\\\`)" },
                { "\"\\*\"", "line 2, column 2: no such escape (a backslash itself is written "
                             "`\\\\`)" },
                { "\"\\x80\"", "line 2, column 2: `\\x` goes to 7f, beyond write `\\u{...}`" },
                { "\"\\x4\"", "line 2, column 2: `\\x` wants two hexadecimal digits" },
                { "\"\\u41\"", "line 2, column 2: `\\u` wants braces: `\\u{1f600}`" },
                { "\"\\u{}\"", "line 2, column 2: `\\u{...}` holds one to six hexadecimal digits" },
                { "\"\\u{_1}\"",
                  "line 2, column 2: `\\u{...}` holds one to six hexadecimal digits" },
                { "\"\\u{0000041}\"",
                  "line 2, column 2: `\\u{...}` holds one to six hexadecimal digits" },
                { "\"\\u{d800}\"", "line 2, column 2: no character has this number" },
                { "\"\\u{110000}\"", "line 2, column 2: no character has this number" },
                { "\"a\rb\"", "line 2, column 3: a carriage return in a string is written `\\r`" },
                { "\xc3\xa9", "line 2, column 1: U+00E9 is no part of the language" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(buf_done) struct buf source = BUF_INIT(TEXT_MAX);

                buf_printf(&source, "permit(principal, action, resource) when {\n%s };",
                           table[i].text);
                expect_refused(buf_cstr(&source), table[i].want);
        }
}

static void all_errors_of_a_text(void **state)
{
        static const struct {
                const char *text, *want;
                int n;
        } table[] = {
                { "permit(principal, action, resource);", "", 0 },
                { "", "", 0 },
                { "permit(principal);\npermit(principal, action, resource);\nallow();\n"
                  "forbid(principal, action, resource) when { foo };",
                  "line 1, column 17: found `)`, wanted `==`, `in`, `is` or `,`\n"
                  "line 3, column 1: found `allow`, wanted `permit` or `forbid`\n"
                  "line 4, column 44: `foo` means nothing here (the variables are principal, action, "
                  "resource and context; strings stand in double quotes)\n",
                  3 },
                { "permit(x\n;permit(y",
                  "line 1, column 8: found `x`, wanted `principal`\n"
                  "line 2, column 9: found `y`, wanted `principal`\n",
                  2 },
                /* No way on from where no token begins, whoever finds it. */
                { "permit('x'); allow",
                  "line 1, column 8: strings stand in double quotes, not single "
                  "ones\n",
                  1 },
                { "permit(x, \"; allow",
                  "line 1, column 8: found `x`, wanted `principal`\n"
                  "line 1, column 11: a string that has no end\n",
                  2 },
                { "\xff;x", "line 1, column 1: not UTF-8\n", 1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(buf_done) struct buf got = BUF_INIT(TEXT_MAX);

                assert_int_equal(cedar_parse_errors(span_str(table[i].text), &got), table[i].n);
                assert_string_equal(buf_cstr(&got), table[i].want);
        }
}

static void errors_have_a_ceiling(void **state)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX), got = BUF_INIT(TEXT_MAX);

        (void)state;
        for (unsigned i = 0; i <= CEDAR_ERRORS_MAX; i++)
                buf_put_str(&text, "x;");
        assert_int_equal(cedar_parse_errors(buf_span(&text), &got), CEDAR_ERRORS_MAX);
}

static void ceilings_are_said(void **state)
{
        static const struct {
                const char *open, *inner, *close;
                unsigned levels;
                int want;
        } table[] = {
                { "(", "1", ")", CEDAR_DEPTH_MAX - 1, 0 },
                { "(", "1", ")", CEDAR_DEPTH_MAX, -E2BIG },
                { "[", "1", "]", CEDAR_DEPTH_MAX - 1, 0 },
                { "[", "1", "]", CEDAR_DEPTH_MAX, -E2BIG },
                { "1 + ", "1", "", CEDAR_DEPTH_MAX - 1, 0 },
                { "1 + ", "1", "", CEDAR_DEPTH_MAX, -E2BIG },
                { "", "context", ".a", CEDAR_DEPTH_MAX - 1, 0 },
                { "", "context", ".a", CEDAR_DEPTH_MAX, -E2BIG },
                { "if true then 1 else ", "1", "", CEDAR_DEPTH_MAX - 1, 0 },
                { "if true then 1 else ", "1", "", CEDAR_DEPTH_MAX, -E2BIG },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
                CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;
                struct err err = { 0 };

                buf_put_str(&b, "permit(principal, action, resource) when { ");
                for (unsigned k = 0; k < table[i].levels; k++)
                        buf_put_str(&b, table[i].open);
                buf_put_str(&b, table[i].inner);
                for (unsigned k = 0; k < table[i].levels; k++)
                        buf_put_str(&b, table[i].close);
                buf_put_str(&b, " };");
                assert_int_equal(cedar_parse(buf_span(&b), &p, &err), table[i].want);
        }
}

static void lists_have_a_ceiling(void **state)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT((size_t)4 << 20);
        struct cedar_policies *p = NULL;
        struct err err = { 0 };

        (void)state;
        buf_put_str(&b, "permit(principal, action, resource) when { [");
        for (unsigned i = 0; i <= CEDAR_ITEMS_MAX; i++)
                buf_put_str(&b, "1,");
        buf_put_str(&b, "] };");
        assert_int_equal(cedar_parse(buf_span(&b), &p, &err), -E2BIG);
        assert_null(p);
        assert_string_equal(err_text(&err),
                            "line 1, column 131119: a list of 65536, at most 65535 are "
                            "read");
}

static void a_text_has_a_ceiling(void **state)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT((size_t)CEDAR_SOURCE_MAX + 1);
        struct cedar_policies *p = NULL;
        struct err err = { 0 };
        uint8_t *room = buf_extend(&b, (size_t)CEDAR_SOURCE_MAX + 1);

        (void)state;
        assert_non_null(room);
        memset(room, ' ', (size_t)CEDAR_SOURCE_MAX + 1);
        assert_int_equal(cedar_parse(buf_span(&b), &p, &err), -E2BIG);
        assert_null(p);
        b.n--;
        assert_int_equal(cedar_parse(buf_span(&b), &p, &err), 0);
        assert_int_equal(p->n, 0);
        cedar_policies_free(p);
}

/* Each allocation fails once; the stack is grown and everything else is used. */
static void memory_that_runs_out_is_told(void **state)
{
        static const char text[] =
                "// c\n@a(\"\\n\")permit(principal == A :: B::\"c\", action in [Action::\"x\"], "
                "resource == ?resource) when { {\"\\t\": [1, 2], b: ip(\"x\")} has a.b && "
                "context.x like \"*\\**\" && (if true then -1 else principal.hasTag(\"x\")) };";
        struct cedar_uid uid = cedar_uid(SPAN("T"), SPAN("x"));
        size_t nth;

        (void)state;
        for (nth = 1;; nth++) {
                CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;
                struct err err = { 0 };
                int rc;

                alloc_fail_nth = nth;
                rc = cedar_parse(SPAN(text), &p, &err);
                if (rc == 0)
                        rc = cedar_policies_link(p, SPAN("policy0"), SPAN("x"), NULL, &uid, &err);
                alloc_fail_nth = 0;
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
        }
        assert_true(nth > 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_refused_and_where),
                cmocka_unit_test(expressions_that_are_refused_and_where),
                cmocka_unit_test(all_errors_of_a_text),
                cmocka_unit_test(errors_have_a_ceiling),
                cmocka_unit_test(ceilings_are_said),
                cmocka_unit_test(lists_have_a_ceiling),
                cmocka_unit_test(a_text_has_a_ceiling),
                cmocka_unit_test(memory_that_runs_out_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
