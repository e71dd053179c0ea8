/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/fields.h"

#include <stdio.h>

bool field_cut(struct span *s, char sep, struct span *ret)
{
        const uint8_t *at;

        if (s->n == 0)
                return false;
        at = memchr(s->p, sep, s->n);
        *ret = span_of(s->p, at ? (size_t)(at - s->p) : s->n);
        *s = span_from(*s, ret->n + 1);
        return true;
}

bool field_line(struct field_lines *l, struct span *ret)
{
        if (!field_cut(&l->rest, '\n', ret))
                return false;
        l->number++;
        return true;
}

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

bool field_word(struct span *s, struct span *ret)
{
        size_t n = 0;

        while (s->n && is_blank(s->p[0]))
                *s = span_from(*s, 1);
        while (n < s->n && !is_blank(s->p[n]))
                n++;
        *ret = span_of(s->p, n);
        *s = span_from(*s, n);
        return n > 0;
}

struct span field_trim(struct span s)
{
        while (s.n && is_blank(s.p[0]))
                s = span_from(s, 1);
        while (s.n && is_blank(s.p[s.n - 1]))
                s.n--;
        return s;
}

bool field_split(struct span s, char sep, struct span *fields, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const uint8_t *at = s.n ? memchr(s.p, sep, s.n) : NULL;

                if ((i + 1 < n) != (at != NULL))
                        return false;
                fields[i] = span_of(s.p, at ? (size_t)(at - s.p) : s.n);
                s = span_from(s, fields[i].n + 1);
        }
        return true;
}

struct span field_base(struct span path)
{
        size_t at = path.n;

        while (at > 0 && path.p[at - 1] != '/')
                at--;
        return span_from(path, at);
}

bool field_number(struct span s, uint64_t *ret)
{
        while (s.n > 1 && s.p[0] == '0')
                s = span_from(s, 1);
        return text_to_u64(s, ret) == 0;
}

static int month_of(struct span s)
{
        static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

        for (int i = 0; s.n == 3 && i < 12; i++)
                if (memcmp(names + 3 * i, s.p, 3) == 0)
                        return i + 1;
        return 0;
}

static bool is_utc(struct span s)
{
        static const char *const names[] = { "UTC", "GMT", "Z", "+0000" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (span_eq_str(s, names[i]))
                        return true;
        return false;
}

bool field_date(struct span s, int64_t *ret_wall_ns)
{
        enum { WEEKDAY, DAY, MONTH, YEAR, TIME, ZONE, WORDS };
        struct span w[WORDS];
        char text[64];
        int64_t ns;
        int n = 0;

        while (n < WORDS && field_word(&s, &w[n]))
                n++;
        if (n < WORDS || field_trim(s).n > 0 || w[WEEKDAY].n != 4 || w[WEEKDAY].p[3] != ',' ||
            w[DAY].n > 2 || w[YEAR].n != 4 || w[TIME].n != 8 || !is_utc(w[ZONE]))
                return false;
        /* text_to_time judges every digit of it */
        snprintf(text, sizeof text, "%.4s-%02d-%s%.*sT%.8s.000000000Z", (const char *)w[YEAR].p,
                 month_of(w[MONTH]), w[DAY].n == 1 ? "0" : "", (int)w[DAY].n,
                 (const char *)w[DAY].p, (const char *)w[TIME].p);
        if (text_to_time(span_str(text), &ns) < 0 || ns < 0)
                return false;
        *ret_wall_ns = ns;
        return true;
}

void field_put_raw(struct buf *out, struct span safe)
{
        uint8_t byte;

        while (safe.n) {
                if (safe.n >= 2 && safe.p[0] == '\\' && safe.p[1] == '\\') {
                        buf_put_byte(out, '\\');
                        safe = span_from(safe, 2);
                } else if (safe.n >= 4 && safe.p[0] == '\\' && safe.p[1] == 'x' &&
                           text_from_hex(span_of(safe.p + 2, 2), &byte, 1) == 0) {
                        buf_put_byte(out, byte);
                        safe = span_from(safe, 4);
                } else {
                        buf_put_byte(out, safe.p[0]);
                        safe = span_from(safe, 1);
                }
        }
}
