/* SPDX-License-Identifier: Apache-2.0 */
#include "number_table.h"

static const struct number_row rows[] = {
        { "1d2h3m4s5ms", 93784005, NULL },
        { "2h30m", 9000000, NULL },
        { "-1d12h", -129600000, NULL },
        { "1h30m45s", 5445000, NULL },
        { "5ms", 5, NULL },
        { "5m", 300000, NULL },
        { "5m5ms", 300005, NULL },
        { "1d0s", 86400000, "1d" },
        { "0d", 0, "0ms" },
        { "-0ms", 0, "0ms" },
        { "90s", 90000, "1m30s" },
        { "00000000000000000000000000000000001h", 3600000, "1h" },
        { "9223372036854775807ms", INT64_MAX, "106751991167d7h12m55s807ms" },
        { "-9223372036854775808ms", INT64_MIN, "-106751991167d7h12m55s808ms" },
        { "106751991167d", 106751991167 * 86400000, NULL },
};

static const char *const refused[] = {
        "",
        "-",
        "d",
        "1",
        "-1",
        "1.5h",
        "1x",
        "1D",
        "1h1d",
        "1d1d",
        "1ms1s",
        "1s1m",
        "+1h",
        "--1h",
        "1h-1m",
        "-",
        "1d 2h",
        " 1d",
        "1d ",
        "1d\n",
        "1h2",
        "1sm",
        "h1",
        "1msms",
        "1 d",
        "9223372036854775808ms",
        "-9223372036854775809ms",
        "106751991168d",
        "-106751991168d",
        "106751991167d7h12m55s808ms",
        "18446744073709551616ms",
        "213503982335d", /* just past 2^64 */
        "99999999999999999999999999d",
};

static void durations_are_read_and_written(void **state)
{
        (void)state;
        check_numbers(rows, ARRAY_LEN(rows), cedar_duration_parse, cedar_duration_print);
}

static void other_spellings_are_refused(void **state)
{
        (void)state;
        check_refused(refused, ARRAY_LEN(refused), cedar_duration_parse);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(durations_are_read_and_written),
                cmocka_unit_test(other_spellings_are_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
