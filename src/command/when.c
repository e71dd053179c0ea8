/* SPDX-License-Identifier: Apache-2.0 */
/* when.c - see when.h. */
#include "command/when.h"

#include <time.h>

#include "base/clock.h"
#include "base/text.h"

enum { AGO_COUNT_MAX = 1000000, OFFSET_HOURS_MAX = 23 };

static int refuse(const char *text, struct err *err)
{
        return err_set(
                err, -EINVAL,
                "\"%s\" is no time; write 2026-11-25T18:00:00Z, \"2026-11-25 18:00\", 18:00, "
                "today, yesterday or 2h (s, m, h, d, w)",
                text);
}

static bool parse_ago(const char *text, int64_t now_ns, int64_t *ret)
{
        static const struct {
                char unit;
                int64_t ns;
        } units[] = { { 's', NS_PER_S },
                      { 'm', 60 * NS_PER_S },
                      { 'h', 3600 * NS_PER_S },
                      { 'd', 86400 * NS_PER_S },
                      { 'w', 7 * 86400 * NS_PER_S } };
        size_t n = strlen(text);
        uint64_t count;

        if (n < 2 || text_to_u64(span_of(text, n - 1), &count) < 0 || count > AGO_COUNT_MAX)
                return false;
        for (size_t i = 0; i < ARRAY_LEN(units); i++) {
                int64_t ago;

                if (units[i].unit == text[n - 1])
                        return !__builtin_mul_overflow((int64_t)count, units[i].ns, &ago) &&
                               !__builtin_sub_overflow(now_ns, ago, ret);
        }
        return false;
}

/* Midnight of the local day that lies `back` days before now. */
static int64_t local_midnight(int64_t now_ns, int back)
{
        time_t now = (time_t)(now_ns / NS_PER_S);
        struct tm tm;

        localtime_r(&now, &tm);
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_mday -= back;
        tm.tm_isdst = -1;
        return (int64_t)mktime(&tm) * NS_PER_S;
}

static bool parse_word(const char *text, int64_t now_ns, int64_t *ret)
{
        if (strcmp(text, "now") == 0)
                *ret = now_ns;
        else if (strcmp(text, "today") == 0)
                *ret = local_midnight(now_ns, 0);
        else if (strcmp(text, "yesterday") == 0)
                *ret = local_midnight(now_ns, 1);
        else
                return false;
        return true;
}

/* Exactly n digits. */
static bool take_digits(const char **p, int n, int *ret)
{
        int v = 0;

        for (int i = 0; i < n; i++) {
                if ((*p)[i] < '0' || (*p)[i] > '9')
                        return false;
                v = v * 10 + (*p)[i] - '0';
        }
        *p += n;
        *ret = v;
        return true;
}

static bool take(const char **p, char c)
{
        if (**p != c)
                return false;
        (*p)++;
        return true;
}

static bool take_date(const char **p, struct tm *tm)
{
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        int y, m, d, leap;

        if (!take_digits(p, 4, &y) || !take(p, '-') || !take_digits(p, 2, &m) || !take(p, '-') ||
            !take_digits(p, 2, &d) || m < 1 || m > 12 || d < 1)
                return false;
        leap = m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
        if (d > days[m - 1] + leap)
                return false;
        tm->tm_year = y - 1900;
        tm->tm_mon = m - 1;
        tm->tm_mday = d;
        return true;
}

static bool take_clock(const char **p, struct tm *tm, int64_t *ret_ns)
{
        int64_t unit = NS_PER_S / 10;

        *ret_ns = 0;
        tm->tm_sec = 0;
        if (!take_digits(p, 2, &tm->tm_hour) || !take(p, ':') || !take_digits(p, 2, &tm->tm_min))
                return false;
        if (take(p, ':') && !take_digits(p, 2, &tm->tm_sec))
                return false;
        if (take(p, '.')) {
                if (**p < '0' || **p > '9')
                        return false;
                for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
                        *ret_ns += (**p - '0') * unit;
        }
        return tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 59;
}

/* Z or +hh:mm at the end; local where nothing follows. */
static bool finish(const char *p, struct tm *tm, int64_t ns, int64_t *ret)
{
        int hours = 0, minutes = 0, sign = *p == '-' ? 1 : -1;
        time_t t;

        if (!*p) {
                tm->tm_isdst = -1;
                t = mktime(tm);
        } else {
                if (!take(&p, 'Z') &&
                    ((!take(&p, '+') && !take(&p, '-')) || !take_digits(&p, 2, &hours) ||
                     !take(&p, ':') || !take_digits(&p, 2, &minutes)))
                        return false;
                t = timegm(tm);
        }
        if (*p || hours > OFFSET_HOURS_MAX || minutes > 59)
                return false;
        return !__builtin_mul_overflow((int64_t)t + sign * (hours * 3600 + minutes * 60), NS_PER_S,
                                       ret) &&
               !__builtin_add_overflow(*ret, ns, ret);
}

static bool parse_absolute(const char *text, int64_t now_ns, int64_t *ret)
{
        time_t now = (time_t)(now_ns / NS_PER_S);
        const char *p = text;
        int64_t ns = 0;
        struct tm tm;

        localtime_r(&now, &tm);
        if (strlen(text) > 2 && text[2] == ':')
                return take_clock(&p, &tm, &ns) && !*p && finish(p, &tm, ns, ret);
        tm = (struct tm){ 0 };
        if (!take_date(&p, &tm))
                return false;
        if (*p &&
            ((!take(&p, 'T') && !take(&p, 't') && !take(&p, ' ')) || !take_clock(&p, &tm, &ns)))
                return false;
        return finish(p, &tm, ns, ret);
}

int when_parse(const char *text, int64_t now_ns, int64_t *ret_wall_ns, struct err *err)
{
        int64_t ns;

        if (!parse_word(text, now_ns, &ns) && !parse_ago(text, now_ns, &ns) &&
            !parse_absolute(text, now_ns, &ns))
                return refuse(text, err);
        *ret_wall_ns = ns;
        return 0;
}

int when_until(const char *text, int64_t now_ns, int64_t *ret_wall_ns, struct err *err)
{
        int64_t then;
        int rc = when_parse(text, now_ns, &then, err);

        if (rc < 0)
                return rc;
        if (strspn(text, "0123456789") + 1 == strlen(text) &&
            __builtin_add_overflow(now_ns, now_ns - then, &then))
                return err_set(err, -EINVAL, "%s: too far away", text);
        if (then <= now_ns)
                return err_set(err, -EINVAL, "%s: that is over", text);
        *ret_wall_ns = then;
        return 0;
}
