/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parse.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../alloc_fail.h"
#include "base/buf.h"
#include "base/text.h"

enum { DUMP_MAX = 1 << 20 };

static const char *const ops[] = {
        [OP_IF] = "if",
        [OP_OR] = "||",
        [OP_AND] = "&&",
        [OP_EQ] = "==",
        [OP_NE] = "!=",
        [OP_LT] = "<",
        [OP_LE] = "<=",
        [OP_GT] = ">",
        [OP_GE] = ">=",
        [OP_IN] = "in",
        [OP_ADD] = "+",
        [OP_SUB] = "-",
        [OP_MUL] = "*",
        [OP_NOT] = "!",
        [OP_NEG] = "neg",
        [OP_HAS] = "has",
        [OP_LIKE] = "like",
        [OP_IS] = "is",
        [OP_GET] = "get",
        [OP_SET] = "set",
        [OP_RECORD] = "record",
        [OP_FN] = "fn",
        [OP_CONTAINS] = "contains",
        [OP_CONTAINS_ALL] = "containsAll",
        [OP_CONTAINS_ANY] = "containsAny",
        [OP_IS_EMPTY] = "isEmpty",
        [OP_GET_TAG] = "getTag",
        [OP_HAS_TAG] = "hasTag",
};

static void put_span(struct buf *b, struct span s)
{
        buf_put_byte(b, '\'');
        text_put_safe(b, s);
        buf_put_byte(b, '\'');
}

static void put_uid(struct buf *b, const struct cedar_uid *uid)
{
        buf_put(b, uid->type);
        put_span(b, uid->id);
}

/* What a node holds beside its operands. */
static void put_own(struct buf *b, const struct cedar_expr *e)
{
        if (e->op == OP_HAS)
                for (uint32_t i = 0; i < e->n; i++) {
                        buf_put_byte(b, ' ');
                        put_span(b, e->path[i]);
                }
        if (e->op == OP_LIKE)
                for (uint32_t i = 0; i < e->pattern.n; i++) {
                        buf_put_str(b, i ? "*" : " ");
                        put_span(b, e->pattern.pieces[i]);
                }
        if (e->op == OP_GET || e->op == OP_IS) {
                buf_put_byte(b, ' ');
                put_span(b, e->text);
        }
        if (e->op == OP_FN)
                buf_printf(b, " %s", cedar_fn_shape(e->fn)->name);
}

static void put_expr(struct buf *b, const struct cedar_expr *e);

static void put_operands(struct buf *b, const struct cedar_expr *e)
{
        const struct cedar_expr *operands[] = { e->a, e->b, e->c };

        for (size_t i = 0; i < ARRAY_LEN(operands); i++)
                if (operands[i]) {
                        buf_put_byte(b, ' ');
                        put_expr(b, operands[i]);
                }
        if (e->op == OP_SET || e->op == OP_RECORD || e->op == OP_FN)
                for (uint32_t i = 0; i < e->n; i++) {
                        buf_put_byte(b, ' ');
                        if (e->op == OP_RECORD)
                                put_span(b, e->keys[i]);
                        put_expr(b, e->items[i]);
                }
}

/* The tree as (op operands). */
static void put_expr(struct buf *b, const struct cedar_expr *e)
{
        static const char *const vars[] = { "principal", "action", "resource", "context" };

        switch (e->op) {
        case OP_BOOL:
                buf_put_str(b, e->boolean ? "true" : "false");
                return;
        case OP_LONG:
                buf_printf(b, "%" PRId64, e->number);
                return;
        case OP_STRING:
                put_span(b, e->text);
                return;
        case OP_UID:
                put_uid(b, &e->uid);
                return;
        case OP_VAR:
                buf_put_str(b, vars[e->var]);
                return;
        default:
                break;
        }
        buf_printf(b, "(%s", ops[e->op]);
        put_own(b, e);
        put_operands(b, e);
        buf_put_byte(b, ')');
}

