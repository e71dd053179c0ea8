/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "integrity/restoring/restore_places.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct restore_places *s = NULL;
        struct buf in = BUF_INIT(1 << 20);
        size_t whole = 0;

        buf_put(&in, span_of(data, size));
        for (size_t at = 0; buf_status(&in) == 0 && at + 8 <= in.n;) { /* or nothing would check */
                size_t n = MIN_OF(le_get32(in.p + at), in.n - at - 8);

                le_put32(in.p + at, (uint32_t)n);
                le_put32(in.p + at + 4, crc32c(0, span_of(in.p + at + 8, n)));
                at += 8 + n;
        }
        if (buf_status(&in) == 0 && restore_places_new(&s, NULL) == 0)
                assert(restore_log_read(buf_span(&in), s, &whole) < 0 || whole <= in.n);
        restore_places_free(s);
        buf_done(&in);
        return 0;
}
