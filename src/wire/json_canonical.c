/* SPDX-License-Identifier: Apache-2.0 */
/* Writes each value as it is read and, at the end of an object whose keys did not ascend, puts its
 * members in order.  SECURITY: reads hostile bytes; memory is bounded by a multiple of the input.
 */
#include "wire/json.h"

#include "base/text.h"
#include "wire/json_scan.h"

#include <stdlib.h>

enum { NAME_SHOWN = 64 };

/* One member of an object being read: where it stands in out, and where its key was. */
struct member {
        uint32_t at, key_n, n; /* "key":value, of which key_n bytes are the key with its quotes */
        uint32_t source;
};

struct canonical {
        struct json_scan in;
        unsigned flags;
        struct buf *out;
        size_t base;        /* what out held before; members count from here */
        struct buf members; /* a stack of struct member, the innermost object's on top */
        struct buf sorted;  /* members of one object in their new order */
};

static int read_value(struct canonical *c, unsigned depth);

static void skip_blanks(struct json_scan *s)
{
        while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
                s->p++;
}

/* ---- strings ---- */

/* p stands at \u: *ret gets the character, both halves of a pair consumed. */
static int read_unicode_escape(struct json_scan *s, uint32_t *ret)
{
        struct span rest = json_scan_rest(s);
        uint32_t unit, low;

        if (!json_hex4(span_from(rest, 2), &unit))
                return json_scan_refuse(s, s->p, -EINVAL, "\\u without four hexadecimal digits");
        if (unit < 0xd800 || unit > 0xdfff) {
                s->p += 6;
                *ret = unit;
                return 0;
        }
        if (unit > 0xdbff || !span_starts(span_from(rest, 6), SPAN("\\u")) ||
            !json_hex4(span_from(rest, 8), &low) || low < 0xdc00 || low > 0xdfff)
                return json_scan_refuse(s, s->p, -EINVAL, "a lone surrogate escape");
        s->p += 12;
        *ret = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        return 0;
}

/* p stands at a backslash. */
static int read_escape(struct json_scan *s, uint32_t *ret)
{
        static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
        const char *at;

        if (s->end - s->p < 2)
                return json_scan_refuse(s, s->end, -EINVAL, "the input ends inside an escape");
        if (s->p[1] == 'u')
                return read_unicode_escape(s, ret);
        at = s->p[1] ? strchr(letters, s->p[1]) : NULL;
        if (!at)
                return json_scan_refuse(s, s->p, -EINVAL, "an unknown escape");
        s->p += 2;
        *ret = (uint8_t)means[at - letters];
        return 0;
}

static void put_char(struct buf *out, uint32_t point)
{
        if (point < ' ' || point == '"' || point == '\\')
                json_put_escape(out, (uint8_t)point);
        else
                text_put_utf8(out, point);
}

/* p stands at the opening quote; the canonical string goes to out. */
static int read_string(struct canonical *c)
{
        struct json_scan *s = &c->in;

        buf_put_byte(c->out, '"');
        s->p++;
        for (;;) {
                const uint8_t *plain = s->p;
                uint32_t point = 0;
                int r;

                s->p = json_scan_plain(s->p, s->end);
                buf_put(c->out, span_of(plain, (size_t)(s->p - plain)));
                if (s->p == s->end)
                        return json_scan_refuse(s, s->p, -EINVAL, "the input ends inside a string");
                if (*s->p == '"')
                        break;
                if (*s->p >= 0x80) {
                        unsigned n = text_utf8_first(json_scan_rest(s), NULL);

                        if (n == 0)
                                return json_scan_refuse(s, s->p, -EINVAL, "not UTF-8");
                        buf_put(c->out, span_of(s->p, n));
                        s->p += n;
                        continue;
                }
                if (*s->p != '\\')
                        return json_scan_refuse(s, s->p, -EINVAL,
                                                "a raw control character (0x%02x)", *s->p);
                r = read_escape(s, &point);
                if (r < 0)
                        return r;
                put_char(c->out, point);
        }
        s->p++;
        buf_put_byte(c->out, '"');
        return 0;
}

/* ---- order of keys ---- */

/* Walks canonical string text as UTF-16 code units. */
struct units {
        struct span rest;
        uint32_t low; /* the second half of a pair, still to come */
};

