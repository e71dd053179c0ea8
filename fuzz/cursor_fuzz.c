/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken is written as it was, up to members that are none of ours. */
#include "fleet/cursor.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf out = BUF_INIT(8192);
        struct cursor c, again;

        if (cursor_parse(span_of(data, size), &c, &(struct err){ 0 }) < 0)
                return 0;
        cursor_put(&c, &out);
        assert(cursor_parse(buf_span(&out), &again, NULL) == 0);
        assert(again.next == c.next && strcmp(again.origin, c.origin) == 0 &&
               again.down_since_ns == c.down_since_ns);
        return buf_done(&out), 0;
}
