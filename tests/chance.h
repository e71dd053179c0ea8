/* SPDX-License-Identifier: Apache-2.0 */
/* chance.h - numbers by chance for tests: the same from the same seed, everywhere. */
#ifndef TESTS_CHANCE_H
#define TESTS_CHANCE_H

#include <stdint.h>

struct chance {
        uint64_t state;
};

static inline struct chance chance_of(uint64_t seed)
{
        return (struct chance){ .state = seed * 0x9e3779b97f4a7c15u + 1 };
}

/* 0 to n - 1. */
static inline uint32_t chance_below(struct chance *c, uint32_t n)
{
        c->state = c->state * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(c->state >> 33) % n;
}

#endif
