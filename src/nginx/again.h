/* SPDX-License-Identifier: Apache-2.0 */
/* again.h - what failed and may get better by itself: when it is tried again.  Floor 4, pure.
 *
 * After 1, 2, 4, ... 64 looks, for ever; the first failure is for the log, the others are not. */
#ifndef NGINX_AGAIN_H
#define NGINX_AGAIN_H

#include "base/base.h"

/* All zeros: nothing failed. */
struct again {
        unsigned wait, left; /* looks between two tries, and until the next one */
};

/* Once a look: is it time? */
static inline bool again_due(struct again *a)
{
        return a->wait > 0 && --a->left == 0;
}

/* True: for the first time. */
static inline bool again_failed(struct again *a)
{
        enum { WAIT_MAX = 64 };
        bool first = a->wait == 0;

        a->wait = first ? 1 : MIN_OF(2 * a->wait, (unsigned)WAIT_MAX);
        a->left = a->wait;
        return first;
}

#endif
