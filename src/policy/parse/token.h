/* SPDX-License-Identifier: Apache-2.0 */
/* token.h - Cedar text cut into words: policies and schemas alike.  Floor 2, pure.
 *
 * Source: the Cedar grammar specification, its lexical part; blanks are those of Unicode
 * (White_Space), a comment ends at a line feed or a carriage return.
 * SECURITY: reads hostile bytes. */
#ifndef POLICY_TOKEN_H
#define POLICY_TOKEN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "policy/ast/ast.h"

enum cedar_token_kind {
        TOKEN_END, /* of the text */
        TOKEN_COMMENT,
        TOKEN_IDENT,
        TOKEN_NUMBER, /* digits */
        TOKEN_STRING, /* with its quotes, its escapes not looked at yet */
        TOKEN_SLOT,   /* ?name */
        TOKEN_AT,
        TOKEN_QUESTION, /* alone: schemas only */
        TOKEN_DOT,
        TOKEN_COMMA,
        TOKEN_SEMICOLON,
        TOKEN_COLON,
        TOKEN_COLONS, /* :: */
        TOKEN_LPAREN,
        TOKEN_RPAREN,
        TOKEN_LBRACE,
        TOKEN_RBRACE,
        TOKEN_LBRACKET,
        TOKEN_RBRACKET,
        TOKEN_ASSIGN, /* =: schemas only */
        TOKEN_EQ,     /* == */
        TOKEN_NE,
        TOKEN_LT,
        TOKEN_LE,
        TOKEN_GT,
        TOKEN_GE,
        TOKEN_OR,
        TOKEN_AND,
        TOKEN_NOT,
        TOKEN_PLUS,
        TOKEN_MINUS,
        TOKEN_STAR,
        TOKEN_SLASH,   /* no operator: known for a better message */
        TOKEN_PERCENT, /* likewise */
};

/* What an identifier can mean besides itself. */
enum cedar_word {
        WORD_NONE,
        WORD_TRUE, /* the reserved ones: never an identifier where the language wants one */
        WORD_FALSE,
        WORD_IF,
        WORD_THEN,
        WORD_ELSE,
        WORD_IN,
        WORD_LIKE,
        WORD_HAS,
        WORD_IS,
        WORD_CEDAR, /* __cedar */
        WORD_PERMIT,
        WORD_FORBID,
        WORD_WHEN,
        WORD_UNLESS,
        WORD_PRINCIPAL,
        WORD_ACTION,
        WORD_RESOURCE,
        WORD_CONTEXT,
};

static inline bool cedar_word_reserved(enum cedar_word w)
{
        return w >= WORD_TRUE && w <= WORD_CEDAR;
}

struct cedar_token {
        enum cedar_token_kind kind;
        enum cedar_word word; /* of an identifier */
        struct cedar_pos pos, end;
        struct span text; /* as written */
};

struct cedar_lexer {
        struct span source; /* borrowed, and by all tokens */
        struct cedar_pos at;
};

/* source is UTF-8 of at most CEDAR_SOURCE_MAX bytes, or else: -EINVAL with the place, -E2BIG. */
MUST_USE int cedar_lexer_init(struct cedar_lexer *l, struct span source, struct err *err);

/* Comments are tokens, blanks are not; at the end it is TOKEN_END for ever.  -EINVAL: no token
 * begins here, "line 3, column 14: ...". */
MUST_USE int cedar_lexer_next(struct cedar_lexer *l, struct cedar_token *ret, struct err *err);

/* What an identifier's text can mean besides itself. */
enum cedar_word cedar_word(struct span text);

/* Whether text is an identifier that may stand after a dot. */
bool cedar_is_ident(struct span text);

/* `"..."` for messages: the token as written, cut when it is long, or what it is. */
void cedar_token_print(const struct cedar_token *t, struct buf *out);

/* What a string token says.  Borrows from the token where nothing is escaped, else lies in arena.
 * -EINVAL with the place of the bad escape; -ENOMEM. */
MUST_USE int cedar_token_string(const struct cedar_token *t, struct arena *arena, struct span *ret,
                                struct err *err);

/* The same as the right side of `like`: a star that is not escaped matches anything. */
MUST_USE int cedar_token_pattern(const struct cedar_token *t, struct arena *arena,
                                 struct cedar_pattern *ret, struct err *err);

#endif
