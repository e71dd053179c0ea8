/* SPDX-License-Identifier: Apache-2.0 */
/* One pass, no allocation; recursion ends at JSON_DEPTH_MAX.  SECURITY: reads hostile bytes. */
#include "wire/json.h"

#include "base/text.h"
#include "wire/json_scan.h"

#include <stdarg.h>
#include <stdio.h>

enum {
        NAME_SHOWN = 64, /* bytes of a key that an error text repeats */
        INT_DIGITS = 16, /* of JSON_INT_MAX */
};

/* Bytes a key is made of: 1 anywhere, 2 not in front. */
static const uint8_t key_class[256] = {
        ['_'] = 1,
        ['a' ... 'z'] = 1,
        ['0' ... '9'] = 2,
};

int json_scan_refuse(const struct json_scan *s, const uint8_t *at, int code, const char *fmt, ...)
{
        char text[ERR_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        if (vsnprintf(text, sizeof text, fmt, ap) < 0)
                text[0] = '\0';
        va_end(ap);
        return err_set(s->err, code, "byte %zu: %s", (size_t)(at - s->start), text);
}

int json_scan_unexpected(const struct json_scan *s, const char *wanted)
{
        uint8_t c;

        if (s->p == s->end)
                return json_scan_refuse(s, s->p, -EINVAL, "the input ends where %s should be",
                                        wanted);
        c = *s->p;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
                return json_scan_refuse(s, s->p, -EINVAL, "blank between tokens");
        if (c > ' ' && c < 0x7f)
                return json_scan_refuse(s, s->p, -EINVAL, "'%c' where %s should be", c, wanted);
        return json_scan_refuse(s, s->p, -EINVAL, "0x%02x where %s should be", c, wanted);
}

/* ---- scalars ---- */

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

int json_scan_int(struct json_scan *s)
{
        const uint8_t *first = s->p, *digits = s->p + (*s->p == '-'), *p = digits;
        uint64_t v = 0;

        while (p < s->end && is_digit(*p) && p - digits <= INT_DIGITS)
                v = v * 10 + (uint64_t)(*p++ - '0');
        if (p == digits) {
                s->p = p;
                return json_scan_unexpected(s, "a digit");
        }
        if (*digits == '0' && p - digits > 1)
                return json_scan_refuse(s, first, -EINVAL, "a number with a leading zero");
        if (p < s->end && (*p == '.' || *p == 'e' || *p == 'E'))
                return json_scan_refuse(s, p, -EINVAL,
                                        "%s is not allowed (restricted JCS has integers only)",
                                        *p == '.' ? "a fraction" : "an exponent");
        if (v > JSON_INT_MAX)
                return json_scan_refuse(s, first, -EINVAL,
                                        "an integer beyond 2^53-1 (write it as a string)");
        if (v == 0 && digits != first)
                return json_scan_refuse(s, first, -EINVAL, "minus zero");
        s->p = p;
        return 0;
}

int json_scan_literal(struct json_scan *s)
{
        static const struct span words[] = { SPAN_INIT("true"), SPAN_INIT("false"),
                                             SPAN_INIT("null") };

        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
                if (span_starts(json_scan_rest(s), words[i])) {
                        s->p += words[i].n;
                        return 0;
                }
        }
        return json_scan_unexpected(s, "a value");
}

/* ---- strings ---- */

bool json_hex4(struct span s, uint32_t *ret)
{
        uint32_t v = 0;

        if (s.n < 4)
                return false;
        for (size_t i = 0; i < 4; i++) {
                uint8_t c = s.p[i], lower = c | 0x20;

                if (is_digit(c))
                        v = v << 4 | (uint32_t)(c - '0');
                else if (lower >= 'a' && lower <= 'f')
                        v = v << 4 | (uint32_t)(lower - 'a' + 10);
                else
                        return false;
        }
        *ret = v;
        return true;
}

/* p stands at \u.  Only controls without a short form may be written so, in lower case. */
static int check_unicode_escape(struct json_scan *s)
{
        uint32_t unit;

        if (!json_hex4(span_from(json_scan_rest(s), 2), &unit))
                return json_scan_refuse(s, s->p, -EINVAL, "\\u without four hexadecimal digits");
        if (unit >= 0xd800 && unit <= 0xdfff)
                return json_scan_refuse(s, s->p, -EINVAL,
                                        "a surrogate escape (write the character itself)");
        if (unit >= ' ')
                return json_scan_refuse(s, s->p, -EINVAL, "an escape that is not needed (U+%04X)",
                                        unit);
        if (unit >= '\b' && unit <= '\r' && unit != '\v')
                return json_scan_refuse(s, s->p, -EINVAL, "U+%04X has a short escape", unit);
        for (int i = 2; i < 6; i++)
                if (s->p[i] >= 'A' && s->p[i] <= 'F')
                        return json_scan_refuse(s, s->p, -EINVAL, "an escape in upper case");
        s->p += 6;
        return 0;
}

/* p stands at a backslash. */
static int check_escape(struct json_scan *s)
{
        if (s->end - s->p < 2)
                return json_scan_refuse(s, s->end, -EINVAL, "the input ends inside an escape");
        switch (s->p[1]) {
        case '"':
        case '\\':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
                s->p += 2;
                return 0;
        case 'u':
                return check_unicode_escape(s);
        case '/':
                return json_scan_refuse(s, s->p, -EINVAL, "an escape that is not needed (/)");
        default:
                return json_scan_refuse(s, s->p, -EINVAL, "an unknown escape");
        }
}

