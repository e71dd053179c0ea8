/* SPDX-License-Identifier: Apache-2.0 */
#include "package/schema/schema_format.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A64 A63 "a"

struct format_case {
        enum api_format format;
        struct span text;
        bool fits;
};

#define FITS(text) SPAN_INIT(text), true
#define NOT(text)  SPAN_INIT(text), false

static void check_cases(const struct format_case *table, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (schema_format_fits(table[i].format, table[i].text) != table[i].fits)
                        fail_msg("%s: %.*s", api_format_name(table[i].format), (int)table[i].text.n,
                                 (const char *)table[i].text.p);
}

/* RFC 3339, sections 5.6 and 5.7, appendix A. */
static void times_are_those_of_rfc_3339(void **state)
{
        static const struct format_case table[] = {
                { API_FORMAT_DATE, FITS("2026-11-26") },
                { API_FORMAT_DATE, FITS("2024-02-29") },
                { API_FORMAT_DATE, NOT("2023-02-29") },
                { API_FORMAT_DATE, NOT("1900-02-29") },
                { API_FORMAT_DATE, FITS("2000-02-29") },
                { API_FORMAT_DATE, NOT("2026-04-31") },
                { API_FORMAT_DATE, NOT("2026-13-01") },
                { API_FORMAT_DATE, NOT("2026-00-01") },
                { API_FORMAT_DATE, NOT("2026-01-00") },
                { API_FORMAT_DATE, NOT("2026-1-01") },
                { API_FORMAT_DATE, NOT("2026-01-01 ") },
                { API_FORMAT_DATE, NOT("20260101") },
                { API_FORMAT_DATE, NOT("") },
                { API_FORMAT_DATE, NOT("2026-01-0\0") },
                { API_FORMAT_TIME, FITS("12:30:45Z") },
                { API_FORMAT_TIME, FITS("12:30:45.123456789012z") },
                { API_FORMAT_TIME, FITS("12:30:45+23:59") },
                { API_FORMAT_TIME, NOT("12:30:45") },
                { API_FORMAT_TIME, NOT("12:30Z") },
                { API_FORMAT_TIME, NOT("24:00:00Z") },
                { API_FORMAT_TIME, NOT("12:60:00Z") },
                { API_FORMAT_TIME, NOT("12:30:61Z") },
                { API_FORMAT_TIME, NOT("12:30:45.Z") },
                { API_FORMAT_TIME, NOT("12:30:45,5Z") },
                { API_FORMAT_TIME, NOT("12:30:45+24:00") },
                { API_FORMAT_TIME, NOT("12:30:45+01:60") },
                { API_FORMAT_TIME, NOT("12:30:45+0100") },
                { API_FORMAT_TIME, NOT("12:30:45+01") },
                { API_FORMAT_TIME, NOT("12:30:45ZZ") },
                /* A second is added at the end of a day in UTC, wherever one is. */
                { API_FORMAT_TIME, FITS("23:59:60Z") },
                { API_FORMAT_TIME, FITS("23:59:60.5+00:00") },
                { API_FORMAT_TIME, NOT("22:59:60Z") },
                { API_FORMAT_TIME, NOT("23:58:60Z") },
                { API_FORMAT_TIME, FITS("15:59:60-08:00") },
                { API_FORMAT_TIME, FITS("01:29:60+01:30") },
                { API_FORMAT_TIME, NOT("23:59:60+01:00") },
                { API_FORMAT_DATE_TIME, FITS("2026-11-26T12:30:45Z") },
                { API_FORMAT_DATE_TIME, FITS("2026-11-26t12:30:45.5-01:00") },
                { API_FORMAT_DATE_TIME, NOT("2026-11-26 12:30:45Z") },
                { API_FORMAT_DATE_TIME, NOT("2026-11-26T12:30:45") },
                { API_FORMAT_DATE_TIME, NOT("2026-11-26") },
                { API_FORMAT_DATE_TIME, NOT("2026-02-30T12:30:45Z") },
                { API_FORMAT_DURATION, FITS("P1Y2M3DT4H5M6S") },
                { API_FORMAT_DURATION, FITS("P4W") },
                { API_FORMAT_DURATION, FITS("PT36H") },
                { API_FORMAT_DURATION, FITS("P1Y") },
                { API_FORMAT_DURATION, FITS("PT1M2S") },
                { API_FORMAT_DURATION, FITS("P2M3D") },
                { API_FORMAT_DURATION, FITS("P123456789012345678901234567890D") },
                { API_FORMAT_DURATION, NOT("P1Y3D") },
                { API_FORMAT_DURATION, NOT("PT1H3S") },
                { API_FORMAT_DURATION, NOT("P") },
                { API_FORMAT_DURATION, NOT("PT") },
                { API_FORMAT_DURATION, NOT("P1YT") },
                { API_FORMAT_DURATION, NOT("P1") },
                { API_FORMAT_DURATION, NOT("PY") },
                { API_FORMAT_DURATION, NOT("P1D1Y") },
                { API_FORMAT_DURATION, NOT("P1Y1Y") },
                { API_FORMAT_DURATION, NOT("P1W1D") },
                { API_FORMAT_DURATION, NOT("P1Y1W") },
                { API_FORMAT_DURATION, NOT("PT0.5S") },
                { API_FORMAT_DURATION, NOT("P1H") },
                { API_FORMAT_DURATION, NOT("P1DT1D") },
                { API_FORMAT_DURATION, NOT("p1d") },
                { API_FORMAT_DURATION, NOT("") },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

/* RFC 1123 section 2.1, RFC 2673 section 3.2, RFC 4291 section 2.2, RFC 5321 section 4.1.2. */
static void names_and_addresses_are_known(void **state)
{
        static const struct format_case table[] = {
                { API_FORMAT_HOSTNAME, FITS("www.example.com") },
                { API_FORMAT_HOSTNAME, FITS("a") },
                { API_FORMAT_HOSTNAME, FITS("1-2.3") },
                { API_FORMAT_HOSTNAME, FITS(A63 ".b") },
                { API_FORMAT_HOSTNAME, NOT(A64 ".b") },
                { API_FORMAT_HOSTNAME, FITS(A63 "." A63 "." A63 "." A61) },
                { API_FORMAT_HOSTNAME, NOT(A63 "." A63 "." A63 "." A61 "a") },
                { API_FORMAT_HOSTNAME, NOT("") },
                { API_FORMAT_HOSTNAME, NOT(".") },
                { API_FORMAT_HOSTNAME, NOT("a.") },
                { API_FORMAT_HOSTNAME, NOT(".a") },
                { API_FORMAT_HOSTNAME, NOT("a..b") },
                { API_FORMAT_HOSTNAME, NOT("-a") },
                { API_FORMAT_HOSTNAME, NOT("a-") },
                { API_FORMAT_HOSTNAME, NOT("a-.b") },
                { API_FORMAT_HOSTNAME, NOT("a.-b") },
                { API_FORMAT_HOSTNAME, NOT("a_b") },
                { API_FORMAT_HOSTNAME, NOT("a b") },
                { API_FORMAT_HOSTNAME, NOT("\xc3\xa9") },
                { API_FORMAT_HOSTNAME, NOT("a\0b") },
                { API_FORMAT_IPV4, FITS("10.0.0.1") },
                { API_FORMAT_IPV4, FITS("255.255.255.255") },
                { API_FORMAT_IPV4, NOT("256.0.0.1") },
                { API_FORMAT_IPV4, NOT("01.2.3.4") },
                { API_FORMAT_IPV4, NOT("1.2.3") },
                { API_FORMAT_IPV4, NOT("1.2.3.4.5") },
                { API_FORMAT_IPV4, NOT("1.2.3.4\0") },
                { API_FORMAT_IPV4, NOT("1.2.3.4 ") },
                { API_FORMAT_IPV4, NOT("0x1.2.3.4") },
                { API_FORMAT_IPV4, NOT("1.2.3.4/8") },
                { API_FORMAT_IPV4, NOT("") },
                { API_FORMAT_IPV6, FITS("::") },
                { API_FORMAT_IPV6, FITS("1:2:3:4:5:6:7:8") },
                { API_FORMAT_IPV6, FITS("fe80::ABCD") },
                { API_FORMAT_IPV6, FITS("::ffff:10.0.0.1") },
                { API_FORMAT_IPV6, FITS("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") },
                { API_FORMAT_IPV6, NOT("1:2:3:4:5:6:7") },
                { API_FORMAT_IPV6, NOT("1:2:3:4:5:6:7:8:9") },
                { API_FORMAT_IPV6, NOT("1::2::3") },
                { API_FORMAT_IPV6, NOT("12345::") },
                { API_FORMAT_IPV6, NOT(":::") },
                { API_FORMAT_IPV6, NOT("::1%eth0") },
                { API_FORMAT_IPV6, NOT("[::1]") },
                { API_FORMAT_IPV6, NOT("::1.2.3") },
                { API_FORMAT_IPV6, NOT("00000000000000000000000000000000000000000000000::1") },
                { API_FORMAT_EMAIL, FITS("joe.bloggs@example.com") },
                { API_FORMAT_EMAIL, FITS("~t!#$%&'*+/=?^_`{|}@a") },
                { API_FORMAT_EMAIL, FITS("\"joe @ \\\"b\\\"\"@example.com") },
                { API_FORMAT_EMAIL, FITS("\"\"@example.com") },
                { API_FORMAT_EMAIL, FITS("a@[127.0.0.1]") },
                { API_FORMAT_EMAIL, FITS("a@[ipv6:::1]") },
                { API_FORMAT_EMAIL, FITS(A64 "@a") },
                { API_FORMAT_EMAIL, NOT(A64 "a@a") },
                { API_FORMAT_EMAIL, NOT("a@" A63 "." A63 "." A63 "." A63) },
                { API_FORMAT_EMAIL, NOT("a") },
                { API_FORMAT_EMAIL, NOT("@a") },
                { API_FORMAT_EMAIL, NOT("a@") },
                { API_FORMAT_EMAIL, NOT(".a@b") },
                { API_FORMAT_EMAIL, NOT("a.@b") },
                { API_FORMAT_EMAIL, NOT("a..b@c") },
                { API_FORMAT_EMAIL, NOT("a b@c") },
                { API_FORMAT_EMAIL, NOT("a@b@c") },
                { API_FORMAT_EMAIL, NOT("\"a@b") },
                { API_FORMAT_EMAIL, NOT("\"a\\") },
                { API_FORMAT_EMAIL, NOT("\"a\"b@c") },
                { API_FORMAT_EMAIL, NOT("\"a\n\"@c") },
                { API_FORMAT_EMAIL, NOT("a@[::1]") },
                { API_FORMAT_EMAIL, NOT("a@[1.2.3.4") },
                { API_FORMAT_EMAIL, NOT("a@[") },
                { API_FORMAT_EMAIL, NOT("a@[]") },
                { API_FORMAT_EMAIL, NOT("\xc3\xa9@a") },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

/* RFC 3986, RFC 9562, RFC 4648. */
static void identifiers_are_known(void **state)
{
        static const struct format_case table[] = {
                { API_FORMAT_URI, FITS("https://example.com/a/b?c=d#e") },
                { API_FORMAT_URI, FITS("http://u:p@10.0.0.1:80/%20?/?#/?") },
                { API_FORMAT_URI, FITS("ftp://[::1]/") },
                { API_FORMAT_URI, FITS("ftp://[v1f.a:b]") },
                { API_FORMAT_URI, FITS("file:///etc/hosts") },
                { API_FORMAT_URI, FITS("urn:isbn:0451450523") },
                { API_FORMAT_URI, FITS("mailto:a@b.example") },
                { API_FORMAT_URI, FITS("a+b-c.1:") },
                { API_FORMAT_URI, FITS("a:?b") },
                { API_FORMAT_URI, FITS("http://a:") },
                { API_FORMAT_URI, NOT("//a/b") },
                { API_FORMAT_URI, NOT("/a") },
                { API_FORMAT_URI, NOT("a") },
                { API_FORMAT_URI, NOT("") },
                { API_FORMAT_URI, NOT(":a") },
                { API_FORMAT_URI, NOT("1a:b") },
                { API_FORMAT_URI, NOT("a_b:c") },
                { API_FORMAT_URI, NOT("http://a b") },
                { API_FORMAT_URI, NOT("http://a/%2") },
                { API_FORMAT_URI, NOT("http://a/%zz") },
                { API_FORMAT_URI, NOT("http://a/<b>") },
                { API_FORMAT_URI, NOT("http://a/[b]") },
                { API_FORMAT_URI, NOT("http://a#b#c") },
                { API_FORMAT_URI, NOT("http://a:8x/") },
                { API_FORMAT_URI, NOT("http://a:1:2/") },
                { API_FORMAT_URI, NOT("http://a@b@c/") },
                { API_FORMAT_URI, NOT("http://[::1") },
                { API_FORMAT_URI, NOT("http://[]/") },
                { API_FORMAT_URI, NOT("http://[::1]a/") },
                { API_FORMAT_URI, NOT("http://[v.a]/") },
                { API_FORMAT_URI, NOT("http://[vg.a]/") },
                { API_FORMAT_URI, NOT("http://[v1.]/") },
                { API_FORMAT_URI, NOT("http://[v1.%41]/") },
                { API_FORMAT_URI, NOT("http://\xc3\xa9/") },
                { API_FORMAT_URI, NOT("http://a/\0") },
                { API_FORMAT_URI, NOT("http://a\\b/") },
                { API_FORMAT_UUID, FITS("2eb8aa08-aa98-11ea-b4aa-73b441d16380") },
                { API_FORMAT_UUID, FITS("2EB8AA08-AA98-11EA-B4AA-73B441D16380") },
                { API_FORMAT_UUID, FITS("00000000-0000-0000-0000-000000000000") },
                { API_FORMAT_UUID, NOT("2eb8aa08aa9811eab4aa73b441d16380") },
                { API_FORMAT_UUID, NOT("2eb8aa08-aa98-11ea-b4aa-73b441d1638") },
                { API_FORMAT_UUID, NOT("2eb8aa08-aa98-11ea-b4aa-73b441d163800") },
                { API_FORMAT_UUID, NOT("2eb8aa08-aa98-11ea-b4aa-73b441d1638g") },
                { API_FORMAT_UUID, NOT("2eb8aa0-8aa98-11ea-b4aa-73b441d16380") },
                { API_FORMAT_UUID, NOT("urn:uuid:2eb8aa08-aa98-11ea-b4aa-73b441d16380") },
                { API_FORMAT_BYTE, FITS("") },
                { API_FORMAT_BYTE, FITS("QQ==") },
                { API_FORMAT_BYTE, FITS("QUI=") },
                { API_FORMAT_BYTE, FITS("Q+/9") },
                { API_FORMAT_BYTE, NOT("QQ") },
                { API_FORMAT_BYTE, NOT("Q===") },
                { API_FORMAT_BYTE, NOT("====") },
                { API_FORMAT_BYTE, NOT("Q=I=") },
                { API_FORMAT_BYTE, NOT("QQ==\n") },
                { API_FORMAT_BYTE, NOT("Q-_9") },
                { API_FORMAT_BYTE, NOT("QQ==QQ==") },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

static void others_take_any_string(void **state)
{
        static const struct format_case table[] = {
                { API_FORMAT_NONE, FITS("x") },
                { API_FORMAT_INT32, FITS("x") },
                { API_FORMAT_INT64, FITS("x") },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(times_are_those_of_rfc_3339),
                cmocka_unit_test(names_and_addresses_are_known),
                cmocka_unit_test(identifiers_are_known),
                cmocka_unit_test(others_take_any_string),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
