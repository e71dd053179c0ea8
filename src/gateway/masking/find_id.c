/* SPDX-License-Identifier: Apache-2.0 */
/* find_id.c - national ids.  Floor 3, pure.  SECURITY: hostile text.
 *
 * Sources: HMRC, NIM39110 (national insurance numbers); Spain, Real Decreto 1553/2005 and Orden
 * INT/2058/2008 (NIF, NIE); Italy, DM 23 dicembre 1976 (codice fiscale); Netherlands, "elfproef" of
 * the BSN; Sweden, Skatteverket SKV 704 (personnummer, samordningsnummer); Poland, ustawa o
 * ewidencji ludnosci, art. 15 (PESEL); Germany, section 139b AO and ISO/IEC 7064, MOD 11,10. */
#include "gateway/masking/find_priv.h"

/* ---- United Kingdom ---- */

static bool is_one_of(uint8_t c, const char *set)
{
        return memchr(set, find_upper(c), strlen(set)) != NULL;
}

/* Without a check digit: with its blanks it is one, without them codes look like it. */
static bool is_nino(struct span t, bool *ret_weak)
{
        static const char never[][3] = { "BG", "GB", "KN", "NK", "NT", "TN", "ZZ" };
        uint8_t prefix[2];

        *ret_weak = find_shape(t, "AA999999A");
        if (!*ret_weak && !find_shape(t, "AA 99 99 99 A"))
                return false;
        prefix[0] = find_upper(t.p[0]);
        prefix[1] = find_upper(t.p[1]);
        for (size_t i = 0; i < ARRAY_LEN(never); i++)
                if (memcmp(prefix, never[i], 2) == 0)
                        return false;
        return !is_one_of(prefix[0], "DFIQUV") && !is_one_of(prefix[1], "DFIOQUV") &&
               is_one_of(t.p[t.n - 1], "ABCD");
}

/* ---- Spain ---- */

static bool is_nif(struct span t)
{
        static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
        bool nie = find_shape(t, "A9999999A") || find_shape(t, "A9999999-A");
        uint8_t first = t.n ? find_upper(t.p[0]) : 0;
        uint64_t number;

        if (!nie && !find_shape(t, "99999999A") && !find_shape(t, "99999999-A"))
                return false;
        if (nie && (first < 'X' || first > 'Z'))
                return false;
        number = nie ? (uint64_t)(first - 'X') * 10000000 + find_number(t.p + 1, 7)
                     : find_number(t.p, 8);
        return number > 0 && find_upper(t.p[t.n - 1]) == (uint8_t)letters[number % 23];
}

/* ---- Italy ---- */

enum { CODICE = 16 };

/* Of digits, where two people would have the same code, letters may stand. */
static int codice_digit(uint8_t c)
{
        static const char letters[] = "LMNPQRSTUV";
        const char *at;

        if (find_digit(c))
                return c - '0';
        at = memchr(letters, find_upper(c), sizeof letters - 1);
        return at ? (int)(at - letters) : -1;
}

static bool codice_shape(struct span t)
{
        static const char shape[] = "AAAAAA99A99A999A"; /* names, year, month, day, place, check */
        int day;

        if (t.n != CODICE)
                return false;
        for (size_t i = 0; i < CODICE; i++)
                if (shape[i] == 'A' ? !find_letter(t.p[i]) : codice_digit(t.p[i]) < 0)
                        return false;
        day = codice_digit(t.p[9]) * 10 + codice_digit(t.p[10]);
        return is_one_of(t.p[8], "ABCDEHLMPRST") &&
               ((day >= 1 && day <= 31) || (day >= 41 && day <= 71)); /* women: 40 more */
}

static bool is_codice(struct span t)
{
        /* what a letter, or the digit of its place in the alphabet, counts in odd places */
        static const uint8_t odd[26] = { 1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                         20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23 };
        unsigned sum = 0;

        if (!codice_shape(t))
                return false;
        for (size_t i = 0; i < CODICE - 1; i++) {
                uint8_t c = find_upper(t.p[i]);
                unsigned v = find_digit(c) ? c - '0' : c - 'A';

                sum += i % 2 == 0 ? odd[v] : v;
        }
        return sum % 26 == (unsigned)(find_upper(t.p[CODICE - 1]) - 'A');
}

