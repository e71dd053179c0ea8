/* SPDX-License-Identifier: Apache-2.0 */
/* pace.h - a ceiling on how fast files are read, shared by the threads that read.  Floor 3.
 *
 * What is taken moves a moment forward at which the next may go on; whoever comes before it waits.
 * A little may be taken at once, so that small files do not wait one by one. */
#ifndef INTEGRITY_PACE_H
#define INTEGRITY_PACE_H

#include "base/base.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>

struct pace_limits {
        uint64_t bytes_per_s; /* 0: none */
        uint64_t files_per_s; /* 0: none */
};

static inline bool pace_limited(const struct pace_limits *l)
{
        return l->bytes_per_s || l->files_per_s;
}

struct pace {
        struct pace_limits limits;
        const struct clock *clock;
        void (*wait)(void *ctx, int64_t ns); /* NULL: sleep */
        void *ctx;
        pthread_mutex_t lock;
        int64_t free_ns; /* monotonic: from here on nothing is owed */
        atomic_bool ended;
};

void pace_init(struct pace *p, const struct pace_limits *limits, const struct clock *clock);
void pace_done(struct pace *p);
/* While nobody takes anything. */
void pace_set(struct pace *p, const struct pace_limits *limits);

/* In any thread: count it, and wait until that much was allowed. */
void pace_take(struct pace *p, uint64_t bytes, uint64_t files);

/* Nobody waits any more. */
void pace_end(struct pace *p);

#endif
