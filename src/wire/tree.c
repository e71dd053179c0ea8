/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - JSON text as a tree of values.  Floor 1, pure. */
#include "wire/tree.h"

#include <stdlib.h>

#include "base/text.h"
#include "wire/json_scan.h"

struct reader {
        struct span s;
        size_t at;
        struct arena *arena;
        struct err *err;
        unsigned depth_max;
        bool reals; /* numbers that are not whole, too */
};

/* While their number is not known. */
struct link {
        struct link *next;
        struct tree_member member;
};

static int no_memory(struct reader *r)
{
        return err_set(r->err, -ENOMEM, "no memory for JSON");
}

/* Lines end with a line feed; columns are code points. */
static int fail_at(struct reader *r, size_t at, const char *what)
{
        uint32_t line = 1, column = 1;

        for (size_t i = 0; i < at; i++) {
                if (r->s.p[i] == '\n') {
                        line++;
                        column = 1;
                } else if ((r->s.p[i] & 0xc0) != 0x80) {
                        column++;
                }
        }
        return err_set(r->err, -EINVAL, "line %u, column %u: %s", line, column, what);
}

static int fail(struct reader *r, const char *what)
{
        return fail_at(r, r->at, what);
}

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct reader *r)
{
        while (r->at < r->s.n && is_blank(r->s.p[r->at]))
                r->at++;
}

/* The next byte that is no blank, 0 at the end. */
static uint8_t peek(struct reader *r)
{
        skip_blanks(r);
        return r->at < r->s.n ? r->s.p[r->at] : 0;
}

/* ---- strings ---- */

static int hex4(struct reader *r, uint32_t *ret)
{
        uint32_t v = 0;

        for (unsigned i = 0; i < 4; i++, r->at++) {
                int d = r->at < r->s.n ? text_hex_digit(r->s.p[r->at]) : -1;

                if (d < 0)
                        return fail(r, "\\u wants four hexadecimal digits");
                v = v * 16 + (uint32_t)d;
        }
        *ret = v;
        return 0;
}

/* Behind \u. */
static int read_point(struct reader *r, uint32_t *ret)
{
        size_t start = r->at - 2;
        uint32_t high = 0, low = 0;
        int rc = hex4(r, &high);

        if (rc < 0)
                return rc;
        *ret = high;
        if (high < 0xd800 || high > 0xdfff)
                return 0;
        if (high > 0xdbff || !span_starts(span_from(r->s, r->at), SPAN("\\u")))
                return fail_at(r, start, "half of a surrogate pair");
        r->at += 2;
        rc = hex4(r, &low);
        if (rc < 0)
                return rc;
        if (low < 0xdc00 || low > 0xdfff)
                return fail_at(r, start, "half of a surrogate pair");
        *ret = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return 0;
}

/* Behind the backslash. */
static int read_escape(struct reader *r, uint32_t *ret)
{
        static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
        uint8_t c = r->at < r->s.n ? r->s.p[r->at] : 0;
        const char *found = c ? strchr(letters, c) : NULL;

        if (c == 'u') {
                r->at++;
                return read_point(r, ret);
        }
        if (!found)
                return fail_at(r, r->at - 1, "no such escape");
        r->at++;
        *ret = (uint8_t)means[found - letters];
        return 0;
}

static uint8_t *put_point(uint8_t *out, uint32_t point)
{
        if (point < 0x80) {
                *out++ = (uint8_t)point;
                return out;
        }
        if (point < 0x800) {
                *out++ = (uint8_t)(0xc0 | point >> 6);
        } else {
                if (point < 0x10000) {
                        *out++ = (uint8_t)(0xe0 | point >> 12);
                } else {
                        *out++ = (uint8_t)(0xf0 | point >> 18);
                        *out++ = (uint8_t)(0x80 | (point >> 12 & 0x3f));
                }
                *out++ = (uint8_t)(0x80 | (point >> 6 & 0x3f));
        }
        *out++ = (uint8_t)(0x80 | (point & 0x3f));
        return out;
}

/* From the opening quote: the place of the closing one. */
static int find_end(struct reader *r, size_t *ret, bool *ret_escaped)
{
        const uint8_t *end = r->s.p + r->s.n;
        const uint8_t *p = json_scan_plain(r->s.p + r->at + 1, end);

        *ret_escaped = false;
        for (; p < end; p = json_scan_plain(p + 1, end)) {
                if (*p == '"') {
                        *ret = (size_t)(p - r->s.p);
                        return 0;
                }
                if (*p < 0x20)
                        return fail_at(r, (size_t)(p - r->s.p), "a control character in a string");
                if (*p == '\\') {
                        *ret_escaped = true;
                        if (++p == end)
                                break;
                }
        }
        return fail(r, "a string that has no end");
}

