/* SPDX-License-Identifier: Apache-2.0 */
/* durable_stamp.h - what change_latency and durable_stamp.so share: a file, mapped by both.
 *
 *   WANTED ---recorder received it---> HEARD ---a sync---> SYNCED ---it answers---> DURABLE
 */
#ifndef BENCH_DURABLE_STAMP_H
#define BENCH_DURABLE_STAMP_H

#include <stdatomic.h>
#include <stdint.h>

enum { STAMP_TEXT = 64 };
#define STAMP_ENV "ASSAY_BENCH_STAMP" /* where the file is */

enum stamp_state { STAMP_IDLE, STAMP_WANTED, STAMP_HEARD, STAMP_SYNCED, STAMP_DURABLE };

struct stamp {
        atomic_int state;             /* enum stamp_state */
        char text[STAMP_TEXT];        /* it is the entry that has this in it */
        int64_t heard_ns, durable_ns; /* CLOCK_BOOTTIME */
};

#endif
