/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/print/print.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../parsed.h"
#include "../same.h"

enum { TEXT_MAX = 1 << 20 };

/* Prints and reads again: the same policies and comments, and from then on the same text. */
static void expect_stable(const struct cedar_policies *p, uint32_t width, struct buf *ret_text)
{
        struct cedar_print_style style = { .width = width };
        CLEANUP(cedar_policies_freep) struct cedar_policies *again = NULL;
        CLEANUP(buf_done) struct buf second = BUF_INIT(TEXT_MAX);

        cedar_print(p, style, ret_text);
        assert_int_equal(buf_status(ret_text), 0);
        again = parsed(buf_span(ret_text));
        assert_true(same_policies(p, again));
        cedar_print(again, style, &second);
        assert_string_equal(buf_cstr(&second), buf_cstr(ret_text));
}

static void expect_printed(const char *text, uint32_t width, const char *want)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = parsed(span_str(text));
        CLEANUP(buf_done) struct buf got = BUF_INIT(TEXT_MAX);

        expect_stable(p, width, &got);
        assert_string_equal(buf_cstr(&got), want);
}

static void policies_in_their_one_form(void **state)
{
        static const struct {
                uint32_t width;
                const char *text, *want;
        } table[] = {
                { 80, "", "" },
                { 80, "permit(principal,action,resource,);",
                  "permit (principal, action, resource);\n" },
                { 40, "permit(principal==A::\"b\",action in[],resource is C::D in ?resource);",
                  "permit (\n"
                  "  principal == A::\"b\",\n"
                  "  action in [],\n"
                  "  resource is C::D in ?resource\n"
                  ");\n" },
                { 50,
                  "@a @b(\"\\n\") forbid(principal in(?principal),action,resource)when{1}unless{2};",
                  "@a\n"
                  "@b(\"\\n\")\n"
                  "forbid (principal in ?principal, action, resource)\n"
                  "when { 1 }\n"
                  "unless { 2 };\n" },
                { 30, "permit(principal,action in[Action::\"one\",Action::\"two\",],resource);",
                  "permit (\n"
                  "  principal,\n"
                  "  action in [\n"
                  "    Action::\"one\",\n"
                  "    Action::\"two\"\n"
                  "  ],\n"
                  "  resource\n"
                  ");\n" },
                { 37,
                  "permit(principal,action,resource);\n\n\n\npermit(principal,action,resource);",
                  "permit (principal, action, resource);\n"
                  "\n"
                  "permit (principal, action, resource);\n" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                expect_printed(table[i].text, table[i].width, table[i].want);
}

/* Each stands in a condition of its own; the scope takes the first line. */
static void expressions_are_broken_where_they_must_be(void **state)
{
        static const struct {
                uint32_t width;
                const char *text, *want;
        } table[] = {
                { 80, "1+2*3", "when { 1 + 2 * 3 }" },
                { 40, "context.a&&context.b||context.cccccccc==1",
                  "when {\n"
                  "  context.a && context.b ||\n"
                  "  context.cccccccc == 1\n"
                  "}" },
                { 40, "context.a&&(context.b||context.cccccccccccccc==1)",
                  "when {\n"
                  "  context.a &&\n"
                  "  (\n"
                  "    context.b ||\n"
                  "    context.cccccccccccccc == 1\n"
                  "  )\n"
                  "}" },
                { 40, "context.aaaaaaaaaa + context.bbbbbbbbb * 2 == 3",
                  "when {\n"
                  "  context.aaaaaaaaaa +\n"
                  "    context.bbbbbbbbb * 2 ==\n"
                  "    3\n"
                  "}" },
                { 40, "if context.aaaaaaaaaaaa then 1 else if context.b then 2 else 3",
                  "when {\n"
                  "  if context.aaaaaaaaaaaa\n"
                  "  then 1\n"
                  "  else if context.b then 2 else 3\n"
                  "}" },
                { 40, "[\"aaaaaaaaaaaaaa\",\"bbbbbbbbbbbbbbb\"].contains(context.x)",
                  "when {\n"
                  "  [\n"
                  "    \"aaaaaaaaaaaaaa\",\n"
                  "    \"bbbbbbbbbbbbbbb\"\n"
                  "  ].contains(context.x)\n"
                  "}" },
                { 40, "{aaaaaaaaaaaa:1,\"b c\":[2,3,],\"dddd\":{}}.b",
                  "when {\n"
                  "  {\n"
                  "    aaaaaaaaaaaa: 1,\n"
                  "    \"b c\": [2, 3],\n"
                  "    dddd: {}\n"
                  "  }.b\n"
                  "}" },
                /* Columns are counted in characters: 40 of them. */
                { 40,
                  "context.a == \"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                  "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"",
                  "when { context.a == \"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                  "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\" }" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX), want = BUF_INIT(TEXT_MAX);

                buf_printf(&text, "permit(principal, action, resource) when { %s };",
                           table[i].text);
                buf_printf(&want, "permit (principal, action, resource)\n%s;\n", table[i].want);
                expect_printed(buf_cstr(&text), table[i].width, buf_cstr(&want));
        }
}

static void comments_stay_where_they_belong(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "// alone", "// alone\n" },
                { "// one\n\n\n\n// two\n// three  \n", "// one\n\n// two\n// three\n" },
                { "\n\n// leads\npermit(principal,action,resource); // behind\n// below\n\n// far\n",
                  "// leads\n"
                  "permit (principal, action, resource); // behind\n"
                  "// below\n"
                  "\n"
                  "// far\n" },
                { "permit(principal,action,resource);\n// leads\nforbid(principal,action,resource);",
                  "permit (principal, action, resource);\n"
                  "\n"
                  "// leads\n"
                  "forbid (principal, action, resource);\n" },
                { "permit(principal,action,resource); // behind\nforbid(principal,action,resource);",
                  "permit (principal, action, resource); // behind\n"
                  "\n"
                  "forbid (principal, action, resource);\n" },
                { "@a // of a\n// of b\n@b(// in b\n\"c\")permit(principal,action,resource);",
                  "@a // of a\n"
                  "// of b\n"
                  "@b(\"c\") // in b\n"
                  "permit (principal, action, resource);\n" },
                { "permit( // one\nprincipal // two\n, // three\n// four\naction,\nresource// five\n)// six\n"
                  "// seven\n;// eight\npermit(principal,action,resource);",
                  "permit ( // one\n"
                  "  principal, // two\n"
                  "  // three\n"
                  "  // four\n"
                  "  action,\n"
                  "  resource // five\n"
                  "); // six\n"
                  "// seven\n"
                  "// eight\n"
                  "\n"
                  "permit (principal, action, resource);\n" },
                { "permit(principal,action,resource) when { // a\n1 // b\n&& 2 // c\n// d\n} // e\n;",
                  "permit (principal, action, resource)\n"
                  "when { // a\n"
                  "  1 && // b\n"
                  "  2 // c\n"
                  "  // d\n"
                  "}; // e\n" },
                { "permit(principal,action,resource) when { ((1 // a\n) + (2 // b\n)) * 3 == 4 // c\n"
                  "};",
                  "permit (principal, action, resource)\n"
                  "when {\n"
                  "  (\n"
                  "    1 + // a\n"
                  "      2 // b\n"
                  "  ) *\n"
                  "    3 ==\n"
                  "    4 // c\n"
                  "};\n" },
                { "permit(principal,action,resource) when { [1, // a\n2, // b\n].contains(// c\n"
                  "{\"x\": // d\n1}[\"x\"] // e\n) };",
                  "permit (principal, action, resource)\n"
                  "when {\n"
                  "  [\n"
                  "    1, // a\n"
                  "    2 // b\n"
                  "  ].contains( // c\n"
                  "    {\n"
                  "      x: 1 // d\n"
                  "    }.x // e\n"
                  "  )\n"
                  "};\n" },
                { "permit(principal,action,resource) when { // \xe2\x80\xae\n (1 // p\n)// q\n};",
                  "permit (principal, action, resource)\n"
                  "when { // \xe2\x80\xae\n"
                  "  1 // p\n"
                  "  // q\n"
                  "};\n" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                expect_printed(table[i].text, 80, table[i].want);
}

/* A comment behind every single word, and each of them comes back. */
static void no_comment_is_ever_lost(void **state)
{
        static const char *const words[] = {
                "@",         "a",        "(",         "\"b\"",  ")",         "permit",  "(",
                "principal", "is",       "A",         "::",     "B",         "in",      "(",
                "C",         "::",       "\"d\"",     ")",      ",",         "action",  "in",
                "[",         "Action",   "::",        "\"e\"",  ",",         "]",       ",",
                "resource",  "==",       "?resource", ",",      ")",         "when",    "{",
                "if",        "(",        "!",         "(",      "-",         "5",       ")",
                ".",         "f",        ")",         "then",   "principal", "[",       "\"g\"",
                "]",         "has",      "h",         ".",      "i",         "else",    "[",
                "1",         ",",        "(",         "2",      ")",         ",",       "]",
                ".",         "contains", "(",         "{",      "j",         ":",       "ip",
                "(",         "\"k\"",    ",",         ")",      ",",         "}",       ".",
                "j",         ",",        ")",         "&&",     "(",         "context", "like",
                "\"l*\"",    ")",        "}",         "unless", "{",         "(",       "1",
                "+",         "2",        ")",         "*",      "-",         "3",       "<",
                "4",         "}",        ";",
        };

        (void)state;
        for (uint32_t width = 1; width <= 121; width += 40)
                for (size_t only = 0; only <= ARRAY_LEN(words); only++) {
                        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
                        CLEANUP(buf_done) struct buf got = BUF_INIT(TEXT_MAX);
                        CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;

                        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
                                buf_printf(&text, "%s ", words[i]);
                                if (only == i || only == ARRAY_LEN(words))
                                        buf_printf(&text, "// %zu\n\n// and %zu\n", i, i);
                        }
                        p = parsed(buf_span(&text));
                        assert_int_equal(p->n_comments,
                                         only == ARRAY_LEN(words) ? 2 * ARRAY_LEN(words) : 2);
                        expect_stable(p, width, &got);
                }
}

static void expressions_on_one_line(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "((1 + 2)) * 3", "(1 + 2) * 3" },
                { "1 + (2 * 3)", "1 + 2 * 3" },
                { "1 - (2 - 3)", "1 - (2 - 3)" },
                { "(1 - 2) - 3", "1 - 2 - 3" },
                { "(1 == 2) == 3", "(1 == 2) == 3" },
                { "true && (true || false)", "true && (true || false)" },
                { "true && (false && true)", "true && (false && true)" },
                { "(if true then 1 else 2) == 1", "(if true then 1 else 2) == 1" },
                { "if true then 1 else (2 || 3)", "if true then 1 else 2 || 3" },
                { "!(!true)", "!!true" },
                { "!(!!!!true)", "!(!!!!true)" },
                { "-(5)", "-(5)" },
                { "-(-5)", "--5" },
                { "-(----5)", "-(----5)" },
                { "-(---5)", "----5" },
                { "!(-5)", "!(-5)" },
                { "-(!true)", "-(!true)" },
                { "(-5).a", "(-5).a" },
                { "-5.a", "-5.a" },
                { "-(5.a)", "-5.a" },
                { "!(context.a)", "!context.a" },
                { "(!context).a", "(!context).a" },
                { "1 - -2", "1 - -2" },
                { "-9223372036854775808", "-9223372036854775808" },
                { "00012", "12" },
                { "context[\"a\"][\"in\"][\"a b\"][\"\"]", "context.a[\"in\"][\"a b\"][\"\"]" },
                { "context has \"a\"", "context has a" },
                { "context has \"in\"", "context has \"in\"" },
                { "context has a.b.c", "context has a.b.c" },
                { "(context has a) == true", "(context has a) == true" },
                { "{\"a\": 1, \"if\": 2,}", "{ a: 1, \"if\": 2 }" },
                { "{}", "{}" },
                { "[ ]", "[]" },
                { "principal is A :: B in (C::\"d\")", "principal is A::B in C::\"d\"" },
                { "context.a like \"\\x61\\**\\*\"", "context.a like \"a\\**\\*\"" },
                { "\"\\u{41}\\t\\0\\x1b\\u{202e}\\'\\\"\\\\*\"",
                  "\"A\\t\\0\\u{1b}\\u{202e}'\\\"\\\\*\"" },
                { "decimal(\"1.0\",).lessThan(context.d)", "decimal(\"1.0\").lessThan(context.d)" },
                { "[1].isEmpty()", "[1].isEmpty()" },
                { "[1].containsAny([2])", "[1].containsAny([2])" },
                { "principal.getTag(\"a\") == principal.hasTag(\"b\")",
                  "principal.getTag(\"a\") == principal.hasTag(\"b\")" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX), got = BUF_INIT(TEXT_MAX);
                CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;

                buf_printf(&text, "permit(principal, action, resource) when { %s };",
                           table[i].text);
                p = parsed(buf_span(&text));
                cedar_print_expr(p->policies[0].conditions[0].expr, SIZE_MAX, &got);
                assert_string_equal(buf_cstr(&got), table[i].want);
        }
}

