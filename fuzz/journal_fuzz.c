/* SPDX-License-Identifier: Apache-2.0 */
/* The input is the bodies of records: framing and checksum are put round each, or the fuzzer would
 * never get past them. */
#include "fuzz.h"
#include "integrity/trusted/journal.h"
#include "sys/crc32c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf b = BUF_INIT(1 << 20);
        struct journal_record r;
        struct span rest;
        struct table *t;
        uint32_t head[2] = { (uint32_t)size, crc32c(0, span_of(data, size)) };

        if (table_new(&t, NULL) < 0)
                return 0;
        buf_put(&b, span_of(head, sizeof head));
        buf_put(&b, span_of(data, size));
        rest = buf_span(&b);
        while (buf_status(&b) == 0 && journal_next(&rest, &r) > 0 && journal_apply(t, r.ops) == 0)
                table_assert_valid(t);
        return table_free(t), buf_done(&b), 0;
}
