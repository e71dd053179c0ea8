/* SPDX-License-Identifier: Apache-2.0 */
/* doc_expr.c - expressions as layouts, with the parentheses they need.  Floor 2, pure. */
#include <inttypes.h>
#include <stdio.h>

#include "policy/parse/token.h"
#include "policy/print/doc.h"
#include "policy/print/doc_word.h"

/* How strongly an expression holds together; what stands as an operand must at least so much. */
enum strength { S_IF, S_OR, S_AND, S_RELATION, S_ADD, S_MUL, S_UNARY, S_MEMBER };

enum { SIGNS_MAX = 4 }; /* the parser's limit on ! or - in a row */

static const struct {
        struct span text;
        uint8_t strength;
} shapes[] = {
        [OP_IF] = { SPAN_INIT("if"), S_IF },
        [OP_OR] = { SPAN_INIT("||"), S_OR },
        [OP_AND] = { SPAN_INIT("&&"), S_AND },
        [OP_EQ] = { SPAN_INIT("=="), S_RELATION },
        [OP_NE] = { SPAN_INIT("!="), S_RELATION },
        [OP_LT] = { SPAN_INIT("<"), S_RELATION },
        [OP_LE] = { SPAN_INIT("<="), S_RELATION },
        [OP_GT] = { SPAN_INIT(">"), S_RELATION },
        [OP_GE] = { SPAN_INIT(">="), S_RELATION },
        [OP_IN] = { SPAN_INIT("in"), S_RELATION },
        [OP_HAS] = { SPAN_INIT("has"), S_RELATION },
        [OP_LIKE] = { SPAN_INIT("like"), S_RELATION },
        [OP_IS] = { SPAN_INIT("is"), S_RELATION },
        [OP_ADD] = { SPAN_INIT("+"), S_ADD },
        [OP_SUB] = { SPAN_INIT("-"), S_ADD },
        [OP_MUL] = { SPAN_INIT("*"), S_MUL },
        [OP_NOT] = { SPAN_INIT("!"), S_UNARY },
        [OP_NEG] = { SPAN_INIT("-"), S_UNARY },
        [OP_BOOL] = { SPAN_INIT(""), S_MEMBER },
        [OP_LONG] = { SPAN_INIT(""), S_MEMBER },
        [OP_STRING] = { SPAN_INIT(""), S_MEMBER },
        [OP_UID] = { SPAN_INIT(""), S_MEMBER },
        [OP_VAR] = { SPAN_INIT(""), S_MEMBER },
        [OP_GET] = { SPAN_INIT(""), S_MEMBER },
        [OP_SET] = { SPAN_INIT(""), S_MEMBER },
        [OP_RECORD] = { SPAN_INIT(""), S_MEMBER },
        [OP_FN] = { SPAN_INIT(""), S_MEMBER },
        [OP_CONTAINS] = { SPAN_INIT("contains"), S_MEMBER },
        [OP_CONTAINS_ALL] = { SPAN_INIT("containsAll"), S_MEMBER },
        [OP_CONTAINS_ANY] = { SPAN_INIT("containsAny"), S_MEMBER },
        [OP_IS_EMPTY] = { SPAN_INIT("isEmpty"), S_MEMBER },
        [OP_GET_TAG] = { SPAN_INIT("getTag"), S_MEMBER },
        [OP_HAS_TAG] = { SPAN_INIT("hasTag"), S_MEMBER },
};

static bool negative(const struct cedar_expr *e)
{
        return e->op == OP_LONG && e->number < 0;
}

static enum strength strength(const struct cedar_expr *e)
{
        return negative(e) ? S_UNARY : (enum strength)shapes[e->op].strength;
}

static void expr(struct layout *l, const struct cedar_expr *e, bool blank);

static void in_parens(struct layout *l, const struct cedar_expr *e, bool blank)
{
        layout_item(l, LAYOUT_OPEN);
        layout_word(l, SPAN("("), blank);
        layout_item(l, LAYOUT_INDENT);
        layout_break(l, false);
        expr(l, e, false);
        layout_break_out(l, false);
        layout_word(l, SPAN(")"), false);
        layout_item(l, LAYOUT_CLOSE);
}

/* e where something of at least this strength is wanted. */
static void operand(struct layout *l, const struct cedar_expr *e, enum strength least, bool blank)
{
        if (strength(e) < least)
                in_parens(l, e, blank);
        else
                expr(l, e, blank);
}