static int read_string(struct reader *r, struct span *ret)
{
        bool escaped = false;
        uint8_t *first, *out;
        size_t end = 0;
        int rc = find_end(r, &end, &escaped);

        if (rc < 0)
                return rc;
        r->at++;
        if (!escaped) {
                *ret = span_of(r->s.p + r->at, end - r->at);
                r->at = end + 1;
                return 0;
        }
        first = out =
                arena_alloc(r->arena, end - r->at); /* no escape is shorter than its meaning */
        if (!out)
                return no_memory(r);
        while (r->at < end) {
                uint32_t point = 0;

                if (r->s.p[r->at] != '\\') {
                        *out++ = r->s.p[r->at++];
                        continue;
                }
                r->at++;
                rc = read_escape(r, &point);
                if (rc < 0)
                        return rc;
                out = put_point(out, point);
        }
        if (r->at > end)
                return fail_at(r, end, "no such escape");
        *ret = span_of(first, (size_t)(out - first));
        r->at = end + 1;
        return 0;
}

/* ---- numbers and words ---- */

static bool is_digit(const struct reader *r)
{
        return r->at < r->s.n && r->s.p[r->at] >= '0' && r->s.p[r->at] <= '9';
}

static void skip_digits(struct reader *r)
{
        while (is_digit(r))
                r->at++;
}

/* The digits behind a point, the exponent; r->at is behind the digits before them. */
static int read_real(struct reader *r, size_t start, struct tree *ret)
{
        if (r->at < r->s.n && r->s.p[r->at] == '.') {
                r->at++;
                if (!is_digit(r))
                        return fail(r, "a digit is missing behind the point");
                skip_digits(r);
        }
        if (r->at < r->s.n && memchr("eE", r->s.p[r->at], 2)) {
                r->at++;
                if (r->at < r->s.n && memchr("+-", r->s.p[r->at], 2))
                        r->at++;
                if (!is_digit(r))
                        return fail(r, "an exponent without digits");
                skip_digits(r);
        }
        if (r->at - start > TREE_REAL_MAX)
                return fail_at(r, start, "a number that is too long");
        *ret = (struct tree){ .kind = TREE_REAL, .text = span_of(r->s.p + start, r->at - start) };
        return 0;
}

static int read_number(struct reader *r, struct tree *ret)
{
        size_t start = r->at;
        bool minus = r->s.p[r->at] == '-', beyond = false;
        int64_t v = 0;

        r->at += minus;
        if (!is_digit(r))
                return fail_at(r, start, "no value begins here");
        if (r->s.p[r->at] == '0' && r->at + 1 < r->s.n && r->s.p[r->at + 1] >= '0' &&
            r->s.p[r->at + 1] <= '9')
                return fail_at(r, start, "a number begins with a zero too many");
        for (; is_digit(r); r->at++) {
                int d = r->s.p[r->at] - '0';

                beyond |= __builtin_mul_overflow(v, 10, &v) ||
                          __builtin_add_overflow(v, minus ? -d : d, &v);
                if (beyond && !r->reals)
                        return fail_at(r, start, "a number beyond 64 bits");
        }
        if (r->reals && (beyond || (r->at < r->s.n && memchr(".eE", r->s.p[r->at], 3))))
                return read_real(r, start, ret);
        if (r->at < r->s.n && memchr(".eE", r->s.p[r->at], 3))
                return fail_at(r, start, "numbers are whole, decimal(\"1.5\") is for others");
        if (minus && v == 0 && !r->reals) /* to others it is a float */
                return fail_at(r, start, "zero has no sign");
        *ret = (struct tree){ .kind = TREE_NUMBER, .number = v };
        return 0;
}

static int read_word(struct reader *r, struct tree *ret)
{
        static const struct {
                struct span word;
                struct tree value;
        } words[] = {
                { SPAN_INIT("true"), { .kind = TREE_BOOL, .boolean = true } },
                { SPAN_INIT("false"), { .kind = TREE_BOOL } },
                { SPAN_INIT("null"), { .kind = TREE_NULL } },
        };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (span_starts(span_from(r->s, r->at), words[i].word)) {
                        r->at += words[i].word.n;
                        *ret = words[i].value;
                        return 0;
                }
        return fail(r, "no value begins here");
}

/* ---- containers ---- */

static int read_value(struct reader *r, unsigned depth, struct tree *ret);

static int read_key(struct reader *r, struct span *ret)
{
        int rc;

        if (peek(r) != '"')
                return fail(r, "a key in quotes is wanted");
        rc = read_string(r, ret);
        if (rc < 0)
                return rc;
        if (peek(r) != ':')
                return fail(r, "`:` is wanted");
        r->at++;
        return 0;
}

static int member_order(const void *x, const void *y)
{
        const struct tree_member *a = x, *b = y;

        return span_cmp(a->key, b->key);
}

/* The key is told of what a person wrote, not of what callers send: see tree_read_real(). */
static int fail_twice(struct reader *r, size_t start, struct span key)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(ERR_TEXT_MAX / 2);

        if (r->reals)
                return fail_at(r, start, "this object has a key twice");
        buf_put_str(&text, "this object has the key \"");
        text_put_safe(&text, key);
        buf_put_str(&text, "\" twice");
        return fail_at(r, start, buf_cstr(&text));
}

