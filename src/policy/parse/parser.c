/* SPDX-License-Identifier: Apache-2.0 */
/* parser.c - the parsers' tokens, lists and errors.  Floor 2, pure. */
#include "policy/parse/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum {
        STACK_MAX = 512 * 1024 * 1024, /* bytes; CEDAR_SOURCE_MAX is what keeps it smaller */
        SHOWN_MAX = 192,
        KEY_SHOWN_MAX = 40,
};

static bool set_error(struct parser *p, int rc)
{
        if (p->rc == 0)
                p->rc = rc;
        return false;
}

PRINTF_LIKE(4, 0)
static void fail_at(struct parser *p, int rc, struct cedar_pos pos, const char *fmt, va_list ap)
{
        char text[ERR_TEXT_MAX];

        (void)vsnprintf(text, sizeof text, fmt, ap);
        (void)set_error(p,
                        err_set(p->err, rc, "line %u, column %u: %s", pos.line, pos.column, text));
}

bool parser_fail(struct parser *p, struct cedar_pos pos, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        fail_at(p, -EINVAL, pos, fmt, ap);
        va_end(ap);
        return false;
}

bool parser_too_much(struct parser *p, struct cedar_pos pos, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        fail_at(p, -E2BIG, pos, fmt, ap);
        va_end(ap);
        return false;
}

static bool no_memory(struct parser *p)
{
        return set_error(p, err_set(p->err, -ENOMEM, "no memory for Cedar text"));
}

bool parser_unexpected(struct parser *p, const char *wanted)
{
        CLEANUP(buf_done) struct buf shown = BUF_INIT(SHOWN_MAX);

        cedar_token_print(&p->token, &shown);
        return parser_fail(p, p->token.pos, "found %s, wanted %s", buf_cstr(&shown), wanted);
}

static bool keep_comment(struct parser *p, const struct cedar_token *t)
{
        struct cedar_comment c = {
                .pos = t->pos,
                .text = t->text,
                .alone = p->behind.at == 0 || p->behind.line < t->pos.line,
        };

        buf_put(&p->comments, span_of(&c, sizeof c));
        return buf_status(&p->comments) == 0 ? true : no_memory(p);
}

static bool next_token(struct parser *p)
{
        for (;;) {
                struct cedar_token t;
                int rc = cedar_lexer_next(&p->lexer, &t, p->err);

                if (rc < 0) {
                        p->lost = true;
                        return set_error(p, rc);
                }
                if (t.kind != TOKEN_COMMENT) {
                        p->token = t;
                        return true;
                }
                if (!keep_comment(p, &t))
                        return false;
        }
}

bool parser_init(struct parser *p, struct span source, struct arena *arena, struct err *err)
{
        *p = (struct parser){
                .arena = arena,
                .stack = BUF_INIT(STACK_MAX),
                .comments = BUF_INIT(STACK_MAX),
                .err = err,
        };
        p->rc = cedar_lexer_init(&p->lexer, source, err);
        p->lost = p->rc < 0;
        return p->rc == 0 && next_token(p);
}

void parser_done(struct parser *p)
{
        buf_done(&p->stack);
        buf_done(&p->comments);
}

bool parser_advance(struct parser *p)
{
        p->behind = p->token.end;
        return next_token(p);
}

bool parser_expect(struct parser *p, enum cedar_token_kind kind, const char *wanted)
{
        return parser_at(p, kind) ? parser_advance(p) : parser_unexpected(p, wanted);
}

bool parser_expect_word(struct parser *p, enum cedar_word word, const char *wanted)
{
        return parser_at_word(p, word) ? parser_advance(p) : parser_unexpected(p, wanted);
}