/* a op b op c, in the group that is open.  Sums and products are indented from their first break
 * on. */
static void chain(struct layout *l, const struct cedar_expr *e, enum strength s, bool blank)
{
        if (strength(e) != s) {
                operand(l, e, s, blank);
                if (s >= S_ADD)
                        layout_item(l, LAYOUT_INDENT);
                return;
        }
        chain(l, e->a, s, blank);
        layout_word(l, shapes[e->op].text, true);
        layout_break(l, true);
        operand(l, e->b, s + 1, false);
}

static void chained(struct layout *l, const struct cedar_expr *e, bool blank)
{
        enum strength s = strength(e);

        layout_item(l, LAYOUT_OPEN);
        chain(l, e, s, blank);
        if (s >= S_ADD)
                layout_item(l, LAYOUT_DEDENT);
        layout_item(l, LAYOUT_CLOSE);
}

static void conditional(struct layout *l, const struct cedar_expr *e, bool blank)
{
        layout_item(l, LAYOUT_OPEN);
        layout_word(l, SPAN("if"), blank);
        expr(l, e->a, true);
        layout_break(l, true);
        layout_word(l, SPAN("then"), false);
        expr(l, e->b, true);
        layout_break(l, true);
        layout_word(l, SPAN("else"), false);
        expr(l, e->c, true);
        layout_item(l, LAYOUT_CLOSE);
}

/* a < b and its like. */
static void comparison(struct layout *l, const struct cedar_expr *e, bool blank)
{
        layout_item(l, LAYOUT_OPEN);
        operand(l, e->a, S_ADD, blank);
        layout_word(l, shapes[e->op].text, true);
        layout_item(l, LAYOUT_INDENT);
        layout_break(l, true);
        operand(l, e->b, S_ADD, false);
        layout_item(l, LAYOUT_DEDENT);
        layout_item(l, LAYOUT_CLOSE);
}

static void has(struct layout *l, const struct cedar_expr *e)
{
        doc_name(l, e->path[0], true);
        for (uint32_t i = 1; i < e->n; i++) {
                layout_word(l, SPAN("."), false);
                layout_free_word(l, e->path[i], false);
        }
}

/* a has x, a like "x", a is T in b. */
static void test(struct layout *l, const struct cedar_expr *e, bool blank)
{
        operand(l, e->a, S_ADD, blank);
        layout_word(l, shapes[e->op].text, true);
        if (e->op == OP_HAS)
                has(l, e);
        else if (e->op == OP_LIKE)
                doc_pattern(l, &e->pattern, true);
        else
                doc_path(l, e->text, true);
        if (e->b) {
                layout_word(l, SPAN("in"), true);
                operand(l, e->b, S_ADD, true);
        }
}

/* Signs that e begins with, all of them `op`'s. */
static unsigned signs(const struct cedar_expr *e, enum cedar_op op)
{
        unsigned n = 0;

        for (; e->op == op; e = e->a)
                n++;
        return n + (op == OP_NEG && negative(e));
}

/* `!` and `-` do not mix, no more than four stand together, and a minus before bare digits would
 * become part of the number. */
static void sign(struct layout *l, const struct cedar_expr *e, bool blank)
{
        const struct cedar_expr *a = e->a;
        bool same = a->op == e->op || (e->op == OP_NEG && negative(a));
        bool digits = e->op == OP_NEG && a->op == OP_LONG && a->number >= 0;
        bool bare = same ? signs(a, e->op) < SIGNS_MAX : strength(a) == S_MEMBER && !digits;

        layout_word(l, shapes[e->op].text, blank);
        if (bare)
                expr(l, a, false);
        else
                in_parens(l, a, false);
}

static void number(struct layout *l, int64_t n, bool blank)
{
        uint64_t magnitude = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
        char text[24];

        if (n < 0)
                layout_word(l, SPAN("-"), blank);
        (void)snprintf(text, sizeof text, "%" PRIu64, magnitude);
        layout_free_word(l, span_str(text), blank && n >= 0);
}

/* Items between brackets of some sort; `blanks` stand inside them on one line. */
static void items(struct layout *l, const struct cedar_expr *e, uint32_t from, bool blanks)
{
        if (from >= e->n)
                return;
        layout_item(l, LAYOUT_INDENT);
        layout_break(l, blanks);
        for (uint32_t i = from; i < e->n && !layout_full(l); i++) {
                if (e->op == OP_RECORD) {
                        doc_name(l, e->keys[i], false);
                        layout_word(l, SPAN(":"), false);
                }
                expr(l, e->items[i], e->op == OP_RECORD);
                if (i + 1 < e->n) {
                        layout_word(l, SPAN(","), false);
                        layout_break(l, true);
                }
        }
        layout_break_out(l, blanks);
}

