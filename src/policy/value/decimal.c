/* SPDX-License-Identifier: Apache-2.0 */
/* decimal.c - numbers with up to four decimals.  Floor 2, pure.  SECURITY: reads hostile bytes. */
#include <inttypes.h>

#include "policy/value/extension.h"

enum { DECIMALS = 4, ONE = 10000 };

/* Digits from *at on into *magnitude, which must stay at or below 2^63.  -EINVAL: no digit;
 * -ERANGE: too large. */
static int take_digits(struct span text, size_t *at, uint64_t *magnitude)
{
        size_t from = *at;

        for (; *at < text.n && text.p[*at] >= '0' && text.p[*at] <= '9'; (*at)++) {
                if (__builtin_mul_overflow(*magnitude, 10u, magnitude) ||
                    __builtin_add_overflow(*magnitude, text.p[*at] - '0', magnitude))
                        return -ERANGE;
        }
        return *at > from ? 0 : -EINVAL;
}

static int take_number(struct span text, bool negative, uint64_t *ret)
{
        size_t at = negative, point, decimals;
        uint64_t v = 0;
        int r = take_digits(text, &at, &v);

        if (r)
                return r;
        point = at++;
        if (point >= text.n || text.p[point] != '.')
                return -EINVAL;
        r = take_digits(text, &at, &v);
        if (r)
                return r;
        decimals = at - point - 1;
        if (at != text.n || decimals > DECIMALS)
                return -EINVAL;
        for (; decimals < DECIMALS; decimals++)
                if (__builtin_mul_overflow(v, 10u, &v))
                        return -ERANGE;
        *ret = v;
        return v <= (uint64_t)INT64_MAX + negative ? 0 : -ERANGE;
}

int cedar_decimal_parse(struct span text, int64_t *ret, struct err *err)
{
        bool negative = text.n > 0 && text.p[0] == '-';
        uint64_t v;
        int r = take_number(text, negative, &v);

        if (r == -ERANGE)
                return err_set(err, -EINVAL, "a decimal beyond 922337203685477.5807");
        if (r)
                return err_set(err, -EINVAL,
                               "no decimal: digits, a point and one to four digits are one");
        *ret = (int64_t)(negative ? -v : v);
        return 0;
}

void cedar_decimal_print(int64_t v, struct buf *out)
{
        uint64_t magnitude = v < 0 ? -(uint64_t)v : (uint64_t)v;
        unsigned rest = (unsigned)(magnitude % ONE), digits = DECIMALS;

        for (; digits > 1 && rest % 10 == 0; digits--)
                rest /= 10;
        buf_printf(out, "%s%" PRIu64 ".%0*u", v < 0 ? "-" : "", magnitude / ONE, (int)digits, rest);
}
