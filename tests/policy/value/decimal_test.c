/* SPDX-License-Identifier: Apache-2.0 */
#include "number_table.h"

static const struct number_row rows[] = {
        { "1.0", 10000, NULL },
        { "0.0", 0, NULL },
        { "-0.0", 0, "0.0" },
        { "12345.1234", 123451234, NULL },
        { "-1.23", -12300, NULL },
        { "-0.5", -5000, NULL },
        { "0.0001", 1, NULL },
        { "7.5000", 75000, "7.5" },
        { "0007.25", 72500, "7.25" },
        { "000000000000000000000000000000000001.1", 11000, "1.1" },
        { "922337203685477.5807", INT64_MAX, NULL },
        { "-922337203685477.5808", INT64_MIN, NULL },
};

static const char *const refused[] = {
        "",
        "-",
        ".",
        "1",
        "1.",
        ".1",
        "-.1",
        "--1.0",
        "+1.0",
        "1.12345",
        "1.00000",
        "1.2.3",
        "1,2",
        " 1.0",
        "1.0 ",
        "1.0\n",
        "1e2.0",
        "0x1.0",
        "1.-2",
        "\xd9\xa1.0", /* ARABIC-INDIC DIGIT ONE */
        "922337203685477.5808",
        "-922337203685477.5809",
        "922337203685478.0",
        "-922337203685478.0",
        "1844674407370955.1616", /* 2^64 */
        "1844674407370955.2",
        "18446744073709551616.0",
        "99999999999999999999999999999999.0",
};

static void decimals_are_read_and_written(void **state)
{
        (void)state;
        check_numbers(rows, ARRAY_LEN(rows), cedar_decimal_parse, cedar_decimal_print);
}

static void other_spellings_are_refused(void **state)
{
        (void)state;
        check_refused(refused, ARRAY_LEN(refused), cedar_decimal_parse);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(decimals_are_read_and_written),
                cmocka_unit_test(other_spellings_are_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
