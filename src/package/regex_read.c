/* SPDX-License-Identifier: Apache-2.0 */
/* regex_read.c - a pattern of ECMA-262 respelled for PCRE2.  Floor 2, pure.  SECURITY: reads
 * hostile bytes.
 *
 * What is written is a part of PCRE2's language in which nothing has a second meaning: groups that
 * do not capture, characters that are no letters or digits as numbers.  Differences that are
 * bridged: `.` stops at four line ends, \s knows the blanks of Unicode, `[` in brackets is nothing
 * special, \v, \u and \c. */
#include "package/regex.h"

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
#define ANY        "[^\\x{a}\\x{d}\\x{2028}\\x{2029}]"

enum { LAST_POINT = 0x10ffff };

struct reader {
        struct span s;
        size_t at;
        struct buf *out;
        struct err *err;
        bool repeats; /* a quantifier may follow what was read last ... */
        size_t last;  /* ... which begins here in out */
        unsigned depth;
        struct {
                bool looks; /* it is a look-around */
                size_t at;  /* in out */
        } group[REGEX_NEST_MAX];
};

/* One element of a pattern or of brackets. */
struct atom {
        bool set; /* many characters, already written; else: */
        uint32_t point;
};

static int fail_at(const struct reader *r, size_t at, const char *what)
{
        unsigned character = 1;

        for (size_t i = 0; i < at && i < r->s.n; i++)
                character += (r->s.p[i] & 0xc0) != 0x80;
        return err_set(r->err, -EINVAL, "character %u: %s", character, what);
}

static uint8_t peek(const struct reader *r)
{
        return r->at < r->s.n ? r->s.p[r->at] : 0;
}

static bool take(struct reader *r, const char *word)
{
        struct span w = span_str(word);

        if (!span_starts(span_from(r->s, r->at), w))
                return false;
        r->at += w.n;
        return true;
}

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static int next_point(struct reader *r, uint32_t *ret)
{
        unsigned n = text_utf8_first(span_from(r->s, r->at), ret);

        if (n == 0)
                return fail_at(r, r->at, "not UTF-8");
        r->at += n;
        return 0;
}

static void put_point(struct reader *r, uint32_t point)
{
        if (point < 0x80 && (is_digit((uint8_t)point) || is_letter((uint8_t)point)))
                buf_put_byte(r->out, (uint8_t)point);
        else
                buf_printf(r->out, "\\x{%x}", (unsigned)point);
}

/* ---- escapes ---- */

/* Exactly n digits. */
static bool take_hex(struct reader *r, unsigned n, uint32_t *ret)
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
static bool take_braced(struct reader *r, uint32_t *ret)
{
        uint32_t v = 0, digit;

        if (peek(r) == '}')
                return false;
        while (take_hex(r, 1, &digit)) {
                v = v << 4 | digit;
                if (v > LAST_POINT)
                        return false;
        }
        *ret = v;
        return take(r, "}");
}

