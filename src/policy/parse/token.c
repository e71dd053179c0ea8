/* SPDX-License-Identifier: Apache-2.0 */
/* token.c - Cedar text cut into words.  Floor 2, pure.
 * SECURITY: reads hostile bytes; cedar_lexer_init() refuses what is not UTF-8, so that the rest may
 * count on it. */
#include "policy/parse/token.h"

#include "base/text.h"

enum { SHOWN_MAX = 40 }; /* bytes of a token in a message */

static const struct {
        const char *text;
        enum cedar_word word;
} words[] = {
        { "true", WORD_TRUE },     { "false", WORD_FALSE },       { "if", WORD_IF },
        { "then", WORD_THEN },     { "else", WORD_ELSE },         { "in", WORD_IN },
        { "like", WORD_LIKE },     { "has", WORD_HAS },           { "is", WORD_IS },
        { "__cedar", WORD_CEDAR }, { "permit", WORD_PERMIT },     { "forbid", WORD_FORBID },
        { "when", WORD_WHEN },     { "unless", WORD_UNLESS },     { "principal", WORD_PRINCIPAL },
        { "action", WORD_ACTION }, { "resource", WORD_RESOURCE }, { "context", WORD_CONTEXT },
};

/* Longer ones before their beginnings. */
static const struct {
        struct span text;
        enum cedar_token_kind kind;
} marks[] = {
        { SPAN_INIT("::"), TOKEN_COLONS },   { SPAN_INIT(":"), TOKEN_COLON },
        { SPAN_INIT("=="), TOKEN_EQ },       { SPAN_INIT("="), TOKEN_ASSIGN },
        { SPAN_INIT("!="), TOKEN_NE },       { SPAN_INIT("!"), TOKEN_NOT },
        { SPAN_INIT("<="), TOKEN_LE },       { SPAN_INIT("<"), TOKEN_LT },
        { SPAN_INIT(">="), TOKEN_GE },       { SPAN_INIT(">"), TOKEN_GT },
        { SPAN_INIT("||"), TOKEN_OR },       { SPAN_INIT("&&"), TOKEN_AND },
        { SPAN_INIT("@"), TOKEN_AT },        { SPAN_INIT("?"), TOKEN_QUESTION },
        { SPAN_INIT("."), TOKEN_DOT },       { SPAN_INIT(","), TOKEN_COMMA },
        { SPAN_INIT(";"), TOKEN_SEMICOLON }, { SPAN_INIT("("), TOKEN_LPAREN },
        { SPAN_INIT(")"), TOKEN_RPAREN },    { SPAN_INIT("{"), TOKEN_LBRACE },
        { SPAN_INIT("}"), TOKEN_RBRACE },    { SPAN_INIT("["), TOKEN_LBRACKET },
        { SPAN_INIT("]"), TOKEN_RBRACKET },  { SPAN_INIT("+"), TOKEN_PLUS },
        { SPAN_INIT("-"), TOKEN_MINUS },     { SPAN_INIT("*"), TOKEN_STAR },
        { SPAN_INIT("/"), TOKEN_SLASH },     { SPAN_INIT("%"), TOKEN_PERCENT },
};

