/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/target.h"

#include "base/text.h"

/* Where a byte may stand as it is. */
enum { IN_PATH = 1u << 0, IN_QUERY = 1u << 1, UNRESERVED = 1u << 2 };

static const uint8_t places[256] = {
        /* RFC 3986, 2.3 */
        ['A' ... 'Z'] = UNRESERVED | IN_PATH | IN_QUERY,
        ['a' ... 'z'] = UNRESERVED | IN_PATH | IN_QUERY,
        ['0' ... '9'] = UNRESERVED | IN_PATH | IN_QUERY,
        ['-'] = UNRESERVED | IN_PATH | IN_QUERY,
        ['.'] = UNRESERVED | IN_PATH | IN_QUERY,
        ['_'] = UNRESERVED | IN_PATH | IN_QUERY,
        ['~'] = UNRESERVED | IN_PATH | IN_QUERY,
        /* 3.3: pchar, without ";" */
        ['!'] = IN_PATH | IN_QUERY,
        ['$'] = IN_PATH | IN_QUERY,
        ['&'] = IN_PATH | IN_QUERY,
        ['\''] = IN_PATH | IN_QUERY,
        ['('] = IN_PATH | IN_QUERY,
        [')'] = IN_PATH | IN_QUERY,
        ['*'] = IN_PATH | IN_QUERY,
        ['+'] = IN_PATH | IN_QUERY,
        [','] = IN_PATH | IN_QUERY,
        ['='] = IN_PATH | IN_QUERY,
        [':'] = IN_PATH | IN_QUERY,
        ['@'] = IN_PATH | IN_QUERY,
        /* 3.4, and what browsers leave as it is */
        [';'] = IN_QUERY,
        ['/'] = IN_QUERY,
        ['?'] = IN_QUERY,
        ['['] = IN_QUERY,
        [']'] = IN_QUERY,
        ['{'] = IN_QUERY,
        ['}'] = IN_QUERY,
        ['|'] = IN_QUERY,
        ['^'] = IN_QUERY,
        ['`'] = IN_QUERY,
};

struct reader {
        struct arena *arena;
        struct refusal *refusal;
        unsigned place;   /* IN_PATH or IN_QUERY */
        const char *name; /* of it */
};

#define REFUSE(r, ...) refuse((r)->refusal, REFUSED_TARGET, __VA_ARGS__)

/* ---- one text ---- */

/* Does every byte stand where it may?  *ret: it must be unescaped. */
static int look(const struct reader *r, struct span raw, bool *ret)
{
        bool escaped = false;

        for (size_t i = 0; i < raw.n; i++) {
                uint8_t c = raw.p[i];

                if (c == '%' || (c == '+' && r->place == IN_QUERY))
                        escaped = true;
                else if (!(places[c] & r->place))
                        return REFUSE(r, "%s: byte 0x%02x as it is", r->name, c);
        }
        *ret = escaped;
        return 0;
}

/* Of an escaped byte: would a server that looks before it unescapes see another path? */
static bool may_be_escaped(const struct reader *r, uint8_t c)
{
        if (r->place == IN_QUERY)
                return (c >= ' ' && c != 0x7f) || c == '\t' || c == '\r' || c == '\n';
        return c >= ' ' && c != 0x7f && !memchr("/\\;%?#.", c, 7);
}

static int unescape(const struct reader *r, struct span raw, struct span *ret)
{
        uint8_t *out = arena_alloc(r->arena, raw.n), c;
        size_t n = 0;

        if (!out)
                return -ENOMEM;
        while (raw.n > 0) {
                bool escape = raw.p[0] == '%', plus = raw.p[0] == '+';

                if (!text_percent_next(&raw, &c))
                        return REFUSE(r, "%s: a \"%%\" without two hexadecimal digits", r->name);
                if (escape && !may_be_escaped(r, c))
                        return REFUSE(r, "%s: byte 0x%02x, escaped", r->name, c);
                out[n++] = plus && r->place == IN_QUERY ? ' ' : c;
        }
        if (!text_is_utf8(span_of(out, n), NULL))
                return REFUSE(r, "%s: no UTF-8", r->name);
        *ret = span_of(out, n);
        return 0;
}

