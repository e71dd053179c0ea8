/* SPDX-License-Identifier: Apache-2.0 */
/* regex_escape.c - what a backslash begins in a pattern of ECMA-262, respelled for PCRE2.  Floor 2,
 * pure.  SECURITY: reads hostile bytes. */
#include "package/regex/regex_priv.h"

#include "base/text.h"

/* Blanks and line ends as ECMA-262 counts them, and all others; digits and letters.  Spelled out
 * for brackets, where PCRE2 up to 10.42 at least takes [^\D\p{L}] for something else. */
#define SPACES                                                                                     \
        "\\x{9}-\\x{d} \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"    \
        "\\x{3000}\\x{feff}"
#define NO_SPACES                                                                                  \
        "\\x{0}-\\x{8}\\x{e}-\\x{1f}!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"                 \
        "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"             \
        "\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"
#define DIGITS     "0-9"
#define NO_DIGITS  "\\x{0}-\\x{2f}\\x{3a}-\\x{10ffff}"
#define LETTERS    "0-9A-Za-z\\x{5f}"
#define NO_LETTERS "\\x{0}-\\x{2f}\\x{3a}-\\x{40}\\x{5b}-\\x{5e}\\x{60}\\x{7b}-\\x{10ffff}"

enum { LAST_POINT = 0x10ffff };

/* Exactly n digits. */
static bool take_hex(struct regex_reader *r, unsigned n, uint32_t *ret)
{
        uint32_t v = 0;

        for (unsigned i = 0; i < n; i++) {
                int d = r->at + i < r->s.n ? text_hex_digit(r->s.p[r->at + i]) : -1;

                if (d < 0)
                        return false;
                v = v << 4 | (uint32_t)d;
        }
        r->at += n;
        *ret = v;
        return true;
}

/* Behind \u{ */
static bool take_braced(struct regex_reader *r, uint32_t *ret)
{
        uint32_t v = 0, digit;

        if (regex_peek(r) == '}')
                return false;
        while (take_hex(r, 1, &digit)) {
                v = v << 4 | digit;
                if (v > LAST_POINT)
                        return false;
        }
        *ret = v;
        return regex_take(r, "}");
}

/* Behind \u */
static bool take_unicode(struct regex_reader *r, uint32_t *ret)
{
        uint32_t v, low;

        if (regex_take(r, "{"))
                return take_braced(r, ret) && (*ret < 0xd800 || *ret > 0xdfff);
        if (!take_hex(r, 4, &v))
                return false;
        if (v >= 0xd800 && v <= 0xdbff && regex_take(r, "\\u") && take_hex(r, 4, &low) &&
            low >= 0xdc00 && low <= 0xdfff)
                v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
        *ret = v;
        return v < 0xd800 || v > 0xdfff;
}

/* General categories: how PCRE2 and how ECMA-262 call them. */
static const struct {
        const char *name, *others[3];
} categories[] = {
        { "C", { "C", "Other" } },
        { "Cc", { "Cc", "Control", "cntrl" } },
        { "Cf", { "Cf", "Format" } },
        { "Cn", { "Cn", "Unassigned" } },
        { "Co", { "Co", "Private_Use" } },
        { "Cs", { "Cs", "Surrogate" } },
        { "L", { "L", "Letter" } },
        { "L&", { "LC", "Cased_Letter" } },
        { "Ll", { "Ll", "Lowercase_Letter" } },
        { "Lm", { "Lm", "Modifier_Letter" } },
        { "Lo", { "Lo", "Other_Letter" } },
        { "Lt", { "Lt", "Titlecase_Letter" } },
        { "Lu", { "Lu", "Uppercase_Letter" } },
        { "M", { "M", "Mark", "Combining_Mark" } },
        { "Mc", { "Mc", "Spacing_Mark" } },
        { "Me", { "Me", "Enclosing_Mark" } },
        { "Mn", { "Mn", "Nonspacing_Mark" } },
        { "N", { "N", "Number" } },
        { "Nd", { "Nd", "Decimal_Number", "digit" } },
        { "Nl", { "Nl", "Letter_Number" } },
        { "No", { "No", "Other_Number" } },
        { "P", { "P", "Punctuation", "punct" } },
        { "Pc", { "Pc", "Connector_Punctuation" } },
        { "Pd", { "Pd", "Dash_Punctuation" } },
        { "Pe", { "Pe", "Close_Punctuation" } },
        { "Pf", { "Pf", "Final_Punctuation" } },
        { "Pi", { "Pi", "Initial_Punctuation" } },
        { "Po", { "Po", "Other_Punctuation" } },
        { "Ps", { "Ps", "Open_Punctuation" } },
        { "S", { "S", "Symbol" } },
        { "Sc", { "Sc", "Currency_Symbol" } },
        { "Sk", { "Sk", "Modifier_Symbol" } },
        { "Sm", { "Sm", "Math_Symbol" } },
        { "So", { "So", "Other_Symbol" } },
        { "Z", { "Z", "Separator" } },
        { "Zl", { "Zl", "Line_Separator" } },
        { "Zp", { "Zp", "Paragraph_Separator" } },
        { "Zs", { "Zs", "Space_Separator" } },
};

