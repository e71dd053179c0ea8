/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parse/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../dump.h"
#include "../parsed.h"

enum { DUMP_MAX = 1 << 20 };

/* `text` is the condition of a policy; what it is read as. */
static void expect_expr(const char *text, const char *want)
{
        CLEANUP(buf_done) struct buf source = BUF_INIT(DUMP_MAX), got = BUF_INIT(DUMP_MAX);
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;

        buf_printf(&source, "permit(principal, action, resource) when { %s };", text);
        p = parsed(buf_span(&source));
        dump_expr(&got, p->policies[0].conditions[0].expr);
        assert_string_equal(buf_cstr(&got), want);
}

static void expressions_are_trees_by_precedence(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "true", "true" },
                { "1 + 2 * 3", "(+ 1 (* 2 3))" },
                { "(1 + 2) * 3", "(* (+ 1 2) 3)" },
                { "1 - 2 - 3", "(- (- 1 2) 3)" },
                { "1 - (2 - 3)", "(- 1 (- 2 3))" },
                { "1 * 2 * 3 + 4", "(+ (* (* 1 2) 3) 4)" },
                { "true || false && true", "(|| true (&& false true))" },
                { "true && false || true", "(|| (&& true false) true)" },
                { "1 < 2 && 3 >= 4", "(&& (< 1 2) (>= 3 4))" },
                { "1 + 1 == 2", "(== (+ 1 1) 2)" },
                { "1 <= 2", "(<= 1 2)" },
                { "1 > 2", "(> 1 2)" },
                { "1 != 2", "(!= 1 2)" },
                { "!true == false", "(== (! true) false)" },
                { "!!!!true", "(! (! (! (! true))))" },
                { "principal in resource", "(in principal resource)" },
                { "if true then 1 else 2 || false", "(if true 1 (|| 2 false))" },
                { "if if true then true else false then 1 else 2",
                  "(if (if true true false) 1 2)" },
                { "(if true then 1 else 2) + 1", "(+ (if true 1 2) 1)" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                expect_expr(table[i].text, table[i].want);
}

static void numbers_go_from_the_least_to_the_greatest(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "9223372036854775807", "9223372036854775807" },
                { "-9223372036854775808", "-9223372036854775808" },
                { "- 9223372036854775808", "-9223372036854775808" },
                { "--9223372036854775808", "(neg -9223372036854775808)" },
                { "1 - -9223372036854775808", "(- 1 -9223372036854775808)" },
                { "-1", "-1" },
                { "-(1)", "(neg 1)" },
                { "----1", "(neg (neg (neg -1)))" },
                { "00012", "12" },
                { "-5.foo", "(neg (get 'foo' 5))" },
                { "-context.a", "(neg (get 'a' context))" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                expect_expr(table[i].text, table[i].want);
}

static void relations_with_words(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "context has a", "(has 'a' context)" },
                { "context has a.b.c && true", "(&& (has 'a' 'b' 'c' context) true)" },
                { "context has \"a b\"", "(has 'a b' context)" },
                { "context has principal", "(has 'principal' context)" },
                { "context.n like \"a*b\\*c*\"", "(like 'a'*'b*c'*'' (get 'n' context))" },
                { "context.n like \"*\"", "(like ''*'' (get 'n' context))" },
                { "context.n like \"\"", "(like '' (get 'n' context))" },
                { "context.n like \"**\"", "(like ''*''*'' (get 'n' context))" },
                { "principal is User", "(is 'User' principal)" },
                { "principal is A :: B", "(is 'A::B' principal)" },
                { "principal is A::B in C::\"d\"", "(is 'A::B' principal C'd')" },
                { "principal is A in resource.b + 1",
                  "(is 'A' principal (+ (get 'b' resource) 1))" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                expect_expr(table[i].text, table[i].want);
}

static void members_and_calls(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "A::B::\"c\"", "A::B'c'" },
                { "A :: // a comment\n B :: \"c\"", "A::B'c'" },
                { "principal::\"x\".y", "(get 'y' principal'x')" },
                { "context.permit[\"a b\"].c", "(get 'c' (get 'a b' (get 'permit' context)))" },
                { "[1, \"a\", [true],]", "(set 1 'a' (set true))" },
                { "[]", "(set)" },
                { "{}", "(record)" },
                { "{a: 1, \"b c\": {d: 2,},}", "(record 'a'1 'b c'(record 'd'2))" },
                { "{principal: 1}.principal", "(get 'principal' (record 'principal'1))" },
                { "ip(\"1.2.3.4\").isInRange(ip(\"::1\"),)",
                  "(fn isInRange (fn ip '1.2.3.4') (fn ip '::1'))" },
                { "decimal()", "(fn decimal)" },
                { "context.isIpv4(1, 2)", "(fn isIpv4 context 1 2)" },
                { "context.isIpv4", "(get 'isIpv4' context)" },
                { "[1].contains(1)", "(contains (set 1) 1)" },
                { "[1].containsAll([2])", "(containsAll (set 1) (set 2))" },
                { "[1].containsAny([2])", "(containsAny (set 1) (set 2))" },
                { "[].isEmpty()", "(isEmpty (set))" },
                { "principal.hasTag(\"a\")", "(hasTag principal 'a')" },
                { "principal.getTag(\"a\").b", "(get 'b' (getTag principal 'a'))" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                expect_expr(table[i].text, table[i].want);
}

