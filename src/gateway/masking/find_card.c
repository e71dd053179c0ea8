/* SPDX-License-Identifier: Apache-2.0 */
/* find_card.c - card numbers and IBANs.  Floor 3, pure.  SECURITY: hostile text.
 *
 * Sources: ISO/IEC 7812-1 (Luhn); the ranges that the schemes publish for acquirers; ISO 13616-1
 * and the registry of SWIFT (lengths by country). */
#include "gateway/masking/find_priv.h"

/* ---- cards ---- */

enum { CARD_MIN = 13, CARD_MAX = 19, PREFIX = 6, GROUP_MIN = 3, GROUP_MAX = 6 };

#define LENGTH(n)         (1u << (n))
#define LENGTHS(from, to) (LENGTH((to) + 1) - LENGTH(from))

/* Of the first six digits, ascending. */
static const struct range {
        uint32_t from, to;
        unsigned lengths;
} ranges[] = {
        { 220000, 220499, LENGTHS(16, 19) },                      /* Mir */
        { 222100, 272099, LENGTH(16) },                           /* Mastercard */
        { 300000, 305999, LENGTH(14) | LENGTH(16) },              /* Diners Club */
        { 309500, 309599, LENGTH(14) | LENGTH(16) },              /* Diners Club */
        { 340000, 349999, LENGTH(15) },                           /* American Express */
        { 352800, 358999, LENGTHS(16, 19) },                      /* JCB */
        { 360000, 369999, LENGTH(14) | LENGTH(16) },              /* Diners Club */
        { 370000, 379999, LENGTH(15) },                           /* American Express */
        { 380000, 399999, LENGTH(14) | LENGTH(16) },              /* Diners Club */
        { 400000, 499999, LENGTH(13) | LENGTH(16) | LENGTH(19) }, /* Visa */
        { 501800, 501899, LENGTHS(13, 19) },                      /* Maestro */
        { 501900, 501999, LENGTH(16) },                           /* Dankort */
        { 502000, 502099, LENGTHS(13, 19) },                      /* Maestro */
        { 503800, 503899, LENGTHS(13, 19) },                      /* Maestro */
        { 506099, 506198, LENGTH(16) | LENGTH(18) | LENGTH(19) }, /* Verve */
        { 508500, 508999, LENGTH(16) },                           /* RuPay */
        { 510000, 559999, LENGTH(16) },                           /* Mastercard */
        { 589300, 589399, LENGTHS(13, 19) },                      /* Maestro */
        { 601100, 601199, LENGTHS(16, 19) },                      /* Discover */
        { 606985, 607984, LENGTH(16) },                           /* RuPay */
        { 608001, 608500, LENGTH(16) },                           /* RuPay */
        { 620000, 629999, LENGTHS(16, 19) },                      /* UnionPay */
        { 630400, 630499, LENGTHS(13, 19) },                      /* Maestro */
        { 644000, 659999, LENGTHS(16, 19) },                      /* Discover, RuPay, Verve */
        { 675900, 675999, LENGTHS(13, 19) },                      /* Maestro */
        { 676100, 676399, LENGTHS(13, 19) },                      /* Maestro */
        { 810000, 817199, LENGTHS(16, 19) },                      /* UnionPay */
        { 979200, 979289, LENGTH(16) },                           /* Troy */
};

static bool is_issued(const uint8_t *digits, size_t n)
{
        uint64_t prefix = find_number(digits, PREFIX);

        for (size_t i = 0; i < ARRAY_LEN(ranges) && ranges[i].from <= prefix; i++)
                if (prefix <= ranges[i].to)
                        return ranges[i].lengths & LENGTH(n);
        return false;
}

/* The digits of a text that is all digits, or groups of them with one and the same blank or hyphen
 * between; 0: it is neither, or has more than `max`. */
static size_t take_digits(struct span text, size_t max, uint8_t *digits, bool *ret_grouped)
{
        uint8_t between = 0;
        size_t n = 0, group = 0;

        for (size_t i = 0; i < text.n; i++) {
                uint8_t c = text.p[i];

                if (find_digit(c)) {
                        if (n == max)
                                return 0;
                        digits[n++] = c;
                        group++;
                        continue;
                }
                if ((c != ' ' && c != '-') || (between && c != between) || group < GROUP_MIN ||
                    group > GROUP_MAX)
                        return 0;
                between = c;
                group = 0;
        }
        *ret_grouped = between != 0;
        return between && (group < GROUP_MIN || group > GROUP_MAX) ? 0 : n;
}

