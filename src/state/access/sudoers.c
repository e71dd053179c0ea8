/* SPDX-License-Identifier: Apache-2.0 */
#include "state/access/sudoers.h"

#include "state/reading/fields.h"

#include <stdlib.h>

enum { PATTERN_MAX = 4096 };

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

/* Bytes of a backslash and the end of the line behind it; 0: there is none. */
static size_t joint_len(struct span s)
{
        size_t n = 1;

        if (s.n == 0 || s.p[0] != '\\')
                return 0;
        while (n < s.n && is_blank(s.p[n]))
                n++;
        return n < s.n && s.p[n] == '\n' ? n + 1 : 0;
}

static bool is_comment(struct span s)
{
        size_t sign = s.n > 1 && s.p[1] == '-' ? 1 : 0;

        return s.n && s.p[0] == '#' && !(s.n > 1 + sign && is_digit(s.p[1 + sign]));
}

void sudoers_skip(struct sudoers *s)
{
        for (;;) {
                size_t joint = joint_len(s->rest);

                if (joint) {
                        s->rest = span_from(s->rest, joint);
                        s->line++;
                } else if (s->rest.n && is_blank(s->rest.p[0])) {
                        s->rest = span_from(s->rest, 1);
                } else {
                        break;
                }
        }
        if (is_comment(s->rest)) {
                const uint8_t *end = memchr(s->rest.p, '\n', s->rest.n);

                s->rest = span_from(s->rest, end ? (size_t)(end - s->rest.p) : s->rest.n);
        }
}

bool sudoers_at_end(struct sudoers *s)
{
        sudoers_skip(s);
        return s->rest.n == 0 || s->rest.p[0] == '\n';
}

bool sudoers_next_line(struct sudoers *s)
{
        while (!sudoers_at_end(s))
                s->rest = span_from(s->rest, 1);
        if (s->rest.n == 0)
                return false;
        s->rest = span_from(s->rest, 1);
        s->line++;
        return true;
}

bool sudoers_take(struct sudoers *s, uint8_t c)
{
        sudoers_skip(s);
        if (s->rest.n == 0 || s->rest.p[0] != c)
                return false;
        s->rest = span_from(s->rest, 1);
        return true;
}

/* ---- words ---- */

/* Bytes of an address of IPv6 or of a network of such; 0: there is none.  Two colons tell it from
 * a name before a colon. */
static size_t address_len(struct span s)
{
        size_t n = 0, colons = 0;

        for (; n < s.n && s.p[n] && strchr("0123456789abcdefABCDEF:./", s.p[n]); n++)
                colons += s.p[n] == ':';
        return colons >= 2 ? n : 0;
}

static size_t quoted_len(struct span s)
{
        for (size_t n = 1; n < s.n && s.p[n] != '\n'; n++) {
                if (s.p[n] == '\\' && n + 1 < s.n)
                        n++;
                else if (s.p[n] == '"')
                        return n + 1;
        }
        return 0;
}

/* A group of a plug-in's begins with "%:". */
static size_t name_len(struct span s)
{
        size_t n = span_starts(s, SPAN("%:")) ? 2 : 0;

        while (n < s.n) {
                struct span here = span_from(s, n);

                if (joint_len(here) || is_comment(here))
                        break;
                if (here.p[0] == '\\' && here.n > 1)
                        n++;
                else if (is_blank(here.p[0]) || strchr("\n,:=()!\"", here.p[0]))
                        break;
                n++;
        }
        return MIN_OF(n, s.n);
}

bool sudoers_word(struct sudoers *s, struct span *ret)
{
        bool quoted;
        size_t n;

        sudoers_skip(s);
        quoted = s->rest.n && s->rest.p[0] == '"';
        n = quoted ? quoted_len(s->rest) : address_len(s->rest);
        if (n == 0 && !quoted)
                n = name_len(s->rest);
        if (n == 0)
                return false;
        *ret = quoted ? span_of(s->rest.p + 1, n - 2) : span_of(s->rest.p, n);
        s->rest = span_from(s->rest, n);
        return true;
}

/* ---- commands ---- */

/* "sha224:" and what follows it without a blank; 0: none. */
static size_t digest_len(struct span s)
{
        static const char *const starts[] = { "sha224", "sha256", "sha384", "sha512" };

        for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
                size_t n = 6;

                if (!span_starts(s, span_str(starts[i])))
                        continue;
                while (n < s.n && is_blank(s.p[n]))
                        n++;
                if (n == s.n || s.p[n] != ':')
                        continue;
                for (n++; n < s.n && is_blank(s.p[n]); n++)
                        ;
                while (n < s.n && !is_blank(s.p[n]) && s.p[n] != ',' && s.p[n] != '\n')
                        n++;
                return n;
        }
        return 0;
}

static bool ends_command(struct span s)
{
        return s.n == 0 || strchr(",:=#\n", s.p[0]);
}

