/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "integrity/who/procs.h"
#include "integrity/who/session.h"
#include "integrity/who/session_keep.h"
#include "sys/sysclock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct procs *procs; /* stays empty */
        struct sessions_options o = { .clock = &sysclock, .events = true };
        struct span boot = SPAN("01234567-89ab-cdef-0123-456789abcdef");
        struct sessions *s = NULL;
        struct buf in = BUF_INIT(1 << 20);

        if (size < 56 || (!procs && procs_new(&procs, NULL) < 0))
                return 0;
        o.procs = procs;
        assert(sessions_new(&o, &s, NULL) == 0);
        fuzz_put_sealed(&in, span_of(data, size), 52);
        assert(sessions_take(s, boot, buf_span(&in), NULL) < 0 ||
               sessions_counts(s).remembered <= SESSIONS_MAX);
        return buf_done(&in), sessions_free(s) != NULL;
}
