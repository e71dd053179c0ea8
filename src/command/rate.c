/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c - see rate.h. */
#include "command/rate.h"

#include "base/text.h"

enum { DECIMALS_MAX = 6 };

static const struct {
        const char *name;
        uint64_t times; /* 0: files */
} units[] = {
        { "", 1 },        { "B", 1 },        { "K", 1024 },      { "KB", 1024 },
        { "KiB", 1024 },  { "M", 1 << 20 },  { "MB", 1 << 20 },  { "MiB", 1 << 20 },
        { "G", 1 << 30 }, { "GB", 1 << 30 }, { "GiB", 1 << 30 }, { "file", 0 },
        { "files", 0 },
};

/* "1.5" in millionths.  Returns how many bytes it is, 0 when it is no number. */
static size_t take_number(struct span s, uint64_t *ret)
{
        size_t whole = 0, n;
        uint64_t v = 0, part = 0, scale = 1000000;

        while (whole < s.n && s.p[whole] >= '0' && s.p[whole] <= '9')
                whole++;
        if (whole == 0 || text_to_u64(span_of(s.p, whole), &v) < 0)
                return 0;
        n = whole;
        if (n < s.n && s.p[n] == '.') {
                for (n++; n < s.n && s.p[n] >= '0' && s.p[n] <= '9'; n++) {
                        if (n - whole > DECIMALS_MAX)
                                return 0;
                        scale /= 10;
                        part += (uint64_t)(s.p[n] - '0') * scale;
                }
                if (n == whole + 1)
                        return 0;
        }
        if (__builtin_mul_overflow(v, UINT64_C(1000000), &v) || v + part < v)
                return 0;
        *ret = v + part;
        return n;
}

int rate_parse(const char *text, struct rate *ret, struct err *err)
{
        struct span s = span_str(text);
        uint64_t millionths = 0;
        size_t n = take_number(s, &millionths);

        s = span_from(s, n);
        while (s.n && s.p[0] == ' ')
                s = span_from(s, 1);
        if (s.n >= 2 && memcmp(s.p + s.n - 2, "/s", 2) == 0)
                s.n -= 2;
        for (size_t i = 0; i < ARRAY_LEN(units) && n; i++) {
                struct rate r = { 0 };
                uint64_t v;

                if (!span_eq_str(s, units[i].name))
                        continue;
                if (__builtin_mul_overflow(millionths, MAX_OF(units[i].times, UINT64_C(1)), &v))
                        break;
                v /= 1000000;
                if (units[i].times)
                        r.bytes_per_s = v;
                else
                        r.files_per_s = v;
                if (v == 0)
                        break;
                *ret = r;
                return 0;
        }
        return err_set(err, -EINVAL, "\"%s\" is no rate: bytes as 20M, or files as 1000files",
                       text);
}
