/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.h - what the strict and the free JSON reader share.  Private to wire/. */
#ifndef WIRE_JSON_SCAN_H
#define WIRE_JSON_SCAN_H

#include "wire/json.h"

#include <endian.h>

/* A cursor over hostile bytes.  Offsets in errors count from start, the first byte being 0. */
struct json_scan {
        const uint8_t *start, *p, *end;
        struct err *err;
};

static inline struct json_scan json_scan_of(struct span s, struct err *err)
{
        return (struct json_scan){ s.p, s.p, s.n ? s.p + s.n : s.p, err };
}

static inline struct span json_scan_rest(const struct json_scan *s)
{
        return span_of(s->p, (size_t)(s->end - s->p));
}

/* Refuse with "byte <at>: ...". */
int json_scan_refuse(const struct json_scan *s, const uint8_t *at, int code, const char *fmt, ...)
        PRINTF_LIKE(4, 5);

/* Refuse what stands at p, or that nothing does. */
int json_scan_unexpected(const struct json_scan *s, const char *wanted);

/* Integers and literals are spelled the same in both dialects; p moves behind. */
MUST_USE int json_scan_int(struct json_scan *s);
MUST_USE int json_scan_literal(struct json_scan *s);

/* The first byte at or after p that a string cannot hold as it is: a quote, a backslash, a control
 * or anything above ASCII; end when there is none. */
static inline const uint8_t *json_scan_plain(const uint8_t *p, const uint8_t *end)
{
        const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;

        /* Eight at a time: a subtraction borrows only into higher bytes, so the lowest flagged one
         * is a true hit. */
        while (end - p >= 8) {
                uint64_t x, quote, backslash, hit;

                memcpy(&x, p, sizeof x);
                x = le64toh(x);
                quote = x ^ ones * '"';
                backslash = x ^ ones * '\\';
                hit = (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                       ((x - ones * ' ') & ~x) | x) &
                      tops;
                if (hit)
                        return p + __builtin_ctzll(hit) / 8;
                p += 8;
        }
        while (p < end && *p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\')
                p++;
        return p;
}

/* The escape of a quote, a backslash or a control character. */
void json_put_escape(struct buf *out, uint8_t c);

/* [a-z_][a-z0-9_]* */
bool json_key_ok(struct span key);

/* Four hexadecimal digits of either case; false when they are not there. */
bool json_hex4(struct span s, uint32_t *ret);

#endif
