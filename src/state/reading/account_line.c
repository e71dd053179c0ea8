/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/account_line.h"

static const char no_number[] = "user or group is no number";

static bool is_space(uint8_t c)
{
        return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span without_space(struct span s)
{
        while (s.n && is_space(s.p[0]))
                s = span_from(s, 1);
        return s;
}

/* What of the line counts; false: nothing. */
static bool begin(struct span *line)
{
        const uint8_t *nul = line->n ? memchr(line->p, 0, line->n) : NULL;

        if (nul)
                line->n = (size_t)(nul - line->p);
        *line = without_space(*line);
        return line->n > 0 && line->p[0] != '#';
}

/* Up to a colon, which is taken with it, or to the end. */
static struct span text(struct span *s)
{
        const uint8_t *colon = s->n ? memchr(s->p, ':', s->n) : NULL;
        struct span ret = span_of(s->p, colon ? (size_t)(colon - s->p) : s->n);

        *s = span_from(*s, ret.n + 1);
        return ret;
}

/* The name, which every line has first; else what account_user() says of it. */
static const char *begin_named(struct span *line, struct span *ret)
{
        if (!begin(line))
                return "";
        *ret = text(line);
        return ret->n ? NULL : "no name";
}

/* strtoul(3) up to a colon or the end; false: it is no number, or not one of 32 bits.  Between two
 * colons there may be none, if may_be_none says so: *ret is what it was, then. */
static bool number(struct span *s, bool may_be_none, uint32_t *ret)
{
        bool more = s->n > 0;
        struct span in = text(s), digits = without_space(in);
        bool minus = digits.n && digits.p[0] == '-';
        uint64_t v = 0;

        if (in.n == 0)
                return may_be_none && more;
        if (minus || (digits.n && digits.p[0] == '+'))
                digits = span_from(digits, 1);
        for (size_t i = 0; i < digits.n; i++) {
                uint8_t c = digits.p[i];

                if (c < '0' || c > '9' || __builtin_mul_overflow(v, 10U, &v) ||
                    __builtin_add_overflow(v, (unsigned)(c - '0'), &v))
                        return false;
        }
        v = minus ? 0 - v : v;
        if (digits.n == 0 || v > UINT32_MAX)
                return false;
        *ret = (uint32_t)v;
        return true;
}

/* compat's "+name" and "-name" need nothing behind them. */
static bool is_compat(struct span name)
{
        return name.n && (name.p[0] == '+' || name.p[0] == '-');
}

const char *account_user(struct span line, struct account_user *ret)
{
        struct account_user u = { 0 };
        const char *why = begin_named(&line, &u.name);

        if (why)
                return why;
        if (line.n || !is_compat(u.name)) {
                u.password = text(&line);
                if (!number(&line, is_compat(u.name), &u.uid) ||
                    !number(&line, is_compat(u.name), &u.gid))
                        return no_number;
                u.comment = text(&line);
                u.home = text(&line);
                u.shell = line;
        }
        *ret = u;
        return NULL;
}

const char *account_group(struct span line, struct account_group *ret)
{
        struct account_group g = { 0 };
        const char *why = begin_named(&line, &g.name);

        if (why)
                return why;
        if (line.n || !is_compat(g.name)) {
                (void)text(&line);
                if (!number(&line, is_compat(g.name), &g.gid))
                        return "group is no number";
                g.members = line;
        }
        *ret = g;
        return NULL;
}

bool account_member(struct span *members, struct span *ret)
{
        while (members->n) {
                const uint8_t *comma;

                *members = without_space(*members);
                comma = members->n ? memchr(members->p, ',', members->n) : NULL;
                *ret = span_of(members->p, comma ? (size_t)(comma - members->p) : members->n);
                *members = span_from(*members, ret->n + 1);
                if (ret->n)
                        return true;
        }
        return false;
}

/* -1 for what is empty.  "-1" the C library does not take, but shadow's own programs do. */
static bool days(struct span *s, int64_t *ret)
{
        static const struct span none = SPAN_INIT("-1");
        uint32_t n = UINT32_MAX;
        struct span field = *s;

        if (span_eq(text(&field), none)) {
                *s = field;
                return true;
        }
        if (!number(s, true, &n))
                return false;
        *ret = (int32_t)n;
        return true;
}

static bool all_days(struct span *s, struct account_shadow *w)
{
        uint32_t flag;

        for (size_t i = DAYS_CHANGED; i <= DAYS_MAX_AGE; i++)
                if (!days(s, &w->days[i]))
                        return false;
        *s = without_space(*s);
        if (s->n == 0) /* the old form */
                return true;
        for (size_t i = DAYS_WARN; i < ACCOUNT_DAYS; i++)
                if (!days(s, &w->days[i]))
                        return false;
        return s->n == 0 || (!memchr(s->p, ':', s->n) && number(s, false, &flag));
}

const char *account_shadow(struct span line, struct account_shadow *ret)
{
        struct account_shadow w = { .days = { -1, -1, -1, -1, -1, -1 } };
        const char *why = begin_named(&line, &w.name);

        if (why)
                return why;
        if (line.n || !is_compat(w.name)) {
                w.password = text(&line);
                if (!all_days(&line, &w))
                        return "days that are no number";
        }
        *ret = w;
        return NULL;
}

struct span account_home(struct span home)
{
        while (home.n && home.p[0] == '/')
                home = span_from(home, 1);
        while (home.n && home.p[home.n - 1] == '/')
                home.n--;
        return home;
}