static void put_scope(struct buf *b, const struct cedar_scope *s)
{
        static const char *const kinds[] = { "any", "==", "in", "list", "is", "is-in" };

        buf_printf(b, " [%s", kinds[s->kind]);
        if (s->type.n) {
                buf_put_byte(b, ' ');
                buf_put(b, s->type);
        }
        if (s->slot) {
                assert_null(s->uids);
                buf_put_str(b, " ?");
        }
        for (uint32_t i = 0; i < s->n; i++) {
                assert(s->uids);
                buf_put_byte(b, ' ');
                put_uid(b, &s->uids[i]);
        }
        buf_put_byte(b, ']');
}

static void put_policy(struct buf *b, const struct cedar_policy *p)
{
        for (uint32_t i = 0; i < p->n_annotations; i++) {
                buf_put_byte(b, '@');
                buf_put(b, p->annotations[i].key);
                if (p->annotations[i].has_value)
                        put_span(b, p->annotations[i].value);
                buf_put_byte(b, ' ');
        }
        buf_put_str(b, p->template ? "template " : "");
        buf_put_str(b, p->effect == CEDAR_PERMIT ? "permit" : "forbid");
        put_scope(b, &p->principal);
        put_scope(b, &p->action);
        put_scope(b, &p->resource);
        for (uint32_t i = 0; i < p->n_conditions; i++) {
                buf_put_str(b, p->conditions[i].unless ? " unless " : " when ");
                put_expr(b, p->conditions[i].expr);
        }
}

static struct cedar_policies *parsed(const char *text)
{
        struct cedar_policies *p = NULL;
        struct err err = { 0 };
        int rc = cedar_parse(span_str(text), &p, &err);

        if (rc < 0)
                print_error("%s: %s\n", text, err_text(&err));
        assert_int_equal(rc, 0);
        return p;
}

/* `text` is the condition of a policy; what it is read as. */
static void expect_expr(const char *text, const char *want)
{
        CLEANUP(buf_done) struct buf source = BUF_INIT(DUMP_MAX), got = BUF_INIT(DUMP_MAX);
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;

        buf_printf(&source, "permit(principal, action, resource) when { %s };", text);
        p = parsed(buf_cstr(&source));
        put_expr(&got, p->policies[0].conditions[0].expr);
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
                CLEANUP(cedar_policies_freep) struct cedar_policies *p = parsed(table[i].text);
                CLEANUP(buf_done) struct buf got = BUF_INIT(DUMP_MAX);

                assert_int_equal(p->n, 1);
                put_policy(&got, p->policies);
                assert_string_equal(buf_cstr(&got), table[i].want);
        }
}

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
                CLEANUP(buf_done) struct buf source = BUF_INIT(DUMP_MAX);

                buf_printf(&source, "permit(principal, action, resource) when {\n%s };",
                           table[i].text);
                expect_refused(buf_cstr(&source), table[i].want);
        }
}

