/* SPDX-License-Identifier: Apache-2.0 */
#include "package/schema/number.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NINES_64 "9999999999999999999999999999999999999999999999999999999999999999"
/* 10^(10^58), and the exponent one less. */
#define HUGE      "1e10000000000000000000000000000000000000000000000000000000000"
#define HUGE_LESS "1e9999999999999999999999999999999999999999999999999999999999"

static struct number read_number(const char *text)
{
        struct number a;

        if (!number_of(span_str(text), &a))
                fail_msg("%s: refused", text);
        return a;
}

/* RFC 8259, "Numbers". */
static void spellings_are_taken_or_refused(void **state)
{
        static const struct {
                const char *text;
                bool good;
        } table[] = {
                { "0", true },         { "-0", true },          { "0.0", true },
                { "10", true },        { "1.5e3", true },       { "1E-0", true },
                { NINES_64, true },    { "9" NINES_64, false }, { HUGE, true },
                { "", false },         { "-", false },          { "+1", false },
                { "01", false },       { "-01", false },        { ".5", false },
                { "5.", false },       { "5.e1", false },       { "1e", false },
                { "1e+", false },      { "1e1.0", false },      { "1 ", false },
                { " 1", false },       { "1x", false },         { "0x1", false },
                { "Infinity", false }, { "1e1e1", false },      { "--1", false },
                { "1-", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct number a;

                if (number_of(span_str(table[i].text), &a) != table[i].good)
                        fail_msg("%s: %s", table[i].text, table[i].good ? "refused" : "taken");
        }
}

/* Each is less than the next, those of a row are the same. */
static void order_is_that_of_values(void **state)
{
        static const char *const rows[][4] = {
                { "-" HUGE, "-0.1e10000000000000000000000000000000000000000000000000000000001" },
                { "-" HUGE_LESS },
                { "-1e400000001" },
                { "-1e400000000", "-10e399999999" },
                { "-9223372036854775809" },
                { "-9223372036854775808", "-9223372036854775808.0" },
                { "-10.5", "-105e-1", "-1.05E+1", "-10.50" },
                { "-10" },
                { "-1e-400000000" },
                { "0", "-0", "0e999999999999999999999999999999", "-0.000" },
                { "1e-1000000000000000000000000000000000" },
                { "1e-999999999999999999999999999999999" },
                { "1e-400000000", "0.001e-399999997" },
                { "0.3" },
                { "0.30000000000000000000000000000000000000000000000000000000000001" },
                { "1", "1.0", "10e-1", "0.1e1" },
                { "1.000000000000000000000000000000000000000000000000000000000001" },
                { "9007199254740993" },
                { "9007199254740993.5" },
                { "18446744073709551616", "1844674407370955161.6e1" },
                { NINES_64 },
                { "1e64", "1e+64", "10e0063" },
                { "1e400000000" },
                { HUGE_LESS },
                { HUGE, "0.1e10000000000000000000000000000000000000000000000000000000001" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                for (size_t j = 0; j < ARRAY_LEN(rows); j++)
                        for (size_t k = 0; k < 16; k++) {
                                const char *x = rows[i][k / 4], *y = rows[j][k % 4];
                                struct number a, b;
                                int c;

                                if (!x || !y)
                                        continue;
                                a = read_number(x);
                                b = read_number(y);
                                c = number_cmp(&a, &b);
                                if ((c > 0) - (c < 0) != (i > j) - (i < j))
                                        fail_msg("%s, %s: %d", x, y, c);
                        }
}

static void whole_numbers_are_known(void **state)
{
        static const struct {
                const char *text;
                bool integer;
        } table[] = {
                { "0", true },
                { "0.0", true },
                { "1.0", true },
                { "1.5", false },
                { "1.5e1", true },
                { "1.5e0", false },
                { "-2.50", false },
                { "-2.50e1", true },
                { "100e-2", true },
                { "100e-3", false },
                { "1e400000000", true },
                { "1e-400000000", false },
                { HUGE, true },
                { "0e-5", true },
                { "1e-10000000000000000000000000000000000000000000000000000000000", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct number a = read_number(table[i].text);

                if (number_is_integer(&a) != table[i].integer)
                        fail_msg("%s", table[i].text);
        }
}

static void multiples_are_exact(void **state)
{
        static const struct {
                const char *a, *b;
                bool multiple;
        } table[] = {
                { "19.99", "0.01", true },
                { "19.995", "0.01", false },
                { "0", "0.01", true },
                { "0.0075", "0.0001", true },
                { "0.00751", "0.0001", false },
                { "4.5", "1.5", true },
                { "35", "1.5", false },
                { "-9", "3", true },
                { "1e400000000", "0.01", true },
                { "1e400000000", "0.5", true },
                { "1e400000000", "7", false },
                { "7e400000000", "7", true },
                { "1e400000000", "3e-400000000", false },
                { "3e400000000", "1.5e-400000000", true },
                { "1e-400000000", "1", false },
                { "1e308", "0.123456789", false },
                { "0.3", "0.1", true },
                { "1", "1024", false },
                { "1e10", "1024", true },
                { "1e9", "1024", false },
                { "1e63", "9223372036854775808", true }, /* 2^63 */
                { "1e62", "9223372036854775808", false },
                { "1e212", "6582018229284824168619876730229402019930943462534319453394436096",
                  true }, /* 2^212 */
                { "1e211", "6582018229284824168619876730229402019930943462534319453394436096",
                  false },
                { NINES_64, "3", true },
                { NINES_64, "7", false },
                { NINES_64, NINES_64, true },
                { "9223372036854775807", "7", true }, /* 7^2 * 73 * 127 * 337 * 92737 * 649657 */
                { "9223372036854775807", "11", false },
                { HUGE, "8", true },
                { HUGE, "6", false },
                { HUGE_LESS, HUGE, false },
                { HUGE, HUGE_LESS, true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct number a = read_number(table[i].a), b = read_number(table[i].b);

                if (number_is_multiple(&a, &b) != table[i].multiple)
                        fail_msg("%s, %s", table[i].a, table[i].b);
        }
}

static void integers_of_64_bits_are_made(void **state)
{
        static const struct {
                const char *text;
                unsigned decimals;
                bool fits;
                int64_t want;
        } table[] = {
                { "0", 0, true, 0 },
                { "-0.0", 18, true, 0 },
                { "1.0", 0, true, 1 },
                { "1.5", 0, false, 0 },
                { "1.5", 1, true, 15 },
                { "-1.2345", 4, true, -12345 },
                { "-1.23456", 4, false, 0 },
                { "1e18", 0, true, 1000000000000000000 },
                { "1e19", 0, false, 0 },
                { "1e400000000", 0, false, 0 },
                { "1e-400000000", 4, false, 0 },
                { HUGE, 0, false, 0 },
                { "9223372036854775807", 0, true, INT64_MAX },
                { "9223372036854775808", 0, false, 0 },
                { "-9223372036854775808", 0, true, INT64_MIN },
                { "-9223372036854775809", 0, false, 0 },
                { "922337203685477.5807", 4, true, INT64_MAX },
                { "922337203685477.5808", 4, false, 0 },
                { "9.223372036854775807e18", 0, true, INT64_MAX },
                { "99999999999999999999", 0, false, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct number a = read_number(table[i].text);
                int64_t v = 0;

                if (number_to_int(&a, table[i].decimals, &v) != table[i].fits || v != table[i].want)
                        fail_msg("%s", table[i].text);
        }
}

static void values_of_trees_are_the_same_numbers(void **state)
{
        static const struct {
                int64_t v;
                const char *text;
        } table[] = {
                { 0, "0" },
                { 1, "1" },
                { -1, "-1" },
                { 1000, "1e3" },
                { -120, "-1.2e2" },
                { INT64_MAX, "9223372036854775807" },
                { INT64_MIN, "-9223372036854775808" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct tree whole = { .kind = TREE_NUMBER, .number = table[i].v };
                struct tree real = { .kind = TREE_REAL, .text = span_str(table[i].text) };
                struct number a = number_of_tree(&whole), b = number_of_tree(&real);
                int64_t back;

                assert_int_equal(number_cmp(&a, &b), 0);
                assert_true(number_to_int(&a, 0, &back));
                assert_int_equal(back, table[i].v);
                assert_true(number_is_integer(&a));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(spellings_are_taken_or_refused),
                cmocka_unit_test(order_is_that_of_values),
                cmocka_unit_test(whole_numbers_are_known),
                cmocka_unit_test(multiples_are_exact),
                cmocka_unit_test(integers_of_64_bits_are_made),
                cmocka_unit_test(values_of_trees_are_the_same_numbers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