/* 20,000 operands of every sort: the words begin as those of the whole do, and soon end. */
static void a_long_expression_is_begun(void **state)
{
        static const struct {
                const char *open, *item, *close, *want;
        } table[] = {
                { "[", "1,", "]", "[1, 1, 1, 1, 1" },
                { "[", "{a: context.b, \"c d\": 1 + 2},", "]",
                  "[{ a: context.b, \"c d\": 1 + 2 }" },
                { "ip(", "\"a\",", ")", "ip(\"a\", \"a\", \"a\"" },
                { "[", "if true then 1 else -(2),", "]", "[if true then 1 else -(2), if" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX), got = BUF_INIT(TEXT_MAX);
                CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;

                buf_printf(&text, "permit(principal, action, resource) when { %s", table[i].open);
                for (unsigned k = 0; k < 20000; k++)
                        buf_put_str(&text, table[i].item);
                buf_printf(&text, "%s };", table[i].close);
                p = parsed(buf_span(&text));
                cedar_print_expr(p->policies[0].conditions[0].expr, 40, &got);
                assert_int_equal(strncmp(buf_cstr(&got), table[i].want, strlen(table[i].want)), 0);
                assert_in_range(got.n, 40, 120);
        }
}

static void links_are_printed_as_policies(void **state)
{
        CLEANUP(cedar_policies_freep)
        struct cedar_policies *p =
                parsed(SPAN("permit(principal == ?principal, action, resource); // end"));
        struct cedar_uid alice = cedar_uid(SPAN("User"), SPAN("alice"));
        CLEANUP(buf_done) struct buf got = BUF_INIT(TEXT_MAX);
        struct err err;

        (void)state;
        assert_int_equal(cedar_policies_link(p, SPAN("policy0"), SPAN("x"), &alice, NULL, &err), 0);
        cedar_print(p, (struct cedar_print_style){ 0 }, &got);
        assert_string_equal(buf_cstr(&got),
                            "permit (principal == ?principal, action, resource); // end\n\n"
                            "permit (principal == User::\"alice\", action, resource);\n");
}

