/* SPDX-License-Identifier: Apache-2.0 */
#include "base/le.h"
#include "integrity/trusted/deep_position.h"
#include "sys/crc32c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf in = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
        struct deep_position p[DEEP_LANES];
        size_t n;

        buf_put(&in, span_of(data, size));
        if (buf_status(&in) == 0 && size >= 16) /* or nothing behind it would be reached */
                le_put32(in.p + 8, crc32c(0, span_from(buf_span(&in), 12)));
        if (buf_status(&in) == 0 && deep_position_get(buf_span(&in), p, &n, NULL) == 0) {
                deep_position_put(p, n, &out); /* one spelling */
                assert(span_eq(buf_span(&in), buf_span(&out)));
        }
        buf_done(&in);
        buf_done(&out);
        return 0;
}
