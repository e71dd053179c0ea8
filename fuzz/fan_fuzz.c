/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span s = span_of(data, size);
        struct fan_event ev;
        struct err err;
        int r;

        while ((r = fan_next(&s, &ev, &err)) == 1) {
                assert(ev.at.name.n <= size && ev.old.name.n <= size && ev.new.name.n <= size);
                assert(ev.child.n <= FS_HANDLE_MAX && ev.at.dir.n <= FS_HANDLE_MAX);
                assert((ev.pidfd_state == FAN_PIDFD_OPEN) == (ev.pidfd >= 0));
        }
        assert(r == 0 || r == -EBADMSG);
        return 0;
}
