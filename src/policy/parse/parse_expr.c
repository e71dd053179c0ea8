/* SPDX-License-Identifier: Apache-2.0 */
/* parse_expr.c - expressions: operators by precedence.  Floor 2, pure.
 * SECURITY: reads hostile bytes; recursion is bounded by parser_enter(). */
#include "policy/parse/parser.h"

enum { UNARY_MAX = 4 };

/* How strongly an operator binds.  All associate to the left, relations not at all. */
enum power { P_OR = 1, P_AND, P_RELATION, P_ADD, P_MUL };

struct binary {
        enum cedar_token_kind kind;
        enum cedar_word word;
        enum power power;
        enum cedar_op op;
};

static const struct binary binaries[] = {
        { TOKEN_OR, WORD_NONE, P_OR, OP_OR },
        { TOKEN_AND, WORD_NONE, P_AND, OP_AND },
        { TOKEN_EQ, WORD_NONE, P_RELATION, OP_EQ },
        { TOKEN_NE, WORD_NONE, P_RELATION, OP_NE },
        { TOKEN_LT, WORD_NONE, P_RELATION, OP_LT },
        { TOKEN_LE, WORD_NONE, P_RELATION, OP_LE },
        { TOKEN_GT, WORD_NONE, P_RELATION, OP_GT },
        { TOKEN_GE, WORD_NONE, P_RELATION, OP_GE },
        { TOKEN_IDENT, WORD_IN, P_RELATION, OP_IN },
        { TOKEN_IDENT, WORD_HAS, P_RELATION, OP_HAS },
        { TOKEN_IDENT, WORD_LIKE, P_RELATION, OP_LIKE },
        { TOKEN_IDENT, WORD_IS, P_RELATION, OP_IS },
        { TOKEN_PLUS, WORD_NONE, P_ADD, OP_ADD },
        { TOKEN_MINUS, WORD_NONE, P_ADD, OP_SUB },
        { TOKEN_STAR, WORD_NONE, P_MUL, OP_MUL },
};

static const struct cedar_expr *parse_binary(struct parser *p, enum power least);

struct cedar_expr *parser_node_above(struct parser *p, enum cedar_op op, struct cedar_pos pos,
                                     uint32_t depth)
{
        struct cedar_expr *e;

        if (depth >= CEDAR_DEPTH_MAX) {
                (void)parser_too_much(p, pos, "an expression more than %u operators deep",
                                      CEDAR_DEPTH_MAX);
                return NULL;
        }
        e = parser_alloc(p, sizeof *e);
        if (e)
                *e = (struct cedar_expr){ .op = op, .pos = pos, .depth = depth + 1 };
        return e;
}

struct cedar_expr *parser_node(struct parser *p, enum cedar_op op, struct cedar_pos pos,
                               const struct cedar_expr *a, const struct cedar_expr *b,
                               const struct cedar_expr *c)
{
        uint32_t deepest = MAX_OF(a ? a->depth : 0, MAX_OF(b ? b->depth : 0, c ? c->depth : 0));
        struct cedar_expr *e = parser_node_above(p, op, pos, deepest);

        if (!e)
                return NULL;
        e->a = a;
        e->b = b;
        e->c = c;
        return e;
}

static const struct binary *binary_at(const struct parser *p)
{
        for (size_t i = 0; i < ARRAY_LEN(binaries); i++)
                if (p->token.kind == binaries[i].kind && p->token.word == binaries[i].word)
                        return &binaries[i];
        return NULL;
}

bool parser_number(struct parser *p, const struct cedar_token *digits, bool negative, int64_t *ret)
{
        uint64_t limit = (uint64_t)INT64_MAX + negative, v = 0;

        for (size_t i = 0; i < digits->text.n; i++)
                if (__builtin_mul_overflow(v, 10, &v) ||
                    __builtin_add_overflow(v, (uint64_t)(digits->text.p[i] - '0'), &v) || v > limit)
                        return parser_fail(p, digits->pos,
                                           "a number beyond -9223372036854775808..."
                                           "9223372036854775807");
        *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
        return true;
}

static bool goes_on(const struct parser *p)
{
        return parser_at(p, TOKEN_DOT) || parser_at(p, TOKEN_LBRACKET) ||
               parser_at(p, TOKEN_LPAREN);
}

/* A number behind minus signs: the last of them is part of it, unless it is what is accessed. */
static const struct cedar_expr *negative_number(struct parser *p, struct cedar_pos minus,
                                                unsigned *n)
{
        struct cedar_token digits = p->token;
        struct cedar_expr *e;
        int64_t number;
        bool negative;

        if (!parser_advance(p))
                return NULL;
        negative = !goes_on(p);
        if (!parser_number(p, &digits, negative, &number))
                return NULL;
        e = parser_node(p, OP_LONG, negative ? minus : digits.pos, NULL, NULL, NULL);
        if (!e)
                return NULL;
        e->number = number;
        *n -= negative;
        return negative ? e : parser_accesses(p, e);
}

static const struct cedar_expr *parse_unary(struct parser *p)
{
        enum cedar_token_kind sign = p->token.kind;
        struct cedar_pos at[UNARY_MAX];
        const struct cedar_expr *e;
        unsigned n = 0;

        if (sign != TOKEN_NOT && sign != TOKEN_MINUS)
                return parser_member(p);
        for (; parser_at(p, sign); n++) {
                if (n == UNARY_MAX) {
                        (void)parser_fail(p, p->token.pos, "at most %u `%c` stand together",
                                          UNARY_MAX, sign == TOKEN_NOT ? '!' : '-');
                        return NULL;
                }
                at[n] = p->token.pos;
                if (!parser_advance(p))
                        return NULL;
        }
        if (parser_at(p, TOKEN_NOT) || parser_at(p, TOKEN_MINUS)) {
                (void)parser_unexpected(p, "an operand (`!` and `-` together need parentheses)");
                return NULL;
        }
        if (sign == TOKEN_MINUS && parser_at(p, TOKEN_NUMBER))
                e = negative_number(p, at[n - 1], &n);
        else
                e = parser_member(p);
        while (e && n-- > 0)
                e = parser_node(p, sign == TOKEN_NOT ? OP_NOT : OP_NEG, at[n], e, NULL, NULL);
        return e;
}

