/* SPDX-License-Identifier: Apache-2.0 */
/* screen.h - what a person sees: terminal or pipe, colours, times, sizes, tables.  Floor 3.
 *
 * On a terminal: local times, colours (unless NO_COLOR is set), lines fitted to the width.  In a
 * pipe: UTC, no colours, nothing cut. */
#ifndef COMMAND_SCREEN_H
#define COMMAND_SCREEN_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"

#include <stdio.h>

struct screen {
        FILE *file;
        bool terminal;
        bool colour;
        unsigned width; /* columns; 0: no limit */
        bool *printed;  /* set once something was; NULL: nobody asks */
};

void screen_init(struct screen *s, FILE *file);

enum style { STYLE_NONE, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_BAD, STYLE_WARN, STYLE_NAME };

/* Put the text between the style's escapes, or bare where there is no colour.  text is ours or was
 * made safe. */
void screen_put(const struct screen *s, struct buf *out, enum style style, const char *text);

/* Write a buf out and clear it; a failed buf prints nothing and says -errno. */
MUST_USE int screen_flush(const struct screen *s, struct buf *out);

/* Columns the text takes: escapes take none, each code point one. */
size_t screen_columns(struct span text);

/* Put text between words onto further lines, each behind `indent` blanks, where it does not fit;
 * the cursor is in column `at`.  Words longer than a line are cut.  Nothing is done without a
 * width. */
void screen_put_wrapped(const struct screen *s, struct buf *out, const char *text, size_t at,
                        size_t indent);
/* Wrap each line of text like that, its further lines behind `indent` blanks.  A line with a word
 * that would be cut (a key, a digest) stays whole: whoever copies it from the terminal gets it as
 * it is. Without a width nothing is done. */
MUST_USE int screen_wrap_lines(const struct screen *s, struct buf *text, size_t indent);

/* 2026-11-25 18:00:12 in local time on a terminal, 2026-11-25T17:00:12.123Z elsewhere. */
void screen_put_time(const struct screen *s, struct buf *out, int64_t wall_ns);
/* "3 s", "12 min", "5 h 20 min", "3 days". */
void screen_put_duration(struct buf *out, int64_t ns);
/* 12,345,678 */
void screen_put_count(struct buf *out, uint64_t n);
/* "1.4 MiB" */
void screen_put_bytes(struct buf *out, uint64_t n);

/* ---- tables ---- */

enum { TABLE_COLUMNS_MAX = 8, TABLE_ROWS_MAX = 256, TABLE_CELL_MAX = 1024 };

/* Rows of cells, printed with columns as wide as their widest cell; the last column takes what is
 * left of the terminal and wraps between words. */
struct table {
        struct buf text; /* all cells, each terminated */
        size_t n_columns;
        size_t n_cells;
        struct {
                size_t at;
                enum style style;
        } cell[TABLE_COLUMNS_MAX * TABLE_ROWS_MAX];
};

void table_init(struct table *t, size_t n_columns);
void table_done(struct table *t);
/* Cells go in row by row.  Text is made safe here. */
void table_put(struct table *t, enum style style, const char *text);
/* The same with text that is safe already. */
void table_put_safe(struct table *t, enum style style, const char *text);
void table_putf(struct table *t, enum style style, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Appends the rows to out, each line behind `indent` blanks. */
void table_print(struct table *t, const struct screen *s, unsigned indent, struct buf *out);

#endif
