/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/writer/runs.h"

#include "base/le.h"
#include "sys/crc32c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of writers, its checksum made right: what is taken is left as the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct runs t;
        CLEANUP(buf_done) struct buf left = BUF_INIT(RUNS_LEFT_MAX);
        CLEANUP(buf_done) struct buf again = BUF_INIT(RUNS_LEFT_MAX);

        buf_put(&left, span_of(data, size));
        le_append(&left, crc32c(0, span_of(data, size)), 4);
        if (buf_status(&left) < 0 || runs_inherit(&t, buf_span(&left), NULL) < 0)
                return 0;
        runs_leave(&t, NULL, &again);
        assert(span_eq(buf_span(&again), buf_span(&left)));
        return 0;
}
