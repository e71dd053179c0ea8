/* SPDX-License-Identifier: Apache-2.0 */
/* regex_read.c - a pattern of ECMA-262 respelled for PCRE2.  Floor 2, pure.  SECURITY: reads
 * hostile bytes.
 *
 * What is written is a part of PCRE2's language in which nothing has a second meaning: groups that
 * do not capture, characters that are no letters or digits as numbers.  Differences that are
 * bridged: `.` stops at four line ends, \s knows the blanks of Unicode, `[` in brackets is nothing
 * special, \v, \u and \c. */
#include "package/regex/regex_priv.h"

#include "base/text.h"

#define ANY "[^\\x{a}\\x{d}\\x{2028}\\x{2029}]"

int regex_fail(const struct regex_reader *r, size_t at, const char *what)
{
        unsigned character = 1;

        for (size_t i = 0; i < at && i < r->s.n; i++)
                character += (r->s.p[i] & 0xc0) != 0x80;
        return err_set(r->err, -EINVAL, "character %u: %s", character, what);
}

bool regex_take(struct regex_reader *r, const char *word)
{
        struct span w = span_str(word);

        if (!span_starts(span_from(r->s, r->at), w))
                return false;
        r->at += w.n;
        return true;
}

static int next_point(struct regex_reader *r, uint32_t *ret)
{
        unsigned n = text_utf8_first(span_from(r->s, r->at), ret);

        if (n == 0)
                return regex_fail(r, r->at, "not UTF-8");
        r->at += n;
        return 0;
}

static void put_point(struct regex_reader *r, uint32_t point)
{
        if (point < 0x80 && (regex_is_digit((uint8_t)point) || regex_is_letter((uint8_t)point)))
                buf_put_byte(r->out, (uint8_t)point);
        else
                buf_printf(r->out, "\\x{%x}", (unsigned)point);
}

/* ---- brackets ---- */

static int read_bracket_atom(struct regex_reader *r, struct regex_atom *ret)
{
        if (regex_peek(r) == '\\')
                return regex_read_escape(r, true, ret);
        *ret = (struct regex_atom){ 0 };
        return next_point(r, &ret->point);
}

/* A minus that is between two atoms. */
static bool takes_range(struct regex_reader *r)
{
        if (regex_peek(r) != '-' || r->at + 1 == r->s.n || r->s.p[r->at + 1] == ']')
                return false;
        r->at++;
        return true;
}

static int read_range(struct regex_reader *r)
{
        size_t start = r->at;
        struct regex_atom from, to;
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
                return regex_fail(r, start, "a range is from one character to another");
        if (from.point > to.point)
                return regex_fail(r, start, "a range is out of order");
        put_point(r, to.point);
        return 0;
}

/* From the opening one. */
static int read_brackets(struct regex_reader *r)
{
        size_t start = r->at++;
        int rc = 0;

        buf_put_str(r->out, regex_take(r, "^") ? "[^" : "[");
        while (rc == 0 && r->at < r->s.n && regex_peek(r) != ']')
                rc = read_range(r);
        if (rc == 0 && r->at == r->s.n)
                rc = regex_fail(r, start, "`[` has no `]`");
        if (rc < 0)
                return rc;
        r->at++;
        buf_put_byte(r->out, ']');
        return 0;
}

/* ---- groups and quantifiers ---- */

/* Behind (?< */
static bool take_name(struct regex_reader *r)
{
        if (regex_is_digit(regex_peek(r)) || regex_peek(r) == '>')
                return false;
        while (regex_is_digit(regex_peek(r)) || regex_is_letter(regex_peek(r)) ||
               regex_peek(r) == '_' || regex_peek(r) == '$')
                r->at++;
        return regex_take(r, ">");
}

