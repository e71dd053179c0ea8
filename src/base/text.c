/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/clock.h"

enum {
        SECONDS_PER_DAY = 86400,
        DAYS_PER_YEAR = 365,
        DAYS_PER_4_YEARS = 1461,
        DAYS_PER_100_YEARS = 36524,
        DAYS_PER_400_YEARS = 146097,
        DAYS_TO_1970 = 719162, /* from 0001-01-01 */
};

static const char hex_digits[] = "0123456789abcdef";

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

/* ---- numbers ---- */

int text_to_u64(struct span s, uint64_t *ret)
{
        uint64_t v = 0;

        if (s.n == 0 || (s.p[0] == '0' && s.n > 1))
                return -EINVAL;
        for (size_t i = 0; i < s.n; i++)
                if (!is_digit(s.p[i]))
                        return -EINVAL;
        for (size_t i = 0; i < s.n; i++)
                if (__builtin_mul_overflow(v, 10, &v) ||
                    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
                        return -ERANGE;
        *ret = v;
        return 0;
}

size_t text_u64(uint64_t v, char out[TEXT_U64_MAX + 1])
{
        char digits[TEXT_U64_MAX];
        size_t at = sizeof digits, n;

        do {
                digits[--at] = (char)('0' + v % 10);
                v /= 10;
        } while (v);
        n = sizeof digits - at;
        memcpy(out, digits + at, n);
        out[n] = '\0';
        return n;
}

void text_hex(struct span s, char *out)
{
        for (size_t i = 0; i < s.n; i++) {
                out[2 * i] = hex_digits[s.p[i] >> 4];
                out[2 * i + 1] = hex_digits[s.p[i] & 15];
        }
        out[2 * s.n] = '\0';
}

/* Lower-case ones only. */
static int hex_value(uint8_t c)
{
        if (is_digit(c))
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int text_hex_digit(uint8_t c)
{
        return hex_value((uint8_t)(c >= 'A' && c <= 'F' ? c | 0x20 : c));
}

bool text_percent_next(struct span *s, uint8_t *ret)
{
        int high, low;

        assert(s->n > 0);
        if (s->p[0] != '%') {
                *ret = s->p[0];
                *s = span_from(*s, 1);
                return true;
        }
        high = s->n > 2 ? text_hex_digit(s->p[1]) : -1;
        low = s->n > 2 ? text_hex_digit(s->p[2]) : -1;
        if (high < 0 || low < 0)
                return false;
        *ret = (uint8_t)(high * 16 + low);
        *s = span_from(*s, 3);
        return true;
}

int text_from_hex(struct span s, uint8_t *out, size_t n)
{
        if (s.n % 2 || s.n / 2 != n)
                return -EINVAL;
        for (size_t i = 0; i < s.n; i++)
                if (hex_value(s.p[i]) < 0)
                        return -EINVAL;
        for (size_t i = 0; i < n; i++)
                out[i] = (uint8_t)((unsigned)hex_value(s.p[2 * i]) << 4 |
                                   (unsigned)hex_value(s.p[2 * i + 1]));
        return 0;
}

/* ---- base64 ---- */

struct alphabet {
        char digit[65];
        bool padded;
};

static const struct alphabet plain = {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true
};
static const struct alphabet url = {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false
};

static void put_base64(struct buf *b, struct span s, const struct alphabet *a)
{
        size_t n = a->padded ? text_base64_len(s.n) : text_base64url_len(s.n), i;
        uint8_t *o = n ? buf_extend(b, n) : NULL;
        uint32_t v;

        if (!o)
                return;
        for (i = 0; i + 3 <= s.n; i += 3) {
                v = (uint32_t)s.p[i] << 16 | (uint32_t)s.p[i + 1] << 8 | s.p[i + 2];
                *o++ = (uint8_t)a->digit[v >> 18];
                *o++ = (uint8_t)a->digit[v >> 12 & 63];
                *o++ = (uint8_t)a->digit[v >> 6 & 63];
                *o++ = (uint8_t)a->digit[v & 63];
        }
        if (i == s.n)
                return;
        v = (uint32_t)s.p[i] << 16 | (i + 1 < s.n ? (uint32_t)s.p[i + 1] << 8 : 0);
        *o++ = (uint8_t)a->digit[v >> 18];
        *o++ = (uint8_t)a->digit[v >> 12 & 63];
        if (i + 1 < s.n)
                *o++ = (uint8_t)a->digit[v >> 6 & 63];
        else if (a->padded)
                *o++ = '=';
        if (a->padded)
                *o++ = '=';
}

void text_put_base64(struct buf *b, struct span s)
{
        put_base64(b, s, &plain);
}

void text_put_base64url(struct buf *b, struct span s)
{
        put_base64(b, s, &url);
}

static int base64_value(uint8_t c, const struct alphabet *a)
{
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (is_digit(c))
                return c - '0' + 52;
        if (c == (uint8_t)a->digit[62])
                return 62;
        return c == (uint8_t)a->digit[63] ? 63 : -1;
}

/* s without padding. */
static int from_base64(struct span s, const struct alphabet *a, uint8_t *out, size_t max,
                       size_t *ret_n)
{
        size_t n = s.n / 4 * 3 + (s.n % 4 ? s.n % 4 - 1 : 0), at = 0;
        unsigned bits = 0;
        uint32_t v = 0;

        if (s.n % 4 == 1)
                return -EINVAL;
        if (n > max)
                return -E2BIG;
        for (size_t i = 0; i < s.n; i++) {
                int d = base64_value(s.p[i], a);

                if (d < 0)
                        return -EINVAL;
                v = v << 6 | (uint32_t)d;
                bits += 6;
                if (bits >= 8) {
                        bits -= 8;
                        out[at++] = (uint8_t)(v >> bits);
                }
        }
        if (v & ((1u << bits) - 1))
                return -EINVAL;
        *ret_n = n;
        return 0;
}

int text_from_base64(struct span s, uint8_t *out, size_t max, size_t *ret_n)
{
        size_t pad = 0;

        if (s.n % 4)
                return -EINVAL;
        while (pad < 2 && pad < s.n && s.p[s.n - 1 - pad] == '=')
                pad++;
        return from_base64(span_of(s.p, s.n - pad), &plain, out, max, ret_n);
}

int text_from_base64url(struct span s, uint8_t *out, size_t max, size_t *ret_n)
{
        return from_base64(s, &url, out, max, ret_n);
}

/* ---- UTF-8 ---- */

static bool is_tail(uint8_t c)
{
        return (c & 0xc0) == 0x80;
}

unsigned text_utf8_first(struct span s, uint32_t *ret_point)
{
        uint32_t point;
        unsigned n;
        uint8_t c;

        if (s.n == 0)
                return 0;
        c = s.p[0];
        if (c < 0x80) {
                point = c;
                n = 1;
        } else if (c >= 0xc2 && c <= 0xdf && s.n >= 2 && is_tail(s.p[1])) {
                point = (uint32_t)(c & 0x1f) << 6 | (s.p[1] & 0x3fu);
                n = 2;
        } else if ((c & 0xf0) == 0xe0 && s.n >= 3 && is_tail(s.p[1]) && is_tail(s.p[2])) {
                point = (uint32_t)(c & 0x0f) << 12 | (s.p[1] & 0x3fu) << 6 | (s.p[2] & 0x3fu);
                n = point < 0x800 || (point >= 0xd800 && point <= 0xdfff) ? 0 : 3;
        } else if (c >= 0xf0 && c <= 0xf4 && s.n >= 4 && is_tail(s.p[1]) && is_tail(s.p[2]) &&
                   is_tail(s.p[3])) {
                point = (uint32_t)(c & 0x07) << 18 | (s.p[1] & 0x3fu) << 12 |
                        (s.p[2] & 0x3fu) << 6 | (s.p[3] & 0x3fu);
                n = point < 0x10000 || point > 0x10ffff ? 0 : 4;
        } else {
                return 0;
        }
        if (n && ret_point)
                *ret_point = point;
        return n;
}

bool text_is_utf8(struct span s, size_t *ret_at)
{
        size_t i = 0;

        while (i < s.n) {
                uint64_t eight;
                unsigned n;

                if (s.n - i >= sizeof eight) {
                        memcpy(&eight, s.p + i, sizeof eight);
                        if (!(eight & 0x8080808080808080u)) {
                                i += sizeof eight;
                                continue;
                        }
                }
                if (s.p[i] < 0x80) {
                        i++;
                        continue;
                }
                n = text_utf8_first(span_from(s, i), NULL);
                if (n == 0) {
                        if (ret_at)
                                *ret_at = i;
                        return false;
                }
                i += n;
        }
        return true;
}

void text_keep_utf8(char *text)
{
        struct span rest = span_str(text);
        char *to = text;

        while (rest.n > 0) {
                unsigned n = text_utf8_first(rest, NULL);

                memmove(to, rest.p, n);
                to += n;
                rest = span_from(rest, MAX_OF(n, 1u));
        }
        *to = '\0';
}

void text_put_utf8(struct buf *b, uint32_t point)
{
        uint8_t c[4];
        size_t n = 0;

        assert(point <= 0x10ffff && (point < 0xd800 || point > 0xdfff));
        if (point < 0x80) {
                c[n++] = (uint8_t)point;
        } else if (point < 0x800) {
                c[n++] = (uint8_t)(0xc0 | point >> 6);
                c[n++] = (uint8_t)(0x80 | (point & 0x3f));
        } else {
                if (point < 0x10000) {
                        c[n++] = (uint8_t)(0xe0 | point >> 12);
                } else {
                        c[n++] = (uint8_t)(0xf0 | point >> 18);
                        c[n++] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
                }
                c[n++] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
                c[n++] = (uint8_t)(0x80 | (point & 0x3f));
        }
        buf_put(b, span_of(c, n));
}

/* Characters that reorder or break what stands beside them on a terminal. */
static bool is_layout(uint32_t point)
{
        return point == 0x061c || point == 0x200e || point == 0x200f ||
               (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

static bool is_shown(uint32_t point)
{
        return point >= 0x20 && (point < 0x7f || point > 0x9f) && !is_layout(point);
}

void text_put_safe(struct buf *b, struct span s)
{
        for (size_t i = 0; i < s.n;) {
                uint32_t point = 0;
                unsigned n = text_utf8_first(span_from(s, i), &point);

                if (n && point == '\\') {
                        buf_put_str(b, "\\\\");
                } else if (n && is_shown(point)) {
                        buf_put(b, span_of(s.p + i, n));
                } else {
                        /* One byte at a time: what follows a lead byte is escaped by itself. */
                        char hex[5] = { '\\', 'x', hex_digits[s.p[i] >> 4], hex_digits[s.p[i] & 15],
                                        '\0' };

                        buf_put_str(b, hex);
                        n = 1;
                }
                i += n;
        }
}

/* ---- times ---- */

static bool is_leap(unsigned year)
{
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in(unsigned year, unsigned month)
{
        static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

        return days[month - 1] + (month == 2 && is_leap(year));
}

static void put_digits(char *out, uint64_t v, unsigned n)
{
        while (n > 0) {
                out[--n] = (char)('0' + v % 10);
                v /= 10;
        }
}

/* The proleptic Gregorian calendar, counted from 0001-01-01 so that leap days end each cycle. */
static void put_date(char *out, uint32_t days)
{
        uint32_t c400 = days / DAYS_PER_400_YEARS, c100, c4, c1;
        unsigned year, month = 1;

        days %= DAYS_PER_400_YEARS;
        c100 = MIN_OF(days / DAYS_PER_100_YEARS, 3u);
        days -= c100 * DAYS_PER_100_YEARS;
        c4 = days / DAYS_PER_4_YEARS;
        days %= DAYS_PER_4_YEARS;
        c1 = MIN_OF(days / DAYS_PER_YEAR, 3u);
        days -= c1 * DAYS_PER_YEAR;
        year = 400 * c400 + 100 * c100 + 4 * c4 + c1 + 1;
        while (days >= days_in(year, month))
                days -= days_in(year, month++);
        put_digits(out, year, 4);
        put_digits(out + 5, month, 2);
        put_digits(out + 8, days + 1, 2);
}

void text_time(int64_t wall_ns, char out[TEXT_TIME_LEN + 1])
{
        int64_t seconds = wall_ns / NS_PER_S, ns = wall_ns % NS_PER_S, days, second;

        if (ns < 0) {
                ns += NS_PER_S;
                seconds--;
        }
        days = seconds / SECONDS_PER_DAY;
        second = seconds % SECONDS_PER_DAY;
        if (second < 0) {
                second += SECONDS_PER_DAY;
                days--;
        }
        memcpy(out, "0000-00-00T00:00:00.000000000Z", TEXT_TIME_LEN + 1);
        put_date(out, (uint32_t)(days + DAYS_TO_1970));
        put_digits(out + 11, (uint64_t)second / 3600, 2);
        put_digits(out + 14, (uint64_t)second / 60 % 60, 2);
        put_digits(out + 17, (uint64_t)second % 60, 2);
        put_digits(out + 20, (uint64_t)ns, 9);
}

static bool matches_time_form(struct span s)
{
        static const char form[] = "dddd-dd-ddTdd:dd:dd.dddddddddZ";

        if (s.n != TEXT_TIME_LEN)
                return false;
        for (size_t i = 0; i < TEXT_TIME_LEN; i++)
                if (form[i] == 'd' ? !is_digit(s.p[i]) : s.p[i] != (uint8_t)form[i])
                        return false;
        return true;
}

static unsigned get_digits(const uint8_t *p, unsigned n)
{
        unsigned v = 0;

        while (n-- > 0)
                v = v * 10 + (unsigned)(*p++ - '0');
        return v;
}

int text_to_time(struct span s, int64_t *ret_wall_ns)
{
        unsigned year, month, day, hour, minute, second;
        int64_t days, seconds, ns, whole;

        if (!matches_time_form(s))
                return -EINVAL;
        year = get_digits(s.p, 4);
        month = get_digits(s.p + 5, 2);
        day = get_digits(s.p + 8, 2);
        hour = get_digits(s.p + 11, 2);
        minute = get_digits(s.p + 14, 2);
        second = get_digits(s.p + 17, 2);
        ns = get_digits(s.p + 20, 9);
        if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
            hour > 23 || minute > 59 || second > 59)
                return -EINVAL;
        year--;
        days = (int64_t)DAYS_PER_YEAR * year + year / 4 - year / 100 + year / 400 - DAYS_TO_1970;
        for (unsigned m = 1; m < month; m++)
                days += days_in(year + 1, m);
        seconds = (days + day - 1) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        if (seconds < 0) {
                /* Toward zero first: the whole second before the earliest time does not fit. */
                seconds++;
                ns -= NS_PER_S;
        }
        if (__builtin_mul_overflow(seconds, NS_PER_S, &whole) ||
            __builtin_add_overflow(whole, ns, &whole))
                return -ERANGE;
        *ret_wall_ns = whole;
        return 0;
}

int text_to_time_of_any(struct span s, int64_t *ret_wall_ns)
{
        enum { WHOLE = 19 }; /* 2026-11-21T18:00:00 */
        char text[TEXT_TIME_LEN + 1] = "dddd-dd-ddTdd:dd:dd.000000000Z";

        if (s.n <= WHOLE || s.n > TEXT_TIME_LEN || s.p[s.n - 1] != 'Z')
                return -EINVAL;
        if (s.n > WHOLE + 1 && (s.p[WHOLE] != '.' || s.n == WHOLE + 2))
                return -EINVAL;
        memcpy(text, s.p, s.n - 1);
        text[WHOLE] = '.';
        return text_to_time(span_of(text, TEXT_TIME_LEN), ret_wall_ns);
}

void text_put_quoted(struct buf *b, struct span s)
{
        buf_put_byte(b, '"');
        while (s.n) {
                const uint8_t *quote = memchr(s.p, '"', s.n);
                const size_t n = quote ? (size_t)(quote - s.p) : s.n;

                text_put_safe(b, span_of(s.p, n));
                buf_put_str(b, quote ? "\\\"" : "");
                s = span_from(s, n + (quote != NULL));
        }
        buf_put_byte(b, '"');
}
