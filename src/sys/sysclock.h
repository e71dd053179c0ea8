/* SPDX-License-Identifier: Apache-2.0 */
/* sysclock.h - the kernel's clock.  Floor 1. */
#ifndef SYS_SYSCLOCK_H
#define SYS_SYSCLOCK_H

#include "base/clock.h"

extern const struct clock sysclock;
/* The same, but mono is the processor time of the thread that asks: what it did, not how long
 * others kept it from it. */
extern const struct clock sysclock_worked;

/* What the kernel thinks of its wall clock (adjtimex(2)). */
struct clock_discipline {
        bool synchronised;
        uint64_t max_error_us;
        int64_t offset_us; /* what is still to be made up */
};

/* A negative errno. */
MUST_USE int sysclock_discipline(struct clock_discipline *ret);

#endif
