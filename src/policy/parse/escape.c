/* SPDX-License-Identifier: Apache-2.0 */
/* escape.c - what string tokens say.  Floor 2, pure.
 *
 *   \n \r \t \0 \\ \" \'    \xHH up to 7f    \u{H...} one to six digits, `_` between them
 *   \*                      a star, in patterns only
 *
 * Source: the Cedar grammar specification, STR and PAT.
 * SECURITY: reads hostile bytes, UTF-8 and closed by a quote: the lexer saw to that. */
#include "policy/parse/token.h"

#include "base/text.h"

static const struct {
        char letter;
        char means;
} simple[] = {
        { 'n', '\n' },  { 'r', '\r' }, { 't', '\t' },  { '0', '\0' },
        { '\\', '\\' }, { '"', '"' },  { '\'', '\'' },
};

struct reader {
        struct span s; /* between the quotes */
        size_t at;
        const struct cedar_token *token;
        struct err *err;
};

/* One code point; star: it is a star that matches anything. */
struct unit {
        uint32_t point;
        bool star;
};

static struct reader reader_of(const struct cedar_token *t, struct err *err)
{
        return (struct reader){ .s = span_of(t->text.p + 1, t->text.n - 2),
                                .token = t,
                                .err = err };
}

static int bad(const struct reader *r, size_t at, const char *what)
{
        struct cedar_pos pos = r->token->pos;

        for (const uint8_t *p = r->token->text.p; p < r->s.p + at; p++) {
                if (*p == '\n') {
                        pos.line++;
                        pos.column = 1;
                } else if ((*p & 0xc0) != 0x80) {
                        pos.column++;
                }
        }
        return err_set(r->err, -EINVAL, "line %u, column %u: %s", pos.line, pos.column, what);
}

static int digit(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xHH, r->at behind the x. */
static int read_byte(struct reader *r, uint32_t *ret)
{
        int high = r->at < r->s.n ? digit(r->s.p[r->at]) : -1;
        int low = r->at + 1 < r->s.n ? digit(r->s.p[r->at + 1]) : -1;

        if (high < 0 || low < 0)
                return bad(r, r->at - 2, "`\\x` wants two hexadecimal digits");
        if (high > 7)
                return bad(r, r->at - 2, "`\\x` goes to 7f, beyond write `\\u{...}`");
        *ret = (uint32_t)(high * 16 + low);
        r->at += 2;
        return 0;
}

/* \u{H...}, r->at behind the u. */
static int read_point(struct reader *r, uint32_t *ret)
{
        size_t start = r->at - 2;
        uint32_t point = 0;
        unsigned digits = 0;

        if (r->at >= r->s.n || r->s.p[r->at] != '{')
                return bad(r, start, "`\\u` wants braces: `\\u{1f600}`");
        for (r->at++; r->at < r->s.n && r->s.p[r->at] != '}'; r->at++) {
                int d = digit(r->s.p[r->at]);

                if (r->s.p[r->at] == '_' && digits > 0)
                        continue;
                if (d < 0 || digits == 6)
                        return bad(r, start, "`\\u{...}` holds one to six hexadecimal digits");
                point = point * 16 + (uint32_t)d;
                digits++;
        }
        if (r->at >= r->s.n || digits == 0)
                return bad(r, start, "`\\u{...}` holds one to six hexadecimal digits");
        if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
                return bad(r, start, "no character has this number");
        r->at++;
        *ret = point;
        return 0;
}

/* r->at behind the backslash, which something follows. */
static int read_escape(struct reader *r, bool pattern, struct unit *ret)
{
        uint8_t c = r->s.p[r->at++];

        *ret = (struct unit){ 0 };
        if (c == 'x' || c == 'u') {
                int rc = c == 'x' ? read_byte(r, &ret->point) : read_point(r, &ret->point);

                ret->star = ret->point == '*';
                return rc;
        }
        if (pattern && c == '*') {
                ret->point = c;
                return 0;
        }
        for (size_t i = 0; i < ARRAY_LEN(simple); i++)
                if (c == (uint8_t)simple[i].letter) {
                        ret->point = (uint8_t)simple[i].means;
                        return 0;
                }
        return bad(r, r->at - 2,
                   pattern ? "no such escape"
                           : "no such escape (a backslash itself is written `\\\\`)");
}

static int read_unit(struct reader *r, bool pattern, struct unit *ret)
{
        uint8_t c = r->s.p[r->at];

        if (c == '\\') {
                r->at++;
                return read_escape(r, pattern, ret);
        }
        if (c == '\r')
                return bad(r, r->at, "a carriage return in a string is written `\\r`");
        r->at += text_utf8_first(span_from(r->s, r->at), &ret->point);
        ret->star = ret->point == '*';
        return 0;
}

static size_t put_point(uint8_t *out, uint32_t c)
{
        static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

        for (size_t i = n - 1; i > 0; i--, c >>= 6)
                out[i] = (uint8_t)(0x80 | (c & 0x3f));
        out[0] = (uint8_t)(lead[n == 1 ? 0 : n] | c);
        return n;
}

int cedar_token_string(const struct cedar_token *t, struct arena *arena, struct span *ret,
                       struct err *err)
{
        struct reader r = reader_of(t, err);
        size_t n = 0;
        uint8_t *out;

        if (!memchr(r.s.p, '\\', r.s.n) && !memchr(r.s.p, '\r', r.s.n)) {
                *ret = r.s;
                return 0;
        }
        out = arena_alloc(arena, r.s.n); /* no escape is shorter than what it says */
        if (!out)
                return err_set(err, -ENOMEM, "no memory for a string");
        while (r.at < r.s.n) {
                struct unit u;
                int rc = read_unit(&r, false, &u);

                if (rc < 0)
                        return rc;
                n += put_point(out + n, u.point);
        }
        *ret = span_of(out, n);
        return 0;
}

static int count_stars(struct reader r, uint32_t *ret)
{
        *ret = 0;
        while (r.at < r.s.n) {
                struct unit u;
                int rc = read_unit(&r, true, &u);

                if (rc < 0)
                        return rc;
                *ret += u.star;
        }
        return 0;
}

int cedar_token_pattern(const struct cedar_token *t, struct arena *arena, struct cedar_pattern *ret,
                        struct err *err)
{
        struct reader r = reader_of(t, err);
        struct span *pieces, *piece;
        uint32_t stars;
        uint8_t *out;
        int rc = count_stars(r, &stars);

        if (rc < 0)
                return rc;
        out = arena_alloc(arena, r.s.n);
        pieces = arena_alloc(arena, ((size_t)stars + 1) * sizeof *pieces);
        if (!out || !pieces)
                return err_set(err, -ENOMEM, "no memory for a pattern");
        piece = pieces;
        *piece = span_of(out, 0);
        while (r.at < r.s.n) {
                struct unit u;

                rc = read_unit(&r, true, &u);
                assert(rc == 0); /* counted above */
                if (u.star)
                        *++piece = span_of(out, 0);
                else
                        out += put_point(out, u.point);
                piece->n = (size_t)(out - piece->p);
        }
        *ret = (struct cedar_pattern){ .pieces = pieces, .n = stars + 1 };
        return 0;
}
