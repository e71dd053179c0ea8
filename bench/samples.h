/* SPDX-License-Identifier: Apache-2.0 */
/* samples.h - times measured one by one, and what bench programs print of them. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include "sys/sysclock.h"

#include <stdio.h>
#include <stdlib.h>

static inline int64_t bench_now(void)
{
        return clock_mono(&sysclock);
}

static inline int samples_compare(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* In microseconds; sorts them; n > 0. */
static inline double samples_point(int64_t *ns, size_t n, unsigned percent)
{
        qsort(ns, n, sizeof *ns, samples_compare);
        return (double)ns[n * percent / 100] / 1e3;
}

static inline void samples_print(int64_t *ns, size_t n)
{
        printf("{\"n\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", n, samples_point(ns, n, 50),
               samples_point(ns, n, 99));
}

#endif
