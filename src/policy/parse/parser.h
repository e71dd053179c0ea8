/* SPDX-License-Identifier: Apache-2.0 */
/* parser.h - what the parsers of policies and of schemas share.  Floor 2, pure.
 *
 * Recursive descent on one token of lookahead.  The first error sticks: whoever meets it returns
 * false or NULL up to cedar_parse(), which gives p->rc. */
#ifndef POLICY_PARSER_H
#define POLICY_PARSER_H

#include "policy/parse/token.h"

enum { PARSER_ARENA_MAX = 1 << 30 };

struct parser {
        struct cedar_lexer lexer;
        struct cedar_token token; /* the next one, not consumed yet */
        struct cedar_pos behind;  /* where the last consumed token ended */
        struct arena *arena;
        struct buf stack;    /* items of the lists that are being read, the innermost last */
        struct buf comments; /* struct cedar_comment */
        uint32_t depth;
        bool lost;   /* the error is that no token begins here: there is no way on */
        bool schema; /* `__cedar` is a name: the one of what builtin types lie in */
        int rc;
        struct err *err;
};

/* Reads the first token; parser_done() gives back what is not in the arena. */
MUST_USE bool parser_init(struct parser *p, struct span source, struct arena *arena,
                          struct err *err);
void parser_done(struct parser *p);

/* Consumes the token: false at an error of the next one. */
MUST_USE bool parser_advance(struct parser *p);

static inline bool parser_at(const struct parser *p, enum cedar_token_kind kind)
{
        return p->token.kind == kind;
}

static inline bool parser_at_word(const struct parser *p, enum cedar_word word)
{
        return p->token.kind == TOKEN_IDENT && p->token.word == word;
}

/* Consumes a token of this kind, or says that `wanted` was. */
MUST_USE bool parser_expect(struct parser *p, enum cedar_token_kind kind, const char *wanted);
MUST_USE bool parser_expect_word(struct parser *p, enum cedar_word word, const char *wanted);

/* An identifier that is not reserved. */
MUST_USE bool parser_ident(struct parser *p, const char *wanted, struct span *ret);

/* Inside a list that `close` ends: consumes a comma or stops before close.  *ret_more: another item
 * follows.  A comma may stand before close. */
MUST_USE bool parser_separator(struct parser *p, enum cedar_token_kind close, const char *wanted,
                               bool *ret_more);

/* Errors: each returns false. */
bool parser_unexpected(struct parser *p, const char *wanted);
bool parser_fail(struct parser *p, struct cedar_pos pos, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool parser_too_much(struct parser *p, struct cedar_pos pos, const char *fmt, ...)
        PRINTF_LIKE(3, 4);

/* From the arena; NULL and an error when there is no more. */
MUST_USE void *parser_alloc(struct parser *p, size_t n);

/* Lists: remember parser_mark(), push items of one size, take them into the arena. */
static inline size_t parser_mark(const struct parser *p)
{
        return p->stack.n;
}
MUST_USE bool parser_push(struct parser *p, const void *item, size_t size);
/* ret_items: a pointer to items, NULL when there are none. */
MUST_USE bool parser_take(struct parser *p, size_t mark, size_t size, uint32_t max, void *ret_items,
                          uint32_t *ret_n);

/* Lists of items that begin with this. */
struct parser_key {
        struct span key;
        struct cedar_pos pos;
};
/* No key twice among what was pushed since mark, or an error at the first that is: `what` and the
 * key stand here twice.  Leaves the items in another order. */
MUST_USE bool parser_unique(struct parser *p, size_t mark, size_t size, const char *what);

/* One level deeper, for what recurses; parser_leave() where it returned true. */
MUST_USE bool parser_enter(struct parser *p);
static inline void parser_leave(struct parser *p)
{
        p->depth--;
}

/* `A::B`, in one spelling.  ret_uid, where not NULL: `A::B::"id"` is wanted as well and
 * *ret_is_uid tells which it was. */
MUST_USE bool parser_path(struct parser *p, const char *wanted, struct span *ret_path,
                          struct cedar_uid *ret_uid, bool *ret_is_uid);
/* `A::B::"id"`. */
MUST_USE bool parser_uid(struct parser *p, const char *wanted, struct cedar_uid *ret);

/* What a string token says, consumed. */
MUST_USE bool parser_string(struct parser *p, const char *wanted, struct span *ret);

/* parse.c: the next policy, pushed; the i-th. */
MUST_USE bool parser_policy(struct parser *p, uint32_t i);
/* parse_expr.c.  NULL on error. */
const struct cedar_expr *parser_expr(struct parser *p);
/* parse_member.c: a primary with its accesses and calls. */
const struct cedar_expr *parser_member(struct parser *p);
/* What may follow a primary: `.name`, `.method(...)`, `["name"]`. */
const struct cedar_expr *parser_accesses(struct parser *p, const struct cedar_expr *e);
/* A number token, consumed; negative: a minus stood before it. */
bool parser_number(struct parser *p, const struct cedar_token *digits, bool negative, int64_t *ret);
/* A new node over others of at most this depth; with operands a, b, c (NULL: none). */
struct cedar_expr *parser_node_above(struct parser *p, enum cedar_op op, struct cedar_pos pos,
                                     uint32_t depth);
struct cedar_expr *parser_node(struct parser *p, enum cedar_op op, struct cedar_pos pos,
                               const struct cedar_expr *a, const struct cedar_expr *b,
                               const struct cedar_expr *c);
/* parse_scope.c: `(principal ..., action ..., resource ...)`. */
MUST_USE bool parser_scope(struct parser *p, struct cedar_policy *policy);

#endif
