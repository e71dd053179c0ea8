/* SPDX-License-Identifier: Apache-2.0 */
/* duration.c - lengths of time like 1d2h30m.  Floor 2, pure.  SECURITY: reads hostile bytes. */
#include <inttypes.h>

#include "policy/value/extension.h"

static const struct {
        struct span name;
        uint32_t ms;
} units[] = {
        { SPAN_INIT("d"), 86400000 }, { SPAN_INIT("h"), 3600000 }, { SPAN_INIT("m"), 60000 },
        { SPAN_INIT("s"), 1000 },     { SPAN_INIT("ms"), 1 },
};

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

/* The letters between two numbers; *at goes past them. */
static struct span take_unit(struct span text, size_t *at)
{
        size_t from = *at;

        while (*at < text.n && !is_digit(text.p[*at]))
                (*at)++;
        return span_of(text.p + from, *at - from);
}

/* A number and its unit, which must be units[*next] or a later one. */
static int take_part(struct span text, size_t *at, size_t *next, uint64_t *total)
{
        uint64_t n = 0;
        size_t from = *at;
        struct span unit;

        for (; *at < text.n && is_digit(text.p[*at]); (*at)++)
                if (__builtin_mul_overflow(n, 10u, &n) ||
                    __builtin_add_overflow(n, text.p[*at] - '0', &n))
                        return -ERANGE;
        if (*at == from)
                return -EINVAL;
        unit = take_unit(text, at);
        while (*next < ARRAY_LEN(units) && !span_eq(units[*next].name, unit))
                (*next)++;
        if (*next == ARRAY_LEN(units))
                return -EINVAL;
        if (__builtin_mul_overflow(n, units[(*next)++].ms, &n) ||
            __builtin_add_overflow(*total, n, total))
                return -ERANGE;
        return 0;
}

int cedar_duration_parse(struct span text, int64_t *ret, struct err *err)
{
        bool negative = text.n > 0 && text.p[0] == '-';
        uint64_t total = 0;
        size_t at = negative, next = 0;
        int r;

        do
                r = take_part(text, &at, &next, &total);
        while (r == 0 && at < text.n);
        if (r == -EINVAL)
                return err_set(err, -EINVAL,
                               "no duration: numbers with d, h, m, s, ms in this order are one");
        if (r || total > (uint64_t)INT64_MAX + negative)
                return err_set(err, -EINVAL, "a duration that 64 bits of milliseconds do not hold");
        *ret = (int64_t)(negative ? -total : total);
        return 0;
}

void cedar_duration_print(int64_t v, struct buf *out)
{
        uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;

        if (v < 0)
                buf_put_byte(out, '-');
        if (v == 0)
                buf_put_str(out, "0ms");
        for (size_t i = 0; i < ARRAY_LEN(units); i++) {
                uint64_t n = rest / units[i].ms;

                if (n == 0)
                        continue;
                buf_printf(out, "%" PRIu64, n);
                buf_put(out, units[i].name);
                rest -= n * units[i].ms;
        }
}
