/* SPDX-License-Identifier: Apache-2.0 */
/* le.h - little-endian integers in files and messages of our own.  Floor 0. */
#ifndef BASE_LE_H
#define BASE_LE_H

#include "base/base.h"
#include "base/buf.h"

static inline void le_put(uint8_t *p, uint64_t v, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint64_t le_get(const uint8_t *p, unsigned n)
{
        uint64_t v = 0;

        for (unsigned i = 0; i < n; i++)
                v |= (uint64_t)p[i] << (8 * i);
        return v;
}

static inline void le_put32(uint8_t *p, uint32_t v)
{
        le_put(p, v, 4);
}

static inline void le_put64(uint8_t *p, uint64_t v)
{
        le_put(p, v, 8);
}

static inline uint32_t le_get32(const uint8_t *p)
{
        return (uint32_t)le_get(p, 4);
}

static inline uint64_t le_get64(const uint8_t *p)
{
        return le_get(p, 8);
}

/* Append n bytes of v. */
static inline void le_append(struct buf *b, uint64_t v, unsigned n)
{
        uint8_t bytes[8];

        le_put(bytes, v, n);
        buf_put(b, span_of(bytes, n));
}

#endif
