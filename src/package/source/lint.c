/* SPDX-License-Identifier: Apache-2.0 */
/* lint.c - collecting faults of sources.  Floor 2, pure. */
#include "package/source/lint.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void lint_init(struct lint *l)
{
        *l = (struct lint){ .arena = ARENA_INIT(LINT_MEMORY_MAX) };
}

void lint_done(struct lint *l)
{
        arena_done(&l->arena);
}

/* n bytes at most, whole characters. */
static struct span cut(const char *text, size_t n)
{
        size_t have = strlen(text);

        if (have <= n)
                return span_of(text, have);
        while (n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80)
                n--;
        return span_of(text, n);
}

static void add(struct lint *l, enum lint_level level, const struct source_mark *mark,
                const char *fmt, va_list ap) PRINTF_LIKE(4, 0);
static void add(struct lint *l, enum lint_level level, const struct source_mark *mark,
                const char *fmt, va_list ap)
{
        char text[LINT_TEXT_MAX + 8];
        struct span kept;
        char *copy;

        *(level == LINT_ERROR ? &l->errors : &l->warnings) += 1;
        vsnprintf(text, sizeof(text), fmt, ap);
        text_keep_utf8(text);
        kept = cut(text, LINT_TEXT_MAX);
        copy = l->n < LINT_FAULTS_MAX ? arena_copy(&l->arena, kept) : NULL;
        if (!copy) {
                l->more++;
                return;
        }
        l->at[l->n++] = (struct lint_fault){ .level = level,
                                             .file = l->file,
                                             .mark = mark ? *mark : (struct source_mark){ 0 },
                                             .text = span_of(copy, kept.n) };
}

void lint_error(struct lint *l, const struct source_mark *mark, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        add(l, LINT_ERROR, mark, fmt, ap);
        va_end(ap);
}

void lint_warning(struct lint *l, const struct source_mark *mark, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        add(l, LINT_WARNING, mark, fmt, ap);
        va_end(ap);
}

static int by_place(const struct lint_fault *a, const struct lint_fault *b)
{
        int c = span_cmp(a->file, b->file);

        if (c == 0)
                c = (a->mark.line > b->mark.line) - (a->mark.line < b->mark.line);
        return c ? c : (a->mark.column > b->mark.column) - (a->mark.column < b->mark.column);
}

/* By insertion: stable, and there are few. */
void lint_sort(struct lint *l)
{
        for (uint32_t i = 1; i < l->n; i++) {
                struct lint_fault f = l->at[i];
                uint32_t at = i;

                for (; at > 0 && by_place(&l->at[at - 1], &f) > 0; at--)
                        l->at[at] = l->at[at - 1];
                l->at[at] = f;
        }
}