static void strings_and_their_escapes(void **state)
{
        static const struct {
                const char *text, *want; /* want as text_put_safe() shows it */
        } table[] = {
                { "\"\"", "''" },
                { "\"a\\n\\r\\t\\0\\\\\\\"\\'\"", "'a\\x0a\\x0d\\x09\\x00\\\\\"''" },
                { "\"\\x41\\x7f\"", "'A\\x7f'" },
                { "\"\\u{41}\\u{e9}\\u{20ac}\\u{01f600}\"",
                  "'A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80'" },
                { "\"\\u{1_f6_00}\"", "'\xf0\x9f\x98\x80'" },
                { "\"two\nlines\"", "'two\\x0alines'" },
                { "\"// no comment\"", "'// no comment'" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                expect_expr(table[i].text, table[i].want);
}

static void scopes_of_every_form(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "permit(principal, action, resource);", "permit [any] [any] [any]" },
                { "forbid(principal,action,resource,);", "forbid [any] [any] [any]" },
                { "permit(principal == A::\"a\", action == Action::\"b\", resource in C::\"c\");",
                  "permit [== A'a'] [== Action'b'] [in C'c']" },
                { "permit(principal is N::T, action in N::Action::\"b\", resource is T in "
                  "((C::\"c\")));",
                  "permit [is N::T] [in N::Action'b'] [is-in T C'c']" },
                { "permit(principal, action in [], resource);", "permit [any] [list] [any]" },
                { "permit(principal, action in ([Action::\"a\", (Action::\"b\"),]), resource);",
                  "permit [any] [list Action'a' Action'b'] [any]" },
                { "permit(principal == ?principal, action, resource in ?resource);",
                  "template permit [== ?] [any] [in ?]" },
                { "permit(principal is T in (?principal), action, resource);",
                  "template permit [is-in T ?] [any] [any]" },
                { "@id(\"x\\ty\") @if @permit(\"\")\nforbid(principal, action, resource)\n"
                  "when { 1 } unless { 2 } when { 3 };",
                  "@id'x\\x09y' @if @permit'' forbid [any] [any] [any] when 1 unless 2 when 3" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(cedar_policies_freep)
                struct cedar_policies *p = parsed(span_str(table[i].text));
                CLEANUP(buf_done) struct buf got = BUF_INIT(DUMP_MAX);

                assert_int_equal(p->n, 1);
                dump_policy(&got, p->policies);
                assert_string_equal(buf_cstr(&got), table[i].want);
        }
}

static void places_are_those_of_operators(void **state)
{
        CLEANUP(cedar_policies_freep)
        struct cedar_policies *p = parsed(SPAN("// one\n@a\nforbid(principal, action, resource)\n"
                                               "when { \"\xc3\xa9\" == context.b }; // two\n"));
        const struct cedar_policy *policy = &p->policies[0];
        const struct cedar_expr *e = policy->conditions[0].expr;

        (void)state;
        assert_int_equal(policy->pos.line, 2);
        assert_int_equal(policy->pos.at, 7);
        assert_int_equal(policy->end.line, 4);
        assert_int_equal(policy->end.column, 27);
        assert_int_equal(e->op, OP_EQ);
        assert_int_equal(e->pos.line, 4);
        assert_int_equal(e->pos.column, 12);
        assert_int_equal(e->a->pos.column, 8);
        assert_int_equal(e->b->pos.column, 23);
        assert_int_equal(e->depth, 3);
        assert_int_equal(p->n_comments, 2);
        assert_true(span_eq_str(p->comments[0].text, "// one"));
        assert_true(p->comments[0].alone);
        assert_true(span_eq_str(p->comments[1].text, "// two"));
        assert_false(p->comments[1].alone);
        assert_int_equal(p->comments[1].pos.column, 28);
}

static void an_entity_alone(void **state)
{
        static const struct {
                const char *text, *type, *id; /* type NULL: refused */
        } table[] = {
                { "Album::\"jane\"", "Album", "jane" },
                { " A :: B::\"\\u{41}\" // c", "A::B", "A" },
                { "Album", NULL, NULL },
                { "Album::\"jane\" x", NULL, NULL },
                { "Album::jane", NULL, NULL },
                { "if::\"x\"", NULL, NULL },
                { "\"jane\"", NULL, NULL },
                { "", NULL, NULL },
        };
        struct arena arena = ARENA_INIT(1 << 20);

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_uid uid = { .hash = 7 };
                struct err err = { 0 };
                int rc = cedar_parse_uid(span_str(table[i].text), &arena, &uid, &err);

                assert_int_equal(rc, table[i].type ? 0 : -EINVAL);
                if (rc < 0) {
                        assert_int_equal(uid.hash, 7);
                        continue;
                }
                assert_true(span_eq_str(uid.type, table[i].type));
                assert_true(span_eq_str(uid.id, table[i].id));
                assert_int_equal(uid.hash, cedar_uid(uid.type, uid.id).hash);
        }
        arena_done(&arena);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(expressions_are_trees_by_precedence),
                cmocka_unit_test(numbers_go_from_the_least_to_the_greatest),
                cmocka_unit_test(relations_with_words),
                cmocka_unit_test(members_and_calls),
                cmocka_unit_test(strings_and_their_escapes),
                cmocka_unit_test(scopes_of_every_form),
                cmocka_unit_test(places_are_those_of_operators),
                cmocka_unit_test(an_entity_alone),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
