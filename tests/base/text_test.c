/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void reads_numbers(void **state)
{
        static const struct {
                const char *in;
                int want;
                uint64_t value;
        } t[] = {
                { "0", 0, 0 },
                { "7", 0, 7 },
                { "18446744073709551615", 0, UINT64_MAX },
                { "18446744073709551616", -ERANGE, 0 },
                { "99999999999999999999", -ERANGE, 0 },
                { "100000000000000000000", -ERANGE, 0 },
                { "", -EINVAL, 0 },
                { "00", -EINVAL, 0 },
                { "01", -EINVAL, 0 },
                { "+1", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { " 1", -EINVAL, 0 },
                { "1 ", -EINVAL, 0 },
                { "1a", -EINVAL, 0 },
                { "99999999999999999999x", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                uint64_t v = 42;

                assert_int_equal(text_to_u64(span_str(t[i].in), &v), t[i].want);
                assert_int_equal(v, t[i].want ? 42 : t[i].value);
        }
}

static void writes_numbers(void **state)
{
        static const struct {
                uint64_t value;
                const char *want;
        } t[] = {
                { 0, "0" },
                { 9, "9" },
                { 10, "10" },
                { 1234067, "1234067" },
                { UINT64_MAX, "18446744073709551615" },
        };
        char text[TEXT_U64_MAX + 1];

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                assert_int_equal(text_u64(t[i].value, text), strlen(t[i].want));
                assert_string_equal(text, t[i].want);
        }
}

static void hex_has_one_spelling(void **state)
{
        static const char *const bad[] = { "", "0", "00f", "00FF", "0g", "00ff00", " 0ff" };
        uint8_t out[2] = { 1, 2 };
        char text[9];

        text_hex(span_of("\x00\x1f\xab\xff", 4), text);
        assert_string_equal(text, "001fabff");
        text_hex(SPAN_NONE, text);
        assert_string_equal(text, "");
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(text_from_hex(span_str(bad[i]), out, 2), -EINVAL);
        assert_int_equal(out[0], 1);
        assert_int_equal(text_from_hex(SPAN("00ff"), out, 2), 0);
        assert_memory_equal(out, "\x00\xff", 2);
        assert_int_equal(text_from_hex(SPAN_NONE, out, 0), 0);
}

/* All 256, beside what the C library says of them. */
static void hex_digits_of_others_have_two(void **state)
{
        for (unsigned c = 0; c < 256; c++) {
                char text[2] = { (char)c, '\0' };
                int want = isxdigit((int)c) ? (int)strtol(text, NULL, 16) : -1;

                assert_int_equal(text_hex_digit((uint8_t)c), want);
        }
}

static void percents_are_undone_a_byte_at_a_time(void **state)
{
        static const struct {
                const char *text, *want; /* NULL: refused */
        } t[] = {
                { "abc", "abc" },   { "%41%2f%7e", "A/~" }, { "a%20b", "a b" }, { "%4a%4A", "JJ" },
                { "%25%34", "%4" }, { "%", NULL },          { "a%4", NULL },    { "%4x", NULL },
                { "%x4", NULL },    { "%%41", NULL },       { "+", "+" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct span s = span_str(t[i].text);
                uint8_t out[16];
                size_t n = 0;
                bool good = true;

                while (good && s.n > 0)
                        good = text_percent_next(&s, &out[n++]);
                assert_int_equal(good, t[i].want != NULL);
                if (t[i].want)
                        assert_true(span_eq_str(span_of(out, n), t[i].want));
                else
                        assert_true(s.n > 0); /* what was refused is still there */
        }
}

/* RFC 4648 section 10, and bytes that use digits 62 and 63. */
static void base64_vectors(void **state)
{
        static const struct {
                struct span bytes;
                const char *plain, *url;
        } t[] = {
                { SPAN_INIT(""), "", "" },
                { SPAN_INIT("f"), "Zg==", "Zg" },
                { SPAN_INIT("fo"), "Zm8=", "Zm8" },
                { SPAN_INIT("foo"), "Zm9v", "Zm9v" },
                { SPAN_INIT("foob"), "Zm9vYg==", "Zm9vYg" },
                { SPAN_INIT("fooba"), "Zm9vYmE=", "Zm9vYmE" },
                { SPAN_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy" },
                { SPAN_INIT("\xfb\xff\xbf"), "+/+/", "-_-_" },
                { SPAN_INIT("\x00"), "AA==", "AA" },
        };
        struct buf b = BUF_INIT(100);
        uint8_t out[8];
        size_t n;

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                buf_clear(&b);
                text_put_base64(&b, t[i].bytes);
                assert_string_equal(buf_cstr(&b), t[i].plain);
                assert_int_equal(b.n, text_base64_len(t[i].bytes.n));
                assert_int_equal(text_from_base64(buf_span(&b), out, sizeof out, &n), 0);
                assert_true(span_eq(span_of(out, n), t[i].bytes));
                buf_clear(&b);
                text_put_base64url(&b, t[i].bytes);
                assert_string_equal(buf_cstr(&b), t[i].url);
                assert_int_equal(b.n, text_base64url_len(t[i].bytes.n));
                assert_int_equal(text_from_base64url(buf_span(&b), out, sizeof out, &n), 0);
                assert_true(span_eq(span_of(out, n), t[i].bytes));
        }
        buf_done(&b);
}

static void base64_is_strict(void **state)
{
        static const struct {
                const char *in;
                int plain, url;
        } t[] = {
                { "Zh==", -EINVAL, -EINVAL }, /* pad bits */
                { "Zg=", -EINVAL, -EINVAL },
                { "Zg", -EINVAL, 0 },
                { "Zh", -EINVAL, -EINVAL },
                { "Zm9=", -EINVAL, -EINVAL },
                { "Z===", -EINVAL, -EINVAL },
                { "====", -EINVAL, -EINVAL },
                { "=", -EINVAL, -EINVAL },
                { "Z", -EINVAL, -EINVAL },
                { "Zm9vY", -EINVAL, -EINVAL },
                { "Zg==Zg==", -EINVAL, -EINVAL },
                { "Zm9v\n", -EINVAL, -EINVAL },
                { "Zm 9", -EINVAL, -EINVAL },
                { "-_-_", -EINVAL, 0 },
                { "+/+/", 0, -EINVAL },
                { "Zm9vYmFyYmFy", -E2BIG, -E2BIG },
                { "Zm9vYmFy", 0, 0 },
        };
        uint8_t out[8];

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                size_t n = 99;

                assert_int_equal(text_from_base64(span_str(t[i].in), out, sizeof out, &n),
                                 t[i].plain);
                assert_true(t[i].plain == 0 || n == 99);
                assert_int_equal(text_from_base64url(span_str(t[i].in), out, sizeof out, &n),
                                 t[i].url);
        }
}

static void utf8_bounds(void **state)
{
        static const struct {
                struct span in;
                int bad_at; /* -1: good */
        } t[] = {
                { SPAN_INIT(""), -1 },
                { SPAN_INIT("plain ascii of some length\x7f"), -1 },
                { SPAN_INIT("a\0b"), -1 },
                { SPAN_INIT("\xc2\x80"), -1 },
                { SPAN_INIT("\xdf\xbf"), -1 },
                { SPAN_INIT("\xe0\xa0\x80"), -1 },
                { SPAN_INIT("\xed\x9f\xbf"), -1 },
                { SPAN_INIT("\xee\x80\x80"), -1 },
                { SPAN_INIT("\xef\xbf\xbf"), -1 },
                { SPAN_INIT("\xf0\x90\x80\x80"), -1 },
                { SPAN_INIT("\xf4\x8f\xbf\xbf"), -1 },
                { SPAN_INIT("\x80"), 0 },
                { SPAN_INIT("\xc0\x80"), 0 },
                { SPAN_INIT("\xc1\xbf"), 0 },
                { SPAN_INIT("a\xc2"), 1 },
                { SPAN_INIT("12345678\xc2"), 8 },
                { SPAN_INIT("1234567\xc2\x80"
                            "9\xff"),
                  10 },
                { SPAN_INIT("\xc2\x41"), 0 },
                { SPAN_INIT("\xe0\x9f\xbf"), 0 },
                { SPAN_INIT("\xed\xa0\x80"), 0 },
                { SPAN_INIT("\xed\xbf\xbf"), 0 },
                { SPAN_INIT("\xe2\x82"), 0 },
                { SPAN_INIT("\xe2\x82\x41"), 0 },
                { SPAN_INIT("\xf0\x8f\xbf\xbf"), 0 },
                { SPAN_INIT("\xf0\x90\x80"), 0 },
                { SPAN_INIT("\xf4\x90\x80\x80"), 0 },
                { SPAN_INIT("\xf5\x80\x80\x80"), 0 },
                { SPAN_INIT("\xff"), 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                size_t at = 999;

                assert_int_equal(text_is_utf8(t[i].in, &at), t[i].bad_at < 0);
                assert_int_equal(at, t[i].bad_at < 0 ? 999 : t[i].bad_at);
                assert_int_equal(text_is_utf8(t[i].in, NULL), t[i].bad_at < 0);
        }
}

/* Every scalar value goes out and comes back; every other three-byte form is refused. */
static void what_is_no_utf8_goes(void **state)
{
        static const struct {
                const char *in, *want;
        } t[] = {
                { "", "" },
                { "plain", "plain" },
                { "\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9" },
                { "cut \xc3", "cut " },
                { "\xff\xfe", "" },
                { "a\xe2\x82 b\xf0\x9f\x98\x80", "a b\xf0\x9f\x98\x80" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                char text[32];

                snprintf(text, sizeof text, "%s", t[i].in);
                text_keep_utf8(text);
                assert_string_equal(text, t[i].want);
        }
        (void)state;
}

static void utf8_every_code_point(void **state)
{
        struct buf b = BUF_INIT(4);
        uint32_t back;

        for (uint32_t point = 0; point <= 0x10ffff; point++) {
                if (point == 0xd800)
                        point = 0xe000;
                buf_clear(&b);
                text_put_utf8(&b, point);
                if (text_utf8_first(buf_span(&b), &back) != b.n || back != point)
                        fail_msg("U+%04X", point);
        }
        buf_done(&b);
}

/* Expected values from `date -u -d @N`. */
static void times_both_ways(void **state)
{
        static const struct {
                const char *text;
                int64_t ns;
        } t[] = {
                { "1970-01-01T00:00:00.000000000Z", 0 },
                { "1969-12-31T23:59:59.999999999Z", -1 },
                { "2000-02-29T00:00:00.000000000Z", 951782400000000000 },
                { "2000-03-01T00:00:00.000000000Z", 951868800000000000 },
                { "1900-02-28T23:59:59.000000000Z", -2203891201000000000 },
                { "1900-03-01T00:00:00.000000000Z", -2203891200000000000 },
                { "2100-03-01T00:00:00.000000000Z", 4107542400000000000 },
                { "2024-12-31T23:59:59.000000001Z", 1735689599000000001 },
                { "2026-11-21T18:00:00.123456789Z", 1795284000123456789 },
                { "1677-09-21T00:12:43.145224192Z", INT64_MIN },
                { "2262-04-11T23:47:16.854775807Z", INT64_MAX },
        };
        char text[TEXT_TIME_LEN + 1];
        int64_t ns;

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                text_time(t[i].ns, text);
                assert_string_equal(text, t[i].text);
                assert_int_equal(text_to_time(span_str(t[i].text), &ns), 0);
                assert_true(ns == t[i].ns);
        }
}

static void times_refused(void **state)
{
        static const struct {
                const char *text;
                int want;
        } t[] = {
                { "", -EINVAL },
                { "2026-11-21T18:00:00Z", -EINVAL },
                { "2026-11-21T18:00:00.123456Z", -EINVAL },
                { "2026-11-21T18:00:00.123456789", -EINVAL },
                { "2026-11-21T18:00:00.123456789z", -EINVAL },
                { "2026-11-21t18:00:00.123456789Z", -EINVAL },
                { "2026-11-21 18:00:00.123456789Z", -EINVAL },
                { "2026-11-21T18:00:00,123456789Z", -EINVAL },
                { "2026-11-21T18:00:00.123456789+", -EINVAL },
                { "2026-11-21T18:00:0a.123456789Z", -EINVAL },
                { "2026-00-21T18:00:00.123456789Z", -EINVAL },
                { "2026-13-21T18:00:00.123456789Z", -EINVAL },
                { "2026-11-00T18:00:00.123456789Z", -EINVAL },
                { "2026-11-31T18:00:00.123456789Z", -EINVAL },
                { "2026-02-29T18:00:00.123456789Z", -EINVAL },
                { "1900-02-29T18:00:00.123456789Z", -EINVAL },
                { "2026-11-21T24:00:00.000000000Z", -EINVAL },
                { "2026-11-21T18:60:00.000000000Z", -EINVAL },
                { "2016-12-31T23:59:60.000000000Z", -EINVAL },
                { "0000-01-01T00:00:00.000000000Z", -EINVAL },
                { "0001-01-01T00:00:00.000000000Z", -ERANGE },
                { "9999-12-31T23:59:59.999999999Z", -ERANGE },
                { "1677-09-21T00:12:43.145224191Z", -ERANGE },
                { "2262-04-11T23:47:16.854775808Z", -ERANGE },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                int64_t ns = 7;

                assert_int_equal(text_to_time(span_str(t[i].text), &ns), t[i].want);
                assert_int_equal(ns, 7);
        }
}

/* Day by day over four centuries' worth of what 64 bits hold. */
/* What others put into an entry. */
static void times_of_any(void **state)
{
        static const struct {
                const char *text;
                int want;
                int64_t ns;
        } t[] = {
                { "2026-11-21T18:00:00.123456789Z", 0, 1795284000123456789 },
                { "2026-11-21T18:00:00.12345678Z", 0, 1795284000123456780 },
                { "2026-11-21T18:00:00.1Z", 0, 1795284000100000000 },
                { "2026-11-21T18:00:00Z", 0, 1795284000000000000 },
                { "2026-11-21T18:00:00.Z", -EINVAL, 7 },
                { "2026-11-21T18:00:00.1234567890Z", -EINVAL, 7 },
                { "2026-11-21T18:00:00.1", -EINVAL, 7 },
                { "2026-11-21T18:00:00.1+00:00", -EINVAL, 7 },
                { "2026-11-21T18:00:00,1Z", -EINVAL, 7 },
                { "2026-11-21T18:00:00.1xZ", -EINVAL, 7 },
                { "2026-11-21T18:00:00.1ZZ", -EINVAL, 7 },
                { "2026-11-21 18:00:00Z", -EINVAL, 7 },
                { "2026-11-21T18:00Z", -EINVAL, 7 },
                { "2026-02-29T18:00:00Z", -EINVAL, 7 },
                { "9999-12-31T23:59:59Z", -ERANGE, 7 },
                { "Z", -EINVAL, 7 },
                { "", -EINVAL, 7 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                int64_t ns = 7;

                if (text_to_time_of_any(span_str(t[i].text), &ns) != t[i].want || ns != t[i].ns)
                        fail_msg("%s", t[i].text);
        }
}

static void times_every_day(void **state)
{
        static const int64_t day_ns = 86400LL * 1000000000LL;
        char text[TEXT_TIME_LEN + 1], before[TEXT_TIME_LEN + 1] = "";
        int64_t ns;

        for (int64_t day = -106751; day <= 106751; day++) {
                text_time(day * day_ns, text);
                if (text_to_time(span_of(text, TEXT_TIME_LEN), &ns) != 0 || ns != day * day_ns ||
                    strcmp(before, text) >= 0)
                        fail_msg("%s", text);
                memcpy(before, text, sizeof before);
        }
}

static void hostile_text_is_escaped(void **state)
{
        static const struct {
                struct span in;
                const char *want;
        } t[] = {
                { SPAN_INIT("plain ~ text"), "plain ~ text" },
                { SPAN_INIT("a\\b"), "a\\\\b" },
                { SPAN_INIT("a\nb\x1b[2J\0\x7f"), "a\\x0ab\\x1b[2J\\x00\\x7f" },
                { SPAN_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
                  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
                { SPAN_INIT("\xc2\x9b"
                            "31m"),
                  "\\xc2\\x9b31m" },
                { SPAN_INIT("\xc2\xa0"), "\xc2\xa0" },
                /* right-to-left override, line separator, isolate; an ordinary neighbour */
                { SPAN_INIT("a\xe2\x80\xae"
                            "b"),
                  "a\\xe2\\x80\\xaeb" },
                { SPAN_INIT("\xe2\x80\xa8\xe2\x81\xa6"), "\\xe2\\x80\\xa8\\xe2\\x81\\xa6" },
                { SPAN_INIT("\xe2\x80\xaf"), "\xe2\x80\xaf" },
                { SPAN_INIT("\xff\xe2\x82"), "\\xff\\xe2\\x82" },
                { SPAN_INIT("\xed\xa0\x80x"), "\\xed\\xa0\\x80x" },
        };
        struct buf b = BUF_INIT(100);

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                buf_clear(&b);
                text_put_safe(&b, t[i].in);
                assert_string_equal(buf_cstr(&b), t[i].want);
        }
        buf_done(&b);
}

/* Where the quotes end is told by nothing within them. */
static void quotes_end_where_they_do(void **state)
{
        static const struct {
                struct span in;
                const char *out;
        } t[] = {
                { SPAN_INIT(""), "\"\"" },         { SPAN_INIT("a b"), "\"a b\"" },
                { SPAN_INIT("\""), "\"\\\"\"" },   { SPAN_INIT("a\", \"b"), "\"a\\\", \\\"b\"" },
                { SPAN_INIT("a\\"), "\"a\\\\\"" }, { SPAN_INIT("a\\\"\n"), "\"a\\\\\\\"\\x0a\"" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(100);

                text_put_quoted(&b, t[i].in);
                assert_string_equal(buf_cstr(&b), t[i].out);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_numbers),
                cmocka_unit_test(writes_numbers),
                cmocka_unit_test(hex_has_one_spelling),
                cmocka_unit_test(hex_digits_of_others_have_two),
                cmocka_unit_test(percents_are_undone_a_byte_at_a_time),
                cmocka_unit_test(base64_vectors),
                cmocka_unit_test(base64_is_strict),
                cmocka_unit_test(utf8_bounds),
                cmocka_unit_test(what_is_no_utf8_goes),
                cmocka_unit_test(utf8_every_code_point),
                cmocka_unit_test(times_both_ways),
                cmocka_unit_test(times_refused),
                cmocka_unit_test(times_of_any),
                cmocka_unit_test(times_every_day),
                cmocka_unit_test(hostile_text_is_escaped),
                cmocka_unit_test(quotes_end_where_they_do),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
