/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - growing bytes with a ceiling.  Floor 0.
 *
 * The first failure sticks: every later put is a no-op and buf_status() tells it, so a writer may
 * put many pieces and check once.  After a failure the content is what fitted; do not use it. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
        uint8_t *p; /* NULL until the first put */
        size_t n;
        size_t cap;
        size_t max;
        int status; /* 0, -ENOMEM or -E2BIG (the ceiling) */
        bool wipes; /* bytes are zeroed before they are given back */
};

#define BUF_INIT(limit) ((struct buf){ .max = (limit) })
/* For what nobody else is to find in memory: it wipes. */
#define BUF_WIPED(limit) ((struct buf){ .max = (limit), .wipes = true })

/* In bytes that somebody else has, at least one: never allocates, and is not to be buf_done(). */
#define BUF_OVER(memory, bytes)                                                                    \
        ((struct buf){ .p = (uint8_t *)(memory), .cap = (bytes), .max = (bytes) })

/* Release the memory; b can be used again with the same ceiling. */
void buf_done(struct buf *b);

/* Forget content and failure, keep the memory. */
void buf_clear(struct buf *b);
/* The same, and the content is zeroed. */
void buf_wipe(struct buf *b);

void buf_put(struct buf *b, struct span s);
void buf_put_str(struct buf *b, const char *s);
void buf_put_byte(struct buf *b, uint8_t c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Room for n more bytes at the end, counted in at once; NULL when it does not fit. */
MUST_USE uint8_t *buf_extend(struct buf *b, size_t n);

/* 0, -ENOMEM or -E2BIG. */
MUST_USE int buf_status(const struct buf *b);

/* The content.  Valid until the next put. */
static inline struct span buf_span(const struct buf *b)
{
        return span_of(b->p, b->n);
}

/* The content as a C string: puts a terminator that is not counted.  "" after a failure. */
const char *buf_cstr(struct buf *b);

#endif