/* Behind \u */
static bool take_unicode(struct reader *r, uint32_t *ret)
{
        uint32_t v, low;

        if (take(r, "{"))
                return take_braced(r, ret) && (*ret < 0xd800 || *ret > 0xdfff);
        if (!take_hex(r, 4, &v))
                return false;
        if (v >= 0xd800 && v <= 0xdbff && take(r, "\\u") && take_hex(r, 4, &low) && low >= 0xdc00 &&
            low <= 0xdfff)
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
static int read_category(struct reader *r, size_t start, char letter)
{
        const char *name = NULL;
        const uint8_t *end = NULL;

        if (take(r, "{")) {
                if (!take(r, "General_Category="))
                        (void)take(r, "gc=");
                if (r->at < r->s.n)
                        end = memchr(r->s.p + r->at, '}', r->s.n - r->at);
        }
        if (end)
                name = category_of(span_of(r->s.p + r->at, (size_t)(end - r->s.p) - r->at));
        if (!name)
                return fail_at(r, start,
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
static int read_point_escape(struct reader *r, size_t start, uint8_t c, uint32_t *ret)
{
        uint8_t next = peek(r);
        bool good = true;

        *ret = control_of(c);
        if (*ret)
                return 0;
        if (c == '0')
                good = !is_digit(next);
        else if (c == 'x')
                good = take_hex(r, 2, ret);
        else if (c == 'u')
                good = take_unicode(r, ret);
        else if (c == 'c' && is_letter(next)) {
                r->at++;
                *ret = next & 0x1f;
        } else if (is_digit(c) || c == 'k')
                return fail_at(r, start, "back-references (\\1, \\k<name>) are not supported");
        else if (c >= ' ' && c < 0x7f && !is_letter(c))
                *ret = c;
        else
                good = false;
        return good ? 0 : fail_at(r, start, "no such escape in ECMA-262");
}

/* Of one letter; false: there is none of this letter. */
static bool put_set(struct reader *r, uint8_t letter, bool brackets)
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

/* From the backslash. */
static int read_escape(struct reader *r, bool brackets, struct atom *ret)
{
        size_t start = r->at++;
        uint8_t c = peek(r);

        if (r->at == r->s.n)
                return fail_at(r, start, "a backslash at the end");
        r->at++;
        *ret = (struct atom){ .set = true };
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

/* ---- brackets ---- */

static int read_bracket_atom(struct reader *r, struct atom *ret)
{
        if (peek(r) == '\\')
                return read_escape(r, true, ret);
        *ret = (struct atom){ 0 };
        return next_point(r, &ret->point);
}

/* A minus that is between two atoms. */
static bool takes_range(struct reader *r)
{
        if (peek(r) != '-' || r->at + 1 == r->s.n || r->s.p[r->at + 1] == ']')
                return false;
        r->at++;
        return true;
}

static int read_range(struct reader *r)
{
        size_t start = r->at;
        struct atom from, to;
        int rc = read_bracket_atom(r, &from);

        if (rc < 0)
                return rc;
        if (!from.set)
                put_point(r, from.point);
        if (!takes_range(r))
                return 0;
        buf_put_byte(r->out, '-');
        rc = read_bracket_atom(r, &to);
        if (rc < 0)
                return rc;
        if (from.set || to.set)
                return fail_at(r, start, "a range is from one character to another");
        if (from.point > to.point)
                return fail_at(r, start, "a range is out of order");
        put_point(r, to.point);
        return 0;
}

/* From the opening one. */
static int read_brackets(struct reader *r)
{
        size_t start = r->at++;
        int rc = 0;

        buf_put_str(r->out, take(r, "^") ? "[^" : "[");
        while (rc == 0 && r->at < r->s.n && peek(r) != ']')
                rc = read_range(r);
        if (rc == 0 && r->at == r->s.n)
                rc = fail_at(r, start, "`[` has no `]`");
        if (rc < 0)
                return rc;
        r->at++;
        buf_put_byte(r->out, ']');
        return 0;
}

/* ---- groups and quantifiers ---- */

/* Behind (?< */
static bool take_name(struct reader *r)
{
        if (is_digit(peek(r)) || peek(r) == '>')
                return false;
        while (is_digit(peek(r)) || is_letter(peek(r)) || peek(r) == '_' || peek(r) == '$')
                r->at++;
        return take(r, ">");
}

static int open_group(struct reader *r)
{
        static const char *const looks[] = { "(?=", "(?!", "(?<=", "(?<!" };
        size_t start = r->at;

        if (r->depth == REGEX_NEST_MAX)
                return fail_at(r, start, "groups are nested too deep");
        r->group[r->depth].at = r->out->n;
        for (size_t i = 0; i < ARRAY_LEN(looks); i++)
                if (take(r, looks[i])) {
                        buf_put_str(r->out, looks[i]);
                        r->group[r->depth++].looks = true;
                        return 0;
                }
        if (take(r, "(?<")) {
                if (!take_name(r))
                        return fail_at(r, start, "a group without a good name");
        } else if (!take(r, "(?:")) {
                r->at++;
                if (peek(r) == '?')
                        return fail_at(r, start, "no such group in ECMA-262");
        }
        buf_put_str(r->out, "(?:");
        r->group[r->depth++].looks = false;
        return 0;
}

static int close_group(struct reader *r)
{
        if (r->depth == 0)
                return fail_at(r, r->at, "`)` has no `(`");
        r->at++;
        buf_put_byte(r->out, ')');
        r->depth--;
        r->repeats = !r->group[r->depth].looks;
        r->last = r->group[r->depth].at;
        return 0;
}

static bool take_count(struct reader *r, uint32_t *ret)
{
        uint32_t v = 0;

        if (!is_digit(peek(r)))
                return false;
        for (; is_digit(peek(r)); r->at++)
                v = MIN_OF(v * 10 + (uint32_t)(peek(r) - '0'), REGEX_REPEAT_MAX + 1u);
        *ret = v;
        return true;
}

/* From the brace. */
static int read_counts(struct reader *r)
{
        size_t start = r->at++;
        uint32_t least = 0, most = 0;
        bool open = false, good = take_count(r, &least);

        most = least;
        if (good && take(r, ","))
                open = !take_count(r, &most);
        if (!good || !take(r, "}"))
                return fail_at(r, start, "no quantifier; `{` itself is written \\{");
        if (least > REGEX_REPEAT_MAX || (!open && most > REGEX_REPEAT_MAX))
                return fail_at(r, start, "repeated more than 65535 times");
        if (!open && least > most)
                return fail_at(r, start, "a quantifier is out of order");
        /* PCRE2 up to 10.42 at least takes (?:a|^){0}b for anchored: it is left out. */
        if (!open && most == 0)
                r->out->n = r->last;
        else if (open)
                buf_printf(r->out, "{%u,}", least);
        else
                buf_printf(r->out, "{%u,%u}", least, most);
        return 0;
}

static int read_quantifier(struct reader *r)
{
        int rc = 0;

        if (!r->repeats)
                return fail_at(r, r->at, "there is nothing to repeat");
        if (peek(r) == '{')
                rc = read_counts(r);
        else
                buf_put_byte(r->out, r->s.p[r->at++]);
        if (rc == 0 && take(r, "?") && r->out->n > r->last)
                buf_put_byte(r->out, '?');
        r->repeats = false;
        return rc;
}

/* ---- the whole ---- */

/* .* at the beginning finds what is found without it, but tries much more. */
static void skip_anything(struct reader *r)
{
        if (r->depth == 0 && take(r, ".*"))
                (void)take(r, "?");
}

static int read_other(struct reader *r)
{
        struct atom a = { 0 };
        int rc;

        if (peek(r) == '\\' && r->at + 1 < r->s.n && (r->s.p[r->at + 1] | 0x20) == 'b') {
                buf_printf(r->out, "\\%c", r->s.p[r->at + 1]);
                r->at += 2;
                return 0;
        }
        r->repeats = true;
        rc = peek(r) == '\\' ? read_escape(r, false, &a) : next_point(r, &a.point);
        if (rc == 0 && !a.set)
                put_point(r, a.point);
        return rc;
}

static int read_next(struct reader *r)
{
        uint8_t c = peek(r);

        switch (c) {
        case '*':
        case '+':
        case '?':
        case '{':
                return read_quantifier(r);
        case ')':
                return close_group(r);
        case '}':
        case ']':
                return fail_at(r, r->at, "`}` and `]` themselves are written \\} and \\]");
        default:
                break;
        }
        r->repeats = false;
        r->last = r->out->n;
        switch (c) {
        case '^':
        case '$':
        case '|':
                buf_put_byte(r->out, c);
                r->at++;
                if (c == '|')
                        skip_anything(r);
                return 0;
        case '(':
                return open_group(r);
        case '[':
                r->repeats = true;
                return read_brackets(r);
        case '.':
                r->at++;
                r->repeats = true;
                buf_put_str(r->out, ANY);
                return 0;
        default:
                return read_other(r);
        }
}

/* Also one that is in brackets: it costs little. */
static bool looks_around(struct span pattern)
{
        for (size_t i = 0; i < pattern.n; i++) {
                struct span rest = span_from(pattern, i);

                if (span_starts(rest, SPAN("(?=")) || span_starts(rest, SPAN("(?!")) ||
                    span_starts(rest, SPAN("(?<")))
                        return true;
        }
        return false;
}

int regex_read(struct span pattern, struct buf *out, struct err *err)
{
        struct reader r = { .s = pattern, .out = out, .err = err };
        int rc = 0;

        if (pattern.n > REGEX_MAX)
                return err_set(err, -EINVAL, "longer than %d bytes", REGEX_MAX);
        /* PCRE2 up to 10.42 at least wants two of them for (?=a).?a and looks no further. */
        if (looks_around(pattern))
                buf_put_str(out, "(*NO_START_OPT)");
        skip_anything(&r);
        while (rc == 0 && r.at < pattern.n)
                rc = read_next(&r);
        if (rc == 0 && r.depth > 0)
                rc = fail_at(&r, pattern.n, "`(` has no `)`");
        if (rc == 0 && buf_status(out) < 0)
                rc = err_set(err, buf_status(out), "no room for a pattern");
        return rc;
}
