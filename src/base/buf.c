/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST = 256 };

/* As realloc(), which leaves the bytes where they were. */
static uint8_t *move(struct buf *b, size_t cap)
{
        uint8_t *p = malloc(cap);

        if (!p || !b->p)
                return p;
        memcpy(p, b->p, b->n);
        explicit_bzero(b->p, b->cap);
        free(b->p);
        return p;
}

static bool grow(struct buf *b, size_t more)
{
        size_t want, cap;
        uint8_t *p;

        if (b->status)
                return false;
        if (!size_add(b->n, more, &want) || want > b->max) {
                b->status = -E2BIG;
                return false;
        }
        if (b->p && want <= b->cap)
                return true;
        cap = b->cap ? b->cap : BUF_FIRST;
        while (cap < want)
                cap = cap > SIZE_MAX / 2 ? want : cap * 2;
        cap = MAX_OF(MIN_OF(cap, b->max), (size_t)1); /* a ceiling of 0 still holds "nothing" */
        p = b->wipes ? move(b, cap) : realloc(b->p, cap);
        if (!p) {
                b->status = -ENOMEM;
                return false;
        }
        b->p = p;
        b->cap = cap;
        return true;
}

/* Most puts find room: those are to cost a few comparisons, wherever they come from. */
static inline bool reserve(struct buf *b, size_t more)
{
        if (!b->status && b->p && more <= b->cap - b->n && b->n + more <= b->max)
                return true;
        return grow(b, more);
}

/* NULL: it does not fit. */
static inline uint8_t *extend(struct buf *b, size_t n)
{
        uint8_t *at = NULL;

        if (reserve(b, n)) {
                at = b->p + b->n;
                b->n += n;
        }
        return at;
}

void buf_done(struct buf *b)
{
        if (b->wipes && b->p)
                explicit_bzero(b->p, b->cap);
        free(b->p);
        *b = (struct buf){ .max = b->max, .wipes = b->wipes };
}

void buf_clear(struct buf *b)
{
        b->n = 0;
        b->status = 0;
}

void buf_wipe(struct buf *b)
{
        if (b->p)
                explicit_bzero(b->p, b->n);
        buf_clear(b);
}

uint8_t *buf_extend(struct buf *b, size_t n)
{
        return extend(b, n);
}

void buf_put(struct buf *b, struct span s)
{
        uint8_t *at = s.n ? extend(b, s.n) : NULL;

        if (at)
                memcpy(at, s.p, s.n);
}

void buf_put_str(struct buf *b, const char *s)
{
        buf_put(b, span_str(s));
}

void buf_put_byte(struct buf *b, uint8_t c)
{
        uint8_t *at = extend(b, 1);

        if (at)
                *at = c;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
        va_list ap, again;
        int n;

        va_start(ap, fmt);
        va_copy(again, ap);
        n = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        assert(n >= 0);
        /* One byte more than is counted: vsnprintf writes its terminator there. */
        if (reserve(b, (size_t)n + 1)) {
                vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, again);
                b->n += (size_t)n;
        }
        va_end(again);
}

int buf_status(const struct buf *b)
{
        return b->status;
}

const char *buf_cstr(struct buf *b)
{
        if (!reserve(b, 1))
                return "";
        b->p[b->n] = '\0';
        return (const char *)b->p;
}