/* -1 at the end. */
static int32_t next_unit(struct units *u)
{
        static const char letters[] = "bfnrt", means[] = "\b\f\n\r\t";
        uint32_t point = u->low;
        size_t n;

        if (point) {
                u->low = 0;
                return (int32_t)point;
        }
        if (u->rest.n == 0)
                return -1;
        if (u->rest.p[0] != '\\') {
                n = text_utf8_first(u->rest, &point);
                assert(n > 0);
        } else if (u->rest.p[1] == 'u') {
                n = json_hex4(span_from(u->rest, 2), &point) ? 6 : 0;
                assert(n > 0);
        } else {
                const char *at = strchr(letters, u->rest.p[1]);

                n = 2;
                point = at ? (uint8_t)means[at - letters] : u->rest.p[1];
        }
        u->rest = span_from(u->rest, n);
        if (point < 0x10000)
                return (int32_t)point;
        u->low = 0xdc00 + ((point - 0x10000) & 0x3ff);
        return (int32_t)(0xd800 + ((point - 0x10000) >> 10));
}

static struct span key_of(const struct canonical *c, const struct member *m)
{
        return span_of(c->out->p + c->base + m->at + 1, m->key_n - 2);
}

static int compare_members(const void *left, const void *right, void *ctx)
{
        const struct canonical *c = ctx;
        struct units a = { key_of(c, left), 0 }, b = { key_of(c, right), 0 };
        int32_t x, y;

        do {
                x = next_unit(&a);
                y = next_unit(&b);
        } while (x == y && x >= 0);
        return (x > y) - (x < y);
}

/* ---- containers ---- */

/* The members of the object read last, from the stack's `first` on, in order and each once. */
static int sort_members(struct canonical *c, size_t first)
{
        struct member *m = (struct member *)(void *)(c->members.p + first);
        size_t n = (c->members.n - first) / sizeof *m, start = n ? m[0].at : 0;
        bool ascending = true;

        for (size_t i = 1; i < n && ascending; i++)
                ascending = compare_members(&m[i - 1], &m[i], c) < 0;
        if (ascending)
                return 0;
        qsort_r(m, n, sizeof *m, compare_members, c);
        buf_clear(&c->sorted);
        for (size_t i = 0; i < n; i++) {
                struct span key = key_of(c, &m[i]);

                if (i > 0 && span_eq(key, key_of(c, &m[i - 1])))
                        return json_scan_refuse(
                                &c->in, c->in.start + MAX_OF(m[i].source, m[i - 1].source), -EINVAL,
                                "duplicate key \"%.*s\"", (int)MIN_OF(key.n, (size_t)NAME_SHOWN),
                                (const char *)key.p);
                if (i > 0)
                        buf_put_byte(&c->sorted, ',');
                buf_put(&c->sorted, span_of(c->out->p + c->base + m[i].at, m[i].n));
        }
        if (buf_status(&c->sorted) < 0)
                return err_set(c->in.err, buf_status(&c->sorted), "no memory to sort %zu keys", n);
        assert(c->base + start + c->sorted.n == c->out->n);
        memcpy(c->out->p + c->base + start, c->sorted.p, c->sorted.n);
        return 0;
}

static int read_member(struct canonical *c, unsigned depth)
{
        struct member m = { .at = (uint32_t)(c->out->n - c->base) };
        int r;

        skip_blanks(&c->in);
        if (c->in.p == c->in.end || *c->in.p != '"')
                return json_scan_unexpected(&c->in, "a key");
        m.source = (uint32_t)(c->in.p - c->in.start);
        r = read_string(c);
        if (r < 0)
                return r;
        m.key_n = (uint32_t)(c->out->n - c->base) - m.at;
        if (buf_status(c->out) < 0)
                return err_set(c->in.err, buf_status(c->out), "no room for the canonical form");
        if (!(c->flags & JSON_ANY_KEY) && !json_key_ok(key_of(c, &m)))
                return json_scan_refuse(&c->in, c->in.start + m.source, -EINVAL,
                                        "a key must match [a-z_][a-z0-9_]*");
        skip_blanks(&c->in);
        if (c->in.p == c->in.end || *c->in.p != ':')
                return json_scan_unexpected(&c->in, "a colon");
        c->in.p++;
        buf_put_byte(c->out, ':');
        r = read_value(c, depth);
        if (r < 0)
                return r;
        m.n = (uint32_t)(c->out->n - c->base) - m.at;
        buf_put(&c->members, span_of(&m, sizeof m));
        if (buf_status(&c->members) < 0)
                return err_set(c->in.err, buf_status(&c->members), "no memory for keys");
        return 0;
}