static void memory_that_runs_out_is_told(void **state)
{
        CLEANUP(cedar_policies_freep)
        struct cedar_policies *p = parsed(SPAN(
                "permit(principal == A::\"\\u{1}\", action, resource)\n"
                "when { // a\n{a: [1, -2], \"b c\": ip(\"::1\")} has a.b && context like \"a*\" };"));
        struct cedar_print_style style = { 0 };
        size_t nth;

        (void)state;
        for (nth = 1;; nth++) {
                struct buf got = BUF_INIT(TEXT_MAX);
                int rc;

                alloc_fail_nth = nth;
                cedar_print(p, style, &got);
                alloc_fail_nth = 0;
                rc = buf_status(&got);
                buf_done(&got);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
        }
        assert_true(nth > 4);
}

static void one_file(const char *path)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;
        CLEANUP(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
        FILE *f = fopen(path, "re");
        uint8_t chunk[4096];
        size_t n;

        assert_non_null(f);
        while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
                buf_put(&text, span_of(chunk, n));
        (void)fclose(f);
        p = parsed(buf_span(&text));
        for (uint32_t width = 20; width <= 120; width += 50) {
                CLEANUP(buf_done) struct buf got = BUF_INIT(TEXT_MAX);

                expect_stable(p, width, &got);
        }
}

