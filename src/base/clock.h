/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - time as something passed in.  Floor 0.
 *
 * Nothing above floor 1 asks the kernel for the time; it asks the clock it was given, so half a
 * year can be played in seconds by the real code.  sys/sysclock.h has the kernel's. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/base.h"

struct clock {
        int64_t (*wall_ns)(void *ctx); /* ns since 1970-01-01T00:00:00Z, may jump */
        int64_t (*mono_ns)(void *ctx); /* ns since some start, never goes back */
        void *ctx;
};

static inline int64_t clock_wall(const struct clock *c)
{
        return c->wall_ns(c->ctx);
}

static inline int64_t clock_mono(const struct clock *c)
{
        return c->mono_ns(c->ctx);
}

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

#endif