bool parser_ident(struct parser *p, const char *wanted, struct span *ret)
{
        if (!parser_at(p, TOKEN_IDENT))
                return parser_unexpected(p, wanted);
        if (cedar_word_reserved(p->token.word) && !(p->schema && p->token.word == WORD_CEDAR))
                return parser_fail(p, p->token.pos, "`%.*s` is a reserved word, wanted %s",
                                   (int)p->token.text.n, (const char *)p->token.text.p, wanted);
        *ret = p->token.text;
        return parser_advance(p);
}

bool parser_separator(struct parser *p, enum cedar_token_kind close, const char *wanted,
                      bool *ret_more)
{
        if (parser_at(p, TOKEN_COMMA)) {
                if (!parser_advance(p))
                        return false;
        } else if (!parser_at(p, close)) {
                return parser_unexpected(p, wanted);
        }
        *ret_more = !parser_at(p, close);
        return true;
}

void *parser_alloc(struct parser *p, size_t n)
{
        void *at = arena_alloc(p->arena, n);

        if (at)
                return at;
        if (n >= p->arena->max - p->arena->used)
                (void)parser_too_much(p, p->token.pos, "the policies need more than %zu MiB",
                                      p->arena->max >> 20);
        else
                (void)no_memory(p);
        return NULL;
}

bool parser_push(struct parser *p, const void *item, size_t size)
{
        assert(size % sizeof(void *) == 0); /* what lies on the stack is aligned */
        buf_put(&p->stack, span_of(item, size));
        return buf_status(&p->stack) == 0 ? true : no_memory(p);
}

bool parser_take(struct parser *p, size_t mark, size_t size, uint32_t max, void *ret_items,
                 uint32_t *ret_n)
{
        size_t bytes = p->stack.n - mark;
        void *items = NULL;

        if (bytes / size > max)
                return parser_too_much(p, p->token.pos, "a list of %zu, at most %u are read",
                                       bytes / size, max);
        if (bytes > 0) {
                items = parser_alloc(p, bytes);
                if (!items)
                        return false;
                memcpy(items, p->stack.p + mark, bytes);
        }
        p->stack.n = mark;
        memcpy(ret_items, &items, sizeof items);
        *ret_n = (uint32_t)(bytes / size);
        return true;
}

bool parser_enter(struct parser *p)
{
        if (p->depth == CEDAR_DEPTH_MAX)
                return parser_too_much(p, p->token.pos, "nested more than %u deep",
                                       CEDAR_DEPTH_MAX);
        p->depth++;
        return true;
}

static int by_key(const void *a, const void *b)
{
        const struct parser_key *x = a, *y = b;
        int c = span_cmp(x->key, y->key);

        return c ? c : (x->pos.at > y->pos.at) - (x->pos.at < y->pos.at);
}

bool parser_unique(struct parser *p, size_t mark, size_t size, const char *what)
{
        CLEANUP(buf_done) struct buf shown = BUF_INIT(SHOWN_MAX);
        size_t n = (p->stack.n - mark) / size;
        const struct parser_key *first = NULL;
        uint8_t *items;

        if (n < 2)
                return true;
        items = p->stack.p + mark;
        qsort(items, n, size, by_key);
        for (size_t i = 1; i < n; i++) {
                const struct parser_key *a = (const void *)(items + (i - 1) * size);
                const struct parser_key *b = (const void *)(items + i * size);

                if (span_eq(a->key, b->key) && (!first || b->pos.at < first->pos.at))
                        first = b;
        }
        if (!first)
                return true;
        text_put_safe(&shown, span_of(first->key.p, MIN_OF(first->key.n, (size_t)KEY_SHOWN_MAX)));
        return parser_fail(p, first->pos, "%s `%s` stands here twice", what, buf_cstr(&shown));
}

bool parser_string(struct parser *p, const char *wanted, struct span *ret)
{
        int rc;

        if (!parser_at(p, TOKEN_STRING))
                return parser_unexpected(p, wanted);
        rc = cedar_token_string(&p->token, p->arena, ret, p->err);
        return rc < 0 ? set_error(p, rc) : parser_advance(p);
}