/* "^...$", which may hold anything; 0: none. */
static size_t pattern_len(struct span s)
{
        if (s.n == 0 || s.p[0] != '^')
                return 0;
        for (size_t n = 1; n < MIN_OF(s.n, (size_t)PATTERN_MAX) && s.p[n] != '\n'; n++) {
                struct span behind = span_from(s, n + 1);

                if (s.p[n] == '$' && (ends_command(behind) || is_blank(behind.p[0])))
                        return n + 1;
        }
        return 0;
}

static size_t command_len(struct span s, uint32_t *lines)
{
        bool word_begins = true;
        size_t n = 0;

        while (!ends_command(span_from(s, n))) {
                struct span here = span_from(s, n);
                size_t joint = joint_len(here), pattern = word_begins ? pattern_len(here) : 0;

                word_begins = joint || is_blank(here.p[0]);
                *lines += joint ? 1 : 0;
                if (pattern)
                        n += pattern;
                else if (joint)
                        n += joint;
                else
                        n += here.p[0] == '\\' && here.n > 1 && here.p[1] != '\n' ? 2 : 1;
        }
        return MIN_OF(n, s.n);
}

static struct span trim_end(struct span s)
{
        size_t n = s.n;

        while (n && (is_blank(s.p[n - 1]) || s.p[n - 1] == '\n' || joint_len(span_from(s, n - 1))))
                n--;
        return span_of(s.p, n);
}

/* A command with its digests and arguments, without what negates it. */
static bool take_command(struct sudoers *s, struct span *ret)
{
        const uint8_t *start;
        size_t n;

        sudoers_skip(s);
        start = s->rest.p;
        while ((n = digest_len(s->rest))) {
                s->rest = span_from(s->rest, n);
                (void)sudoers_take(s, ',');
                sudoers_skip(s);
        }
        n = command_len(s->rest, &s->line);
        if (n == 0)
                return false;
        s->rest = span_from(s->rest, n);
        *ret = trim_end(span_of(start, (size_t)(s->rest.p - start)));
        return ret->n > 0;
}

/* ---- lists ---- */

bool sudoers_item(struct sudoers_list *l, struct sudoers_item *ret)
{
        bool negated = false;

        if (l->ended)
                return false;
        while (sudoers_take(l->s, '!'))
                negated = !negated;
        if (!(l->commands ? take_command(l->s, &ret->text) : sudoers_word(l->s, &ret->text))) {
                l->ended = true;
                l->broken = l->begun || negated;
                return false;
        }
        ret->negated = negated;
        l->begun = true;
        l->ended = !sudoers_take(l->s, ',');
        return true;
}

bool sudoers_list(struct sudoers *s, bool commands, struct span *ret)
{
        struct sudoers_list l = { .s = s, .commands = commands };
        const uint8_t *start;
        struct sudoers_item item;

        sudoers_skip(s);
        start = s->rest.p;
        while (sudoers_item(&l, &item))
                ;
        if (!l.begun || l.broken)
                return false;
        *ret = trim_end(span_of(start, (size_t)(s->rest.p - start)));
        return true;
}

void sudoers_put(struct buf *out, struct span text)
{
        bool blank = false;

        while (text.n && buf_status(out) == 0) {
                size_t n = joint_len(text);

                if (n == 0 && is_blank(text.p[0]))
                        n = 1;
                if (n == 0) {
                        if (blank)
                                buf_put_byte(out, ' ');
                        buf_put_byte(out, text.p[0]);
                }
                blank = n > 0;
                text = span_from(text, n ? n : 1);
        }
}

/* ---- aliases ---- */

void sudoers_aliases_done(struct sudoers_aliases *a)
{
        free(a->at);
        *a = (struct sudoers_aliases){ 0 };
}

int sudoers_alias_add(struct sudoers_aliases *a, const struct sudoers_alias *alias)
{
        if (a->n >= SUDOERS_ALIASES_MAX)
                return 0;
        if (a->n == a->max) {
                size_t max = a->max ? 2 * a->max : 16;
                struct sudoers_alias *at = realloc(a->at, max * sizeof(*at));

                if (!at)
                        return -ENOMEM;
                a->at = at;
                a->max = max;
        }
        a->at[a->n++] = *alias;
        return 0;
}

static int by_name(const void *a, const void *b)
{
        const struct sudoers_alias *x = a, *y = b;

        return x->sort != y->sort ? (x->sort > y->sort) - (x->sort < y->sort)
                                  : span_cmp(x->name, y->name);
}

void sudoers_aliases_sort(struct sudoers_aliases *a)
{
        if (a->n)
                qsort(a->at, a->n, sizeof(*a->at), by_name);
}

const struct sudoers_alias *sudoers_alias_of(const struct sudoers_aliases *a,
                                             enum sudoers_sort sort, struct span name)
{
        struct sudoers_alias want = { .sort = sort, .name = name };

        if (name.n == 0 || name.p[0] < 'A' || name.p[0] > 'Z' || a->n == 0)
                return NULL;
        return bsearch(&want, a->at, a->n, sizeof(*a->at), by_name);
}
