/* SPDX-License-Identifier: Apache-2.0 */
/* Fields are read as the first payload byte of each turn says, and written again: same bytes. */
#include "wire/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_field(unsigned which, struct msg_reader *r, struct buf *b)
{
        if (which == 0)
                msg_put_u8(b, msg_get_u8(r));
        else if (which == 1)
                msg_put_u16(b, msg_get_u16(r));
        else if (which == 2)
                msg_put_u32(b, msg_get_u32(r));
        else if (which == 3)
                msg_put_u64(b, msg_get_u64(r));
        else if (which == 4)
                msg_put_bytes8(b, msg_get_bytes8(r));
        else if (which == 5)
                msg_put_bytes16(b, msg_get_bytes16(r));
        else
                msg_put_bytes32(b, msg_get_bytes32(r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf b = BUF_INIT(2 * MSG_MAX);
        struct msg_reader r;
        enum msg_type type;
        struct err err;
        size_t begun;

        if (msg_open(span_of(data, size), &r, &type, &err) == 0) {
                begun = msg_begin(&b, type);
                while (!r.failed && r.rest.n > 0) {
                        unsigned which = msg_get_u8(&r);

                        msg_put_u8(&b, (uint8_t)which);
                        copy_field(which % 7, &r, &b);
                }
                msg_end(&b, begun);
                assert(r.failed == (msg_close(&r) < 0));
                assert(r.failed || span_eq(buf_span(&b), span_of(data, size)));
        }
        buf_done(&b);
        return 0;
}
