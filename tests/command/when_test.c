/* SPDX-License-Identifier: Apache-2.0 */
#include "command/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

/* 2026-11-25 18:30:00 UTC; in Berlin 19:30 (winter, +01:00).  Seconds from date(1). */
#define NOW_S 1795631400LL

static void understands(void **state)
{
        static const struct {
                const char *text;
                int64_t want_s;
                int64_t want_ns;
        } t[] = {
                { "now", NOW_S, 0 },
                { "today", 1795561200, 0 },     /* 2026-11-25T00:00+01:00 */
                { "yesterday", 1795474800, 0 }, /* 2026-11-24T00:00+01:00 */
                { "90s", NOW_S - 90, 0 },
                { "30m", NOW_S - 1800, 0 },
                { "2h", NOW_S - 7200, 0 },
                { "3d", NOW_S - 259200, 0 },
                { "1w", NOW_S - 604800, 0 },
                { "0s", NOW_S, 0 },
                { "1970-01-01T00:00:00Z", 0, 0 },
                { "2026-11-25T18:30:00Z", NOW_S, 0 },
                { "2026-11-25t18:30:00.25Z", NOW_S, 250000000 },
                { "2026-11-25T18:30:00.123456789123Z", NOW_S, 123456789 },
                { "2026-11-25T20:30:00+02:00", NOW_S, 0 },
                { "2026-11-25T13:00:00-05:30", NOW_S, 0 },
                { "2026-11-25", 1795561200, 0 },
                { "2026-11-25 19:30", NOW_S, 0 },
                { "2026-11-25 19:30:01", NOW_S + 1, 0 },
                { "2026-07-01 12:00", 1782900000, 0 }, /* summer, +02:00 */
                { "2024-02-29", 1709161200, 0 },
                { "19:30", NOW_S, 0 },
                { "19:29:59", NOW_S - 1, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };
                int64_t got = 0;

                if (when_parse(t[i].text, NOW_S * NS_PER_S, &got, &err) < 0)
                        fail_msg("%s: %s", t[i].text, err_text(&err));
                if (got != t[i].want_s * NS_PER_S + t[i].want_ns)
                        fail_msg("%s: got %lld ns", t[i].text, (long long)got);
        }
}

static void refuses(void **state)
{
        static const char *const t[] = {
                "",
                "soon",
                "1000000w",
                "20000w",
                "9999-01-01",
                "2",
                "h",
                "-2h",
                "2 h",
                "2y",
                "1.5h",
                "99999999d",
                "2026",
                "2026-13-01",
                "2026-00-01",
                "2026-02-29",
                "2026-11-31",
                "2026-1-1",
                "24:00",
                "18:60",
                "18:30:60",
                "18:30.",
                "18",
                "2026-11-25T18:30:00X",
                "2026-11-25T18:30:00+1",
                "2026-11-25T18:30:00+24:00",
                "2026-11-25T18:30:00Zx",
                "2026-11-25T",
                "2026-11-25 18:30 ",
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };
                int64_t got = 42;

                if (when_parse(t[i], NOW_S * NS_PER_S, &got, &err) != -EINVAL)
                        fail_msg("\"%s\" was understood", t[i]);
                assert_int_equal(got, 42);
                assert_non_null(strstr(err_text(&err), "is no time; write"));
        }
}

/* From now on, not since; what is over is no time to come. */
static void of_times_to_come(void **state)
{
        static const struct {
                const char *text;
                int64_t want_s; /* 0: refused */
        } t[] = {
                { "1s", NOW_S + 1 },
                { "12h", NOW_S + 43200 },
                { "1w", NOW_S + 604800 },
                { "2026-11-25 19:30:01", NOW_S + 1 },
                { "2026-11-25T18:30:01Z", NOW_S + 1 },
                { "19:31", NOW_S + 60 },
                { "0s", 0 },
                { "now", 0 },
                { "today", 0 },
                { "2026-11-25T18:30:00Z", 0 },
                { "19:29", 0 },
                { "20000w", 0 },
                { "soon", 0 },
                { "", 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };
                int64_t got = 0;
                int r = when_until(t[i].text, NOW_S * NS_PER_S, &got, &err);

                if (r != (t[i].want_s ? 0 : -EINVAL) || got != t[i].want_s * NS_PER_S)
                        fail_msg("\"%s\": %d, %lld", t[i].text, r, (long long)got);
        }
}

static int set_zone(void **state)
{
        setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
        tzset();
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(understands),
                cmocka_unit_test(refuses),
                cmocka_unit_test(of_times_to_come),
        };

        return cmocka_run_group_tests(tests, set_zone, NULL);
}
