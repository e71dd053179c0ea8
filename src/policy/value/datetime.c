/* SPDX-License-Identifier: Apache-2.0 */
/* datetime.c - moments in the forms of RFC 80.  Floor 2, pure.  SECURITY: reads hostile bytes. */
#include "policy/value/extension.h"

enum { DAY_MS = 86400000, HOUR_MS = 3600000, MINUTE_MS = 60000 };

/* What is left to read.  One that does not fit turns bad and stays so. */
struct reader {
        struct span rest;
        bool bad;
};

/* Exactly `digits` of them, below limit. */
static uint32_t take_number(struct reader *r, size_t digits, uint32_t from, uint32_t limit)
{
        uint32_t v = 0;

        if (r->bad || r->rest.n < digits) {
                r->bad = true;
                return 0;
        }
        for (size_t i = 0; i < digits; i++) {
                uint8_t c = r->rest.p[i];

                r->bad = r->bad || c < '0' || c > '9';
                v = v * 10 + (uint32_t)(c - '0');
        }
        r->rest = span_from(r->rest, digits);
        r->bad = r->bad || v < from || v >= limit;
        return v;
}

static bool take_if(struct reader *r, char c)
{
        if (r->bad || r->rest.n == 0 || r->rest.p[0] != (uint8_t)c)
                return false;
        r->rest = span_from(r->rest, 1);
        return true;
}

static void take(struct reader *r, char c)
{
        r->bad = !take_if(r, c);
}

static bool leaps(uint32_t year)
{
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint32_t days_of(uint32_t year, uint32_t month)
{
        static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

        return days[month - 1] + (uint32_t)(month == 2 && leaps(year));
}

/* Days are counted from March 1 of the year -400: leap days come last in a year, and no number is
 * negative. */
enum { DAYS_OF_400_YEARS = 146097, DAYS_TO_1970 = 719468 + DAYS_OF_400_YEARS };

static int64_t take_date(struct reader *r)
{
        uint32_t year = take_number(r, 4, 0, 10000), month, day;

        take(r, '-');
        month = take_number(r, 2, 1, 13);
        take(r, '-');
        day = take_number(r, 2, 1, r->bad ? 0 : days_of(year, month) + 1);
        if (r->bad)
                return 0;
        year += 400 - (month < 3);
        month = (month + 9) % 12; /* March is 0 */
        return (int64_t)year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 +
               day - 1 - DAYS_TO_1970;
}

static int64_t take_time(struct reader *r)
{
        int64_t ms = (int64_t)take_number(r, 2, 0, 24) * HOUR_MS;

        take(r, ':');
        ms += (int64_t)take_number(r, 2, 0, 60) * MINUTE_MS;
        take(r, ':');
        ms += (int64_t)take_number(r, 2, 0, 60) * 1000;
        if (take_if(r, '.'))
                ms += take_number(r, 3, 0, 1000);
        return ms;
}

/* What is to be taken off the local time. */
static int64_t take_zone(struct reader *r)
{
        int64_t ms;
        bool west;

        if (take_if(r, 'Z'))
                return 0;
        west = take_if(r, '-');
        if (!west)
                take(r, '+');
        ms = (int64_t)take_number(r, 2, 0, 24) * HOUR_MS;
        ms += (int64_t)take_number(r, 2, 0, 60) * MINUTE_MS;
        return west ? -ms : ms;
}

int cedar_datetime_parse(struct span text, int64_t *ret, struct err *err)
{
        struct reader r = { .rest = text };
        int64_t t = take_date(&r) * DAY_MS;

        if (r.rest.n > 0) {
                take(&r, 'T');
                t += take_time(&r);
                t -= take_zone(&r);
        }
        if (r.bad || r.rest.n > 0)
                return err_set(err, -EINVAL,
                               "no datetime: YYYY-MM-DD is one, and with Thh:mm:ss, maybe .SSS, "
                               "and Z or +hhmm behind it");
        *ret = t;
        return 0;
}

int64_t cedar_datetime_time(int64_t t)
{
        int64_t rest = t % DAY_MS;

        return rest < 0 ? rest + DAY_MS : rest;
}

int cedar_datetime_date(int64_t t, int64_t *ret)
{
        return __builtin_sub_overflow(t, cedar_datetime_time(t), ret) ? -EOVERFLOW : 0;
}

bool cedar_datetime_has_spelling(int64_t t)
{
        return t >= -62167219200000 && t < 253402300800000;
}

/* The year that holds a day, by the lengths of 400, 100, 4 and 1 of them, and the day in it; the
 * last day of 400 and of 4 years would count as one more. */
static int64_t year_of(int64_t *day)
{
        int64_t year = *day / DAYS_OF_400_YEARS * 400, n;

        *day %= DAYS_OF_400_YEARS;
        n = MIN_OF(*day / 36524, 3);
        year += n * 100;
        *day -= n * 36524;
        year += *day / 1461 * 4;
        *day %= 1461;
        n = MIN_OF(*day / 365, 3);
        *day -= n * 365;
        return year + n;
}

void cedar_datetime_print(int64_t t, struct buf *out)
{
        int64_t ms = cedar_datetime_time(t), year;
        int64_t day = (t - ms) / DAY_MS + DAYS_TO_1970;
        unsigned month;

        assert(cedar_datetime_has_spelling(t));
        year = year_of(&day) - 400;
        month = (unsigned)(5 * day + 2) / 153;
        day -= (153 * month + 2) / 5;
        if (month >= 10)
                year++;
        month = month < 10 ? month + 3 : month - 9;
        buf_printf(out, "%04d-%02u-%02u", (int)year, month, (unsigned)day + 1);
        if (ms == 0)
                return;
        buf_printf(out, "T%02u:%02u:%02u", (unsigned)(ms / HOUR_MS),
                   (unsigned)(ms / MINUTE_MS % 60), (unsigned)(ms / 1000 % 60));
        if (ms % 1000)
                buf_printf(out, ".%03u", (unsigned)(ms % 1000));
        buf_put_byte(out, 'Z');
}
