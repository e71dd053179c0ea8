/* SPDX-License-Identifier: Apache-2.0 */
/* Fields are read as the first payload byte of each turn says, and written again: same bytes. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf b = BUF_INIT(2 * MSG_MAX);
        struct msg_reader r;
        enum msg_type type;
        struct err err;
        size_t begun;

        if (msg_open(span_of(data, size), &r, &type, &err) < 0)
                return 0;
        for (begun = msg_begin(&b, type); !r.failed && r.rest.n > 0;) {
                msg_put_u8(&b, msg_get_u8(&r));
                fuzz_copy_field(b.p[b.n - 1], &r, &b);
        }
        msg_end(&b, begun);
        assert(r.failed == (msg_close(&r) < 0));
        assert(r.failed || span_eq(buf_span(&b), span_of(data, size)));
        buf_done(&b);
        return 0;
}