static void bracketed(struct layout *l, const struct cedar_expr *e, bool blank)
{
        bool record = e->op == OP_RECORD;

        layout_item(l, LAYOUT_OPEN);
        layout_word(l, record ? SPAN("{") : SPAN("["), blank);
        items(l, e, 0, record);
        layout_word(l, record ? SPAN("}") : SPAN("]"), false);
        layout_item(l, LAYOUT_CLOSE);
}

/* f(a, b), a.f(b). */
static void function(struct layout *l, const struct cedar_expr *e, bool blank)
{
        const struct cedar_fn_shape *shape = cedar_fn_shape(e->fn);

        if (shape->method) {
                operand(l, e->items[0], S_MEMBER, blank);
                layout_word(l, SPAN("."), false);
        }
        layout_item(l, LAYOUT_OPEN);
        layout_free_word(l, span_str(shape->name), blank && !shape->method);
        layout_word(l, SPAN("("), false);
        items(l, e, shape->method, false);
        layout_word(l, SPAN(")"), false);
        layout_item(l, LAYOUT_CLOSE);
}

/* a.contains(b) and the language's other methods. */
static void method(struct layout *l, const struct cedar_expr *e, bool blank)
{
        operand(l, e->a, S_MEMBER, blank);
        layout_word(l, SPAN("."), false);
        layout_item(l, LAYOUT_OPEN);
        layout_free_word(l, shapes[e->op].text, false);
        layout_word(l, SPAN("("), false);
        if (e->b) {
                layout_item(l, LAYOUT_INDENT);
                layout_break(l, false);
                expr(l, e->b, false);
                layout_break_out(l, false);
        }
        layout_word(l, SPAN(")"), false);
        layout_item(l, LAYOUT_CLOSE);
}

static void get(struct layout *l, const struct cedar_expr *e, bool blank)
{
        bool named;

        operand(l, e->a, S_MEMBER, blank);
        named = cedar_is_ident(e->text);
        layout_word(l, named ? SPAN(".") : SPAN("["), false);
        doc_name(l, e->text, false);
        if (!named)
                layout_word(l, SPAN("]"), false);
}

static void leaf(struct layout *l, const struct cedar_expr *e, bool blank)
{
        static const char *const vars[] = {
                [VAR_PRINCIPAL] = "principal",
                [VAR_ACTION] = "action",
                [VAR_RESOURCE] = "resource",
                [VAR_CONTEXT] = "context",
        };

        switch (e->op) {
        case OP_BOOL:
                layout_free_word(l, e->boolean ? SPAN("true") : SPAN("false"), blank);
                break;
        case OP_LONG:
                number(l, e->number, blank);
                break;
        case OP_STRING:
                doc_string(l, e->text, blank);
                break;
        case OP_UID:
                doc_uid(l, &e->uid, blank);
                break;
        default:
                layout_free_word(l, span_str(vars[e->var]), blank);
        }
}

static void expr(struct layout *l, const struct cedar_expr *e, bool blank)
{
        static void (*const by_strength[])(struct layout *, const struct cedar_expr *, bool) = {
                [S_IF] = conditional, [S_OR] = chained,  [S_AND] = chained,
                [S_ADD] = chained,    [S_MUL] = chained, [S_RELATION] = comparison,
                [S_UNARY] = sign,
        };

        if (layout_full(l))
                return;
        switch (e->op) {
        case OP_BOOL:
        case OP_LONG:
        case OP_STRING:
        case OP_UID:
        case OP_VAR:
                leaf(l, e, blank);
                break;
        case OP_HAS:
        case OP_LIKE:
        case OP_IS:
                test(l, e, blank);
                break;
        case OP_GET:
                get(l, e, blank);
                break;
        case OP_SET:
        case OP_RECORD:
                bracketed(l, e, blank);
                break;
        case OP_FN:
                function(l, e, blank);
                break;
        default:
                if (strength(e) == S_MEMBER)
                        method(l, e, blank);
                else
                        by_strength[strength(e)](l, e, blank);
        }
}

void doc_expr(struct layout *l, const struct cedar_expr *e)
{
        expr(l, e, false);
}