/* a has x.y.z, a has "x"; the token is behind the `has`. */
static const struct cedar_expr *parse_has(struct parser *p, struct cedar_pos pos,
                                          const struct cedar_expr *a)
{
        struct cedar_expr *e = parser_node(p, OP_HAS, pos, a, NULL, NULL);
        const char *wanted = "the name of an attribute";
        size_t mark = parser_mark(p);
        struct span name;

        if (!e)
                return NULL;
        if (parser_at(p, TOKEN_STRING)) {
                if (!parser_string(p, wanted, &name) || !parser_push(p, &name, sizeof name))
                        return NULL;
        } else {
                for (bool more = true; more;) {
                        if (!parser_ident(p, wanted, &name) || !parser_push(p, &name, sizeof name))
                                return NULL;
                        more = parser_at(p, TOKEN_DOT);
                        if (more && !parser_advance(p))
                                return NULL;
                }
        }
        return parser_take(p, mark, sizeof name, CEDAR_ITEMS_MAX, &e->path, &e->n) ? e : NULL;
}

static const struct cedar_expr *parse_like(struct parser *p, struct cedar_pos pos,
                                           const struct cedar_expr *a)
{
        struct cedar_expr *e = parser_node(p, OP_LIKE, pos, a, NULL, NULL);
        int rc;

        if (!e)
                return NULL;
        if (!parser_at(p, TOKEN_STRING)) {
                (void)parser_unexpected(p, "a pattern, which is a string");
                return NULL;
        }
        rc = cedar_token_pattern(&p->token, p->arena, &e->pattern, p->err);
        if (rc < 0) {
                p->rc = rc;
                return NULL;
        }
        return parser_advance(p) ? e : NULL;
}

static const struct cedar_expr *parse_is(struct parser *p, struct cedar_pos pos,
                                         const struct cedar_expr *a)
{
        const struct cedar_expr *of = NULL;
        struct cedar_expr *e;
        struct span type;

        if (!parser_path(p, "an entity type", &type, NULL, NULL))
                return NULL;
        if (parser_at_word(p, WORD_IN)) {
                of = parser_advance(p) ? parse_binary(p, P_ADD) : NULL;
                if (!of)
                        return NULL;
        }
        e = parser_node(p, OP_IS, pos, a, of, NULL);
        if (e)
                e->text = type;
        return e;
}

static const struct cedar_expr *parse_right(struct parser *p, const struct binary *op,
                                            struct cedar_pos pos, const struct cedar_expr *a)
{
        const struct cedar_expr *b;

        switch (op->op) {
        case OP_HAS:
                return parse_has(p, pos, a);
        case OP_LIKE:
                return parse_like(p, pos, a);
        case OP_IS:
                return parse_is(p, pos, a);
        default:
                b = parse_binary(p, op->power + 1);
                return b ? parser_node(p, op->op, pos, a, b, NULL) : NULL;
        }
}

/* Operators that are not of the language get a message of their own. */
static bool foreign_operator(struct parser *p)
{
        if (parser_at(p, TOKEN_ASSIGN))
                return !parser_fail(p, p->token.pos, "found `=`, equality is written `==`");
        if (parser_at(p, TOKEN_SLASH) || parser_at(p, TOKEN_PERCENT))
                return !parser_fail(p, p->token.pos, "Cedar neither divides nor takes remainders");
        return false;
}

/* Operators that bind at least so strongly. */
static const struct cedar_expr *parse_binary(struct parser *p, enum power least)
{
        const struct cedar_expr *e = parse_unary(p);
        enum power most = P_MUL;

        while (e) {
                const struct binary *op = binary_at(p);
                struct cedar_pos pos = p->token.pos;

                if (!op)
                        return foreign_operator(p) ? NULL : e;
                if (op->power < least)
                        return e;
                if (op->power > most) {
                        (void)parser_fail(p, pos,
                                          "found `%.*s` behind a relation, which needs parentheses",
                                          (int)p->token.text.n, (const char *)p->token.text.p);
                        return NULL;
                }
                most = op->power == P_RELATION ? P_RELATION - 1 : op->power;
                e = parser_advance(p) ? parse_right(p, op, pos, e) : NULL;
        }
        return NULL;
}

/* if a then b else c; the token is the `if`. */
static const struct cedar_expr *parse_if(struct parser *p)
{
        struct cedar_pos pos = p->token.pos;
        const struct cedar_expr *a, *b, *c;

        if (!parser_advance(p) || !(a = parser_expr(p)) ||
            !parser_expect_word(p, WORD_THEN, "`then`") || !(b = parser_expr(p)) ||
            !parser_expect_word(p, WORD_ELSE, "`else`") || !(c = parser_expr(p)))
                return NULL;
        return parser_node(p, OP_IF, pos, a, b, c);
}

const struct cedar_expr *parser_expr(struct parser *p)
{
        const struct cedar_expr *e;

        if (!parser_enter(p))
                return NULL;
        e = parser_at_word(p, WORD_IF) ? parse_if(p) : parse_binary(p, P_OR);
        parser_leave(p);
        return e;
}
