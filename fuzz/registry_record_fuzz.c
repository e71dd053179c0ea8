/* SPDX-License-Identifier: Apache-2.0 */
/* What was read is written in one way, which is read as the same. */
#include "fuzz.h"
#include "package/registry/registry_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(buf_done) struct buf once = BUF_INIT(4 * REGISTRY_RECORD_MAX);
        CLEANUP(buf_done) struct buf twice = BUF_INIT(4 * REGISTRY_RECORD_MAX);
        static struct registry_record r;

        if (size > REGISTRY_RECORD_MAX || registry_record_read(span_of(data, size), &r, NULL))
                return 0;
        registry_record_put(&r, &once);
        assert(buf_status(&once) == 0 && registry_record_read(buf_span(&once), &r, NULL) == 0);
        registry_record_put(&r, &twice);
        assert(span_eq(buf_span(&once), buf_span(&twice)));
        return 0;
}