static bool begins_ident(uint8_t c)
{
        return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

enum cedar_word cedar_word(struct span text)
{
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (span_eq_str(text, words[i].text))
                        return words[i].word;
        return WORD_NONE;
}

bool cedar_is_ident(struct span text)
{
        if (!text.n || !begins_ident(text.p[0]))
                return false;
        for (size_t i = 1; i < text.n; i++)
                if (!begins_ident(text.p[i]) && !is_digit(text.p[i]))
                        return false;
        return !cedar_word_reserved(cedar_word(text));
}

static struct span rest(const struct cedar_lexer *l)
{
        return span_from(l->source, l->at.at);
}

/* Steps over n bytes; a line ends with LF, CR or both. */
static void step(struct cedar_lexer *l, size_t n)
{
        struct span s = rest(l);

        assert(s.p || n == 0);
        for (size_t i = 0; i < n; i++) {
                uint8_t c = s.p[i];

                if (c == '\n' || (c == '\r' && !(i + 1 < s.n && s.p[i + 1] == '\n'))) {
                        l->at.line++;
                        l->at.column = 1;
                } else if ((c & 0xc0) != 0x80) {
                        l->at.column++;
                }
        }
        l->at.at += (uint32_t)n;
}

int cedar_lexer_init(struct cedar_lexer *l, struct span source, struct err *err)
{
        struct cedar_lexer new = { .source = source, .at = { 0, 1, 1 } };
        size_t bad;

        if (source.n > CEDAR_SOURCE_MAX)
                return err_set(err, -E2BIG, "a text of %zu bytes, at most %u are read", source.n,
                               CEDAR_SOURCE_MAX);
        if (!text_is_utf8(source, &bad)) {
                step(&new, bad);
                return err_set(err, -EINVAL, "line %u, column %u: not UTF-8", new.at.line,
                               new.at.column);
        }
        *l = new;
        return 0;
}

/* White_Space of Unicode. */
static bool is_blank(uint32_t c)
{
        return (c >= 0x09 && c <= 0x0d) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
               (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
               c == 0x205f || c == 0x3000;
}

static void skip_blanks(struct cedar_lexer *l)
{
        uint32_t point;
        unsigned n;

        while ((n = text_utf8_first(rest(l), &point)) > 0 && is_blank(point))
                step(l, n);
}

static size_t comment_length(struct span s)
{
        size_t n = 2;

        while (n < s.n && s.p[n] != '\n' && s.p[n] != '\r')
                n++;
        while (n > 2 && is_blank(s.p[n - 1]) && s.p[n - 1] < 0x80)
                n--;
        return n;
}

static size_t ident_length(struct span s)
{
        size_t n = 1;

        while (n < s.n && (begins_ident(s.p[n]) || is_digit(s.p[n])))
                n++;
        return n;
}

static size_t number_length(struct span s)
{
        size_t n = 1;

        while (n < s.n && is_digit(s.p[n]))
                n++;
        return n;
}

/* 0: it has no end.  A line may end within a string but not right behind a backslash. */
static size_t string_length(struct span s)
{
        for (size_t n = 1; n < s.n; n++) {
                if (s.p[n] == '"')
                        return n + 1;
                if (s.p[n] == '\\' && (++n >= s.n || s.p[n] == '\n'))
                        return 0;
        }
        return 0;
}

static size_t mark_length(struct span s, enum cedar_token_kind *ret)
{
        for (size_t i = 0; i < ARRAY_LEN(marks); i++)
                if (span_starts(s, marks[i].text)) {
                        *ret = marks[i].kind;
                        return marks[i].text.n;
                }
        return 0;
}

/* What begins at s (not empty) and how long it is; 0: nothing does. */
static size_t classify(struct span s, enum cedar_token_kind *ret)
{
        bool second = s.n > 1;

        if (begins_ident(s.p[0])) {
                *ret = TOKEN_IDENT;
                return ident_length(s);
        }
        if (is_digit(s.p[0])) {
                *ret = TOKEN_NUMBER;
                return number_length(s);
        }
        if (s.p[0] == '"') {
                *ret = TOKEN_STRING;
                return string_length(s);
        }
        if (span_starts(s, SPAN("//"))) {
                *ret = TOKEN_COMMENT;
                return comment_length(s);
        }
        if (s.p[0] == '?' && second && begins_ident(s.p[1])) {
                *ret = TOKEN_SLOT;
                return 1 + ident_length(span_from(s, 1));
        }
        return mark_length(s, ret);
}

static int no_token(const struct cedar_lexer *l, struct err *err)
{
        struct span s = rest(l);
        uint32_t point = 0;

        (void)text_utf8_first(s, &point);
        if (point == '"')
                return err_set(err, -EINVAL, "line %u, column %u: a string that has no end",
                               l->at.line, l->at.column);
        if (point == '\'')
                return err_set(
                        err, -EINVAL,
                        "line %u, column %u: strings stand in double quotes, not single ones",
                        l->at.line, l->at.column);
        if (point == '|' || point == '&')
                return err_set(err, -EINVAL, "line %u, column %u: found `%c`, wanted `%c%c`",
                               l->at.line, l->at.column, (int)point, (int)point, (int)point);
        return err_set(err, -EINVAL, "line %u, column %u: U+%04X is no part of the language",
                       l->at.line, l->at.column, point);
}

int cedar_lexer_next(struct cedar_lexer *l, struct cedar_token *ret, struct err *err)
{
        struct cedar_token t = { .kind = TOKEN_END };
        size_t n;

        skip_blanks(l);
        t.pos = t.end = l->at;
        if (rest(l).n == 0) {
                *ret = t;
                return 0;
        }
        n = classify(rest(l), &t.kind);
        if (n == 0)
                return no_token(l, err);
        t.text = span_of(rest(l).p, n);
        if (t.kind == TOKEN_IDENT)
                t.word = cedar_word(t.text);
        step(l, n);
        t.end = l->at;
        *ret = t;
        return 0;
}

void cedar_token_print(const struct cedar_token *t, struct buf *out)
{
        struct span shown = t->text;

        if (t->kind == TOKEN_END) {
                buf_put_str(out, "the end of the text");
                return;
        }
        if (shown.n > SHOWN_MAX) {
                shown.n = SHOWN_MAX;
                while ((shown.p[shown.n] & 0xc0) == 0x80)
                        shown.n--;
        }
        buf_put_byte(out, '`');
        text_put_safe(out, shown);
        buf_put_str(out, shown.n < t->text.n ? "...`" : "`");
}