static int close_object(struct reader *r, size_t start, const struct link *links, struct tree *ret)
{
        struct tree_member *members = arena_alloc(r->arena, ret->n * sizeof *members);
        uint32_t n = 0;

        if (!members)
                return no_memory(r);
        for (; links; links = links->next)
                members[n++] = links->member;
        qsort(members, n, sizeof *members, member_order);
        ret->kind = TREE_OBJECT;
        ret->members = members;
        for (uint32_t i = 1; i < n; i++)
                if (span_eq(members[i].key, members[i - 1].key))
                        return fail_twice(r, start, members[i].key);
        return 0;
}

static int close_array(struct reader *r, const struct link *links, struct tree *ret)
{
        struct tree *items = arena_alloc(r->arena, ret->n * sizeof *items);
        uint32_t n = 0;

        if (!items)
                return no_memory(r);
        for (; links; links = links->next)
                items[n++] = links->member.value;
        ret->kind = TREE_ARRAY;
        ret->items = items;
        return 0;
}

/* From the opening bracket. */
static int read_container(struct reader *r, unsigned depth, struct tree *ret)
{
        bool object = r->s.p[r->at] == '{';
        uint8_t end = object ? '}' : ']';
        struct link *links = NULL, **tail = &links;
        struct tree container = { 0 };
        size_t start = r->at++;
        int rc = 0;

        if (depth == r->depth_max)
                return fail_at(r, start, "nested too deep");
        if (peek(r) == end) {
                r->at++;
                *ret = (struct tree){ .kind = object ? TREE_OBJECT : TREE_ARRAY };
                return 0;
        }
        for (;;) {
                struct link *l = arena_alloc(r->arena, sizeof *l);

                if (!l)
                        return no_memory(r);
                if (object)
                        rc = read_key(r, &l->member.key);
                if (rc == 0)
                        rc = read_value(r, depth + 1, &l->member.value);
                if (rc < 0)
                        return rc;
                *tail = l;
                tail = &l->next;
                container.n++;
                if (peek(r) != ',')
                        break;
                r->at++;
        }
        if (peek(r) != end)
                return fail(r, object ? "`,` or `}` is wanted" : "`,` or `]` is wanted");
        r->at++;
        rc = object ? close_object(r, start, links, &container) : close_array(r, links, &container);
        if (rc == 0)
                *ret = container;
        return rc;
}

static int read_value(struct reader *r, unsigned depth, struct tree *ret)
{
        struct span text;
        int rc;

        switch (peek(r)) {
        case '{':
        case '[':
                return read_container(r, depth, ret);
        case '"':
                rc = read_string(r, &text);
                if (rc == 0)
                        *ret = (struct tree){ .kind = TREE_STRING, .text = text };
                return rc;
        case '-':
        case '0' ... '9':
                return read_number(r, ret);
        default:
                return read_word(r, ret);
        }
}

static int read_all(struct reader *r, struct tree *ret)
{
        struct tree tree;
        size_t bad;
        int rc;

        if (r->s.n > TREE_SOURCE_MAX)
                return err_set(r->err, -E2BIG, "%zu bytes of JSON, at most %d are read", r->s.n,
                               TREE_SOURCE_MAX);
        if (!text_is_utf8(r->s, &bad))
                return fail_at(r, bad, "not UTF-8");
        rc = read_value(r, 0, &tree);
        if (rc < 0)
                return rc;
        skip_blanks(r);
        if (r->at < r->s.n)
                return fail(r, "something stands behind the value");
        *ret = tree;
        return 0;
}

int tree_read(struct span text, struct arena *arena, struct tree *ret, struct err *err)
{
        struct reader r = { text, .arena = arena, .err = err, .depth_max = TREE_DEPTH_MAX };

        return read_all(&r, ret);
}

int tree_read_real(struct span text, unsigned depth_max, struct arena *arena, struct tree *ret,
                   struct err *err)
{
        struct reader r = { text, .arena = arena, .err = err, .reals = true };

        r.depth_max = MIN_OF(depth_max, (unsigned)TREE_DEPTH_MAX);
        return read_all(&r, ret);
}

static int by_key(const void *key, const void *member)
{
        const struct tree_member *m = member;

        return span_cmp(*(const struct span *)key, m->key);
}

const struct tree *tree_get(const struct tree *object, const char *key)
{
        struct span k = span_str(key);
        const struct tree_member *m;

        if (object->kind != TREE_OBJECT || object->n == 0)
                return NULL;
        m = bsearch(&k, object->members, object->n, sizeof *m, by_key);
        return m ? &m->value : NULL;
}

const char *tree_kind_name(enum tree_kind kind)
{
        static const char *const names[] = {
                [TREE_NULL] = "null",        [TREE_BOOL] = "a boolean",  [TREE_NUMBER] = "a number",
                [TREE_REAL] = "a number",    [TREE_STRING] = "a string", [TREE_ARRAY] = "an array",
                [TREE_OBJECT] = "an object",
        };

        return names[kind];
}
