/* SPDX-License-Identifier: Apache-2.0 */
/* parse_errors.c - all that is wrong with a text.  Floor 2, pure. */
#include "policy/parse/parse.h"
#include "policy/parse/parser.h"

/* Behind the next semicolon.  False: an error on the way there. */
static bool recover(struct parser *p)
{
        p->rc = 0;
        p->depth = 0;
        p->stack.n = 0;
        while (!parser_at(p, TOKEN_SEMICOLON) && !parser_at(p, TOKEN_END))
                if (!parser_advance(p))
                        return false;
        return parser_at(p, TOKEN_END) || parser_advance(p);
}

/* Policies up to the next error. */
static bool read_on(struct parser *p)
{
        for (uint32_t i = 0; !parser_at(p, TOKEN_END); i++)
                if (!parser_policy(p, i))
                        return false;
        return true;
}

int cedar_parse_errors(struct span source, struct buf *out)
{
        struct arena arena = ARENA_INIT(PARSER_ARENA_MAX);
        struct err err = { 0 };
        struct parser p;
        bool ok = parser_init(&p, source, &arena, &err) && read_on(&p);
        int n = 0;

        while (!ok && p.rc != -ENOMEM) {
                buf_put_str(out, err_text(&err));
                buf_put_byte(out, '\n');
                if (++n == CEDAR_ERRORS_MAX || p.lost || p.rc == -E2BIG)
                        break;
                ok = recover(&p) && read_on(&p);
        }
        parser_done(&p);
        arena_done(&arena);
        return p.rc == -ENOMEM ? -ENOMEM : n;
}
