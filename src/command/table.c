/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - rows of cells fitted to a terminal; see screen.h. */
#include <stdarg.h>

#include "base/text.h"
#include "command/screen.h"

enum { GAP = 2, TABLE_TEXT_MAX = 1024 * 1024 };

void table_init(struct table *t, size_t n_columns)
{
        assert(n_columns >= 1 && n_columns <= TABLE_COLUMNS_MAX);
        t->text = BUF_INIT(TABLE_TEXT_MAX);
        t->n_columns = n_columns;
        t->n_cells = 0;
}

void table_done(struct table *t)
{
        buf_done(&t->text);
}

void table_put_safe(struct table *t, enum style style, const char *text)
{
        if (t->n_cells == ARRAY_LEN(t->cell))
                return;
        t->cell[t->n_cells].at = t->text.n;
        t->cell[t->n_cells++].style = style;
        buf_put_str(&t->text, text);
        buf_put_byte(&t->text, 0);
}

void table_put(struct table *t, enum style style, const char *text)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(TABLE_TEXT_MAX);

        text_put_safe(&safe, span_str(text));
        table_put_safe(t, style, buf_cstr(&safe));
}

void table_putf(struct table *t, enum style style, const char *fmt, ...)
{
        char text[TABLE_CELL_MAX];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        table_put(t, style, text);
}

static const char *cell_text(const struct table *t, size_t i)
{
        return (const char *)t->text.p + t->cell[i].at;
}

static void put_blanks(struct buf *out, size_t n)
{
        while (n-- > 0)
                buf_put_byte(out, ' ');
}

static void measure(const struct table *t, size_t width[TABLE_COLUMNS_MAX])
{
        memset(width, 0, TABLE_COLUMNS_MAX * sizeof(width[0]));
        for (size_t i = 0; i < t->n_cells; i++) {
                size_t c = i % t->n_columns;

                width[c] = MAX_OF(width[c], screen_columns(span_str(cell_text(t, i))));
        }
}

static void print_last(const struct screen *s, enum style style, const char *text, size_t at,
                       struct buf *out)
{
        CLEANUP(buf_done) struct buf styled = BUF_INIT(TABLE_TEXT_MAX);

        screen_put(s, &styled, style, text);
        screen_put_wrapped(s, out, buf_cstr(&styled), at, at);
}

void table_print(struct table *t, const struct screen *s, unsigned indent, struct buf *out)
{
        size_t width[TABLE_COLUMNS_MAX];

        if (buf_status(&t->text) < 0) {
                buf_put_str(out, "(out of memory)\n");
                return;
        }
        measure(t, width);
        for (size_t i = 0, at = indent; i < t->n_cells; i++) {
                size_t c = i % t->n_columns;
                const char *text = cell_text(t, i);

                if (c == 0) {
                        at = indent;
                        put_blanks(out, indent);
                }
                if (c + 1 == t->n_columns) {
                        print_last(s, t->cell[i].style, text, at, out);
                        buf_put_byte(out, '\n');
                        continue;
                }
                screen_put(s, out, t->cell[i].style, text);
                put_blanks(out, width[c] - screen_columns(span_str(text)) + GAP);
                at += width[c] + GAP;
        }
}
