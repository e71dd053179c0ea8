/* SPDX-License-Identifier: Apache-2.0 */
/* Which day it is, in days since 1970, UTC: for tables that time alone changes. */
#include "monitor/builtin.h"

#include "base/clock.h"
#include "sys/sysclock.h"

enum { DAY_S = 86400 };

int builtin_day(const char *root, const atomic_bool *stop, struct buf *out)
{
        (void)root, (void)stop;
        builtin_number(out, (uint64_t)(clock_wall(&sysclock) / (DAY_S * NS_PER_S)));
        builtin_end(out);
        return 0;
}
