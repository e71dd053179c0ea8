/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/siphash.h"

#include "base/le.h"

struct state {
        uint64_t a, b, c, d;
};

static inline uint64_t turn(uint64_t v, unsigned n)
{
        return v << n | v >> (64 - n);
}

static inline void rounds(struct state *s, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                s->a += s->b;
                s->c += s->d;
                s->b = turn(s->b, 13) ^ s->a;
                s->d = turn(s->d, 16) ^ s->c;
                s->a = turn(s->a, 32);
                s->c += s->b;
                s->a += s->d;
                s->b = turn(s->b, 17) ^ s->c;
                s->d = turn(s->d, 21) ^ s->a;
                s->c = turn(s->c, 32);
        }
}

static inline void take(struct state *s, uint64_t word)
{
        s->d ^= word;
        rounds(s, 2);
        s->a ^= word;
}

uint64_t siphash(const uint8_t key[SIPHASH_KEY], struct span s)
{
        uint64_t k0 = le_get64(key), k1 = le_get64(key + 8);
        uint64_t last = (uint64_t)s.n << 56;
        struct state v = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
                           k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };

        for (; s.n >= 8; s = span_from(s, 8))
                take(&v, le_get64(s.p));
        take(&v, last | le_get(s.p, (unsigned)s.n));
        v.c ^= 0xff;
        rounds(&v, 4);
        return v.a ^ v.b ^ v.c ^ v.d;
}