static int open_group(struct regex_reader *r)
{
        static const char *const looks[] = { "(?=", "(?!", "(?<=", "(?<!" };
        size_t start = r->at;

        if (r->depth == REGEX_NEST_MAX)
                return regex_fail(r, start, "groups are nested too deep");
        r->group[r->depth].at = r->out->n;
        for (size_t i = 0; i < ARRAY_LEN(looks); i++)
                if (regex_take(r, looks[i])) {
                        buf_put_str(r->out, looks[i]);
                        r->group[r->depth++].looks = true;
                        return 0;
                }
        if (regex_take(r, "(?<")) {
                if (!take_name(r))
                        return regex_fail(r, start, "a group without a good name");
        } else if (!regex_take(r, "(?:")) {
                r->at++;
                if (regex_peek(r) == '?')
                        return regex_fail(r, start, "no such group in ECMA-262");
        }
        buf_put_str(r->out, "(?:");
        r->group[r->depth++].looks = false;
        return 0;
}

static int close_group(struct regex_reader *r)
{
        if (r->depth == 0)
                return regex_fail(r, r->at, "`)` has no `(`");
        r->at++;
        buf_put_byte(r->out, ')');
        r->depth--;
        r->repeats = !r->group[r->depth].looks;
        r->last = r->group[r->depth].at;
        return 0;
}

static bool take_count(struct regex_reader *r, uint32_t *ret)
{
        uint32_t v = 0;

        if (!regex_is_digit(regex_peek(r)))
                return false;
        for (; regex_is_digit(regex_peek(r)); r->at++)
                v = MIN_OF(v * 10 + (uint32_t)(regex_peek(r) - '0'), REGEX_REPEAT_MAX + 1u);
        *ret = v;
        return true;
}

/* From the brace. */
static int read_counts(struct regex_reader *r)
{
        size_t start = r->at++;
        uint32_t least = 0, most = 0;
        bool open = false, good = take_count(r, &least);

        most = least;
        if (good && regex_take(r, ","))
                open = !take_count(r, &most);
        if (!good || !regex_take(r, "}"))
                return regex_fail(r, start, "no quantifier; `{` itself is written \\{");
        if (least > REGEX_REPEAT_MAX || (!open && most > REGEX_REPEAT_MAX))
                return regex_fail(r, start, "repeated more than 65535 times");
        if (!open && least > most)
                return regex_fail(r, start, "a quantifier is out of order");
        /* PCRE2 up to 10.42 at least takes (?:a|^){0}b for anchored: it is left out. */
        if (!open && most == 0)
                r->out->n = r->last;
        else if (open)
                buf_printf(r->out, "{%u,}", least);
        else
                buf_printf(r->out, "{%u,%u}", least, most);
        return 0;
}

static int read_quantifier(struct regex_reader *r)
{
        int rc = 0;

        if (!r->repeats)
                return regex_fail(r, r->at, "there is nothing to repeat");
        if (regex_peek(r) == '{')
                rc = read_counts(r);
        else
                buf_put_byte(r->out, r->s.p[r->at++]);
        if (rc == 0 && regex_take(r, "?") && r->out->n > r->last)
                buf_put_byte(r->out, '?');
        r->repeats = false;
        return rc;
}

/* ---- the whole ---- */

/* .* at the beginning finds what is found without it, but tries much more. */
static void skip_anything(struct regex_reader *r)
{
        if (r->depth == 0 && regex_take(r, ".*"))
                (void)regex_take(r, "?");
}

static int read_other(struct regex_reader *r)
{
        struct regex_atom a = { 0 };
        int rc;

        if (regex_peek(r) == '\\' && r->at + 1 < r->s.n && (r->s.p[r->at + 1] | 0x20) == 'b') {
                buf_printf(r->out, "\\%c", r->s.p[r->at + 1]);
                r->at += 2;
                return 0;
        }
        r->repeats = true;
        rc = regex_peek(r) == '\\' ? regex_read_escape(r, false, &a) : next_point(r, &a.point);
        if (rc == 0 && !a.set)
                put_point(r, a.point);
        return rc;
}

static int read_next(struct regex_reader *r)
{
        uint8_t c = regex_peek(r);

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
                return regex_fail(r, r->at, "`}` and `]` themselves are written \\} and \\]");
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
        struct regex_reader r = { .s = pattern, .out = out, .err = err };
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
                rc = regex_fail(&r, pattern.n, "`(` has no `)`");
        if (rc == 0 && buf_status(out) < 0)
                rc = err_set(err, buf_status(out), "no room for a pattern");
        return rc;
}