static void places_are_those_of_operators(void **state)
{
        CLEANUP(cedar_policies_freep)
        struct cedar_policies *p = parsed("// one\n@a\nforbid(principal, action, resource)\n"
                                          "when { \"\xc3\xa9\" == context.b }; // two\n");
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
                CLEANUP(buf_done) struct buf b = BUF_INIT(DUMP_MAX);
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

static void ids_follow_the_text(void **state)
{
        CLEANUP(cedar_policies_freep)
        struct cedar_policies *p = parsed("permit(principal, action, resource);@k(\"v\")@e "
                                          "forbid(principal, action, resource);");
        struct span value = SPAN_NONE;

        (void)state;
        assert_int_equal(p->n, 2);
        assert_ptr_equal(cedar_policies_find(p, SPAN("policy1")), &p->policies[1]);
        assert_null(cedar_policies_find(p, SPAN("policy2")));
        assert_true(cedar_policy_annotation(&p->policies[1], "k", &value));
        assert_true(span_eq_str(value, "v"));
        assert_true(cedar_policy_annotation(&p->policies[1], "e", &value));
        assert_int_equal(value.n, 0);
        assert_false(cedar_policy_annotation(&p->policies[0], "k", &value));
}

static const char templates[] =
        "permit(principal == ?principal, action, resource is T in ?resource);"
        "permit(principal in ?principal, action, resource) when { 1 };"
        "permit(principal, action, resource);";

static void links_fill_the_slots(void **state)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = parsed(templates);
        char type[] = "User", id[] = "alice", name[] = "link", of[] = "policy0";
        struct cedar_uid alice = cedar_uid(span_str(type), span_str(id));
        struct cedar_uid set = cedar_uid(SPAN("Set"), SPAN("s"));
        CLEANUP(buf_done) struct buf got = BUF_INIT(DUMP_MAX);
        const struct cedar_policy *link;
        struct err err = { 0 };

        (void)state;
        assert_int_equal(cedar_policies_link(p, span_str(of), span_str(name), &alice, &set, &err),
                         0);
        type[0] = id[0] = name[0] = of[0] = 'x'; /* all was copied */
        link = cedar_policies_find(p, SPAN("link"));
        assert_non_null(link);
        assert_int_equal(p->n, 4);
        assert_true(span_eq_str(link->of, "policy0"));
        put_policy(&got, link);
        assert_string_equal(buf_cstr(&got), "permit [== User'alice'] [any] [is-in T Set's']");
        assert_true(cedar_policies_find(p, SPAN("policy0"))->template);
}

static void links_that_cannot_be(void **state)
{
        static const struct {
                const char *template, *id;
                bool principal, resource;
                int want;
                const char *text;
        } table[] = {
                { "nothing", "x", true, true, -ENOENT, "no template nothing" },
                { "policy2", "x", false, false, -ENOENT, "policy policy2 is no template" },
                { "policy0", "policy2", true, true, -EEXIST, "there is a policy policy2 already" },
                { "policy0", "x", true, false, -EINVAL, "nothing is said for the slot ?resource" },
                { "policy0", "x", false, true, -EINVAL, "nothing is said for the slot ?principal" },
                { "policy1", "x", true, true, -EINVAL, "the template has no slot ?resource" },
        };
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = parsed(templates);
        struct cedar_uid uid = cedar_uid(SPAN("T"), SPAN("x"));

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct err err = { 0 };

                assert_int_equal(cedar_policies_link(p, span_str(table[i].template),
                                                     span_str(table[i].id),
                                                     table[i].principal ? &uid : NULL,
                                                     table[i].resource ? &uid : NULL, &err),
                                 table[i].want);
                assert_string_equal(err_text(&err), table[i].text);
                assert_int_equal(p->n, 3);
        }
}

static void many_links_keep_what_was_there(void **state)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = parsed(templates);
        const struct cedar_policy *first = &p->policies[0];
        struct cedar_uid uid = cedar_uid(SPAN("T"), SPAN("x"));
        struct err err = { 0 };

        (void)state;
        for (unsigned i = 0; i < 1000; i++) {
                CLEANUP(buf_done) struct buf id = BUF_INIT(64);

                buf_printf(&id, "link%u", i);
                assert_int_equal(
                        cedar_policies_link(p, SPAN("policy1"), buf_span(&id), &uid, NULL, &err),
                        0);
        }
        assert_int_equal(p->n, 1003);
        assert_true(span_eq_str(first->id, "policy0"));
        assert_true(span_eq_str(p->policies[3].id, "link0"));
        assert_true(span_eq_str(p->policies[1002].id, "link999"));
        assert_int_equal(p->policies[1002].n_conditions, 1);
}

