/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/masking/find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
        const char *text;
        enum find_kind want;
        bool weak;
};

static void check_all(const struct row *t, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                bool weak = !t[i].weak;
                enum find_kind got = find_personal(span_str(t[i].text), &weak);

                if (got != t[i].want || weak != t[i].weak)
                        fail_msg("\"%s\": %s%s", t[i].text, find_kind_name(got),
                                 weak ? ", weak" : "");
        }
}

/* Numbers that the schemes give for tests, and their neighbours. */
static void cards(void **state)
{
        static const struct row t[] = {
                { "4111111111111111", FIND_CARD, false },
                { "4111 1111 1111 1111", FIND_CARD, false },
                { "4111-1111-1111-1111", FIND_CARD, false },
                { "  4111111111111111 ", FIND_CARD, false },
                { "5555555555554444", FIND_CARD, false },
                { "2223003122003222", FIND_CARD, false },
                { "378282246310005", FIND_CARD, false },
                { "3782 822463 10005", FIND_CARD, false },
                { "6011111111111117", FIND_CARD, false },
                { "3530111333300000", FIND_CARD, false },
                { "30569309025904", FIND_CARD, false },
                { "6759649826438453", FIND_CARD, false },
                { "4222 222 222 222", FIND_CARD, false },
                { "4222222222222", FIND_NONE, false },
                { "4111111111111112", FIND_NONE, false },
                { "41111111111111111", FIND_NONE, false },
                { "4111-1111 1111-1111", FIND_NONE, false },
                { "4111--1111-1111-1111", FIND_NONE, false },
                { "4111-1111-1111-1111-", FIND_NONE, false },
                { "-4111-1111-1111-1111", FIND_NONE, false },
                { "4-111111111111111", FIND_NONE, false },
                { "41111111 11111111", FIND_NONE, false },
                { "4111.1111.1111.1111", FIND_NONE, false },
                { "card 4111111111111111", FIND_NONE, false },
                { "0000000000000000", FIND_NONE, false },
                { "1234567812345670", FIND_NONE, false }, /* Luhn, but nobody's */
                { "99999999999999999999", FIND_NONE, false },
        };

        check_all(t, ARRAY_LEN(t));
}

/* Examples of the registry of ISO 13616. */
static void ibans(void **state)
{
        static const struct row t[] = {
                { "GB29NWBK60161331926819", FIND_IBAN, false },
                { "GB29 NWBK 6016 1331 9268 19", FIND_IBAN, false },
                { "gb29nwbk60161331926819", FIND_IBAN, false },
                { "DE89370400440532013000", FIND_IBAN, false },
                { "NO9386011117947", FIND_IBAN, false },
                { "NO93 8601 1117 947", FIND_IBAN, false },
                { "MT84MALT011000012345MTLCAST001S", FIND_IBAN, false },
                { "FR1420041010050500013M02606", FIND_IBAN, false },
                { "SC18SSCB11010000000000001497USD", FIND_IBAN, false },
                { "GB29NWBK60161331926818", FIND_NONE, false },
                { "GB29NWBK6016133192681", FIND_NONE, false },
                { "ZZ29NWBK60161331926819", FIND_NONE, false },
                { "GB29 NWBK60161331926819", FIND_NONE, false },
                { "NO93 8601 1117 94 7", FIND_NONE, false },
                { "GB29NWBK6016133192681\xc3\xa9", FIND_NONE, false },
        };

        check_all(t, ARRAY_LEN(t));
}

static void addresses_and_ssns(void **state)
{
        static const struct row t[] = {
                { "ann@example.org", FIND_EMAIL, false },
                { " ann.lee+x@mail.example.co.uk", FIND_EMAIL, false },
                { "a@b.cd", FIND_EMAIL, false },
                { "ann@localhost", FIND_NONE, false },
                { "left-pad@1.3.0", FIND_NONE, false },
                { "Ann <ann@example.org>", FIND_NONE, false },
                { "ann@example.org, bob@example.org", FIND_NONE, false },
                { "@example.org", FIND_NONE, false },
                { "ann@@example.org", FIND_NONE, false },
                { "123-45-6789", FIND_SSN, false },
                { "899-01-0001", FIND_SSN, false },
                { "000-45-6789", FIND_NONE, false },
                { "666-45-6789", FIND_NONE, false },
                { "900-45-6789", FIND_NONE, false },
                { "123-00-6789", FIND_NONE, false },
                { "123-45-0000", FIND_NONE, false },
                { "078-05-1120", FIND_NONE, false },
                { "219-09-9999", FIND_NONE, false },
                { "123 45 6789", FIND_NONE, false },
        };

        check_all(t, ARRAY_LEN(t));
}

