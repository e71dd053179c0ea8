/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/writer/runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A state that is taken is saved as the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct runs t;
        CLEANUP(buf_done) struct buf again = BUF_INIT(RUNS_STATE_MAX);
        uint64_t index;

        if (runs_load(&t, span_of(data, size), NULL) < 0)
                return 0;
        runs_save(&t, &again);
        assert(span_eq(buf_span(&again), span_of(data, size)));
        for (size_t i = 0; i < LEDGER_RUNS_MAX; i++)
                if (t.slot[i].n)
                        assert(runs_index(&t, t.slot[i].run, t.slot[i].last_seq, &index) == 0);
        return 0;
}