static const char *category_of(struct span name)
{
        for (size_t i = 0; i < ARRAY_LEN(categories); i++)
                for (size_t j = 0; j < ARRAY_LEN(categories[i].others); j++)
                        if (categories[i].others[j] && span_eq_str(name, categories[i].others[j]))
                                return categories[i].name;
        return NULL;
}

/* Behind \p or \P. */
static int read_category(struct regex_reader *r, size_t start, char letter)
{
        const char *name = NULL;
        const uint8_t *end = NULL;

        if (regex_take(r, "{")) {
                if (!regex_take(r, "General_Category="))
                        (void)regex_take(r, "gc=");
                if (r->at < r->s.n)
                        end = memchr(r->s.p + r->at, '}', r->s.n - r->at);
        }
        if (end)
                name = category_of(span_of(r->s.p + r->at, (size_t)(end - r->s.p) - r->at));
        if (!name)
                return regex_fail(r, start,
                                  "of properties only general categories are supported: "
                                  "\\p{L}, \\p{Lowercase_Letter} ...");
        r->at = (size_t)(end - r->s.p) + 1;
        buf_printf(r->out, "\\%c{%s}", letter, name);
        return 0;
}

/* The character that an escape of one letter stands for; 0: none. */
static uint32_t control_of(uint8_t c)
{
        static const char letters[] = "fnrtv", means[] = "\f\n\r\t\v";
        const char *found = c ? strchr(letters, c) : NULL;

        return found ? (uint8_t)means[found - letters] : 0;
}

/* Those of one character; r->at is behind the letter. */
static int read_point_escape(struct regex_reader *r, size_t start, uint8_t c, uint32_t *ret)
{
        uint8_t next = regex_peek(r);
        bool good = true;

        *ret = control_of(c);
        if (*ret)
                return 0;
        if (c == '0')
                good = !regex_is_digit(next);
        else if (c == 'x')
                good = take_hex(r, 2, ret);
        else if (c == 'u')
                good = take_unicode(r, ret);
        else if (c == 'c' && regex_is_letter(next)) {
                r->at++;
                *ret = next & 0x1f;
        } else if (regex_is_digit(c) || c == 'k')
                return regex_fail(r, start, "back-references (\\1, \\k<name>) are not supported");
        else if (c >= ' ' && c < 0x7f && !regex_is_letter(c))
                *ret = c;
        else
                good = false;
        return good ? 0 : regex_fail(r, start, "no such escape in ECMA-262");
}

/* Of one letter; false: there is none of this letter. */
static bool put_set(struct regex_reader *r, uint8_t letter, bool brackets)
{
        static const struct {
                char letter;
                const char *text;
        } sets[] = {
                { 'd', DIGITS },    { 'D', NO_DIGITS }, { 's', SPACES },
                { 'S', NO_SPACES }, { 'w', LETTERS },   { 'W', NO_LETTERS },
        };

        for (size_t i = 0; i < ARRAY_LEN(sets); i++)
                if (letter == (uint8_t)sets[i].letter) {
                        buf_printf(r->out, brackets ? "%s" : "[%s]", sets[i].text);
                        return true;
                }
        return false;
}

int regex_read_escape(struct regex_reader *r, bool brackets, struct regex_atom *ret)
{
        size_t start = r->at++;
        uint8_t c = regex_peek(r);

        if (r->at == r->s.n)
                return regex_fail(r, start, "a backslash at the end");
        r->at++;
        *ret = (struct regex_atom){ .set = true };
        if (put_set(r, c, brackets))
                return 0;
        if (c == 'p' || c == 'P')
                return read_category(r, start, (char)c);
        ret->set = false;
        if (brackets && c == 'b') {
                ret->point = '\b';
                return 0;
        }
        return read_point_escape(r, start, c, &ret->point);
}
