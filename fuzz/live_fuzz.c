/* SPDX-License-Identifier: Apache-2.0 */
#include "package/registry/live.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted is written again byte for byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(buf_done) struct buf again = BUF_INIT(LIVE_TEXT_MAX);
        struct live_api apis[LIVE_APIS_MAX];
        uint64_t generation;
        uint32_t n;

        if (live_read(span_of(data, size), &generation, apis, &n, NULL))
                return 0;
        assert(live_put(&again, generation, apis, n, NULL) == 0);
        assert(span_eq(buf_span(&again), span_of(data, size)));
        return 0;
}
