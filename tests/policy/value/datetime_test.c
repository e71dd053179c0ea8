/* SPDX-License-Identifier: Apache-2.0 */
#include "number_table.h"

/* The numbers are those of Python's datetime and, before the year 1, of date(1). */
static const struct number_row rows[] = {
        { "1970-01-01", 0, NULL },
        { "2024-10-15", 1728950400000, NULL },
        { "2024-10-15T11:35:00Z", 1728992100000, NULL },
        { "2024-10-15T11:35:00.000Z", 1728992100000, "2024-10-15T11:35:00Z" },
        { "2024-10-15T11:35:00.007Z", 1728992100007, NULL },
        { "2024-10-15T12:35:00+0100", 1728992100000, "2024-10-15T11:35:00Z" },
        { "2024-10-15T11:05:00.000-0030", 1728992100000, "2024-10-15T11:35:00Z" },
        { "2024-10-15T00:00:00Z", 1728950400000, "2024-10-15" },
        { "2024-10-15T23:59:00+2359", 1728950400000, "2024-10-15" },
        { "2024-10-14T00:01:00-2359", 1728950400000, "2024-10-15" },
        { "2000-02-29", 951782400000, NULL },
        { "2024-02-29", 1709164800000, NULL },
        { "2400-02-29", 13574563200000, NULL },
        { "1600-02-29", -11670998400000, NULL },
        { "2100-02-28", 4107456000000, NULL },
        { "1900-03-01", -2203891200000, NULL },
        { "2023-12-31", 1703980800000, NULL },
        { "1969-12-31T23:59:59.999Z", -1, NULL },
        { "0001-01-01", -62135596800000, NULL },
        { "0000-12-31", -62135683200000, NULL },
        { "0000-03-01", -62162035200000, NULL },
        { "0000-02-29", -62162121600000, NULL },
        { "0000-01-01", -62167219200000, NULL },
        { "9999-12-31T23:59:59.999Z", 253402300799999, NULL },
};

static const char *const refused[] = {
        "",
        "2024",
        "2024-10",
        "2024-1-15",
        "24-10-15",
        "02024-10-15",
        "-2024-10-15",
        "2024-10-15T",
        "2024-10-15Z",
        "2024-10-15 ",
        " 2024-10-15",
        "2024-10-15\n",
        "2024/10/15",
        "2024-10-15T11:35Z",
        "2024-10-15T11:35:00",
        "2024-10-15t11:35:00Z",
        "2024-10-15T11:35:00z",
        "2024-10-15 11:35:00Z",
        "2024-10-15T11:35:00.Z",
        "2024-10-15T11:35:00.1Z",
        "2024-10-15T11:35:00.12Z",
        "2024-10-15T11:35:00.1234Z",
        "2024-10-15T11:35:00,123Z",
        "2024-10-15T11:35:00.123",
        "2024-10-15T11:35:00+01:00",
        "2024-10-15T11:35:00+01",
        "2024-10-15T11:35:00+010",
        "2024-10-15T11:35:00+01000",
        "2024-10-15T11:35:00+0100Z",
        "2024-10-15T11:35:00Z+0100",
        "2024-10-15T11:35:00ZZ",
        "2024-10-15T11:35:00+2400",
        "2024-10-15T11:35:00-0060",
        "2024-10-15T11:35:00+-100",
        "2024-10-15T24:00:00Z",
        "2024-10-15T11:60:00Z",
        "2024-10-15T11:35:60Z",
        "2016-12-31T23:59:60Z", /* a leap second that was */
        "2024-00-15",
        "2024-13-15",
        "2024-10-00",
        "2024-10-32",
        "2024-04-31",
        "2023-02-29",
        "2100-02-29",
        "1900-02-29",
        "2024-02-30",
        "2024-1a-15",
        "2024-10-15T1 :35:00Z",
};

static void datetimes_are_read_and_written(void **state)
{
        (void)state;
        check_numbers(rows, ARRAY_LEN(rows), cedar_datetime_parse, cedar_datetime_print);
}

static void other_spellings_are_refused(void **state)
{
        (void)state;
        check_refused(refused, ARRAY_LEN(refused), cedar_datetime_parse);
}

/* The earliest and the latest that can be spelled lie outside of the years 0 to 9999 of UTC. */
static void offsets_reach_beyond_the_years(void **state)
{
        int64_t t = 0;

        (void)state;
        assert_int_equal(cedar_datetime_parse(SPAN("0000-01-01T00:00:00+2359"), &t, NULL), 0);
        assert_true(t == -62167305540000);
        assert_false(cedar_datetime_has_spelling(t));
        assert_int_equal(cedar_datetime_parse(SPAN("9999-12-31T23:59:59-2359"), &t, NULL), 0);
        assert_true(t == 253402387139000);
        assert_false(cedar_datetime_has_spelling(t));
        assert_true(cedar_datetime_has_spelling(253402300799999));
        assert_false(cedar_datetime_has_spelling(253402300800000));
        assert_true(cedar_datetime_has_spelling(-62167219200000));
        assert_false(cedar_datetime_has_spelling(-62167219200001));
}

static void each_day_of_eight_centuries_comes_back(void **state)
{
        (void)state;
        for (int64_t day = -300000, ms = 86399999; day < 0; day++) {
                struct buf out = BUF_INIT(100);
                int64_t t = day * 86400000 + ms, back = 0;

                cedar_datetime_print(t, &out);
                assert_int_equal(cedar_datetime_parse(buf_span(&out), &back, NULL), 0);
                assert_true(back == t);
                buf_done(&out);
        }
}

static void a_moment_is_its_day_and_the_time_in_it(void **state)
{
        static const struct {
                int64_t t, date, time;
        } table[] = {
                { 0, 0, 0 },
                { 1, 0, 1 },
                { 86399999, 0, 86399999 },
                { 86400000, 86400000, 0 },
                { -1, -86400000, 86399999 },
                { -86400000, -86400000, 0 },
                { -86400001, -172800000, 86399999 },
                { INT64_MAX, 9223372036828800000, 25975807 },
                { -9223372036828800000, -9223372036828800000, 0 },
        };
        int64_t date;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                assert_int_equal(cedar_datetime_date(table[i].t, &date), 0);
                assert_true(date == table[i].date);
                assert_true(cedar_datetime_time(table[i].t) == table[i].time);
        }
        assert_int_equal(cedar_datetime_date(INT64_MIN, &date), -EOVERFLOW);
        assert_int_equal(cedar_datetime_date(-9223372036828800001, &date), -EOVERFLOW);
        assert_true(cedar_datetime_time(INT64_MIN) == 60424192);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(datetimes_are_read_and_written),
                cmocka_unit_test(other_spellings_are_refused),
                cmocka_unit_test(offsets_reach_beyond_the_years),
                cmocka_unit_test(each_day_of_eight_centuries_comes_back),
                cmocka_unit_test(a_moment_is_its_day_and_the_time_in_it),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
