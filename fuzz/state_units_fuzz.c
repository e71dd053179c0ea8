/* SPDX-License-Identifier: Apache-2.0 */
/* Unit files: a service, a drop-in of it, a timer and a link.  Whatever is in them can be told. */
#include "fuzz_state.h"
#include "state/tables.h"

#define DIR "/etc/systemd/system/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const names[] = { DIR "a@.service", DIR "a@.service.d/x.conf",
                                             DIR "a@.timer", DIR "x.wants/a@b.service" };
        struct span rest = span_of(data, size);
        struct buf b = BUF_INIT(1 << 20);
        size_t i = 0;

        bundle_begin(&b);
        while (i < 4 && fuzz_put_part(&b, names[i], i == 3 ? 0120777 : 0100644, &rest))
                i++;
        assert(fuzz_read_table(&state_services, buf_span(&b)) == 0);
        assert(fuzz_read_table(&state_timers, buf_span(&b)) == 0);
        assert(fuzz_read_table(&state_user_units, buf_span(&b)) == 0);
        return buf_done(&b), 0;
}