static void policies_get_other_ids(void **state)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = parsed(templates);
        struct cedar_uid uid = cedar_uid(SPAN("T"), SPAN("x"));
        struct err err = { 0 };

        (void)state;
        assert_int_equal(cedar_policies_link(p, SPAN("policy1"), SPAN("link"), &uid, NULL, &err),
                         0);
        assert_int_equal(cedar_policies_rename(p, SPAN("policy1"), SPAN("policy2"), &err), -EEXIST);
        assert_int_equal(cedar_policies_rename(p, SPAN("nothing"), SPAN("x"), &err), -ENOENT);
        assert_int_equal(cedar_policies_rename(p, SPAN("policy1"), SPAN("policy1"), &err), 0);
        assert_int_equal(cedar_policies_rename(p, SPAN("policy1"), SPAN("mine"), &err), 0);
        assert_null(cedar_policies_find(p, SPAN("policy1")));
        assert_ptr_equal(cedar_policies_find(p, SPAN("mine")), &p->policies[1]);
        assert_true(span_eq_str(cedar_policies_find(p, SPAN("link"))->of, "mine"));
}

static void a_thousand_policies_are_renamed(void **state)
{
        enum { N = 1000 };
        static const char *const names[] = { "policy", "a", "b", "c", "policy" };
        CLEANUP(buf_done) struct buf text = BUF_INIT(DUMP_MAX);
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;
        struct err err = { 0 };

        (void)state;
        for (unsigned i = 0; i < N; i++)
                buf_put_str(&text, "permit(principal, action, resource);\n");
        p = parsed(buf_cstr(&text));
        for (unsigned round = 0; round + 1 < ARRAY_LEN(names); round++)
                for (unsigned i = 0; i < N; i++) {
                        CLEANUP(buf_done) struct buf old = BUF_INIT(64), new = BUF_INIT(64);

                        buf_printf(&old, "%s%u", names[round], i);
                        buf_printf(&new, "%s%u", names[round + 1], i);
                        assert_int_equal(
                                cedar_policies_rename(p, buf_span(&old), buf_span(&new), &err), 0);
                        assert_null(cedar_policies_find(p, buf_span(&old)));
                        assert_ptr_equal(cedar_policies_find(p, buf_span(&new)), &p->policies[i]);
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
                CLEANUP(buf_done) struct buf got = BUF_INIT(DUMP_MAX);

                assert_int_equal(cedar_parse_errors(span_str(table[i].text), &got), table[i].n);
                assert_string_equal(buf_cstr(&got), table[i].want);
        }
}

static void errors_have_a_ceiling(void **state)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(DUMP_MAX), got = BUF_INIT(DUMP_MAX);

        (void)state;
        for (unsigned i = 0; i <= CEDAR_ERRORS_MAX; i++)
                buf_put_str(&text, "x;");
        assert_int_equal(cedar_parse_errors(buf_span(&text), &got), CEDAR_ERRORS_MAX);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(expressions_are_trees_by_precedence),
                cmocka_unit_test(numbers_go_from_the_least_to_the_greatest),
                cmocka_unit_test(relations_with_words),
                cmocka_unit_test(members_and_calls),
                cmocka_unit_test(strings_and_their_escapes),
                cmocka_unit_test(strings_and_their_escapes),
                cmocka_unit_test(scopes_of_every_form),
                cmocka_unit_test(what_is_refused_and_where),
                cmocka_unit_test(expressions_that_are_refused_and_where),
                cmocka_unit_test(places_are_those_of_operators),
                cmocka_unit_test(ceilings_are_said),
                cmocka_unit_test(an_entity_alone),
                cmocka_unit_test(ids_follow_the_text),
                cmocka_unit_test(links_fill_the_slots),
                cmocka_unit_test(links_that_cannot_be),
                cmocka_unit_test(many_links_keep_what_was_there),
                cmocka_unit_test(policies_get_other_ids),
                cmocka_unit_test(a_thousand_policies_are_renamed),
                cmocka_unit_test(all_errors_of_a_text),
                cmocka_unit_test(errors_have_a_ceiling),
                cmocka_unit_test(memory_that_runs_out_is_told),
                cmocka_unit_test(lists_have_a_ceiling),
                cmocka_unit_test(a_text_has_a_ceiling),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