static int read_object(struct canonical *c, unsigned depth)
{
        size_t first = c->members.n;
        int r;

        do {
                r = read_member(c, depth);
                if (r < 0)
                        return r;
                skip_blanks(&c->in);
                if (c->in.p < c->in.end && *c->in.p == '}')
                        break;
                if (c->in.p == c->in.end || *c->in.p != ',')
                        return json_scan_unexpected(&c->in, "a comma or }");
                buf_put_byte(c->out, *c->in.p++);
        } while (true);
        r = sort_members(c, first);
        c->members.n = first;
        return r;
}

static int read_array(struct canonical *c, unsigned depth)
{
        int r;

        do {
                r = read_value(c, depth);
                if (r < 0)
                        return r;
                skip_blanks(&c->in);
                if (c->in.p < c->in.end && *c->in.p == ']')
                        return 0;
                if (c->in.p == c->in.end || *c->in.p != ',')
                        return json_scan_unexpected(&c->in, "a comma or ]");
                buf_put_byte(c->out, *c->in.p++);
        } while (true);
}

static int read_container(struct canonical *c, unsigned depth)
{
        uint8_t opener = *c->in.p, closer = opener == '{' ? '}' : ']';
        int r = 0;

        if (depth == JSON_DEPTH_MAX)
                return json_scan_refuse(&c->in, c->in.p, -E2BIG, "deeper than %d levels",
                                        JSON_DEPTH_MAX);
        buf_put_byte(c->out, opener);
        c->in.p++;
        skip_blanks(&c->in);
        if (c->in.p == c->in.end || *c->in.p != closer)
                r = opener == '{' ? read_object(c, depth + 1) : read_array(c, depth + 1);
        if (r < 0)
                return r;
        c->in.p++;
        buf_put_byte(c->out, closer);
        return 0;
}

static int read_value(struct canonical *c, unsigned depth)
{
        const uint8_t *first;
        int r;

        skip_blanks(&c->in);
        if (c->in.p == c->in.end)
                return json_scan_unexpected(&c->in, "a value");
        if (*c->in.p == '{' || *c->in.p == '[')
                return read_container(c, depth);
        if (*c->in.p == '"')
                return read_string(c);
        first = c->in.p;
        if (*first == '-' || (*first >= '0' && *first <= '9'))
                r = json_scan_int(&c->in);
        else
                r = json_scan_literal(&c->in);
        if (r == 0)
                buf_put(c->out, span_of(first, (size_t)(c->in.p - first)));
        return r;
}

static int read_all(struct canonical *c)
{
        int r = read_value(c, 0);

        if (r < 0)
                return r;
        skip_blanks(&c->in);
        if (c->in.p < c->in.end)
                return json_scan_refuse(&c->in, c->in.p, -EINVAL, "more bytes behind the value");
        if (buf_status(c->out) < 0)
                return err_set(c->in.err, buf_status(c->out), "no room for the canonical form");
        return 0;
}

int json_canonicalize(struct span s, unsigned flags, struct buf *out, struct err *err)
{
        /* No escape is longer in canonical form than it was, and the shortest member, "":0 and a
         * comma, takes five bytes. */
        struct canonical c = {
                .in = json_scan_of(s, err),
                .flags = flags,
                .out = out,
                .base = out->n,
                .members = BUF_INIT(JSON_FREE_MAX / 5 * sizeof(struct member)),
                .sorted = BUF_INIT(JSON_FREE_MAX),
        };
        int r;

        if (s.n > JSON_FREE_MAX)
                return err_set(err, -E2BIG, "%zu bytes of JSON, at most %d are read", s.n,
                               JSON_FREE_MAX);
        r = read_all(&c);
        if (r < 0)
                out->n = c.base;
        buf_done(&c.members);
        buf_done(&c.sorted);
        return r;
}
