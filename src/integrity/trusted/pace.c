/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/pace.h"

#include <time.h>

#define AT_ONCE (50 * NS_PER_MS)  /* what may be taken ahead */
#define NAP     (100 * NS_PER_MS) /* until an end is noticed */

void pace_init(struct pace *p, const struct pace_limits *limits, const struct clock *clock)
{
        *p = (struct pace){ .limits = *limits, .clock = clock };
        pthread_mutex_init(&p->lock, NULL);
}

void pace_set(struct pace *p, const struct pace_limits *limits)
{
        p->limits = *limits;
}

void pace_done(struct pace *p)
{
        pthread_mutex_destroy(&p->lock);
}

/* Hostile sizes make long waits, not short ones. */
static int64_t cost(uint64_t n, uint64_t per_s)
{
        uint64_t s, rest;

        if (per_s == 0)
                return 0;
        s = n / per_s;
        rest = (uint64_t)((double)(n % per_s) / (double)per_s * (double)NS_PER_S);
        return s > INT64_MAX / (4 * NS_PER_S) ? INT64_MAX / 4
                                              : (int64_t)(s * (uint64_t)NS_PER_S + rest);
}

static void nap(struct pace *p, int64_t ns)
{
        struct timespec t = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

        if (p->wait)
                p->wait(p->ctx, ns);
        else
                (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

void pace_take(struct pace *p, uint64_t bytes, uint64_t files)
{
        int64_t owed, now, until;

        if (!pace_limited(&p->limits))
                return;
        owed = MAX_OF(cost(bytes, p->limits.bytes_per_s), cost(files, p->limits.files_per_s));
        pthread_mutex_lock(&p->lock);
        now = clock_mono(p->clock);
        until = MAX_OF(p->free_ns, now) + owed;
        p->free_ns = MIN_OF(until, INT64_MAX / 2);
        pthread_mutex_unlock(&p->lock);
        while ((now = clock_mono(p->clock)) < until - AT_ONCE &&
               !atomic_load_explicit(&p->ended, memory_order_relaxed))
                nap(p, MIN_OF(until - AT_ONCE - now, NAP));
}

void pace_end(struct pace *p)
{
        atomic_store_explicit(&p->ended, true, memory_order_relaxed);
}
