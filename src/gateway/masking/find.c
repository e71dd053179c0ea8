/* SPDX-License-Identifier: Apache-2.0 */
/* find.c - e-mail addresses, US social security numbers, and which kind a text is.  Floor 3, pure.
 * SECURITY: hostile text. */
#include "gateway/masking/find_priv.h"

#include "package/schema/schema_format.h"

enum { SHORTEST = 6 /* a@b.cd */ };

static const char *const names[FIND_KINDS] = {
        [FIND_NONE] = "none",   [FIND_CARD] = "card", [FIND_IBAN] = "iban",
        [FIND_EMAIL] = "email", [FIND_SSN] = "ssn",   [FIND_NATIONAL_ID] = "national_id",
};

const char *find_kind_name(enum find_kind k)
{
        assert(k < FIND_KINDS);
        return names[k];
}

/* ---- what the others share ---- */

bool find_shape(struct span text, const char *shape)
{
        size_t i = 0;

        for (; i < text.n && shape[i]; i++) {
                bool fits = shape[i] == '9'   ? find_digit(text.p[i])
                            : shape[i] == 'A' ? find_letter(text.p[i])
                                              : text.p[i] == (uint8_t)shape[i];

                if (!fits)
                        return false;
        }
        return i == text.n && !shape[i];
}

uint64_t find_number(const uint8_t *digits, size_t n)
{
        uint64_t v = 0;

        for (size_t i = 0; i < n; i++)
                v = v * 10 + (uint64_t)(digits[i] - '0');
        return v;
}

bool find_luhn(const uint8_t *digits, size_t n)
{
        unsigned sum = 0;

        for (size_t i = 0; i < n; i++) {
                unsigned d = digits[n - 1 - i] - '0';

                d *= 1 + i % 2;
                sum += d > 9 ? d - 9 : d;
        }
        return sum % 10 == 0;
}

/* ---- e-mail ---- */

static bool is_email(struct span text)
{
        size_t letters = 0;

        while (letters < text.n && find_letter(text.p[text.n - 1 - letters]))
                letters++;
        return letters >= 2 && letters < text.n && text.p[text.n - 1 - letters] == '.' &&
               schema_format_fits(API_FORMAT_EMAIL, text);
}

/* ---- US social security numbers ---- */

bool find_ssn(struct span text)
{
        static const char *const advertised[] = { "078-05-1120", "219-09-9999" };
        uint64_t area;

        if (!find_shape(text, "999-99-9999"))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(advertised); i++)
                if (span_eq_str(text, advertised[i]))
                        return false;
        area = find_number(text.p, 3);
        return area != 0 && area != 666 && area < 900 && find_number(text.p + 4, 2) != 0 &&
               find_number(text.p + 7, 4) != 0;
}

/* ---- all of them ---- */

static struct span trim(struct span s)
{
        while (s.n > 0 && s.p[0] == ' ')
                s = span_from(s, 1);
        while (s.n > 0 && s.p[s.n - 1] == ' ')
                s.n--;
        return s;
}

/* All of these begin and end with one; most texts are words, and are not looked at any further. */
static bool has_digits(struct span s)
{
        unsigned n = 0;

        for (size_t i = 0; i < s.n; i++)
                n += find_digit(s.p[i]);
        return n >= 2;
}

enum find_kind find_personal(struct span text, bool *ret_weak)
{
        *ret_weak = false;
        if (text.n < SHORTEST || text.n > FIND_TEXT_MAX)
                return FIND_NONE;
        text = trim(text);
        if (text.n < SHORTEST)
                return FIND_NONE;
        if (memchr(text.p, '@', text.n))
                return is_email(text) ? FIND_EMAIL : FIND_NONE;
        if (!has_digits(text))
                return FIND_NONE;
        if (find_card(text))
                return FIND_CARD;
        if (find_iban(text))
                return FIND_IBAN;
        if (find_ssn(text))
                return FIND_SSN;
        return find_national_id(text, ret_weak) ? FIND_NATIONAL_ID : FIND_NONE;
}