/* Numbers that the authorities print as examples, and their neighbours. */
static void national_ids(void **state)
{
        static const struct row t[] = {
                { "AB123456C", FIND_NATIONAL_ID, true },
                { "ab 12 34 56 c", FIND_NATIONAL_ID, false },
                { "QQ123456C", FIND_NONE, false },
                { "GB123456C", FIND_NONE, false },
                { "AO123456C", FIND_NONE, false },
                { "AB123456E", FIND_NONE, false },
                { "12345678Z", FIND_NATIONAL_ID, false },
                { "12345678-z", FIND_NATIONAL_ID, false },
                { "12345678A", FIND_NONE, false },
                { "X1234567L", FIND_NATIONAL_ID, false },
                { "W1234567L", FIND_NONE, false },
                { "RSSMRA85T10A562S", FIND_NATIONAL_ID, false },
                { "rssmra85t10a562s", FIND_NATIONAL_ID, false },
                { "RSSMRA85T10A562T", FIND_NONE, false },
                { "RSSMRA85U10A562S", FIND_NONE, false },
                { "640823-3234", FIND_NATIONAL_ID, false },
                { "640823+3234", FIND_NATIONAL_ID, false },
                { "19640823-3234", FIND_NATIONAL_ID, false },
                { "196408233234", FIND_NATIONAL_ID, true },
                { "640823-3235", FIND_NONE, false },
                { "6408233234", FIND_NONE, false },
                { "701063-2391", FIND_NATIONAL_ID, false },
                { "641323-3233", FIND_NONE, false },
                { "44051401359", FIND_NATIONAL_ID, true },
                { "44051401358", FIND_NONE, false },
                { "111222333", FIND_NATIONAL_ID, true },
                { "111222334", FIND_NONE, false },
                { "000000000", FIND_NONE, false },
                { "86095742719", FIND_NATIONAL_ID, true },
                { "86 095 742 719", FIND_NATIONAL_ID, false },
                { "86095742718", FIND_NONE, false },
                { "65929970489", FIND_NATIONAL_ID, true },
        };

        check_all(t, ARRAY_LEN(t));
}

static void what_is_none_of_these(void **state)
{
        static const struct row t[] = {
                { "", FIND_NONE, false },
                { "12345", FIND_NONE, false },
                { "      ", FIND_NONE, false },
                { "2026-11-26T23:50:00Z", FIND_NONE, false },
                { "1764201000000", FIND_NONE, false },
                { "20261126235000", FIND_NONE, false },
                { "+49 151 23456789", FIND_NONE, false },
                { "6f1d7c2e-4111-4111-8111-111111111111", FIND_NONE, false },
                { "4006381333931", FIND_NONE, false }, /* an article number */
                { "\xff\xfe\xff\xfe\xff\xfe\xff\xfe", FIND_NONE, false },
        };

        check_all(t, ARRAY_LEN(t));
}

/* A card number with blanks around it is one up to the limit; each length is read no further. */
static void long_texts_are_none(void **state)
{
        for (size_t n = 16; n <= 2 * (size_t)FIND_TEXT_MAX; n++) {
                uint8_t *text = malloc(n);
                bool weak;

                assert_non_null(text);
                memset(text, ' ', n);
                memcpy(text, "4111111111111111", 16);
                assert_int_equal(find_personal(span_of(text, n), &weak),
                                 n <= FIND_TEXT_MAX ? FIND_CARD : FIND_NONE);
                free(text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cards),
                cmocka_unit_test(ibans),
                cmocka_unit_test(addresses_and_ssns),
                cmocka_unit_test(national_ids),
                cmocka_unit_test(what_is_none_of_these),
                cmocka_unit_test(long_texts_are_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
