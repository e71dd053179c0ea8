/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - FNV-1a, for tables of ours.  Floor 0, pure.
 *
 * Source: G. Fowler, L. C. Noll, K.-P. Vo, 64 bits.  Whoever chooses the bytes can have them meet:
 * a table of what somebody hostile chooses bounds its chains or begins with a seed. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/base.h"

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

/* h: HASH_BEGIN, or what came of the bytes before. */
static inline uint64_t hash_add(uint64_t h, struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                h = (h ^ s.p[i]) * UINT64_C(0x100000001b3);
        return h;
}

#endif