/* The handwritten ones: decimal, ip, multi, example_use_cases. */
static void public_policies(void **state)
{
        static const char *const dirs[] = { "decimal", "example_use_cases", "ip", "multi" };
        const char *data = getenv("ASSAY_DATA");
        unsigned files = 0;

        (void)state;
        if (!data) {
                print_message("SKIPPED public_policies: ASSAY_DATA is not set\n");
                skip();
        }
        for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
                char path[4096];
                struct dirent *d;
                DIR *dir;

                (void)snprintf(path, sizeof path, "%s/cedar/tests/%s", data, dirs[i]);
                dir = opendir(path);
                assert_non_null(dir);
                while ((d = readdir(dir))) {
                        size_t n = strlen(d->d_name);

                        if (n < 6 || strcmp(d->d_name + n - 6, ".cedar") != 0)
                                continue;
                        (void)snprintf(path, sizeof path, "%s/cedar/tests/%s/%s", data, dirs[i],
                                       d->d_name);
                        one_file(path);
                        files++;
                }
                (void)closedir(dir);
        }
        assert_true(files >= 20);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(policies_in_their_one_form),
                cmocka_unit_test(expressions_are_broken_where_they_must_be),
                cmocka_unit_test(comments_stay_where_they_belong),
                cmocka_unit_test(no_comment_is_ever_lost),
                cmocka_unit_test(expressions_on_one_line),
                cmocka_unit_test(a_long_expression_is_begun),
                cmocka_unit_test(links_are_printed_as_policies),
                cmocka_unit_test(memory_that_runs_out_is_told),
                cmocka_unit_test(public_policies),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