/* p stands at the opening quote. */
static int check_string(struct json_scan *s)
{
        unsigned n;
        int r;

        s->p++;
        for (;;) {
                s->p = json_scan_plain(s->p, s->end);
                if (s->p == s->end)
                        return json_scan_refuse(s, s->p, -EINVAL, "the input ends inside a string");
                if (*s->p == '"') {
                        s->p++;
                        return 0;
                }
                if (*s->p >= 0x80) {
                        n = text_utf8_first(json_scan_rest(s), NULL);
                        if (n == 0)
                                return json_scan_refuse(s, s->p, -EINVAL, "not UTF-8");
                        s->p += n;
                        continue;
                }
                if (*s->p != '\\')
                        return json_scan_refuse(s, s->p, -EINVAL,
                                                "a raw control character (0x%02x)", *s->p);
                r = check_escape(s);
                if (r < 0)
                        return r;
        }
}

/* ---- containers ---- */

bool json_key_ok(struct span key)
{
        if (key.n == 0 || key_class[key.p[0]] != 1)
                return false;
        for (size_t i = 1; i < key.n; i++)
                if (!key_class[key.p[i]])
                        return false;
        return true;
}

static int refuse_order(const struct json_scan *s, struct span key, struct span before)
{
        int n = (int)MIN_OF(key.n, (size_t)NAME_SHOWN),
            m = (int)MIN_OF(before.n, (size_t)NAME_SHOWN);

        if (span_eq(key, before))
                return json_scan_refuse(s, key.p - 1, -EINVAL, "duplicate key \"%.*s\"", n,
                                        (const char *)key.p);
        return json_scan_refuse(s, key.p - 1, -EINVAL, "keys must ascend: \"%.*s\" after \"%.*s\"",
                                n, (const char *)key.p, m, (const char *)before.p);
}

/* p stands where a key should: moves behind its colon. */
static int check_key(struct json_scan *s, struct span *before)
{
        const uint8_t *first, *p;
        struct span key;

        if (s->p == s->end || *s->p != '"')
                return json_scan_unexpected(s, "a key");
        first = p = s->p + 1;
        while (p < s->end && key_class[*p])
                p++;
        if (p == s->end)
                return json_scan_refuse(s, p, -EINVAL, "the input ends inside a key");
        if (*p != '"' || p == first || key_class[*first] != 1)
                return json_scan_refuse(s, *p == '"' ? first : p, -EINVAL,
                                        "a key must match [a-z_][a-z0-9_]*");
        key = span_of(first, (size_t)(p - first));
        if (before->p && span_cmp(*before, key) >= 0)
                return refuse_order(s, key, *before);
        *before = key;
        s->p = p + 1;
        if (s->p == s->end || *s->p != ':')
                return json_scan_unexpected(s, "a colon");
        s->p++;
        return 0;
}

static int check_value(struct json_scan *s, unsigned depth);

/* p stands behind a value: true behind a comma; false behind the closer, or with *ret_r < 0. */
static bool has_more(struct json_scan *s, uint8_t closer, int *ret_r)
{
        uint8_t c = s->p < s->end ? *s->p : 0;

        *ret_r = 0;
        if (c == ',' || c == closer)
                s->p++;
        else
                *ret_r = json_scan_unexpected(s, closer == '}' ? "a comma or }" : "a comma or ]");
        return c == ',';
}

static int check_object(struct json_scan *s, unsigned depth)
{
        struct span before = SPAN_NONE;
        int r;

        s->p++;
        if (s->p < s->end && *s->p == '}') {
                s->p++;
                return 0;
        }
        do {
                r = check_key(s, &before);
                if (r == 0)
                        r = check_value(s, depth);
                if (r < 0)
                        return r;
        } while (has_more(s, '}', &r));
        return r;
}

static int check_array(struct json_scan *s, unsigned depth)
{
        int r;

        s->p++;
        if (s->p < s->end && *s->p == ']') {
                s->p++;
                return 0;
        }
        do {
                r = check_value(s, depth);
                if (r < 0)
                        return r;
        } while (has_more(s, ']', &r));
        return r;
}

static int check_value(struct json_scan *s, unsigned depth)
{
        uint8_t c;

        if (s->p == s->end)
                return json_scan_unexpected(s, "a value");
        c = *s->p;
        if (c == '"')
                return check_string(s);
        if (is_digit(c) || c == '-')
                return json_scan_int(s);
        if (c != '{' && c != '[')
                return json_scan_literal(s);
        if (depth == JSON_DEPTH_MAX)
                return json_scan_refuse(s, s->p, -E2BIG, "deeper than %d levels", JSON_DEPTH_MAX);
        return c == '{' ? check_object(s, depth + 1) : check_array(s, depth + 1);
}

int json_check_value(struct span span, struct err *err)
{
        struct json_scan s = json_scan_of(span, err);
        int r = check_value(&s, 0);

        if (r < 0)
                return r;
        if (s.p < s.end)
                return json_scan_refuse(&s, s.p, -EINVAL, "more bytes behind the value");
        return 0;
}

int json_check(struct span span, struct err *err)
{
        struct json_scan s = json_scan_of(span, err);

        if (span.n == 0 || span.p[0] != '{')
                return json_scan_unexpected(&s, "an object");
        return json_check_value(span, err);
}