bool find_card(struct span text)
{
        uint8_t digits[CARD_MAX];
        bool grouped = false;
        size_t n;

        if (text.n < CARD_MIN || !find_digit(text.p[0]))
                return false;
        n = take_digits(text, CARD_MAX, digits, &grouped);
        if (n < CARD_MIN || (n == CARD_MIN && digits[0] == '4' && !grouped))
                return false;
        return is_issued(digits, n) && find_luhn(digits, n);
}

/* ---- IBAN ---- */

enum { IBAN_MIN = 15, IBAN_MAX = 33, IBAN_GROUP = 4, IBAN_MODULUS = 97 };

/* "NO15": ascending by country. */
static const char countries[][5] = {
        "AD24", "AE23", "AL28", "AT20", "AZ28", "BA20", "BE16", "BG22", "BH22", "BI27",
        "BR29", "BY28", "CH21", "CR22", "CY28", "CZ24", "DE22", "DJ27", "DK18", "DO28",
        "EE20", "EG29", "ES24", "FI18", "FK18", "FO18", "FR27", "GB22", "GE22", "GI23",
        "GL18", "GR27", "GT28", "HN28", "HR21", "HU28", "IE22", "IL23", "IQ23", "IS26",
        "IT27", "JO30", "KW30", "KZ20", "LB28", "LC32", "LI21", "LT20", "LU20", "LV21",
        "LY25", "MC27", "MD24", "ME22", "MK19", "MN20", "MR27", "MT31", "MU30", "NI28",
        "NL18", "NO15", "OM23", "PK24", "PL28", "PS29", "PT25", "QA29", "RO24", "RS22",
        "RU33", "SA24", "SC31", "SD18", "SE24", "SI19", "SK24", "SM27", "SO23", "ST25",
        "SV28", "TL23", "TN24", "TR26", "UA29", "VA22", "VG24", "XK20", "YE30",
};

static size_t length_of(const uint8_t country[2])
{
        for (size_t i = 0; i < ARRAY_LEN(countries); i++)
                if (memcmp(countries[i], country, 2) == 0)
                        return find_number((const uint8_t *)countries[i] + 2, 2);
        return 0;
}

/* In capitals and without the blanks, which stand between groups of four if there are any. */
static size_t take_iban(struct span text, uint8_t *out)
{
        bool grouped = text.n > IBAN_GROUP && text.p[IBAN_GROUP] == ' ';
        size_t n = 0;

        for (size_t i = 0; i < text.n; i++) {
                uint8_t c = text.p[i];

                if (grouped && i % (IBAN_GROUP + 1) == IBAN_GROUP) {
                        if (c != ' ')
                                return 0;
                        continue;
                }
                if (n == IBAN_MAX || !(find_digit(c) || find_letter(c)))
                        return 0;
                out[n++] = find_upper(c);
        }
        return n;
}

bool find_iban(struct span text)
{
        uint8_t iban[IBAN_MAX];
        unsigned rest = 0;
        size_t n;

        if (text.n < IBAN_MIN || !find_letter(text.p[0]) || !find_letter(text.p[1]) ||
            !find_digit(text.p[2]) || !find_digit(text.p[3]))
                return false;
        n = take_iban(text, iban);
        if (n == 0 || n != length_of(iban))
                return false;
        for (size_t i = 0; i < n; i++) { /* from the fifth on, the first four last */
                uint8_t c = iban[(i + 4) % n];

                rest = find_digit(c) ? rest * 10 + (unsigned)(c - '0')
                                     : rest * 100 + (unsigned)(c - 'A') + 10;
                rest %= IBAN_MODULUS;
        }
        /* 00, 01 and 99 are congruent to 97, 98 and 02, and are never given */
        return rest == 1 && find_number(iban + 2, 2) >= 2 && find_number(iban + 2, 2) <= 98;
}
