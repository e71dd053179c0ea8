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

/* Sorts them; n > 0. */
static inline void samples_print(int64_t *ns, size_t n)
{
        qsort(ns, n, sizeof *ns, samples_compare);
        printf("{\"n\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", n, (double)ns[n / 2] / 1e3,
               (double)ns[n * 99 / 100] / 1e3);
}

#endif
