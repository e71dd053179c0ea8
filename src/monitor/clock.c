/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the kernel takes its clock for right: one line,
 *   1 or 0, greatest error in us, "-" or "+", offset in us without its sign */
#include "monitor/builtin.h"

#include "sys/sysclock.h"

int builtin_clock(const char *root, const atomic_bool *stop, struct buf *out)
{
        struct clock_discipline d;
        int rc = sysclock_discipline(&d);

        (void)root;
        (void)stop;
        if (rc < 0)
                return -rc;
        builtin_number(out, d.synchronised);
        builtin_number(out, d.max_error_us);
        builtin_field(out, d.offset_us < 0 ? SPAN("-") : SPAN("+"));
        builtin_number(out, (uint64_t)(d.offset_us < 0 ? -d.offset_us : d.offset_us));
        builtin_end(out);
        return 0;
}
