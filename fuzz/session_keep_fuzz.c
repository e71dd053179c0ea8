/* SPDX-License-Identifier: Apache-2.0 */
#include "base/le.h"
#include "integrity/procs.h"
#include "integrity/session.h"
#include "integrity/session_keep.h"
#include "sys/crc32c.h"
#include "sys/sysclock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct procs *procs;
        struct sessions_options o = { .clock = &sysclock, .events = true };
        struct sessions *s = NULL;
        struct span boot = SPAN("01234567-89ab-cdef-0123-456789abcdef");
        struct buf in = BUF_INIT(1 << 20);

        if (size < 56 || (!procs && procs_new(&procs, NULL) < 0))
                return 0;
        o.procs = procs; /* stays empty */
        assert(sessions_new(&o, &s, NULL) == 0);
        buf_put(&in, span_of(data, size));
        le_put32(in.p + 52, crc32c(crc32c(0, span_of(in.p, 52)), span_from(buf_span(&in), 56)));
        assert(sessions_take(s, boot, buf_span(&in), NULL) < 0 ||
               sessions_counts(s).remembered <= SESSIONS_MAX);
        buf_done(&in);
        return sessions_free(s) != NULL;
}
