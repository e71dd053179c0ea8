/* SPDX-License-Identifier: Apache-2.0 */
/* kept.h - memory of calls that are over, for the next ones.  Floor 3.
 *
 * What a call takes is above what an allocator keeps at hand: it is cut out of a larger piece and
 * joined with that again, each time, and the next call's is another, which is in no cache. KEPT_MAX
 * of KEPT_BYTES at most stay; what was in them is zeroed as it is given back. */
#ifndef GATEWAY_KEPT_H
#define GATEWAY_KEPT_H

#include "base/arena.h"

enum { KEPT_MAX = 64, KEPT_BYTES = 48 * 1024 };

struct kept { /* zeroed: none */
        struct arena arena[KEPT_MAX];
        uint32_t n;
};

/* An arena that wipes, with this ceiling, for kept_give().  NULL: none is kept. */
struct arena kept_take(struct kept *k, size_t max);
void kept_give(struct kept *k, struct arena a);
void kept_done(struct kept *k);

#endif
