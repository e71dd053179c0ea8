/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit's file says: systemd.syntax(7), and beyond its words what systemd 252 does.  A
 * carriage return or a NUL ends a line as well, so "# x\rExecStart=/y" starts something; a comment
 * within a continued line is none of it; two backslashes at the end continue nothing; a byte order
 * mark is passed over. */
#include "state/reading/fields.h"
#include "state/units/units_priv.h"

enum { EOL_ZERO = 1, EOL_TEN = 2, EOL_THIRTEEN = 4 };

static unsigned eol_of(uint8_t c)
{
        return c == '\n' ? EOL_TEN : c == '\r' ? EOL_THIRTEEN : c == 0 ? EOL_ZERO : 0;
}

/* Up to an end of line, which may be of several bytes, none of them twice. */
static bool cut_line(struct span *rest, struct span *ret)
{
        unsigned seen = 0, eol;
        size_t n = 0;

        if (rest->n == 0)
                return false;
        while (n < rest->n && !eol_of(rest->p[n]))
                n++;
        *ret = span_of(rest->p, n);
        *rest = span_from(*rest, n);
        while (rest->n && (eol = eol_of(rest->p[0])) && !(seen & (eol | EOL_ZERO))) {
                seen |= eol;
                *rest = span_from(*rest, 1);
        }
        return true;
}

static bool is_comment(struct span line)
{
        line = field_trim(line);
        return line.n && (line.p[0] == '#' || line.p[0] == ';');
}

static bool goes_on(struct span line)
{
        size_t n = line.n;

        while (n && line.p[n - 1] == '\\')
                n--;
        return (line.n - n) % 2;
}

/* Without the backslash, to what is joined already; false: there is no room. */
static bool join(struct unit *x, struct span line, bool first)
{
        line.n -= goes_on(line);
        line = field_trim(line);
        if (sizeof x->joined - x->n_joined < line.n + 1) {
                x->cut = true;
                return false;
        }
        if (!first)
                x->joined[x->n_joined++] = ' ';
        if (line.n)
                memcpy(x->joined + x->n_joined, line.p, line.n);
        x->n_joined += line.n;
        return true;
}

/* The next line that is none of comment, with those that it is continued on. */
static bool next_line(struct unit *x, struct span *rest, struct span *ret)
{
        const size_t begin = x->n_joined;
        struct span line;
        bool more;

        do
                if (!cut_line(rest, &line))
                        return false;
        while (is_comment(line));
        *ret = field_trim(line);
        if (!goes_on(line))
                return true;
        if (!join(x, line, true))
                return false;
        for (more = true; more && cut_line(rest, &line);) {
                if (is_comment(line))
                        continue;
                more = goes_on(line);
                if (!join(x, line, false))
                        return false;
        }
        *ret = field_trim(span_of(x->joined + begin, x->n_joined - begin));
        return true;
}

void unit_read_settings(const struct state_part *p, struct unit *x)
{
        static const struct span mark = SPAN_INIT("\xef\xbb\xbf");
        struct span rest = p->bytes, line, section = SPAN_NONE, key;
        bool marked = false;

        while (next_line(x, &rest, &line)) {
                if (!marked && span_starts(line, mark)) {
                        line = field_trim(span_from(line, mark.n));
                        marked = true;
                }
                if (line.n && line.p[0] == '[' && line.p[line.n - 1] == ']') {
                        section = span_of(line.p + 1, line.n - 2);
                } else if (line.n && memchr(line.p, '=', line.n)) {
                        if (x->n == UNITS_SETTINGS_MAX) {
                                x->cut = true;
                                return;
                        }
                        (void)!field_cut(&line, '=', &key);
                        x->setting[x->n++] =
                                (struct unit_setting){ section, field_trim(key), field_trim(line) };
                }
        }
}

int unit_fault_if_cut(struct state_out *out, const struct unit *x)
{
        const struct state_part p = { .name = x->path };

        return x->cut ? state_fault(out, &p, 0, "it and its drop-ins say more than is read") : 0;
}
