/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf b = BUF_INIT(RECORD_MAX);
        struct record r;
        struct err err;

        if (record_decode(span_of(data, size), &r, &err) == 0) {
                record_encode(&r, &b); /* one spelling per state */
                assert(buf_status(&b) < 0 || span_eq(buf_span(&b), span_of(data, size)));
                assert(record_diff(&r, &r) == 0);
        }
        buf_done(&b);
        return 0;
}