static int read_text(const struct reader *r, struct span raw, struct span *ret)
{
        bool escaped;
        int rc = look(r, raw, &escaped);

        if (rc < 0 || escaped)
                return rc < 0 ? rc : unescape(r, raw, ret);
        *ret = raw;
        return 0;
}

/* Up to the next byte c, which is passed over; *ret_more, if not NULL: there was one. */
static struct span cut(struct span *rest, uint8_t c, bool *ret_more)
{
        const uint8_t *at = rest->n ? memchr(rest->p, c, rest->n) : NULL;
        struct span part = span_of(rest->p, at ? (size_t)(at - rest->p) : rest->n);

        *rest = span_from(*rest, part.n + 1);
        if (ret_more)
                *ret_more = at != NULL;
        return part;
}

/* ---- path and query ---- */

static int read_path(const struct reader *r, struct span path, struct target *ret)
{
        struct span rest = span_from(path, 1);
        bool more = true;

        for (ret->n_segments = 0; more && rest.n > 0; ret->n_segments++) {
                struct span part = cut(&rest, '/', &more);
                int rc;

                if (part.n == 0)
                        return REFUSE(r, "path: two slashes follow each other");
                if (span_eq_str(part, ".") || span_eq_str(part, ".."))
                        return REFUSE(r, "path: a segment of dots");
                if (ret->n_segments == TARGET_SEGMENTS_MAX)
                        return REFUSE(r, "path: more than %d segments", TARGET_SEGMENTS_MAX);
                rc = read_text(r, part, &ret->segments[ret->n_segments]);
                if (rc < 0)
                        return rc;
        }
        ret->slash = more;
        return 0;
}

static int read_pair(const struct reader *r, struct span part, struct target_pair *ret)
{
        struct span name = cut(&part, '=', NULL);
        int rc;

        if (name.n == 0)
                return REFUSE(r, "query: a value without a name");
        rc = read_text(r, name, &ret->name);
        return rc < 0 ? rc : read_text(r, part, &ret->value);
}

static int read_query(const struct reader *r, struct span query, struct target *ret)
{
        ret->n_pairs = 0;
        while (query.n > 0) {
                struct span part = cut(&query, '&', NULL);
                int rc;

                if (part.n == 0)
                        continue;
                if (ret->n_pairs == TARGET_PAIRS_MAX)
                        return REFUSE(r, "query: more than %d parameters", TARGET_PAIRS_MAX);
                rc = read_pair(r, part, &ret->pairs[ret->n_pairs]);
                if (rc < 0)
                        return rc;
                ret->n_pairs++;
        }
        return 0;
}

int target_read(struct span raw, struct arena *arena, struct target *ret, struct refusal *refusal)
{
        struct reader path = { arena, refusal, IN_PATH, "path" },
                      query = { arena, refusal, IN_QUERY, "query" };
        struct span rest = raw;
        int rc;

        if (raw.n > TARGET_MAX)
                return REFUSE(&path, "a target of more than %d bytes", TARGET_MAX);
        if (raw.n == 0 || raw.p[0] != '/')
                return REFUSE(&path, "a target that is no path");
        rc = read_path(&path, cut(&rest, '?', NULL), ret);
        return rc < 0 ? rc : read_query(&query, rest, ret);
}

/* ---- written ---- */

static void put(struct buf *out, struct span text, unsigned place)
{
        static const char digits[] = "0123456789ABCDEF";

        while (text.n > 0) {
                size_t n = 0;

                while (n < text.n && (places[text.p[n]] & place))
                        n++;
                buf_put(out, span_of(text.p, n));
                text = span_from(text, n);
                if (text.n > 0) {
                        const uint8_t c = text.p[0];
                        const uint8_t escape[] = { '%', (uint8_t)digits[c >> 4],
                                                   (uint8_t)digits[c & 15] };

                        buf_put(out, span_of(escape, sizeof escape));
                        text = span_from(text, 1);
                }
        }
}

void target_put_segment(struct buf *out, struct span text)
{
        put(out, text, UNRESERVED);
}

void target_put_query(struct buf *out, struct span text)
{
        put(out, text, UNRESERVED);
}

void target_put_word(struct buf *out, struct span text)
{
        put(out, text, IN_PATH);
}
