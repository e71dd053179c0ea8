/* SPDX-License-Identifier: Apache-2.0 */
/* calm.h - work that must not be in anybody's way: a thread of the lowest priority, for processor
 * (nice 19) and disks (idle, ioprio_set(2)).  Floor 1. */
#ifndef SYS_CALM_H
#define SYS_CALM_H

#include "base/base.h"

#include <stdatomic.h>

/* Run fn in such a thread and wait for its end.  A negative errno: it was not run. */
MUST_USE int calm_run(void (*fn)(void *ctx), void *ctx);

/* At times, from within: rests as long as was worked since the last time, so that half of one
 * processor is the most that is used even where nobody else wants it. */
struct calm_pace {
        int64_t since_ns; /* 0 at first */
};
void calm_rest(struct calm_pace *p, const atomic_bool *stop);

#endif