/* ---- numbers that begin with a date ---- */

static bool is_date(uint64_t month, uint64_t day)
{
        static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

        return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

/* Ten digits behind the century. */
static bool is_swedish(const uint8_t d[10])
{
        uint64_t day = find_number(d + 4, 2);

        if (day > 60) /* a coordination number */
                day -= 60;
        return is_date(find_number(d + 2, 2), day) && find_luhn(d, 10);
}

static bool is_personnummer(struct span t, bool *ret_weak)
{
        bool century = find_shape(t, "99999999-9999"), bare = find_shape(t, "999999999999");
        uint8_t d[10];
        size_t from = century || bare ? 2 : 0;

        if (!century && !bare && !find_shape(t, "999999-9999") && !find_shape(t, "999999+9999"))
                return false;
        if (from && (find_number(t.p, 2) < 18 || find_number(t.p, 2) > 20))
                return false;
        memcpy(d, t.p + from, 6);
        memcpy(d + 6, t.p + t.n - 4, 4);
        *ret_weak = bare; /* 202611261200 is a time as well */
        return is_swedish(d);
}

/* The month tells the century: 80 more for 18.., 20 for 20.., 40 for 21.., 60 for 22... */
static bool is_pesel(struct span t)
{
        static const uint8_t weights[] = { 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1 };
        unsigned sum = 0;

        if (!find_shape(t, "99999999999"))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(weights); i++)
                sum += (unsigned)(t.p[i] - '0') * weights[i];
        return sum % 10 == 0 && is_date(find_number(t.p + 2, 2) % 20, find_number(t.p + 4, 2));
}

/* ---- Netherlands ---- */

static bool is_bsn(struct span t)
{
        int sum = 0;

        if (!find_shape(t, "999999999") || find_number(t.p, 9) == 0)
                return false;
        for (int i = 0; i < 9; i++)
                sum += (t.p[i] - '0') * (i < 8 ? 9 - i : -1);
        return sum % 11 == 0;
}

/* ---- Germany ---- */

enum { STEUER_ID = 11 };

/* Of the first ten digits one stands there twice or three times, all others once or not at all. */
static bool steuer_digits(const uint8_t *d)
{
        unsigned counts[10] = { 0 }, more = 0;

        for (size_t i = 0; i < STEUER_ID - 1; i++)
                counts[d[i] - '0']++;
        for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
                if (counts[i] > 3)
                        return false;
                more += counts[i] > 1;
        }
        return more == 1;
}

static bool is_steuer_id(struct span t, bool *ret_weak)
{
        bool grouped = find_shape(t, "99 999 999 999");
        unsigned product = 10;
        uint8_t d[STEUER_ID];
        size_t n = 0;

        if (!grouped && !find_shape(t, "99999999999"))
                return false;
        for (size_t i = 0; i < t.n; i++)
                if (t.p[i] != ' ')
                        d[n++] = t.p[i];
        if (d[0] == '0' || !steuer_digits(d))
                return false;
        for (size_t i = 0; i < STEUER_ID - 1; i++) {
                unsigned sum = ((unsigned)(d[i] - '0') + product) % 10;

                product = 2 * (sum ? sum : 10) % 11;
        }
        *ret_weak = !grouped;
        return (11 - product) % 10 == (unsigned)(d[STEUER_ID - 1] - '0');
}

/* ---- all of them ---- */

bool find_national_id(struct span t, bool *ret_weak)
{
        bool weak = false;

        *ret_weak = false;
        if (is_nif(t) || is_codice(t))
                return true;
        if (is_nino(t, &weak) || is_personnummer(t, &weak) || is_steuer_id(t, &weak)) {
                *ret_weak = weak;
                return true;
        }
        *ret_weak = is_pesel(t) || is_bsn(t);
        return *ret_weak;
}
