/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what json_check() accepted; never past the end even if it was not. */
#include "wire/json.h"

#include "base/text.h"
#include "wire/json_scan.h"

/* Behind the closing quote; p stands at the opening one. */
static const uint8_t *skip_string(const uint8_t *p, const uint8_t *end)
{
        for (p++; p < end; p++) {
                p = json_scan_plain(p, end);
                if (p == end)
                        break;
                if (*p == '"')
                        return p + 1;
                if (*p == '\\' && ++p == end)
                        break;
        }
        return end;
}

static const uint8_t *skip_container(const uint8_t *p, const uint8_t *end)
{
        size_t depth = 0;

        while (p < end) {
                uint8_t c = *p;

                if (c == '"') {
                        p = skip_string(p, end);
                        continue;
                }
                p++;
                if (c == '{' || c == '[')
                        depth++;
                else if ((c == '}' || c == ']') && --depth == 0)
                        break;
        }
        return p;
}

static const uint8_t *skip_scalar(const uint8_t *p, const uint8_t *end)
{
        while (p < end && *p != ',' && *p != '}' && *p != ']')
                p++;
        return p;
}

static enum json_type type_of(uint8_t c)
{
        switch (c) {
        case 'n':
                return JSON_NULL;
        case 'f':
                return JSON_FALSE;
        case 't':
                return JSON_TRUE;
        case '"':
                return JSON_STRING;
        case '[':
                return JSON_ARRAY;
        case '{':
                return JSON_OBJECT;
        default:
                return JSON_INT;
        }
}

struct json_value json_value_of(struct span checked)
{
        assert(checked.n > 0);
        return (struct json_value){ type_of(checked.p[0]), checked };
}

struct json_iter json_iter_of(struct json_value container)
{
        assert(container.type == JSON_ARRAY || container.type == JSON_OBJECT);
        return (struct json_iter){ span_from(container.raw, 1), true };
}

bool json_next(struct json_iter *it, struct span *ret_key, struct json_value *ret)
{
        const uint8_t *p = it->rest.p, *end = p + it->rest.n, *value;

        if (p == end || *p == '}' || *p == ']')
                return false;
        if (!it->first)
                p++; /* the comma */
        it->first = false;
        if (ret_key) {
                const uint8_t *key = p + 1;

                p = skip_string(p, end);
                *ret_key = span_of(key, (size_t)(p - key) - 1);
                p++; /* the colon */
        }
        if (p >= end)
                return false;
        value = p;
        if (*p == '"')
                p = skip_string(p, end);
        else if (*p == '{' || *p == '[')
                p = skip_container(p, end);
        else
                p = skip_scalar(p, end);
        *ret = (struct json_value){ type_of(*value), span_of(value, (size_t)(p - value)) };
        it->rest = span_of(p, (size_t)(end - p));
        return true;
}

static bool get(struct json_value object, struct span key, struct json_value *ret)
{
        struct json_value v;
        struct json_iter it;
        struct span k;

        if (object.raw.n == 0 || object.type != JSON_OBJECT)
                return false;
        it = json_iter_of(object);
        while (json_next(&it, &k, &v)) {
                if (span_eq(k, key)) {
                        *ret = v;
                        return true;
                }
        }
        return false;
}

bool json_get(struct json_value object, const char *key, struct json_value *ret)
{
        return get(object, span_str(key), ret);
}

bool json_get_path(struct json_value object, const char *path, struct json_value *ret)
{
        struct json_value at = object;
        const char *dot;

        while ((dot = strchr(path, '.'))) {
                if (!get(at, span_of(path, (size_t)(dot - path)), &at))
                        return false;
                path = dot + 1;
        }
        return get(at, span_str(path), ret);
}

bool json_value_int(struct json_value v, int64_t *ret)
{
        bool minus = v.raw.n > 0 && v.raw.p[0] == '-';
        uint64_t u;

        if (v.type != JSON_INT || text_to_u64(span_from(v.raw, minus), &u) < 0 || u > JSON_INT_MAX)
                return false;
        *ret = minus ? -(int64_t)u : (int64_t)u;
        return true;
}

static struct span inside_quotes(struct span raw)
{
        assert(raw.n >= 2);
        return span_of(raw.p + 1, raw.n - 2);
}

bool json_value_items(struct json_value v, struct json_value *ret, size_t n)
{
        struct json_iter it;
        struct json_value more;
        size_t i = 0;

        if (v.type != JSON_ARRAY)
                return false;
        it = json_iter_of(v);
        while (i < n && json_next(&it, NULL, &ret[i]))
                i++;
        return i == n && !json_next(&it, NULL, &more);
}

bool json_value_plain(struct json_value v, struct span *ret)
{
        struct span s;

        if (v.type != JSON_STRING)
                return false;
        s = inside_quotes(v.raw);
        if (s.n && memchr(s.p, '\\', s.n))
                return false;
        *ret = s;
        return true;
}

/* The character an escape of canonical text means; *ret_n gets its length. */
static uint8_t escaped(struct span s, size_t *ret_n)
{
        static const char letters[] = "bfnrt", means[] = "\b\f\n\r\t";
        const char *at = s.n > 1 && s.p[1] ? strchr(letters, s.p[1]) : NULL;
        uint32_t unit;

        *ret_n = 2;
        if (at)
                return (uint8_t)means[at - letters];
        if (s.n > 1 && s.p[1] == 'u' && json_hex4(span_from(s, 2), &unit)) {
                *ret_n = 6;
                return (uint8_t)unit;
        }
        return s.n > 1 ? s.p[1] : '\\';
}

bool json_value_text(struct json_value v, struct buf *out)
{
        struct span s;

        if (v.type != JSON_STRING)
                return false;
        s = inside_quotes(v.raw);
        while (s.n > 0) {
                const uint8_t *backslash = memchr(s.p, '\\', s.n);
                size_t plain = backslash ? (size_t)(backslash - s.p) : s.n, n;

                buf_put(out, span_of(s.p, plain));
                s = span_from(s, plain);
                if (s.n > 0) {
                        buf_put_byte(out, escaped(s, &n));
                        s = span_from(s, n);
                }
        }
        return true;
}
