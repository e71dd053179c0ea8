/* SPDX-License-Identifier: Apache-2.0 */
#include "job/deb822.h"

#include "base/line.h"

#include <strings.h>

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

struct span deb822_trim(struct span s)
{
        while (s.n > 0 && is_blank(s.p[0]))
                s = span_from(s, 1);
        while (s.n > 0 && is_blank(s.p[s.n - 1]))
                s.n--;
        return s;
}

bool deb822_word(struct span *rest, struct span *ret)
{
        struct span s = deb822_trim(*rest);
        size_t n = 0;

        while (n < s.n && !is_blank(s.p[n]))
                n++;
        *rest = span_from(s, n);
        *ret = span_of(s.p, n);
        return n > 0;
}

bool deb822_is(struct span field, const char *name)
{
        return field.n == strlen(name) && strncasecmp((const char *)field.p, name, field.n) == 0;
}

void deb822_init(struct deb822 *d, deb822_line_fn *on_line, deb822_end_fn *on_end, void *ctx)
{
        *d = (struct deb822){
                .on_line = on_line, .on_end = on_end, .ctx = ctx, .line = BUF_INIT(DEB822_LINE_MAX)
        };
}

void deb822_done(struct deb822 *d)
{
        buf_done(&d->line);
}

/* ---- one line ---- */

static bool is_name(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] <= ' ' || s.p[i] > '~')
                        return false;
        return s.n > 0 && s.n <= DEB822_FIELD_MAX && s.p[0] != '-' && s.p[0] != '#';
}

static int end_paragraph(struct deb822 *d, struct err *err)
{
        if (d->field_n == 0)
                return 0;
        d->field_n = 0;
        return d->on_end(d->ctx, err);
}

static int tell(struct deb822 *d, struct span text, bool more, struct err *err)
{
        struct deb822_line l = { .field = span_of(d->field, d->field_n),
                                 .text = deb822_trim(text),
                                 .number = d->number,
                                 .more = more,
                                 .cut = d->cut };

        return d->on_line(d->ctx, &l, err);
}

static int take_line(struct deb822 *d, struct span s, struct err *err)
{
        const uint8_t *colon;
        struct span name;

        d->number++;
        if (d->comments && s.n > 0 && s.p[0] == '#')
                return 0;
        if (deb822_trim(s).n == 0 && !d->cut)
                return end_paragraph(d, err);
        if (is_blank(s.p[0])) {
                if (d->field_n == 0)
                        return err_set(err, -EBADMSG, "line %llu goes on with nothing",
                                       (unsigned long long)d->number);
                return tell(d, s, true, err);
        }
        colon = memchr(s.p, ':', s.n);
        name = span_of(s.p, colon ? (size_t)(colon - s.p) : 0);
        if (!is_name(name))
                return err_set(err, -EBADMSG, "line %llu is no field",
                               (unsigned long long)d->number);
        memcpy(d->field, name.p, name.n);
        d->field_n = name.n;
        return tell(d, span_from(s, name.n + 1), false, err);
}

/* ---- lines from pieces ---- */

static int keep(struct deb822 *d, struct span s)
{
        size_t room = d->line.max - d->line.n;

        if (s.n > room)
                d->cut = true;
        buf_put(&d->line, span_of(s.p, MIN_OF(s.n, room)));
        return buf_status(&d->line);
}

static int take_kept(struct deb822 *d, struct err *err)
{
        int r = take_line(d, buf_span(&d->line), err);

        buf_clear(&d->line);
        d->cut = false;
        return r;
}

int deb822_feed(struct deb822 *d, struct span bytes, struct err *err)
{
        struct span s;
        int r = 0;

        while (r == 0 && bytes.n > 0) {
                bool ended = line_next(&bytes, &s);

                if (ended && d->line.n == 0 && s.n <= d->line.max) {
                        r = take_line(d, s, err);
                        continue;
                }
                r = keep(d, s);
                if (r < 0)
                        return err_sys(err, r, "line %llu", (unsigned long long)d->number + 1);
                if (ended)
                        r = take_kept(d, err);
        }
        return r;
}

int deb822_finish(struct deb822 *d, struct err *err)
{
        int r = d->line.n > 0 ? take_kept(d, err) : 0;

        return r < 0 ? r : end_paragraph(d, err);
}
