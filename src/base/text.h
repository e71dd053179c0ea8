/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - numbers, base64, hex, UTF-8, times and hostile text.  Floor 0.
 *
 * Decoders are strict: one spelling per value, so that re-encoding gives the same bytes. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/base.h"
#include "base/buf.h"

/* Decimal without sign, leading zero or blank.  -EINVAL, -ERANGE. */
MUST_USE int text_to_u64(struct span s, uint64_t *ret);
/* The same form, terminated; returns its length. */
enum { TEXT_U64_MAX = 20 };
size_t text_u64(uint64_t v, char out[TEXT_U64_MAX + 1]);

/* Lower-case hex. out has 2n+1 bytes and is terminated. */
void text_hex(struct span s, char *out);
/* Exactly 2n lower-case hex digits.  -EINVAL. */
MUST_USE int text_from_hex(struct span s, uint8_t *out, size_t n);

/* The value of one hex digit in either case, -1 where it is none: for formats of others. */
int text_hex_digit(uint8_t c);
/* The next byte of a percent-encoded text (RFC 3986, 2.1), which is taken off *s; *s is not empty.
 * false: a "%" without two hex digits. */
MUST_USE bool text_percent_next(struct span *s, uint8_t *ret);

/* RFC 4648 section 4 with padding; section 5 ("url") without.  The decoders refuse blanks, missing
 * or extra padding and non-zero pad bits: -EINVAL; more than max bytes: -E2BIG. */
void text_put_base64(struct buf *b, struct span s);
void text_put_base64url(struct buf *b, struct span s);
MUST_USE int text_from_base64(struct span s, uint8_t *out, size_t max, size_t *ret_n);
MUST_USE int text_from_base64url(struct span s, uint8_t *out, size_t max, size_t *ret_n);

/* Bytes the encoders write for n bytes of input. */
static inline size_t text_base64_len(size_t n)
{
        return (n + 2) / 3 * 4;
}

static inline size_t text_base64url_len(size_t n)
{
        return n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0);
}

/* Whether s is UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.  *ret_at, if not
 * NULL, gets the offset of the first bad byte. */
bool text_is_utf8(struct span s, size_t *ret_at);

/* Length (1..4) of the code point s starts with, 0 when it is not UTF-8 or s is empty.
 * *ret_point, if not NULL, gets the code point. */
unsigned text_utf8_first(struct span s, uint32_t *ret_point);

/* Takes out of a C string what is no UTF-8, as "%.*s" leaves it that cut within a character. */
void text_keep_utf8(char *text);

/* Appends a code point that is no surrogate and at most U+10FFFF (asserted). */
void text_put_utf8(struct buf *b, uint32_t point);

/* RFC 3339 in UTC with exactly nine decimals: 2026-11-21T18:00:00.123456789Z. */
enum { TEXT_TIME_LEN = 30 };
void text_time(int64_t wall_ns, char out[TEXT_TIME_LEN + 1]);
/* The same form back.  -EINVAL for any other spelling or an impossible date, a leap second
 * included; -ERANGE for a date that nanoseconds in 64 bits do not reach (before 1677 or after
 * 2262). */
MUST_USE int text_to_time(struct span s, int64_t *ret_wall_ns);
/* RFC 3339 in UTC as others write it: with nine decimals, fewer or none. */
MUST_USE int text_to_time_of_any(struct span s, int64_t *ret_wall_ns);

/* Untrusted bytes for a terminal or a log line: printable ASCII and valid UTF-8 above U+009F as
 * they are, but for the characters that turn the direction of text or break lines (U+061C,
 * U+200E-F, U+2028-E, U+2066-9); backslash doubled, everything else as \xHH.  The one place where
 * text is escaped. */
void text_put_safe(struct buf *b, struct span s);
/* The same in quotes, which nothing within can end: each that stands in it is \". */
void text_put_quoted(struct buf *b, struct span s);

#endif
