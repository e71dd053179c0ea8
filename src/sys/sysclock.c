/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sysclock.h"

#include <sys/timex.h>
#include <time.h>

static int64_t now_ns(clockid_t id)
{
        struct timespec ts;
        int r = clock_gettime(id, &ts);

        assert(r == 0); /* only a bad clock id fails */
        return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t wall_ns(void *ctx)
{
        return now_ns(CLOCK_REALTIME);
}

/* CLOCK_BOOTTIME, because a suspended machine must see its heartbeats as late. */
static int64_t mono_ns(void *ctx)
{
        return now_ns(CLOCK_BOOTTIME);
}

static int64_t worked_ns(void *ctx)
{
        return now_ns(CLOCK_THREAD_CPUTIME_ID);
}

const struct clock sysclock = { .wall_ns = wall_ns, .mono_ns = mono_ns };
const struct clock sysclock_worked = { .wall_ns = wall_ns, .mono_ns = worked_ns };

int sysclock_discipline(struct clock_discipline *ret)
{
        struct timex t = { .modes = 0 };
        int state = adjtimex(&t);

        if (state < 0)
                return -errno;
        ret->synchronised = state != TIME_ERROR && !(t.status & STA_UNSYNC);
        ret->max_error_us = t.maxerror > 0 ? (uint64_t)t.maxerror : 0;
        ret->offset_us = t.status & STA_NANO ? t.offset / NS_PER_US : t.offset;
        return 0;
}
